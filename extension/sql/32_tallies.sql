-- How long commands take, and how often what happens.

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
