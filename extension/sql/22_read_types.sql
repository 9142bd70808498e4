-- Readers for types, collations and functions.

CREATE FUNCTION pggit.read_type(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_type'::regclass::oid, t.oid, NULL::oid,
        CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
        n.nspname::text, t.typname::text, format('%I.%I', n.nspname, t.typname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(t.typowner),
            'kind', CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite'
                WHEN 'r' THEN 'range' END,
            'labels', CASE WHEN t.typtype = 'e' THEN coalesce((
                SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '[]') END,
            'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
            'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 AND t.typcollation <> b.typcollation
                THEN t.typcollation::regcollation::text END,
            'default', CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END,
            'not_null', CASE WHEN t.typtype = 'd' AND t.typnotnull THEN true END,
            -- 'n' is listed from PostgreSQL 17 on and says no more than typnotnull
            'constraints', CASE WHEN t.typtype = 'd' THEN (
                SELECT jsonb_object_agg(k.conname, jsonb_strip_nulls(jsonb_build_object(
                    'definition', pg_get_constraintdef(k.oid), 'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0))))
                FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') END,
            'not_null_constraint', CASE WHEN t.typtype = 'd' AND t.typnotnull THEN (
                SELECT jsonb_strip_nulls(jsonb_build_object('name', k.conname, 'comment', m.description))
                FROM pg_constraint k
                LEFT JOIN pg_description m ON m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass
                WHERE k.contypid = t.oid AND k.contype = 'n'
                  AND (m.description IS NOT NULL OR k.conname <> t.typname || '_not_null')) END,
            'attributes', CASE WHEN t.typtype = 'c' THEN coalesce((
                SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                    'collation', CASE WHEN a.attcollation <> at.typcollation AND a.attcollation <> 0
                        THEN a.attcollation::regcollation::text END,
                    'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum))) ORDER BY a.attnum)
                FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]') END,
            'range', (
                SELECT jsonb_build_object(
                    'subtype', format_type(r.rngsubtype, NULL),
                    'subtype_opclass', format('%I.%I', cn.nspname, oc.opcname),
                    'collation', CASE WHEN r.rngcollation <> 0 THEN r.rngcollation::regcollation::text END,
                    'canonical', CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regprocedure::text END,
                    'subtype_diff', CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regprocedure::text END,
                    'multirange', format_type(r.rngmultitypid, NULL),
                    'multirange_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = r.rngmultitypid
                                           AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0))
                FROM pg_range r
                JOIN pg_opclass oc ON oc.oid = r.rngsubopc
                JOIN pg_namespace cn ON cn.oid = oc.opcnamespace
                WHERE t.typtype = 'r' AND r.rngtypid = t.oid),
            'acl', pggit.acl_items(t.typacl, 'T', t.typowner),
            'comment', CASE WHEN t.typtype = 'c' THEN coalesce((SELECT m.description FROM pg_description m WHERE m.objoid = t.oid AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0),
                                                             (SELECT m.description FROM pg_description m WHERE m.objoid = t.typrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
                       ELSE (SELECT m.description FROM pg_description m WHERE m.objoid = t.oid AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0) END)),
        NULL::text[]
    INTO entry
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid = object
      AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND c.relkind = 'c');
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_type(oid) IS 'Enums, domains, composite types and ranges.';

CREATE FUNCTION pggit.read_aggregate(object oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'arguments', pg_get_function_arguments(p.oid),
            'kind', a.aggkind, 'direct_arguments', a.aggnumdirectargs, 'parallel', p.proparallel,
            'function', a.aggtransfn::regprocedure::text,
            'type', format_type(a.aggtranstype, NULL),
            'space', nullif(a.aggtransspace, 0), 'initial', a.agginitval,
            'final', CASE WHEN a.aggfinalfn <> 0 THEN a.aggfinalfn::regprocedure::text END,
            'final_extra', CASE WHEN a.aggfinalextra THEN true END, 'final_modify', a.aggfinalmodify,
            'combine', CASE WHEN a.aggcombinefn <> 0 THEN a.aggcombinefn::regprocedure::text END,
            'serial', CASE WHEN a.aggserialfn <> 0 THEN a.aggserialfn::regprocedure::text END,
            'deserial', CASE WHEN a.aggdeserialfn <> 0 THEN a.aggdeserialfn::regprocedure::text END,
            'sort_operator', CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator::text END,
            'moving_function', CASE WHEN a.aggmtransfn <> 0 THEN a.aggmtransfn::regprocedure::text END,
            'moving_inverse', CASE WHEN a.aggminvtransfn <> 0 THEN a.aggminvtransfn::regprocedure::text END,
            'moving_type', CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END,
            'moving_space', nullif(a.aggmtransspace, 0), 'moving_initial', a.aggminitval,
            'moving_final', CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalfn::regprocedure::text END,
            'moving_final_extra', CASE WHEN a.aggmfinalextra THEN true END,
            'moving_final_modify', CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalmodify END)
        FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE a.aggfnoid = object);
END
$$;
COMMENT ON FUNCTION pggit.read_aggregate(oid) IS 'What makes an aggregate.';

CREATE FUNCTION pggit.read_function(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
BEGIN
    SELECT f.proname, f.prokind, f.proowner, f.proacl, n.nspname,
        (SELECT m.description FROM pg_description m WHERE m.objoid = object AND m.classoid = 'pg_proc'::regclass AND m.objsubid = 0) AS comment
    INTO p
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = object;
    IF p.proname IS NULL OR NOT pggit.is_tracked_schema(p.nspname) THEN
        RETURN NULL;
    END IF;
    RETURN ROW('pg_proc'::regclass, object, NULL,
        CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END,
        p.nspname, p.proname, (pg_identify_object('pg_proc'::regclass, object, 0)).identity,
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(p.proowner),
            'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(object) END,
            'aggregate', CASE WHEN p.prokind = 'a' THEN pggit.read_aggregate(object) END,
            'acl', pggit.acl_items(p.proacl, 'f', p.proowner),
            'comment', p.comment)),
        NULL)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_function(oid) IS 'Functions, procedures and aggregates.';

CREATE FUNCTION pggit.read_collation(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_collation'::regclass::oid, c.oid, NULL::oid, 'COLLATION',
        n.nspname::text, c.collname::text, format('%I.%I', n.nspname, c.collname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.collowner),
            'provider', c.collprovider,
            'deterministic', c.collisdeterministic,
            'collate', c.collcollate,
            'ctype', c.collctype,
            -- renamed from colliculocale in PostgreSQL 17
            'locale', coalesce(to_jsonb(c) -> 'colllocale', to_jsonb(c) -> 'colliculocale'),
            'rules', to_jsonb(c) -> 'collicurules',
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_collation'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_collation c
    JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_collation(oid) IS 'Collations; the library''s version is not part of one.';
