-- Commits, branches and what is not committed yet.

CREATE FUNCTION pggit.require_init() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pggit.head) THEN
        RAISE EXCEPTION 'pgGit is not initialized in this database'
            USING ERRCODE = 'GT003', HINT = 'Run SELECT pggit.init(); as a superuser.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_init() IS 'Raises GT003 unless init() has run.';

CREATE FUNCTION pggit.commits_named(ref text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text[];
BEGIN
    PERFORM pggit.require_init();
    IF ref = 'HEAD' THEN
        RETURN ARRAY(SELECT coalesce(h.detached, b.head) FROM pggit.head h LEFT JOIN pggit.branches b ON b.id = h.branch_id);
    END IF;
    found := ARRAY(SELECT b.head FROM pggit.branches b WHERE b.name = ref);
    IF found = '{}' THEN
        found := ARRAY(SELECT t.commit FROM pggit.tags t WHERE t.name = ref);
    END IF;
    IF found = '{}' AND ref ~ '^[0-9a-f]{4,64}$' THEN
        found := ARRAY(SELECT c.hash FROM pggit.commits c
                       WHERE c.hash >= ref AND c.hash < ref || 'g' ORDER BY c.hash LIMIT 2);
    END IF;
    IF cardinality(found) > 1 THEN
        RAISE EXCEPTION 'commit % is ambiguous', ref USING ERRCODE = 'GT004', HINT = 'Give more digits of the hash.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.commits_named(text) IS
'The commit that HEAD, a branch, a tag or the first digits (4 or more) of a hash stand for, in a list; the empty list when there is none.';

CREATE FUNCTION pggit.resolve_ref(ref text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text[] := pggit.commits_named(ref);
BEGIN
    IF found = '{}' THEN
        RAISE EXCEPTION 'there is no branch, tag or commit %', coalesce(quote_literal(ref), 'NULL')
            USING ERRCODE = 'GT004', HINT = 'pggit.list_branches() lists the branches, pggit.tags the tags, pggit.log() the commits.';
    END IF;
    RETURN found[1];
END
$$;
COMMENT ON FUNCTION pggit.resolve_ref(text) IS
'The commit that HEAD, a branch, a tag or the first digits (4 or more) of a hash stand for. Raises GT004 when there is none or more than one.';

CREATE FUNCTION pggit.check_ref_name(ref text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF ref IS NULL OR ref IN ('HEAD', 'LIVE') OR char_length(ref) > 200 OR ref !~ '^[[:alnum:]_][[:alnum:]_./#@+-]*$'
       OR ref ~ '[.][.]|//|/$|[.]$|^[0-9a-f]{4,64}$'
    THEN
        RAISE EXCEPTION '% is no valid name for a branch, tag or restore point', coalesce(quote_literal(ref), 'NULL')
            USING ERRCODE = 'GT005',
            HINT = 'Up to 200 letters, digits and _ . / # @ + -, beginning with a letter, digit or _; not HEAD or LIVE, not like a commit hash.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_ref_name(text) IS 'Raises GT005 for a name that cannot be told from something else.';

-- Each is looked up by itself: the plan is kept from when the index was small.
CREATE FUNCTION pggit.touched_objects()
RETURNS TABLE (object_type text, identity text, tree_key text, blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT u.object_type, u.identity, k.key, o.blob
    FROM (SELECT DISTINCT t.object_type, t.identity FROM pggit.uncommitted t) u
    CROSS JOIN LATERAL (SELECT pggit.tree_key(u.object_type, u.identity) AS key OFFSET 0) k
    LEFT JOIN LATERAL (
        SELECT x.blob FROM pggit.objects x WHERE x.is_active AND NOT x.is_manual AND x.tree_key = k.key OFFSET 0) o ON true;
END
$$;
COMMENT ON FUNCTION pggit.touched_objects() IS
'All that may differ from the newest commit of the current branch, with its blob now; null where it is gone.';

CREATE FUNCTION pggit.uncommitted_changes()
RETURNS TABLE (change text, object_type text, object text, tree_key text, blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    root text := (SELECT c.tree FROM pggit.commits c WHERE c.hash = pggit.resolve_ref('HEAD'));
BEGIN
    RETURN QUERY
    SELECT CASE WHEN was.blob IS NULL THEN 'CREATE' WHEN t.blob IS NULL THEN 'DROP' ELSE 'ALTER' END,
        t.object_type, t.identity, t.tree_key, t.blob
    FROM pggit.touched_objects() t
    CROSS JOIN LATERAL (SELECT pggit.tree_lookup(root, t.tree_key) AS blob OFFSET 0) was
    WHERE t.blob IS DISTINCT FROM was.blob
    ORDER BY t.object_type, t.identity COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.uncommitted_changes() IS
'What differs between the index and the newest commit of the current branch. A rename shows as DROP and CREATE.';

CREATE FUNCTION pggit.move_branch(branch bigint, expected text, target text, action text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    branch_name text;
BEGIN
    UPDATE pggit.branches b SET head = target WHERE b.id = branch AND b.head = expected RETURNING b.name INTO branch_name;
    IF branch_name IS NULL THEN
        RAISE EXCEPTION 'branch % has moved since it was read', (SELECT b.name FROM pggit.branches b WHERE b.id = branch)
            USING ERRCODE = 'GT006', HINT = 'Try again.';
    END IF;
    INSERT INTO pggit.reflog (ref, old_hash, new_hash, action, changed_by, changed_at)
    VALUES (branch_name, expected, target, action, session_user, clock_timestamp());
END
$$;
COMMENT ON FUNCTION pggit.move_branch(bigint, text, text, text) IS
'Compare and swap: moves a branch only from where the caller saw it. Raises GT006 otherwise.';

CREATE FUNCTION pggit.commit_digest(
    tree text, parents text[], author text, committed_at timestamptz, server_version_num integer, message text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.digest(concat_ws(E'\n',
        'tree ' || tree, 'parents ' || array_to_string(parents, ' '), 'author ' || author,
        'date ' || to_char(committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'server ' || server_version_num, '', message));
END
$$;
COMMENT ON FUNCTION pggit.commit_digest(text, text[], text, timestamptz, integer, text) IS
'The hash of a commit: sha256 over all that it says.';

CREATE FUNCTION pggit.put_commit(branch bigint, tree text, parents text[], message text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    version_num integer := current_setting('server_version_num');
    commit_hash text := pggit.commit_digest(tree, parents, session_user, moment, version_num, message);
BEGIN
    INSERT INTO pggit.commits (hash, branch_id, tree, parents, author, message, committed_at, server_version_num)
    VALUES (commit_hash, branch, tree, parents, session_user, message, moment, version_num);
    RETURN commit_hash;
END
$$;
COMMENT ON FUNCTION pggit.put_commit(bigint, text, text[], text) IS 'Stores a commit by the session''s user, now, and returns its hash.';

CREATE FUNCTION pggit.commit_index(message text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    branch pggit.branches;
    waiting pggit.merge_state;
    old_tree text;
    new_tree text;
    new_commit text;
    taken bigint[];
BEGIN
    PERFORM pggit.require_init();
    IF message IS NULL OR message !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a commit needs a message' USING ERRCODE = 'GT007', HINT = 'Say what changed and why.';
    END IF;
    PERFORM pggit.require_settled();
    PERFORM pggit.lock_head();
    SELECT b.* INTO branch FROM pggit.branches b WHERE b.id = pggit.current_branch();
    SELECT c.tree INTO old_tree FROM pggit.commits c WHERE c.hash = branch.head;
    SELECT m.* INTO waiting FROM pggit.merge_state m;

    -- Noted first: a command that another session commits from here on keeps its rows for the next commit.
    SELECT array_agg(u.id) INTO taken FROM pggit.uncommitted u;
    -- What was touched and is as before gives the same nodes again.
    SELECT pggit.change_tree(old_tree, 0, array_agg(t.tree_key), array_agg(t.blob)) INTO new_tree
    FROM pggit.touched_objects() t HAVING count(*) > 0;
    new_tree := coalesce(new_tree, old_tree);
    IF waiting.source IS NULL AND new_tree = old_tree THEN
        RAISE EXCEPTION 'nothing to commit: the schema is as in the last commit'
            USING ERRCODE = 'GT008', HINT = 'What PostgreSQL fires no event for, pggit.status() lists as unrecorded and pggit.rescan() takes in.';
    ELSIF waiting.our_commit <> branch.head THEN
        RAISE EXCEPTION 'HEAD has moved since the merge of % began', waiting.source
            USING ERRCODE = 'GT006', HINT = 'Run SELECT pggit.abort_merge(); and merge again.';
    ELSIF waiting.source IS NOT NULL AND new_tree IS DISTINCT FROM waiting.result_tree THEN
        RAISE EXCEPTION 'the schema is not what the merge of % gives', waiting.source
            USING ERRCODE = 'GT034', HINT = 'Finish it by pggit.commit(message), or run SELECT pggit.abort_merge();';
    END IF;
    DELETE FROM pggit.uncommitted u WHERE u.id = ANY (taken);
    new_commit := pggit.put_commit(branch.id, new_tree, array_remove(ARRAY[branch.head, waiting.source_commit], NULL), message);
    PERFORM pggit.move_branch(branch.id, branch.head, new_commit, CASE WHEN waiting.source IS NULL THEN 'commit' ELSE 'merge' END);
    DELETE FROM pggit.merge_state;
    DELETE FROM pggit.merge_conflicts;
    RETURN new_commit;
END
$$;
COMMENT ON FUNCTION pggit.commit_index(text) IS
'Commits the schema as it is now on the current branch; where a merge waits, only its result, with two parents.';

CREATE FUNCTION pggit.commit(message text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    merged text;
    allowed boolean := (SELECT m.force FROM pggit.merge_state m);
BEGIN
    IF allowed IS NOT NULL AND message ~ '[^[:space:]]' THEN
        -- With the caller's rights: finishing a merge changes the schema.
        IF NOT has_function_privilege('pggit.finish_merge()', 'EXECUTE') THEN
            RAISE EXCEPTION 'the merge of % waits to be finished', (SELECT m.source FROM pggit.merge_state m)
                USING ERRCODE = 'GT026', HINT = 'Finishing it needs access level admin, as pggit.abort_merge() does.';
        END IF;
        PERFORM pggit.begin_change();
        merged := pggit.finish_merge();
        -- A definition of somebody's own becomes a command that runs with the rights of whoever commits.
        PERFORM pggit.require_resolved(current_user);
        PERFORM FROM pggit.apply_tree(merged, allowed);
    END IF;
    RETURN pggit.commit_index(message);
END
$$;
COMMENT ON FUNCTION pggit.commit(text) IS
'Keeps the schema as it is recorded on the current branch and returns the commit''s hash. Where a merge waits and its conflicts are resolved, changes the schema to the merge''s result and commits that with two parents. Raises GT008 when nothing changed, GT028 while conflicts are not resolved, GT026 for a committer who would finish a merge.';

CREATE FUNCTION pggit.silenced() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT CASE WHEN s.setrole <> 0 THEN 'role ' || quote_ident(pg_get_userbyid(s.setrole))
                    WHEN s.setdatabase <> 0 THEN 'this database' ELSE 'all roles' END
        FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c (line)
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
          AND CASE WHEN starts_with(c.line, 'event_triggers=') THEN NOT split_part(c.line, '=', 2)::boolean ELSE false END
        UNION ALL
        SELECT CASE WHEN g.source IN ('configuration file', 'command line', 'environment variable') THEN 'this server'
                    ELSE 'this session' END
        FROM pg_settings g
        WHERE current_setting('event_triggers', true) = 'off' AND g.name = 'event_triggers'
          AND g.source NOT IN ('global', 'database', 'user', 'database user')
        ORDER BY 1);
END
$$;
COMMENT ON FUNCTION pggit.silenced() IS
'For whom the setting event_triggers, which PostgreSQL has from 17 on, is off, so that nothing of theirs is recorded: this server, this database, all roles, a role, or this session alone.';

CREATE FUNCTION pggit.status() RETURNS TABLE (state text, change text, object_type text, object text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.settle();
    RETURN QUERY SELECT 'tracking', 'paused', NULL::text, NULL::text WHERE EXISTS (
        SELECT FROM pggit.settings s WHERE s.name = 'paused');
    RETURN QUERY SELECT 'tracking', 'disabled', 'SETTING', 'event_triggers for ' || s.whom FROM unnest(pggit.silenced()) AS s (whom);
    RETURN QUERY SELECT 'tracking', 'disabled', 'EVENT TRIGGER', 'pggit_' || t.event
        FROM unnest(pggit.events()) AS t (event)
        WHERE NOT EXISTS (SELECT FROM pg_event_trigger e
                          WHERE e.evtname = 'pggit_' || t.event AND e.evtenabled IN ('O', 'A'));
    RETURN QUERY SELECT 'tracking', 'error', e.command_tag, e.message FROM pggit.tracking_errors e ORDER BY e.id;
    RETURN QUERY SELECT 'uncommitted', c.change, c.object_type, c.object FROM pggit.uncommitted_changes() c;
    RETURN QUERY SELECT 'unrecorded', v.problem, v.object_type, v.object FROM pggit.verify() v;
    RETURN QUERY SELECT 'not versioned', NULL::text, u.object_type, u.object FROM pggit.unversioned() u
        ORDER BY u.object_type, u.object COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.status() IS
'What the last commit lacks (uncommitted), what the index lacks (unrecorded: run rescan()), what is not versioned at all, and whether tracking is at work. No rows: all is committed.';
