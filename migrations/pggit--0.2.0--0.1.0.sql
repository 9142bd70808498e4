\echo Use "ALTER EXTENSION pggit UPDATE TO '0.1.0'" to load this file. \set ON_ERROR_STOP on \\ DO $$BEGIN RAISE EXCEPTION 'only ALTER EXTENSION pggit UPDATE TO ''0.1.0'' can run this script; nothing was done'; END$$;

-- From 0.2.0 to 0.1.0: what the two install scripts make differently is changed here, in the same words.
-- Locks: backups, history, history_archive, objects, performance_metrics, tallies
-- The server puts the caller's search_path back at the end of the script.
SET LOCAL search_path TO pg_catalog, pg_temp;

DO $alone$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'an update of pgGit needs a READ COMMITTED transaction'
            USING ERRCODE = 'GT011', HINT = 'What others record while it waits for its locks would be missed.';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pggit.upgrade', 0)) THEN
        RAISE EXCEPTION 'another session is upgrading pgGit' USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
END
$alone$;

-- First what the event triggers call, which the rest of this script fires.
CREATE OR REPLACE FUNCTION pggit.this_command(tag text, change text, took_ms numeric DEFAULT NULL) RETURNS pggit.command
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(tag, change, clock_timestamp(), session_user, nullif(current_setting('role'), 'none'),
               nullif(current_setting('application_name'), ''), inet_client_addr(), pg_backend_pid(),
               pg_current_xact_id(), took_ms, NULL)::pggit.command;
END
$$;

CREATE OR REPLACE FUNCTION pggit.append_history(
    doing pggit.command, change_type text, object_id bigint, object_type text, new_identity text, old_identity text,
    old_blob text, new_blob text, old_order text[], new_order text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH past AS (
        INSERT INTO pggit.history (
            object_id, change_type, created_at, command_tag, object_type, identity, old_identity,
            old_blob, new_blob, old_column_order, new_column_order,
            session_role, set_role, application_name, client_addr, backend_pid, transaction_id)
        VALUES (
            object_id, change_type, doing.made_at, doing.tag, object_type, new_identity, old_identity,
            old_blob, new_blob, old_order, new_order,
            doing.session_role, doing.set_role, doing.application_name, doing.client_addr, doing.backend_pid, doing.transaction_id)
    )
    INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, new_identity);
    IF old_identity <> new_identity THEN
        INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, old_identity);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pggit.note_tracking_error(tag text, state text, message text, context text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Below our own functions the context goes on into the user's, whose text may hold a password.
    INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, context, session_role)
    VALUES (clock_timestamp(), tag, state, message,
            substring(context FROM E'^.*?PL/pgSQL function pggit[.](?:on_|settle)[^\n]*?(?=\n|$)'), session_user);
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'pggit could not record % (% %), nor keep the error: %', tag, state, message, SQLERRM;
END
$$;

CREATE OR REPLACE FUNCTION pggit.settle() RETURNS integer
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
            IF pggit.was_overtaken('0.1.0') THEN
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

CREATE OR REPLACE FUNCTION pggit.on_ddl_command_start() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    trouble text;
    ready record;
BEGIN
    -- DROP INDEX CONCURRENTLY must be first in its transaction, and does not tell itself apart by its tag.
    IF TG_TAG <> 'DROP INDEX' AND pggit.sees_the_present() THEN
        SELECT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') AS is_paused,
               EXISTS (SELECT FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time()) AS is_adopted,
               EXISTS (SELECT FROM pggit.unsettled) AS lacks_something
        INTO ready;
        IF NOT ready.is_paused THEN
            IF NOT ready.is_adopted THEN
                PERFORM pggit.adopt_cluster();
            END IF;
            IF ready.lacks_something THEN
                PERFORM pggit.settle();
            END IF;
        END IF;
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster and lacks nothing.';

CREATE OR REPLACE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    changed integer;
    trouble text;
    change text := CASE
        WHEN TG_TAG = 'COMMENT' THEN 'COMMENT'
        WHEN TG_TAG IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES') THEN 'GRANT'
        ELSE 'ALTER' END;
    mode text;
    found pggit.address[];
    kind text;
BEGIN
    -- What only drops is on_sql_drop()'s.
    IF TG_TAG = 'REFRESH MATERIALIZED VIEW' OR starts_with(TG_TAG, 'DROP ') AND TG_TAG <> 'DROP OWNED' THEN
        RETURN;
    END IF;
    mode := pggit.recording_mode();
    IF mode = 'off' THEN
        RETURN;
    END IF;
    found := ARRAY(
        SELECT ROW(c.classid, c.objid)::pggit.address FROM pg_event_trigger_ddl_commands() c
        WHERE NOT c.in_extension AND c.objid IS NOT NULL AND c.schema_name IS DISTINCT FROM 'pg_temp');

    IF change = 'GRANT' THEN
        FOR kind IN
            SELECT DISTINCT CASE c.command_tag WHEN 'ALTER DEFAULT PRIVILEGES' THEN 'DEFAULT PRIVILEGES'
                ELSE c.object_type END
            FROM pg_event_trigger_ddl_commands() c
            WHERE NOT c.in_extension AND c.objid IS NULL
        LOOP
            found := found || pggit.addresses_changed_now(kind);
        END LOOP;
    ELSIF TG_TAG = 'CREATE EXTENSION' AND found <> '{}' THEN
        -- CASCADE brings others along that are not reported.
        found := found || ARRAY(SELECT ROW('pg_extension'::regclass, e.oid)::pggit.address FROM pg_extension e);
    END IF;

    IF TG_TAG = 'ALTER EXTENSION' AND found = ARRAY(
        SELECT ROW('pg_extension'::regclass, e.oid)::pggit.address FROM pg_extension e
        WHERE e.extname = 'pggit' AND age(e.xmin) <= age(pg_current_xact_id()::xid))
    THEN
        RETURN;  -- another version of ours since this transaction began: that touches nothing that is recorded
    ELSIF TG_TAG = 'DROP OWNED' OR TG_TAG = 'ALTER EXTENSION' AND found <> '{}' THEN
        found := NULL;  -- either touches more than PostgreSQL tells
    ELSIF found = '{}' AND TG_TAG <> 'ALTER DEFAULT PRIVILEGES' THEN  -- that can make a row vanish
        RETURN;
    END IF;
    IF mode = 'now' THEN
        -- Who brings pgGit to another version holds this lock to the end: all that is called from here on is of one.
        LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
        changed := pggit.record_command(pggit.this_command(TG_TAG, change), found);
    ELSE
        PERFORM pggit.defer(pggit.this_command(TG_TAG, change), found);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer_or_note(TG_TAG, change, NULL, found);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, change, NULL, found, SQLSTATE, SQLERRM, trouble);
END
$$;

CREATE OR REPLACE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    changed integer;
    mode text;
    trouble text;
    d record;
    still_there oid;
    found pggit.address[];
    indexes text[] := '{}';
BEGIN
    mode := pggit.recording_mode();
    IF mode = 'off' THEN
        RETURN;
    END IF;
    found := ARRAY(
        SELECT ROW(o.classid, o.objid)::pggit.address FROM pg_event_trigger_dropped_objects() o WHERE NOT o.is_temporary);
    -- and what lost a part but still stands
    FOR d IN
        SELECT o.object_type, o.address_names FROM pg_event_trigger_dropped_objects() o
        WHERE NOT o.is_temporary AND o.object_type IN (
            'table constraint', 'default value', 'composite type column', 'domain constraint', 'index')
    LOOP
        CASE
            WHEN d.object_type IN ('table constraint', 'default value') THEN
                still_there := to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]));
                IF still_there IS NOT NULL THEN
                    found := found || ROW('pg_class'::regclass, still_there)::pggit.address;
                END IF;
            WHEN d.object_type IN ('composite type column', 'domain constraint') THEN
                still_there := to_regtype(CASE d.object_type WHEN 'domain constraint' THEN d.address_names[1]
                    ELSE format('%I.%I', d.address_names[1], d.address_names[2]) END);
                IF still_there IS NOT NULL THEN
                    found := found || ROW('pg_type'::regclass, still_there)::pggit.address;
                END IF;
            WHEN d.object_type = 'index' THEN
                indexes := indexes || format('%I.%I', d.address_names[1], d.address_names[2]);
            ELSE
                NULL;
        END CASE;
    END LOOP;
    IF found = '{}' THEN
        RETURN;
    END IF;
    IF mode <> 'now' THEN
        PERFORM pggit.defer(pggit.this_command(TG_TAG, 'ALTER'), found);
        RETURN;
    END IF;
    LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
    -- Of what is gone only the index's own objects matter.
    found := ARRAY(
        SELECT a FROM unnest(found) a
        WHERE EXISTS (SELECT FROM pggit.object_oids x WHERE x.objid = a.objid AND x.classid = a.classid));
    IF indexes <> '{}' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address
            FROM unnest(indexes) i
            CROSS JOIN LATERAL (SELECT o.id FROM pggit.objects o WHERE o.is_active AND o.tree_key = pggit.tree_key('INDEX', i) OFFSET 0) o
            CROSS JOIN LATERAL (SELECT y.classid, y.objid FROM pggit.object_oids y WHERE y.object_id = o.id OFFSET 0) x);
    END IF;
    IF found <> '{}' THEN
        changed := pggit.record_command(pggit.this_command(TG_TAG, 'ALTER'), found);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer_or_note(TG_TAG, 'ALTER', NULL, found);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, 'ALTER', NULL, found, SQLSTATE, SQLERRM, trouble);
END
$$;

CREATE OR REPLACE FUNCTION pggit.access_list() RETURNS TABLE (function_name text, level text, is_public boolean)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, l.level, l.is_public
    FROM (VALUES
        ('reader', true, 'version status verify log show graph list_branches ref_history diff diff_sql merge_base conflicts'),
        ('reader', true, 'tree_of tree_at live_tree schema_at object_at object_ddl export_ddl generate_migration'),
        ('reader', true, 'list_restore_points list_attic list_access find_object get_history get_version blame'),
        ('reader', true, 'get_impact_analysis verify_audit'),
        ('reader', false, 'settle'),
        ('committer', true, 'commit create_branch delete_branch tag delete_tag create_restore_point delete_restore_point seal'),
        ('committer', false, 'commit_index lock_head'),
        ('admin', true, 'checkout merge resolve_conflict abort_merge revert reset restore_to_point restore_from_attic'),
        ('admin', true, 'rescan pause resume configure_tracking apply_tree'),
        ('admin', false, 'switch_head forward_branch reset_branch start_merge finish_merge revert_tree park clear_attic'),
        ('owner', true, 'init uninstall enable disable upgrade grant_access revoke_access'),
        ('owner', true, 'check_upgrade finish_upgrade list_upgrade_backups prune_upgrade_backups restore_upgrade_backup')
    ) AS l (level, is_public, names)
    CROSS JOIN LATERAL string_to_table(l.names, ' ') AS n (name);
END
$$;

CREATE OR REPLACE FUNCTION pggit.migrate_data() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.migrate_data() IS 'Makes data of an older version into data of this one. There is none older than this.';

CREATE OR REPLACE FUNCTION pggit.backfill(max_rows integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN 0;
END
$$;

DROP VIEW pggit.metrics_summary;
DROP VIEW pggit.metrics;

-- What 0.1.0 cannot hold is parked in pggit_attic, as tables that are no part of the extension; the way back to
-- 0.2.0 puts it where it was. What an earlier downgrade parked, and nobody has filled in since, comes first.
DO $park$
DECLARE
    part text;
    new_name text;
    sequence_name text;
    is_empty boolean;
    next_id bigint;
BEGIN
    -- So that nothing is added while it is copied; in the order in which others' commands lock.
    LOCK TABLE pggit.objects, pggit.history IN ACCESS EXCLUSIVE MODE;
    next_id := (SELECT coalesce(max(h.id), 0) + 1 FROM pggit.history h);
    FOR part IN SELECT p.part FROM pggit.parked_parts() p LOOP
        PERFORM pggit.unpark(part, NULL);
    END LOOP;
    IF to_regnamespace('pggit_attic') IS NULL THEN
        CREATE SCHEMA pggit_attic;
        PERFORM pggit.make_private('pggit_attic');
        COMMENT ON SCHEMA pggit_attic IS 'Data of tables and columns that pgGit dropped; pggit.list_attic() lists it.';
        ALTER EXTENSION pggit DROP SCHEMA pggit_attic;
    ELSIF (SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pggit_attic') IS NOT TRUE THEN
        RAISE EXCEPTION 'schema pggit_attic, where data are to be parked, belongs to a role that is no superuser'
            USING ERRCODE = 'GT048', HINT = 'ALTER SCHEMA pggit_attic OWNER TO the role that owns schema pggit.';
    END IF;
    -- Somebody else's: ours are empty by now.
    new_name := (
        SELECT min(format('pggit_attic.%I', 'pggit_' || p.part)) FROM pggit.parked_parts() p
        WHERE EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'pggit_attic'::regnamespace AND c.relname = 'pggit_' || p.part)
           OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = 'pggit_attic'::regnamespace AND t.typname = 'pggit_' || p.part));
    IF new_name IS NOT NULL THEN
        RAISE EXCEPTION '% stands where data are to be parked', new_name
            USING ERRCODE = 'GT048', HINT = 'It is not pgGit''s: drop it, or give it another name.';
    END IF;
    FOREACH part IN ARRAY ARRAY['backups', 'performance_metrics', 'tallies'] LOOP
        sequence_name := (SELECT pg_get_serial_sequence(format('pggit.%I', part), a.attname) FROM pg_attribute a
                          WHERE a.attrelid = format('pggit.%I', part)::regclass AND a.attidentity <> '');
        EXECUTE format('ALTER EXTENSION pggit DROP SEQUENCE %s', sequence_name);
        EXECUTE format('ALTER EXTENSION pggit DROP TABLE pggit.%I', part);
        EXECUTE format('ALTER TABLE pggit.%I SET SCHEMA pggit_attic', part);
        EXECUTE format('ALTER TABLE pggit_attic.%I RENAME TO %I', part, 'pggit_' || part);
    END LOOP;
    CREATE TABLE pggit_attic.pggit_settings AS SELECT s.* FROM pggit.settings s
        WHERE s.name IN (SELECT m.setting FROM pggit.monitoring_settings() m);
    -- Whatever is recorded from now on is counted by nobody.
    INSERT INTO pggit_attic.pggit_settings (name, value, set_by, set_at)
    SELECT 'uncounted', (int8multirange(int8range(next_id, NULL))
            + coalesce((SELECT u.value::int8multirange FROM pggit.settings u WHERE u.name = 'uncounted'), '{}'))::text, s.set_by, s.set_at
    FROM pggit.settings s WHERE s.name = 'data_version';
    DELETE FROM pggit.settings s USING pggit_attic.pggit_settings p WHERE p.name = s.name;
    CREATE TABLE pggit_attic.pggit_objects AS SELECT o.id, o.created_at, o.tags FROM pggit.objects o WHERE o.tags <> '[]';
    CREATE TABLE pggit_attic.pggit_history AS SELECT h.id, h.transaction_id, h.duration_ms, h.performance_impact
        FROM pggit.history h WHERE h.duration_ms IS NOT NULL OR h.performance_impact IS NOT NULL;
    ALTER TABLE pggit_attic.pggit_settings ADD PRIMARY KEY (name);
    ALTER TABLE pggit_attic.pggit_objects ADD PRIMARY KEY (id);
    ALTER TABLE pggit_attic.pggit_history ADD PRIMARY KEY (id);
    FOREACH part IN ARRAY ARRAY['settings', 'objects', 'history'] LOOP
        PERFORM pggit.make_private('pggit_attic', 'pggit_' || part);
        EXECUTE format('ALTER EXTENSION pggit DROP TABLE pggit_attic.%I', 'pggit_' || part);
    END LOOP;
    -- Nothing stays of what held nothing.
    FOR new_name IN SELECT format('pggit_attic.%I', 'pggit_' || p.part) FROM pggit.parked_parts() p LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', new_name) INTO is_empty;
        IF is_empty THEN
            EXECUTE format('DROP TABLE %s', new_name);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'pggit_attic'::regnamespace) THEN
        DROP SCHEMA pggit_attic;
    END IF;
END
$park$;

DROP FUNCTION pggit.start_clock();
DROP FUNCTION pggit.read_clock(boolean);
DROP FUNCTION pggit.monitoring_settings();
DROP FUNCTION pggit.monitoring_value(text);
DROP FUNCTION pggit.configure_monitoring(text, numeric);
DROP FUNCTION pggit.monitoring_default(text);
DROP FUNCTION pggit.performance_impact(numeric);
DROP FUNCTION pggit.duration_bounds();
DROP FUNCTION pggit.count_command(text, numeric);
DROP FUNCTION pggit.command_words();
DROP FUNCTION pggit.roll_up();
DROP FUNCTION pggit.record_metric(text, double precision, jsonb);
DROP FUNCTION pggit.prune_metrics(interval);
DROP FUNCTION pggit.archive_history(timestamptz);
DROP FUNCTION pggit.metric_families();
DROP FUNCTION pggit.metric_names();
DROP FUNCTION pggit.epoch(timestamptz);
DROP FUNCTION pggit.read_metrics(text[]);
DROP FUNCTION pggit.prometheus_metrics(text);
DROP FUNCTION pggit.health_levels();
DROP FUNCTION pggit.health_checks();
DROP FUNCTION pggit.is_tracking();
DROP FUNCTION pggit.storage();
DROP FUNCTION pggit.change_types();
DROP FUNCTION pggit.ago(timestamptz);
DROP FUNCTION pggit.before_now(numeric);
DROP FUNCTION pggit.health_of_event_triggers();
DROP FUNCTION pggit.health_of_tracking();
DROP FUNCTION pggit.health_of_tracking_errors();
DROP FUNCTION pggit.health_of_unsettled();
DROP FUNCTION pggit.differs_from_catalog(bigint);
DROP FUNCTION pggit.addresses_of(bigint[]);
DROP FUNCTION pggit.health_of_index_sample();
DROP FUNCTION pggit.health_of_recent_activity();
DROP FUNCTION pggit.health_of_storage_size();
DROP FUNCTION pggit.health_of_object_count();
DROP FUNCTION pggit.health_of_audit_seal();
DROP FUNCTION pggit.health_of_upgrades();
DROP FUNCTION pggit.health_of_data_version();
DROP FUNCTION pggit.health_of_restore_points();
DROP FUNCTION pggit.judge_age(text, timestamptz, numeric);
DROP FUNCTION pggit.health_of_last_backup();
DROP FUNCTION pggit.health_of_verified_backup();
DROP FUNCTION pggit.health_of_index_verify();
DROP FUNCTION pggit.health_of_audit_verify();
DROP FUNCTION pggit.health_check(boolean);
DROP FUNCTION pggit.parked(text);
DROP FUNCTION pggit.parked_parts();
DROP FUNCTION pggit.unpark(text, bigint);
DROP FUNCTION pggit.count_history(bigint);
DROP FUNCTION pggit.has_backfill();
DROP INDEX pggit.objects_by_type;
DROP INDEX pggit.objects_tracked;
DROP INDEX pggit.idx_history_performance;
-- What was put into the archive is history again.
INSERT INTO pggit.history (
    id, object_id, change_type, created_at, command_tag, object_type, identity, old_identity, old_blob, new_blob,
    old_column_order, new_column_order, session_role, set_role, application_name, client_addr, backend_pid, transaction_id)
SELECT a.id, a.object_id, a.change_type, a.created_at, a.command_tag, a.object_type, a.identity, a.old_identity, a.old_blob, a.new_blob,
    a.old_column_order, a.new_column_order, a.session_role, a.set_role, a.application_name, a.client_addr, a.backend_pid, a.transaction_id
FROM pggit.history_archive a;
ALTER EXTENSION pggit DROP TABLE pggit.history_archive;
DROP TABLE pggit.history_archive;
ALTER TABLE pggit.objects DROP COLUMN tags;
ALTER TABLE pggit.history DROP COLUMN duration_ms, DROP COLUMN performance_impact;

SELECT pggit.complete_update('0.2.0', '0.1.0');
