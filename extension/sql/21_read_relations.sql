-- Readers for what pg_class holds. What is rare is asked only where it is there, by a statement or a function of its own:
-- PostgreSQL sets up every part of a query each time, whether it comes to be used or not.

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

CREATE FUNCTION pggit.with_named_not_nulls(relation oid, columns jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named jsonb := (
        SELECT jsonb_object_agg(a.attname, (columns -> a.attname) || jsonb_build_object('not_null_constraint', jsonb_build_object(
            'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'comment', m.description)))
        FROM pg_constraint k
        CROSS JOIN LATERAL (
            SELECT x.attname, x.attnotnull FROM pg_attribute x WHERE x.attrelid = k.conrelid AND x.attnum = k.conkey[1] OFFSET 0) a
        CROSS JOIN LATERAL (SELECT x.relname FROM pg_class x WHERE x.oid = k.conrelid OFFSET 0) r
        LEFT JOIN LATERAL (
            SELECT x.description FROM pg_description x
            WHERE x.objoid = k.oid AND x.classoid = 'pg_constraint'::regclass AND x.objsubid = 0 OFFSET 0) m ON true
        WHERE k.conrelid = relation AND k.contype = 'n' AND a.attnotnull
          AND (k.connoinherit OR NOT k.convalidated OR m.description IS NOT NULL
               -- one that came from a parent has no name of its own; a long name is shortened, which takes a closer look
               OR k.coninhcount = 0 AND k.conname <> r.relname || '_' || a.attname || '_not_null'
                  AND k.conname <> pggit.default_not_null_name(r.relname, a.attname)));
BEGIN
    RETURN CASE WHEN named IS NULL THEN columns ELSE columns || named END;
END
$$;
COMMENT ON FUNCTION pggit.with_named_not_nulls(oid, jsonb) IS
'From PostgreSQL 18 on NOT NULL is a constraint with a name and properties of its own: adds those which are not what a plain NOT NULL gives to a relation''s columns.';

CREATE FUNCTION pggit.read_columns(relation oid, comments jsonb, OUT columns jsonb, OUT names text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    has_more boolean;
    has_not_null boolean;
BEGIN
    -- What nearly every column has nothing else than. OFFSET 0: each type is looked up by its index.
    SELECT jsonb_object_agg(a.attname, jsonb_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'not_null', CASE WHEN a.attnotnull THEN true END,
            'default', CASE WHEN a.atthasdef AND a.attgenerated = '' THEN (
                SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END)),
        array_agg(a.attname::text ORDER BY a.attnum),
        bool_or(a.attcollation <> t.typcollation OR a.attstorage <> t.typstorage
            OR a.attgenerated <> '' OR a.attidentity <> '' OR a.attcompression <> '' OR a.attinhcount > 0
            OR a.attstattarget <> -1 OR a.attoptions IS NOT NULL OR a.attfdwoptions IS NOT NULL OR a.attacl IS NOT NULL),
        bool_or(a.attnotnull)
    INTO columns, names, has_more, has_not_null
    FROM pg_attribute a
    CROSS JOIN LATERAL (SELECT x.typcollation, x.typstorage FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
    IF has_more OR comments IS NOT NULL THEN
        columns := (
            SELECT jsonb_object_agg(a.attname, (columns -> a.attname) || jsonb_build_object(
                'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                    THEN a.attcollation::regcollation::text END,
                'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_object(
                    'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
                    'expression', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
                                   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)) END,
                'identity', CASE WHEN a.attidentity <> '' THEN pggit.read_identity(a.attrelid, a.attnum) END,
                'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
                'compression', CASE WHEN a.attcompression <> '' THEN a.attcompression::text END,
                -- "no target" is -1 up to PostgreSQL 16 and null from 17 on
                'statistics', nullif(a.attstattarget, -1),
                'options', pggit.sorted_options(a.attoptions),
                'fdw_options', pggit.safe_options(a.attfdwoptions),
                'inherited', CASE WHEN a.attinhcount > 0 THEN true END,
                'acl', pggit.sorted_acl(a.attacl),
                'comment', comments -> a.attnum::text))
            FROM pg_attribute a
            CROSS JOIN LATERAL (SELECT x.typcollation, x.typstorage FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
            WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
    END IF;
    IF has_not_null AND current_setting('server_version_num')::integer >= 180000 THEN
        columns := pggit.with_named_not_nulls(relation, columns);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.read_columns(oid, jsonb) IS
'A relation''s columns by name, with all that can be set on them, and the names in their order; nulls stand for what is not. comments are those of the relation and its columns by column number, if any.';

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

CREATE FUNCTION pggit.read_constraints(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    constraints jsonb;
    has_more boolean;
BEGIN
    -- A foreign key that a partition has from its parent is the parent's.
    SELECT jsonb_object_agg(k.conname, jsonb_build_object(
            'definition', pg_get_constraintdef(k.oid),
            'inherited', CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN true END)),
        bool_or(k.conparentid <> 0
            OR EXISTS (SELECT FROM pg_description m WHERE m.objoid = ANY (ARRAY[k.oid, k.conindid]))
            OR EXISTS (SELECT FROM pg_class x WHERE x.oid = k.conindid AND (x.reltablespace <> 0 OR x.reloptions IS NOT NULL)))
    INTO constraints, has_more
    FROM pg_constraint k
    WHERE k.conrelid = relation AND k.contype IN ('c', 'f', 'p', 'u', 'x') AND (k.contype <> 'f' OR k.conparentid = 0);
    IF has_more THEN
        constraints := (
            SELECT jsonb_object_agg(k.conname, (constraints -> k.conname) || jsonb_build_object(
                'parent', CASE WHEN k.conparentid <> 0 THEN pggit.constraint_name(k.conparentid) END,
                'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0),
                'index_options', pggit.sorted_options(x.reloptions),
                'tablespace', CASE WHEN x.reltablespace <> 0 THEN pggit.tablespace_name(x.reltablespace) END,
                'index_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = x.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0)))
            FROM pg_constraint k
            LEFT JOIN LATERAL (
                SELECT y.oid, y.reloptions, y.reltablespace FROM pg_class y WHERE k.contype IN ('p', 'u', 'x') AND y.oid = k.conindid OFFSET 0) x ON true
            WHERE k.conrelid = relation AND constraints ? k.conname AND k.contype IN ('c', 'f', 'p', 'u', 'x')
              AND (k.contype <> 'f' OR k.conparentid = 0));
    END IF;
    RETURN constraints;
END
$$;
COMMENT ON FUNCTION pggit.read_constraints(oid) IS
'A table''s constraints by name, NOT NULL left to the columns; nulls stand for what is not set.';

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
        -- ALTER TABLE ... DISABLE TRIGGER ALL switches foreign keys off, too.
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

CREATE FUNCTION pggit.read_table(c pg_catalog.pg_class) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    x record;
    k record;
    definition jsonb;
BEGIN
    IF c.relpersistence = 't' THEN
        RETURN NULL;
    END IF;
    -- comments: the relation's own under 0, the columns' under their numbers
    SELECT n.nspname,
        (SELECT jsonb_object_agg(m.objsubid, m.description) FROM pg_description m
         WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass) AS comments,
        (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
        (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered) AS clustered_on,
        (SELECT o.reloptions FROM pg_class o WHERE o.oid = c.reltoastrelid) AS toast_options
    INTO x FROM pg_namespace n WHERE n.oid = c.relnamespace;
    IF NOT pggit.is_tracked_schema(x.nspname) THEN
        RETURN NULL;
    END IF;
    k := pggit.read_columns(c.oid, x.comments);
    definition := jsonb_build_object('owner', pg_get_userbyid(c.relowner), 'columns', k.columns);
    IF c.relkind IN ('v', 'm') THEN
        -- Whether a materialized view is populated is data, not schema.
        definition := definition || jsonb_build_object('query', pg_get_viewdef(c.oid));
    ELSE
        definition := definition || jsonb_build_object(
            'columns', coalesce(k.columns, '{}'), 'constraints', pggit.read_constraints(c.oid));
    END IF;
    -- The rest is rare.
    IF x.comments IS NOT NULL THEN
        definition := definition || jsonb_build_object('comment', x.comments -> '0');
    END IF;
    IF c.relacl IS NOT NULL THEN
        definition := definition || jsonb_build_object('acl', pggit.acl_items(c.relacl, 'r', c.relowner));
    END IF;
    IF x.clustered_on IS NOT NULL THEN
        definition := definition || jsonb_build_object('clustered_on', (
            SELECT quote_ident(y.relname) FROM pg_class y WHERE y.oid = x.clustered_on));
    END IF;
    -- 2 is heap in every cluster
    IF c.reloptions IS NOT NULL OR c.reltablespace <> 0 OR c.relam NOT IN (0, 2) THEN
        definition := definition || jsonb_build_object(
            'options', pggit.sorted_options(c.reloptions),
            'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN pggit.access_method(c.relam) END,
            'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END);
    END IF;
    IF c.relkind NOT IN ('v', 'm') THEN
        IF x.toast_options IS NOT NULL THEN
            definition := definition || jsonb_build_object('toast_options', pggit.sorted_options(x.toast_options));
        END IF;
        IF c.relhastriggers THEN
            definition := definition || pggit.read_switches(c.oid);
        END IF;
        IF c.relkind <> 'r' OR c.relpersistence <> 'p' OR c.relrowsecurity OR c.relforcerowsecurity OR x.parent IS NOT NULL
           OR c.reloftype <> 0 OR c.relreplident <> 'd'
        THEN
            definition := definition || jsonb_build_object(
                'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
                'row_security', CASE WHEN c.relrowsecurity THEN true END,
                'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
                'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
                'parents', CASE WHEN x.parent IS NOT NULL THEN pggit.read_parents(c.oid) END,
                'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
                'replica_identity', CASE WHEN c.relreplident <> 'd' THEN pggit.read_replica_identity(c.oid, c.relreplident) END)
                || CASE WHEN c.relkind = 'f' THEN pggit.read_foreign_side(c.oid) ELSE '{}' END;
        END IF;
    END IF;
    RETURN ROW('pg_class'::regclass, c.oid, CASE WHEN c.relispartition THEN x.parent END,
        CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        x.nspname, c.relname, quote_ident(x.nspname) || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(definition), k.names)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_table(pg_catalog.pg_class) IS
'A table, partitioned or foreign one, view or materialized view, with all its parts; null where it is not tracked.';

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

CREATE FUNCTION pggit.read_index(c pg_catalog.pg_class) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    x record;
    index_schema text;
BEGIN
    SELECT n.nspname, i.indrelid, t.relname, i.indexprs IS NOT NULL AS has_expressions,
        (SELECT m.description FROM pg_description m
         WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0) AS comment,
        EXISTS (SELECT FROM pg_constraint k
                WHERE k.conrelid = i.indrelid AND k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS is_constraint
    INTO x
    FROM pg_index i
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indexrelid = c.oid;
    -- A constraint's index is part of the constraint.
    IF x.is_constraint IS NOT FALSE OR c.relpersistence = 't' OR NOT pggit.is_tracked_schema(x.nspname) THEN
        RETURN NULL;
    END IF;
    index_schema := quote_ident(x.nspname);
    RETURN ROW('pg_class'::regclass, c.oid, x.indrelid, 'INDEX', x.nspname, c.relname, index_schema || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'definition', pg_get_indexdef(c.oid),
            -- in the index's own schema, always
            'table', index_schema || '.' || quote_ident(x.relname),
            'parent', CASE WHEN c.relispartition THEN pggit.parent_index(c.oid) END,
            'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
            'statistics', CASE WHEN x.has_expressions THEN pggit.index_statistics(c.oid) END,
            'comment', x.comment)),
        NULL)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_index(pg_catalog.pg_class) IS 'An index; null for one of a constraint, and where it is not tracked.';

CREATE FUNCTION pggit.read_relation(relation oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_catalog.pg_class;
    owner_table oid;
    owner_column integer;
    schema text;
BEGIN
    SELECT r.* INTO c FROM pg_class r WHERE r.oid = relation;
    IF c.relkind IN ('r', 'p', 'f', 'v', 'm') THEN
        RETURN pggit.read_table(c);
    ELSIF c.relkind IN ('i', 'I') THEN
        RETURN pggit.read_index(c);
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
