-- What data of an older version lack, and what a downgrade parked. An update script changes the catalog alone;
-- rows follow here, so many at a time, so that nobody waits.

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

CREATE FUNCTION pggit.migrate_data() RETURNS void
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

CREATE FUNCTION pggit.backfill(max_rows integer) RETURNS bigint
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
COMMENT ON FUNCTION pggit.backfill(integer) IS
'Does up to so many rows of what is left of an upgrade. Returns 0 when nothing is left.';

CREATE FUNCTION pggit.has_backfill() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'uncounted')
        OR EXISTS (SELECT FROM pggit.parked_parts() p WHERE pggit.parked(p.part) IS NOT NULL);
END
$$;
COMMENT ON FUNCTION pggit.has_backfill() IS 'Whether an upgrade left something for finish_upgrade() to do.';
