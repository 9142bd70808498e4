-- From addresses to rows: compare what the catalog has with the working index, and write down the difference.
--
-- Nobody waits here. Whoever records an object first locks its row in the index, or else, where another
-- session holds it, leaves a note in pggit.unsettled and goes on. The catalog is read after the lock, so that
-- what is written is never older than what it replaces. In a transaction whose snapshot stands still
-- (REPEATABLE READ, SERIALIZABLE) the catalog cannot be read as it is, so there everything is noted.

CREATE TYPE pggit.command AS (
    tag text,
    change text,
    made_at timestamptz,
    session_role text,
    set_role text,
    application_name text,
    client_addr inet,
    backend_pid integer,
    transaction_id xid8
);
COMMENT ON TYPE pggit.command IS
'Who did what and when, as history keeps it. change is the change_type of an object that was there before and after.';

CREATE FUNCTION pggit.this_command(tag text, change text) RETURNS pggit.command
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(tag, change, clock_timestamp(), session_user, nullif(current_setting('role'), 'none'),
               nullif(current_setting('application_name'), ''), inet_client_addr(), pg_backend_pid(),
               pg_current_xact_id())::pggit.command;
END
$$;
COMMENT ON FUNCTION pggit.this_command(text, text) IS 'The command that runs now.';

CREATE FUNCTION pggit.defer(doing pggit.command, classids oid[], objids oid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.unsettled (classids, objids, command_tag, change, created_at, session_role, set_role,
                                 application_name, client_addr, backend_pid, transaction_id)
    VALUES (classids, objids, doing.tag, doing.change, doing.made_at, doing.session_role, doing.set_role,
            doing.application_name, doing.client_addr, doing.backend_pid, doing.transaction_id);
END
$$;
COMMENT ON FUNCTION pggit.defer(pggit.command, oid[], oid[]) IS 'Leaves addresses, or null for all, to settle().';

CREATE FUNCTION pggit.append_history(
    doing pggit.command, change_type text, object_id bigint, object_type text, new_identity text, old_identity text,
    old_blob text, new_blob text, old_order text[], new_order text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.history (
        object_id, change_type, created_at, command_tag, object_type, identity, old_identity,
        old_blob, new_blob, old_column_order, new_column_order,
        session_role, set_role, application_name, client_addr, backend_pid, transaction_id)
    VALUES (
        object_id, change_type, doing.made_at, doing.tag, object_type, new_identity, old_identity,
        old_blob, new_blob, old_order, new_order,
        doing.session_role, doing.set_role, doing.application_name, doing.client_addr, doing.backend_pid, doing.transaction_id);
    IF old_identity <> new_identity THEN
        INSERT INTO pggit.uncommitted (object_type, identity)
        VALUES (object_type, old_identity), (object_type, new_identity);
    ELSE
        INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, new_identity);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.append_history(pggit.command, text, bigint, text, text, text, text, text, text[], text[]) IS
'One row of the audit trail.';

CREATE FUNCTION pggit.record_drop(dropped bigint, doing pggit.command) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o pggit.objects;
BEGIN
    UPDATE pggit.objects SET is_active = false, updated_at = clock_timestamp()
    WHERE id = dropped AND is_active RETURNING * INTO o;
    DELETE FROM pggit.object_oids WHERE object_id = dropped;
    IF o.id IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, CASE WHEN doing.change = 'RESCAN' OR doing.change = 'GRANT' AND o.object_type = 'DEFAULT PRIVILEGES'
                THEN doing.change ELSE 'DROP' END,
            o.id, o.object_type, o.identity, NULL, o.blob, NULL, o.column_order, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_drop(bigint, pggit.command) IS 'Takes an object out of the index, with its row of history.';

CREATE FUNCTION pggit.record_present(entry pggit.catalog_entry, known bigint, doing pggit.command) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_blob text := pggit.blob_hash(entry.object_type, entry.identity, entry.definition);
    new_key text := pggit.tree_key(entry.object_type, entry.identity);
    o pggit.objects;
    other pggit.objects;
    was_there boolean;
    kind text;
    new_id bigint;
BEGIN
    SELECT * INTO o FROM pggit.objects WHERE id = known;
    IF o.id IS NULL OR NOT o.is_active OR o.tree_key <> new_key THEN
        SELECT * INTO other FROM pggit.objects WHERE is_active AND tree_key = new_key;
        IF o.is_active AND other.id IS NOT NULL AND NOT other.is_manual THEN
            -- Only one object can have this identity, and it is not the one the index gives it to.
            PERFORM pggit.record_drop(other.id, doing);
        ELSIF o.is_active AND other.id IS NOT NULL THEN
            UPDATE pggit.objects SET is_active = false WHERE id = other.id;
        ELSIF o.is_active IS NOT TRUE AND other.id IS NOT NULL THEN
            o := other;  -- the same object under a new OID, or one announced by hand
            DELETE FROM pggit.object_oids WHERE object_id = o.id;
        ELSIF o.is_active IS NOT TRUE THEN
            SELECT * INTO o FROM pggit.objects WHERE NOT is_active AND tree_key = new_key ORDER BY id DESC LIMIT 1;
        END IF;
    END IF;

    was_there := o.is_active IS TRUE AND NOT o.is_manual;
    kind := CASE
        WHEN was_there AND o.blob = new_blob AND o.column_order IS NOT DISTINCT FROM entry.column_order THEN NULL
        WHEN doing.change = 'RESCAN' OR doing.change = 'GRANT' AND entry.object_type = 'DEFAULT PRIVILEGES' THEN doing.change
        -- GRANT and COMMENT make nothing: what they meet first had been made unseen.
        WHEN NOT was_there THEN CASE WHEN doing.change IN ('GRANT', 'COMMENT') THEN 'RESCAN' ELSE 'CREATE' END
        WHEN o.identity <> entry.identity THEN 'RENAME'
        ELSE doing.change END;

    IF kind IS NOT NULL THEN
        INSERT INTO pggit.blobs (hash, object_type, identity, definition)
        VALUES (new_blob, entry.object_type, entry.identity, entry.definition)
        ON CONFLICT DO NOTHING;
    END IF;
    IF o.id IS NULL THEN
        INSERT INTO pggit.objects (schema_name, object_name, object_type, identity, blob, column_order)
        VALUES (entry.schema_name, entry.object_name, entry.object_type, entry.identity, new_blob, entry.column_order)
        RETURNING id INTO new_id;
    ELSIF kind IS NOT NULL THEN
        UPDATE pggit.objects
        SET schema_name = entry.schema_name, object_name = entry.object_name, object_type = entry.object_type,
            identity = entry.identity, is_active = true, is_manual = false, blob = new_blob,
            column_order = entry.column_order, updated_at = clock_timestamp()
        WHERE id = o.id;
    END IF;

    INSERT INTO pggit.object_oids AS x (classid, objid, relid, object_id)
    VALUES (entry.classid, entry.objid, entry.relid, coalesce(o.id, new_id))
    ON CONFLICT (objid, classid) DO UPDATE SET relid = excluded.relid, object_id = excluded.object_id
        WHERE x.object_id <> excluded.object_id OR x.relid IS DISTINCT FROM excluded.relid;

    IF kind IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, kind, coalesce(o.id, new_id), entry.object_type, entry.identity,
            CASE WHEN was_there AND o.identity <> entry.identity THEN o.identity END,
            CASE WHEN was_there THEN o.blob END, new_blob,
            CASE WHEN was_there THEN o.column_order END, entry.column_order);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_present(pggit.catalog_entry, bigint, pggit.command) IS
'Brings one object of the index up to what the catalog has, with its row of history if anything differs. known is the id that its OID stands for.';

CREATE FUNCTION pggit.lock_addresses(INOUT classids oid[], INOUT objids oid[], IN doing pggit.command)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted bigint[];
    held bigint[];
    busy bigint[];
BEGIN
    SELECT array_agg(x.object_id) INTO wanted
    FROM unnest(classids, objids) AS a (classid, objid)
    JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid;
    held := ARRAY(SELECT o.id FROM pggit.objects o WHERE o.id = ANY (wanted) FOR NO KEY UPDATE SKIP LOCKED);
    IF cardinality(held) < cardinality(wanted) THEN
        busy := ARRAY(SELECT w FROM unnest(wanted) w WHERE w <> ALL (held));
        PERFORM pggit.defer(doing, array_agg(x.classid), array_agg(x.objid))
        FROM pggit.object_oids x WHERE x.object_id = ANY (busy);
        SELECT array_agg(a.classid), array_agg(a.objid) INTO classids, objids
        FROM unnest(classids, objids) AS a (classid, objid)
        LEFT JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid AND x.object_id = ANY (busy)
        WHERE x.object_id IS NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.lock_addresses(oid[], oid[], pggit.command) IS
'Locks the index''s rows of the given addresses and returns those that no other session holds; the others are deferred.';

CREATE FUNCTION pggit.record_addresses(classids oid[], objids oid[], doing pggit.command) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual pggit.catalog_entry[];
    next_classids oid[] := classids;
    next_objids oid[] := objids;
    -- what mentions a name that is no more; what may be worded anew because of a new column
    renamed_classids oid[];
    renamed_objids oid[];
    grown_classids oid[];
    grown_objids oid[];
    seen text[] := '{}';
    changed integer := 0;
    r record;
BEGIN
    LOOP
        SELECT p.classids, p.objids INTO next_classids, next_objids
        FROM pggit.with_table_parts(next_classids, next_objids) p;
        SELECT l.classids, l.objids INTO next_classids, next_objids
        FROM pggit.lock_addresses(next_classids, next_objids, doing) l;
        actual := ARRAY(SELECT e FROM pggit.read_catalog(next_classids, next_objids) e);
        seen := seen || ARRAY(SELECT n.c || '/' || n.o FROM unnest(next_classids, next_objids) AS n (c, o));
        renamed_classids := NULL;
        renamed_objids := NULL;
        grown_classids := NULL;
        grown_objids := NULL;
        -- Drops first, so that a name which went from one object to another is free.
        FOR r IN
            SELECT o.id
            FROM unnest(next_classids, next_objids) AS a (classid, objid)
            JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid
            JOIN pggit.objects o ON o.id = x.object_id AND o.is_active
            LEFT JOIN (SELECT e.classid, e.objid FROM unnest(actual) e) e ON e.classid = a.classid AND e.objid = a.objid
            LEFT JOIN (SELECT e.identity, e.object_type FROM unnest(actual) e) same
                ON same.identity = o.identity AND same.object_type = o.object_type
            WHERE e.objid IS NULL AND same.identity IS NULL
            ORDER BY o.id
        LOOP
            PERFORM pggit.record_drop(r.id, doing);
            changed := changed + 1;
        END LOOP;
        FOR r IN
            SELECT e AS entry, o.id AS known, o.blob AS old_blob, h.hash AS new_blob,
                o.blob IS DISTINCT FROM h.hash OR o.column_order IS DISTINCT FROM e.column_order AS differs,
                o.identity <> e.identity OR NOT e.column_order @> o.column_order
                    OR o.blob <> h.hash AND e.object_type IN ('TYPE', 'DOMAIN') AS renamed,
                NOT e.column_order <@ o.column_order AS grown
            FROM unnest(actual) e
            CROSS JOIN LATERAL (SELECT pggit.blob_hash(e.object_type, e.identity, e.definition) AS hash) h
            LEFT JOIN pggit.object_oids x ON x.classid = e.classid AND x.objid = e.objid
            LEFT JOIN pggit.objects o ON o.id = x.object_id
            WHERE o.id IS NULL OR NOT o.is_active OR o.is_manual OR o.blob IS DISTINCT FROM h.hash
               OR o.column_order IS DISTINCT FROM e.column_order OR x.relid IS DISTINCT FROM e.relid
            ORDER BY x.object_id, e.classid, e.objid
        LOOP
            PERFORM pggit.record_present(r.entry, r.known, doing);
            changed := changed + r.differs::integer;
            IF r.renamed OR pggit.lost_a_constraint(r.old_blob, r.new_blob) THEN
                renamed_classids := renamed_classids || (r.entry).classid;
                renamed_objids := renamed_objids || (r.entry).objid;
            ELSIF r.grown THEN
                grown_classids := grown_classids || (r.entry).classid;
                grown_objids := grown_objids || (r.entry).objid;
            END IF;
        END LOOP;
        EXIT WHEN renamed_classids IS NULL AND grown_objids IS NULL;
        -- Look at all that mention a name, once each.
        SELECT array_agg(n.c), array_agg(n.o) INTO next_classids, next_objids
        FROM (
            SELECT u.c, u.o FROM pggit.dependents(renamed_classids, renamed_objids) d
            CROSS JOIN LATERAL unnest(d.classids, d.objids) AS u (c, o)
            UNION
            SELECT u.c, u.o FROM pggit.dependents(
                grown_classids, grown_objids, ARRAY['pg_rewrite'::regclass, 'pg_proc'::regclass]::oid[]) d
            CROSS JOIN LATERAL unnest(d.classids, d.objids) AS u (c, o)
        ) n
        WHERE NOT (n.c || '/' || n.o) = ANY (seen);
        EXIT WHEN next_classids IS NULL;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_addresses(oid[], oid[], pggit.command) IS
'Records what differs at the given addresses, at the parts of the tables among them, and at whatever mentions a name that changed. Returns the number of changed objects.';

CREATE FUNCTION pggit.lost_a_constraint(old_blob text, new_blob text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN old_blob <> new_blob AND EXISTS (
        SELECT FROM jsonb_object_keys((
            SELECT coalesce(b.definition -> 'constraints', '{}') FROM pggit.blobs b WHERE b.hash = old_blob)) AS k (name)
        WHERE NOT (SELECT coalesce(b.definition -> 'constraints', '{}') FROM pggit.blobs b WHERE b.hash = new_blob) ? k.name);
END
$$;
COMMENT ON FUNCTION pggit.lost_a_constraint(text, text) IS
'Whether a constraint''s name is gone: ON CONFLICT ON CONSTRAINT, in a rule or a function, may mention it.';

CREATE FUNCTION pggit.record_everything(doing pggit.command) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_classids oid[];
    found_objids oid[];
    changed integer;
    ghost bigint;
BEGIN
    -- what is there, and what the index still has and the catalog has no more
    SELECT array_agg(u.c), array_agg(u.o) INTO found_classids, found_objids
    FROM (
        SELECT u.c, u.o FROM pggit.all_addresses() a CROSS JOIN LATERAL unnest(a.classids, a.objids) AS u (c, o)
        UNION SELECT x.classid, x.objid FROM pggit.object_oids x
    ) u;
    changed := pggit.record_addresses(found_classids, found_objids, doing);
    -- and what it has without knowing where, since it was gone already when a restore was taken over
    FOR ghost IN
        SELECT o.id FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual
          AND NOT EXISTS (SELECT FROM pggit.object_oids x WHERE x.object_id = o.id)
        ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM pggit.record_drop(ghost, doing);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_everything(pggit.command) IS
'Compares the whole catalog with the index and records what differs. Returns the number of changed objects.';

CREATE FUNCTION pggit.record_command(doing pggit.command, classids oid[], objids oid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_classids oid[] := classids;
    found_objids oid[] := objids;
    strange_classids oid[];
    strange_objids oid[];
BEGIN
    IF doing.tag = 'ALTER SCHEMA' AND EXISTS (
        SELECT FROM pg_namespace n
        LEFT JOIN pggit.object_oids x ON x.classid = 'pg_namespace'::regclass AND x.objid = n.oid
        LEFT JOIN pggit.objects o ON o.id = x.object_id
        WHERE n.oid = ANY (objids) AND o.object_name IS DISTINCT FROM n.nspname)
    THEN
        found_classids := NULL;  -- every name in it changed
    END IF;
    IF found_classids IS NULL THEN
        PERFORM pggit.record_everything(doing);
        RETURN;
    END IF;

    IF doing.tag = 'ALTER INDEX' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event: look for the old one.
        SELECT found_classids || array_agg(x.classid), found_objids || array_agg(x.objid)
        INTO found_classids, found_objids
        FROM pg_index i JOIN pggit.object_oids x ON x.relid = i.indrelid
        WHERE i.indexrelid = ANY (objids) AND x.classid = 'pg_class'::regclass
          AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = x.objid);
    ELSIF doing.tag = 'ALTER DEFAULT PRIVILEGES' THEN
        -- It can make a row vanish.
        SELECT found_classids || array_agg(x.classid), found_objids || array_agg(x.objid)
        INTO found_classids, found_objids
        FROM pggit.object_oids x WHERE x.classid = 'pg_default_acl'::regclass;
    ELSIF 'pg_class'::regclass = ANY (found_classids) THEN
        -- A table may name an index, for CLUSTER or as replica identity, that was dropped.
        SELECT found_classids || array_agg(x.classid), found_objids || array_agg(x.relid)
        INTO found_classids, found_objids
        FROM unnest(classids, objids) AS a (classid, objid)
        JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid AND x.relid IS NOT NULL
        WHERE a.classid = 'pg_class'::regclass AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = a.objid);
    END IF;

    IF starts_with(doing.tag, 'ALTER ') THEN
        -- What is not versioned, or belongs to an extension, may have a name that others' definitions mention.
        SELECT array_agg(a.classid), array_agg(a.objid) INTO strange_classids, strange_objids
        FROM unnest(classids, objids) AS a (classid, objid)
        LEFT JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid
        WHERE x.object_id IS NULL;
        IF strange_classids IS NOT NULL THEN
            SELECT found_classids || d.classids, found_objids || d.objids INTO found_classids, found_objids
            FROM pggit.dependents(strange_classids, strange_objids) d;
        END IF;
    END IF;
    SELECT h.classids, h.objids INTO found_classids, found_objids
    FROM pggit.home_addresses(found_classids, found_objids) h;
    PERFORM pggit.record_addresses(found_classids, found_objids, doing);
END
$$;
COMMENT ON FUNCTION pggit.record_command(pggit.command, oid[], oid[]) IS
'Records what a command did, given what PostgreSQL reported of it; null addresses stand for everything.';

CREATE FUNCTION pggit.is_adopted() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here bigint := (SELECT c.system_identifier FROM pg_control_system() c);
    here_major text := current_setting('server_version_num')::integer / 10000;
BEGIN
    RETURN EXISTS (SELECT FROM pggit.oid_origin g WHERE g.system_identifier = here AND g.major = here_major);
END
$$;
COMMENT ON FUNCTION pggit.is_adopted() IS 'Whether pggit.object_oids belongs to this cluster.';

CREATE FUNCTION pggit.sees_the_present() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
       AND current_setting('transaction_read_only') = 'off';
END
$$;
COMMENT ON FUNCTION pggit.sees_the_present() IS
'Whether this transaction may write, and each of its statements sees what others have committed by then.';

CREATE FUNCTION pggit.can_record_now() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.sees_the_present() AND pggit.is_adopted();
END
$$;
COMMENT ON FUNCTION pggit.can_record_now() IS
'Whether this transaction sees the catalog as it is and may write; else what it does is deferred.';

CREATE FUNCTION pggit.put_setting(setting text, new_value text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.settings AS s (name, value, set_by, set_at)
    VALUES (setting, new_value, session_user, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_by = excluded.set_by, set_at = excluded.set_at
        WHERE s.value <> excluded.value;
END
$$;
COMMENT ON FUNCTION pggit.put_setting(text, text) IS 'Writes one row of pggit.settings.';

CREATE FUNCTION pggit.adopt_cluster() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here_major text := current_setting('server_version_num')::integer / 10000;
    found_classids oid[];
    found_objids oid[];
BEGIN
    IF NOT pggit.sees_the_present() THEN
        RETURN;
    END IF;
    -- Rare: the first command after a restore or pg_upgrade. One session does it; what others do meanwhile is deferred.
    LOCK TABLE pggit.oid_origin IN SHARE ROW EXCLUSIVE MODE NOWAIT;
    IF pggit.is_adopted() THEN
        RETURN;
    END IF;
    DELETE FROM pggit.object_oids;
    -- Notes that pg_upgrade carried over hold another cluster's OIDs: null stands for everything.
    UPDATE pggit.unsettled SET classids = NULL, objids = NULL;
    SELECT a.classids, a.objids INTO found_classids, found_objids FROM pggit.all_addresses() a;
    INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
    SELECT e.classid, e.objid, e.relid, o.id
    FROM pggit.read_catalog(found_classids, found_objids) e
    JOIN pggit.objects o ON o.is_active AND o.tree_key = pggit.tree_key(e.object_type, e.identity);
    DELETE FROM pggit.oid_origin;
    INSERT INTO pggit.oid_origin (system_identifier, major)
    SELECT c.system_identifier, here_major FROM pg_control_system() c;
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'canonical_major' AND s.value <> here_major) THEN
        -- Another major may write the same definition in other words: read all anew.
        PERFORM pggit.record_everything(pggit.this_command('pg_upgrade', 'RESCAN'));
    END IF;
    PERFORM pggit.put_setting('canonical_major', here_major);
EXCEPTION WHEN lock_not_available THEN
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.adopt_cluster() IS
'Finds every tracked object again after a restore or pg_upgrade, before the first command there changes any.';

CREATE FUNCTION pggit.settle() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET lock_timeout = '20ms' AS $$
DECLARE
    due pggit.unsettled;
    doing pggit.command;
    settled integer := 0;
    trouble text;
BEGIN
    IF NOT pggit.sees_the_present() THEN
        -- Not even a look into the table: in SERIALIZABLE that alone would conflict with others' notes.
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM pggit.unsettled) THEN
        RETURN 0;
    END IF;
    IF NOT pggit.is_adopted() THEN
        PERFORM pggit.adopt_cluster();
    END IF;
    IF NOT pggit.can_record_now() THEN
        RETURN 0;
    END IF;
    FOR due IN
        WITH taken AS (
            DELETE FROM pggit.unsettled u
            WHERE u.id IN (SELECT w.id FROM pggit.unsettled w ORDER BY w.id FOR UPDATE SKIP LOCKED) RETURNING u.*)
        SELECT * FROM taken ORDER BY id
    LOOP
        doing := ROW(due.command_tag, due.change, due.created_at, due.session_role, due.set_role,
                     due.application_name, due.client_addr, due.backend_pid, due.transaction_id)::pggit.command;
        BEGIN
            PERFORM pggit.record_command(doing, due.classids, due.objids);
            settled := settled + 1;
        EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pggit.defer(doing, due.classids, due.objids);
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
            PERFORM pggit.note_tracking_error(due.command_tag, SQLSTATE, SQLERRM, trouble);
        END;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION pggit.settle() IS
'Records what had to be deferred, in the name of those who did it. Returns how many commands'' rests were taken up.';
