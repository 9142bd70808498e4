-- What runs inside other people's commands. Each handler is SECURITY DEFINER, so that an ordinary role
-- needs no right on our tables, and catches whatever goes wrong: a command never fails because of pgGit.
-- plan_cache_mode: PostgreSQL would plan queries over an array of one OID anew each time, which costs more
-- than running them. lock_timeout: reading a view's definition locks its tables, which others may hold; what
-- takes longer is deferred. The event triggers themselves are made by init(), since a dump's restore would fire an
-- extension's own.

CREATE FUNCTION pggit.events() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite'];
END
$$;
COMMENT ON FUNCTION pggit.events() IS
'The events that tracking needs: the event trigger of each is named pggit_ and calls pggit.on_ with the event''s name.';

CREATE FUNCTION pggit.is_recording() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A read-only transaction may REINDEX; it changes no definition, and could not record one.
    RETURN current_setting('transaction_read_only') = 'off'
       AND NOT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused');
END
$$;
COMMENT ON FUNCTION pggit.is_recording() IS 'Whether commands are recorded at this moment.';

CREATE FUNCTION pggit.note_tracking_error(tag text, state text, message text, context text) RETURNS void
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
COMMENT ON FUNCTION pggit.note_tracking_error(text, text, text, text) IS
'Keeps an error of the tracking itself; where even that fails, the server log has it.';

CREATE FUNCTION pggit.on_ddl_command_start() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET lock_timeout = '20ms' AS $$
DECLARE
    trouble text;
BEGIN
    -- DROP INDEX CONCURRENTLY must be first in its transaction, and does not tell itself apart by its tag.
    IF TG_TAG <> 'DROP INDEX' AND pggit.is_recording() THEN
        IF NOT pggit.is_adopted() THEN
            PERFORM pggit.adopt_cluster();
        END IF;
        PERFORM pggit.settle();
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster and lacks nothing.';

CREATE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET lock_timeout = '20ms' AS $$
DECLARE
    trouble text;
    change text := CASE
        WHEN TG_TAG = 'COMMENT' THEN 'COMMENT'
        WHEN TG_TAG IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES') THEN 'GRANT'
        ELSE 'ALTER' END;
    found_classids oid[];
    found_objids oid[];
    more record;
BEGIN
    IF TG_TAG = 'REFRESH MATERIALIZED VIEW' OR NOT pggit.is_recording() THEN
        RETURN;
    END IF;
    SELECT array_agg(c.classid), array_agg(c.objid) INTO found_classids, found_objids
    FROM pg_event_trigger_ddl_commands() c
    WHERE NOT c.in_extension AND c.objid IS NOT NULL AND c.schema_name IS DISTINCT FROM 'pg_temp';

    IF change = 'GRANT' THEN
        FOR more IN
            SELECT a.classids, a.objids
            FROM (SELECT DISTINCT CASE c.command_tag WHEN 'ALTER DEFAULT PRIVILEGES' THEN 'DEFAULT PRIVILEGES'
                      ELSE c.object_type END AS kind
                  FROM pg_event_trigger_ddl_commands() c
                  WHERE NOT c.in_extension AND c.objid IS NULL) c
            CROSS JOIN LATERAL pggit.addresses_changed_now(c.kind) a
        LOOP
            found_classids := found_classids || more.classids;
            found_objids := found_objids || more.objids;
        END LOOP;
        IF TG_TAG = 'ALTER DEFAULT PRIVILEGES' THEN
            found_classids := coalesce(found_classids, '{}');  -- a row may have vanished
            found_objids := coalesce(found_objids, '{}');
        END IF;
    ELSIF TG_TAG = 'CREATE EXTENSION' AND found_classids IS NOT NULL THEN
        -- CASCADE brings others along that are not reported.
        SELECT found_classids || array_agg('pg_extension'::regclass::oid), found_objids || array_agg(e.oid)
        INTO found_classids, found_objids FROM pg_extension e;
    END IF;

    IF TG_TAG = 'DROP OWNED' OR TG_TAG = 'ALTER EXTENSION' AND found_classids IS NOT NULL THEN
        found_classids := NULL;  -- either touches more than PostgreSQL tells
        found_objids := NULL;
    ELSIF found_classids IS NULL THEN
        RETURN;
    END IF;
    IF pggit.can_record_now() THEN
        PERFORM pggit.record_command(pggit.this_command(TG_TAG, change), found_classids, found_objids);
    ELSE
        PERFORM pggit.defer(pggit.this_command(TG_TAG, change), found_classids, found_objids);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer(pggit.this_command(TG_TAG, change), found_classids, found_objids);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_end() IS 'Event trigger function: records what a command made or changed.';

CREATE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '20ms' AS $$
DECLARE
    trouble text;
    found_classids oid[];
    found_objids oid[];
BEGIN
    IF NOT pggit.is_recording() THEN
        RETURN;
    END IF;
    -- What was dropped itself, and what lost a part but still stands.
    SELECT array_agg(a.classid), array_agg(a.objid) INTO found_classids, found_objids
    FROM (
        SELECT d.classid, d.objid
        FROM pg_event_trigger_dropped_objects() d
        WHERE NOT d.is_temporary
        UNION
        SELECT 'pg_class'::regclass, to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]))
        FROM pg_event_trigger_dropped_objects() d
        WHERE NOT d.is_temporary AND cardinality(d.address_names) >= 3
          AND d.object_type IN ('table column', 'table constraint', 'default value', 'view column',
                                'materialized view column', 'foreign table column')
        UNION
        SELECT 'pg_type'::regclass, to_regtype(format('%I.%I', d.address_names[1], d.address_names[2]))
        FROM pg_event_trigger_dropped_objects() d
        WHERE d.object_type = 'composite type column'
        UNION
        SELECT 'pg_type'::regclass, to_regtype(d.address_names[1])
        FROM pg_event_trigger_dropped_objects() d
        WHERE d.object_type = 'domain constraint'
    ) AS a (classid, objid)
    WHERE a.objid IS NOT NULL;
    IF found_classids IS NULL THEN
        RETURN;
    END IF;
    IF pggit.can_record_now() THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event.
        SELECT found_classids || array_agg(x.classid), found_objids || array_agg(x.objid)
        INTO found_classids, found_objids
        FROM pg_event_trigger_dropped_objects() d
        JOIN pggit.objects o ON o.is_active AND o.tree_key = pggit.tree_key(
            'INDEX', format('%I.%I', d.address_names[1], d.address_names[2]))
        JOIN pggit.object_oids x ON x.object_id = o.id
        WHERE d.object_type = 'index' AND NOT d.is_temporary;
        PERFORM pggit.record_command(pggit.this_command(TG_TAG, 'ALTER'), found_classids, found_objids);
    ELSE
        PERFORM pggit.defer(pggit.this_command(TG_TAG, 'ALTER'), found_classids, found_objids);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer(pggit.this_command(TG_TAG, 'ALTER'), found_classids, found_objids);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_sql_drop() IS 'Event trigger function: records what a command dropped.';

CREATE FUNCTION pggit.on_table_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The name is kept for versions that note rewrites: dumps carry the event trigger.
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.on_table_rewrite() IS 'Event trigger function: a rewrite by itself changes no definition.';
