-- An object taken apart into what can be made, removed and changed by statements of its own: a table into its
-- columns, defaults, constraints ... The planner (65) puts the elements of two trees side by side.

CREATE TYPE pggit.element AS (
    key text,
    object_type text,
    identity text,
    part text,
    state jsonb,
    rank integer,
    make text[],
    unmake text[],
    made_by text[],
    taken_by text[],
    via text[],
    link text,
    provides text[],
    needs text[],
    holds text[],
    claims text[],
    as_owner_of text,
    loses text
);
COMMENT ON TYPE pggit.element IS
'A part of an object that statements of its own make (make) and remove (unmake). part is empty for the object itself. Elements of equal state need no statement. made_by and taken_by: keys of elements whose statement makes or removes this one, too; via: those of a parent table that do so as long as link, the inheritance, stays. provides and needs: names that order the statements; holds: those of needs without which it cannot stay as it is; a name that begins with make: or drop: counts only then; claims: names that only one of all can have. as_owner_of: the statement evaluates expressions and runs with that relation''s owner''s rights. loses: a table or column whose rows go with it. rank orders what nothing else orders; ten ranks are a group.';

CREATE FUNCTION pggit.element_key(object_type text, identity text, part text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN object_type || ' ' || identity || E'\n' || part;
END
$$;
COMMENT ON FUNCTION pggit.element_key(text, text, text) IS 'What an element is known by.';

CREATE FUNCTION pggit.relation_keys(identity text, part text DEFAULT '') RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY[
        'TABLE ' || identity || E'\n' || part, 'FOREIGN TABLE ' || identity || E'\n' || part,
        'MATERIALIZED VIEW ' || identity || E'\n' || part, 'VIEW ' || identity || E'\n' || part];
END
$$;
COMMENT ON FUNCTION pggit.relation_keys(text, text) IS 'The keys that something with columns may have, whatever its type.';

CREATE FUNCTION pggit.new_element(
    object_type text, identity text, part text, rank integer, state jsonb,
    make text[] DEFAULT '{}', unmake text[] DEFAULT '{}',
    made_by text[] DEFAULT '{}', taken_by text[] DEFAULT NULL, via text[] DEFAULT '{}', link text DEFAULT NULL,
    provides text[] DEFAULT '{}', needs text[] DEFAULT '{}', holds text[] DEFAULT NULL,
    as_owner_of text DEFAULT NULL, loses text DEFAULT NULL)
RETURNS pggit.element
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(pggit.element_key(object_type, identity, part), object_type, identity, part, state, rank,
               array_remove(make, NULL), array_remove(unmake, NULL), made_by,
               coalesce(taken_by, CASE part WHEN '' THEN '{}' ELSE ARRAY[pggit.element_key(object_type, identity)] END),
               via, link, provides, needs, coalesce(holds, needs), '{}', as_owner_of, loses)::pggit.element;
END
$$;
COMMENT ON FUNCTION pggit.new_element(text, text, text, integer, jsonb, text[], text[], text[], text[], text[], text, text[], text[], text[], text, text) IS
'An element; a part goes with its object unless told otherwise.';

CREATE FUNCTION pggit.key_names(relation text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A partition gets its own indexes before it is attached, or PostgreSQL would make others, and the partitioned
    -- table gets its own afterwards; it is detached before either goes.
    RETURN ARRAY['keys ' || relation, 'drop:keys ' || relation];
END
$$;
COMMENT ON FUNCTION pggit.key_names(text) IS 'The names that an index provides for the inheritance of its table.';

CREATE FUNCTION pggit.schema_part(identity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substring(identity FROM '^((?:"(?:[^"]|"")+"|[^.]+))[.]');
END
$$;
COMMENT ON FUNCTION pggit.schema_part(text) IS 'The schema in a qualified name, quoted where it needs to be.';

CREATE FUNCTION pggit.name_part(identity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substr(identity, length(pggit.schema_part(identity)) + 2);
END
$$;
COMMENT ON FUNCTION pggit.name_part(text) IS 'A qualified name without its schema.';

-- What most kinds have ---------------------------------------------------------------------------------

CREATE FUNCTION pggit.common_elements(
    object_type text, identity text, d jsonb, rank integer, target text,
    acl_kind "char" DEFAULT NULL, acl_target text DEFAULT NULL, owned_by_table text DEFAULT NULL)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    columns_acl jsonb;
BEGIN
    IF d ? 'owner' THEN
        e := pggit.new_element(
            object_type, identity, 'owner', rank + 1, d -> 'owner',
            make => ARRAY[format('ALTER %s OWNER TO %I', target, d ->> 'owner')],
            provides => ARRAY[identity, 'owner ' || identity], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
    IF acl_kind IS NOT NULL THEN
        SELECT jsonb_object_agg(c.key, c.value -> 'acl') INTO columns_acl
        FROM jsonb_each(d -> 'columns') c WHERE c.value ? 'acl';
        e := pggit.new_element(
            object_type, identity, 'acl', rank + 2,
            jsonb_build_object('kind', acl_kind, 'target', acl_target, 'owner', d -> 'owner', 'acl', d -> 'acl', 'columns', columns_acl),
            needs => ARRAY['shell ' || identity, 'body ' || identity, 'owner ' || identity, 'owner ' || owned_by_table]);
        RETURN NEXT e;
    END IF;
    IF d ? 'comment' THEN
        e := pggit.new_element(
            object_type, identity, 'comment', rank + 3, d -> 'comment',
            make => ARRAY[format('COMMENT ON %s IS %L', target, d ->> 'comment')],
            unmake => ARRAY[format('COMMENT ON %s IS NULL', target)], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.common_elements(text, text, jsonb, integer, text, "char", text, text) IS
'Owner, privileges and comment. target is the object as ALTER and COMMENT name it, acl_target as GRANT does; owned_by_table is the table whose owner a sequence always has.';

CREATE FUNCTION pggit.setting_element(
    object_type text, identity text, part text, rank integer, state jsonb, make text, unmake text,
    made_by text[] DEFAULT '{}', needs text[] DEFAULT '{}', taken_by text[] DEFAULT NULL)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
BEGIN
    IF jsonb_typeof(state) <> 'null' THEN
        e := pggit.new_element(object_type, identity, part, rank, state, ARRAY[make], ARRAY[unmake], made_by,
                                      taken_by => taken_by, needs => needs || ('body ' || identity));
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.setting_element(text, text, text, integer, jsonb, text, text, text[], text[], text[]) IS
'An element that one statement sets and one resets; none when there is no state.';

-- Tables -----------------------------------------------------------------------------------------------

CREATE FUNCTION pggit.column_sql(table_name text, column_name text, c jsonb, with_default boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN concat_ws(' ', quote_ident(column_name), c ->> 'type', 'COLLATE ' || (c ->> 'collation'),
        'OPTIONS (' || pggit.foreign_options(c -> 'fdw_options') || ')',
        CASE WHEN with_default THEN 'DEFAULT ' || (c ->> 'default') END,
        CASE WHEN c ? 'generated' THEN format('GENERATED ALWAYS AS (%s) %s', c #>> '{generated,expression}', upper((c #>> '{generated,kind}') COLLATE "C")) END,
        CASE WHEN c ? 'identity' THEN format(
            'GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)', upper((c #>> '{identity,kind}') COLLATE "C"), c #>> '{identity,sequence}',
            pggit.sequence_options(c -> 'identity')) END,
        CASE WHEN (c #>> '{not_null_constraint,definition}') ~ ' NOT VALID$' THEN NULL
             WHEN c ? 'not_null_constraint' THEN format(
                 'CONSTRAINT %I NOT NULL', c #>> '{not_null_constraint,name}')
                 || CASE WHEN (c #>> '{not_null_constraint,definition}') ~ ' NO INHERIT$' THEN ' NO INHERIT' ELSE '' END
             WHEN c ? 'not_null' THEN pggit.not_null_sql(table_name, column_name) || 'NOT NULL' END);
END
$$;
COMMENT ON FUNCTION pggit.column_sql(text, text, jsonb, boolean) IS 'A column as CREATE TABLE and ADD COLUMN take it.';

CREATE FUNCTION pggit.not_null_sql(table_name text, column_name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- From PostgreSQL 18 on NOT NULL has a name, and an unnamed one gets another where some table has that already.
    RETURN CASE WHEN current_setting('server_version_num')::integer >= 180000
        THEN format('CONSTRAINT %I ', pggit.default_not_null_name(table_name, column_name)) ELSE '' END;
END
$$;
COMMENT ON FUNCTION pggit.not_null_sql(text, text) IS 'What makes sure that a NOT NULL constraint gets the usual name.';

CREATE FUNCTION pggit.is_simple_default(expression text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A function of the user's may need the table in turn, so its default is set when both are there; and what
    -- runs code is set with the owner's rights.
    RETURN expression !~ '("|[a-z0-9_])[.]("(?:[^"]|"")+"|[a-z0-9_]+)[(]' AND NOT pggit.may_evaluate(expression);
END
$$;
COMMENT ON FUNCTION pggit.is_simple_default(text) IS 'Whether a default calls and reads nothing but PostgreSQL''s own.';

CREATE FUNCTION pggit.column_elements(
    object_type text, identity text, column_name text, c jsonb, parents text[], is_partition boolean, is_partitioned boolean)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    table_name text := (parse_ident(identity))[2];
    own text := pggit.element_key(object_type, identity, 'column ' || column_name);
    inherited boolean := c ? 'inherited';
    from_shell text[] := CASE WHEN inherited AND NOT is_partition THEN '{}' ELSE ARRAY[shell] END;
    parent_keys text[] := CASE WHEN inherited THEN ARRAY(
        SELECT k FROM unnest(parents) p CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'column ' || column_name)) k)
        ELSE '{}' END;
    alter_only text := format('ALTER TABLE ONLY %s ALTER COLUMN %I ', identity, column_name);
    alter_all text := format('ALTER TABLE %s ALTER COLUMN %I ', identity, column_name);
    -- Before PostgreSQL 18 a child may take nulls where its parent does not, and the other way round.
    null_alone boolean := pggit.not_null_sql('', '') = '' AND NOT is_partitioned;
    alter_null text := CASE WHEN null_alone THEN alter_only ELSE alter_all END;
    sequence text := c #>> '{identity,sequence}';
    parent_bodies text[] := CASE WHEN inherited THEN ARRAY(SELECT 'body ' || p FROM unnest(parents) p) ELSE '{}' END;
    state jsonb;
    setting record;
    of_type text[] := pggit.names_in(concat_ws(' ', c ->> 'type', c ->> 'collation'));
    of_expression text[] := pggit.needs_in(coalesce(c #>> '{generated,expression}', ''));
    of_default text[] := pggit.needs_in(coalesce(c ->> 'default', ''));
BEGIN
    e := pggit.new_element(
        object_type, identity, 'column ' || column_name, 1404,
        jsonb_strip_nulls(jsonb_build_object(
            'type', c -> 'type', 'collation', c -> 'collation', 'generated', c -> 'generated', 'inherited', c -> 'inherited')),
        make => ARRAY[format('ALTER TABLE %s ADD COLUMN %s', identity, pggit.column_sql(table_name, column_name, c, true))],
        unmake => ARRAY[format('ALTER TABLE %s DROP COLUMN %I', identity, column_name)],
        made_by => ARRAY[shell], taken_by => ARRAY[shell], via => parent_keys,
        link => pggit.element_key(object_type, identity, 'link'),
        provides => ARRAY[identity, 'body ' || identity, 'make:columns ' || identity] || CASE WHEN c ? 'generated' THEN '{}' ELSE ARRAY['plain ' || identity] END,
        needs => of_type || of_expression || of_default
            || ARRAY['shell ' || identity, 'extensions'] || parent_bodies
            || CASE WHEN c ? 'generated' THEN ARRAY['plain ' || identity] ELSE '{}' END,
        holds => of_type || of_expression
            || CASE WHEN c ? 'generated' THEN ARRAY['plain ' || identity] ELSE '{}' END,
        as_owner_of => identity,
        loses => CASE WHEN object_type = 'TABLE' AND NOT c ? 'generated' THEN column_name END);
    RETURN NEXT e;
    -- A column that comes from a parent may come with a default. An identity column has none, and stays as it is when
    -- it gets a parent.
    IF c ? 'default' OR c ? 'identity' OR inherited AND NOT is_partition AND NOT c ? 'generated' THEN
        e := pggit.new_element(
            object_type, identity, 'default ' || column_name, 1405, coalesce(c -> 'default', 'null'),
            make => CASE WHEN c ? 'identity' AND NOT inherited THEN '{}'
                ELSE ARRAY[alter_only || coalesce('SET DEFAULT ' || (c ->> 'default'), 'DROP DEFAULT')] END,
            unmake => CASE WHEN c ? 'default' THEN ARRAY[alter_only || 'DROP DEFAULT'] ELSE '{}' END,
            made_by => ARRAY[own] || CASE WHEN pggit.is_simple_default(coalesce(c ->> 'default', '')) THEN from_shell ELSE '{}' END,
            taken_by => ARRAY[shell, own],
            needs => of_default || ARRAY['body ' || identity, 'extensions'] || parent_bodies, holds => of_default);
        RETURN NEXT e;
    END IF;
    IF c ? 'not_null' THEN
        state := coalesce(jsonb_strip_nulls((c -> 'not_null_constraint') - 'comment'), '{}')
            || CASE WHEN inherited AND pggit.not_null_sql(table_name, column_name) <> '' THEN '{"inherited": true}' ELSE '{}' END::jsonb;
        e := pggit.new_element(
            object_type, identity, 'not null ' || column_name, 1406, state,
            make => ARRAY[CASE WHEN c ? 'not_null_constraint'
                THEN format('ALTER TABLE %s ADD CONSTRAINT %I %s', identity, c #>> '{not_null_constraint,name}', c #>> '{not_null_constraint,definition}')
                WHEN inherited OR pggit.not_null_sql(table_name, column_name) = '' THEN alter_null || 'SET NOT NULL'
                ELSE format('ALTER TABLE %s ADD %sNOT NULL %I', identity, pggit.not_null_sql(table_name, column_name), column_name) END],
            unmake => ARRAY[alter_null || 'DROP NOT NULL'],
            made_by => CASE WHEN (state ->> 'definition') ~ ' NOT VALID$' THEN '{}' ELSE ARRAY[own] || from_shell END,
            taken_by => ARRAY[shell, own],
            -- a parent's goes first
            provides => ('notnull ' || identity) || ARRAY(SELECT 'drop:notnulls below ' || p FROM unnest(parents) p),
            needs => ARRAY['body ' || identity, 'drop:notnulls below ' || identity] || parent_bodies, holds => '{}', as_owner_of => identity);
        RETURN NEXT e;
        IF c -> 'not_null_constraint' ? 'comment' THEN
            e := pggit.new_element(
                object_type, identity, 'not null comment ' || column_name, 1407, c #> '{not_null_constraint,comment}',
                make => ARRAY[format('COMMENT ON CONSTRAINT %I ON %s IS %L', c #>> '{not_null_constraint,name}', identity, c #>> '{not_null_constraint,comment}')],
                unmake => ARRAY[format('COMMENT ON CONSTRAINT %I ON %s IS NULL', c #>> '{not_null_constraint,name}', identity)],
                taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'not null ' || column_name)],
                needs => ARRAY['body ' || identity, 'notnull ' || identity]);
            RETURN NEXT e;
        END IF;
    END IF;
    IF inherited AND NOT is_partition AND NOT c ? 'not_null' AND null_alone THEN
        e := pggit.new_element(
            object_type, identity, 'not null ' || column_name, 1406, 'null', make => ARRAY[alter_null || 'DROP NOT NULL'],
            made_by => ARRAY[own], taken_by => ARRAY[shell, own], needs => ARRAY['body ' || identity] || parent_bodies, holds => '{}');
        RETURN NEXT e;
    END IF;
    IF c ? 'identity' THEN
        e := pggit.new_element(
            object_type, identity, 'identity ' || column_name, 1407, (c -> 'identity') - '{owner,acl,comment,persistence}'::text[],
            make => ARRAY[alter_all || format('ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)',
                upper((c #>> '{identity,kind}') COLLATE "C"), sequence, pggit.sequence_options(c -> 'identity'))],
            unmake => ARRAY[alter_all || 'DROP IDENTITY'],
            made_by => ARRAY[own] || from_shell, taken_by => ARRAY[shell, own],
            provides => ARRAY[sequence, 'shell ' || sequence, 'body ' || sequence, 'make:sequence ' || sequence],
            needs => ARRAY['body ' || identity, 'notnull ' || identity], holds => '{}');
        RETURN NEXT e;
        e := pggit.new_element(
            object_type, identity, 'identity acl ' || column_name, 1408,
            jsonb_build_object('kind', 's', 'target', 'SEQUENCE ' || sequence, 'owner', c #> '{identity,owner}', 'acl', c #> '{identity,acl}', 'columns', NULL),
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)],
            needs => ARRAY['body ' || identity, sequence, 'owner ' || identity]);
        RETURN NEXT e;
        RETURN QUERY SELECT * FROM pggit.setting_element(
            object_type, identity, 'identity comment ' || column_name, 1408, coalesce(c #> '{identity,comment}', 'null'),
            format('COMMENT ON SEQUENCE %s IS %L', sequence, c #>> '{identity,comment}'),
            format('COMMENT ON SEQUENCE %s IS NULL', sequence), needs => ARRAY[sequence],
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)]);
        e := pggit.new_element(
            object_type, identity, 'identity persistence ' || column_name, 1408, coalesce(c #> '{identity,persistence}', 'null'),
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)],
            needs => ARRAY['body ' || identity, sequence]);
        RETURN NEXT e;
    END IF;
    -- A new child has the storage and compression that its parent's column has by then.
    FOR setting IN SELECT * FROM (VALUES
        ('storage', c -> 'storage', 'SET STORAGE ' || pggit.storage_word(c ->> 'storage'), 'SET STORAGE ' || pggit.type_storage(c ->> 'type')),
        ('compression', c -> 'compression', 'SET COMPRESSION ' || CASE c ->> 'compression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END, 'SET COMPRESSION DEFAULT')
    ) AS v (part, state, make, unmake) LOOP
        IF setting.state IS NOT NULL OR inherited AND NOT is_partition AND to_regtype(c ->> 'type') IS NOT NULL AND pggit.type_storage(c ->> 'type') <> 'PLAIN' THEN
            e := pggit.new_element(
                object_type, identity, setting.part || ' ' || column_name, 1409, coalesce(setting.state, 'null'),
                make => ARRAY[alter_only || CASE WHEN setting.state IS NULL THEN setting.unmake ELSE setting.make END],
                unmake => CASE WHEN setting.state IS NOT NULL THEN ARRAY[alter_only || setting.unmake] ELSE '{}' END,
                made_by => CASE WHEN setting.state IS NULL THEN ARRAY[own] ELSE '{}' END, taken_by => ARRAY[shell, own],
                via => CASE WHEN setting.state IS NULL THEN parent_keys ELSE '{}' END, link => pggit.element_key(object_type, identity, 'link'),
                needs => ARRAY['body ' || identity, 'make:children ' || identity]);
            RETURN NEXT e;
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('statistics', c -> 'statistics', alter_only || format('SET STATISTICS %s', c ->> 'statistics'), alter_only || 'SET STATISTICS -1'),
        ('options', c -> 'options', alter_only || 'SET (' || pggit.option_list(c -> 'options') || ')',
            (pggit.option_changes(rtrim(alter_only), c -> 'options', NULL))[1]),
        ('comment', c -> 'comment', format('COMMENT ON COLUMN %s.%I IS %L', identity, column_name, c ->> 'comment'),
            format('COMMENT ON COLUMN %s.%I IS NULL', identity, column_name))
    ) AS v (part, state, make, unmake)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part || ' ' || column_name, 1409, coalesce(v.state, 'null'), v.make, v.unmake,
        taken_by => ARRAY[shell, own]) s;
    IF object_type = 'FOREIGN TABLE' AND c ? 'fdw_options' THEN
        e := pggit.new_element(
            object_type, identity, 'fdw options ' || column_name, 1409, c -> 'fdw_options',
            make => pggit.foreign_option_changes(alter_all, NULL, c -> 'fdw_options'),
            unmake => pggit.foreign_option_changes(alter_all, c -> 'fdw_options', NULL),
            made_by => ARRAY[shell, own], taken_by => ARRAY[shell, own], needs => ARRAY['body ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.column_elements(text, text, text, jsonb, text[], boolean, boolean) IS 'A table''s column with all that can be set on it.';

CREATE FUNCTION pggit.constraint_elements(
    object_type text, identity text, constraint_name text, k jsonb, parents text[], is_partition boolean)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    own text := pggit.element_key(object_type, identity, 'constraint ' || constraint_name);
    definition text := k ->> 'definition';
    kind text := CASE WHEN starts_with(definition, 'FOREIGN KEY') THEN 'f'
        WHEN starts_with(definition, 'CHECK') THEN 'c' ELSE 'i' END;  -- i: held by an index
    inherited boolean := k ? 'inherited';
    index_name text := pggit.schema_part(identity) || '.' || quote_ident(constraint_name);
    parent_keys text[] := '{}';
    mentioned text[] := pggit.needs_in(CASE kind WHEN 'f' THEN definition || ' ' || identity ELSE definition END);
BEGIN
    IF inherited THEN
        parent_keys := CASE WHEN k ? 'parent'
            THEN ARRAY(SELECT key FROM unnest(parents) p
                       CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'constraint ' || (parse_ident(k ->> 'parent'))[2])) key)
            ELSE ARRAY(SELECT key FROM unnest(parents) p
                       CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'constraint ' || constraint_name)) key) END;
    END IF;
    e := pggit.new_element(
        object_type, identity, 'constraint ' || constraint_name,
        -- A partition's own foreign key comes after those above it, which PostgreSQL would make one with it.
        CASE kind WHEN 'f' THEN CASE WHEN is_partition THEN 1710 ELSE 1700 END WHEN 'c' THEN 1530 ELSE 1520 END,
        (k - '{comment,index_comment,index_options,tablespace}'::text[]) || jsonb_build_object('kind', kind),
        make => ARRAY[format('ALTER TABLE %s%s ADD CONSTRAINT %I %s', CASE kind WHEN 'i' THEN 'ONLY ' ELSE '' END, identity, constraint_name, definition)],
        unmake => ARRAY[format('ALTER TABLE %s%s DROP CONSTRAINT %I', CASE kind WHEN 'i' THEN 'ONLY ' ELSE '' END, identity, constraint_name)],
        made_by => CASE WHEN kind = 'c' AND inherited AND NOT is_partition THEN ARRAY[shell] ELSE '{}' END,
        -- a foreign key holds its target back, so it goes by itself before tables do
        taken_by => CASE kind WHEN 'f' THEN '{}' ELSE ARRAY[shell] END,
        via => CASE kind WHEN 'c' THEN parent_keys ELSE '{}' END || CASE WHEN kind = 'i' THEN parent_keys ELSE '{}' END,
        link => pggit.element_key(object_type, identity, 'link'),
        provides => ('key ' || own) || CASE kind WHEN 'i' THEN ARRAY[identity, 'index ' || index_name] || pggit.key_names(identity)
            WHEN 'c' THEN ARRAY['checks ' || identity] ELSE ARRAY['make:foreign keys ' || identity] END,
        needs => mentioned
            || ARRAY['body ' || identity] || CASE kind WHEN 'i' THEN ARRAY['notnull ' || identity, 'make:children ' || identity] ELSE '{}' END
            || CASE kind WHEN 'i' THEN '{}' ELSE ARRAY(SELECT 'body ' || p FROM unnest(parents) p) END
            || CASE WHEN kind = 'f' AND is_partition THEN ARRAY['make:foreign keys ' || parents[1], 'link ' || identity] ELSE '{}' END,
        holds => mentioned,
        as_owner_of => CASE WHEN kind IN ('c', 'f') THEN identity END);
    RETURN NEXT e;
    IF kind = 'i' AND k ? 'parent' THEN
        e := pggit.new_element(
            object_type, identity, 'attached constraint ' || constraint_name, 1660, k -> 'parent',
            make => ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', k ->> 'parent', index_name)],
            taken_by => ARRAY[shell, own] || parent_keys,
            provides => ARRAY['make:parts of ' || (k ->> 'parent')],
            needs => ARRAY['index ' || (k ->> 'parent'), 'link ' || identity, 'index ' || index_name], as_owner_of => identity);
        RETURN NEXT e;
    END IF;
    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('comment on constraint', k -> 'comment', format('COMMENT ON CONSTRAINT %I ON %s IS %L', constraint_name, identity, k ->> 'comment'),
            format('COMMENT ON CONSTRAINT %I ON %s IS NULL', constraint_name, identity)),
        ('comment on index', k -> 'index_comment', format('COMMENT ON INDEX %s IS %L', index_name, k ->> 'index_comment'),
            format('COMMENT ON INDEX %s IS NULL', index_name)),
        ('index tablespace', k -> 'tablespace', format('ALTER INDEX %s SET TABLESPACE %s', index_name, quote_ident(k ->> 'tablespace')),
            format('ALTER INDEX %s SET TABLESPACE pg_default', index_name)),
        ('index options', k -> 'index_options', format('ALTER INDEX %s SET (', index_name) || pggit.option_list(k -> 'index_options') || ')',
            (pggit.option_changes('ALTER INDEX ' || index_name, k -> 'index_options', NULL))[1])
    ) AS v (part, state, make, unmake)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part || ' ' || constraint_name, CASE kind WHEN 'f' THEN 1719 WHEN 'c' THEN 1539 ELSE 1529 END,
        coalesce(v.state, 'null'), v.make, v.unmake, taken_by => ARRAY[shell, own],
        needs => ARRAY['key ' || own] || CASE kind WHEN 'i' THEN ARRAY[index_name] ELSE '{}' END) s;
END
$$;
COMMENT ON FUNCTION pggit.constraint_elements(text, text, text, jsonb, text[], boolean) IS 'A table''s constraint, with what can be set on its index.';

CREATE FUNCTION pggit.table_elements(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    table_name text := (parse_ident(identity))[2];
    parents text[] := ARRAY(SELECT p FROM jsonb_array_elements_text(d -> 'parents') p);
    is_partition boolean := d ? 'partition_bound';
    inherits boolean := d ? 'parents' AND NOT d ? 'partition_bound';
    is_foreign boolean := object_type = 'FOREIGN TABLE';
    columns_sql text;
    columns_names text[];
    item record;
    switched record;
BEGIN
    SELECT string_agg(E'\n    ' || pggit.column_sql(table_name, c.key, c.value, pggit.is_simple_default(coalesce(c.value ->> 'default', ''))), ','
                      ORDER BY array_position(column_order, c.key), c.key COLLATE "C") INTO columns_sql
    FROM jsonb_each(d -> 'columns') c
    WHERE NOT (inherits AND c.value ? 'inherited');
    SELECT array_agg(DISTINCT n) INTO columns_names
    FROM jsonb_each(d -> 'columns') c
    CROSS JOIN LATERAL unnest(
        pggit.names_in(concat_ws(' ', c.value ->> 'type', c.value ->> 'collation'))
        || pggit.needs_in(concat_ws(' ', c.value #>> '{generated,expression}',
            CASE WHEN pggit.is_simple_default(c.value ->> 'default') THEN c.value ->> 'default' END))) n;

    e := pggit.new_element(
        object_type, identity, '', 1400,
        jsonb_strip_nulls(jsonb_build_object(
            'partition_key', d -> 'partition_key', 'server', d -> 'server', 'typed', CASE WHEN d ? 'of_type' THEN (
                SELECT jsonb_agg(jsonb_build_array(k.key, k.value -> 'type') ORDER BY k.key COLLATE "C") FROM jsonb_each(d -> 'columns') k) END)),
        make => ARRAY[concat('CREATE ', CASE WHEN is_foreign THEN 'FOREIGN ' WHEN d ? 'persistence' THEN 'UNLOGGED ' END, 'TABLE ', identity,
            ' (', columns_sql, E'\n)',
            CASE WHEN inherits THEN ' INHERITS (' || array_to_string(parents, ', ') || ')' END,
            ' PARTITION BY ' || (d ->> 'partition_key'),
            ' USING ' || quote_ident(d ->> 'access_method'),
            CASE WHEN is_foreign THEN format(' SERVER %I', d ->> 'server') END,
            ' OPTIONS (' || pggit.foreign_options(d -> 'fdw_options') || ')')],
        unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity, 'make:columns ' || identity],
        needs => pggit.needs_in(coalesce(d ->> 'partition_key', '')) || columns_names || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']
            || CASE WHEN inherits THEN parents || ARRAY(SELECT 'body ' || p FROM unnest(parents) p) ELSE '{}' END
            || CASE WHEN is_foreign THEN ARRAY['server ' || quote_ident(d ->> 'server')] ELSE '{}' END,
        holds => pggit.needs_in(coalesce(d ->> 'partition_key', '')) || CASE WHEN is_foreign THEN ARRAY['server ' || quote_ident(d ->> 'server')] ELSE '{}' END,
        loses => CASE WHEN NOT is_foreign AND NOT d ? 'partition_key' THEN '' END);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1400, object_type || ' ' || identity, 'r', 'TABLE ' || identity);
    FOR item IN SELECT c.key, c.value FROM jsonb_each(d -> 'columns') c LOOP
        RETURN QUERY SELECT * FROM pggit.column_elements(object_type, identity, item.key, item.value, parents, is_partition, d ? 'partition_key');
    END LOOP;
    FOR item IN SELECT k.key, k.value FROM jsonb_each(d -> 'constraints') k LOOP
        RETURN QUERY SELECT * FROM pggit.constraint_elements(object_type, identity, item.key, item.value, parents, is_partition);
    END LOOP;

    IF parents <> '{}' THEN
        e := pggit.new_element(
            object_type, identity, 'link', 1650, jsonb_build_object('parents', d -> 'parents', 'bound', d -> 'partition_bound'),
            make => CASE WHEN is_partition
                THEN ARRAY[format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', parents[1], identity, d ->> 'partition_bound')]
                ELSE ARRAY(SELECT format('ALTER TABLE %s INHERIT %s', identity, p) FROM unnest(parents) p) END,
            unmake => CASE WHEN is_partition
                THEN ARRAY[format('ALTER TABLE ONLY %s DETACH PARTITION %s', parents[1], identity)]
                ELSE ARRAY(SELECT format('ALTER TABLE %s NO INHERIT %s', identity, p) FROM unnest(parents) p) END,
            made_by => CASE WHEN is_partition THEN '{}' ELSE ARRAY[shell] END,
            provides => ('link ' || identity) || ARRAY(SELECT 'make:children ' || p FROM unnest(parents) p),
            needs => ARRAY(SELECT 'body ' || p FROM unnest(parents) p) || ARRAY(SELECT 'drop:keys ' || p FROM unnest(parents) p)
                || ARRAY['keys ' || identity, 'checks ' || identity, 'body ' || identity],
            holds => ARRAY(SELECT 'body ' || p FROM unnest(parents) p),
            as_owner_of => CASE WHEN is_partition THEN parents[1] END);
        RETURN NEXT e;
    END IF;

    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('of type', 1409, d -> 'of_type', format('ALTER TABLE %s OF %s', identity, d ->> 'of_type'), format('ALTER TABLE %s NOT OF', identity), '{}'::text[],
            pggit.names_in(d ->> 'of_type')),
        ('access method', 1409, d -> 'access_method', format('ALTER TABLE %s SET ACCESS METHOD %s', identity, quote_ident(d ->> 'access_method')),
            format('ALTER TABLE %s SET ACCESS METHOD heap', identity), ARRAY[shell], '{}'),
        ('tablespace', 1409, d -> 'tablespace', format('ALTER TABLE %s SET TABLESPACE %s', identity, quote_ident(d ->> 'tablespace')),
            format('ALTER TABLE %s SET TABLESPACE pg_default', identity), '{}', '{}'),
        ('options', 1409, d -> 'options', format('ALTER TABLE %s SET (', identity) || pggit.option_list(d -> 'options') || ')',
            (pggit.option_changes('ALTER TABLE ' || identity, d -> 'options', NULL))[1], '{}', '{}'),
        -- Without a TOAST table nothing would be set; a column that needs one makes one, which stays.
        ('toast options', 1409, d -> 'toast_options', 'DO ' || quote_literal(format(
            'BEGIN IF (SELECT c.reltoastrelid = 0 FROM pg_catalog.pg_class c WHERE c.oid = %L::pg_catalog.regclass) THEN'
            ' ALTER TABLE %s ADD COLUMN pggit_toast pg_catalog.text; ALTER TABLE %s DROP COLUMN pggit_toast; END IF; ALTER TABLE %s SET (',
            identity, identity, identity, identity) || pggit.option_list(d -> 'toast_options', 'toast.') || '); END'),
            (pggit.option_changes('ALTER TABLE ' || identity, d -> 'toast_options', NULL, 'toast.'))[1], '{}', '{}'),
        ('row security', 1810, d -> 'row_security', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', identity),
            format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', identity), '{}', '{}'),
        ('force row security', 1810, d -> 'force_row_security', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', identity),
            format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', identity), '{}', '{}'),
        ('replica identity', 1670, CASE WHEN NOT is_foreign THEN d -> 'replica_identity' END, format('ALTER TABLE ONLY %s REPLICA IDENTITY ', identity)
            || CASE WHEN d ->> 'replica_identity' IN ('full', 'nothing') THEN upper((d ->> 'replica_identity') COLLATE "C")
                    ELSE 'USING INDEX ' || substr(d ->> 'replica_identity', 7) END,
            format('ALTER TABLE ONLY %s REPLICA IDENTITY DEFAULT', identity), '{}',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || substr(d ->> 'replica_identity', 7), identity, 'notnull ' || identity]),
        ('clustered on', 1670, d -> 'clustered_on', format('ALTER TABLE ONLY %s CLUSTER ON %s', identity, d ->> 'clustered_on'),
            format('ALTER TABLE ONLY %s SET WITHOUT CLUSTER', identity), '{}',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || (d ->> 'clustered_on'), identity])
    ) AS v (part, rank, state, make, unmake, made_by, needs)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part, v.rank, coalesce(v.state, 'null'), v.make, v.unmake, v.made_by, v.needs) s;
    IF d ? 'persistence' THEN
        -- what has a key to another is logged after it, and no more before it
        e := pggit.new_element(
            object_type, identity, 'persistence', 1409, d -> 'persistence',
            make => ARRAY[format('ALTER TABLE %s SET UNLOGGED', identity)], unmake => ARRAY[format('ALTER TABLE %s SET LOGGED', identity)],
            made_by => ARRAY[shell],
            provides => ARRAY(SELECT 'unlogged ' || n FROM jsonb_each(d -> 'constraints') k CROSS JOIN LATERAL unnest(pggit.names_in(k.value ->> 'definition')) n
                              WHERE starts_with(k.value ->> 'definition', 'FOREIGN KEY')),
            needs => ARRAY['body ' || identity, 'unlogged ' || identity], holds => '{}');
        RETURN NEXT e;
    END IF;
    IF is_foreign AND d ? 'fdw_options' THEN
        e := pggit.new_element(
            object_type, identity, 'fdw options', 1409, d -> 'fdw_options',
            make => pggit.foreign_option_changes('ALTER FOREIGN TABLE ' || identity, NULL, d -> 'fdw_options'),
            unmake => pggit.foreign_option_changes('ALTER FOREIGN TABLE ' || identity, d -> 'fdw_options', NULL),
            made_by => ARRAY[shell], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
    FOR item IN SELECT t.key, t.value FROM jsonb_each_text(d -> 'inherited_triggers') t LOOP
        e := pggit.new_element(
            object_type, identity, 'switched trigger ' || item.key, 1820, to_jsonb(item.value),
            make => ARRAY[pggit.switch_trigger(identity, quote_ident(item.key), item.value)],
            unmake => ARRAY[pggit.switch_trigger(identity, quote_ident(item.key), 'O')],
            taken_by => ARRAY[shell, pggit.element_key(object_type, identity, 'link')],
            needs => ARRAY['link ' || identity, 'trigger ' || quote_ident(item.key)]);
        RETURN NEXT e;
    END LOOP;
    FOR switched IN
        SELECT s, m[1] AS conname, m[2] AS fn, m[3] AS enabled FROM jsonb_array_elements_text(d -> 'switched_constraints') s
        CROSS JOIN LATERAL regexp_match(s, '^(.*) ([^ ]+) (.)$') m
    LOOP
        e := pggit.new_element(
            object_type, identity, 'switched constraint ' || switched.conname || ' ' || switched.fn, 1720, to_jsonb(switched.enabled),
            make => ARRAY[pggit.switch_constraint(identity, switched.conname, switched.fn, switched.enabled)],
            unmake => ARRAY[pggit.switch_constraint(identity, switched.conname, switched.fn, 'O')],
            needs => ARRAY[identity]);
        RETURN NEXT e;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.table_elements(text, text, jsonb, text[]) IS 'A table or foreign table taken apart.';

CREATE FUNCTION pggit.switch_trigger(identity text, trigger_name text, enabled text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('ALTER TABLE %s %s TRIGGER %s', identity, CASE enabled WHEN 'D' THEN 'DISABLE' WHEN 'disabled' THEN 'DISABLE'
        WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'replica' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'always' THEN 'ENABLE ALWAYS'
        ELSE 'ENABLE' END, trigger_name);
END
$$;
COMMENT ON FUNCTION pggit.switch_trigger(text, text, text) IS 'The statement that enables or disables a trigger; trigger_name is quoted already.';

CREATE FUNCTION pggit.switch_constraint(identity text, constraint_name text, trigger_function text, enabled text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The triggers of a foreign key have names made of OIDs: they are looked up when the statement runs.
    RETURN 'DO ' || quote_literal(format(
        'DECLARE t pg_catalog.name; BEGIN FOR t IN SELECT g.tgname FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint'
        ' WHERE g.tgrelid = %L::pg_catalog.regclass AND k.conname = %L AND g.tgfoid = %L::pg_catalog.regproc LOOP'
        ' EXECUTE pg_catalog.replace(%L, ''*'', pg_catalog.quote_ident(t)); END LOOP; END',
        identity, constraint_name, trigger_function, pggit.switch_trigger(identity, '*', enabled)));
END
$$;
COMMENT ON FUNCTION pggit.switch_constraint(text, text, text, text) IS
'The statement that enables or disables one of the triggers behind a foreign key.';

CREATE FUNCTION pggit.detach_without_keys(identity text, detach text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL leaves a partition the foreign keys that it had from above, by names of PostgreSQL's choice.
    RETURN 'DO ' || quote_literal(format(
        'DECLARE k pg_catalog.name; keys pg_catalog.oid[] := ARRAY(SELECT c.oid FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_constraint a'
        ' ON a.oid = c.conparentid WHERE c.conrelid = %L::pg_catalog.regclass AND c.contype = ''f'' AND a.conrelid <> c.conrelid);'
        ' BEGIN %s; FOR k IN SELECT c.conname FROM pg_catalog.pg_constraint c WHERE c.oid = ANY (keys) LOOP'
        ' EXECUTE pg_catalog.format(%L, k); END LOOP; END',
        identity, detach, format('ALTER TABLE %s DROP CONSTRAINT %%I', replace(identity, '%', '%%'))));
END
$$;
COMMENT ON FUNCTION pggit.detach_without_keys(text, text) IS
'The statement that detaches a partition so that it keeps none of the foreign keys of those above.';
