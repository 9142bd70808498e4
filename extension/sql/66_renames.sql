-- Renames: trees know nothing of them, but history does. What kept its id from one name to another is renamed and
-- not dropped and made anew, so that its rows stay.

CREATE FUNCTION pggit.ids_of(of_type text, of_identity text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        -- by the two indexes that there are
        SELECT o.id FROM pggit.objects o WHERE o.is_active AND o.tree_key = pggit.tree_key(of_type, of_identity)
        UNION SELECT o.id FROM pggit.objects o WHERE NOT o.is_active AND o.tree_key = pggit.tree_key(of_type, of_identity)
        UNION SELECT h.object_id FROM pggit.history h
        WHERE h.old_identity IS NOT NULL AND h.object_type = of_type AND (h.old_identity = of_identity OR h.identity = of_identity));
END
$$;
COMMENT ON FUNCTION pggit.ids_of(text, text) IS 'The ids of all objects that ever had a name.';

CREATE FUNCTION pggit.goes_with_tables(objects pggit.plan_object[])
RETURNS TABLE (of_table text, object_type text, identity text, is_kept boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE o.object_type WHEN 'INDEX' THEN o.old_definition ->> 'table' ELSE pggit.owner_table(o.old_definition ->> 'owned_by') END,
        o.object_type, o.identity, o.new_definition IS NOT NULL
    FROM unnest(objects) o WHERE o.object_type = 'INDEX' AND o.old_definition IS NOT NULL OR o.object_type = 'SEQUENCE' AND o.old_definition ? 'owned_by'
    UNION ALL
    SELECT o.identity, h.object_type, h.name, false
    FROM unnest(objects) o
    CROSS JOIN LATERAL (
        SELECT 'INDEX', pggit.schema_part(o.identity) || '.' || quote_ident(k.key) FROM jsonb_each(o.old_definition -> 'constraints') k
        WHERE k.value ->> 'definition' !~ '^(CHECK|FOREIGN KEY)'
        UNION ALL SELECT 'SEQUENCE', c.value #>> '{identity,sequence}' FROM jsonb_each(o.old_definition -> 'columns') c WHERE c.value ? 'identity') AS h (object_type, name)
    WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE');
END
$$;
COMMENT ON FUNCTION pggit.goes_with_tables(pggit.plan_object[]) IS
'The indexes and sequences of the first side that move to another schema with their table. is_kept: the other side has one of the same name.';

CREATE FUNCTION pggit.find_renames(objects pggit.plan_object[]) RETURNS SETOF pggit.rename
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH gone AS MATERIALIZED (
        SELECT o.object_type, o.identity, pggit.ids_of(o.object_type, o.identity) AS ids FROM unnest(objects) o
        WHERE o.new_definition IS NULL AND o.object_type IN ('SCHEMA', 'TABLE', 'FOREIGN TABLE', 'SEQUENCE', 'TYPE', 'DOMAIN', 'INDEX')
    ), come AS MATERIALIZED (
        SELECT o.object_type, o.identity, pggit.ids_of(o.object_type, o.identity) AS ids FROM unnest(objects) o
        WHERE o.old_definition IS NULL AND o.object_type IN ('SCHEMA', 'TABLE', 'FOREIGN TABLE', 'SEQUENCE', 'TYPE', 'DOMAIN', 'INDEX')
    ), along AS MATERIALIZED (
        SELECT * FROM pggit.goes_with_tables(objects)
    ), pair AS (
        SELECT g.object_type, g.identity AS old_identity, c.identity AS new_identity,
            count(*) OVER (PARTITION BY g.object_type, g.identity) AS of_old, count(*) OVER (PARTITION BY c.object_type, c.identity) AS of_new
        FROM gone g JOIN come c ON c.object_type = g.object_type AND c.ids && g.ids
    )
    SELECT p.object_type, p.old_identity, p.new_identity, NULL::text, NULL::text FROM pair p
    WHERE p.of_old = 1 AND p.of_new = 1
      -- the new name may have to be made free first: then it is no simple rename
      AND NOT EXISTS (SELECT FROM unnest(objects) o WHERE o.old_definition IS NOT NULL AND o.identity = p.new_identity
                      AND (o.object_type = 'SCHEMA') = (p.object_type = 'SCHEMA'))
      AND NOT EXISTS (SELECT FROM along h WHERE h.identity = p.new_identity)
      -- and so may the names of what goes along
      AND NOT EXISTS (
          SELECT FROM along a
          CROSS JOIN LATERAL (SELECT pggit.schema_part(p.new_identity) || '.' || pggit.name_part(a.identity) AS name) n
          WHERE p.object_type = 'TABLE' AND a.of_table = p.old_identity AND pggit.schema_part(p.new_identity) <> pggit.schema_part(a.identity)
            AND NOT (a.object_type = 'SEQUENCE' AND a.is_kept)
            AND (EXISTS (SELECT FROM unnest(objects) o WHERE o.old_definition IS NOT NULL AND o.identity = n.name AND (
                             o.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'INDEX') OR o.old_definition ? 'attributes'))
                 OR EXISTS (SELECT FROM along h WHERE h.identity = n.name)))
      -- PostgreSQL leaves a range type's functions behind where it came from, and so drops no schema that one has left
      AND NOT EXISTS (SELECT FROM unnest(objects) o JOIN unnest(objects) s ON s.object_type = 'SCHEMA' AND s.identity = pggit.schema_part(o.identity)
                      WHERE p.object_type = 'TYPE' AND o.object_type = 'TYPE' AND o.identity = p.old_identity AND o.old_definition ? 'range'
                        AND s.new_definition IS NULL AND NOT EXISTS (SELECT FROM pair x WHERE x.object_type = 'SCHEMA' AND x.old_identity = s.identity))
    ORDER BY p.object_type <> 'SCHEMA', p.object_type <> 'TABLE', p.object_type, p.old_identity COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_renames(pggit.plan_object[]) IS
'Which of the objects that one side alone has are the same under another name.';

CREATE FUNCTION pggit.renamed_column(h pggit.history, OUT old_column text, OUT new_column text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- one command renames one column: the same columns, but for the name at one place
    IF cardinality(h.old_column_order) = cardinality(h.new_column_order) AND cardinality(h.old_column_order) - 1 = (
            SELECT count(*) FROM unnest(h.old_column_order, h.new_column_order) AS u (x, y) WHERE u.x = u.y) THEN
        SELECT u.x, u.y INTO old_column, new_column FROM unnest(h.old_column_order, h.new_column_order) AS u (x, y)
        WHERE u.x <> u.y AND u.x <> ALL (h.new_column_order)
          -- nor has it dropped one and added another
          AND (SELECT b.definition #> ARRAY['columns', u.x, 'type'] FROM pggit.blobs b WHERE b.hash = h.old_blob)
              = (SELECT b.definition #> ARRAY['columns', u.y, 'type'] FROM pggit.blobs b WHERE b.hash = h.new_blob);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.renamed_column(pggit.history) IS 'The column of a table that a change in history renamed; null where it did something else.';

CREATE FUNCTION pggit.trace_columns(
    of_type text, was_called text, is_called text, old_definition jsonb, new_definition jsonb,
    OUT old_columns text[], OUT new_columns text[], OUT steps bigint[], OUT step_places integer[], OUT is_forward boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := pggit.ids_of(of_type, is_called) || pggit.ids_of(of_type, was_called);
    hash_of_old text := pggit.blob_hash(of_type, was_called, old_definition);
    hash_of_new text := pggit.blob_hash(of_type, is_called, new_definition);
    ends record;
    begins text[];
    names text[];  -- side by side with begins
    h pggit.history;
    r record;
BEGIN
    -- The shortest way in history from the one side to the other, up to where the table had been as both have it for the
    -- first time: what happened to the columns on it is known, and stays the same whatever happens later.
    WITH seen AS MATERIALIZED (
        SELECT x.object_id, x.id, x.new_blob = hash_of_old AS is_old FROM pggit.history x
        WHERE x.object_id = ANY (ids) AND x.new_blob IN (hash_of_old, hash_of_new)
    ), known AS (
        SELECT s.object_id, greatest(min(s.id) FILTER (WHERE s.is_old), min(s.id) FILTER (WHERE NOT s.is_old)) AS until
        FROM seen s GROUP BY s.object_id HAVING bool_or(s.is_old) AND NOT bool_and(s.is_old)
    )
    SELECT k.object_id, max(s.id) FILTER (WHERE s.is_old) AS old_id, max(s.id) FILTER (WHERE NOT s.is_old) AS new_id INTO ends
    FROM known k JOIN seen s ON s.object_id = k.object_id AND s.id <= k.until
    GROUP BY k.object_id, k.until ORDER BY k.until LIMIT 1;
    IF ends.object_id IS NOT NULL THEN
        is_forward := ends.old_id < ends.new_id;
        begins := ARRAY(SELECT jsonb_object_keys(CASE WHEN is_forward THEN old_definition ELSE new_definition END -> 'columns'));
        names := begins;
        FOR h IN SELECT x.* FROM pggit.history x
                 WHERE x.object_id = ends.object_id AND x.id > least(ends.old_id, ends.new_id) AND x.id <= greatest(ends.old_id, ends.new_id)
                   AND x.old_column_order IS DISTINCT FROM x.new_column_order ORDER BY x.id LOOP
            r := pggit.renamed_column(h);
            IF r.old_column IS NOT NULL THEN
                steps := steps || h.id;
                step_places := step_places || array_position(names, r.old_column);
                names := array_replace(names, r.old_column, r.new_column);
            ELSE
                names := ARRAY(SELECT CASE WHEN n = ANY (h.new_column_order) AND n = ANY (h.old_column_order) THEN n END
                               FROM unnest(names) WITH ORDINALITY AS n (n, place) ORDER BY place);
            END IF;
        END LOOP;
        old_columns := CASE WHEN is_forward THEN begins ELSE names END;
        new_columns := CASE WHEN is_forward THEN names ELSE begins END;
    ELSE
        -- A merge makes what never was: then what has ever been renamed so.
        SELECT array_agg(s.a ORDER BY s.a, s.b), array_agg(s.b ORDER BY s.a, s.b) INTO old_columns, new_columns
        FROM (
            SELECT CASE d.way WHEN 1 THEN c.old_column ELSE c.new_column END AS a, CASE d.way WHEN 1 THEN c.new_column ELSE c.old_column END AS b
            FROM pggit.history x CROSS JOIN LATERAL pggit.renamed_column(x) c CROSS JOIN (VALUES (1), (2)) AS d (way)
            WHERE x.object_id = ANY (ids) AND x.old_column_order <> x.new_column_order AND c.old_column IS NOT NULL
            GROUP BY 1, 2
        ) s;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.trace_columns(text, text, text, jsonb, jsonb) IS
'Which column of one side is which of the other, side by side, null where it is gone or new; the changes in history that renamed one (steps) and where in the list that is (step_places); and whether they led to the second side or to the first.';

CREATE FUNCTION pggit.find_column_renames(of_type text, was_called text, is_called text, old_definition jsonb, new_definition jsonb)
RETURNS SETOF pggit.rename
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (old_definition -> 'columns') - ARRAY(SELECT jsonb_object_keys(new_definition -> 'columns')) = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH pair AS (
        SELECT x.old_name, x.new_name,
            count(*) OVER (PARTITION BY x.old_name) AS of_old, count(*) OVER (PARTITION BY x.new_name) AS of_new
        FROM pggit.trace_columns(of_type, was_called, is_called, old_definition, new_definition) s
        CROSS JOIN LATERAL unnest(s.old_columns, s.new_columns) AS x (old_name, new_name)
        -- a typed table gets its columns' names from the type
        WHERE NOT old_definition ? 'of_type' AND NOT new_definition ? 'of_type'
          AND old_definition -> 'columns' ? x.old_name AND NOT new_definition -> 'columns' ? x.old_name
          AND new_definition -> 'columns' ? x.new_name AND NOT old_definition -> 'columns' ? x.new_name
          AND NOT EXISTS (SELECT FROM unnest(ARRAY['generated', 'identity']) k
                          WHERE old_definition #> ARRAY['columns', x.old_name] ? k <> new_definition #> ARRAY['columns', x.new_name] ? k)
    )
    SELECT of_type, was_called, is_called, p.old_name, p.new_name FROM pair p
    WHERE p.of_old = 1 AND p.of_new = 1 ORDER BY p.old_name COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_column_renames(text, text, text, jsonb, jsonb) IS
'Which columns that one side alone has are the same under another name.';

CREATE FUNCTION pggit.find_constraint_renames(identity text, old_constraints jsonb, new_constraints jsonb, columns pggit.rename[])
RETURNS TABLE (old_name text, new_name text, is_followed boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.was, p.becomes, p.follows
    FROM (
        SELECT o.key AS was, n.key AS becomes, n.value ? 'inherited' AND NOT n.value ? 'parent' AS follows,
            count(*) OVER (PARTITION BY o.key) AS of_old, count(*) OVER (PARTITION BY n.key) AS of_new
        FROM jsonb_each(old_constraints) o
        JOIN jsonb_each(new_constraints) n ON n.value - '{parent,definition}'::text[] = o.value - '{parent,definition}'::text[]
            AND n.value ? 'parent' = o.value ? 'parent'
            AND pggit.guess_columns(o.value ->> 'definition', n.value ->> 'definition', identity, columns) = n.value ->> 'definition'
        WHERE NOT new_constraints ? o.key AND NOT old_constraints ? n.key
    ) p
    WHERE p.of_old = 1 AND p.of_new = 1 ORDER BY p.was COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_constraint_renames(text, jsonb, jsonb, pggit.rename[]) IS
'Which of a table''s constraints that one side alone has are the same under another name: one that has the same definition is, or has it once columns are renamed. is_followed: the name comes from the parent''s.';

CREATE FUNCTION pggit.is_let_go(old_identity text, new_identity text, owned_by text, renames pggit.rename[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN owned_by IS NOT NULL AND new_identity IS NOT NULL AND pggit.schema_part(new_identity) <> coalesce(
        (SELECT pggit.schema_part(r.new_identity) FROM unnest(renames) r WHERE r.object_type = 'TABLE' AND starts_with(owned_by, r.old_identity || '.')),
        (SELECT r.new_identity FROM unnest(renames) r WHERE r.object_type = 'SCHEMA' AND r.old_identity = pggit.schema_part(is_let_go.old_identity)),
        pggit.schema_part(old_identity));
END
$$;
COMMENT ON FUNCTION pggit.is_let_go(text, text, text, pggit.rename[]) IS
'Whether an owned sequence does not go where its table goes, so that the table must let it go before.';

CREATE FUNCTION pggit.rename_names(piece text, is_constant boolean, renames pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename;
    pattern text;
BEGIN
    -- An object's old name has its schema's old name in it.
    FOR r IN SELECT x.* FROM unnest(renames) x WHERE x.old_column IS NULL ORDER BY x.object_type = 'SCHEMA' LOOP
        pattern := pggit.as_pattern(r.old_identity);
        piece := regexp_replace(
            piece, CASE r.object_type WHEN 'SCHEMA' THEN '' ELSE '(?<!COLLATE )' END || '(?<![a-z0-9_".])' || CASE
                WHEN r.object_type = 'SCHEMA' THEN pattern || '(?=[.])'
                -- a type may have the same name, but not where a relation stands
                WHEN r.object_type = 'SEQUENCE' AND NOT is_constant THEN format('(?:(?<=FROM |JOIN )%1$s(?![a-z0-9_"(.])|^%1$s$)', pattern)
                WHEN r.object_type IN ('SEQUENCE', 'INDEX') THEN format('^%s$', pattern)
                -- what has a parenthesis after it is a function, but for the table that a key leads to
                ELSE format('(?:(?<=REFERENCES )%1$s(?![a-z0-9_"])|%1$s(?![a-z0-9_"(]))', pattern) END,
            replace(r.new_identity, '\', '\\'), 'g');
    END LOOP;
    RETURN piece;
END
$$;
COMMENT ON FUNCTION pggit.rename_names(text, boolean, pggit.rename[]) IS
'What stands between two string constants, or in one, after objects that it may mention were renamed.';

CREATE FUNCTION pggit.rename_in_text(content text, renames pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF renames = '{}' THEN
        RETURN content;
    END IF;
    RETURN coalesce((
        SELECT string_agg(CASE
            WHEN NOT p.is_constant THEN pggit.rename_names(p.piece, false, renames)
            -- in a constant a quote is written twice
            WHEN p.is_name THEN '''' || replace(pggit.rename_names(replace(substr(p.piece, 2, length(p.piece) - 2), '''''', ''''), true, renames), '''', '''''') || ''''
            ELSE p.piece END, '' ORDER BY p.place)
        FROM pggit.pieces_of(content) p), content);
END
$$;
COMMENT ON FUNCTION pggit.rename_in_text(text, pggit.rename[]) IS 'A piece of SQL after objects that it may mention were renamed.';

CREATE FUNCTION pggit.renames_within(definition jsonb, renames pggit.rename[]) RETURNS pggit.rename[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text := definition::text;
BEGIN
    RETURN ARRAY(
        SELECT r FROM unnest(renames) r
        CROSS JOIN LATERAL (SELECT to_jsonb(r.old_identity)::text AS quoted) j
        CROSS JOIN LATERAL (SELECT substr(j.quoted, 2, length(j.quoted) - 2) AS name) n
        WHERE r.old_column IS NOT NULL OR r.object_type = 'SCHEMA' OR strpos(content, n.name) > 0
           -- as a constant has it
           OR strpos(n.name, '''') > 0 AND strpos(content, replace(n.name, '''', '''''')) > 0);
END
$$;
COMMENT ON FUNCTION pggit.renames_within(jsonb, pggit.rename[]) IS
'Those renames that can have to do with a definition: what has another name altogether, which most have, is looked for no further.';

CREATE FUNCTION pggit.column_pattern(name text, of_table text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What has a dot before it is a type or a function, or has one or a parenthesis after it; PostgreSQL's own types
    -- and words have no dot.
    RETURN format('(?:(?<![.]|::|COLLATE |USING |EXTRACT[(])|(?<=(?:old|new|%s)[.]))', pggit.as_pattern(of_table))
        || pggit.as_word(quote_ident(name)) || '(?![.(])';
END
$$;
COMMENT ON FUNCTION pggit.column_pattern(text, text) IS
'A regular expression that matches the name of a table''s column where SQL about that table has it, as a trigger and an owned sequence do.';

CREATE FUNCTION pggit.rename_column_in_text(content text, of_table text, columns pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename;
BEGIN
    FOREACH r IN ARRAY columns LOOP
        CONTINUE WHEN r.old_column IS NULL OR r.new_identity <> of_table OR NOT pggit.mentions(content, quote_ident(r.old_column));
        content := (
            SELECT string_agg(CASE WHEN p.is_constant THEN p.piece ELSE regexp_replace(
                p.piece, pggit.column_pattern(r.old_column, of_table), replace(quote_ident(r.new_column), '\', '\\'), 'g') END, '' ORDER BY p.place)
            FROM pggit.pieces_of(content) p);
    END LOOP;
    RETURN content;
END
$$;
COMMENT ON FUNCTION pggit.rename_column_in_text(text, text, pggit.rename[]) IS
'A piece of SQL after columns of a table were renamed, if every word outside literals that looks like one is one.';

CREATE FUNCTION pggit.guess_columns(content text, wanted text, of_table text, columns pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- a foreign key's own columns, the table and the columns that it leads to, and what it does, which may name its own again
    parts text[] := regexp_match(content, '^(FOREIGN KEY .* REFERENCES )((?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^."(]+))([(](?:"(?:[^"]|"")+"|[^")])+[)])(.*)$');
    guess text;
BEGIN
    IF content = wanted OR wanted IS NULL THEN
        RETURN content;
    END IF;
    guess := CASE WHEN parts IS NULL THEN pggit.rename_column_in_text(content, of_table, columns)
        ELSE pggit.rename_column_in_text(parts[1], of_table, columns) || parts[2]
            || pggit.rename_column_in_text(parts[3], parts[2], columns) || pggit.rename_column_in_text(parts[4], of_table, columns) END;
    RETURN CASE WHEN guess = wanted THEN wanted ELSE content END;
END
$$;
COMMENT ON FUNCTION pggit.guess_columns(text, text, text, pggit.rename[]) IS
'A piece of SQL about one table, and in a foreign key about the one that it leads to, after columns were renamed; wanted is what it is to become: the new names are put in only where that gives it.';

CREATE FUNCTION pggit.rename_in_definition(
    of_type text, key text, old_value jsonb, new_value jsonb, of_table text, renames pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text;
    body_at integer;
    fitting pggit.rename[];
BEGIN
    CASE jsonb_typeof(old_value)
        WHEN 'object' THEN
            RETURN coalesce((
                SELECT jsonb_object_agg(k.key, pggit.rename_in_definition(of_type, k.key, k.value, new_value -> k.key, of_table, renames))
                FROM jsonb_each(old_value) k), '{}');
        WHEN 'array' THEN
            RETURN coalesce((
                SELECT jsonb_agg(pggit.rename_in_definition(of_type, key, k.value, new_value -> (k.place::integer - 1), of_table, renames) ORDER BY k.place)
                FROM jsonb_array_elements(old_value) WITH ORDINALITY AS k (value, place)), '[]');
        WHEN 'string' THEN
            IF key IN ('name', 'comment', 'index_comment', 'multirange_comment', 'labels', 'acl', 'owner', 'options', 'initial') OR old_value = new_value THEN
                RETURN old_value;
            END IF;
            content := old_value #>> '{}';
            IF key = 'schema' THEN  -- the one name that stands there without what it qualifies
                RETURN to_jsonb(coalesce((SELECT CASE WHEN quote_ident(content) = r.old_identity THEN (parse_ident(r.new_identity))[1] ELSE r.new_identity END
                    FROM unnest(renames) r WHERE r.object_type = 'SCHEMA' AND content IN (r.old_identity, (parse_ident(r.old_identity))[1])), content));
            END IF;
            -- Types, relations and collations can have one name.
            fitting := ARRAY(
                SELECT r FROM unnest(renames) r
                WHERE r.old_column IS NULL AND CASE
                    WHEN key = 'collation' THEN r.object_type = 'SCHEMA'
                    WHEN key IN ('type', 'base', 'subtype', 'of_type', 'moving_type') THEN r.object_type NOT IN ('SEQUENCE', 'INDEX')
                    WHEN key IN ('sequence', 'parent') THEN r.object_type NOT IN ('TYPE', 'DOMAIN')
                    ELSE true END);
            -- PostgreSQL renames nothing inside the text of a function.
            body_at := CASE WHEN of_type IN ('FUNCTION', 'PROCEDURE') THEN pggit.text_body_at(content) ELSE 0 END;
            content := CASE WHEN body_at > 0 THEN pggit.rename_in_text(left(content, body_at), fitting) || substr(content, body_at + 1)
                ELSE pggit.rename_in_text(content, fitting) END;
            RETURN to_jsonb(CASE WHEN of_table IS NULL THEN content ELSE pggit.guess_columns(content, new_value #>> '{}', of_table, renames) END);
        ELSE
            RETURN old_value;
    END CASE;
END
$$;
COMMENT ON FUNCTION pggit.rename_in_definition(text, text, jsonb, jsonb, text, pggit.rename[]) IS
'A definition as it reads after the renames. new_value is what it is to become: a column''s new name is put in only where that gives it, and of_table says whose columns may stand there, by its new name.';

CREATE FUNCTION pggit.table_of_columns(of_type text, identity text, definition jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN of_type IN ('TABLE', 'FOREIGN TABLE') THEN identity
        WHEN of_type IN ('INDEX', 'STATISTICS', 'TRIGGER') THEN definition ->> 'table'
        WHEN of_type = 'POLICY' AND concat(definition ->> 'using', definition ->> 'check') !~ '\mSELECT\M' THEN definition ->> 'table'
        WHEN of_type = 'SEQUENCE' THEN pggit.owner_table(definition ->> 'owned_by') END;
END
$$;
COMMENT ON FUNCTION pggit.table_of_columns(text, text, jsonb) IS
'The one table whose columns can stand in an object''s definition; null where there may be more of them, as in a view.';

CREATE FUNCTION pggit.follow_change(definition jsonb, was jsonb, became jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN was = became OR was IS NULL OR became IS NULL THEN definition
        WHEN definition = was THEN became
        WHEN jsonb_typeof(definition) = 'object' AND jsonb_typeof(was) = 'object' AND jsonb_typeof(became) = 'object' THEN (
            SELECT coalesce(jsonb_object_agg(k.key, pggit.follow_change(k.value, was -> k.key, became -> k.key)), '{}') FROM jsonb_each(definition) k)
        ELSE definition END;
END
$$;
COMMENT ON FUNCTION pggit.follow_change(jsonb, jsonb, jsonb) IS
'A definition to which the same happens as to another one: what it has in common with was, at the same places, is as in became.';

CREATE FUNCTION pggit.follow_columns(
    of_type text, was_called text, is_called text, definition jsonb, done bigint[], undone bigint[], renames pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := pggit.ids_of(of_type, was_called) || pggit.ids_of(of_type, is_called);
    changes jsonb[];
    change jsonb;
    previous jsonb;
BEGIN
    -- What PostgreSQL made of it when a column was renamed stands in history, beside the table's own change.
    changes := ARRAY(
        SELECT DISTINCT CASE WHEN h.id = ANY (done) THEN jsonb_build_array(o.renamed, n.renamed) ELSE jsonb_build_array(n.renamed, o.renamed) END
        FROM pggit.history h
        JOIN pggit.history d ON d.transaction_id = h.transaction_id AND d.created_at = h.created_at AND d.command_tag = h.command_tag
        JOIN pggit.blobs was ON was.hash = d.old_blob AND was.hash = pggit.blob_hash(was.object_type, was.identity, was.definition)
        JOIN pggit.blobs became ON became.hash = d.new_blob AND became.hash = pggit.blob_hash(became.object_type, became.identity, became.definition)
        CROSS JOIN LATERAL (SELECT pggit.rename_in_definition(of_type, NULL, was.definition, NULL, NULL, pggit.renames_within(was.definition, renames))) AS o (renamed)
        CROSS JOIN LATERAL (SELECT pggit.rename_in_definition(of_type, NULL, became.definition, NULL, NULL, pggit.renames_within(became.definition, renames))) AS n (renamed)
        WHERE h.id = ANY (done || undone) AND h.change_type <> 'RESCAN' AND d.object_id = ANY (ids));
    -- One may begin with what another makes.
    FOR round IN 1 .. cardinality(changes) LOOP
        previous := definition;
        FOREACH change IN ARRAY changes LOOP
            definition := pggit.follow_change(definition, change -> 0, change -> 1);
        END LOOP;
        EXIT WHEN definition = previous;
    END LOOP;
    RETURN definition;
END
$$;
COMMENT ON FUNCTION pggit.follow_columns(text, text, text, jsonb, bigint[], bigint[], pggit.rename[]) IS
'An object''s definition after columns were renamed, as far as history has what that made of the same text before. done and undone: the changes in history that renamed these columns, and those that renamed them back.';

CREATE FUNCTION pggit.rename_table(definition jsonb, r pggit.rename, columns pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result jsonb := '{}';
    c record;
    c_rename pggit.rename;
    new_name text;
    value jsonb;
    old_table text := (parse_ident(r.old_identity))[2];
    new_table text := (parse_ident(r.new_identity))[2];
    named boolean := pggit.not_null_sql('', '') <> '';
    constraint_name text;
BEGIN
    FOR c IN SELECT k.key, k.value FROM jsonb_each(definition -> 'columns') k LOOP
        value := c.value;
        new_name := c.key;
        FOREACH c_rename IN ARRAY columns LOOP
            IF c_rename.old_column = c.key AND c_rename.new_identity = r.new_identity THEN
                new_name := c_rename.new_column;
            END IF;
        END LOOP;
        -- An identity column's sequence moves along with its table.
        IF value ? 'identity' AND pggit.schema_part(r.old_identity) <> pggit.schema_part(r.new_identity) THEN
            value := jsonb_set(value, '{identity,sequence}',
                to_jsonb(pggit.schema_part(r.new_identity) || '.' || pggit.name_part(value #>> '{identity,sequence}')));
        END IF;
        -- A NOT NULL constraint keeps the name that it got from the table's and the column's old ones.
        IF named AND value ? 'not_null' AND NOT value ? 'inherited' AND (old_table <> new_table OR new_name <> c.key) THEN
            constraint_name := coalesce(value #>> '{not_null_constraint,name}', pggit.default_not_null_name(old_table, c.key));
            value := value || jsonb_build_object('not_null_constraint', coalesce(value -> 'not_null_constraint', '{}') || jsonb_build_object(
                'name', constraint_name, 'definition', regexp_replace(
                    coalesce(value #>> '{not_null_constraint,definition}', 'NOT NULL ' || quote_ident(c.key)),
                    '^NOT NULL (?:"(?:[^"]|"")+"|[a-z_0-9]+)', 'NOT NULL ' || replace(quote_ident(new_name), '\', '\\'))));
            IF constraint_name = pggit.default_not_null_name(new_table, new_name) AND NOT value -> 'not_null_constraint' ? 'comment'
               AND value #>> '{not_null_constraint,definition}' !~ ' (NO INHERIT|NOT VALID)$' THEN
                value := value - 'not_null_constraint';
            END IF;
        END IF;
        result := result || jsonb_build_object(new_name, value);
    END LOOP;
    RETURN definition || jsonb_build_object('columns', result);
END
$$;
COMMENT ON FUNCTION pggit.rename_table(jsonb, pggit.rename, pggit.rename[]) IS
'A table''s definition after it, or columns of it, were renamed: what else changes by that.';

CREATE FUNCTION pggit.apply_renames(
    objects pggit.plan_object[], OUT renamed pggit.plan_object[], OUT statements pggit.plan_node[], OUT columns pggit.rename[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renames pggit.rename[] := ARRAY(SELECT r FROM pggit.find_renames(objects) r);
    moved pggit.rename[];
    left_over pggit.rename[];
    done bigint[];
    undone bigint[];
    constraints pggit.rename[];
BEGIN
    statements := '{}';
    -- Indexes and owned sequences move along with their table, but for a sequence that another table has then.
    moved := ARRAY(
        SELECT ROW(a.object_type, a.identity, pggit.schema_part(r.new_identity) || '.' || pggit.name_part(a.identity), NULL, NULL)::pggit.rename
        FROM pggit.goes_with_tables(objects) a
        JOIN unnest(renames) r ON r.object_type = 'TABLE' AND r.old_identity = a.of_table AND pggit.schema_part(r.new_identity) <> pggit.schema_part(a.identity)
        WHERE NOT (a.object_type = 'SEQUENCE' AND a.is_kept)
          AND NOT EXISTS (SELECT FROM unnest(renames) n WHERE n.object_type = a.object_type AND n.old_identity = a.identity));
    -- Both sides side by side, under the new names.
    renamed := ARRAY(
        SELECT ROW(coalesce(n.object_type, o.object_type), coalesce(n.identity, o.new_identity), o.old_definition, n.new_definition, n.column_order)::pggit.plan_object
        FROM (SELECT x.object_type, x.old_definition, coalesce(
                  (SELECT r.new_identity FROM unnest(renames || moved) r WHERE r.object_type = x.object_type AND r.old_identity = x.identity),
                  -- what has just that name is something else: a collation, say, of a table's name
                  pggit.rename_in_text(x.identity, ARRAY(
                      SELECT r FROM unnest(renames) r WHERE r.old_identity <> x.identity AND strpos(x.identity, r.old_identity) > 0))) AS new_identity
              FROM unnest(objects) x WHERE x.old_definition IS NOT NULL) o
        FULL JOIN (SELECT x.* FROM unnest(objects) x WHERE x.new_definition IS NOT NULL) n
            ON n.object_type = o.object_type AND n.identity = o.new_identity);
    columns := ARRAY(
        SELECT c FROM unnest(renamed) o
        CROSS JOIN LATERAL pggit.find_column_renames(o.object_type, coalesce(
            (SELECT r.old_identity FROM unnest(renames) r WHERE r.object_type = o.object_type AND r.new_identity = o.identity), o.identity),
            o.identity, o.old_definition, o.new_definition) c
        WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE') AND o.old_definition IS NOT NULL AND o.new_definition IS NOT NULL);
    -- A parent's column is renamed with all that inherit it, before anything leaves it: so either all of them have the
    -- new name afterwards, or none is renamed.
    LOOP
        left_over := ARRAY(
            SELECT c FROM unnest(columns) c JOIN unnest(renamed) o ON o.object_type = c.object_type AND o.identity = c.new_identity
            WHERE NOT EXISTS (
                    SELECT FROM unnest(renamed) x
                    WHERE x.old_definition -> 'parents' ? c.old_identity AND x.new_definition IS NOT NULL AND NOT EXISTS (
                        SELECT FROM unnest(columns) y
                        WHERE y.new_identity = x.identity AND y.old_column = c.old_column AND y.new_column = c.new_column))
              AND (NOT o.old_definition #> ARRAY['columns', c.old_column] ? 'inherited' OR EXISTS (
                    SELECT FROM unnest(columns) y
                    WHERE o.old_definition -> 'parents' ? y.old_identity AND y.old_column = c.old_column AND y.new_column = c.new_column)));
        EXIT WHEN cardinality(left_over) = cardinality(columns);
        columns := left_over;
    END LOOP;
    IF renames = '{}' AND columns = '{}' THEN
        renamed := objects;
    ELSE
        SELECT array_agg(x.id) FILTER (WHERE s.is_forward), array_agg(x.id) FILTER (WHERE NOT s.is_forward) INTO done, undone
        FROM (SELECT c.object_type, c.old_identity, c.new_identity, array_agg(c.old_column) AS list FROM unnest(columns) c GROUP BY 1, 2, 3) c
        JOIN unnest(renamed) o ON o.object_type = c.object_type AND o.identity = c.new_identity
        CROSS JOIN LATERAL pggit.trace_columns(c.object_type, c.old_identity, c.new_identity, o.old_definition, o.new_definition) s
        CROSS JOIN LATERAL unnest(s.steps, s.step_places) AS x (id, place)
        WHERE s.old_columns[x.place] = ANY (c.list);
        renamed := ARRAY(
            SELECT ROW(o.object_type, o.identity, CASE WHEN columns = '{}' OR d.definition = o.new_definition OR o.object_type IN ('TABLE', 'FOREIGN TABLE') THEN d.definition
                ELSE pggit.follow_columns(o.object_type, coalesce(t.old_identity, o.identity), o.identity, d.definition, done, undone, renames || moved) END,
                o.new_definition, o.column_order)::pggit.plan_object
            FROM unnest(renamed) o
            LEFT JOIN LATERAL (SELECT r.old_identity FROM unnest(renames) r WHERE r.object_type = o.object_type AND r.new_identity = o.identity) t ON true
            LEFT JOIN LATERAL (SELECT true AS found FROM unnest(columns) x WHERE x.new_identity = o.identity LIMIT 1) c ON true
            LEFT JOIN LATERAL (
                SELECT pggit.rename_in_definition(o.object_type, NULL,
                    CASE WHEN o.object_type = 'SEQUENCE' AND pggit.is_let_go(coalesce(t.old_identity, o.identity), o.identity, o.old_definition ->> 'owned_by', renames)
                        THEN o.old_definition - 'owned_by'
                        WHEN o.object_type IN ('TABLE', 'FOREIGN TABLE') AND (t.old_identity IS NOT NULL OR c.found)
                        THEN pggit.rename_table(o.old_definition, ROW(o.object_type, coalesce(t.old_identity, o.identity), o.identity, NULL, NULL)::pggit.rename, columns)
                        WHEN o.object_type = 'INDEX' AND t.old_identity IS NOT NULL
                        THEN o.old_definition || jsonb_build_object('definition', regexp_replace(o.old_definition ->> 'definition',
                            '^(CREATE (?:UNIQUE )?INDEX )(?:"(?:[^"]|"")+"|[^ ]+)', '\1' || replace(pggit.name_part(o.identity), '\', '\\')))
                        ELSE o.old_definition END,
                    o.new_definition, pggit.table_of_columns(o.object_type, o.identity, o.new_definition),
                    pggit.renames_within(o.old_definition, renames || moved || columns)) AS definition
            ) d ON o.old_definition IS NOT NULL);
    END IF;
    constraints := ARRAY(
        SELECT ROW(o.object_type, CASE WHEN NOT k.is_followed THEN o.identity END, o.identity, k.old_name, k.new_name)::pggit.rename
        FROM unnest(renamed) o
        CROSS JOIN LATERAL pggit.find_constraint_renames(o.identity, o.old_definition -> 'constraints', o.new_definition -> 'constraints', columns) k
        WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE')
          -- an index of that name may have to go first
          AND NOT EXISTS (SELECT FROM unnest(objects) x WHERE x.old_definition IS NOT NULL
                          AND x.identity = pggit.schema_part(o.identity) || '.' || quote_ident(k.new_name))
          -- or that of another table's key
          AND NOT EXISTS (SELECT FROM unnest(renamed) x
                          WHERE x.identity <> o.identity AND pggit.schema_part(x.identity) = pggit.schema_part(o.identity)
                            AND x.old_definition #>> ARRAY['constraints', k.new_name, 'definition'] ~ '^(PRIMARY KEY|UNIQUE|EXCLUDE)'));
    IF constraints <> '{}' THEN
        renamed := ARRAY(
            SELECT ROW(o.object_type, o.identity, CASE WHEN EXISTS (SELECT FROM unnest(constraints) r WHERE r.new_identity = o.identity)
                THEN o.old_definition || jsonb_build_object('constraints', (
                    SELECT jsonb_object_agg(coalesce(r.new_column, k.key), coalesce(o.new_definition #> ARRAY['constraints', r.new_column], k.value))
                    FROM jsonb_each(o.old_definition -> 'constraints') k
                    LEFT JOIN unnest(constraints) r ON r.new_identity = o.identity AND r.old_column = k.key))
                ELSE o.old_definition END, o.new_definition, o.column_order)::pggit.plan_object
            FROM unnest(renamed) o);
    END IF;
    statements := ARRAY(
        SELECT ROW(0, 'alter', pggit.element_key(x.object_type, x.new_identity, 'name'), x.object_type, x.new_identity, 'name', x.list,
                   NULL, NULL, NULL, NULL, 0, NULL, NULL, x.old_identity, NULL)::pggit.plan_node
        FROM (
            SELECT r.object_type, r.new_identity, r.old_identity, pggit.rename_statements(r, renames, objects) AS list, 1 AS kind, r.place
            FROM unnest(renames) WITH ORDINALITY AS r (object_type, old_identity, new_identity, old_column, new_column, place)
            UNION ALL
            SELECT c.object_type, c.new_identity, c.old_identity,
                ARRAY[format('ALTER TABLE %s RENAME COLUMN %I TO %I', c.new_identity, c.old_column, c.new_column)], 2, c.place
            FROM unnest(columns) WITH ORDINALITY AS c (object_type, old_identity, new_identity, old_column, new_column, place)
            -- that of a parent is renamed with the parent's
            JOIN unnest(objects) o ON o.object_type = c.object_type AND o.identity = c.old_identity AND o.old_definition IS NOT NULL
            WHERE NOT o.old_definition #> ARRAY['columns', c.old_column] ? 'inherited'
            UNION ALL
            SELECT k.object_type, k.new_identity, k.old_identity,
                ARRAY[format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', k.new_identity, k.old_column, k.new_column)], 3, k.place
            FROM unnest(constraints) WITH ORDINALITY AS k (object_type, old_identity, new_identity, old_column, new_column, place)
            WHERE k.old_identity IS NOT NULL
        ) x WHERE x.list <> '{}' ORDER BY x.kind, x.place);
END
$$;
COMMENT ON FUNCTION pggit.apply_renames(pggit.plan_object[]) IS
'The objects under their new names, as they are once they are renamed, the steps that rename them, and the columns that were renamed.';

CREATE FUNCTION pggit.rename_statements(
    renamed record, renames pggit.rename[], objects pggit.plan_object[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename := ROW(renamed.object_type, renamed.old_identity, renamed.new_identity, NULL, NULL)::pggit.rename;
    -- the name after what was renamed before it: its schema, its table
    current_identity text := r.old_identity;
    other pggit.rename;
    definition jsonb := (SELECT o.old_definition FROM unnest(objects) o WHERE o.object_type = r.object_type AND o.identity = r.old_identity);
    statements text[] := '{}';
    passing text;
BEGIN
    IF r.object_type = 'SCHEMA' THEN
        RETURN ARRAY[format('ALTER SCHEMA %s RENAME TO %s', r.old_identity, r.new_identity)];
    END IF;
    FOREACH other IN ARRAY renames LOOP
        IF other.object_type = 'SCHEMA' AND other.old_identity = pggit.schema_part(current_identity) THEN
            current_identity := other.new_identity || '.' || pggit.name_part(current_identity);
        ELSIF other.object_type = 'TABLE' AND r.object_type IN ('INDEX', 'SEQUENCE')
              AND (other.old_identity = definition ->> 'table' OR starts_with(definition ->> 'owned_by', other.old_identity || '.')
                   AND pggit.schema_part(other.new_identity) = pggit.schema_part(r.new_identity)) THEN
            current_identity := pggit.schema_part(other.new_identity) || '.' || pggit.name_part(current_identity);
        END IF;
    END LOOP;
    IF pggit.schema_part(current_identity) <> pggit.schema_part(r.new_identity) AND r.object_type <> 'INDEX' THEN
        IF EXISTS (SELECT FROM unnest(objects) o WHERE o.object_type = 'SCHEMA' AND o.old_definition IS NULL
                   AND o.identity = pggit.schema_part(r.new_identity))
           AND NOT EXISTS (SELECT FROM unnest(renames) x WHERE x.object_type = 'SCHEMA' AND x.new_identity = pggit.schema_part(r.new_identity))
        THEN
            statements := ARRAY['CREATE SCHEMA IF NOT EXISTS ' || pggit.schema_part(r.new_identity)];
        END IF;
        -- A sequence goes where its table goes, and nowhere else, unless it is let go first.
        IF r.object_type = 'SEQUENCE' AND pggit.is_let_go(r.old_identity, r.new_identity, definition ->> 'owned_by', renames) THEN
            statements := statements || format('ALTER SEQUENCE %s OWNED BY NONE', current_identity);
        END IF;
        statements := statements || ARRAY(
            SELECT format('ALTER SEQUENCE %s.%s OWNED BY NONE', pggit.schema_part(current_identity), pggit.name_part(o.identity)) FROM unnest(objects) o
            WHERE r.object_type = 'TABLE' AND o.object_type = 'SEQUENCE' AND starts_with(o.old_definition ->> 'owned_by', r.old_identity || '.')
              AND pggit.is_let_go(o.identity, coalesce(
                  (SELECT x.new_identity FROM unnest(renames) x WHERE x.object_type = 'SEQUENCE' AND x.old_identity = o.identity),
                  CASE WHEN o.new_definition IS NOT NULL THEN o.identity END), o.old_definition ->> 'owned_by', renames)
            ORDER BY o.identity COLLATE "C");
        -- The array type of what has a long name may have a name that is taken in the other schema; it gets another
        -- when the name changes.
        IF octet_length((parse_ident(current_identity))[2]) > 60 THEN
            passing := 'pggit_' || left(pggit.digest(r.new_identity), 24);
            statements := statements || format('ALTER %s %s RENAME TO %s', r.object_type, current_identity, passing);
            current_identity := pggit.schema_part(current_identity) || '.' || passing;
        END IF;
        statements := statements || format('ALTER %s %s SET SCHEMA %s', r.object_type, current_identity, pggit.schema_part(r.new_identity));
    END IF;
    IF pggit.name_part(current_identity) <> pggit.name_part(r.new_identity) THEN
        statements := statements || format('ALTER %s %s.%s RENAME TO %s', r.object_type, pggit.schema_part(r.new_identity),
                                           pggit.name_part(current_identity), pggit.name_part(r.new_identity));
    END IF;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.rename_statements(record, pggit.rename[], pggit.plan_object[]) IS
'Statements that give an object its new name; indexes and owned sequences move along with their table.';
