-- The planner: from what differs between two trees to statements in an order that works.
--
-- Every element that differs gets a fate: drop, create, alter, or replace where it cannot be altered as it
-- stands. What cannot stay while its base is replaced is replaced, too; a column, which holds data, waits
-- as text meanwhile (suspend). Then names order the statements: what provides a name is made before what
-- needs it, and removed after it.

CREATE TYPE pggit.plan_node AS (
    id integer,
    action text,
    key text,
    object_type text,
    identity text,
    part text,
    statements text[],
    provides text[],
    needs text[],
    old_needs text[],
    claims text[],
    rank integer,
    as_owner_of text,
    loses text,
    old_identity text,
    becomes text
);
COMMENT ON TYPE pggit.plan_node IS
'A step of a plan. action is drop, suspend, create, alter or resume; old_needs are the names an altered element needed before; becomes is the type that a column gets instead of another.';

CREATE TYPE pggit.plan_object AS (
    object_type text,
    identity text,
    old_definition jsonb,
    new_definition jsonb,
    column_order text[]
);
COMMENT ON TYPE pggit.plan_object IS 'An object on both sides of a difference; a side it is missing from is null.';

CREATE TYPE pggit.rename AS (
    object_type text,
    old_identity text,
    new_identity text,
    old_column text,
    new_column text
);
COMMENT ON TYPE pggit.rename IS
'An object under two names; or, with old_column and new_column, a column of the table that new_identity names.';

CREATE FUNCTION pggit.tree_differences(a text, b text) RETURNS TABLE (tree_key text, a_blob text, b_blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off SET jit = off AS $$
DECLARE
    -- nodes that differ, side by side
    a_nodes text[] := ARRAY[a];
    b_nodes text[] := ARRAY[b];
BEGIN
    IF a IS NOT DISTINCT FROM b THEN
        RETURN;
    END IF;
    -- Down both trees, level by level. Where two nodes have the same keys, which most have, their children stand
    -- side by side already; only others are joined. A leaf is compared eight children at once first.
    -- (A set-returning function in FROM would store its rows before they are read.)
    WHILE a_nodes IS NOT NULL LOOP
        RETURN QUERY
        SELECT d.k, d.a_blob, d.b_blob
        FROM unnest(a_nodes, b_nodes) AS n (a_hash, b_hash)
        LEFT JOIN pggit.trees x ON x.hash = n.a_hash
        LEFT JOIN pggit.trees y ON y.hash = n.b_hash
        CROSS JOIN LATERAL (SELECT x.keys = y.keys AS alike OFFSET 0) k
        CROSS JOIN LATERAL (
            SELECT encode(substr(x.keys, e.p, 32), 'hex') AS k, encode(substr(x.children, e.p, 32), 'hex') AS a_blob,
                encode(substr(y.children, e.p, 32), 'hex') AS b_blob
            FROM (SELECT generate_series(1, length(x.children), 256) WHERE k.alike) AS eight (p)
            CROSS JOIN LATERAL (SELECT generate_series(eight.p, least(eight.p + 224, length(x.children)), 32)) AS e (p)
            WHERE substr(x.children, eight.p, 256) <> substr(y.children, eight.p, 256)
              AND substr(x.children, e.p, 32) <> substr(y.children, e.p, 32)
            UNION ALL
            SELECT coalesce(i.key, j.key), i.blob, j.blob
            FROM pggit.tree_entries(n.a_hash) i FULL JOIN pggit.tree_entries(n.b_hash) j ON j.key = i.key
            WHERE k.alike IS NOT TRUE AND i.blob IS DISTINCT FROM j.blob
        ) d
        WHERE x.is_leaf IS NOT FALSE OR y.is_leaf IS NOT FALSE;

        SELECT array_agg(c.a_child), array_agg(c.b_child) INTO a_nodes, b_nodes
        FROM unnest(a_nodes, b_nodes) AS n (a_hash, b_hash)
        JOIN pggit.trees x ON x.hash = n.a_hash AND NOT x.is_leaf
        JOIN pggit.trees y ON y.hash = n.b_hash AND NOT y.is_leaf
        CROSS JOIN LATERAL (SELECT x.children || '' AS a, y.children || '' AS b OFFSET 0) w  -- read as a whole, once
        CROSS JOIN LATERAL (
            SELECT encode(substr(w.a, e.p, 32), 'hex') AS a_child, encode(substr(w.b, e.p, 32), 'hex') AS b_child
            FROM (SELECT generate_series(1, length(w.a), 32) WHERE x.keys = y.keys) AS e (p)
            WHERE substr(w.a, e.p, 32) <> substr(w.b, e.p, 32)
            UNION ALL
            SELECT encode(i.child, 'hex'), encode(j.child, 'hex')
            FROM (SELECT substr(x.keys, p, 1) AS digits, substr(w.a, 32 * p - 31, 32) AS child
                  FROM generate_series(1, length(x.keys)) p) i
            FULL JOIN (SELECT substr(y.keys, p, 1) AS digits, substr(w.b, 32 * p - 31, 32) AS child
                       FROM generate_series(1, length(y.keys)) p) j ON j.digits = i.digits
            WHERE x.keys <> y.keys AND i.child IS DISTINCT FROM j.child
        ) c;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.tree_differences(text, text) IS
'The objects that differ between two trees, with the blob each has; reads only the parts that differ. A null tree is empty.';

CREATE FUNCTION pggit.definition_of(blob text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pggit.blobs;
BEGIN
    SELECT * INTO found FROM pggit.blobs b WHERE b.hash = blob;
    IF found.hash IS DISTINCT FROM pggit.blob_hash(found.object_type, found.identity, found.definition) THEN
        RAISE EXCEPTION 'the definition of % is not what was recorded', coalesce(found.identity, blob)
            USING ERRCODE = 'GT035', HINT = 'Somebody changed pggit.blobs. Nothing is made from it.';
    END IF;
    RETURN found.definition;
END
$$;
COMMENT ON FUNCTION pggit.definition_of(text) IS
'A blob''s definition, held against its hash: what somebody tampered with is never made into a statement. Raises GT035.';

CREATE FUNCTION pggit.column_order_of(of_type text, of_identity text, of_blob text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text[];
BEGIN
    IF of_type NOT IN ('TABLE', 'FOREIGN TABLE') THEN
        RETURN NULL;
    END IF;
    SELECT o.column_order INTO found FROM pggit.objects o
    WHERE o.is_active AND o.tree_key = pggit.tree_key(of_type, of_identity) AND o.blob = of_blob;
    IF found IS NULL THEN
        SELECT h.new_column_order INTO found FROM pggit.history h
        WHERE h.object_id = ANY (pggit.ids_of(of_type, of_identity)) AND h.new_blob = of_blob ORDER BY h.id DESC LIMIT 1;
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.column_order_of(text, text, text) IS
'The order that a table''s columns had when it was last defined so; trees don''t hold it.';

CREATE FUNCTION pggit.changed_objects(a text, b text) RETURNS SETOF pggit.plan_object
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT coalesce(n.object_type, o.object_type), coalesce(n.identity, o.identity),
        pggit.definition_of(d.a_blob), pggit.definition_of(d.b_blob),
        pggit.column_order_of(n.object_type, n.identity, d.b_blob)
    FROM pggit.tree_differences(a, b) d
    LEFT JOIN pggit.blobs o ON o.hash = d.a_blob
    LEFT JOIN pggit.blobs n ON n.hash = d.b_blob;
END
$$;
COMMENT ON FUNCTION pggit.changed_objects(text, text) IS 'The objects that differ between two trees, with both definitions.';

CREATE FUNCTION pggit.objects_that_mention(tree text, names text[], known text[]) RETURNS SETOF pggit.plan_object
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    needles text[] := ARRAY(
        SELECT DISTINCT substr(j, 2, length(j) - 2)
        FROM unnest(names) n CROSS JOIN LATERAL (VALUES (to_jsonb(n)::text), (to_jsonb(replace(n, '''', ''''''))::text)) AS v (j));
BEGIN
    RETURN QUERY
    SELECT b.object_type, b.identity, b.definition, b.definition, NULL::text[]
    FROM pggit.tree_entries(tree) e JOIN pggit.blobs b ON b.hash = e.blob
    WHERE EXISTS (SELECT FROM unnest(needles) n WHERE strpos(b.definition::text, n) > 0)
      AND NOT (b.object_type || ' ' || b.identity) = ANY (known);
END
$$;
COMMENT ON FUNCTION pggit.objects_that_mention(text, text[], text[]) IS
'The objects of a tree in whose definition one of the names stands, but for those known already.';

CREATE FUNCTION pggit.tables_above(tree text, objects pggit.plan_object[]) RETURNS SETOF pggit.plan_object
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE above AS (
        SELECT o.old_definition #>> '{parents,0}' AS identity FROM unnest(objects) o WHERE o.old_definition ? 'partition_bound'
        UNION SELECT o.new_definition #>> '{parents,0}' FROM unnest(objects) o WHERE o.new_definition ? 'partition_bound'
        -- a child that is to be brought back before it validated what it has from above
        UNION SELECT p.parent FROM unnest(objects) o CROSS JOIN LATERAL jsonb_array_elements_text(o.old_definition -> 'parents') AS p (parent)
        WHERE EXISTS (SELECT FROM jsonb_each(o.old_definition -> 'constraints') k
                      WHERE k.value ? 'inherited' AND o.new_definition #>> ARRAY['constraints', k.key, 'definition'] = (k.value ->> 'definition') || ' NOT VALID')
        UNION SELECT p.parent FROM above a
        JOIN pggit.blobs b ON b.hash = pggit.tree_lookup(tree, pggit.tree_key('TABLE', a.identity))
        CROSS JOIN LATERAL jsonb_array_elements_text(b.definition -> 'parents') AS p (parent)
        WHERE b.definition ? 'partition_bound' OR EXISTS (SELECT FROM jsonb_each(b.definition -> 'constraints') k WHERE k.value ? 'inherited')
    )
    SELECT 'TABLE', a.identity, d.definition, d.definition, NULL::text[]
    FROM above a
    CROSS JOIN LATERAL (SELECT pggit.definition_of(pggit.tree_lookup(tree, pggit.tree_key('TABLE', a.identity))) AS definition) d
    WHERE d.definition IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(objects) o WHERE o.object_type = 'TABLE' AND o.identity = a.identity);
END
$$;
COMMENT ON FUNCTION pggit.tables_above(text, pggit.plan_object[]) IS
'The tables above partitions among the objects, and above children whose check is to be NOT VALID again, as far as they do not change themselves.';

CREATE FUNCTION pggit.order_nodes(nodes pggit.plan_node[]) RETURNS SETOF pggit.plan_node
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    befores integer[];   -- for each edge what comes before, sorted by what comes after
    first_edge integer[];  -- where a node's edges begin, and end at the next one's
    state integer[];     -- 0 not visited, 1 on the stack, 2 done
    next_edge integer[];
    stack integer[] := '{}';
    top integer;
    depth integer;
    wanted integer;
    begin_at integer;
    sorted integer[];
    node pggit.plan_node;
    i integer;
BEGIN
    sorted := ARRAY(
        SELECT n.id FROM unnest(nodes) n
        ORDER BY n.action NOT IN ('drop', 'suspend'),
            CASE WHEN n.action IN ('drop', 'suspend') THEN -(n.rank / 10) ELSE n.rank / 10 END,
            n.identity COLLATE "C", n.object_type,
            CASE WHEN n.action IN ('drop', 'suspend') THEN -n.rank ELSE n.rank END, n.part COLLATE "C", n.action);
    WITH node AS (
        SELECT n.id, n.action, n.key, n.identity, n.part, n.provides, n.needs, n.old_needs, n.claims, array_position(sorted, n.id) AS place
        FROM unnest(nodes) n
    ), provided AS (
        SELECT n.id, n.action, n.key, n.identity, n.part, p FROM node n CROSS JOIN LATERAL unnest(n.provides) p
    ), edge AS (
        -- made before what needs it
        SELECT n.id AS after, p.id AS before FROM node n CROSS JOIN LATERAL unnest(n.needs) want JOIN provided p ON p.p = want
            AND p.action IN ('create', 'alter', 'resume')
        WHERE n.action IN ('create', 'alter', 'resume') AND NOT starts_with(want, 'drop:')
          AND NOT (n.part = 'acl' AND p.action <> 'create' AND p.part <> 'owner')  -- privileges want a column, whatever its type
        UNION
        -- removed after what needs it
        SELECT p.id, n.id FROM node n CROSS JOIN LATERAL unnest(n.needs) want JOIN provided p ON p.p = want
            AND p.action IN ('drop', 'suspend', 'alter')
        WHERE n.action IN ('drop', 'suspend') AND NOT starts_with(want, 'make:')
        UNION
        SELECT p.id, n.id FROM node n CROSS JOIN LATERAL unnest(n.old_needs) want JOIN provided p ON p.p = want
            AND p.action = 'drop'
        WHERE n.action = 'alter'
          -- the table is there without the column, but for what is computed from it
          AND NOT (p.identity = n.identity AND p.part LIKE 'column %' AND NOT starts_with(want, 'plain '))
          -- What stands on a key, or on a column that is made anew, is made anew itself (decide_fates).
          AND NOT (want = p.identity AND (p.part LIKE 'constraint %'
                   OR p.part LIKE 'column %' AND p.key IN (SELECT m.key FROM node m WHERE m.action = 'create')))
        UNION
        SELECT m.id, n.id FROM node n JOIN node m ON m.key = n.key AND m.action IN ('create', 'resume', 'alter')
        WHERE n.action IN ('drop', 'suspend')
        UNION
        -- a name is free only when its holder is gone
        SELECT m.id, n.id FROM node n CROSS JOIN LATERAL unnest(n.claims) c
            JOIN (SELECT x.id, x.action, c2 FROM node x CROSS JOIN LATERAL unnest(x.claims) c2) m ON m.c2 = c AND m.action = 'create'
        WHERE n.action = 'drop'
    ), counted AS (
        SELECT n.id, coalesce(array_agg(e.before ORDER BY b.place) FILTER (WHERE e.before IS NOT NULL), '{}') AS list
        FROM node n LEFT JOIN edge e ON e.after = n.id AND e.before <> n.id LEFT JOIN node b ON b.id = e.before
        GROUP BY n.id
    )
    SELECT array_agg(x.before ORDER BY c.id, x.place) INTO befores
    FROM counted c CROSS JOIN LATERAL unnest(c.list || 0) WITH ORDINALITY AS x (before, place);
    -- 0 ends each node's list; ids run from 1 without a gap
    first_edge := ARRAY[1];
    FOR i IN 1 .. coalesce(cardinality(befores), 0) LOOP
        IF befores[i] = 0 THEN
            first_edge[cardinality(first_edge) + 1] := i + 1;
        END IF;
    END LOOP;
    state := array_fill(0, ARRAY[greatest(coalesce(cardinality(nodes), 0), 1)]);
    next_edge := first_edge;
    FOREACH begin_at IN ARRAY sorted LOOP
        CONTINUE WHEN state[begin_at] <> 0;
        depth := 1;
        stack[1] := begin_at;
        state[begin_at] := 1;
        WHILE depth > 0 LOOP
            top := stack[depth];
            wanted := befores[next_edge[top]];
            IF wanted = 0 THEN
                state[top] := 2;
                depth := depth - 1;
                node := nodes[top];
                RETURN NEXT node;
            ELSE
                next_edge[top] := next_edge[top] + 1;
                -- one that is on the stack closes a circle: it stays where rank puts it
                IF state[wanted] = 0 THEN
                    depth := depth + 1;
                    stack[depth] := wanted;
                    state[wanted] := 1;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.order_nodes(pggit.plan_node[]) IS
'Steps so ordered that each finds what it needs; by rank and name where that leaves a choice. The same steps always give the same order.';

CREATE FUNCTION pggit.plan(from_tree text, to_tree text) RETURNS SETOF pggit.plan_node
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    objects pggit.plan_object[];
    renaming pggit.plan_node[];
    columns pggit.rename[];
    more pggit.plan_object[];
    known text[];
    old_elements pggit.element[];
    new_elements pggit.element[];
    fates text[];      -- side by side with keys
    keys text[];
    changes jsonb := '{}';
    nodes pggit.plan_node[];
    new_fates text[];
    broken text[];
    asked text[] := '{}';
    reset_roles text[];
    targets text[];
BEGIN
    objects := ARRAY(SELECT o FROM pggit.changed_objects(from_tree, to_tree) o);
    IF objects = '{}' THEN
        RETURN;
    END IF;
    known := ARRAY(SELECT o.object_type || ' ' || o.identity FROM unnest(objects) o);
    SELECT r.renamed, r.statements, r.columns INTO objects, renaming, columns FROM pggit.apply_renames(objects) r;
    RETURN QUERY SELECT * FROM unnest(renaming);
    IF objects = '{}' THEN
        RETURN;
    END IF;
    LOOP
        objects := objects || ARRAY(SELECT o FROM pggit.tables_above(from_tree, objects) o);
        old_elements := ARRAY(
            SELECT e FROM unnest(objects) o CROSS JOIN LATERAL pggit.elements(o.object_type, o.identity, o.old_definition, o.column_order) e
            WHERE o.old_definition IS NOT NULL);
        new_elements := ARRAY(
            SELECT e FROM unnest(objects) o CROSS JOIN LATERAL pggit.elements(o.object_type, o.identity, o.new_definition, o.column_order) e
            WHERE o.new_definition IS NOT NULL);
        SELECT f.keys, f.fates, f.changes, f.broken INTO keys, fates, changes, broken
        FROM pggit.decide_fates(old_elements, new_elements, columns) f;
        -- Others of the old tree may hold on to what is replaced: then they are in it, too.
        broken := ARRAY(SELECT b FROM unnest(broken) b WHERE b <> ALL (asked));
        EXIT WHEN broken = '{}';
        asked := asked || broken;
        known := known || ARRAY(SELECT o.object_type || ' ' || o.identity FROM unnest(objects) o);
        more := ARRAY(SELECT o FROM pggit.objects_that_mention(from_tree, broken, known) o);
        EXIT WHEN more = '{}';
        objects := objects || more;
    END LOOP;

    -- Roles that default privileges of either side may give something to.
    SELECT array_agg(DISTINCT x.role) INTO reset_roles
    FROM (
        SELECT e.grantee AS role FROM pggit.blobs b
        CROSS JOIN LATERAL pggit.acl_entries('r', b.definition ->> 'role', b.definition -> 'acl') e
        WHERE b.object_type = 'DEFAULT PRIVILEGES'
          AND b.hash IN (pggit.tree_lookup(from_tree, pggit.tree_key(b.object_type, b.identity)),
                         pggit.tree_lookup(to_tree, pggit.tree_key(b.object_type, b.identity)))
    ) x WHERE x.role = '' OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = x.role);

    -- Keys may lead from tables that do not change.
    SELECT array_agg(p.parent) INTO targets
    FROM (SELECT DISTINCT o.old_definition #>> '{parents,0}' AS parent FROM unnest(objects) o
          WHERE o.new_definition IS NULL AND o.old_definition ? 'partition_bound') p
    WHERE NOT EXISTS (SELECT FROM unnest(objects) x WHERE x.identity = p.parent AND x.object_type = 'TABLE' AND x.new_definition IS NULL)
      AND (EXISTS (SELECT FROM pggit.objects_that_mention(from_tree, ARRAY['REFERENCES ' || p.parent || '('], '{}') o)
           OR EXISTS (SELECT FROM unnest(old_elements) e WHERE strpos(e.state ->> 'definition', 'REFERENCES ' || p.parent || '(') > 0));

    nodes := pggit.plan_nodes(old_elements, new_elements, keys, fates, changes, reset_roles, targets);
    RETURN QUERY SELECT * FROM pggit.order_nodes(nodes);
END
$$;
COMMENT ON FUNCTION pggit.plan(text, text) IS 'The steps that turn a schema of one tree into another''s, in order. A null tree is empty.';

CREATE FUNCTION pggit.types_with_used_labels(
    old_elements pggit.element[], new_elements pggit.element[], keys text[], fates text[], changes jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT k.key FROM unnest(keys, fates) AS k (key, fate)
        JOIN unnest(new_elements) n ON n.key = k.key AND n.part = '' AND n.state ? 'labels'
        JOIN unnest(old_elements) o ON o.key = k.key
        WHERE k.fate = 'alter' AND changes ->> k.key LIKE '%ADD VALUE%' AND EXISTS (
            SELECT FROM unnest(new_elements) user_element
            JOIN unnest(keys, fates) AS f (key, fate) ON f.key = user_element.key AND f.fate IN ('create', 'alter', 'replace')
            CROSS JOIN LATERAL array_to_string(user_element.make, ' ') AS sql
            WHERE n.identity = ANY (user_element.needs) AND EXISTS (
                SELECT FROM jsonb_array_elements_text(n.state -> 'labels') l
                WHERE NOT o.state -> 'labels' ? l AND strpos(sql, l) > 0)));
END
$$;
COMMENT ON FUNCTION pggit.types_with_used_labels(pggit.element[], pggit.element[], text[], text[], jsonb) IS
'Keys of the enums with a new label that something new uses: a label cannot be used in the transaction that adds it, so the type is made anew.';

CREATE FUNCTION pggit.left_by_parents(
    old_elements pggit.element[], new_elements pggit.element[], keys text[], fates text[])
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        -- Before PostgreSQL 18 a partitioned table takes the NOT NULL of its partitions along with its own.
        SELECT mine.key FROM unnest(new_elements) link
        JOIN unnest(old_elements) mine ON mine.identity = link.identity AND mine.part LIKE 'not null %'
        JOIN unnest(keys, fates) AS m (key, fate) ON m.key = mine.key AND m.fate = 'keep'
        CROSS JOIN LATERAL unnest(pggit.relation_keys(link.state #>> '{parents,0}', mine.part)) AS k (of_parent)
        JOIN unnest(keys, fates) AS above (key, fate) ON above.key = k.of_parent AND above.fate = 'drop'
        WHERE link.part = 'link' AND link.state ->> 'bound' IS NOT NULL AND pggit.not_null_sql('', '') = ''
        UNION ALL
        -- What a parent loses and a child keeps is the child's own once it has left the parent, to which it comes back.
        SELECT DISTINCT mine.link FROM unnest(old_elements) mine
        CROSS JOIN LATERAL unnest(mine.via) AS v (via)
        JOIN unnest(keys, fates) AS above (key, fate) ON above.key = v.via AND above.fate = 'drop'
        JOIN unnest(new_elements) still ON still.key = mine.key
        JOIN unnest(keys, fates) AS l (key, fate) ON l.key = mine.link AND l.fate = 'keep'
        JOIN unnest(old_elements) link ON link.key = mine.link AND link.state ->> 'bound' IS NULL
        WHERE mine.part LIKE 'column %' OR mine.state ->> 'kind' = 'c');
END
$$;
COMMENT ON FUNCTION pggit.left_by_parents(pggit.element[], pggit.element[], text[], text[]) IS
'Keys of what has to be made anew where a parent loses what its child or partition keeps: NOT NULL, or the link to the parent.';

CREATE FUNCTION pggit.tightened_domains(
    old_elements pggit.element[], new_elements pggit.element[], keys text[], fates text[],
    OUT tightened text[], OUT rows_of_tightened text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH RECURSIVE carrier AS (
        SELECT DISTINCT n.identity, false AS is_row
        FROM unnest(new_elements) n JOIN unnest(keys, fates) AS f (key, fate) ON f.key = n.key AND f.fate IN ('create', 'replace', 'alter')
        JOIN unnest(old_elements) o ON o.key = pggit.element_key('DOMAIN', n.identity)
        WHERE n.object_type = 'DOMAIN' AND (n.part = 'not null' OR n.part LIKE 'constraint %')
        UNION
        SELECT x.identity, x.object_type <> 'DOMAIN' OR c.is_row OR inside.type <> c.identity
        FROM carrier c
        JOIN unnest(old_elements) x ON x.object_type IN ('TYPE', 'DOMAIN') AND x.part = '' OR x.object_type = 'TABLE' AND x.part LIKE 'column %'
        CROSS JOIN LATERAL (
            SELECT coalesce(x.state ->> 'type', x.state ->> 'base', x.state #>> '{range,subtype}')
            UNION ALL SELECT a ->> 'type' FROM jsonb_array_elements(x.state -> 'attributes') a) AS inside (type)
        WHERE inside.type = c.identity OR starts_with(inside.type, c.identity || '[')
    )
    SELECT array_agg(c.identity ORDER BY c.identity), array_agg(c.identity) FILTER (WHERE c.is_row) INTO tightened, rows_of_tightened FROM carrier c;
END
$$;
COMMENT ON FUNCTION pggit.tightened_domains(pggit.element[], pggit.element[], text[], text[]) IS
'Domains that get a constraint, with the types that have one inside; and of these the rows. PostgreSQL tightens no domain that a column has inside an array or a row.';

CREATE FUNCTION pggit.keys_like_those_above(new_elements pggit.element[], OUT own_keys text[], OUT merged_by text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH RECURSIVE line AS (
        SELECT l.identity, l.state #>> '{parents,0}' AS above, ARRAY[l.key] AS links
        FROM unnest(new_elements) l WHERE l.part = 'link' AND l.state ->> 'bound' IS NOT NULL
        UNION ALL
        SELECT i.identity, l.state #>> '{parents,0}', i.links || l.key
        FROM line i JOIN unnest(new_elements) l ON l.part = 'link' AND l.state ->> 'bound' IS NOT NULL AND l.identity = i.above
    )
    SELECT array_agg(own.key), array_agg(k) INTO own_keys, merged_by
    FROM line i
    JOIN unnest(new_elements) own ON own.identity = i.identity AND own.state ->> 'kind' = 'f'
    JOIN unnest(new_elements) other ON other.identity = i.above AND other.state ->> 'definition' = own.state ->> 'definition'
    CROSS JOIN LATERAL unnest(i.links || other.key) k;
END
$$;
COMMENT ON FUNCTION pggit.keys_like_those_above(pggit.element[]) IS
'Foreign keys of a partition''s own that are like one of a table above and, side by side with them, each element whose making merges the two: PostgreSQL makes one of them when the partition is attached or the other is made.';

CREATE FUNCTION pggit.checks_from_above(old_elements pggit.element[], keys text[], fates text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE above AS (
            SELECT v.key FROM unnest(old_elements) mine
            JOIN unnest(keys, fates) AS m (key, fate) ON m.key = mine.key AND m.fate = 'replace'
            JOIN unnest(keys, fates) AS l (key, fate) ON l.key = mine.link AND l.fate = 'keep'
            CROSS JOIN LATERAL unnest(mine.via) AS v (key)
            WHERE mine.part LIKE 'constraint %' AND mine.state ->> 'kind' = 'c'
            UNION
            SELECT v.key FROM above a JOIN unnest(old_elements) o ON o.key = a.key CROSS JOIN LATERAL unnest(o.via) AS v (key)
        )
        SELECT a.key FROM above a JOIN unnest(keys, fates) AS f (key, fate) ON f.key = a.key AND f.fate IN ('keep', 'alter'));
END
$$;
COMMENT ON FUNCTION pggit.checks_from_above(pggit.element[], text[], text[]) IS
'Keys of the checks that partitions and children have theirs from which have to be made anew: a child that validated its own is not to be brought back otherwise.';

CREATE FUNCTION pggit.stands_on_keys(e pggit.element) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN e.state ->> 'kind' = 'f' THEN true
        WHEN e.part <> '' OR e.object_type NOT IN ('VIEW', 'MATERIALIZED VIEW', 'FUNCTION', 'PROCEDURE', 'RULE', 'POLICY') THEN false
        -- a body that is a text stands on nothing
        WHEN e.object_type IN ('FUNCTION', 'PROCEDURE') AND pggit.text_body_at(e.make[1]) > 0 THEN false
        ELSE e.make[1] ~ '\m(GROUP BY|ON CONFLICT ON CONSTRAINT)\M' END;
END
$$;
COMMENT ON FUNCTION pggit.stands_on_keys(pggit.element) IS
'Whether an element may depend on a key of a table that it mentions: a foreign key does, and what groups by a key or names one.';

CREATE FUNCTION pggit.decide_fates(
    old_elements pggit.element[], new_elements pggit.element[], columns pggit.rename[],
    OUT keys text[], OUT fates text[], OUT changes jsonb, OUT broken text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
DECLARE
    previous text[];
    broken_names text[];
    moved_columns text[];
    rewritten text[];
    parted text[];
    relation_names text[];
    contested text[];
    tightened text[];  -- domains, and types with a column of them
    rows_of_tightened text[];
    numbered text[] := ARRAY(
        SELECT e.identity FROM unnest(old_elements) e WHERE e.part LIKE 'identity %' AND e.object_type = 'TABLE'
        UNION SELECT pggit.owner_table(e.state #>> '{}') FROM unnest(old_elements) e WHERE e.object_type = 'SEQUENCE' AND e.part = 'owned by');
    coming text[];
    coming_to text[];  -- side by side with coming
    filled text[];
    own_keys text[];
    merged_by text[];  -- side by side with own_keys
    replaced text;
    added record;
BEGIN
    SELECT array_agg(x.key ORDER BY x.key COLLATE "C"), array_agg(x.fate ORDER BY x.key COLLATE "C"),
           coalesce(jsonb_object_agg(x.key, to_jsonb(x.change)) FILTER (WHERE x.change IS NOT NULL), '{}')
    INTO keys, fates, changes
    FROM (
        SELECT coalesce(n.key, o.key) AS key, c.change,
            CASE WHEN o.key IS NULL THEN 'create' WHEN n.key IS NULL THEN 'drop' WHEN o.state = n.state THEN 'keep'
                 WHEN c.change IS NULL THEN 'replace' ELSE 'alter' END AS fate
        FROM unnest(old_elements) o FULL JOIN unnest(new_elements) n ON n.key = o.key
        -- CASE, so that the function is called only where it is asked
        LEFT JOIN LATERAL (SELECT CASE WHEN o.state <> n.state THEN pggit.alter_element(o::pggit.element, n::pggit.element) END AS change) c ON true
    ) x;

    FOREACH replaced IN ARRAY pggit.types_with_used_labels(old_elements, new_elements, keys, fates, changes)
                              || pggit.left_by_parents(old_elements, new_elements, keys, fates)
                              || pggit.checks_from_above(old_elements, keys, fates) LOOP
        fates[array_position(keys, replaced)] := 'replace';
    END LOOP;

    -- What has to go before something new can have its name.
    SELECT array_agg(p) INTO contested
    FROM unnest(old_elements) o JOIN unnest(keys, fates) AS f (key, fate) ON f.key = o.key AND f.fate IN ('drop', 'replace')
    JOIN unnest(new_elements) n ON n.claims && o.claims AND n.key <> o.key
    JOIN unnest(keys, fates) AS g (key, fate) ON g.key = n.key AND g.fate IN ('create', 'replace')
    CROSS JOIN LATERAL unnest(o.provides) p
    WHERE o.part = '' AND o.object_type IN ('TYPE', 'DOMAIN', 'TABLE');

    SELECT t.tightened, t.rows_of_tightened INTO tightened, rows_of_tightened FROM pggit.tightened_domains(old_elements, new_elements, keys, fates) t;

    -- PostgreSQL writes a table anew to fill a column, which it does not while its row type is that of another's column.
    SELECT array_agg(DISTINCT n.identity) INTO filled
    FROM unnest(new_elements) n JOIN unnest(keys, fates) AS f (key, fate) ON f.key = n.key AND f.fate IN ('create', 'replace')
    WHERE n.object_type = 'TABLE' AND (n.part LIKE 'identity %' OR n.part LIKE 'default %' OR n.part LIKE 'column %' AND (n.state ? 'generated'
              OR EXISTS (SELECT FROM unnest(pggit.names_in(n.state ->> 'type')) t WHERE pggit.ids_of('DOMAIN', t) <> '{}')))
      AND pggit.element_key('TABLE', n.identity) = ANY (SELECT o.key FROM unnest(old_elements) o);

    -- Indexes, and keys with one, that have parts on partitions.
    SELECT array_agg(DISTINCT v) INTO parted FROM unnest(old_elements) o CROSS JOIN LATERAL unnest(o.via) v
    WHERE o.object_type = 'INDEX' AND o.part = '' OR o.part LIKE 'constraint %' AND o.state ->> 'kind' = 'i';

    SELECT m.own_keys, m.merged_by INTO own_keys, merged_by FROM pggit.keys_like_those_above(new_elements) m;

    LOOP
        previous := fates;
        -- Names that are gone for a while.
        SELECT array_agg(DISTINCT p) FILTER (WHERE NOT o.part LIKE 'column %'),
               array_agg(DISTINCT o.identity || E'\1' || substr(o.part, 8)) FILTER (
                   WHERE o.part LIKE 'column %' AND (f.fate IN ('replace', 'suspend') OR f.fate = 'alter' AND changes ->> o.key <> '[]'))
        INTO broken_names, moved_columns
        FROM unnest(old_elements) o
        JOIN unnest(keys, fates) AS f (key, fate) ON f.key = o.key
        CROSS JOIN LATERAL unnest(o.provides) p
        WHERE f.fate IN ('drop', 'replace') AND o.part = '' AND o.object_type NOT IN ('SCHEMA', 'EXTENSION')
              AND NOT (o.object_type = 'INDEX' AND p <> 'index ' || o.identity)
           OR f.fate IN ('drop', 'replace') AND o.part LIKE 'constraint %' AND p <> o.identity
           OR f.fate IN ('replace', 'suspend', 'alter') AND o.part LIKE 'column %';
        -- Partitions that come, and where they come to.
        SELECT array_agg(n.identity), array_agg(n.state #>> '{parents,0}') INTO coming, coming_to
        FROM unnest(new_elements) n JOIN unnest(keys, fates) AS f (key, fate) ON f.key = n.key AND f.fate IN ('create', 'replace')
        WHERE n.part = 'link' AND n.state ->> 'bound' IS NOT NULL AND n.object_type = 'TABLE';
        -- Columns that are written anew.
        SELECT array_agg(f.key) INTO rewritten FROM unnest(keys, fates) AS f (key, fate)
        WHERE f.fate = 'suspend' OR f.fate = 'alter' AND changes ->> f.key <> '[]';
        -- The keys of a table, for what stands on them.
        SELECT array_agg(DISTINCT p) INTO relation_names
        FROM unnest(old_elements) o
        JOIN unnest(keys, fates) AS f (key, fate) ON f.key = o.key
        CROSS JOIN LATERAL unnest(o.provides) p
        WHERE f.fate IN ('drop', 'replace')
          AND (o.object_type = 'INDEX' AND o.part = '' AND p !~ '^(index|shell|body) '
               OR o.part LIKE 'constraint %' AND p = o.identity);

        SELECT array_agg(
            CASE
                WHEN o.key IS NULL OR f.fate IN ('create', 'drop', 'replace') THEN f.fate
                WHEN taken.key IS NOT NULL THEN CASE WHEN n.key IS NULL THEN 'drop' ELSE 'replace' END
                -- A table that is written anew may be without a TOAST table for a moment, and lose what was set on it.
                WHEN o.part = 'toast options' AND n.key IS NOT NULL AND EXISTS (
                    SELECT FROM unnest(rewritten) c WHERE starts_with(c, pggit.element_key(o.object_type, o.identity, 'column ')))
                    THEN 'replace'
                -- and the column with it has its type's storage again
                WHEN o.part ~ '^(?:default|storage|compression) ' AND (o.state <> 'null' OR starts_with(o.part, 'default '))
                     AND pggit.element_key(o.object_type, o.identity, 'column ' || substr(o.part, strpos(o.part, ' ') + 1)) = ANY (rewritten)
                    THEN CASE WHEN n.key IS NULL THEN 'drop' ELSE 'replace' END
                WHEN held.key IS NOT NULL AND NOT (o.part = '' AND o.object_type IN ('SCHEMA', 'EXTENSION')) THEN
                    CASE WHEN o.part LIKE 'column %' AND o.object_type IN ('TABLE', 'FOREIGN TABLE') AND NOT o.state ? 'generated'
                              -- the column is of another type afterwards: that change sets it free by itself
                              AND o.state -> 'type' IS DISTINCT FROM n.state -> 'type' AND f.fate = 'alter'
                              AND NOT coalesce(o.holds && contested, false)
                              AND NOT EXISTS (SELECT FROM unnest(o.holds) h WHERE h = ANY (broken_names) AND h = ANY (n.holds)) THEN f.fate
                         WHEN o.part LIKE 'column %' AND o.object_type IN ('TABLE', 'FOREIGN TABLE') AND NOT o.state ? 'generated' THEN 'suspend'
                         ELSE 'replace' END
                WHEN o.holds && relation_names AND pggit.stands_on_keys(o::pggit.element) THEN 'replace'
                -- PostgreSQL attaches to it the index of a partition that comes, or makes one
                WHEN coming IS NOT NULL AND (o.object_type = 'INDEX' AND o.part = '' OR o.state ->> 'kind' = 'i') AND EXISTS (
                        SELECT FROM unnest(coming, coming_to) AS c (part, parent)
                        WHERE ('body ' || c.parent) = ANY (o.needs) AND NOT EXISTS (
                            SELECT FROM unnest(new_elements) a
                            WHERE a.part LIKE 'attached%' AND ('link ' || c.part) = ANY (a.needs) AND a.state #>> '{}' = CASE o.object_type WHEN 'INDEX' THEN o.identity
                                ELSE pggit.schema_part(o.identity) || '.' || quote_ident(substr(o.part, 12)) END))
                    THEN 'replace'
                WHEN o.key = ANY (own_keys) AND EXISTS (
                        SELECT FROM unnest(own_keys, merged_by) AS m (own, by)
                        JOIN unnest(keys, fates) AS b (key, fate) ON b.key = m.by AND b.fate IN ('create', 'replace')
                        WHERE m.own = o.key)
                    THEN 'replace'
                WHEN filled IS NOT NULL AND o.object_type = 'MATERIALIZED VIEW' AND o.part = ''
                     AND EXISTS (SELECT FROM unnest(filled) t WHERE strpos(o.state ->> 'query', '.*::' || t) > 0)
                    THEN 'replace'
                WHEN tightened IS NOT NULL AND o.object_type = 'TABLE' AND o.part LIKE 'column %' AND NOT o.state ? 'generated'
                     AND n.key IS NOT NULL
                     AND (o.state ->> 'type' = ANY (rows_of_tightened) OR EXISTS (SELECT FROM unnest(tightened) d WHERE starts_with(o.state ->> 'type', d || '[')))
                    THEN 'suspend'
                -- PostgreSQL changes no column that tables are partitioned by; where a sequence would begin anew, that is left so
                WHEN o.part = '' AND o.state ? 'partition_key' AND NOT o.identity = ANY (numbered) AND EXISTS (
                        SELECT FROM unnest(rewritten) r
                        CROSS JOIN LATERAL (SELECT pggit.element_key(o.object_type, o.identity, 'column ') AS prefix) p
                        WHERE starts_with(r, p.prefix) AND quote_ident(substr(r, length(p.prefix) + 1)) IN (
                            SELECT m[1] FROM regexp_matches(o.state ->> 'partition_key', '"(?:[^"]|"")+"|[a-z_][a-z0-9_]*', 'g') m))
                    THEN 'replace'
                -- what stands on a column goes with it, and does not stand on it while it waits as text
                WHEN stands.goes THEN CASE WHEN n.key IS NULL THEN 'drop' ELSE 'replace' END
                -- a foreign key made anew has its triggers on
                WHEN o.part LIKE 'switched constraint %' AND EXISTS (
                        SELECT FROM unnest(keys, fates) AS k (key, fate) JOIN unnest(old_elements) x ON x.key = k.key
                        WHERE k.fate = 'replace' AND x.state ->> 'kind' = 'f' AND o.identity = ANY (x.holds || x.identity)
                          AND starts_with(o.part, 'switched ' || x.part || ' '))
                    THEN CASE WHEN n.key IS NULL THEN 'drop' ELSE 'replace' END
                -- PostgreSQL builds it anew with the column, and names those of the partitions as it likes
                WHEN stands.is_built_anew AND o.key = ANY (parted) THEN 'replace'
                WHEN moved.key IS NOT NULL THEN CASE WHEN o.part LIKE 'column %' AND NOT o.state ? 'generated' THEN 'suspend' ELSE 'replace' END
                ELSE f.fate
            END ORDER BY f.place)
        INTO fates
        FROM unnest(keys, fates) WITH ORDINALITY AS f (key, fate, place)
        LEFT JOIN unnest(old_elements) o ON o.key = f.key
        LEFT JOIN unnest(new_elements) n ON n.key = f.key
        -- Each of these joins by hash what an array would be searched for, one element after another.
        LEFT JOIN (
            SELECT DISTINCT x.key FROM unnest(old_elements) x
            LEFT JOIN unnest(keys, fates) AS l (key, fate) ON l.key = x.link AND l.fate <> 'keep'
            CROSS JOIN LATERAL unnest(x.taken_by || CASE WHEN l.key IS NULL THEN x.via END) AS t (taker)
            JOIN unnest(keys, fates) AS g (key, fate) ON g.key = t.taker AND g.fate IN ('drop', 'replace')) taken ON taken.key = f.key
        LEFT JOIN (
            SELECT DISTINCT x.key FROM unnest(old_elements) x
            CROSS JOIN LATERAL unnest(x.holds) AS h (name) JOIN unnest(broken_names) AS b (name) ON b.name = h.name
            -- what has the name of the object itself may be something else: a collation, say, of a table's name
            LEFT JOIN (SELECT y.object_type, y.identity FROM unnest(keys, fates) AS k (key, fate) JOIN unnest(old_elements) y ON y.key = k.key
                       WHERE k.fate IN ('drop', 'replace') AND y.part = '') own ON own.object_type = x.object_type AND own.identity = x.identity
            WHERE h.name NOT IN ('shell ' || x.identity, 'body ' || x.identity) OR own.identity IS NOT NULL) held ON held.key = f.key
        LEFT JOIN (
            SELECT x.key, bool_or(c.fate = 'replace' OR c.fate = 'suspend' AND coalesce(x.state ->> 'definition', '') !~ '^(PRIMARY KEY|UNIQUE) ') AS goes,
                bool_or(c.key = ANY (rewritten)) AS is_built_anew
            FROM unnest(old_elements) x
            CROSS JOIN LATERAL unnest(x.needs) AS w (name)
            JOIN (SELECT 'body ' || y.identity AS body, quote_ident(substr(y.part, 8)) AS name, k.key, k.fate
                  FROM unnest(keys, fates) AS k (key, fate) JOIN unnest(old_elements) y ON y.key = k.key
                  WHERE y.part LIKE 'column %' AND (k.fate IN ('replace', 'suspend') OR k.key = ANY (rewritten))) c ON c.body = w.name
            WHERE (x.object_type IN ('INDEX', 'STATISTICS') AND x.part = '' OR x.part LIKE 'constraint %')
              AND pggit.mentions(array_to_string(x.make, ' '), c.name)
            GROUP BY x.key) stands ON stands.key = f.key
        LEFT JOIN (
            SELECT DISTINCT x.key FROM unnest(old_elements) x
            CROSS JOIN LATERAL unnest(x.holds || CASE WHEN x.state ? 'generated' THEN x.identity END) AS h (name)
            JOIN (SELECT s.relation, quote_ident(n.name) AS name, 'column ' || s.name AS part
                  FROM unnest(moved_columns) m CROSS JOIN LATERAL (SELECT split_part(m, E'\1', 1) AS relation, split_part(m, E'\1', 2) AS name) s
                  -- what reads it in a way of its own still has the name that it had
                  CROSS JOIN LATERAL (SELECT s.name UNION ALL SELECT r.old_column FROM unnest(columns) r
                                      WHERE r.new_identity = s.relation AND r.new_column = s.name) AS n (name)) c ON c.relation = h.name
            WHERE (x.part = '' OR x.part LIKE 'column %' OR x.state ->> 'kind' = 'f') AND x.object_type NOT IN ('INDEX', 'STATISTICS')
              AND NOT (x.identity = c.relation AND x.part = c.part)
              AND (c.relation = ANY (x.holds) AND (x.object_type <> 'TABLE' OR x.part LIKE 'constraint %' OR x.identity <> c.relation)
                   OR x.state ? 'generated' AND x.identity = c.relation)
              AND (pggit.mentions(array_to_string(x.make, ' '), c.name) OR x.part LIKE 'column %' AND x.identity <> c.relation)) moved ON moved.key = f.key;
        EXIT WHEN fates IS NOT DISTINCT FROM previous;
    END LOOP;
    FOR added IN
        -- A column that is made anew has no privileges of its own.
        SELECT o.key, pggit.alter_element(o::pggit.element, n::pggit.element) AS statements
        FROM unnest(old_elements) o JOIN unnest(new_elements) n ON n.key = o.key JOIN unnest(keys, fates) AS f (key, fate) ON f.key = o.key AND f.fate = 'keep'
        WHERE o.part = 'acl' AND o.state -> 'columns' <> 'null' AND EXISTS (
            SELECT FROM unnest(keys, fates) AS c (key, fate)
            JOIN jsonb_object_keys(nullif(o.state -> 'columns', 'null')) name ON c.key = pggit.element_key(o.object_type, o.identity, 'column ' || name)
            WHERE c.fate = 'replace')
        UNION ALL
        -- A table takes along the sequences that it owns by then when it becomes UNLOGGED or LOGGED.
        SELECT n.key, n.make
        FROM unnest(old_elements) o
        JOIN unnest(keys, fates) AS t (key, fate) ON t.key = pggit.element_key('TABLE', pggit.owner_table(o.state #>> '{}'), 'persistence') AND t.fate IN ('create', 'drop')
        JOIN unnest(new_elements) n ON n.key = pggit.element_key('SEQUENCE', o.identity, 'persistence')
        JOIN unnest(keys, fates) AS f (key, fate) ON f.key = n.key AND f.fate = 'keep'
        WHERE o.object_type = 'SEQUENCE' AND o.part = 'owned by'
    LOOP
        fates[array_position(keys, added.key)] := 'alter';
        changes := changes || jsonb_build_object(added.key, added.statements);
    END LOOP;
    broken := pggit.names_to_ask_for(
        old_elements, new_elements, keys, fates, broken_names || relation_names || tightened || filled
            || ARRAY(SELECT split_part(m, E'\1', 1) FROM unnest(moved_columns) m), coming_to);
END
$$;
COMMENT ON FUNCTION pggit.decide_fates(pggit.element[], pggit.element[], pggit.rename[]) IS
'For each element of either side: keep, create, drop, alter, replace or suspend; the statements of those to alter; and the names that others may hold on to. columns: those that were renamed before.';

CREATE FUNCTION pggit.names_to_ask_for(
    old_elements pggit.element[], new_elements pggit.element[], keys text[], fates text[], broken text[], coming_to text[])
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
            SELECT DISTINCT rtrim(regexp_replace(b, '^(server|wrapper|index) ', ''), '(') FROM unnest(broken) b
            WHERE b ~ '^("(?:[^"]|"")+"|[a-z_][a-z0-9_]*)[.]|^(server|wrapper|index) ')
        || ARRAY(SELECT DISTINCT format('ON ONLY %s USING', c) FROM unnest(coming_to) c)
        || ARRAY(SELECT DISTINCT o.identity FROM unnest(old_elements) o
                 JOIN unnest(keys, fates) AS f (key, fate) ON f.key = o.key AND f.fate = 'drop'
                 JOIN unnest(old_elements) t ON t.key = pggit.element_key('TABLE', o.identity) AND t.state ? 'partition_key'
                 WHERE o.part LIKE 'not null %' AND pggit.not_null_sql('', '') = '')
        -- the sequences that go along with a table that becomes UNLOGGED or LOGGED, by the column that owns one
        || ARRAY(SELECT t.identity || '.' FROM unnest(old_elements) t
                 JOIN unnest(keys, fates) AS s (key, fate) ON s.key = t.key AND s.fate IN ('keep', 'alter')
                 JOIN unnest(keys, fates) AS f (key, fate) ON f.key = pggit.element_key('TABLE', t.identity, 'persistence') AND f.fate IN ('create', 'drop')
                 WHERE t.object_type = 'TABLE' AND t.part = '')
        -- a partition may have the like of a new foreign key
        || ARRAY(SELECT DISTINCT n.state ->> 'definition' FROM unnest(new_elements) n
                 JOIN unnest(keys, fates) AS f (key, fate) ON f.key = n.key AND f.fate IN ('create', 'replace')
                 WHERE n.state ->> 'kind' = 'f' AND EXISTS (
                     SELECT FROM unnest(new_elements) t WHERE t.key = pggit.element_key('TABLE', n.identity) AND t.state ? 'partition_key'));
END
$$;
COMMENT ON FUNCTION pggit.names_to_ask_for(pggit.element[], pggit.element[], text[], text[], text[], text[]) IS
'What the definitions of objects that do not change are searched for, because it is gone for a while. broken: names of what is replaced; coming_to: tables that partitions come to.';

CREATE FUNCTION pggit.needs_to_change(e pggit.element, is_alone boolean) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What a column's default alone mentions waits for that, which is a part by itself.
    RETURN CASE WHEN e.part LIKE 'column %'
        THEN ARRAY(SELECT w FROM unnest(e.needs) w
                   WHERE w = ANY (e.holds) OR w ~ '^(?:extensions$|shell |body |plain )' AND NOT (is_alone AND w ~ '^body ' AND w <> 'body ' || e.identity))
        ELSE e.needs END;
END
$$;
COMMENT ON FUNCTION pggit.needs_to_change(pggit.element, boolean) IS
'What of an element''s needs orders the statement that changes it in place. is_alone: its table is not with its parents then.';

CREATE FUNCTION pggit.plan_nodes(
    old_elements pggit.element[], new_elements pggit.element[], keys text[], fates text[], changes jsonb, reset_roles text[], targets text[])
RETURNS pggit.plan_node[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
DECLARE
    own_made text[];
    comes_with_above text[];
    goes_with_above text[];
    gone text[] := ARRAY(SELECT f.key FROM unnest(keys, fates) AS f (key, fate) WHERE f.fate IN ('drop', 'replace'));
    touched text[] := ARRAY(SELECT f.key FROM unnest(keys, fates) AS f (key, fate) WHERE f.fate IN ('drop', 'replace', 'create', 'alter', 'suspend'));
    -- by a statement, that is
    done text[] := ARRAY(
        SELECT f.key FROM unnest(keys, fates) AS f (key, fate)
        WHERE f.fate IN ('drop', 'replace', 'create', 'suspend') OR f.fate = 'alter' AND changes ->> f.key <> '[]');
    stays text[] := ARRAY(SELECT f.key FROM unnest(keys, fates) AS f (key, fate) WHERE f.fate = 'keep');
    shells text[] := ARRAY(
        SELECT n.key FROM unnest(keys, fates) AS f (key, fate) JOIN unnest(new_elements) n ON n.key = f.key
        WHERE f.fate IN ('create', 'replace') AND n.part = '');
    keyed text[];
BEGIN
    -- Partitioned tables with foreign keys, also those that they have from above.
    WITH RECURSIVE above AS (
        SELECT o.identity FROM unnest(old_elements) o WHERE o.state ->> 'kind' = 'f'
        UNION
        SELECT o.identity FROM above a JOIN unnest(old_elements) o
            ON o.part = 'link' AND o.state ->> 'bound' IS NOT NULL AND o.state #>> '{parents,0}' = a.identity
    )
    SELECT array_agg(a.identity) INTO keyed FROM above a;
    -- What comes or goes with what is above it, by a link that there is all the while. Here as below, joins by hash do
    -- what arrays would be searched for, one element after another.
    comes_with_above := ARRAY(
        SELECT DISTINCT n.key FROM unnest(new_elements) n CROSS JOIN LATERAL unnest(n.via) AS v (key) JOIN unnest(done) AS t (key) ON t.key = v.key
        WHERE n.link = ANY (stays) OR NOT n.link = ANY (keys));
    goes_with_above := ARRAY(
        SELECT DISTINCT o.key FROM unnest(old_elements) o CROSS JOIN LATERAL unnest(o.via) AS v (key) JOIN unnest(done) AS t (key) ON t.key = v.key
        WHERE o.link = ANY (stays) OR NOT o.link = ANY (keys));
    own_made := shells || ARRAY(
        SELECT n.key FROM unnest(keys, fates) AS f (key, fate) JOIN unnest(new_elements) n ON n.key = f.key
        LEFT JOIN (SELECT DISTINCT x.key FROM unnest(new_elements) x CROSS JOIN LATERAL unnest(x.made_by) AS m (key)
                   JOIN unnest(shells) AS s (key) ON s.key = m.key) made ON made.key = n.key
        WHERE f.fate IN ('create', 'replace') AND n.part LIKE 'column %' AND made.key IS NULL AND n.key <> ALL (comes_with_above));
    RETURN ARRAY(
        WITH RECURSIVE taken AS MATERIALIZED (
            SELECT DISTINCT x.key FROM unnest(old_elements) x CROSS JOIN LATERAL unnest(x.taken_by) AS t (key) JOIN unnest(gone) AS g (key) ON g.key = t.key
        ), made AS MATERIALIZED (
            SELECT DISTINCT x.key FROM unnest(new_elements) x CROSS JOIN LATERAL unnest(x.made_by) AS m (key) JOIN unnest(own_made) AS g (key) ON g.key = m.key
        ), old_side AS (
            SELECT o.*, f.fate, taken.key IS NOT NULL OR above.key IS NOT NULL AS is_taken, taken.key IS NULL AND above.key IS NOT NULL AS is_taken_above,
                o.via <> '{}' AND o.identity = ANY (heirs.identities) AS is_heir
            FROM unnest(keys, fates) AS f (key, fate) JOIN unnest(old_elements) o ON o.key = f.key
            LEFT JOIN taken ON taken.key = o.key LEFT JOIN unnest(goes_with_above) AS above (key) ON above.key = o.key
            CROSS JOIN (SELECT array_agg(l.identity) AS identities FROM unnest(old_elements) l
                        WHERE l.part = 'link' AND l.state ->> 'bound' IS NULL) heirs
            WHERE f.fate IN ('drop', 'replace', 'suspend')
        ), new_side AS (
            SELECT n.*, f.fate,
                made.key IS NOT NULL OR above.key IS NOT NULL AND n.object_type <> 'INDEX' AND n.state ->> 'kind' IS DISTINCT FROM 'i' AS is_made,
                CASE f.fate WHEN 'alter' THEN pggit.needs_to_change(n::pggit.element, n.link = ANY (touched)) ELSE n.needs END AS ordered_by,
                ot.old_needs, ot.freed, ot.becomes
            FROM unnest(keys, fates) AS f (key, fate) JOIN unnest(new_elements) n ON n.key = f.key
            LEFT JOIN made ON made.key = n.key LEFT JOIN unnest(comes_with_above) AS above (key) ON above.key = n.key
            LEFT JOIN LATERAL (SELECT CASE f.fate WHEN 'alter' THEN pggit.needs_to_change(o::pggit.element, o.link = ANY (touched)) END AS old_needs,
                    ARRAY(SELECT 'free ' || c FROM unnest(o.claims) c WHERE f.fate = 'alter' AND c <> ALL (n.claims)) AS freed,
                    CASE WHEN n.part LIKE 'column %' AND n.object_type = 'TABLE' AND (o.state -> 'type' <> n.state -> 'type' OR f.fate = 'suspend') THEN n.state ->> 'type' END AS becomes
                FROM unnest(old_elements) o WHERE f.fate IN ('alter', 'suspend') AND o.key = f.key) ot ON true
            WHERE f.fate IN ('create', 'replace', 'alter', 'suspend')
        ), along AS (
            -- the same column or constraint in tables below, which PostgreSQL makes and takes with it
            SELECT 'old' AS side, o.key, v.via FROM old_side o CROSS JOIN LATERAL unnest(o.via) AS v (via) WHERE o.is_taken_above
            UNION ALL
            SELECT 'new', n.key, v.via FROM new_side n CROSS JOIN LATERAL unnest(n.via) AS v (via) WHERE n.is_made
        ), below AS (
            SELECT a.side, a.via AS top, a.key, 1 AS depth FROM along a
            JOIN (SELECT 'old' AS side, o.key FROM old_side o WHERE NOT o.is_taken UNION ALL SELECT 'new', n.key FROM new_side n WHERE NOT n.is_made) s
                ON s.side = a.side AND s.key = a.via
            UNION
            SELECT b.side, b.top, a.key, b.depth + 1 FROM below b JOIN along a ON a.side = b.side AND a.via = b.key
        ), dropped_below AS MATERIALIZED (
            -- a child that had the column before it got the parent keeps it
            SELECT d.top, array_agg(
                format(CASE WHEN x.part LIKE 'column %' THEN 'ALTER TABLE %s DROP COLUMN IF EXISTS %I' ELSE 'ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I' END,
                       x.identity, substr(x.part, strpos(x.part, ' ') + 1))
                ORDER BY d.depth, x.key COLLATE "C") AS statements
            FROM (SELECT b.top, b.key, max(b.depth) AS depth FROM below b WHERE b.side = 'old' GROUP BY b.top, b.key) d
            -- of several parents the last one, which order_nodes() puts last for these
            JOIN (SELECT b.key, max(b.top COLLATE "C") AS top FROM below b WHERE b.side = 'old' GROUP BY b.key) l ON l.key = d.key AND l.top = d.top
            JOIN old_side x ON x.key = d.key
            WHERE x.is_heir AND (x.part LIKE 'column %' OR x.part LIKE 'constraint %') GROUP BY d.top
        ), provided_below AS MATERIALIZED (
            SELECT b.top, array_agg(DISTINCT p) AS provides
            FROM below b JOIN new_side x ON x.key = b.key CROSS JOIN LATERAL unnest(x.provides) p
            WHERE b.side = 'new' GROUP BY b.top
        ), goes_along AS MATERIALIZED (
            SELECT w.taker AS key, array_agg(u.name) FILTER (WHERE u.side = 'provides') AS provides,
                array_agg(u.name) FILTER (WHERE u.side = 'needs' AND u.name !~ '^(?:key|drop:notnulls) ' AND NOT (w.is_below AND u.name ~ '^body ')) AS needs,
                array_agg(u.name) FILTER (WHERE u.side = 'claims') AS claims
            FROM (SELECT t.taker, o.key, false AS is_below FROM old_side o CROSS JOIN LATERAL unnest(o.taken_by) AS t (taker)
                  UNION SELECT b.top, b.key, true FROM below b WHERE b.side = 'old') w
            JOIN old_side x ON x.key = w.key AND x.is_taken AND x.unmake <> '{}'
            CROSS JOIN LATERAL (
                SELECT 'provides' AS side, unnest(x.provides) AS name UNION ALL SELECT 'needs', unnest(x.needs) UNION ALL SELECT 'claims', unnest(x.claims)) u
            GROUP BY w.taker
        ), comes_along AS MATERIALIZED (
            SELECT m.maker AS key, array_agg(u.name) FILTER (WHERE u.side = 'provides') AS provides,
                array_agg(u.name) FILTER (WHERE u.side = 'needs') AS needs, array_agg(u.name) FILTER (WHERE u.side = 'claims') AS claims
            FROM new_side x CROSS JOIN LATERAL unnest(x.made_by) AS m (maker)
            CROSS JOIN LATERAL (
                SELECT 'provides' AS side, unnest(x.provides) AS name UNION ALL SELECT 'needs', unnest(x.holds) UNION ALL SELECT 'claims', unnest(x.claims)) u
            WHERE x.is_made GROUP BY m.maker
        ), step AS (
            SELECT CASE o.fate WHEN 'suspend' THEN 'suspend' ELSE 'drop' END AS action, o.key, o.object_type, o.identity, o.part,
                CASE o.fate WHEN 'suspend' THEN ARRAY[format('ALTER TABLE %s ALTER COLUMN %I TYPE pg_catalog.text COLLATE "default" USING %I::pg_catalog.text',
                    o.identity, substr(o.part, 8), substr(o.part, 8))]
                    -- PostgreSQL drops no partition that a key leads to with its parent
                    ELSE CASE WHEN linked.unmake IS NULL THEN '{}' ELSE ARRAY[linked.unmake] END
                    || CASE WHEN o.part = 'link' AND o.state ->> 'bound' IS NOT NULL AND o.state #>> '{parents,0}' = ANY (keyed)
                        THEN ARRAY[pggit.detach_without_keys(o.identity, o.unmake[1])] ELSE o.unmake END
                    || coalesce(heir.statements, '{}') END AS statements,
                o.provides || ARRAY(SELECT p FROM unnest(t.provides) p WHERE NOT (o.part = '' AND starts_with(p, 'drop:notnulls '))) AS provides,
                o.needs || ARRAY(SELECT w FROM unnest(t.needs) w WHERE w <> ALL (o.provides)) AS needs, NULL::text[] AS old_needs,
                o.claims || coalesce(t.claims, '{}') AS claims, o.rank, o.as_owner_of,
                CASE WHEN o.fate <> 'suspend' THEN o.loses END AS loses, NULL::text AS becomes
            FROM old_side o
            LEFT JOIN dropped_below heir ON heir.top = o.key
            -- what goes along counts as part of it
            LEFT JOIN goes_along t ON t.key = o.key AND (o.part = '' OR o.part LIKE 'column %' OR o.part LIKE 'constraint %')
            LEFT JOIN (
                SELECT pggit.element_key(l.object_type, l.identity) AS of_key, l.unmake[1] AS unmake FROM unnest(old_elements) l
                WHERE l.part = 'link' AND l.state ->> 'bound' IS NOT NULL AND l.state #>> '{parents,0}' = ANY (targets)) linked ON linked.of_key = o.key
            WHERE NOT o.is_taken
            UNION ALL
            SELECT CASE n.fate WHEN 'alter' THEN 'alter' WHEN 'suspend' THEN 'resume' ELSE 'create' END, n.key, n.object_type, n.identity, n.part,
                CASE
                    -- PostgreSQL lets no owned sequence change its owner; it is given to its table again afterwards
                    WHEN n.fate = 'alter' AND n.object_type = 'SEQUENCE' AND n.part = 'owner'
                         AND pggit.element_key('SEQUENCE', n.identity, 'owned by') = ANY (touched)
                        THEN ARRAY[format('ALTER SEQUENCE %s OWNED BY NONE', n.identity)] || n.make
                    WHEN n.fate = 'alter' THEN ARRAY(SELECT s FROM jsonb_array_elements_text(changes -> n.key) s)
                    WHEN n.fate = 'suspend' THEN ARRAY[concat(format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', n.identity, substr(n.part, 8), n.state ->> 'type'),
                        ' COLLATE ' || (n.state ->> 'collation'), format(' USING %I::%s', substr(n.part, 8), n.state ->> 'type'))]
                    WHEN (n.part = 'acl' OR n.part LIKE 'identity acl %') AND reset_roles IS NULL AND n.identity <> 'public'
                         AND n.state -> 'acl' = 'null' AND n.state -> 'columns' = 'null' THEN '{}'
                    WHEN n.part = 'acl' OR n.part LIKE 'identity acl %' THEN pggit.acl_changes(
                        (n.state ->> 'kind')::"char", n.state ->> 'target', NULL, n.state ->> 'owner', nullif(n.state -> 'acl', 'null'), n.state ->> 'owner',
                        CASE WHEN n.object_type = 'SCHEMA' AND n.identity = 'public' THEN coalesce(reset_roles, '{}') || ARRAY[''] ELSE reset_roles END,
                        NULL, nullif(n.state -> 'columns', 'null'))
                    -- PostgreSQL gives children no identity, and so no column with one
                    WHEN n.part LIKE 'column %' AND i.make IS NOT NULL
                        THEN ARRAY[regexp_replace(n.make[1], ' GENERATED (ALWAYS|BY DEFAULT) AS IDENTITY [(].* (NO )?CYCLE[)]', '')] || n.make[2:] || i.make
                    ELSE n.make END,
                n.provides || coalesce(t.provides, '{}')
                    || coalesce(h.provides, '{}') || coalesce(n.freed, '{}'),
                n.ordered_by || ARRAY(SELECT w FROM unnest(t.needs) w WHERE w <> ALL (n.provides))
                    || ARRAY(SELECT 'free ' || c FROM unnest(n.claims || t.claims) c)
                    -- PostgreSQL takes an index into account only when all below it are attached
                    || CASE WHEN n.part <> 'link' THEN '{}' ELSE ARRAY(
                        SELECT 'make:parts of ' || x.identity FROM unnest(new_elements) x
                        WHERE x.object_type = 'INDEX' AND x.part = '' AND ('body ' || n.identity) = ANY (x.needs)
                        UNION ALL
                        SELECT 'make:parts of ' || pggit.schema_part(x.identity) || '.' || quote_ident(substr(x.part, 12)) FROM unnest(new_elements) x
                        WHERE x.object_type = 'TABLE' AND x.identity = n.identity AND x.part LIKE 'constraint %') END,
                n.old_needs,
                n.claims || coalesce(t.claims, '{}'), n.rank, n.as_owner_of, NULL, n.becomes
            FROM new_side n LEFT JOIN provided_below h ON h.top = n.key
            LEFT JOIN comes_along t ON t.key = n.key AND (n.part = '' OR n.part LIKE 'column %')
            LEFT JOIN LATERAL (
                SELECT e.make FROM unnest(new_elements) e
                WHERE e.key = pggit.element_key(n.object_type, n.identity, 'identity ' || substr(n.part, 8)) AND EXISTS (
                    SELECT FROM unnest(new_elements) child LEFT JOIN unnest(new_elements) link ON link.key = child.link
                    WHERE n.key = ANY (child.via) AND (link.state ->> 'bound' IS NULL OR current_setting('server_version_num')::integer < 170000))
            ) i ON n.part LIKE 'column %'
            WHERE NOT n.is_made
              -- An owned sequence has its table's owner.
              AND NOT (n.fate = 'alter' AND n.object_type = 'SEQUENCE' AND n.part = 'owner'
                       AND EXISTS (SELECT FROM unnest(stays) s WHERE s = pggit.element_key('SEQUENCE', n.identity, 'owned by')))
            UNION ALL
            -- A child younger than its parent's NOT VALID has the constraint valid.
            SELECT 'create', n.key, n.object_type, n.identity, n.part,
                ARRAY[format('ALTER TABLE %s VALIDATE CONSTRAINT %I', n.identity, substr(n.part, 12))],
                '{}', n.needs || ('key ' || p.key), NULL, '{}', n.rank, n.as_owner_of, NULL, NULL
            FROM new_side n JOIN new_side p ON p.key = ANY (n.via)
            WHERE n.is_made AND p.fate <> 'alter' AND p.state ->> 'definition' = (n.state ->> 'definition') || ' NOT VALID'
        )
        SELECT ROW(row_number() OVER (ORDER BY s.key COLLATE "C", s.action)::integer, s.action, s.key, s.object_type, s.identity, s.part, s.statements,
                   s.provides, s.needs, s.old_needs, s.claims, s.rank, s.as_owner_of, s.loses, NULL, s.becomes)::pggit.plan_node
        FROM step s ORDER BY s.key COLLATE "C", s.action);
END
$$;
COMMENT ON FUNCTION pggit.plan_nodes(pggit.element[], pggit.element[], text[], text[], jsonb, text[], text[]) IS
'The steps of a plan, with ids from 1 on and in no useful order yet. targets are partitioned tables that stay and that foreign keys lead to.';
