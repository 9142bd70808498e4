-- Branches and tags, and what can be seen from them.

CREATE FUNCTION pggit.check_new_ref(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    taken text;
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.check_ref_name(name);
    -- One name, one meaning, though each kind has a table of its own.
    SELECT k.kind INTO taken
    FROM (SELECT 'branch' AS kind, b.name FROM pggit.branches b
          UNION ALL SELECT 'tag', t.name FROM pggit.tags t
          UNION ALL SELECT 'restore point', p.name FROM pggit.restore_points p) k
    WHERE k.name = check_new_ref.name;
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION '% % exists already', taken, quote_literal(name)
            USING ERRCODE = 'GT009', HINT = 'Choose another name.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_new_ref(text) IS
'Raises GT005 for a name that no branch, tag or restore point can have, GT009 for one that is taken.';

CREATE FUNCTION pggit.note_ref(ref text, old_hash text, new_hash text, action text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.reflog (ref, old_hash, new_hash, action, changed_by, changed_at)
    VALUES (ref, old_hash, new_hash, action, session_user, clock_timestamp());
END
$$;
COMMENT ON FUNCTION pggit.note_ref(text, text, text, text) IS 'Writes one row of the reflog.';

CREATE FUNCTION pggit.create_branch(name text, "from" text DEFAULT 'HEAD') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    start text := pggit.resolve_ref("from");
    new_id bigint;
BEGIN
    PERFORM pggit.check_new_ref(name);
    INSERT INTO pggit.branches (name, head, created_by, created_at)
    VALUES (create_branch.name, start, session_user, clock_timestamp())
    ON CONFLICT ON CONSTRAINT branches_name_key DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'branch % exists already', quote_literal(name) USING ERRCODE = 'GT009', HINT = 'Choose another name.';
    END IF;
    PERFORM pggit.note_ref(name, NULL, start, 'create branch');
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION pggit.create_branch(text, text) IS
'Makes a branch that begins at another branch, tag or commit (the current one unless told otherwise) and returns its id.';

CREATE FUNCTION pggit.delete_branch(name text, force boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    doomed pggit.branches;
BEGIN
    PERFORM pggit.require_init();
    PERFORM FROM pggit.head FOR UPDATE;  -- nobody checks it out or commits to it meanwhile
    SELECT b.* INTO doomed FROM pggit.branches b WHERE b.name = delete_branch.name FOR UPDATE;
    IF doomed.id IS NULL THEN
        RAISE EXCEPTION 'there is no branch %', coalesce(quote_literal(name), 'NULL')
            USING ERRCODE = 'GT004', HINT = 'pggit.list_branches() lists them.';
    ELSIF EXISTS (SELECT FROM pggit.head h WHERE h.branch_id = doomed.id) THEN
        RAISE EXCEPTION 'branch % is the current one', quote_literal(name)
            USING ERRCODE = 'GT017', HINT = 'Check out another branch first.';
    ELSIF force IS NOT TRUE AND doomed.head NOT IN (
        SELECT r.hash FROM pggit.reachable(ARRAY(
            SELECT b.head FROM pggit.branches b WHERE b.id <> doomed.id
            UNION SELECT t.commit FROM pggit.tags t UNION SELECT pggit.resolve_ref('HEAD'))) r)
    THEN
        RAISE EXCEPTION 'branch % has commits that no other branch or tag has', quote_literal(name)
            USING ERRCODE = 'GT018',
            HINT = format('Merge it, tag its newest commit %s, or call pggit.delete_branch(%L, force => true).', doomed.head, name);
    END IF;
    DELETE FROM pggit.branches b WHERE b.id = doomed.id;
    PERFORM pggit.note_ref(name, doomed.head, NULL, 'delete branch');
    RETURN doomed.head;
END
$$;
COMMENT ON FUNCTION pggit.delete_branch(text, boolean) IS
'Deletes a branch that is not the current one and returns where it stood. Without force, one whose newest commit no other branch or tag can look back on is refused with GT018. Its commits stay in pggit.commits.';

CREATE FUNCTION pggit.tag(name text, ref text DEFAULT 'HEAD') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    target text := pggit.resolve_ref(ref);
    new_id bigint;
BEGIN
    PERFORM pggit.check_new_ref(name);
    INSERT INTO pggit.tags (name, commit, tagged_by, tagged_at)
    VALUES (tag.name, target, session_user, clock_timestamp())
    ON CONFLICT ON CONSTRAINT tags_name_key DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'tag % exists already', quote_literal(name) USING ERRCODE = 'GT009', HINT = 'Choose another name.';
    END IF;
    PERFORM pggit.note_ref(name, NULL, target, 'tag');
    RETURN target;
END
$$;
COMMENT ON FUNCTION pggit.tag(text, text) IS
'Gives a commit (the current one unless told otherwise) a name that does not move, and returns the commit''s hash.';

CREATE FUNCTION pggit.delete_tag(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    tagged text;
BEGIN
    PERFORM pggit.require_init();
    DELETE FROM pggit.tags t WHERE t.name = delete_tag.name RETURNING t.commit INTO tagged;
    IF tagged IS NULL THEN
        RAISE EXCEPTION 'there is no tag %', coalesce(quote_literal(name), 'NULL')
            USING ERRCODE = 'GT004', HINT = 'The table pggit.tags lists them.';
    END IF;
    PERFORM pggit.note_ref(name, tagged, NULL, 'delete tag');
    RETURN tagged;
END
$$;
COMMENT ON FUNCTION pggit.delete_tag(text) IS 'Deletes a tag and returns the hash of the commit it named.';

CREATE FUNCTION pggit.list_branches()
RETURNS TABLE (name text, head text, is_current boolean, message text, committed_at timestamptz, created_by text, created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    RETURN QUERY
    SELECT b.name, b.head, EXISTS (SELECT FROM pggit.head h WHERE h.branch_id = b.id), c.message, c.committed_at,
        b.created_by, b.created_at
    FROM pggit.branches b JOIN pggit.commits c ON c.hash = b.head ORDER BY b.name;
END
$$;
COMMENT ON FUNCTION pggit.list_branches() IS 'All branches, each with its newest commit; is_current marks the one that is checked out.';

CREATE FUNCTION pggit.ref_history(ref text DEFAULT NULL, max_count integer DEFAULT 100)
RETURNS TABLE (changed_at timestamptz, ref_name text, action text, old_hash text, new_hash text, changed_by text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.check_count(max_count);
    RETURN QUERY
    SELECT r.changed_at, r.ref, r.action, r.old_hash, r.new_hash, r.changed_by FROM pggit.reflog r
    WHERE ref_history.ref IS NULL OR r.ref = ref_history.ref
    ORDER BY r.id DESC LIMIT max_count;
END
$$;
COMMENT ON FUNCTION pggit.ref_history(text, integer) IS
'The moves of one reference, or of all, newest first: where a branch stood before, also when it was deleted.';

-- Who can look back on whom --------------------------------------------------------------------------

CREATE FUNCTION pggit.check_count(max_count integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF max_count < 0 THEN
        RAISE EXCEPTION 'max_count must not be negative: %', max_count USING ERRCODE = 'GT012', HINT = 'NULL means all.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_count(integer) IS 'Raises GT012 for a negative count.';

CREATE FUNCTION pggit.reachable(starts text[]) RETURNS TABLE (hash text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE reach (hash) AS (
        SELECT s COLLATE "C" FROM unnest(starts) s
        UNION
        SELECT p FROM reach r JOIN pggit.commits c ON c.hash = r.hash CROSS JOIN LATERAL unnest(c.parents) p
    )
    SELECT r.hash FROM reach r;
END
$$;
COMMENT ON FUNCTION pggit.reachable(text[]) IS 'The given commits and all that they can look back on.';

-- One line a commit. A lane waits for a commit, the parent of one above; the leftmost lane that waits for a
-- commit is its place. Of the other lanes that wait for it each ends with a slash; a merge opens a lane with a
-- backslash for every parent but the first. A parent is never above its child, since it had its id first.
CREATE FUNCTION pggit.commit_graph(starts text[], max_count integer)
RETURNS TABLE (graph text, hash text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    line record;
    parent text;
    lanes text[] := '{}';
    signs text[];
    own_lane integer;
    free_lane integer;
    last_sign integer;
BEGIN
    FOR line IN
        SELECT c.hash, c.parents FROM pggit.reachable(starts) r JOIN pggit.commits c ON c.hash = r.hash
        ORDER BY c.id DESC LIMIT max_count
    LOOP
        own_lane := coalesce(array_position(lanes, line.hash), array_position(lanes, ''), cardinality(lanes) + 1);
        lanes[own_lane] := line.hash;
        signs := ARRAY(
            SELECT CASE WHEN l.place = own_lane THEN '*' WHEN l.waits_for = line.hash THEN '/' WHEN l.waits_for = '' THEN ' ' ELSE '|' END
            FROM unnest(lanes) WITH ORDINALITY AS l (waits_for, place) ORDER BY l.place);
        -- The first parent takes the commit's own lane. Others take lanes that were free above this line.
        FOREACH parent IN ARRAY line.parents[2:] LOOP
            free_lane := (SELECT min(s.place) FROM unnest(signs) WITH ORDINALITY AS s (sign, place)
                          WHERE s.sign = ' ' AND s.place > own_lane);
            free_lane := coalesce(free_lane, cardinality(lanes) + 1);
            lanes[free_lane] := parent;
            signs[free_lane] := '\';
        END LOOP;
        last_sign := (SELECT max(s.place) FROM unnest(signs) WITH ORDINALITY AS s (sign, place) WHERE s.sign IN ('*', '/', '\'));
        graph := rtrim((
            SELECT string_agg(
                CASE WHEN s.sign = ' ' AND s.place > own_lane AND s.place < last_sign THEN '-' ELSE s.sign END
                || CASE WHEN s.place >= own_lane AND s.place < last_sign THEN '-' ELSE ' ' END, '' ORDER BY s.place)
            FROM unnest(signs) WITH ORDINALITY AS s (sign, place)));
        hash := line.hash;
        RETURN NEXT;
        lanes := ARRAY(
            SELECT CASE WHEN l.place = own_lane THEN coalesce(line.parents[1], '')
                        WHEN l.waits_for = line.hash THEN '' ELSE l.waits_for END
            FROM unnest(lanes) WITH ORDINALITY AS l (waits_for, place) ORDER BY l.place);
        WHILE lanes[cardinality(lanes)] = '' LOOP
            lanes := trim_array(lanes, 1);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.commit_graph(text[], integer) IS
'The given commits and those before them, newest first, each with a line of a drawing that shows what follows what.';

CREATE FUNCTION pggit.names_of_commit(commit_hash text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT 'HEAD' FROM pggit.head h WHERE h.detached = commit_hash)
        || ARRAY(SELECT CASE WHEN h.branch_id IS NULL THEN b.name ELSE 'HEAD -> ' || b.name END
                 FROM pggit.branches b LEFT JOIN pggit.head h ON h.branch_id = b.id
                 WHERE b.head = commit_hash ORDER BY h.branch_id, b.name)
        || ARRAY(SELECT 'tag: ' || t.name FROM pggit.tags t WHERE t.commit = commit_hash ORDER BY t.name);
END
$$;
COMMENT ON FUNCTION pggit.names_of_commit(text) IS 'HEAD, the branches and the tags that stand at a commit.';

CREATE FUNCTION pggit.log(ref text DEFAULT 'HEAD', max_count integer DEFAULT 100)
RETURNS TABLE (graph text, hash text, committed_at timestamptz, author text, message text, parents text[], branches text[], tags text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_count(max_count);
    RETURN QUERY
    SELECT g.graph, c.hash, c.committed_at, c.author, c.message, c.parents,
        ARRAY(SELECT b.name FROM pggit.branches b WHERE b.head = c.hash ORDER BY b.name),
        ARRAY(SELECT t.name FROM pggit.tags t WHERE t.commit = c.hash ORDER BY t.name)
    FROM pggit.commit_graph(ARRAY[pggit.resolve_ref(ref)], max_count) g JOIN pggit.commits c ON c.hash = g.hash
    ORDER BY c.id DESC;
END
$$;
COMMENT ON FUNCTION pggit.log(text, integer) IS
'Commits that a branch, tag or commit can look back on, newest first, with the branches and tags that stand at each. graph draws how they follow each other: * is the commit, | a line that passes, \ a line that begins for a merged parent, / one that ends here.';

CREATE FUNCTION pggit.graph(format text DEFAULT 'text', max_count integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    starts text[];
    drawn text;
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.check_count(max_count);
    IF format IS NULL OR format NOT IN ('text', 'mermaid', 'dot') THEN
        RAISE EXCEPTION 'there is no format %', coalesce(quote_literal(format), 'NULL')
            USING ERRCODE = 'GT019', HINT = 'Valid are text, mermaid and dot.';
    END IF;
    starts := ARRAY(SELECT b.head FROM pggit.branches b UNION SELECT t.commit FROM pggit.tags t
                    UNION SELECT pggit.resolve_ref('HEAD'));
    WITH line AS (
        SELECT g.graph, c.hash, c.parents, c.id, left(c.hash, 8) AS short,
            (SELECT string_agg(n, ', ') FROM unnest(pggit.names_of_commit(c.hash)) n) AS names,
            left(btrim(regexp_replace(c.message, '[[:cntrl:]]+', ' ', 'g')), 60) AS message
        FROM pggit.commit_graph(starts, max_count) g JOIN pggit.commits c ON c.hash = g.hash
    ), labelled AS (
        SELECT l.*, concat_ws(' ', l.short, '(' || l.names || ')', l.message) AS label FROM line l
    ), edge AS (
        SELECT l.id, l.short AS child, left(p.hash, 8) AS parent, p.place
        FROM line l CROSS JOIN LATERAL unnest(l.parents) WITH ORDINALITY AS p (hash, place)
        WHERE p.hash IN (SELECT o.hash FROM line o)
    )
    SELECT CASE graph.format
        WHEN 'text' THEN (SELECT string_agg(l.graph || '  ' || l.label, E'\n' ORDER BY l.id DESC) FROM labelled l)
        -- In mermaid anything but letters, digits and a few signs can be written as the number of its character.
        WHEN 'mermaid' THEN concat_ws(E'\n', 'flowchart BT',
            (SELECT string_agg('    c' || l.short || '["' || (
                 SELECT string_agg(CASE WHEN ch ~ '[[:alnum:] _.,:()/-]' THEN ch ELSE '#' || ascii(ch) || ';' END, '' ORDER BY n)
                 FROM regexp_split_to_table(l.label, '') WITH ORDINALITY AS s (ch, n)) || '"]', E'\n' ORDER BY l.id)
             FROM labelled l),
            (SELECT string_agg('    c' || e.parent || ' --> c' || e.child, E'\n' ORDER BY e.id, e.place) FROM edge e))
        ELSE concat_ws(E'\n', 'digraph pggit {', '    rankdir = BT;', '    node [shape = box];',
            (SELECT string_agg('    "' || l.short || '" [label = "' || replace(replace(l.label, '\', '\\'), '"', '\"') || '"];',
                               E'\n' ORDER BY l.id) FROM labelled l),
            (SELECT string_agg('    "' || e.child || '" -> "' || e.parent || '";', E'\n' ORDER BY e.id, e.place) FROM edge e),
            '}')
        END INTO drawn;
    RETURN drawn;
END
$$;
COMMENT ON FUNCTION pggit.graph(text, integer) IS
'All that branches and tags can look back on as a drawing: text, mermaid (a flowchart) or dot (Graphviz). Raises GT019 for another format.';

CREATE FUNCTION pggit.show(ref text DEFAULT 'HEAD')
RETURNS TABLE (change text, object_type text, object text, old_definition jsonb, new_definition jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    shown pggit.commits;
    before text;
BEGIN
    SELECT c.* INTO shown FROM pggit.commits c WHERE c.hash = pggit.resolve_ref(ref);
    before := (SELECT c.tree FROM pggit.commits c WHERE c.hash = shown.parents[1]);
    RETURN QUERY
    SELECT CASE WHEN d.a_blob IS NULL THEN 'CREATE' WHEN d.b_blob IS NULL THEN 'DROP' ELSE 'ALTER' END,
        coalesce(n.object_type, o.object_type), coalesce(n.identity, o.identity), o.definition, n.definition
    FROM pggit.tree_differences(before, shown.tree) d
    LEFT JOIN pggit.blobs o ON o.hash = d.a_blob
    LEFT JOIN pggit.blobs n ON n.hash = d.b_blob
    ORDER BY coalesce(n.object_type, o.object_type), coalesce(n.identity, o.identity) COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.show(text) IS
'What a commit changed, against its first parent, with definitions before and after. A rename shows as DROP and CREATE.';
