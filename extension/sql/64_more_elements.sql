-- Everything but tables taken apart, and the one way in: elements().

CREATE FUNCTION pggit.view_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    query text := rtrim(btrim(d ->> 'query', E' \n'), ';');
    names text[] := pggit.needs_in(d ->> 'query');
    is_materialized boolean := object_type = 'MATERIALIZED VIEW';
    command text := format('ALTER %s %s ', object_type, identity);
    item record;
BEGIN
    e := pggit.new_element(
        object_type, identity, '', 1600,
        jsonb_build_object('query', query, 'columns', (
            SELECT jsonb_object_agg(c.key, jsonb_build_array(c.value -> 'type', c.value -> 'collation')) FROM jsonb_each(d -> 'columns') c)),
        make => ARRAY[concat('CREATE ', object_type, ' ', identity, ' USING ' || quote_ident(d ->> 'access_method'), E' AS\n', query, CASE WHEN is_materialized THEN E'\n  WITH NO DATA' END)],
        unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity]
            || CASE WHEN is_materialized THEN '{}' ELSE ARRAY['data ' || identity] END,
        needs => names || ARRAY(SELECT 'data ' || n FROM unnest(names) n) || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']);
    RETURN NEXT e;
    IF is_materialized THEN
        e := pggit.new_element(
            object_type, identity, 'rows', 1601, 'true', 
            -- Rows are no schema: where the owner may not read them any more, the view stays empty.
            make => ARRAY['DO ' || quote_literal(format(
                'BEGIN REFRESH MATERIALIZED VIEW %s; EXCEPTION WHEN OTHERS THEN RAISE WARNING %L, SQLERRM; END',
                identity, replace(identity, '%', '%%') || ' has no rows: %'))],
            provides => ARRAY['data ' || identity], needs => ARRAY['shell ' || identity, 'owner ' || identity]);
        RETURN NEXT e;
    END IF;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1600, object_type || ' ' || identity, 'r', 'TABLE ' || identity);
    RETURN QUERY SELECT s.* FROM (VALUES
        ('options', 1604, d -> 'options', command || 'SET (' || pggit.option_list(d -> 'options') || ')',
            (pggit.option_changes(rtrim(command), d -> 'options', NULL))[1], '{}'::text[]),
        ('tablespace', 1604, d -> 'tablespace', command || 'SET TABLESPACE ' || quote_ident(d ->> 'tablespace'), command || 'SET TABLESPACE pg_default', '{}'),
        ('clustered on', 1670, d -> 'clustered_on', command || 'CLUSTER ON ' || (d ->> 'clustered_on'), command || 'SET WITHOUT CLUSTER',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || (d ->> 'clustered_on'), identity])
    ) AS v (part, rank, state, make, unmake, needs)
    CROSS JOIN LATERAL pggit.setting_element(object_type, identity, v.part, v.rank, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    FOR item IN
        SELECT c.key, c.value AS c, command || format('ALTER COLUMN %I ', c.key) AS alter_column FROM jsonb_each(d -> 'columns') c
    LOOP
        RETURN QUERY SELECT s.* FROM (VALUES
            ('default', item.c -> 'default', item.alter_column || 'SET DEFAULT ' || (item.c ->> 'default'), item.alter_column || 'DROP DEFAULT',
                pggit.needs_in(coalesce(item.c ->> 'default', ''))),
            ('storage', item.c -> 'storage', item.alter_column || 'SET STORAGE ' || pggit.storage_word(item.c ->> 'storage'),
                item.alter_column || 'SET STORAGE ' || pggit.type_storage(item.c ->> 'type'), '{}'),
            ('compression', item.c -> 'compression', item.alter_column || 'SET COMPRESSION '
                || CASE item.c ->> 'compression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END, item.alter_column || 'SET COMPRESSION DEFAULT', '{}'),
            ('statistics', item.c -> 'statistics', item.alter_column || format('SET STATISTICS %s', item.c ->> 'statistics'),
                item.alter_column || 'SET STATISTICS -1', '{}'),
            ('column options', item.c -> 'options', item.alter_column || 'SET (' || pggit.option_list(item.c -> 'options') || ')',
                (pggit.option_changes(rtrim(item.alter_column), item.c -> 'options', NULL))[1], '{}'),
            ('comment on column', item.c -> 'comment', format('COMMENT ON COLUMN %s.%I IS %L', identity, item.key, item.c ->> 'comment'),
                format('COMMENT ON COLUMN %s.%I IS NULL', identity, item.key), '{}')
        ) AS v (part, state, make, unmake, needs)
        CROSS JOIN LATERAL pggit.setting_element(
            object_type, identity, v.part || ' ' || item.key, 1605, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.view_elements(text, text, jsonb) IS 'A view or materialized view taken apart.';

CREATE FUNCTION pggit.owner_table(owned_by text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- "schema.table.column": the table is what stands before the column
    RETURN substring(owned_by FROM '^((?:"(?:[^"]|"")+"|[^.]+)[.](?:"(?:[^"]|"")+"|[^.]+))[.]');
END
$$;
COMMENT ON FUNCTION pggit.owner_table(text) IS 'The table in the column that owns a sequence.';

CREATE FUNCTION pggit.sequence_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key('SEQUENCE', identity);
    owner_table text := pggit.owner_table(d ->> 'owned_by');
    owner_column text := (parse_ident(d ->> 'owned_by'))[3];
BEGIN
    e := pggit.new_element(
        'SEQUENCE', identity, '', 1200, d - '{owner,acl,comment,persistence,owned_by}'::text[],
        make => ARRAY[concat('CREATE ', CASE WHEN d ? 'persistence' THEN 'UNLOGGED ' END, 'SEQUENCE ', identity, ' AS ', d ->> 'type', ' ', pggit.sequence_options(d))],
        unmake => ARRAY['DROP SEQUENCE ' || identity],
        taken_by => CASE WHEN owner_table IS NULL THEN '{}'
            ELSE pggit.relation_keys(owner_table) || pggit.relation_keys(owner_table, 'column ' || owner_column) END,
        -- a type can have a sequence's name, but only if it comes after it
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity, 'make:sequence ' || identity],
        needs => ARRAY['schema ' || pggit.schema_part(identity), 'extensions']);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(
        'SEQUENCE', identity, d, 1200, 'SEQUENCE ' || identity, 's', 'SEQUENCE ' || identity, owner_table);
    -- after those of tables (1409), which take along the sequences that they own
    e := pggit.new_element(
        'SEQUENCE', identity, 'persistence', 1410, coalesce(d -> 'persistence', 'null'),
        make => ARRAY[format('ALTER SEQUENCE %s SET %s', identity, CASE WHEN d ? 'persistence' THEN 'UNLOGGED' ELSE 'LOGGED' END)],
        made_by => ARRAY[shell], needs => ARRAY['body ' || identity]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.setting_element('SEQUENCE', identity, 'owned by', 1500, coalesce(d -> 'owned_by', 'null'),
        format('ALTER SEQUENCE %s OWNED BY %s', identity, d ->> 'owned_by'), format('ALTER SEQUENCE %s OWNED BY NONE', identity),
        needs => ARRAY['make:columns ' || owner_table, identity],
        taken_by => ARRAY[shell] || pggit.relation_keys(owner_table) || pggit.relation_keys(owner_table, 'column ' || owner_column));
END
$$;
COMMENT ON FUNCTION pggit.sequence_elements(text, jsonb) IS 'A sequence taken apart; where it stands is data.';

CREATE FUNCTION pggit.index_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key('INDEX', identity);
    relation text := d ->> 'table';
    parent_keys text[] := CASE WHEN d ? 'parent' THEN ARRAY[pggit.element_key('INDEX', d ->> 'parent')] ELSE '{}' END;
BEGIN
    e := pggit.new_element(
        'INDEX', identity, '', 1550, jsonb_build_object('definition', d -> 'definition'),
        make => ARRAY[d ->> 'definition'], unmake => ARRAY['DROP INDEX ' || identity],
        taken_by => pggit.relation_keys(relation), via => parent_keys, link => 'TABLE ' || relation || E'\nlink',
        -- a type may have the same name
        provides => ARRAY['index ' || identity, 'shell ' || identity, 'body ' || identity]
            -- a foreign key may stand on a unique index
            || CASE WHEN starts_with(d ->> 'definition', 'CREATE UNIQUE') THEN ARRAY[relation] ELSE '{}' END
            || pggit.key_names(relation),
        needs => array_remove(pggit.needs_in(d ->> 'definition'), relation) || ARRAY['body ' || relation, 'make:children ' || relation]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements('INDEX', identity, d, 1550, 'INDEX ' || identity);
    IF d ? 'parent' THEN
        e := pggit.new_element(
            'INDEX', identity, 'attached', 1660, d -> 'parent',
            make => ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', d ->> 'parent', identity)],
            taken_by => ARRAY[shell] || parent_keys || pggit.relation_keys(relation),
            provides => ARRAY['make:parts of ' || (d ->> 'parent')],
            needs => ARRAY['index ' || (d ->> 'parent'), 'link ' || relation, 'shell ' || identity], as_owner_of => relation);
        RETURN NEXT e;
    END IF;
    RETURN QUERY SELECT * FROM pggit.setting_element('INDEX', identity, 'tablespace', 1554, coalesce(d -> 'tablespace', 'null'),
        format('ALTER INDEX %s SET TABLESPACE %s', identity, quote_ident(d ->> 'tablespace')), format('ALTER INDEX %s SET TABLESPACE pg_default', identity));
    RETURN QUERY SELECT s.* FROM jsonb_each(d -> 'statistics') t
        CROSS JOIN LATERAL pggit.setting_element('INDEX', identity, 'statistics ' || t.key, 1554, t.value,
            format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', identity, t.key, t.value),
            format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', identity, t.key)) s;
END
$$;
COMMENT ON FUNCTION pggit.index_elements(text, jsonb) IS 'An index taken apart.';

CREATE FUNCTION pggit.type_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    item record;
    command text := format('ALTER DOMAIN %s ', identity);
    body text;
    is_domain boolean := object_type = 'DOMAIN';
    range jsonb := d -> 'range';
BEGIN
    body := CASE d ->> 'kind'
        WHEN 'enum' THEN format('CREATE TYPE %s AS ENUM (%s)', identity, (
            SELECT string_agg(quote_literal(l.label), ', ' ORDER BY l.place) FROM jsonb_array_elements_text(d -> 'labels') WITH ORDINALITY AS l (label, place)))
        WHEN 'composite' THEN format('CREATE TYPE %s AS (%s)', identity, (
            SELECT string_agg(concat_ws(' ', quote_ident(a.a ->> 'name'), a.a ->> 'type', 'COLLATE ' || (a.a ->> 'collation')), ', ' ORDER BY a.place)
            FROM jsonb_array_elements(d -> 'attributes') WITH ORDINALITY AS a (a, place)))
        WHEN 'range' THEN format('CREATE TYPE %s AS RANGE (%s)', identity, concat_ws(', ', 'SUBTYPE = ' || (range ->> 'subtype'),
            'SUBTYPE_OPCLASS = ' || (range ->> 'subtype_opclass'), 'COLLATION = ' || (range ->> 'collation'),
            'SUBTYPE_DIFF = ' || substring(range ->> 'subtype_diff' FROM '^(.*)[(]'),
            'MULTIRANGE_TYPE_NAME = ' || (range ->> 'multirange')))
        WHEN 'domain' THEN concat_ws(' ', format('CREATE DOMAIN %s AS %s', identity, d ->> 'base'), 'COLLATE ' || (d ->> 'collation'))
        END;
    e := pggit.new_element(
        object_type, identity, '', 1100,
        CASE WHEN is_domain THEN jsonb_strip_nulls(jsonb_build_object('base', d -> 'base', 'collation', d -> 'collation'))
            WHEN d ? 'attributes' THEN jsonb_build_object('kind', d -> 'kind', 'attributes',
                (SELECT coalesce(jsonb_agg(a.a - 'comment' ORDER BY a.place), '[]') FROM jsonb_array_elements(d -> 'attributes') WITH ORDINALITY AS a (a, place)))
            ELSE d - '{owner,acl,comment}'::text[] #- '{range,multirange_comment}' END,
        make => ARRAY[body], unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity]
            -- PostgreSQL makes its functions beside it, those of the multirange too
            || CASE WHEN d ? 'range' THEN ARRAY[range ->> 'multirange', identity || '(',
                pggit.schema_part(identity) || '.' || pggit.name_part(range ->> 'multirange') || '('] ELSE '{}' END,
        needs => CASE WHEN d ? 'labels' THEN '{}' ELSE array_remove(array_remove(pggit.names_in(body), identity), range ->> 'multirange') END
            || pggit.needs_in(coalesce(range ->> 'subtype_diff', ''))
            || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions', 'make:sequence ' || identity]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1100, object_type || ' ' || identity, 'T', object_type || ' ' || identity);
    RETURN QUERY SELECT s.* FROM (VALUES
        ('default', d -> 'default', command || 'SET DEFAULT ' || (d ->> 'default'), command || 'DROP DEFAULT', pggit.needs_in(coalesce(d ->> 'default', ''))),
        ('not null', CASE WHEN d ? 'not_null' THEN coalesce(d -> 'not_null_constraint' -> 'name', 'true') END,
            coalesce(command || 'ADD CONSTRAINT ' || quote_ident(d #>> '{not_null_constraint,name}') || ' NOT NULL', command || 'SET NOT NULL'),
            command || 'DROP NOT NULL', '{}'),
        ('not null comment', d #> '{not_null_constraint,comment}',
            format('COMMENT ON CONSTRAINT %s ON DOMAIN %s IS %L', quote_ident(d #>> '{not_null_constraint,name}'), identity, d #>> '{not_null_constraint,comment}'),
            format('COMMENT ON CONSTRAINT %s ON DOMAIN %s IS NULL', quote_ident(d #>> '{not_null_constraint,name}'), identity), '{}'),
        ('multirange comment', nullif(range -> 'multirange_comment', 'null'), format('COMMENT ON TYPE %s IS %L', range ->> 'multirange', range ->> 'multirange_comment'),
            format('COMMENT ON TYPE %s IS NULL', range ->> 'multirange'), '{}')
    ) AS v (part, state, make, unmake, needs)
    CROSS JOIN LATERAL pggit.setting_element(object_type, identity, v.part, 1105, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    FOR item IN SELECT k.key, k.value AS k FROM jsonb_each(d -> 'constraints') k LOOP
        e := pggit.new_element(
            object_type, identity, 'constraint ' || item.key, 1110, item.k - 'comment',
            make => ARRAY[command || format('ADD CONSTRAINT %I %s', item.key, item.k ->> 'definition')],
            unmake => ARRAY[command || format('DROP CONSTRAINT %I', item.key)],
            provides => ARRAY[identity], needs => pggit.needs_in(item.k ->> 'definition') || ('body ' || identity),
            as_owner_of => 'type ' || identity);
        RETURN NEXT e;
        RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'comment on constraint ' || item.key, 1111, coalesce(item.k -> 'comment', 'null'),
            format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', item.key, identity, item.k ->> 'comment'),
            format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS NULL', item.key, identity),
            taken_by => ARRAY[pggit.element_key(object_type, identity), pggit.element_key(object_type, identity, 'constraint ' || item.key)]);
    END LOOP;
    FOR item IN SELECT a ->> 'name' AS name, a ->> 'comment' AS comment FROM jsonb_array_elements(d -> 'attributes') a WHERE a ? 'comment' LOOP
        RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'comment on attribute ' || item.name, 1105, to_jsonb(item.comment),
            format('COMMENT ON COLUMN %s.%I IS %L', identity, item.name, item.comment), format('COMMENT ON COLUMN %s.%I IS NULL', identity, item.name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.type_elements(text, text, jsonb) IS 'A type or domain taken apart.';

CREATE FUNCTION pggit.function_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    a jsonb := d -> 'aggregate';
    -- count() has no arguments: PostgreSQL wants a star
    target text := object_type || ' ' || CASE WHEN object_type = 'AGGREGATE' THEN replace(identity, '()', '(*)') ELSE identity END;
    qualified text := substring(identity FROM '^((?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^("]+))[(]');
    body text;
    text_begins integer;
    named text[];  -- functions that stand in the statement without their arguments
BEGIN
    IF object_type = 'AGGREGATE' THEN
        named := pggit.needs_in(concat_ws(' ', a ->> 'function', a ->> 'final', a ->> 'combine', a ->> 'serial', a ->> 'deserial',
            a ->> 'moving_function', a ->> 'moving_inverse', a ->> 'moving_final'));
        body := format('CREATE AGGREGATE %s(%s) (%s)', qualified,
            CASE a ->> 'arguments' WHEN '' THEN '*' ELSE a ->> 'arguments' END,
            concat_ws(', ', 'SFUNC = ' || pggit.bare_function(a ->> 'function'), 'STYPE = ' || (a ->> 'type'), 'SSPACE = ' || (a ->> 'space'),
                'FINALFUNC = ' || pggit.bare_function(a ->> 'final'), CASE WHEN a ->> 'final_extra' = 'true' THEN 'FINALFUNC_EXTRA' END,
                CASE WHEN a ->> 'final' IS NOT NULL THEN 'FINALFUNC_MODIFY = ' || pggit.modify_word(a ->> 'final_modify') END,
                'COMBINEFUNC = ' || pggit.bare_function(a ->> 'combine'), 'SERIALFUNC = ' || pggit.bare_function(a ->> 'serial'),
                'DESERIALFUNC = ' || pggit.bare_function(a ->> 'deserial'), 'INITCOND = ' || quote_literal(a ->> 'initial'),
                'MSFUNC = ' || pggit.bare_function(a ->> 'moving_function'), 'MINVFUNC = ' || pggit.bare_function(a ->> 'moving_inverse'),
                'MSTYPE = ' || (a ->> 'moving_type'), 'MSSPACE = ' || (a ->> 'moving_space'),
                'MFINALFUNC = ' || pggit.bare_function(a ->> 'moving_final'), CASE WHEN a ->> 'moving_final_extra' = 'true' THEN 'MFINALFUNC_EXTRA' END,
                'MFINALFUNC_MODIFY = ' || pggit.modify_word(a ->> 'moving_final_modify'), 'MINITCOND = ' || quote_literal(a ->> 'moving_initial'),
                'SORTOP = OPERATOR(' || substring(a ->> 'sort_operator' FROM '^(.*)[(]') || ')',
                'PARALLEL = ' || CASE a ->> 'parallel' WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' WHEN 'u' THEN 'UNSAFE' END,
                CASE WHEN a ->> 'kind' = 'h' THEN 'HYPOTHETICAL' END));
        text_begins := 0;
    ELSE
        body := rtrim(d ->> 'definition', E'\n');
        named := pggit.needs_in(coalesce(substring(body FROM ' SUPPORT ((?:"(?:[^"]|"")+"|[^.\s]+)[.](?:"(?:[^"]|"")+"|\S+))') || '(', ''));
        text_begins := pggit.text_body_at(body);
    END IF;
    e := pggit.new_element(
        object_type, identity, '', CASE object_type WHEN 'AGGREGATE' THEN 1310 ELSE 1300 END,
        jsonb_build_object('definition', body, 'aggregate', a),
        make => ARRAY[body], unmake => ARRAY['DROP ' || target],
        provides => ARRAY[qualified || '(', 'shell ' || identity, 'body ' || identity],
        -- Its own name stands first; further on that is a table's.
        needs => pggit.needs_in(overlay(CASE WHEN text_begins > 0 THEN left(body, text_begins) ELSE body END
                PLACING '' FROM strpos(body, qualified) FOR length(qualified)))
            || named || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(
        object_type, identity, d, 1300, target, 'f', CASE object_type WHEN 'PROCEDURE' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || identity);
END
$$;
COMMENT ON FUNCTION pggit.function_elements(text, text, jsonb) IS 'A function, procedure or aggregate taken apart.';

CREATE FUNCTION pggit.bare_function(signature text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substring(signature FROM '^((?:"(?:[^"]|"")+"|[^"(])+)[(]');
END
$$;
COMMENT ON FUNCTION pggit.bare_function(text) IS 'A function''s name without its arguments.';

CREATE FUNCTION pggit.modify_word(letter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE letter WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' WHEN 'w' THEN 'READ_WRITE' END;
END
$$;
COMMENT ON FUNCTION pggit.modify_word(text) IS 'What CREATE AGGREGATE calls the way a final function treats its state.';

CREATE FUNCTION pggit.table_part_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    relation text := d ->> 'table';
    part_name text := left(identity, -length(' on ' || relation));
    rank integer := CASE object_type WHEN 'RULE' THEN 1780 WHEN 'POLICY' THEN 1790 ELSE 1800 END;
    definition text;
BEGIN
    definition := CASE WHEN object_type = 'POLICY' THEN concat(
            'CREATE POLICY ', part_name, ' ON ', relation, CASE WHEN d ? 'restrictive' THEN ' AS RESTRICTIVE' END,
            ' FOR ', upper((d ->> 'command') COLLATE "C"), ' TO ', (SELECT string_agg(r, ', ' ORDER BY r COLLATE "C") FROM jsonb_array_elements_text(d -> 'roles') r),
            ' USING (' || (d ->> 'using') || ')', ' WITH CHECK (' || (d ->> 'check') || ')')
        ELSE rtrim(d ->> 'definition', ';') END;
    e := pggit.new_element(
        object_type, identity, '', rank, jsonb_build_object('definition', definition),
        make => ARRAY[definition], unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        -- policies and rules hold what they mention back, so they go by themselves before others do
        taken_by => CASE object_type WHEN 'TRIGGER' THEN pggit.relation_keys(relation) ELSE '{}' END,
        provides => ARRAY['shell ' || identity, 'body ' || identity]
            || CASE object_type WHEN 'TRIGGER' THEN ARRAY['trigger ' || part_name] ELSE '{}' END,
        needs => pggit.needs_in(definition) || ('body ' || relation));
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, rank, object_type || ' ' || identity);
    RETURN QUERY SELECT * FROM pggit.setting_element(
        object_type, identity, 'enabled', rank + 4, coalesce(d -> 'enabled', 'null'),
        replace(pggit.switch_trigger(relation, part_name, d ->> 'enabled'), ' TRIGGER ', ' ' || object_type || ' '),
        replace(pggit.switch_trigger(relation, part_name, 'O'), ' TRIGGER ', ' ' || object_type || ' '));
END
$$;
COMMENT ON FUNCTION pggit.table_part_elements(text, text, jsonb) IS 'A trigger, rule or policy taken apart.';

CREATE FUNCTION pggit.statistics_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    -- Statistics can have their table's name, which must not count as theirs.
    itself text[] := ARRAY['statistics ' || identity];
BEGIN
    e := pggit.new_element(
        'STATISTICS', identity, '', 1560, jsonb_build_object('definition', d -> 'definition'),
        make => ARRAY[d ->> 'definition'], unmake => ARRAY['DROP STATISTICS ' || identity],
        taken_by => pggit.relation_keys(d ->> 'table'), provides => itself,
        needs => array_remove(pggit.needs_in(d ->> 'definition'), identity) || ('body ' || (d ->> 'table')));
    RETURN NEXT e;
    RETURN QUERY
    SELECT n.* FROM (
        SELECT * FROM pggit.common_elements('STATISTICS', identity, d, 1560, 'STATISTICS ' || identity)
        UNION ALL
        SELECT * FROM pggit.setting_element('STATISTICS', identity, 'target', 1564, coalesce(d -> 'target', 'null'),
            format('ALTER STATISTICS %s SET STATISTICS %s', identity, d ->> 'target'), format('ALTER STATISTICS %s SET STATISTICS -1', identity))
    ) x
    CROSS JOIN LATERAL pggit.new_element(
        x.object_type, x.identity, x.part, x.rank, x.state, x.make, x.unmake, x.made_by, x.taken_by, needs => itself) n;
END
$$;
COMMENT ON FUNCTION pggit.statistics_elements(text, jsonb) IS 'Extended statistics taken apart.';

CREATE FUNCTION pggit.global_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    command text := format('ALTER %s %s', object_type, identity);
    role text;
    target text;
    entry record;
    given text[] := '{}';
    taken text[] := '{}';
BEGIN
    CASE object_type
        WHEN 'SCHEMA' THEN
            e := pggit.new_element(
                object_type, identity, '', 1000, '{}',
                -- every database begins with one named public, and a comment on it
                make => ARRAY['CREATE SCHEMA IF NOT EXISTS ' || identity,
                              CASE WHEN identity = 'public' AND NOT d ? 'comment' THEN 'COMMENT ON SCHEMA public IS NULL' END], unmake => ARRAY['DROP SCHEMA ' || identity],
                provides => ARRAY['schema ' || identity, 'shell ' || identity, 'body ' || identity]);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1000, 'SCHEMA ' || identity, 'n', 'SCHEMA ' || identity);
        WHEN 'EXTENSION' THEN
            e := pggit.new_element(
                object_type, identity, '', 1010, jsonb_build_object('schema', d -> 'schema', 'version', d -> 'version'),
                make => ARRAY[format('CREATE EXTENSION %s SCHEMA %s VERSION %I', identity, d ->> 'schema', d ->> 'version')],
                unmake => ARRAY['DROP EXTENSION ' || identity],
                provides => ARRAY['extensions', 'extension ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['schema ' || (d ->> 'schema')] || ARRAY(
                    SELECT 'extension ' || quote_ident(r) FROM pg_available_extension_versions v CROSS JOIN LATERAL unnest(v.requires) r
                    WHERE v.name = (parse_ident(identity))[1] AND v.version = d ->> 'version'));
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1010, 'EXTENSION ' || identity);
        WHEN 'FOREIGN DATA WRAPPER' THEN
            e := pggit.new_element(
                object_type, identity, '', 1320, jsonb_strip_nulls(jsonb_build_object('handler', d -> 'handler', 'validator', d -> 'validator')),
                make => ARRAY[concat('CREATE FOREIGN DATA WRAPPER ', identity, ' HANDLER ' || (d ->> 'handler'), ' VALIDATOR ' || (d ->> 'validator'),
                                     ' OPTIONS (' || pggit.foreign_options(d -> 'options') || ')')],
                unmake => ARRAY['DROP FOREIGN DATA WRAPPER ' || identity],
                provides => ARRAY['wrapper ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => pggit.needs_in(concat_ws('( ', d ->> 'handler', d ->> 'validator', '')) || ARRAY['extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1320, object_type || ' ' || identity, 'F', object_type || ' ' || identity);
        WHEN 'SERVER' THEN
            e := pggit.new_element(
                object_type, identity, '', 1330, jsonb_strip_nulls(jsonb_build_object('wrapper', d -> 'wrapper', 'type', d -> 'type')),
                make => ARRAY[concat('CREATE SERVER ', identity, ' TYPE ' || quote_literal(d ->> 'type'), ' VERSION ' || quote_literal(d ->> 'version'),
                                     ' FOREIGN DATA WRAPPER ', d ->> 'wrapper', ' OPTIONS (' || pggit.foreign_options(d -> 'options') || ')')],
                unmake => ARRAY['DROP SERVER ' || identity],
                provides => ARRAY['server ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['wrapper ' || (d ->> 'wrapper'), 'extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1330, 'SERVER ' || identity, 'S', 'FOREIGN SERVER ' || identity);
            RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'version', 1334, coalesce(d -> 'version', 'null'),
                command || ' VERSION ' || quote_literal(d ->> 'version'), command || ' VERSION NULL', ARRAY[pggit.element_key(object_type, identity)]);
        WHEN 'COLLATION' THEN
            e := pggit.new_element(
                object_type, identity, '', 1050, d - '{owner,comment}'::text[],
                make => ARRAY[format('CREATE COLLATION %s (%s)', identity, concat_ws(', ',
                    'provider = ' || CASE d ->> 'provider' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
                    CASE WHEN d ->> 'deterministic' = 'false' THEN 'deterministic = false' END,
                    CASE WHEN d ->> 'provider' = 'c' THEN NULL ELSE 'locale = ' || quote_literal(coalesce(d ->> 'locale', d ->> 'collate')) END,
                    'lc_collate = ' || quote_literal(CASE WHEN d ->> 'provider' = 'c' THEN d ->> 'collate' END),
                    'lc_ctype = ' || quote_literal(CASE WHEN d ->> 'provider' = 'c' THEN d ->> 'ctype' END),
                    'rules = ' || quote_literal(d ->> 'rules')))],
                unmake => ARRAY['DROP COLLATION ' || identity],
                provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['schema ' || pggit.schema_part(identity), 'extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1050, 'COLLATION ' || identity);
        WHEN 'DEFAULT PRIVILEGES' THEN
            role := d ->> 'role';
            command := concat('ALTER DEFAULT PRIVILEGES FOR ROLE ', quote_ident(role), ' IN SCHEMA ' || quote_ident(d ->> 'schema'), ' ');
            target := CASE d ->> 'kind' WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END;
            -- Those of one schema begin with nothing; those of the database with what a new object has.
            IF NOT d ? 'schema' THEN
                FOR entry IN SELECT DISTINCT g.grantee FROM pggit.acl_entries(
                        CASE d ->> 'kind' WHEN 'S' THEN 's' ELSE (d ->> 'kind') END::"char", role, NULL) g ORDER BY 1 LOOP
                    given := given || (command || 'REVOKE ALL ON ' || target || ' FROM ' || pggit.role_word(entry.grantee));
                END LOOP;
            END IF;
            FOR entry IN SELECT g.* FROM pggit.acl_entries('r', role, d -> 'acl') g ORDER BY g.grantee LOOP
                given := given || pggit.grants(command, target, role, entry.grantee, entry.letters, role);
                taken := taken || (command || 'REVOKE ALL ON ' || target || ' FROM ' || pggit.role_word(entry.grantee));
            END LOOP;
            IF NOT d ? 'schema' THEN
                FOR entry IN SELECT g.* FROM pggit.acl_entries(
                        CASE d ->> 'kind' WHEN 'S' THEN 's' ELSE (d ->> 'kind') END::"char", role, NULL) g ORDER BY g.grantee LOOP
                    taken := taken || pggit.grants(command, target, role, entry.grantee, entry.letters, role);
                END LOOP;
            END IF;
            e := pggit.new_element(
                object_type, identity, '', 1900, d, make => given, unmake => taken,
                needs => CASE WHEN d ? 'schema' THEN ARRAY['schema ' || quote_ident(d ->> 'schema')] ELSE '{}' END);
            RETURN NEXT e;
        ELSE
            RAISE EXCEPTION 'pgGit does not know how to make a %', object_type USING ERRCODE = 'GT036',
                HINT = 'It was recorded by another version of pgGit.';
    END CASE;
    IF object_type IN ('FOREIGN DATA WRAPPER', 'SERVER') AND d ? 'options' THEN
        e := pggit.new_element(
            object_type, identity, 'options', 1335, d -> 'options', make => pggit.foreign_option_changes(command, NULL, d -> 'options'),
            unmake => pggit.foreign_option_changes(command, d -> 'options', NULL),
            made_by => ARRAY[pggit.element_key(object_type, identity)], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.global_elements(text, text, jsonb) IS
'A schema, extension, foreign data wrapper, server, collation or default privileges taken apart.';

CREATE FUNCTION pggit.parts_of(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
BEGIN
    CASE
        WHEN object_type IN ('TABLE', 'FOREIGN TABLE') THEN
            RETURN QUERY SELECT * FROM pggit.table_elements(object_type, identity, d, column_order);
        WHEN object_type IN ('VIEW', 'MATERIALIZED VIEW') THEN
            RETURN QUERY SELECT * FROM pggit.view_elements(object_type, identity, d);
        WHEN object_type = 'SEQUENCE' THEN
            RETURN QUERY SELECT * FROM pggit.sequence_elements(identity, d);
        WHEN object_type = 'INDEX' THEN
            RETURN QUERY SELECT * FROM pggit.index_elements(identity, d);
        WHEN object_type IN ('TYPE', 'DOMAIN') THEN
            RETURN QUERY SELECT * FROM pggit.type_elements(object_type, identity, d);
        WHEN object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN
            RETURN QUERY SELECT * FROM pggit.function_elements(object_type, identity, d);
        WHEN object_type IN ('TRIGGER', 'RULE', 'POLICY') THEN
            RETURN QUERY SELECT * FROM pggit.table_part_elements(object_type, identity, d);
        WHEN object_type = 'STATISTICS' THEN
            RETURN QUERY SELECT * FROM pggit.statistics_elements(identity, d);
        ELSE
            RETURN QUERY SELECT * FROM pggit.global_elements(object_type, identity, d);
    END CASE;
END
$$;
COMMENT ON FUNCTION pggit.parts_of(text, text, jsonb, text[]) IS 'An object''s definition taken apart, without the rights that code of somebody''s needs.';

CREATE FUNCTION pggit.claims_of(object_type text, identity text, d jsonb) RETURNS TABLE (part text, name text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE') THEN
        RETURN QUERY VALUES ('', 'relation ' || identity), ('', 'type ' || identity);
    ELSIF object_type = 'INDEX' THEN
        RETURN QUERY VALUES ('', 'relation ' || identity);
    ELSIF object_type IN ('TYPE', 'DOMAIN') THEN
        RETURN QUERY VALUES ('', 'type ' || identity);
        IF d ? 'attributes' THEN
            RETURN QUERY VALUES ('', 'relation ' || identity);
        ELSIF d ? 'range' THEN
            RETURN QUERY VALUES ('', 'type ' || (d #>> '{range,multirange}'));
        END IF;
    ELSIF object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN
        RETURN QUERY VALUES ('', 'function ' || identity);
    ELSIF object_type = 'TRIGGER' AND d ->> 'definition' LIKE 'CREATE CONSTRAINT %' THEN
        RETURN QUERY VALUES ('', 'constraint ' || identity);
    END IF;
    IF object_type NOT IN ('TABLE', 'FOREIGN TABLE', 'DOMAIN') THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 'constraint ' || k.key, n.name
    FROM jsonb_each(d -> 'constraints') k
    CROSS JOIN LATERAL (VALUES
        (concat('constraint ', quote_ident(k.key), ' on ', identity)),
        (CASE WHEN k.value ->> 'definition' ~ '^(PRIMARY KEY|UNIQUE|EXCLUDE)'
            THEN concat('relation ', pggit.schema_part(identity), '.', quote_ident(k.key)) END),
        (CASE WHEN starts_with(k.value ->> 'definition', 'PRIMARY KEY') THEN 'primary key ' || identity END)) AS n (name)
    WHERE n.name IS NOT NULL
    UNION ALL
    SELECT 'identity ' || c.key, n.name
    FROM jsonb_each(d -> 'columns') c
    CROSS JOIN LATERAL (VALUES ('relation ' || (c.value #>> '{identity,sequence}')), ('type ' || (c.value #>> '{identity,sequence}'))) AS n (name)
    WHERE c.value ? 'identity'
    UNION ALL
    SELECT 'not null ' || c.key, concat('constraint ', quote_ident(coalesce(
            c.value #>> '{not_null_constraint,name}', pggit.default_not_null_name((parse_ident(identity))[2], c.key))), ' on ', identity)
    FROM jsonb_each(d -> 'columns') c
    -- one that came from a parent has that one's name
    WHERE c.value ? 'not_null' AND (c.value ? 'not_null_constraint' OR NOT c.value ? 'inherited')
      AND current_setting('server_version_num')::integer >= 180000
    UNION ALL
    SELECT 'link', concat('part of ', d #>> '{parents,0}', ' ', d ->> 'partition_bound') WHERE d ? 'partition_bound';
END
$$;
COMMENT ON FUNCTION pggit.claims_of(text, text, jsonb) IS
'The names that an object''s parts have and that nothing else can have beside them, whatever its kind: a table''s and an index''s, a constraint''s and a constraint trigger''s, a table''s one primary key, a partition''s bound.';

CREATE FUNCTION pggit.elements(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH part AS MATERIALIZED (SELECT p.* FROM pggit.parts_of(elements.object_type, elements.identity, d, column_order) p),
        claim AS MATERIALIZED (SELECT c.* FROM pggit.claims_of(elements.object_type, elements.identity, d) c)
    SELECT x.key, x.object_type, x.identity, x.part, x.state, x.rank,
        CASE WHEN x.part LIKE '%comment%' OR x.object_type IN ('FUNCTION', 'PROCEDURE') AND pggit.text_body_at(x.make[1]) > 0 THEN x.make
            ELSE ARRAY(SELECT pggit.as_written(m.sql) FROM unnest(x.make) WITH ORDINALITY AS m (sql, place) ORDER BY m.place) END
        -- At no time has something new another owner than it is to have.
        || CASE x.part WHEN '' THEN coalesce((SELECT o.make FROM part o WHERE o.part = 'owner'), '{}') ELSE '{}' END, x.unmake,
        x.made_by || CASE x.part WHEN 'owner' THEN ARRAY[pggit.element_key(x.object_type, x.identity)] ELSE '{}' END,
        x.taken_by, x.via, x.link, x.provides,
        x.needs || CASE WHEN w.who IS NULL OR w.who LIKE 'role %' OR w.who LIKE 'type %' THEN '{}' ELSE ARRAY['owner ' || w.who] END,
        x.holds, ARRAY(SELECT c.name FROM claim c WHERE c.part = x.part), w.who, x.loses
    FROM part x
    -- What may run code to be parsed runs with the rights of whoever it belongs to, and when that is set.
    CROSS JOIN LATERAL (SELECT coalesce(x.as_owner_of, CASE WHEN pggit.may_evaluate(array_to_string(x.make, E'\n')) THEN
        CASE WHEN x.object_type IN ('TABLE', 'FOREIGN TABLE') AND x.part <> '' THEN x.identity
             WHEN x.object_type IN ('INDEX', 'TRIGGER', 'RULE', 'POLICY') THEN d ->> 'table'
             ELSE 'role ' || (d ->> 'owner') END END) AS who) w;
END
$$;
COMMENT ON FUNCTION pggit.elements(text, text, jsonb, text[]) IS 'An object''s definition taken apart.';
