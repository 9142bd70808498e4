-- Pieces of DDL that many kinds of objects share. Text that comes out of a definition was written by
-- PostgreSQL itself and is qualified and quoted; single names are quoted here.

CREATE FUNCTION pggit.tokens_in(sql text) RETURNS TABLE (token text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- From left to right, so that a quote inside a name or a constant is none.
    RETURN QUERY SELECT m[1] FROM regexp_matches(
        sql, '(''(?:[^'']|'''')*''|(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)(?:[.](?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*))*[(]?)', 'g') m;
END
$$;
COMMENT ON FUNCTION pggit.tokens_in(text) IS
'The string constants, and the words and names with all their parts, of SQL that PostgreSQL wrote; one that a parenthesis follows at once comes with it.';

CREATE FUNCTION pggit.pieces_of(sql text) RETURNS TABLE (place bigint, piece text, is_constant boolean, is_name boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.place, p.m[1], starts_with(p.m[1], ''''), starts_with(p.m[1], '''') AND coalesce(
            lead(p.m[1]) OVER (ORDER BY p.place) ~ '^::reg(?:class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)(?![a-z0-9_.$"])', false)
    -- and a quote by itself, in what is no SQL
    FROM regexp_matches(sql, '(''(?:[^'']|'''')*''|(?:"(?:[^"]|"")*"|[^''"])+|[''"])', 'g') WITH ORDINALITY AS p (m, place);
END
$$;
COMMENT ON FUNCTION pggit.pieces_of(text) IS
'SQL that PostgreSQL wrote, cut into its string constants and what stands between them. is_name: the constant is the name of something, which follows a rename (''public.t''::regclass).';

CREATE FUNCTION pggit.text_body_at(definition text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE substring(definition FROM E'\n(AS |BEGIN ATOMIC|RETURN )') WHEN 'AS ' THEN strpos(definition, E'\nAS ') ELSE 0 END;
END
$$;
COMMENT ON FUNCTION pggit.text_body_at(text) IS
'Where in a function''s definition its body begins that is a text; 0 for a body in SQL, whose names PostgreSQL has resolved.';

CREATE FUNCTION pggit.mentions_in(sql text) RETURNS TABLE (name text, called text, is_quoted boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, x.called, x.is_quoted
    FROM pggit.tokens_in(sql) t
    -- A name in a string constant ('public.s'::regclass) has its quotes doubled, and no parenthesis, whatever it is.
    CROSS JOIN LATERAL (
        SELECT t.token AS part, CASE WHEN t.token ~ '[(]$' THEN '(' ELSE '' END AS called, false AS is_quoted WHERE t.token !~ '^'''
        UNION ALL SELECT i.token, c.called, true
            FROM pggit.tokens_in(replace(substr(t.token, 2, length(t.token) - 2), '''''', '''')) i CROSS JOIN (VALUES (''), ('(')) AS c (called)
            WHERE t.token ~ '^''.*[.]' AND i.token !~ '^''') x
    CROSS JOIN LATERAL (SELECT substring(x.part FROM '^((?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)[.](?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*))') AS name) n
    WHERE n.name IS NOT NULL AND NOT starts_with(n.name, 'pg_catalog.');
END
$$;
COMMENT ON FUNCTION pggit.mentions_in(text) IS
'The qualified names that stand in a piece of SQL, each with the parenthesis that follows it, if one does; one in a string constant (is_quoted) both with and without.';

CREATE FUNCTION pggit.names_in(sql text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT m.name FROM pggit.mentions_in(sql) m);
END
$$;
COMMENT ON FUNCTION pggit.names_in(text) IS
'The qualified names that stand in a piece of SQL: what it may depend on. May give too many, never too few.';

CREATE FUNCTION pggit.as_pattern(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(name, '([\\.^$*+?()\[\]{}|])', '\\\1', 'g');
END
$$;
COMMENT ON FUNCTION pggit.as_pattern(text) IS 'A regular expression that matches just this text.';

CREATE FUNCTION pggit.as_word(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN '(?<![a-z0-9_"])' || pggit.as_pattern(name) || '(?![a-z0-9_"])';
END
$$;
COMMENT ON FUNCTION pggit.as_word(text) IS 'A regular expression that matches a name, quoted where it needs to be, as a word of its own.';

CREATE FUNCTION pggit.mentions(sql text, name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Most of what is asked does not even hold the letters.
    RETURN strpos(sql, name) > 0 AND sql ~ pggit.as_word(name);
END
$$;
COMMENT ON FUNCTION pggit.mentions(text, text) IS 'Whether a name, quoted where it needs to be, stands in a piece of SQL as a word of its own.';

CREATE FUNCTION pggit.needs_in(sql text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT w.want
        -- where a foreign key leads to is no function
        FROM pggit.mentions_in(regexp_replace(sql, '( REFERENCES (?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^."(]+))[(]', '\1 (', 'g')) m
        CROSS JOIN LATERAL (
            SELECT m.name || m.called
            -- 'public.i'::regclass may be an index, which may have the name of a type
            UNION ALL SELECT 'index ' || m.name WHERE m.is_quoted AND strpos(sql, '''::regclass') > 0) AS w (want));
END
$$;
COMMENT ON FUNCTION pggit.needs_in(text) IS
'What the parts of an object need of what a piece of SQL mentions: the qualified names, those of functions with a parenthesis after them, since a function can have the name of a table or type.';

CREATE FUNCTION pggit.as_written(sql text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(  -- and nothing within a constant or a name
        sql, $re$('(?:[^']|'')*'|"(?:[^"]|"")*")|\((ARRAY\[(?:[^]['"]|'(?:[^']|'')*'|"(?:[^"]|"")*")*\])\)::(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_ ]*|[.]|\([0-9,]+\))+\[\]$re$,
        '\1\2', 'g');
END
$$;
COMMENT ON FUNCTION pggit.as_written(text) IS
'A statement in words that PostgreSQL reads as they were meant: a list of constants that an operator takes in another type it writes (ARRAY[...])::type[], and reads that as a list whose every constant is cast.';

CREATE FUNCTION pggit.may_evaluate(sql text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A constant of somebody's type is read by that type while the statement is parsed, and with it run the
    -- checks of domains inside; an aggregate's first state is tried, too.
    RETURN sql ~ '::("(?:[^"]|"")+"|[a-z_][a-z0-9_]*)[.]'
        OR sql ~ '^CREATE AGGREGATE .* M?STYPE = [^,]*[.].*INITCOND = '
        -- PostgreSQL works out what it can of a partition key and of what is generated.
        OR sql ~ '^CREATE [A-Z ]*TABLE ' AND sql ~ ' (PARTITION BY|GENERATED ALWAYS AS [(])' AND NOT pggit.is_harmless(sql);
END
$$;
COMMENT ON FUNCTION pggit.may_evaluate(text) IS
'Whether PostgreSQL may run code of somebody''s, a domain''s check or a function, merely to take a statement that PostgreSQL wrote. May say so too often, never too seldom.';

CREATE FUNCTION pggit.is_harmless(sql text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL's own functions have a superuser's powers, too (pg_read_file, query_to_xml, set_config), so only those
    -- that are known to do nothing else count as harmless; in capitals are words of SQL.
    RETURN strpos(sql, 'OPERATOR(') = 0 AND NOT EXISTS (
        SELECT FROM pggit.tokens_in(sql) t
        WHERE t.token ~ '[(]$' AND t.token !~ '^[A-Z_]+[(]$' AND rtrim(t.token, '(') <> ALL (ARRAY[
            'nextval', 'now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp', 'timezone', 'date_trunc', 'date_part',
            'make_date', 'age', 'to_char', 'to_date', 'to_timestamp', 'gen_random_uuid', 'random', 'md5', 'sha256', 'lower', 'upper',
            'initcap', 'length', 'char_length', 'octet_length', 'btrim', 'ltrim', 'rtrim', 'lpad', 'rpad', 'substr', 'substring', 'left',
            'right', 'replace', 'split_part', 'starts_with', 'concat', 'concat_ws', 'abs', 'sign', 'round', 'ceil', 'floor', 'trunc',
            'mod', 'array_length', 'cardinality', 'jsonb_typeof', 'json_typeof', 'jsonb_build_object', 'jsonb_build_array',
            'to_tsvector', 'num_nonnulls', 'num_nulls', 'lower_inf', 'upper_inf', 'isempty', 'isfinite',
            'numeric', 'varying', 'character', 'char', 'bpchar', 'varchar', 'bit', 'time', 'timestamp', 'timestamptz', 'interval']));
END
$$;
COMMENT ON FUNCTION pggit.is_harmless(text) IS
'Whether a piece of SQL that PostgreSQL wrote calls nothing but functions that are known to do no harm with whatever rights, and no operator of somebody''s. Types are another matter: may_evaluate() and has_code() look at them.';

CREATE FUNCTION pggit.storage_word(letter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE letter WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END;
END
$$;
COMMENT ON FUNCTION pggit.storage_word(text) IS 'How SET STORAGE calls a column''s storage; what is not known is EXTENDED.';

CREATE FUNCTION pggit.type_storage(type_name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- SET STORAGE DEFAULT came with PostgreSQL 16
    RETURN pggit.storage_word((SELECT t.typstorage::text FROM pg_type t WHERE t.oid = to_regtype(type_name)));
END
$$;
COMMENT ON FUNCTION pggit.type_storage(text) IS 'The storage that a column of a type has where none is set.';

CREATE FUNCTION pggit.option_list(options jsonb, prefix text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(prefix || quote_ident(split_part(o, '=', 1)) || '='
                              || quote_literal(substr(o, strpos(o, '=') + 1)), ', ' ORDER BY o COLLATE "C")
            FROM jsonb_array_elements_text(options) o);
END
$$;
COMMENT ON FUNCTION pggit.option_list(jsonb, text) IS 'Storage options as they stand in WITH or SET.';

CREATE FUNCTION pggit.option_changes(
    command text, old_options jsonb, new_options jsonb, prefix text DEFAULT '') RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone text := (
        SELECT string_agg(prefix || quote_ident(split_part(o, '=', 1)), ', ' ORDER BY o COLLATE "C")
        FROM jsonb_array_elements_text(old_options) o
        WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(new_options) n
                          WHERE split_part(n, '=', 1) = split_part(o, '=', 1)));
BEGIN
    RETURN array_remove(ARRAY[
        command || ' RESET (' || gone || ')',
        command || ' SET (' || pggit.option_list(new_options, prefix) || ')'], NULL);
END
$$;
COMMENT ON FUNCTION pggit.option_changes(text, jsonb, jsonb, text) IS
'Statements that bring storage options from one list to another; command is the ALTER up to the object.';

-- A foreign option whose value was not recorded, since it may be a secret, has no "=".
CREATE FUNCTION pggit.foreign_options(options jsonb, verb text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(verb || quote_ident(split_part(o, '=', 1)) || ' '
                || CASE WHEN strpos(o, '=') > 0 THEN quote_literal(substr(o, strpos(o, '=') + 1))
                        ELSE '''(not recorded)''' END, ', ' ORDER BY o COLLATE "C")
            FROM jsonb_array_elements_text(options) o);
END
$$;
COMMENT ON FUNCTION pggit.foreign_options(jsonb, text) IS
'Options of something foreign as they stand in OPTIONS; a value that was not recorded is to be set by hand.';

CREATE FUNCTION pggit.foreign_option_changes(command text, old_options jsonb, new_options jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changes text := (
        SELECT string_agg(
            CASE WHEN n.o IS NULL THEN 'DROP ' || quote_ident(w.name)
                 ELSE CASE WHEN w.name IS NULL THEN 'ADD ' ELSE 'SET ' END
                      || pggit.foreign_options(jsonb_build_array(n.o)) END,
            ', ' ORDER BY coalesce(n.name, w.name) COLLATE "C")
        FROM (SELECT split_part(o, '=', 1) AS name, o FROM jsonb_array_elements_text(old_options) o) w
        FULL JOIN (SELECT split_part(o, '=', 1) AS name, o FROM jsonb_array_elements_text(new_options) o) n USING (name)
        WHERE n.o IS DISTINCT FROM w.o);
BEGIN
    RETURN array_remove(ARRAY[command || ' OPTIONS (' || changes || ')'], NULL);
END
$$;
COMMENT ON FUNCTION pggit.foreign_option_changes(text, jsonb, jsonb) IS
'Statements that bring foreign options from one list to another.';

CREATE FUNCTION pggit.sequence_options(s jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s %s', s ->> 'increment', s ->> 'min',
                  s ->> 'max', s ->> 'start', s ->> 'cache', CASE WHEN (s ->> 'cycle')::boolean THEN 'CYCLE' ELSE 'NO CYCLE' END);
END
$$;
COMMENT ON FUNCTION pggit.sequence_options(jsonb) IS 'A sequence''s options as CREATE and ALTER SEQUENCE take them.';

-- Privileges -----------------------------------------------------------------------------------------

CREATE FUNCTION pggit.acl_entries(kind "char", owner text, acl jsonb)
RETURNS TABLE (grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF acl IS NULL THEN
        -- what a new object has, whoever's that may be: the letters alone are taken
        RETURN QUERY
        SELECT CASE WHEN starts_with(i::text, '=') THEN '' ELSE owner END,
            substring(i::text FROM '=([a-zA-Z*]*)/'), owner
        FROM unnest(acldefault(kind, 10)) i;
    ELSE
        RETURN QUERY
        SELECT CASE WHEN starts_with(m[1], '"') THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END,
            m[2],
            CASE WHEN starts_with(m[3], '"') THEN replace(substr(m[3], 2, length(m[3]) - 2), '""', '"') ELSE m[3] END
        FROM jsonb_array_elements_text(acl) i
        CROSS JOIN LATERAL regexp_match(i, '^("(?:[^"]|"")*"|[^=]*)=([a-zA-Z*]*)/(.*)$') m;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.acl_entries("char", text, jsonb) IS
'Privileges taken apart: role names (empty for PUBLIC) and PostgreSQL''s letters, each followed by * with grant option. Null stands for what a new object has.';

CREATE FUNCTION pggit.privilege_words(letters text, with_option boolean, columns text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT string_agg(
            CASE m[1] WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                WHEN 'D' THEN 'TRUNCATE' WHEN 'x' THEN 'REFERENCES' WHEN 't' THEN 'TRIGGER' WHEN 'm' THEN 'MAINTAIN'
                WHEN 'X' THEN 'EXECUTE' WHEN 'U' THEN 'USAGE' WHEN 'C' THEN 'CREATE' END || columns, ', ')
        FROM regexp_matches(letters, '([a-zA-Z])([*]?)', 'g') m
        WHERE (m[2] = '*') = with_option);
END
$$;
COMMENT ON FUNCTION pggit.privilege_words(text, boolean, text) IS
'The privileges that letters stand for, those with grant option or those without; columns is appended to each.';

CREATE FUNCTION pggit.role_word(role_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE role_name WHEN '' THEN 'PUBLIC' ELSE quote_ident(role_name) END;
END
$$;
COMMENT ON FUNCTION pggit.role_word(text) IS 'A role as GRANT names it; the empty name is PUBLIC.';

CREATE FUNCTION pggit.grants(
    prefix text, target text, owner text, grantee text, letters text, grantor text, columns text DEFAULT '')
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plain text := pggit.privilege_words(letters, false, columns);
    optional text := pggit.privilege_words(letters, true, columns);
    given text[] := array_remove(ARRAY[
        prefix || 'GRANT ' || plain || ' ON ' || target || ' TO ' || pggit.role_word(grantee),
        prefix || 'GRANT ' || optional || ' ON ' || target || ' TO ' || pggit.role_word(grantee) || ' WITH GRANT OPTION'], NULL);
BEGIN
    IF grantor IS DISTINCT FROM owner AND given <> '{}' THEN
        RETURN 'SET ROLE ' || quote_ident(grantor) || given || ARRAY['RESET ROLE'];
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION pggit.grants(text, text, text, text, text, text, text) IS
'Statements for one entry of an access list. A grant that somebody else than the owner made is made in that role, and every grant when owner is null.';

CREATE FUNCTION pggit.acl_with_columns(kind "char", owner text, acl jsonb, columns jsonb)
RETURNS TABLE (column_name text, grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT NULL::text, a.grantee, a.letters, a.grantor FROM pggit.acl_entries(kind, owner, acl) a
    UNION ALL
    SELECT c.key, a.grantee, a.letters, a.grantor FROM jsonb_each(columns) c CROSS JOIN LATERAL pggit.acl_entries('c', owner, c.value) a;
END
$$;
COMMENT ON FUNCTION pggit.acl_with_columns("char", text, jsonb, jsonb) IS
'Privileges on an object, where column_name is null, and on its columns, taken apart.';

CREATE FUNCTION pggit.acl_in_order(kind "char", owner text, acl jsonb, columns jsonb)
RETURNS TABLE (column_name text, grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE entry AS MATERIALIZED (
        SELECT a.column_name AS of_column, a.grantee AS to_role, a.grantor AS by_role, m.found[1] AS letter, m.found[2] AS option, m.place
        FROM pggit.acl_with_columns(kind, owner, acl, columns) a
        CROSS JOIN LATERAL regexp_matches(a.letters, '([a-zA-Z])([*]?)', 'g') WITH ORDINALITY AS m (found, place)
    ), may_grant AS (
        SELECT DISTINCT NULL AS of_column, owner AS by_role, e.letter, 0 AS distance FROM entry e
        UNION
        SELECT e.of_column, e.to_role, e.letter, g.distance + 1
        FROM may_grant g
        JOIN entry e ON e.by_role = g.by_role AND e.letter = g.letter AND e.option = '*' AND e.to_role <> owner
            AND (g.of_column IS NULL OR g.of_column = e.of_column)
        -- two who have it from a third may give it to each other, too: the shortest way is asked for
        WHERE g.distance < (SELECT count(DISTINCT e.to_role) FROM entry e)
    )
    SELECT e.of_column, e.to_role, string_agg(e.letter || e.option, '' ORDER BY e.place), e.by_role
    FROM entry e
    CROSS JOIN LATERAL (
        SELECT min(g.distance) AS distance FROM may_grant g
        WHERE g.by_role = e.by_role AND g.letter = e.letter AND (g.of_column IS NULL OR g.of_column = e.of_column)) d
    GROUP BY e.of_column, e.to_role, e.by_role, d.distance
    ORDER BY e.of_column IS NOT NULL, d.distance, e.of_column COLLATE "C", e.to_role COLLATE "C", e.by_role COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.acl_in_order("char", text, jsonb, jsonb) IS
'Privileges on an object (column_name is null) and its columns, so ordered that who gives some on was given them before.';

CREATE FUNCTION pggit.acl_changes(
    kind "char", target text, old_acl jsonb, old_owner text, new_acl jsonb, new_owner text,
    reset_roles text[] DEFAULT NULL, old_columns jsonb DEFAULT NULL, new_columns jsonb DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statements text[] := '{}';
    revokes text[] := '{}';
    e record;
    -- Privileges of others' giving hang on each other, and REVOKE takes those on columns along: then all is done anew.
    anew boolean := reset_roles IS NOT NULL OR old_columns IS NOT NULL OR new_columns IS NOT NULL OR old_owner <> new_owner AND old_acl IS NOT NULL
        OR EXISTS (SELECT FROM pggit.acl_entries(kind, old_owner, old_acl) o WHERE o.grantor <> old_owner)
        OR EXISTS (SELECT FROM pggit.acl_entries(kind, new_owner, new_acl) n WHERE n.grantor <> new_owner);
    -- Of a member of several roles that may grant, PostgreSQL takes any of them for the grantor, unless it is the owner
    -- itself or a superuser, who grants in the owner's name.
    others_may_grant boolean := current_user <> new_owner AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AND EXISTS (
        SELECT FROM (
            SELECT unnest(reset_roles) AS grantee, '*' AS letters
            UNION ALL SELECT o.grantee, o.letters FROM pggit.acl_with_columns(kind, old_owner, old_acl, old_columns) o
            UNION ALL SELECT n.grantee, n.letters FROM pggit.acl_with_columns(kind, new_owner, new_acl, new_columns) n) x
        JOIN pg_roles r ON r.rolname = x.grantee AND pg_has_role(r.oid, 'USAGE')
        WHERE x.grantee NOT IN (old_owner, new_owner) AND x.letters LIKE '%*%');
    giver text := CASE WHEN NOT others_may_grant THEN new_owner END;
BEGIN
    -- Those who gave something to each other go on having it when the owner takes it away.
    FOR e IN
        WITH RECURSIVE given AS (
            SELECT DISTINCT o.grantor, o.grantee FROM pggit.acl_with_columns(kind, old_owner, old_acl, old_columns) o
            WHERE o.grantor <> old_owner AND o.letters LIKE '%*%'
        ), reached AS (
            SELECT g.grantor, g.grantee, g.grantee AS by_way_of FROM given g
            UNION SELECT r.grantor, r.grantee, g.grantee FROM reached r JOIN given g ON g.grantor = r.by_way_of
        )
        SELECT r.grantor, r.grantee FROM reached r
        WHERE r.by_way_of = r.grantor AND r.grantor <> new_owner ORDER BY r.grantor COLLATE "C", r.grantee COLLATE "C"
    LOOP
        statements := statements || ARRAY['SET ROLE ' || quote_ident(e.grantor), format('REVOKE ALL ON %s FROM %s CASCADE', target, pggit.role_word(e.grantee)), 'RESET ROLE'];
    END LOOP;
    FOR e IN
        SELECT x.grantee FROM (
            SELECT CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AS grantee
            FROM pggit.acl_entries(kind, old_owner, old_acl) o
            WHERE anew OR NOT EXISTS (
                SELECT FROM pggit.acl_entries(kind, new_owner, new_acl) n
                WHERE n.grantee = CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AND n.letters = o.letters)
            UNION ALL
            SELECT o.grantee FROM jsonb_each(old_columns) c CROSS JOIN LATERAL pggit.acl_entries('c', old_owner, c.value) o
            UNION ALL SELECT r FROM unnest(reset_roles) r
        ) x GROUP BY x.grantee ORDER BY x.grantee COLLATE "C"
    LOOP
        revokes := revokes || format('REVOKE ALL ON %s FROM %s CASCADE', target, pggit.role_word(e.grantee));
    END LOOP;
    statements := statements || CASE WHEN others_may_grant AND revokes <> '{}'
        THEN 'SET ROLE ' || quote_ident(new_owner) || revokes || ARRAY['RESET ROLE'] ELSE revokes END;
    FOR e IN
        SELECT n.* FROM pggit.acl_in_order(kind, new_owner, new_acl, new_columns) n
        WHERE anew OR NOT EXISTS (
            SELECT FROM pggit.acl_entries(kind, old_owner, old_acl) o
            WHERE n.grantee = CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AND n.letters = o.letters)
    LOOP
        statements := statements || pggit.grants(
            '', target, giver, e.grantee, e.letters, e.grantor, coalesce(' (' || quote_ident(e.column_name) || ')', ''));
    END LOOP;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.acl_changes("char", text, jsonb, text, jsonb, text, text[], jsonb, jsonb) IS
'Statements that bring an object''s privileges, and those of its columns, from one list to another. reset_roles: roles that may hold privileges by default privileges.';
