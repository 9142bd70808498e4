-- Readers for what pg_class holds.

CREATE FUNCTION pggit.read_columns(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(a.attname, jsonb_strip_nulls(jsonb_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                THEN a.attcollation::regcollation::text END,
            'not_null', CASE WHEN a.attnotnull THEN true END,
            'not_null_constraint', nn.shown,
            'default', CASE WHEN a.atthasdef AND a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_object(
                'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
                'expression', pg_get_expr(d.adbin, d.adrelid)) END,
            'identity', CASE WHEN a.attidentity <> '' THEN (
                SELECT jsonb_build_object(
                    'kind', CASE a.attidentity WHEN 'a' THEN 'always' ELSE 'by default' END,
                    'sequence', format('%I.%I', sn.nspname, sc.relname), 'start', s.seqstart,
                    'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
                    'cycle', s.seqcycle, 'owner', pg_get_userbyid(sc.relowner),
                    'persistence', CASE WHEN sc.relpersistence = 'u' THEN 'unlogged' END,
                    'acl', pggit.acl_items(sc.relacl, 's', sc.relowner),
                    'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = sc.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
                FROM pg_depend i
                JOIN pg_sequence s ON s.seqrelid = i.objid
                JOIN pg_class sc ON sc.oid = i.objid
                JOIN pg_namespace sn ON sn.oid = sc.relnamespace
                WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = a.attrelid
                  AND i.refobjsubid = a.attnum AND i.classid = 'pg_class'::regclass AND i.deptype = 'i') END,
            'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
            'compression', CASE WHEN a.attcompression <> '' THEN a.attcompression::text END,
            -- "no target" is -1 up to PostgreSQL 16 and null from 17 on
            'statistics', nullif(a.attstattarget, -1),
            'options', pggit.sorted_options(a.attoptions),
            'fdw_options', pggit.safe_options(a.attfdwoptions),
            'inherited', CASE WHEN a.attinhcount > 0 THEN true END,
            'acl', to_jsonb(ARRAY(SELECT i::text FROM unnest(a.attacl) i ORDER BY i::text COLLATE "C")),
            'comment', m.description))
            -- an empty list says nothing; jsonb_strip_nulls keeps it
            - CASE WHEN a.attacl IS NULL THEN ARRAY['acl'] ELSE '{}'::text[] END)
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_description m ON m.classoid = 'pg_class'::regclass AND m.objoid = a.attrelid
            AND m.objsubid = a.attnum
        -- From PostgreSQL 18 on NOT NULL is a constraint with a name and properties of its own; it is
        -- shown where these are not what a plain NOT NULL gives.
        LEFT JOIN LATERAL (
            SELECT jsonb_build_object(
                'name', k.conname, 'definition', pg_get_constraintdef(k.oid),
                'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0)) AS shown
            FROM pg_constraint k
            WHERE a.attnotnull AND k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
              AND (k.connoinherit OR NOT k.convalidated
                   OR k.conname <> pggit.default_not_null_name(k.conrelid, a.attname)
                   OR EXISTS (SELECT FROM pg_description m2 WHERE m2.objoid = k.oid AND m2.classoid = 'pg_constraint'::regclass AND m2.objsubid = 0))) nn ON true
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
END
$$;
COMMENT ON FUNCTION pggit.read_columns(oid) IS 'A relation''s columns by name, with all that can be set on them.';

CREATE FUNCTION pggit.default_not_null_name(relation oid, column_name name) RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    table_name text := (SELECT c.relname FROM pg_class c WHERE c.oid = relation);
    column_part text := column_name;
BEGIN
    -- PostgreSQL shortens the longer part, byte by byte, until both fit into 63 bytes.
    WHILE octet_length(table_name) + octet_length(column_part) + 10 > 63 LOOP
        IF octet_length(table_name) > octet_length(column_part) THEN
            table_name := left(table_name, -1);
        ELSE
            column_part := left(column_part, -1);
        END IF;
    END LOOP;
    RETURN table_name || '_' || column_part || '_not_null';
END
$$;
COMMENT ON FUNCTION pggit.default_not_null_name(oid, name) IS
'The name that PostgreSQL 18 gives a NOT NULL constraint when nobody names it.';

CREATE FUNCTION pggit.read_constraints(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(k.conname, jsonb_strip_nulls(jsonb_build_object(
            'definition', pg_get_constraintdef(k.oid),
            'inherited', CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN true END,
            'index_options', pggit.sorted_options(x.reloptions),
            'tablespace', s.spcname,
            'index_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = x.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0))))
        FROM pg_constraint k
        LEFT JOIN pg_class x ON k.contype IN ('p', 'u', 'x') AND x.oid = k.conindid
        LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
        -- A foreign key that a partition has from its parent is the parent's.
        WHERE k.conrelid = relation AND k.contype IN ('c', 'f', 'p', 'u', 'x')
          AND (k.contype <> 'f' OR k.conparentid = 0));
END
$$;
COMMENT ON FUNCTION pggit.read_constraints(oid) IS 'A table''s constraints by name, NOT NULL left to the columns.';

CREATE FUNCTION pggit.read_tables(oids oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid,
        CASE WHEN c.relispartition THEN (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) END,
        CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
        n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'columns', coalesce(pggit.read_columns(c.oid), '{}'),
            'constraints', pggit.read_constraints(c.oid),
            'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
            'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
            'parents', (
                SELECT jsonb_agg(format('%I.%I', pn.nspname, pc.relname) ORDER BY i.inhseqno)
                FROM pg_inherits i
                JOIN pg_class pc ON pc.oid = i.inhparent
                JOIN pg_namespace pn ON pn.oid = pc.relnamespace
                WHERE i.inhrelid = c.oid AND NOT i.inhdetachpending),
            'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
            'access_method', CASE WHEN am.amname <> 'heap' THEN am.amname END,
            'tablespace', s.spcname,
            'options', pggit.sorted_options(c.reloptions),
            'toast_options', (SELECT pggit.sorted_options(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid),
            'row_security', CASE WHEN c.relrowsecurity THEN true END,
            'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
            'replica_identity', CASE c.relreplident
                WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing'
                WHEN 'i' THEN (SELECT 'index ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                               WHERE i.indrelid = c.oid AND i.indisreplident) END,
            'clustered_on', CASE WHEN c.relhasindex THEN (
                SELECT quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                WHERE i.indrelid = c.oid AND i.indisclustered) END,
            -- A trigger that a partition has from its parent is the parent's, unless it was switched here.
            'inherited_triggers', CASE WHEN c.relispartition AND c.relhastriggers THEN (
                SELECT jsonb_object_agg(g.tgname, g.tgenabled)
                FROM pg_trigger g JOIN pg_trigger pg ON pg.oid = g.tgparentid
                WHERE g.tgrelid = c.oid AND g.tgenabled <> pg.tgenabled AND pg.tgconstraint = 0) END,
            -- ALTER TABLE … DISABLE TRIGGER ALL switches foreign keys off, too.
            'switched_constraints', CASE WHEN c.relhastriggers THEN (
                SELECT jsonb_agg(DISTINCT k.conname || ' ' || g.tgfoid::regproc::text || ' ' || g.tgenabled::text)
                FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
                WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled <> 'O') END,
            'server', (SELECT v.srvname FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver
                       WHERE c.relkind = 'f' AND f.ftrelid = c.oid),
            'fdw_options', (SELECT pggit.safe_options(f.ftoptions) FROM pg_foreign_table f
                            WHERE c.relkind = 'f' AND f.ftrelid = c.oid),
            'acl', pggit.acl_items(c.relacl, 'r', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))),
        ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    WHERE c.oid = ANY (oids) AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION pggit.read_tables(oid[]) IS 'Tables, partitioned ones and foreign ones, with all their parts.';

CREATE FUNCTION pggit.read_views(oids oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid, NULL::oid,
        CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
        n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'query', pg_get_viewdef(c.oid),
            'columns', pggit.read_columns(c.oid),
            'options', pggit.sorted_options(c.reloptions),
            'access_method', CASE WHEN am.amname <> 'heap' THEN am.amname END,
            'tablespace', s.spcname,
            'clustered_on', CASE WHEN c.relhasindex THEN (
                SELECT quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                WHERE i.indrelid = c.oid AND i.indisclustered) END,
            'acl', pggit.acl_items(c.relacl, 'r', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))),
        ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    WHERE c.oid = ANY (oids) AND c.relkind IN ('v', 'm') AND c.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION pggit.read_views(oid[]) IS
'Views and materialized views. Whether one is populated is data, not schema.';

CREATE FUNCTION pggit.read_sequences(oids oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid, o.refobjid, 'SEQUENCE',
        n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
            'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'owned_by', CASE WHEN o.refobjid IS NOT NULL
                THEN format('%I.%I.%I', tn.nspname, tc.relname, a.attname) END,
            'acl', pggit.acl_items(c.relacl, 's', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))),
        NULL::text[]
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
    LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
        AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i') AND o.refobjsubid > 0
    LEFT JOIN pg_class tc ON tc.oid = o.refobjid
    LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    -- An identity column's sequence is part of the column.
    WHERE c.oid = ANY (oids) AND c.relpersistence <> 't' AND o.deptype IS DISTINCT FROM 'i';
END
$$;
COMMENT ON FUNCTION pggit.read_sequences(oid[]) IS
'Sequences but for those of identity columns. Where a sequence stands is data, not schema.';

CREATE FUNCTION pggit.read_indexes(oids oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid, i.indrelid, 'INDEX',
        n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'definition', pg_get_indexdef(c.oid),
            'table', (SELECT format('%I.%I', tn.nspname, tc.relname) FROM pg_class tc
                      JOIN pg_namespace tn ON tn.oid = tc.relnamespace WHERE tc.oid = i.indrelid),
            'parent', (SELECT format('%I.%I', pn.nspname, pc.relname)
                       FROM pg_inherits h
                       JOIN pg_class pc ON pc.oid = h.inhparent
                       JOIN pg_namespace pn ON pn.oid = pc.relnamespace
                       WHERE c.relispartition AND h.inhrelid = c.oid),
            'tablespace', s.spcname,
            'statistics', (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute a
                           WHERE i.indexprs IS NOT NULL AND a.attrelid = c.oid AND a.attstattarget >= 0),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))),
        NULL::text[]
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    WHERE c.oid = ANY (oids) AND c.relkind IN ('i', 'I') AND c.relpersistence <> 't'
      -- A constraint's index is part of the constraint.
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.conrelid = i.indrelid
                      AND k.contype IN ('p', 'u', 'x'));
END
$$;
COMMENT ON FUNCTION pggit.read_indexes(oid[]) IS 'Indexes but for those of constraints.';
