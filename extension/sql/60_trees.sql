-- Trees: Merkle tries over the sha256 of an object's type and identity. A node with at most 64 objects is a
-- leaf; any other has one child for each next pair of hex digits in use. So the hash of a tree follows from its
-- objects alone, and a change rewrites only the nodes above it: two, up to some 16,000 objects. Plans
-- are made while the table is small, and kept: enable_seqscan = off keeps them from reading all of it later.
-- A node holds its keys and children as bytes, one after the other: what a commit writes is mostly these. A child takes
-- 32 bytes, a key 32 in a leaf and one in any other node; so place n begins at byte 32 * n - 31. position() finds a
-- key's place; that a hash should stand across two others is as likely as two things with one hash.

CREATE FUNCTION pggit.node_hash(leaf boolean, node_keys bytea, node_children bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN encode(sha256(CASE WHEN leaf THEN 'leaf'::bytea ELSE 'node'::bytea END || node_keys || node_children), 'hex');
END
$$;
COMMENT ON FUNCTION pggit.node_hash(boolean, bytea, bytea) IS 'What a node of a tree is known by.';

CREATE FUNCTION pggit.put_tree(leaf boolean, node_keys bytea, node_children bytea, node_counts integer[])
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node_hash text := pggit.node_hash(leaf, node_keys, node_children);
BEGIN
    INSERT INTO pggit.trees (hash, is_leaf, object_count, keys, children, counts)
    VALUES (node_hash, leaf,
            CASE WHEN leaf THEN length(node_keys) / 32 ELSE (SELECT sum(c) FROM unnest(node_counts) c) END,
            node_keys, node_children, node_counts)
    ON CONFLICT DO NOTHING;
    RETURN node_hash;
END
$$;
COMMENT ON FUNCTION pggit.put_tree(boolean, bytea, bytea, integer[]) IS 'Stores a node and returns its hash.';

CREATE FUNCTION pggit.build_tree(level integer, entry_keys text[], entry_blobs text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
    node_keys bytea := '';
    node_children bytea := '';
    node_counts integer[] := '{}';
BEGIN
    IF cardinality(entry_keys) <= 64 THEN
        RETURN pggit.put_tree(true, sorted.keys, sorted.blobs, NULL)
        FROM (SELECT coalesce(string_agg(decode(e.k, 'hex'), '' ORDER BY e.k COLLATE "C"), '') AS keys,
                     coalesce(string_agg(decode(e.b, 'hex'), '' ORDER BY e.k COLLATE "C"), '') AS blobs
              FROM unnest(entry_keys, entry_blobs) AS e (k, b)) sorted;
    END IF;
    FOR part IN
        SELECT substr(e.k, 2 * level + 1, 2) AS digits, array_agg(e.k) AS keys, array_agg(e.b) AS blobs
        FROM unnest(entry_keys, entry_blobs) AS e (k, b) GROUP BY 1 ORDER BY substr(e.k, 2 * level + 1, 2) COLLATE "C"
    LOOP
        node_keys := node_keys || decode(part.digits, 'hex');
        node_children := node_children || decode(pggit.build_tree(level + 1, part.keys, part.blobs), 'hex');
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
        SELECT t.is_leaf, t.keys, t.children || '' FROM pggit.trees t WHERE t.hash = root  -- || reads it as a whole, once
        UNION ALL
        SELECT t.is_leaf, t.keys, t.children || ''
        FROM node n CROSS JOIN LATERAL generate_series(1, length(n.keys)) i
        JOIN pggit.trees t ON t.hash = encode(substr(n.children, 32 * i - 31, 32), 'hex')
        WHERE NOT n.is_leaf
    )
    SELECT encode(substr(n.keys, 32 * i - 31, 32), 'hex'), encode(substr(n.children, 32 * i - 31, 32), 'hex')
    FROM node n CROSS JOIN LATERAL generate_series(1, length(n.keys) / 32) i WHERE n.is_leaf;
END
$$;
COMMENT ON FUNCTION pggit.tree_entries(text) IS 'All objects of a tree: key and blob.';

CREATE FUNCTION pggit.tree_lookup(root text, wanted text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    node pggit.trees;
    place integer;
    level integer := 0;
BEGIN
    SELECT * INTO node FROM pggit.trees WHERE hash = root;
    WHILE node.is_leaf IS FALSE LOOP
        place := position(decode(substr(wanted, 2 * level + 1, 2), 'hex') IN node.keys);
        SELECT * INTO node FROM pggit.trees
        WHERE place > 0 AND hash = encode(substr(node.children, 32 * place - 31, 32), 'hex');
        level := level + 1;
    END LOOP;
    place := position(decode(wanted, 'hex') IN node.keys);
    RETURN CASE WHEN place > 0 THEN encode(substr(node.children, place, 32), 'hex') END;
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
    node_keys bytea;
    node_children bytea;
    node_counts integer[];
BEGIN
    SELECT * INTO node FROM pggit.trees WHERE hash = root;
    node_keys := node.keys;
    node_children := node.children;
    node_counts := node.counts;
    IF root IS NULL OR node.is_leaf THEN
        -- Mostly all are there already, and only their blobs are new.
        FOR i IN 1 .. cardinality(entry_keys) LOOP
            place := position(decode(entry_keys[i], 'hex') IN node_keys);
            is_reshaped := is_reshaped OR coalesce(place, 0) = 0 OR entry_blobs[i] IS NULL;
            EXIT WHEN is_reshaped;
            node_children := overlay(node_children PLACING decode(entry_blobs[i], 'hex') FROM place);
        END LOOP;
        IF root IS NOT NULL AND NOT is_reshaped THEN
            RETURN pggit.put_tree(true, node_keys, node_children, NULL);
        END IF;
        RETURN pggit.build_tree(level, merged.keys, merged.blobs)
        FROM (
            SELECT coalesce(array_agg(m.k), '{}') AS keys, coalesce(array_agg(m.b), '{}') AS blobs
            FROM (
                SELECT e.k, e.b FROM unnest(entry_keys, entry_blobs) AS e (k, b) WHERE e.b IS NOT NULL
                UNION ALL
                SELECT e.key, e.blob FROM pggit.tree_entries(root) e WHERE e.key <> ALL (entry_keys)
            ) m
        ) merged;
    END IF;
    FOR part IN
        SELECT substr(e.k, 2 * level + 1, 2) AS digits, array_agg(e.k) AS keys, array_agg(e.b) AS blobs
        FROM unnest(entry_keys, entry_blobs) AS e (k, b) GROUP BY 1
    LOOP
        place := position(decode(part.digits, 'hex') IN node_keys);
        child := CASE WHEN place > 0 THEN encode(substr(node_children, 32 * place - 31, 32), 'hex') END;
        child := pggit.change_tree(child, level + 1, part.keys, part.blobs);
        child_count := (SELECT t.object_count FROM pggit.trees t WHERE t.hash = child);
        IF place = 0 THEN
            node_keys := node_keys || decode(part.digits, 'hex');
            node_children := node_children || decode(child, 'hex');
            node_counts := node_counts || child_count;
            is_reshaped := true;
        ELSE
            is_reshaped := is_reshaped OR child_count <> node_counts[place];
            node_children := overlay(node_children PLACING decode(child, 'hex') FROM 32 * place - 31);
            node_counts[place] := child_count;
        END IF;
    END LOOP;
    IF NOT is_reshaped THEN
        RETURN pggit.put_tree(false, node_keys, node_children, node_counts);
    END IF;
    SELECT string_agg(e.k, '' ORDER BY e.k), string_agg(e.c, '' ORDER BY e.k), array_agg(e.n ORDER BY e.k)
    INTO node_keys, node_children, node_counts
    FROM (SELECT substr(node_keys, i, 1) AS k, substr(node_children, 32 * i - 31, 32) AS c, node_counts[i] AS n
          FROM generate_series(1, length(node_keys)) i) e WHERE e.n > 0;
    IF (SELECT sum(n) FROM unnest(node_counts) n) > 64 THEN
        RETURN pggit.put_tree(false, node_keys, node_children, node_counts);
    END IF;
    RETURN pggit.build_tree(level, rest.keys, rest.blobs)
    FROM (SELECT coalesce(array_agg(e.key), '{}') AS keys, coalesce(array_agg(e.blob), '{}') AS blobs
          FROM generate_series(1, length(node_keys)) i
          CROSS JOIN LATERAL pggit.tree_entries(encode(substr(node_children, 32 * i - 31, 32), 'hex')) e) rest;
END
$$;
COMMENT ON FUNCTION pggit.change_tree(text, integer, text[], text[]) IS
'The tree with some entries replaced, added or, where the blob is null, removed. A null root is the empty tree.';
