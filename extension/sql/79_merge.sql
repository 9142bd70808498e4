-- Merging whole schemas: three-way, first by object, then inside definitions.

CREATE FUNCTION pggit.merge_base(a text, b text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    a_side text[] := ARRAY[pggit.resolve_ref(a)];
    b_side text[] := ARRAY[pggit.resolve_ref(b)];
    newest text;
    before text[];
    in_a boolean;
    in_b boolean;
BEGIN
    -- A commit's id is higher than its parents', so that going back from the newest on, the first commit reached from
    -- both sides has no descendant that is: nothing older needs a look. Of several best ones this is the newest.
    LOOP
        SELECT c.hash, c.parents INTO newest, before FROM pggit.commits c
        WHERE c.hash = ANY (a_side || b_side) ORDER BY c.id DESC LIMIT 1;
        EXIT WHEN newest IS NULL;
        in_a := newest = ANY (a_side);
        in_b := newest = ANY (b_side);
        EXIT WHEN in_a AND in_b;
        IF in_a THEN
            a_side := array_remove(a_side, newest) || before;
        ELSE
            b_side := array_remove(b_side, newest) || before;
        END IF;
    END LOOP;
    RETURN newest;
END
$$;
COMMENT ON FUNCTION pggit.merge_base(text, text) IS
'The best common ancestor of two branches, tags or commits, the newest where there are several; null when there is none.';

CREATE FUNCTION pggit.put_blob(object_type text, identity text, definition jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_hash text := pggit.blob_hash(object_type, identity, definition);
BEGIN
    IF blob_hash IS NOT NULL THEN
        INSERT INTO pggit.blobs (hash, object_type, identity, definition)
        VALUES (blob_hash, object_type, identity, definition)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN blob_hash;
END
$$;
COMMENT ON FUNCTION pggit.put_blob(text, text, jsonb) IS 'Stores a definition and returns its hash; null stays null.';

CREATE FUNCTION pggit.merge_trees(base text, ours text, theirs text, OUT merged text, OUT conflicts jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_keys text[];
    new_blobs text[];
    whole text[];
    our_blobs text[];
    conflicting text[];
    more text[];
    whole_conflicts jsonb;
    two record;
    part record;
BEGIN
    conflicts := '[]';
    -- What only they changed is taken as it is.
    SELECT array_agg(t.tree_key), array_agg(t.b_blob) INTO new_keys, new_blobs
    FROM pggit.tree_differences(base, theirs) t
    LEFT JOIN pggit.tree_differences(base, ours) o ON o.tree_key = t.tree_key
    WHERE o.tree_key IS NULL;
    FOR two IN
        SELECT t.tree_key, b.object_type, b.identity, pggit.definition_of(t.a_blob) AS base_definition,
            pggit.definition_of(o.b_blob) AS our_definition, pggit.definition_of(t.b_blob) AS their_definition
        FROM pggit.tree_differences(base, theirs) t
        JOIN pggit.tree_differences(base, ours) o ON o.tree_key = t.tree_key
        JOIN pggit.blobs b ON b.hash = coalesce(t.a_blob, t.b_blob)
        WHERE o.b_blob IS DISTINCT FROM t.b_blob
        ORDER BY b.object_type, b.identity COLLATE "C"
    LOOP
        SELECT m.merged AS definition, m.conflicts AS found INTO part
        FROM pggit.merge_definitions(
            two.object_type, two.base_definition, two.our_definition, two.their_definition) m;
        new_keys := new_keys || two.tree_key;
        new_blobs := new_blobs || pggit.put_blob(two.object_type, two.identity, part.definition);
        conflicts := conflicts || coalesce((
            SELECT jsonb_agg(jsonb_build_object('object_type', two.object_type, 'identity', two.identity) || c)
            FROM jsonb_array_elements(part.found || pggit.other_column_names(
                two.object_type, two.identity, two.base_definition, two.our_definition, two.their_definition)) c), '[]');
    END LOOP;
    merged := CASE WHEN new_keys IS NULL THEN ours ELSE pggit.change_tree(ours, 0, new_keys, new_blobs) END;

    -- What each side may have by itself, but not both together.
    whole := pggit.lost_homes(base, ours, theirs) || pggit.torn_families(base, ours, theirs) || pggit.names_taken_twice(base, ours, theirs)
        || pggit.other_names(base, ours, theirs) || pggit.lost_ground(base, ours, theirs);
    LOOP
        conflicting := whole || ARRAY(
            SELECT pggit.tree_key(c ->> 'object_type', c ->> 'identity') FROM jsonb_array_elements(conflicts) c WHERE c -> 'path' = '[]');
        EXIT WHEN conflicting = '{}';
        more := pggit.names_come_back(base, ours, theirs, merged, conflicting);
        EXIT WHEN more = '{}';
        whole := whole || more;
    END LOOP;
    SELECT array_agg(k), array_agg(v.ours), jsonb_agg(jsonb_build_object(
            'object_type', b.object_type, 'identity', b.identity, 'path', '{}'::text[],
            'base', pggit.definition_of(v.base), 'ours', pggit.definition_of(v.ours), 'theirs', pggit.definition_of(v.theirs))
        ORDER BY b.object_type, b.identity COLLATE "C")
    INTO whole, our_blobs, whole_conflicts
    FROM (SELECT DISTINCT unnest(whole)) AS w (k)
    CROSS JOIN LATERAL (
        SELECT pggit.tree_lookup(merge_trees.base, k) AS base, pggit.tree_lookup(merge_trees.ours, k) AS ours,
            pggit.tree_lookup(merge_trees.theirs, k) AS theirs OFFSET 0) v
    JOIN pggit.blobs b ON b.hash = coalesce(v.base, v.ours, v.theirs)
    WHERE v.ours IS DISTINCT FROM v.theirs;
    IF whole IS NOT NULL THEN
        merged := pggit.change_tree(merged, 0, whole, our_blobs);
        -- in place of those within these objects
        conflicts := whole_conflicts || coalesce((
            SELECT jsonb_agg(c ORDER BY place) FROM jsonb_array_elements(conflicts) WITH ORDINALITY AS k (c, place)
            WHERE NOT whole_conflicts @> jsonb_build_array(jsonb_build_object('object_type', c -> 'object_type', 'identity', c -> 'identity'))), '[]');
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.merge_trees(text, text, text) IS
'Three-way merge of trees. Each conflict has object_type, identity, path and the values of base, ours and theirs; what stands there in the merged tree is not meant to stay.';

CREATE FUNCTION pggit.other_column_names(object_type text, identity text, base jsonb, ours jsonb, theirs jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF object_type NOT IN ('TABLE', 'FOREIGN TABLE') OR base IS NULL OR ours IS NULL OR theirs IS NULL THEN
        RETURN '[]';
    END IF;
    RETURN coalesce((
        SELECT jsonb_agg(jsonb_build_object('path', p.path, 'base', NULL, 'ours', ours #> p.path, 'theirs', theirs #> p.path) ORDER BY p.path)
        FROM (
            SELECT r.old_column, r.new_column, theirs AS other FROM pggit.find_column_renames(object_type, identity, identity, base, ours) r
            UNION ALL SELECT r.old_column, r.new_column, ours FROM pggit.find_column_renames(object_type, identity, identity, base, theirs) r
        ) n
        CROSS JOIN LATERAL (SELECT ARRAY['columns', n.new_column] AS path) p
        WHERE NOT n.other -> 'columns' ?| ARRAY[n.old_column, n.new_column]), '[]');
END
$$;
COMMENT ON FUNCTION pggit.other_column_names(text, text, jsonb, jsonb, jsonb) IS
'Conflicts of columns that one side gave another name, and the other side dropped or gave yet another: under the new names.';

CREATE FUNCTION pggit.changes_of_both(base text, ours text, theirs text)
RETURNS TABLE (side text, tree_key text, a_blob text, b_blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'ours', d.tree_key, d.a_blob, d.b_blob FROM pggit.tree_differences(base, ours) d
    UNION ALL SELECT 'theirs', d.tree_key, d.a_blob, d.b_blob FROM pggit.tree_differences(base, theirs) d;
END
$$;
COMMENT ON FUNCTION pggit.changes_of_both(text, text, text) IS 'What each side of a merge changed.';

-- The next ones give the keys of objects that become conflicts as a whole.

CREATE FUNCTION pggit.lost_homes(base text, ours text, theirs text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
    WITH changed AS MATERIALIZED (
        SELECT * FROM pggit.changes_of_both(base, ours, theirs)
    ), dropped AS (
        SELECT c.side, c.tree_key, b.object_type, b.identity
        FROM changed c JOIN pggit.blobs b ON b.hash = c.a_blob
        WHERE c.b_blob IS NULL AND b.object_type IN ('SCHEMA', 'TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW')
          -- nor has the side made something else of that name
          AND NOT (b.object_type <> 'SCHEMA' AND EXISTS (
              SELECT FROM changed e JOIN pggit.blobs n ON n.hash = e.b_blob
              WHERE e.side = c.side AND n.identity = b.identity
                AND n.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW')))
    )
    SELECT k FROM dropped d
    JOIN changed c ON c.side <> d.side AND c.b_blob IS NOT NULL
    JOIN pggit.blobs b ON b.hash = c.b_blob
    CROSS JOIN LATERAL unnest(ARRAY[d.tree_key, c.tree_key]) k
    WHERE CASE WHEN d.object_type = 'SCHEMA'
        THEN pggit.schema_part(coalesce(b.definition ->> 'table', b.identity)) = d.identity
        ELSE b.definition ->> 'table' = d.identity END);
END
$$;
COMMENT ON FUNCTION pggit.lost_homes(text, text, text) IS
'Where one side dropped a schema or table and the other made or changed something in it: both.';

CREATE FUNCTION pggit.handed_down(definition jsonb, with_foreign_keys boolean DEFAULT true) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_build_object(
        'columns', (
            SELECT jsonb_object_agg(c.key, c.value - '{comment,acl,default,storage,compression,statistics,options,fdw_options}'::text[])
            FROM jsonb_each(definition -> 'columns') c),
        'constraints', (
            SELECT jsonb_object_agg(k.key, k.value - 'comment')
            FROM jsonb_each(definition -> 'constraints') k
            WHERE definition ? 'partition_key' AND (with_foreign_keys OR k.value ->> 'definition' NOT LIKE 'FOREIGN KEY %')
               OR k.value ->> 'definition' LIKE 'CHECK %' AND k.value ->> 'definition' !~ ' NO INHERIT( NOT [A-Z]+)?$'));
END
$$;
COMMENT ON FUNCTION pggit.handed_down(jsonb, boolean) IS
'What of a table''s definition its partitions and children must have as well; foreign keys do not stand in their definitions.';

CREATE FUNCTION pggit.torn_families(base text, ours text, theirs text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The new partition or child would lack what the other side changed, or have what its parent has not.
    RETURN ARRAY(
    WITH RECURSIVE changed AS MATERIALIZED (
        SELECT * FROM pggit.changes_of_both(base, ours, theirs)
    ), link AS MATERIALIZED (
        SELECT c.side, c.tree_key, b.identity, p.parent, b.definition ? 'partition_bound' AS is_partition
        FROM changed c JOIN pggit.blobs b ON b.hash = c.b_blob AND b.object_type IN ('TABLE', 'FOREIGN TABLE')
        CROSS JOIN LATERAL jsonb_array_elements_text(b.definition -> 'parents') AS p (parent)
        WHERE (SELECT a.definition -> 'parents' ? p.parent FROM pggit.blobs a WHERE a.hash = c.a_blob) IS NOT TRUE
    ), family AS (
        SELECT l.side, l.tree_key, l.identity, l.parent AS ancestor, l.is_partition FROM link l
        UNION SELECT l.side, l.tree_key, l.identity, f.ancestor, l.is_partition FROM family f JOIN link l ON l.side = f.side AND l.parent = f.identity
    ), torn AS (
        SELECT f.side, f.tree_key, f.identity, c.tree_key AS other_key
        FROM family f
        JOIN changed c ON c.side <> f.side
        LEFT JOIN pggit.blobs a ON a.hash = c.a_blob
        LEFT JOIN pggit.blobs b ON b.hash = c.b_blob
        -- the same change on both sides is one
        WHERE NOT EXISTS (
            SELECT FROM changed s WHERE s.side = f.side AND s.tree_key = c.tree_key AND s.b_blob IS NOT DISTINCT FROM c.b_blob)
          AND CASE
            WHEN coalesce(a.object_type, b.object_type) IN ('TABLE', 'FOREIGN TABLE') THEN
                a.identity = f.ancestor AND pggit.handed_down(a.definition) IS DISTINCT FROM pggit.handed_down(b.definition)
                OR a.identity = f.identity AND f.is_partition
                    AND pggit.handed_down(a.definition) -> 'columns' IS DISTINCT FROM pggit.handed_down(b.definition) -> 'columns'
            WHEN coalesce(a.object_type, b.object_type) = 'INDEX' THEN
                f.ancestor IN (a.definition ->> 'table', b.definition ->> 'table')
                AND a.definition -> 'definition' IS DISTINCT FROM b.definition -> 'definition'
                AND pggit.definition_of(pggit.tree_lookup(base, pggit.tree_key('TABLE', f.ancestor))) ? 'partition_key'
            ELSE false END
    ), left_home AS MATERIALIZED (
        SELECT c.side, c.tree_key, a.identity, p.parent, a.definition ? 'partition_bound' AS is_partition
        FROM changed c
        JOIN pggit.blobs a ON a.hash = c.a_blob AND a.object_type IN ('TABLE', 'FOREIGN TABLE')
        JOIN pggit.blobs b ON b.hash = c.b_blob
        CROSS JOIN LATERAL jsonb_array_elements_text(a.definition -> 'parents') AS p (parent)
        WHERE (b.definition -> 'parents' ? p.parent) IS NOT TRUE
    ), of_parent AS MATERIALIZED (
        -- what else their parents have
        SELECT c.side, c.tree_key, c.b_blob, n.relation, coalesce(a.object_type, b.object_type) <> 'INDEX' AS is_table
        FROM changed c
        LEFT JOIN pggit.blobs a ON a.hash = c.a_blob
        LEFT JOIN pggit.blobs b ON b.hash = c.b_blob
        CROSS JOIN LATERAL (
            SELECT a.identity AS relation WHERE a.object_type IN ('TABLE', 'FOREIGN TABLE')
            UNION SELECT i.definition ->> 'table' FROM pggit.blobs i WHERE i.hash IN (a.hash, b.hash) AND i.object_type = 'INDEX') n
        WHERE n.relation IN (SELECT l.parent FROM left_home l)
          AND CASE WHEN coalesce(a.object_type, b.object_type) = 'INDEX' THEN a.definition -> 'definition' IS DISTINCT FROM b.definition -> 'definition'
                   ELSE b.hash IS NOT NULL AND pggit.handed_down(a.definition, false) IS DISTINCT FROM pggit.handed_down(b.definition, false) END
    ), own_index AS MATERIALIZED (
        SELECT DISTINCT c.tree_key, i.definition ->> 'table' AS relation
        FROM changed c JOIN pggit.blobs i ON i.hash IN (c.a_blob, c.b_blob) AND i.object_type = 'INDEX'
    ), parted AS (
        -- what left its parent on one side, and those of its indexes that either side changed
        SELECT l.tree_key, x.tree_key AS own_key
        FROM left_home l
        JOIN of_parent o ON o.relation = l.parent AND o.side <> l.side AND (l.is_partition OR o.is_table)
        LEFT JOIN own_index x ON x.relation = l.identity
        WHERE NOT EXISTS (SELECT FROM changed s WHERE s.side = l.side AND s.tree_key = o.tree_key AND s.b_blob IS NOT DISTINCT FROM o.b_blob)
    )
    SELECT t.tree_key FROM torn t
    UNION SELECT t.other_key FROM torn t
    UNION SELECT k FROM parted p CROSS JOIN LATERAL unnest(ARRAY[p.tree_key, p.own_key]) k WHERE k IS NOT NULL
    UNION SELECT c.tree_key FROM torn t JOIN changed c ON c.side = t.side JOIN pggit.blobs b ON b.hash = c.b_blob
          WHERE b.definition ->> 'table' = t.identity OR starts_with(b.definition ->> 'owned_by', t.identity || '.'));
END
$$;
COMMENT ON FUNCTION pggit.torn_families(text, text, text) IS
'Where one side gave a table a partition or child, and the other changed what these have from it or the new partition itself: both, with what is new on the new one. Where one side took a partition or child away, and the other changed what it had from its parent: that one, with its indexes.';

CREATE FUNCTION pggit.other_names(base text, ours text, theirs text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
    WITH changed AS MATERIALIZED (
        SELECT c.side, c.tree_key, c.a_blob, c.b_blob, coalesce(b.object_type, a.object_type) AS object_type, coalesce(b.identity, a.identity) AS identity
        FROM pggit.changes_of_both(base, ours, theirs) c
        LEFT JOIN pggit.blobs a ON a.hash = c.a_blob LEFT JOIN pggit.blobs b ON b.hash = c.b_blob
    ), gone AS MATERIALIZED (
        SELECT c.side, c.object_type, pggit.ids_of(c.object_type, c.identity) AS ids FROM changed c
        WHERE c.b_blob IS NULL AND EXISTS (SELECT FROM changed o WHERE o.side <> c.side AND o.tree_key = c.tree_key AND o.b_blob IS NULL)
    ), come AS MATERIALIZED (
        SELECT c.side, c.tree_key, c.object_type, pggit.ids_of(c.object_type, c.identity) AS ids FROM changed c
        WHERE c.a_blob IS NULL AND EXISTS (SELECT FROM gone g WHERE g.side = c.side AND g.object_type = c.object_type)
          AND NOT EXISTS (SELECT FROM changed o WHERE o.side <> c.side AND o.tree_key = c.tree_key)
    )
    SELECT DISTINCT c.tree_key FROM come c JOIN gone g ON g.side = c.side AND g.object_type = c.object_type AND g.ids && c.ids);
END
$$;
COMMENT ON FUNCTION pggit.other_names(text, text, text) IS
'What one side gave another name, and the other side dropped or gave yet another: under the new names.';

CREATE FUNCTION pggit.stands_on(object_type text, identity text, definition jsonb, name text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM pggit.elements(object_type, identity, definition, NULL) e
        WHERE e.needs && ARRAY[name, 'body ' || name, 'make:columns ' || name]);
END
$$;
COMMENT ON FUNCTION pggit.stands_on(text, text, jsonb, text) IS 'Whether an object needs the relation, type or collation of a name.';

CREATE FUNCTION pggit.lost_ground(base text, ours text, theirs text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
    WITH changed AS MATERIALIZED (
        SELECT * FROM pggit.changes_of_both(base, ours, theirs)
    ), gone AS (
        SELECT c.side, c.tree_key, a.identity
        FROM changed c JOIN pggit.blobs a ON a.hash = c.a_blob
        WHERE c.b_blob IS NULL
          AND a.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'TYPE', 'DOMAIN', 'COLLATION')
          AND NOT EXISTS (SELECT FROM changed e JOIN pggit.blobs n ON n.hash = e.b_blob WHERE e.side = c.side AND n.identity = a.identity)
    )
    SELECT DISTINCT k
    FROM gone g
    JOIN changed c ON c.side <> g.side AND c.b_blob IS NOT NULL
    JOIN pggit.blobs b ON b.hash = c.b_blob
    LEFT JOIN pggit.blobs a ON a.hash = c.a_blob
    CROSS JOIN LATERAL (SELECT to_jsonb(g.identity)::text AS quoted) q
    CROSS JOIN LATERAL unnest(ARRAY[g.tree_key, c.tree_key]) k
    -- CASE, so that an object is taken apart only where the name stands in it
    WHERE CASE WHEN strpos(b.definition::text, substr(q.quoted, 2, length(q.quoted) - 2)) > 0
        THEN pggit.stands_on(b.object_type, b.identity, b.definition, g.identity)
             AND (a.hash IS NULL OR NOT pggit.stands_on(a.object_type, a.identity, a.definition, g.identity)) END);
END
$$;
COMMENT ON FUNCTION pggit.lost_ground(text, text, text) IS
'Where one side dropped or renamed a relation, type or collation and the other made something that stands on it: both.';

CREATE FUNCTION pggit.names_taken_twice(base text, ours text, theirs text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
    WITH changed AS MATERIALIZED (
        SELECT c.*, count(*) OVER (PARTITION BY c.tree_key, coalesce(c.b_blob, '')) AS sides FROM pggit.changes_of_both(base, ours, theirs) c
    ), claim AS MATERIALIZED (
        -- what a side has taken that nobody had; the same change on both sides goes with all that either did
        SELECT c.side, c.tree_key, n.part, n.name
        FROM changed c JOIN pggit.blobs b ON b.hash = c.b_blob
        LEFT JOIN pggit.blobs a ON a.hash = c.a_blob
        CROSS JOIN LATERAL (
            SELECT p.* FROM pggit.claims_of(b.object_type, b.identity, b.definition) p
            WHERE p.name NOT IN (SELECT m.name FROM pggit.claims_of(a.object_type, a.identity, a.definition) m)) n
        WHERE c.sides = 1
    )
    SELECT DISTINCT k FROM claim o
    JOIN claim t ON t.side = 'theirs' AND t.name = o.name AND (t.tree_key, t.part) <> (o.tree_key, o.part)
    CROSS JOIN LATERAL unnest(ARRAY[o.tree_key, t.tree_key]) k
    WHERE o.side = 'ours');
END
$$;
COMMENT ON FUNCTION pggit.names_taken_twice(text, text, text) IS
'Where the sides use one name for two things, which PostgreSQL does not let stand side by side (a table and an index, a type and a domain), or give a table two primary keys or two partitions of one bound: both.';

CREATE FUNCTION pggit.names_come_back(base text, ours text, theirs text, merged text, conflicting text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What conflicts as a whole may come out as it is on either side, with a name that something else has by then.
    RETURN ARRAY(
        SELECT DISTINCT k.tree_key
        FROM (SELECT c.tree_key FROM pggit.changes_of_both(base, ours, theirs) c GROUP BY c.tree_key) k
        CROSS JOIN LATERAL (SELECT pggit.tree_lookup(merged, k.tree_key) AS blob OFFSET 0) m
        JOIN pggit.blobs b ON b.hash = m.blob
        CROSS JOIN LATERAL pggit.claims_of(b.object_type, b.identity, b.definition) n
        WHERE k.tree_key <> ALL (conflicting) AND n.name IN (
            SELECT p.name FROM unnest(conflicting) w
            CROSS JOIN LATERAL (VALUES (pggit.tree_lookup(ours, w)), (pggit.tree_lookup(theirs, w))) AS v (blob)
            JOIN pggit.blobs d ON d.hash = v.blob
            CROSS JOIN LATERAL pggit.claims_of(d.object_type, d.identity, d.definition) p));
END
$$;
COMMENT ON FUNCTION pggit.names_come_back(text, text, text, text, text[]) IS
'What has a name in a merged tree that one of those which conflict has on one side.';

CREATE FUNCTION pggit.start_merge(source text, force boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    our_head text;
    their_head text := pggit.resolve_ref(source);
    base text;
    merged text;
    found jsonb;
BEGIN
    PERFORM pggit.lock_head();
    PERFORM pggit.require_no_merge();
    PERFORM pggit.current_branch();
    PERFORM pggit.require_settled();
    PERFORM pggit.require_committed('merge');
    our_head := pggit.resolve_ref('HEAD');
    base := pggit.tree_of_commit(pggit.merge_base(our_head, their_head));
    IF base IS NULL THEN
        RAISE EXCEPTION 'HEAD and % have no commit in common', quote_literal(source)
            USING ERRCODE = 'GT032', HINT = 'Only branches that began at one commit can be merged.';
    END IF;
    SELECT m.merged, m.conflicts INTO merged, found
    FROM pggit.merge_trees(base, pggit.tree_of_commit(our_head), pggit.tree_of_commit(their_head)) m;
    INSERT INTO pggit.merge_state (source, source_commit, our_commit, base_tree, merged_tree, result_tree, force,
                                   started_by, started_at)
    VALUES (source, their_head, our_head, base, merged, CASE WHEN found = '[]' THEN merged END, coalesce(force, false),
            session_user, clock_timestamp());
    INSERT INTO pggit.merge_conflicts (object_type, identity, path, base, ours, theirs)
    SELECT c.value ->> 'object_type', c.value ->> 'identity',
        ARRAY(SELECT jsonb_array_elements_text(c.value -> 'path')),
        nullif(c.value -> 'base', 'null'), nullif(c.value -> 'ours', 'null'), nullif(c.value -> 'theirs', 'null')
    FROM jsonb_array_elements(found) WITH ORDINALITY AS c (value, place) ORDER BY c.place;
    RETURN CASE WHEN found = '[]' THEN merged END;
END
$$;
COMMENT ON FUNCTION pggit.start_merge(text, boolean) IS
'Works out a merge into the current branch and keeps its state. Returns the merged tree, or null when there are conflicts.';

CREATE FUNCTION pggit.merge(source text, message text DEFAULT NULL, force boolean DEFAULT false)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    their_head text;
    our_head text;
    base text;
    merged text;
BEGIN
    PERFORM pggit.begin_change();
    PERFORM pggit.require_no_merge();
    PERFORM pggit.current_branch();
    their_head := pggit.resolve_commit(source);
    PERFORM pggit.require_committed('merge');
    our_head := pggit.resolve_ref('HEAD');
    base := pggit.merge_base(our_head, their_head);
    IF base = their_head THEN
        RETURN;
    ELSIF base = our_head THEN
        RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail
            FROM pggit.apply_tree(pggit.tree_of_commit(their_head), force IS TRUE) t;
        PERFORM pggit.forward_branch(their_head);
        RETURN QUERY SELECT 'fast-forward', 'BRANCH', pggit.head_name(), their_head;
        RETURN;
    END IF;
    merged := pggit.start_merge(source, force);
    IF merged IS NULL THEN
        RETURN QUERY
        SELECT 'conflict', c.object_type, c.object,
            CASE
                WHEN c.path <> '{}' THEN format('%s: ours %s, theirs %s', array_to_string(c.path, '.'),
                                                pggit.in_short(c.ours), pggit.in_short(c.theirs))
                WHEN c.ours IS NULL AND c.base IS NULL THEN 'theirs made it, which does not fit what ours dropped, changed or made'
                WHEN c.theirs IS NULL AND c.base IS NULL THEN 'ours made it, which does not fit what theirs dropped, changed or made'
                WHEN c.ours IS NULL THEN CASE c.theirs WHEN c.base THEN 'ours dropped it, theirs uses it'
                    ELSE 'ours dropped it, theirs changed it' END
                WHEN c.theirs IS NULL THEN CASE c.ours WHEN c.base THEN 'theirs dropped it, ours uses it'
                    ELSE 'theirs dropped it, ours changed it' END
                WHEN c.ours = c.base THEN 'theirs changed it, which does not fit what ours dropped, changed or made'
                WHEN c.theirs = c.base THEN 'ours changed it, which does not fit what theirs dropped, changed or made'
                ELSE CASE WHEN c.base IS NULL THEN 'both made it, differently' ELSE 'both changed it, differently' END
            END
        FROM pggit.conflicts() c;
        RETURN;
    END IF;
    RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail FROM pggit.apply_tree(merged, force IS TRUE) t;
    RETURN QUERY SELECT * FROM pggit.commit_row(coalesce(message, format('Merge %s into %s', source, pggit.head_name())));
END
$$;
COMMENT ON FUNCTION pggit.merge(text, text, boolean) IS
'Merges a branch, tag or commit into the current branch: changes the schema in this transaction, commits with two parents, and returns what it did. No rows: there was nothing to merge. Rows with action conflict: the schema is as it was, and pggit.conflicts() lists what to resolve before pggit.commit(message) finishes the merge. Refuses to lose rows unless forced; then they are parked.';

CREATE FUNCTION pggit.in_short(value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown text := regexp_replace(coalesce(value #>> '{}', 'nothing'), '\s+', ' ', 'g');
BEGIN
    RETURN CASE WHEN char_length(shown) > 80 THEN left(shown, 77) || '...' ELSE shown END;
END
$$;
COMMENT ON FUNCTION pggit.in_short(jsonb) IS 'A value on one short line.';

-- Conflicts ----------------------------------------------------------------------------------------

CREATE FUNCTION pggit.conflicts()
RETURNS TABLE (id bigint, object_type text, object text, path text[], base jsonb, ours jsonb, theirs jsonb, resolution text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT c.id, c.object_type, c.identity, c.path, c.base, c.ours, c.theirs, c.resolution
    FROM pggit.merge_conflicts c ORDER BY c.id;
END
$$;
COMMENT ON FUNCTION pggit.conflicts() IS
'Where both sides of the waiting merge changed the same thing differently, or what does not go together, and how each was resolved. path leads into the definition, an empty one stands for the whole object; a null side has no such thing.';

CREATE FUNCTION pggit.take_resolution() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    c pggit.merge_conflicts;
    kinds text[];
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.lock_head();
    SELECT m.* INTO c FROM pggit.merge_conflicts m WHERE m.id = new.conflict_id;
    IF c.id IS NULL THEN
        RAISE EXCEPTION 'there is no conflict %', coalesce(new.conflict_id::text, 'NULL')
            USING ERRCODE = 'GT027', HINT = 'pggit.conflicts() lists them.';
    ELSIF new.how IS NULL OR new.how NOT IN ('ours', 'theirs', 'definition') THEN
        RAISE EXCEPTION 'conflict % cannot be resolved by %', c.id, coalesce(quote_literal(new.how), 'NULL')
            USING ERRCODE = 'GT031', HINT = 'ours, theirs, or definition with the value to take.';
    ELSIF (new.how = 'definition') <> (new.definition IS NOT NULL) THEN
        RAISE EXCEPTION 'conflict %: a value belongs to definition, and to nothing else', c.id
            USING ERRCODE = 'GT031', HINT = 'Give it as jsonb; the JSON null takes away what is there.';
    END IF;
    kinds := ARRAY(SELECT jsonb_typeof(v) FROM unnest(ARRAY[c.base, c.ours, c.theirs]) v WHERE v IS NOT NULL);
    IF new.definition <> 'null' AND jsonb_typeof(new.definition) <> ALL (kinds) THEN
        RAISE EXCEPTION 'conflict % of % %: a JSON % cannot stand at %', c.id, c.object_type, c.identity,
            jsonb_typeof(new.definition), CASE WHEN c.path = '{}' THEN 'the whole object' ELSE array_to_string(c.path, '.') END
            USING ERRCODE = 'GT031', HINT = 'It must be like the values that pggit.conflicts() shows: ' || kinds[1] || '.';
    END IF;
    UPDATE pggit.merge_conflicts m
    SET resolution = new.how, resolved_by = new.resolved_by,
        resolved = CASE new.how WHEN 'ours' THEN c.ours WHEN 'theirs' THEN c.theirs ELSE nullif(new.definition, 'null') END
    WHERE m.id = c.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.take_resolution() IS 'Notes a resolution with its conflict, instead of the row. Raises GT027, GT031.';

-- WHEN is worked out with the rights of whoever inserts.
CREATE TRIGGER take BEFORE INSERT ON pggit.resolutions
    FOR EACH ROW WHEN (new.resolved_by OPERATOR(pg_catalog.=) current_user) EXECUTE FUNCTION pggit.take_resolution();

CREATE FUNCTION pggit.resolve_conflict(id bigint, how text, definition jsonb DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    INSERT INTO pggit.resolutions (conflict_id, how, definition) VALUES (id, how, definition);
    RETURN (SELECT count(*) FROM pggit.merge_conflicts m WHERE m.resolution IS NULL);
END
$$;
COMMENT ON FUNCTION pggit.resolve_conflict(bigint, text, jsonb) IS
'Resolves a conflict by ours, theirs, or definition: the value to stand at its path, the JSON null for none. Returns how many conflicts are left; at 0, pggit.commit(message) finishes the merge. Can be called again to choose anew.';

CREATE FUNCTION pggit.abort_merge() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    aborted text;
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.lock_head();
    DELETE FROM pggit.merge_state RETURNING source INTO aborted;
    DELETE FROM pggit.merge_conflicts;
    IF aborted IS NULL THEN
        RAISE EXCEPTION 'no merge waits to be finished' USING ERRCODE = 'GT027', HINT = 'There is nothing to abort.';
    END IF;
    RETURN format('the merge of %s is aborted; the schema is as it was', aborted);
END
$$;
COMMENT ON FUNCTION pggit.abort_merge() IS 'Forgets the merge that waits for its conflicts to be resolved.';

CREATE FUNCTION pggit.require_resolved(by_role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open text[] := ARRAY(
        SELECT format('%s (%s %s)', m.id, m.object_type, m.identity) FROM pggit.merge_conflicts m
        WHERE m.resolution IS NULL OR m.resolved_by <> by_role AND (m.resolution = 'definition'
              -- What is taken from one side can come to be a superuser's in the other's words.
              OR (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = by_role)
                 AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = m.resolved_by) IS NOT TRUE)
        ORDER BY m.id);
BEGIN
    IF open <> '{}' THEN
        RAISE EXCEPTION 'conflicts are not resolved: %', array_to_string(open[1:5], ', ')
            || CASE WHEN cardinality(open) > 5 THEN format(' and %s more', cardinality(open) - 5) ELSE '' END
            USING ERRCODE = 'GT028',
            HINT = 'See pggit.conflicts(), then run SELECT pggit.resolve_conflict(id, ''ours''); or ''theirs'', or ''definition'' with a value. A definition that another role gave must be given again by whoever commits, a superuser gives each resolution of a plain role''s again.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_resolved(text) IS
'Raises GT028 while conflicts of the waiting merge are not resolved or, where a role is given, have a definition of another''s or, for a superuser, any resolution of a plain role''s.';

CREATE FUNCTION pggit.finish_merge() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    state pggit.merge_state;
    object record;
    c record;
    merged jsonb;
    new_keys text[];
    new_blobs text[];
    result text;
BEGIN
    PERFORM pggit.lock_head();
    SELECT * INTO state FROM pggit.merge_state;
    IF state.source IS NULL THEN
        RAISE EXCEPTION 'no merge waits to be finished' USING ERRCODE = 'GT027', HINT = 'Begin one by pggit.merge().';
    ELSIF state.our_commit <> pggit.resolve_ref('HEAD') THEN
        RAISE EXCEPTION 'HEAD has moved since the merge of % began', state.source
            USING ERRCODE = 'GT006', HINT = 'Run SELECT pggit.abort_merge(); and merge again.';
    END IF;
    PERFORM pggit.require_settled();
    PERFORM pggit.require_committed('finishing the merge');
    PERFORM pggit.require_resolved(NULL);
    FOR object IN
        SELECT m.object_type, m.identity, pggit.tree_key(m.object_type, m.identity) AS tree_key
        FROM pggit.merge_conflicts m GROUP BY m.object_type, m.identity
    LOOP
        merged := pggit.definition_of(pggit.tree_lookup(state.merged_tree, object.tree_key));
        FOR c IN
            SELECT m.path, m.resolved FROM pggit.merge_conflicts m
            WHERE m.object_type = object.object_type AND m.identity = object.identity ORDER BY m.id
        LOOP
            merged := pggit.put_at(merged, c.path, c.resolved);
        END LOOP;
        new_keys := new_keys || object.tree_key;
        new_blobs := new_blobs || pggit.put_blob(
            object.object_type, object.identity, pggit.canonical_definition(object.object_type, merged));
    END LOOP;
    result := CASE WHEN new_keys IS NULL THEN state.merged_tree
        ELSE pggit.change_tree(state.merged_tree, 0, new_keys, new_blobs) END;
    UPDATE pggit.merge_state SET result_tree = result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION pggit.finish_merge() IS
'The tree of the waiting merge with its conflicts resolved. Raises GT028 when some are not.';

CREATE FUNCTION pggit.revert_tree(commit_hash text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text := pggit.resolve_ref(commit_hash);
    parent text := (SELECT c.parents[1] FROM pggit.commits c WHERE c.hash = target);
    merged text;
    found jsonb;
BEGIN
    IF parent IS NULL THEN
        RAISE EXCEPTION 'commit % cannot be reverted: it is the first one', left(target, 12)
            USING ERRCODE = 'GT033', HINT = 'There is nothing before it.';
    END IF;
    SELECT m.merged, m.conflicts INTO merged, found
    FROM pggit.merge_trees(pggit.tree_of_commit(target), pggit.tree_of_commit(pggit.resolve_ref('HEAD')),
                           pggit.tree_of_commit(parent)) m;
    IF found <> '[]' THEN
        RAISE EXCEPTION 'commit % cannot be reverted: later changes are in the way, at %', left(target, 12), (
            SELECT string_agg(DISTINCT (c ->> 'object_type') || ' ' || (c ->> 'identity'), ', ')
            FROM jsonb_array_elements(found) c)
            USING ERRCODE = 'GT033', HINT = 'Revert those first, or change the schema by hand.';
    END IF;
    RETURN merged;
END
$$;
COMMENT ON FUNCTION pggit.revert_tree(text) IS
'The tree of HEAD without what one commit changed. Raises GT033 when later changes are in the way.';
