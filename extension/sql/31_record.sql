-- From addresses to rows: compare what the catalog has with the working index, and write down the difference.

CREATE FUNCTION pggit.append_history(
    object_id bigint, change_type text, tag text, object_type text, new_identity text, old_identity text,
    old_blob text, new_blob text, old_order text[], new_order text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.history (
        object_id, change_type, created_at, command_tag, object_type, identity, old_identity,
        old_blob, new_blob, old_column_order, new_column_order,
        session_role, set_role, application_name, client_addr, backend_pid, transaction_id)
    VALUES (
        object_id, change_type, clock_timestamp(), tag, object_type, new_identity, old_identity,
        old_blob, new_blob, old_order, new_order,
        session_user, nullif(current_setting('role'), 'none'), nullif(current_setting('application_name'), ''),
        inet_client_addr(), pg_backend_pid(), pg_current_xact_id());
    IF old_identity <> new_identity THEN
        INSERT INTO pggit.uncommitted (object_type, identity)
        VALUES (object_type, old_identity), (object_type, new_identity);
    ELSE
        INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, new_identity);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.append_history(bigint, text, text, text, text, text, text, text, text[], text[]) IS
'One row of the audit trail, by whoever runs the current command.';

CREATE FUNCTION pggit.record_drop(dropped bigint, tag text, change text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o pggit.objects;
BEGIN
    UPDATE pggit.objects SET is_active = false, updated_at = clock_timestamp()
    WHERE id = dropped AND is_active RETURNING * INTO o;
    DELETE FROM pggit.object_oids WHERE object_id = dropped;
    IF o.id IS NOT NULL THEN
        PERFORM pggit.append_history(o.id, change, tag, o.object_type, o.identity, NULL,
                                     o.blob, NULL, o.column_order, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_drop(bigint, text, text) IS 'Takes an object out of the index, with its row of history.';

CREATE FUNCTION pggit.record_present(
    entry pggit.catalog_entry, known bigint, tag text, change text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_blob text := pggit.blob_hash(entry.object_type, entry.identity, entry.definition);
    o pggit.objects;
    other pggit.objects;
    kind text;
    new_id bigint;
BEGIN
    SELECT * INTO o FROM pggit.objects WHERE id = known;
    IF o.id IS NULL OR NOT o.is_active OR o.identity <> entry.identity OR o.object_type <> entry.object_type THEN
        SELECT * INTO other FROM pggit.objects
        WHERE is_active AND identity = entry.identity AND object_type = entry.object_type;
        IF o.is_active AND other.id IS NOT NULL AND NOT other.is_manual THEN
            -- Only one object can have this identity, and it is not the one the index gives it to.
            PERFORM pggit.record_drop(other.id, tag, CASE change WHEN 'RESCAN' THEN change ELSE 'DROP' END);
        ELSIF o.is_active AND other.id IS NOT NULL THEN
            UPDATE pggit.objects SET is_active = false WHERE id = other.id;
        ELSIF o.is_active IS NOT TRUE AND other.id IS NOT NULL THEN
            o := other;  -- the same object under a new OID, or one announced by hand
            DELETE FROM pggit.object_oids WHERE object_id = o.id;
        ELSIF o.is_active IS NOT TRUE THEN
            SELECT * INTO o FROM pggit.objects
            WHERE NOT is_active AND identity = entry.identity AND object_type = entry.object_type
            ORDER BY id DESC LIMIT 1;
        END IF;
    END IF;

    kind := CASE
        WHEN change = 'RESCAN' OR change = 'GRANT' AND entry.object_type = 'DEFAULT PRIVILEGES' THEN change
        WHEN o.is_active IS NOT TRUE OR o.is_manual THEN 'CREATE'
        WHEN o.identity <> entry.identity THEN 'RENAME'
        ELSE change END;

    IF o.is_active AND NOT o.is_manual AND o.blob = new_blob
       AND o.column_order IS NOT DISTINCT FROM entry.column_order THEN
        kind := NULL;  -- nothing but the OID is new
    ELSE
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
            coalesce(o.id, new_id), kind, tag, entry.object_type, entry.identity,
            CASE WHEN o.is_active AND NOT o.is_manual AND o.identity <> entry.identity THEN o.identity END,
            CASE WHEN o.is_active AND NOT o.is_manual THEN o.blob END, new_blob,
            CASE WHEN o.is_active AND NOT o.is_manual THEN o.column_order END, entry.column_order);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_present(pggit.catalog_entry, bigint, text, text) IS
'Brings one object of the index up to what the catalog has, with its row of history if anything differs. known is the id that its OID stands for.';

CREATE FUNCTION pggit.record_addresses(classids oid[], objids oid[], tag text, change text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual pggit.catalog_entry[];
    next_classids oid[] := classids;
    next_objids oid[] := objids;
    spread_classids oid[];
    spread_objids oid[];
    seen text[] := '{}';
    changed integer := 0;
    r record;
BEGIN
    LOOP
        SELECT p.classids, p.objids INTO next_classids, next_objids
        FROM pggit.with_table_parts(next_classids, next_objids) p;
        actual := ARRAY(SELECT e FROM pggit.read_catalog(next_classids, next_objids) e);
        spread_classids := NULL;
        spread_objids := NULL;
        -- Drops first, so that a name which went from one object to another is free.
        FOR r IN
            SELECT o.id, o.object_type
            FROM unnest(next_classids, next_objids) AS a (classid, objid)
            JOIN pggit.object_oids x ON x.classid = a.classid AND x.objid = a.objid
            JOIN pggit.objects o ON o.id = x.object_id AND o.is_active
            LEFT JOIN (SELECT e.classid, e.objid FROM unnest(actual) e) e ON e.classid = a.classid AND e.objid = a.objid
            LEFT JOIN (SELECT e.identity, e.object_type FROM unnest(actual) e) same
                ON same.identity = o.identity AND same.object_type = o.object_type
            WHERE e.objid IS NULL AND same.identity IS NULL
            ORDER BY o.id
        LOOP
            PERFORM pggit.record_drop(r.id, tag, CASE
                WHEN change = 'RESCAN' OR change = 'GRANT' AND r.object_type = 'DEFAULT PRIVILEGES' THEN change
                ELSE 'DROP' END);
            changed := changed + 1;
        END LOOP;
        FOR r IN
            SELECT e AS entry, o.id AS known, o.is_active,
                o.blob IS DISTINCT FROM h.hash OR o.column_order IS DISTINCT FROM e.column_order AS differs,
                o.identity <> e.identity AS renamed,
                -- names that others' definitions can mention
                o.blob <> h.hash AND (e.object_type IN ('TYPE', 'DOMAIN')
                    OR NOT e.column_order @> o.column_order) AS spreads
            FROM unnest(actual) e
            CROSS JOIN LATERAL (SELECT pggit.blob_hash(e.object_type, e.identity, e.definition) AS hash) h
            LEFT JOIN pggit.object_oids x ON x.classid = e.classid AND x.objid = e.objid
            LEFT JOIN pggit.objects o ON o.id = x.object_id
            WHERE o.id IS NULL OR NOT o.is_active OR o.is_manual OR o.blob IS DISTINCT FROM h.hash
               OR o.column_order IS DISTINCT FROM e.column_order OR x.relid IS DISTINCT FROM e.relid
            ORDER BY x.object_id, e.classid, e.objid
        LOOP
            PERFORM pggit.record_present(r.entry, r.known, tag, change);
            changed := changed + r.differs::integer;
            IF r.renamed OR r.spreads THEN
                spread_classids := spread_classids || (r.entry).classid;
                spread_objids := spread_objids || (r.entry).objid;
            END IF;
        END LOOP;
        EXIT WHEN spread_classids IS NULL;
        -- A name changed: look at all that mention it, once each.
        seen := seen || ARRAY(SELECT s.c || '/' || s.o FROM unnest(spread_classids, spread_objids) AS s (c, o));
        SELECT d.classids, d.objids INTO next_classids, next_objids
        FROM pggit.dependents(spread_classids, spread_objids) d;
        SELECT array_agg(n.c), array_agg(n.o) INTO next_classids, next_objids
        FROM unnest(next_classids, next_objids) AS n (c, o) WHERE NOT (n.c || '/' || n.o) = ANY (seen);
        EXIT WHEN next_classids IS NULL;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_addresses(oid[], oid[], text, text) IS
'Records what differs at the given addresses, at the parts of the tables among them, and at whatever mentions a name that changed. Returns the number of changed objects.';

CREATE FUNCTION pggit.record_everything(tag text, change text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_classids oid[];
    found_objids oid[];
    changed integer;
    ghost bigint;
BEGIN
    SELECT a.classids, a.objids INTO found_classids, found_objids FROM pggit.all_addresses() a;
    -- also what the index still has and the catalog has no more
    changed := pggit.record_addresses(
        found_classids || ARRAY(SELECT x.classid FROM pggit.object_oids x ORDER BY x.object_id),
        found_objids || ARRAY(SELECT x.objid FROM pggit.object_oids x ORDER BY x.object_id), tag, change);
    -- and what it has without knowing where, since it was gone already when a restore was taken over
    FOR ghost IN
        SELECT o.id FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual
          AND NOT EXISTS (SELECT FROM pggit.object_oids x WHERE x.object_id = o.id)
        ORDER BY o.id
    LOOP
        PERFORM pggit.record_drop(ghost, tag, CASE change WHEN 'RESCAN' THEN change ELSE 'DROP' END);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_everything(text, text) IS
'Compares the whole catalog with the index and records what differs. Returns the number of changed objects.';

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
    here bigint := (SELECT c.system_identifier FROM pg_control_system() c);
    here_major text := current_setting('server_version_num')::integer / 10000;
    found_classids oid[];
    found_objids oid[];
BEGIN
    IF EXISTS (SELECT FROM pggit.oid_origin g WHERE g.system_identifier = here AND g.major = here_major) THEN
        RETURN;
    END IF;
    -- Rare: the first command after a restore or pg_upgrade. One session does it, the others find it done.
    PERFORM pg_advisory_xact_lock(hashtextextended('pggit.adopt_cluster', 0));
    IF EXISTS (SELECT FROM pggit.oid_origin g WHERE g.system_identifier = here AND g.major = here_major) THEN
        RETURN;
    END IF;
    DELETE FROM pggit.object_oids;
    SELECT a.classids, a.objids INTO found_classids, found_objids FROM pggit.all_addresses() a;
    INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
    SELECT e.classid, e.objid, e.relid, o.id
    FROM pggit.read_catalog(found_classids, found_objids) e
    JOIN pggit.objects o ON o.is_active AND o.identity = e.identity AND o.object_type = e.object_type;
    DELETE FROM pggit.oid_origin;
    INSERT INTO pggit.oid_origin (system_identifier, major) VALUES (here, here_major);
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'canonical_major' AND s.value <> here_major) THEN
        -- Another major may write the same definition in other words: read all anew.
        PERFORM pggit.record_everything('pg_upgrade', 'RESCAN');
    END IF;
    PERFORM pggit.put_setting('canonical_major', here_major);
END
$$;
COMMENT ON FUNCTION pggit.adopt_cluster() IS
'Finds every tracked object again after a restore or pg_upgrade, before the first command there changes any.';
