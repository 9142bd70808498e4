-- What happened to an object, who made which part of it, and what hangs on it.

CREATE FUNCTION pggit.commit_of(taken_at timestamptz, until timestamptz, object_type text, identity text, blob text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := pggit.tree_key(object_type, identity);
BEGIN
    RETURN (SELECT c.hash FROM pggit.commits c
            WHERE c.committed_at >= taken_at AND (until IS NULL OR c.committed_at < until)
              AND pggit.tree_lookup(c.tree, wanted) IS NOT DISTINCT FROM blob
            ORDER BY c.committed_at, c.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.commit_of(timestamptz, timestamptz, text, text, text) IS
'The first commit that kept a change, given when it was made and when the next one of that object; null where none did.';

CREATE FUNCTION pggit.get_history(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    history_id bigint, change text, changed_at timestamptz, command_tag text, name text, old_name text,
    session_role text, set_role text, application_name text, client_addr inet, transaction_id xid8,
    commit text, old_definition jsonb, new_definition jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, get_history.object_type) f);
    RETURN QUERY
    SELECT h.id, h.change_type, h.created_at, h.command_tag, h.identity, h.old_identity,
        h.session_role, h.set_role, h.application_name, h.client_addr, h.transaction_id,
        pggit.commit_of(h.created_at, h.next_at, h.object_type, h.identity, h.new_blob), o.definition, n.definition
    FROM (SELECT a.*, lead(a.created_at) OVER (ORDER BY a.id) AS next_at
          FROM pggit.history a WHERE a.object_id = wanted) h
    LEFT JOIN pggit.blobs o ON o.hash = h.old_blob
    LEFT JOIN pggit.blobs n ON n.hash = h.new_blob
    ORDER BY h.id;
END
$$;
COMMENT ON FUNCTION pggit.get_history(text, text) IS
'All changes of an object, oldest first, under all names it had: who, when, by which command, the definition before and after, and the commit that kept it.';

CREATE FUNCTION pggit.get_version(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    found_type text, name text, is_there boolean, version bigint, created_at timestamptz, created_by text,
    changed_at timestamptz, changed_by text, last_change text, commit text, is_committed boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
    first_row pggit.history;
    last_row pggit.history;
    head_tree text := (SELECT c.tree FROM pggit.commits c WHERE c.hash = pggit.resolve_ref('HEAD'));
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, get_version.object_type) f);
    SELECT h.* INTO first_row FROM pggit.history h WHERE h.object_id = wanted ORDER BY h.id LIMIT 1;
    SELECT h.* INTO last_row FROM pggit.history h WHERE h.object_id = wanted ORDER BY h.id DESC LIMIT 1;
    RETURN QUERY
    SELECT o.object_type, o.identity, o.is_active,
        (SELECT count(*) FROM pggit.history h WHERE h.object_id = wanted AND h.new_blob IS NOT NULL),
        first_row.created_at, first_row.session_role, last_row.created_at, last_row.session_role, last_row.change_type,
        pggit.commit_of(last_row.created_at, NULL, o.object_type, o.identity, last_row.new_blob),
        pggit.tree_lookup(head_tree, o.tree_key) IS NOT DISTINCT FROM last_row.new_blob
    FROM pggit.objects o WHERE o.id = wanted;
END
$$;
COMMENT ON FUNCTION pggit.get_version(text, text) IS
'How often an object was defined anew (version 1 is the first), who made it and who changed it last, the commit that kept that, and whether the current branch has it.';

CREATE FUNCTION pggit.definition_parts(definition jsonb) RETURNS TABLE (part text, content jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE d.key WHEN 'columns' THEN 'column' WHEN 'constraints' THEN 'constraint' WHEN 'attributes' THEN 'attribute'
               ELSE d.key END || coalesce(' ' || quote_ident(m.name), ''),
        coalesce(m.content, d.value)
    FROM jsonb_each(definition) d
    LEFT JOIN LATERAL (
        SELECT e.key AS name, e.value AS content
        FROM jsonb_each(CASE WHEN d.key IN ('columns', 'constraints') AND jsonb_typeof(d.value) = 'object' THEN d.value END) e
        UNION ALL
        SELECT a.value ->> 'name', a.value
        FROM jsonb_array_elements(CASE WHEN d.key = 'attributes' AND jsonb_typeof(d.value) = 'array' THEN d.value END) a
    ) m ON true
    WHERE m.name IS NOT NULL OR d.value NOT IN ('{}', '[]');
END
$$;
COMMENT ON FUNCTION pggit.definition_parts(jsonb) IS
'A definition taken apart: each column, constraint and attribute by itself, and every other key.';

CREATE FUNCTION pggit.blame(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    part text, definition jsonb, changed_at timestamptz, changed_by text, change text, command_tag text,
    history_id bigint, commit text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, blame.object_type) f);
    RETURN QUERY
    WITH step AS (
        SELECT h.*, n.definition AS new_definition, o.definition AS old_definition
        FROM pggit.history h
        LEFT JOIN pggit.blobs n ON n.hash = h.new_blob
        LEFT JOIN pggit.blobs o ON o.hash = h.old_blob
        WHERE h.object_id = wanted
    ), present AS (
        -- of one that was dropped, what it was last
        SELECT p.part, p.content
        FROM (SELECT s.new_definition FROM step s WHERE s.new_blob IS NOT NULL ORDER BY s.id DESC LIMIT 1) l
        CROSS JOIN LATERAL pggit.definition_parts(l.new_definition) p
    ), maker AS (
        SELECT DISTINCT ON (n.part) n.part, s.id
        FROM step s
        CROSS JOIN LATERAL pggit.definition_parts(s.new_definition) n
        WHERE NOT EXISTS (SELECT FROM pggit.definition_parts(s.old_definition) o
                          WHERE o.part = n.part AND o.content = n.content)
        ORDER BY n.part, s.id DESC
    )
    SELECT p.part, p.content, s.created_at, s.session_role, s.change_type, s.command_tag, s.id,
        pggit.commit_with_part(s.created_at, s.object_type, names.list, p.part, p.content)
    FROM (SELECT array_agg(DISTINCT x.identity) AS list FROM step x) names CROSS JOIN present p JOIN maker m ON m.part = p.part JOIN step s ON s.id = m.id
    ORDER BY p.part COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.blame(text, text) IS
'For each part of an object''s definition (each column, constraint, attribute, and the rest by key): who gave it its present form, when, by which command, and the commit that kept it. A column that was renamed counts as new, a renamed table does not.';

CREATE FUNCTION pggit.commit_with_part(
    taken_at timestamptz, of_type text, identities text[], of_part text, wanted jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The object as a whole may have changed again before the commit.
    RETURN (SELECT c.hash FROM pggit.commits c
            WHERE c.committed_at >= taken_at AND EXISTS (
                SELECT FROM unnest(identities) i
                JOIN pggit.blobs b ON b.hash = pggit.tree_lookup(c.tree, pggit.tree_key(of_type, i))
                CROSS JOIN LATERAL pggit.definition_parts(b.definition) p
                WHERE p.part = of_part AND p.content = wanted)
            ORDER BY c.committed_at, c.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.commit_with_part(timestamptz, text, text[], text, jsonb) IS
'The first commit from a moment on that has a part of an object, under any of its names, in a given form; null where none has.';

-- What hangs on it -----------------------------------------------------------------------------------

CREATE FUNCTION pggit.describe_dependency(classid oid, objid oid, home_classid oid, home_objid oid, deptype "char") RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE classid
        WHEN 'pg_rewrite'::regclass THEN CASE WHEN home_classid = classid THEN 'rule' ELSE 'query' END
        WHEN 'pg_attrdef'::regclass THEN 'default or generated column'
        WHEN 'pg_trigger'::regclass THEN 'trigger'
        WHEN 'pg_policy'::regclass THEN 'policy'
        WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
        WHEN 'pg_constraint'::regclass THEN (
            SELECT CASE k.contype WHEN 'f' THEN 'foreign key ' WHEN 'c' THEN 'check constraint ' ELSE 'constraint ' END || quote_ident(k.conname)
            FROM pg_constraint k WHERE k.oid = objid)
        WHEN 'pg_class'::regclass THEN (
            SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' WHEN c.relkind = 'S' THEN 'sequence'
                WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
                    THEN CASE WHEN c.relispartition THEN 'partition' ELSE 'child table' END
                ELSE 'column or table' END
            FROM pg_class c WHERE c.oid = objid)
        WHEN 'pg_proc'::regclass THEN 'function'
        WHEN 'pg_type'::regclass THEN 'type'
        ELSE 'other' END;
END
$$;
COMMENT ON FUNCTION pggit.describe_dependency(oid, oid, oid, oid, "char") IS 'In what way an address in the catalog depends on something, in a word or two.';

CREATE FUNCTION pggit.get_impact_analysis(object text, object_type text DEFAULT NULL)
RETURNS TABLE (depth integer, found_type text, name text, dependency text, depends_on text, on_columns text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off AS $$
DECLARE
    start record;
    level integer := 0;
    seen text[];
    next_classids oid[];
    next_objids oid[];
    source_class oid;
    source_object oid;
    place integer;
    r record;
    found_classids oid[];
    found_objids oid[];
BEGIN
    PERFORM pggit.settle();
    SELECT f.id, f.identity INTO start FROM pggit.find_object(object, get_impact_analysis.object_type) f;
    SELECT array_agg(x.classid), array_agg(x.objid), array_agg(x.classid || '/' || x.objid)
    INTO next_classids, next_objids, seen FROM pggit.object_oids x WHERE x.object_id = start.id;
    WHILE next_classids IS NOT NULL LOOP
        level := level + 1;
        found_classids := NULL;
        found_objids := NULL;
        FOR place IN 1 .. cardinality(next_classids) LOOP
            source_class := next_classids[place];
            source_object := next_objids[place];
            FOR r IN
                WITH RECURSIVE own (classid, objid) AS (
                    SELECT source_class, source_object
                    UNION
                    -- what carries the name on: row types, array types, multiranges, a composite type's attributes
                    SELECT m.classid, m.objid FROM own w CROSS JOIN LATERAL (
                        SELECT d.classid, d.objid FROM pg_depend d
                        WHERE d.refclassid = w.classid AND d.refobjid = w.objid AND d.deptype IN ('i', 'a')
                          AND d.classid = 'pg_type'::regclass
                        UNION ALL
                        SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t
                        WHERE w.classid = 'pg_type'::regclass AND t.oid = w.objid AND t.typrelid > 0
                    ) m
                ), raw AS (
                    SELECT d.classid, d.objid, d.deptype, d.refclassid, d.refobjid, d.refobjsubid
                    FROM own w JOIN pg_depend d ON d.refclassid = w.classid AND d.refobjid = w.objid
                    WHERE d.deptype <> 'e'
                      AND NOT EXISTS (SELECT FROM own o WHERE o.classid = d.classid AND o.objid = d.objid)
                      AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (
                          SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 't'))
                      AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
                          SELECT FROM pg_trigger g WHERE g.oid = d.objid AND g.tgisinternal))
                )
                SELECT (h.home).classid AS classid, (h.home).objid AS objid,
                    pggit.describe_dependency(w.classid, w.objid, (h.home).classid, (h.home).objid, w.deptype) AS kind,
                    array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) FILTER (WHERE a.attname IS NOT NULL) AS column_names
                FROM raw w
                CROSS JOIN LATERAL (SELECT (pggit.home_addresses(ARRAY[ROW(w.classid, w.objid)::pggit.address]))[1] AS home) h
                LEFT JOIN pg_attribute a ON w.refclassid = 'pg_class'::regclass AND a.attrelid = w.refobjid
                    AND a.attnum = w.refobjsubid AND w.refobjsubid > 0
                WHERE NOT ((h.home).classid = source_class AND (h.home).objid = source_object)
                GROUP BY 1, 2, 3
            LOOP
                SELECT i.type, i.identity INTO found_type, name FROM pg_identify_object(r.classid, r.objid, 0) i;
                SELECT o.object_type, o.identity INTO found_type, name
                FROM (SELECT found_type AS object_type, name AS identity) plain
                LEFT JOIN pggit.object_oids x ON x.classid = r.classid AND x.objid = r.objid
                LEFT JOIN pggit.objects known ON known.id = x.object_id
                CROSS JOIN LATERAL (SELECT coalesce(known.object_type, upper(plain.object_type COLLATE "C")) AS object_type,
                                           coalesce(known.identity, plain.identity) AS identity) o;
                depth := level;
                dependency := r.kind;
                depends_on := coalesce(
                    (SELECT o.identity FROM pggit.object_oids x JOIN pggit.objects o ON o.id = x.object_id
                     WHERE x.classid = source_class AND x.objid = source_object),
                    (SELECT i.identity FROM pg_identify_object(source_class, source_object, 0) i));
                on_columns := r.column_names;
                RETURN NEXT;
                IF NOT r.classid || '/' || r.objid = ANY (seen) THEN
                    seen := seen || (r.classid || '/' || r.objid);
                    found_classids := found_classids || r.classid;
                    found_objids := found_objids || r.objid;
                END IF;
            END LOOP;
        END LOOP;
        next_classids := found_classids;
        next_objids := found_objids;
    END LOOP;
    -- PostgreSQL does not know what the text of a function mentions. A name in it is at least a hint.
    depth := 1;
    dependency := 'named in the body';
    depends_on := start.identity;
    on_columns := NULL;
    FOR r IN
        SELECT o.object_type, o.identity
        FROM pggit.objects s
        JOIN pggit.object_oids x ON x.classid = 'pg_proc'::regclass AND x.object_id <> s.id
        JOIN pggit.objects o ON o.id = x.object_id
        JOIN pg_proc p ON p.oid = x.objid
        WHERE s.id = start.id AND p.prosqlbody IS NULL
          AND s.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'TYPE', 'DOMAIN',
                                'FUNCTION', 'PROCEDURE', 'AGGREGATE')
          AND position(lower(s.object_name COLLATE "C") IN lower(p.prosrc COLLATE "C")) > 0
          AND lower(p.prosrc COLLATE "C") COLLATE "default" ~ ('(^|[^[:alnum:]_$])' || regexp_replace(lower(s.object_name COLLATE "C") COLLATE "default", '([^[:alnum:]_ ])', '\\\1', 'g')
                                 || '($|[^[:alnum:]_$])')
        ORDER BY o.identity COLLATE "C"
    LOOP
        found_type := r.object_type;
        name := r.identity;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.get_impact_analysis(text, text) IS
'What depends on an object, directly (depth 1) and indirectly: one row for each dependent and way, with the object and the columns it leans on. Functions whose text only mentions the name come last, as named in the body.';
