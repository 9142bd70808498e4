-- Differences for people: what differs, and the script that takes one schema to the other.

CREATE FUNCTION pggit.diff(a text, b text)
RETURNS TABLE (change text, object_type text, object text, part text, old_state jsonb, new_state jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    old_tree text := pggit.tree_of(a);
    new_tree text := pggit.tree_of(b);
BEGIN
    RETURN QUERY
    SELECT d.change, d.object_type, d.identity, d.part, d.old_state, d.new_state
    FROM pggit.changed_objects(old_tree, new_tree) o
    CROSS JOIN LATERAL pggit.object_differences(o) d
    ORDER BY d.object_type, d.identity COLLATE "C", d.part COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.diff(text, text) IS
'What differs between two of: a branch, a tag, a commit, a restore point, a moment, LIVE (the schema as it is). One row for an object that was created or dropped, and one for each part of an altered one: a column, a constraint, an owner ...';

CREATE FUNCTION pggit.object_differences(o pggit.plan_object)
RETURNS TABLE (change text, object_type text, identity text, part text, old_state jsonb, new_state jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF o.old_definition IS NULL OR o.new_definition IS NULL THEN
        RETURN QUERY SELECT CASE WHEN o.old_definition IS NULL THEN 'CREATE' ELSE 'DROP' END,
            o.object_type, o.identity, NULL::text, o.old_definition, o.new_definition;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT CASE WHEN x.key IS NULL THEN 'CREATE' WHEN y.key IS NULL THEN 'DROP' ELSE 'ALTER' END,
        o.object_type, o.identity, nullif(coalesce(x.part, y.part), ''), x.state, y.state
    FROM pggit.elements(o.object_type, o.identity, o.old_definition, NULL) x
    FULL JOIN pggit.elements(o.object_type, o.identity, o.new_definition, NULL) y ON y.key = x.key
    WHERE x.state IS DISTINCT FROM y.state;
END
$$;
COMMENT ON FUNCTION pggit.object_differences(pggit.plan_object) IS 'What differs in one object, part by part.';

CREATE FUNCTION pggit.script(from_tree text, to_tree text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    body text;
BEGIN
    SELECT string_agg(
        CASE WHEN n.loses IS NOT NULL AND n.action = 'drop' THEN concat('-- loses ',
            -- a line break in a name would end the comment
            regexp_replace(CASE n.loses WHEN '' THEN 'the rows of ' || n.identity ELSE format('the values of %s.%I', n.identity, n.loses) END,
                           '[\n\r]', ' ', 'g'), E'\n') ELSE '' END
        || CASE WHEN strpos(s.text, '''(not recorded)''') > 0 THEN E'-- an option whose value pgGit does not record: set it by hand\n' ELSE '' END
        || s.text || E';\n', '' ORDER BY n.place, s.place)
    INTO body
    FROM pggit.plan(from_tree, to_tree) WITH ORDINALITY AS n (
        id, action, key, object_type, identity, part, statements, provides, needs, old_needs, claims, rank, as_owner_of, loses, old_identity, becomes, place)
    CROSS JOIN LATERAL unnest(n.statements) WITH ORDINALITY AS s (text, place);
    IF body IS NULL THEN
        RETURN '';
    END IF;
    RETURN concat(E'-- Run in one transaction: psql --single-transaction --set ON_ERROR_STOP=1\n',
        E'SET search_path = pg_catalog, pg_temp;\nSET check_function_bodies = off;\nSET standard_conforming_strings = on;\n',
        E'SET default_tablespace = '''';\nSET default_table_access_method = heap;\n\n',
        body,
        E'\nRESET search_path;\nRESET check_function_bodies;\nRESET standard_conforming_strings;\nRESET default_tablespace;\nRESET default_table_access_method;\n');
END
$$;
COMMENT ON FUNCTION pggit.script(text, text) IS 'The script that takes a schema of one tree to another; empty when they are the same.';

CREATE FUNCTION pggit.diff_sql(a text, b text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    old_tree text := pggit.tree_of(a);
    new_tree text := pggit.tree_of(b);
BEGIN
    RETURN pggit.script(old_tree, new_tree);
END
$$;
COMMENT ON FUNCTION pggit.diff_sql(text, text) IS
'A script that turns the schema at a into the one at b, hash for hash, for psql --single-transaction. The same two always give the same role the same bytes; empty when they are the same. What drops rows has a comment that says so.';

CREATE FUNCTION pggit.export_ddl(ref text DEFAULT 'HEAD') RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    tree text := pggit.tree_of(ref);
BEGIN
    RETURN pggit.script(NULL, tree);
END
$$;
COMMENT ON FUNCTION pggit.export_ddl(text) IS
'The whole schema at a branch, tag, commit, restore point, moment or LIVE as one script, which makes the same tree in an empty database.';

CREATE FUNCTION pggit.generate_migration("from" text, "to" text, OUT up text, OUT down text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    up := pggit.diff_sql("from", "to");
    down := pggit.diff_sql("to", "from");
END
$$;
COMMENT ON FUNCTION pggit.generate_migration(text, text) IS 'The scripts for both ways between two states of the schema.';

CREATE FUNCTION pggit.object_ddl(object text, ref text DEFAULT 'LIVE', object_type text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    tree text := pggit.tree_of(ref);
    found record;
    blob text;
    parts pggit.element[];
    keys text[];
BEGIN
    SELECT f.found_type, f.identity INTO found FROM pggit.find_object(object, object_type) f;
    blob := pggit.tree_lookup(tree, pggit.tree_key(found.found_type, found.identity));
    IF blob IS NULL THEN
        RAISE EXCEPTION 'there is no % % at %', found.found_type, found.identity, ref
            USING ERRCODE = 'GT043', HINT = 'pggit.get_history() tells when it was there.';
    END IF;
    parts := ARRAY(SELECT e FROM pggit.elements(found.found_type, found.identity, pggit.definition_of(blob),
                                                pggit.column_order_of(found.found_type, found.identity, blob)) e);
    keys := ARRAY(SELECT p.key FROM unnest(parts) p ORDER BY p.key COLLATE "C");
    RETURN (
        SELECT string_agg(s.text || E';\n', '' ORDER BY n.place, s.place)
        FROM pggit.order_nodes(pggit.plan_nodes('{}', parts, keys, array_fill('create'::text, ARRAY[cardinality(keys)]), '{}', NULL, NULL))
             WITH ORDINALITY AS n (id, action, key, object_type, identity, part, statements, provides, needs, old_needs, claims, rank,
                                   as_owner_of, loses, old_identity, becomes, place)
        CROSS JOIN LATERAL unnest(n.statements) WITH ORDINALITY AS s (text, place));
END
$$;
COMMENT ON FUNCTION pggit.object_ddl(text, text, text) IS
'The statements that make one object as it is or was at a branch, tag, commit, restore point, moment or LIVE.';
