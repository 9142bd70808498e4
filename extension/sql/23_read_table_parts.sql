-- Readers for what hangs on a table under a name of its own.

CREATE FUNCTION pggit.read_trigger(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_trigger'::regclass::oid, g.oid, g.tgrelid, 'TRIGGER',
        n.nspname::text, g.tgname::text, format('%I on %I.%I', g.tgname, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'definition', pg_get_triggerdef(g.oid),
            'enabled', CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = g.oid AND m.classoid = 'pg_trigger'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_trigger g
    JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE g.oid = object AND NOT g.tgisinternal AND g.tgparentid = 0 AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_trigger(oid) IS 'Triggers, but for those that foreign keys and parent tables bring.';

CREATE FUNCTION pggit.read_rule(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_rewrite'::regclass::oid, r.oid, r.ev_class, 'RULE',
        n.nspname::text, r.rulename::text, format('%I on %I.%I', r.rulename, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'definition', pg_get_ruledef(r.oid),
            'enabled', CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = r.oid AND m.classoid = 'pg_rewrite'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_rewrite r
    JOIN pg_class c ON c.oid = r.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.oid = object AND r.rulename <> '_RETURN' AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_rule(oid) IS 'Rules, but for the one that makes a view a view.';

CREATE FUNCTION pggit.read_policy(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_policy'::regclass::oid, p.oid, p.polrelid, 'POLICY',
        n.nspname::text, p.polname::text, format('%I on %I.%I', p.polname, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                WHEN 'd' THEN 'delete' ELSE 'all' END,
            'restrictive', CASE WHEN NOT p.polpermissive THEN true END,
            'roles', (SELECT jsonb_agg(CASE r WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r)) END
                          ORDER BY CASE r WHEN 0 THEN '' ELSE pg_get_userbyid(r)::text END COLLATE "C")
                      FROM unnest(p.polroles) r),
            'using', pg_get_expr(p.polqual, p.polrelid),
            'check', pg_get_expr(p.polwithcheck, p.polrelid),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = p.oid AND m.classoid = 'pg_policy'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.oid = object AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_policy(oid) IS 'Row-level security policies.';

CREATE FUNCTION pggit.read_statistics_object(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_statistic_ext'::regclass::oid, s.oid, s.stxrelid, 'STATISTICS',
        n.nspname::text, s.stxname::text, format('%I.%I', n.nspname, s.stxname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(s.stxowner),
            'table', (SELECT format('%I.%I', tn.nspname, c.relname) FROM pg_namespace tn WHERE tn.oid = c.relnamespace),
            -- PostgreSQL lists the columns in the table's order, which is no part of a schema: here by name.
            'definition', replace(pg_get_statisticsobjdef(s.oid), ' ON ' || k.as_listed, ' ON ' || k.by_name),
            'target', nullif(s.stxstattarget, -1),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = s.oid AND m.classoid = 'pg_statistic_ext'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_statistic_ext s
    JOIN pg_namespace n ON n.oid = s.stxnamespace
    JOIN pg_class c ON c.oid = s.stxrelid
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), '') AS as_listed,
               coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C"), '') AS by_name
        FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)) k
    WHERE s.oid = object AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_statistics_object(oid) IS 'Extended statistics objects; what ANALYZE gathered is data.';
