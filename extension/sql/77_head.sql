-- Moving HEAD and the current branch. The functions that change the schema run with the caller's rights; what
-- they write here goes through these, which take nobody's word: HEAD can only come to stand where the schema is.

CREATE FUNCTION pggit.lock_head() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM FROM pggit.head FOR UPDATE;
END
$$;
COMMENT ON FUNCTION pggit.lock_head() IS
'One commit, checkout or merge at a time: waits for the others. Commands that change the schema do not take this lock.';

CREATE FUNCTION pggit.tree_of_commit(commit_hash text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT c.tree FROM pggit.commits c WHERE c.hash = commit_hash);
END
$$;
COMMENT ON FUNCTION pggit.tree_of_commit(text) IS 'The tree of a commit, given its whole hash.';

CREATE FUNCTION pggit.head_name() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(b.name, h.detached) FROM pggit.head h LEFT JOIN pggit.branches b ON b.id = h.branch_id);
END
$$;
COMMENT ON FUNCTION pggit.head_name() IS 'The current branch, or the commit where HEAD stands without one.';

CREATE FUNCTION pggit.current_branch() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    branch bigint := (SELECT h.branch_id FROM pggit.head h);
BEGIN
    IF branch IS NULL THEN
        RAISE EXCEPTION 'HEAD stands at commit % and on no branch', left(pggit.head_name(), 12)
            USING ERRCODE = 'GT029', HINT = 'Run SELECT pggit.create_branch(''name''); and SELECT * FROM pggit.checkout(''name''); which keeps uncommitted changes.';
    END IF;
    RETURN branch;
END
$$;
COMMENT ON FUNCTION pggit.current_branch() IS 'The id of the current branch. Raises GT029 when HEAD is detached.';

CREATE FUNCTION pggit.require_tracking() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    replica boolean := current_setting('session_replication_role') = 'replica';
BEGIN
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') THEN
        RAISE EXCEPTION 'tracking is paused' USING ERRCODE = 'GT030', HINT = 'Run SELECT pggit.resume(); first.';
    ELSIF current_setting('event_triggers', true) = 'off' OR EXISTS (
        SELECT FROM unnest(pggit.events()) AS t (event)
        LEFT JOIN pg_event_trigger e ON e.evtname = 'pggit_' || t.event
             AND (e.evtenabled = 'A' OR e.evtenabled = CASE WHEN replica THEN 'R' ELSE 'O' END::"char")
        WHERE e.oid IS NULL)
    THEN
        RAISE EXCEPTION 'the event triggers that record changes are off'
            USING ERRCODE = 'GT030',
            HINT = 'Run SELECT pggit.enable(); as a superuser, with session_replication_role = origin and event_triggers on.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_tracking() IS 'Raises GT030 when commands of this session would not be recorded.';

CREATE FUNCTION pggit.require_no_merge() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting text := (SELECT m.source FROM pggit.merge_state m);
BEGIN
    IF waiting IS NOT NULL THEN
        RAISE EXCEPTION 'the merge of % waits to be finished', waiting
            USING ERRCODE = 'GT026',
            HINT = 'Resolve what pggit.conflicts() lists and run pggit.commit(message), or pggit.abort_merge().';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_no_merge() IS 'Raises GT026 while a merge waits for its conflicts to be resolved.';

CREATE FUNCTION pggit.require_committed(doing text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed text[] := ARRAY(SELECT lower(c.change COLLATE "C") || ' ' || c.object_type || ' ' || c.object FROM pggit.uncommitted_changes() c);
BEGIN
    IF changed <> '{}' THEN
        RAISE EXCEPTION 'uncommitted changes are in the way of %: %', doing,
            array_to_string(changed[1:3], ', ') || CASE WHEN cardinality(changed) > 3
                THEN format(' and %s more', cardinality(changed) - 3) ELSE '' END
            USING ERRCODE = 'GT025',
            HINT = 'Commit them first; SELECT * FROM pggit.status(); lists them. checkout() and reset() can throw them away.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_committed(text) IS 'Raises GT025 when the schema differs from the last commit.';

CREATE FUNCTION pggit.begin_change() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.require_tracking();
    PERFORM pggit.lock_head();
    -- What fired no event is recorded first: a plan from a wrong picture would go wrong.
    PERFORM pggit.rescan();
    PERFORM pggit.require_settled();
END
$$;
COMMENT ON FUNCTION pggit.begin_change() IS
'What checkout, merge and the like begin with: nobody else does such a thing now, and the index is what the schema is.';

-- Writers ------------------------------------------------------------------------------------------

CREATE FUNCTION pggit.require_settled() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.settle();
    IF EXISTS (SELECT FROM pggit.unsettled) THEN
        RAISE EXCEPTION 'another session is still recording a change'
            USING ERRCODE = 'GT013', HINT = 'Try again when its transaction has ended; use READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_settled() IS 'Raises GT013 when the index lacks what another session did.';

CREATE FUNCTION pggit.take_live(expected text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    taken bigint[];
BEGIN
    PERFORM pggit.require_settled();
    -- Noted first: a command that another session commits from here on keeps its rows.
    taken := ARRAY(SELECT u.id FROM pggit.uncommitted u);
    IF pggit.live_tree() IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'the schema is not what HEAD would say'
            USING ERRCODE = 'GT034', HINT = 'Another session changed it meanwhile: try again.';
    END IF;
    DELETE FROM pggit.uncommitted u WHERE u.id = ANY (taken);
END
$$;
COMMENT ON FUNCTION pggit.take_live(text) IS
'Raises GT034 unless the schema is at that tree; then forgets which changes led there, since HEAD comes to stand at it.';

CREATE FUNCTION pggit.switch_head(ref text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    old_name text;
    old_commit text;
    target text := pggit.resolve_ref(ref);
    branch bigint := (SELECT b.id FROM pggit.branches b WHERE b.name = ref);
BEGIN
    PERFORM pggit.lock_head();
    PERFORM pggit.require_no_merge();
    old_name := pggit.head_name();
    old_commit := pggit.resolve_ref('HEAD');
    IF pggit.tree_of_commit(target) <> pggit.tree_of_commit(old_commit) THEN
        PERFORM pggit.take_live(pggit.tree_of_commit(target));
    END IF;
    IF ref <> 'HEAD' THEN
        UPDATE pggit.head SET branch_id = branch, detached = CASE WHEN branch IS NULL THEN target END;
        IF pggit.head_name() <> old_name THEN
            INSERT INTO pggit.reflog (ref, old_hash, new_hash, action, changed_by, changed_at)
            VALUES ('HEAD', old_commit, target, format('checkout from %s to %s', old_name, ref), session_user, clock_timestamp());
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.switch_head(text) IS
'Makes a branch the current one, or a commit without a branch. Raises GT034 unless the schema is at its tree already, or its tree is that of HEAD.';

CREATE FUNCTION pggit.forward_branch(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    ours text;
BEGIN
    PERFORM pggit.lock_head();
    PERFORM pggit.require_no_merge();
    ours := pggit.resolve_ref('HEAD');
    IF pggit.merge_base(ours, target) IS DISTINCT FROM ours THEN
        RAISE EXCEPTION 'branch % has moved since it was read', pggit.head_name() USING ERRCODE = 'GT006', HINT = 'Try again.';
    END IF;
    PERFORM pggit.take_live(pggit.tree_of_commit(pggit.resolve_ref(target)));
    PERFORM pggit.move_branch(pggit.current_branch(), ours, pggit.resolve_ref(target), 'merge: fast-forward');
END
$$;
COMMENT ON FUNCTION pggit.forward_branch(text) IS
'Moves the current branch to a commit that looks back on it, where the schema stands already.';

CREATE FUNCTION pggit.reset_branch(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    ours text;
    theirs text := pggit.resolve_ref(target);
BEGIN
    PERFORM pggit.lock_head();
    PERFORM pggit.require_no_merge();
    ours := pggit.resolve_ref('HEAD');
    PERFORM pggit.take_live(pggit.tree_of_commit(theirs));
    IF ours <> theirs THEN
        PERFORM pggit.move_branch(pggit.current_branch(), ours, theirs, 'reset');
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.reset_branch(text) IS 'Moves the current branch to a commit where the schema stands already.';
