-- Proof that the trail is what it was. A seal covers the rows of the history that can be seen when it is made and
-- that no earlier seal covers, named by their ids: those rows never change, and one that a slow transaction
-- brings in later, with a lower id, is left to the next seal. So nobody has to wait, and since nothing
-- but ids tells them apart, a seal holds in every cluster that the history is restored into.

CREATE FUNCTION pggit.digest_of_history(ids int8multirange) RETURNS TABLE (row_count bigint, digest text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- These columns and no others, so that a column of a later version leaves old seals whole; written in a way
    -- that no setting of the session changes.
    RETURN QUERY
    SELECT count(*), pggit.digest(coalesce(string_agg(pggit.digest(jsonb_build_array(
            h.id, h.object_id, h.change_type, to_char(h.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            h.command_tag, h.object_type, h.identity, h.old_identity, h.old_blob, h.new_blob,
            h.old_column_order, h.new_column_order, h.session_role, h.set_role, h.application_name,
            h.client_addr::text, h.backend_pid, h.transaction_id::text)::text), E'\n' ORDER BY h.id), ''))
    FROM unnest(ids) AS r (span)
    JOIN pggit.history h ON h.id >= lower(r.span) AND h.id < upper(r.span);
END
$$;
COMMENT ON FUNCTION pggit.digest_of_history(int8multirange) IS 'How many of these rows of the history there are, and a sha256 over all they say.';

CREATE FUNCTION pggit.digest_of_seal(
    sealed_at timestamptz, sealed_by text, covered int8multirange, row_count bigint, history_digest text, previous text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.digest(jsonb_build_array(
        to_char(sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), sealed_by, covered::text, row_count,
        history_digest, previous)::text);
END
$$;
COMMENT ON FUNCTION pggit.digest_of_seal(timestamptz, text, int8multirange, bigint, text, text) IS
'sha256 over what a seal says; that includes the digest of the one before.';

CREATE FUNCTION pggit.unsealed() RETURNS int8multirange
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sealed int8multirange := coalesce((SELECT range_agg(s.covered) FROM pggit.seals s), '{}');
    gaps int8multirange := int8multirange(int8range(NULL, NULL)) - sealed;
BEGIN
    -- Only the gaps are looked into: ids that were rolled back, or late, and all after the last seal.
    RETURN coalesce((
        SELECT range_agg(int8range(h.first_id, h.last_id, '[]'))
        FROM (
            SELECT min(n.id) AS first_id, max(n.id) AS last_id
            FROM (SELECT h.id, h.id - row_number() OVER (ORDER BY h.id) AS island
                  FROM unnest(gaps) AS g (span)
                  JOIN pggit.history h ON h.id >= coalesce(lower(g.span), 0) AND h.id < coalesce(upper(g.span), 9223372036854775807)
                 ) n
            GROUP BY n.island
        ) h), '{}');
END
$$;
COMMENT ON FUNCTION pggit.unsealed() IS 'The ids of the history that no seal covers.';

CREATE FUNCTION pggit.seal() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    rows_covered int8multirange;
    proof record;
    moment timestamptz;
    last_digest text;
    new_digest text;
BEGIN
    PERFORM pggit.require_init();
    IF NOT pggit.sees_the_present() THEN
        RAISE EXCEPTION 'pggit.seal() cannot see what others have sealed in this transaction'
            USING ERRCODE = 'GT011', HINT = 'Run it in a READ COMMITTED transaction that may write.';
    END IF;
    PERFORM pggit.settle();
    LOCK TABLE pggit.seals IN SHARE ROW EXCLUSIVE MODE;  -- a chain has one end
    rows_covered := pggit.unsealed();
    last_digest := (SELECT s.digest FROM pggit.seals s ORDER BY s.id DESC LIMIT 1);
    IF isempty(rows_covered) THEN
        RETURN last_digest;
    END IF;
    SELECT d.row_count, d.digest INTO proof FROM pggit.digest_of_history(rows_covered) d;
    moment := clock_timestamp();
    new_digest := pggit.digest_of_seal(moment, session_user::text, rows_covered, proof.row_count, proof.digest, last_digest);
    INSERT INTO pggit.seals (sealed_at, sealed_by, covered, row_count, history_digest, previous, digest)
    VALUES (moment, session_user, rows_covered, proof.row_count, proof.digest, last_digest, new_digest);
    RETURN new_digest;
END
$$;
COMMENT ON FUNCTION pggit.seal() IS
'Seals the history as it is now and returns the seal''s digest, which covers all seals before it. A superuser could rewrite history and seals alike: keep the digest where they cannot reach, and verify_audit(digest) proves against it. With nothing new, returns the last seal''s digest again.';

CREATE FUNCTION pggit.verify_audit(known_digest text DEFAULT NULL) RETURNS TABLE (seal bigint, status text, detail text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    s pggit.seals;
    before text;
    proof record;
    faults text[];
    seen_ids int8multirange := '{}';
    is_known boolean := false;
BEGIN
    PERFORM pggit.require_init();
    FOR s IN SELECT x.* FROM pggit.seals x ORDER BY x.id LOOP
        faults := '{}';
        SELECT d.row_count, d.digest INTO proof FROM pggit.digest_of_history(s.covered) d;
        IF proof.row_count <> s.row_count THEN
            faults := faults || format('%s rows of the history were sealed, %s are there', s.row_count, proof.row_count);
        ELSIF proof.digest <> s.history_digest THEN
            faults := faults || format('rows of the history between id %s and %s were changed', lower(s.covered), upper(s.covered) - 1);
        END IF;
        IF s.previous IS DISTINCT FROM before THEN
            faults := faults || 'the seal before it is not the one it was made after'::text;
        END IF;
        IF s.digest <> pggit.digest_of_seal(s.sealed_at, s.sealed_by, s.covered, s.row_count, s.history_digest, s.previous) THEN
            faults := faults || 'the seal itself was changed'::text;
        END IF;
        IF s.covered && seen_ids THEN
            faults := faults || 'it covers rows that an earlier seal covers'::text;
        END IF;
        seen_ids := seen_ids + s.covered;
        before := s.digest;
        is_known := is_known OR s.digest = known_digest;
        seal := s.id;
        status := CASE faults WHEN '{}' THEN 'ok' ELSE 'broken' END;
        detail := CASE faults WHEN '{}' THEN format('%s rows, %s', s.row_count, s.digest) ELSE array_to_string(faults, '; ') END;
        RETURN NEXT;
    END LOOP;
    seal := NULL;
    status := 'broken';
    IF known_digest IS NOT NULL AND NOT is_known THEN
        detail := format('no seal has the digest %s', known_digest);
        RETURN NEXT;
    END IF;
    -- Content is named by its hash, so each piece proves itself.
    FOR detail IN
        SELECT format('the definition %s of %s %s was changed', b.hash, b.object_type, b.identity) FROM pggit.blobs b
        WHERE b.hash <> pggit.blob_hash(b.object_type, b.identity, b.definition)
        UNION ALL
        SELECT format('history mentions the definition %s, which is gone', m.hash)
        FROM (SELECT h.old_blob AS hash FROM pggit.history h UNION SELECT h.new_blob FROM pggit.history h) m
        WHERE m.hash IS NOT NULL AND NOT EXISTS (SELECT FROM pggit.blobs b WHERE b.hash = m.hash)
        UNION ALL
        SELECT format('the tree node %s was changed', t.hash) FROM pggit.trees t
        WHERE t.hash <> pggit.node_hash(t.is_leaf, t.keys, t.children)
        UNION ALL
        SELECT DISTINCT format('the tree node %s mentions %s, which is gone', t.hash, c.hash)
        FROM pggit.trees t CROSS JOIN LATERAL generate_series(1, length(t.children), 32) p
        CROSS JOIN LATERAL (SELECT encode(substr(t.children, p, 32), 'hex') AS hash) c
        WHERE NOT EXISTS (SELECT FROM pggit.trees x WHERE NOT t.is_leaf AND x.hash = c.hash)
          AND NOT EXISTS (SELECT FROM pggit.blobs b WHERE t.is_leaf AND b.hash = c.hash)
        UNION ALL
        SELECT format('commit %s was changed', c.hash) FROM pggit.commits c
        WHERE c.hash <> pggit.commit_digest(c.tree, c.parents, c.author, c.committed_at, c.server_version_num, c.message)
        UNION ALL
        SELECT DISTINCT format('commit %s, which %s mentions, is gone', m.hash, m.place)
        FROM (SELECT p AS hash, 'commit ' || c.hash AS place FROM pggit.commits c CROSS JOIN LATERAL unnest(c.parents) p
              UNION ALL SELECT b.head, 'branch ' || b.name FROM pggit.branches b
              UNION ALL SELECT t.commit, 'tag ' || t.name FROM pggit.tags t) m
        WHERE NOT EXISTS (SELECT FROM pggit.commits x WHERE x.hash = m.hash)
        UNION ALL
        SELECT format('the tree of commit %s is gone', c.hash) FROM pggit.commits c
        WHERE NOT EXISTS (SELECT FROM pggit.trees t WHERE t.hash = c.tree)
    LOOP
        RETURN NEXT;
    END LOOP;
    SELECT sum(upper(r.span) - lower(r.span)) AS row_count INTO proof FROM unnest(pggit.unsealed()) AS r (span);
    IF proof.row_count > 0 THEN
        status := 'unsealed';
        detail := format('%s rows of the history are covered by no seal yet', proof.row_count);
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.verify_audit(text) IS
'Checks every seal against the history, and every definition, tree and commit against its hash: one row for each seal, ok or broken, one for each piece that was changed or is gone, and one for rows that no seal covers yet. Given a digest that seal() returned and that was kept elsewhere, also that the chain still has it.';
