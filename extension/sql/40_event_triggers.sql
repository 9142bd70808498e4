-- What runs inside other people's commands. Each handler is SECURITY DEFINER, so that an ordinary role
-- needs no right on our tables, and catches whatever goes wrong: a command never fails because of pgGit.
-- plan_cache_mode: PostgreSQL would plan queries over an array of one OID anew each time, which costs more
-- than running them. The event triggers themselves are made by init(), since a dump's restore would fire an extension's own.

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
    INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, context, session_role)
    VALUES (clock_timestamp(), tag, state, message, context, session_user);
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'pggit could not record % (% %), nor keep the error: %', tag, state, message, SQLERRM;
END
$$;
COMMENT ON FUNCTION pggit.note_tracking_error(text, text, text, text) IS
'Keeps an error of the tracking itself; where even that fails, the server log has it.';

CREATE FUNCTION pggit.on_ddl_command_start() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    trouble text;
BEGIN
    IF pggit.is_recording() THEN
        PERFORM pggit.adopt_cluster();
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster.';

CREATE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
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
    IF TG_TAG IN ('ALTER EXTENSION', 'DROP OWNED') THEN
        -- Either touches more than PostgreSQL tells.
        PERFORM pggit.record_everything(TG_TAG, change);
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
    END IF;
    IF found_classids IS NULL THEN
        RETURN;
    END IF;

    IF TG_TAG = 'ALTER SCHEMA' AND EXISTS (
        SELECT FROM pggit.object_oids x
        JOIN pggit.objects o ON o.id = x.object_id
        JOIN pg_namespace n ON n.oid = x.objid
        WHERE x.classid = 'pg_namespace'::regclass AND x.objid = ANY (found_objids) AND o.object_name <> n.nspname)
    THEN
        -- Every name in it changed.
        PERFORM pggit.record_everything(TG_TAG, change);
        RETURN;
    END IF;

    IF TG_TAG = 'ALTER INDEX' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event: look for the old one.
        SELECT found_classids || array_agg(x.classid), found_objids || array_agg(x.objid)
        INTO found_classids, found_objids
        FROM pg_index i JOIN pggit.object_oids x ON x.relid = i.indrelid
        WHERE i.indexrelid = ANY (found_objids) AND x.classid = 'pg_class'::regclass
          AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = x.objid);
    END IF;

    IF starts_with(TG_TAG, 'ALTER ') AND NOT found_classids <@ ARRAY[
        'pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_trigger'::regclass,
        'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_statistic_ext'::regclass, 'pg_collation'::regclass,
        'pg_namespace'::regclass, 'pg_foreign_data_wrapper'::regclass, 'pg_foreign_server'::regclass,
        'pg_default_acl'::regclass, 'pg_constraint'::regclass]::oid[]
    THEN
        -- A kind that is not versioned, but others' definitions can mention its name.
        SELECT d.classids, d.objids INTO found_classids, found_objids
        FROM pggit.dependents(found_classids, found_objids) d;
    ELSE
        SELECT h.classids, h.objids INTO found_classids, found_objids
        FROM pggit.home_addresses(found_classids, found_objids) h;
    END IF;
    PERFORM pggit.record_addresses(found_classids, found_objids, TG_TAG, change);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_end() IS 'Event trigger function: records what a command made or changed.';

CREATE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    trouble text;
    found_classids oid[];
    found_objids oid[];
BEGIN
    IF NOT pggit.is_recording() THEN
        RETURN;
    END IF;
    -- What was dropped itself, as far as the index has it, and what lost a part but still stands.
    SELECT array_agg(a.classid), array_agg(a.objid) INTO found_classids, found_objids
    FROM (
        SELECT d.classid, d.objid
        FROM pg_event_trigger_dropped_objects() d
        JOIN pggit.object_oids x ON x.classid = d.classid AND x.objid = d.objid
        WHERE NOT d.is_temporary
        UNION
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event
        SELECT x.classid, x.objid
        FROM pg_event_trigger_dropped_objects() d
        JOIN pggit.objects o ON o.is_active AND o.object_type = 'INDEX' AND o.identity = d.object_identity
        JOIN pggit.object_oids x ON x.object_id = o.id
        WHERE d.object_type = 'index'
        UNION
        SELECT 'pg_class'::regclass, to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]))
        FROM pg_event_trigger_dropped_objects() d
        WHERE NOT d.is_temporary AND cardinality(d.address_names) >= 3
          AND d.object_type IN ('table column', 'table constraint', 'default value', 'view column',
                                'materialized view column', 'foreign table column')
        UNION
        SELECT 'pg_type'::regclass, to_regtype(d.address_names[1])
        FROM pg_event_trigger_dropped_objects() d
        WHERE d.object_type = 'domain constraint'
    ) AS a (classid, objid)
    WHERE a.objid IS NOT NULL;
    IF found_classids IS NOT NULL THEN
        PERFORM pggit.record_addresses(found_classids, found_objids, TG_TAG, 'ALTER');
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(TG_TAG, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_sql_drop() IS 'Event trigger function: records what a command dropped.';

CREATE FUNCTION pggit.on_table_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- The name is kept for versions that note rewrites: dumps carry the event trigger.
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.on_table_rewrite() IS 'Event trigger function: a rewrite by itself changes no definition.';
