-- From one version of pgGit to another. The copy that is installed runs the way to the next one, so what stands
-- here serves the upgrade after it.

CREATE FUNCTION pggit.data_tables() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT c.relname::text FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation)
        JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r'
        WHERE e.extname = 'pggit' AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) ORDER BY c.relname);
END
$$;
COMMENT ON FUNCTION pggit.data_tables() IS 'The tables that a dump holds, without those that are read along with another.';

CREATE FUNCTION pggit.grown_tables() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['blobs', 'commits', 'history', 'reflog', 'seals', 'trees'];
END
$$;
COMMENT ON FUNCTION pggit.grown_tables() IS 'The tables that can only grow, in whatever version: no upgrade may change a row of theirs.';

-- Copies of the data -------------------------------------------------------------------------------

CREATE FUNCTION pggit.make_private(schema_name text, table_name text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = table_name
        CROSS JOIN LATERAL aclexplode(CASE WHEN table_name IS NULL THEN n.nspacl ELSE c.relacl END) a
        WHERE n.nspname = schema_name AND a.grantee <> CASE WHEN table_name IS NULL THEN n.nspowner ELSE c.relowner END
    LOOP
        EXECUTE CASE WHEN table_name IS NULL THEN format('REVOKE ALL ON SCHEMA %I FROM %s', schema_name, grantee)
            ELSE format('REVOKE ALL ON TABLE %I.%I FROM %s', schema_name, table_name, grantee) END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.make_private(text, text) IS
'Takes from everybody but the owner what the database''s default privileges gave on a new schema, or on a new table in it.';

CREATE FUNCTION pggit.copy_data(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica AS $$
DECLARE
    copied text := (
        SELECT format('pggit_backup_%s_%s_%s', regexp_replace(left(l.from_version, 20), '[^[:alnum:]]', '_', 'g'),
                      to_char(l.started_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), run)
        FROM pggit.upgrade_log l WHERE l.upgrade_id = run);
    table_name text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', copied);
    PERFORM pggit.make_private(copied);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', copied,
                   format('pgGit''s data as version %s had them; pggit.restore_upgrade_backup(%L) brings them back.', pggit.version(), copied));
    FOREACH table_name IN ARRAY pggit.data_tables() LOOP
        EXECUTE format('CREATE TABLE %I.%I AS TABLE pggit.%I', copied, table_name, table_name);
        PERFORM pggit.make_private(copied, table_name);
    END LOOP;
    -- In the same transaction: what the log does not name is not ours, and is never dropped.
    UPDATE pggit.upgrade_log l SET backup_schema = copied WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.copy_data(bigint) IS
'Second step of upgrade(): copies pgGit''s data into a schema made for it. No event trigger sees it.';

CREATE FUNCTION pggit.list_upgrade_backups()
RETURNS TABLE (backup_schema text, upgrade_id bigint, version text, made_at timestamptz, size_bytes bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT l.backup_schema, l.upgrade_id, l.from_version, l.started_at,
        (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r')
    FROM pggit.upgrade_log l JOIN pg_namespace n ON n.nspname = l.backup_schema JOIN pg_roles r ON r.oid = n.nspowner
    WHERE starts_with(l.backup_schema, 'pggit_backup_') AND r.rolsuper  -- anybody can take the name of one that is gone
    ORDER BY l.upgrade_id DESC;
END
$$;
COMMENT ON FUNCTION pggit.list_upgrade_backups() IS
'The copies of pgGit''s data that upgrades made and nobody dropped since, the newest first, with the version that the data are of.';

CREATE FUNCTION pggit.prune_upgrade_backups(keep integer DEFAULT 1) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET client_min_messages = warning AS $$
DECLARE
    old_schema text;
BEGIN
    PERFORM pggit.require_superuser('pggit.prune_upgrade_backups()');
    PERFORM pggit.check_count(keep);
    FOR old_schema IN
        SELECT b.backup_schema
        FROM (SELECT x.backup_schema, row_number() OVER (PARTITION BY x.version ORDER BY x.upgrade_id DESC) AS place
              FROM pggit.list_upgrade_backups() x) b
        WHERE b.place > keep
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', old_schema);
        RETURN NEXT old_schema;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.prune_upgrade_backups(integer) IS
'Drops the copies of pgGit''s data that upgrades left, but for the newest of each version, and returns their schemas. Needs a superuser.';

CREATE FUNCTION pggit.restore_upgrade_backup(backup_schema text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica AS $$
DECLARE
    copy_of text;
    table_name text;
    names text;
    key text;
    last_key bigint;
    found bigint;
    restored bigint := 0;
BEGIN
    PERFORM pggit.require_superuser('pggit.restore_upgrade_backup()');
    copy_of := (SELECT b.version FROM pggit.list_upgrade_backups() b
                WHERE b.backup_schema = restore_upgrade_backup.backup_schema ORDER BY b.upgrade_id DESC LIMIT 1);
    IF copy_of IS NULL THEN
        RAISE EXCEPTION 'there is no copy of pgGit''s data named %', coalesce(quote_literal(backup_schema), 'NULL')
            USING ERRCODE = 'GT047', HINT = 'pggit.list_upgrade_backups() lists those there are.';
    ELSIF copy_of <> pggit.version() THEN
        RAISE EXCEPTION 'the copy % is of version %, and this is version %', backup_schema, copy_of, pggit.version()
            USING ERRCODE = 'GT047', HINT = format('Go to that version first: CALL pggit.upgrade(%L);', copy_of);
    END IF;
    -- The log of upgrades stays as it is: it tells of the upgrade that made the copy. So does the list of the attic,
    -- whose tables are where they are.
    FOREACH table_name IN ARRAY array_remove(array_remove(pggit.data_tables(), 'upgrade_log'), 'attic') LOOP
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
            WHERE c.relnamespace = to_regnamespace(quote_ident(backup_schema)) AND c.relname = table_name
              AND c.relkind = 'r' AND r.rolsuper);
        names := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                  FROM pg_attribute a JOIN pg_attribute b USING (attname)
                  WHERE a.attrelid = format('pggit.%I', table_name)::regclass AND a.attnum > 0 AND a.attgenerated = ''
                    AND b.attrelid = format('%I.%I', backup_schema, table_name)::regclass AND b.attnum > 0);
        EXECUTE format('TRUNCATE pggit.%I', table_name);
        EXECUTE format('INSERT INTO pggit.%1$I (%2$s) SELECT %2$s FROM %3$I.%1$I', table_name, names, backup_schema);
        GET DIAGNOSTICS found = ROW_COUNT;
        restored := restored + found;
        key := (SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = format('pggit.%I', table_name)::regclass AND a.attidentity <> '');
        IF key IS NOT NULL THEN
            EXECUTE format('SELECT max(x.%I) FROM pggit.%I x', key, table_name) INTO last_key;
            -- Never back: numbers that were given once may be known elsewhere.
            PERFORM setval(s.name, greatest(last_key, nextval(s.name)))
            FROM CAST(pg_get_serial_sequence(format('pggit.%I', table_name), key) AS regclass) AS s (name);
        END IF;
    END LOOP;
    DELETE FROM pggit.unsettled;
    DELETE FROM pggit.oid_origin;  -- so that the next command, or rescan(), finds every object again
    RETURN restored;
END
$$;
COMMENT ON FUNCTION pggit.restore_upgrade_backup(text) IS
'Puts the data that an upgrade copied beforehand in place of those there are now, and returns how many rows. What was recorded since is lost; pggit.rescan() takes in how the schema is now. The version must be the one that the data are of. Needs a superuser.';

-- May it begin? ------------------------------------------------------------------------------------

CREATE FUNCTION pggit.foreign_members() RETURNS TABLE (trouble text, remedy text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT format('%s is in schema pggit and is no part of the extension', pg_describe_object(d.classid, d.objid, 0)),
        'Move it to another schema, or drop it; what is pgGit''s own comes back by ALTER EXTENSION pggit ADD.'::text
    FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'pggit'::regnamespace
      AND NOT EXISTS (
          SELECT FROM pg_depend e
          WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e' AND e.refclassid = 'pg_extension'::regclass)
      AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_extension'::regclass)
    UNION ALL
    SELECT format('%s is no part of the extension', pg_describe_object('pg_trigger'::regclass, t.oid, 0)), 'Drop it.'
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = 'pggit'::regnamespace AND NOT t.tgisinternal AND p.pronamespace <> 'pggit'::regnamespace
    UNION ALL
    SELECT format('%s is no part of the extension', pg_describe_object('pg_rewrite'::regclass, r.oid, 0)), 'Drop it.'
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind = 'r'
    ORDER BY 1;
    RETURN QUERY
    SELECT m.trouble, 'DROP EXTENSION pggit and restore the database''s dump.'::text
    FROM (
        SELECT format('function pggit.%s is missing', a.function_name) AS trouble FROM pggit.access_list() a
        WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.proname = a.function_name)
        UNION ALL
        SELECT format('table pggit.%s lacks its trigger append_only', x.name)
        FROM unnest(pggit.grown_tables()) AS g (name)
        CROSS JOIN LATERAL (
            SELECT g.name, to_regclass('pggit.' || g.name) AS relation
            UNION ALL SELECT c.relname, c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = to_regclass('pggit.' || g.name)) x
        WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = x.relation AND t.tgname = 'append_only')
    ) m ORDER BY 1;
END
$$;
COMMENT ON FUNCTION pggit.foreign_members() IS
'What stands in schema pggit or on its tables and does not belong to the extension, and what the extension has lost.';

CREATE FUNCTION pggit.upgrade_goal(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(wanted, (SELECT a.default_version FROM pg_available_extensions a WHERE a.name = 'pggit'));
END
$$;
COMMENT ON FUNCTION pggit.upgrade_goal(text) IS 'The version to go to: the newest that is installed on the server, unless one is named.';

CREATE FUNCTION pggit.check_upgrade(wanted text DEFAULT NULL)
RETURNS TABLE (check_name text, status text, message text, remedy text, error_code text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    here text := pggit.version();
    goal text := pggit.upgrade_goal(wanted);
    way text := (SELECT p.path FROM pg_extension_update_paths('pggit') p WHERE p.source = here AND p.target = goal);
    valid text := (SELECT string_agg(p.target, ', ' ORDER BY p.target COLLATE "C") FROM pg_extension_update_paths('pggit') p
                   WHERE p.source = here AND p.path IS NOT NULL);
    told text;
    n bigint;
BEGIN
    check_name := 'path';
    IF here = goal THEN
        SELECT 'ok', format('pgGit is at version %s already', goal) INTO status, message;
    ELSIF way IS NULL THEN
        SELECT 'refused', format('there is no way from version %s to %s', here, goal), 'GT022',
            CASE WHEN valid IS NULL THEN 'No other version can be reached: install the newer package on this server first.'
                ELSE format('Valid are: %s.', valid) END
        INTO status, message, error_code, remedy;
    ELSE
        SELECT 'ok', replace(way, '--', ' -> ') INTO status, message;
    END IF;
    RETURN NEXT;

    SELECT 'postgresql', NULL, NULL INTO check_name, remedy, error_code;
    SELECT CASE WHEN pg_is_in_recovery() THEN 'refused' ELSE 'ok' END,
        format('PostgreSQL %s%s', current_setting('server_version'), CASE WHEN pg_is_in_recovery() THEN ', a standby' ELSE '' END),
        CASE WHEN pg_is_in_recovery() THEN 'Upgrade on the primary: the standby follows.' END,
        CASE WHEN pg_is_in_recovery() THEN 'GT048' END
    INTO status, message, remedy, error_code;
    RETURN NEXT;

    SELECT 'installation', 'ok', 'schema pggit holds the extension and nothing else', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    SELECT 'refused', f.trouble, f.remedy, 'GT048' INTO status, message, remedy, error_code FROM pggit.foreign_members() f LIMIT 1;
    IF NOT FOUND THEN
        SELECT 'ok', 'schema pggit holds the extension and nothing else', NULL, NULL INTO status, message, remedy, error_code;
    END IF;
    RETURN NEXT;

    SELECT 'tracking', 'ok', 'tracking is on', NULL, NULL INTO check_name, status, message, remedy, error_code;
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') THEN
        SELECT 'refused', 'tracking is paused', 'SELECT pggit.resume(); then try again.', 'GT030'
        INTO status, message, remedy, error_code;
    ELSIF NOT EXISTS (SELECT FROM pggit.head) THEN
        message := 'pggit.init() has not run: there is nothing to carry along';
    ELSE
        told := (SELECT string_agg(n.event, ', ') FROM unnest(pggit.events()) AS n (event)
                  WHERE NOT EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtname = 'pggit_' || n.event AND e.evtenabled IN ('O', 'A')));
        IF told IS NOT NULL THEN
            SELECT 'warning', format('these event triggers are missing or disabled: %s', told), 'SELECT pggit.enable();'
            INTO status, message, remedy;
        END IF;
    END IF;
    RETURN NEXT;

    SELECT 'data_version', 'ok', 'tables and functions are of one version', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    told := (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version');
    IF told <> here AND goal <> here THEN
        SELECT 'refused', format('the tables are those of version %s, the functions of %s', told, here), 'CALL pggit.finish_upgrade(); first.', 'GT048'
        INTO status, message, remedy, error_code;
    END IF;
    RETURN NEXT;

    SELECT 'transactions', 'ok', 'nobody holds a lock that is in the way', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    SELECT count(DISTINCT l.virtualtransaction),
        string_agg(DISTINCT coalesce(format('process %s since %s s', l.pid, extract(epoch FROM date_trunc('second', clock_timestamp() - a.xact_start))),
                                     'a prepared transaction'), ', ')
    INTO n, told
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.relation IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace);
    IF n > 0 THEN
        SELECT 'warning', format('%s transactions hold locks on pgGit''s tables: %s', n, told),
            'The upgrade waits for them, a while at a time, and gives up after a minute.'
        INTO status, message, remedy;
    END IF;
    RETURN NEXT;

    SELECT 'health', 'ok', 'no errors of the tracking', NULL, NULL INTO check_name, status, message, remedy, error_code;
    n := (SELECT count(*) FROM pggit.tracking_errors);
    IF n > 0 THEN
        SELECT 'warning', format('tracking met %s errors', n), 'SELECT * FROM pggit.tracking_errors; pggit.rescan() takes in what the index lacks.'
        INTO status, message, remedy;
    END IF;
    RETURN NEXT;

    SELECT 'size', 'ok', NULL, NULL, NULL INTO check_name, status, message, remedy, error_code;
    message := (SELECT format('%s MB of data are copied beforehand, within this database',
                              ceil(sum(pg_total_relation_size(t.relation)) / 1048576))
                FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation) WHERE e.extname = 'pggit');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.check_upgrade(text) IS
'What upgrade() looks at before it begins. status is ok, warning, or refused, with what to do about it; error_code is what upgrade() raises then. Changes nothing.';

-- The way there ------------------------------------------------------------------------------------

CREATE FUNCTION pggit.close_lost_upgrades() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica
SET client_min_messages = warning AS $$
DECLARE
    lost record;
    closed integer := 0;
BEGIN
    -- A row whose backend is gone, or went on to something else, is of an upgrade that was cut off, and rolled back.
    FOR lost IN
        UPDATE pggit.upgrade_log l
        SET status = 'rolled_back', completed_at = clock_timestamp(),
            error_message = 'the session ended or was interrupted before the upgrade did; nothing was changed'
        WHERE l.status = 'in_progress' AND NOT EXISTS (
            SELECT FROM pg_stat_activity a
            WHERE a.pid = l.backend_pid AND a.backend_start = l.backend_start AND a.pid <> pg_backend_pid()
              AND a.state IN ('active', 'disabled'))  -- disabled: with track_activities off nobody can tell
        RETURNING l.upgrade_id
    LOOP
        PERFORM pggit.drop_copy(lost.upgrade_id);
        closed := closed + 1;
    END LOOP;
    RETURN closed;
END
$$;
COMMENT ON FUNCTION pggit.close_lost_upgrades() IS
'Marks upgrades that were cut off as rolled back, drops the copies that they had made, and returns how many there were.';

CREATE FUNCTION pggit.begin_upgrade(wanted text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    here text := pggit.version();
    goal text := pggit.upgrade_goal(wanted);
    busy integer;
    refused record;
    run bigint;
BEGIN
    PERFORM pggit.require_superuser('pggit.upgrade()');
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'GT048', HINT = 'Upgrade on the primary: the standby follows.';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pggit.upgrade', 0)) THEN
        RAISE EXCEPTION 'another session is upgrading pgGit' USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    PERFORM pggit.close_lost_upgrades();
    busy := (SELECT l.backend_pid FROM pggit.upgrade_log l WHERE l.status = 'in_progress' LIMIT 1);
    IF busy IS NOT NULL THEN
        RAISE EXCEPTION 'another session (process %) is upgrading pgGit', busy
            USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    IF goal = here THEN
        RAISE NOTICE 'pgGit is at version % already', here;
        RETURN NULL;
    END IF;
    SELECT c.message, c.remedy, c.error_code INTO refused FROM pggit.check_upgrade(wanted) c WHERE c.status = 'refused' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%', refused.message USING ERRCODE = refused.error_code, HINT = refused.remedy;
    END IF;
    run := nextval('pggit.upgrade_log_upgrade_id_seq');
    INSERT INTO pggit.upgrade_log (upgrade_id, from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
    SELECT run, here, goal, clock_timestamp(), 'in_progress', session_user, a.pid, a.backend_start
    FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    RETURN run;
END
$$;
COMMENT ON FUNCTION pggit.begin_upgrade(text) IS
'First step of upgrade(): checks that it can be, closes the rows of upgrades that were cut off, and opens one. Null when there is nothing to do.';

CREATE FUNCTION pggit.switch_version(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    task pggit.upgrade_log;
    table_name text;
    files jsonb := '{}';
    relation regclass;
    before bigint;
    now_there bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pggit.upgrade', 0));
    SELECT l.* INTO task FROM pggit.upgrade_log l WHERE l.upgrade_id = run;
    FOREACH table_name IN ARRAY pggit.grown_tables() LOOP
        relation := format('pggit.%I', table_name)::regclass;
        files := files || jsonb_build_object(table_name, pg_relation_filenode(relation));
    END LOOP;
    EXECUTE format('ALTER EXTENSION pggit UPDATE TO %L', task.to_version);
    IF pggit.version() <> task.to_version THEN
        RAISE EXCEPTION 'the version is % and not %', pggit.version(), task.to_version
            USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
    END IF;
    -- The server counts what this transaction does to each table, and gives a table that is written anew another
    -- file: that tells without reading them that all rows are still there. Only the follow-up may add to a row.
    FOREACH table_name IN ARRAY pggit.grown_tables() LOOP
        relation := format('pggit.%I', table_name)::regclass;
        CONTINUE WHEN current_setting('track_counts') = 'on' AND pg_stat_get_xact_tuples_deleted(relation) = 0
            AND to_jsonb(pg_relation_filenode(relation)) = files -> table_name;
        EXECUTE format('SELECT count(*) FROM %I.%I', task.backup_schema, table_name) INTO before;
        EXECUTE format('SELECT count(*) FROM pggit.%I', table_name) INTO now_there;
        IF now_there < before THEN
            RAISE EXCEPTION 'pggit.% had % rows and has %', table_name, before, now_there
                USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
        END IF;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM %I.objects', task.backup_schema) INTO before;
    SELECT count(*) INTO now_there FROM pggit.objects;
    IF now_there < before THEN
        RAISE EXCEPTION 'pggit.objects had % rows and has %', before, now_there
            USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
    END IF;
    -- The scripts write rows of their own, as for an ALTER EXTENSION that was called by itself.
    DELETE FROM pggit.upgrade_log l WHERE l.upgrade_id > run AND l.backend_pid = pg_backend_pid() AND l.started_at > task.started_at;
    UPDATE pggit.upgrade_log l
    SET status = 'completed', completed_at = clock_timestamp(), error_message = 'not compared with the copy yet'
    WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.switch_version(bigint) IS
'Third step of upgrade(): runs ALTER EXTENSION and checks that no row was lost on the way; its row of the log says completed when, and only when, the new version is there.';

CREATE FUNCTION pggit.compare_with_copy(run bigint) RETURNS TABLE (relation text, missing bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off AS $$
DECLARE
    copied text := (SELECT l.backup_schema FROM pggit.upgrade_log l WHERE l.upgrade_id = run);
    key text;
    names text;
BEGIN
    FOREACH relation IN ARRAY pggit.grown_tables() LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', copied, relation)) IS NULL;
        key := (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = format('pggit.%I', relation)::regclass AND i.indisprimary);
        -- What the copy's version did not know is not compared.
        names := (SELECT string_agg(format('c.%1$I IS NOT DISTINCT FROM t.%1$I', a.attname), ' AND ' ORDER BY a.attnum)
                  FROM pg_attribute a JOIN pg_attribute b ON b.attname = a.attname
                  WHERE a.attrelid = format('%I.%I', copied, relation)::regclass AND a.attnum > 0
                    AND b.attrelid = format('pggit.%I', relation)::regclass AND b.attnum > 0
                    AND a.attname NOT IN ('duration_ms', 'performance_impact'));
        EXECUTE format('SELECT count(*) FROM %I.%I c LEFT JOIN pggit.%I t ON t.%I = c.%I WHERE (%s) IS NOT TRUE',
                       copied, relation, relation, key, key, names) INTO missing;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.compare_with_copy(bigint) IS
'Last step of upgrade(): how many rows of the copy that it made are not there any more, word for word, in each table that can only grow.';

CREATE PROCEDURE pggit.verify_upgrade()
LANGUAGE plpgsql AS $$
DECLARE
    last pggit.upgrade_log;
    changed pg_catalog.text;
BEGIN
    SELECT l.* INTO last FROM pggit.upgrade_log l ORDER BY l.upgrade_id DESC LIMIT 1;
    IF last.status OPERATOR(pg_catalog.<>) 'completed' OR last.error_message IS NULL THEN
        RETURN;
    END IF;
    RAISE NOTICE 'comparing with the copy';
    changed := (SELECT pg_catalog.string_agg(pg_catalog.format('%s rows of pggit.%s', c.missing, c.relation), ', ')
                FROM pggit.compare_with_copy(last.upgrade_id) c WHERE c.missing OPERATOR(pg_catalog.>) 0);
    PERFORM pggit.note_comparison(last.upgrade_id, changed OPERATOR(pg_catalog.||) ' differ from the copy made before');
    COMMIT;
    IF changed IS NOT NULL THEN
        RAISE EXCEPTION 'the upgrade is done, and not all is as it was: % differ from the copy made before', changed
            USING ERRCODE = 'GT049', HINT = 'Go back with CALL pggit.upgrade() to the version you came from, then use pggit.restore_upgrade_backup().';
    END IF;
END
$$;
COMMENT ON PROCEDURE pggit.verify_upgrade() IS
'Last step of upgrade(): compares with the copy that it made, unless that was done and all was as before. What differs stays in the row of the log.';

CREATE FUNCTION pggit.note_comparison(run bigint, trouble text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.upgrade_log l SET error_message = trouble WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.note_comparison(bigint, text) IS 'Notes how the comparison with an upgrade''s copy ended; null where all is as it was.';

CREATE FUNCTION pggit.renew_access() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
    grantee record;
    privileges pg_init_privs[] := ARRAY(SELECT p FROM pg_init_privs p WHERE p.privtype = 'e');
    holders pg_shdepend[] := ARRAY(SELECT d FROM pg_shdepend d WHERE d.deptype = 'i');
BEGIN
    FOR grantee IN SELECT a.role_name, a.level FROM pggit.list_access() a WHERE a.level IS NOT NULL LOOP
        PERFORM pggit.extend_access(grantee.role_name, grantee.level);
    END LOOP;
    -- PostgreSQL takes what is granted within a script for the extension's own initial privileges, and with it whatever
    -- users had granted on the same object: no dump would hold that any more.
    DELETE FROM pg_init_privs p
    WHERE p.privtype = 'e' AND NOT EXISTS (
        SELECT FROM unnest(privileges) b WHERE (b.objoid, b.classoid, b.objsubid) = (p.objoid, p.classoid, p.objsubid));
    UPDATE pg_init_privs p SET initprivs = b.initprivs
    FROM unnest(privileges) b
    WHERE (b.objoid, b.classoid, b.objsubid) = (p.objoid, p.classoid, p.objsubid) AND b.initprivs::text <> p.initprivs::text;
    DELETE FROM pg_shdepend d
    WHERE d.deptype = 'i' AND NOT EXISTS (
        SELECT FROM unnest(holders) b
        WHERE (b.dbid, b.classid, b.objid, b.objsubid, b.refclassid, b.refobjid) = (d.dbid, d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid))
      AND d.dbid = (SELECT x.oid FROM pg_database x WHERE x.datname = current_database());
END
$$;
COMMENT ON FUNCTION pggit.renew_access() IS
'Gives those who have a level of access what a new version brought for it; what they had beside it stays.';

CREATE FUNCTION pggit.own_members() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
    owner oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'pggit');
    me oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
    member record;
BEGIN
    FOR member IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
        FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind IN ('r', 'v', 'c') AND c.relowner = me
        UNION ALL
        SELECT 'ROUTINE', p.oid::regprocedure::text
        FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.proowner = me
    LOOP
        EXIT WHEN me = owner;
        EXECUTE format('ALTER %s %s OWNER TO %I', member.kind, member.name, pg_get_userbyid(owner));
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.own_members() IS
'Gives what another superuser''s update made to the owner of schema pggit, whose the rest is.';

CREATE FUNCTION pggit.complete_update(from_version text, to_version text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.migrate_data();
    UPDATE pggit.settings SET value = to_version, set_by = session_user, set_at = clock_timestamp() WHERE name = 'data_version';
    PERFORM pggit.own_members();
    PERFORM pggit.renew_access();
    INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, completed_at, status, run_by, backend_pid, backend_start)
    SELECT from_version, to_version, clock_timestamp(), clock_timestamp(), 'completed', session_user, a.pid, a.backend_start
    FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    -- As much as takes no time; the rest is for finish_upgrade().
    IF pggit.backfill(1000) > 0 THEN
        RAISE NOTICE 'pgGit is at version %; CALL pggit.finish_upgrade() fills in the rest, a piece at a time', to_version;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.complete_update(text, text) IS
'The last thing that an update script does: notes which version the tables are of, gives what it made to the owner of the rest, gives those who had access the new functions, and writes a row of pggit.upgrade_log.';

-- A procedure that commits cannot set its search_path: every name and operator in it is qualified instead.
CREATE PROCEDURE pggit.finish_upgrade(batch_rows integer DEFAULT 10000)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pggit.require_superuser('pggit.finish_upgrade()');
    PERFORM pggit.check_count(batch_rows);
    PERFORM pggit.adopt_data();
    LOOP
        EXIT WHEN pggit.backfill(greatest(batch_rows, 1)) OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE pggit.finish_upgrade(integer) IS
'Does what an upgrade left for later, so many rows at a time, each in a transaction of its own: it can be stopped at any time and called again. Also brings data up to this version where the dump of an older one was restored. upgrade() calls it. Needs a superuser and must not be called inside a transaction where there is much to do.';

CREATE FUNCTION pggit.adopt_data() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wrote text := (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version');
    here text := pggit.version();
BEGIN
    IF wrote = here OR wrote IS NULL THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM pg_extension_update_paths('pggit') p WHERE p.source = wrote AND p.target = here AND p.path IS NOT NULL) THEN
        RAISE EXCEPTION 'the tables are those of version %, from which nothing leads to this one, %', wrote, here
            USING ERRCODE = 'GT048', HINT = 'Install that version of the package and restore the dump there.';
    END IF;
    PERFORM pggit.migrate_data();
    PERFORM pggit.renew_access();
    UPDATE pggit.settings SET value = here, set_by = session_user, set_at = clock_timestamp() WHERE name = 'data_version';
END
$$;
COMMENT ON FUNCTION pggit.adopt_data() IS 'Makes data of an older version, from a dump that was restored, into data of this one.';

CREATE PROCEDURE pggit.upgrade(version text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    run bigint;
    state pg_catalog.text := '';
    trouble pg_catalog.text;
    place pg_catalog.text;
    patience integer := 60;
    waits pg_catalog.text := pg_catalog.current_setting('lock_timeout');
BEGIN
    -- PostgreSQL says which of two things forbids a COMMIT here: this block, or the caller's transaction.
    BEGIN
        PERFORM pg_catalog.set_config('lc_messages', 'C', true);
        COMMIT;
    EXCEPTION
    WHEN invalid_transaction_termination THEN
        IF SQLERRM OPERATOR(pg_catalog.=) 'invalid transaction termination' THEN
            RAISE EXCEPTION 'pggit.upgrade() cannot run inside a transaction'
                USING ERRCODE = 'GT023', HINT = 'It commits its log before and after: call it by itself, with autocommit.';
        END IF;
    WHEN insufficient_privilege THEN
        NULL;  -- the next line says it better
    END;
    run := pggit.begin_upgrade(version);
    IF run IS NULL THEN
        CALL pggit.finish_upgrade();
        CALL pggit.verify_upgrade();
        RETURN;
    END IF;

    -- The copy is of one moment, and takes no lock that anybody waits for.
    RAISE NOTICE 'copying the data, to be on the safe side';
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    BEGIN
        PERFORM pggit.copy_data(run);
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
        trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
    END;
    IF trouble IS NULL THEN
        RAISE NOTICE 'running ALTER EXTENSION';
    END IF;
    -- A short wait for locks at a time, so that nobody waits long behind it.
    WHILE trouble IS NULL AND state OPERATOR(pg_catalog.<>) 'done' LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        BEGIN
            -- Only who looks for deadlocks gets autovacuum out of its way, which by default takes a second.
            PERFORM pg_catalog.set_config('deadlock_timeout', '50ms', true);
            PERFORM pg_catalog.set_config('lock_timeout', CASE WHEN waits OPERATOR(pg_catalog.=) '0' THEN '1s' ELSE waits END, true);
            PERFORM pggit.switch_version(run);
            state := 'done';
        EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            patience := patience OPERATOR(pg_catalog.-) 1;
            IF patience OPERATOR(pg_catalog.=) 0 THEN
                GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
                trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
            END IF;
        WHEN OTHERS OR query_canceled THEN
            GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
            trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
        END;
    END LOOP;
    COMMIT;
    IF trouble IS NOT NULL THEN
        PERFORM pggit.fail_upgrade(run, trouble);
        COMMIT;
        PERFORM pggit.drop_copy(run);
        COMMIT;
        RAISE EXCEPTION 'the upgrade failed and changed nothing: %', pg_catalog.split_part(trouble, E'\n', 1)
            USING ERRCODE = 'GT024', HINT = pg_catalog.format('Row %s of pggit.upgrade_log has the whole message.', run);
    END IF;

    RAISE NOTICE 'filling in what is new';
    CALL pggit.finish_upgrade();
    CALL pggit.verify_upgrade();
END
$$;
COMMENT ON PROCEDURE pggit.upgrade(text) IS
'Brings pgGit to another version (the newest that is installed on the server unless told otherwise): copies its data into a schema pggit_backup_..., runs ALTER EXTENSION UPDATE, does the follow-up in pieces and compares with the copy. It waits lock_timeout for a lock (a second, where none is set) and tries up to 60 times. pggit.upgrade_log keeps what happened, also when it fails. Needs a superuser and must not be called inside a transaction.';

CREATE FUNCTION pggit.fail_upgrade(run bigint, trouble text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.upgrade_log l SET status = 'failed', completed_at = clock_timestamp(), error_message = trouble
    WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.fail_upgrade(bigint, text) IS 'Notes why an upgrade failed.';

CREATE FUNCTION pggit.drop_copy(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica
SET client_min_messages = warning SET lock_timeout = '1s' AS $$
DECLARE
    copied text := (SELECT b.backup_schema FROM pggit.list_upgrade_backups() b WHERE b.upgrade_id = run);
BEGIN
    IF copied IS NOT NULL THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', copied);
    END IF;
EXCEPTION WHEN lock_not_available THEN
    RETURN;  -- somebody reads it: prune_upgrade_backups() gets it later
END
$$;
COMMENT ON FUNCTION pggit.drop_copy(bigint) IS 'Drops the copy that an upgrade made, which has come to nothing.';
