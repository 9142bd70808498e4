-- From one version of pgGit to another. The copy that is installed runs the way to the next one, so what stands
-- here serves the upgrade after it.

CREATE FUNCTION pggit.data_tables() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT c.relname::text FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation)
        JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r'
        WHERE e.extname = 'pggit' ORDER BY c.relname);
END
$$;
COMMENT ON FUNCTION pggit.data_tables() IS 'The tables that a dump holds.';

CREATE FUNCTION pggit.backup_data(backup_schema text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    table_name text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', backup_schema);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', backup_schema);
    FOREACH table_name IN ARRAY pggit.data_tables() LOOP
        EXECUTE format('CREATE TABLE %I.%I AS TABLE pggit.%I', backup_schema, table_name, table_name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.backup_data(text) IS 'Copies pgGit''s data into a schema made for it.';

CREATE FUNCTION pggit.prune_upgrade_backups(keep integer DEFAULT 1) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_schema text;
BEGIN
    PERFORM pggit.require_superuser('pggit.prune_upgrade_backups()');
    PERFORM pggit.check_count(keep);
    FOR old_schema IN
        SELECT b.backup_schema
        FROM (SELECT l.backup_schema, row_number() OVER (ORDER BY l.upgrade_id DESC) AS place
              FROM pggit.upgrade_log l JOIN pg_namespace n ON n.nspname = l.backup_schema
              WHERE starts_with(l.backup_schema, 'pggit_backup_')) b
        WHERE b.place > keep
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', old_schema);
        RETURN NEXT old_schema;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.prune_upgrade_backups(integer) IS
'Drops the copies of pgGit''s data that upgrades left, but for the newest, and returns their schemas. pggit.upgrade_log lists them. Needs a superuser.';

CREATE FUNCTION pggit.begin_upgrade(wanted text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here text := pggit.version();
    goal text := coalesce(wanted, (SELECT a.default_version FROM pg_available_extensions a WHERE a.name = 'pggit'));
    valid text;
    busy integer;
    run bigint;
BEGIN
    PERFORM pggit.require_superuser('pggit.upgrade()');
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pggit.upgrade', 0)) THEN
        RAISE EXCEPTION 'another session is upgrading pgGit' USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    -- A row whose backend is gone, or went on to something else, is of an upgrade that was cut off, and rolled back.
    UPDATE pggit.upgrade_log l
    SET status = 'rolled_back', completed_at = clock_timestamp(),
        error_message = 'the session ended or was interrupted before the upgrade did'
    WHERE l.status = 'in_progress' AND NOT EXISTS (
        SELECT FROM pg_stat_activity a
        WHERE a.pid = l.backend_pid AND a.backend_start = l.backend_start AND a.state = 'active' AND a.pid <> pg_backend_pid());
    busy := (SELECT l.backend_pid FROM pggit.upgrade_log l WHERE l.status = 'in_progress' LIMIT 1);
    IF busy IS NOT NULL THEN
        RAISE EXCEPTION 'another session (process %) is upgrading pgGit', busy
            USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    IF goal = here THEN
        RAISE NOTICE 'pgGit is at version % already', here;
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension_update_paths('pggit') p
                   WHERE p.source = here AND p.target = goal AND p.path IS NOT NULL)
    THEN
        valid := (SELECT string_agg(p.target, ', ' ORDER BY p.target COLLATE "C") FROM pg_extension_update_paths('pggit') p
                  WHERE p.source = here AND p.path IS NOT NULL);
        RAISE EXCEPTION 'there is no way from version % to %', here, goal
            USING ERRCODE = 'GT022',
            HINT = CASE WHEN valid IS NULL THEN 'No other version can be reached: install the newer package on this server first.'
                ELSE format('Valid are: %s.', valid) END;
    END IF;
    INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
    SELECT here, goal, clock_timestamp(), 'in_progress', session_user, a.pid, a.backend_start
    FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()
    RETURNING upgrade_id INTO run;
    RETURN run;
END
$$;
COMMENT ON FUNCTION pggit.begin_upgrade(text) IS
'First step of upgrade(): checks that it can be, closes the rows of upgrades that were cut off, and opens one. Null when there is nothing to do.';

CREATE FUNCTION pggit.run_upgrade(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    task pggit.upgrade_log;
    copy text;
    table_name text;
    before bigint;
    now_there bigint;
    grantee record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pggit.upgrade', 0));
    SELECT l.* INTO task FROM pggit.upgrade_log l WHERE l.upgrade_id = run;
    copy := format('pggit_backup_%s_%s_%s', regexp_replace(left(task.from_version, 20), '[^[:alnum:]]', '_', 'g'),
                   to_char(task.started_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), run);
    PERFORM pggit.backup_data(copy);
    EXECUTE format('ALTER EXTENSION pggit UPDATE TO %L', task.to_version);
    IF pggit.version() <> task.to_version THEN
        RAISE EXCEPTION 'the version is % and not %', pggit.version(), task.to_version
            USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
    END IF;
    FOREACH table_name IN ARRAY ARRAY['history', 'commits', 'blobs', 'trees', 'objects'] LOOP
        EXECUTE format('SELECT count(*) FROM %I.%I', copy, table_name) INTO before;
        EXECUTE format('SELECT count(*) FROM pggit.%I', table_name) INTO now_there;
        IF now_there < before THEN
            RAISE EXCEPTION 'pggit.% had % rows and has %', table_name, before, now_there
                USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
        END IF;
    END LOOP;
    -- New functions, for those who had access.
    FOR grantee IN SELECT a.role_name, a.level FROM pggit.list_access() a WHERE a.level IS NOT NULL LOOP
        PERFORM pggit.grant_access(grantee.role_name, grantee.level);
    END LOOP;
    UPDATE pggit.upgrade_log l SET backup_schema = copy WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.run_upgrade(bigint) IS
'Second step of upgrade(): copies the data, runs ALTER EXTENSION, and checks that no row was lost on the way.';

-- A procedure that commits cannot set its search_path: every name and operator in it is qualified instead.
CREATE PROCEDURE pggit.upgrade(version text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    run bigint;
    trouble text;
    place text;
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
    COMMIT;
    IF run IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pggit.run_upgrade(run);
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
        trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
    END;
    UPDATE pggit.upgrade_log l
    SET status = CASE WHEN trouble IS NULL THEN 'completed' ELSE 'failed' END,
        completed_at = pg_catalog.clock_timestamp(), error_message = trouble
    WHERE l.upgrade_id OPERATOR(pg_catalog.=) run;
    COMMIT;
    IF trouble IS NOT NULL THEN
        RAISE EXCEPTION 'the upgrade failed and changed nothing: %', pg_catalog.split_part(trouble, E'\n', 1)
            USING ERRCODE = 'GT024', HINT = pg_catalog.format('Row %s of pggit.upgrade_log has the whole message.', run);
    END IF;
END
$$;
COMMENT ON PROCEDURE pggit.upgrade(text) IS
'Brings pgGit to another version (the newest that is installed on the server unless told otherwise): copies its data into a schema pggit_backup_…, runs ALTER EXTENSION UPDATE and checks the outcome. pggit.upgrade_log keeps what happened, also when it fails. Needs a superuser and must not be called inside a transaction.';
