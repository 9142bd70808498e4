-- Any moment since init(): the present, undone by the history since then. So the cost of a look into the past
-- follows what changed since, and not the size of the schema.
--
-- created_at is the clock at each command. A transaction counts whole, at its last change: otherwise a moment
-- within it would show a schema that nobody but itself ever saw.

CREATE FUNCTION pggit.live_tree() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    root text;
    keys text[];
    blobs text[];
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.settle();
    -- One statement, so that a commit of another session is in both or in neither.
    SELECT h.tree, array_agg(c.tree_key), array_agg(c.blob) INTO root, keys, blobs
    FROM (SELECT k.tree FROM pggit.commits k WHERE k.hash = pggit.resolve_ref('HEAD')) h
    LEFT JOIN pggit.uncommitted_changes() c ON true
    GROUP BY h.tree;
    IF keys[1] IS NULL THEN
        RETURN root;
    END IF;
    RETURN pggit.change_tree(root, 0, keys, blobs);
END
$$;
COMMENT ON FUNCTION pggit.live_tree() IS 'The tree of the schema as it is now, committed or not.';

CREATE FUNCTION pggit.first_moment() RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT c.committed_at FROM pggit.commits c ORDER BY c.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.first_moment() IS 'When init() had recorded what existed: the record begins here.';

CREATE FUNCTION pggit.check_moment(moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.require_init();
    IF moment IS NULL THEN
        RAISE EXCEPTION 'a moment is needed, not NULL' USING ERRCODE = 'GT014', HINT = 'now() is one.';
    ELSIF moment > clock_timestamp() THEN
        RAISE EXCEPTION '% is in the future', moment
            USING ERRCODE = 'GT014', HINT = format('The record goes from %s to now.', pggit.first_moment());
    ELSIF moment < pggit.first_moment() THEN
        RAISE EXCEPTION '% is before the record begins', moment
            USING ERRCODE = 'GT014', HINT = format('The earliest moment is %s, when pggit.init() ran.', pggit.first_moment());
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_moment(timestamptz) IS 'Raises GT014 for a moment of which the record knows nothing.';

CREATE FUNCTION pggit.undone_since(moment timestamptz) RETURNS TABLE (object_id bigint, now_blob text, then_blob text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH later AS (
        SELECT DISTINCT h.transaction_id, h.backend_pid FROM pggit.history h WHERE h.created_at > moment
    ), first_change AS (
        SELECT DISTINCT ON (h.object_id) h.object_id, h.old_blob
        FROM later l
        JOIN pggit.history h ON h.transaction_id = l.transaction_id AND h.backend_pid = l.backend_pid
        ORDER BY h.object_id, h.id
    )
    SELECT f.object_id, CASE WHEN o.is_active AND NOT o.is_manual THEN o.blob END, f.old_blob
    FROM first_change f LEFT JOIN pggit.objects o ON o.id = f.object_id;
END
$$;
COMMENT ON FUNCTION pggit.undone_since(timestamptz) IS
'The objects that changed after a moment, with their blobs now and then; null where there was or is none.';

CREATE FUNCTION pggit.tree_at(moment timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    root text;
    changed text;
BEGIN
    PERFORM pggit.check_moment(moment);
    root := pggit.live_tree();
    -- A name that went from one object to another is both gone and there: then what was there counts.
    WITH undone AS (
        SELECT u.now_blob, u.then_blob FROM pggit.undone_since(moment) u
        WHERE u.now_blob IS DISTINCT FROM u.then_blob
    ), entries AS (
        SELECT pggit.tree_key(b.object_type, b.identity) AS tree_key, b.hash AS blob
        FROM undone u JOIN pggit.blobs b ON b.hash = u.then_blob
    ), changes AS (
        SELECT e.tree_key, e.blob FROM entries e
        UNION ALL
        SELECT k.tree_key, NULL
        FROM undone u JOIN pggit.blobs b ON b.hash = u.now_blob
        CROSS JOIN LATERAL (SELECT pggit.tree_key(b.object_type, b.identity) AS tree_key) k
        WHERE k.tree_key NOT IN (SELECT e.tree_key FROM entries e)
    )
    SELECT pggit.change_tree(root, 0, array_agg(c.tree_key), array_agg(c.blob)) INTO changed
    FROM changes c HAVING count(*) > 0;
    RETURN coalesce(changed, root);
END
$$;
COMMENT ON FUNCTION pggit.tree_at(timestamptz) IS
'The tree of the schema as it was at a moment, committed or not. A transaction counts whole, at its last change. Raises GT014 for a moment before init() or in the future.';

CREATE FUNCTION pggit.as_moment(moment text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN moment::timestamptz;
EXCEPTION WHEN data_exception OR invalid_parameter_value THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.as_moment(text) IS 'What PostgreSQL can read as a timestamp; null for anything else.';

CREATE FUNCTION pggit.tree_of(ref text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    named text[];
    found text;
    moment timestamptz;
BEGIN
    PERFORM pggit.require_init();
    IF ref = 'LIVE' THEN
        RETURN pggit.live_tree();
    END IF;
    named := pggit.commits_named(ref);
    found := (SELECT c.tree FROM pggit.commits c WHERE c.hash = named[1]);
    IF found IS NULL THEN
        found := (SELECT p.tree FROM pggit.restore_points p WHERE p.name = ref);
    END IF;
    IF found IS NULL THEN
        moment := pggit.as_moment(ref);
        IF moment IS NULL THEN
            RAISE EXCEPTION '% is no branch, tag, commit, restore point or moment', coalesce(quote_literal(ref), 'NULL')
                USING ERRCODE = 'GT004',
                HINT = 'LIVE is the schema as it is now, HEAD its last commit; pggit.list_branches(), pggit.tags, pggit.log() and pggit.list_restore_points() list the rest.';
        END IF;
        found := pggit.tree_at(moment);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.tree_of(text) IS
'The tree that LIVE (the schema as it is now), HEAD, a branch, a tag, the first digits of a commit''s hash, a restore point or a moment stands for; tried in that order. Raises GT004 when it is none of them.';

-- What was there -------------------------------------------------------------------------------------

CREATE FUNCTION pggit.schema_at(moment timestamptz) RETURNS TABLE (object_type text, object text, definition jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_moment(moment);
    PERFORM pggit.settle();
    RETURN QUERY
    WITH undone AS MATERIALIZED (
        SELECT u.object_id, u.then_blob FROM pggit.undone_since(moment) u
    ), blob AS (
        SELECT o.blob AS hash FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual AND o.id NOT IN (SELECT u.object_id FROM undone u)
        UNION ALL
        SELECT u.then_blob FROM undone u
    )
    SELECT b.object_type, b.identity, b.definition FROM blob JOIN pggit.blobs b ON b.hash = blob.hash
    ORDER BY b.object_type, b.identity COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.schema_at(timestamptz) IS
'Every object as it was at a moment, with its definition. A transaction counts whole, at its last change. Raises GT014 for a moment before init() or in the future.';

CREATE FUNCTION pggit.object_at(object text, moment timestamptz, object_type text DEFAULT NULL)
RETURNS TABLE (found_type text, identity text, definition jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted record;
    was text;
BEGIN
    PERFORM pggit.check_moment(moment);
    PERFORM pggit.settle();
    SELECT f.id, f.found_type, f.identity INTO wanted FROM pggit.find_object(object, object_at.object_type) f;
    -- First whatever had this name then; else the object that has it now, under the name it had then.
    was := (SELECT b.hash FROM pggit.undone_since(moment) u JOIN pggit.blobs b ON b.hash = u.then_blob
            WHERE b.object_type = wanted.found_type AND b.identity = wanted.identity);
    IF was IS NULL THEN
        was := (SELECT u.then_blob FROM pggit.undone_since(moment) u WHERE u.object_id = wanted.id
                UNION ALL
                SELECT o.blob FROM pggit.objects o
                WHERE o.id = wanted.id AND o.is_active AND wanted.id NOT IN (SELECT u.object_id FROM pggit.undone_since(moment) u));
    END IF;
    RETURN QUERY SELECT b.object_type, b.identity, b.definition FROM pggit.blobs b WHERE b.hash = was;
END
$$;
COMMENT ON FUNCTION pggit.object_at(text, timestamptz, text) IS
'An object as it was at a moment: what had the name then, or else what has it now, under the name of then. No row when it was not there.';

-- Restore points -------------------------------------------------------------------------------------

CREATE FUNCTION pggit.create_restore_point(name text, at timestamptz DEFAULT clock_timestamp()) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    root text;
    new_id bigint;
BEGIN
    PERFORM pggit.check_new_ref(name);
    root := pggit.tree_at(at);
    INSERT INTO pggit.restore_points (name, at, tree, created_by, created_at)
    VALUES (create_restore_point.name, create_restore_point.at, root, session_user, clock_timestamp())
    ON CONFLICT ON CONSTRAINT restore_points_name_key DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'restore point % exists already', quote_literal(name) USING ERRCODE = 'GT009', HINT = 'Choose another name.';
    END IF;
    PERFORM pggit.note_ref(name, NULL, root, 'restore point');
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION pggit.create_restore_point(text, timestamptz) IS
'Gives the schema as it is now, or was at any moment since init(), a name to return to, and returns its id. Raises GT014 for a moment before init() or in the future.';

CREATE FUNCTION pggit.list_restore_points()
RETURNS TABLE (name text, at timestamptz, tree text, created_by text, created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    RETURN QUERY SELECT p.name, p.at, p.tree, p.created_by, p.created_at FROM pggit.restore_points p ORDER BY p.at, p.name;
END
$$;
COMMENT ON FUNCTION pggit.list_restore_points() IS 'All restore points, by the moment they stand for.';

CREATE FUNCTION pggit.delete_restore_point(name text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    gone pggit.restore_points;
BEGIN
    PERFORM pggit.require_init();
    DELETE FROM pggit.restore_points p WHERE p.name = delete_restore_point.name RETURNING p.* INTO gone;
    IF gone.id IS NULL THEN
        RAISE EXCEPTION 'there is no restore point %', coalesce(quote_literal(name), 'NULL')
            USING ERRCODE = 'GT004', HINT = 'pggit.list_restore_points() lists them.';
    END IF;
    PERFORM pggit.note_ref(name, gone.tree, NULL, 'delete restore point');
    RETURN gone.at;
END
$$;
COMMENT ON FUNCTION pggit.delete_restore_point(text) IS
'Deletes a restore point and returns the moment it stood for; the history keeps that moment reachable.';
