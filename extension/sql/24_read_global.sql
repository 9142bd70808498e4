-- Readers for schemas and for what stands outside them.

CREATE FUNCTION pggit.read_schema(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_namespace'::regclass::oid, n.oid, NULL::oid, 'SCHEMA',
        n.nspname::text, n.nspname::text, quote_ident(n.nspname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(n.nspowner),
            'acl', pggit.acl_items(n.nspacl, 'n', n.nspowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = n.oid AND m.classoid = 'pg_namespace'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_namespace n
    WHERE n.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_schema(oid) IS 'Schemas.';

CREATE FUNCTION pggit.read_extension(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_extension'::regclass::oid, e.oid, NULL::oid, 'EXTENSION',
        NULL::text, e.extname::text, quote_ident(e.extname),
        jsonb_strip_nulls(jsonb_build_object(
            'schema', quote_ident(n.nspname),
            'version', e.extversion,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = e.oid
                        AND m.classoid = 'pg_extension'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.oid = object AND e.extname <> 'pggit';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_extension(oid) IS 'Extensions, each as one object; pgGit itself is left out.';

CREATE FUNCTION pggit.read_wrapper(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, NULL::oid, 'FOREIGN DATA WRAPPER',
        NULL::text, w.fdwname::text, quote_ident(w.fdwname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(w.fdwowner),
            'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
            'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
            'options', pggit.safe_options(w.fdwoptions),
            'acl', pggit.acl_items(w.fdwacl, 'F', w.fdwowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = w.oid AND m.classoid = 'pg_foreign_data_wrapper'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_foreign_data_wrapper w
    WHERE w.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_wrapper(oid) IS 'Foreign data wrappers.';

CREATE FUNCTION pggit.read_server(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_foreign_server'::regclass::oid, s.oid, NULL::oid, 'SERVER',
        NULL::text, s.srvname::text, quote_ident(s.srvname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(s.srvowner),
            'wrapper', quote_ident(w.fdwname),
            'type', s.srvtype,
            'version', s.srvversion,
            'options', pggit.safe_options(s.srvoptions),
            'acl', pggit.acl_items(s.srvacl, 'S', s.srvowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = s.oid AND m.classoid = 'pg_foreign_server'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_foreign_server s
    JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    WHERE s.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_server(oid) IS 'Foreign servers; user mappings hold passwords and are never read.';

CREATE FUNCTION pggit.read_default_privileges(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_default_acl'::regclass::oid, d.oid, NULL::oid, 'DEFAULT PRIVILEGES',
        n.nspname::text, pg_get_userbyid(d.defaclrole)::text, i.identity,
        jsonb_strip_nulls(jsonb_build_object(
            'role', pg_get_userbyid(d.defaclrole),
            'schema', n.nspname,
            'kind', d.defaclobjtype,
            'acl', to_jsonb(ARRAY(SELECT a::text FROM unnest(d.defaclacl) a ORDER BY a::text COLLATE "C")))),
        NULL::text[]
    INTO entry
    FROM pg_default_acl d
    LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL pg_identify_object('pg_default_acl'::regclass, d.oid, 0) i
    WHERE d.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_default_privileges(oid) IS 'What ALTER DEFAULT PRIVILEGES set.';

-- All of them ----------------------------------------------------------------------------------------

CREATE FUNCTION pggit.is_user_oid(classid oid, objid oid) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- 16384 is the first OID that initdb does not use itself; 2200 is schema public, whatever its name.
    RETURN objid >= 16384 OR objid = 2200 AND classid = 'pg_namespace'::regclass;
END
$$;
COMMENT ON FUNCTION pggit.is_user_oid(oid, oid) IS 'Whether something was made by a user, or can be changed like that.';

-- The only way to the readers: it fixes every setting of a session that changes how PostgreSQL writes
-- names and constants.
CREATE FUNCTION pggit.read_object(class oid, object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET standard_conforming_strings = on
AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    IF NOT pggit.is_user_oid(class, object) THEN
        RETURN NULL;
    END IF;
    -- Members of an extension belong to the extension.
    PERFORM FROM pg_depend d WHERE d.classid = class AND d.objid = object
        -- and the constructors of a range to its type
        AND (d.deptype = 'e' OR d.deptype = 'i' AND class = 'pg_proc'::regclass);
    IF FOUND THEN
        RETURN NULL;
    END IF;
    CASE class
        -- These two look at the schema first.
        WHEN 'pg_class'::regclass THEN RETURN pggit.read_relation(object);
        WHEN 'pg_proc'::regclass THEN RETURN pggit.read_function(object);
        WHEN 'pg_type'::regclass THEN entry := pggit.read_type(object);
        WHEN 'pg_trigger'::regclass THEN entry := pggit.read_trigger(object);
        WHEN 'pg_rewrite'::regclass THEN entry := pggit.read_rule(object);
        WHEN 'pg_policy'::regclass THEN entry := pggit.read_policy(object);
        WHEN 'pg_statistic_ext'::regclass THEN entry := pggit.read_statistics_object(object);
        WHEN 'pg_collation'::regclass THEN entry := pggit.read_collation(object);
        WHEN 'pg_namespace'::regclass THEN entry := pggit.read_schema(object);
        WHEN 'pg_extension'::regclass THEN entry := pggit.read_extension(object);
        WHEN 'pg_foreign_data_wrapper'::regclass THEN entry := pggit.read_wrapper(object);
        WHEN 'pg_foreign_server'::regclass THEN entry := pggit.read_server(object);
        WHEN 'pg_default_acl'::regclass THEN entry := pggit.read_default_privileges(object);
        ELSE RETURN NULL;  -- a kind that is not versioned
    END CASE;
    RETURN CASE WHEN pggit.is_tracked_schema(entry.schema_name) THEN entry END;
END
$$;
COMMENT ON FUNCTION pggit.read_object(oid, oid) IS
'The tracked object at a catalog address as it is now; null when there is none.';

CREATE FUNCTION pggit.read_catalog(addresses pggit.address[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    scope jsonb := pggit.tracking_scope();
    relations oid[] := ARRAY(SELECT n.objid FROM unnest(addresses) n WHERE n.classid = 'pg_class'::regclass);
    others pggit.address[];
    together pggit.catalog_entry[] := '{}';
    a pggit.address;
    entry pggit.catalog_entry;
BEGIN
    -- What there is most of is read together, the rest one by one.
    BEGIN
        together := ARRAY(
            SELECT CASE WHEN c.relkind IN ('i', 'I') THEN pggit.read_index(c) ELSE pggit.read_table(c) END
            FROM pg_class c WHERE c.oid = ANY (relations) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I'));
        others := ARRAY(SELECT n FROM unnest(addresses) n
                        WHERE n.classid <> 'pg_class'::regclass
                           OR EXISTS (SELECT FROM pg_class c WHERE c.oid = n.objid AND c.relkind = 'S'));
    EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
        -- "could not open relation", "cache lookup failed": another session dropped one meanwhile.
        others := addresses;
    END;
    RETURN QUERY SELECT t.* FROM unnest(together) t
                 WHERE t.objid IS NOT NULL AND (scope IS NULL OR pggit.in_scope(ROW(t.*)::pggit.catalog_entry, scope));
    FOREACH a IN ARRAY others LOOP
        BEGIN
            entry := pggit.read_object(a.classid, a.objid);
        EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
            -- The function is not STABLE: a second look sees what others have committed by now.
            BEGIN
                entry := pggit.read_object(a.classid, a.objid);
            EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
                CONTINUE;  -- it is being dropped
            END;
        END;
        IF entry.objid IS NOT NULL AND (scope IS NULL OR pggit.in_scope(entry, scope)) THEN
            RETURN NEXT entry;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.read_catalog(pggit.address[]) IS
'The tracked objects among the given catalog addresses as they are now, without what another session drops at this moment.';

CREATE FUNCTION pggit.all_addresses() RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT ROW(a.classid, a.objid)::pggit.address FROM (
        SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
              AND c.relpersistence <> 't' AND c.relnamespace <> 'pg_toast'::regnamespace
              -- a constraint's index is the constraint's
              AND NOT (c.relkind IN ('i', 'I') AND EXISTS (
                  SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')))
        UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t
            WHERE t.typtype IN ('d', 'e', 'r', 'c') AND t.typrelid = 0
        UNION ALL SELECT 'pg_type'::regclass, c.reltype FROM pg_class c WHERE c.relkind = 'c'
        UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
        UNION ALL SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g WHERE NOT g.tgisinternal
        UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r
            WHERE r.rulename <> '_RETURN'
        UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p
        UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s
        UNION ALL SELECT 'pg_collation'::regclass, o.oid FROM pg_collation o
        UNION ALL SELECT 'pg_namespace'::regclass, n.oid FROM pg_namespace n
        UNION ALL SELECT 'pg_extension'::regclass, e.oid FROM pg_extension e
        UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
        UNION ALL SELECT 'pg_foreign_server'::regclass, v.oid FROM pg_foreign_server v
        UNION ALL SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d
    ) AS a (classid, objid)
    -- Members of an extension belong to the extension.
    WHERE pggit.is_user_oid(a.classid, a.objid) AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = a.classid AND d.objid = a.objid AND d.deptype = 'e'));
END
$$;
COMMENT ON FUNCTION pggit.all_addresses() IS 'The catalog address of everything that could be tracked in this database.';
