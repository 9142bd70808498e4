-- Readers for what pg_class holds. Each reads one object, and asks only what its kind and flags call for: a
-- query of many parts takes longer to start than all the small ones that are needed.

CREATE FUNCTION pggit.comments_of(class oid, object oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(m.objsubid, m.description) FROM pg_description m
            WHERE m.objoid = object AND m.classoid = class);
END
$$;
COMMENT ON FUNCTION pggit.comments_of(oid, oid) IS
'Comments on an object and its columns, under the column''s number and 0 for the whole; null when there are none.';

CREATE FUNCTION pggit.comment_of(class oid, object oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT m.description FROM pg_description m
            WHERE m.objoid = object AND m.classoid = class AND m.objsubid = 0);
END
$$;
COMMENT ON FUNCTION pggit.comment_of(oid, oid) IS 'The comment on an object.';

CREATE FUNCTION pggit.relation_name(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.relation_name(oid) IS 'A relation''s qualified name.';

CREATE FUNCTION pggit.column_names(relation oid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum);
END
$$;
COMMENT ON FUNCTION pggit.column_names(oid) IS 'A relation''s columns in their order.';

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
            'comment', pggit.comment_of('pg_class'::regclass, c.oid))
        FROM pg_depend i
        JOIN pg_sequence s ON s.seqrelid = i.objid
        JOIN pg_class c ON c.oid = i.objid
        JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = column_number
        WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = relation
          AND i.refobjsubid = column_number AND i.classid = 'pg_class'::regclass AND i.deptype = 'i');
END
$$;
COMMENT ON FUNCTION pggit.read_identity(oid, smallint) IS 'What makes a column an identity column, with its sequence.';

CREATE FUNCTION pggit.column_expression(relation oid, column_number smallint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
            WHERE d.adrelid = relation AND d.adnum = column_number);
END
$$;
COMMENT ON FUNCTION pggit.column_expression(oid, smallint) IS 'A column''s default, or what it is generated from.';

CREATE FUNCTION pggit.read_columns(relation oid, comments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns jsonb;
    k record;
BEGIN
    columns := (
        SELECT jsonb_object_agg(a.attname, jsonb_build_object(
                'type', format_type(a.atttypid, a.atttypmod),
                'not_null', CASE WHEN a.attnotnull THEN true END,
                'default', CASE WHEN a.atthasdef AND a.attgenerated = '' THEN pggit.column_expression(relation, a.attnum) END)
            -- the rest is rare
            || CASE WHEN comments IS NULL AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage
                     AND a.attgenerated = '' AND a.attidentity = '' AND a.attcompression = '' AND a.attinhcount = 0
                     AND coalesce(a.attstattarget, -1) = -1
                     AND coalesce(a.attoptions, a.attfdwoptions, a.attacl::text[]) IS NULL
                THEN '{}' ELSE jsonb_build_object(
                    'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                        THEN a.attcollation::regcollation::text END,
                    'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_object(
                        'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
                        'expression', pggit.column_expression(relation, a.attnum)) END,
                    'identity', CASE WHEN a.attidentity <> '' THEN pggit.read_identity(relation, a.attnum) END,
                    'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
                    'compression', CASE WHEN a.attcompression <> '' THEN a.attcompression::text END,
                    -- "no target" is -1 up to PostgreSQL 16 and null from 17 on
                    'statistics', nullif(a.attstattarget, -1),
                    'options', pggit.sorted_options(a.attoptions),
                    'fdw_options', pggit.safe_options(a.attfdwoptions),
                    'inherited', CASE WHEN a.attinhcount > 0 THEN true END,
                    'acl', pggit.sorted_acl(a.attacl),
                    'comment', comments ->> a.attnum::text) END)
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
    IF current_setting('server_version_num')::integer < 180000 THEN
        RETURN columns;
    END IF;
    -- From PostgreSQL 18 on NOT NULL is a constraint with a name and properties of its own; it is
    -- shown where these are not what a plain NOT NULL gives.
    FOR k IN
        SELECT c.oid, c.conname, c.connoinherit OR NOT c.convalidated AS is_special, c.coninhcount, a.attname, r.relname,
            pggit.comment_of('pg_constraint'::regclass, c.oid) AS comment
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = c.conkey[1]
        JOIN pg_class r ON r.oid = relation
        WHERE c.conrelid = relation AND c.contype = 'n' AND a.attnotnull
          AND (c.connoinherit OR NOT c.convalidated
               -- one that came from a parent has no name of its own; a long name is shortened, which takes a closer look
               OR c.coninhcount = 0 AND c.conname <> r.relname || '_' || a.attname || '_not_null'
               OR EXISTS (SELECT FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_constraint'::regclass))
    LOOP
        IF k.is_special OR k.comment IS NOT NULL
           OR k.coninhcount = 0 AND k.conname <> pggit.default_not_null_name(k.relname, k.attname)
        THEN
            columns := jsonb_set(columns, ARRAY[k.attname::text, 'not_null_constraint'], jsonb_build_object(
                'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'comment', k.comment));
        END IF;
    END LOOP;
    RETURN columns;
END
$$;
COMMENT ON FUNCTION pggit.read_columns(oid, jsonb) IS
'A relation''s columns by name, with all that can be set on them; nulls stand for what is not.';

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

CREATE FUNCTION pggit.read_constraint_index(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'index_options', pggit.sorted_options(x.reloptions),
            'tablespace', CASE WHEN x.reltablespace <> 0 THEN pggit.tablespace_name(x.reltablespace) END,
            'index_comment', pggit.comment_of('pg_class'::regclass, relation))
        FROM pg_class x WHERE x.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.read_constraint_index(oid) IS 'What can be set on a constraint''s index.';

CREATE FUNCTION pggit.read_constraints(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(k.conname, jsonb_build_object(
                'definition', pg_get_constraintdef(k.oid),
                'inherited', CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN true END,
                'parent', CASE WHEN k.conparentid <> 0 THEN (
                    SELECT format('%I.%I', pn.nspname, pk.conname)
                    FROM pg_constraint pk JOIN pg_namespace pn ON pn.oid = pk.connamespace
                    WHERE pk.oid = k.conparentid) END,
                'comment', pggit.comment_of('pg_constraint'::regclass, k.oid))
            || CASE WHEN k.contype IN ('p', 'u', 'x') THEN pggit.read_constraint_index(k.conindid) ELSE '{}' END)
        FROM pg_constraint k
        -- A foreign key that a partition has from its parent is the parent's.
        WHERE k.conrelid = relation AND k.contype IN ('c', 'f', 'p', 'u', 'x')
          AND (k.contype <> 'f' OR k.conparentid = 0));
END
$$;
COMMENT ON FUNCTION pggit.read_constraints(oid) IS
'A table''s constraints by name, NOT NULL left to the columns; nulls stand for what is not set.';

CREATE FUNCTION pggit.tablespace_name(tablespace oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = tablespace);
END
$$;
COMMENT ON FUNCTION pggit.tablespace_name(oid) IS 'A tablespace''s name.';

CREATE FUNCTION pggit.read_storage(c pg_catalog.pg_class) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_build_object(
        'owner', pg_get_userbyid(c.relowner),
        'options', pggit.sorted_options(c.reloptions),
        -- 2 is heap in every cluster
        'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN (SELECT am.amname FROM pg_am am WHERE am.oid = c.relam) END,
        'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
        'clustered_on', CASE WHEN c.relhasindex THEN pggit.clustering_index(c.oid) END,
        'acl', pggit.acl_items(c.relacl, 'r', c.relowner));
END
$$;
COMMENT ON FUNCTION pggit.read_storage(pg_catalog.pg_class) IS 'What tables and views have in common.';

CREATE FUNCTION pggit.clustering_index(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = relation AND i.indisclustered);
END
$$;
COMMENT ON FUNCTION pggit.clustering_index(oid) IS 'The index that CLUSTER follows.';

CREATE FUNCTION pggit.read_table(c pg_catalog.pg_class, comments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition jsonb := pggit.read_storage(c) || jsonb_build_object(
        'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
        'columns', coalesce(pggit.read_columns(c.oid, comments), '{}'),
        'constraints', pggit.read_constraints(c.oid),
        'row_security', CASE WHEN c.relrowsecurity THEN true END,
        'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
        'comment', comments ->> '0');
BEGIN
    IF c.relkind = 'p' THEN
        definition := definition || jsonb_build_object('partition_key', pg_get_partkeydef(c.oid));
    ELSIF c.relkind = 'f' THEN
        definition := definition || (
            SELECT jsonb_build_object('server', v.srvname, 'fdw_options', pggit.safe_options(f.ftoptions))
            FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver WHERE f.ftrelid = c.oid);
    END IF;
    IF c.relispartition THEN
        definition := definition || jsonb_build_object('partition_bound', pg_get_expr(c.relpartbound, c.oid));
    END IF;
    IF EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN
        definition := definition || jsonb_build_object('parents', (
            SELECT jsonb_agg(pggit.relation_name(i.inhparent) ORDER BY i.inhseqno)
            FROM pg_inherits i WHERE i.inhrelid = c.oid AND NOT i.inhdetachpending));
    END IF;
    IF c.reloftype <> 0 THEN
        definition := definition || jsonb_build_object('of_type', format_type(c.reloftype, NULL));
    END IF;
    IF c.reltoastrelid <> 0 THEN
        definition := definition || jsonb_build_object('toast_options', (
            SELECT pggit.sorted_options(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid));
    END IF;
    IF c.relreplident IN ('f', 'n') THEN
        definition := definition || jsonb_build_object(
            'replica_identity', CASE c.relreplident WHEN 'f' THEN 'full' ELSE 'nothing' END);
    ELSIF c.relreplident = 'i' THEN
        definition := definition || jsonb_build_object('replica_identity', (
            SELECT 'index ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisreplident));
    END IF;
    IF c.relhastriggers THEN
        definition := definition || jsonb_build_object(
            -- A trigger that a partition has from its parent is the parent's, unless it was switched here.
            'inherited_triggers', CASE WHEN c.relispartition THEN (
                SELECT jsonb_object_agg(g.tgname, g.tgenabled)
                FROM pg_trigger g JOIN pg_trigger pg ON pg.oid = g.tgparentid
                WHERE g.tgrelid = c.oid AND g.tgenabled <> pg.tgenabled AND pg.tgconstraint = 0) END,
            -- ALTER TABLE … DISABLE TRIGGER ALL switches foreign keys off, too.
            'switched_constraints', (
                SELECT jsonb_agg(DISTINCT k.conname || ' ' || g.tgfoid::regproc::text || ' ' || g.tgenabled::text)
                FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
                WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled <> 'O'));
    END IF;
    RETURN jsonb_strip_nulls(definition);
END
$$;
COMMENT ON FUNCTION pggit.read_table(pg_catalog.pg_class, jsonb) IS
'The definition of a table, a partitioned or a foreign one, with all its parts.';

CREATE FUNCTION pggit.read_view(c pg_catalog.pg_class, comments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_strip_nulls(pggit.read_storage(c) || jsonb_build_object(
        'query', pg_get_viewdef(c.oid),
        'columns', pggit.read_columns(c.oid, comments),
        'comment', comments ->> '0'));
END
$$;
COMMENT ON FUNCTION pggit.read_view(pg_catalog.pg_class, jsonb) IS
'The definition of a view or materialized view. Whether one is populated is data, not schema.';

CREATE FUNCTION pggit.read_sequence(c pg_catalog.pg_class, owner_table oid, owner_column integer, comments jsonb)
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
            'comment', comments ->> '0'))
        FROM pg_sequence s WHERE s.seqrelid = c.oid);
END
$$;
COMMENT ON FUNCTION pggit.read_sequence(pg_catalog.pg_class, oid, integer, jsonb) IS
'The definition of a sequence. Where a sequence stands is data, not schema.';

CREATE FUNCTION pggit.read_index(c pg_catalog.pg_class, i pg_catalog.pg_index, schema text, comments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'definition', pg_get_indexdef(c.oid),
        -- in the index's own schema, always
        'table', quote_ident(schema) || '.' || (SELECT quote_ident(t.relname) FROM pg_class t WHERE t.oid = i.indrelid),
        'parent', CASE WHEN c.relispartition THEN (
            SELECT pggit.relation_name(h.inhparent) FROM pg_inherits h WHERE h.inhrelid = c.oid) END,
        'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
        'statistics', CASE WHEN i.indexprs IS NOT NULL THEN (
            SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attstattarget >= 0) END,
        'comment', comments ->> '0'));
END
$$;
COMMENT ON FUNCTION pggit.read_index(pg_catalog.pg_class, pg_catalog.pg_index, text, jsonb) IS 'The definition of an index.';

CREATE FUNCTION pggit.read_relation(relation oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_catalog.pg_class;
    i pg_catalog.pg_index;
    owner_table oid;
    owner_column integer;
    comments jsonb;
    schema text;
    kind text;
    definition jsonb;
    columns text[];
BEGIN
    SELECT r.* INTO c FROM pg_class r WHERE r.oid = relation;
    IF c.oid IS NULL OR c.relpersistence = 't' THEN
        RETURN NULL;
    END IF;
    schema := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace);
    IF NOT pggit.is_tracked_schema(schema) THEN
        RETURN NULL;
    END IF;
    comments := pggit.comments_of('pg_class'::regclass, relation);
    CASE
        WHEN c.relkind IN ('r', 'p', 'f') THEN
            kind := CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END;
            IF c.relispartition THEN
                owner_table := (SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = relation LIMIT 1);
            END IF;
            definition := pggit.read_table(c, comments);
            columns := pggit.column_names(relation);
        WHEN c.relkind IN ('v', 'm') THEN
            kind := CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END;
            definition := pggit.read_view(c, comments);
            columns := pggit.column_names(relation);
        WHEN c.relkind IN ('i', 'I') THEN
            SELECT x.* INTO i FROM pg_index x WHERE x.indexrelid = relation;
            -- A constraint's index is part of the constraint.
            IF EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.conindid = relation
                       AND k.contype IN ('p', 'u', 'x'))
            THEN
                RETURN NULL;
            END IF;
            kind := 'INDEX';
            owner_table := i.indrelid;
            definition := pggit.read_index(c, i, schema, comments);
        WHEN c.relkind = 'S' THEN
            -- An identity column's sequence is part of the column.
            IF EXISTS (SELECT FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'i')
            THEN
                RETURN NULL;
            END IF;
            SELECT d.refobjid, d.refobjsubid INTO owner_table, owner_column FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.objsubid = 0
              AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0;
            kind := 'SEQUENCE';
            definition := pggit.read_sequence(c, owner_table, owner_column, comments);
        ELSE
            RETURN NULL;
    END CASE;
    RETURN ROW('pg_class'::regclass, relation, owner_table, kind, schema, c.relname,
               quote_ident(schema) || '.' || quote_ident(c.relname), definition, columns)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_relation(oid) IS
'A table, view, sequence or index. A constraint''s index and an identity column''s sequence are no objects of their own.';
