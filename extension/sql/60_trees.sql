-- Trees: Merkle tries over the sha256 of an object's type and identity. A node with at most 64 objects is a
-- leaf; any other has one child for each next pair of hex digits in use. So the hash of a tree follows from its
-- objects alone, and a change rewrites only the nodes above it: two, up to some 16,000 objects. Plans
-- are made while the table is small, and kept: enable_seqscan = off keeps them from reading all of it later.

CREATE FUNCTION pggit.put_tree(leaf boolean, node_keys text[], node_children text[], node_counts integer[])
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node_hash text := pggit.digest(CASE WHEN leaf THEN E'leaf\n' ELSE E'node\n' END
        || array_to_string(node_keys, ' ') || E'\n' || array_to_string(node_children, ' '));
BEGIN
    INSERT INTO pggit.trees (hash, is_leaf, object_count, keys, children, counts)
    VALUES (node_hash, leaf,
            CASE WHEN leaf THEN cardinality(node_keys) ELSE (SELECT sum(c) FROM unnest(node_counts) c) END,
            node_keys, node_children, node_counts)
    ON CONFLICT DO NOTHING;
    RETURN node_hash;
END
$$;
COMMENT ON FUNCTION pggit.put_tree(boolean, text[], text[], integer[]) IS 'Stores a node and returns its hash.';

CREATE FUNCTION pggit.build_tree(level integer, entry_keys text[], entry_blobs text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
    node_keys text[] := '{}';
    node_children text[] := '{}';
    node_counts integer[] := '{}';
BEGIN
    IF cardinality(entry_keys) <= 64 THEN
        RETURN pggit.put_tree(true, sorted.keys, sorted.blobs, NULL)
        FROM (SELECT coalesce(array_agg(e.k ORDER BY e.k COLLATE "C"), '{}') AS keys,
                     coalesce(array_agg(e.b ORDER BY e.k COLLATE "C"), '{}') AS blobs
              FROM unnest(entry_keys, entry_blobs) AS e (k, b)) sorted;
    END IF;
    FOR part IN
        SELECT substr(e.k, 2 * level + 1, 2) AS digits, array_agg(e.k) AS keys, array_agg(e.b) AS blobs
        FROM unnest(entry_keys, entry_blobs) AS e (k, b) GROUP BY 1 ORDER BY substr(e.k, 2 * level + 1, 2) COLLATE "C"
    LOOP
        node_keys := node_keys || part.digits;
        node_children := node_children || pggit.build_tree(level + 1, part.keys, part.blobs);
        node_counts := node_counts || cardinality(part.keys);
    END LOOP;
    RETURN pggit.put_tree(false, node_keys, node_children, node_counts);
END
$$;
COMMENT ON FUNCTION pggit.build_tree(integer, text[], text[]) IS
'The tree of the given keys and blobs, whose keys agree in the first pairs of digits, level in number.';

CREATE FUNCTION pggit.tree_entries(root text) RETURNS TABLE (key text, blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE node (is_leaf, keys, children) AS (
        SELECT t.is_leaf, t.keys, t.children FROM pggit.trees t WHERE t.hash = root
        UNION ALL
        SELECT t.is_leaf, t.keys, t.children
        FROM node n CROSS JOIN LATERAL unnest(n.children) c JOIN pggit.trees t ON t.hash = c
        WHERE NOT n.is_leaf
    )
    SELECT e.k, e.b FROM node n CROSS JOIN LATERAL unnest(n.keys, n.children) AS e (k, b) WHERE n.is_leaf;
END
$$;
COMMENT ON FUNCTION pggit.tree_entries(text) IS 'All objects of a tree: key and blob.';

CREATE FUNCTION pggit.tree_lookup(root text, wanted text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    node pggit.trees;
    level integer := 0;
BEGIN
    SELECT * INTO node FROM pggit.trees WHERE hash = root;
    WHILE node.is_leaf IS FALSE LOOP
        SELECT * INTO node FROM pggit.trees
        WHERE hash = node.children[array_position(node.keys, substr(wanted, 2 * level + 1, 2))];
        level := level + 1;
    END LOOP;
    RETURN node.children[array_position(node.keys, wanted)];
END
$$;
COMMENT ON FUNCTION pggit.tree_lookup(text, text) IS 'The blob under a key of a tree; null when the tree has no such object.';

CREATE FUNCTION pggit.change_tree(root text, level integer, entry_keys text[], entry_blobs text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    node pggit.trees;
    part record;
    child text;
    child_count integer;
    place integer;
    is_reshaped boolean := false;
    node_keys text[];
    node_children text[];
    node_counts integer[];
BEGIN
    SELECT * INTO node FROM pggit.trees WHERE hash = root;
    IF root IS NULL OR node.is_leaf THEN
        SELECT coalesce(array_agg(m.k ORDER BY m.k COLLATE "C"), '{}'), coalesce(array_agg(m.b ORDER BY m.k COLLATE "C"), '{}')
        INTO node_keys, node_children
        FROM (
            SELECT e.k, e.b FROM unnest(entry_keys, entry_blobs) AS e (k, b) WHERE e.b IS NOT NULL
            UNION ALL
            SELECT e.k, e.b FROM unnest(node.keys, node.children) AS e (k, b) WHERE e.k <> ALL (entry_keys)
        ) m;
        IF cardinality(node_keys) <= 64 THEN
            RETURN pggit.put_tree(true, node_keys, node_children, NULL);
        END IF;
        RETURN pggit.build_tree(level, node_keys, node_children);
    END IF;
    node_keys := node.keys;
    node_children := node.children;
    node_counts := node.counts;
    FOR part IN
        SELECT substr(e.k, 2 * level + 1, 2) AS digits, array_agg(e.k) AS keys, array_agg(e.b) AS blobs
        FROM unnest(entry_keys, entry_blobs) AS e (k, b) GROUP BY 1
    LOOP
        place := array_position(node_keys, part.digits);
        child := pggit.change_tree(node_children[place], level + 1, part.keys, part.blobs);
        child_count := (SELECT t.object_count FROM pggit.trees t WHERE t.hash = child);
        IF place IS NULL THEN
            node_keys := node_keys || part.digits;
            node_children := node_children || child;
            node_counts := node_counts || child_count;
            is_reshaped := true;
        ELSE
            is_reshaped := is_reshaped OR child_count <> node_counts[place];
            node_children[place] := child;
            node_counts[place] := child_count;
        END IF;
    END LOOP;
    IF NOT is_reshaped THEN
        RETURN pggit.put_tree(false, node_keys, node_children, node_counts);
    END IF;
    SELECT array_agg(e.k ORDER BY e.k COLLATE "C"), array_agg(e.c ORDER BY e.k COLLATE "C"),
           array_agg(e.n ORDER BY e.k COLLATE "C")
    INTO node_keys, node_children, node_counts
    FROM unnest(node_keys, node_children, node_counts) AS e (k, c, n) WHERE e.n > 0;
    IF (SELECT sum(n) FROM unnest(node_counts) n) > 64 THEN
        RETURN pggit.put_tree(false, node_keys, node_children, node_counts);
    END IF;
    RETURN pggit.build_tree(level, rest.keys, rest.blobs)
    FROM (SELECT coalesce(array_agg(e.key), '{}') AS keys, coalesce(array_agg(e.blob), '{}') AS blobs
          FROM unnest(node_children) c CROSS JOIN LATERAL pggit.tree_entries(c) e) rest;
END
$$;
COMMENT ON FUNCTION pggit.change_tree(text, integer, text[], text[]) IS
'The tree with some entries replaced, added or, where the blob is null, removed. A null root is the empty tree.';
