-- Numbers for those who watch. pggit.metrics is the one source: the text for Prometheus, the exporters' queries, the
-- dashboards and the reference of metrics all come from it. No scrape reads the history, but for its last row.

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
