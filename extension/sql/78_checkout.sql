-- What brings the schema to another commit: checkout, revert, reset, restore. All run with the caller's rights, in
-- the caller's transaction: either everything happens or nothing.

CREATE FUNCTION pggit.resolve_commit(ref text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trouble text;
    hint text := 'pggit.list_branches() lists the branches, pggit.log() the commits.';
    found text;
    here integer := current_setting('server_version_num')::integer / 10000;
    there integer;
BEGIN
    found := pggit.resolve_ref(ref);
    there := (SELECT c.server_version_num / 10000 FROM pggit.commits c WHERE c.hash = found);
    IF there <> here THEN
        RAISE NOTICE 'commit % was made under PostgreSQL %, which may word the same definition otherwise than %',
            left(found, 12), there, here;
    END IF;
    RETURN found;
EXCEPTION WHEN SQLSTATE 'GT004' THEN
    GET STACKED DIAGNOSTICS trouble = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    IF ref = 'LIVE' THEN
        hint := 'LIVE is the schema as it is.';
    ELSIF EXISTS (SELECT FROM pggit.restore_points p WHERE p.name = ref) THEN
        hint := format('It is a restore point: run SELECT * FROM pggit.restore_to_point(%L);', ref);
    ELSIF ref ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}|^(now|today|yesterday|tomorrow|-infinity|infinity|epoch)$' THEN
        hint := format('For a moment: SELECT pggit.create_restore_point(''name'', %L); then SELECT * FROM pggit.restore_to_point(''name'');', ref);
    END IF;
    RAISE EXCEPTION '%', trouble USING ERRCODE = 'GT004', HINT = hint;
END
$$;
COMMENT ON FUNCTION pggit.resolve_commit(text) IS
'resolve_ref() for what can be checked out: the error tells what to do about a moment or a restore point, a notice that the commit comes from another PostgreSQL.';

CREATE FUNCTION pggit.checkout(ref text, force boolean DEFAULT false)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text;
    head_tree text;
BEGIN
    PERFORM pggit.begin_change();
    PERFORM pggit.require_no_merge();
    target := pggit.tree_of_commit(pggit.resolve_commit(ref));
    head_tree := pggit.tree_of_commit(pggit.resolve_ref('HEAD'));
    -- Uncommitted changes come along to another name of the same schema: so they find their way onto a new branch.
    IF target <> head_tree AND force IS NOT TRUE THEN
        PERFORM pggit.require_committed('checkout');
    END IF;
    IF target <> head_tree OR force IS TRUE THEN
        RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail FROM pggit.apply_tree(target, force IS TRUE) t;
    END IF;
    PERFORM pggit.switch_head(ref);
END
$$;
COMMENT ON FUNCTION pggit.checkout(text, boolean) IS
'Changes the schema to that of a branch, tag or commit, in this transaction, and returns what it did. HEAD becomes the branch; at a tag or commit it is detached. Refuses when there are uncommitted changes or rows would be lost; force throws the changes away, and parks the rows. Changes are kept when the other branch has the same schema as HEAD.';

CREATE FUNCTION pggit.reset(ref text, force boolean DEFAULT false)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text;
BEGIN
    PERFORM pggit.begin_change();
    PERFORM pggit.require_no_merge();
    PERFORM pggit.current_branch();
    target := pggit.resolve_commit(ref);
    RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail FROM pggit.apply_tree(pggit.tree_of_commit(target), force IS TRUE) t;
    PERFORM pggit.reset_branch(target);
END
$$;
COMMENT ON FUNCTION pggit.reset(text, boolean) IS
'Moves the current branch to a commit, and the schema with it: what came later is no more part of the branch, and uncommitted changes are gone (history and reflog keep both). reset(''HEAD'') only throws away uncommitted changes. Refuses to lose rows unless forced; then they are parked.';

CREATE FUNCTION pggit.restore_to_point(name text, force boolean DEFAULT false)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text;
BEGIN
    PERFORM pggit.begin_change();
    PERFORM pggit.require_no_merge();
    PERFORM pggit.current_branch();
    target := (SELECT p.tree FROM pggit.restore_points p WHERE p.name = restore_to_point.name);
    IF target IS NULL THEN
        RAISE EXCEPTION 'there is no restore point %', coalesce(quote_literal(name), 'NULL')
            USING ERRCODE = 'GT004', HINT = 'pggit.list_restore_points() lists them.';
    END IF;
    -- Uncommitted changes are no obstacle: in an emergency they may be the very thing to undo, and history keeps them.
    RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail FROM pggit.apply_tree(target, force IS TRUE) t;
    IF EXISTS (SELECT FROM pggit.uncommitted_changes()) THEN
        RETURN QUERY SELECT * FROM pggit.commit_row('Restore to ' || name);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.restore_to_point(text, boolean) IS
'Changes the schema to what it was at a restore point, commits that on the current branch, and returns what it did. Uncommitted changes are undone, too; history keeps them. Refuses to lose rows unless forced; then they are parked.';

CREATE FUNCTION pggit.revert(ref text, force boolean DEFAULT false)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text;
    subject text;
    tree text;
BEGIN
    PERFORM pggit.begin_change();
    PERFORM pggit.require_no_merge();
    PERFORM pggit.current_branch();
    PERFORM pggit.require_committed('revert');
    target := pggit.resolve_commit(ref);
    subject := (SELECT substring(c.message FROM '^[^\n]*') FROM pggit.commits c WHERE c.hash = target);
    tree := pggit.revert_tree(target);
    RETURN QUERY SELECT t.action, t.object_type, t.object, t.detail FROM pggit.apply_tree(tree, force IS TRUE) t;
    RETURN QUERY SELECT * FROM pggit.commit_row(
        format('Revert "%s"', subject) || E'\n\nThis reverts commit ' || target || '.');
END
$$;
COMMENT ON FUNCTION pggit.revert(text, boolean) IS
'Undoes what one commit changed, as a new commit, and returns what it did; a merge is undone towards its first parent. Raises GT033 when later changes are in the way. Refuses to lose rows unless forced; then they are parked.';

CREATE FUNCTION pggit.commit_row(message text) RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT 'commit', 'BRANCH', pggit.head_name(), pggit.commit_index(message);
END
$$;
COMMENT ON FUNCTION pggit.commit_row(text) IS 'Commits the schema and says so as a row of a result.';
