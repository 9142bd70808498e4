-- The working index against the catalog.

CREATE FUNCTION pggit.verify()
RETURNS TABLE (problem text, object_type text, object text, recorded jsonb, actual jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.settle();
    RETURN QUERY
    WITH live AS MATERIALIZED (
        SELECT e.object_type, e.identity, e.definition, e.column_order,
            pggit.blob_hash(e.object_type, e.identity, e.definition) AS hash
        FROM pggit.read_catalog(pggit.all_addresses()) e
    ), tracked AS (
        SELECT o.object_type, o.identity, o.blob, o.column_order FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual
    )
    SELECT CASE
            WHEN t.identity IS NULL THEN 'not in the index'
            WHEN l.identity IS NULL THEN 'not in the catalog'
            WHEN t.blob = l.hash THEN 'columns in another order'
            ELSE 'definition differs' END,
        coalesce(t.object_type, l.object_type), coalesce(t.identity, l.identity), b.definition, l.definition
    FROM tracked t
    FULL JOIN live l ON l.identity = t.identity AND l.object_type = t.object_type
    LEFT JOIN pggit.blobs b ON b.hash = t.blob
    WHERE t.identity IS NULL OR l.identity IS NULL OR t.blob <> l.hash
       OR t.column_order IS DISTINCT FROM l.column_order
    ORDER BY coalesce(t.object_type, l.object_type), coalesce(t.identity, l.identity) COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.verify() IS
'Re-reads the whole catalog and returns where the index differs: no rows when all is recorded.';

CREATE FUNCTION pggit.rescan() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.adopt_cluster();
    IF NOT pggit.can_record_now() THEN
        RAISE EXCEPTION 'pggit.rescan() cannot see the schema as it is in this transaction'
            USING ERRCODE = 'GT011', HINT = 'Run it in a READ COMMITTED transaction that may write; if it is one, another session is taking the index over: try again.';
    END IF;
    PERFORM pggit.settle();
    RETURN pggit.record_everything(pggit.this_command('RESCAN', 'RESCAN'));
END
$$;
COMMENT ON FUNCTION pggit.rescan() IS
'Takes in what changed unseen, as history rows of type RESCAN. Returns how many objects differed.';

CREATE FUNCTION pggit.check_patterns(patterns text[], argument text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF patterns = '{}' OR EXISTS (SELECT FROM unnest(patterns) p WHERE p IS NULL OR p = '') THEN
        RAISE EXCEPTION 'configure_tracking: % must name something', argument
            USING ERRCODE = 'GT050', HINT = 'Give a list of names, in which * stands for anything, or NULL for no limit.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_patterns(text[], text) IS 'Raises GT050 for a list of patterns that is empty or holds nothing.';

CREATE FUNCTION pggit.configure_tracking(schemas text[] DEFAULT NULL, ignore text[] DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.check_patterns(schemas, 'schemas');
    PERFORM pggit.check_patterns(ignore, 'ignore');
    IF schemas IS NULL AND ignore IS NULL THEN
        DELETE FROM pggit.settings WHERE name = 'tracking_scope';
    ELSE
        PERFORM pggit.put_setting('tracking_scope', jsonb_build_object(
            'schemas', to_jsonb(schemas), 'ignore', to_jsonb(coalesce(ignore, '{}')))::text);
    END IF;
    RETURN 'run pggit.rescan() to take in what is tracked now and to forget what is tracked no more';
END
$$;
COMMENT ON FUNCTION pggit.configure_tracking(text[], text[]) IS
'Says what is tracked: the named schemas (all, when NULL) without what is to be ignored, schemas or schema.object. Names are plain, without quotes; * in one stands for anything. What hangs on a table, as its indexes and triggers, is ignored with it; what belongs to no schema is always tracked. Each call replaces the one before. The next rescan() takes in and forgets accordingly.';

CREATE FUNCTION pggit.unversioned() RETURNS TABLE (object_type text, object text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
BEGIN
    RETURN QUERY
    SELECT upper(i.type COLLATE "C"), i.identity
    FROM (
        SELECT 'pg_cast'::regclass::oid AS classid, c.oid AS objid FROM pg_cast c
        UNION ALL SELECT 'pg_operator'::regclass, c.oid FROM pg_operator c
        UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM pg_opclass c
        UNION ALL SELECT 'pg_opfamily'::regclass, c.oid FROM pg_opfamily c
        UNION ALL SELECT 'pg_conversion'::regclass, c.oid FROM pg_conversion c
        UNION ALL SELECT 'pg_ts_config'::regclass, c.oid FROM pg_ts_config c
        UNION ALL SELECT 'pg_ts_dict'::regclass, c.oid FROM pg_ts_dict c
        UNION ALL SELECT 'pg_ts_parser'::regclass, c.oid FROM pg_ts_parser c
        UNION ALL SELECT 'pg_ts_template'::regclass, c.oid FROM pg_ts_template c
        UNION ALL SELECT 'pg_transform'::regclass, c.oid FROM pg_transform c
        UNION ALL SELECT 'pg_am'::regclass, c.oid FROM pg_am c
        UNION ALL SELECT 'pg_language'::regclass, c.oid FROM pg_language c
        UNION ALL SELECT 'pg_publication'::regclass, c.oid FROM pg_publication c
        UNION ALL SELECT 'pg_event_trigger'::regclass, c.oid FROM pg_event_trigger c
            WHERE c.evtname <> ALL (SELECT 'pggit_' || e FROM unnest(pggit.events()) e)
        UNION ALL SELECT 'pg_type'::regclass, c.oid FROM pg_type c
            WHERE c.typtype = 'b' AND c.typelem = 0 OR NOT c.typisdefined
        UNION ALL SELECT 'pg_subscription'::regclass, c.oid FROM pg_subscription c
            WHERE c.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        UNION ALL SELECT 'pg_user_mapping'::regclass, c.umid FROM pg_user_mappings c
    ) x
    CROSS JOIN LATERAL pg_identify_object(x.classid, x.objid, 0) i
    WHERE x.objid >= 16384 AND pggit.is_tracked_schema(i.schema)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classid AND d.objid = x.objid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION pggit.unversioned() IS 'Objects of kinds that pgGit does not version.';
