-- Three-way merge of definitions. Nothing here reads or writes a table of pgGit's: it is arithmetic on jsonb,
-- in which SQL null stands for what is not there. What only one side changed is taken, the same change on both
-- sides is one change, and anything else is a conflict at the place where the sides part.

CREATE FUNCTION pggit.list_as_map(list jsonb, is_acl boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item_pattern constant text := '^((?:"(?:[^"]|"")*"|[^="])*)=([A-Za-z*]*)/(.*)$';
BEGIN
    IF is_acl THEN
        -- One entry a privilege, so that two grants to the same role go together; * is the grant option.
        RETURN (
            SELECT coalesce(jsonb_object_agg(p.item[1] || '=' || l.letter[1] || '/' || p.item[3], l.letter[2]), '{}')
            FROM jsonb_array_elements_text(list) i
            CROSS JOIN LATERAL regexp_match(i, item_pattern) AS p (item)
            CROSS JOIN LATERAL regexp_matches(p.item[2], '([A-Za-z])([*]?)', 'g') AS l (letter));
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(split_part(i, '=', 1), i), '{}') FROM jsonb_array_elements_text(list) i);
END
$$;
COMMENT ON FUNCTION pggit.list_as_map(jsonb, boolean) IS
'A list of options by name, or a list of granted privileges by role and privilege, so that both can be merged entry by entry.';

CREATE FUNCTION pggit.map_as_list(map jsonb, is_acl boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry_pattern constant text := '^((?:"(?:[^"]|"")*"|[^="])*)=([A-Za-z])/(.*)$';
    list jsonb;
BEGIN
    IF is_acl THEN
        SELECT jsonb_agg(g.item ORDER BY g.item COLLATE "C") INTO list
        FROM (
            -- PostgreSQL writes the letters in this order.
            SELECT p.part[1] || '=' || string_agg(p.part[2] || m.value, '' ORDER BY strpos('arwdDxtXUCTcsAm', p.part[2]))
                || '/' || p.part[3] AS item
            FROM jsonb_each_text(map) AS m (key, value)
            CROSS JOIN LATERAL regexp_match(m.key, entry_pattern) AS p (part)
            GROUP BY p.part[1], p.part[3]
        ) g;
    ELSE
        SELECT jsonb_agg(m.value ORDER BY m.value COLLATE "C") INTO list FROM jsonb_each_text(map) AS m (key, value);
    END IF;
    RETURN coalesce(list, '[]');
END
$$;
COMMENT ON FUNCTION pggit.map_as_list(jsonb, boolean) IS 'The way back from list_as_map().';

CREATE FUNCTION pggit.merge_values(
    path text[], one_owner boolean, base jsonb, ours jsonb, theirs jsonb, OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    depth integer := cardinality(path);
    name text := path[depth];
    -- Names of columns and constraints stand at depth 2: there a word means nothing.
    is_named_map boolean := depth = 1 AND name IN ('columns', 'constraints', 'inherited_triggers', 'statistics');
    is_acl boolean := depth <> 2 AND name = 'acl';
    is_options boolean := depth <> 2 AND name IN ('options', 'toast_options', 'fdw_options', 'index_options');
    part record;
    key text;
BEGIN
    conflicts := '[]';
    IF ours IS NOT DISTINCT FROM theirs OR theirs IS NOT DISTINCT FROM base THEN
        merged := ours;
        RETURN;
    ELSIF ours IS NOT DISTINCT FROM base THEN
        merged := theirs;
        RETURN;
    ELSIF is_acl AND one_owner AND (depth = 3 OR base IS NOT NULL AND ours IS NOT NULL AND theirs IS NOT NULL)
          OR is_options
    THEN
        -- Without items a list of options is left out, and so is a column's of privileges. Any other null list of
        -- privileges means those that a new object has, which are not known here.
        SELECT m.merged AS value, m.conflicts AS found INTO part
        FROM pggit.merge_values(
            '{items}', true, pggit.list_as_map(coalesce(base, '[]'), is_acl), pggit.list_as_map(coalesce(ours, '[]'), is_acl),
            pggit.list_as_map(coalesce(theirs, '[]'), is_acl)) m;
        IF part.found = '[]' THEN
            merged := pggit.map_as_list(part.value, is_acl);
            IF merged = '[]' AND (is_options OR depth = 3) THEN
                merged := NULL;
            END IF;
            RETURN;
        END IF;
    ELSIF is_named_map
          AND coalesce(jsonb_typeof(base), 'object') = 'object' AND coalesce(jsonb_typeof(ours), 'object') = 'object'
          AND coalesce(jsonb_typeof(theirs), 'object') = 'object'
          OR jsonb_typeof(base) = 'object' AND jsonb_typeof(ours) = 'object' AND jsonb_typeof(theirs) = 'object'
    THEN
        merged := '{}';
        FOR key IN
            SELECT DISTINCT k
            FROM (VALUES (base), (ours), (theirs)) AS side (value)
            CROSS JOIN LATERAL jsonb_object_keys(coalesce(side.value, '{}')) k
            ORDER BY k
        LOOP
            SELECT m.merged AS value, m.conflicts AS found INTO part
            FROM pggit.merge_values(path || key, one_owner, base -> key, ours -> key, theirs -> key) m;
            IF part.value IS NOT NULL THEN
                merged := merged || jsonb_build_object(key, part.value);
            END IF;
            conflicts := conflicts || part.found;
        END LOOP;
        -- A column has only one of these: what each side did may be unable to stand together.
        IF depth <> 2 OR path[1] <> 'columns' OR conflicts <> '[]'
           OR (merged ? 'default')::integer + (merged ? 'generated')::integer + (merged ? 'identity')::integer < 2
        THEN
            RETURN;
        END IF;
    END IF;
    merged := ours;
    conflicts := jsonb_build_array(jsonb_build_object('path', path, 'base', base, 'ours', ours, 'theirs', theirs));
END
$$;
COMMENT ON FUNCTION pggit.merge_values(text[], boolean, jsonb, jsonb, jsonb) IS
'Merges two changes of the value at a path of a definition. Each conflict has its path and the three values; merged has our side there. one_owner: both sides have the same owner, so their lists of privileges name the same grantor.';

CREATE FUNCTION pggit.default_acl(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind "char" := CASE
        WHEN object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW') THEN 'r'
        WHEN object_type = 'SEQUENCE' THEN 's'
        WHEN object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN 'f'
        WHEN object_type = 'SCHEMA' THEN 'n'
        WHEN object_type IN ('TYPE', 'DOMAIN') THEN 'T'
        WHEN object_type = 'FOREIGN DATA WRAPPER' THEN 'F'
        WHEN object_type = 'SERVER' THEN 'S' END;
    owner oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = definition ->> 'owner');
BEGIN
    IF kind IS NULL OR owner IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN to_jsonb(ARRAY(SELECT i::text FROM unnest(acldefault(kind, owner)) i ORDER BY i::text COLLATE "C"));
END
$$;
COMMENT ON FUNCTION pggit.default_acl(text, jsonb) IS
'The privileges of a new object of that type and owner, which a definition leaves out; null where that cannot be told.';

CREATE FUNCTION pggit.with_acl(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('acl', pggit.default_acl(object_type, definition))) || definition;
END
$$;
COMMENT ON FUNCTION pggit.with_acl(text, jsonb) IS 'A definition with its privileges written out.';

CREATE FUNCTION pggit.canonical_definition(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    canonical jsonb := jsonb_strip_nulls(definition);
    empty text;
BEGIN
    IF canonical -> 'acl' = pggit.default_acl(object_type, canonical) THEN
        canonical := canonical - 'acl';
    END IF;
    FOREACH empty IN ARRAY ARRAY['constraints', 'inherited_triggers', 'statistics', 'options', 'toast_options', 'fdw_options'] LOOP
        IF canonical -> empty IN ('{}', '[]') THEN
            canonical := canonical - empty;
        END IF;
    END LOOP;
    RETURN canonical;
END
$$;
COMMENT ON FUNCTION pggit.canonical_definition(text, jsonb) IS
'A definition as the readers write it: what has its default value is left out.';

CREATE FUNCTION pggit.merge_definitions(
    object_type text, base jsonb, ours jsonb, theirs jsonb, OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one_owner boolean;
BEGIN
    IF base IS NULL OR ours IS NULL OR theirs IS NULL
       OR object_type IN ('VIEW', 'MATERIALIZED VIEW')  -- its columns follow from its query
          AND ours -> 'query' <> theirs -> 'query' AND base -> 'query' <> ours -> 'query' AND base -> 'query' <> theirs -> 'query'
    THEN
        SELECT m.merged, m.conflicts INTO merged, conflicts
        FROM pggit.merge_values('{}', false, to_jsonb(base::text), to_jsonb(ours::text), to_jsonb(theirs::text)) m;
        IF conflicts <> '[]' THEN
            conflicts := jsonb_build_array(jsonb_build_object(
                'path', '{}'::text[], 'base', base, 'ours', ours, 'theirs', theirs));
        END IF;
        merged := (merged #>> '{}')::jsonb;
        RETURN;
    END IF;
    one_owner := ours -> 'owner' IS NOT DISTINCT FROM theirs -> 'owner';
    SELECT m.merged, m.conflicts INTO merged, conflicts
    FROM pggit.merge_values('{}', one_owner, pggit.with_acl(object_type, base), pggit.with_acl(object_type, ours),
                            pggit.with_acl(object_type, theirs)) m;
    IF NOT one_owner AND ours <> base AND theirs <> base AND NOT conflicts @> '[{"path": ["owner"]}]' THEN
        -- Nobody's change is given to another owner unasked: a function or default runs with its owner's rights.
        conflicts := conflicts || jsonb_build_object(
            'path', '{owner}'::text[], 'base', base -> 'owner', 'ours', ours -> 'owner', 'theirs', theirs -> 'owner');
        merged := merged || jsonb_build_object('owner', ours -> 'owner');
    END IF;
    merged := pggit.canonical_definition(object_type, merged);
END
$$;
COMMENT ON FUNCTION pggit.merge_definitions(text, jsonb, jsonb, jsonb) IS
'Three-way merge of an object''s definitions; null where a side has no such object.';

CREATE FUNCTION pggit.put_at(definition jsonb, path text[], value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF path = '{}' THEN
        RETURN value;
    ELSIF value IS NULL AND definition -> path[1] IS NULL THEN
        RETURN definition;
    ELSIF value IS NULL AND cardinality(path) = 1 THEN
        RETURN definition - path[1];
    END IF;
    RETURN coalesce(definition, '{}')
        || jsonb_build_object(path[1], pggit.put_at(definition -> path[1], path[2:], value));
END
$$;
COMMENT ON FUNCTION pggit.put_at(jsonb, text[], jsonb) IS
'A definition with another value at a path; null takes away what is there, and an empty path stands for the whole.';
