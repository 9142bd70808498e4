-- What runs inside other people's commands. Each handler is SECURITY DEFINER, so that an ordinary role
-- needs no right on our tables, and catches whatever goes wrong: a command never fails because of pgGit.
-- plan_cache_mode: PostgreSQL would plan queries over an array of one OID anew each time, which costs more
-- than running them. enable_seqscan: those plans are made while catalogs are small, and kept. jit: the price of
-- a scan that is needed all the same would have it compiled. lock_timeout: reading a view's definition locks
-- its tables, which others may hold; what takes longer is deferred. The event triggers themselves are made by
-- init(), since a dump's restore would fire an extension's own.

CREATE FUNCTION pggit.events() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite'];
END
$$;
COMMENT ON FUNCTION pggit.events() IS
'The events that tracking needs: the event trigger of each is named pggit_ and calls pggit.on_ with the event''s name.';

CREATE FUNCTION pggit.recording_mode() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_paused boolean;
    is_known boolean;
BEGIN
    -- A read-only transaction may REINDEX; it changes no definition, and could not record one.
    IF current_setting('transaction_read_only') <> 'off' THEN
        RETURN 'off';
    END IF;
    SELECT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused'),
           EXISTS (SELECT FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time())
    INTO is_paused, is_known;
    RETURN CASE
        WHEN is_paused THEN 'off'
        WHEN current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
             AND (is_known OR pggit.is_adopted()) THEN 'now'
        ELSE 'later' END;
END
$$;
COMMENT ON FUNCTION pggit.recording_mode() IS
'Whether commands are recorded at this moment: now, later, where can_record_now() says no, or off.';

CREATE FUNCTION pggit.note_tracking_error(tag text, state text, message text, context text) RETURNS void
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
COMMENT ON FUNCTION pggit.note_tracking_error(text, text, text, text) IS
'Keeps an error of the tracking itself; where even that fails, the server log has it.';

CREATE FUNCTION pggit.defer_or_note(tag text, change text, took_ms numeric, addresses pggit.address[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trouble text;
BEGIN
    PERFORM pggit.defer(pggit.this_command(tag, change, took_ms), addresses);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(tag, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.defer_or_note(text, text, numeric, pggit.address[]) IS
'Leaves to settle() what a lock kept from being recorded; where somebody locked even that, notes the error.';

CREATE FUNCTION pggit.was_overtaken(version_of_caller text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN version_of_caller <> pggit.version();
END
$$;
COMMENT ON FUNCTION pggit.was_overtaken(text) IS
'Whether pgGit was brought to another version since a function of the one given began, so that a function or column that it knows may be gone.';

CREATE FUNCTION pggit.note_or_defer(
    version_of_caller text, tag text, change text, took_ms numeric, addresses pggit.address[], state text, message text, context text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pggit.was_overtaken(version_of_caller) IS NOT TRUE THEN
        PERFORM pggit.note_tracking_error(tag, state, message, context);
    ELSIF change IS NOT NULL THEN
        PERFORM pggit.defer_or_note(tag, change, took_ms, addresses);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.note_or_defer(text, text, text, numeric, pggit.address[], text, text, text) IS
'Keeps an error of the tracking, unless it came of another version that took over in the middle: then the command is left to settle(), and that one''s.';

CREATE FUNCTION pggit.on_ddl_command_start() RETURNS event_trigger
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
        PERFORM pggit.note_or_defer('{{ version }}', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
        IF is_last THEN
            RETURN;
        END IF;
    END;
    BEGIN
        -- Last, so that the command does not pay for what others left.
        PERFORM pggit.start_clock();
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
        PERFORM pggit.note_or_defer('{{ version }}', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
    END;
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster and lacks nothing, and looks at the clock.';

CREATE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
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
        PERFORM pggit.note_or_defer('{{ version }}', TG_TAG, change, took_ms, found, SQLSTATE, SQLERRM, trouble);
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
COMMENT ON FUNCTION pggit.on_ddl_command_end() IS 'Event trigger function: records what a command made or changed.';

CREATE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
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
        PERFORM pggit.note_or_defer('{{ version }}', TG_TAG, 'ALTER', took_ms, found, SQLSTATE, SQLERRM, trouble);
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
COMMENT ON FUNCTION pggit.on_sql_drop() IS 'Event trigger function: records what a command dropped.';

CREATE FUNCTION pggit.on_table_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    -- The name is kept for versions that note rewrites: dumps carry the event trigger.
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.on_table_rewrite() IS 'Event trigger function: a rewrite by itself changes no definition.';
