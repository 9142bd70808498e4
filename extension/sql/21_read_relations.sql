-- Readers for what pg_class holds. They take any number of relations: the one that a command changed, or all that
-- there are. What is rare is asked by a function of its own, which costs nothing where it is not called.

CREATE FUNCTION pggit.relation_name(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.relation_name(oid) IS 'A relation''s qualified name.';

CREATE FUNCTION pggit.read_identity(relation oid, column_number smallint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'kind', CASE a.attidentity WHEN 'a' THEN 'always' ELSE 'by default' END,
            'sequence', pggit.relation_name(c.oid), 'start', s.seqstart,
            'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
            'cycle', s.seqcycle, 'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'acl', pggit.acl_items(c.relacl, 's', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
        FROM pg_depend i
        JOIN pg_sequence s ON s.seqrelid = i.objid
        JOIN pg_class c ON c.oid = i.objid
        JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = column_number
        WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = relation
          AND i.refobjsubid = column_number AND i.classid = 'pg_class'::regclass AND i.deptype = 'i');
END
$$;
COMMENT ON FUNCTION pggit.read_identity(oid, smallint) IS 'What makes a column an identity column, with its sequence.';

CREATE FUNCTION pggit.named_not_nulls(relations oid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(k.conrelid || ' ' || a.attnum, jsonb_build_object('not_null_constraint', jsonb_build_object(
            'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'comment', m.description)))
        FROM pg_constraint k
        CROSS JOIN LATERAL (
            SELECT x.attnum, x.attname, x.attnotnull FROM pg_attribute x WHERE x.attrelid = k.conrelid AND x.attnum = k.conkey[1] OFFSET 0) a
        CROSS JOIN LATERAL (SELECT x.relname FROM pg_class x WHERE x.oid = k.conrelid OFFSET 0) r
        LEFT JOIN LATERAL (
            SELECT x.description FROM pg_description x
            WHERE x.objoid = k.oid AND x.classoid = 'pg_constraint'::regclass AND x.objsubid = 0 OFFSET 0) m ON true
        WHERE k.conrelid = ANY (relations) AND k.contype = 'n' AND a.attnotnull
          AND (k.connoinherit OR NOT k.convalidated OR m.description IS NOT NULL
               -- one that came from a parent has no name of its own; a long name is shortened, which takes a closer look
               OR k.coninhcount = 0 AND k.conname <> r.relname || '_' || a.attname || '_not_null'
                  AND k.conname <> pggit.default_not_null_name(r.relname, a.attname)));
END
$$;
COMMENT ON FUNCTION pggit.named_not_nulls(oid[]) IS
'From PostgreSQL 18 on NOT NULL is a constraint with a name and properties of its own: those which are not what a plain NOT NULL gives, under relation and column number.';

CREATE FUNCTION pggit.read_columns(relations oid[]) RETURNS TABLE (relation oid, columns jsonb, names text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    not_nulls jsonb;
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        not_nulls := pggit.named_not_nulls(relations);
    END IF;
    RETURN QUERY
    SELECT a.attrelid, jsonb_object_agg(a.attname, jsonb_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'not_null', CASE WHEN a.attnotnull THEN true END,
            'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END)
        -- the rest is rare
        || CASE WHEN m.description IS NULL AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage
                 AND a.attgenerated = '' AND a.attidentity = '' AND a.attcompression = '' AND a.attinhcount = 0
                 AND coalesce(a.attstattarget, -1) = -1
                 AND coalesce(a.attoptions, a.attfdwoptions, a.attacl::text[]) IS NULL
            THEN '{}' ELSE jsonb_build_object(
                'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                    THEN a.attcollation::regcollation::text END,
                'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_object(
                    'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
                    'expression', pg_get_expr(d.adbin, d.adrelid)) END,
                'identity', CASE WHEN a.attidentity <> '' THEN pggit.read_identity(a.attrelid, a.attnum) END,
                'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
                'compression', CASE WHEN a.attcompression <> '' THEN a.attcompression::text END,
                -- "no target" is -1 up to PostgreSQL 16 and null from 17 on
                'statistics', nullif(a.attstattarget, -1),
                'options', pggit.sorted_options(a.attoptions),
                'fdw_options', pggit.safe_options(a.attfdwoptions),
                'inherited', CASE WHEN a.attinhcount > 0 THEN true END,
                'acl', pggit.sorted_acl(a.attacl),
                'comment', m.description) END
        || CASE WHEN not_nulls IS NULL THEN '{}' ELSE coalesce(not_nulls -> (a.attrelid || ' ' || a.attnum), '{}') END),
        array_agg(a.attname::text ORDER BY a.attnum)
    -- OFFSET 0, here and below: each is looked up by its index; PostgreSQL might read all there are and join.
    FROM pg_attribute a
    CROSS JOIN LATERAL (SELECT x.typcollation, x.typstorage FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
    LEFT JOIN LATERAL (
        SELECT x.adbin, x.adrelid FROM pg_attrdef x WHERE a.atthasdef AND x.adrelid = a.attrelid AND x.adnum = a.attnum OFFSET 0) d ON true
    LEFT JOIN LATERAL (
        SELECT x.description FROM pg_description x
        WHERE x.objoid = a.attrelid AND x.classoid = 'pg_class'::regclass AND x.objsubid = a.attnum OFFSET 0) m ON true
    WHERE a.attrelid = ANY (relations) AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid;
END
$$;
COMMENT ON FUNCTION pggit.read_columns(oid[]) IS
'Relations'' columns by name, with all that can be set on them, and the names in their order; nulls stand for what is not.';

CREATE FUNCTION pggit.default_not_null_name(table_name text, column_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    table_part text := table_name;
    column_part text := column_name;
BEGIN
    -- PostgreSQL shortens the longer part, byte by byte, until both fit into 63 bytes.
    WHILE octet_length(table_part) + octet_length(column_part) + 10 > 63 LOOP
        IF octet_length(table_part) > octet_length(column_part) THEN
            table_part := left(table_part, -1);
        ELSE
            column_part := left(column_part, -1);
        END IF;
    END LOOP;
    RETURN table_part || '_' || column_part || '_not_null';
END
$$;
COMMENT ON FUNCTION pggit.default_not_null_name(text, text) IS
'The name that PostgreSQL 18 gives a NOT NULL constraint when nobody names it.';

CREATE FUNCTION pggit.read_constraints(relations oid[]) RETURNS TABLE (relation oid, constraints jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT k.conrelid, jsonb_object_agg(k.conname, jsonb_build_object(
        'definition', pg_get_constraintdef(k.oid),
        'inherited', CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN true END,
        'parent', CASE WHEN k.conparentid <> 0 THEN pggit.constraint_name(k.conparentid) END,
        'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0),
        'index_options', pggit.sorted_options(x.reloptions),
        'tablespace', CASE WHEN x.reltablespace <> 0 THEN pggit.tablespace_name(x.reltablespace) END,
        'index_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = x.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0)))
    FROM pg_constraint k
    LEFT JOIN LATERAL (
        SELECT y.oid, y.reloptions, y.reltablespace FROM pg_class y WHERE k.contype IN ('p', 'u', 'x') AND y.oid = k.conindid OFFSET 0) x ON true
    -- A foreign key that a partition has from its parent is the parent's.
    WHERE k.conrelid = ANY (relations) AND k.contype IN ('c', 'f', 'p', 'u', 'x')
      AND (k.contype <> 'f' OR k.conparentid = 0)
    GROUP BY k.conrelid;
END
$$;
COMMENT ON FUNCTION pggit.read_constraints(oid[]) IS
'Tables'' constraints by name, NOT NULL left to the columns; nulls stand for what is not set.';

CREATE FUNCTION pggit.constraint_name(object oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, k.conname)
            FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.oid = object);
END
$$;
COMMENT ON FUNCTION pggit.constraint_name(oid) IS 'A constraint''s qualified name.';

CREATE FUNCTION pggit.tablespace_name(tablespace oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = tablespace);
END
$$;
COMMENT ON FUNCTION pggit.tablespace_name(oid) IS 'A tablespace''s name.';

CREATE FUNCTION pggit.read_parents(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_agg(pggit.relation_name(i.inhparent) ORDER BY i.inhseqno)
            FROM pg_inherits i WHERE i.inhrelid = relation AND NOT i.inhdetachpending);
END
$$;
COMMENT ON FUNCTION pggit.read_parents(oid) IS 'The tables that one inherits from, in their order; null when there are none.';

CREATE FUNCTION pggit.read_foreign_side(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('server', v.srvname, 'fdw_options', pggit.safe_options(f.ftoptions))
            FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver WHERE f.ftrelid = relation);
END
$$;
COMMENT ON FUNCTION pggit.read_foreign_side(oid) IS 'Where a foreign table''s rows come from.';

CREATE FUNCTION pggit.read_switches(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_build_object(
        -- A trigger that a partition has from its parent is the parent's, unless it was switched here.
        'inherited_triggers', (
            SELECT jsonb_object_agg(g.tgname, g.tgenabled)
            FROM pg_trigger g JOIN pg_trigger pg ON pg.oid = g.tgparentid JOIN pg_class c ON c.oid = g.tgrelid
            WHERE g.tgrelid = relation AND c.relispartition AND g.tgenabled <> pg.tgenabled AND pg.tgconstraint = 0),
        -- ALTER TABLE … DISABLE TRIGGER ALL switches foreign keys off, too.
        'switched_constraints', (
            SELECT jsonb_agg(DISTINCT k.conname || ' ' || g.tgfoid::regproc::text || ' ' || g.tgenabled::text)
            FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
            WHERE g.tgrelid = relation AND g.tgisinternal AND g.tgenabled <> 'O'));
END
$$;
COMMENT ON FUNCTION pggit.read_switches(oid) IS 'Triggers of a table that were switched on or off and are no objects of their own.';

CREATE FUNCTION pggit.read_replica_identity(relation oid, kind "char") RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE kind
        WHEN 'f' THEN 'full'
        WHEN 'n' THEN 'nothing'
        WHEN 'i' THEN (SELECT 'index ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                       WHERE i.indrelid = relation AND i.indisreplident) END;
END
$$;
COMMENT ON FUNCTION pggit.read_replica_identity(oid, "char") IS 'What logical replication knows a row by, where it was set.';

CREATE FUNCTION pggit.access_method(method oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT am.amname FROM pg_am am WHERE am.oid = method);
END
$$;
COMMENT ON FUNCTION pggit.access_method(oid) IS 'An access method''s name.';

CREATE FUNCTION pggit.read_tables(relations oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid, CASE WHEN c.relispartition THEN p.parent END,
        CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        n.nspname::text, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(jsonb_build_object(
                'owner', pg_get_userbyid(c.relowner),
                'options', pggit.sorted_options(c.reloptions),
                -- 2 is heap in every cluster
                'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN pggit.access_method(c.relam) END,
                'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
                'clustered_on', CASE WHEN c.relhasindex THEN (
                    SELECT quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                    WHERE i.indrelid = c.oid AND i.indisclustered) END,
                'acl', pggit.acl_items(c.relacl, 'r', c.relowner),
                'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
            || CASE WHEN c.relkind IN ('v', 'm') THEN jsonb_build_object(
                -- Whether a materialized view is populated is data, not schema.
                'query', pg_get_viewdef(c.oid),
                'columns', k.columns)
            ELSE jsonb_build_object(
                'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
                'columns', coalesce(k.columns, '{}'),
                'constraints', q.constraints,
                'row_security', CASE WHEN c.relrowsecurity THEN true END,
                'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
                'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
                'parents', CASE WHEN p.parent IS NOT NULL THEN pggit.read_parents(c.oid) END,
                'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
                'toast_options', (
                    SELECT pggit.sorted_options(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid),
                'replica_identity', CASE WHEN c.relreplident <> 'd' THEN pggit.read_replica_identity(c.oid, c.relreplident) END)
                || CASE WHEN c.relkind = 'f' THEN pggit.read_foreign_side(c.oid) ELSE '{}' END
                || CASE WHEN c.relhastriggers THEN pggit.read_switches(c.oid) ELSE '{}' END END),
        k.names
    -- Full joins, since these are never made by a nested loop, whatever number of relations the plan is for.
    FROM unnest(relations) AS r (relation)
    FULL JOIN pggit.read_columns(relations) k USING (relation)
    FULL JOIN pggit.read_constraints(relations) q USING (relation)
    CROSS JOIN LATERAL (SELECT x.* FROM pg_class x WHERE x.oid = relation OFFSET 0) c
    CROSS JOIN LATERAL (SELECT x.nspname FROM pg_namespace x WHERE x.oid = c.relnamespace OFFSET 0) n
    LEFT JOIN LATERAL (SELECT i.inhparent AS parent FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) p ON true
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
      AND pggit.is_tracked_schema(n.nspname);
END
$$;
COMMENT ON FUNCTION pggit.read_tables(oid[]) IS
'Tables, partitioned and foreign ones, views and materialized views, with all their parts.';

CREATE FUNCTION pggit.read_sequence(c pg_catalog.pg_class, owner_table oid, owner_column integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
            'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'owned_by', CASE WHEN owner_table > 0 THEN pggit.relation_name(owner_table) || '.' || quote_ident((
                SELECT a.attname FROM pg_attribute a WHERE a.attrelid = owner_table AND a.attnum = owner_column)) END,
            'acl', pggit.acl_items(c.relacl, 's', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0)))
        FROM pg_sequence s WHERE s.seqrelid = c.oid);
END
$$;
COMMENT ON FUNCTION pggit.read_sequence(pg_catalog.pg_class, oid, integer) IS
'The definition of a sequence. Where a sequence stands is data, not schema.';

CREATE FUNCTION pggit.index_statistics(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute a
            WHERE a.attrelid = relation AND a.attstattarget >= 0);
END
$$;
COMMENT ON FUNCTION pggit.index_statistics(oid) IS 'The statistics targets of an index''s expressions.';

CREATE FUNCTION pggit.parent_index(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT pggit.relation_name(h.inhparent) FROM pg_inherits h WHERE h.inhrelid = relation);
END
$$;
COMMENT ON FUNCTION pggit.parent_index(oid) IS 'The partitioned index that an index is part of.';

CREATE FUNCTION pggit.read_indexes(relations oid[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'pg_class'::regclass::oid, c.oid, i.indrelid, 'INDEX',
        n.nspname::text, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'definition', pg_get_indexdef(c.oid),
            -- in the index's own schema, always
            'table', quote_ident(n.nspname) || '.' || quote_ident(t.relname),
            'parent', CASE WHEN c.relispartition THEN pggit.parent_index(c.oid) END,
            'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
            'statistics', CASE WHEN i.indexprs IS NOT NULL THEN pggit.index_statistics(c.oid) END,
            'comment', m.description)),
        NULL::text[]
    FROM pg_class c
    JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_description m ON m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0
    WHERE c.oid = ANY (relations) AND c.relkind IN ('i', 'I') AND c.relpersistence <> 't'
      AND pggit.is_tracked_schema(n.nspname)
      -- A constraint's index is part of the constraint.
      AND NOT EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conrelid = i.indrelid AND k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'));
END
$$;
COMMENT ON FUNCTION pggit.read_indexes(oid[]) IS 'Indexes, but for those of constraints.';

CREATE FUNCTION pggit.read_relation(relation oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_catalog.pg_class;
    owner_table oid;
    owner_column integer;
    schema text;
    entry pggit.catalog_entry;
BEGIN
    SELECT r.* INTO c FROM pg_class r WHERE r.oid = relation;
    IF c.relkind IN ('r', 'p', 'f', 'v', 'm') THEN
        SELECT t.* INTO entry FROM pggit.read_tables(ARRAY[relation]) t;
        RETURN entry;
    ELSIF c.relkind IN ('i', 'I') THEN
        SELECT x.* INTO entry FROM pggit.read_indexes(ARRAY[relation]) x;
        RETURN entry;
    ELSIF c.relkind = 'S' AND c.relpersistence <> 't' THEN
        schema := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace);
        -- An identity column's sequence is part of the column.
        IF NOT pggit.is_tracked_schema(schema) OR EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'i')
        THEN
            RETURN NULL;
        END IF;
        SELECT d.refobjid, d.refobjsubid INTO owner_table, owner_column FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.objsubid = 0
          AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0;
        RETURN ROW('pg_class'::regclass, relation, owner_table, 'SEQUENCE', schema, c.relname,
                   quote_ident(schema) || '.' || quote_ident(c.relname),
                   pggit.read_sequence(c, owner_table, owner_column), NULL)::pggit.catalog_entry;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.read_relation(oid) IS
'A table, view, sequence or index. A constraint''s index and an identity column''s sequence are no objects of their own.';
