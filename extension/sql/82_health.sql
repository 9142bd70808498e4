-- What an operator wants to know. Each check is a function that looks at one thing, cheaply, writes nothing, and says
-- what to do. health_check() runs them all; one that fails becomes a row that says so.

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
