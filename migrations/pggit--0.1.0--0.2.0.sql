\echo Use "ALTER EXTENSION pggit UPDATE TO '0.2.0'" to load this file. \set ON_ERROR_STOP on \\ DO $$BEGIN RAISE EXCEPTION 'only ALTER EXTENSION pggit UPDATE TO ''0.2.0'' can run this script; nothing was done'; END$$;

-- From 0.1.0 to 0.2.0: what the two install scripts make differently is changed here, in the same words.
-- Locks: history, objects
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

-- First what waits for nobody: functions and new tables.
CREATE OR REPLACE FUNCTION pggit.this_command(tag text, change text, took_ms numeric DEFAULT NULL) RETURNS pggit.command
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(tag, change, clock_timestamp(), session_user, nullif(current_setting('role'), 'none'),
               nullif(current_setting('application_name'), ''), inet_client_addr(), pg_backend_pid(),
               pg_current_xact_id(), took_ms, pggit.performance_impact(took_ms))::pggit.command;
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

CREATE FUNCTION pggit.start_clock() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A command can run others, and those can fail and be caught: a setting of the transaction is put back then, and
    -- forgotten at its end. Whoever writes into it garbles the durations of their own commands, within their transaction's.
    PERFORM set_config('pggit.clocks', concat_ws(
        ' ', nullif(current_setting('pggit.clocks', true), ''), extract(epoch FROM clock_timestamp())), true);
END
$$;
COMMENT ON FUNCTION pggit.start_clock() IS 'Notes when a command begins, within those that run it.';

CREATE FUNCTION pggit.read_clock(is_over boolean) RETURNS numeric
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    clocks text := coalesce(current_setting('pggit.clocks', true), '');
    began text := split_part(clocks, ' ', -1);
BEGIN
    IF is_over THEN
        PERFORM set_config('pggit.clocks', rtrim(left(clocks, -length(began))), true);
    END IF;
    -- Commands with CONCURRENTLY commit on their way, which loses the note; but each is a whole message of its own.
    RETURN greatest(0, 1000 * (extract(epoch FROM clock_timestamp())
        - CASE WHEN began ~ '^[0-9]{1,12}[.][0-9]{6}$' AND began::numeric >= extract(epoch FROM transaction_timestamp())
            THEN began::numeric ELSE extract(epoch FROM statement_timestamp()) END));
END
$$;
COMMENT ON FUNCTION pggit.read_clock(boolean) IS
'How long the command that runs now has taken, in milliseconds. When it is over, its note goes; those that run it have theirs.';

CREATE FUNCTION pggit.monitoring_settings() RETURNS TABLE (setting text, default_value numeric, largest_value numeric, meaning text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY VALUES
        -- Durations may be up to a week, sizes up to a petabyte, ages up to a hundred years: whatever is more is a slip.
        ('impact_medium_ms', 100::numeric, 604800000::numeric, 'from how many milliseconds on a command has medium impact'),
        ('impact_high_ms', 1000, 604800000, 'from how many milliseconds on a command has high impact'),
        ('storage_warning_mb', 1000, 1073741824, 'from how many megabytes on pgGit''s own tables are a warning'),
        ('storage_critical_mb', 5000, 1073741824, 'from how many megabytes on pgGit''s own tables are critical'),
        ('quiet_after_minutes', 60, 52560000, 'after how many minutes without a change the quiet is a warning'),
        ('error_hours', 24, 876000, 'for how many hours an error of the tracking counts'),
        ('seal_after_days', 7, 36500, 'how many days a change may be without a seal'),
        ('restore_point_after_days', 90, 36500, 'how many days a restore point may stay before it is stale'),
        ('backup_after_hours', 36, 876000, 'how many hours the last backup may lie back; twice that is unhealthy'),
        ('verified_backup_after_days', 8, 36500, 'how many days the last backup that was proven by a restore may lie back; twice that is unhealthy');
END
$$;
COMMENT ON FUNCTION pggit.monitoring_settings() IS 'The numbers that configure_monitoring() can set, with what they are unless set, and the largest that each can be.';

CREATE FUNCTION pggit.monitoring_value(wanted text) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT s.value::numeric FROM pggit.settings s WHERE s.name = wanted), pggit.monitoring_default(wanted));
END
$$;
COMMENT ON FUNCTION pggit.monitoring_value(text) IS 'One of the numbers that configure_monitoring() can set, as it is now.';

CREATE FUNCTION pggit.configure_monitoring(setting text, new_value numeric) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    known record;
BEGIN
    SELECT m.* INTO known FROM pggit.monitoring_settings() m WHERE m.setting = configure_monitoring.setting;
    IF known.setting IS NULL THEN
        RAISE EXCEPTION 'there is no setting %', coalesce(quote_literal(configure_monitoring.setting), 'NULL')
            USING ERRCODE = 'GT019', HINT = format('Valid are %s.', (SELECT string_agg(m.setting, ', ') FROM pggit.monitoring_settings() m));
    ELSIF (new_value BETWEEN 0 AND known.largest_value AND new_value = round(new_value, 3)) IS FALSE THEN
        -- such a number can have thousands of digits
        RAISE EXCEPTION '% cannot be %, but is a number from 0 to % with at most 3 decimals', known.setting,
            CASE WHEN length(new_value::text) > 40 THEN left(new_value::text, 40) || '...' ELSE new_value::text END, known.largest_value
            USING ERRCODE = 'GT046', HINT = 'Give such a number, or NULL for what it is unless set.';
    END IF;
    IF new_value IS NULL THEN
        DELETE FROM pggit.settings s WHERE s.name = known.setting;
    ELSE
        PERFORM pggit.put_setting(known.setting, trim_scale(new_value)::text);
    END IF;
    RETURN format('%s is %s: %s', known.setting, coalesce(trim_scale(new_value), known.default_value), known.meaning);
END
$$;
COMMENT ON FUNCTION pggit.configure_monitoring(text, numeric) IS
'Sets one of the numbers by which impact and health are judged, or with NULL puts it back; pggit.monitoring_settings() lists them. Raises GT019, GT046.';

CREATE FUNCTION pggit.monitoring_default(wanted text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT m.default_value FROM pggit.monitoring_settings() m WHERE m.setting = wanted);
END
$$;
COMMENT ON FUNCTION pggit.monitoring_default(text) IS 'What one of those numbers is unless set.';

CREATE FUNCTION pggit.performance_impact(took_ms numeric) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Runs for every command: PostgreSQL works the defaults out once, when it plans this.
    RETURN CASE
        WHEN took_ms >= coalesce((SELECT s.value::numeric FROM pggit.settings s WHERE s.name = 'impact_high_ms'),
                                 pggit.monitoring_default('impact_high_ms')) THEN 'high'
        WHEN took_ms >= coalesce((SELECT s.value::numeric FROM pggit.settings s WHERE s.name = 'impact_medium_ms'),
                                 pggit.monitoring_default('impact_medium_ms')) THEN 'medium'
        ELSE 'low' END;
END
$$;
COMMENT ON FUNCTION pggit.performance_impact(numeric) IS 'What a duration in milliseconds counts as: low, medium or high.';

CREATE FUNCTION pggit.duration_bounds() RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
END
$$;
COMMENT ON FUNCTION pggit.duration_bounds() IS 'The upper bounds, in seconds, of the buckets in which durations are counted.';

CREATE FUNCTION pggit.count_command(tag text, took_ms numeric) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    word text := lower(split_part(tag, ' ', 1) COLLATE "C");
    seconds numeric := took_ms / 1000;
BEGIN
    INSERT INTO pggit.tallies (counter, label, bucket, amount, total)
    VALUES ('command', CASE WHEN word = ANY (pggit.command_words()) THEN word ELSE 'other' END,
            -- a bound belongs to the bucket below it; a duration is one of whole microseconds
            width_bucket((seconds - 1e-9)::double precision, pggit.duration_bounds()), 1, seconds);
    -- Not where the transaction is SERIALIZABLE: it would have read the rows that all others append.
    IF random() < 0.001 AND current_setting('transaction_isolation') <> 'serializable' THEN
        BEGIN
            PERFORM pggit.roll_up();
        EXCEPTION WHEN OTHERS THEN
            RETURN;  -- another session put rows together that a standing snapshot still has: what is counted stays counted
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.count_command(text, numeric) IS 'Counts a command and how long it took.';

CREATE FUNCTION pggit.command_words() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['create', 'alter', 'drop', 'comment', 'grant', 'revoke', 'other'];
END
$$;
COMMENT ON FUNCTION pggit.command_words() IS 'The first words of commands that are counted apart.';

CREATE FUNCTION pggit.roll_up() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What another session is putting together is left to it. Up to the end of this transaction everybody else sees
    -- the rows as they were, and after it as they are: never both, never neither.
    WITH taken AS (
        DELETE FROM pggit.tallies t
        WHERE t.id IN (SELECT w.id FROM pggit.tallies w ORDER BY w.id FOR UPDATE SKIP LOCKED)
        RETURNING t.counter, t.label, t.bucket, t.amount, t.total,
            CASE WHEN t.minute > clock_timestamp() - interval '1 hour' THEN t.minute END AS recent)
    INSERT INTO pggit.tallies (counter, label, minute, bucket, amount, total)
    SELECT counter, label, recent, bucket, sum(amount), sum(total) FROM taken GROUP BY counter, label, recent, bucket;
END
$$;
COMMENT ON FUNCTION pggit.roll_up() IS 'Puts rows of tallies together.';

CREATE OR REPLACE FUNCTION pggit.note_tracking_error(tag text, state text, message text, context text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Below our own functions the context goes on into the user's, whose text may hold a password.
    INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, context, session_role)
    VALUES (clock_timestamp(), tag, state, message,
            substring(context FROM E'^.*?PL/pgSQL function pggit[.](?:on_|settle)[^\n]*?(?=\n|$)'), session_user);
    BEGIN
        INSERT INTO pggit.tallies (counter, label, amount, total) VALUES ('error', '', 1, 0);
    EXCEPTION WHEN OTHERS THEN
        RETURN;  -- the error is kept, which matters more than its count
    END;
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
            IF pggit.was_overtaken('0.2.0') THEN
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
    is_paused boolean := true;
    is_adopted boolean;
    lacks_something boolean;
    is_last boolean := false;
BEGIN
    BEGIN
        -- DROP INDEX CONCURRENTLY must be first in its transaction, and does not tell itself apart by its tag.
        IF TG_TAG <> 'DROP INDEX' AND pggit.sees_the_present() THEN
            SELECT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused'),
                   EXISTS (SELECT FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time()),
                   EXISTS (SELECT FROM pggit.unsettled)
            INTO is_paused, is_adopted, lacks_something;
        END IF;
        IF is_paused OR is_adopted AND NOT lacks_something THEN
            is_last := true;
            PERFORM pggit.start_clock();
            RETURN;
        END IF;
        IF NOT is_adopted THEN
            PERFORM pggit.adopt_cluster();
        END IF;
        IF lacks_something THEN
            PERFORM pggit.settle();
        END IF;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
        PERFORM pggit.note_or_defer('0.2.0', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
        IF is_last THEN
            RETURN;
        END IF;
    END;
    BEGIN
        -- Last, so that the command does not pay for what others left.
        PERFORM pggit.start_clock();
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
        PERFORM pggit.note_or_defer('0.2.0', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
    END;
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster and lacks nothing, and looks at the clock.';

CREATE OR REPLACE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    took_ms numeric;
    is_uncounted boolean := false;
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
    BEGIN
        -- By itself, so that no error below puts the clock back.
        took_ms := pggit.read_clock(true);
    EXCEPTION WHEN OTHERS THEN
        took_ms := NULL;
    END;
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
        is_uncounted := true;
        IF mode = 'now' THEN
            -- Who brings pgGit to another version holds this lock to the end: all that is called from here on is of one.
            LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
            changed := pggit.record_command(pggit.this_command(TG_TAG, change, took_ms), found);
        ELSE
            PERFORM pggit.defer(pggit.this_command(TG_TAG, change, took_ms), found);
        END IF;
        PERFORM pggit.count_command(TG_TAG, took_ms);
        RETURN;
    EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        PERFORM pggit.defer_or_note(TG_TAG, change, took_ms, found);
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
        PERFORM pggit.note_or_defer('0.2.0', TG_TAG, change, took_ms, found, SQLSTATE, SQLERRM, trouble);
    END;
    IF is_uncounted THEN
        BEGIN
            PERFORM pggit.count_command(TG_TAG, took_ms);
        EXCEPTION WHEN OTHERS THEN
            RETURN;  -- no command fails because it could not be counted
        END;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    took_ms numeric;
    is_uncounted boolean := false;
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    changed integer;
    -- Where more than a drop happens, ddl_command_end counts the command.
    is_all boolean := starts_with(TG_TAG, 'DROP ') AND TG_TAG <> 'DROP OWNED';
    mode text;
    trouble text;
    d record;
    still_there oid;
    found pggit.address[];
    indexes text[] := '{}';
BEGIN
    BEGIN
        took_ms := pggit.read_clock(false);
    EXCEPTION WHEN OTHERS THEN
        took_ms := NULL;
    END;
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
        is_uncounted := is_all;
        IF mode = 'now' THEN
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
                changed := pggit.record_command(pggit.this_command(TG_TAG, 'ALTER', took_ms), found);
            END IF;
        ELSE
            PERFORM pggit.defer(pggit.this_command(TG_TAG, 'ALTER', took_ms), found);
        END IF;
        IF is_all THEN
            PERFORM pggit.count_command(TG_TAG, took_ms);
        END IF;
        RETURN;
    EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        PERFORM pggit.defer_or_note(TG_TAG, 'ALTER', took_ms, found);
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
        PERFORM pggit.note_or_defer('0.2.0', TG_TAG, 'ALTER', took_ms, found, SQLSTATE, SQLERRM, trouble);
    END;
    IF is_uncounted THEN
        BEGIN
            PERFORM pggit.count_command(TG_TAG, took_ms);
        EXCEPTION WHEN OTHERS THEN
            RETURN;  -- no command fails because it could not be counted
        END;
    END IF;
END
$$;

CREATE FUNCTION pggit.record_metric(metric_type text, metric_value double precision, tags jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    recorded bigint;
BEGIN
    IF metric_type IS NULL OR metric_type ~ '^\s*$' OR octet_length(metric_type) > 200 OR metric_type ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'a metric needs a type of 1 to 200 bytes without control characters'
            USING ERRCODE = 'GT046', HINT = 'Such as ddl_execution_ms.';
    ELSIF (metric_value >= 0 AND metric_value <= 1e100) IS NOT TRUE THEN
        RAISE EXCEPTION 'a metric needs a number from 0 to 1e100, not %', coalesce(metric_value::text, 'NULL')
            USING ERRCODE = 'GT046', HINT = 'Count something, or measure it in one unit.';
    ELSIF (jsonb_typeof(tags) = 'object' AND octet_length(tags::text) <= 8192) IS NOT TRUE THEN
        RAISE EXCEPTION 'the tags of a metric are a JSON object of at most 8192 bytes'
            USING ERRCODE = 'GT046', HINT = 'Such as {"command": "CREATE TABLE"}.';
    END IF;
    INSERT INTO pggit.performance_metrics (metric_type, metric_value, tags, recorded_at)
    VALUES (metric_type, metric_value, tags, clock_timestamp())
    RETURNING metric_id INTO recorded;
    RETURN recorded;
END
$$;
COMMENT ON FUNCTION pggit.record_metric(text, double precision, jsonb) IS
'Keeps a number of your own under a type, and returns its metric_id. pggit.metrics_summary has the last hour, pggit.metrics the last five minutes. Raises GT046.';

CREATE FUNCTION pggit.prune_metrics(keep interval DEFAULT '30 days') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    pruned bigint;
BEGIN
    IF (keep >= interval '0') IS NOT TRUE THEN
        RAISE EXCEPTION 'metrics cannot be kept for %', coalesce(keep::text, 'NULL')
            USING ERRCODE = 'GT046', HINT = 'Give an interval from 0 on, such as 30 days.';
    END IF;
    DELETE FROM pggit.performance_metrics WHERE recorded_at < clock_timestamp() - keep;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    IF pggit.sees_the_present() THEN
        PERFORM pggit.roll_up();
    END IF;
    RETURN pruned;
END
$$;
COMMENT ON FUNCTION pggit.prune_metrics(interval) IS
'Deletes recorded metrics that are older, and returns how many those were. Raises GT046.';

CREATE FUNCTION pggit.metric_families() RETURNS TABLE (family text, kind text, help text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('pggit_info', 'gauge', 'Always 1; version is that of the extension, data_version that of what wrote its tables.'),
        ('pggit_tracking_enabled', 'gauge', '1 when commands are recorded: all event triggers are enabled, event_triggers is on and tracking is not paused.'),
        ('pggit_objects', 'gauge', 'Objects that are tracked, by type.'),
        ('pggit_changes_total', 'counter', 'Changes of objects that were recorded, by kind.'),
        ('pggit_changes_last_hour', 'gauge', 'Changes of objects that were recorded in this minute and the 59 before it.'),
        ('pggit_uncommitted', 'gauge', '1 when objects were changed since the last commit.'),
        ('pggit_unsettled_commands', 'gauge', 'Commands of which something is still to be recorded, since another session held it.'),
        ('pggit_tracking_errors_total', 'counter', 'Commands that tracking could not record.'),
        ('pggit_ddl_duration_seconds', 'histogram', 'How long commands took, by their first word.'),
        ('pggit_last_change_timestamp_seconds', 'gauge', 'When the last change was recorded; 0 when none was.'),
        ('pggit_last_commit_timestamp_seconds', 'gauge', 'When the last commit was made; 0 when none was.'),
        ('pggit_last_seal_timestamp_seconds', 'gauge', 'When the history was last sealed; 0 when it never was.'),
        ('pggit_storage_bytes', 'gauge', 'Size of each table of pgGit''s own, with its indexes.'),
        ('pggit_storage_limit_bytes', 'gauge', 'From which size on pgGit''s own tables are a warning, or critical.'),
        ('pggit_health_status', 'gauge', 'What health_check() finds: 0 healthy, 1 warning, 2 unhealthy, 3 critical.'),
        ('pggit_health_unknown', 'gauge', '1 when a check failed itself, so that its status says nothing of what it looks at.'),
        ('pggit_backup_last_success_timestamp_seconds', 'gauge', 'When the last backup was completed; 0 when none was.'),
        ('pggit_backup_last_verified_timestamp_seconds', 'gauge', 'When a backup was last proven by restoring it; 0 when none was.'),
        ('pggit_backup_last_duration_seconds', 'gauge', 'How long the last completed backup took.'),
        ('pggit_backup_last_size_bytes', 'gauge', 'Size of the last completed backup.'),
        ('pggit_backup_last_failed', 'gauge', '1 when the last backup that ended had failed.'),
        ('pggit_metric_average', 'gauge', 'Average of what record_metric() was given in the last 5 minutes, by type.'),
        ('pggit_metric_samples', 'gauge', 'How often record_metric() was called in the last 5 minutes, by type.'),
        ('pggit_metric_types', 'gauge', 'Types that record_metric() was given in the last 5 minutes; the 100 with most samples are shown.'),
        ('pggit_scrape_duration_seconds', 'gauge', 'How long it took to work these numbers out.');
END
$$;
COMMENT ON FUNCTION pggit.metric_families() IS 'Every metric there is, with its type and what it says.';

CREATE FUNCTION pggit.metric_names() RETURNS TABLE (name text, family text, kind text, help text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT f.family || s.suffix, f.family, f.kind, f.help FROM pggit.metric_families() f
    CROSS JOIN LATERAL unnest(CASE f.kind WHEN 'histogram' THEN ARRAY['_bucket', '_sum', '_count'] ELSE ARRAY[''] END) AS s (suffix);
END
$$;
COMMENT ON FUNCTION pggit.metric_names() IS 'The names that samples have, with their families: a histogram has samples of several names.';

CREATE FUNCTION pggit.epoch(moment timestamptz) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(extract(epoch FROM moment), 0);
END
$$;
COMMENT ON FUNCTION pggit.epoch(timestamptz) IS 'A moment in seconds since 1970; 0 for none.';

CREATE FUNCTION pggit.read_metrics(families text[] DEFAULT NULL)
RETURNS TABLE (name text, labels jsonb, value double precision, place integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET lock_timeout = '100ms' AS $$
DECLARE
    began timestamptz := clock_timestamp();
    known text[] := ARRAY(SELECT f.family FROM pggit.metric_families() f);
    wanted text[] := families;
    bounds double precision[] := pggit.duration_bounds();
    checks jsonb;
    sizes jsonb;
    backup pggit.backups;
BEGIN
    IF NOT families <@ known THEN
        RAISE EXCEPTION 'there is no metric %', (SELECT coalesce(quote_literal(f), 'NULL') FROM unnest(families) f WHERE (f <> ALL (known)) IS NOT FALSE LIMIT 1)
            USING ERRCODE = 'GT019', HINT = 'pggit.metric_families() lists them.';
    ELSIF families IS NULL OR 'pggit_scrape_duration_seconds' = ANY (families) THEN
        wanted := known;  -- how long all takes is known when all is worked out
    END IF;
    SELECT b.* INTO backup FROM pggit.backups b WHERE b.status = 'completed' ORDER BY b.completed_at DESC LIMIT 1;
    RETURN QUERY
        SELECT s.name, '{}'::jsonb, s.value, 0 FROM (VALUES
            ('pggit_tracking_enabled', pggit.is_tracking()::integer::float8),
            ('pggit_changes_last_hour', (
                SELECT coalesce(sum(t.amount), 0)::float8 FROM pggit.tallies t
                WHERE t.counter = 'change' AND t.minute > began - interval '1 hour')),
            ('pggit_uncommitted', (EXISTS (SELECT FROM pggit.uncommitted))::integer::float8),
            ('pggit_unsettled_commands', (SELECT count(*)::float8 FROM pggit.unsettled)),
            ('pggit_tracking_errors_total', (
                SELECT coalesce(sum(t.amount), 0)::float8 FROM pggit.tallies t WHERE t.counter = 'error')),
            ('pggit_last_change_timestamp_seconds', pggit.epoch((SELECT h.created_at FROM pggit.history h ORDER BY h.id DESC LIMIT 1))),
            ('pggit_last_commit_timestamp_seconds', pggit.epoch((SELECT c.committed_at FROM pggit.commits c ORDER BY c.id DESC LIMIT 1))),
            ('pggit_last_seal_timestamp_seconds', pggit.epoch((SELECT s.sealed_at FROM pggit.seals s ORDER BY s.id DESC LIMIT 1))),
            ('pggit_backup_last_success_timestamp_seconds', pggit.epoch(backup.completed_at)),
            ('pggit_backup_last_verified_timestamp_seconds', pggit.epoch((SELECT max(b.verified_at) FROM pggit.backups b))),
            ('pggit_backup_last_duration_seconds', coalesce(extract(epoch FROM backup.completed_at - backup.started_at), 0)::float8),
            ('pggit_backup_last_size_bytes', coalesce(backup.size_bytes, 0)::float8),
            ('pggit_backup_last_failed', coalesce((
                SELECT b.status = 'failed' FROM pggit.backups b WHERE b.status <> 'running' ORDER BY b.id DESC LIMIT 1), false)::integer::float8)
        ) AS s (name, value) WHERE s.name = ANY (wanted);
    IF 'pggit_info' = ANY (wanted) THEN
        RETURN QUERY SELECT 'pggit_info', jsonb_build_object(
            'version', pggit.version(), 'data_version', (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version')), 1::float8, 0;
    END IF;
    IF 'pggit_objects' = ANY (wanted) THEN
        RETURN QUERY SELECT 'pggit_objects', jsonb_build_object('type', lower(o.object_type COLLATE "C")), count(*)::float8, 0
            FROM pggit.objects o WHERE o.is_active GROUP BY o.object_type;
    END IF;
    IF 'pggit_changes_total' = ANY (wanted) THEN
        RETURN QUERY SELECT 'pggit_changes_total', jsonb_build_object('kind', lower(k COLLATE "C")), coalesce(sum(t.amount), 0)::float8, 0
            FROM unnest(pggit.change_types()) k LEFT JOIN pggit.tallies t ON t.counter = 'change' AND t.label = k GROUP BY k;
    END IF;
    IF 'pggit_ddl_duration_seconds' = ANY (wanted) THEN
        -- every bucket of every word, whether it ever held anything or not: a rate needs the zero before
        RETURN QUERY
            WITH buckets AS (
                SELECT w.word, b.bucket, coalesce(sum(t.amount), 0)::float8 AS amount, coalesce(sum(t.total), 0) AS total
                FROM unnest(pggit.command_words()) AS w (word) CROSS JOIN generate_series(0, cardinality(bounds)) AS b (bucket)
                LEFT JOIN pggit.tallies t ON t.counter = 'command' AND t.label = w.word AND t.bucket = b.bucket
                GROUP BY w.word, b.bucket
            )
            SELECT 'pggit_ddl_duration_seconds_bucket',
                jsonb_build_object('command', b.word, 'le', coalesce(bounds[b.bucket + 1]::text, '+Inf')),
                sum(b.amount) OVER (PARTITION BY b.word ORDER BY b.bucket), b.bucket
            FROM buckets b
            UNION ALL
            SELECT 'pggit_ddl_duration_seconds_sum', jsonb_build_object('command', b.word), sum(b.total)::float8, 1001 FROM buckets b GROUP BY b.word
            UNION ALL
            SELECT 'pggit_ddl_duration_seconds_count', jsonb_build_object('command', b.word), sum(b.amount), 1002 FROM buckets b GROUP BY b.word;
    END IF;
    IF wanted && ARRAY['pggit_health_status', 'pggit_health_unknown'] THEN
        SELECT jsonb_object_agg(c.check_name, jsonb_build_object(
                'pggit_health_status', array_position(pggit.health_levels(), c.status) - 1,
                'pggit_health_unknown', (c.details ? 'is_unknown')::integer)),
            -- of the one check that works them out
            max((c.details -> 'relations')::text)::jsonb
        INTO checks, sizes FROM pggit.health_check() c;
        RETURN QUERY SELECT f.key, jsonb_build_object('check', c.key), f.value::float8, 0
            FROM jsonb_each(checks) c CROSS JOIN LATERAL jsonb_each(c.value) f WHERE f.key = ANY (wanted);
    END IF;
    IF 'pggit_storage_bytes' = ANY (wanted) THEN
        RETURN QUERY SELECT 'pggit_storage_bytes', jsonb_build_object('relation', s.key), s.value::float8, 0
            FROM jsonb_each(coalesce(sizes, (SELECT jsonb_object_agg(s.relation, s.bytes) FROM pggit.storage() s))) s;
    END IF;
    IF 'pggit_storage_limit_bytes' = ANY (wanted) THEN
        BEGIN
            RETURN QUERY SELECT 'pggit_storage_limit_bytes', jsonb_build_object('level', l.level),
                (1048576 * pggit.monitoring_value('storage_' || l.level || '_mb'))::float8, 0
                FROM (VALUES ('warning'), ('critical')) AS l (level);
        EXCEPTION WHEN invalid_text_representation THEN
            NULL;  -- a setting that is no number makes its check fail, and not everything else with it
        END;
    END IF;
    IF wanted && ARRAY['pggit_metric_average', 'pggit_metric_samples', 'pggit_metric_types'] THEN
        RETURN QUERY
            WITH recorded AS (
                SELECT m.metric_type, count(*)::float8 AS samples, avg(m.metric_value) AS average FROM pggit.performance_metrics m
                WHERE m.recorded_at > began - interval '5 minutes' GROUP BY m.metric_type
            ), shown AS (
                SELECT r.* FROM recorded r ORDER BY r.samples DESC, r.metric_type COLLATE "C" LIMIT 100
            ), found (name, labels, value) AS (
                SELECT 'pggit_metric_average', jsonb_build_object('type', s.metric_type), s.average FROM shown s
                UNION ALL SELECT 'pggit_metric_samples', jsonb_build_object('type', s.metric_type), s.samples FROM shown s
                UNION ALL SELECT 'pggit_metric_types', '{}', count(*) FROM recorded
            )
            SELECT f.name, f.labels, f.value, 0 FROM found f WHERE f.name = ANY (wanted);
    END IF;
    IF 'pggit_scrape_duration_seconds' = ANY (wanted) THEN
        RETURN QUERY SELECT 'pggit_scrape_duration_seconds', '{}'::jsonb, extract(epoch FROM clock_timestamp() - began)::float8, 0;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.read_metrics(text[]) IS
'The numbers as they are now, of the named families alone or, with NULL, of all; how long a scrape takes needs all as well. place orders what must come in an order of its own: the buckets of a histogram, its sum, its count. Raises GT019.';

CREATE FUNCTION pggit.prometheus_metrics(format text DEFAULT 'classic') RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET extra_float_digits = 1 SET lock_timeout = '100ms' AS $$
DECLARE
    is_open boolean := format = 'openmetrics';
BEGIN
    IF format IS NULL OR format NOT IN ('classic', 'openmetrics') THEN
        RAISE EXCEPTION 'there is no format %', coalesce(quote_literal(format), 'NULL')
            USING ERRCODE = 'GT019', HINT = 'Valid are classic, openmetrics.';
    END IF;
    RETURN (
        WITH samples AS (
            SELECT m.name, m.labels, m.value, m.place, f.kind, f.help, f.family,
                -- OpenMetrics names a counter without its suffix
                CASE WHEN is_open THEN regexp_replace(f.family, '_total$', '') ELSE f.family END AS shown,
                (SELECT '{' || string_agg(format('%s="%s"', l.key, replace(replace(replace(
                    coalesce(l.value, ''), '\', '\\'), '"', '\"'), E'\n', '\n')), ',' ORDER BY l.key COLLATE "C") || '}'
                 FROM jsonb_each_text(m.labels) l) AS label_text
            FROM pggit.read_metrics() m
            JOIN pggit.metric_names() f ON f.name = m.name
        ), families AS (
            SELECT s.family, concat('# HELP ', s.shown, ' ', s.help, E'\n# TYPE ', s.shown, ' ', s.kind, E'\n', string_agg(
                concat(s.name, s.label_text, ' ', s.value, E'\n'), ''
                ORDER BY (s.labels - 'le')::text COLLATE "C", s.place)) AS lines
            FROM samples s GROUP BY s.family, s.shown, s.help, s.kind
        )
        SELECT string_agg(f.lines, '' ORDER BY f.family COLLATE "C") || CASE WHEN is_open THEN E'# EOF\n' ELSE '' END FROM families f);
END
$$;
COMMENT ON FUNCTION pggit.prometheus_metrics(text) IS
'pggit.metrics in a text format that Prometheus reads: classic, or openmetrics. Raises GT019.';

CREATE FUNCTION pggit.health_levels() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['healthy', 'warning', 'unhealthy', 'critical'];
END
$$;
COMMENT ON FUNCTION pggit.health_levels() IS 'What a check can find, from good to bad.';

CREATE FUNCTION pggit.health_checks() RETURNS TABLE (check_name text, meaning text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('event_triggers', 'pgGit is initialised, its event triggers are there and enabled, and the setting event_triggers is off for nobody'),
        ('tracking', 'tracking is not paused'),
        ('tracking_errors', 'no command was left unrecorded by an error lately'),
        ('unsettled', 'nothing waits to be recorded'),
        ('index_sample', 'a few objects, those changed last and some others, are in the catalog as they are in the index'),
        ('recent_activity', 'something changed in the last hour'),
        ('storage_size', 'pgGit''s own tables are not too large'),
        ('object_count', 'objects are tracked'),
        ('audit_seal', 'the history was sealed lately, if there was anything to seal'),
        ('upgrades', 'no upgrade was cut off or failed'),
        ('data_version', 'the tables were written by the version that is installed'),
        ('restore_points', 'no restore point is old and forgotten'),
        ('last_backup', 'there is a backup, and a recent one'),
        ('verified_backup', 'a recent backup was proven by restoring it');
END
$$;
COMMENT ON FUNCTION pggit.health_checks() IS 'The checks that health_check() always makes, with what each holds to be healthy.';

CREATE FUNCTION pggit.is_tracking() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT pggit.silenced() && ARRAY['this server', 'this database', 'all roles']
        AND NOT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') AND NOT EXISTS (
        SELECT FROM unnest(pggit.events()) AS t (event)
        WHERE NOT EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtname = 'pggit_' || t.event AND e.evtenabled IN ('O', 'A')));
END
$$;
COMMENT ON FUNCTION pggit.is_tracking() IS 'Whether the commands of ordinary sessions are recorded.';

CREATE FUNCTION pggit.storage() RETURNS TABLE (relation text, bytes bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.relname::text, pg_total_relation_size(c.oid) FROM pg_class c
        WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind = 'r';
END
$$;
COMMENT ON FUNCTION pggit.storage() IS 'How large pgGit''s own tables are, with their indexes.';

CREATE FUNCTION pggit.change_types() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['CREATE', 'ALTER', 'DROP', 'RENAME', 'COMMENT', 'GRANT', 'RESCAN'];
END
$$;
COMMENT ON FUNCTION pggit.change_types() IS 'The kinds of change that the history knows.';

CREATE FUNCTION pggit.ago(moment timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seconds numeric := extract(epoch FROM clock_timestamp() - moment);
BEGIN
    RETURN CASE
        WHEN seconds < 0 THEN '0 seconds'
        WHEN seconds < 120 THEN round(seconds) || ' seconds'
        WHEN seconds < 7200 THEN round(seconds / 60) || ' minutes'
        WHEN seconds < 172800 THEN round(seconds / 3600) || ' hours'
        ELSE round(seconds / 86400) || ' days' END || ' ago';
END
$$;
COMMENT ON FUNCTION pggit.ago(timestamptz) IS 'How long a moment lies back, in words.';

CREATE FUNCTION pggit.before_now(seconds numeric) RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN clock_timestamp() - make_interval(secs => seconds::double precision);
END
$$;
COMMENT ON FUNCTION pggit.before_now(numeric) IS 'The moment that lies so many seconds back.';

CREATE FUNCTION pggit.health_of_event_triggers() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
    silenced text[] := pggit.silenced();
BEGIN
    SELECT coalesce(array_agg('pggit_' || t.event) FILTER (WHERE e.evtname IS NULL), '{}') AS missing,
           coalesce(array_agg('pggit_' || t.event) FILTER (WHERE e.evtenabled NOT IN ('O', 'A')), '{}') AS disabled INTO found
    FROM unnest(pggit.events()) AS t (event) LEFT JOIN pg_event_trigger e ON e.evtname = 'pggit_' || t.event;
    details := jsonb_build_object('missing', found.missing, 'disabled', found.disabled, 'silenced', silenced);
    IF NOT EXISTS (SELECT FROM pggit.head) THEN
        status := 'critical';
        message := 'pgGit is not initialised: SELECT pggit.init();';
    ELSIF found.missing <> '{}' OR found.disabled <> '{}' THEN
        status := 'critical';
        message := format('no command is recorded whole without %s: SELECT pggit.enable(); then SELECT pggit.rescan();',
                          array_to_string(found.missing || found.disabled, ', '));
    ELSIF silenced <> '{}' THEN
        status := 'critical';
        message := format('no command is recorded for %s, since the setting event_triggers is off: switch it on, then SELECT pggit.rescan();',
                          array_to_string(silenced, ', '));
    ELSE
        status := 'healthy';
        message := 'all event triggers are there and enabled';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_event_triggers() IS 'Health check: the event triggers.';

CREATE FUNCTION pggit.health_of_tracking() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pause pggit.settings;
BEGIN
    SELECT s.* INTO pause FROM pggit.settings s WHERE s.name = 'paused';
    IF pause.name IS NULL THEN
        RETURN QUERY SELECT 'healthy', 'tracking is not paused', '{}'::jsonb;
    ELSE
        RETURN QUERY SELECT 'warning',
            format('%s paused tracking %s: SELECT pggit.resume(); then SELECT pggit.rescan();', quote_ident(pause.set_by), pggit.ago(pause.set_at)),
            jsonb_build_object('paused_by', pause.set_by, 'paused_at', pause.set_at);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.health_of_tracking() IS 'Health check: a pause.';

CREATE FUNCTION pggit.health_of_tracking_errors() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hours numeric := pggit.monitoring_value('error_hours');
    newest pggit.tracking_errors;
    errors bigint;
BEGIN
    SELECT e.* INTO newest FROM pggit.tracking_errors e ORDER BY e.id DESC LIMIT 1;
    errors := (SELECT count(*) FROM (
        SELECT FROM pggit.tracking_errors e WHERE e.created_at > pggit.before_now(hours * 3600)
        ORDER BY e.id DESC LIMIT 1000) recent);
    IF errors = 0 THEN
        RETURN QUERY SELECT 'healthy', format('no error in %s hours', hours), jsonb_build_object('errors', 0, 'last_error_at', newest.created_at);
    ELSE
        RETURN QUERY SELECT 'critical',
            format('%s errors in %s hours, the last (%s, %s) %s: SELECT pggit.rescan(); takes in what they left, pggit.tracking_errors has them',
                   errors, hours, newest.command_tag, newest.sqlstate, pggit.ago(newest.created_at)),
            jsonb_build_object('errors', errors, 'last_error_at', newest.created_at, 'command_tag', newest.command_tag,
                               'sqlstate', newest.sqlstate, 'error', newest.message);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.health_of_tracking_errors() IS 'Health check: errors of the tracking.';

CREATE FUNCTION pggit.health_of_unsettled() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due record;
BEGIN
    SELECT count(*) AS commands, min(u.created_at) AS oldest INTO due FROM pggit.unsettled u;
    details := jsonb_build_object('commands', due.commands, 'oldest_at', due.oldest);
    IF due.commands = 0 THEN
        status := 'healthy';
        message := 'all is recorded';
    ELSE
        status := 'warning';
        message := format('%s commands are not recorded whole, the oldest %s: the next command does it, or SELECT pggit.settle();',
                          due.commands, pggit.ago(due.oldest));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_unsettled() IS 'Health check: what had to be deferred.';

CREATE FUNCTION pggit.differs_from_catalog(tracked bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT o.is_active AND (
            e.objid IS NULL OR o.blob <> pggit.blob_hash(e.object_type, e.identity, e.definition)
            OR o.column_order IS DISTINCT FROM e.column_order)
        FROM pggit.objects o JOIN pggit.object_oids x ON x.object_id = o.id
        CROSS JOIN LATERAL pggit.read_object(x.classid, x.objid) e WHERE o.id = tracked);
END
$$;
COMMENT ON FUNCTION pggit.differs_from_catalog(bigint) IS 'Whether an object is otherwise than the index has it; null when it is not tracked.';

CREATE FUNCTION pggit.addresses_of(tracked bigint[]) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(x.classid, x.objid)::pggit.address FROM pggit.object_oids x
        WHERE x.object_id = ANY (tracked) AND pggit.is_user_oid(x.classid, x.objid)
          -- Members of an extension belong to the extension.
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classid AND d.objid = x.objid AND d.deptype = 'e'));
END
$$;
COMMENT ON FUNCTION pggit.addresses_of(bigint[]) IS 'Where tracked objects stand in the catalog, as read_catalog() wants it.';

CREATE FUNCTION pggit.health_of_index_sample() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sample bigint[] := ARRAY(SELECT DISTINCT h.object_id FROM (SELECT x.object_id FROM pggit.history x ORDER BY x.id DESC LIMIT 5) h);
    range record;
    chosen bigint;
    differs boolean;
    looked_at integer := 0;
    differing text[] := '{}';
BEGIN
    IF NOT pggit.is_adopted() THEN
        RETURN QUERY SELECT 'warning', 'this cluster is not the one where pgGit was at work: the next command finds all objects again, or SELECT pggit.rescan();', '{}'::jsonb;
        RETURN;
    END IF;
    SELECT min(o.id) AS first_id, max(o.id) AS last_id INTO range FROM pggit.objects o WHERE o.is_active AND NOT o.is_manual;
    FOR n IN 1 .. 10 LOOP
        chosen := range.first_id + floor(random() * (range.last_id - range.first_id + 1))::bigint;
        chosen := (SELECT o.id FROM pggit.objects o WHERE o.id >= chosen AND o.is_active AND NOT o.is_manual ORDER BY o.id LIMIT 1);
        IF chosen <> ALL (sample) THEN
            sample := sample || chosen;
        END IF;
    END LOOP;
    BEGIN
        -- All are read together, which costs a fraction of one by one; only what does not match is looked at by itself.
        SELECT count(*) FILTER (WHERE t.matches), coalesce(array_agg(t.id) FILTER (WHERE NOT t.matches), '{}')
        INTO looked_at, sample
        FROM (
            SELECT o.id, e.objid IS NOT NULL AND o.blob = pggit.blob_hash(e.object_type, e.identity, e.definition)
                AND o.column_order IS NOT DISTINCT FROM e.column_order AS matches
            FROM pggit.objects o JOIN pggit.object_oids x ON x.object_id = o.id
            LEFT JOIN pggit.read_catalog(pggit.addresses_of(sample)) e ON e.classid = x.classid AND e.objid = x.objid
            WHERE o.id = ANY (sample) OFFSET 0
        ) t;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        NULL;  -- somebody holds one of them: one by one, then
    END;
    FOREACH chosen IN ARRAY sample LOOP
        BEGIN
            differs := pggit.differs_from_catalog(chosen);
            IF differs THEN
                -- A command may have committed in between: only what differs at a second look does.
                differs := pggit.differs_from_catalog(chosen);
            END IF;
            looked_at := looked_at + (differs IS NOT NULL)::integer;
            IF differs THEN
                differing := differing || (SELECT o.object_type || ' ' || o.identity FROM pggit.objects o WHERE o.id = chosen);
            END IF;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            CONTINUE;  -- a view is worded by its tables, which somebody may hold: another look will come
        END;
    END LOOP;
    details := jsonb_build_object('looked_at', looked_at, 'differing', to_jsonb(differing));
    IF differing = '{}' THEN
        status := 'healthy';
        message := format('%s objects are in the catalog as they are in the index', looked_at);
    ELSE
        status := 'unhealthy';
        message := format('%s of %s objects changed unseen: SELECT pggit.rescan(); takes them in, pggit.status() lists all',
                          cardinality(differing), looked_at);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_index_sample() IS 'Health check: some objects of the index against the catalog.';

CREATE FUNCTION pggit.health_of_recent_activity() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    minutes numeric := pggit.monitoring_value('quiet_after_minutes');
    last_change timestamptz := (SELECT h.created_at FROM pggit.history h ORDER BY h.id DESC LIMIT 1);
BEGIN
    details := jsonb_build_object('last_change_at', last_change, 'quiet_after_minutes', minutes);
    status := CASE WHEN last_change >= pggit.before_now(minutes * 60) THEN 'healthy' ELSE 'warning' END;
    message := CASE
        WHEN last_change IS NULL THEN 'nothing was ever recorded'
        WHEN status = 'healthy' THEN format('the last change was %s', pggit.ago(last_change))
        ELSE format('the last change was %s: where more was to be expected, look at event_triggers and tracking', pggit.ago(last_change)) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_recent_activity() IS 'Health check: when something last changed.';

CREATE FUNCTION pggit.health_of_storage_size() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    warning_mb numeric := pggit.monitoring_value('storage_warning_mb');
    critical_mb numeric := pggit.monitoring_value('storage_critical_mb');
    total bigint;
    largest text;
    relations jsonb;
    megabytes numeric;
BEGIN
    SELECT sum(s.bytes), (array_agg(s.relation ORDER BY s.bytes DESC))[1], jsonb_object_agg(s.relation, s.bytes)
    INTO total, largest, relations FROM pggit.storage() s;
    megabytes := total / 1048576.0;
    details := jsonb_build_object('bytes', total, 'warning_mb', warning_mb, 'critical_mb', critical_mb, 'largest', largest,
                                  'relations', relations);
    status := CASE WHEN megabytes >= critical_mb THEN 'critical' WHEN megabytes >= warning_mb THEN 'warning' ELSE 'healthy' END;
    message := format('pgGit''s own tables take %s', pg_size_pretty(total)) || CASE WHEN status = 'healthy' THEN ''
        ELSE format(', most of it pggit.%s: see ops/MONITORING.md, storage_size, for what can go', largest) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_storage_size() IS 'Health check: how much room pgGit itself takes.';

CREATE FUNCTION pggit.health_of_object_count() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    objects bigint := (SELECT count(*) FROM pggit.objects o WHERE o.is_active);
BEGIN
    details := jsonb_build_object('objects', objects);
    status := CASE objects WHEN 0 THEN 'warning' ELSE 'healthy' END;
    message := CASE objects WHEN 0 THEN 'no object is tracked: SELECT pggit.init(); or look at what pggit.configure_tracking() was told'
        ELSE format('%s objects are tracked', objects) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_object_count() IS 'Health check: how many objects are tracked.';

CREATE FUNCTION pggit.health_of_audit_seal() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days numeric := pggit.monitoring_value('seal_after_days');
    last_seal record;
    waiting timestamptz;
BEGIN
    SELECT s.sealed_at, upper(s.covered) AS next_id INTO last_seal FROM pggit.seals s ORDER BY s.id DESC LIMIT 1;
    waiting := (SELECT h.created_at FROM pggit.history h WHERE h.id >= coalesce(last_seal.next_id, 0) ORDER BY h.id LIMIT 1);
    details := jsonb_build_object('last_seal_at', last_seal.sealed_at, 'oldest_unsealed_at', waiting);
    status := CASE WHEN waiting < pggit.before_now(days * 86400) THEN 'warning' ELSE 'healthy' END;
    message := CASE
        WHEN status = 'warning' THEN format('what was recorded %s has no seal yet: SELECT pggit.seal(); and keep the digest elsewhere', pggit.ago(waiting))
        WHEN last_seal.sealed_at IS NULL THEN 'the history was never sealed, and is young'
        ELSE format('the history was sealed %s', pggit.ago(last_seal.sealed_at)) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_audit_seal() IS 'Health check: the seals; whether they still hold is for verify_audit() to say.';

CREATE FUNCTION pggit.health_of_upgrades() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    task pggit.upgrade_log;
BEGIN
    SELECT l.* INTO task FROM pggit.upgrade_log l ORDER BY l.upgrade_id DESC LIMIT 1;
    details := CASE WHEN task.upgrade_id IS NULL THEN '{}' ELSE to_jsonb(task) - 'error_message' END;
    -- A standby does not see the sessions of its primary, and not every role sees when a session began.
    IF task.status = 'in_progress' AND NOT pg_is_in_recovery() AND NOT EXISTS (
        SELECT FROM pg_stat_activity a
        WHERE a.pid = task.backend_pid AND (a.backend_start = task.backend_start OR a.backend_start IS NULL))
    THEN
        status := 'unhealthy';
        message := format('the upgrade from %s to %s was cut off and changed nothing: CALL pggit.upgrade(%L);', task.from_version, task.to_version, task.to_version);
    ELSIF task.status = 'in_progress' THEN
        status := 'warning';
        message := format('an upgrade from %s to %s is at work since %s', task.from_version, task.to_version, pggit.ago(task.started_at));
    ELSIF task.status IN ('failed', 'rolled_back') THEN
        status := 'warning';
        message := format('the upgrade from %s to %s failed and changed nothing; row %s of pggit.upgrade_log says why',
                          task.from_version, task.to_version, task.upgrade_id);
    ELSIF task.error_message IS NOT NULL THEN
        status := 'warning';
        message := format('the upgrade from %s to %s is done; %s: CALL pggit.upgrade(%L);', task.from_version, task.to_version, task.error_message, task.to_version);
    ELSIF pggit.has_backfill() THEN
        status := 'warning';
        message := 'the last upgrade left rows to be filled in: CALL pggit.finish_upgrade();';
    ELSE
        status := 'healthy';
        message := 'no upgrade is unfinished';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_upgrades() IS 'Health check: how the last upgrade ended.';

CREATE FUNCTION pggit.health_of_data_version() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrote text := (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version');
    here text := pggit.version();
BEGIN
    details := jsonb_build_object('version', here, 'data_version', wrote);
    status := CASE WHEN wrote <> here OR wrote IS NULL AND EXISTS (SELECT FROM pggit.head) THEN 'critical' ELSE 'healthy' END;
    message := CASE
        WHEN status = 'critical' AND wrote IS NULL THEN 'nothing says which version wrote the tables: pggit.settings lacks its row data_version'
        WHEN wrote <> here THEN format('the tables are those of version %s, the functions of %s: restore them together, or CALL pggit.upgrade();', wrote, here)
        ELSE format('tables and functions are of version %s', here) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_data_version() IS 'Health check: the version of the tables'' contents.';

CREATE FUNCTION pggit.health_of_restore_points() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days numeric := pggit.monitoring_value('restore_point_after_days');
    stale text[];
    points bigint;
BEGIN
    SELECT count(*), coalesce(array_agg(p.name ORDER BY p.created_at)
        FILTER (WHERE p.created_at < pggit.before_now(days * 86400)), '{}')
    INTO points, stale FROM pggit.restore_points p;
    details := jsonb_build_object('restore_points', points, 'stale', cardinality(stale), 'oldest', stale[1]);
    status := CASE stale WHEN '{}' THEN 'healthy' ELSE 'warning' END;
    message := CASE stale WHEN '{}' THEN format('%s restore points, none older than %s days', points, days)
        ELSE format('%s restore points are older than %s days, such as %s: SELECT pggit.delete_restore_point(%L); where one is not needed',
                    cardinality(stale), days, quote_literal(stale[1]), stale[1]) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_restore_points() IS 'Health check: restore points that nobody needs any more.';

CREATE FUNCTION pggit.judge_age(what text, moment timestamptz, limit_hours numeric) RETURNS TABLE (status text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hours numeric := extract(epoch FROM clock_timestamp() - moment) / 3600;
BEGIN
    RETURN QUERY SELECT
        CASE WHEN hours <= limit_hours THEN 'healthy' WHEN hours <= 2 * limit_hours OR hours IS NULL THEN 'warning' ELSE 'unhealthy' END,
        coalesce(what || ' ' || pggit.ago(moment), 'there is none');
END
$$;
COMMENT ON FUNCTION pggit.judge_age(text, timestamptz, numeric) IS 'Warning above the limit or where there is none, unhealthy above twice the limit.';

CREATE FUNCTION pggit.health_of_last_backup() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest pggit.backups;
    ended pggit.backups;
BEGIN
    SELECT b.* INTO newest FROM pggit.backups b WHERE b.status = 'completed' ORDER BY b.completed_at DESC LIMIT 1;
    SELECT b.* INTO ended FROM pggit.backups b WHERE b.status <> 'running' ORDER BY b.id DESC LIMIT 1;
    SELECT j.status, j.message INTO status, message
    FROM pggit.judge_age('the last backup was completed', newest.completed_at, pggit.monitoring_value('backup_after_hours')) j;
    details := jsonb_build_object('completed_at', newest.completed_at, 'path', newest.path, 'size_bytes', newest.size_bytes);
    IF ended.status = 'failed' THEN
        status := 'unhealthy';
        message := format('the backup begun %s failed; ', pggit.ago(ended.started_at)) || message;
    END IF;
    IF status <> 'healthy' THEN
        message := message || ': see ops/MONITORING.md, last_backup';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_last_backup() IS 'Health check: the last backup.';

CREATE FUNCTION pggit.health_of_verified_backup() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proven timestamptz := (SELECT max(b.verified_at) FROM pggit.backups b);
BEGIN
    SELECT j.status, j.message INTO status, message
    FROM pggit.judge_age('a backup was last proven', proven, 24 * pggit.monitoring_value('verified_backup_after_days')) j;
    details := jsonb_build_object('verified_at', proven);
    IF status <> 'healthy' THEN
        message := message || ': see ops/MONITORING.md, verified_backup';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_verified_backup() IS 'Health check: the last backup that was restored and compared.';

CREATE FUNCTION pggit.health_of_index_verify() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    differing bigint := (SELECT count(*) FROM pggit.verify());
BEGIN
    details := jsonb_build_object('differing', differing);
    status := CASE differing WHEN 0 THEN 'healthy' ELSE 'unhealthy' END;
    message := CASE differing WHEN 0 THEN 'the whole catalog is as the index has it'
        ELSE format('%s objects changed unseen: SELECT pggit.rescan(); takes them in, pggit.verify() lists them', differing) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_index_verify() IS 'Health check: the whole index against the catalog.';

CREATE FUNCTION pggit.health_of_audit_verify() RETURNS TABLE (status text, message text, details jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    faults jsonb := (SELECT jsonb_agg(jsonb_build_object('seal', v.seal, 'detail', v.detail)) FROM pggit.verify_audit() v
                     WHERE v.status NOT IN ('ok', 'unsealed'));
BEGIN
    details := jsonb_build_object('faults', coalesce(faults, '[]'));
    status := CASE WHEN faults IS NULL THEN 'healthy' ELSE 'critical' END;
    message := CASE WHEN faults IS NULL THEN 'every seal holds'
        ELSE 'the record was changed: see ops/MONITORING.md, audit_verify, before anything else' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.health_of_audit_verify() IS 'Health check: whether the seals hold.';

CREATE FUNCTION pggit.health_check(verify boolean DEFAULT false)
RETURNS TABLE (check_name text, status text, message text, details jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET lock_timeout = '100ms' AS $$
DECLARE
    trouble text;
BEGIN
    FOR check_name IN
        SELECT c.check_name FROM pggit.health_checks() c
        UNION ALL SELECT w.name FROM unnest(ARRAY['index_verify', 'audit_verify']) AS w (name) WHERE verify
    LOOP
        BEGIN
            EXECUTE format('SELECT status, message, details FROM pggit.%I()', 'health_of_' || check_name) INTO status, message, details;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
            status := 'unhealthy';
            message := format('the check itself failed: %s (%s)', SQLERRM, SQLSTATE);
            details := jsonb_build_object('is_unknown', true, 'error', SQLERRM, 'sqlstate', SQLSTATE, 'context', trouble);
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.health_check(boolean) IS
'Looks at all that can go wrong with pgGit, one row a check: status is healthy, warning, unhealthy or critical, and message says what to do. It changes nothing, works on a standby, and never fails: a check that does becomes a row. With verify => true it also reads the whole catalog (index_verify) and every seal (audit_verify), which takes its time.';

CREATE OR REPLACE FUNCTION pggit.access_list() RETURNS TABLE (function_name text, level text, is_public boolean)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, l.level, l.is_public
    FROM (VALUES
        ('reader', true, 'version status verify log show graph list_branches ref_history diff diff_sql merge_base conflicts'),
        ('reader', true, 'tree_of tree_at live_tree schema_at object_at object_ddl export_ddl generate_migration'),
        ('reader', true, 'list_restore_points list_attic list_access find_object get_history get_version blame'),
        ('reader', true, 'get_impact_analysis verify_audit health_check prometheus_metrics monitoring_settings'),
        ('reader', false, 'settle'),
        ('committer', true, 'commit create_branch delete_branch tag delete_tag create_restore_point delete_restore_point seal'),
        ('committer', true, 'record_metric'),
        ('committer', false, 'commit_index lock_head'),
        ('admin', true, 'checkout merge resolve_conflict abort_merge revert reset restore_to_point restore_from_attic'),
        ('admin', true, 'rescan pause resume configure_tracking apply_tree configure_monitoring prune_metrics archive_history'),
        ('admin', false, 'switch_head forward_branch reset_branch start_merge finish_merge revert_tree park clear_attic'),
        ('owner', true, 'init uninstall enable disable upgrade grant_access revoke_access'),
        ('owner', true, 'check_upgrade finish_upgrade list_upgrade_backups prune_upgrade_backups restore_upgrade_backup')
    ) AS l (level, is_public, names)
    CROSS JOIN LATERAL string_to_table(l.names, ' ') AS n (name);
END
$$;

CREATE FUNCTION pggit.parked(part text) RETURNS regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Only a superuser's: somebody else's code could hang on a table, and would run with a superuser's rights.
    RETURN (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
        WHERE n.nspname = 'pggit_attic' AND c.relname = 'pggit_' || part AND c.relkind = 'r' AND r.rolsuper);
END
$$;
COMMENT ON FUNCTION pggit.parked(text) IS
'The table in pggit_attic that keeps what a downgrade took out of one of pgGit''s own; null where there is none.';

CREATE FUNCTION pggit.parked_parts() RETURNS TABLE (part text, statement text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Each takes the rows t away from its parked table p and leaves them in place.
    RETURN QUERY VALUES
        ('settings', 'INSERT INTO pggit.settings (%2$s) SELECT %2$s FROM taken t ON CONFLICT DO NOTHING'),
        ('objects', 'UPDATE pggit.objects o SET tags = t.tags FROM taken t WHERE o.id = t.id AND o.created_at = t.created_at'),
        ('history', 'UPDATE pggit.history h SET duration_ms = t.duration_ms, performance_impact = t.performance_impact'
            ' FROM taken t WHERE h.id = t.id AND h.transaction_id = t.transaction_id'),
        ('backups', 'INSERT INTO pggit.backups (%2$s) SELECT %4$s FROM taken t'),
        ('performance_metrics', 'INSERT INTO pggit.performance_metrics (%2$s) SELECT %4$s FROM taken t'),
        ('tallies', 'INSERT INTO pggit.tallies (%2$s) SELECT %4$s FROM taken t');
END
$$;
COMMENT ON FUNCTION pggit.parked_parts() IS 'The tables that a downgrade parks something of, and how it comes back.';

CREATE FUNCTION pggit.unpark(the_part text, max_rows bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
    source regclass := pggit.parked(the_part);
    names text;
    new_names text;
    key text;
    taken bigint;
BEGIN
    IF source IS NULL THEN
        RETURN 0;
    END IF;
    IF the_part = 'history' THEN
        LOCK TABLE pggit.history IN SHARE UPDATE EXCLUSIVE MODE;  -- archive_history() takes it, too
    END IF;
    names := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
              WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped AND EXISTS (
                  SELECT FROM pg_attribute b
                  WHERE b.attrelid = format('pggit.%I', the_part)::regclass AND b.attname = a.attname AND NOT b.attisdropped));
    key := (SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = source AND i.indisprimary);
    -- A number that was given anew meanwhile, where a dump was restored and nobody had looked at it yet, is not taken twice.
    new_names := (
        SELECT string_agg(
            CASE WHEN a.attidentity = '' THEN format('t.%I', a.attname)
                ELSE format('CASE WHEN EXISTS (SELECT FROM pggit.%1$I x WHERE x.%2$I = t.%2$I) THEN nextval(%3$L::regclass) ELSE t.%2$I END',
                            the_part, a.attname, pg_get_serial_sequence(format('pggit.%I', the_part), a.attname)) END,
            ', ' ORDER BY s.place)
        FROM string_to_table(names, ', ') WITH ORDINALITY AS s (name, place)
        JOIN pg_attribute a ON a.attrelid = format('pggit.%I', the_part)::regclass AND quote_ident(a.attname) = s.name);
    EXECUTE format(
        'WITH taken AS (DELETE FROM %1$s p WHERE p.%3$s IN (SELECT q.%3$s FROM %1$s q ORDER BY q.%3$s LIMIT $1) RETURNING p.*),'
        ' done AS (' || (SELECT p.statement FROM pggit.parked_parts() p WHERE p.part = the_part) || ')'
        ' SELECT count(*) FROM taken', source, names, key, new_names)
    INTO taken USING max_rows;
    IF max_rows IS NULL OR taken < max_rows THEN
        EXECUTE format('DROP TABLE %s', source);
    END IF;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION pggit.unpark(text, bigint) IS
'Brings back up to so many rows (null: all) of what a downgrade took out of a table, and returns how many.';

CREATE OR REPLACE FUNCTION pggit.migrate_data() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
    last_key bigint;
BEGIN
    -- New rows must not take the numbers of parked ones.
    FOR part IN
        SELECT p.part, a.attname AS key FROM pggit.parked_parts() p
        JOIN pg_attribute a ON a.attrelid = format('pggit.%I', p.part)::regclass AND a.attidentity <> ''
        WHERE p.part IN ('backups', 'performance_metrics', 'tallies') AND pggit.parked(p.part) IS NOT NULL
    LOOP
        EXECUTE format('SELECT greatest(max(p.%I), pg_sequence_last_value(pg_get_serial_sequence(%L, %L))) FROM %s p',
                       part.key, pggit.parked(part.part), part.key, pggit.parked(part.part)) INTO last_key;
        IF last_key IS NOT NULL THEN
            PERFORM setval(s.name, greatest(last_key, nextval(s.name)))
            FROM CAST(pg_get_serial_sequence(format('pggit.%I', part.part), part.key) AS regclass) AS s (name);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'data_version' AND s.value <> pggit.version()) THEN
        RETURN;
    END IF;
    PERFORM pggit.unpark('settings', NULL);
    -- What is not counted yet: all that there is, or what 0.1.0, which counts nothing, added after a downgrade. Where a
    -- dump of 0.1.0 was restored, this version has counted what came since, and counts it again.
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'data_version' AND s.value = '0.1.0') THEN
        DELETE FROM pggit.tallies t WHERE t.counter IN ('change', 'error');
        INSERT INTO pggit.tallies (counter, label, amount, total)
        SELECT 'error', '', count(*), 0 FROM pggit.tracking_errors e JOIN pggit.settings s ON s.name = 'data_version'
        WHERE e.created_at > s.set_at OR NOT EXISTS (SELECT FROM pggit.settings u WHERE u.name = 'uncounted');
        IF NOT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'uncounted') THEN
            PERFORM pggit.put_setting('uncounted', '{(,)}');
        END IF;
    END IF;
    UPDATE pggit.settings s
    SET value = (s.value::int8multirange * int8multirange(int8range(0, (SELECT coalesce(max(h.id), 0) + 1 FROM pggit.history h))))::text
    WHERE s.name = 'uncounted';
END
$$;
COMMENT ON FUNCTION pggit.migrate_data() IS
'Makes data of an older version into data of this one, as far as that takes no time, and notes what backfill() is to do. Does nothing where the data are of this version.';

CREATE FUNCTION pggit.count_history(max_rows bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uncounted int8multirange := (SELECT s.value::int8multirange FROM pggit.settings s WHERE s.name = 'uncounted' FOR UPDATE);
    part int8range;
    first_id bigint;
    an_hour_ago timestamptz := clock_timestamp() - interval '1 hour';
    counts jsonb;
BEGIN
    IF uncounted IS NULL THEN
        RETURN 0;
    ELSIF isempty(uncounted) THEN
        DELETE FROM pggit.settings WHERE name = 'uncounted';
        RETURN 0;
    END IF;
    part := (SELECT r FROM unnest(uncounted) r ORDER BY r LIMIT 1);
    -- As many numbers as rows are wanted, from the first that is taken on: rolled back commands left some out.
    first_id := (SELECT h.id FROM pggit.history h WHERE h.id >= lower(part) AND h.id < upper(part) ORDER BY h.id LIMIT 1);
    IF first_id < upper(part) - max_rows THEN
        part := int8range(lower(part), first_id + max_rows);
    END IF;
    -- By itself, since PostgreSQL gives an INSERT no parallel plan.
    EXECUTE 'SELECT jsonb_agg(c) FROM (
            SELECT h.change_type AS label, CASE WHEN h.created_at > $3 THEN date_trunc(''minute'', h.created_at) END AS minute,
                count(*) AS amount
            FROM pggit.history h WHERE h.id >= $1 AND h.id < $2 GROUP BY 1, 2) c'
    INTO counts USING lower(part), upper(part), an_hour_ago;
    INSERT INTO pggit.tallies (counter, label, minute, amount, total)
    SELECT 'change', c.label, c.minute, c.amount, 0
    FROM jsonb_to_recordset(counts) AS c (label text, minute timestamptz, amount bigint);
    uncounted := uncounted - int8multirange(part);
    IF isempty(uncounted) THEN
        DELETE FROM pggit.settings WHERE name = 'uncounted';
    ELSE
        PERFORM pggit.put_setting('uncounted', uncounted::text);
    END IF;
    RETURN max_rows;
END
$$;
COMMENT ON FUNCTION pggit.count_history(bigint) IS
'Counts up to so many rows of the history that no tally has counted yet. Returns 0 when none is left, else that number.';

CREATE OR REPLACE FUNCTION pggit.backfill(max_rows integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    part text;
    done bigint := 0;
BEGIN
    FOR part IN SELECT p.part FROM pggit.parked_parts() p WHERE pggit.parked(p.part) IS NOT NULL LOOP
        done := done + pggit.unpark(part, max_rows - done);
        EXIT WHEN done >= max_rows;
    END LOOP;
    IF done < max_rows THEN
        -- A hundred rows are counted in the time that one takes to be brought back.
        done := done + pggit.count_history((max_rows - done) * 100);
    END IF;
    RETURN CASE WHEN done > 0 AND pggit.has_backfill() THEN done ELSE 0 END;
END
$$;

CREATE FUNCTION pggit.has_backfill() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'uncounted')
        OR EXISTS (SELECT FROM pggit.parked_parts() p WHERE pggit.parked(p.part) IS NOT NULL);
END
$$;
COMMENT ON FUNCTION pggit.has_backfill() IS 'Whether an upgrade left something for finish_upgrade() to do.';

CREATE FUNCTION pggit.archive_history(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica AS $$
DECLARE
    moved bigint;
BEGIN
    IF (before <= clock_timestamp()) IS NOT TRUE THEN
        RAISE EXCEPTION 'the history before % cannot be archived', coalesce(before::text, 'NULL')
            USING ERRCODE = 'GT014', HINT = 'Give a moment in the past, such as now() - interval ''1 year''.';
    END IF;
    -- What a downgrade parked comes back to rows that stay where they are meanwhile.
    LOCK TABLE pggit.history IN SHARE UPDATE EXCLUSIVE MODE;
    -- The children of a table are read along with it, so that nothing else changes, and no seal breaks.
    WITH old AS (DELETE FROM ONLY pggit.history h WHERE h.created_at < before RETURNING h.*)
    INSERT INTO pggit.history_archive SELECT o.* FROM old o;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION pggit.archive_history(timestamptz) IS
'Moves the history before a moment from pggit.history to its child table pggit.history_archive, and returns how many rows. Whoever reads pggit.history reads both, so that every moment stays reachable and every seal holds. It takes as much room as before, but may lie in another tablespace. Raises GT014.';

CREATE TABLE pggit.tallies (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    counter text NOT NULL,
    label text NOT NULL,
    minute timestamptz,
    bucket smallint,
    amount bigint NOT NULL,
    total numeric NOT NULL
);
COMMENT ON TABLE pggit.tallies IS
'What happened how often: a counter is the sum of its rows. Whatever happens appends a row, so that no session waits for another, and now and then roll_up() puts rows together. change counts rows of the history by change_type, within the last hour by the minute; command counts commands by their first word and the bucket of their duration, with the seconds they took; error counts rows of tracking_errors.';
COMMENT ON COLUMN pggit.tallies.id IS 'A number for the row.';
COMMENT ON COLUMN pggit.tallies.counter IS 'change, command or error.';
COMMENT ON COLUMN pggit.tallies.label IS 'A change_type, or the first word of commands.';
COMMENT ON COLUMN pggit.tallies.minute IS 'The minute that a change was in, for an hour; then null.';
COMMENT ON COLUMN pggit.tallies.bucket IS 'The bucket of a duration, from 0 for the shortest; null for what has none.';
COMMENT ON COLUMN pggit.tallies.amount IS 'How many.';
COMMENT ON COLUMN pggit.tallies.total IS 'Seconds in all.';

CREATE TABLE pggit.performance_metrics (
    metric_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    metric_type text NOT NULL,
    metric_value double precision NOT NULL,
    tags jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT performance_metrics_value_check CHECK (metric_value >= 0 AND metric_value <= 1e100)
);
COMMENT ON TABLE pggit.performance_metrics IS
'Numbers that record_metric() keeps: whatever an application wants to see beside pgGit''s own. prune_metrics() deletes old ones.';
COMMENT ON COLUMN pggit.performance_metrics.metric_id IS 'Grows with time.';
COMMENT ON COLUMN pggit.performance_metrics.metric_type IS 'What was measured.';
COMMENT ON COLUMN pggit.performance_metrics.metric_value IS 'The number.';
COMMENT ON COLUMN pggit.performance_metrics.tags IS 'Words about it, as a JSON object.';
COMMENT ON COLUMN pggit.performance_metrics.recorded_at IS 'When it was recorded.';
CREATE INDEX performance_metrics_recorded_at ON pggit.performance_metrics (recorded_at);

CREATE TABLE pggit.backups (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    path text NOT NULL,
    kind text NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    verified_at timestamptz,
    size_bytes bigint,
    tree text COLLATE "C",
    lsn pg_lsn,
    status text NOT NULL,
    CONSTRAINT backups_status_check CHECK (status IN ('running', 'completed', 'failed')),
    CONSTRAINT backups_completed_check CHECK (status <> 'completed' OR completed_at IS NOT NULL)
);
COMMENT ON TABLE pggit.backups IS
'What the backup command did: where to, when, how large, which tree of the schema it holds, up to which place in the write-ahead log. verified_at is when it was restored and compared.';
COMMENT ON COLUMN pggit.backups.id IS 'Grows with time.';
COMMENT ON COLUMN pggit.backups.path IS 'Where the backup is.';
COMMENT ON COLUMN pggit.backups.kind IS 'Which sort of backup it is.';
COMMENT ON COLUMN pggit.backups.started_at IS 'When it began.';
COMMENT ON COLUMN pggit.backups.completed_at IS 'When it was complete; null while it runs or where it failed.';
COMMENT ON COLUMN pggit.backups.verified_at IS 'When it was restored and compared; null where it was not.';
COMMENT ON COLUMN pggit.backups.size_bytes IS 'How large it is.';
COMMENT ON COLUMN pggit.backups.tree IS 'The hash of the root of the tree that it holds.';
COMMENT ON COLUMN pggit.backups.lsn IS 'Up to which place in the write-ahead log.';
COMMENT ON COLUMN pggit.backups.status IS 'running, completed or failed.';

CREATE VIEW pggit.metrics_summary AS
SELECT m.metric_type, count(*) AS sample_count, avg(m.metric_value) AS avg_value, min(m.metric_value) AS min_value,
    max(m.metric_value) AS max_value,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY m.metric_value) AS p95_value,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY m.metric_value) AS p99_value
FROM pggit.performance_metrics m
WHERE m.recorded_at OPERATOR(pg_catalog.>) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) '1 hour'::pg_catalog.interval)
GROUP BY m.metric_type;
COMMENT ON VIEW pggit.metrics_summary IS 'The metrics recorded in the last hour, by type.';
COMMENT ON COLUMN pggit.metrics_summary.metric_type IS 'What was measured.';
COMMENT ON COLUMN pggit.metrics_summary.sample_count IS 'How often.';
COMMENT ON COLUMN pggit.metrics_summary.avg_value IS 'The mean.';
COMMENT ON COLUMN pggit.metrics_summary.min_value IS 'The smallest.';
COMMENT ON COLUMN pggit.metrics_summary.max_value IS 'The largest.';
COMMENT ON COLUMN pggit.metrics_summary.p95_value IS 'What 95 of 100 do not exceed.';
COMMENT ON COLUMN pggit.metrics_summary.p99_value IS 'What 99 of 100 do not exceed.';

CREATE VIEW pggit.metrics AS
SELECT m.name, f.kind AS type, f.help, m.labels, m.value
FROM pggit.read_metrics() m
JOIN pggit.metric_names() f ON f.name OPERATOR(pg_catalog.=) m.name
ORDER BY f.family COLLATE pg_catalog."C", (m.labels OPERATOR(pg_catalog.-) 'le')::pg_catalog.text COLLATE pg_catalog."C", m.place;
COMMENT ON VIEW pggit.metrics IS
'All numbers about pgGit, one row a sample, in the order in which Prometheus reads them, for exporters and for queries. The types and names are Prometheus''s; a histogram''s rows are its buckets, its sum and its count.';
COMMENT ON COLUMN pggit.metrics.name IS 'The sample''s name: the family''s, or for a histogram one with _bucket, _sum or _count behind it.';
COMMENT ON COLUMN pggit.metrics.type IS 'counter, gauge or histogram.';
COMMENT ON COLUMN pggit.metrics.help IS 'What the family tells.';
COMMENT ON COLUMN pggit.metrics.labels IS 'What the sample is of, as a JSON object of texts.';
COMMENT ON COLUMN pggit.metrics.value IS 'The number, in base units.';

-- What is new belongs to the owner alone, whatever the database's default privileges say, and its data are dumped.
DO $permissions$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT DISTINCT m.kind, m.name,
            CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
        FROM (
            SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
                c.oid::regclass::text AS name, c.relowner AS owner, c.relacl AS acl
            FROM pg_class c WHERE c.oid = ANY (ARRAY[
                'pggit.tallies'::regclass, 'pggit.tallies_id_seq'::regclass, 'pggit.performance_metrics'::regclass,
                'pggit.performance_metrics_metric_id_seq'::regclass, 'pggit.backups'::regclass,
                'pggit.backups_id_seq'::regclass,
                'pggit.metrics_summary'::regclass, 'pggit.metrics'::regclass])
            UNION ALL
            SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
            FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.proname = ANY (ARRAY[
                'start_clock', 'read_clock', 'monitoring_settings', 'monitoring_value', 'configure_monitoring',
                'monitoring_default', 'performance_impact', 'duration_bounds', 'count_command', 'command_words',
                'roll_up', 'record_metric', 'prune_metrics', 'archive_history', 'metric_families', 'metric_names', 'epoch', 'read_metrics',
                'prometheus_metrics', 'health_levels', 'health_checks', 'is_tracking', 'storage',
                'change_types', 'ago', 'before_now', 'health_of_event_triggers', 'health_of_tracking',
                'health_of_tracking_errors', 'health_of_unsettled', 'differs_from_catalog', 'addresses_of', 'health_of_index_sample',
                'health_of_recent_activity', 'health_of_storage_size', 'health_of_object_count', 'health_of_audit_seal',
                'health_of_upgrades', 'health_of_data_version', 'health_of_restore_points', 'judge_age',
                'health_of_last_backup', 'health_of_verified_backup', 'health_of_index_verify',
                'health_of_audit_verify', 'health_check', 'parked', 'parked_parts', 'unpark', 'count_history',
                'has_backfill'])
        ) m
        CROSS JOIN LATERAL aclexplode(m.acl) a
        WHERE a.grantee <> m.owner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name, member.grantee);
    END LOOP;
    FOR member IN
        SELECT c.oid FROM pg_class c WHERE c.oid = ANY (ARRAY[
                'pggit.tallies'::regclass, 'pggit.tallies_id_seq'::regclass, 'pggit.performance_metrics'::regclass,
                'pggit.performance_metrics_metric_id_seq'::regclass, 'pggit.backups'::regclass,
                'pggit.backups_id_seq'::regclass])
    LOOP
        PERFORM pg_extension_config_dump(member.oid, '');
    END LOOP;
END
$permissions$;

-- From here on others' commands are deferred. The order is that in which those commands lock, or they and this would
-- wait for each other.
LOCK TABLE pggit.objects IN ACCESS EXCLUSIVE MODE;
LOCK TABLE pggit.history IN ACCESS EXCLUSIVE MODE;

-- `pggit upgrade` builds these indexes beforehand, in these words, and nobody waits; another one of that name, and one
-- that was not finished, is of no use.
DO $indexes$
DECLARE
    wanted text;
    index_name text;
    present regclass;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'CREATE INDEX idx_history_performance ON pggit.history USING btree (change_type, created_at)',
        'CREATE INDEX objects_by_type ON pggit.objects USING btree (object_type) WHERE is_active',
        'CREATE INDEX objects_tracked ON pggit.objects USING btree (id) WHERE (is_active AND (NOT is_manual))']
    LOOP
        index_name := split_part(wanted, ' ', 3);
        present := (SELECT c.oid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
                    WHERE c.relnamespace = 'pggit'::regnamespace AND c.relname = index_name);
        IF present IS NOT NULL
           AND (pg_get_indexdef(present) <> wanted OR NOT (SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = present))
        THEN
            EXECUTE format('DROP INDEX %s', present);
            present := NULL;
        END IF;
        IF present IS NULL THEN
            EXECUTE wanted;
        END IF;
    END LOOP;
END
$indexes$;

ALTER TABLE pggit.history ADD COLUMN duration_ms numeric, ADD COLUMN performance_impact text;
COMMENT ON COLUMN pggit.history.duration_ms IS
'How long the whole command took, its waits for locks included; null where it was not seen to run, as in a rescan.';
COMMENT ON COLUMN pggit.history.performance_impact IS
'low, medium or high: what the duration counted as under the settings of that time; null where there is none.';

CREATE TABLE pggit.history_archive (PRIMARY KEY (id)) INHERITS (pggit.history);
COMMENT ON TABLE pggit.history_archive IS
'What archive_history() took out of pggit.history, of which it is a child: whoever reads that reads this along. It can only grow.';
CREATE INDEX history_archive_object ON pggit.history_archive (object_id, id);
CREATE INDEX history_archive_created_at ON pggit.history_archive (created_at);
CREATE INDEX history_archive_transaction ON pggit.history_archive (transaction_id);
CREATE INDEX history_archive_renames ON pggit.history_archive (id) WHERE old_identity IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.history_archive
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
SELECT pggit.make_private('pggit', 'history_archive');
SELECT pg_extension_config_dump('pggit.history_archive', '');

ALTER TABLE pggit.objects ADD COLUMN tags jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT objects_tags_check CHECK (jsonb_typeof(tags) = 'array') NOT VALID;
COMMENT ON COLUMN pggit.objects.tags IS 'Words of your own about the object, for the owner to set: no part of what is versioned.';

SELECT pggit.complete_update('0.1.0', '0.2.0');
