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
    transaction_id xid8,
    duration_ms numeric,
    performance_impact text
);
COMMENT ON TYPE pggit.command IS
'Who did what and when, as history keeps it. change is the change_type of an object that was there before and after.';

CREATE FUNCTION pggit.this_command(tag text, change text, took_ms numeric DEFAULT NULL) RETURNS pggit.command
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(tag, change, clock_timestamp(), session_user, nullif(current_setting('role'), 'none'),
               nullif(current_setting('application_name'), ''), inet_client_addr(), pg_backend_pid(),
               pg_current_xact_id(), took_ms, pggit.performance_impact(took_ms))::pggit.command;
END
$$;
COMMENT ON FUNCTION pggit.this_command(text, text, numeric) IS 'The command that runs now, and how long it took.';

CREATE FUNCTION pggit.defer(doing pggit.command, addresses pggit.address[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.unsettled (addresses, command_tag, change, created_at, session_role, set_role,
                                 application_name, client_addr, backend_pid, transaction_id, duration_ms, performance_impact)
    VALUES (addresses, doing.tag, doing.change, doing.made_at, doing.session_role, doing.set_role, doing.application_name,
            doing.client_addr, doing.backend_pid, doing.transaction_id, doing.duration_ms, doing.performance_impact);
END
$$;
COMMENT ON FUNCTION pggit.defer(pggit.command, pggit.address[]) IS 'Leaves addresses, or null for all, to settle().';

CREATE FUNCTION pggit.append_history(
    doing pggit.command, change_type text, object_id bigint, object_type text, new_identity text, old_identity text,
    old_blob text, new_blob text, old_order text[], new_order text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH past AS (
        INSERT INTO pggit.history (
            object_id, change_type, created_at, command_tag, object_type, identity, old_identity,
            old_blob, new_blob, old_column_order, new_column_order,
            session_role, set_role, application_name, client_addr, backend_pid, transaction_id, duration_ms, performance_impact)
        VALUES (
            object_id, change_type, doing.made_at, doing.tag, object_type, new_identity, old_identity,
            old_blob, new_blob, old_order, new_order,
            doing.session_role, doing.set_role, doing.application_name, doing.client_addr, doing.backend_pid, doing.transaction_id,
            doing.duration_ms, doing.performance_impact)
    ), tally AS (
        INSERT INTO pggit.tallies (counter, label, minute, amount, total)
        VALUES ('change', change_type, date_trunc('minute', doing.made_at), 1, 0)
    )
    INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, new_identity);
    IF old_identity <> new_identity THEN
        INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, old_identity);
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
    WITH place AS (DELETE FROM pggit.object_oids WHERE object_id = dropped)
    UPDATE pggit.objects SET is_active = false, updated_at = clock_timestamp()
    WHERE id = dropped AND is_active RETURNING * INTO o;
    IF o.id IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, CASE WHEN doing.change = 'RESCAN' OR doing.change = 'GRANT' AND o.object_type = 'DEFAULT PRIVILEGES'
                THEN doing.change ELSE 'DROP' END,
            o.id, o.object_type, o.identity, NULL, o.blob, NULL, o.column_order, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_drop(bigint, pggit.command) IS 'Takes an object out of the index, with its row of history.';

CREATE FUNCTION pggit.record_present(
    entry pggit.catalog_entry, new_blob text, known pggit.objects, known_relid oid, doing pggit.command)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_key text;
    o pggit.objects := known;
    other pggit.objects;
    was_there boolean;
    kind text;
    object_id bigint;
BEGIN
    IF o.is_active AND o.identity = entry.identity AND o.object_type = entry.object_type THEN
        new_key := o.tree_key;
    ELSE
        new_key := pggit.tree_key(entry.object_type, entry.identity);
        SELECT * INTO other FROM (
            SELECT a.* FROM pggit.objects a WHERE a.is_active AND a.tree_key = new_key
            UNION ALL
            (SELECT z.* FROM pggit.objects z WHERE NOT z.is_active AND z.tree_key = new_key ORDER BY z.id DESC LIMIT 1)
        ) x LIMIT 1;
        IF NOT other.is_active THEN
            IF o.is_active IS NOT TRUE THEN
                o := other;
            END IF;
        ELSIF o.is_active AND other.id IS NOT NULL AND NOT other.is_manual THEN
            -- Only one object can have this identity, and it is not the one the index gives it to.
            PERFORM pggit.record_drop(other.id, doing);
        ELSIF o.is_active AND other.id IS NOT NULL THEN
            UPDATE pggit.objects SET is_active = false WHERE id = other.id;
        ELSIF o.is_active IS NOT TRUE AND other.id IS NOT NULL THEN
            o := other;  -- the same object under a new OID, or one announced by hand
            DELETE FROM pggit.object_oids x WHERE x.object_id = o.id;
        ELSIF o.is_active IS NOT TRUE THEN
            o := other;  -- none at all
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
    object_id := coalesce(o.id, nextval('pggit.objects_id_seq'));
    IF o.id IS NULL THEN
        INSERT INTO pggit.objects (id, schema_name, object_name, object_type, identity, blob, column_order)
        VALUES (object_id, entry.schema_name, entry.object_name, entry.object_type, entry.identity, new_blob, entry.column_order);
    ELSIF kind IS NOT NULL AND was_there AND o.tree_key = new_key THEN
        -- the same names, from which PostgreSQL would work out tree_key again
        UPDATE pggit.objects SET blob = new_blob, column_order = entry.column_order, updated_at = clock_timestamp()
        WHERE id = o.id;
    ELSIF kind IS NOT NULL THEN
        UPDATE pggit.objects
        SET schema_name = entry.schema_name, object_name = entry.object_name, object_type = entry.object_type,
            identity = entry.identity, is_active = true, is_manual = false, blob = new_blob,
            column_order = entry.column_order, updated_at = clock_timestamp()
        WHERE id = o.id;
    END IF;

    IF known.id IS DISTINCT FROM object_id OR known_relid IS DISTINCT FROM entry.relid THEN
        INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
        VALUES (entry.classid, entry.objid, entry.relid, object_id)
        ON CONFLICT ON CONSTRAINT object_oids_pkey DO UPDATE SET relid = excluded.relid, object_id = excluded.object_id;
    END IF;

    IF kind IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, kind, object_id, entry.object_type, entry.identity,
            CASE WHEN was_there AND o.identity <> entry.identity THEN o.identity END,
            CASE WHEN was_there THEN o.blob END, new_blob,
            CASE WHEN was_there THEN o.column_order END, entry.column_order);
    END IF;
    RETURN kind IS NOT NULL;
END
$$;
COMMENT ON FUNCTION pggit.record_present(pggit.catalog_entry, text, pggit.objects, oid, pggit.command) IS
'Brings one object of the index up to what the catalog has, with its row of history if anything differs, and returns whether it did. known is the row that its OID stands for, and known_relid the table that was noted with it.';

CREATE FUNCTION pggit.record_addresses(
    addresses pggit.address[], doing pggit.command, are_all boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next_addresses pggit.address[] := addresses;
    scope jsonb := pggit.tracking_scope();
    a pggit.address;
    x record;
    o pggit.objects;
    nothing pggit.objects;
    entry pggit.catalog_entry;
    new_blob text;
    -- what is there and differs, side by side: as it is, its hash, what the index has, the table it hung on
    entries pggit.catalog_entry[] := '{}';
    new_blobs text[] := '{}';
    known pggit.objects[] := '{}';
    relids oid[] := '{}';
    lost bigint[] := '{}';
    gone bigint;
    -- tables that may name an index, for CLUSTER or as replica identity, that is gone
    bereft pggit.address[] := '{}';
    -- what mentions a name that is no more; what may be worded anew because of a new column
    renamed pggit.address[] := '{}';
    grown pggit.address[] := '{}';
    seen pggit.address[] := '{}';
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    is_recorded boolean;
    changed integer := 0;
BEGIN
    LOOP
        IF NOT are_all THEN
            next_addresses := pggit.with_table_parts(next_addresses);
        END IF;
        IF cardinality(next_addresses) > 1 THEN
            next_addresses := ARRAY(
                SELECT ROW(n.classid, n.objid)::pggit.address FROM unnest(next_addresses) n
                LEFT JOIN pggit.object_oids oids ON oids.classid = n.classid AND oids.objid = n.objid
                ORDER BY oids.object_id, n.classid, n.objid);
        END IF;
        seen := seen || next_addresses;
        FOREACH a IN ARRAY next_addresses LOOP
            SELECT oids.object_id, oids.relid INTO x FROM pggit.object_oids oids
            WHERE oids.classid = a.classid AND oids.objid = a.objid;
            IF x.object_id IS NULL THEN
                o := nothing;
            ELSE
                -- Read only after the lock: what is written is never older than what it replaces.
                SELECT * INTO o FROM pggit.objects WHERE id = x.object_id FOR NO KEY UPDATE SKIP LOCKED;
                IF o.id IS NULL THEN
                    PERFORM pggit.defer(doing, ARRAY[a]);
                    CONTINUE;
                END IF;
            END IF;
            entry := pggit.read_object(a.classid, a.objid);
            IF scope IS NOT NULL AND entry.objid IS NOT NULL AND NOT pggit.in_scope(entry, scope) THEN
                -- It was not dropped: only a rescan forgets what configure_tracking() left out.
                CONTINUE WHEN doing.change <> 'RESCAN';
                entry := NULL;
            END IF;
            IF entry.objid IS NULL THEN
                IF o.is_active THEN
                    lost := lost || o.id;
                    IF a.classid = 'pg_class'::regclass AND x.relid IS NOT NULL THEN
                        bereft := bereft || ROW(a.classid, x.relid)::pggit.address;
                    END IF;
                END IF;
                CONTINUE;
            END IF;
            new_blob := pggit.blob_hash(entry.object_type, entry.identity, entry.definition);
            IF o.id IS NULL OR NOT o.is_active OR o.is_manual OR o.blob IS DISTINCT FROM new_blob
               OR o.column_order IS DISTINCT FROM entry.column_order OR x.relid IS DISTINCT FROM entry.relid
            THEN
                entries := entries || entry;
                new_blobs := new_blobs || new_blob;
                known := known || o;
                relids := relids || x.relid;
            END IF;
        END LOOP;
        IF lost <> '{}' AND entries <> '{}' THEN
            -- What was made again under another OID is the same object.
            lost := ARRAY(
                SELECT l.id FROM unnest(lost) AS l (id)
                CROSS JOIN LATERAL (SELECT p.identity, p.object_type FROM pggit.objects p WHERE p.id = l.id OFFSET 0) b
                WHERE NOT EXISTS (SELECT FROM unnest(entries) e
                                  WHERE e.identity = b.identity AND e.object_type = b.object_type)
                ORDER BY l.id);
        END IF;
        -- Drops first, so that a name which went from one object to another is free.
        FOREACH gone IN ARRAY lost LOOP
            PERFORM pggit.record_drop(gone, doing);
            changed := changed + 1;
        END LOOP;
        FOR i IN 1 .. cardinality(entries) LOOP
            entry := entries[i];
            new_blob := new_blobs[i];
            o := known[i];
            IF i > 1 AND o.id IS NOT NULL THEN
                -- One before may have taken its name.
                SELECT * INTO o FROM pggit.objects WHERE id = o.id;
            END IF;
            is_recorded := pggit.record_present(entry, new_blob, o, relids[i], doing);
            IF o.blob IS DISTINCT FROM new_blob OR o.column_order IS DISTINCT FROM entry.column_order THEN
                changed := changed + 1;
            END IF;
            CONTINUE WHEN o.id IS NULL;
            a := ROW(entry.classid, entry.objid)::pggit.address;
            IF o.identity <> entry.identity OR NOT entry.column_order @> o.column_order
               OR o.blob <> new_blob AND entry.object_type IN ('TYPE', 'DOMAIN')
               OR o.blob <> new_blob AND pggit.lost_a_constraint(o.blob, entry.definition)
            THEN
                renamed := renamed || a;
            ELSIF NOT entry.column_order <@ o.column_order AND pggit.worded_by_columns(entry.objid) THEN
                grown := grown || a;
            END IF;
        END LOOP;
        EXIT WHEN renamed = '{}' AND grown = '{}' AND bereft = '{}';
        -- Look at all that mention a name, once each.
        next_addresses := ARRAY(
            SELECT n FROM unnest(
                bereft || CASE WHEN renamed = '{}' THEN renamed ELSE pggit.dependents(renamed) END
                || CASE WHEN grown = '{}' THEN grown
                       ELSE pggit.dependents(grown, ARRAY['pg_rewrite'::regclass, 'pg_proc'::regclass]::oid[]) END) n
            EXCEPT
            SELECT s FROM unnest(seen) s);
        EXIT WHEN next_addresses = '{}';
        entries := '{}';
        new_blobs := '{}';
        known := '{}';
        relids := '{}';
        lost := '{}';
        bereft := '{}';
        renamed := '{}';
        grown := '{}';
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_addresses(pggit.address[], pggit.command, boolean) IS
'Records what differs at the given addresses, at the parts of the tables among them (unless they are all there), and at whatever mentions a name that changed. Returns the number of changed objects.';

CREATE FUNCTION pggit.lost_a_constraint(old_blob text, new_definition jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    had jsonb := (SELECT b.definition -> 'constraints' FROM pggit.blobs b WHERE b.hash = old_blob);
BEGIN
    IF had IS NULL OR had = new_definition -> 'constraints' THEN
        RETURN false;
    END IF;
    RETURN (coalesce(new_definition -> 'constraints', '{}') ?& ARRAY(SELECT jsonb_object_keys(had))) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION pggit.lost_a_constraint(text, jsonb) IS
'Whether a constraint''s name is gone: ON CONFLICT ON CONSTRAINT, in a rule or a function, may mention it.';

CREATE FUNCTION pggit.record_everything(doing pggit.command) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    changed integer;
    ghost bigint;
BEGIN
    -- Most is as it was: only what differs is locked, and then read again.
    changed := pggit.record_addresses(ARRAY(
        SELECT ROW(coalesce(e.classid, k.classid), coalesce(e.objid, k.objid))::pggit.address
        FROM pggit.read_catalog(pggit.all_addresses()) e
        FULL JOIN (
            SELECT x.classid, x.objid, x.relid, o.is_active AND NOT o.is_manual AS is_known, o.blob, o.column_order
            FROM pggit.object_oids x JOIN pggit.objects o ON o.id = x.object_id
        ) k ON k.classid = e.classid AND k.objid = e.objid
        WHERE e.objid IS NULL OR k.is_known IS NOT TRUE
           OR k.blob IS DISTINCT FROM pggit.blob_hash(e.object_type, e.identity, e.definition)
           OR k.column_order IS DISTINCT FROM e.column_order OR k.relid IS DISTINCT FROM e.relid), doing, true);
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

CREATE FUNCTION pggit.record_command(doing pggit.command, addresses pggit.address[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pggit.address[] := addresses;
    strange pggit.address[] := '{}';
    a pggit.address;
BEGIN
    IF doing.tag = 'ALTER SCHEMA' THEN
        IF EXISTS (
            SELECT FROM unnest(addresses) n
            JOIN pg_namespace s ON s.oid = n.objid
            LEFT JOIN pggit.object_oids x ON x.classid = 'pg_namespace'::regclass AND x.objid = s.oid
            LEFT JOIN pggit.objects o ON o.id = x.object_id
            WHERE n.classid = 'pg_namespace'::regclass AND o.object_name IS DISTINCT FROM s.nspname)
        THEN
            found := NULL;  -- every name in it changed
        END IF;
    END IF;
    IF found IS NULL THEN
        RETURN pggit.record_everything(doing);
    END IF;

    IF doing.tag = 'ALTER INDEX' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event: look for the old one.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address
            FROM unnest(addresses) n JOIN pg_index i ON i.indexrelid = n.objid
            JOIN pggit.object_oids x ON x.relid = i.indrelid
            WHERE x.classid = 'pg_class'::regclass AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = x.objid));
    ELSIF doing.tag = 'ALTER DEFAULT PRIVILEGES' THEN
        -- It can make a row vanish.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address FROM pggit.object_oids x
            WHERE x.classid = 'pg_default_acl'::regclass);
    END IF;

    IF starts_with(doing.tag, 'ALTER ') THEN
        -- What is not versioned, or belongs to an extension, may have a name that others' definitions mention.
        FOREACH a IN ARRAY addresses LOOP
            IF NOT EXISTS (SELECT FROM pggit.object_oids x WHERE x.objid = a.objid AND x.classid = a.classid) THEN
                strange := strange || a;
            END IF;
        END LOOP;
        IF strange <> '{}' THEN
            found := found || pggit.dependents(strange);
        END IF;
    END IF;
    RETURN pggit.record_addresses(pggit.home_addresses(found), doing);
END
$$;
COMMENT ON FUNCTION pggit.record_command(pggit.command, pggit.address[]) IS
'Records what a command did, given what PostgreSQL reported of it; null addresses stand for everything. Returns the number of changed objects.';

CREATE FUNCTION pggit.is_adopted() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nobody brings a database into another cluster while the server runs: where this run of the server was
    -- told that the cluster is the same, the file that says so need not be read for every command.
    PERFORM FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time();
    RETURN FOUND OR EXISTS (
        SELECT FROM pggit.oid_origin g
        WHERE g.system_identifier = (SELECT c.system_identifier FROM pg_control_system() c)
          AND g.major = (current_setting('server_version_num')::integer / 10000)::text);
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

CREATE FUNCTION pggit.is_changing_version() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A restored dump may hold an older version's tables too, but its extension is not this transaction's work.
    RETURN EXISTS (
        SELECT FROM pg_extension e JOIN pggit.settings s ON s.name = 'data_version' AND s.value <> e.extversion
        WHERE e.extname = 'pggit' AND age(e.xmin) <= age(pg_current_xact_id()::xid));
END
$$;
COMMENT ON FUNCTION pggit.is_changing_version() IS
'Whether an update script of pgGit runs in this transaction: then its functions and tables need not fit each other.';

CREATE FUNCTION pggit.adopt_cluster() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here_major text := current_setting('server_version_num')::integer / 10000;
BEGIN
    IF NOT pggit.sees_the_present() THEN
        RETURN;
    END IF;
    IF pggit.is_adopted() THEN
        UPDATE pggit.oid_origin SET known_since = pg_postmaster_start_time()
        WHERE known_since IS DISTINCT FROM pg_postmaster_start_time()
          AND singleton IN (SELECT g.singleton FROM pggit.oid_origin g FOR UPDATE SKIP LOCKED);
        RETURN;
    END IF;
    IF pggit.is_changing_version() THEN
        RETURN;
    END IF;
    -- Rare: the first command after a restore or pg_upgrade. One session does it; what others do meanwhile is deferred.
    LOCK TABLE pggit.oid_origin IN SHARE ROW EXCLUSIVE MODE NOWAIT;
    IF pggit.is_adopted() THEN
        RETURN;
    END IF;
    DELETE FROM pggit.object_oids;
    -- Notes that pg_upgrade carried over hold another cluster's OIDs: null stands for everything.
    UPDATE pggit.unsettled SET addresses = NULL;
    INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
    SELECT e.classid, e.objid, e.relid, o.id
    FROM pggit.read_catalog(pggit.all_addresses()) e
    JOIN pggit.objects o ON o.is_active AND o.tree_key = pggit.tree_key(e.object_type, e.identity);
    DELETE FROM pggit.oid_origin;
    INSERT INTO pggit.oid_origin (system_identifier, major, known_since)
    SELECT c.system_identifier, here_major, pg_postmaster_start_time() FROM pg_control_system() c;
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    due pggit.unsettled;
    doing pggit.command;
    settled integer := 0;
    is_busy boolean := false;
    trouble text;
BEGIN
    IF NOT pggit.sees_the_present() THEN
        -- Not even a look into the table: in SERIALIZABLE that alone would conflict with others' notes.
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM pggit.unsettled) OR pggit.is_changing_version() THEN
        RETURN 0;
    END IF;
    IF NOT pggit.is_adopted() THEN
        PERFORM pggit.adopt_cluster();
    END IF;
    IF NOT pggit.can_record_now() THEN
        RETURN 0;
    END IF;
    BEGIN
        -- Who brings pgGit to another version holds this lock to the end: all that is called from here on is of one.
        LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN 0;
    END;
    FOR due IN
        WITH taken AS (
            DELETE FROM pggit.unsettled u
            WHERE u.id IN (SELECT w.id FROM pggit.unsettled w ORDER BY w.id FOR UPDATE SKIP LOCKED) RETURNING u.*)
        SELECT * FROM taken ORDER BY id
    LOOP
        doing := ROW(due.command_tag, due.change, due.created_at, due.session_role, due.set_role,
                     due.application_name, due.client_addr, due.backend_pid, due.transaction_id,
                     due.duration_ms, due.performance_impact)::pggit.command;
        IF is_busy THEN
            -- Not one wait for each: this is somebody's command.
            PERFORM pggit.defer(doing, due.addresses);
            CONTINUE;
        END IF;
        BEGIN
            PERFORM pggit.record_command(doing, due.addresses);
            settled := settled + 1;
        EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            is_busy := true;
            PERFORM pggit.defer(doing, due.addresses);
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
            IF pggit.was_overtaken('{{ version }}') THEN
                is_busy := true;
                PERFORM pggit.defer(doing, due.addresses);
            ELSE
                PERFORM pggit.note_tracking_error(due.command_tag, SQLSTATE, SQLERRM, trouble);
            END IF;
        END;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION pggit.settle() IS
'Records what had to be deferred, in the name of those who did it. Returns how many commands'' rests were taken up.';
