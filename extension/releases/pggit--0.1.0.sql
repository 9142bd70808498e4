\echo Use "CREATE EXTENSION pggit" to load this file. \set ON_ERROR_STOP on \\ DO $$BEGIN RAISE EXCEPTION 'only CREATE EXTENSION pggit can run this script; nothing was done'; END$$;

-- 00_guard.sql
-- The server puts the caller's search_path back at the end of the script.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- CREATE EXTENSION uses a schema named pggit that is already there. Whoever owns that schema could
-- replace our functions later, so one that an ordinary role made, or that holds anything, is refused.
DO $guard$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
        WHERE n.nspname OPERATOR(pg_catalog.=) 'pggit' AND NOT r.rolsuper
          AND r.rolname OPERATOR(pg_catalog.<>) CURRENT_USER)
    THEN
        RAISE EXCEPTION 'schema pggit belongs to another role'
            USING ERRCODE = 'GT001', HINT = 'Drop or rename that schema; CREATE EXTENSION makes its own.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_class c
               WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
       OR EXISTS (SELECT FROM pg_catalog.pg_proc p
                  WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
       OR EXISTS (SELECT FROM pg_catalog.pg_type t
                  WHERE t.typnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
    THEN
        RAISE EXCEPTION 'schema pggit already holds objects'
            USING ERRCODE = 'GT001', HINT = 'Move them elsewhere, then run CREATE EXTENSION again.';
    END IF;
END
$guard$;

-- 10_tables.sql
-- What pgGit stores. Dumped tables hold names and hashes, never OIDs, and no row of theirs is made
-- by the install script: each is filled by init() or later, so that a restore finds them empty. There are no
-- foreign keys, since a parallel restore loads the tables in any order; only our functions write them.

CREATE FUNCTION pggit.digest(content text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A SQL_ASCII database holds bytes of no known encoding: they count as they are.
    RETURN encode(sha256(convert_to(
        content, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END)), 'hex');
END
$$;
COMMENT ON FUNCTION pggit.digest(text) IS 'sha256 of a text in UTF-8, in hex.';

CREATE FUNCTION pggit.tree_key(object_type text, identity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.digest(object_type || E'\n' || identity);
END
$$;
COMMENT ON FUNCTION pggit.tree_key(text, text) IS 'Where an object stands in a tree.';

-- Content ------------------------------------------------------------------------------------------

CREATE TABLE pggit.blobs (
    hash text COLLATE "C" PRIMARY KEY,
    object_type text NOT NULL,
    identity text NOT NULL,
    definition jsonb NOT NULL
);
COMMENT ON TABLE pggit.blobs IS
'Every definition an object ever had: hash is the sha256, in hex, of object_type, identity and definition.';
COMMENT ON COLUMN pggit.blobs.hash IS 'sha256 of the rest, in hex.';
COMMENT ON COLUMN pggit.blobs.object_type IS 'PostgreSQL''s word for the kind, in capitals.';
COMMENT ON COLUMN pggit.blobs.identity IS 'The name as PostgreSQL writes it; see objects.';
COMMENT ON COLUMN pggit.blobs.definition IS 'All that makes the object what it is, without an OID.';

-- The planner looks at all of these.
CREATE INDEX blobs_default_privileges ON pggit.blobs (hash) WHERE object_type = 'DEFAULT PRIVILEGES';

CREATE TABLE pggit.trees (
    hash text COLLATE "C" PRIMARY KEY,
    is_leaf boolean NOT NULL,
    object_count integer NOT NULL,
    keys bytea NOT NULL,
    children bytea NOT NULL,
    counts integer[]
);
COMMENT ON TABLE pggit.trees IS
'Nodes of Merkle tries over the sha256 of each object''s type and identity. A leaf lists keys and their blobs; an inner node lists the next byte of the keys and their nodes, with the number of objects under each. All stand in bytes one after the other: 32 for a hash. The shape depends on the set of objects alone, so equal parts of two schemas are one row.';
COMMENT ON COLUMN pggit.trees.hash IS 'sha256 of the node, in hex.';
COMMENT ON COLUMN pggit.trees.is_leaf IS 'Whether keys lead to blobs, and not to further nodes.';
COMMENT ON COLUMN pggit.trees.object_count IS 'How many objects the node holds, those of the nodes below included.';
COMMENT ON COLUMN pggit.trees.keys IS 'A leaf: tree keys, 32 bytes each; else the next byte of the keys, one each.';
COMMENT ON COLUMN pggit.trees.children IS 'The hash of the blob or node that each key leads to, 32 bytes each.';
COMMENT ON COLUMN pggit.trees.counts IS 'An inner node: how many objects are under each key.';

-- Hashes don't compress; and a leaf is read fastest as one piece.
ALTER TABLE pggit.trees SET (toast_tuple_target = 8160);
ALTER TABLE pggit.trees ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN children SET STORAGE EXTERNAL;

CREATE TABLE pggit.commits (
    hash text COLLATE "C" PRIMARY KEY,
    id bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE,
    branch_id bigint NOT NULL,
    tree text COLLATE "C" NOT NULL,
    parents text[] COLLATE "C" NOT NULL,
    author text NOT NULL,
    message text NOT NULL,
    committed_at timestamptz NOT NULL,
    server_version_num integer NOT NULL
);
COMMENT ON TABLE pggit.commits IS
'States of the whole schema that somebody kept. hash covers tree, parents, author, time, server version and message; branch_id is the branch that was current.';
COMMENT ON COLUMN pggit.commits.hash IS 'sha256 of what the commit says, in hex.';
COMMENT ON COLUMN pggit.commits.id IS 'Grows with time: a parent has a lower one.';
COMMENT ON COLUMN pggit.commits.branch_id IS 'The branch that was current.';
COMMENT ON COLUMN pggit.commits.tree IS 'The hash of the root of the tree that was committed.';
COMMENT ON COLUMN pggit.commits.parents IS 'The commits before it, none for the first one and two for a merge.';
COMMENT ON COLUMN pggit.commits.author IS 'The session user who committed.';
COMMENT ON COLUMN pggit.commits.message IS 'What the author said of it.';
COMMENT ON COLUMN pggit.commits.committed_at IS 'When it was committed.';
COMMENT ON COLUMN pggit.commits.server_version_num IS 'The PostgreSQL that worded the definitions.';
CREATE INDEX commits_committed_at ON pggit.commits (committed_at);

-- References ---------------------------------------------------------------------------------------

CREATE TABLE pggit.branches (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    head text COLLATE "C" NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.branches IS 'Branches by name; head is the hash of the newest commit.';
COMMENT ON COLUMN pggit.branches.id IS 'Stays the same as the branch moves.';
COMMENT ON COLUMN pggit.branches.name IS 'What the branch is called.';
COMMENT ON COLUMN pggit.branches.head IS 'The hash of its newest commit.';
COMMENT ON COLUMN pggit.branches.created_by IS 'The session user who made it.';
COMMENT ON COLUMN pggit.branches.created_at IS 'When it was made.';

CREATE TABLE pggit.head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    branch_id bigint,
    detached text COLLATE "C",
    CHECK ((branch_id IS NULL) <> (detached IS NULL))
);
COMMENT ON TABLE pggit.head IS
'The one current branch, or the commit that was checked out without a branch. All sessions share the schema, so this is a row and not a session setting.';
COMMENT ON COLUMN pggit.head.singleton IS 'True: there is one row.';
COMMENT ON COLUMN pggit.head.branch_id IS 'The current branch; null when none is.';
COMMENT ON COLUMN pggit.head.detached IS 'The hash of the commit that is checked out where no branch is current.';

CREATE TABLE pggit.tags (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    commit text COLLATE "C" NOT NULL,
    tagged_by text NOT NULL,
    tagged_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.tags IS 'Names for commits; a tag does not move.';
COMMENT ON COLUMN pggit.tags.id IS 'A number for the tag.';
COMMENT ON COLUMN pggit.tags.name IS 'What the tag is called.';
COMMENT ON COLUMN pggit.tags.commit IS 'The hash of the commit that it names.';
COMMENT ON COLUMN pggit.tags.tagged_by IS 'The session user who made it.';
COMMENT ON COLUMN pggit.tags.tagged_at IS 'When it was made.';

CREATE TABLE pggit.restore_points (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    tree text COLLATE "C" NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.restore_points IS
'Moments that got a name, with the tree of the schema as it was then, committed or not.';
COMMENT ON COLUMN pggit.restore_points.id IS 'A number for the restore point.';
COMMENT ON COLUMN pggit.restore_points.name IS 'What it is called.';
COMMENT ON COLUMN pggit.restore_points.at IS 'The moment that it stands for.';
COMMENT ON COLUMN pggit.restore_points.tree IS 'The hash of the root of the tree at that moment.';
COMMENT ON COLUMN pggit.restore_points.created_by IS 'The session user who made it.';
COMMENT ON COLUMN pggit.restore_points.created_at IS 'When it was made, which may be long after the moment.';

CREATE TABLE pggit.reflog (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    ref text NOT NULL,
    old_hash text COLLATE "C",
    new_hash text COLLATE "C",
    action text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.reflog IS 'Every move of a reference, oldest first.';
COMMENT ON COLUMN pggit.reflog.id IS 'Grows with time.';
COMMENT ON COLUMN pggit.reflog.ref IS 'The branch, tag or restore point that moved, or HEAD.';
COMMENT ON COLUMN pggit.reflog.old_hash IS 'What it stood for before; null when it is new.';
COMMENT ON COLUMN pggit.reflog.new_hash IS 'What it stands for from then on; null when it is gone.';
COMMENT ON COLUMN pggit.reflog.action IS 'What moved it, in words.';
COMMENT ON COLUMN pggit.reflog.changed_by IS 'The session user who moved it.';
COMMENT ON COLUMN pggit.reflog.changed_at IS 'When it moved.';

-- The working index and the audit trail ------------------------------------------------------------

CREATE TABLE pggit.objects (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    schema_name text,
    object_name text NOT NULL,
    object_type text NOT NULL,
    identity text NOT NULL,
    tree_key text COLLATE "C" GENERATED ALWAYS AS (pggit.tree_key(object_type, identity)) STORED,
    is_active boolean NOT NULL DEFAULT true,
    is_manual boolean NOT NULL DEFAULT false,
    blob text COLLATE "C",
    column_order text[],
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE pggit.objects IS
'The working index: each object pgGit knows, with the blob of its present definition. A dropped object keeps its row with is_active = false; a row inserted by hand has is_manual = true and is left alone.';
COMMENT ON COLUMN pggit.objects.id IS 'Stays the same through renames.';
COMMENT ON COLUMN pggit.objects.schema_name IS 'The schema it is in, or is; null for what is in none.';
COMMENT ON COLUMN pggit.objects.object_name IS 'Its name within the schema, not quoted.';
COMMENT ON COLUMN pggit.objects.object_type IS 'PostgreSQL''s word for the kind, in capitals.';
COMMENT ON COLUMN pggit.objects.is_active IS 'Whether it is there.';
COMMENT ON COLUMN pggit.objects.is_manual IS 'Whether the row was inserted by hand, so that pgGit leaves it alone.';
COMMENT ON COLUMN pggit.objects.blob IS 'The hash of its present definition, or of the last one.';
COMMENT ON COLUMN pggit.objects.created_at IS 'When it was first seen.';
COMMENT ON COLUMN pggit.objects.updated_at IS 'When it last changed.';
COMMENT ON COLUMN pggit.objects.identity IS
'The name as PostgreSQL writes it, quoted where needed: with a signature for functions, with the table for triggers, policies and rules.';
COMMENT ON COLUMN pggit.objects.column_order IS
'The order of a table''s columns. It is no part of the blob: a column that was dropped and added again comes last, and the schema still counts as the same.';
COMMENT ON COLUMN pggit.objects.tree_key IS
'Stands for type and identity in trees and indexes: the identity of a function can be longer than an index row.';
CREATE UNIQUE INDEX objects_active ON pggit.objects (tree_key) WHERE is_active;
CREATE INDEX objects_inactive ON pggit.objects (tree_key) WHERE NOT is_active;

CREATE TABLE pggit.history (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    object_id bigint NOT NULL,
    change_type text NOT NULL,
    created_at timestamptz NOT NULL,
    command_tag text NOT NULL,
    object_type text NOT NULL,
    identity text NOT NULL,
    old_identity text,
    old_blob text COLLATE "C",
    new_blob text COLLATE "C",
    old_column_order text[],
    new_column_order text[],
    session_role text NOT NULL,
    set_role text,
    application_name text,
    client_addr inet,
    backend_pid integer NOT NULL,
    transaction_id xid8 NOT NULL
);
COMMENT ON TABLE pggit.history IS
'The audit trail: one row for each object that a command changed, with who, when, which command, in which transaction, and the definition before and after. It can only grow. RESCAN marks what was found in the catalog and not seen as it happened.';
COMMENT ON COLUMN pggit.history.id IS 'Grows with time, but for transactions that end late.';
COMMENT ON COLUMN pggit.history.object_id IS 'The object, as pggit.objects numbers it.';
COMMENT ON COLUMN pggit.history.change_type IS 'CREATE, ALTER, DROP, RENAME, COMMENT, GRANT or RESCAN.';
COMMENT ON COLUMN pggit.history.command_tag IS 'The command, as PostgreSQL calls it.';
COMMENT ON COLUMN pggit.history.object_type IS 'PostgreSQL''s word for the object''s kind, in capitals.';
COMMENT ON COLUMN pggit.history.identity IS 'The name of the object after the change; after a drop, the last one.';
COMMENT ON COLUMN pggit.history.old_identity IS 'The name before, where it was another.';
COMMENT ON COLUMN pggit.history.old_blob IS 'The hash of the definition before; null when there was none.';
COMMENT ON COLUMN pggit.history.new_blob IS 'The hash of the definition after; null when it is gone.';
COMMENT ON COLUMN pggit.history.old_column_order IS 'The order of a table''s columns before.';
COMMENT ON COLUMN pggit.history.new_column_order IS 'The order of a table''s columns after.';
COMMENT ON COLUMN pggit.history.session_role IS 'The role that was logged in.';
COMMENT ON COLUMN pggit.history.application_name IS 'What the session called itself.';
COMMENT ON COLUMN pggit.history.client_addr IS 'Where the client was; null over a socket of the machine itself.';
COMMENT ON COLUMN pggit.history.backend_pid IS 'The session''s process.';
COMMENT ON COLUMN pggit.history.transaction_id IS 'The transaction, by the number that it had in its cluster.';
COMMENT ON COLUMN pggit.history.created_at IS 'The clock when the change was recorded, inside the transaction that made it.';
COMMENT ON COLUMN pggit.history.set_role IS 'The role taken by SET ROLE; null when there was none.';
CREATE INDEX history_object ON pggit.history (object_id, id);
CREATE INDEX history_created_at ON pggit.history (created_at);
CREATE INDEX history_transaction ON pggit.history (transaction_id);
CREATE INDEX history_renames ON pggit.history (id) WHERE old_identity IS NOT NULL;

CREATE TABLE pggit.uncommitted (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    object_type text NOT NULL,
    identity text NOT NULL
);
COMMENT ON TABLE pggit.uncommitted IS
'Which identities were touched since the last commit, one row a change. Commands only append and a commit deletes what it took, so no session waits for another here.';
COMMENT ON COLUMN pggit.uncommitted.id IS 'A number for the row.';
COMMENT ON COLUMN pggit.uncommitted.object_type IS 'PostgreSQL''s word for the kind, in capitals.';
COMMENT ON COLUMN pggit.uncommitted.identity IS 'The name that something was done to.';

CREATE TABLE pggit.tracking_errors (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL,
    command_tag text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    context text,
    session_role text NOT NULL
);
COMMENT ON TABLE pggit.tracking_errors IS
'Errors inside tracking. The command that met one went through all the same; status() shows what the index lacks since, rescan() takes it in.';
COMMENT ON COLUMN pggit.tracking_errors.id IS 'A number for the error.';
COMMENT ON COLUMN pggit.tracking_errors.created_at IS 'When it happened.';
COMMENT ON COLUMN pggit.tracking_errors.command_tag IS 'The command that could not be recorded.';
COMMENT ON COLUMN pggit.tracking_errors.sqlstate IS 'The error''s code.';
COMMENT ON COLUMN pggit.tracking_errors.message IS 'The error''s text.';
COMMENT ON COLUMN pggit.tracking_errors.context IS 'Where within pgGit it happened.';
COMMENT ON COLUMN pggit.tracking_errors.session_role IS 'The role that was logged in.';

-- A merge that stopped at conflicts ----------------------------------------------------------------

CREATE TABLE pggit.merge_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    source text NOT NULL,
    source_commit text COLLATE "C" NOT NULL,
    our_commit text COLLATE "C" NOT NULL,
    base_tree text COLLATE "C" NOT NULL,
    merged_tree text COLLATE "C" NOT NULL,
    result_tree text COLLATE "C",
    force boolean NOT NULL,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.merge_state IS
'The merge that waits for its conflicts to be resolved. merged_tree holds what merged by itself, and our side of each conflict; result_tree is set when nothing is left to resolve, and only that tree can be committed.';
COMMENT ON COLUMN pggit.merge_state.singleton IS 'True: there is one row at most.';
COMMENT ON COLUMN pggit.merge_state.source IS 'What is being merged, as it was named.';
COMMENT ON COLUMN pggit.merge_state.source_commit IS 'The hash of the commit that it stood for.';
COMMENT ON COLUMN pggit.merge_state.our_commit IS 'The hash of the commit that it is merged into.';
COMMENT ON COLUMN pggit.merge_state.base_tree IS 'The tree of the two commits'' common ancestor.';
COMMENT ON COLUMN pggit.merge_state.merged_tree IS 'What merged by itself, and our side of each conflict.';
COMMENT ON COLUMN pggit.merge_state.result_tree IS 'The tree to be committed; null as long as a conflict is not resolved.';
COMMENT ON COLUMN pggit.merge_state.force IS 'Whether rows may be parked.';
COMMENT ON COLUMN pggit.merge_state.started_by IS 'The session user who began it.';
COMMENT ON COLUMN pggit.merge_state.started_at IS 'When it began.';

CREATE TABLE pggit.merge_conflicts (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    object_type text NOT NULL,
    identity text NOT NULL,
    path text[] NOT NULL,
    base jsonb,
    ours jsonb,
    theirs jsonb,
    resolution text,
    resolved jsonb,
    resolved_by text,
    CHECK (resolution IN ('ours', 'theirs', 'definition'))
);
COMMENT ON TABLE pggit.merge_conflicts IS
'Where both sides of the waiting merge changed the same thing differently, or what does not go together. path leads into the definition; an empty one stands for the whole object. A null side has no such thing.';
COMMENT ON COLUMN pggit.merge_conflicts.id IS 'What resolve_conflict() takes.';
COMMENT ON COLUMN pggit.merge_conflicts.object_type IS 'PostgreSQL''s word for the kind, in capitals.';
COMMENT ON COLUMN pggit.merge_conflicts.identity IS 'The name of the object.';
COMMENT ON COLUMN pggit.merge_conflicts.path IS 'Where in the definition; empty for the whole object.';
COMMENT ON COLUMN pggit.merge_conflicts.base IS 'What stood there in the common ancestor.';
COMMENT ON COLUMN pggit.merge_conflicts.ours IS 'What stands there on our side.';
COMMENT ON COLUMN pggit.merge_conflicts.theirs IS 'What stands there on the other side.';
COMMENT ON COLUMN pggit.merge_conflicts.resolution IS 'ours, theirs or definition; null as long as nobody has resolved it.';
COMMENT ON COLUMN pggit.merge_conflicts.resolved IS 'What is to stand there; null for nothing.';
COMMENT ON COLUMN pggit.merge_conflicts.resolved_by IS 'The role that resolved it.';

-- Whoever resolves a conflict inserts here with the rights of its own, so that it is known who it is: within a
-- function that runs with its owner's rights nobody can tell. Nothing stays here.
CREATE TABLE pggit.resolutions (
    conflict_id bigint,
    how text,
    definition jsonb,
    resolved_by text NOT NULL DEFAULT current_user CHECK (resolved_by = current_user)
);
COMMENT ON TABLE pggit.resolutions IS
'The way in for resolve_conflict(). Its trigger notes in merge_conflicts who resolved what; it stays empty.';
COMMENT ON COLUMN pggit.resolutions.conflict_id IS 'Which conflict.';
COMMENT ON COLUMN pggit.resolutions.how IS 'ours, theirs or definition.';
COMMENT ON COLUMN pggit.resolutions.definition IS 'What is to stand there, where how says so.';
COMMENT ON COLUMN pggit.resolutions.resolved_by IS 'The role that inserts, and no other.';

-- Parked data --------------------------------------------------------------------------------------

CREATE TABLE pggit.attic (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    object text NOT NULL,
    column_names text[] NOT NULL,
    key_columns text[] NOT NULL,
    is_whole boolean NOT NULL,
    parked_as text NOT NULL,
    row_count bigint NOT NULL,
    parked_by text NOT NULL,
    parked_at timestamptz NOT NULL,
    restored_at timestamptz
);
COMMENT ON TABLE pggit.attic IS
'Rows of dropped tables and values of dropped columns, kept as tables in schema pggit_attic. is_whole: a whole table; else key_columns tell which row a value belongs to.';
COMMENT ON COLUMN pggit.attic.id IS 'What restore_from_attic() takes.';
COMMENT ON COLUMN pggit.attic.object IS 'The table that the data were taken from.';
COMMENT ON COLUMN pggit.attic.column_names IS 'The columns that are kept.';
COMMENT ON COLUMN pggit.attic.key_columns IS 'The columns of the primary key, which tell which row a value belongs to.';
COMMENT ON COLUMN pggit.attic.is_whole IS 'Whether a whole table is kept.';
COMMENT ON COLUMN pggit.attic.parked_as IS 'The table in pggit_attic that has the rows.';
COMMENT ON COLUMN pggit.attic.row_count IS 'How many rows it was given.';
COMMENT ON COLUMN pggit.attic.parked_by IS 'The session user whose checkout or merge it was.';
COMMENT ON COLUMN pggit.attic.parked_at IS 'When that was.';
COMMENT ON COLUMN pggit.attic.restored_at IS 'When the rows were brought back; null while they are there.';

-- Proof and upgrades -------------------------------------------------------------------------------

CREATE TABLE pggit.seals (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    sealed_at timestamptz NOT NULL,
    sealed_by text NOT NULL,
    covered int8multirange NOT NULL,
    row_count bigint NOT NULL,
    history_digest text COLLATE "C" NOT NULL,
    previous text COLLATE "C",
    digest text COLLATE "C" NOT NULL
);
COMMENT ON TABLE pggit.seals IS
'A chain of digests over the history: each covers the rows that were there and no earlier one covers, and the digest of the one before. covered holds their ids: a transaction that ends late leaves rows with lower ids than others have already, which are the next seal''s.';
COMMENT ON COLUMN pggit.seals.id IS 'Grows with time: each covers the one before.';
COMMENT ON COLUMN pggit.seals.sealed_at IS 'When it was made.';
COMMENT ON COLUMN pggit.seals.sealed_by IS 'The session user who made it.';
COMMENT ON COLUMN pggit.seals.covered IS 'The ids of the history that it covers.';
COMMENT ON COLUMN pggit.seals.row_count IS 'How many rows those were.';
COMMENT ON COLUMN pggit.seals.history_digest IS 'sha256 over what they say, in hex.';
COMMENT ON COLUMN pggit.seals.previous IS 'The digest of the seal before; null for the first one.';
COMMENT ON COLUMN pggit.seals.digest IS 'sha256 over all of this, in hex.';

CREATE TABLE pggit.upgrade_log (
    upgrade_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    from_version text NOT NULL,
    to_version text NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    status text NOT NULL,
    error_message text,
    backup_schema text,
    run_by text NOT NULL,
    backend_pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    CHECK (status IN ('in_progress', 'completed', 'failed', 'rolled_back'))
);
COMMENT ON TABLE pggit.upgrade_log IS
'Every upgrade and downgrade: those that pggit.upgrade() began, however they ended, and what ALTER EXTENSION UPDATE did by itself.';
COMMENT ON COLUMN pggit.upgrade_log.upgrade_id IS 'Grows with time.';
COMMENT ON COLUMN pggit.upgrade_log.from_version IS 'The version before.';
COMMENT ON COLUMN pggit.upgrade_log.to_version IS 'The version that was wanted.';
COMMENT ON COLUMN pggit.upgrade_log.started_at IS 'When it began.';
COMMENT ON COLUMN pggit.upgrade_log.completed_at IS 'When it ended, however that was; null while it runs.';
COMMENT ON COLUMN pggit.upgrade_log.status IS 'in_progress, completed, failed or rolled_back.';
COMMENT ON COLUMN pggit.upgrade_log.error_message IS 'What went wrong, or is still to be done.';
COMMENT ON COLUMN pggit.upgrade_log.backup_schema IS 'Where the copy of the data is; null where none was made.';
COMMENT ON COLUMN pggit.upgrade_log.run_by IS 'The session user who ran it.';
COMMENT ON COLUMN pggit.upgrade_log.backend_pid IS 'The session''s process.';
COMMENT ON COLUMN pggit.upgrade_log.backend_start IS 'When that process began, which tells it from a later one of the same number.';

-- Settings -----------------------------------------------------------------------------------------

CREATE TABLE pggit.settings (
    name text PRIMARY KEY,
    value text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL
);
COMMENT ON TABLE pggit.settings IS
'What was set for this database. data_version: the version of pgGit that wrote the tables; canonical_major: the PostgreSQL that worded the definitions; paused: recording is skipped while the row is there.';
COMMENT ON COLUMN pggit.settings.name IS 'What is set.';
COMMENT ON COLUMN pggit.settings.value IS 'What to.';
COMMENT ON COLUMN pggit.settings.set_by IS 'The session user who set it.';
COMMENT ON COLUMN pggit.settings.set_at IS 'When it was set.';

-- Not dumped: OIDs mean nothing in another cluster -------------------------------------------------

CREATE TABLE pggit.object_oids (
    classid oid NOT NULL,
    objid oid NOT NULL,
    relid oid,
    object_id bigint NOT NULL UNIQUE,
    PRIMARY KEY (objid, classid)
);
COMMENT ON TABLE pggit.object_oids IS
'Where each active object stands in the catalog, to know a renamed object again. relid is the table that an index, trigger, rule, policy, owned sequence, statistics object or partition hangs on. Belongs to the cluster named in oid_origin and is never dumped.';
COMMENT ON COLUMN pggit.object_oids.classid IS 'The catalog that has it.';
COMMENT ON COLUMN pggit.object_oids.objid IS 'Its OID there.';
COMMENT ON COLUMN pggit.object_oids.relid IS 'The table that it hangs on.';
COMMENT ON COLUMN pggit.object_oids.object_id IS 'The object, as pggit.objects numbers it.';
CREATE INDEX object_oids_relid ON pggit.object_oids (relid) WHERE relid IS NOT NULL;

CREATE TYPE pggit.address AS (classid oid, objid oid);
COMMENT ON TYPE pggit.address IS 'Where something stands in the catalog.';

CREATE TABLE pggit.unsettled (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    addresses pggit.address[],
    command_tag text NOT NULL,
    change text NOT NULL,
    created_at timestamptz NOT NULL,
    session_role text NOT NULL,
    set_role text,
    application_name text,
    client_addr inet,
    backend_pid integer NOT NULL,
    transaction_id xid8 NOT NULL,
    duration_ms numeric,
    performance_impact text
);
COMMENT ON TABLE pggit.unsettled IS
'Catalog addresses still to be recorded, with the command that changed them: another session held them, or the transaction''s snapshot was too old to see them. settle() works this off, before the next command at the latest. No addresses stand for the whole catalog. Never dumped.';
COMMENT ON COLUMN pggit.unsettled.id IS 'Grows with time.';
COMMENT ON COLUMN pggit.unsettled.addresses IS 'What to look at; null for the whole catalog.';
COMMENT ON COLUMN pggit.unsettled.command_tag IS 'The command, as PostgreSQL calls it.';
COMMENT ON COLUMN pggit.unsettled.change IS 'What the change counts as, unless it made, dropped or renamed something.';
COMMENT ON COLUMN pggit.unsettled.created_at IS 'When the command ran.';
COMMENT ON COLUMN pggit.unsettled.session_role IS 'The role that was logged in.';
COMMENT ON COLUMN pggit.unsettled.set_role IS 'The role taken by SET ROLE; null when there was none.';
COMMENT ON COLUMN pggit.unsettled.application_name IS 'What the session called itself.';
COMMENT ON COLUMN pggit.unsettled.client_addr IS 'Where the client was.';
COMMENT ON COLUMN pggit.unsettled.backend_pid IS 'The session''s process.';
COMMENT ON COLUMN pggit.unsettled.transaction_id IS 'The transaction.';
COMMENT ON COLUMN pggit.unsettled.duration_ms IS 'How long the command took.';
COMMENT ON COLUMN pggit.unsettled.performance_impact IS 'What that counts as.';

CREATE TABLE pggit.oid_origin (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier bigint NOT NULL,
    major text NOT NULL,
    known_since timestamptz NOT NULL
);
COMMENT ON TABLE pggit.oid_origin IS
'The cluster and major version that object_oids belongs to; known_since is the start of the server that last saw so. Never dumped.';
COMMENT ON COLUMN pggit.oid_origin.singleton IS 'True: there is one row.';
COMMENT ON COLUMN pggit.oid_origin.system_identifier IS 'The cluster, as pg_control_system() names it.';
COMMENT ON COLUMN pggit.oid_origin.major IS 'The server''s major version.';
COMMENT ON COLUMN pggit.oid_origin.known_since IS 'The start of the server that last saw that both are as they were.';

-- Nobody rewrites what happened --------------------------------------------------------------------

CREATE FUNCTION pggit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RAISE EXCEPTION 'pggit.% can only grow: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'GT002', HINT = 'The record of what happened is not edited.';
END
$$;
COMMENT ON FUNCTION pggit.refuse_change() IS 'Trigger function: refuses UPDATE, DELETE and TRUNCATE.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.history
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.commits
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.blobs
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.trees
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.seals
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pggit.reflog
    FOR EACH STATEMENT EXECUTE FUNCTION pggit.refuse_change();

-- A row inserted by hand names schema, object and type alone. identity is null only then: the rows
-- that a restore copies have it, so this trigger cannot change them.
CREATE FUNCTION pggit.complete_manual_object() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off AS $$
BEGIN
    new.object_type := upper(new.object_type COLLATE "C");
    new.identity := concat_ws('.', quote_ident(new.schema_name), quote_ident(new.object_name));
    new.is_manual := true;
    IF EXISTS (SELECT FROM pggit.objects o
               WHERE o.is_active AND o.object_type = new.object_type
                 AND o.schema_name IS NOT DISTINCT FROM new.schema_name AND o.object_name = new.object_name)
    THEN
        RETURN NULL;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION pggit.complete_manual_object() IS
'Trigger function: gives a row inserted by hand its identity, or drops the row when the object is tracked already.';

CREATE TRIGGER manual_object BEFORE INSERT ON pggit.objects
    FOR EACH ROW WHEN (new.identity IS NULL) EXECUTE FUNCTION pggit.complete_manual_object();

-- 20_canonical.sql
-- The canonical form of an object: what the readers in 21 to 24 hand out. They run with search_path =
-- pg_catalog, so that every other name in a definition is qualified, hold no OID, and leave out what
-- has its default value, so that the same object gives the same text in every database of one encoding
-- (jsonb orders keys by their length in bytes). Comments are looked up by subqueries and not by
-- obj_description(), which PostgreSQL plans anew in every query.

CREATE TYPE pggit.catalog_entry AS (
    classid oid,
    objid oid,
    relid oid,
    object_type text,
    schema_name text,
    object_name text,
    identity text,
    definition jsonb,
    column_order text[]
);
COMMENT ON TYPE pggit.catalog_entry IS
'An object as the catalog has it now. relid is the table it hangs on, if any.';

-- PL/pgSQL throughout, since SQL-language functions that set search_path are planned anew in every query;
-- STRICT, since most arguments are null and a call that is not made costs nothing.

CREATE FUNCTION pggit.blob_hash(object_type text, identity text, definition jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.digest(object_type || E'\n' || identity || E'\n' || definition::text);
END
$$;
COMMENT ON FUNCTION pggit.blob_hash(text, text, jsonb) IS
'The content address of a definition: sha256 in hex over type, identity and definition.';

CREATE FUNCTION pggit.sorted_acl(acl aclitem[]) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_jsonb(ARRAY(SELECT i::text FROM unnest(acl) i ORDER BY i::text COLLATE "C"));
END
$$;
COMMENT ON FUNCTION pggit.sorted_acl(aclitem[]) IS 'Granted privileges as a sorted list of PostgreSQL''s own items.';

CREATE FUNCTION pggit.acl_items(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text[] := ARRAY(SELECT i::text FROM unnest(acl) i ORDER BY i::text COLLATE "C");
BEGIN
    IF given = ARRAY(SELECT i::text FROM unnest(acldefault(kind, owner)) i ORDER BY i::text COLLATE "C") THEN
        RETURN NULL;
    END IF;
    RETURN to_jsonb(given);
END
$$;
COMMENT ON FUNCTION pggit.acl_items(aclitem[], "char", oid) IS
'Granted privileges as a sorted list of PostgreSQL''s own items; null when they are what a new object has.';

CREATE FUNCTION pggit.sorted_options(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_agg(o ORDER BY o COLLATE "C") FROM unnest(options) o);
END
$$;
COMMENT ON FUNCTION pggit.sorted_options(text[]) IS 'Storage options in a fixed order; null when there are none.';

-- Values of foreign wrappers', servers', tables' and columns' options can be passwords. Only options whose values are known to be
-- harmless keep theirs; of the others the name is recorded alone.
CREATE FUNCTION pggit.safe_options(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(
            CASE WHEN split_part(o, '=', 1) IN (
                'host', 'hostaddr', 'port', 'dbname', 'fetch_size', 'batch_size', 'extensions', 'updatable',
                'use_remote_estimate', 'fdw_startup_cost', 'fdw_tuple_cost', 'async_capable', 'truncatable',
                'keep_connections', 'parallel_commit', 'parallel_abort', 'analyze_sampling', 'sslmode',
                'connect_timeout', 'schema_name', 'table_name', 'column_name', 'filename', 'format', 'header',
                'delimiter', 'quote', 'escape', 'null', 'encoding', 'force_not_null', 'force_null')
            THEN o ELSE split_part(o, '=', 1) END
            ORDER BY o COLLATE "C")
        FROM unnest(options) o);
END
$$;
COMMENT ON FUNCTION pggit.safe_options(text[]) IS
'Options of something foreign, sorted; a value that could be a secret is left out.';

CREATE FUNCTION pggit.is_tracked_schema(schema_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN schema_name IS NULL
        OR NOT (schema_name IN ('pggit', 'pggit_attic', 'information_schema')
                OR starts_with(schema_name, 'pg_')
                OR starts_with(schema_name, 'pggit_backup_'));
END
$$;
COMMENT ON FUNCTION pggit.is_tracked_schema(text) IS
'Whether objects of this schema are recorded: not those of the system, nor pgGit''s own. Null stands for objects outside all schemas.';

CREATE FUNCTION pggit.tracking_scope() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.value FROM pggit.settings s WHERE s.name = 'tracking_scope')::jsonb;
END
$$;
COMMENT ON FUNCTION pggit.tracking_scope() IS 'What configure_tracking() set; null when all is tracked.';

CREATE FUNCTION pggit.matches_any(name text, patterns jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM jsonb_array_elements_text(patterns) p
        WHERE name LIKE replace(replace(replace(replace(p, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'));
END
$$;
COMMENT ON FUNCTION pggit.matches_any(text, jsonb) IS 'Whether a name fits one of some patterns, in which * stands for anything.';

CREATE FUNCTION pggit.in_scope(entry pggit.catalog_entry, scope jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    the_table record;
BEGIN
    IF entry.schema_name IS NULL THEN
        RETURN true;
    ELSIF jsonb_typeof(scope -> 'schemas') = 'array' AND NOT pggit.matches_any(entry.schema_name, scope -> 'schemas') THEN
        RETURN false;
    ELSIF pggit.matches_any(entry.schema_name, scope -> 'ignore') THEN
        RETURN false;
    ELSIF entry.object_type <> 'SCHEMA'
          AND pggit.matches_any(entry.schema_name || '.' || entry.object_name, scope -> 'ignore')
    THEN
        RETURN false;
    ELSIF entry.relid IS NULL OR entry.relid = entry.objid THEN
        RETURN true;
    END IF;
    -- What hangs on a table is ignored with it.
    SELECT n.nspname, c.relname INTO the_table
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = entry.relid;
    RETURN (jsonb_typeof(scope -> 'schemas') IS DISTINCT FROM 'array'
            OR pggit.matches_any(the_table.nspname, scope -> 'schemas'))
       AND NOT pggit.matches_any(the_table.nspname, scope -> 'ignore')
       AND NOT pggit.matches_any(the_table.nspname || '.' || the_table.relname, scope -> 'ignore');
END
$$;
COMMENT ON FUNCTION pggit.in_scope(pggit.catalog_entry, jsonb) IS
'Whether an object is tracked under what configure_tracking() set.';

-- 21_read_relations.sql
-- Readers for what pg_class holds. What is rare is asked only where it is there, by a statement or a function of its own:
-- PostgreSQL sets up every part of a query each time, whether it comes to be used or not.

CREATE FUNCTION pggit.relation_name(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.relation_name(oid) IS 'A relation''s qualified name.';

CREATE FUNCTION pggit.read_identity(relation oid, column_number smallint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'kind', CASE a.attidentity WHEN 'a' THEN 'always' ELSE 'by default' END,
            'sequence', pggit.relation_name(c.oid), 'start', s.seqstart,
            'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
            'cycle', s.seqcycle, 'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'acl', pggit.acl_items(c.relacl, 's', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
        FROM pg_depend i
        JOIN pg_sequence s ON s.seqrelid = i.objid
        JOIN pg_class c ON c.oid = i.objid
        JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = column_number
        WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = relation
          AND i.refobjsubid = column_number AND i.classid = 'pg_class'::regclass AND i.deptype = 'i');
END
$$;
COMMENT ON FUNCTION pggit.read_identity(oid, smallint) IS 'What makes a column an identity column, with its sequence.';

CREATE FUNCTION pggit.with_named_not_nulls(relation oid, columns jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named jsonb := (
        SELECT jsonb_object_agg(a.attname, (columns -> a.attname) || jsonb_build_object('not_null_constraint', jsonb_build_object(
            'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'comment', m.description)))
        FROM pg_constraint k
        CROSS JOIN LATERAL (
            SELECT x.attname, x.attnotnull FROM pg_attribute x WHERE x.attrelid = k.conrelid AND x.attnum = k.conkey[1] OFFSET 0) a
        CROSS JOIN LATERAL (SELECT x.relname FROM pg_class x WHERE x.oid = k.conrelid OFFSET 0) r
        LEFT JOIN LATERAL (
            SELECT x.description FROM pg_description x
            WHERE x.objoid = k.oid AND x.classoid = 'pg_constraint'::regclass AND x.objsubid = 0 OFFSET 0) m ON true
        WHERE k.conrelid = relation AND k.contype = 'n' AND a.attnotnull
          AND (k.connoinherit OR NOT k.convalidated OR m.description IS NOT NULL
               -- one that came from a parent has no name of its own; a long name is shortened, which takes a closer look
               OR k.coninhcount = 0 AND k.conname <> r.relname || '_' || a.attname || '_not_null'
                  AND k.conname <> pggit.default_not_null_name(r.relname, a.attname)));
BEGIN
    RETURN CASE WHEN named IS NULL THEN columns ELSE columns || named END;
END
$$;
COMMENT ON FUNCTION pggit.with_named_not_nulls(oid, jsonb) IS
'From PostgreSQL 18 on NOT NULL is a constraint with a name and properties of its own: adds those which are not what a plain NOT NULL gives to a relation''s columns.';

CREATE FUNCTION pggit.read_columns(relation oid, comments jsonb, OUT columns jsonb, OUT names text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    has_more boolean;
    has_not_null boolean;
BEGIN
    -- What nearly every column has nothing else than. OFFSET 0: each type is looked up by its index.
    SELECT jsonb_object_agg(a.attname, jsonb_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'not_null', CASE WHEN a.attnotnull THEN true END,
            'default', CASE WHEN a.atthasdef AND a.attgenerated = '' THEN (
                SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END)),
        array_agg(a.attname::text ORDER BY a.attnum),
        bool_or(a.attcollation <> t.typcollation OR a.attstorage <> t.typstorage
            OR a.attgenerated <> '' OR a.attidentity <> '' OR a.attcompression <> '' OR a.attinhcount > 0
            OR a.attstattarget <> -1 OR a.attoptions IS NOT NULL OR a.attfdwoptions IS NOT NULL OR a.attacl IS NOT NULL),
        bool_or(a.attnotnull)
    INTO columns, names, has_more, has_not_null
    FROM pg_attribute a
    CROSS JOIN LATERAL (SELECT x.typcollation, x.typstorage FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
    IF has_more OR comments IS NOT NULL THEN
        columns := (
            SELECT jsonb_object_agg(a.attname, (columns -> a.attname) || jsonb_build_object(
                'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                    THEN a.attcollation::regcollation::text END,
                'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_object(
                    'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
                    'expression', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
                                   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)) END,
                'identity', CASE WHEN a.attidentity <> '' THEN pggit.read_identity(a.attrelid, a.attnum) END,
                'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
                'compression', CASE WHEN a.attcompression <> '' THEN a.attcompression::text END,
                -- "no target" is -1 up to PostgreSQL 16 and null from 17 on
                'statistics', nullif(a.attstattarget, -1),
                'options', pggit.sorted_options(a.attoptions),
                'fdw_options', pggit.safe_options(a.attfdwoptions),
                'inherited', CASE WHEN a.attinhcount > 0 THEN true END,
                'acl', pggit.sorted_acl(a.attacl),
                'comment', comments -> a.attnum::text))
            FROM pg_attribute a
            CROSS JOIN LATERAL (SELECT x.typcollation, x.typstorage FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
            WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
    END IF;
    IF has_not_null AND current_setting('server_version_num')::integer >= 180000 THEN
        columns := pggit.with_named_not_nulls(relation, columns);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.read_columns(oid, jsonb) IS
'A relation''s columns by name, with all that can be set on them, and the names in their order; nulls stand for what is not. comments are those of the relation and its columns by column number, if any.';

CREATE FUNCTION pggit.default_not_null_name(table_name text, column_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    table_part text := table_name;
    column_part text := column_name;
BEGIN
    -- PostgreSQL shortens the longer part, byte by byte, until both fit into 63 bytes.
    WHILE octet_length(table_part) + octet_length(column_part) + 10 > 63 LOOP
        IF octet_length(table_part) > octet_length(column_part) THEN
            table_part := left(table_part, -1);
        ELSE
            column_part := left(column_part, -1);
        END IF;
    END LOOP;
    RETURN table_part || '_' || column_part || '_not_null';
END
$$;
COMMENT ON FUNCTION pggit.default_not_null_name(text, text) IS
'The name that PostgreSQL 18 gives a NOT NULL constraint when nobody names it.';

CREATE FUNCTION pggit.read_constraints(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    constraints jsonb;
    has_more boolean;
BEGIN
    -- A foreign key that a partition has from its parent is the parent's.
    SELECT jsonb_object_agg(k.conname, jsonb_build_object(
            'definition', pg_get_constraintdef(k.oid),
            'inherited', CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN true END)),
        bool_or(k.conparentid <> 0
            OR EXISTS (SELECT FROM pg_description m WHERE m.objoid = ANY (ARRAY[k.oid, k.conindid]))
            OR EXISTS (SELECT FROM pg_class x WHERE x.oid = k.conindid AND (x.reltablespace <> 0 OR x.reloptions IS NOT NULL)))
    INTO constraints, has_more
    FROM pg_constraint k
    WHERE k.conrelid = relation AND k.contype IN ('c', 'f', 'p', 'u', 'x') AND (k.contype <> 'f' OR k.conparentid = 0);
    IF has_more THEN
        constraints := (
            SELECT jsonb_object_agg(k.conname, (constraints -> k.conname) || jsonb_build_object(
                'parent', CASE WHEN k.conparentid <> 0 THEN pggit.constraint_name(k.conparentid) END,
                'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0),
                'index_options', pggit.sorted_options(x.reloptions),
                'tablespace', CASE WHEN x.reltablespace <> 0 THEN pggit.tablespace_name(x.reltablespace) END,
                'index_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = x.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0)))
            FROM pg_constraint k
            LEFT JOIN LATERAL (
                SELECT y.oid, y.reloptions, y.reltablespace FROM pg_class y WHERE k.contype IN ('p', 'u', 'x') AND y.oid = k.conindid OFFSET 0) x ON true
            WHERE k.conrelid = relation AND constraints ? k.conname AND k.contype IN ('c', 'f', 'p', 'u', 'x')
              AND (k.contype <> 'f' OR k.conparentid = 0));
    END IF;
    RETURN constraints;
END
$$;
COMMENT ON FUNCTION pggit.read_constraints(oid) IS
'A table''s constraints by name, NOT NULL left to the columns; nulls stand for what is not set.';

CREATE FUNCTION pggit.constraint_name(object oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, k.conname)
            FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.oid = object);
END
$$;
COMMENT ON FUNCTION pggit.constraint_name(oid) IS 'A constraint''s qualified name.';

CREATE FUNCTION pggit.tablespace_name(tablespace oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = tablespace);
END
$$;
COMMENT ON FUNCTION pggit.tablespace_name(oid) IS 'A tablespace''s name.';

CREATE FUNCTION pggit.read_parents(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_agg(pggit.relation_name(i.inhparent) ORDER BY i.inhseqno)
            FROM pg_inherits i WHERE i.inhrelid = relation AND NOT i.inhdetachpending);
END
$$;
COMMENT ON FUNCTION pggit.read_parents(oid) IS 'The tables that one inherits from, in their order; null when there are none.';

CREATE FUNCTION pggit.read_foreign_side(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('server', v.srvname, 'fdw_options', pggit.safe_options(f.ftoptions))
            FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver WHERE f.ftrelid = relation);
END
$$;
COMMENT ON FUNCTION pggit.read_foreign_side(oid) IS 'Where a foreign table''s rows come from.';

CREATE FUNCTION pggit.read_switches(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_build_object(
        -- A trigger that a partition has from its parent is the parent's, unless it was switched here.
        'inherited_triggers', (
            SELECT jsonb_object_agg(g.tgname, g.tgenabled)
            FROM pg_trigger g JOIN pg_trigger pg ON pg.oid = g.tgparentid JOIN pg_class c ON c.oid = g.tgrelid
            WHERE g.tgrelid = relation AND c.relispartition AND g.tgenabled <> pg.tgenabled AND pg.tgconstraint = 0),
        -- ALTER TABLE ... DISABLE TRIGGER ALL switches foreign keys off, too.
        'switched_constraints', (
            SELECT jsonb_agg(DISTINCT k.conname || ' ' || g.tgfoid::regproc::text || ' ' || g.tgenabled::text)
            FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
            WHERE g.tgrelid = relation AND g.tgisinternal AND g.tgenabled <> 'O'));
END
$$;
COMMENT ON FUNCTION pggit.read_switches(oid) IS 'Triggers of a table that were switched on or off and are no objects of their own.';

CREATE FUNCTION pggit.read_replica_identity(relation oid, kind "char") RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE kind
        WHEN 'f' THEN 'full'
        WHEN 'n' THEN 'nothing'
        WHEN 'i' THEN (SELECT 'index ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                       WHERE i.indrelid = relation AND i.indisreplident) END;
END
$$;
COMMENT ON FUNCTION pggit.read_replica_identity(oid, "char") IS 'What logical replication knows a row by, where it was set.';

CREATE FUNCTION pggit.access_method(method oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT am.amname FROM pg_am am WHERE am.oid = method);
END
$$;
COMMENT ON FUNCTION pggit.access_method(oid) IS 'An access method''s name.';

CREATE FUNCTION pggit.read_table(c pg_catalog.pg_class) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    x record;
    k record;
    definition jsonb;
BEGIN
    IF c.relpersistence = 't' THEN
        RETURN NULL;
    END IF;
    -- comments: the relation's own under 0, the columns' under their numbers
    SELECT n.nspname,
        (SELECT jsonb_object_agg(m.objsubid, m.description) FROM pg_description m
         WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass) AS comments,
        (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
        (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered) AS clustered_on,
        (SELECT o.reloptions FROM pg_class o WHERE o.oid = c.reltoastrelid) AS toast_options
    INTO x FROM pg_namespace n WHERE n.oid = c.relnamespace;
    IF NOT pggit.is_tracked_schema(x.nspname) THEN
        RETURN NULL;
    END IF;
    k := pggit.read_columns(c.oid, x.comments);
    definition := jsonb_build_object('owner', pg_get_userbyid(c.relowner), 'columns', k.columns);
    IF c.relkind IN ('v', 'm') THEN
        -- Whether a materialized view is populated is data, not schema.
        definition := definition || jsonb_build_object('query', pg_get_viewdef(c.oid));
    ELSE
        definition := definition || jsonb_build_object(
            'columns', coalesce(k.columns, '{}'), 'constraints', pggit.read_constraints(c.oid));
    END IF;
    -- The rest is rare.
    IF x.comments IS NOT NULL THEN
        definition := definition || jsonb_build_object('comment', x.comments -> '0');
    END IF;
    IF c.relacl IS NOT NULL THEN
        definition := definition || jsonb_build_object('acl', pggit.acl_items(c.relacl, 'r', c.relowner));
    END IF;
    IF x.clustered_on IS NOT NULL THEN
        definition := definition || jsonb_build_object('clustered_on', (
            SELECT quote_ident(y.relname) FROM pg_class y WHERE y.oid = x.clustered_on));
    END IF;
    -- 2 is heap in every cluster
    IF c.reloptions IS NOT NULL OR c.reltablespace <> 0 OR c.relam NOT IN (0, 2) THEN
        definition := definition || jsonb_build_object(
            'options', pggit.sorted_options(c.reloptions),
            'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN pggit.access_method(c.relam) END,
            'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END);
    END IF;
    IF c.relkind NOT IN ('v', 'm') THEN
        IF x.toast_options IS NOT NULL THEN
            definition := definition || jsonb_build_object('toast_options', pggit.sorted_options(x.toast_options));
        END IF;
        IF c.relhastriggers THEN
            definition := definition || pggit.read_switches(c.oid);
        END IF;
        IF c.relkind <> 'r' OR c.relpersistence <> 'p' OR c.relrowsecurity OR c.relforcerowsecurity OR x.parent IS NOT NULL
           OR c.reloftype <> 0 OR c.relreplident <> 'd'
        THEN
            definition := definition || jsonb_build_object(
                'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
                'row_security', CASE WHEN c.relrowsecurity THEN true END,
                'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
                'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
                'parents', CASE WHEN x.parent IS NOT NULL THEN pggit.read_parents(c.oid) END,
                'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
                'replica_identity', CASE WHEN c.relreplident <> 'd' THEN pggit.read_replica_identity(c.oid, c.relreplident) END)
                || CASE WHEN c.relkind = 'f' THEN pggit.read_foreign_side(c.oid) ELSE '{}' END;
        END IF;
    END IF;
    RETURN ROW('pg_class'::regclass, c.oid, CASE WHEN c.relispartition THEN x.parent END,
        CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        x.nspname, c.relname, quote_ident(x.nspname) || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(definition), k.names)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_table(pg_catalog.pg_class) IS
'A table, partitioned or foreign one, view or materialized view, with all its parts; null where it is not tracked.';

CREATE FUNCTION pggit.read_sequence(c pg_catalog.pg_class, owner_table oid, owner_column integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
            'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
            'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'owned_by', CASE WHEN owner_table > 0 THEN pggit.relation_name(owner_table) || '.' || quote_ident((
                SELECT a.attname FROM pg_attribute a WHERE a.attrelid = owner_table AND a.attnum = owner_column)) END,
            'acl', pggit.acl_items(c.relacl, 's', c.relowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0)))
        FROM pg_sequence s WHERE s.seqrelid = c.oid);
END
$$;
COMMENT ON FUNCTION pggit.read_sequence(pg_catalog.pg_class, oid, integer) IS
'The definition of a sequence. Where a sequence stands is data, not schema.';

CREATE FUNCTION pggit.index_statistics(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute a
            WHERE a.attrelid = relation AND a.attstattarget >= 0);
END
$$;
COMMENT ON FUNCTION pggit.index_statistics(oid) IS 'The statistics targets of an index''s expressions.';

CREATE FUNCTION pggit.parent_index(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT pggit.relation_name(h.inhparent) FROM pg_inherits h WHERE h.inhrelid = relation);
END
$$;
COMMENT ON FUNCTION pggit.parent_index(oid) IS 'The partitioned index that an index is part of.';

CREATE FUNCTION pggit.read_index(c pg_catalog.pg_class) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    x record;
    index_schema text;
BEGIN
    SELECT n.nspname, i.indrelid, t.relname, i.indexprs IS NOT NULL AS has_expressions,
        (SELECT m.description FROM pg_description m
         WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0) AS comment,
        EXISTS (SELECT FROM pg_constraint k
                WHERE k.conrelid = i.indrelid AND k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS is_constraint
    INTO x
    FROM pg_index i
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indexrelid = c.oid;
    -- A constraint's index is part of the constraint.
    IF x.is_constraint IS NOT FALSE OR c.relpersistence = 't' OR NOT pggit.is_tracked_schema(x.nspname) THEN
        RETURN NULL;
    END IF;
    index_schema := quote_ident(x.nspname);
    RETURN ROW('pg_class'::regclass, c.oid, x.indrelid, 'INDEX', x.nspname, c.relname, index_schema || '.' || quote_ident(c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'definition', pg_get_indexdef(c.oid),
            -- in the index's own schema, always
            'table', index_schema || '.' || quote_ident(x.relname),
            'parent', CASE WHEN c.relispartition THEN pggit.parent_index(c.oid) END,
            'tablespace', CASE WHEN c.reltablespace <> 0 THEN pggit.tablespace_name(c.reltablespace) END,
            'statistics', CASE WHEN x.has_expressions THEN pggit.index_statistics(c.oid) END,
            'comment', x.comment)),
        NULL)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_index(pg_catalog.pg_class) IS 'An index; null for one of a constraint, and where it is not tracked.';

CREATE FUNCTION pggit.read_relation(relation oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_catalog.pg_class;
    owner_table oid;
    owner_column integer;
    schema text;
BEGIN
    SELECT r.* INTO c FROM pg_class r WHERE r.oid = relation;
    IF c.relkind IN ('r', 'p', 'f', 'v', 'm') THEN
        RETURN pggit.read_table(c);
    ELSIF c.relkind IN ('i', 'I') THEN
        RETURN pggit.read_index(c);
    ELSIF c.relkind = 'S' AND c.relpersistence <> 't' THEN
        schema := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace);
        -- An identity column's sequence is part of the column.
        IF NOT pggit.is_tracked_schema(schema) OR EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'i')
        THEN
            RETURN NULL;
        END IF;
        SELECT d.refobjid, d.refobjsubid INTO owner_table, owner_column FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.objsubid = 0
          AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0;
        RETURN ROW('pg_class'::regclass, relation, owner_table, 'SEQUENCE', schema, c.relname,
                   quote_ident(schema) || '.' || quote_ident(c.relname),
                   pggit.read_sequence(c, owner_table, owner_column), NULL)::pggit.catalog_entry;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.read_relation(oid) IS
'A table, view, sequence or index. A constraint''s index and an identity column''s sequence are no objects of their own.';

-- 22_read_types.sql
-- Readers for types, collations and functions.

CREATE FUNCTION pggit.read_type(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_type'::regclass::oid, t.oid, NULL::oid,
        CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
        n.nspname::text, t.typname::text, format('%I.%I', n.nspname, t.typname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(t.typowner),
            'kind', CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite'
                WHEN 'r' THEN 'range' END,
            'labels', CASE WHEN t.typtype = 'e' THEN coalesce((
                SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '[]') END,
            'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
            'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 AND t.typcollation <> b.typcollation
                THEN t.typcollation::regcollation::text END,
            'default', CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END,
            'not_null', CASE WHEN t.typtype = 'd' AND t.typnotnull THEN true END,
            -- 'n' is listed from PostgreSQL 17 on and says no more than typnotnull
            'constraints', CASE WHEN t.typtype = 'd' THEN (
                SELECT jsonb_object_agg(k.conname, jsonb_strip_nulls(jsonb_build_object(
                    'definition', pg_get_constraintdef(k.oid), 'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass AND m.objsubid = 0))))
                FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') END,
            'not_null_constraint', CASE WHEN t.typtype = 'd' AND t.typnotnull THEN (
                SELECT jsonb_strip_nulls(jsonb_build_object('name', k.conname, 'comment', m.description))
                FROM pg_constraint k
                LEFT JOIN pg_description m ON m.objoid = k.oid AND m.classoid = 'pg_constraint'::regclass
                WHERE k.contypid = t.oid AND k.contype = 'n'
                  AND (m.description IS NOT NULL OR k.conname <> t.typname || '_not_null')) END,
            'attributes', CASE WHEN t.typtype = 'c' THEN coalesce((
                SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                    'collation', CASE WHEN a.attcollation <> at.typcollation AND a.attcollation <> 0
                        THEN a.attcollation::regcollation::text END,
                    'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum))) ORDER BY a.attnum)
                FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]') END,
            'range', (
                SELECT jsonb_build_object(
                    'subtype', format_type(r.rngsubtype, NULL),
                    'subtype_opclass', format('%I.%I', cn.nspname, oc.opcname),
                    'collation', CASE WHEN r.rngcollation <> 0 THEN r.rngcollation::regcollation::text END,
                    'canonical', CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regprocedure::text END,
                    'subtype_diff', CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regprocedure::text END,
                    'multirange', format_type(r.rngmultitypid, NULL),
                    'multirange_comment', (SELECT m.description FROM pg_description m WHERE m.objoid = r.rngmultitypid
                                           AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0))
                FROM pg_range r
                JOIN pg_opclass oc ON oc.oid = r.rngsubopc
                JOIN pg_namespace cn ON cn.oid = oc.opcnamespace
                WHERE t.typtype = 'r' AND r.rngtypid = t.oid),
            'acl', pggit.acl_items(t.typacl, 'T', t.typowner),
            'comment', CASE WHEN t.typtype = 'c' THEN coalesce((SELECT m.description FROM pg_description m WHERE m.objoid = t.oid AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0),
                                                             (SELECT m.description FROM pg_description m WHERE m.objoid = t.typrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0))
                       ELSE (SELECT m.description FROM pg_description m WHERE m.objoid = t.oid AND m.classoid = 'pg_type'::regclass AND m.objsubid = 0) END)),
        NULL::text[]
    INTO entry
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid = object
      AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND c.relkind = 'c');
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_type(oid) IS 'Enums, domains, composite types and ranges.';

CREATE FUNCTION pggit.read_aggregate(object oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'arguments', pg_get_function_arguments(p.oid),
            'kind', a.aggkind, 'direct_arguments', a.aggnumdirectargs, 'parallel', p.proparallel,
            'function', a.aggtransfn::regprocedure::text,
            'type', format_type(a.aggtranstype, NULL),
            'space', nullif(a.aggtransspace, 0), 'initial', a.agginitval,
            'final', CASE WHEN a.aggfinalfn <> 0 THEN a.aggfinalfn::regprocedure::text END,
            'final_extra', CASE WHEN a.aggfinalextra THEN true END, 'final_modify', a.aggfinalmodify,
            'combine', CASE WHEN a.aggcombinefn <> 0 THEN a.aggcombinefn::regprocedure::text END,
            'serial', CASE WHEN a.aggserialfn <> 0 THEN a.aggserialfn::regprocedure::text END,
            'deserial', CASE WHEN a.aggdeserialfn <> 0 THEN a.aggdeserialfn::regprocedure::text END,
            'sort_operator', CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator::text END,
            'moving_function', CASE WHEN a.aggmtransfn <> 0 THEN a.aggmtransfn::regprocedure::text END,
            'moving_inverse', CASE WHEN a.aggminvtransfn <> 0 THEN a.aggminvtransfn::regprocedure::text END,
            'moving_type', CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END,
            'moving_space', nullif(a.aggmtransspace, 0), 'moving_initial', a.aggminitval,
            'moving_final', CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalfn::regprocedure::text END,
            'moving_final_extra', CASE WHEN a.aggmfinalextra THEN true END,
            'moving_final_modify', CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalmodify END)
        FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE a.aggfnoid = object);
END
$$;
COMMENT ON FUNCTION pggit.read_aggregate(oid) IS 'What makes an aggregate.';

CREATE FUNCTION pggit.read_function(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
BEGIN
    SELECT f.proname, f.prokind, f.proowner, f.proacl, n.nspname,
        (SELECT m.description FROM pg_description m WHERE m.objoid = object AND m.classoid = 'pg_proc'::regclass AND m.objsubid = 0) AS comment
    INTO p
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = object;
    IF p.proname IS NULL OR NOT pggit.is_tracked_schema(p.nspname) THEN
        RETURN NULL;
    END IF;
    RETURN ROW('pg_proc'::regclass, object, NULL,
        CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END,
        p.nspname, p.proname, (pg_identify_object('pg_proc'::regclass, object, 0)).identity,
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(p.proowner),
            'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(object) END,
            'aggregate', CASE WHEN p.prokind = 'a' THEN pggit.read_aggregate(object) END,
            'acl', pggit.acl_items(p.proacl, 'f', p.proowner),
            'comment', p.comment)),
        NULL)::pggit.catalog_entry;
END
$$;
COMMENT ON FUNCTION pggit.read_function(oid) IS 'Functions, procedures and aggregates.';

CREATE FUNCTION pggit.read_collation(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_collation'::regclass::oid, c.oid, NULL::oid, 'COLLATION',
        n.nspname::text, c.collname::text, format('%I.%I', n.nspname, c.collname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(c.collowner),
            'provider', c.collprovider,
            'deterministic', c.collisdeterministic,
            'collate', c.collcollate,
            'ctype', c.collctype,
            -- renamed from colliculocale in PostgreSQL 17
            'locale', coalesce(to_jsonb(c) -> 'colllocale', to_jsonb(c) -> 'colliculocale'),
            'rules', to_jsonb(c) -> 'collicurules',
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = c.oid AND m.classoid = 'pg_collation'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_collation c
    JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_collation(oid) IS 'Collations; the library''s version is not part of one.';

-- 23_read_table_parts.sql
-- Readers for what hangs on a table under a name of its own.

CREATE FUNCTION pggit.read_trigger(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_trigger'::regclass::oid, g.oid, g.tgrelid, 'TRIGGER',
        n.nspname::text, g.tgname::text, format('%I on %I.%I', g.tgname, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'definition', pg_get_triggerdef(g.oid),
            'enabled', CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = g.oid AND m.classoid = 'pg_trigger'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_trigger g
    JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE g.oid = object AND NOT g.tgisinternal AND g.tgparentid = 0 AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_trigger(oid) IS 'Triggers, but for those that foreign keys and parent tables bring.';

CREATE FUNCTION pggit.read_rule(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_rewrite'::regclass::oid, r.oid, r.ev_class, 'RULE',
        n.nspname::text, r.rulename::text, format('%I on %I.%I', r.rulename, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'definition', pg_get_ruledef(r.oid),
            'enabled', CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = r.oid AND m.classoid = 'pg_rewrite'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_rewrite r
    JOIN pg_class c ON c.oid = r.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.oid = object AND r.rulename <> '_RETURN' AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_rule(oid) IS 'Rules, but for the one that makes a view a view.';

CREATE FUNCTION pggit.read_policy(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_policy'::regclass::oid, p.oid, p.polrelid, 'POLICY',
        n.nspname::text, p.polname::text, format('%I on %I.%I', p.polname, n.nspname, c.relname),
        jsonb_strip_nulls(jsonb_build_object(
            'table', format('%I.%I', n.nspname, c.relname),
            'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                WHEN 'd' THEN 'delete' ELSE 'all' END,
            'restrictive', CASE WHEN NOT p.polpermissive THEN true END,
            'roles', (SELECT jsonb_agg(CASE r WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r)) END
                          ORDER BY CASE r WHEN 0 THEN '' ELSE pg_get_userbyid(r)::text END COLLATE "C")
                      FROM unnest(p.polroles) r),
            'using', pg_get_expr(p.polqual, p.polrelid),
            'check', pg_get_expr(p.polwithcheck, p.polrelid),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = p.oid AND m.classoid = 'pg_policy'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.oid = object AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_policy(oid) IS 'Row-level security policies.';

CREATE FUNCTION pggit.read_statistics_object(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_statistic_ext'::regclass::oid, s.oid, s.stxrelid, 'STATISTICS',
        n.nspname::text, s.stxname::text, format('%I.%I', n.nspname, s.stxname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(s.stxowner),
            'table', (SELECT format('%I.%I', tn.nspname, c.relname) FROM pg_namespace tn WHERE tn.oid = c.relnamespace),
            -- PostgreSQL lists the columns in the table's order, which is no part of a schema: here by name.
            'definition', replace(pg_get_statisticsobjdef(s.oid), ' ON ' || k.as_listed, ' ON ' || k.by_name),
            'target', nullif(s.stxstattarget, -1),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = s.oid AND m.classoid = 'pg_statistic_ext'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_statistic_ext s
    JOIN pg_namespace n ON n.oid = s.stxnamespace
    JOIN pg_class c ON c.oid = s.stxrelid
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), '') AS as_listed,
               coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C"), '') AS by_name
        FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)) k
    WHERE s.oid = object AND c.relpersistence <> 't';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_statistics_object(oid) IS 'Extended statistics objects; what ANALYZE gathered is data.';

-- 24_read_global.sql
-- Readers for schemas and for what stands outside them.

CREATE FUNCTION pggit.read_schema(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_namespace'::regclass::oid, n.oid, NULL::oid, 'SCHEMA',
        n.nspname::text, n.nspname::text, quote_ident(n.nspname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(n.nspowner),
            'acl', pggit.acl_items(n.nspacl, 'n', n.nspowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = n.oid AND m.classoid = 'pg_namespace'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_namespace n
    WHERE n.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_schema(oid) IS 'Schemas.';

CREATE FUNCTION pggit.read_extension(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_extension'::regclass::oid, e.oid, NULL::oid, 'EXTENSION',
        NULL::text, e.extname::text, quote_ident(e.extname),
        jsonb_strip_nulls(jsonb_build_object(
            'schema', quote_ident(n.nspname),
            'version', e.extversion,
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = e.oid
                        AND m.classoid = 'pg_extension'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.oid = object AND e.extname <> 'pggit';
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_extension(oid) IS 'Extensions, each as one object; pgGit itself is left out.';

CREATE FUNCTION pggit.read_wrapper(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, NULL::oid, 'FOREIGN DATA WRAPPER',
        NULL::text, w.fdwname::text, quote_ident(w.fdwname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(w.fdwowner),
            'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
            'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
            'options', pggit.safe_options(w.fdwoptions),
            'acl', pggit.acl_items(w.fdwacl, 'F', w.fdwowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = w.oid AND m.classoid = 'pg_foreign_data_wrapper'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_foreign_data_wrapper w
    WHERE w.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_wrapper(oid) IS 'Foreign data wrappers.';

CREATE FUNCTION pggit.read_server(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_foreign_server'::regclass::oid, s.oid, NULL::oid, 'SERVER',
        NULL::text, s.srvname::text, quote_ident(s.srvname),
        jsonb_strip_nulls(jsonb_build_object(
            'owner', pg_get_userbyid(s.srvowner),
            'wrapper', quote_ident(w.fdwname),
            'type', s.srvtype,
            'version', s.srvversion,
            'options', pggit.safe_options(s.srvoptions),
            'acl', pggit.acl_items(s.srvacl, 'S', s.srvowner),
            'comment', (SELECT m.description FROM pg_description m WHERE m.objoid = s.oid AND m.classoid = 'pg_foreign_server'::regclass AND m.objsubid = 0))),
        NULL::text[]
    INTO entry
    FROM pg_foreign_server s
    JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    WHERE s.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_server(oid) IS 'Foreign servers; user mappings hold passwords and are never read.';

CREATE FUNCTION pggit.read_default_privileges(object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    SELECT 'pg_default_acl'::regclass::oid, d.oid, NULL::oid, 'DEFAULT PRIVILEGES',
        n.nspname::text, pg_get_userbyid(d.defaclrole)::text, i.identity,
        jsonb_strip_nulls(jsonb_build_object(
            'role', pg_get_userbyid(d.defaclrole),
            'schema', n.nspname,
            'kind', d.defaclobjtype,
            'acl', to_jsonb(ARRAY(SELECT a::text FROM unnest(d.defaclacl) a ORDER BY a::text COLLATE "C")))),
        NULL::text[]
    INTO entry
    FROM pg_default_acl d
    LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL pg_identify_object('pg_default_acl'::regclass, d.oid, 0) i
    WHERE d.oid = object;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION pggit.read_default_privileges(oid) IS 'What ALTER DEFAULT PRIVILEGES set.';

-- All of them ----------------------------------------------------------------------------------------

CREATE FUNCTION pggit.is_user_oid(classid oid, objid oid) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- 16384 is the first OID that initdb does not use itself; 2200 is schema public, whatever its name.
    RETURN objid >= 16384 OR objid = 2200 AND classid = 'pg_namespace'::regclass;
END
$$;
COMMENT ON FUNCTION pggit.is_user_oid(oid, oid) IS 'Whether something was made by a user, or can be changed like that.';

-- The only way to the readers: it fixes every setting of a session that changes how PostgreSQL writes
-- names and constants.
CREATE FUNCTION pggit.read_object(class oid, object oid) RETURNS pggit.catalog_entry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET standard_conforming_strings = on
AS $$
DECLARE
    entry pggit.catalog_entry;
BEGIN
    IF NOT pggit.is_user_oid(class, object) THEN
        RETURN NULL;
    END IF;
    -- Members of an extension belong to the extension.
    PERFORM FROM pg_depend d WHERE d.classid = class AND d.objid = object
        -- and the constructors of a range to its type
        AND (d.deptype = 'e' OR d.deptype = 'i' AND class = 'pg_proc'::regclass);
    IF FOUND THEN
        RETURN NULL;
    END IF;
    CASE class
        -- These two look at the schema first.
        WHEN 'pg_class'::regclass THEN RETURN pggit.read_relation(object);
        WHEN 'pg_proc'::regclass THEN RETURN pggit.read_function(object);
        WHEN 'pg_type'::regclass THEN entry := pggit.read_type(object);
        WHEN 'pg_trigger'::regclass THEN entry := pggit.read_trigger(object);
        WHEN 'pg_rewrite'::regclass THEN entry := pggit.read_rule(object);
        WHEN 'pg_policy'::regclass THEN entry := pggit.read_policy(object);
        WHEN 'pg_statistic_ext'::regclass THEN entry := pggit.read_statistics_object(object);
        WHEN 'pg_collation'::regclass THEN entry := pggit.read_collation(object);
        WHEN 'pg_namespace'::regclass THEN entry := pggit.read_schema(object);
        WHEN 'pg_extension'::regclass THEN entry := pggit.read_extension(object);
        WHEN 'pg_foreign_data_wrapper'::regclass THEN entry := pggit.read_wrapper(object);
        WHEN 'pg_foreign_server'::regclass THEN entry := pggit.read_server(object);
        WHEN 'pg_default_acl'::regclass THEN entry := pggit.read_default_privileges(object);
        ELSE RETURN NULL;  -- a kind that is not versioned
    END CASE;
    RETURN CASE WHEN pggit.is_tracked_schema(entry.schema_name) THEN entry END;
END
$$;
COMMENT ON FUNCTION pggit.read_object(oid, oid) IS
'The tracked object at a catalog address as it is now; null when there is none.';

CREATE FUNCTION pggit.read_catalog(addresses pggit.address[]) RETURNS SETOF pggit.catalog_entry
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET standard_conforming_strings = on
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    scope jsonb := pggit.tracking_scope();
    relations oid[] := ARRAY(SELECT n.objid FROM unnest(addresses) n WHERE n.classid = 'pg_class'::regclass);
    others pggit.address[];
    together pggit.catalog_entry[] := '{}';
    a pggit.address;
    entry pggit.catalog_entry;
BEGIN
    -- What there is most of is read together, the rest one by one.
    BEGIN
        together := ARRAY(
            SELECT CASE WHEN c.relkind IN ('i', 'I') THEN pggit.read_index(c) ELSE pggit.read_table(c) END
            FROM pg_class c WHERE c.oid = ANY (relations) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I'));
        others := ARRAY(SELECT n FROM unnest(addresses) n
                        WHERE n.classid <> 'pg_class'::regclass
                           OR EXISTS (SELECT FROM pg_class c WHERE c.oid = n.objid AND c.relkind = 'S'));
    EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
        -- "could not open relation", "cache lookup failed": another session dropped one meanwhile.
        others := addresses;
    END;
    RETURN QUERY SELECT t.* FROM unnest(together) t
                 WHERE t.objid IS NOT NULL AND (scope IS NULL OR pggit.in_scope(ROW(t.*)::pggit.catalog_entry, scope));
    FOREACH a IN ARRAY others LOOP
        BEGIN
            entry := pggit.read_object(a.classid, a.objid);
        EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
            -- The function is not STABLE: a second look sees what others have committed by now.
            BEGIN
                entry := pggit.read_object(a.classid, a.objid);
            EXCEPTION WHEN internal_error OR undefined_table OR undefined_object OR undefined_column OR undefined_function THEN
                CONTINUE;  -- it is being dropped
            END;
        END;
        IF entry.objid IS NOT NULL AND (scope IS NULL OR pggit.in_scope(entry, scope)) THEN
            RETURN NEXT entry;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.read_catalog(pggit.address[]) IS
'The tracked objects among the given catalog addresses as they are now, without what another session drops at this moment.';

CREATE FUNCTION pggit.all_addresses() RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT ROW(a.classid, a.objid)::pggit.address FROM (
        SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
              AND c.relpersistence <> 't' AND c.relnamespace <> 'pg_toast'::regnamespace
              -- a constraint's index is the constraint's
              AND NOT (c.relkind IN ('i', 'I') AND EXISTS (
                  SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')))
        UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t
            WHERE t.typtype IN ('d', 'e', 'r', 'c') AND t.typrelid = 0
        UNION ALL SELECT 'pg_type'::regclass, c.reltype FROM pg_class c WHERE c.relkind = 'c'
        UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
        UNION ALL SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g WHERE NOT g.tgisinternal
        UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r
            WHERE r.rulename <> '_RETURN'
        UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p
        UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s
        UNION ALL SELECT 'pg_collation'::regclass, o.oid FROM pg_collation o
        UNION ALL SELECT 'pg_namespace'::regclass, n.oid FROM pg_namespace n
        UNION ALL SELECT 'pg_extension'::regclass, e.oid FROM pg_extension e
        UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
        UNION ALL SELECT 'pg_foreign_server'::regclass, v.oid FROM pg_foreign_server v
        UNION ALL SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d
    ) AS a (classid, objid)
    -- Members of an extension belong to the extension.
    WHERE pggit.is_user_oid(a.classid, a.objid) AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = a.classid AND d.objid = a.objid AND d.deptype = 'e'));
END
$$;
COMMENT ON FUNCTION pggit.all_addresses() IS 'The catalog address of everything that could be tracked in this database.';

-- 30_addresses.sql
-- From what PostgreSQL reports of a command to the objects whose definition may have changed by it.

CREATE FUNCTION pggit.distinct_addresses(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT ROW(a.classid, a.objid)::pggit.address FROM unnest(addresses) a);
END
$$;
COMMENT ON FUNCTION pggit.distinct_addresses(pggit.address[]) IS 'Each address once.';

CREATE FUNCTION pggit.home_addresses(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a pggit.address;
    class oid;
    home oid;
    rel record;
    homes pggit.address[] := '{}';
BEGIN
    -- Few addresses, each with one small lookup: a join over all catalogs takes longer to start than this to end.
    FOREACH a IN ARRAY addresses LOOP
        class := a.classid;
        home := NULL;
        IF class NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass,
                         'pg_rewrite'::regclass, 'pg_trigger'::regclass)
        THEN
            homes := homes || a;
            CONTINUE;
        END IF;
        CASE class
            WHEN 'pg_class'::regclass THEN
                SELECT c.relkind, c.reltype INTO rel FROM pg_class c WHERE c.oid = a.objid;
                IF rel.relkind = 'c' THEN
                    class := 'pg_type'::regclass;
                    home := rel.reltype;
                ELSIF rel.relkind IN ('i', 'I') THEN
                    -- A constraint's index is the table's; of others the table may name one.
                    SELECT i.indrelid, i.indisclustered OR i.indisreplident AS named, k.conrelid INTO rel
                    FROM pg_index i
                    LEFT JOIN pg_constraint k
                        ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
                    WHERE i.indexrelid = a.objid;
                    home := rel.conrelid;
                    IF home IS NULL AND rel.named THEN
                        homes := homes || ROW(class, rel.indrelid)::pggit.address;
                    END IF;
                ELSIF rel.relkind = 'S' THEN  -- and so is an identity column's sequence
                    home := (SELECT d.refobjid FROM pg_depend d
                             WHERE d.classid = class AND d.objid = a.objid AND d.deptype = 'i');
                END IF;
            WHEN 'pg_type'::regclass THEN
                home := (SELECT c.oid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                         WHERE t.oid = a.objid AND c.relkind <> 'c');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                ELSE  -- a multirange is the range's
                    home := (SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = a.objid);
                END IF;
            WHEN 'pg_constraint'::regclass THEN
                SELECT k.conrelid, k.contypid INTO rel FROM pg_constraint k WHERE k.oid = a.objid;
                IF rel.contypid > 0 THEN
                    class := 'pg_type'::regclass;
                    home := rel.contypid;
                ELSIF rel.conrelid > 0 THEN
                    class := 'pg_class'::regclass;
                    home := rel.conrelid;
                END IF;
            WHEN 'pg_attrdef'::regclass THEN
                class := 'pg_class'::regclass;
                home := (SELECT d.adrelid FROM pg_attrdef d WHERE d.oid = a.objid);
            WHEN 'pg_rewrite'::regclass THEN
                home := (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = a.objid AND r.rulename = '_RETURN');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
            WHEN 'pg_trigger'::regclass THEN  -- one that a partition has from its parent
                home := (SELECT g.tgrelid FROM pg_trigger g WHERE g.oid = a.objid AND g.tgparentid > 0);
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
        END CASE;
        a := ROW(class, coalesce(home, a.objid))::pggit.address;
        IF a IS DISTINCT FROM homes[cardinality(homes)] THEN
            homes := homes || a;
        END IF;
    END LOOP;
    RETURN CASE WHEN cardinality(homes) > 1 THEN pggit.distinct_addresses(homes) ELSE homes END;
END
$$;
COMMENT ON FUNCTION pggit.home_addresses(pggit.address[]) IS
'The tracked object that each address belongs to: a constraint''s table or domain, a row type''s table, a view for its rule.';

CREATE FUNCTION pggit.table_family(relation oid) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE family (member) AS (
            SELECT relation
            UNION
            SELECT m.member FROM family f CROSS JOIN LATERAL (
                SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = f.member
                UNION ALL
                -- a partition when last read, and perhaps no more
                SELECT c.oid FROM pggit.object_oids o JOIN pg_class c ON c.oid = o.objid AND c.relkind IN ('r', 'p', 'f')
                WHERE o.relid = f.member AND o.classid = 'pg_class'::regclass
            ) AS m (member)
        )
        SELECT f.member FROM family f);
END
$$;
COMMENT ON FUNCTION pggit.table_family(oid) IS 'A table and its descendants, those of the time when it was last read included.';

CREATE FUNCTION pggit.table_parts(c pg_catalog.pg_class) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts pggit.address[];
BEGIN
    IF c.relkind = 'v' THEN
        parts := ARRAY(SELECT ROW(o.classid, o.objid)::pggit.address FROM pggit.object_oids o WHERE o.relid = c.oid);
    ELSE
        parts := ARRAY(
            -- what hung on the table when it was last read, and perhaps does no more
            SELECT ROW(o.classid, o.objid)::pggit.address FROM pggit.object_oids o WHERE o.relid = c.oid
            UNION ALL
            SELECT ROW('pg_statistic_ext'::regclass, s.oid)::pggit.address FROM pg_statistic_ext s
            WHERE s.stxrelid = c.oid
            UNION ALL
            SELECT ROW('pg_policy'::regclass, p.oid)::pggit.address FROM pg_policy p WHERE p.polrelid = c.oid
            UNION ALL  -- sequences that a column owns
            SELECT ROW(d.classid, d.objid)::pggit.address FROM pg_depend d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
              AND d.classid = 'pg_class'::regclass AND d.deptype = 'a');
    END IF;
    IF c.relhasindex THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_class'::regclass, i.indexrelid)::pggit.address FROM pg_index i
            WHERE i.indrelid = c.oid AND NOT i.indisprimary);
    END IF;
    IF c.relhastriggers THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_trigger'::regclass, g.oid)::pggit.address FROM pg_trigger g
            WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgparentid = 0);
    END IF;
    IF c.relhasrules THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_rewrite'::regclass, r.oid)::pggit.address FROM pg_rewrite r
            WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN');
    END IF;
    RETURN parts;
END
$$;
COMMENT ON FUNCTION pggit.table_parts(pg_catalog.pg_class) IS
'Everything that hangs on a relation under a name of its own, now or when last read.';

CREATE FUNCTION pggit.with_table_parts(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a pggit.address;
    c pg_catalog.pg_class;
    families oid[] := '{}';
    found pggit.address[] := addresses;
BEGIN
    FOREACH a IN ARRAY addresses LOOP
        IF a.classid = 'pg_class'::regclass THEN
            SELECT r.* INTO c FROM pg_class r WHERE r.oid = a.objid;
            IF c.relkind IN ('p', 'I') OR c.relhassubclass THEN
                families := families || pggit.table_family(a.objid);
            ELSIF c.relkind IN ('r', 'f', 'v', 'm') THEN
                found := found || pggit.table_parts(c);
            END IF;
        END IF;
    END LOOP;
    IF families <> '{}' THEN
        FOR c IN SELECT r.* FROM pg_class r WHERE r.oid = ANY (families) LOOP
            found := found || ROW('pg_class'::regclass, c.oid)::pggit.address || pggit.table_parts(c);
        END LOOP;
    END IF;
    RETURN CASE WHEN cardinality(found) > 1 THEN pggit.distinct_addresses(found) ELSE found END;
END
$$;
COMMENT ON FUNCTION pggit.with_table_parts(pggit.address[]) IS
'The given addresses and, for each table among them, its descendants and everything that hangs on any of these, now or when last read.';

CREATE FUNCTION pggit.dependents(addresses pggit.address[], only_classes oid[] DEFAULT NULL) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached pggit.address[];
BEGIN
    reached := ARRAY(
        WITH RECURSIVE reach (classid, objid, passes) AS (
            SELECT a.classid, a.objid, true FROM unnest(addresses) a
            UNION
            -- an attribute of a composite type is mentioned as a column
            SELECT 'pg_class'::regclass, t.typrelid, true
            FROM unnest(addresses) a
            JOIN pg_type t ON a.classid = 'pg_type'::regclass AND t.oid = a.objid AND t.typrelid > 0
            UNION
            -- A table's row type, an array type and a multirange carry the name on to their own users, and so do, into
            -- another schema, an identity column's sequence and a constraint's index.
            SELECT d.classid, d.objid,
                d.classid IN ('pg_type'::regclass, 'pg_constraint'::regclass) AND d.deptype IN ('i', 'a')
                    OR d.classid = 'pg_class'::regclass AND d.deptype = 'i'
            FROM reach r
            CROSS JOIN LATERAL (
                SELECT d.classid, d.objid, d.deptype FROM pg_depend d
                WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype <> 'e'
                OFFSET 0  -- or PostgreSQL would join, and read all of pg_depend
            ) d
            WHERE r.passes
        )
        SELECT DISTINCT ROW(r.classid, r.objid)::pggit.address FROM reach r
        WHERE only_classes IS NULL OR r.classid = ANY (only_classes));
    RETURN pggit.home_addresses(reached);
END
$$;
COMMENT ON FUNCTION pggit.dependents(pggit.address[], oid[]) IS
'The objects whose definitions mention one of the given ones, and those themselves; only through the given catalogs, where any are named.';

CREATE FUNCTION pggit.worded_by_columns(relation oid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
            SELECT FROM pg_depend d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation
              AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass))
        OR EXISTS (
            SELECT FROM pg_class c JOIN pg_type t ON t.oid = c.reltype
            CROSS JOIN LATERAL (
                SELECT FROM pg_depend d
                WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.objid <> t.typarray
                OFFSET 0) d  -- or PostgreSQL would join, and read all of pg_depend
            WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.worded_by_columns(oid) IS
'Whether a rule, view or function may list the columns of a table, and so be worded anew when one is added. May say yes for nothing, never no.';

CREATE FUNCTION pggit.addresses_changed_now(object_type text) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What this transaction wrote before it last recorded something was recorded by then: in a long one that is nearly
    -- all. cmin counts its commands, and the history's last rows are enough to look at: without one of ours, all is
    -- taken. Somebody else's event trigger that comes before ours may have had a command of its own recorded already.
    since bigint := CASE WHEN NOT EXISTS (
            SELECT FROM pg_event_trigger e
            WHERE e.evtevent = 'ddl_command_end' AND e.evtenabled <> 'D' AND e.evtname < 'pggit_ddl_command_end')
        THEN (SELECT max(h.counted::text::bigint)
              FROM (SELECT n.cmin AS counted, n.xmin AS written_by, n.transaction_id FROM ONLY pggit.history n ORDER BY n.id DESC LIMIT 64) h
              WHERE age(h.written_by) <= 0 AND h.transaction_id = pg_current_xact_id_if_assigned()) END;
BEGIN
    IF since IS NULL OR object_type = 'DEFAULT PRIVILEGES' THEN
        since := 0;  -- the same command may have dropped some, which is recorded by now
    END IF;
    -- PostgreSQL does not say which objects GRANT and REVOKE named. age() counts from this transaction:
    -- a row it wrote has an age of zero or, with savepoints, less. Rows that others wrote since come along.
    RETURN ARRAY(SELECT ROW(a.classid, a.objid)::pggit.address FROM (
        SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c
            WHERE object_type IN ('TABLE', 'SEQUENCE') AND age(c.xmin) <= 0 AND c.cmin::text::bigint >= since
        UNION SELECT 'pg_class'::regclass, t.attrelid FROM pg_attribute t
            WHERE object_type = 'TABLE' AND t.attnum > 0 AND age(t.xmin) <= 0 AND t.cmin::text::bigint >= since
        UNION SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
            WHERE object_type IN ('FUNCTION', 'PROCEDURE', 'ROUTINE') AND age(p.xmin) <= 0 AND p.cmin::text::bigint >= since
        UNION SELECT 'pg_type'::regclass, t.oid FROM pg_type t
            WHERE object_type IN ('TYPE', 'DOMAIN') AND age(t.xmin) <= 0 AND t.cmin::text::bigint >= since
        UNION SELECT 'pg_namespace'::regclass, n.oid FROM pg_namespace n
            WHERE object_type = 'SCHEMA' AND age(n.xmin) <= 0 AND n.cmin::text::bigint >= since
        UNION SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
            WHERE object_type = 'FOREIGN DATA WRAPPER' AND age(w.xmin) <= 0 AND w.cmin::text::bigint >= since
        UNION SELECT 'pg_foreign_server'::regclass, s.oid FROM pg_foreign_server s
            WHERE object_type IN ('FOREIGN SERVER', 'SERVER') AND age(s.xmin) <= 0 AND s.cmin::text::bigint >= since
        UNION SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d
            WHERE object_type = 'DEFAULT PRIVILEGES' AND age(d.xmin) <= 0 AND d.cmin::text::bigint >= since
    ) AS a (classid, objid));
END
$$;
COMMENT ON FUNCTION pggit.addresses_changed_now(text) IS
'What this transaction wrote in the catalogs of a kind, named as event triggers name it, since it last recorded a command; may give too much, never too little.';

-- 31_record.sql
-- From addresses to rows: compare what the catalog has with the working index, and write down the difference.
--
-- Nobody waits here. Whoever records an object first locks its row in the index, or else, where another
-- session holds it, leaves a note in pggit.unsettled and goes on. The catalog is read after the lock, so that
-- what is written is never older than what it replaces. In a transaction whose snapshot stands still
-- (REPEATABLE READ, SERIALIZABLE) the catalog cannot be read as it is, so there everything is noted.

CREATE TYPE pggit.command AS (
    tag text,
    change text,
    made_at timestamptz,
    session_role text,
    set_role text,
    application_name text,
    client_addr inet,
    backend_pid integer,
    transaction_id xid8,
    duration_ms numeric,
    performance_impact text
);
COMMENT ON TYPE pggit.command IS
'Who did what and when, as history keeps it. change is the change_type of an object that was there before and after.';

CREATE FUNCTION pggit.this_command(tag text, change text, took_ms numeric DEFAULT NULL) RETURNS pggit.command
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(tag, change, clock_timestamp(), session_user, nullif(current_setting('role'), 'none'),
               nullif(current_setting('application_name'), ''), inet_client_addr(), pg_backend_pid(),
               pg_current_xact_id(), took_ms, NULL)::pggit.command;
END
$$;
COMMENT ON FUNCTION pggit.this_command(text, text, numeric) IS 'The command that runs now, and how long it took.';

CREATE FUNCTION pggit.defer(doing pggit.command, addresses pggit.address[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.unsettled (addresses, command_tag, change, created_at, session_role, set_role,
                                 application_name, client_addr, backend_pid, transaction_id, duration_ms, performance_impact)
    VALUES (addresses, doing.tag, doing.change, doing.made_at, doing.session_role, doing.set_role, doing.application_name,
            doing.client_addr, doing.backend_pid, doing.transaction_id, doing.duration_ms, doing.performance_impact);
END
$$;
COMMENT ON FUNCTION pggit.defer(pggit.command, pggit.address[]) IS 'Leaves addresses, or null for all, to settle().';

CREATE FUNCTION pggit.append_history(
    doing pggit.command, change_type text, object_id bigint, object_type text, new_identity text, old_identity text,
    old_blob text, new_blob text, old_order text[], new_order text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH past AS (
        INSERT INTO pggit.history (
            object_id, change_type, created_at, command_tag, object_type, identity, old_identity,
            old_blob, new_blob, old_column_order, new_column_order,
            session_role, set_role, application_name, client_addr, backend_pid, transaction_id)
        VALUES (
            object_id, change_type, doing.made_at, doing.tag, object_type, new_identity, old_identity,
            old_blob, new_blob, old_order, new_order,
            doing.session_role, doing.set_role, doing.application_name, doing.client_addr, doing.backend_pid, doing.transaction_id)
    )
    INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, new_identity);
    IF old_identity <> new_identity THEN
        INSERT INTO pggit.uncommitted (object_type, identity) VALUES (object_type, old_identity);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.append_history(pggit.command, text, bigint, text, text, text, text, text, text[], text[]) IS
'One row of the audit trail.';

CREATE FUNCTION pggit.record_drop(dropped bigint, doing pggit.command) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o pggit.objects;
BEGIN
    WITH place AS (DELETE FROM pggit.object_oids WHERE object_id = dropped)
    UPDATE pggit.objects SET is_active = false, updated_at = clock_timestamp()
    WHERE id = dropped AND is_active RETURNING * INTO o;
    IF o.id IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, CASE WHEN doing.change = 'RESCAN' OR doing.change = 'GRANT' AND o.object_type = 'DEFAULT PRIVILEGES'
                THEN doing.change ELSE 'DROP' END,
            o.id, o.object_type, o.identity, NULL, o.blob, NULL, o.column_order, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.record_drop(bigint, pggit.command) IS 'Takes an object out of the index, with its row of history.';

CREATE FUNCTION pggit.record_present(
    entry pggit.catalog_entry, new_blob text, known pggit.objects, known_relid oid, doing pggit.command)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_key text;
    o pggit.objects := known;
    other pggit.objects;
    was_there boolean;
    kind text;
    object_id bigint;
BEGIN
    IF o.is_active AND o.identity = entry.identity AND o.object_type = entry.object_type THEN
        new_key := o.tree_key;
    ELSE
        new_key := pggit.tree_key(entry.object_type, entry.identity);
        SELECT * INTO other FROM (
            SELECT a.* FROM pggit.objects a WHERE a.is_active AND a.tree_key = new_key
            UNION ALL
            (SELECT z.* FROM pggit.objects z WHERE NOT z.is_active AND z.tree_key = new_key ORDER BY z.id DESC LIMIT 1)
        ) x LIMIT 1;
        IF NOT other.is_active THEN
            IF o.is_active IS NOT TRUE THEN
                o := other;
            END IF;
        ELSIF o.is_active AND other.id IS NOT NULL AND NOT other.is_manual THEN
            -- Only one object can have this identity, and it is not the one the index gives it to.
            PERFORM pggit.record_drop(other.id, doing);
        ELSIF o.is_active AND other.id IS NOT NULL THEN
            UPDATE pggit.objects SET is_active = false WHERE id = other.id;
        ELSIF o.is_active IS NOT TRUE AND other.id IS NOT NULL THEN
            o := other;  -- the same object under a new OID, or one announced by hand
            DELETE FROM pggit.object_oids x WHERE x.object_id = o.id;
        ELSIF o.is_active IS NOT TRUE THEN
            o := other;  -- none at all
        END IF;
    END IF;

    was_there := o.is_active IS TRUE AND NOT o.is_manual;
    kind := CASE
        WHEN was_there AND o.blob = new_blob AND o.column_order IS NOT DISTINCT FROM entry.column_order THEN NULL
        WHEN doing.change = 'RESCAN' OR doing.change = 'GRANT' AND entry.object_type = 'DEFAULT PRIVILEGES' THEN doing.change
        -- GRANT and COMMENT make nothing: what they meet first had been made unseen.
        WHEN NOT was_there THEN CASE WHEN doing.change IN ('GRANT', 'COMMENT') THEN 'RESCAN' ELSE 'CREATE' END
        WHEN o.identity <> entry.identity THEN 'RENAME'
        ELSE doing.change END;

    IF kind IS NOT NULL THEN
        INSERT INTO pggit.blobs (hash, object_type, identity, definition)
        VALUES (new_blob, entry.object_type, entry.identity, entry.definition)
        ON CONFLICT DO NOTHING;
    END IF;
    object_id := coalesce(o.id, nextval('pggit.objects_id_seq'));
    IF o.id IS NULL THEN
        INSERT INTO pggit.objects (id, schema_name, object_name, object_type, identity, blob, column_order)
        VALUES (object_id, entry.schema_name, entry.object_name, entry.object_type, entry.identity, new_blob, entry.column_order);
    ELSIF kind IS NOT NULL AND was_there AND o.tree_key = new_key THEN
        -- the same names, from which PostgreSQL would work out tree_key again
        UPDATE pggit.objects SET blob = new_blob, column_order = entry.column_order, updated_at = clock_timestamp()
        WHERE id = o.id;
    ELSIF kind IS NOT NULL THEN
        UPDATE pggit.objects
        SET schema_name = entry.schema_name, object_name = entry.object_name, object_type = entry.object_type,
            identity = entry.identity, is_active = true, is_manual = false, blob = new_blob,
            column_order = entry.column_order, updated_at = clock_timestamp()
        WHERE id = o.id;
    END IF;

    IF known.id IS DISTINCT FROM object_id OR known_relid IS DISTINCT FROM entry.relid THEN
        INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
        VALUES (entry.classid, entry.objid, entry.relid, object_id)
        ON CONFLICT ON CONSTRAINT object_oids_pkey DO UPDATE SET relid = excluded.relid, object_id = excluded.object_id;
    END IF;

    IF kind IS NOT NULL THEN
        PERFORM pggit.append_history(
            doing, kind, object_id, entry.object_type, entry.identity,
            CASE WHEN was_there AND o.identity <> entry.identity THEN o.identity END,
            CASE WHEN was_there THEN o.blob END, new_blob,
            CASE WHEN was_there THEN o.column_order END, entry.column_order);
    END IF;
    RETURN kind IS NOT NULL;
END
$$;
COMMENT ON FUNCTION pggit.record_present(pggit.catalog_entry, text, pggit.objects, oid, pggit.command) IS
'Brings one object of the index up to what the catalog has, with its row of history if anything differs, and returns whether it did. known is the row that its OID stands for, and known_relid the table that was noted with it.';

CREATE FUNCTION pggit.record_addresses(
    addresses pggit.address[], doing pggit.command, are_all boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next_addresses pggit.address[] := addresses;
    scope jsonb := pggit.tracking_scope();
    a pggit.address;
    x record;
    o pggit.objects;
    nothing pggit.objects;
    entry pggit.catalog_entry;
    new_blob text;
    -- what is there and differs, side by side: as it is, its hash, what the index has, the table it hung on
    entries pggit.catalog_entry[] := '{}';
    new_blobs text[] := '{}';
    known pggit.objects[] := '{}';
    relids oid[] := '{}';
    lost bigint[] := '{}';
    gone bigint;
    -- tables that may name an index, for CLUSTER or as replica identity, that is gone
    bereft pggit.address[] := '{}';
    -- what mentions a name that is no more; what may be worded anew because of a new column
    renamed pggit.address[] := '{}';
    grown pggit.address[] := '{}';
    seen pggit.address[] := '{}';
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    is_recorded boolean;
    changed integer := 0;
BEGIN
    LOOP
        IF NOT are_all THEN
            next_addresses := pggit.with_table_parts(next_addresses);
        END IF;
        IF cardinality(next_addresses) > 1 THEN
            next_addresses := ARRAY(
                SELECT ROW(n.classid, n.objid)::pggit.address FROM unnest(next_addresses) n
                LEFT JOIN pggit.object_oids oids ON oids.classid = n.classid AND oids.objid = n.objid
                ORDER BY oids.object_id, n.classid, n.objid);
        END IF;
        seen := seen || next_addresses;
        FOREACH a IN ARRAY next_addresses LOOP
            SELECT oids.object_id, oids.relid INTO x FROM pggit.object_oids oids
            WHERE oids.classid = a.classid AND oids.objid = a.objid;
            IF x.object_id IS NULL THEN
                o := nothing;
            ELSE
                -- Read only after the lock: what is written is never older than what it replaces.
                SELECT * INTO o FROM pggit.objects WHERE id = x.object_id FOR NO KEY UPDATE SKIP LOCKED;
                IF o.id IS NULL THEN
                    PERFORM pggit.defer(doing, ARRAY[a]);
                    CONTINUE;
                END IF;
            END IF;
            entry := pggit.read_object(a.classid, a.objid);
            IF scope IS NOT NULL AND entry.objid IS NOT NULL AND NOT pggit.in_scope(entry, scope) THEN
                -- It was not dropped: only a rescan forgets what configure_tracking() left out.
                CONTINUE WHEN doing.change <> 'RESCAN';
                entry := NULL;
            END IF;
            IF entry.objid IS NULL THEN
                IF o.is_active THEN
                    lost := lost || o.id;
                    IF a.classid = 'pg_class'::regclass AND x.relid IS NOT NULL THEN
                        bereft := bereft || ROW(a.classid, x.relid)::pggit.address;
                    END IF;
                END IF;
                CONTINUE;
            END IF;
            new_blob := pggit.blob_hash(entry.object_type, entry.identity, entry.definition);
            IF o.id IS NULL OR NOT o.is_active OR o.is_manual OR o.blob IS DISTINCT FROM new_blob
               OR o.column_order IS DISTINCT FROM entry.column_order OR x.relid IS DISTINCT FROM entry.relid
            THEN
                entries := entries || entry;
                new_blobs := new_blobs || new_blob;
                known := known || o;
                relids := relids || x.relid;
            END IF;
        END LOOP;
        IF lost <> '{}' AND entries <> '{}' THEN
            -- What was made again under another OID is the same object.
            lost := ARRAY(
                SELECT l.id FROM unnest(lost) AS l (id)
                CROSS JOIN LATERAL (SELECT p.identity, p.object_type FROM pggit.objects p WHERE p.id = l.id OFFSET 0) b
                WHERE NOT EXISTS (SELECT FROM unnest(entries) e
                                  WHERE e.identity = b.identity AND e.object_type = b.object_type)
                ORDER BY l.id);
        END IF;
        -- Drops first, so that a name which went from one object to another is free.
        FOREACH gone IN ARRAY lost LOOP
            PERFORM pggit.record_drop(gone, doing);
            changed := changed + 1;
        END LOOP;
        FOR i IN 1 .. cardinality(entries) LOOP
            entry := entries[i];
            new_blob := new_blobs[i];
            o := known[i];
            IF i > 1 AND o.id IS NOT NULL THEN
                -- One before may have taken its name.
                SELECT * INTO o FROM pggit.objects WHERE id = o.id;
            END IF;
            is_recorded := pggit.record_present(entry, new_blob, o, relids[i], doing);
            IF o.blob IS DISTINCT FROM new_blob OR o.column_order IS DISTINCT FROM entry.column_order THEN
                changed := changed + 1;
            END IF;
            CONTINUE WHEN o.id IS NULL;
            a := ROW(entry.classid, entry.objid)::pggit.address;
            IF o.identity <> entry.identity OR NOT entry.column_order @> o.column_order
               OR o.blob <> new_blob AND entry.object_type IN ('TYPE', 'DOMAIN')
               OR o.blob <> new_blob AND pggit.lost_a_constraint(o.blob, entry.definition)
            THEN
                renamed := renamed || a;
            ELSIF NOT entry.column_order <@ o.column_order AND pggit.worded_by_columns(entry.objid) THEN
                grown := grown || a;
            END IF;
        END LOOP;
        EXIT WHEN renamed = '{}' AND grown = '{}' AND bereft = '{}';
        -- Look at all that mention a name, once each.
        next_addresses := ARRAY(
            SELECT n FROM unnest(
                bereft || CASE WHEN renamed = '{}' THEN renamed ELSE pggit.dependents(renamed) END
                || CASE WHEN grown = '{}' THEN grown
                       ELSE pggit.dependents(grown, ARRAY['pg_rewrite'::regclass, 'pg_proc'::regclass]::oid[]) END) n
            EXCEPT
            SELECT s FROM unnest(seen) s);
        EXIT WHEN next_addresses = '{}';
        entries := '{}';
        new_blobs := '{}';
        known := '{}';
        relids := '{}';
        lost := '{}';
        bereft := '{}';
        renamed := '{}';
        grown := '{}';
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_addresses(pggit.address[], pggit.command, boolean) IS
'Records what differs at the given addresses, at the parts of the tables among them (unless they are all there), and at whatever mentions a name that changed. Returns the number of changed objects.';

CREATE FUNCTION pggit.lost_a_constraint(old_blob text, new_definition jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    had jsonb := (SELECT b.definition -> 'constraints' FROM pggit.blobs b WHERE b.hash = old_blob);
BEGIN
    IF had IS NULL OR had = new_definition -> 'constraints' THEN
        RETURN false;
    END IF;
    RETURN (coalesce(new_definition -> 'constraints', '{}') ?& ARRAY(SELECT jsonb_object_keys(had))) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION pggit.lost_a_constraint(text, jsonb) IS
'Whether a constraint''s name is gone: ON CONFLICT ON CONSTRAINT, in a rule or a function, may mention it.';

CREATE FUNCTION pggit.record_everything(doing pggit.command) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    changed integer;
    ghost bigint;
BEGIN
    -- Most is as it was: only what differs is locked, and then read again.
    changed := pggit.record_addresses(ARRAY(
        SELECT ROW(coalesce(e.classid, k.classid), coalesce(e.objid, k.objid))::pggit.address
        FROM pggit.read_catalog(pggit.all_addresses()) e
        FULL JOIN (
            SELECT x.classid, x.objid, x.relid, o.is_active AND NOT o.is_manual AS is_known, o.blob, o.column_order
            FROM pggit.object_oids x JOIN pggit.objects o ON o.id = x.object_id
        ) k ON k.classid = e.classid AND k.objid = e.objid
        WHERE e.objid IS NULL OR k.is_known IS NOT TRUE
           OR k.blob IS DISTINCT FROM pggit.blob_hash(e.object_type, e.identity, e.definition)
           OR k.column_order IS DISTINCT FROM e.column_order OR k.relid IS DISTINCT FROM e.relid), doing, true);
    -- and what it has without knowing where, since it was gone already when a restore was taken over
    FOR ghost IN
        SELECT o.id FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual
          AND NOT EXISTS (SELECT FROM pggit.object_oids x WHERE x.object_id = o.id)
        ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM pggit.record_drop(ghost, doing);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION pggit.record_everything(pggit.command) IS
'Compares the whole catalog with the index and records what differs. Returns the number of changed objects.';

CREATE FUNCTION pggit.record_command(doing pggit.command, addresses pggit.address[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pggit.address[] := addresses;
    strange pggit.address[] := '{}';
    a pggit.address;
BEGIN
    IF doing.tag = 'ALTER SCHEMA' THEN
        IF EXISTS (
            SELECT FROM unnest(addresses) n
            JOIN pg_namespace s ON s.oid = n.objid
            LEFT JOIN pggit.object_oids x ON x.classid = 'pg_namespace'::regclass AND x.objid = s.oid
            LEFT JOIN pggit.objects o ON o.id = x.object_id
            WHERE n.classid = 'pg_namespace'::regclass AND o.object_name IS DISTINCT FROM s.nspname)
        THEN
            found := NULL;  -- every name in it changed
        END IF;
    END IF;
    IF found IS NULL THEN
        RETURN pggit.record_everything(doing);
    END IF;

    IF doing.tag = 'ALTER INDEX' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event: look for the old one.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address
            FROM unnest(addresses) n JOIN pg_index i ON i.indexrelid = n.objid
            JOIN pggit.object_oids x ON x.relid = i.indrelid
            WHERE x.classid = 'pg_class'::regclass AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = x.objid));
    ELSIF doing.tag = 'ALTER DEFAULT PRIVILEGES' THEN
        -- It can make a row vanish.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address FROM pggit.object_oids x
            WHERE x.classid = 'pg_default_acl'::regclass);
    END IF;

    IF starts_with(doing.tag, 'ALTER ') THEN
        -- What is not versioned, or belongs to an extension, may have a name that others' definitions mention.
        FOREACH a IN ARRAY addresses LOOP
            IF NOT EXISTS (SELECT FROM pggit.object_oids x WHERE x.objid = a.objid AND x.classid = a.classid) THEN
                strange := strange || a;
            END IF;
        END LOOP;
        IF strange <> '{}' THEN
            found := found || pggit.dependents(strange);
        END IF;
    END IF;
    RETURN pggit.record_addresses(pggit.home_addresses(found), doing);
END
$$;
COMMENT ON FUNCTION pggit.record_command(pggit.command, pggit.address[]) IS
'Records what a command did, given what PostgreSQL reported of it; null addresses stand for everything. Returns the number of changed objects.';

CREATE FUNCTION pggit.is_adopted() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nobody brings a database into another cluster while the server runs: where this run of the server was
    -- told that the cluster is the same, the file that says so need not be read for every command.
    PERFORM FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time();
    RETURN FOUND OR EXISTS (
        SELECT FROM pggit.oid_origin g
        WHERE g.system_identifier = (SELECT c.system_identifier FROM pg_control_system() c)
          AND g.major = (current_setting('server_version_num')::integer / 10000)::text);
END
$$;
COMMENT ON FUNCTION pggit.is_adopted() IS 'Whether pggit.object_oids belongs to this cluster.';

CREATE FUNCTION pggit.sees_the_present() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
       AND current_setting('transaction_read_only') = 'off';
END
$$;
COMMENT ON FUNCTION pggit.sees_the_present() IS
'Whether this transaction may write, and each of its statements sees what others have committed by then.';

CREATE FUNCTION pggit.can_record_now() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.sees_the_present() AND pggit.is_adopted();
END
$$;
COMMENT ON FUNCTION pggit.can_record_now() IS
'Whether this transaction sees the catalog as it is and may write; else what it does is deferred.';

CREATE FUNCTION pggit.put_setting(setting text, new_value text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pggit.settings AS s (name, value, set_by, set_at)
    VALUES (setting, new_value, session_user, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_by = excluded.set_by, set_at = excluded.set_at
        WHERE s.value <> excluded.value;
END
$$;
COMMENT ON FUNCTION pggit.put_setting(text, text) IS 'Writes one row of pggit.settings.';

CREATE FUNCTION pggit.is_changing_version() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A restored dump may hold an older version's tables too, but its extension is not this transaction's work.
    RETURN EXISTS (
        SELECT FROM pg_extension e JOIN pggit.settings s ON s.name = 'data_version' AND s.value <> e.extversion
        WHERE e.extname = 'pggit' AND age(e.xmin) <= age(pg_current_xact_id()::xid));
END
$$;
COMMENT ON FUNCTION pggit.is_changing_version() IS
'Whether an update script of pgGit runs in this transaction: then its functions and tables need not fit each other.';

CREATE FUNCTION pggit.adopt_cluster() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here_major text := current_setting('server_version_num')::integer / 10000;
BEGIN
    IF NOT pggit.sees_the_present() THEN
        RETURN;
    END IF;
    IF pggit.is_adopted() THEN
        UPDATE pggit.oid_origin SET known_since = pg_postmaster_start_time()
        WHERE known_since IS DISTINCT FROM pg_postmaster_start_time()
          AND singleton IN (SELECT g.singleton FROM pggit.oid_origin g FOR UPDATE SKIP LOCKED);
        RETURN;
    END IF;
    IF pggit.is_changing_version() THEN
        RETURN;
    END IF;
    -- Rare: the first command after a restore or pg_upgrade. One session does it; what others do meanwhile is deferred.
    LOCK TABLE pggit.oid_origin IN SHARE ROW EXCLUSIVE MODE NOWAIT;
    IF pggit.is_adopted() THEN
        RETURN;
    END IF;
    DELETE FROM pggit.object_oids;
    -- Notes that pg_upgrade carried over hold another cluster's OIDs: null stands for everything.
    UPDATE pggit.unsettled SET addresses = NULL;
    INSERT INTO pggit.object_oids (classid, objid, relid, object_id)
    SELECT e.classid, e.objid, e.relid, o.id
    FROM pggit.read_catalog(pggit.all_addresses()) e
    JOIN pggit.objects o ON o.is_active AND o.tree_key = pggit.tree_key(e.object_type, e.identity);
    DELETE FROM pggit.oid_origin;
    INSERT INTO pggit.oid_origin (system_identifier, major, known_since)
    SELECT c.system_identifier, here_major, pg_postmaster_start_time() FROM pg_control_system() c;
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'canonical_major' AND s.value <> here_major) THEN
        -- Another major may write the same definition in other words: read all anew.
        PERFORM pggit.record_everything(pggit.this_command('pg_upgrade', 'RESCAN'));
    END IF;
    PERFORM pggit.put_setting('canonical_major', here_major);
EXCEPTION WHEN lock_not_available THEN
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.adopt_cluster() IS
'Finds every tracked object again after a restore or pg_upgrade, before the first command there changes any.';

CREATE FUNCTION pggit.settle() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    due pggit.unsettled;
    doing pggit.command;
    settled integer := 0;
    is_busy boolean := false;
    trouble text;
BEGIN
    IF NOT pggit.sees_the_present() THEN
        -- Not even a look into the table: in SERIALIZABLE that alone would conflict with others' notes.
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM pggit.unsettled) OR pggit.is_changing_version() THEN
        RETURN 0;
    END IF;
    IF NOT pggit.is_adopted() THEN
        PERFORM pggit.adopt_cluster();
    END IF;
    IF NOT pggit.can_record_now() THEN
        RETURN 0;
    END IF;
    BEGIN
        -- Who brings pgGit to another version holds this lock to the end: all that is called from here on is of one.
        LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN 0;
    END;
    FOR due IN
        WITH taken AS (
            DELETE FROM pggit.unsettled u
            WHERE u.id IN (SELECT w.id FROM pggit.unsettled w ORDER BY w.id FOR UPDATE SKIP LOCKED) RETURNING u.*)
        SELECT * FROM taken ORDER BY id
    LOOP
        doing := ROW(due.command_tag, due.change, due.created_at, due.session_role, due.set_role,
                     due.application_name, due.client_addr, due.backend_pid, due.transaction_id,
                     due.duration_ms, due.performance_impact)::pggit.command;
        IF is_busy THEN
            -- Not one wait for each: this is somebody's command.
            PERFORM pggit.defer(doing, due.addresses);
            CONTINUE;
        END IF;
        BEGIN
            PERFORM pggit.record_command(doing, due.addresses);
            settled := settled + 1;
        EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            is_busy := true;
            PERFORM pggit.defer(doing, due.addresses);
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
            IF pggit.was_overtaken('0.1.0') THEN
                is_busy := true;
                PERFORM pggit.defer(doing, due.addresses);
            ELSE
                PERFORM pggit.note_tracking_error(due.command_tag, SQLSTATE, SQLERRM, trouble);
            END IF;
        END;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION pggit.settle() IS
'Records what had to be deferred, in the name of those who did it. Returns how many commands'' rests were taken up.';

-- 40_event_triggers.sql
-- What runs inside other people's commands. Each handler is SECURITY DEFINER, so that an ordinary role
-- needs no right on our tables, and catches whatever goes wrong: a command never fails because of pgGit.
-- plan_cache_mode: PostgreSQL would plan queries over an array of one OID anew each time, which costs more
-- than running them. enable_seqscan: those plans are made while catalogs are small, and kept. jit: the price of
-- a scan that is needed all the same would have it compiled. lock_timeout: reading a view's definition locks
-- its tables, which others may hold; what takes longer is deferred. The event triggers themselves are made by
-- init(), since a dump's restore would fire an extension's own.

CREATE FUNCTION pggit.events() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite'];
END
$$;
COMMENT ON FUNCTION pggit.events() IS
'The events that tracking needs: the event trigger of each is named pggit_ and calls pggit.on_ with the event''s name.';

CREATE FUNCTION pggit.recording_mode() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_paused boolean;
    is_known boolean;
BEGIN
    -- A read-only transaction may REINDEX; it changes no definition, and could not record one.
    IF current_setting('transaction_read_only') <> 'off' THEN
        RETURN 'off';
    END IF;
    SELECT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused'),
           EXISTS (SELECT FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time())
    INTO is_paused, is_known;
    RETURN CASE
        WHEN is_paused THEN 'off'
        WHEN current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
             AND (is_known OR pggit.is_adopted()) THEN 'now'
        ELSE 'later' END;
END
$$;
COMMENT ON FUNCTION pggit.recording_mode() IS
'Whether commands are recorded at this moment: now, later, where can_record_now() says no, or off.';

CREATE FUNCTION pggit.note_tracking_error(tag text, state text, message text, context text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Below our own functions the context goes on into the user's, whose text may hold a password.
    INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, context, session_role)
    VALUES (clock_timestamp(), tag, state, message,
            substring(context FROM E'^.*?PL/pgSQL function pggit[.](?:on_|settle)[^\n]*?(?=\n|$)'), session_user);
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'pggit could not record % (% %), nor keep the error: %', tag, state, message, SQLERRM;
END
$$;
COMMENT ON FUNCTION pggit.note_tracking_error(text, text, text, text) IS
'Keeps an error of the tracking itself; where even that fails, the server log has it.';

CREATE FUNCTION pggit.defer_or_note(tag text, change text, took_ms numeric, addresses pggit.address[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trouble text;
BEGIN
    PERFORM pggit.defer(pggit.this_command(tag, change, took_ms), addresses);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_tracking_error(tag, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.defer_or_note(text, text, numeric, pggit.address[]) IS
'Leaves to settle() what a lock kept from being recorded; where somebody locked even that, notes the error.';

CREATE FUNCTION pggit.was_overtaken(version_of_caller text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN version_of_caller <> pggit.version();
END
$$;
COMMENT ON FUNCTION pggit.was_overtaken(text) IS
'Whether pgGit was brought to another version since a function of the one given began, so that a function or column that it knows may be gone.';

CREATE FUNCTION pggit.note_or_defer(
    version_of_caller text, tag text, change text, took_ms numeric, addresses pggit.address[], state text, message text, context text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pggit.was_overtaken(version_of_caller) IS NOT TRUE THEN
        PERFORM pggit.note_tracking_error(tag, state, message, context);
    ELSIF change IS NOT NULL THEN
        PERFORM pggit.defer_or_note(tag, change, took_ms, addresses);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.note_or_defer(text, text, text, numeric, pggit.address[], text, text, text) IS
'Keeps an error of the tracking, unless it came of another version that took over in the middle: then the command is left to settle(), and that one''s.';

CREATE FUNCTION pggit.on_ddl_command_start() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    trouble text;
    ready record;
BEGIN
    -- DROP INDEX CONCURRENTLY must be first in its transaction, and does not tell itself apart by its tag.
    IF TG_TAG <> 'DROP INDEX' AND pggit.sees_the_present() THEN
        SELECT EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') AS is_paused,
               EXISTS (SELECT FROM pggit.oid_origin g WHERE g.known_since = pg_postmaster_start_time()) AS is_adopted,
               EXISTS (SELECT FROM pggit.unsettled) AS lacks_something
        INTO ready;
        IF NOT ready.is_paused THEN
            IF NOT ready.is_adopted THEN
                PERFORM pggit.adopt_cluster();
            END IF;
            IF ready.lacks_something THEN
                PERFORM pggit.settle();
            END IF;
        END IF;
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, NULL, NULL, NULL, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_start() IS
'Event trigger function: before a command, makes sure that the index belongs to this cluster and lacks nothing.';

CREATE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    changed integer;
    trouble text;
    change text := CASE
        WHEN TG_TAG = 'COMMENT' THEN 'COMMENT'
        WHEN TG_TAG IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES') THEN 'GRANT'
        ELSE 'ALTER' END;
    mode text;
    found pggit.address[];
    kind text;
BEGIN
    -- What only drops is on_sql_drop()'s.
    IF TG_TAG = 'REFRESH MATERIALIZED VIEW' OR starts_with(TG_TAG, 'DROP ') AND TG_TAG <> 'DROP OWNED' THEN
        RETURN;
    END IF;
    mode := pggit.recording_mode();
    IF mode = 'off' THEN
        RETURN;
    END IF;
    found := ARRAY(
        SELECT ROW(c.classid, c.objid)::pggit.address FROM pg_event_trigger_ddl_commands() c
        WHERE NOT c.in_extension AND c.objid IS NOT NULL AND c.schema_name IS DISTINCT FROM 'pg_temp');

    IF change = 'GRANT' THEN
        FOR kind IN
            SELECT DISTINCT CASE c.command_tag WHEN 'ALTER DEFAULT PRIVILEGES' THEN 'DEFAULT PRIVILEGES'
                ELSE c.object_type END
            FROM pg_event_trigger_ddl_commands() c
            WHERE NOT c.in_extension AND c.objid IS NULL
        LOOP
            found := found || pggit.addresses_changed_now(kind);
        END LOOP;
    ELSIF TG_TAG = 'CREATE EXTENSION' AND found <> '{}' THEN
        -- CASCADE brings others along that are not reported.
        found := found || ARRAY(SELECT ROW('pg_extension'::regclass, e.oid)::pggit.address FROM pg_extension e);
    END IF;

    IF TG_TAG = 'ALTER EXTENSION' AND found = ARRAY(
        SELECT ROW('pg_extension'::regclass, e.oid)::pggit.address FROM pg_extension e
        WHERE e.extname = 'pggit' AND age(e.xmin) <= age(pg_current_xact_id()::xid))
    THEN
        RETURN;  -- another version of ours since this transaction began: that touches nothing that is recorded
    ELSIF TG_TAG = 'DROP OWNED' OR TG_TAG = 'ALTER EXTENSION' AND found <> '{}' THEN
        found := NULL;  -- either touches more than PostgreSQL tells
    ELSIF found = '{}' AND TG_TAG <> 'ALTER DEFAULT PRIVILEGES' THEN  -- that can make a row vanish
        RETURN;
    END IF;
    IF mode = 'now' THEN
        -- Who brings pgGit to another version holds this lock to the end: all that is called from here on is of one.
        LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
        changed := pggit.record_command(pggit.this_command(TG_TAG, change), found);
    ELSE
        PERFORM pggit.defer(pggit.this_command(TG_TAG, change), found);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer_or_note(TG_TAG, change, NULL, found);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, change, NULL, found, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_ddl_command_end() IS 'Event trigger function: records what a command made or changed.';

CREATE FUNCTION pggit.on_sql_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET lock_timeout = '20ms' AS $$
DECLARE
    -- The result is of no use, but PostgreSQL makes a query of PERFORM.
    changed integer;
    mode text;
    trouble text;
    d record;
    still_there oid;
    found pggit.address[];
    indexes text[] := '{}';
BEGIN
    mode := pggit.recording_mode();
    IF mode = 'off' THEN
        RETURN;
    END IF;
    found := ARRAY(
        SELECT ROW(o.classid, o.objid)::pggit.address FROM pg_event_trigger_dropped_objects() o WHERE NOT o.is_temporary);
    -- and what lost a part but still stands
    FOR d IN
        SELECT o.object_type, o.address_names FROM pg_event_trigger_dropped_objects() o
        WHERE NOT o.is_temporary AND o.object_type IN (
            'table constraint', 'default value', 'composite type column', 'domain constraint', 'index')
    LOOP
        CASE
            WHEN d.object_type IN ('table constraint', 'default value') THEN
                still_there := to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]));
                IF still_there IS NOT NULL THEN
                    found := found || ROW('pg_class'::regclass, still_there)::pggit.address;
                END IF;
            WHEN d.object_type IN ('composite type column', 'domain constraint') THEN
                still_there := to_regtype(CASE d.object_type WHEN 'domain constraint' THEN d.address_names[1]
                    ELSE format('%I.%I', d.address_names[1], d.address_names[2]) END);
                IF still_there IS NOT NULL THEN
                    found := found || ROW('pg_type'::regclass, still_there)::pggit.address;
                END IF;
            WHEN d.object_type = 'index' THEN
                indexes := indexes || format('%I.%I', d.address_names[1], d.address_names[2]);
            ELSE
                NULL;
        END CASE;
    END LOOP;
    IF found = '{}' THEN
        RETURN;
    END IF;
    IF mode <> 'now' THEN
        PERFORM pggit.defer(pggit.this_command(TG_TAG, 'ALTER'), found);
        RETURN;
    END IF;
    LOCK TABLE pggit.objects IN ROW EXCLUSIVE MODE;
    -- Of what is gone only the index's own objects matter.
    found := ARRAY(
        SELECT a FROM unnest(found) a
        WHERE EXISTS (SELECT FROM pggit.object_oids x WHERE x.objid = a.objid AND x.classid = a.classid));
    IF indexes <> '{}' THEN
        -- REINDEX CONCURRENTLY gave an index another OID and, before PostgreSQL 17, no event.
        found := found || ARRAY(
            SELECT ROW(x.classid, x.objid)::pggit.address
            FROM unnest(indexes) i
            CROSS JOIN LATERAL (SELECT o.id FROM pggit.objects o WHERE o.is_active AND o.tree_key = pggit.tree_key('INDEX', i) OFFSET 0) o
            CROSS JOIN LATERAL (SELECT y.classid, y.objid FROM pggit.object_oids y WHERE y.object_id = o.id OFFSET 0) x);
    END IF;
    IF found <> '{}' THEN
        changed := pggit.record_command(pggit.this_command(TG_TAG, 'ALTER'), found);
    END IF;
EXCEPTION
WHEN lock_not_available OR deadlock_detected THEN
    PERFORM pggit.defer_or_note(TG_TAG, 'ALTER', NULL, found);
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS trouble = PG_EXCEPTION_CONTEXT;
    PERFORM pggit.note_or_defer('0.1.0', TG_TAG, 'ALTER', NULL, found, SQLSTATE, SQLERRM, trouble);
END
$$;
COMMENT ON FUNCTION pggit.on_sql_drop() IS 'Event trigger function: records what a command dropped.';

CREATE FUNCTION pggit.on_table_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    -- The name is kept for versions that note rewrites: dumps carry the event trigger.
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.on_table_rewrite() IS 'Event trigger function: a rewrite by itself changes no definition.';

-- 50_index.sql
-- The working index against the catalog.

CREATE FUNCTION pggit.verify()
RETURNS TABLE (problem text, object_type text, object text, recorded jsonb, actual jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.settle();
    RETURN QUERY
    WITH live AS MATERIALIZED (
        SELECT e.object_type, e.identity, e.definition, e.column_order,
            pggit.blob_hash(e.object_type, e.identity, e.definition) AS hash
        FROM pggit.read_catalog(pggit.all_addresses()) e
    ), tracked AS (
        SELECT o.object_type, o.identity, o.blob, o.column_order FROM pggit.objects o
        WHERE o.is_active AND NOT o.is_manual
    )
    SELECT CASE
            WHEN t.identity IS NULL THEN 'not in the index'
            WHEN l.identity IS NULL THEN 'not in the catalog'
            WHEN t.blob = l.hash THEN 'columns in another order'
            ELSE 'definition differs' END,
        coalesce(t.object_type, l.object_type), coalesce(t.identity, l.identity), b.definition, l.definition
    FROM tracked t
    FULL JOIN live l ON l.identity = t.identity AND l.object_type = t.object_type
    LEFT JOIN pggit.blobs b ON b.hash = t.blob
    WHERE t.identity IS NULL OR l.identity IS NULL OR t.blob <> l.hash
       OR t.column_order IS DISTINCT FROM l.column_order
    ORDER BY coalesce(t.object_type, l.object_type), coalesce(t.identity, l.identity) COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.verify() IS
'Re-reads the whole catalog and returns where the index differs: no rows when all is recorded.';

CREATE FUNCTION pggit.rescan() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.adopt_cluster();
    IF NOT pggit.can_record_now() THEN
        RAISE EXCEPTION 'pggit.rescan() cannot see the schema as it is in this transaction'
            USING ERRCODE = 'GT011', HINT = 'Run it in a READ COMMITTED transaction that may write; if it is one, another session is taking the index over: try again.';
    END IF;
    PERFORM pggit.settle();
    RETURN pggit.record_everything(pggit.this_command('RESCAN', 'RESCAN'));
END
$$;
COMMENT ON FUNCTION pggit.rescan() IS
'Takes in what changed unseen, as history rows of type RESCAN. Returns how many objects differed.';

CREATE FUNCTION pggit.check_patterns(patterns text[], argument text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF patterns = '{}' OR EXISTS (SELECT FROM unnest(patterns) p WHERE p IS NULL OR p = '') THEN
        RAISE EXCEPTION 'configure_tracking: % must name something', argument
            USING ERRCODE = 'GT050', HINT = 'Give a list of names, in which * stands for anything, or NULL for no limit.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_patterns(text[], text) IS 'Raises GT050 for a list of patterns that is empty or holds nothing.';

CREATE FUNCTION pggit.configure_tracking(schemas text[] DEFAULT NULL, ignore text[] DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.check_patterns(schemas, 'schemas');
    PERFORM pggit.check_patterns(ignore, 'ignore');
    IF schemas IS NULL AND ignore IS NULL THEN
        DELETE FROM pggit.settings WHERE name = 'tracking_scope';
    ELSE
        PERFORM pggit.put_setting('tracking_scope', jsonb_build_object(
            'schemas', to_jsonb(schemas), 'ignore', to_jsonb(coalesce(ignore, '{}')))::text);
    END IF;
    RETURN 'run pggit.rescan() to take in what is tracked now and to forget what is tracked no more';
END
$$;
COMMENT ON FUNCTION pggit.configure_tracking(text[], text[]) IS
'Says what is tracked: the named schemas (all, when NULL) without what is to be ignored, schemas or schema.object. Names are plain, without quotes; * in one stands for anything. What hangs on a table, as its indexes and triggers, is ignored with it; what belongs to no schema is always tracked. Each call replaces the one before. The next rescan() takes in and forgets accordingly.';

CREATE FUNCTION pggit.unversioned() RETURNS TABLE (object_type text, object text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
BEGIN
    RETURN QUERY
    SELECT upper(i.type COLLATE "C"), i.identity
    FROM (
        SELECT 'pg_cast'::regclass::oid AS classid, c.oid AS objid FROM pg_cast c
        UNION ALL SELECT 'pg_operator'::regclass, c.oid FROM pg_operator c
        UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM pg_opclass c
        UNION ALL SELECT 'pg_opfamily'::regclass, c.oid FROM pg_opfamily c
        UNION ALL SELECT 'pg_conversion'::regclass, c.oid FROM pg_conversion c
        UNION ALL SELECT 'pg_ts_config'::regclass, c.oid FROM pg_ts_config c
        UNION ALL SELECT 'pg_ts_dict'::regclass, c.oid FROM pg_ts_dict c
        UNION ALL SELECT 'pg_ts_parser'::regclass, c.oid FROM pg_ts_parser c
        UNION ALL SELECT 'pg_ts_template'::regclass, c.oid FROM pg_ts_template c
        UNION ALL SELECT 'pg_transform'::regclass, c.oid FROM pg_transform c
        UNION ALL SELECT 'pg_am'::regclass, c.oid FROM pg_am c
        UNION ALL SELECT 'pg_language'::regclass, c.oid FROM pg_language c
        UNION ALL SELECT 'pg_publication'::regclass, c.oid FROM pg_publication c
        UNION ALL SELECT 'pg_event_trigger'::regclass, c.oid FROM pg_event_trigger c
            WHERE c.evtname <> ALL (SELECT 'pggit_' || e FROM unnest(pggit.events()) e)
        UNION ALL SELECT 'pg_type'::regclass, c.oid FROM pg_type c
            WHERE c.typtype = 'b' AND c.typelem = 0 OR NOT c.typisdefined
        UNION ALL SELECT 'pg_subscription'::regclass, c.oid FROM pg_subscription c
            WHERE c.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        UNION ALL SELECT 'pg_user_mapping'::regclass, c.umid FROM pg_user_mappings c
    ) x
    CROSS JOIN LATERAL pg_identify_object(x.classid, x.objid, 0) i
    WHERE x.objid >= 16384 AND pggit.is_tracked_schema(i.schema)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classid AND d.objid = x.objid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION pggit.unversioned() IS 'Objects of kinds that pgGit does not version.';

-- 60_trees.sql
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

-- 62_statements.sql
-- Pieces of DDL that many kinds of objects share. Text that comes out of a definition was written by
-- PostgreSQL itself and is qualified and quoted; single names are quoted here.

CREATE FUNCTION pggit.tokens_in(sql text) RETURNS TABLE (token text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- From left to right, so that a quote inside a name or a constant is none.
    RETURN QUERY SELECT m[1] FROM regexp_matches(
        sql, '(''(?:[^'']|'''')*''|(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)(?:[.](?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*))*[(]?)', 'g') m;
END
$$;
COMMENT ON FUNCTION pggit.tokens_in(text) IS
'The string constants, and the words and names with all their parts, of SQL that PostgreSQL wrote; one that a parenthesis follows at once comes with it.';

CREATE FUNCTION pggit.pieces_of(sql text) RETURNS TABLE (place bigint, piece text, is_constant boolean, is_name boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.place, p.m[1], starts_with(p.m[1], ''''), starts_with(p.m[1], '''') AND coalesce(
            lead(p.m[1]) OVER (ORDER BY p.place) ~ '^::reg(?:class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)(?![a-z0-9_.$"])', false)
    -- and a quote by itself, in what is no SQL
    FROM regexp_matches(sql, '(''(?:[^'']|'''')*''|(?:"(?:[^"]|"")*"|[^''"])+|[''"])', 'g') WITH ORDINALITY AS p (m, place);
END
$$;
COMMENT ON FUNCTION pggit.pieces_of(text) IS
'SQL that PostgreSQL wrote, cut into its string constants and what stands between them. is_name: the constant is the name of something, which follows a rename (''public.t''::regclass).';

CREATE FUNCTION pggit.text_body_at(definition text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE substring(definition FROM E'\n(AS |BEGIN ATOMIC|RETURN )') WHEN 'AS ' THEN strpos(definition, E'\nAS ') ELSE 0 END;
END
$$;
COMMENT ON FUNCTION pggit.text_body_at(text) IS
'Where in a function''s definition its body begins that is a text; 0 for a body in SQL, whose names PostgreSQL has resolved.';

CREATE FUNCTION pggit.mentions_in(sql text) RETURNS TABLE (name text, called text, is_quoted boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, x.called, x.is_quoted
    FROM pggit.tokens_in(sql) t
    -- A name in a string constant ('public.s'::regclass) has its quotes doubled, and no parenthesis, whatever it is.
    CROSS JOIN LATERAL (
        SELECT t.token AS part, CASE WHEN t.token ~ '[(]$' THEN '(' ELSE '' END AS called, false AS is_quoted WHERE t.token !~ '^'''
        UNION ALL SELECT i.token, c.called, true
            FROM pggit.tokens_in(replace(substr(t.token, 2, length(t.token) - 2), '''''', '''')) i CROSS JOIN (VALUES (''), ('(')) AS c (called)
            WHERE t.token ~ '^''.*[.]' AND i.token !~ '^''') x
    CROSS JOIN LATERAL (SELECT substring(x.part FROM '^((?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)[.](?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*))') AS name) n
    WHERE n.name IS NOT NULL AND NOT starts_with(n.name, 'pg_catalog.');
END
$$;
COMMENT ON FUNCTION pggit.mentions_in(text) IS
'The qualified names that stand in a piece of SQL, each with the parenthesis that follows it, if one does; one in a string constant (is_quoted) both with and without.';

CREATE FUNCTION pggit.names_in(sql text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT m.name FROM pggit.mentions_in(sql) m);
END
$$;
COMMENT ON FUNCTION pggit.names_in(text) IS
'The qualified names that stand in a piece of SQL: what it may depend on. May give too many, never too few.';

CREATE FUNCTION pggit.as_pattern(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(name, '([\\.^$*+?()\[\]{}|])', '\\\1', 'g');
END
$$;
COMMENT ON FUNCTION pggit.as_pattern(text) IS 'A regular expression that matches just this text.';

CREATE FUNCTION pggit.as_word(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN '(?<![a-z0-9_"])' || pggit.as_pattern(name) || '(?![a-z0-9_"])';
END
$$;
COMMENT ON FUNCTION pggit.as_word(text) IS 'A regular expression that matches a name, quoted where it needs to be, as a word of its own.';

CREATE FUNCTION pggit.mentions(sql text, name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Most of what is asked does not even hold the letters.
    RETURN strpos(sql, name) > 0 AND sql ~ pggit.as_word(name);
END
$$;
COMMENT ON FUNCTION pggit.mentions(text, text) IS 'Whether a name, quoted where it needs to be, stands in a piece of SQL as a word of its own.';

CREATE FUNCTION pggit.needs_in(sql text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT w.want
        -- where a foreign key leads to is no function
        FROM pggit.mentions_in(regexp_replace(sql, '( REFERENCES (?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^."(]+))[(]', '\1 (', 'g')) m
        CROSS JOIN LATERAL (
            SELECT m.name || m.called
            -- 'public.i'::regclass may be an index, which may have the name of a type
            UNION ALL SELECT 'index ' || m.name WHERE m.is_quoted AND strpos(sql, '''::regclass') > 0) AS w (want));
END
$$;
COMMENT ON FUNCTION pggit.needs_in(text) IS
'What the parts of an object need of what a piece of SQL mentions: the qualified names, those of functions with a parenthesis after them, since a function can have the name of a table or type.';

CREATE FUNCTION pggit.as_written(sql text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(  -- and nothing within a constant or a name
        sql, $re$('(?:[^']|'')*'|"(?:[^"]|"")*")|\((ARRAY\[(?:[^]['"]|'(?:[^']|'')*'|"(?:[^"]|"")*")*\])\)::(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_ ]*|[.]|\([0-9,]+\))+\[\]$re$,
        '\1\2', 'g');
END
$$;
COMMENT ON FUNCTION pggit.as_written(text) IS
'A statement in words that PostgreSQL reads as they were meant: a list of constants that an operator takes in another type it writes (ARRAY[...])::type[], and reads that as a list whose every constant is cast.';

CREATE FUNCTION pggit.may_evaluate(sql text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A constant of somebody's type is read by that type while the statement is parsed, and with it run the
    -- checks of domains inside; an aggregate's first state is tried, too.
    RETURN sql ~ '::("(?:[^"]|"")+"|[a-z_][a-z0-9_]*)[.]'
        OR sql ~ '^CREATE AGGREGATE .* M?STYPE = [^,]*[.].*INITCOND = '
        -- PostgreSQL works out what it can of a partition key and of what is generated.
        OR sql ~ '^CREATE [A-Z ]*TABLE ' AND sql ~ ' (PARTITION BY|GENERATED ALWAYS AS [(])' AND NOT pggit.is_harmless(sql);
END
$$;
COMMENT ON FUNCTION pggit.may_evaluate(text) IS
'Whether PostgreSQL may run code of somebody''s, a domain''s check or a function, merely to take a statement that PostgreSQL wrote. May say so too often, never too seldom.';

CREATE FUNCTION pggit.is_harmless(sql text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL's own functions have a superuser's powers, too (pg_read_file, query_to_xml, set_config), so only those
    -- that are known to do nothing else count as harmless; in capitals are words of SQL.
    RETURN strpos(sql, 'OPERATOR(') = 0 AND NOT EXISTS (
        SELECT FROM pggit.tokens_in(sql) t
        WHERE t.token ~ '[(]$' AND t.token !~ '^[A-Z_]+[(]$' AND rtrim(t.token, '(') <> ALL (ARRAY[
            'nextval', 'now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp', 'timezone', 'date_trunc', 'date_part',
            'make_date', 'age', 'to_char', 'to_date', 'to_timestamp', 'gen_random_uuid', 'random', 'md5', 'sha256', 'lower', 'upper',
            'initcap', 'length', 'char_length', 'octet_length', 'btrim', 'ltrim', 'rtrim', 'lpad', 'rpad', 'substr', 'substring', 'left',
            'right', 'replace', 'split_part', 'starts_with', 'concat', 'concat_ws', 'abs', 'sign', 'round', 'ceil', 'floor', 'trunc',
            'mod', 'array_length', 'cardinality', 'jsonb_typeof', 'json_typeof', 'jsonb_build_object', 'jsonb_build_array',
            'to_tsvector', 'num_nonnulls', 'num_nulls', 'lower_inf', 'upper_inf', 'isempty', 'isfinite',
            'numeric', 'varying', 'character', 'char', 'bpchar', 'varchar', 'bit', 'time', 'timestamp', 'timestamptz', 'interval']));
END
$$;
COMMENT ON FUNCTION pggit.is_harmless(text) IS
'Whether a piece of SQL that PostgreSQL wrote calls nothing but functions that are known to do no harm with whatever rights, and no operator of somebody''s. Types are another matter: may_evaluate() and has_code() look at them.';

CREATE FUNCTION pggit.storage_word(letter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE letter WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END;
END
$$;
COMMENT ON FUNCTION pggit.storage_word(text) IS 'How SET STORAGE calls a column''s storage; what is not known is EXTENDED.';

CREATE FUNCTION pggit.type_storage(type_name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- SET STORAGE DEFAULT came with PostgreSQL 16
    RETURN pggit.storage_word((SELECT t.typstorage::text FROM pg_type t WHERE t.oid = to_regtype(type_name)));
END
$$;
COMMENT ON FUNCTION pggit.type_storage(text) IS 'The storage that a column of a type has where none is set.';

CREATE FUNCTION pggit.option_list(options jsonb, prefix text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(prefix || quote_ident(split_part(o, '=', 1)) || '='
                              || quote_literal(substr(o, strpos(o, '=') + 1)), ', ' ORDER BY o COLLATE "C")
            FROM jsonb_array_elements_text(options) o);
END
$$;
COMMENT ON FUNCTION pggit.option_list(jsonb, text) IS 'Storage options as they stand in WITH or SET.';

CREATE FUNCTION pggit.option_changes(
    command text, old_options jsonb, new_options jsonb, prefix text DEFAULT '') RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone text := (
        SELECT string_agg(prefix || quote_ident(split_part(o, '=', 1)), ', ' ORDER BY o COLLATE "C")
        FROM jsonb_array_elements_text(old_options) o
        WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(new_options) n
                          WHERE split_part(n, '=', 1) = split_part(o, '=', 1)));
BEGIN
    RETURN array_remove(ARRAY[
        command || ' RESET (' || gone || ')',
        command || ' SET (' || pggit.option_list(new_options, prefix) || ')'], NULL);
END
$$;
COMMENT ON FUNCTION pggit.option_changes(text, jsonb, jsonb, text) IS
'Statements that bring storage options from one list to another; command is the ALTER up to the object.';

-- A foreign option whose value was not recorded, since it may be a secret, has no "=".
CREATE FUNCTION pggit.foreign_options(options jsonb, verb text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(verb || quote_ident(split_part(o, '=', 1)) || ' '
                || CASE WHEN strpos(o, '=') > 0 THEN quote_literal(substr(o, strpos(o, '=') + 1))
                        ELSE '''(not recorded)''' END, ', ' ORDER BY o COLLATE "C")
            FROM jsonb_array_elements_text(options) o);
END
$$;
COMMENT ON FUNCTION pggit.foreign_options(jsonb, text) IS
'Options of something foreign as they stand in OPTIONS; a value that was not recorded is to be set by hand.';

CREATE FUNCTION pggit.foreign_option_changes(command text, old_options jsonb, new_options jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changes text := (
        SELECT string_agg(
            CASE WHEN n.o IS NULL THEN 'DROP ' || quote_ident(w.name)
                 ELSE CASE WHEN w.name IS NULL THEN 'ADD ' ELSE 'SET ' END
                      || pggit.foreign_options(jsonb_build_array(n.o)) END,
            ', ' ORDER BY coalesce(n.name, w.name) COLLATE "C")
        FROM (SELECT split_part(o, '=', 1) AS name, o FROM jsonb_array_elements_text(old_options) o) w
        FULL JOIN (SELECT split_part(o, '=', 1) AS name, o FROM jsonb_array_elements_text(new_options) o) n USING (name)
        WHERE n.o IS DISTINCT FROM w.o);
BEGIN
    RETURN array_remove(ARRAY[command || ' OPTIONS (' || changes || ')'], NULL);
END
$$;
COMMENT ON FUNCTION pggit.foreign_option_changes(text, jsonb, jsonb) IS
'Statements that bring foreign options from one list to another.';

CREATE FUNCTION pggit.sequence_options(s jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s %s', s ->> 'increment', s ->> 'min',
                  s ->> 'max', s ->> 'start', s ->> 'cache', CASE WHEN (s ->> 'cycle')::boolean THEN 'CYCLE' ELSE 'NO CYCLE' END);
END
$$;
COMMENT ON FUNCTION pggit.sequence_options(jsonb) IS 'A sequence''s options as CREATE and ALTER SEQUENCE take them.';

-- Privileges -----------------------------------------------------------------------------------------

CREATE FUNCTION pggit.acl_entries(kind "char", owner text, acl jsonb)
RETURNS TABLE (grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF acl IS NULL THEN
        -- what a new object has, whoever's that may be: the letters alone are taken
        RETURN QUERY
        SELECT CASE WHEN starts_with(i::text, '=') THEN '' ELSE owner END,
            substring(i::text FROM '=([a-zA-Z*]*)/'), owner
        FROM unnest(acldefault(kind, 10)) i;
    ELSE
        RETURN QUERY
        SELECT CASE WHEN starts_with(m[1], '"') THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END,
            m[2],
            CASE WHEN starts_with(m[3], '"') THEN replace(substr(m[3], 2, length(m[3]) - 2), '""', '"') ELSE m[3] END
        FROM jsonb_array_elements_text(acl) i
        CROSS JOIN LATERAL regexp_match(i, '^("(?:[^"]|"")*"|[^=]*)=([a-zA-Z*]*)/(.*)$') m;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.acl_entries("char", text, jsonb) IS
'Privileges taken apart: role names (empty for PUBLIC) and PostgreSQL''s letters, each followed by * with grant option. Null stands for what a new object has.';

CREATE FUNCTION pggit.privilege_words(letters text, with_option boolean, columns text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT string_agg(
            CASE m[1] WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                WHEN 'D' THEN 'TRUNCATE' WHEN 'x' THEN 'REFERENCES' WHEN 't' THEN 'TRIGGER' WHEN 'm' THEN 'MAINTAIN'
                WHEN 'X' THEN 'EXECUTE' WHEN 'U' THEN 'USAGE' WHEN 'C' THEN 'CREATE' END || columns, ', ')
        FROM regexp_matches(letters, '([a-zA-Z])([*]?)', 'g') m
        WHERE (m[2] = '*') = with_option);
END
$$;
COMMENT ON FUNCTION pggit.privilege_words(text, boolean, text) IS
'The privileges that letters stand for, those with grant option or those without; columns is appended to each.';

CREATE FUNCTION pggit.role_word(role_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE role_name WHEN '' THEN 'PUBLIC' ELSE quote_ident(role_name) END;
END
$$;
COMMENT ON FUNCTION pggit.role_word(text) IS 'A role as GRANT names it; the empty name is PUBLIC.';

CREATE FUNCTION pggit.grants(
    prefix text, target text, owner text, grantee text, letters text, grantor text, columns text DEFAULT '')
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plain text := pggit.privilege_words(letters, false, columns);
    optional text := pggit.privilege_words(letters, true, columns);
    given text[] := array_remove(ARRAY[
        prefix || 'GRANT ' || plain || ' ON ' || target || ' TO ' || pggit.role_word(grantee),
        prefix || 'GRANT ' || optional || ' ON ' || target || ' TO ' || pggit.role_word(grantee) || ' WITH GRANT OPTION'], NULL);
BEGIN
    IF grantor IS DISTINCT FROM owner AND given <> '{}' THEN
        RETURN 'SET ROLE ' || quote_ident(grantor) || given || ARRAY['RESET ROLE'];
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION pggit.grants(text, text, text, text, text, text, text) IS
'Statements for one entry of an access list. A grant that somebody else than the owner made is made in that role, and every grant when owner is null.';

CREATE FUNCTION pggit.acl_with_columns(kind "char", owner text, acl jsonb, columns jsonb)
RETURNS TABLE (column_name text, grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT NULL::text, a.grantee, a.letters, a.grantor FROM pggit.acl_entries(kind, owner, acl) a
    UNION ALL
    SELECT c.key, a.grantee, a.letters, a.grantor FROM jsonb_each(columns) c CROSS JOIN LATERAL pggit.acl_entries('c', owner, c.value) a;
END
$$;
COMMENT ON FUNCTION pggit.acl_with_columns("char", text, jsonb, jsonb) IS
'Privileges on an object, where column_name is null, and on its columns, taken apart.';

CREATE FUNCTION pggit.acl_in_order(kind "char", owner text, acl jsonb, columns jsonb)
RETURNS TABLE (column_name text, grantee text, letters text, grantor text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE entry AS MATERIALIZED (
        SELECT a.column_name AS of_column, a.grantee AS to_role, a.grantor AS by_role, m.found[1] AS letter, m.found[2] AS option, m.place
        FROM pggit.acl_with_columns(kind, owner, acl, columns) a
        CROSS JOIN LATERAL regexp_matches(a.letters, '([a-zA-Z])([*]?)', 'g') WITH ORDINALITY AS m (found, place)
    ), may_grant AS (
        SELECT DISTINCT NULL AS of_column, owner AS by_role, e.letter, 0 AS distance FROM entry e
        UNION
        SELECT e.of_column, e.to_role, e.letter, g.distance + 1
        FROM may_grant g
        JOIN entry e ON e.by_role = g.by_role AND e.letter = g.letter AND e.option = '*' AND e.to_role <> owner
            AND (g.of_column IS NULL OR g.of_column = e.of_column)
        -- two who have it from a third may give it to each other, too: the shortest way is asked for
        WHERE g.distance < (SELECT count(DISTINCT e.to_role) FROM entry e)
    )
    SELECT e.of_column, e.to_role, string_agg(e.letter || e.option, '' ORDER BY e.place), e.by_role
    FROM entry e
    CROSS JOIN LATERAL (
        SELECT min(g.distance) AS distance FROM may_grant g
        WHERE g.by_role = e.by_role AND g.letter = e.letter AND (g.of_column IS NULL OR g.of_column = e.of_column)) d
    GROUP BY e.of_column, e.to_role, e.by_role, d.distance
    ORDER BY e.of_column IS NOT NULL, d.distance, e.of_column COLLATE "C", e.to_role COLLATE "C", e.by_role COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.acl_in_order("char", text, jsonb, jsonb) IS
'Privileges on an object (column_name is null) and its columns, so ordered that who gives some on was given them before.';

CREATE FUNCTION pggit.acl_changes(
    kind "char", target text, old_acl jsonb, old_owner text, new_acl jsonb, new_owner text,
    reset_roles text[] DEFAULT NULL, old_columns jsonb DEFAULT NULL, new_columns jsonb DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statements text[] := '{}';
    revokes text[] := '{}';
    e record;
    -- Privileges of others' giving hang on each other, and REVOKE takes those on columns along: then all is done anew.
    anew boolean := reset_roles IS NOT NULL OR old_columns IS NOT NULL OR new_columns IS NOT NULL OR old_owner <> new_owner AND old_acl IS NOT NULL
        OR EXISTS (SELECT FROM pggit.acl_entries(kind, old_owner, old_acl) o WHERE o.grantor <> old_owner)
        OR EXISTS (SELECT FROM pggit.acl_entries(kind, new_owner, new_acl) n WHERE n.grantor <> new_owner);
    -- Of a member of several roles that may grant, PostgreSQL takes any of them for the grantor, unless it is the owner
    -- itself or a superuser, who grants in the owner's name.
    others_may_grant boolean := current_user <> new_owner AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AND EXISTS (
        SELECT FROM (
            SELECT unnest(reset_roles) AS grantee, '*' AS letters
            UNION ALL SELECT o.grantee, o.letters FROM pggit.acl_with_columns(kind, old_owner, old_acl, old_columns) o
            UNION ALL SELECT n.grantee, n.letters FROM pggit.acl_with_columns(kind, new_owner, new_acl, new_columns) n) x
        JOIN pg_roles r ON r.rolname = x.grantee AND pg_has_role(r.oid, 'USAGE')
        WHERE x.grantee NOT IN (old_owner, new_owner) AND x.letters LIKE '%*%');
    giver text := CASE WHEN NOT others_may_grant THEN new_owner END;
BEGIN
    -- Those who gave something to each other go on having it when the owner takes it away.
    FOR e IN
        WITH RECURSIVE given AS (
            SELECT DISTINCT o.grantor, o.grantee FROM pggit.acl_with_columns(kind, old_owner, old_acl, old_columns) o
            WHERE o.grantor <> old_owner AND o.letters LIKE '%*%'
        ), reached AS (
            SELECT g.grantor, g.grantee, g.grantee AS by_way_of FROM given g
            UNION SELECT r.grantor, r.grantee, g.grantee FROM reached r JOIN given g ON g.grantor = r.by_way_of
        )
        SELECT r.grantor, r.grantee FROM reached r
        WHERE r.by_way_of = r.grantor AND r.grantor <> new_owner ORDER BY r.grantor COLLATE "C", r.grantee COLLATE "C"
    LOOP
        statements := statements || ARRAY['SET ROLE ' || quote_ident(e.grantor), format('REVOKE ALL ON %s FROM %s CASCADE', target, pggit.role_word(e.grantee)), 'RESET ROLE'];
    END LOOP;
    FOR e IN
        SELECT x.grantee FROM (
            SELECT CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AS grantee
            FROM pggit.acl_entries(kind, old_owner, old_acl) o
            WHERE anew OR NOT EXISTS (
                SELECT FROM pggit.acl_entries(kind, new_owner, new_acl) n
                WHERE n.grantee = CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AND n.letters = o.letters)
            UNION ALL
            SELECT o.grantee FROM jsonb_each(old_columns) c CROSS JOIN LATERAL pggit.acl_entries('c', old_owner, c.value) o
            UNION ALL SELECT r FROM unnest(reset_roles) r
        ) x GROUP BY x.grantee ORDER BY x.grantee COLLATE "C"
    LOOP
        revokes := revokes || format('REVOKE ALL ON %s FROM %s CASCADE', target, pggit.role_word(e.grantee));
    END LOOP;
    statements := statements || CASE WHEN others_may_grant AND revokes <> '{}'
        THEN 'SET ROLE ' || quote_ident(new_owner) || revokes || ARRAY['RESET ROLE'] ELSE revokes END;
    FOR e IN
        SELECT n.* FROM pggit.acl_in_order(kind, new_owner, new_acl, new_columns) n
        WHERE anew OR NOT EXISTS (
            SELECT FROM pggit.acl_entries(kind, old_owner, old_acl) o
            WHERE n.grantee = CASE o.grantee WHEN old_owner THEN new_owner ELSE o.grantee END AND n.letters = o.letters)
    LOOP
        statements := statements || pggit.grants(
            '', target, giver, e.grantee, e.letters, e.grantor, coalesce(' (' || quote_ident(e.column_name) || ')', ''));
    END LOOP;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.acl_changes("char", text, jsonb, text, jsonb, text, text[], jsonb, jsonb) IS
'Statements that bring an object''s privileges, and those of its columns, from one list to another. reset_roles: roles that may hold privileges by default privileges.';

-- 63_elements.sql
-- An object taken apart into what can be made, removed and changed by statements of its own: a table into its
-- columns, defaults, constraints ... The planner (65) puts the elements of two trees side by side.

CREATE TYPE pggit.element AS (
    key text,
    object_type text,
    identity text,
    part text,
    state jsonb,
    rank integer,
    make text[],
    unmake text[],
    made_by text[],
    taken_by text[],
    via text[],
    link text,
    provides text[],
    needs text[],
    holds text[],
    claims text[],
    as_owner_of text,
    loses text
);
COMMENT ON TYPE pggit.element IS
'A part of an object that statements of its own make (make) and remove (unmake). part is empty for the object itself. Elements of equal state need no statement. made_by and taken_by: keys of elements whose statement makes or removes this one, too; via: those of a parent table that do so as long as link, the inheritance, stays. provides and needs: names that order the statements; holds: those of needs without which it cannot stay as it is; a name that begins with make: or drop: counts only then; claims: names that only one of all can have. as_owner_of: the statement evaluates expressions and runs with that relation''s owner''s rights. loses: a table or column whose rows go with it. rank orders what nothing else orders; ten ranks are a group.';

CREATE FUNCTION pggit.element_key(object_type text, identity text, part text DEFAULT '') RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN object_type || ' ' || identity || E'\n' || part;
END
$$;
COMMENT ON FUNCTION pggit.element_key(text, text, text) IS 'What an element is known by.';

CREATE FUNCTION pggit.relation_keys(identity text, part text DEFAULT '') RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY[
        'TABLE ' || identity || E'\n' || part, 'FOREIGN TABLE ' || identity || E'\n' || part,
        'MATERIALIZED VIEW ' || identity || E'\n' || part, 'VIEW ' || identity || E'\n' || part];
END
$$;
COMMENT ON FUNCTION pggit.relation_keys(text, text) IS 'The keys that something with columns may have, whatever its type.';

CREATE FUNCTION pggit.new_element(
    object_type text, identity text, part text, rank integer, state jsonb,
    make text[] DEFAULT '{}', unmake text[] DEFAULT '{}',
    made_by text[] DEFAULT '{}', taken_by text[] DEFAULT NULL, via text[] DEFAULT '{}', link text DEFAULT NULL,
    provides text[] DEFAULT '{}', needs text[] DEFAULT '{}', holds text[] DEFAULT NULL,
    as_owner_of text DEFAULT NULL, loses text DEFAULT NULL)
RETURNS pggit.element
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ROW(pggit.element_key(object_type, identity, part), object_type, identity, part, state, rank,
               array_remove(make, NULL), array_remove(unmake, NULL), made_by,
               coalesce(taken_by, CASE part WHEN '' THEN '{}' ELSE ARRAY[pggit.element_key(object_type, identity)] END),
               via, link, provides, needs, coalesce(holds, needs), '{}', as_owner_of, loses)::pggit.element;
END
$$;
COMMENT ON FUNCTION pggit.new_element(text, text, text, integer, jsonb, text[], text[], text[], text[], text[], text, text[], text[], text[], text, text) IS
'An element; a part goes with its object unless told otherwise.';

CREATE FUNCTION pggit.key_names(relation text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A partition gets its own indexes before it is attached, or PostgreSQL would make others, and the partitioned
    -- table gets its own afterwards; it is detached before either goes.
    RETURN ARRAY['keys ' || relation, 'drop:keys ' || relation];
END
$$;
COMMENT ON FUNCTION pggit.key_names(text) IS 'The names that an index provides for the inheritance of its table.';

CREATE FUNCTION pggit.schema_part(identity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substring(identity FROM '^((?:"(?:[^"]|"")+"|[^.]+))[.]');
END
$$;
COMMENT ON FUNCTION pggit.schema_part(text) IS 'The schema in a qualified name, quoted where it needs to be.';

CREATE FUNCTION pggit.name_part(identity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substr(identity, length(pggit.schema_part(identity)) + 2);
END
$$;
COMMENT ON FUNCTION pggit.name_part(text) IS 'A qualified name without its schema.';

-- What most kinds have ---------------------------------------------------------------------------------

CREATE FUNCTION pggit.common_elements(
    object_type text, identity text, d jsonb, rank integer, target text,
    acl_kind "char" DEFAULT NULL, acl_target text DEFAULT NULL, owned_by_table text DEFAULT NULL)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    columns_acl jsonb;
BEGIN
    IF d ? 'owner' THEN
        e := pggit.new_element(
            object_type, identity, 'owner', rank + 1, d -> 'owner',
            make => ARRAY[format('ALTER %s OWNER TO %I', target, d ->> 'owner')],
            provides => ARRAY[identity, 'owner ' || identity], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
    IF acl_kind IS NOT NULL THEN
        SELECT jsonb_object_agg(c.key, c.value -> 'acl') INTO columns_acl
        FROM jsonb_each(d -> 'columns') c WHERE c.value ? 'acl';
        e := pggit.new_element(
            object_type, identity, 'acl', rank + 2,
            jsonb_build_object('kind', acl_kind, 'target', acl_target, 'owner', d -> 'owner', 'acl', d -> 'acl', 'columns', columns_acl),
            needs => ARRAY['shell ' || identity, 'body ' || identity, 'owner ' || identity, 'owner ' || owned_by_table]);
        RETURN NEXT e;
    END IF;
    IF d ? 'comment' THEN
        e := pggit.new_element(
            object_type, identity, 'comment', rank + 3, d -> 'comment',
            make => ARRAY[format('COMMENT ON %s IS %L', target, d ->> 'comment')],
            unmake => ARRAY[format('COMMENT ON %s IS NULL', target)], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.common_elements(text, text, jsonb, integer, text, "char", text, text) IS
'Owner, privileges and comment. target is the object as ALTER and COMMENT name it, acl_target as GRANT does; owned_by_table is the table whose owner a sequence always has.';

CREATE FUNCTION pggit.setting_element(
    object_type text, identity text, part text, rank integer, state jsonb, make text, unmake text,
    made_by text[] DEFAULT '{}', needs text[] DEFAULT '{}', taken_by text[] DEFAULT NULL)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
BEGIN
    IF jsonb_typeof(state) <> 'null' THEN
        e := pggit.new_element(object_type, identity, part, rank, state, ARRAY[make], ARRAY[unmake], made_by,
                                      taken_by => taken_by, needs => needs || ('body ' || identity));
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.setting_element(text, text, text, integer, jsonb, text, text, text[], text[], text[]) IS
'An element that one statement sets and one resets; none when there is no state.';

-- Tables -----------------------------------------------------------------------------------------------

CREATE FUNCTION pggit.column_sql(table_name text, column_name text, c jsonb, with_default boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN concat_ws(' ', quote_ident(column_name), c ->> 'type', 'COLLATE ' || (c ->> 'collation'),
        'OPTIONS (' || pggit.foreign_options(c -> 'fdw_options') || ')',
        CASE WHEN with_default THEN 'DEFAULT ' || (c ->> 'default') END,
        CASE WHEN c ? 'generated' THEN format('GENERATED ALWAYS AS (%s) %s', c #>> '{generated,expression}', upper((c #>> '{generated,kind}') COLLATE "C")) END,
        CASE WHEN c ? 'identity' THEN format(
            'GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)', upper((c #>> '{identity,kind}') COLLATE "C"), c #>> '{identity,sequence}',
            pggit.sequence_options(c -> 'identity')) END,
        CASE WHEN (c #>> '{not_null_constraint,definition}') ~ ' NOT VALID$' THEN NULL
             WHEN c ? 'not_null_constraint' THEN format(
                 'CONSTRAINT %I NOT NULL', c #>> '{not_null_constraint,name}')
                 || CASE WHEN (c #>> '{not_null_constraint,definition}') ~ ' NO INHERIT$' THEN ' NO INHERIT' ELSE '' END
             WHEN c ? 'not_null' THEN pggit.not_null_sql(table_name, column_name) || 'NOT NULL' END);
END
$$;
COMMENT ON FUNCTION pggit.column_sql(text, text, jsonb, boolean) IS 'A column as CREATE TABLE and ADD COLUMN take it.';

CREATE FUNCTION pggit.not_null_sql(table_name text, column_name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- From PostgreSQL 18 on NOT NULL has a name, and an unnamed one gets another where some table has that already.
    RETURN CASE WHEN current_setting('server_version_num')::integer >= 180000
        THEN format('CONSTRAINT %I ', pggit.default_not_null_name(table_name, column_name)) ELSE '' END;
END
$$;
COMMENT ON FUNCTION pggit.not_null_sql(text, text) IS 'What makes sure that a NOT NULL constraint gets the usual name.';

CREATE FUNCTION pggit.is_simple_default(expression text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A function of the user's may need the table in turn, so its default is set when both are there; and what
    -- runs code is set with the owner's rights.
    RETURN expression !~ '("|[a-z0-9_])[.]("(?:[^"]|"")+"|[a-z0-9_]+)[(]' AND NOT pggit.may_evaluate(expression);
END
$$;
COMMENT ON FUNCTION pggit.is_simple_default(text) IS 'Whether a default calls and reads nothing but PostgreSQL''s own.';

CREATE FUNCTION pggit.column_elements(
    object_type text, identity text, column_name text, c jsonb, parents text[], is_partition boolean, is_partitioned boolean)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    table_name text := (parse_ident(identity))[2];
    own text := pggit.element_key(object_type, identity, 'column ' || column_name);
    inherited boolean := c ? 'inherited';
    from_shell text[] := CASE WHEN inherited AND NOT is_partition THEN '{}' ELSE ARRAY[shell] END;
    parent_keys text[] := CASE WHEN inherited THEN ARRAY(
        SELECT k FROM unnest(parents) p CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'column ' || column_name)) k)
        ELSE '{}' END;
    alter_only text := format('ALTER TABLE ONLY %s ALTER COLUMN %I ', identity, column_name);
    alter_all text := format('ALTER TABLE %s ALTER COLUMN %I ', identity, column_name);
    -- Before PostgreSQL 18 a child may take nulls where its parent does not, and the other way round.
    null_alone boolean := pggit.not_null_sql('', '') = '' AND NOT is_partitioned;
    alter_null text := CASE WHEN null_alone THEN alter_only ELSE alter_all END;
    sequence text := c #>> '{identity,sequence}';
    parent_bodies text[] := CASE WHEN inherited THEN ARRAY(SELECT 'body ' || p FROM unnest(parents) p) ELSE '{}' END;
    state jsonb;
    setting record;
    of_type text[] := pggit.names_in(concat_ws(' ', c ->> 'type', c ->> 'collation'));
    of_expression text[] := pggit.needs_in(coalesce(c #>> '{generated,expression}', ''));
    of_default text[] := pggit.needs_in(coalesce(c ->> 'default', ''));
BEGIN
    e := pggit.new_element(
        object_type, identity, 'column ' || column_name, 1404,
        jsonb_strip_nulls(jsonb_build_object(
            'type', c -> 'type', 'collation', c -> 'collation', 'generated', c -> 'generated', 'inherited', c -> 'inherited')),
        make => ARRAY[format('ALTER TABLE %s ADD COLUMN %s', identity, pggit.column_sql(table_name, column_name, c, true))],
        unmake => ARRAY[format('ALTER TABLE %s DROP COLUMN %I', identity, column_name)],
        made_by => ARRAY[shell], taken_by => ARRAY[shell], via => parent_keys,
        link => pggit.element_key(object_type, identity, 'link'),
        provides => ARRAY[identity, 'body ' || identity, 'make:columns ' || identity] || CASE WHEN c ? 'generated' THEN '{}' ELSE ARRAY['plain ' || identity] END,
        needs => of_type || of_expression || of_default
            || ARRAY['shell ' || identity, 'extensions'] || parent_bodies
            || CASE WHEN c ? 'generated' THEN ARRAY['plain ' || identity] ELSE '{}' END,
        holds => of_type || of_expression
            || CASE WHEN c ? 'generated' THEN ARRAY['plain ' || identity] ELSE '{}' END,
        as_owner_of => identity,
        loses => CASE WHEN object_type = 'TABLE' AND NOT c ? 'generated' THEN column_name END);
    RETURN NEXT e;
    -- A column that comes from a parent may come with a default. An identity column has none, and stays as it is when
    -- it gets a parent.
    IF c ? 'default' OR c ? 'identity' OR inherited AND NOT is_partition AND NOT c ? 'generated' THEN
        e := pggit.new_element(
            object_type, identity, 'default ' || column_name, 1405, coalesce(c -> 'default', 'null'),
            make => CASE WHEN c ? 'identity' AND NOT inherited THEN '{}'
                ELSE ARRAY[alter_only || coalesce('SET DEFAULT ' || (c ->> 'default'), 'DROP DEFAULT')] END,
            unmake => CASE WHEN c ? 'default' THEN ARRAY[alter_only || 'DROP DEFAULT'] ELSE '{}' END,
            made_by => ARRAY[own] || CASE WHEN pggit.is_simple_default(coalesce(c ->> 'default', '')) THEN from_shell ELSE '{}' END,
            taken_by => ARRAY[shell, own],
            needs => of_default || ARRAY['body ' || identity, 'extensions'] || parent_bodies, holds => of_default);
        RETURN NEXT e;
    END IF;
    IF c ? 'not_null' THEN
        state := coalesce(jsonb_strip_nulls((c -> 'not_null_constraint') - 'comment'), '{}')
            || CASE WHEN inherited AND pggit.not_null_sql(table_name, column_name) <> '' THEN '{"inherited": true}' ELSE '{}' END::jsonb;
        e := pggit.new_element(
            object_type, identity, 'not null ' || column_name, 1406, state,
            make => ARRAY[CASE WHEN c ? 'not_null_constraint'
                THEN format('ALTER TABLE %s ADD CONSTRAINT %I %s', identity, c #>> '{not_null_constraint,name}', c #>> '{not_null_constraint,definition}')
                WHEN inherited OR pggit.not_null_sql(table_name, column_name) = '' THEN alter_null || 'SET NOT NULL'
                ELSE format('ALTER TABLE %s ADD %sNOT NULL %I', identity, pggit.not_null_sql(table_name, column_name), column_name) END],
            unmake => ARRAY[alter_null || 'DROP NOT NULL'],
            made_by => CASE WHEN (state ->> 'definition') ~ ' NOT VALID$' THEN '{}' ELSE ARRAY[own] || from_shell END,
            taken_by => ARRAY[shell, own],
            -- a parent's goes first
            provides => ('notnull ' || identity) || ARRAY(SELECT 'drop:notnulls below ' || p FROM unnest(parents) p),
            needs => ARRAY['body ' || identity, 'drop:notnulls below ' || identity] || parent_bodies, holds => '{}', as_owner_of => identity);
        RETURN NEXT e;
        IF c -> 'not_null_constraint' ? 'comment' THEN
            e := pggit.new_element(
                object_type, identity, 'not null comment ' || column_name, 1407, c #> '{not_null_constraint,comment}',
                make => ARRAY[format('COMMENT ON CONSTRAINT %I ON %s IS %L', c #>> '{not_null_constraint,name}', identity, c #>> '{not_null_constraint,comment}')],
                unmake => ARRAY[format('COMMENT ON CONSTRAINT %I ON %s IS NULL', c #>> '{not_null_constraint,name}', identity)],
                taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'not null ' || column_name)],
                needs => ARRAY['body ' || identity, 'notnull ' || identity]);
            RETURN NEXT e;
        END IF;
    END IF;
    IF inherited AND NOT is_partition AND NOT c ? 'not_null' AND null_alone THEN
        e := pggit.new_element(
            object_type, identity, 'not null ' || column_name, 1406, 'null', make => ARRAY[alter_null || 'DROP NOT NULL'],
            made_by => ARRAY[own], taken_by => ARRAY[shell, own], needs => ARRAY['body ' || identity] || parent_bodies, holds => '{}');
        RETURN NEXT e;
    END IF;
    IF c ? 'identity' THEN
        e := pggit.new_element(
            object_type, identity, 'identity ' || column_name, 1407, (c -> 'identity') - '{owner,acl,comment,persistence}'::text[],
            make => ARRAY[alter_all || format('ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)',
                upper((c #>> '{identity,kind}') COLLATE "C"), sequence, pggit.sequence_options(c -> 'identity'))],
            unmake => ARRAY[alter_all || 'DROP IDENTITY'],
            made_by => ARRAY[own] || from_shell, taken_by => ARRAY[shell, own],
            provides => ARRAY[sequence, 'shell ' || sequence, 'body ' || sequence, 'make:sequence ' || sequence],
            needs => ARRAY['body ' || identity, 'notnull ' || identity], holds => '{}');
        RETURN NEXT e;
        e := pggit.new_element(
            object_type, identity, 'identity acl ' || column_name, 1408,
            jsonb_build_object('kind', 's', 'target', 'SEQUENCE ' || sequence, 'owner', c #> '{identity,owner}', 'acl', c #> '{identity,acl}', 'columns', NULL),
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)],
            needs => ARRAY['body ' || identity, sequence, 'owner ' || identity]);
        RETURN NEXT e;
        RETURN QUERY SELECT * FROM pggit.setting_element(
            object_type, identity, 'identity comment ' || column_name, 1408, coalesce(c #> '{identity,comment}', 'null'),
            format('COMMENT ON SEQUENCE %s IS %L', sequence, c #>> '{identity,comment}'),
            format('COMMENT ON SEQUENCE %s IS NULL', sequence), needs => ARRAY[sequence],
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)]);
        e := pggit.new_element(
            object_type, identity, 'identity persistence ' || column_name, 1408, coalesce(c #> '{identity,persistence}', 'null'),
            taken_by => ARRAY[shell, own, pggit.element_key(object_type, identity, 'identity ' || column_name)],
            needs => ARRAY['body ' || identity, sequence]);
        RETURN NEXT e;
    END IF;
    -- A new child has the storage and compression that its parent's column has by then.
    FOR setting IN SELECT * FROM (VALUES
        ('storage', c -> 'storage', 'SET STORAGE ' || pggit.storage_word(c ->> 'storage'), 'SET STORAGE ' || pggit.type_storage(c ->> 'type')),
        ('compression', c -> 'compression', 'SET COMPRESSION ' || CASE c ->> 'compression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END, 'SET COMPRESSION DEFAULT')
    ) AS v (part, state, make, unmake) LOOP
        IF setting.state IS NOT NULL OR inherited AND NOT is_partition AND to_regtype(c ->> 'type') IS NOT NULL AND pggit.type_storage(c ->> 'type') <> 'PLAIN' THEN
            e := pggit.new_element(
                object_type, identity, setting.part || ' ' || column_name, 1409, coalesce(setting.state, 'null'),
                make => ARRAY[alter_only || CASE WHEN setting.state IS NULL THEN setting.unmake ELSE setting.make END],
                unmake => CASE WHEN setting.state IS NOT NULL THEN ARRAY[alter_only || setting.unmake] ELSE '{}' END,
                made_by => CASE WHEN setting.state IS NULL THEN ARRAY[own] ELSE '{}' END, taken_by => ARRAY[shell, own],
                via => CASE WHEN setting.state IS NULL THEN parent_keys ELSE '{}' END, link => pggit.element_key(object_type, identity, 'link'),
                needs => ARRAY['body ' || identity, 'make:children ' || identity]);
            RETURN NEXT e;
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('statistics', c -> 'statistics', alter_only || format('SET STATISTICS %s', c ->> 'statistics'), alter_only || 'SET STATISTICS -1'),
        ('options', c -> 'options', alter_only || 'SET (' || pggit.option_list(c -> 'options') || ')',
            (pggit.option_changes(rtrim(alter_only), c -> 'options', NULL))[1]),
        ('comment', c -> 'comment', format('COMMENT ON COLUMN %s.%I IS %L', identity, column_name, c ->> 'comment'),
            format('COMMENT ON COLUMN %s.%I IS NULL', identity, column_name))
    ) AS v (part, state, make, unmake)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part || ' ' || column_name, 1409, coalesce(v.state, 'null'), v.make, v.unmake,
        taken_by => ARRAY[shell, own]) s;
    IF object_type = 'FOREIGN TABLE' AND c ? 'fdw_options' THEN
        e := pggit.new_element(
            object_type, identity, 'fdw options ' || column_name, 1409, c -> 'fdw_options',
            make => pggit.foreign_option_changes(alter_all, NULL, c -> 'fdw_options'),
            unmake => pggit.foreign_option_changes(alter_all, c -> 'fdw_options', NULL),
            made_by => ARRAY[shell, own], taken_by => ARRAY[shell, own], needs => ARRAY['body ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.column_elements(text, text, text, jsonb, text[], boolean, boolean) IS 'A table''s column with all that can be set on it.';

CREATE FUNCTION pggit.constraint_elements(
    object_type text, identity text, constraint_name text, k jsonb, parents text[], is_partition boolean)
RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    own text := pggit.element_key(object_type, identity, 'constraint ' || constraint_name);
    definition text := k ->> 'definition';
    kind text := CASE WHEN starts_with(definition, 'FOREIGN KEY') THEN 'f'
        WHEN starts_with(definition, 'CHECK') THEN 'c' ELSE 'i' END;  -- i: held by an index
    inherited boolean := k ? 'inherited';
    index_name text := pggit.schema_part(identity) || '.' || quote_ident(constraint_name);
    parent_keys text[] := '{}';
    mentioned text[] := pggit.needs_in(CASE kind WHEN 'f' THEN definition || ' ' || identity ELSE definition END);
BEGIN
    IF inherited THEN
        parent_keys := CASE WHEN k ? 'parent'
            THEN ARRAY(SELECT key FROM unnest(parents) p
                       CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'constraint ' || (parse_ident(k ->> 'parent'))[2])) key)
            ELSE ARRAY(SELECT key FROM unnest(parents) p
                       CROSS JOIN LATERAL unnest(pggit.relation_keys(p, 'constraint ' || constraint_name)) key) END;
    END IF;
    e := pggit.new_element(
        object_type, identity, 'constraint ' || constraint_name,
        -- A partition's own foreign key comes after those above it, which PostgreSQL would make one with it.
        CASE kind WHEN 'f' THEN CASE WHEN is_partition THEN 1710 ELSE 1700 END WHEN 'c' THEN 1530 ELSE 1520 END,
        (k - '{comment,index_comment,index_options,tablespace}'::text[]) || jsonb_build_object('kind', kind),
        make => ARRAY[format('ALTER TABLE %s%s ADD CONSTRAINT %I %s', CASE kind WHEN 'i' THEN 'ONLY ' ELSE '' END, identity, constraint_name, definition)],
        unmake => ARRAY[format('ALTER TABLE %s%s DROP CONSTRAINT %I', CASE kind WHEN 'i' THEN 'ONLY ' ELSE '' END, identity, constraint_name)],
        made_by => CASE WHEN kind = 'c' AND inherited AND NOT is_partition THEN ARRAY[shell] ELSE '{}' END,
        -- a foreign key holds its target back, so it goes by itself before tables do
        taken_by => CASE kind WHEN 'f' THEN '{}' ELSE ARRAY[shell] END,
        via => CASE kind WHEN 'c' THEN parent_keys ELSE '{}' END || CASE WHEN kind = 'i' THEN parent_keys ELSE '{}' END,
        link => pggit.element_key(object_type, identity, 'link'),
        provides => ('key ' || own) || CASE kind WHEN 'i' THEN ARRAY[identity, 'index ' || index_name] || pggit.key_names(identity)
            WHEN 'c' THEN ARRAY['checks ' || identity] ELSE ARRAY['make:foreign keys ' || identity] END,
        needs => mentioned
            || ARRAY['body ' || identity] || CASE kind WHEN 'i' THEN ARRAY['notnull ' || identity, 'make:children ' || identity] ELSE '{}' END
            || CASE kind WHEN 'i' THEN '{}' ELSE ARRAY(SELECT 'body ' || p FROM unnest(parents) p) END
            || CASE WHEN kind = 'f' AND is_partition THEN ARRAY['make:foreign keys ' || parents[1], 'link ' || identity] ELSE '{}' END,
        holds => mentioned,
        as_owner_of => CASE WHEN kind IN ('c', 'f') THEN identity END);
    RETURN NEXT e;
    IF kind = 'i' AND k ? 'parent' THEN
        e := pggit.new_element(
            object_type, identity, 'attached constraint ' || constraint_name, 1660, k -> 'parent',
            make => ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', k ->> 'parent', index_name)],
            taken_by => ARRAY[shell, own] || parent_keys,
            provides => ARRAY['make:parts of ' || (k ->> 'parent')],
            needs => ARRAY['index ' || (k ->> 'parent'), 'link ' || identity, 'index ' || index_name], as_owner_of => identity);
        RETURN NEXT e;
    END IF;
    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('comment on constraint', k -> 'comment', format('COMMENT ON CONSTRAINT %I ON %s IS %L', constraint_name, identity, k ->> 'comment'),
            format('COMMENT ON CONSTRAINT %I ON %s IS NULL', constraint_name, identity)),
        ('comment on index', k -> 'index_comment', format('COMMENT ON INDEX %s IS %L', index_name, k ->> 'index_comment'),
            format('COMMENT ON INDEX %s IS NULL', index_name)),
        ('index tablespace', k -> 'tablespace', format('ALTER INDEX %s SET TABLESPACE %s', index_name, quote_ident(k ->> 'tablespace')),
            format('ALTER INDEX %s SET TABLESPACE pg_default', index_name)),
        ('index options', k -> 'index_options', format('ALTER INDEX %s SET (', index_name) || pggit.option_list(k -> 'index_options') || ')',
            (pggit.option_changes('ALTER INDEX ' || index_name, k -> 'index_options', NULL))[1])
    ) AS v (part, state, make, unmake)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part || ' ' || constraint_name, CASE kind WHEN 'f' THEN 1719 WHEN 'c' THEN 1539 ELSE 1529 END,
        coalesce(v.state, 'null'), v.make, v.unmake, taken_by => ARRAY[shell, own],
        needs => ARRAY['key ' || own] || CASE kind WHEN 'i' THEN ARRAY[index_name] ELSE '{}' END) s;
END
$$;
COMMENT ON FUNCTION pggit.constraint_elements(text, text, text, jsonb, text[], boolean) IS 'A table''s constraint, with what can be set on its index.';

CREATE FUNCTION pggit.table_elements(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    table_name text := (parse_ident(identity))[2];
    parents text[] := ARRAY(SELECT p FROM jsonb_array_elements_text(d -> 'parents') p);
    is_partition boolean := d ? 'partition_bound';
    inherits boolean := d ? 'parents' AND NOT d ? 'partition_bound';
    is_foreign boolean := object_type = 'FOREIGN TABLE';
    columns_sql text;
    columns_names text[];
    item record;
    switched record;
BEGIN
    SELECT string_agg(E'\n    ' || pggit.column_sql(table_name, c.key, c.value, pggit.is_simple_default(coalesce(c.value ->> 'default', ''))), ','
                      ORDER BY array_position(column_order, c.key), c.key COLLATE "C") INTO columns_sql
    FROM jsonb_each(d -> 'columns') c
    WHERE NOT (inherits AND c.value ? 'inherited');
    SELECT array_agg(DISTINCT n) INTO columns_names
    FROM jsonb_each(d -> 'columns') c
    CROSS JOIN LATERAL unnest(
        pggit.names_in(concat_ws(' ', c.value ->> 'type', c.value ->> 'collation'))
        || pggit.needs_in(concat_ws(' ', c.value #>> '{generated,expression}',
            CASE WHEN pggit.is_simple_default(c.value ->> 'default') THEN c.value ->> 'default' END))) n;

    e := pggit.new_element(
        object_type, identity, '', 1400,
        jsonb_strip_nulls(jsonb_build_object(
            'partition_key', d -> 'partition_key', 'server', d -> 'server', 'typed', CASE WHEN d ? 'of_type' THEN (
                SELECT jsonb_agg(jsonb_build_array(k.key, k.value -> 'type') ORDER BY k.key COLLATE "C") FROM jsonb_each(d -> 'columns') k) END)),
        make => ARRAY[concat('CREATE ', CASE WHEN is_foreign THEN 'FOREIGN ' WHEN d ? 'persistence' THEN 'UNLOGGED ' END, 'TABLE ', identity,
            ' (', columns_sql, E'\n)',
            CASE WHEN inherits THEN ' INHERITS (' || array_to_string(parents, ', ') || ')' END,
            ' PARTITION BY ' || (d ->> 'partition_key'),
            ' USING ' || quote_ident(d ->> 'access_method'),
            CASE WHEN is_foreign THEN format(' SERVER %I', d ->> 'server') END,
            ' OPTIONS (' || pggit.foreign_options(d -> 'fdw_options') || ')')],
        unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity, 'make:columns ' || identity],
        needs => pggit.needs_in(coalesce(d ->> 'partition_key', '')) || columns_names || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']
            || CASE WHEN inherits THEN parents || ARRAY(SELECT 'body ' || p FROM unnest(parents) p) ELSE '{}' END
            || CASE WHEN is_foreign THEN ARRAY['server ' || quote_ident(d ->> 'server')] ELSE '{}' END,
        holds => pggit.needs_in(coalesce(d ->> 'partition_key', '')) || CASE WHEN is_foreign THEN ARRAY['server ' || quote_ident(d ->> 'server')] ELSE '{}' END,
        loses => CASE WHEN NOT is_foreign AND NOT d ? 'partition_key' THEN '' END);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1400, object_type || ' ' || identity, 'r', 'TABLE ' || identity);
    FOR item IN SELECT c.key, c.value FROM jsonb_each(d -> 'columns') c LOOP
        RETURN QUERY SELECT * FROM pggit.column_elements(object_type, identity, item.key, item.value, parents, is_partition, d ? 'partition_key');
    END LOOP;
    FOR item IN SELECT k.key, k.value FROM jsonb_each(d -> 'constraints') k LOOP
        RETURN QUERY SELECT * FROM pggit.constraint_elements(object_type, identity, item.key, item.value, parents, is_partition);
    END LOOP;

    IF parents <> '{}' THEN
        e := pggit.new_element(
            object_type, identity, 'link', 1650, jsonb_build_object('parents', d -> 'parents', 'bound', d -> 'partition_bound'),
            make => CASE WHEN is_partition
                THEN ARRAY[format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', parents[1], identity, d ->> 'partition_bound')]
                ELSE ARRAY(SELECT format('ALTER TABLE %s INHERIT %s', identity, p) FROM unnest(parents) p) END,
            unmake => CASE WHEN is_partition
                THEN ARRAY[format('ALTER TABLE ONLY %s DETACH PARTITION %s', parents[1], identity)]
                ELSE ARRAY(SELECT format('ALTER TABLE %s NO INHERIT %s', identity, p) FROM unnest(parents) p) END,
            made_by => CASE WHEN is_partition THEN '{}' ELSE ARRAY[shell] END,
            provides => ('link ' || identity) || ARRAY(SELECT 'make:children ' || p FROM unnest(parents) p),
            needs => ARRAY(SELECT 'body ' || p FROM unnest(parents) p) || ARRAY(SELECT 'drop:keys ' || p FROM unnest(parents) p)
                || ARRAY['keys ' || identity, 'checks ' || identity, 'body ' || identity],
            holds => ARRAY(SELECT 'body ' || p FROM unnest(parents) p),
            as_owner_of => CASE WHEN is_partition THEN parents[1] END);
        RETURN NEXT e;
    END IF;

    RETURN QUERY
    SELECT s.* FROM (VALUES
        ('of type', 1409, d -> 'of_type', format('ALTER TABLE %s OF %s', identity, d ->> 'of_type'), format('ALTER TABLE %s NOT OF', identity), '{}'::text[],
            pggit.names_in(d ->> 'of_type')),
        ('access method', 1409, d -> 'access_method', format('ALTER TABLE %s SET ACCESS METHOD %s', identity, quote_ident(d ->> 'access_method')),
            format('ALTER TABLE %s SET ACCESS METHOD heap', identity), ARRAY[shell], '{}'),
        ('tablespace', 1409, d -> 'tablespace', format('ALTER TABLE %s SET TABLESPACE %s', identity, quote_ident(d ->> 'tablespace')),
            format('ALTER TABLE %s SET TABLESPACE pg_default', identity), '{}', '{}'),
        ('options', 1409, d -> 'options', format('ALTER TABLE %s SET (', identity) || pggit.option_list(d -> 'options') || ')',
            (pggit.option_changes('ALTER TABLE ' || identity, d -> 'options', NULL))[1], '{}', '{}'),
        -- Without a TOAST table nothing would be set; a column that needs one makes one, which stays.
        ('toast options', 1409, d -> 'toast_options', 'DO ' || quote_literal(format(
            'BEGIN IF (SELECT c.reltoastrelid = 0 FROM pg_catalog.pg_class c WHERE c.oid = %L::pg_catalog.regclass) THEN'
            ' ALTER TABLE %s ADD COLUMN pggit_toast pg_catalog.text; ALTER TABLE %s DROP COLUMN pggit_toast; END IF; ALTER TABLE %s SET (',
            identity, identity, identity, identity) || pggit.option_list(d -> 'toast_options', 'toast.') || '); END'),
            (pggit.option_changes('ALTER TABLE ' || identity, d -> 'toast_options', NULL, 'toast.'))[1], '{}', '{}'),
        ('row security', 1810, d -> 'row_security', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', identity),
            format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', identity), '{}', '{}'),
        ('force row security', 1810, d -> 'force_row_security', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', identity),
            format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', identity), '{}', '{}'),
        ('replica identity', 1670, CASE WHEN NOT is_foreign THEN d -> 'replica_identity' END, format('ALTER TABLE ONLY %s REPLICA IDENTITY ', identity)
            || CASE WHEN d ->> 'replica_identity' IN ('full', 'nothing') THEN upper((d ->> 'replica_identity') COLLATE "C")
                    ELSE 'USING INDEX ' || substr(d ->> 'replica_identity', 7) END,
            format('ALTER TABLE ONLY %s REPLICA IDENTITY DEFAULT', identity), '{}',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || substr(d ->> 'replica_identity', 7), identity, 'notnull ' || identity]),
        ('clustered on', 1670, d -> 'clustered_on', format('ALTER TABLE ONLY %s CLUSTER ON %s', identity, d ->> 'clustered_on'),
            format('ALTER TABLE ONLY %s SET WITHOUT CLUSTER', identity), '{}',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || (d ->> 'clustered_on'), identity])
    ) AS v (part, rank, state, make, unmake, made_by, needs)
    CROSS JOIN LATERAL pggit.setting_element(
        object_type, identity, v.part, v.rank, coalesce(v.state, 'null'), v.make, v.unmake, v.made_by, v.needs) s;
    IF d ? 'persistence' THEN
        -- what has a key to another is logged after it, and no more before it
        e := pggit.new_element(
            object_type, identity, 'persistence', 1409, d -> 'persistence',
            make => ARRAY[format('ALTER TABLE %s SET UNLOGGED', identity)], unmake => ARRAY[format('ALTER TABLE %s SET LOGGED', identity)],
            made_by => ARRAY[shell],
            provides => ARRAY(SELECT 'unlogged ' || n FROM jsonb_each(d -> 'constraints') k CROSS JOIN LATERAL unnest(pggit.names_in(k.value ->> 'definition')) n
                              WHERE starts_with(k.value ->> 'definition', 'FOREIGN KEY')),
            needs => ARRAY['body ' || identity, 'unlogged ' || identity], holds => '{}');
        RETURN NEXT e;
    END IF;
    IF is_foreign AND d ? 'fdw_options' THEN
        e := pggit.new_element(
            object_type, identity, 'fdw options', 1409, d -> 'fdw_options',
            make => pggit.foreign_option_changes('ALTER FOREIGN TABLE ' || identity, NULL, d -> 'fdw_options'),
            unmake => pggit.foreign_option_changes('ALTER FOREIGN TABLE ' || identity, d -> 'fdw_options', NULL),
            made_by => ARRAY[shell], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
    FOR item IN SELECT t.key, t.value FROM jsonb_each_text(d -> 'inherited_triggers') t LOOP
        e := pggit.new_element(
            object_type, identity, 'switched trigger ' || item.key, 1820, to_jsonb(item.value),
            make => ARRAY[pggit.switch_trigger(identity, quote_ident(item.key), item.value)],
            unmake => ARRAY[pggit.switch_trigger(identity, quote_ident(item.key), 'O')],
            taken_by => ARRAY[shell, pggit.element_key(object_type, identity, 'link')],
            needs => ARRAY['link ' || identity, 'trigger ' || quote_ident(item.key)]);
        RETURN NEXT e;
    END LOOP;
    FOR switched IN
        SELECT s, m[1] AS conname, m[2] AS fn, m[3] AS enabled FROM jsonb_array_elements_text(d -> 'switched_constraints') s
        CROSS JOIN LATERAL regexp_match(s, '^(.*) ([^ ]+) (.)$') m
    LOOP
        e := pggit.new_element(
            object_type, identity, 'switched constraint ' || switched.conname || ' ' || switched.fn, 1720, to_jsonb(switched.enabled),
            make => ARRAY[pggit.switch_constraint(identity, switched.conname, switched.fn, switched.enabled)],
            unmake => ARRAY[pggit.switch_constraint(identity, switched.conname, switched.fn, 'O')],
            needs => ARRAY[identity]);
        RETURN NEXT e;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.table_elements(text, text, jsonb, text[]) IS 'A table or foreign table taken apart.';

CREATE FUNCTION pggit.switch_trigger(identity text, trigger_name text, enabled text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('ALTER TABLE %s %s TRIGGER %s', identity, CASE enabled WHEN 'D' THEN 'DISABLE' WHEN 'disabled' THEN 'DISABLE'
        WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'replica' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'always' THEN 'ENABLE ALWAYS'
        ELSE 'ENABLE' END, trigger_name);
END
$$;
COMMENT ON FUNCTION pggit.switch_trigger(text, text, text) IS 'The statement that enables or disables a trigger; trigger_name is quoted already.';

CREATE FUNCTION pggit.switch_constraint(identity text, constraint_name text, trigger_function text, enabled text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The triggers of a foreign key have names made of OIDs: they are looked up when the statement runs.
    RETURN 'DO ' || quote_literal(format(
        'DECLARE t pg_catalog.name; BEGIN FOR t IN SELECT g.tgname FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint'
        ' WHERE g.tgrelid = %L::pg_catalog.regclass AND k.conname = %L AND g.tgfoid = %L::pg_catalog.regproc LOOP'
        ' EXECUTE pg_catalog.replace(%L, ''*'', pg_catalog.quote_ident(t)); END LOOP; END',
        identity, constraint_name, trigger_function, pggit.switch_trigger(identity, '*', enabled)));
END
$$;
COMMENT ON FUNCTION pggit.switch_constraint(text, text, text, text) IS
'The statement that enables or disables one of the triggers behind a foreign key.';

-- 64_more_elements.sql
-- Everything but tables taken apart, and the one way in: elements().

CREATE FUNCTION pggit.detach_without_keys(identity text, detach text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL leaves a partition the foreign keys that it had from above, by names of PostgreSQL's choice.
    RETURN 'DO ' || quote_literal(format(
        'DECLARE k pg_catalog.name; keys pg_catalog.oid[] := ARRAY(SELECT c.oid FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_constraint a'
        ' ON a.oid = c.conparentid WHERE c.conrelid = %L::pg_catalog.regclass AND c.contype = ''f'' AND a.conrelid <> c.conrelid);'
        ' BEGIN %s; FOR k IN SELECT c.conname FROM pg_catalog.pg_constraint c WHERE c.oid = ANY (keys) LOOP'
        ' EXECUTE pg_catalog.format(%L, k); END LOOP; END',
        identity, detach, format('ALTER TABLE %s DROP CONSTRAINT %%I', replace(identity, '%', '%%'))));
END
$$;
COMMENT ON FUNCTION pggit.detach_without_keys(text, text) IS
'The statement that detaches a partition so that it keeps none of the foreign keys of those above.';

CREATE FUNCTION pggit.view_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key(object_type, identity);
    query text := rtrim(btrim(d ->> 'query', E' \n'), ';');
    names text[] := pggit.needs_in(d ->> 'query');
    is_materialized boolean := object_type = 'MATERIALIZED VIEW';
    command text := format('ALTER %s %s ', object_type, identity);
    item record;
BEGIN
    e := pggit.new_element(
        object_type, identity, '', 1600,
        jsonb_build_object('query', query, 'columns', (
            SELECT jsonb_object_agg(c.key, jsonb_build_array(c.value -> 'type', c.value -> 'collation')) FROM jsonb_each(d -> 'columns') c)),
        make => ARRAY[concat('CREATE ', object_type, ' ', identity, ' USING ' || quote_ident(d ->> 'access_method'), E' AS\n', query, CASE WHEN is_materialized THEN E'\n  WITH NO DATA' END)],
        unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity]
            || CASE WHEN is_materialized THEN '{}' ELSE ARRAY['data ' || identity] END,
        needs => names || ARRAY(SELECT 'data ' || n FROM unnest(names) n) || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']);
    RETURN NEXT e;
    IF is_materialized THEN
        e := pggit.new_element(
            object_type, identity, 'rows', 1601, 'true', 
            -- Rows are no schema: where the owner may not read them any more, the view stays empty.
            make => ARRAY['DO ' || quote_literal(format(
                'BEGIN REFRESH MATERIALIZED VIEW %s; EXCEPTION WHEN OTHERS THEN RAISE WARNING %L, SQLERRM; END',
                identity, replace(identity, '%', '%%') || ' has no rows: %'))],
            provides => ARRAY['data ' || identity], needs => ARRAY['shell ' || identity, 'owner ' || identity]);
        RETURN NEXT e;
    END IF;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1600, object_type || ' ' || identity, 'r', 'TABLE ' || identity);
    RETURN QUERY SELECT s.* FROM (VALUES
        ('options', 1604, d -> 'options', command || 'SET (' || pggit.option_list(d -> 'options') || ')',
            (pggit.option_changes(rtrim(command), d -> 'options', NULL))[1], '{}'::text[]),
        ('tablespace', 1604, d -> 'tablespace', command || 'SET TABLESPACE ' || quote_ident(d ->> 'tablespace'), command || 'SET TABLESPACE pg_default', '{}'),
        ('clustered on', 1670, d -> 'clustered_on', command || 'CLUSTER ON ' || (d ->> 'clustered_on'), command || 'SET WITHOUT CLUSTER',
            ARRAY['index ' || pggit.schema_part(identity) || '.' || (d ->> 'clustered_on'), identity])
    ) AS v (part, rank, state, make, unmake, needs)
    CROSS JOIN LATERAL pggit.setting_element(object_type, identity, v.part, v.rank, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    FOR item IN
        SELECT c.key, c.value AS c, command || format('ALTER COLUMN %I ', c.key) AS alter_column FROM jsonb_each(d -> 'columns') c
    LOOP
        RETURN QUERY SELECT s.* FROM (VALUES
            ('default', item.c -> 'default', item.alter_column || 'SET DEFAULT ' || (item.c ->> 'default'), item.alter_column || 'DROP DEFAULT',
                pggit.needs_in(coalesce(item.c ->> 'default', ''))),
            ('storage', item.c -> 'storage', item.alter_column || 'SET STORAGE ' || pggit.storage_word(item.c ->> 'storage'),
                item.alter_column || 'SET STORAGE ' || pggit.type_storage(item.c ->> 'type'), '{}'),
            ('compression', item.c -> 'compression', item.alter_column || 'SET COMPRESSION '
                || CASE item.c ->> 'compression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END, item.alter_column || 'SET COMPRESSION DEFAULT', '{}'),
            ('statistics', item.c -> 'statistics', item.alter_column || format('SET STATISTICS %s', item.c ->> 'statistics'),
                item.alter_column || 'SET STATISTICS -1', '{}'),
            ('column options', item.c -> 'options', item.alter_column || 'SET (' || pggit.option_list(item.c -> 'options') || ')',
                (pggit.option_changes(rtrim(item.alter_column), item.c -> 'options', NULL))[1], '{}'),
            ('comment on column', item.c -> 'comment', format('COMMENT ON COLUMN %s.%I IS %L', identity, item.key, item.c ->> 'comment'),
                format('COMMENT ON COLUMN %s.%I IS NULL', identity, item.key), '{}')
        ) AS v (part, state, make, unmake, needs)
        CROSS JOIN LATERAL pggit.setting_element(
            object_type, identity, v.part || ' ' || item.key, 1605, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.view_elements(text, text, jsonb) IS 'A view or materialized view taken apart.';

CREATE FUNCTION pggit.owner_table(owned_by text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- "schema.table.column": the table is what stands before the column
    RETURN substring(owned_by FROM '^((?:"(?:[^"]|"")+"|[^.]+)[.](?:"(?:[^"]|"")+"|[^.]+))[.]');
END
$$;
COMMENT ON FUNCTION pggit.owner_table(text) IS 'The table in the column that owns a sequence.';

CREATE FUNCTION pggit.sequence_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key('SEQUENCE', identity);
    owner_table text := pggit.owner_table(d ->> 'owned_by');
    owner_column text := (parse_ident(d ->> 'owned_by'))[3];
BEGIN
    e := pggit.new_element(
        'SEQUENCE', identity, '', 1200, d - '{owner,acl,comment,persistence,owned_by}'::text[],
        make => ARRAY[concat('CREATE ', CASE WHEN d ? 'persistence' THEN 'UNLOGGED ' END, 'SEQUENCE ', identity, ' AS ', d ->> 'type', ' ', pggit.sequence_options(d))],
        unmake => ARRAY['DROP SEQUENCE ' || identity],
        taken_by => CASE WHEN owner_table IS NULL THEN '{}'
            ELSE pggit.relation_keys(owner_table) || pggit.relation_keys(owner_table, 'column ' || owner_column) END,
        -- a type can have a sequence's name, but only if it comes after it
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity, 'make:sequence ' || identity],
        needs => ARRAY['schema ' || pggit.schema_part(identity), 'extensions']);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(
        'SEQUENCE', identity, d, 1200, 'SEQUENCE ' || identity, 's', 'SEQUENCE ' || identity, owner_table);
    -- after those of tables (1409), which take along the sequences that they own
    e := pggit.new_element(
        'SEQUENCE', identity, 'persistence', 1410, coalesce(d -> 'persistence', 'null'),
        make => ARRAY[format('ALTER SEQUENCE %s SET %s', identity, CASE WHEN d ? 'persistence' THEN 'UNLOGGED' ELSE 'LOGGED' END)],
        made_by => ARRAY[shell], needs => ARRAY['body ' || identity]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.setting_element('SEQUENCE', identity, 'owned by', 1500, coalesce(d -> 'owned_by', 'null'),
        format('ALTER SEQUENCE %s OWNED BY %s', identity, d ->> 'owned_by'), format('ALTER SEQUENCE %s OWNED BY NONE', identity),
        needs => ARRAY['make:columns ' || owner_table, identity],
        taken_by => ARRAY[shell] || pggit.relation_keys(owner_table) || pggit.relation_keys(owner_table, 'column ' || owner_column));
END
$$;
COMMENT ON FUNCTION pggit.sequence_elements(text, jsonb) IS 'A sequence taken apart; where it stands is data.';

CREATE FUNCTION pggit.index_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    shell text := pggit.element_key('INDEX', identity);
    relation text := d ->> 'table';
    parent_keys text[] := CASE WHEN d ? 'parent' THEN ARRAY[pggit.element_key('INDEX', d ->> 'parent')] ELSE '{}' END;
BEGIN
    e := pggit.new_element(
        'INDEX', identity, '', 1550, jsonb_build_object('definition', d -> 'definition'),
        make => ARRAY[d ->> 'definition'], unmake => ARRAY['DROP INDEX ' || identity],
        taken_by => pggit.relation_keys(relation), via => parent_keys, link => 'TABLE ' || relation || E'\nlink',
        -- a type may have the same name
        provides => ARRAY['index ' || identity, 'shell ' || identity, 'body ' || identity]
            -- a foreign key may stand on a unique index
            || CASE WHEN starts_with(d ->> 'definition', 'CREATE UNIQUE') THEN ARRAY[relation] ELSE '{}' END
            || pggit.key_names(relation),
        needs => array_remove(pggit.needs_in(d ->> 'definition'), relation) || ARRAY['body ' || relation, 'make:children ' || relation]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements('INDEX', identity, d, 1550, 'INDEX ' || identity);
    IF d ? 'parent' THEN
        e := pggit.new_element(
            'INDEX', identity, 'attached', 1660, d -> 'parent',
            make => ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', d ->> 'parent', identity)],
            taken_by => ARRAY[shell] || parent_keys || pggit.relation_keys(relation),
            provides => ARRAY['make:parts of ' || (d ->> 'parent')],
            needs => ARRAY['index ' || (d ->> 'parent'), 'link ' || relation, 'shell ' || identity], as_owner_of => relation);
        RETURN NEXT e;
    END IF;
    RETURN QUERY SELECT * FROM pggit.setting_element('INDEX', identity, 'tablespace', 1554, coalesce(d -> 'tablespace', 'null'),
        format('ALTER INDEX %s SET TABLESPACE %s', identity, quote_ident(d ->> 'tablespace')), format('ALTER INDEX %s SET TABLESPACE pg_default', identity));
    RETURN QUERY SELECT s.* FROM jsonb_each(d -> 'statistics') t
        CROSS JOIN LATERAL pggit.setting_element('INDEX', identity, 'statistics ' || t.key, 1554, t.value,
            format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', identity, t.key, t.value),
            format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', identity, t.key)) s;
END
$$;
COMMENT ON FUNCTION pggit.index_elements(text, jsonb) IS 'An index taken apart.';

CREATE FUNCTION pggit.type_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    item record;
    command text := format('ALTER DOMAIN %s ', identity);
    body text;
    is_domain boolean := object_type = 'DOMAIN';
    range jsonb := d -> 'range';
BEGIN
    body := CASE d ->> 'kind'
        WHEN 'enum' THEN format('CREATE TYPE %s AS ENUM (%s)', identity, (
            SELECT string_agg(quote_literal(l.label), ', ' ORDER BY l.place) FROM jsonb_array_elements_text(d -> 'labels') WITH ORDINALITY AS l (label, place)))
        WHEN 'composite' THEN format('CREATE TYPE %s AS (%s)', identity, (
            SELECT string_agg(concat_ws(' ', quote_ident(a.a ->> 'name'), a.a ->> 'type', 'COLLATE ' || (a.a ->> 'collation')), ', ' ORDER BY a.place)
            FROM jsonb_array_elements(d -> 'attributes') WITH ORDINALITY AS a (a, place)))
        WHEN 'range' THEN format('CREATE TYPE %s AS RANGE (%s)', identity, concat_ws(', ', 'SUBTYPE = ' || (range ->> 'subtype'),
            'SUBTYPE_OPCLASS = ' || (range ->> 'subtype_opclass'), 'COLLATION = ' || (range ->> 'collation'),
            'SUBTYPE_DIFF = ' || substring(range ->> 'subtype_diff' FROM '^(.*)[(]'),
            'MULTIRANGE_TYPE_NAME = ' || (range ->> 'multirange')))
        WHEN 'domain' THEN concat_ws(' ', format('CREATE DOMAIN %s AS %s', identity, d ->> 'base'), 'COLLATE ' || (d ->> 'collation'))
        END;
    e := pggit.new_element(
        object_type, identity, '', 1100,
        CASE WHEN is_domain THEN jsonb_strip_nulls(jsonb_build_object('base', d -> 'base', 'collation', d -> 'collation'))
            WHEN d ? 'attributes' THEN jsonb_build_object('kind', d -> 'kind', 'attributes',
                (SELECT coalesce(jsonb_agg(a.a - 'comment' ORDER BY a.place), '[]') FROM jsonb_array_elements(d -> 'attributes') WITH ORDINALITY AS a (a, place)))
            ELSE d - '{owner,acl,comment}'::text[] #- '{range,multirange_comment}' END,
        make => ARRAY[body], unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity]
            -- PostgreSQL makes its functions beside it, those of the multirange too
            || CASE WHEN d ? 'range' THEN ARRAY[range ->> 'multirange', identity || '(',
                pggit.schema_part(identity) || '.' || pggit.name_part(range ->> 'multirange') || '('] ELSE '{}' END,
        needs => CASE WHEN d ? 'labels' THEN '{}' ELSE array_remove(array_remove(pggit.names_in(body), identity), range ->> 'multirange') END
            || pggit.needs_in(coalesce(range ->> 'subtype_diff', ''))
            || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions', 'make:sequence ' || identity]);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1100, object_type || ' ' || identity, 'T', object_type || ' ' || identity);
    RETURN QUERY SELECT s.* FROM (VALUES
        ('default', d -> 'default', command || 'SET DEFAULT ' || (d ->> 'default'), command || 'DROP DEFAULT', pggit.needs_in(coalesce(d ->> 'default', ''))),
        ('not null', CASE WHEN d ? 'not_null' THEN coalesce(d -> 'not_null_constraint' -> 'name', 'true') END,
            coalesce(command || 'ADD CONSTRAINT ' || quote_ident(d #>> '{not_null_constraint,name}') || ' NOT NULL', command || 'SET NOT NULL'),
            command || 'DROP NOT NULL', '{}'),
        ('not null comment', d #> '{not_null_constraint,comment}',
            format('COMMENT ON CONSTRAINT %s ON DOMAIN %s IS %L', quote_ident(d #>> '{not_null_constraint,name}'), identity, d #>> '{not_null_constraint,comment}'),
            format('COMMENT ON CONSTRAINT %s ON DOMAIN %s IS NULL', quote_ident(d #>> '{not_null_constraint,name}'), identity), '{}'),
        ('multirange comment', nullif(range -> 'multirange_comment', 'null'), format('COMMENT ON TYPE %s IS %L', range ->> 'multirange', range ->> 'multirange_comment'),
            format('COMMENT ON TYPE %s IS NULL', range ->> 'multirange'), '{}')
    ) AS v (part, state, make, unmake, needs)
    CROSS JOIN LATERAL pggit.setting_element(object_type, identity, v.part, 1105, coalesce(v.state, 'null'), v.make, v.unmake, needs => v.needs) s;
    FOR item IN SELECT k.key, k.value AS k FROM jsonb_each(d -> 'constraints') k LOOP
        e := pggit.new_element(
            object_type, identity, 'constraint ' || item.key, 1110, item.k - 'comment',
            make => ARRAY[command || format('ADD CONSTRAINT %I %s', item.key, item.k ->> 'definition')],
            unmake => ARRAY[command || format('DROP CONSTRAINT %I', item.key)],
            provides => ARRAY[identity], needs => pggit.needs_in(item.k ->> 'definition') || ('body ' || identity),
            as_owner_of => 'type ' || identity);
        RETURN NEXT e;
        RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'comment on constraint ' || item.key, 1111, coalesce(item.k -> 'comment', 'null'),
            format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', item.key, identity, item.k ->> 'comment'),
            format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS NULL', item.key, identity),
            taken_by => ARRAY[pggit.element_key(object_type, identity), pggit.element_key(object_type, identity, 'constraint ' || item.key)]);
    END LOOP;
    FOR item IN SELECT a ->> 'name' AS name, a ->> 'comment' AS comment FROM jsonb_array_elements(d -> 'attributes') a WHERE a ? 'comment' LOOP
        RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'comment on attribute ' || item.name, 1105, to_jsonb(item.comment),
            format('COMMENT ON COLUMN %s.%I IS %L', identity, item.name, item.comment), format('COMMENT ON COLUMN %s.%I IS NULL', identity, item.name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.type_elements(text, text, jsonb) IS 'A type or domain taken apart.';

CREATE FUNCTION pggit.function_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    a jsonb := d -> 'aggregate';
    -- count() has no arguments: PostgreSQL wants a star
    target text := object_type || ' ' || CASE WHEN object_type = 'AGGREGATE' THEN replace(identity, '()', '(*)') ELSE identity END;
    qualified text := substring(identity FROM '^((?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^("]+))[(]');
    body text;
    text_begins integer;
    named text[];  -- functions that stand in the statement without their arguments
BEGIN
    IF object_type = 'AGGREGATE' THEN
        named := pggit.needs_in(concat_ws(' ', a ->> 'function', a ->> 'final', a ->> 'combine', a ->> 'serial', a ->> 'deserial',
            a ->> 'moving_function', a ->> 'moving_inverse', a ->> 'moving_final'));
        body := format('CREATE AGGREGATE %s(%s) (%s)', qualified,
            CASE a ->> 'arguments' WHEN '' THEN '*' ELSE a ->> 'arguments' END,
            concat_ws(', ', 'SFUNC = ' || pggit.bare_function(a ->> 'function'), 'STYPE = ' || (a ->> 'type'), 'SSPACE = ' || (a ->> 'space'),
                'FINALFUNC = ' || pggit.bare_function(a ->> 'final'), CASE WHEN a ->> 'final_extra' = 'true' THEN 'FINALFUNC_EXTRA' END,
                CASE WHEN a ->> 'final' IS NOT NULL THEN 'FINALFUNC_MODIFY = ' || pggit.modify_word(a ->> 'final_modify') END,
                'COMBINEFUNC = ' || pggit.bare_function(a ->> 'combine'), 'SERIALFUNC = ' || pggit.bare_function(a ->> 'serial'),
                'DESERIALFUNC = ' || pggit.bare_function(a ->> 'deserial'), 'INITCOND = ' || quote_literal(a ->> 'initial'),
                'MSFUNC = ' || pggit.bare_function(a ->> 'moving_function'), 'MINVFUNC = ' || pggit.bare_function(a ->> 'moving_inverse'),
                'MSTYPE = ' || (a ->> 'moving_type'), 'MSSPACE = ' || (a ->> 'moving_space'),
                'MFINALFUNC = ' || pggit.bare_function(a ->> 'moving_final'), CASE WHEN a ->> 'moving_final_extra' = 'true' THEN 'MFINALFUNC_EXTRA' END,
                'MFINALFUNC_MODIFY = ' || pggit.modify_word(a ->> 'moving_final_modify'), 'MINITCOND = ' || quote_literal(a ->> 'moving_initial'),
                'SORTOP = OPERATOR(' || substring(a ->> 'sort_operator' FROM '^(.*)[(]') || ')',
                'PARALLEL = ' || CASE a ->> 'parallel' WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' WHEN 'u' THEN 'UNSAFE' END,
                CASE WHEN a ->> 'kind' = 'h' THEN 'HYPOTHETICAL' END));
        text_begins := 0;
    ELSE
        body := rtrim(d ->> 'definition', E'\n');
        named := pggit.needs_in(coalesce(substring(body FROM ' SUPPORT ((?:"(?:[^"]|"")+"|[^.\s]+)[.](?:"(?:[^"]|"")+"|\S+))') || '(', ''));
        text_begins := pggit.text_body_at(body);
    END IF;
    e := pggit.new_element(
        object_type, identity, '', CASE object_type WHEN 'AGGREGATE' THEN 1310 ELSE 1300 END,
        jsonb_build_object('definition', body, 'aggregate', a),
        make => ARRAY[body], unmake => ARRAY['DROP ' || target],
        provides => ARRAY[qualified || '(', 'shell ' || identity, 'body ' || identity],
        -- Its own name stands first; further on that is a table's.
        needs => pggit.needs_in(overlay(CASE WHEN text_begins > 0 THEN left(body, text_begins) ELSE body END
                PLACING '' FROM strpos(body, qualified) FOR length(qualified)))
            || named || ('schema ' || pggit.schema_part(identity)) || ARRAY['extensions']);
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(
        object_type, identity, d, 1300, target, 'f', CASE object_type WHEN 'PROCEDURE' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || identity);
END
$$;
COMMENT ON FUNCTION pggit.function_elements(text, text, jsonb) IS 'A function, procedure or aggregate taken apart.';

CREATE FUNCTION pggit.bare_function(signature text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substring(signature FROM '^((?:"(?:[^"]|"")+"|[^"(])+)[(]');
END
$$;
COMMENT ON FUNCTION pggit.bare_function(text) IS 'A function''s name without its arguments.';

CREATE FUNCTION pggit.modify_word(letter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE letter WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' WHEN 'w' THEN 'READ_WRITE' END;
END
$$;
COMMENT ON FUNCTION pggit.modify_word(text) IS 'What CREATE AGGREGATE calls the way a final function treats its state.';

CREATE FUNCTION pggit.table_part_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    relation text := d ->> 'table';
    part_name text := left(identity, -length(' on ' || relation));
    rank integer := CASE object_type WHEN 'RULE' THEN 1780 WHEN 'POLICY' THEN 1790 ELSE 1800 END;
    definition text;
BEGIN
    definition := CASE WHEN object_type = 'POLICY' THEN concat(
            'CREATE POLICY ', part_name, ' ON ', relation, CASE WHEN d ? 'restrictive' THEN ' AS RESTRICTIVE' END,
            ' FOR ', upper((d ->> 'command') COLLATE "C"), ' TO ', (SELECT string_agg(r, ', ' ORDER BY r COLLATE "C") FROM jsonb_array_elements_text(d -> 'roles') r),
            ' USING (' || (d ->> 'using') || ')', ' WITH CHECK (' || (d ->> 'check') || ')')
        ELSE rtrim(d ->> 'definition', ';') END;
    e := pggit.new_element(
        object_type, identity, '', rank, jsonb_build_object('definition', definition),
        make => ARRAY[definition], unmake => ARRAY[format('DROP %s %s', object_type, identity)],
        -- policies and rules hold what they mention back, so they go by themselves before others do
        taken_by => CASE object_type WHEN 'TRIGGER' THEN pggit.relation_keys(relation) ELSE '{}' END,
        provides => ARRAY['shell ' || identity, 'body ' || identity]
            || CASE object_type WHEN 'TRIGGER' THEN ARRAY['trigger ' || part_name] ELSE '{}' END,
        needs => pggit.needs_in(definition) || ('body ' || relation));
    RETURN NEXT e;
    RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, rank, object_type || ' ' || identity);
    RETURN QUERY SELECT * FROM pggit.setting_element(
        object_type, identity, 'enabled', rank + 4, coalesce(d -> 'enabled', 'null'),
        replace(pggit.switch_trigger(relation, part_name, d ->> 'enabled'), ' TRIGGER ', ' ' || object_type || ' '),
        replace(pggit.switch_trigger(relation, part_name, 'O'), ' TRIGGER ', ' ' || object_type || ' '));
END
$$;
COMMENT ON FUNCTION pggit.table_part_elements(text, text, jsonb) IS 'A trigger, rule or policy taken apart.';

CREATE FUNCTION pggit.statistics_elements(identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    -- Statistics can have their table's name, which must not count as theirs.
    itself text[] := ARRAY['statistics ' || identity];
BEGIN
    e := pggit.new_element(
        'STATISTICS', identity, '', 1560, jsonb_build_object('definition', d -> 'definition'),
        make => ARRAY[d ->> 'definition'], unmake => ARRAY['DROP STATISTICS ' || identity],
        taken_by => pggit.relation_keys(d ->> 'table'), provides => itself,
        needs => array_remove(pggit.needs_in(d ->> 'definition'), identity) || ('body ' || (d ->> 'table')));
    RETURN NEXT e;
    RETURN QUERY
    SELECT n.* FROM (
        SELECT * FROM pggit.common_elements('STATISTICS', identity, d, 1560, 'STATISTICS ' || identity)
        UNION ALL
        SELECT * FROM pggit.setting_element('STATISTICS', identity, 'target', 1564, coalesce(d -> 'target', 'null'),
            format('ALTER STATISTICS %s SET STATISTICS %s', identity, d ->> 'target'), format('ALTER STATISTICS %s SET STATISTICS -1', identity))
    ) x
    CROSS JOIN LATERAL pggit.new_element(
        x.object_type, x.identity, x.part, x.rank, x.state, x.make, x.unmake, x.made_by, x.taken_by, needs => itself) n;
END
$$;
COMMENT ON FUNCTION pggit.statistics_elements(text, jsonb) IS 'Extended statistics taken apart.';

CREATE FUNCTION pggit.global_elements(object_type text, identity text, d jsonb) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e pggit.element;
    command text := format('ALTER %s %s', object_type, identity);
    role text;
    target text;
    entry record;
    given text[] := '{}';
    taken text[] := '{}';
BEGIN
    CASE object_type
        WHEN 'SCHEMA' THEN
            e := pggit.new_element(
                object_type, identity, '', 1000, '{}',
                -- every database begins with one named public, and a comment on it
                make => ARRAY['CREATE SCHEMA IF NOT EXISTS ' || identity,
                              CASE WHEN identity = 'public' AND NOT d ? 'comment' THEN 'COMMENT ON SCHEMA public IS NULL' END], unmake => ARRAY['DROP SCHEMA ' || identity],
                provides => ARRAY['schema ' || identity, 'shell ' || identity, 'body ' || identity]);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1000, 'SCHEMA ' || identity, 'n', 'SCHEMA ' || identity);
        WHEN 'EXTENSION' THEN
            e := pggit.new_element(
                object_type, identity, '', 1010, jsonb_build_object('schema', d -> 'schema', 'version', d -> 'version'),
                make => ARRAY[format('CREATE EXTENSION %s SCHEMA %s VERSION %I', identity, d ->> 'schema', d ->> 'version')],
                unmake => ARRAY['DROP EXTENSION ' || identity],
                provides => ARRAY['extensions', 'extension ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['schema ' || (d ->> 'schema')] || ARRAY(
                    SELECT 'extension ' || quote_ident(r) FROM pg_available_extension_versions v CROSS JOIN LATERAL unnest(v.requires) r
                    WHERE v.name = (parse_ident(identity))[1] AND v.version = d ->> 'version'));
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1010, 'EXTENSION ' || identity);
        WHEN 'FOREIGN DATA WRAPPER' THEN
            e := pggit.new_element(
                object_type, identity, '', 1320, jsonb_strip_nulls(jsonb_build_object('handler', d -> 'handler', 'validator', d -> 'validator')),
                make => ARRAY[concat('CREATE FOREIGN DATA WRAPPER ', identity, ' HANDLER ' || (d ->> 'handler'), ' VALIDATOR ' || (d ->> 'validator'),
                                     ' OPTIONS (' || pggit.foreign_options(d -> 'options') || ')')],
                unmake => ARRAY['DROP FOREIGN DATA WRAPPER ' || identity],
                provides => ARRAY['wrapper ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => pggit.needs_in(concat_ws('( ', d ->> 'handler', d ->> 'validator', '')) || ARRAY['extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1320, object_type || ' ' || identity, 'F', object_type || ' ' || identity);
        WHEN 'SERVER' THEN
            e := pggit.new_element(
                object_type, identity, '', 1330, jsonb_strip_nulls(jsonb_build_object('wrapper', d -> 'wrapper', 'type', d -> 'type')),
                make => ARRAY[concat('CREATE SERVER ', identity, ' TYPE ' || quote_literal(d ->> 'type'), ' VERSION ' || quote_literal(d ->> 'version'),
                                     ' FOREIGN DATA WRAPPER ', d ->> 'wrapper', ' OPTIONS (' || pggit.foreign_options(d -> 'options') || ')')],
                unmake => ARRAY['DROP SERVER ' || identity],
                provides => ARRAY['server ' || identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['wrapper ' || (d ->> 'wrapper'), 'extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1330, 'SERVER ' || identity, 'S', 'FOREIGN SERVER ' || identity);
            RETURN QUERY SELECT * FROM pggit.setting_element(object_type, identity, 'version', 1334, coalesce(d -> 'version', 'null'),
                command || ' VERSION ' || quote_literal(d ->> 'version'), command || ' VERSION NULL', ARRAY[pggit.element_key(object_type, identity)]);
        WHEN 'COLLATION' THEN
            e := pggit.new_element(
                object_type, identity, '', 1050, d - '{owner,comment}'::text[],
                make => ARRAY[format('CREATE COLLATION %s (%s)', identity, concat_ws(', ',
                    'provider = ' || CASE d ->> 'provider' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
                    CASE WHEN d ->> 'deterministic' = 'false' THEN 'deterministic = false' END,
                    CASE WHEN d ->> 'provider' = 'c' THEN NULL ELSE 'locale = ' || quote_literal(coalesce(d ->> 'locale', d ->> 'collate')) END,
                    'lc_collate = ' || quote_literal(CASE WHEN d ->> 'provider' = 'c' THEN d ->> 'collate' END),
                    'lc_ctype = ' || quote_literal(CASE WHEN d ->> 'provider' = 'c' THEN d ->> 'ctype' END),
                    'rules = ' || quote_literal(d ->> 'rules')))],
                unmake => ARRAY['DROP COLLATION ' || identity],
                provides => ARRAY[identity, 'shell ' || identity, 'body ' || identity],
                needs => ARRAY['schema ' || pggit.schema_part(identity), 'extensions']);
            RETURN NEXT e;
            RETURN QUERY SELECT * FROM pggit.common_elements(object_type, identity, d, 1050, 'COLLATION ' || identity);
        WHEN 'DEFAULT PRIVILEGES' THEN
            role := d ->> 'role';
            command := concat('ALTER DEFAULT PRIVILEGES FOR ROLE ', quote_ident(role), ' IN SCHEMA ' || quote_ident(d ->> 'schema'), ' ');
            target := CASE d ->> 'kind' WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END;
            -- Those of one schema begin with nothing; those of the database with what a new object has.
            IF NOT d ? 'schema' THEN
                FOR entry IN SELECT DISTINCT g.grantee FROM pggit.acl_entries(
                        CASE d ->> 'kind' WHEN 'S' THEN 's' ELSE (d ->> 'kind') END::"char", role, NULL) g ORDER BY 1 LOOP
                    given := given || (command || 'REVOKE ALL ON ' || target || ' FROM ' || pggit.role_word(entry.grantee));
                END LOOP;
            END IF;
            FOR entry IN SELECT g.* FROM pggit.acl_entries('r', role, d -> 'acl') g ORDER BY g.grantee LOOP
                given := given || pggit.grants(command, target, role, entry.grantee, entry.letters, role);
                taken := taken || (command || 'REVOKE ALL ON ' || target || ' FROM ' || pggit.role_word(entry.grantee));
            END LOOP;
            IF NOT d ? 'schema' THEN
                FOR entry IN SELECT g.* FROM pggit.acl_entries(
                        CASE d ->> 'kind' WHEN 'S' THEN 's' ELSE (d ->> 'kind') END::"char", role, NULL) g ORDER BY g.grantee LOOP
                    taken := taken || pggit.grants(command, target, role, entry.grantee, entry.letters, role);
                END LOOP;
            END IF;
            e := pggit.new_element(
                object_type, identity, '', 1900, d, make => given, unmake => taken,
                needs => CASE WHEN d ? 'schema' THEN ARRAY['schema ' || quote_ident(d ->> 'schema')] ELSE '{}' END);
            RETURN NEXT e;
        ELSE
            RAISE EXCEPTION 'pgGit does not know how to make a %', object_type USING ERRCODE = 'GT036',
                HINT = 'It was recorded by another version of pgGit.';
    END CASE;
    IF object_type IN ('FOREIGN DATA WRAPPER', 'SERVER') AND d ? 'options' THEN
        e := pggit.new_element(
            object_type, identity, 'options', 1335, d -> 'options', make => pggit.foreign_option_changes(command, NULL, d -> 'options'),
            unmake => pggit.foreign_option_changes(command, d -> 'options', NULL),
            made_by => ARRAY[pggit.element_key(object_type, identity)], needs => ARRAY['shell ' || identity]);
        RETURN NEXT e;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.global_elements(text, text, jsonb) IS
'A schema, extension, foreign data wrapper, server, collation or default privileges taken apart.';

CREATE FUNCTION pggit.parts_of(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
BEGIN
    CASE
        WHEN object_type IN ('TABLE', 'FOREIGN TABLE') THEN
            RETURN QUERY SELECT * FROM pggit.table_elements(object_type, identity, d, column_order);
        WHEN object_type IN ('VIEW', 'MATERIALIZED VIEW') THEN
            RETURN QUERY SELECT * FROM pggit.view_elements(object_type, identity, d);
        WHEN object_type = 'SEQUENCE' THEN
            RETURN QUERY SELECT * FROM pggit.sequence_elements(identity, d);
        WHEN object_type = 'INDEX' THEN
            RETURN QUERY SELECT * FROM pggit.index_elements(identity, d);
        WHEN object_type IN ('TYPE', 'DOMAIN') THEN
            RETURN QUERY SELECT * FROM pggit.type_elements(object_type, identity, d);
        WHEN object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN
            RETURN QUERY SELECT * FROM pggit.function_elements(object_type, identity, d);
        WHEN object_type IN ('TRIGGER', 'RULE', 'POLICY') THEN
            RETURN QUERY SELECT * FROM pggit.table_part_elements(object_type, identity, d);
        WHEN object_type = 'STATISTICS' THEN
            RETURN QUERY SELECT * FROM pggit.statistics_elements(identity, d);
        ELSE
            RETURN QUERY SELECT * FROM pggit.global_elements(object_type, identity, d);
    END CASE;
END
$$;
COMMENT ON FUNCTION pggit.parts_of(text, text, jsonb, text[]) IS 'An object''s definition taken apart, without the rights that code of somebody''s needs.';

CREATE FUNCTION pggit.claims_of(object_type text, identity text, d jsonb) RETURNS TABLE (part text, name text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE') THEN
        RETURN QUERY VALUES ('', 'relation ' || identity), ('', 'type ' || identity);
    ELSIF object_type = 'INDEX' THEN
        RETURN QUERY VALUES ('', 'relation ' || identity);
    ELSIF object_type IN ('TYPE', 'DOMAIN') THEN
        RETURN QUERY VALUES ('', 'type ' || identity);
        IF d ? 'attributes' THEN
            RETURN QUERY VALUES ('', 'relation ' || identity);
        ELSIF d ? 'range' THEN
            RETURN QUERY VALUES ('', 'type ' || (d #>> '{range,multirange}'));
        END IF;
    ELSIF object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN
        RETURN QUERY VALUES ('', 'function ' || identity);
    ELSIF object_type = 'TRIGGER' AND d ->> 'definition' LIKE 'CREATE CONSTRAINT %' THEN
        RETURN QUERY VALUES ('', 'constraint ' || identity);
    END IF;
    IF object_type NOT IN ('TABLE', 'FOREIGN TABLE', 'DOMAIN') THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 'constraint ' || k.key, n.name
    FROM jsonb_each(d -> 'constraints') k
    CROSS JOIN LATERAL (VALUES
        (concat('constraint ', quote_ident(k.key), ' on ', identity)),
        (CASE WHEN k.value ->> 'definition' ~ '^(PRIMARY KEY|UNIQUE|EXCLUDE)'
            THEN concat('relation ', pggit.schema_part(identity), '.', quote_ident(k.key)) END),
        (CASE WHEN starts_with(k.value ->> 'definition', 'PRIMARY KEY') THEN 'primary key ' || identity END)) AS n (name)
    WHERE n.name IS NOT NULL
    UNION ALL
    SELECT 'identity ' || c.key, n.name
    FROM jsonb_each(d -> 'columns') c
    CROSS JOIN LATERAL (VALUES ('relation ' || (c.value #>> '{identity,sequence}')), ('type ' || (c.value #>> '{identity,sequence}'))) AS n (name)
    WHERE c.value ? 'identity'
    UNION ALL
    SELECT 'not null ' || c.key, concat('constraint ', quote_ident(coalesce(
            c.value #>> '{not_null_constraint,name}', pggit.default_not_null_name((parse_ident(identity))[2], c.key))), ' on ', identity)
    FROM jsonb_each(d -> 'columns') c
    -- one that came from a parent has that one's name
    WHERE c.value ? 'not_null' AND (c.value ? 'not_null_constraint' OR NOT c.value ? 'inherited')
      AND current_setting('server_version_num')::integer >= 180000
    UNION ALL
    SELECT 'link', concat('part of ', d #>> '{parents,0}', ' ', d ->> 'partition_bound') WHERE d ? 'partition_bound';
END
$$;
COMMENT ON FUNCTION pggit.claims_of(text, text, jsonb) IS
'The names that an object''s parts have and that nothing else can have beside them, whatever its kind: a table''s and an index''s, a constraint''s and a constraint trigger''s, a table''s one primary key, a partition''s bound.';

CREATE FUNCTION pggit.elements(object_type text, identity text, d jsonb, column_order text[]) RETURNS SETOF pggit.element
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH part AS MATERIALIZED (SELECT p.* FROM pggit.parts_of(elements.object_type, elements.identity, d, column_order) p),
        claim AS MATERIALIZED (SELECT c.* FROM pggit.claims_of(elements.object_type, elements.identity, d) c)
    SELECT x.key, x.object_type, x.identity, x.part, x.state, x.rank,
        CASE WHEN x.part LIKE '%comment%' OR x.object_type IN ('FUNCTION', 'PROCEDURE') AND pggit.text_body_at(x.make[1]) > 0 THEN x.make
            ELSE ARRAY(SELECT pggit.as_written(m.sql) FROM unnest(x.make) WITH ORDINALITY AS m (sql, place) ORDER BY m.place) END
        -- At no time has something new another owner than it is to have.
        || CASE x.part WHEN '' THEN coalesce((SELECT o.make FROM part o WHERE o.part = 'owner'), '{}') ELSE '{}' END, x.unmake,
        x.made_by || CASE x.part WHEN 'owner' THEN ARRAY[pggit.element_key(x.object_type, x.identity)] ELSE '{}' END,
        x.taken_by, x.via, x.link, x.provides,
        x.needs || CASE WHEN w.who IS NULL OR w.who LIKE 'role %' OR w.who LIKE 'type %' THEN '{}' ELSE ARRAY['owner ' || w.who] END,
        x.holds, ARRAY(SELECT c.name FROM claim c WHERE c.part = x.part), w.who, x.loses
    FROM part x
    -- What may run code to be parsed runs with the rights of whoever it belongs to, and when that is set.
    CROSS JOIN LATERAL (SELECT coalesce(x.as_owner_of, CASE WHEN pggit.may_evaluate(array_to_string(x.make, E'\n')) THEN
        CASE WHEN x.object_type IN ('TABLE', 'FOREIGN TABLE') AND x.part <> '' THEN x.identity
             WHEN x.object_type IN ('INDEX', 'TRIGGER', 'RULE', 'POLICY') THEN d ->> 'table'
             ELSE 'role ' || (d ->> 'owner') END END) AS who) w;
END
$$;
COMMENT ON FUNCTION pggit.elements(text, text, jsonb, text[]) IS 'An object''s definition taken apart.';

-- 65_alter.sql
-- How an element gets from one state to another while it stands.

CREATE FUNCTION pggit.casts_by_itself(source regtype, target regtype) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(source = target, false)
        OR EXISTS (SELECT FROM pg_type t WHERE t.oid = target AND t.typcategory = 'S' AND t.typtype = 'b')
        OR EXISTS (SELECT FROM pg_cast c WHERE c.castsource = source AND c.casttarget = target AND c.castcontext IN ('a', 'i'));
END
$$;
COMMENT ON FUNCTION pggit.casts_by_itself(regtype, regtype) IS
'Whether ALTER COLUMN ... TYPE needs no USING from one type to another; the other types go by way of text, which every type can take.';

CREATE FUNCTION pggit.type_change(alter_column text, column_sql text, old_type text, new_type text, new_collation text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_plain boolean := false;
BEGIN
    -- Without USING a value that does not fit is an error, with it PostgreSQL might cut it. So USING only where
    -- there is no other way.
    BEGIN
        is_plain := pggit.casts_by_itself(to_regtype(old_type), to_regtype(new_type));
    EXCEPTION WHEN OTHERS THEN
        NULL;  -- a type that is not there yet
    END;
    RETURN concat(alter_column, 'TYPE ', new_type, ' COLLATE ' || new_collation,
        CASE WHEN NOT is_plain THEN format(' USING %s::pg_catalog.text::%s', column_sql, new_type) END);
END
$$;
COMMENT ON FUNCTION pggit.type_change(text, text, text, text, text) IS 'ALTER COLUMN ... TYPE, in the way that loses nothing unseen.';

CREATE FUNCTION pggit.enum_changes(identity text, old_labels jsonb, new_labels jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_list text[] := ARRAY(SELECT l FROM jsonb_array_elements_text(old_labels) l);
    new_list text[] := ARRAY(SELECT l FROM jsonb_array_elements_text(new_labels) l);
    kept text[] := ARRAY(SELECT l FROM unnest(new_list) WITH ORDINALITY AS u (l, place) WHERE l = ANY (old_list) ORDER BY place);
    statements text[] := '{}';
    place integer;
BEGIN
    IF kept = old_list THEN
        FOR place IN 1 .. cardinality(new_list) LOOP
            IF new_list[place] <> ALL (old_list) THEN
                statements := statements || concat('ALTER TYPE ', identity, ' ADD VALUE ', quote_literal(new_list[place]),
                    CASE WHEN place > 1 THEN ' AFTER ' || quote_literal(new_list[place - 1])
                         WHEN old_list <> '{}' THEN ' BEFORE ' || quote_literal(old_list[1]) END);
            END IF;
        END LOOP;
        RETURN statements;
    ELSIF cardinality(old_list) = cardinality(new_list)
          AND NOT EXISTS (SELECT FROM unnest(old_list, new_list) AS u (o, n) WHERE u.o <> u.n AND u.n = ANY (old_list))
    THEN
        -- PostgreSQL drops no label: what has another name at the same place was renamed.
        RETURN ARRAY(SELECT format('ALTER TYPE %s RENAME VALUE %L TO %L', identity, u.o, u.n)
                     FROM unnest(old_list, new_list) WITH ORDINALITY AS u (o, n, place) WHERE u.o <> u.n ORDER BY u.place);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.enum_changes(text, jsonb, jsonb) IS
'Statements that add or rename labels; null where the type has to be made anew.';

CREATE FUNCTION pggit.composite_changes(identity text, old_attributes jsonb, new_attributes jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept text[] := ARRAY(
        SELECT o.a ->> 'name' FROM jsonb_array_elements(old_attributes) WITH ORDINALITY AS o (a, place)
        WHERE EXISTS (SELECT FROM jsonb_array_elements(new_attributes) n WHERE n = o.a) ORDER BY o.place);
    wanted text[] := ARRAY(SELECT n.a ->> 'name' FROM jsonb_array_elements(new_attributes) WITH ORDINALITY AS n (a, place) ORDER BY n.place);
BEGIN
    IF wanted[1:cardinality(kept)] IS DISTINCT FROM kept AND kept <> '{}' THEN
        RETURN NULL;  -- a new attribute comes last
    END IF;
    RETURN ARRAY(SELECT format('ALTER TYPE %s DROP ATTRIBUTE %I', identity, o.a ->> 'name')
                 FROM jsonb_array_elements(old_attributes) WITH ORDINALITY AS o (a, place)
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(new_attributes) n WHERE n = o.a) ORDER BY o.place)
        || ARRAY(SELECT concat('ALTER TYPE ', identity, ' ADD ATTRIBUTE ', quote_ident(n.a ->> 'name'), ' ', n.a ->> 'type', ' COLLATE ' || (n.a ->> 'collation'))
                 FROM jsonb_array_elements(new_attributes) WITH ORDINALITY AS n (a, place)
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(old_attributes) o WHERE o = n.a) ORDER BY n.place);
END
$$;
COMMENT ON FUNCTION pggit.composite_changes(text, jsonb, jsonb) IS
'Statements that drop and add attributes; null where the type has to be made anew.';

CREATE FUNCTION pggit.alter_column(a pggit.element, b pggit.element) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    column_name text := substr(b.part, 8);
    command text := format('ALTER TABLE %s ALTER COLUMN %I ', b.identity, column_name);
    statements text[] := '{}';
BEGIN
    IF a.state -> 'generated' IS DISTINCT FROM b.state -> 'generated' THEN
        IF a.state #>> '{generated,kind}' = 'stored' AND NOT b.state ? 'generated' THEN
            statements := ARRAY[command || 'DROP EXPRESSION'];
        ELSE
            RETURN NULL;
        END IF;
    END IF;
    IF a.state -> 'type' <> b.state -> 'type' OR a.state -> 'collation' IS DISTINCT FROM b.state -> 'collation' THEN
        IF b.state ? 'generated' THEN
            RETURN NULL;
        END IF;
        statements := statements || pggit.type_change(
            command, quote_ident(column_name), a.state ->> 'type', b.state ->> 'type',
            coalesce(b.state ->> 'collation', CASE WHEN a.state ? 'collation' AND a.state -> 'type' = b.state -> 'type' THEN '"default"' END));
    END IF;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.alter_column(pggit.element, pggit.element) IS
'Statements that change a column''s type or make it a plain one; null where it has to be made anew.';

CREATE FUNCTION pggit.alter_element(a pggit.element, b pggit.element) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := substring(b.part FROM '^(.*?)( |$)');
    rest text := substr(b.part, length(kind) + 2);
    command text := format('ALTER %s %s', b.object_type, b.identity);
BEGIN
    IF b.part = '' THEN
        CASE
            WHEN b.object_type = 'TABLE' AND a.state - 'typed' = b.state - 'typed' THEN
                -- The columns of a typed table must stand in the type's order, which only a new table gets.
                RETURN CASE WHEN a.state ? 'typed' AND b.state ? 'typed' THEN NULL ELSE '{}'::text[] END;
            WHEN b.object_type = 'SEQUENCE' THEN
                RETURN ARRAY[concat(command, ' AS ', b.state ->> 'type', ' ', pggit.sequence_options(b.state))];
            WHEN b.object_type IN ('FUNCTION', 'PROCEDURE') THEN
                -- What stands before LANGUAGE cannot be replaced, but for what a new default would allow.
                RETURN CASE WHEN split_part(a.state ->> 'definition', E'\n LANGUAGE ', 1) = split_part(b.state ->> 'definition', E'\n LANGUAGE ', 1)
                    THEN b.make[1:1] END;
            WHEN b.object_type = 'TYPE' AND a.state ? 'labels' AND b.state ? 'labels' THEN
                RETURN pggit.enum_changes(b.identity, a.state -> 'labels', b.state -> 'labels');
            WHEN b.object_type = 'TYPE' AND a.state ? 'attributes' AND b.state ? 'attributes' THEN
                RETURN pggit.composite_changes(b.identity, a.state -> 'attributes', b.state -> 'attributes');
            WHEN b.object_type = 'EXTENSION' THEN
                RETURN array_remove(ARRAY[
                    CASE WHEN a.state -> 'schema' <> b.state -> 'schema' THEN command || ' SET SCHEMA ' || (b.state ->> 'schema') END,
                    CASE WHEN a.state -> 'version' <> b.state -> 'version' THEN command || format(' UPDATE TO %I', b.state ->> 'version') END], NULL);
            WHEN b.object_type = 'FOREIGN DATA WRAPPER' THEN
                RETURN ARRAY[concat(command, coalesce(' HANDLER ' || (b.state ->> 'handler'), ' NO HANDLER'),
                                    coalesce(' VALIDATOR ' || (b.state ->> 'validator'), ' NO VALIDATOR'))];
            WHEN b.object_type = 'DEFAULT PRIVILEGES' THEN
                RETURN a.unmake || b.make;
            ELSE
                RETURN NULL;
        END CASE;
    END IF;
    IF b.part = 'acl' OR starts_with(b.part, 'identity acl ') THEN
        RETURN pggit.acl_changes(
            (b.state ->> 'kind')::"char", b.state ->> 'target', nullif(a.state -> 'acl', 'null'), a.state ->> 'owner',
            nullif(b.state -> 'acl', 'null'), b.state ->> 'owner', NULL, nullif(a.state -> 'columns', 'null'), nullif(b.state -> 'columns', 'null'));
    ELSIF b.part IN ('options', 'toast options') AND b.object_type NOT IN ('FOREIGN DATA WRAPPER', 'SERVER') THEN
        RETURN pggit.option_changes(command, a.state, b.state, CASE kind WHEN 'toast' THEN 'toast.' ELSE '' END);
    ELSIF starts_with(b.part, 'column options ') THEN
        RETURN pggit.option_changes(format('%s ALTER COLUMN %I', command, substr(b.part, 16)), a.state, b.state);
    ELSIF starts_with(b.part, 'options ') THEN
        RETURN pggit.option_changes(format('ALTER TABLE ONLY %s ALTER COLUMN %I', b.identity, rest), a.state, b.state);
    ELSIF starts_with(b.part, 'index options ') THEN
        RETURN pggit.option_changes(
            format('ALTER INDEX %s.%I', pggit.schema_part(b.identity), substr(b.part, 15)), a.state, b.state);
    ELSIF b.part = 'options' OR b.part = 'fdw options' THEN
        RETURN pggit.foreign_option_changes(command, a.state, b.state);
    ELSIF starts_with(b.part, 'fdw options ') THEN
        RETURN pggit.foreign_option_changes(format('%s ALTER COLUMN %I', command, substr(b.part, 13)), a.state, b.state);
    ELSIF kind = 'column' THEN
        RETURN pggit.alter_column(a, b);
    ELSIF kind = 'constraint' THEN
        IF a.state - '{inherited,parent}'::text[] = b.state - '{inherited,parent}'::text[] THEN
            RETURN '{}';  -- comes and goes with the inheritance
        ELSIF a.state ->> 'definition' = (b.state ->> 'definition') || ' NOT VALID' THEN
            RETURN ARRAY[format('%s VALIDATE CONSTRAINT %I', command, rest)];
        END IF;
        RETURN NULL;
    ELSIF starts_with(b.part, 'default ') AND b.state = 'null' THEN
        RETURN a.unmake;
    ELSIF starts_with(b.part, 'identity persistence ') THEN
        RETURN '{}';  -- that of the table
    ELSIF kind = 'identity' THEN
        RETURN array_remove(ARRAY[
            CASE WHEN a.state -> 'sequence' <> b.state -> 'sequence' AND pggit.schema_part(a.state ->> 'sequence') = pggit.schema_part(b.state ->> 'sequence')
                THEN format('ALTER SEQUENCE %s RENAME TO %s', a.state ->> 'sequence', pggit.name_part(b.state ->> 'sequence')) END,
            CASE WHEN a.state - 'sequence' <> b.state - 'sequence' THEN
                format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s ', b.identity, rest, upper((b.state ->> 'kind') COLLATE "C"))
                || (SELECT string_agg('SET ' || o[1], ' ') FROM regexp_matches(pggit.sequence_options(b.state), '(NO CYCLE|CYCLE|[A-Z]+ -?[0-9]+)', 'g') o)
            END], NULL);
    ELSIF starts_with(b.part, 'not null ') AND NOT starts_with(b.part, 'not null comment ') AND b.object_type <> 'DOMAIN' THEN
        IF a.state = 'null' OR b.state = 'null' THEN
            RETURN b.make;
        END IF;
        RETURN CASE WHEN a.state <> b.state AND NOT b.state ? 'inherited' AND pggit.not_null_sql('', '') <> '' THEN pggit.alter_not_null(a, b, substr(b.part, 10)) ELSE '{}' END;
    ELSIF b.part IN ('link', 'attached') OR kind = 'attached' OR b.part = 'not null' THEN
        RETURN NULL;
    END IF;
    RETURN b.make;
END
$$;
COMMENT ON FUNCTION pggit.alter_element(pggit.element, pggit.element) IS
'Statements that bring an element from state a to state b while it stands; null where it has to be made anew.';

CREATE FUNCTION pggit.alter_not_null(a pggit.element, b pggit.element, column_name text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_name text := coalesce(a.state ->> 'name', pggit.default_not_null_name((parse_ident(a.identity))[2], column_name));
    new_name text := coalesce(b.state ->> 'name', pggit.default_not_null_name((parse_ident(b.identity))[2], column_name));
    was_valid boolean := coalesce(a.state ->> 'definition', '') !~ ' NOT VALID$';
    is_valid boolean := coalesce(b.state ->> 'definition', '') !~ ' NOT VALID$';
    went_down boolean := coalesce(a.state ->> 'definition', '') !~ ' NO INHERIT( NOT VALID)?$';
    goes_down boolean := coalesce(b.state ->> 'definition', '') !~ ' NO INHERIT( NOT VALID)?$';
BEGIN
    IF was_valid AND NOT is_valid THEN
        RETURN NULL;
    END IF;
    RETURN array_remove(ARRAY[
        -- One that was inherited has any name. PostgreSQL renames it in all tables below, if it has the same name there.
        CASE WHEN old_name <> new_name OR a.state ? 'inherited' THEN 'DO ' || quote_literal(format(
            'DECLARE k pg_catalog.name; BEGIN FOR k IN SELECT c.conname FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a'
            ' ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] WHERE c.conrelid = %L::pg_catalog.regclass AND c.contype = ''n'''
            ' AND a.attname = %L AND c.conname <> %L LOOP'
            ' BEGIN EXECUTE pg_catalog.format(%L, k); EXCEPTION WHEN undefined_object THEN'
            ' ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL; ALTER TABLE %s ADD CONSTRAINT %I %s; END; END LOOP; END',
            b.identity, column_name, new_name,
            format('ALTER TABLE %s RENAME CONSTRAINT %%I TO %s', replace(b.identity, '%', '%%'), replace(quote_ident(new_name), '%', '%%')),
            b.identity, column_name, b.identity, new_name, coalesce(b.state ->> 'definition', 'NOT NULL ' || quote_ident(column_name)))) END,
        CASE WHEN went_down <> goes_down
            THEN format('ALTER TABLE %s ALTER CONSTRAINT %I %s', b.identity, new_name, CASE WHEN goes_down THEN 'INHERIT' ELSE 'NO INHERIT' END) END,
        CASE WHEN NOT was_valid AND is_valid THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I', b.identity, new_name) END], NULL);
END
$$;
COMMENT ON FUNCTION pggit.alter_not_null(pggit.element, pggit.element, text) IS
'Statements for a NOT NULL constraint that has a name of its own, from PostgreSQL 18 on.';

-- 66_plan.sql
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

-- 66_renames.sql
-- Renames: trees know nothing of them, but history does. What kept its id from one name to another is renamed and
-- not dropped and made anew, so that its rows stay.

CREATE FUNCTION pggit.ids_of(of_type text, of_identity text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        -- by the two indexes that there are
        SELECT o.id FROM pggit.objects o WHERE o.is_active AND o.tree_key = pggit.tree_key(of_type, of_identity)
        UNION SELECT o.id FROM pggit.objects o WHERE NOT o.is_active AND o.tree_key = pggit.tree_key(of_type, of_identity)
        UNION SELECT h.object_id FROM pggit.history h
        WHERE h.old_identity IS NOT NULL AND h.object_type = of_type AND (h.old_identity = of_identity OR h.identity = of_identity));
END
$$;
COMMENT ON FUNCTION pggit.ids_of(text, text) IS 'The ids of all objects that ever had a name.';

CREATE FUNCTION pggit.goes_with_tables(objects pggit.plan_object[])
RETURNS TABLE (of_table text, object_type text, identity text, is_kept boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE o.object_type WHEN 'INDEX' THEN o.old_definition ->> 'table' ELSE pggit.owner_table(o.old_definition ->> 'owned_by') END,
        o.object_type, o.identity, o.new_definition IS NOT NULL
    FROM unnest(objects) o WHERE o.object_type = 'INDEX' AND o.old_definition IS NOT NULL OR o.object_type = 'SEQUENCE' AND o.old_definition ? 'owned_by'
    UNION ALL
    SELECT o.identity, h.object_type, h.name, false
    FROM unnest(objects) o
    CROSS JOIN LATERAL (
        SELECT 'INDEX', pggit.schema_part(o.identity) || '.' || quote_ident(k.key) FROM jsonb_each(o.old_definition -> 'constraints') k
        WHERE k.value ->> 'definition' !~ '^(CHECK|FOREIGN KEY)'
        UNION ALL SELECT 'SEQUENCE', c.value #>> '{identity,sequence}' FROM jsonb_each(o.old_definition -> 'columns') c WHERE c.value ? 'identity') AS h (object_type, name)
    WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE');
END
$$;
COMMENT ON FUNCTION pggit.goes_with_tables(pggit.plan_object[]) IS
'The indexes and sequences of the first side that move to another schema with their table. is_kept: the other side has one of the same name.';

CREATE FUNCTION pggit.find_renames(objects pggit.plan_object[]) RETURNS SETOF pggit.rename
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH gone AS MATERIALIZED (
        SELECT o.object_type, o.identity, pggit.ids_of(o.object_type, o.identity) AS ids FROM unnest(objects) o
        WHERE o.new_definition IS NULL AND o.object_type IN ('SCHEMA', 'TABLE', 'FOREIGN TABLE', 'SEQUENCE', 'TYPE', 'DOMAIN', 'INDEX')
    ), come AS MATERIALIZED (
        SELECT o.object_type, o.identity, pggit.ids_of(o.object_type, o.identity) AS ids FROM unnest(objects) o
        WHERE o.old_definition IS NULL AND o.object_type IN ('SCHEMA', 'TABLE', 'FOREIGN TABLE', 'SEQUENCE', 'TYPE', 'DOMAIN', 'INDEX')
    ), along AS MATERIALIZED (
        SELECT * FROM pggit.goes_with_tables(objects)
    ), pair AS (
        SELECT g.object_type, g.identity AS old_identity, c.identity AS new_identity,
            count(*) OVER (PARTITION BY g.object_type, g.identity) AS of_old, count(*) OVER (PARTITION BY c.object_type, c.identity) AS of_new
        FROM gone g JOIN come c ON c.object_type = g.object_type AND c.ids && g.ids
    )
    SELECT p.object_type, p.old_identity, p.new_identity, NULL::text, NULL::text FROM pair p
    WHERE p.of_old = 1 AND p.of_new = 1
      -- the new name may have to be made free first: then it is no simple rename
      AND NOT EXISTS (SELECT FROM unnest(objects) o WHERE o.old_definition IS NOT NULL AND o.identity = p.new_identity
                      AND (o.object_type = 'SCHEMA') = (p.object_type = 'SCHEMA'))
      AND NOT EXISTS (SELECT FROM along h WHERE h.identity = p.new_identity)
      -- and so may the names of what goes along
      AND NOT EXISTS (
          SELECT FROM along a
          CROSS JOIN LATERAL (SELECT pggit.schema_part(p.new_identity) || '.' || pggit.name_part(a.identity) AS name) n
          WHERE p.object_type = 'TABLE' AND a.of_table = p.old_identity AND pggit.schema_part(p.new_identity) <> pggit.schema_part(a.identity)
            AND NOT (a.object_type = 'SEQUENCE' AND a.is_kept)
            AND (EXISTS (SELECT FROM unnest(objects) o WHERE o.old_definition IS NOT NULL AND o.identity = n.name AND (
                             o.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'INDEX') OR o.old_definition ? 'attributes'))
                 OR EXISTS (SELECT FROM along h WHERE h.identity = n.name)))
      -- PostgreSQL leaves a range type's functions behind where it came from, and so drops no schema that one has left
      AND NOT EXISTS (SELECT FROM unnest(objects) o JOIN unnest(objects) s ON s.object_type = 'SCHEMA' AND s.identity = pggit.schema_part(o.identity)
                      WHERE p.object_type = 'TYPE' AND o.object_type = 'TYPE' AND o.identity = p.old_identity AND o.old_definition ? 'range'
                        AND s.new_definition IS NULL AND NOT EXISTS (SELECT FROM pair x WHERE x.object_type = 'SCHEMA' AND x.old_identity = s.identity))
    ORDER BY p.object_type <> 'SCHEMA', p.object_type <> 'TABLE', p.object_type, p.old_identity COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_renames(pggit.plan_object[]) IS
'Which of the objects that one side alone has are the same under another name.';

CREATE FUNCTION pggit.renamed_column(h pggit.history, OUT old_column text, OUT new_column text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- one command renames one column: the same columns, but for the name at one place
    IF cardinality(h.old_column_order) = cardinality(h.new_column_order) AND cardinality(h.old_column_order) - 1 = (
            SELECT count(*) FROM unnest(h.old_column_order, h.new_column_order) AS u (x, y) WHERE u.x = u.y) THEN
        SELECT u.x, u.y INTO old_column, new_column FROM unnest(h.old_column_order, h.new_column_order) AS u (x, y)
        WHERE u.x <> u.y AND u.x <> ALL (h.new_column_order)
          -- nor has it dropped one and added another
          AND (SELECT b.definition #> ARRAY['columns', u.x, 'type'] FROM pggit.blobs b WHERE b.hash = h.old_blob)
              = (SELECT b.definition #> ARRAY['columns', u.y, 'type'] FROM pggit.blobs b WHERE b.hash = h.new_blob);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.renamed_column(pggit.history) IS 'The column of a table that a change in history renamed; null where it did something else.';

CREATE FUNCTION pggit.trace_columns(
    of_type text, was_called text, is_called text, old_definition jsonb, new_definition jsonb,
    OUT old_columns text[], OUT new_columns text[], OUT steps bigint[], OUT step_places integer[], OUT is_forward boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := pggit.ids_of(of_type, is_called) || pggit.ids_of(of_type, was_called);
    hash_of_old text := pggit.blob_hash(of_type, was_called, old_definition);
    hash_of_new text := pggit.blob_hash(of_type, is_called, new_definition);
    ends record;
    begins text[];
    names text[];  -- side by side with begins
    h pggit.history;
    r record;
BEGIN
    -- The shortest way in history from the one side to the other, up to where the table had been as both have it for the
    -- first time: what happened to the columns on it is known, and stays the same whatever happens later.
    WITH seen AS MATERIALIZED (
        SELECT x.object_id, x.id, x.new_blob = hash_of_old AS is_old FROM pggit.history x
        WHERE x.object_id = ANY (ids) AND x.new_blob IN (hash_of_old, hash_of_new)
    ), known AS (
        SELECT s.object_id, greatest(min(s.id) FILTER (WHERE s.is_old), min(s.id) FILTER (WHERE NOT s.is_old)) AS until
        FROM seen s GROUP BY s.object_id HAVING bool_or(s.is_old) AND NOT bool_and(s.is_old)
    )
    SELECT k.object_id, max(s.id) FILTER (WHERE s.is_old) AS old_id, max(s.id) FILTER (WHERE NOT s.is_old) AS new_id INTO ends
    FROM known k JOIN seen s ON s.object_id = k.object_id AND s.id <= k.until
    GROUP BY k.object_id, k.until ORDER BY k.until LIMIT 1;
    IF ends.object_id IS NOT NULL THEN
        is_forward := ends.old_id < ends.new_id;
        begins := ARRAY(SELECT jsonb_object_keys(CASE WHEN is_forward THEN old_definition ELSE new_definition END -> 'columns'));
        names := begins;
        FOR h IN SELECT x.* FROM pggit.history x
                 WHERE x.object_id = ends.object_id AND x.id > least(ends.old_id, ends.new_id) AND x.id <= greatest(ends.old_id, ends.new_id)
                   AND x.old_column_order IS DISTINCT FROM x.new_column_order ORDER BY x.id LOOP
            r := pggit.renamed_column(h);
            IF r.old_column IS NOT NULL THEN
                steps := steps || h.id;
                step_places := step_places || array_position(names, r.old_column);
                names := array_replace(names, r.old_column, r.new_column);
            ELSE
                names := ARRAY(SELECT CASE WHEN n = ANY (h.new_column_order) AND n = ANY (h.old_column_order) THEN n END
                               FROM unnest(names) WITH ORDINALITY AS n (n, place) ORDER BY place);
            END IF;
        END LOOP;
        old_columns := CASE WHEN is_forward THEN begins ELSE names END;
        new_columns := CASE WHEN is_forward THEN names ELSE begins END;
    ELSE
        -- A merge makes what never was: then what has ever been renamed so.
        SELECT array_agg(s.a ORDER BY s.a, s.b), array_agg(s.b ORDER BY s.a, s.b) INTO old_columns, new_columns
        FROM (
            SELECT CASE d.way WHEN 1 THEN c.old_column ELSE c.new_column END AS a, CASE d.way WHEN 1 THEN c.new_column ELSE c.old_column END AS b
            FROM pggit.history x CROSS JOIN LATERAL pggit.renamed_column(x) c CROSS JOIN (VALUES (1), (2)) AS d (way)
            WHERE x.object_id = ANY (ids) AND x.old_column_order <> x.new_column_order AND c.old_column IS NOT NULL
            GROUP BY 1, 2
        ) s;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.trace_columns(text, text, text, jsonb, jsonb) IS
'Which column of one side is which of the other, side by side, null where it is gone or new; the changes in history that renamed one (steps) and where in the list that is (step_places); and whether they led to the second side or to the first.';

CREATE FUNCTION pggit.find_column_renames(of_type text, was_called text, is_called text, old_definition jsonb, new_definition jsonb)
RETURNS SETOF pggit.rename
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (old_definition -> 'columns') - ARRAY(SELECT jsonb_object_keys(new_definition -> 'columns')) = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH pair AS (
        SELECT x.old_name, x.new_name,
            count(*) OVER (PARTITION BY x.old_name) AS of_old, count(*) OVER (PARTITION BY x.new_name) AS of_new
        FROM pggit.trace_columns(of_type, was_called, is_called, old_definition, new_definition) s
        CROSS JOIN LATERAL unnest(s.old_columns, s.new_columns) AS x (old_name, new_name)
        -- a typed table gets its columns' names from the type
        WHERE NOT old_definition ? 'of_type' AND NOT new_definition ? 'of_type'
          AND old_definition -> 'columns' ? x.old_name AND NOT new_definition -> 'columns' ? x.old_name
          AND new_definition -> 'columns' ? x.new_name AND NOT old_definition -> 'columns' ? x.new_name
          AND NOT EXISTS (SELECT FROM unnest(ARRAY['generated', 'identity']) k
                          WHERE old_definition #> ARRAY['columns', x.old_name] ? k <> new_definition #> ARRAY['columns', x.new_name] ? k)
    )
    SELECT of_type, was_called, is_called, p.old_name, p.new_name FROM pair p
    WHERE p.of_old = 1 AND p.of_new = 1 ORDER BY p.old_name COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_column_renames(text, text, text, jsonb, jsonb) IS
'Which columns that one side alone has are the same under another name.';

CREATE FUNCTION pggit.find_constraint_renames(identity text, old_constraints jsonb, new_constraints jsonb, columns pggit.rename[])
RETURNS TABLE (old_name text, new_name text, is_followed boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.was, p.becomes, p.follows
    FROM (
        SELECT o.key AS was, n.key AS becomes, n.value ? 'inherited' AND NOT n.value ? 'parent' AS follows,
            count(*) OVER (PARTITION BY o.key) AS of_old, count(*) OVER (PARTITION BY n.key) AS of_new
        FROM jsonb_each(old_constraints) o
        JOIN jsonb_each(new_constraints) n ON n.value - '{parent,definition}'::text[] = o.value - '{parent,definition}'::text[]
            AND n.value ? 'parent' = o.value ? 'parent'
            AND pggit.guess_columns(o.value ->> 'definition', n.value ->> 'definition', identity, columns) = n.value ->> 'definition'
        WHERE NOT new_constraints ? o.key AND NOT old_constraints ? n.key
    ) p
    WHERE p.of_old = 1 AND p.of_new = 1 ORDER BY p.was COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.find_constraint_renames(text, jsonb, jsonb, pggit.rename[]) IS
'Which of a table''s constraints that one side alone has are the same under another name: one that has the same definition is, or has it once columns are renamed. is_followed: the name comes from the parent''s.';

CREATE FUNCTION pggit.is_let_go(old_identity text, new_identity text, owned_by text, renames pggit.rename[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN owned_by IS NOT NULL AND new_identity IS NOT NULL AND pggit.schema_part(new_identity) <> coalesce(
        (SELECT pggit.schema_part(r.new_identity) FROM unnest(renames) r WHERE r.object_type = 'TABLE' AND starts_with(owned_by, r.old_identity || '.')),
        (SELECT r.new_identity FROM unnest(renames) r WHERE r.object_type = 'SCHEMA' AND r.old_identity = pggit.schema_part(is_let_go.old_identity)),
        pggit.schema_part(old_identity));
END
$$;
COMMENT ON FUNCTION pggit.is_let_go(text, text, text, pggit.rename[]) IS
'Whether an owned sequence does not go where its table goes, so that the table must let it go before.';

CREATE FUNCTION pggit.rename_names(piece text, is_constant boolean, renames pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename;
    pattern text;
BEGIN
    -- An object's old name has its schema's old name in it.
    FOR r IN SELECT x.* FROM unnest(renames) x WHERE x.old_column IS NULL ORDER BY x.object_type = 'SCHEMA' LOOP
        pattern := pggit.as_pattern(r.old_identity);
        piece := regexp_replace(
            piece, CASE r.object_type WHEN 'SCHEMA' THEN '' ELSE '(?<!COLLATE )' END || '(?<![a-z0-9_".])' || CASE
                WHEN r.object_type = 'SCHEMA' THEN pattern || '(?=[.])'
                -- a type may have the same name, but not where a relation stands
                WHEN r.object_type = 'SEQUENCE' AND NOT is_constant THEN format('(?:(?<=FROM |JOIN )%1$s(?![a-z0-9_"(.])|^%1$s$)', pattern)
                WHEN r.object_type IN ('SEQUENCE', 'INDEX') THEN format('^%s$', pattern)
                -- what has a parenthesis after it is a function, but for the table that a key leads to
                ELSE format('(?:(?<=REFERENCES )%1$s(?![a-z0-9_"])|%1$s(?![a-z0-9_"(]))', pattern) END,
            replace(r.new_identity, '\', '\\'), 'g');
    END LOOP;
    RETURN piece;
END
$$;
COMMENT ON FUNCTION pggit.rename_names(text, boolean, pggit.rename[]) IS
'What stands between two string constants, or in one, after objects that it may mention were renamed.';

CREATE FUNCTION pggit.rename_in_text(content text, renames pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF renames = '{}' THEN
        RETURN content;
    END IF;
    RETURN coalesce((
        SELECT string_agg(CASE
            WHEN NOT p.is_constant THEN pggit.rename_names(p.piece, false, renames)
            -- in a constant a quote is written twice
            WHEN p.is_name THEN '''' || replace(pggit.rename_names(replace(substr(p.piece, 2, length(p.piece) - 2), '''''', ''''), true, renames), '''', '''''') || ''''
            ELSE p.piece END, '' ORDER BY p.place)
        FROM pggit.pieces_of(content) p), content);
END
$$;
COMMENT ON FUNCTION pggit.rename_in_text(text, pggit.rename[]) IS 'A piece of SQL after objects that it may mention were renamed.';

CREATE FUNCTION pggit.renames_within(definition jsonb, renames pggit.rename[]) RETURNS pggit.rename[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text := definition::text;
BEGIN
    RETURN ARRAY(
        SELECT r FROM unnest(renames) r
        CROSS JOIN LATERAL (SELECT to_jsonb(r.old_identity)::text AS quoted) j
        CROSS JOIN LATERAL (SELECT substr(j.quoted, 2, length(j.quoted) - 2) AS name) n
        WHERE r.old_column IS NOT NULL OR r.object_type = 'SCHEMA' OR strpos(content, n.name) > 0
           -- as a constant has it
           OR strpos(n.name, '''') > 0 AND strpos(content, replace(n.name, '''', '''''')) > 0);
END
$$;
COMMENT ON FUNCTION pggit.renames_within(jsonb, pggit.rename[]) IS
'Those renames that can have to do with a definition: what has another name altogether, which most have, is looked for no further.';

CREATE FUNCTION pggit.column_pattern(name text, of_table text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What has a dot before it is a type or a function, or has one or a parenthesis after it; PostgreSQL's own types
    -- and words have no dot.
    RETURN format('(?:(?<![.]|::|COLLATE |USING |EXTRACT[(])|(?<=(?:old|new|%s)[.]))', pggit.as_pattern(of_table))
        || pggit.as_word(quote_ident(name)) || '(?![.(])';
END
$$;
COMMENT ON FUNCTION pggit.column_pattern(text, text) IS
'A regular expression that matches the name of a table''s column where SQL about that table has it, as a trigger and an owned sequence do.';

CREATE FUNCTION pggit.rename_column_in_text(content text, of_table text, columns pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename;
BEGIN
    FOREACH r IN ARRAY columns LOOP
        CONTINUE WHEN r.old_column IS NULL OR r.new_identity <> of_table OR NOT pggit.mentions(content, quote_ident(r.old_column));
        content := (
            SELECT string_agg(CASE WHEN p.is_constant THEN p.piece ELSE regexp_replace(
                p.piece, pggit.column_pattern(r.old_column, of_table), replace(quote_ident(r.new_column), '\', '\\'), 'g') END, '' ORDER BY p.place)
            FROM pggit.pieces_of(content) p);
    END LOOP;
    RETURN content;
END
$$;
COMMENT ON FUNCTION pggit.rename_column_in_text(text, text, pggit.rename[]) IS
'A piece of SQL after columns of a table were renamed, if every word outside literals that looks like one is one.';

CREATE FUNCTION pggit.guess_columns(content text, wanted text, of_table text, columns pggit.rename[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- a foreign key's own columns, the table and the columns that it leads to, and what it does, which may name its own again
    parts text[] := regexp_match(content, '^(FOREIGN KEY .* REFERENCES )((?:"(?:[^"]|"")+"|[^."(]+)[.](?:"(?:[^"]|"")+"|[^."(]+))([(](?:"(?:[^"]|"")+"|[^")])+[)])(.*)$');
    guess text;
BEGIN
    IF content = wanted OR wanted IS NULL THEN
        RETURN content;
    END IF;
    guess := CASE WHEN parts IS NULL THEN pggit.rename_column_in_text(content, of_table, columns)
        ELSE pggit.rename_column_in_text(parts[1], of_table, columns) || parts[2]
            || pggit.rename_column_in_text(parts[3], parts[2], columns) || pggit.rename_column_in_text(parts[4], of_table, columns) END;
    RETURN CASE WHEN guess = wanted THEN wanted ELSE content END;
END
$$;
COMMENT ON FUNCTION pggit.guess_columns(text, text, text, pggit.rename[]) IS
'A piece of SQL about one table, and in a foreign key about the one that it leads to, after columns were renamed; wanted is what it is to become: the new names are put in only where that gives it.';

CREATE FUNCTION pggit.rename_in_definition(
    of_type text, key text, old_value jsonb, new_value jsonb, of_table text, renames pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text;
    body_at integer;
    fitting pggit.rename[];
BEGIN
    CASE jsonb_typeof(old_value)
        WHEN 'object' THEN
            RETURN coalesce((
                SELECT jsonb_object_agg(k.key, pggit.rename_in_definition(of_type, k.key, k.value, new_value -> k.key, of_table, renames))
                FROM jsonb_each(old_value) k), '{}');
        WHEN 'array' THEN
            RETURN coalesce((
                SELECT jsonb_agg(pggit.rename_in_definition(of_type, key, k.value, new_value -> (k.place::integer - 1), of_table, renames) ORDER BY k.place)
                FROM jsonb_array_elements(old_value) WITH ORDINALITY AS k (value, place)), '[]');
        WHEN 'string' THEN
            IF key IN ('name', 'comment', 'index_comment', 'multirange_comment', 'labels', 'acl', 'owner', 'options', 'initial') OR old_value = new_value THEN
                RETURN old_value;
            END IF;
            content := old_value #>> '{}';
            IF key = 'schema' THEN  -- the one name that stands there without what it qualifies
                RETURN to_jsonb(coalesce((SELECT CASE WHEN quote_ident(content) = r.old_identity THEN (parse_ident(r.new_identity))[1] ELSE r.new_identity END
                    FROM unnest(renames) r WHERE r.object_type = 'SCHEMA' AND content IN (r.old_identity, (parse_ident(r.old_identity))[1])), content));
            END IF;
            -- Types, relations and collations can have one name.
            fitting := ARRAY(
                SELECT r FROM unnest(renames) r
                WHERE r.old_column IS NULL AND CASE
                    WHEN key = 'collation' THEN r.object_type = 'SCHEMA'
                    WHEN key IN ('type', 'base', 'subtype', 'of_type', 'moving_type') THEN r.object_type NOT IN ('SEQUENCE', 'INDEX')
                    WHEN key IN ('sequence', 'parent') THEN r.object_type NOT IN ('TYPE', 'DOMAIN')
                    ELSE true END);
            -- PostgreSQL renames nothing inside the text of a function.
            body_at := CASE WHEN of_type IN ('FUNCTION', 'PROCEDURE') THEN pggit.text_body_at(content) ELSE 0 END;
            content := CASE WHEN body_at > 0 THEN pggit.rename_in_text(left(content, body_at), fitting) || substr(content, body_at + 1)
                ELSE pggit.rename_in_text(content, fitting) END;
            RETURN to_jsonb(CASE WHEN of_table IS NULL THEN content ELSE pggit.guess_columns(content, new_value #>> '{}', of_table, renames) END);
        ELSE
            RETURN old_value;
    END CASE;
END
$$;
COMMENT ON FUNCTION pggit.rename_in_definition(text, text, jsonb, jsonb, text, pggit.rename[]) IS
'A definition as it reads after the renames. new_value is what it is to become: a column''s new name is put in only where that gives it, and of_table says whose columns may stand there, by its new name.';

CREATE FUNCTION pggit.table_of_columns(of_type text, identity text, definition jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN of_type IN ('TABLE', 'FOREIGN TABLE') THEN identity
        WHEN of_type IN ('INDEX', 'STATISTICS', 'TRIGGER') THEN definition ->> 'table'
        WHEN of_type = 'POLICY' AND concat(definition ->> 'using', definition ->> 'check') !~ '\mSELECT\M' THEN definition ->> 'table'
        WHEN of_type = 'SEQUENCE' THEN pggit.owner_table(definition ->> 'owned_by') END;
END
$$;
COMMENT ON FUNCTION pggit.table_of_columns(text, text, jsonb) IS
'The one table whose columns can stand in an object''s definition; null where there may be more of them, as in a view.';

CREATE FUNCTION pggit.follow_change(definition jsonb, was jsonb, became jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN was = became OR was IS NULL OR became IS NULL THEN definition
        WHEN definition = was THEN became
        WHEN jsonb_typeof(definition) = 'object' AND jsonb_typeof(was) = 'object' AND jsonb_typeof(became) = 'object' THEN (
            SELECT coalesce(jsonb_object_agg(k.key, pggit.follow_change(k.value, was -> k.key, became -> k.key)), '{}') FROM jsonb_each(definition) k)
        ELSE definition END;
END
$$;
COMMENT ON FUNCTION pggit.follow_change(jsonb, jsonb, jsonb) IS
'A definition to which the same happens as to another one: what it has in common with was, at the same places, is as in became.';

CREATE FUNCTION pggit.follow_columns(
    of_type text, was_called text, is_called text, definition jsonb, done bigint[], undone bigint[], renames pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := pggit.ids_of(of_type, was_called) || pggit.ids_of(of_type, is_called);
    changes jsonb[];
    change jsonb;
    previous jsonb;
BEGIN
    -- What PostgreSQL made of it when a column was renamed stands in history, beside the table's own change.
    changes := ARRAY(
        SELECT DISTINCT CASE WHEN h.id = ANY (done) THEN jsonb_build_array(o.renamed, n.renamed) ELSE jsonb_build_array(n.renamed, o.renamed) END
        FROM pggit.history h
        JOIN pggit.history d ON d.transaction_id = h.transaction_id AND d.created_at = h.created_at AND d.command_tag = h.command_tag
        JOIN pggit.blobs was ON was.hash = d.old_blob AND was.hash = pggit.blob_hash(was.object_type, was.identity, was.definition)
        JOIN pggit.blobs became ON became.hash = d.new_blob AND became.hash = pggit.blob_hash(became.object_type, became.identity, became.definition)
        CROSS JOIN LATERAL (SELECT pggit.rename_in_definition(of_type, NULL, was.definition, NULL, NULL, pggit.renames_within(was.definition, renames))) AS o (renamed)
        CROSS JOIN LATERAL (SELECT pggit.rename_in_definition(of_type, NULL, became.definition, NULL, NULL, pggit.renames_within(became.definition, renames))) AS n (renamed)
        WHERE h.id = ANY (done || undone) AND h.change_type <> 'RESCAN' AND d.object_id = ANY (ids));
    -- One may begin with what another makes.
    FOR round IN 1 .. cardinality(changes) LOOP
        previous := definition;
        FOREACH change IN ARRAY changes LOOP
            definition := pggit.follow_change(definition, change -> 0, change -> 1);
        END LOOP;
        EXIT WHEN definition = previous;
    END LOOP;
    RETURN definition;
END
$$;
COMMENT ON FUNCTION pggit.follow_columns(text, text, text, jsonb, bigint[], bigint[], pggit.rename[]) IS
'An object''s definition after columns were renamed, as far as history has what that made of the same text before. done and undone: the changes in history that renamed these columns, and those that renamed them back.';

CREATE FUNCTION pggit.rename_table(definition jsonb, r pggit.rename, columns pggit.rename[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result jsonb := '{}';
    c record;
    c_rename pggit.rename;
    new_name text;
    value jsonb;
    old_table text := (parse_ident(r.old_identity))[2];
    new_table text := (parse_ident(r.new_identity))[2];
    named boolean := pggit.not_null_sql('', '') <> '';
    constraint_name text;
BEGIN
    FOR c IN SELECT k.key, k.value FROM jsonb_each(definition -> 'columns') k LOOP
        value := c.value;
        new_name := c.key;
        FOREACH c_rename IN ARRAY columns LOOP
            IF c_rename.old_column = c.key AND c_rename.new_identity = r.new_identity THEN
                new_name := c_rename.new_column;
            END IF;
        END LOOP;
        -- An identity column's sequence moves along with its table.
        IF value ? 'identity' AND pggit.schema_part(r.old_identity) <> pggit.schema_part(r.new_identity) THEN
            value := jsonb_set(value, '{identity,sequence}',
                to_jsonb(pggit.schema_part(r.new_identity) || '.' || pggit.name_part(value #>> '{identity,sequence}')));
        END IF;
        -- A NOT NULL constraint keeps the name that it got from the table's and the column's old ones.
        IF named AND value ? 'not_null' AND NOT value ? 'inherited' AND (old_table <> new_table OR new_name <> c.key) THEN
            constraint_name := coalesce(value #>> '{not_null_constraint,name}', pggit.default_not_null_name(old_table, c.key));
            value := value || jsonb_build_object('not_null_constraint', coalesce(value -> 'not_null_constraint', '{}') || jsonb_build_object(
                'name', constraint_name, 'definition', regexp_replace(
                    coalesce(value #>> '{not_null_constraint,definition}', 'NOT NULL ' || quote_ident(c.key)),
                    '^NOT NULL (?:"(?:[^"]|"")+"|[a-z_0-9]+)', 'NOT NULL ' || replace(quote_ident(new_name), '\', '\\'))));
            IF constraint_name = pggit.default_not_null_name(new_table, new_name) AND NOT value -> 'not_null_constraint' ? 'comment'
               AND value #>> '{not_null_constraint,definition}' !~ ' (NO INHERIT|NOT VALID)$' THEN
                value := value - 'not_null_constraint';
            END IF;
        END IF;
        result := result || jsonb_build_object(new_name, value);
    END LOOP;
    RETURN definition || jsonb_build_object('columns', result);
END
$$;
COMMENT ON FUNCTION pggit.rename_table(jsonb, pggit.rename, pggit.rename[]) IS
'A table''s definition after it, or columns of it, were renamed: what else changes by that.';

CREATE FUNCTION pggit.apply_renames(
    objects pggit.plan_object[], OUT renamed pggit.plan_object[], OUT statements pggit.plan_node[], OUT columns pggit.rename[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renames pggit.rename[] := ARRAY(SELECT r FROM pggit.find_renames(objects) r);
    moved pggit.rename[];
    left_over pggit.rename[];
    done bigint[];
    undone bigint[];
    constraints pggit.rename[];
BEGIN
    statements := '{}';
    -- Indexes and owned sequences move along with their table, but for a sequence that another table has then.
    moved := ARRAY(
        SELECT ROW(a.object_type, a.identity, pggit.schema_part(r.new_identity) || '.' || pggit.name_part(a.identity), NULL, NULL)::pggit.rename
        FROM pggit.goes_with_tables(objects) a
        JOIN unnest(renames) r ON r.object_type = 'TABLE' AND r.old_identity = a.of_table AND pggit.schema_part(r.new_identity) <> pggit.schema_part(a.identity)
        WHERE NOT (a.object_type = 'SEQUENCE' AND a.is_kept)
          AND NOT EXISTS (SELECT FROM unnest(renames) n WHERE n.object_type = a.object_type AND n.old_identity = a.identity));
    -- Both sides side by side, under the new names.
    renamed := ARRAY(
        SELECT ROW(coalesce(n.object_type, o.object_type), coalesce(n.identity, o.new_identity), o.old_definition, n.new_definition, n.column_order)::pggit.plan_object
        FROM (SELECT x.object_type, x.old_definition, coalesce(
                  (SELECT r.new_identity FROM unnest(renames || moved) r WHERE r.object_type = x.object_type AND r.old_identity = x.identity),
                  -- what has just that name is something else: a collation, say, of a table's name
                  pggit.rename_in_text(x.identity, ARRAY(
                      SELECT r FROM unnest(renames) r WHERE r.old_identity <> x.identity AND strpos(x.identity, r.old_identity) > 0))) AS new_identity
              FROM unnest(objects) x WHERE x.old_definition IS NOT NULL) o
        FULL JOIN (SELECT x.* FROM unnest(objects) x WHERE x.new_definition IS NOT NULL) n
            ON n.object_type = o.object_type AND n.identity = o.new_identity);
    columns := ARRAY(
        SELECT c FROM unnest(renamed) o
        CROSS JOIN LATERAL pggit.find_column_renames(o.object_type, coalesce(
            (SELECT r.old_identity FROM unnest(renames) r WHERE r.object_type = o.object_type AND r.new_identity = o.identity), o.identity),
            o.identity, o.old_definition, o.new_definition) c
        WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE') AND o.old_definition IS NOT NULL AND o.new_definition IS NOT NULL);
    -- A parent's column is renamed with all that inherit it, before anything leaves it: so either all of them have the
    -- new name afterwards, or none is renamed.
    LOOP
        left_over := ARRAY(
            SELECT c FROM unnest(columns) c JOIN unnest(renamed) o ON o.object_type = c.object_type AND o.identity = c.new_identity
            WHERE NOT EXISTS (
                    SELECT FROM unnest(renamed) x
                    WHERE x.old_definition -> 'parents' ? c.old_identity AND x.new_definition IS NOT NULL AND NOT EXISTS (
                        SELECT FROM unnest(columns) y
                        WHERE y.new_identity = x.identity AND y.old_column = c.old_column AND y.new_column = c.new_column))
              AND (NOT o.old_definition #> ARRAY['columns', c.old_column] ? 'inherited' OR EXISTS (
                    SELECT FROM unnest(columns) y
                    WHERE o.old_definition -> 'parents' ? y.old_identity AND y.old_column = c.old_column AND y.new_column = c.new_column)));
        EXIT WHEN cardinality(left_over) = cardinality(columns);
        columns := left_over;
    END LOOP;
    IF renames = '{}' AND columns = '{}' THEN
        renamed := objects;
    ELSE
        SELECT array_agg(x.id) FILTER (WHERE s.is_forward), array_agg(x.id) FILTER (WHERE NOT s.is_forward) INTO done, undone
        FROM (SELECT c.object_type, c.old_identity, c.new_identity, array_agg(c.old_column) AS list FROM unnest(columns) c GROUP BY 1, 2, 3) c
        JOIN unnest(renamed) o ON o.object_type = c.object_type AND o.identity = c.new_identity
        CROSS JOIN LATERAL pggit.trace_columns(c.object_type, c.old_identity, c.new_identity, o.old_definition, o.new_definition) s
        CROSS JOIN LATERAL unnest(s.steps, s.step_places) AS x (id, place)
        WHERE s.old_columns[x.place] = ANY (c.list);
        renamed := ARRAY(
            SELECT ROW(o.object_type, o.identity, CASE WHEN columns = '{}' OR d.definition = o.new_definition OR o.object_type IN ('TABLE', 'FOREIGN TABLE') THEN d.definition
                ELSE pggit.follow_columns(o.object_type, coalesce(t.old_identity, o.identity), o.identity, d.definition, done, undone, renames || moved) END,
                o.new_definition, o.column_order)::pggit.plan_object
            FROM unnest(renamed) o
            LEFT JOIN LATERAL (SELECT r.old_identity FROM unnest(renames) r WHERE r.object_type = o.object_type AND r.new_identity = o.identity) t ON true
            LEFT JOIN LATERAL (SELECT true AS found FROM unnest(columns) x WHERE x.new_identity = o.identity LIMIT 1) c ON true
            LEFT JOIN LATERAL (
                SELECT pggit.rename_in_definition(o.object_type, NULL,
                    CASE WHEN o.object_type = 'SEQUENCE' AND pggit.is_let_go(coalesce(t.old_identity, o.identity), o.identity, o.old_definition ->> 'owned_by', renames)
                        THEN o.old_definition - 'owned_by'
                        WHEN o.object_type IN ('TABLE', 'FOREIGN TABLE') AND (t.old_identity IS NOT NULL OR c.found)
                        THEN pggit.rename_table(o.old_definition, ROW(o.object_type, coalesce(t.old_identity, o.identity), o.identity, NULL, NULL)::pggit.rename, columns)
                        WHEN o.object_type = 'INDEX' AND t.old_identity IS NOT NULL
                        THEN o.old_definition || jsonb_build_object('definition', regexp_replace(o.old_definition ->> 'definition',
                            '^(CREATE (?:UNIQUE )?INDEX )(?:"(?:[^"]|"")+"|[^ ]+)', '\1' || replace(pggit.name_part(o.identity), '\', '\\')))
                        ELSE o.old_definition END,
                    o.new_definition, pggit.table_of_columns(o.object_type, o.identity, o.new_definition),
                    pggit.renames_within(o.old_definition, renames || moved || columns)) AS definition
            ) d ON o.old_definition IS NOT NULL);
    END IF;
    constraints := ARRAY(
        SELECT ROW(o.object_type, CASE WHEN NOT k.is_followed THEN o.identity END, o.identity, k.old_name, k.new_name)::pggit.rename
        FROM unnest(renamed) o
        CROSS JOIN LATERAL pggit.find_constraint_renames(o.identity, o.old_definition -> 'constraints', o.new_definition -> 'constraints', columns) k
        WHERE o.object_type IN ('TABLE', 'FOREIGN TABLE')
          -- an index of that name may have to go first
          AND NOT EXISTS (SELECT FROM unnest(objects) x WHERE x.old_definition IS NOT NULL
                          AND x.identity = pggit.schema_part(o.identity) || '.' || quote_ident(k.new_name))
          -- or that of another table's key
          AND NOT EXISTS (SELECT FROM unnest(renamed) x
                          WHERE x.identity <> o.identity AND pggit.schema_part(x.identity) = pggit.schema_part(o.identity)
                            AND x.old_definition #>> ARRAY['constraints', k.new_name, 'definition'] ~ '^(PRIMARY KEY|UNIQUE|EXCLUDE)'));
    IF constraints <> '{}' THEN
        renamed := ARRAY(
            SELECT ROW(o.object_type, o.identity, CASE WHEN EXISTS (SELECT FROM unnest(constraints) r WHERE r.new_identity = o.identity)
                THEN o.old_definition || jsonb_build_object('constraints', (
                    SELECT jsonb_object_agg(coalesce(r.new_column, k.key), coalesce(o.new_definition #> ARRAY['constraints', r.new_column], k.value))
                    FROM jsonb_each(o.old_definition -> 'constraints') k
                    LEFT JOIN unnest(constraints) r ON r.new_identity = o.identity AND r.old_column = k.key))
                ELSE o.old_definition END, o.new_definition, o.column_order)::pggit.plan_object
            FROM unnest(renamed) o);
    END IF;
    statements := ARRAY(
        SELECT ROW(0, 'alter', pggit.element_key(x.object_type, x.new_identity, 'name'), x.object_type, x.new_identity, 'name', x.list,
                   NULL, NULL, NULL, NULL, 0, NULL, NULL, x.old_identity, NULL)::pggit.plan_node
        FROM (
            SELECT r.object_type, r.new_identity, r.old_identity, pggit.rename_statements(r, renames, objects) AS list, 1 AS kind, r.place
            FROM unnest(renames) WITH ORDINALITY AS r (object_type, old_identity, new_identity, old_column, new_column, place)
            UNION ALL
            SELECT c.object_type, c.new_identity, c.old_identity,
                ARRAY[format('ALTER TABLE %s RENAME COLUMN %I TO %I', c.new_identity, c.old_column, c.new_column)], 2, c.place
            FROM unnest(columns) WITH ORDINALITY AS c (object_type, old_identity, new_identity, old_column, new_column, place)
            -- that of a parent is renamed with the parent's
            JOIN unnest(objects) o ON o.object_type = c.object_type AND o.identity = c.old_identity AND o.old_definition IS NOT NULL
            WHERE NOT o.old_definition #> ARRAY['columns', c.old_column] ? 'inherited'
            UNION ALL
            SELECT k.object_type, k.new_identity, k.old_identity,
                ARRAY[format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', k.new_identity, k.old_column, k.new_column)], 3, k.place
            FROM unnest(constraints) WITH ORDINALITY AS k (object_type, old_identity, new_identity, old_column, new_column, place)
            WHERE k.old_identity IS NOT NULL
        ) x WHERE x.list <> '{}' ORDER BY x.kind, x.place);
END
$$;
COMMENT ON FUNCTION pggit.apply_renames(pggit.plan_object[]) IS
'The objects under their new names, as they are once they are renamed, the steps that rename them, and the columns that were renamed.';

CREATE FUNCTION pggit.rename_statements(
    renamed record, renames pggit.rename[], objects pggit.plan_object[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r pggit.rename := ROW(renamed.object_type, renamed.old_identity, renamed.new_identity, NULL, NULL)::pggit.rename;
    -- the name after what was renamed before it: its schema, its table
    current_identity text := r.old_identity;
    other pggit.rename;
    definition jsonb := (SELECT o.old_definition FROM unnest(objects) o WHERE o.object_type = r.object_type AND o.identity = r.old_identity);
    statements text[] := '{}';
    passing text;
BEGIN
    IF r.object_type = 'SCHEMA' THEN
        RETURN ARRAY[format('ALTER SCHEMA %s RENAME TO %s', r.old_identity, r.new_identity)];
    END IF;
    FOREACH other IN ARRAY renames LOOP
        IF other.object_type = 'SCHEMA' AND other.old_identity = pggit.schema_part(current_identity) THEN
            current_identity := other.new_identity || '.' || pggit.name_part(current_identity);
        ELSIF other.object_type = 'TABLE' AND r.object_type IN ('INDEX', 'SEQUENCE')
              AND (other.old_identity = definition ->> 'table' OR starts_with(definition ->> 'owned_by', other.old_identity || '.')
                   AND pggit.schema_part(other.new_identity) = pggit.schema_part(r.new_identity)) THEN
            current_identity := pggit.schema_part(other.new_identity) || '.' || pggit.name_part(current_identity);
        END IF;
    END LOOP;
    IF pggit.schema_part(current_identity) <> pggit.schema_part(r.new_identity) AND r.object_type <> 'INDEX' THEN
        IF EXISTS (SELECT FROM unnest(objects) o WHERE o.object_type = 'SCHEMA' AND o.old_definition IS NULL
                   AND o.identity = pggit.schema_part(r.new_identity))
           AND NOT EXISTS (SELECT FROM unnest(renames) x WHERE x.object_type = 'SCHEMA' AND x.new_identity = pggit.schema_part(r.new_identity))
        THEN
            statements := ARRAY['CREATE SCHEMA IF NOT EXISTS ' || pggit.schema_part(r.new_identity)];
        END IF;
        -- A sequence goes where its table goes, and nowhere else, unless it is let go first.
        IF r.object_type = 'SEQUENCE' AND pggit.is_let_go(r.old_identity, r.new_identity, definition ->> 'owned_by', renames) THEN
            statements := statements || format('ALTER SEQUENCE %s OWNED BY NONE', current_identity);
        END IF;
        statements := statements || ARRAY(
            SELECT format('ALTER SEQUENCE %s.%s OWNED BY NONE', pggit.schema_part(current_identity), pggit.name_part(o.identity)) FROM unnest(objects) o
            WHERE r.object_type = 'TABLE' AND o.object_type = 'SEQUENCE' AND starts_with(o.old_definition ->> 'owned_by', r.old_identity || '.')
              AND pggit.is_let_go(o.identity, coalesce(
                  (SELECT x.new_identity FROM unnest(renames) x WHERE x.object_type = 'SEQUENCE' AND x.old_identity = o.identity),
                  CASE WHEN o.new_definition IS NOT NULL THEN o.identity END), o.old_definition ->> 'owned_by', renames)
            ORDER BY o.identity COLLATE "C");
        -- The array type of what has a long name may have a name that is taken in the other schema; it gets another
        -- when the name changes.
        IF octet_length((parse_ident(current_identity))[2]) > 60 THEN
            passing := 'pggit_' || left(pggit.digest(r.new_identity), 24);
            statements := statements || format('ALTER %s %s RENAME TO %s', r.object_type, current_identity, passing);
            current_identity := pggit.schema_part(current_identity) || '.' || passing;
        END IF;
        statements := statements || format('ALTER %s %s SET SCHEMA %s', r.object_type, current_identity, pggit.schema_part(r.new_identity));
    END IF;
    IF pggit.name_part(current_identity) <> pggit.name_part(r.new_identity) THEN
        statements := statements || format('ALTER %s %s.%s RENAME TO %s', r.object_type, pggit.schema_part(r.new_identity),
                                           pggit.name_part(current_identity), pggit.name_part(r.new_identity));
    END IF;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.rename_statements(record, pggit.rename[], pggit.plan_object[]) IS
'Statements that give an object its new name; indexes and owned sequences move along with their table.';

-- 67_diff.sql
-- Differences for people: what differs, and the script that takes one schema to the other.

CREATE FUNCTION pggit.diff(a text, b text)
RETURNS TABLE (change text, object_type text, object text, part text, old_state jsonb, new_state jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    old_tree text := pggit.tree_of(a);
    new_tree text := pggit.tree_of(b);
BEGIN
    RETURN QUERY
    SELECT d.change, d.object_type, d.identity, d.part, d.old_state, d.new_state
    FROM pggit.changed_objects(old_tree, new_tree) o
    CROSS JOIN LATERAL pggit.object_differences(o) d
    ORDER BY d.object_type, d.identity COLLATE "C", d.part COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.diff(text, text) IS
'What differs between two of: a branch, a tag, a commit, a restore point, a moment, LIVE (the schema as it is). One row for an object that was created or dropped, and one for each part of an altered one: a column, a constraint, an owner ...';

CREATE FUNCTION pggit.object_differences(o pggit.plan_object)
RETURNS TABLE (change text, object_type text, identity text, part text, old_state jsonb, new_state jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF o.old_definition IS NULL OR o.new_definition IS NULL THEN
        RETURN QUERY SELECT CASE WHEN o.old_definition IS NULL THEN 'CREATE' ELSE 'DROP' END,
            o.object_type, o.identity, NULL::text, o.old_definition, o.new_definition;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT CASE WHEN x.key IS NULL THEN 'CREATE' WHEN y.key IS NULL THEN 'DROP' ELSE 'ALTER' END,
        o.object_type, o.identity, nullif(coalesce(x.part, y.part), ''), x.state, y.state
    FROM pggit.elements(o.object_type, o.identity, o.old_definition, NULL) x
    FULL JOIN pggit.elements(o.object_type, o.identity, o.new_definition, NULL) y ON y.key = x.key
    WHERE x.state IS DISTINCT FROM y.state;
END
$$;
COMMENT ON FUNCTION pggit.object_differences(pggit.plan_object) IS 'What differs in one object, part by part.';

CREATE FUNCTION pggit.script(from_tree text, to_tree text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    body text;
BEGIN
    SELECT string_agg(
        CASE WHEN n.loses IS NOT NULL AND n.action = 'drop' THEN concat('-- loses ',
            -- a line break in a name would end the comment
            regexp_replace(CASE n.loses WHEN '' THEN 'the rows of ' || n.identity ELSE format('the values of %s.%I', n.identity, n.loses) END,
                           '[\n\r]', ' ', 'g'), E'\n') ELSE '' END
        || CASE WHEN strpos(s.text, '''(not recorded)''') > 0 THEN E'-- an option whose value pgGit does not record: set it by hand\n' ELSE '' END
        || s.text || E';\n', '' ORDER BY n.place, s.place)
    INTO body
    FROM pggit.plan(from_tree, to_tree) WITH ORDINALITY AS n (
        id, action, key, object_type, identity, part, statements, provides, needs, old_needs, claims, rank, as_owner_of, loses, old_identity, becomes, place)
    CROSS JOIN LATERAL unnest(n.statements) WITH ORDINALITY AS s (text, place);
    IF body IS NULL THEN
        RETURN '';
    END IF;
    RETURN concat(E'-- Run in one transaction: psql --single-transaction --set ON_ERROR_STOP=1\n',
        E'SET search_path = pg_catalog, pg_temp;\nSET check_function_bodies = off;\nSET standard_conforming_strings = on;\n',
        E'SET default_tablespace = '''';\nSET default_table_access_method = heap;\n\n',
        body,
        E'\nRESET search_path;\nRESET check_function_bodies;\nRESET standard_conforming_strings;\nRESET default_tablespace;\nRESET default_table_access_method;\n');
END
$$;
COMMENT ON FUNCTION pggit.script(text, text) IS 'The script that takes a schema of one tree to another; empty when they are the same.';

CREATE FUNCTION pggit.diff_sql(a text, b text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    old_tree text := pggit.tree_of(a);
    new_tree text := pggit.tree_of(b);
BEGIN
    RETURN pggit.script(old_tree, new_tree);
END
$$;
COMMENT ON FUNCTION pggit.diff_sql(text, text) IS
'A script that turns the schema at a into the one at b, hash for hash, for psql --single-transaction. The same two always give the same role the same bytes; empty when they are the same. What drops rows has a comment that says so.';

CREATE FUNCTION pggit.export_ddl(ref text DEFAULT 'HEAD') RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    tree text := pggit.tree_of(ref);
BEGIN
    RETURN pggit.script(NULL, tree);
END
$$;
COMMENT ON FUNCTION pggit.export_ddl(text) IS
'The whole schema at a branch, tag, commit, restore point, moment or LIVE as one script, which makes the same tree in an empty database.';

CREATE FUNCTION pggit.generate_migration("from" text, "to" text, OUT up text, OUT down text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    up := pggit.diff_sql("from", "to");
    down := pggit.diff_sql("to", "from");
END
$$;
COMMENT ON FUNCTION pggit.generate_migration(text, text) IS 'The scripts for both ways between two states of the schema.';

CREATE FUNCTION pggit.object_ddl(object text, ref text DEFAULT 'LIVE', object_type text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    tree text := pggit.tree_of(ref);
    found record;
    blob text;
    parts pggit.element[];
    keys text[];
BEGIN
    SELECT f.found_type, f.identity INTO found FROM pggit.find_object(object, object_type) f;
    blob := pggit.tree_lookup(tree, pggit.tree_key(found.found_type, found.identity));
    IF blob IS NULL THEN
        RAISE EXCEPTION 'there is no % % at %', found.found_type, found.identity, ref
            USING ERRCODE = 'GT043', HINT = 'pggit.get_history() tells when it was there.';
    END IF;
    parts := ARRAY(SELECT e FROM pggit.elements(found.found_type, found.identity, pggit.definition_of(blob),
                                                pggit.column_order_of(found.found_type, found.identity, blob)) e);
    keys := ARRAY(SELECT p.key FROM unnest(parts) p ORDER BY p.key COLLATE "C");
    RETURN (
        SELECT string_agg(s.text || E';\n', '' ORDER BY n.place, s.place)
        FROM pggit.order_nodes(pggit.plan_nodes('{}', parts, keys, array_fill('create'::text, ARRAY[cardinality(keys)]), '{}', NULL, NULL))
             WITH ORDINALITY AS n (id, action, key, object_type, identity, part, statements, provides, needs, old_needs, claims, rank,
                                   as_owner_of, loses, old_identity, becomes, place)
        CROSS JOIN LATERAL unnest(n.statements) WITH ORDINALITY AS s (text, place));
END
$$;
COMMENT ON FUNCTION pggit.object_ddl(text, text, text) IS
'The statements that make one object as it is or was at a branch, tag, commit, restore point, moment or LIVE.';

-- 68_apply.sql
-- Changing the live schema. It is done with the caller's own rights; what evaluates expressions of an object's
-- owner runs with that owner's rights, never with a superuser's.

CREATE FUNCTION pggit.run_step(statement text, as_owner_of text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner text := pggit.owner_to_run_as(as_owner_of);
    found bigint;
    left_behind bigint;
BEGIN
    IF owner IS NULL THEN
        EXECUTE statement;
        GET DIAGNOSTICS found = ROW_COUNT;
        RETURN found;
    END IF;
    -- SET ROLE would not do: code of the owner's could reset it, or leave a setting, a cursor WITH HOLD or a trigger
    -- behind that works when the superuser goes on. PostgreSQL lets the expression of an index do none of that, so
    -- the statement is run by one: with the rights of its table's owner and nothing left of it but what it did.
    -- What waits is of before, and nothing of this may wait; but not where a function lends its owner's rights, which
    -- the triggers that wait are not to have.
    IF current_user = coalesce(nullif(current_setting('role'), 'none'), session_user) THEN
        SET CONSTRAINTS ALL IMMEDIATE;
    END IF;
    left_behind := pggit.count_temporary();
    CREATE TEMPORARY TABLE pggit_step AS SELECT 1 AS id;
    CREATE TEMPORARY TABLE pggit_step_rows (found bigint);  -- not the owner's: it is read with a superuser's rights
    EXECUTE format('CREATE FUNCTION pg_temp.pggit_run_step() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L', format(
        'DECLARE n bigint; BEGIN EXECUTE %L; GET DIAGNOSTICS n = ROW_COUNT; INSERT INTO pg_temp.pggit_step_rows VALUES (n); END', statement));
    CREATE FUNCTION pg_temp.pggit_step(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
        'BEGIN PERFORM pg_temp.pggit_run_step(); RETURN id; END';
    EXECUTE format('ALTER TABLE pg_temp.pggit_step OWNER TO %I', owner);
    EXECUTE format('GRANT INSERT ON pg_temp.pggit_step_rows TO %I', owner);
    EXECUTE format('GRANT EXECUTE ON FUNCTION pg_temp.pggit_step(integer), pg_temp.pggit_run_step() TO %I', owner);
    CREATE INDEX ON pg_temp.pggit_step (pg_temp.pggit_step(id));
    EXECUTE 'SELECT r.found FROM pg_temp.pggit_step_rows r' INTO found;
    DROP TABLE pg_temp.pggit_step, pg_temp.pggit_step_rows;
    DROP FUNCTION pg_temp.pggit_step(integer);
    DROP FUNCTION pg_temp.pggit_run_step();
    -- Types, too, are looked for among what is temporary first.
    IF pggit.count_temporary() <> left_behind THEN
        RAISE EXCEPTION 'code of %''s made something temporary in this session', owner USING ERRCODE = 'GT045',
            HINT = 'A trigger, a default, a type or an index of that role''s ran and left it. Nothing was changed.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.run_step(text, text) IS
'Runs a statement, for a superuser fenced in and with the rights of whoever as_owner_of means (see owner_to_run_as). Returns how many rows it touched. Raises GT045 when code of the owner''s leaves something temporary.';

CREATE FUNCTION pggit.owner_to_run_as(as_owner_of text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner oid;
BEGIN
    IF as_owner_of IS NULL OR NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RETURN NULL;
    END IF;
    owner := CASE split_part(as_owner_of, ' ', 1)
        WHEN 'role' THEN (SELECT r.oid FROM pg_roles r WHERE r.rolname = substr(as_owner_of, 6))
        WHEN 'type' THEN (SELECT t.typowner FROM pg_type t WHERE t.oid = to_regtype(substr(as_owner_of, 6)))
        ELSE (SELECT c.relowner FROM pg_class c WHERE c.oid = to_regclass(as_owner_of)) END;
    IF owner IS NULL THEN
        RAISE EXCEPTION 'nobody owns %', as_owner_of USING ERRCODE = 'GT045', HINT = 'Another session may have changed the schema meanwhile: try again.';
    END IF;
    RETURN (SELECT r.rolname FROM pg_roles r WHERE r.oid = owner AND NOT r.rolsuper);
END
$$;
COMMENT ON FUNCTION pggit.owner_to_run_as(text) IS
'The role with whose rights a superuser runs a statement: the owner of a relation, of a type (''type x''), or a role by name (''role x''). Null where that is a superuser, too, or the caller is none. Raises GT045 where nobody is found.';

CREATE FUNCTION pggit.count_temporary() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema())
        + (SELECT count(*) FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema())
        + (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = pg_my_temp_schema());
END
$$;
COMMENT ON FUNCTION pggit.count_temporary() IS 'How many temporary relations, types and functions this session has.';

CREATE FUNCTION pggit.may_run_code(relation text, reading boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid := to_regclass(relation);
BEGIN
    -- Types bring casts, input functions and the checks of domains along.
    RETURN NOT reading AND EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = found AND a.attnum > 0 AND NOT a.attisdropped AND pggit.type_has_code(a.atttypid))
        OR EXISTS (
            SELECT FROM pg_depend d
            WHERE d.refobjid >= 16384
              AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)
              AND (d.classid = 'pg_class'::regclass AND (
                      d.objid = found OR d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = found))
                   OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT k.oid FROM pg_constraint k WHERE k.conrelid = found)
                   OR d.classid = 'pg_statistic_ext'::regclass AND d.objid IN (SELECT s.oid FROM pg_statistic_ext s WHERE s.stxrelid = found)
                   OR NOT reading AND d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT a.oid FROM pg_attrdef a WHERE a.adrelid = found)))
        -- A plan works constants out in all of these; and on PostgreSQL's own functions nothing depends.
        OR EXISTS (
            SELECT FROM (
                SELECT pg_get_expr(a.adbin, a.adrelid) AS sql FROM pg_attrdef a WHERE a.adrelid = found AND NOT reading
                UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = found AND k.contype = 'c'
                UNION ALL SELECT concat_ws(' ', pg_get_expr(i.indexprs, found), pg_get_expr(i.indpred, found)) FROM pg_index i WHERE i.indrelid = found
                UNION ALL SELECT pg_get_expr(s.stxexprs, found) FROM pg_statistic_ext s WHERE s.stxrelid = found
                UNION ALL SELECT pg_get_partkeydef(p.partrelid) FROM pg_partitioned_table p
                    WHERE p.partrelid = found OR p.partrelid IN (SELECT a.relid FROM pg_partition_ancestors(found) a)
            ) x WHERE pggit.has_code(x.sql));
END
$$;
COMMENT ON FUNCTION pggit.may_run_code(text, boolean) IS
'Whether code that may do harm, a function, an operator or a type, hangs on a table in a way that changing it may run it or, with reading, that a plan for reading it may.';

CREATE FUNCTION pggit.has_code(sql text, besides text[] DEFAULT '{}') RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT pggit.is_harmless(sql)
        OR EXISTS (SELECT FROM unnest(pggit.names_in(sql)) n WHERE n <> ALL (besides) AND pggit.type_has_code(to_regtype(n)));
END
$$;
COMMENT ON FUNCTION pggit.has_code(text, text[]) IS
'Whether a piece of SQL that PostgreSQL wrote calls what may do harm; a constant of an enum, say, does not. besides: names that are no types here, though each table is one.';

CREATE FUNCTION pggit.type_has_code(type oid) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN type >= 16384 AND NOT EXISTS (
        SELECT FROM pg_type t
        WHERE t.oid = type AND NOT EXISTS (SELECT FROM pg_cast c WHERE t.oid IN (c.castsource, c.casttarget))
          AND CASE t.typtype
              WHEN 'e' THEN true
              WHEN 'd' THEN NOT pggit.type_has_code(t.typbasetype) AND pggit.has_code(pg_get_expr(t.typdefaultbin, 0)) IS NOT TRUE AND NOT EXISTS (
                  SELECT FROM pg_constraint k WHERE k.contypid = t.oid AND pggit.has_code(pg_get_constraintdef(k.oid)))
              WHEN 'c' THEN NOT EXISTS (
                  SELECT FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped AND pggit.type_has_code(a.atttypid))
              WHEN 'b' THEN t.typelem <> 0 AND NOT pggit.type_has_code(t.typelem)
              ELSE false END)
        -- what a superuser made is trusted as an extension is
        AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner WHERE t.oid = type AND r.rolsuper AND t.typtype = 'b' AND t.typelem = 0);
END
$$;
COMMENT ON FUNCTION pggit.type_has_code(oid) IS
'Whether a type is somebody''s and may bring code along, by casts, checks or a default. An enum has none by itself, and a base type is made by superusers alone.';

CREATE FUNCTION pggit.with_all_below(relations oid[]) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(WITH RECURSIVE below (relation) AS (
            SELECT unnest(relations) UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.relation)
        SELECT b.relation FROM below b);
END
$$;
COMMENT ON FUNCTION pggit.with_all_below(oid[]) IS 'Tables with all their partitions and children.';

CREATE FUNCTION pggit.kin_of(relations text[], by_keys boolean) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    family oid[] := ARRAY(SELECT to_regclass(r)::oid FROM unnest(relations) r WHERE to_regclass(r) IS NOT NULL);
BEGIN
    IF by_keys THEN
        family := family || ARRAY(
            SELECT CASE k.conrelid WHEN b.relation THEN k.confrelid ELSE k.conrelid END
            FROM unnest(pggit.with_all_below(family)) AS b (relation)
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = b.relation AND d.classid = 'pg_constraint'::regclass
            JOIN pg_constraint k ON k.oid = d.objid AND k.contype = 'f');
    END IF;
    RETURN ARRAY(SELECT c.oid::regclass::text FROM unnest(pggit.with_all_below(family)) AS b (relation)
                 JOIN pg_class c ON c.oid = b.relation AND c.relkind IN ('r', 'p', 'f', 'm') ORDER BY c.oid);
END
$$;
COMMENT ON FUNCTION pggit.kin_of(text[], boolean) IS
'What a step on some tables may read: they themselves, all partitions and children below and, by foreign keys, the tables at the other end with all below these.';

CREATE FUNCTION pggit.kin_of_step(node pggit.plan_node) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statements text := array_to_string(node.statements, E'\n');
    by_keys boolean := statements ~ ' FOREIGN KEY [(]| ATTACH PARTITION | TYPE | VALIDATE CONSTRAINT ';
BEGIN
    RETURN pggit.kin_of(CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN ARRAY[node.as_owner_of] ELSE '{}' END
        || CASE WHEN node.object_type IN ('TABLE', 'FOREIGN TABLE') THEN ARRAY[node.identity] ELSE '{}' END
        || CASE WHEN by_keys THEN pggit.names_in(statements) ELSE '{}' END, by_keys);
END
$$;
COMMENT ON FUNCTION pggit.kin_of_step(pggit.plan_node) IS 'The tables that a step changes, and those that PostgreSQL may read for it.';

CREATE FUNCTION pggit.kin_has_code(node pggit.plan_node, reading boolean) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM unnest(pggit.kin_of_step(node)) k WHERE pggit.may_run_code(k, reading)
        OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(k) AND pggit.type_has_code(a.atttypid)));
END
$$;
COMMENT ON FUNCTION pggit.kin_has_code(pggit.plan_node, boolean) IS
'Whether code that may do harm hangs on a table that a step changes or reads, or on the type of a column of one. See may_run_code for reading.';

CREATE FUNCTION pggit.hold_kin(node pggit.plan_node) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held text[] := '{}';
    kin text[];
    relation text;
BEGIN
    -- Whoever looks what code hangs on a table, and acts on it, holds the table from then on.
    LOOP
        kin := pggit.kin_of_step(node);
        EXIT WHEN kin <@ held OR NOT EXISTS (
            SELECT FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner AND NOT r.rolsuper);
        FOR relation IN SELECT k FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) AND c.relkind IN ('r', 'p') LOOP
            EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', relation);
        END LOOP;
        held := held || kin;
    END LOOP;
    RETURN kin;
END
$$;
COMMENT ON FUNCTION pggit.hold_kin(pggit.plan_node) IS
'Locks the tables that a step changes or reads where any is a plain role''s, so that nothing is hung on them before it ends; returns them.';

CREATE FUNCTION pggit.rights_of(node pggit.plan_node, statement text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN node.as_owner_of END;
    is_column boolean := node.part LIKE 'column %';
BEGIN
    -- Where no code that may do harm can run, the caller's own rights do: the owner may lack some that the
    -- statement needs, on a partition or a child of another owner, say.
    RETURN CASE
        WHEN node.as_owner_of IS NULL OR NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN NULL
        -- The owner, right after the object was made.
        WHEN node.part = '' AND node.action = 'create' AND statement <> node.statements[1] THEN NULL
        -- The values of both tables are compared, by way of casts where they differ in type.
        WHEN statement ~ ' FOREIGN KEY [(]' THEN CASE WHEN pggit.kin_has_code(node, reading => true) THEN node.as_owner_of END
        -- The name of the table itself is that of a type, too.
        WHEN pggit.has_code(statement, ARRAY[node.identity, coalesce(relation, '')])
             OR pggit.may_evaluate(statement) AND EXISTS (SELECT FROM unnest(pggit.names_in(statement)) n WHERE to_regtype(n) IS NULL AND to_regclass(n) IS NULL)
            THEN node.as_owner_of
        -- A new column that is null everywhere evaluates nothing.
        WHEN node.action = 'create' AND is_column AND statement !~ ' DEFAULT (?!AS IDENTITY)| GENERATED ALWAYS AS [(]' THEN NULL
        -- Only a column that changes has anything to do with the defaults of others.
        WHEN pggit.kin_has_code(node, reading => NOT is_column) THEN node.as_owner_of
        END;
END
$$;
COMMENT ON FUNCTION pggit.rights_of(pggit.plan_node, text) IS
'The relation, type or role (see owner_to_run_as) with whose rights a statement has to run; null where the caller''s will do.';

CREATE FUNCTION pggit.code_of_others(relations text[], reading boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT k FROM unnest(relations) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner
            WHERE NOT r.rolsuper AND (pggit.may_run_code(k, reading) OR EXISTS (
                SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                WHERE i.indrelid = c.oid AND pggit.type_has_code(a.atttypid))) LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.code_of_others(text[], boolean) IS
'The first of some tables that is a plain role''s and has code hanging on it, or on its keys; null for none. See may_run_code for reading.';

CREATE FUNCTION pggit.require_one_owner(node pggit.plan_node, kin text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    top oid := CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN to_regclass(node.as_owner_of) END;
    strange text;
BEGIN
    -- The owner of a partition or child, or of a table at the other end of a foreign key, cannot be lent the superuser's
    -- table, nor may its code run as a superuser.
    IF top IS NULL OR node.object_type NOT IN ('TABLE', 'FOREIGN TABLE')
       OR NOT (SELECT r.rolsuper FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = top) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner AND NOT r.rolsuper) THEN
        strange := coalesce(pggit.code_of_others(pggit.kin_of(ARRAY[node.as_owner_of, node.identity], false)),
                            pggit.code_of_others(kin, reading => true));
    END IF;
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'code of its owner''s hangs on %, which stands below a superuser''s table or at the other end of its foreign key', strange
            USING ERRCODE = 'GT045', HINT = 'Give both tables to one role first.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_one_owner(pggit.plan_node, text[]) IS
'For a superuser: raises GT045 where a superuser''s step on its own table would run code that hangs on a plain role''s partition, child or table at the other end of a foreign key.';

CREATE FUNCTION pggit.require_table(relation text) RETURNS oid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid := (SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass(relation) AND c.relkind IN ('r', 'p'));
BEGIN
    -- While this session waited for a lock, somebody may have put a view in the table's place: reading it would
    -- run the view's code.
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no table %', relation USING ERRCODE = 'GT039', HINT = 'Another session may have changed the schema meanwhile: try again.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.require_table(text) IS
'The OID of a table. Raises GT039 where the name stands for none; ask when the table is locked.';

CREATE FUNCTION pggit.tables_of(relation text, whole boolean, besides text[] DEFAULT '{}') RETURNS TABLE (member text, owner_to_be text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid;
BEGIN
    EXECUTE format('LOCK TABLE %s %s IN SHARE MODE', CASE WHEN whole THEN '' ELSE 'ONLY' END, relation);
    found := pggit.require_table(relation);
    FOR member IN
        WITH RECURSIVE family (table_oid) AS (
            SELECT found
            UNION SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.table_oid
            WHERE whole AND i.inhrelid <> ALL (ARRAY(SELECT to_regclass(b)::oid FROM unnest(besides) b))
        )
        SELECT c.oid::regclass::text FROM family f JOIN pg_class c ON c.oid = f.table_oid AND c.relkind = 'r' ORDER BY c.oid
    LOOP
        owner_to_be := CASE WHEN pggit.may_run_code(member, reading => true) THEN member END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.tables_of(text, boolean, text[]) IS
'The tables that hold the rows of one, locked: itself or, whole, with its partitions and children, but for those besides. owner_to_be: as whose owner it is to be read, since a plan runs code that hangs on a table.';

CREATE FUNCTION pggit.count_rows(relation text, whole boolean, condition text DEFAULT 'true', besides text[] DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(pggit.run_step(format('SELECT FROM ONLY %s t WHERE %s', m.member, condition), m.owner_to_be)), 0)
            FROM pggit.tables_of(relation, whole, besides) m);
END
$$;
COMMENT ON FUNCTION pggit.count_rows(text, boolean, text, text[]) IS
'How many rows of a table or, whole, of it and all below it but for those besides meet a condition on t, which is SQL. Locks them.';

CREATE FUNCTION pggit.rows_that_change(relation text, column_name text, becomes text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
    target regtype := to_regtype(becomes);
    there text;
    back text;
BEGIN
    SELECT a.atttypid::regtype AS type, format_type(a.atttypid, a.atttypmod) AS name, a.atttypid < 16384 AND EXISTS (
            SELECT FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod
            WHERE m.amname = 'btree' AND c.opcdefault AND c.opcintype = a.atttypid) AS is_ordered
    INTO source
    FROM pg_attribute a
    WHERE a.attrelid = pggit.require_table(relation) AND a.attname = column_name AND NOT a.attisdropped;
    -- A type that is not there yet is asked again when it is.
    IF target IS NULL OR target = 'text'::regtype THEN
        RETURN 0;
    END IF;
    there := format('t.%I%s::%s', column_name, CASE WHEN pggit.casts_by_itself(source.type, target) THEN '' ELSE '::pg_catalog.text' END, becomes);
    back := format('(%s)%s::%s', there, CASE WHEN pggit.casts_by_itself(target, source.type) THEN '' ELSE '::pg_catalog.text' END, source.name);
    -- 1.5 and 1.50 are the same number; what cannot be compared has a text
    RETURN (
        SELECT coalesce(sum(pggit.run_step(format('SELECT FROM ONLY %s t WHERE %s', m.member, CASE WHEN source.is_ordered
            THEN format('t.%I IS DISTINCT FROM %s', column_name, back)
            ELSE format('pg_catalog.format(''%%s'', t.%I) OPERATOR(pg_catalog.<>) pg_catalog.format(''%%s'', %s)', column_name, back) END), w.who)), 0)
        FROM pggit.tables_of(relation, true) m
        CROSS JOIN LATERAL (SELECT CASE WHEN pggit.type_has_code(target) OR pggit.type_has_code(source.type) THEN m.member ELSE m.owner_to_be END AS who) w);
END
$$;
COMMENT ON FUNCTION pggit.rows_that_change(text, text, text) IS
'In how many rows a column''s value would not survive another type: it is held against what comes back from there.';

CREATE FUNCTION pggit.values_of_attribute(type_name text, attribute text) RETURNS TABLE (relation text, column_name text, value_count bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    direct boolean;
BEGIN
    FOR relation, column_name, direct IN
        WITH RECURSIVE carrier (type) AS (
            SELECT to_regtype(type_name)::oid
            UNION
            -- arrays and domains of it, and types with an attribute of it
            SELECT x.oid FROM carrier k CROSS JOIN LATERAL (
                SELECT t.typarray FROM pg_type t WHERE t.oid = k.type AND t.typarray <> 0
                UNION ALL SELECT t.oid FROM pg_type t WHERE t.typbasetype = k.type
                UNION ALL SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
                    WHERE a.atttypid = k.type AND NOT a.attisdropped) x (oid)
        )
        SELECT c.oid::regclass::text, a.attname::text, a.atttypid = to_regtype(type_name)
        FROM carrier k JOIN pg_attribute a ON a.atttypid = k.type AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' ORDER BY 1, 2
    LOOP
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation);
        value_count := pggit.count_rows(relation, false, format(
            CASE WHEN direct THEN '(t.%I).%s IS DISTINCT FROM NULL' ELSE 't.%I IS DISTINCT FROM NULL' END, column_name, attribute));
        IF value_count > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.values_of_attribute(text, text) IS
'Where columns have values of a type in which an attribute, given as it is quoted, is not null. Inside arrays, domains and other types each value counts.';

CREATE FUNCTION pggit.name_before(of_identity text, nodes pggit.plan_node[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(
        (SELECT n.old_identity FROM unnest(nodes) n WHERE n.part = 'name' AND n.object_type = 'TABLE' AND n.identity = of_identity LIMIT 1),
        (SELECT n.old_identity || '.' || pggit.name_part(of_identity) FROM unnest(nodes) n
         WHERE n.part = 'name' AND n.object_type = 'SCHEMA' AND n.identity = pggit.schema_part(of_identity)),
        of_identity);
END
$$;
COMMENT ON FUNCTION pggit.name_before(text, pggit.plan_node[]) IS 'What a table is called before a plan''s renames.';

CREATE FUNCTION pggit.run_nodes(nodes pggit.plan_node[], force boolean, parked jsonb DEFAULT '[]')
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node pggit.plan_node;
    statement text;
    role_before text := current_setting('role');
    is_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    in_role text;
    column_name text;
    changing bigint;
BEGIN
    FOREACH node IN ARRAY nodes LOOP
        IF node.as_owner_of IS NOT NULL AND is_super THEN
            PERFORM pggit.require_one_owner(node, pggit.hold_kin(node));
        END IF;
        -- PostgreSQL's own types were asked before; others may be made, or made anew, by the plan itself.
        IF node.becomes IS NOT NULL AND (node.action = 'resume' OR coalesce(to_regtype(node.becomes)::oid >= 16384, true)) THEN
            column_name := substr(node.part, 8);
            changing := pggit.rows_that_change(node.identity, column_name, node.becomes);
            IF changing > 0 AND parked @> jsonb_build_array(jsonb_build_object('table', node.identity, 'column', column_name)) THEN
                NULL;
            ELSIF changing > 0 AND force THEN
                RETURN QUERY SELECT p.* FROM pggit.park_and_tell(node.identity, column_name) p;
            ELSIF changing > 0 THEN
                RAISE EXCEPTION 'this would drop data: column %.% (as % % values would change)', node.identity, quote_ident(column_name), node.becomes, changing
                    USING ERRCODE = 'GT037', HINT = 'With force => true the data is parked in schema pggit_attic and can be brought back.';
            END IF;
        END IF;
        FOREACH statement IN ARRAY node.statements LOOP
            -- What is done in another role is one step: that role may not call pgGit.
            in_role := CASE
                WHEN starts_with(statement, 'SET ROLE ') THEN statement
                WHEN statement = 'RESET ROLE' THEN in_role || '; SET ROLE ' || CASE role_before WHEN 'none' THEN 'NONE' ELSE quote_ident(role_before) END
                ELSE in_role || '; ' || statement END;
            IF in_role IS NULL OR statement = 'RESET ROLE' THEN
                PERFORM pggit.run_step(coalesce(in_role, statement), pggit.rights_of(node, statement));
                in_role := NULL;
            END IF;
        END LOOP;
        IF node.statements <> '{}' THEN
            RETURN QUERY SELECT CASE WHEN node.part = '' AND node.action <> 'alter' THEN node.action ELSE 'alter' END,
                node.object_type, node.identity, array_to_string(node.statements, E';\n');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.run_nodes(pggit.plan_node[], boolean, jsonb) IS
'Runs the steps of a plan and tells each. Values that a type which the plan itself made would change are parked with force, unless that column is parked already; without it, raises GT037.';

CREATE FUNCTION pggit.apply_tree(target text, force boolean)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET jit = off
SET check_function_bodies = off
SET row_security = off
SET quote_all_identifiers = off
SET standard_conforming_strings = on
SET lc_monetary = 'C'
-- a value has the same text in every session
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET default_tablespace = ''
SET default_table_access_method = heap
AS $$
DECLARE
    from_tree text;
    nodes pggit.plan_node[];
    node pggit.plan_node;
    live_name text;
    leaving text[];
    rows_at_stake bigint;
    stakes text[] := '{}';
    parks jsonb := '[]';
    extension_name text;
    column_name text;
    attribute text;
    differing text;
BEGIN
    -- begin_change() has seen to it that the index is what the catalog has.
    PERFORM pggit.require_tracking();
    PERFORM pggit.lock_head();
    from_tree := pggit.live_tree();
    nodes := ARRAY(SELECT n FROM pggit.plan(from_tree, target) n);
    -- Partitions and children leave before what they keep is dropped above; what they lose, too, they lose by themselves.
    -- A child of several keeps what another one of them has.
    leaving := ARRAY(SELECT pggit.name_before(n.identity, nodes) FROM unnest(nodes) n WHERE n.part = 'link' AND n.action = 'drop')
        || ARRAY(SELECT c.name FROM (SELECT i.inhrelid::regclass::text FROM pg_inherits i GROUP BY i.inhrelid HAVING count(*) > 1) AS c (name)
                 WHERE pggit.tree_lookup(from_tree, pggit.tree_key('TABLE', c.name)) = pggit.tree_lookup(target, pggit.tree_key('TABLE', c.name)));

    FOREACH node IN ARRAY nodes LOOP
        CONTINUE WHEN node.loses IS NULL OR node.action <> 'drop';
        live_name := pggit.name_before(node.identity, nodes);
        -- Locked first, so that nobody adds a row between the look and the drop.
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', live_name);
        rows_at_stake := pggit.count_rows(live_name, node.loses <> '', CASE node.loses WHEN '' THEN 'true' ELSE format('t.%I IS DISTINCT FROM NULL', node.loses) END, leaving);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', live_name, 'column', nullif(node.loses, ''), 'besides', leaving);
            stakes := stakes || CASE node.loses WHEN '' THEN format('table %s (%s rows)', live_name, rows_at_stake)
                ELSE format('column %s.%I (%s values)', live_name, node.loses, rows_at_stake) END;
        END IF;
    END LOOP;
    -- The tables of an extension go with it.
    FOR live_name, extension_name IN
        SELECT c.oid::regclass::text, x.extname FROM unnest(nodes) n JOIN pg_extension x ON n.identity = quote_ident(x.extname)
        JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
        JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'r'
        WHERE n.object_type = 'EXTENSION' AND n.action = 'drop' AND n.part = '' ORDER BY 1
    LOOP
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', live_name);
        rows_at_stake := pggit.count_rows(live_name, false);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', live_name);
            stakes := stakes || format('table %s of extension %I (%s rows)', live_name, extension_name, rows_at_stake);
        END IF;
    END LOOP;
    IF force THEN
        RETURN QUERY SELECT p.* FROM jsonb_array_elements(parks) w CROSS JOIN LATERAL pggit.park_and_tell(w ->> 'table', w ->> 'column', ARRAY(SELECT jsonb_array_elements_text(w -> 'besides'))) p;
        parks := '[]';
        stakes := '{}';
    END IF;

    RETURN QUERY SELECT * FROM pggit.run_nodes(ARRAY(SELECT n FROM unnest(nodes) n WHERE n.part = 'name'), force);
    nodes := ARRAY(SELECT n FROM unnest(nodes) n WHERE n.part <> 'name');
    FOREACH node IN ARRAY nodes LOOP
        CONTINUE WHEN node.becomes IS NULL OR node.action <> 'alter';  -- others are text by then
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', node.identity);
        rows_at_stake := pggit.rows_that_change(node.identity, substr(node.part, 8), node.becomes);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', node.identity, 'column', substr(node.part, 8));
            stakes := stakes || format('column %s.%I (as %s %s values would change)', node.identity, substr(node.part, 8), node.becomes, rows_at_stake);
        END IF;
    END LOOP;
    FOR live_name, column_name, attribute, rows_at_stake IN
        SELECT v.relation, v.column_name, d.attribute, v.value_count
        FROM unnest(nodes) n CROSS JOIN LATERAL unnest(n.statements) s
        CROSS JOIN LATERAL (SELECT substring(s FROM '^ALTER TYPE .* DROP ATTRIBUTE (.*)$') AS attribute) d
        CROSS JOIN LATERAL pggit.values_of_attribute(n.identity, d.attribute) v
        WHERE n.object_type = 'TYPE' AND n.action = 'alter' AND n.part = '' AND d.attribute IS NOT NULL
    LOOP
        parks := parks || jsonb_build_object('table', live_name, 'column', column_name);
        stakes := stakes || format('column %s.%I (%s values with attribute %s)', live_name, column_name, rows_at_stake, attribute);
    END LOOP;
    IF stakes <> '{}' AND force IS NOT TRUE THEN
        RAISE EXCEPTION 'this would drop data: %', array_to_string(stakes, ', ')
            USING ERRCODE = 'GT037', HINT = 'With force => true the data is parked in schema pggit_attic and can be brought back.';
    END IF;
    RETURN QUERY SELECT p.* FROM jsonb_array_elements(parks) w CROSS JOIN LATERAL pggit.park_and_tell(w ->> 'table', w ->> 'column') p;

    RETURN QUERY SELECT * FROM pggit.run_nodes(nodes, force, parks);

    IF pggit.live_tree() <> target THEN
        from_tree := pggit.live_tree();
        SELECT string_agg(format('%s %s', d.object_type, d.identity), ', ') INTO differing
        FROM (SELECT o.object_type, o.identity FROM pggit.changed_objects(from_tree, target) o ORDER BY o.object_type, o.identity LIMIT 5) d;
        RAISE EXCEPTION 'the schema cannot be brought there: % would differ', differing
            USING ERRCODE = 'GT038', HINT = 'Nothing was changed. Another session may have changed the schema meanwhile: try again.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.apply_tree(text, boolean) IS
'Makes the live schema that of a tree, or fails and changes nothing. Without force it refuses to drop a table or column that holds data (GT037); with force the data is parked first. Returns what it did.';

-- The attic --------------------------------------------------------------------------------------------

CREATE FUNCTION pggit.park_and_tell(relation text, column_name text, besides text[] DEFAULT '{}')
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parked bigint := pggit.park(relation, column_name, besides);
BEGIN
    RETURN QUERY SELECT 'park', 'TABLE', CASE WHEN column_name IS NULL THEN relation ELSE format('%s.%I', relation, column_name) END,
        format('%s rows in %s; pggit.restore_from_attic(%s) brings them back', x.row_count, x.parked_as, x.id)
    FROM pggit.attic x WHERE x.id = parked;
END
$$;
COMMENT ON FUNCTION pggit.park_and_tell(text, text, text[]) IS 'Parks a table or a column''s values and says where, as apply_tree() tells it.';

CREATE FUNCTION pggit.require_attic() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regnamespace('pggit_attic') IS NULL THEN
        CREATE SCHEMA pggit_attic;
        PERFORM pggit.make_private('pggit_attic');
        COMMENT ON SCHEMA pggit_attic IS 'Data of tables and columns that pgGit dropped; pggit.list_attic() lists it.';
    ELSIF (SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pggit_attic') IS NOT TRUE THEN
        -- Who owns a schema can drop whatever is in it.
        RAISE EXCEPTION 'schema pggit_attic, where data are to be parked, belongs to a role that is no superuser'
            USING ERRCODE = 'GT051', HINT = 'ALTER SCHEMA pggit_attic OWNER TO the role that owns schema pggit.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_attic() IS
'Makes schema pggit_attic, for nobody but its owner, where there is none. Raises GT051 for a plain role''s.';

CREATE FUNCTION pggit.park(relation text, column_name text, besides text[] DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off SET row_security = off
SET lc_monetary = 'C' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 1 AS $$
DECLARE
    source regclass := to_regclass(relation);
    caller text := coalesce(nullif(current_setting('role'), 'none'), session_user);
    owner oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = source AND c.relkind IN ('r', 'p'));
    keys text[];
    wanted text[];
    attic_id bigint := nextval('pggit.attic_id_seq');
    target text;
    column_list text;
    values_list text;
    types_list text;
    part record;
    short_name text;
    found bigint := 0;
BEGIN
    IF owner IS NULL THEN
        RAISE EXCEPTION 'there is no table %', relation USING ERRCODE = 'GT039', HINT = 'Give its name with the schema.';
    ELSIF NOT pg_has_role(caller, owner, 'USAGE') THEN
        RAISE EXCEPTION 'only its owner can park data of %', relation USING ERRCODE = 'GT040', HINT = 'Ask the owner, or a superuser.';
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', source);
    IF pggit.require_table(relation) <> source OR (SELECT c.relowner FROM pg_class c WHERE c.oid = source) <> owner THEN
        RAISE EXCEPTION '% is another table now', relation USING ERRCODE = 'GT039', HINT = 'Another session changed the schema meanwhile: try again.';
    END IF;
    keys := ARRAY(SELECT a.attname::text FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                  JOIN pg_attribute a ON a.attrelid = source AND a.attnum = k.attnum
                  WHERE i.indrelid = source AND i.indisprimary ORDER BY k.place);
    -- Without a key the whole row tells which row a value belongs to.
    wanted := ARRAY(SELECT a.attname::text FROM pg_attribute a
                    WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                      AND (column_name IS NULL OR keys = '{}' OR a.attname = column_name OR a.attname = ANY (keys)) ORDER BY a.attnum);
    IF column_name IS NOT NULL AND keys = '{}' THEN
        keys := array_remove(wanted, column_name);
    END IF;
    -- A type of the user's may be dropped next, so its values are kept as text, written by their own output
    -- function and not by a cast, which may be somebody's code.
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
        string_agg(CASE WHEN k.is_kept THEN quote_ident(a.attname)
             ELSE format('CASE WHEN %1$I IS DISTINCT FROM NULL THEN pg_catalog.format(''%%s'', %1$I) END', a.attname) END, ', ' ORDER BY a.attnum),
        string_agg(format('%I %s', a.attname, CASE WHEN k.is_kept THEN format_type(a.atttypid, a.atttypmod) ELSE 'pg_catalog.text' END), ', ' ORDER BY a.attnum)
    INTO column_list, values_list, types_list
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (SELECT t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AS is_kept) k
    WHERE a.attrelid = source AND a.attnum > 0 AND a.attname = ANY (wanted);
    PERFORM pggit.require_attic();
    short_name := (parse_ident(relation))[2];
    WHILE octet_length(short_name) > 40 LOOP
        short_name := left(short_name, -1);
    END LOOP;
    short_name := short_name || '_' || attic_id;
    target := format('pggit_attic.%I', short_name);
    -- It is the owner's when it is full: code of the owner's may run while it is filled.
    EXECUTE format('CREATE TABLE %s (%s)', target, types_list);
    PERFORM pggit.make_private('pggit_attic', short_name);
    EXECUTE format('GRANT USAGE ON SCHEMA pggit_attic TO %I', pg_get_userbyid(owner));
    FOR part IN SELECT m.member, m.owner_to_be, pggit.owner_to_run_as(m.owner_to_be) AS role FROM pggit.tables_of(relation, column_name IS NOT NULL, besides) m LOOP
        IF part.role IS NOT NULL THEN
            EXECUTE format('GRANT INSERT ON %s TO %I', target, part.role);
            EXECUTE format('GRANT USAGE ON SCHEMA pggit_attic TO %I', part.role);
        END IF;
        found := found + pggit.run_step(CASE WHEN column_list IS NULL THEN format('INSERT INTO %s SELECT FROM ONLY %s', target, part.member)
            ELSE format('INSERT INTO %s (%s) SELECT %s FROM ONLY %s', target, column_list, values_list, part.member) END, part.owner_to_be);
        IF part.role IS NOT NULL THEN
            EXECUTE format('REVOKE INSERT ON %s FROM %I', target, part.role);
        END IF;
    END LOOP;
    EXECUTE format('ALTER TABLE %s OWNER TO %I', target, pg_get_userbyid(owner));
    INSERT INTO pggit.attic (id, object, column_names, key_columns, is_whole, parked_as, row_count, parked_by, parked_at)
    VALUES (attic_id, relation, CASE WHEN column_name IS NULL THEN wanted ELSE ARRAY[column_name] END, keys,
            column_name IS NULL, target, found, session_user, clock_timestamp());
    RETURN attic_id;
END
$$;
COMMENT ON FUNCTION pggit.park(text, text, text[]) IS
'Copies a table''s rows, or a column''s values with the key of their rows and without the children besides, into schema pggit_attic, for the same owner. Returns the id in pggit.attic.';

CREATE FUNCTION pggit.list_attic()
RETURNS TABLE (id bigint, object text, column_names text[], row_count bigint, parked_as text, parked_by text, parked_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT a.id, a.object, CASE WHEN NOT a.is_whole THEN a.column_names END, a.row_count, a.parked_as, a.parked_by, a.parked_at
    FROM pggit.attic a WHERE a.restored_at IS NULL ORDER BY a.id;
END
$$;
COMMENT ON FUNCTION pggit.list_attic() IS
'Parked data that was not brought back yet. column_names is null for a whole table.';

CREATE FUNCTION pggit.restore_from_attic(attic_id bigint)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off SET row_security = off
SET lc_monetary = 'C' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 1 AS $$
DECLARE
    kept pggit.attic;
    target regclass;
    missing text;
    matches text;
    statement text;
    kin text[];
    found bigint;
    wanted bigint;
    already bigint;
    counter record;
BEGIN
    SELECT a.* INTO kept FROM pggit.attic a WHERE a.id = attic_id AND a.restored_at IS NULL;
    IF kept.id IS NULL THEN
        RAISE EXCEPTION 'there is nothing with the number % in the attic', attic_id USING ERRCODE = 'GT041', HINT = 'pggit.list_attic() lists what there is.';
    END IF;
    IF to_regclass(kept.object) IS NOT NULL THEN
        PERFORM pggit.require_table(kept.object);
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', kept.object);
        target := pggit.require_table(kept.object);
    END IF;
    SELECT string_agg(quote_ident(c), ', ') INTO missing FROM unnest(kept.column_names || kept.key_columns) c
    WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = c AND NOT a.attisdropped);
    IF target IS NULL OR missing IS NOT NULL THEN
        RAISE EXCEPTION 'the data of % cannot be brought back: %', kept.object,
                CASE WHEN target IS NULL THEN 'the table is missing' ELSE 'column ' || missing || ' is missing' END
            USING ERRCODE = 'GT042', HINT = format('Make it again first, or take what you need from %s yourself.', kept.parked_as);
    END IF;
    kin := pggit.kin_of(ARRAY[kept.object], false);
    PERFORM pggit.require_same_rights(kept.object, kept.parked_as, kin);
    IF kept.is_whole THEN
        statement := format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ONLY %s p', kept.object,
            (SELECT string_agg(quote_ident(c), ', ' ORDER BY place) FROM unnest(kept.column_names) WITH ORDINALITY AS u (c, place)),
            (SELECT string_agg(pggit.parked_value(target, c), ', ' ORDER BY place) FROM unnest(kept.column_names) WITH ORDINALITY AS u (c, place)),
            kept.parked_as);
        wanted := pggit.count_rows(kept.parked_as, false);
        already := pggit.count_rows(kept.object, true);
    ELSE
        -- Rows are known again by the text of their key, or of all their other columns: every type has one, and no
        -- code of anybody's is needed to compare it. Rows that are all the same are counted through.
        matches := format(
            '(SELECT x.tableoid AS its_table, x.ctid AS its_row, y.%1$I AS value FROM'
            ' (SELECT t.tableoid, t.ctid, %2$s AS row_key, row_number() OVER (PARTITION BY %2$s) AS nth FROM %3$s t) x JOIN'
            ' (SELECT p.%1$I, %4$s AS row_key, row_number() OVER (PARTITION BY %4$s) AS nth FROM ONLY %5$s p) y'
            ' ON y.row_key = x.row_key AND y.nth = x.nth WHERE y.%1$I IS DISTINCT FROM NULL)',
            kept.column_names[1], pggit.row_text('t', kept.key_columns), kept.object, pggit.row_text('p', kept.key_columns), kept.parked_as);
        found := pggit.run_step(format('SELECT FROM %s m', matches), CASE
            WHEN EXISTS (SELECT FROM unnest(kin || kept.parked_as) k WHERE pggit.may_run_code(k, reading => true)) THEN kept.object END);
        wanted := pggit.count_rows(kept.parked_as, false, format('t.%I IS DISTINCT FROM NULL', kept.column_names[1]));
        IF found < wanted THEN
            RAISE EXCEPTION 'for % of % values of %.% the row is gone', wanted - found, wanted, kept.object, quote_ident(kept.column_names[1])
                USING ERRCODE = 'GT044', HINT = format('Nothing was brought back; take what you need from %s yourself.', kept.parked_as);
        END IF;
        statement := format('UPDATE %s t SET %I = %s FROM %s p WHERE t.tableoid = p.its_table AND t.ctid = p.its_row', kept.object,
            kept.column_names[1], pggit.parked_value(target, kept.column_names[1], 'value'), matches);
    END IF;
    found := pggit.run_step(statement, kept.object);
    IF kept.is_whole THEN
        found := pggit.count_rows(kept.object, true) - already;
    END IF;
    IF found <> wanted THEN
        RAISE EXCEPTION 'only % of % rows of % came back: a trigger or rule of the table keeps others away', found, wanted, kept.object
            USING ERRCODE = 'GT044', HINT = format('Nothing was brought back; take what you need from %s yourself.', kept.parked_as);
    END IF;
    -- A sequence that numbers the rows goes on after the highest number that came back.
    IF kept.is_whole THEN
        FOR counter IN
            SELECT c AS column_name, pg_get_serial_sequence(kept.object, c) AS sequence FROM unnest(kept.column_names) c
            WHERE pg_get_serial_sequence(kept.object, c) IS NOT NULL
        LOOP
            PERFORM pggit.run_step(format(
                'SELECT setval(%1$L::regclass, max(%2$I)) FROM %3$s HAVING max(%2$I) >= (SELECT last_value FROM %4$s)',
                counter.sequence, counter.column_name, kept.object, counter.sequence), kept.object);
        END LOOP;
    END IF;
    EXECUTE format('DROP TABLE %s', kept.parked_as);
    PERFORM pggit.clear_attic(kept.id);
    RETURN QUERY SELECT 'restore', 'TABLE', CASE WHEN kept.is_whole THEN kept.object ELSE format('%s.%I', kept.object, kept.column_names[1]) END,
        format('%s rows from %s', kept.row_count, kept.parked_as);
END
$$;
COMMENT ON FUNCTION pggit.restore_from_attic(bigint) IS
'Brings parked rows or values back into the table they came from, with that table''s owner''s rights, and empties their place in the attic. All or nothing: where a row is gone that a value belongs to, nothing is brought back (GT044).';

CREATE FUNCTION pggit.require_same_rights(relation text, parked text, kin text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    strange text;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
       OR NOT (SELECT r.rolsuper FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = to_regclass(relation)) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', parked);
    -- A superuser's table is filled with a superuser's rights: no code of a plain role's may hang on what it is filled from,
    -- nor on what is filled with it.
    strange := coalesce(pggit.code_of_others(kin || parked), (
        SELECT k FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner
        WHERE NOT r.rolsuper AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
                                  OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid)) LIMIT 1));
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'code of its owner''s hangs on %, and % is a superuser''s', strange, relation
            USING ERRCODE = 'GT045', HINT = 'Give both tables to one role first.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_same_rights(text, text, text[]) IS
'Raises GT045 where filling a superuser''s table from the attic would run code of a plain role''s: on the parked table or on kin, the table with what is below it.';

CREATE FUNCTION pggit.row_text(alias text, column_names text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('jsonb_build_array(%s)::text', (
        SELECT string_agg(format('CASE WHEN %1$I.%2$I IS DISTINCT FROM NULL THEN format(''%%s'', %1$I.%2$I) END', alias, c), ', ' ORDER BY place)
        FROM unnest(column_names) WITH ORDINALITY AS u (c, place)));
END
$$;
COMMENT ON FUNCTION pggit.row_text(text, text[]) IS 'An expression for the text of some columns of a row.';

CREATE FUNCTION pggit.parked_value(target regclass, column_name text, parked_name text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('p.%I::%s', coalesce(parked_name, column_name), format_type(a.atttypid, a.atttypmod))
            FROM pg_attribute a WHERE a.attrelid = target AND a.attname = column_name);
END
$$;
COMMENT ON FUNCTION pggit.parked_value(regclass, text, text) IS 'A parked column as an expression of the type that the table has.';

CREATE FUNCTION pggit.clear_attic(attic_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.attic a SET restored_at = clock_timestamp()
    WHERE a.id = attic_id AND a.restored_at IS NULL AND to_regclass(a.parked_as) IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only data that is not parked any more can be cleared' USING ERRCODE = 'GT040', HINT = 'pggit.restore_from_attic() brings it back.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.clear_attic(bigint) IS 'Notes that parked data was brought back, when its table is gone.';

-- 68_find_object.sql
-- From what a user writes to an object of the index.

CREATE FUNCTION pggit.name_parts(object text, OUT schema_name text, OUT object_name text, OUT arguments text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    m text[] := regexp_match(object, '^\s*((?:"(?:[^"]|"")+"|[^"().\s]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[^"().\s]+))?)\s*(?:\((.*)\))?\s*$');
    parts text[];
BEGIN
    IF m IS NULL THEN
        RETURN;
    END IF;
    parts := parse_ident(m[1]);
    object_name := parts[cardinality(parts)];
    schema_name := CASE WHEN cardinality(parts) = 2 THEN parts[1] END;
    -- PostgreSQL's own words for types, where it knows them: int is integer, text is pg_catalog.text.
    arguments := CASE WHEN btrim(m[2]) = '' THEN '' ELSE (
        SELECT string_agg(coalesce((pg_identify_object('pg_type'::regclass, pggit.known_type(a.written), 0)).identity, btrim(a.written)),
                          ',' ORDER BY a.place)
        FROM string_to_table(m[2], ',') WITH ORDINALITY AS a (written, place)) END;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN;  -- not a name: an identity of another form, perhaps
END
$$;
COMMENT ON FUNCTION pggit.name_parts(text) IS
'A name as a user writes it, taken apart; all null for what is none. Without arguments in parentheses arguments is null.';

CREATE FUNCTION pggit.known_type(written text) RETURNS oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_regtype(btrim(written));
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.known_type(text) IS 'The type of that name; null where there is none, whatever the text.';

CREATE FUNCTION pggit.find_object(object text, object_type text DEFAULT NULL)
RETURNS TABLE (id bigint, found_type text, identity text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off AS $$
DECLARE
    wanted_type text := upper(find_object.object_type COLLATE "C");
    part record;
    best record;
    candidates text;
BEGIN
    PERFORM pggit.require_init();
    SELECT n.schema_name, n.object_name, n.arguments INTO part FROM pggit.name_parts(object) n;
    -- What is there goes before what was dropped, and that before a name of the past; a full identity goes
    -- before a name that leaves something out. The first of these that fits decides.
    FOR best IN
        WITH known AS (
            SELECT o.id, o.object_type, o.identity,
                CASE WHEN o.identity = object THEN 0 ELSE 1 END + CASE WHEN o.is_active THEN 0 ELSE 2 END AS rank
            FROM pggit.objects o
            WHERE NOT o.is_manual
              AND (o.identity = object
                   OR o.object_name = part.object_name AND o.object_type <> 'DEFAULT PRIVILEGES'
                      AND (part.schema_name IS NULL OR o.schema_name = part.schema_name)
                      AND (part.arguments IS NULL
                           OR o.object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE')
                              AND o.identity = format('%s(%s)', concat_ws('.', quote_ident(o.schema_name), quote_ident(o.object_name)),
                                                      part.arguments)))
            UNION ALL
            SELECT h.object_id, h.object_type, h.old_identity, 4
            FROM pggit.history h
            WHERE h.old_identity IS NOT NULL
              AND h.old_identity IN (object, concat_ws('.', quote_ident(coalesce(part.schema_name, 'public')), quote_ident(part.object_name)))
        ), fitting AS (
            SELECT k.object_type, k.identity, k.rank, max(k.id) AS id, min(k.rank) OVER () AS least
            FROM known k
            WHERE wanted_type IS NULL OR k.object_type = wanted_type
            GROUP BY k.object_type, k.identity, k.rank
        )
        SELECT array_agg(f.id) AS ids, array_agg(f.object_type) AS types, array_agg(f.identity) AS identities,
            string_agg(f.object_type || ' ' || f.identity, ', ' ORDER BY f.object_type, f.identity COLLATE "C") AS listed
        FROM fitting f WHERE f.rank = f.least
    LOOP
        IF best.ids IS NULL THEN
            RAISE EXCEPTION 'pgGit knows no % %', coalesce(wanted_type, 'object'), coalesce(quote_literal(object), 'NULL')
                USING ERRCODE = 'GT015',
                HINT = 'Give schema.name, quoted where needed, for a function with its argument types; pggit.objects lists all.';
        ELSIF cardinality(best.ids) > 1 THEN
            candidates := best.listed;
            RAISE EXCEPTION '% can be any of these: %', quote_literal(object), candidates
                USING ERRCODE = 'GT016', HINT = 'Give the schema, for a function its argument types, or the object type as a second argument.';
        END IF;
        id := best.ids[1];
        found_type := best.types[1];
        identity := best.identities[1];
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.find_object(text, text) IS
'The object of the index that a name stands for, dropped ones and former names included: schema.name, a bare name, quoted names, functions with argument types; object_type narrows it down. Raises GT015 when there is none, GT016 when there are several.';

-- 70_commits.sql
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

-- 71_refs.sql
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

-- 72_time.sql
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

-- 73_insight.sql
-- What happened to an object, who made which part of it, and what hangs on it.

CREATE FUNCTION pggit.commit_of(taken_at timestamptz, until timestamptz, object_type text, identity text, blob text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := pggit.tree_key(object_type, identity);
BEGIN
    RETURN (SELECT c.hash FROM pggit.commits c
            WHERE c.committed_at >= taken_at AND (until IS NULL OR c.committed_at < until)
              AND pggit.tree_lookup(c.tree, wanted) IS NOT DISTINCT FROM blob
            ORDER BY c.committed_at, c.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.commit_of(timestamptz, timestamptz, text, text, text) IS
'The first commit that kept a change, given when it was made and when the next one of that object; null where none did.';

CREATE FUNCTION pggit.get_history(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    history_id bigint, change text, changed_at timestamptz, command_tag text, name text, old_name text,
    session_role text, set_role text, application_name text, client_addr inet, transaction_id xid8,
    commit text, old_definition jsonb, new_definition jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, get_history.object_type) f);
    RETURN QUERY
    SELECT h.id, h.change_type, h.created_at, h.command_tag, h.identity, h.old_identity,
        h.session_role, h.set_role, h.application_name, h.client_addr, h.transaction_id,
        pggit.commit_of(h.created_at, h.next_at, h.object_type, h.identity, h.new_blob), o.definition, n.definition
    FROM (SELECT a.*, lead(a.created_at) OVER (ORDER BY a.id) AS next_at
          FROM pggit.history a WHERE a.object_id = wanted) h
    LEFT JOIN pggit.blobs o ON o.hash = h.old_blob
    LEFT JOIN pggit.blobs n ON n.hash = h.new_blob
    ORDER BY h.id;
END
$$;
COMMENT ON FUNCTION pggit.get_history(text, text) IS
'All changes of an object, oldest first, under all names it had: who, when, by which command, the definition before and after, and the commit that kept it.';

CREATE FUNCTION pggit.get_version(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    found_type text, name text, is_there boolean, version bigint, created_at timestamptz, created_by text,
    changed_at timestamptz, changed_by text, last_change text, commit text, is_committed boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
    first_row pggit.history;
    last_row pggit.history;
    head_tree text := (SELECT c.tree FROM pggit.commits c WHERE c.hash = pggit.resolve_ref('HEAD'));
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, get_version.object_type) f);
    SELECT h.* INTO first_row FROM pggit.history h WHERE h.object_id = wanted ORDER BY h.id LIMIT 1;
    SELECT h.* INTO last_row FROM pggit.history h WHERE h.object_id = wanted ORDER BY h.id DESC LIMIT 1;
    RETURN QUERY
    SELECT o.object_type, o.identity, o.is_active,
        (SELECT count(*) FROM pggit.history h WHERE h.object_id = wanted AND h.new_blob IS NOT NULL),
        first_row.created_at, first_row.session_role, last_row.created_at, last_row.session_role, last_row.change_type,
        pggit.commit_of(last_row.created_at, NULL, o.object_type, o.identity, last_row.new_blob),
        pggit.tree_lookup(head_tree, o.tree_key) IS NOT DISTINCT FROM last_row.new_blob
    FROM pggit.objects o WHERE o.id = wanted;
END
$$;
COMMENT ON FUNCTION pggit.get_version(text, text) IS
'How often an object was defined anew (version 1 is the first), who made it and who changed it last, the commit that kept that, and whether the current branch has it.';

CREATE FUNCTION pggit.definition_parts(definition jsonb) RETURNS TABLE (part text, content jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE d.key WHEN 'columns' THEN 'column' WHEN 'constraints' THEN 'constraint' WHEN 'attributes' THEN 'attribute'
               ELSE d.key END || coalesce(' ' || quote_ident(m.name), ''),
        coalesce(m.content, d.value)
    FROM jsonb_each(definition) d
    LEFT JOIN LATERAL (
        SELECT e.key AS name, e.value AS content
        FROM jsonb_each(CASE WHEN d.key IN ('columns', 'constraints') AND jsonb_typeof(d.value) = 'object' THEN d.value END) e
        UNION ALL
        SELECT a.value ->> 'name', a.value
        FROM jsonb_array_elements(CASE WHEN d.key = 'attributes' AND jsonb_typeof(d.value) = 'array' THEN d.value END) a
    ) m ON true
    WHERE m.name IS NOT NULL OR d.value NOT IN ('{}', '[]');
END
$$;
COMMENT ON FUNCTION pggit.definition_parts(jsonb) IS
'A definition taken apart: each column, constraint and attribute by itself, and every other key.';

CREATE FUNCTION pggit.blame(object text, object_type text DEFAULT NULL)
RETURNS TABLE (
    part text, definition jsonb, changed_at timestamptz, changed_by text, change text, command_tag text,
    history_id bigint, commit text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wanted bigint;
BEGIN
    PERFORM pggit.settle();
    wanted := (SELECT f.id FROM pggit.find_object(object, blame.object_type) f);
    RETURN QUERY
    WITH step AS (
        SELECT h.*, n.definition AS new_definition, o.definition AS old_definition
        FROM pggit.history h
        LEFT JOIN pggit.blobs n ON n.hash = h.new_blob
        LEFT JOIN pggit.blobs o ON o.hash = h.old_blob
        WHERE h.object_id = wanted
    ), present AS (
        -- of one that was dropped, what it was last
        SELECT p.part, p.content
        FROM (SELECT s.new_definition FROM step s WHERE s.new_blob IS NOT NULL ORDER BY s.id DESC LIMIT 1) l
        CROSS JOIN LATERAL pggit.definition_parts(l.new_definition) p
    ), maker AS (
        SELECT DISTINCT ON (n.part) n.part, s.id
        FROM step s
        CROSS JOIN LATERAL pggit.definition_parts(s.new_definition) n
        WHERE NOT EXISTS (SELECT FROM pggit.definition_parts(s.old_definition) o
                          WHERE o.part = n.part AND o.content = n.content)
        ORDER BY n.part, s.id DESC
    )
    SELECT p.part, p.content, s.created_at, s.session_role, s.change_type, s.command_tag, s.id,
        pggit.commit_with_part(s.created_at, s.object_type, names.list, p.part, p.content)
    FROM (SELECT array_agg(DISTINCT x.identity) AS list FROM step x) names CROSS JOIN present p JOIN maker m ON m.part = p.part JOIN step s ON s.id = m.id
    ORDER BY p.part COLLATE "C";
END
$$;
COMMENT ON FUNCTION pggit.blame(text, text) IS
'For each part of an object''s definition (each column, constraint, attribute, and the rest by key): who gave it its present form, when, by which command, and the commit that kept it. A column that was renamed counts as new, a renamed table does not.';

CREATE FUNCTION pggit.commit_with_part(
    taken_at timestamptz, of_type text, identities text[], of_part text, wanted jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The object as a whole may have changed again before the commit.
    RETURN (SELECT c.hash FROM pggit.commits c
            WHERE c.committed_at >= taken_at AND EXISTS (
                SELECT FROM unnest(identities) i
                JOIN pggit.blobs b ON b.hash = pggit.tree_lookup(c.tree, pggit.tree_key(of_type, i))
                CROSS JOIN LATERAL pggit.definition_parts(b.definition) p
                WHERE p.part = of_part AND p.content = wanted)
            ORDER BY c.committed_at, c.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.commit_with_part(timestamptz, text, text[], text, jsonb) IS
'The first commit from a moment on that has a part of an object, under any of its names, in a given form; null where none has.';

-- What hangs on it -----------------------------------------------------------------------------------

CREATE FUNCTION pggit.describe_dependency(classid oid, objid oid, home_classid oid, home_objid oid, deptype "char") RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE classid
        WHEN 'pg_rewrite'::regclass THEN CASE WHEN home_classid = classid THEN 'rule' ELSE 'query' END
        WHEN 'pg_attrdef'::regclass THEN 'default or generated column'
        WHEN 'pg_trigger'::regclass THEN 'trigger'
        WHEN 'pg_policy'::regclass THEN 'policy'
        WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
        WHEN 'pg_constraint'::regclass THEN (
            SELECT CASE k.contype WHEN 'f' THEN 'foreign key ' WHEN 'c' THEN 'check constraint ' ELSE 'constraint ' END || quote_ident(k.conname)
            FROM pg_constraint k WHERE k.oid = objid)
        WHEN 'pg_class'::regclass THEN (
            SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' WHEN c.relkind = 'S' THEN 'sequence'
                WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
                    THEN CASE WHEN c.relispartition THEN 'partition' ELSE 'child table' END
                ELSE 'column or table' END
            FROM pg_class c WHERE c.oid = objid)
        WHEN 'pg_proc'::regclass THEN 'function'
        WHEN 'pg_type'::regclass THEN 'type'
        ELSE 'other' END;
END
$$;
COMMENT ON FUNCTION pggit.describe_dependency(oid, oid, oid, oid, "char") IS 'In what way an address in the catalog depends on something, in a word or two.';

CREATE FUNCTION pggit.get_impact_analysis(object text, object_type text DEFAULT NULL)
RETURNS TABLE (depth integer, found_type text, name text, dependency text, depends_on text, on_columns text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off AS $$
DECLARE
    start record;
    level integer := 0;
    seen text[];
    next_classids oid[];
    next_objids oid[];
    source_class oid;
    source_object oid;
    place integer;
    r record;
    found_classids oid[];
    found_objids oid[];
BEGIN
    PERFORM pggit.settle();
    SELECT f.id, f.identity INTO start FROM pggit.find_object(object, get_impact_analysis.object_type) f;
    SELECT array_agg(x.classid), array_agg(x.objid), array_agg(x.classid || '/' || x.objid)
    INTO next_classids, next_objids, seen FROM pggit.object_oids x WHERE x.object_id = start.id;
    WHILE next_classids IS NOT NULL LOOP
        level := level + 1;
        found_classids := NULL;
        found_objids := NULL;
        FOR place IN 1 .. cardinality(next_classids) LOOP
            source_class := next_classids[place];
            source_object := next_objids[place];
            FOR r IN
                WITH RECURSIVE own (classid, objid) AS (
                    SELECT source_class, source_object
                    UNION
                    -- what carries the name on: row types, array types, multiranges, a composite type's attributes
                    SELECT m.classid, m.objid FROM own w CROSS JOIN LATERAL (
                        SELECT d.classid, d.objid FROM pg_depend d
                        WHERE d.refclassid = w.classid AND d.refobjid = w.objid AND d.deptype IN ('i', 'a')
                          AND d.classid = 'pg_type'::regclass
                        UNION ALL
                        SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t
                        WHERE w.classid = 'pg_type'::regclass AND t.oid = w.objid AND t.typrelid > 0
                    ) m
                ), raw AS (
                    SELECT d.classid, d.objid, d.deptype, d.refclassid, d.refobjid, d.refobjsubid
                    FROM own w JOIN pg_depend d ON d.refclassid = w.classid AND d.refobjid = w.objid
                    WHERE d.deptype <> 'e'
                      AND NOT EXISTS (SELECT FROM own o WHERE o.classid = d.classid AND o.objid = d.objid)
                      AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (
                          SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 't'))
                      AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
                          SELECT FROM pg_trigger g WHERE g.oid = d.objid AND g.tgisinternal))
                )
                SELECT (h.home).classid AS classid, (h.home).objid AS objid,
                    pggit.describe_dependency(w.classid, w.objid, (h.home).classid, (h.home).objid, w.deptype) AS kind,
                    array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) FILTER (WHERE a.attname IS NOT NULL) AS column_names
                FROM raw w
                CROSS JOIN LATERAL (SELECT (pggit.home_addresses(ARRAY[ROW(w.classid, w.objid)::pggit.address]))[1] AS home) h
                LEFT JOIN pg_attribute a ON w.refclassid = 'pg_class'::regclass AND a.attrelid = w.refobjid
                    AND a.attnum = w.refobjsubid AND w.refobjsubid > 0
                WHERE NOT ((h.home).classid = source_class AND (h.home).objid = source_object)
                GROUP BY 1, 2, 3
            LOOP
                SELECT i.type, i.identity INTO found_type, name FROM pg_identify_object(r.classid, r.objid, 0) i;
                SELECT o.object_type, o.identity INTO found_type, name
                FROM (SELECT found_type AS object_type, name AS identity) plain
                LEFT JOIN pggit.object_oids x ON x.classid = r.classid AND x.objid = r.objid
                LEFT JOIN pggit.objects known ON known.id = x.object_id
                CROSS JOIN LATERAL (SELECT coalesce(known.object_type, upper(plain.object_type COLLATE "C")) AS object_type,
                                           coalesce(known.identity, plain.identity) AS identity) o;
                depth := level;
                dependency := r.kind;
                depends_on := coalesce(
                    (SELECT o.identity FROM pggit.object_oids x JOIN pggit.objects o ON o.id = x.object_id
                     WHERE x.classid = source_class AND x.objid = source_object),
                    (SELECT i.identity FROM pg_identify_object(source_class, source_object, 0) i));
                on_columns := r.column_names;
                RETURN NEXT;
                IF NOT r.classid || '/' || r.objid = ANY (seen) THEN
                    seen := seen || (r.classid || '/' || r.objid);
                    found_classids := found_classids || r.classid;
                    found_objids := found_objids || r.objid;
                END IF;
            END LOOP;
        END LOOP;
        next_classids := found_classids;
        next_objids := found_objids;
    END LOOP;
    -- PostgreSQL does not know what the text of a function mentions. A name in it is at least a hint.
    depth := 1;
    dependency := 'named in the body';
    depends_on := start.identity;
    on_columns := NULL;
    FOR r IN
        SELECT o.object_type, o.identity
        FROM pggit.objects s
        JOIN pggit.object_oids x ON x.classid = 'pg_proc'::regclass AND x.object_id <> s.id
        JOIN pggit.objects o ON o.id = x.object_id
        JOIN pg_proc p ON p.oid = x.objid
        WHERE s.id = start.id AND p.prosqlbody IS NULL
          AND s.object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'TYPE', 'DOMAIN',
                                'FUNCTION', 'PROCEDURE', 'AGGREGATE')
          AND position(lower(s.object_name COLLATE "C") IN lower(p.prosrc COLLATE "C")) > 0
          AND lower(p.prosrc COLLATE "C") COLLATE "default" ~ ('(^|[^[:alnum:]_$])' || regexp_replace(lower(s.object_name COLLATE "C") COLLATE "default", '([^[:alnum:]_ ])', '\\\1', 'g')
                                 || '($|[^[:alnum:]_$])')
        ORDER BY o.identity COLLATE "C"
    LOOP
        found_type := r.object_type;
        name := r.identity;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.get_impact_analysis(text, text) IS
'What depends on an object, directly (depth 1) and indirectly: one row for each dependent and way, with the object and the columns it leans on. Functions whose text only mentions the name come last, as named in the body.';

-- 74_audit.sql
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

-- 76_merge_definitions.sql
-- Three-way merge of definitions. Nothing here reads or writes a table of pgGit's: it is arithmetic on jsonb,
-- in which SQL null stands for what is not there. What only one side changed is taken, the same change on both
-- sides is one change, and anything else is a conflict at the place where the sides part.

CREATE FUNCTION pggit.list_as_map(list jsonb, is_acl boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item_pattern constant text := '^((?:"(?:[^"]|"")*"|[^="])*)=([A-Za-z*]*)/(.*)$';
BEGIN
    IF is_acl THEN
        -- One entry a privilege, so that two grants to the same role go together; * is the grant option.
        RETURN (
            SELECT coalesce(jsonb_object_agg(p.item[1] || '=' || l.letter[1] || '/' || p.item[3], l.letter[2]), '{}')
            FROM jsonb_array_elements_text(list) i
            CROSS JOIN LATERAL regexp_match(i, item_pattern) AS p (item)
            CROSS JOIN LATERAL regexp_matches(p.item[2], '([A-Za-z])([*]?)', 'g') AS l (letter));
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(split_part(i, '=', 1), i), '{}') FROM jsonb_array_elements_text(list) i);
END
$$;
COMMENT ON FUNCTION pggit.list_as_map(jsonb, boolean) IS
'A list of options by name, or a list of granted privileges by role and privilege, so that both can be merged entry by entry.';

CREATE FUNCTION pggit.map_as_list(map jsonb, is_acl boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry_pattern constant text := '^((?:"(?:[^"]|"")*"|[^="])*)=([A-Za-z])/(.*)$';
    list jsonb;
BEGIN
    IF is_acl THEN
        SELECT jsonb_agg(g.item ORDER BY g.item COLLATE "C") INTO list
        FROM (
            -- PostgreSQL writes the letters in this order.
            SELECT p.part[1] || '=' || string_agg(p.part[2] || m.value, '' ORDER BY strpos('arwdDxtXUCTcsAm', p.part[2]))
                || '/' || p.part[3] AS item
            FROM jsonb_each_text(map) AS m (key, value)
            CROSS JOIN LATERAL regexp_match(m.key, entry_pattern) AS p (part)
            GROUP BY p.part[1], p.part[3]
        ) g;
    ELSE
        SELECT jsonb_agg(m.value ORDER BY m.value COLLATE "C") INTO list FROM jsonb_each_text(map) AS m (key, value);
    END IF;
    RETURN coalesce(list, '[]');
END
$$;
COMMENT ON FUNCTION pggit.map_as_list(jsonb, boolean) IS 'The way back from list_as_map().';

CREATE FUNCTION pggit.merge_values(
    path text[], one_owner boolean, base jsonb, ours jsonb, theirs jsonb, OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    depth integer := cardinality(path);
    name text := path[depth];
    -- Names of columns and constraints stand at depth 2: there a word means nothing.
    is_named_map boolean := depth = 1 AND name IN ('columns', 'constraints', 'inherited_triggers', 'statistics');
    is_acl boolean := depth <> 2 AND name = 'acl';
    is_options boolean := depth <> 2 AND name IN ('options', 'toast_options', 'fdw_options', 'index_options');
    part record;
    key text;
BEGIN
    conflicts := '[]';
    IF ours IS NOT DISTINCT FROM theirs OR theirs IS NOT DISTINCT FROM base THEN
        merged := ours;
        RETURN;
    ELSIF ours IS NOT DISTINCT FROM base THEN
        merged := theirs;
        RETURN;
    ELSIF is_acl AND one_owner AND (depth = 3 OR base IS NOT NULL AND ours IS NOT NULL AND theirs IS NOT NULL)
          OR is_options
    THEN
        -- Without items a list of options is left out, and so is a column's of privileges. Any other null list of
        -- privileges means those that a new object has, which are not known here.
        SELECT m.merged AS value, m.conflicts AS found INTO part
        FROM pggit.merge_values(
            '{items}', true, pggit.list_as_map(coalesce(base, '[]'), is_acl), pggit.list_as_map(coalesce(ours, '[]'), is_acl),
            pggit.list_as_map(coalesce(theirs, '[]'), is_acl)) m;
        IF part.found = '[]' THEN
            merged := pggit.map_as_list(part.value, is_acl);
            IF merged = '[]' AND (is_options OR depth = 3) THEN
                merged := NULL;
            END IF;
            RETURN;
        END IF;
    ELSIF is_named_map
          AND coalesce(jsonb_typeof(base), 'object') = 'object' AND coalesce(jsonb_typeof(ours), 'object') = 'object'
          AND coalesce(jsonb_typeof(theirs), 'object') = 'object'
          OR jsonb_typeof(base) = 'object' AND jsonb_typeof(ours) = 'object' AND jsonb_typeof(theirs) = 'object'
    THEN
        merged := '{}';
        FOR key IN
            SELECT DISTINCT k
            FROM (VALUES (base), (ours), (theirs)) AS side (value)
            CROSS JOIN LATERAL jsonb_object_keys(coalesce(side.value, '{}')) k
            ORDER BY k
        LOOP
            SELECT m.merged AS value, m.conflicts AS found INTO part
            FROM pggit.merge_values(path || key, one_owner, base -> key, ours -> key, theirs -> key) m;
            IF part.value IS NOT NULL THEN
                merged := merged || jsonb_build_object(key, part.value);
            END IF;
            conflicts := conflicts || part.found;
        END LOOP;
        -- A column has only one of these: what each side did may be unable to stand together.
        IF depth <> 2 OR path[1] <> 'columns' OR conflicts <> '[]'
           OR (merged ? 'default')::integer + (merged ? 'generated')::integer + (merged ? 'identity')::integer < 2
        THEN
            RETURN;
        END IF;
    END IF;
    merged := ours;
    conflicts := jsonb_build_array(jsonb_build_object('path', path, 'base', base, 'ours', ours, 'theirs', theirs));
END
$$;
COMMENT ON FUNCTION pggit.merge_values(text[], boolean, jsonb, jsonb, jsonb) IS
'Merges two changes of the value at a path of a definition. Each conflict has its path and the three values; merged has our side there. one_owner: both sides have the same owner, so their lists of privileges name the same grantor.';

CREATE FUNCTION pggit.default_acl(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind "char" := CASE
        WHEN object_type IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW') THEN 'r'
        WHEN object_type = 'SEQUENCE' THEN 's'
        WHEN object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE') THEN 'f'
        WHEN object_type = 'SCHEMA' THEN 'n'
        WHEN object_type IN ('TYPE', 'DOMAIN') THEN 'T'
        WHEN object_type = 'FOREIGN DATA WRAPPER' THEN 'F'
        WHEN object_type = 'SERVER' THEN 'S' END;
    owner oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = definition ->> 'owner');
BEGIN
    IF kind IS NULL OR owner IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN to_jsonb(ARRAY(SELECT i::text FROM unnest(acldefault(kind, owner)) i ORDER BY i::text COLLATE "C"));
END
$$;
COMMENT ON FUNCTION pggit.default_acl(text, jsonb) IS
'The privileges of a new object of that type and owner, which a definition leaves out; null where that cannot be told.';

CREATE FUNCTION pggit.with_acl(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('acl', pggit.default_acl(object_type, definition))) || definition;
END
$$;
COMMENT ON FUNCTION pggit.with_acl(text, jsonb) IS 'A definition with its privileges written out.';

CREATE FUNCTION pggit.canonical_definition(object_type text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    canonical jsonb := jsonb_strip_nulls(definition);
    empty text;
BEGIN
    IF canonical -> 'acl' = pggit.default_acl(object_type, canonical) THEN
        canonical := canonical - 'acl';
    END IF;
    FOREACH empty IN ARRAY ARRAY['constraints', 'inherited_triggers', 'statistics', 'options', 'toast_options', 'fdw_options'] LOOP
        IF canonical -> empty IN ('{}', '[]') THEN
            canonical := canonical - empty;
        END IF;
    END LOOP;
    RETURN canonical;
END
$$;
COMMENT ON FUNCTION pggit.canonical_definition(text, jsonb) IS
'A definition as the readers write it: what has its default value is left out.';

CREATE FUNCTION pggit.merge_definitions(
    object_type text, base jsonb, ours jsonb, theirs jsonb, OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one_owner boolean;
BEGIN
    IF base IS NULL OR ours IS NULL OR theirs IS NULL
       OR object_type IN ('VIEW', 'MATERIALIZED VIEW')  -- its columns follow from its query
          AND ours -> 'query' <> theirs -> 'query' AND base -> 'query' <> ours -> 'query' AND base -> 'query' <> theirs -> 'query'
    THEN
        SELECT m.merged, m.conflicts INTO merged, conflicts
        FROM pggit.merge_values('{}', false, to_jsonb(base::text), to_jsonb(ours::text), to_jsonb(theirs::text)) m;
        IF conflicts <> '[]' THEN
            conflicts := jsonb_build_array(jsonb_build_object(
                'path', '{}'::text[], 'base', base, 'ours', ours, 'theirs', theirs));
        END IF;
        merged := (merged #>> '{}')::jsonb;
        RETURN;
    END IF;
    one_owner := ours -> 'owner' IS NOT DISTINCT FROM theirs -> 'owner';
    SELECT m.merged, m.conflicts INTO merged, conflicts
    FROM pggit.merge_values('{}', one_owner, pggit.with_acl(object_type, base), pggit.with_acl(object_type, ours),
                            pggit.with_acl(object_type, theirs)) m;
    IF NOT one_owner AND ours <> base AND theirs <> base AND NOT conflicts @> '[{"path": ["owner"]}]' THEN
        -- Nobody's change is given to another owner unasked: a function or default runs with its owner's rights.
        conflicts := conflicts || jsonb_build_object(
            'path', '{owner}'::text[], 'base', base -> 'owner', 'ours', ours -> 'owner', 'theirs', theirs -> 'owner');
        merged := merged || jsonb_build_object('owner', ours -> 'owner');
    END IF;
    merged := pggit.canonical_definition(object_type, merged);
END
$$;
COMMENT ON FUNCTION pggit.merge_definitions(text, jsonb, jsonb, jsonb) IS
'Three-way merge of an object''s definitions; null where a side has no such object.';

CREATE FUNCTION pggit.put_at(definition jsonb, path text[], value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF path = '{}' THEN
        RETURN value;
    ELSIF value IS NULL AND definition -> path[1] IS NULL THEN
        RETURN definition;
    ELSIF value IS NULL AND cardinality(path) = 1 THEN
        RETURN definition - path[1];
    END IF;
    RETURN coalesce(definition, '{}')
        || jsonb_build_object(path[1], pggit.put_at(definition -> path[1], path[2:], value));
END
$$;
COMMENT ON FUNCTION pggit.put_at(jsonb, text[], jsonb) IS
'A definition with another value at a path; null takes away what is there, and an empty path stands for the whole.';

-- 77_head.sql
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

-- 78_checkout.sql
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

-- 79_merge.sql
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

-- 80_lifecycle.sql
-- Switching tracking on and off.

CREATE FUNCTION pggit.version() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pggit');
END
$$;
COMMENT ON FUNCTION pggit.version() IS 'The installed version of pgGit.';

CREATE FUNCTION pggit.require_superuser(what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION '% needs a superuser', what
            USING ERRCODE = 'GT010', HINT = 'PostgreSQL lets no other role make or drop event triggers.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_superuser(text) IS 'Raises GT010 for anybody else.';

CREATE FUNCTION pggit.enable() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    event text;
    made integer := 0;
BEGIN
    PERFORM pggit.require_superuser('pggit.enable()');
    PERFORM pggit.require_init();
    FOREACH event IN ARRAY pggit.events() LOOP
        IF NOT EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtname = 'pggit_' || event) THEN
            EXECUTE format('CREATE EVENT TRIGGER %I ON %I EXECUTE FUNCTION pggit.%I()', 'pggit_' || event, event, 'on_' || event);
            made := made + 1;
        ELSE
            EXECUTE format('ALTER EVENT TRIGGER %I ENABLE', 'pggit_' || event);
        END IF;
    END LOOP;
    RETURN CASE made WHEN 0 THEN 'tracking is on' ELSE 'tracking is on; run pggit.rescan() to take in what changed meanwhile' END;
END
$$;
COMMENT ON FUNCTION pggit.enable() IS
'Makes the event triggers that record commands, as far as they are missing. Needs a superuser.';

CREATE FUNCTION pggit.disable() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    event text;
BEGIN
    PERFORM pggit.require_superuser('pggit.disable()');
    FOREACH event IN ARRAY pggit.events() LOOP
        EXECUTE format('DROP EVENT TRIGGER IF EXISTS %I', 'pggit_' || event);
    END LOOP;
    RETURN 'tracking is off';
END
$$;
COMMENT ON FUNCTION pggit.disable() IS
'Drops the event triggers; all that was recorded stays. Needs a superuser.';

CREATE FUNCTION pggit.pause() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.put_setting('paused', 'on');
    RETURN 'tracking is paused for all sessions';
END
$$;
COMMENT ON FUNCTION pggit.pause() IS
'Stops recording in all sessions until resume(); the event triggers stay. pggit.settings tells who did it and when.';

CREATE FUNCTION pggit.resume() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    DELETE FROM pggit.settings WHERE name = 'paused';
    RETURN CASE WHEN FOUND THEN 'tracking goes on; run pggit.rescan() to take in what changed meanwhile'
        ELSE 'tracking was not paused' END;
END
$$;
COMMENT ON FUNCTION pggit.resume() IS 'Ends a pause. What changed during it shows in status() and is taken in by rescan().';

CREATE FUNCTION pggit.init() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    branch bigint;
    tree text;
    first_commit text;
BEGIN
    PERFORM pggit.require_superuser('pggit.init()');
    LOCK TABLE pggit.head IN SHARE ROW EXCLUSIVE MODE;  -- two sessions at once: the second finds it done
    IF EXISTS (SELECT FROM pggit.head) THEN
        RETURN pggit.enable();
    END IF;
    PERFORM pggit.put_setting('data_version', pggit.version());
    PERFORM pggit.adopt_cluster();
    PERFORM pggit.record_everything(pggit.this_command('INIT', 'RESCAN'));
    DELETE FROM pggit.uncommitted;
    SELECT pggit.build_tree(0, coalesce(array_agg(pggit.tree_key(o.object_type, o.identity)), '{}'),
                            coalesce(array_agg(o.blob), '{}')) INTO tree
    FROM pggit.objects o WHERE o.is_active AND NOT o.is_manual;
    branch := nextval('pggit.branches_id_seq');
    first_commit := pggit.put_commit(branch, tree, '{}', 'The schema as pgGit found it');
    INSERT INTO pggit.branches (id, name, head, created_by, created_at)
    VALUES (branch, 'main', first_commit, session_user, clock_timestamp());
    INSERT INTO pggit.head (branch_id) VALUES (branch);
    INSERT INTO pggit.reflog (ref, new_hash, action, changed_by, changed_at)
    VALUES ('main', first_commit, 'init', session_user, clock_timestamp());
    PERFORM pggit.enable();
    RETURN 'tracking is on; branch main begins at commit ' || first_commit;
END
$$;
COMMENT ON FUNCTION pggit.init() IS
'Records what exists as the first commit of branch main and switches tracking on. Needs a superuser; a second call only makes sure that tracking is on. What other sessions have changed and not yet committed by then is missed: status() shows it, rescan() takes it in.';

CREATE FUNCTION pggit.uninstall() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    own record;
    parked bigint;
    copies text;
BEGIN
    PERFORM pggit.disable();
    -- What a downgrade took out of pgGit's own tables goes with them: it means nothing to another installation.
    FOR own IN
        SELECT c.oid::regclass AS parked_table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles r ON r.oid = c.relowner
        WHERE n.nspname = 'pggit_attic' AND c.relkind = 'r' AND r.rolsuper AND c.relname IN (
            'pggit_backups', 'pggit_history', 'pggit_objects', 'pggit_performance_metrics', 'pggit_settings', 'pggit_tallies')
    LOOP
        EXECUTE format('DROP TABLE %s', own.parked_table);
    END LOOP;
    parked := (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'pggit_attic' AND c.relkind = 'r');
    IF parked = 0 AND (SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pggit_attic') THEN
        DROP SCHEMA pggit_attic;
    END IF;
    copies := (SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname) FROM pg_namespace n
               WHERE starts_with(n.nspname, 'pggit_backup_'));
    RETURN 'the event triggers are gone; DROP EXTENSION pggit now deletes all that was recorded'
        || CASE WHEN parked > 0 THEN format(
            '; schema pggit_attic stays, with %s tables of parked rows: see pggit.attic for where they belong, before it goes', parked)
            ELSE '' END
        || coalesce('; copies of the record stay in ' || copies, '');
END
$$;
COMMENT ON FUNCTION pggit.uninstall() IS
'Removes what init() made outside the extension, so that DROP EXTENSION pggit needs no CASCADE. Parked rows in schema pggit_attic and copies that upgrades left stay; the result names them.';

-- 85_access.sql
-- Who may call what. This list is the one place that says which functions are for users and what level each
-- needs; the reference page is made from it.

CREATE FUNCTION pggit.access_list() RETURNS TABLE (function_name text, level text, is_public boolean)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, l.level, l.is_public
    FROM (VALUES
        ('reader', true, 'version status verify log show graph list_branches ref_history diff diff_sql merge_base conflicts'),
        ('reader', true, 'tree_of tree_at live_tree schema_at object_at object_ddl export_ddl generate_migration'),
        ('reader', true, 'list_restore_points list_attic list_access find_object get_history get_version blame'),
        ('reader', true, 'get_impact_analysis verify_audit'),
        ('reader', false, 'settle'),
        ('committer', true, 'commit create_branch delete_branch tag delete_tag create_restore_point delete_restore_point seal'),
        ('committer', false, 'commit_index lock_head'),
        ('admin', true, 'checkout merge resolve_conflict abort_merge revert reset restore_to_point restore_from_attic'),
        ('admin', true, 'rescan pause resume configure_tracking apply_tree'),
        ('admin', false, 'switch_head forward_branch reset_branch start_merge finish_merge revert_tree park clear_attic'),
        ('owner', true, 'init uninstall enable disable upgrade grant_access revoke_access'),
        ('owner', true, 'check_upgrade finish_upgrade list_upgrade_backups prune_upgrade_backups restore_upgrade_backup')
    ) AS l (level, is_public, names)
    CROSS JOIN LATERAL string_to_table(l.names, ' ') AS n (name);
END
$$;
COMMENT ON FUNCTION pggit.access_list() IS
'The functions for users with the level that each needs (reader, committer, admin, or owner for those that are never granted), and, with is_public = false, what these call that runs with the owner''s rights.';

CREATE FUNCTION pggit.access_levels() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['reader', 'committer', 'admin'];
END
$$;
COMMENT ON FUNCTION pggit.access_levels() IS 'The levels that can be granted; each includes those before it.';

CREATE FUNCTION pggit.check_grantee(role_name text, what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.require_superuser(what);
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role_name) THEN
        RAISE EXCEPTION 'there is no role %', coalesce(quote_literal(role_name), 'NULL')
            USING ERRCODE = 'GT020', HINT = 'Give the name of one role as pg_roles has it; PUBLIC is none.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_grantee(text, text) IS 'Raises GT010 for anybody but a superuser, GT020 for a name that no role has.';

CREATE FUNCTION pggit.revoke_access(role_name text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_grantee(role_name, 'pggit.revoke_access()');
    EXECUTE format('REVOKE ALL ON SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA pggit FROM %I', role_name);
    RETURN format('%s has no access to pgGit', quote_ident(role_name));
END
$$;
COMMENT ON FUNCTION pggit.revoke_access(text) IS 'Takes from a role whatever it was granted on pgGit. Needs a superuser.';

CREATE FUNCTION pggit.extend_access(role_name text, level text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place integer := array_position(pggit.access_levels(), level);
    granted text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA pggit TO %I', role_name);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA pggit TO %I', role_name);
    -- A function that is not listed and runs with its caller's rights can do nothing that the caller could not;
    -- those that are listed call it. One with the owner's rights that is not listed stays the owner's.
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO granted
    FROM pg_proc p LEFT JOIN pggit.access_list() a ON a.function_name = p.proname
    WHERE p.pronamespace = 'pggit'::regnamespace
      AND (array_position(pggit.access_levels(), a.level) <= place OR a.level IS NULL AND NOT p.prosecdef);
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', granted, role_name);
    IF level = 'admin' THEN
        EXECUTE format('GRANT INSERT ON pggit.resolutions TO %I', role_name);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.extend_access(text, text) IS 'Gives a role whatever a level of access has, beside what it has already.';

CREATE FUNCTION pggit.grant_access(role_name text, level text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_grantee(role_name, 'pggit.grant_access()');
    IF array_position(pggit.access_levels(), level) IS NULL THEN
        RAISE EXCEPTION 'there is no level %', coalesce(quote_literal(level), 'NULL')
            USING ERRCODE = 'GT019', HINT = format('Valid are %s.', array_to_string(pggit.access_levels(), ', '));
    END IF;
    PERFORM pggit.revoke_access(role_name);
    PERFORM pggit.extend_access(role_name, level);
    RETURN format('%s is a %s of pgGit', quote_ident(role_name), level);
END
$$;
COMMENT ON FUNCTION pggit.grant_access(text, text) IS
'Gives a role, instead of what it had, one level of access. reader: see everything. committer: also commit, branch, tag, restore points, seals. admin: also everything that changes the schema, for which the role needs its own rights on the objects as well. Needs a superuser.';

CREATE FUNCTION pggit.list_access() RETURNS TABLE (role_name text, level text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    -- What is not for users is granted by grant_access() alone: a function that somebody granted by hand is no level.
    SELECT r.rolname::text,
        (SELECT l.level FROM unnest(pggit.access_levels()) WITH ORDINALITY AS l (level, place)
         WHERE l.place = (
             SELECT count(DISTINCT a.level) FROM pg_proc p JOIN pggit.access_list() a ON a.function_name = p.proname
             CROSS JOIN LATERAL aclexplode(p.proacl) x
             WHERE p.pronamespace = 'pggit'::regnamespace AND x.grantee = r.oid AND NOT a.is_public
               AND array_position(pggit.access_levels(), a.level) <= l.place)
         ORDER BY l.place DESC LIMIT 1)
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) g JOIN pg_roles r ON r.oid = g.grantee
    WHERE n.nspname = 'pggit' AND g.grantee <> n.nspowner
    GROUP BY r.oid, r.rolname ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION pggit.list_access() IS
'The roles that were granted access, with the level that grant_access() gave; null for those that were granted single things by hand.';

-- 86_upgrade.sql
-- From one version of pgGit to another. The copy that is installed runs the way to the next one, so what stands
-- here serves the upgrade after it.

CREATE FUNCTION pggit.data_tables() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT c.relname::text FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation)
        JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r'
        WHERE e.extname = 'pggit' AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) ORDER BY c.relname);
END
$$;
COMMENT ON FUNCTION pggit.data_tables() IS 'The tables that a dump holds, without those that are read along with another.';

CREATE FUNCTION pggit.grown_tables() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['blobs', 'commits', 'history', 'reflog', 'seals', 'trees'];
END
$$;
COMMENT ON FUNCTION pggit.grown_tables() IS 'The tables that can only grow, in whatever version: no upgrade may change a row of theirs.';

-- Copies of the data -------------------------------------------------------------------------------

CREATE FUNCTION pggit.make_private(schema_name text, table_name text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = table_name
        CROSS JOIN LATERAL aclexplode(CASE WHEN table_name IS NULL THEN n.nspacl ELSE c.relacl END) a
        WHERE n.nspname = schema_name AND a.grantee <> CASE WHEN table_name IS NULL THEN n.nspowner ELSE c.relowner END
    LOOP
        EXECUTE CASE WHEN table_name IS NULL THEN format('REVOKE ALL ON SCHEMA %I FROM %s', schema_name, grantee)
            ELSE format('REVOKE ALL ON TABLE %I.%I FROM %s', schema_name, table_name, grantee) END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.make_private(text, text) IS
'Takes from everybody but the owner what the database''s default privileges gave on a new schema, or on a new table in it.';

CREATE FUNCTION pggit.copy_data(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica AS $$
DECLARE
    copied text := (
        SELECT format('pggit_backup_%s_%s_%s', regexp_replace(left(l.from_version, 20), '[^[:alnum:]]', '_', 'g'),
                      to_char(l.started_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), run)
        FROM pggit.upgrade_log l WHERE l.upgrade_id = run);
    table_name text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', copied);
    PERFORM pggit.make_private(copied);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', copied,
                   format('pgGit''s data as version %s had them; pggit.restore_upgrade_backup(%L) brings them back.', pggit.version(), copied));
    FOREACH table_name IN ARRAY pggit.data_tables() LOOP
        EXECUTE format('CREATE TABLE %I.%I AS TABLE pggit.%I', copied, table_name, table_name);
        PERFORM pggit.make_private(copied, table_name);
    END LOOP;
    -- In the same transaction: what the log does not name is not ours, and is never dropped.
    UPDATE pggit.upgrade_log l SET backup_schema = copied WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.copy_data(bigint) IS
'Second step of upgrade(): copies pgGit''s data into a schema made for it. No event trigger sees it.';

CREATE FUNCTION pggit.list_upgrade_backups()
RETURNS TABLE (backup_schema text, upgrade_id bigint, version text, made_at timestamptz, size_bytes bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT l.backup_schema, l.upgrade_id, l.from_version, l.started_at,
        (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r')
    FROM pggit.upgrade_log l JOIN pg_namespace n ON n.nspname = l.backup_schema JOIN pg_roles r ON r.oid = n.nspowner
    WHERE starts_with(l.backup_schema, 'pggit_backup_') AND r.rolsuper  -- anybody can take the name of one that is gone
    ORDER BY l.upgrade_id DESC;
END
$$;
COMMENT ON FUNCTION pggit.list_upgrade_backups() IS
'The copies of pgGit''s data that upgrades made and nobody dropped since, the newest first, with the version that the data are of.';

CREATE FUNCTION pggit.prune_upgrade_backups(keep integer DEFAULT 1) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET client_min_messages = warning AS $$
DECLARE
    old_schema text;
BEGIN
    PERFORM pggit.require_superuser('pggit.prune_upgrade_backups()');
    PERFORM pggit.check_count(keep);
    FOR old_schema IN
        SELECT b.backup_schema
        FROM (SELECT x.backup_schema, row_number() OVER (PARTITION BY x.version ORDER BY x.upgrade_id DESC) AS place
              FROM pggit.list_upgrade_backups() x) b
        WHERE b.place > keep
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', old_schema);
        RETURN NEXT old_schema;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.prune_upgrade_backups(integer) IS
'Drops the copies of pgGit''s data that upgrades left, but for the newest of each version, and returns their schemas. Needs a superuser.';

CREATE FUNCTION pggit.restore_upgrade_backup(backup_schema text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica AS $$
DECLARE
    copy_of text;
    table_name text;
    names text;
    key text;
    last_key bigint;
    found bigint;
    restored bigint := 0;
BEGIN
    PERFORM pggit.require_superuser('pggit.restore_upgrade_backup()');
    copy_of := (SELECT b.version FROM pggit.list_upgrade_backups() b
                WHERE b.backup_schema = restore_upgrade_backup.backup_schema ORDER BY b.upgrade_id DESC LIMIT 1);
    IF copy_of IS NULL THEN
        RAISE EXCEPTION 'there is no copy of pgGit''s data named %', coalesce(quote_literal(backup_schema), 'NULL')
            USING ERRCODE = 'GT047', HINT = 'pggit.list_upgrade_backups() lists those there are.';
    ELSIF copy_of <> pggit.version() THEN
        RAISE EXCEPTION 'the copy % is of version %, and this is version %', backup_schema, copy_of, pggit.version()
            USING ERRCODE = 'GT047', HINT = format('Go to that version first: CALL pggit.upgrade(%L);', copy_of);
    END IF;
    -- The log of upgrades stays as it is: it tells of the upgrade that made the copy. So does the list of the attic,
    -- whose tables are where they are.
    FOREACH table_name IN ARRAY array_remove(array_remove(pggit.data_tables(), 'upgrade_log'), 'attic') LOOP
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
            WHERE c.relnamespace = to_regnamespace(quote_ident(backup_schema)) AND c.relname = table_name
              AND c.relkind = 'r' AND r.rolsuper);
        names := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                  FROM pg_attribute a JOIN pg_attribute b USING (attname)
                  WHERE a.attrelid = format('pggit.%I', table_name)::regclass AND a.attnum > 0 AND a.attgenerated = ''
                    AND b.attrelid = format('%I.%I', backup_schema, table_name)::regclass AND b.attnum > 0);
        EXECUTE format('TRUNCATE pggit.%I', table_name);
        EXECUTE format('INSERT INTO pggit.%1$I (%2$s) SELECT %2$s FROM %3$I.%1$I', table_name, names, backup_schema);
        GET DIAGNOSTICS found = ROW_COUNT;
        restored := restored + found;
        key := (SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = format('pggit.%I', table_name)::regclass AND a.attidentity <> '');
        IF key IS NOT NULL THEN
            EXECUTE format('SELECT max(x.%I) FROM pggit.%I x', key, table_name) INTO last_key;
            -- Never back: numbers that were given once may be known elsewhere.
            PERFORM setval(s.name, greatest(last_key, nextval(s.name)))
            FROM CAST(pg_get_serial_sequence(format('pggit.%I', table_name), key) AS regclass) AS s (name);
        END IF;
    END LOOP;
    DELETE FROM pggit.unsettled;
    DELETE FROM pggit.oid_origin;  -- so that the next command, or rescan(), finds every object again
    RETURN restored;
END
$$;
COMMENT ON FUNCTION pggit.restore_upgrade_backup(text) IS
'Puts the data that an upgrade copied beforehand in place of those there are now, and returns how many rows. What was recorded since is lost; pggit.rescan() takes in how the schema is now. The version must be the one that the data are of. Needs a superuser.';

-- May it begin? ------------------------------------------------------------------------------------

CREATE FUNCTION pggit.foreign_members() RETURNS TABLE (trouble text, remedy text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT format('%s is in schema pggit and is no part of the extension', pg_describe_object(d.classid, d.objid, 0)),
        'Move it to another schema, or drop it; what is pgGit''s own comes back by ALTER EXTENSION pggit ADD.'::text
    FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'pggit'::regnamespace
      AND NOT EXISTS (
          SELECT FROM pg_depend e
          WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e' AND e.refclassid = 'pg_extension'::regclass)
      AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_extension'::regclass)
    UNION ALL
    SELECT format('%s is no part of the extension', pg_describe_object('pg_trigger'::regclass, t.oid, 0)), 'Drop it.'
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = 'pggit'::regnamespace AND NOT t.tgisinternal AND p.pronamespace <> 'pggit'::regnamespace
    UNION ALL
    SELECT format('%s is no part of the extension', pg_describe_object('pg_rewrite'::regclass, r.oid, 0)), 'Drop it.'
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind = 'r'
    ORDER BY 1;
    RETURN QUERY
    SELECT m.trouble, 'DROP EXTENSION pggit and restore the database''s dump.'::text
    FROM (
        SELECT format('function pggit.%s is missing', a.function_name) AS trouble FROM pggit.access_list() a
        WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.proname = a.function_name)
        UNION ALL
        SELECT format('table pggit.%s lacks its trigger append_only', x.name)
        FROM unnest(pggit.grown_tables()) AS g (name)
        CROSS JOIN LATERAL (
            SELECT g.name, to_regclass('pggit.' || g.name) AS relation
            UNION ALL SELECT c.relname, c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = to_regclass('pggit.' || g.name)) x
        WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = x.relation AND t.tgname = 'append_only')
    ) m ORDER BY 1;
END
$$;
COMMENT ON FUNCTION pggit.foreign_members() IS
'What stands in schema pggit or on its tables and does not belong to the extension, and what the extension has lost.';

CREATE FUNCTION pggit.upgrade_goal(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(wanted, (SELECT a.default_version FROM pg_available_extensions a WHERE a.name = 'pggit'));
END
$$;
COMMENT ON FUNCTION pggit.upgrade_goal(text) IS 'The version to go to: the newest that is installed on the server, unless one is named.';

CREATE FUNCTION pggit.check_upgrade(wanted text DEFAULT NULL)
RETURNS TABLE (check_name text, status text, message text, remedy text, error_code text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    here text := pggit.version();
    goal text := pggit.upgrade_goal(wanted);
    way text := (SELECT p.path FROM pg_extension_update_paths('pggit') p WHERE p.source = here AND p.target = goal);
    valid text := (SELECT string_agg(p.target, ', ' ORDER BY p.target COLLATE "C") FROM pg_extension_update_paths('pggit') p
                   WHERE p.source = here AND p.path IS NOT NULL);
    told text;
    n bigint;
BEGIN
    check_name := 'path';
    IF here = goal THEN
        SELECT 'ok', format('pgGit is at version %s already', goal) INTO status, message;
    ELSIF way IS NULL THEN
        SELECT 'refused', format('there is no way from version %s to %s', here, goal), 'GT022',
            CASE WHEN valid IS NULL THEN 'No other version can be reached: install the newer package on this server first.'
                ELSE format('Valid are: %s.', valid) END
        INTO status, message, error_code, remedy;
    ELSE
        SELECT 'ok', replace(way, '--', ' -> ') INTO status, message;
    END IF;
    RETURN NEXT;

    SELECT 'postgresql', NULL, NULL INTO check_name, remedy, error_code;
    SELECT CASE WHEN pg_is_in_recovery() THEN 'refused' ELSE 'ok' END,
        format('PostgreSQL %s%s', current_setting('server_version'), CASE WHEN pg_is_in_recovery() THEN ', a standby' ELSE '' END),
        CASE WHEN pg_is_in_recovery() THEN 'Upgrade on the primary: the standby follows.' END,
        CASE WHEN pg_is_in_recovery() THEN 'GT048' END
    INTO status, message, remedy, error_code;
    RETURN NEXT;

    SELECT 'installation', 'ok', 'schema pggit holds the extension and nothing else', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    SELECT 'refused', f.trouble, f.remedy, 'GT048' INTO status, message, remedy, error_code FROM pggit.foreign_members() f LIMIT 1;
    IF NOT FOUND THEN
        SELECT 'ok', 'schema pggit holds the extension and nothing else', NULL, NULL INTO status, message, remedy, error_code;
    END IF;
    RETURN NEXT;

    SELECT 'tracking', 'ok', 'tracking is on', NULL, NULL INTO check_name, status, message, remedy, error_code;
    IF EXISTS (SELECT FROM pggit.settings s WHERE s.name = 'paused') THEN
        SELECT 'refused', 'tracking is paused', 'SELECT pggit.resume(); then try again.', 'GT030'
        INTO status, message, remedy, error_code;
    ELSIF NOT EXISTS (SELECT FROM pggit.head) THEN
        message := 'pggit.init() has not run: there is nothing to carry along';
    ELSE
        told := (SELECT string_agg(n.event, ', ') FROM unnest(pggit.events()) AS n (event)
                  WHERE NOT EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtname = 'pggit_' || n.event AND e.evtenabled IN ('O', 'A')));
        IF told IS NOT NULL THEN
            SELECT 'warning', format('these event triggers are missing or disabled: %s', told), 'SELECT pggit.enable();'
            INTO status, message, remedy;
        END IF;
    END IF;
    RETURN NEXT;

    SELECT 'data_version', 'ok', 'tables and functions are of one version', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    told := (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version');
    IF told <> here AND goal <> here THEN
        SELECT 'refused', format('the tables are those of version %s, the functions of %s', told, here), 'CALL pggit.finish_upgrade(); first.', 'GT048'
        INTO status, message, remedy, error_code;
    END IF;
    RETURN NEXT;

    SELECT 'transactions', 'ok', 'nobody holds a lock that is in the way', NULL, NULL
    INTO check_name, status, message, remedy, error_code;
    SELECT count(DISTINCT l.virtualtransaction),
        string_agg(DISTINCT coalesce(format('process %s since %s s', l.pid, extract(epoch FROM date_trunc('second', clock_timestamp() - a.xact_start))),
                                     'a prepared transaction'), ', ')
    INTO n, told
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.relation IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace);
    IF n > 0 THEN
        SELECT 'warning', format('%s transactions hold locks on pgGit''s tables: %s', n, told),
            'The upgrade waits for them, a while at a time, and gives up after a minute.'
        INTO status, message, remedy;
    END IF;
    RETURN NEXT;

    SELECT 'health', 'ok', 'no errors of the tracking', NULL, NULL INTO check_name, status, message, remedy, error_code;
    n := (SELECT count(*) FROM pggit.tracking_errors);
    IF n > 0 THEN
        SELECT 'warning', format('tracking met %s errors', n), 'SELECT * FROM pggit.tracking_errors; pggit.rescan() takes in what the index lacks.'
        INTO status, message, remedy;
    END IF;
    RETURN NEXT;

    SELECT 'size', 'ok', NULL, NULL, NULL INTO check_name, status, message, remedy, error_code;
    message := (SELECT format('%s MB of data are copied beforehand, within this database',
                              ceil(sum(pg_total_relation_size(t.relation)) / 1048576))
                FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation) WHERE e.extname = 'pggit');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pggit.check_upgrade(text) IS
'What upgrade() looks at before it begins. status is ok, warning, or refused, with what to do about it; error_code is what upgrade() raises then. Changes nothing.';

-- The way there ------------------------------------------------------------------------------------

CREATE FUNCTION pggit.close_lost_upgrades() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica
SET client_min_messages = warning AS $$
DECLARE
    lost record;
    closed integer := 0;
BEGIN
    -- A row whose backend is gone, or went on to something else, is of an upgrade that was cut off, and rolled back.
    FOR lost IN
        UPDATE pggit.upgrade_log l
        SET status = 'rolled_back', completed_at = clock_timestamp(),
            error_message = 'the session ended or was interrupted before the upgrade did; nothing was changed'
        WHERE l.status = 'in_progress' AND NOT EXISTS (
            SELECT FROM pg_stat_activity a
            WHERE a.pid = l.backend_pid AND a.backend_start = l.backend_start AND a.pid <> pg_backend_pid()
              AND a.state IN ('active', 'disabled'))  -- disabled: with track_activities off nobody can tell
        RETURNING l.upgrade_id
    LOOP
        PERFORM pggit.drop_copy(lost.upgrade_id);
        closed := closed + 1;
    END LOOP;
    RETURN closed;
END
$$;
COMMENT ON FUNCTION pggit.close_lost_upgrades() IS
'Marks upgrades that were cut off as rolled back, drops the copies that they had made, and returns how many there were.';

CREATE FUNCTION pggit.begin_upgrade(wanted text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    here text := pggit.version();
    goal text := pggit.upgrade_goal(wanted);
    busy integer;
    refused record;
    run bigint;
BEGIN
    PERFORM pggit.require_superuser('pggit.upgrade()');
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'GT048', HINT = 'Upgrade on the primary: the standby follows.';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pggit.upgrade', 0)) THEN
        RAISE EXCEPTION 'another session is upgrading pgGit' USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    PERFORM pggit.close_lost_upgrades();
    busy := (SELECT l.backend_pid FROM pggit.upgrade_log l WHERE l.status = 'in_progress' LIMIT 1);
    IF busy IS NOT NULL THEN
        RAISE EXCEPTION 'another session (process %) is upgrading pgGit', busy
            USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
    IF goal = here THEN
        RAISE NOTICE 'pgGit is at version % already', here;
        RETURN NULL;
    END IF;
    SELECT c.message, c.remedy, c.error_code INTO refused FROM pggit.check_upgrade(wanted) c WHERE c.status = 'refused' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%', refused.message USING ERRCODE = refused.error_code, HINT = refused.remedy;
    END IF;
    run := nextval('pggit.upgrade_log_upgrade_id_seq');
    INSERT INTO pggit.upgrade_log (upgrade_id, from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
    SELECT run, here, goal, clock_timestamp(), 'in_progress', session_user, a.pid, a.backend_start
    FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    RETURN run;
END
$$;
COMMENT ON FUNCTION pggit.begin_upgrade(text) IS
'First step of upgrade(): checks that it can be, closes the rows of upgrades that were cut off, and opens one. Null when there is nothing to do.';

CREATE FUNCTION pggit.switch_version(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    task pggit.upgrade_log;
    table_name text;
    files jsonb := '{}';
    relation regclass;
    before bigint;
    now_there bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pggit.upgrade', 0));
    SELECT l.* INTO task FROM pggit.upgrade_log l WHERE l.upgrade_id = run;
    FOREACH table_name IN ARRAY pggit.grown_tables() LOOP
        relation := format('pggit.%I', table_name)::regclass;
        files := files || jsonb_build_object(table_name, pg_relation_filenode(relation));
    END LOOP;
    EXECUTE format('ALTER EXTENSION pggit UPDATE TO %L', task.to_version);
    IF pggit.version() <> task.to_version THEN
        RAISE EXCEPTION 'the version is % and not %', pggit.version(), task.to_version
            USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
    END IF;
    -- The server counts what this transaction does to each table, and gives a table that is written anew another
    -- file: that tells without reading them that all rows are still there. Only the follow-up may add to a row.
    FOREACH table_name IN ARRAY pggit.grown_tables() LOOP
        relation := format('pggit.%I', table_name)::regclass;
        CONTINUE WHEN current_setting('track_counts') = 'on' AND pg_stat_get_xact_tuples_deleted(relation) = 0
            AND to_jsonb(pg_relation_filenode(relation)) = files -> table_name;
        EXECUTE format('SELECT count(*) FROM %I.%I', task.backup_schema, table_name) INTO before;
        EXECUTE format('SELECT count(*) FROM pggit.%I', table_name) INTO now_there;
        IF now_there < before THEN
            RAISE EXCEPTION 'pggit.% had % rows and has %', table_name, before, now_there
                USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
        END IF;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM %I.objects', task.backup_schema) INTO before;
    SELECT count(*) INTO now_there FROM pggit.objects;
    IF now_there < before THEN
        RAISE EXCEPTION 'pggit.objects had % rows and has %', before, now_there
            USING ERRCODE = 'GT024', HINT = 'The update script is at fault; nothing was changed.';
    END IF;
    -- The scripts write rows of their own, as for an ALTER EXTENSION that was called by itself.
    DELETE FROM pggit.upgrade_log l WHERE l.upgrade_id > run AND l.backend_pid = pg_backend_pid() AND l.started_at > task.started_at;
    UPDATE pggit.upgrade_log l
    SET status = 'completed', completed_at = clock_timestamp(), error_message = 'not compared with the copy yet'
    WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.switch_version(bigint) IS
'Third step of upgrade(): runs ALTER EXTENSION and checks that no row was lost on the way; its row of the log says completed when, and only when, the new version is there.';

CREATE FUNCTION pggit.compare_with_copy(run bigint) RETURNS TABLE (relation text, missing bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off AS $$
DECLARE
    copied text := (SELECT l.backup_schema FROM pggit.upgrade_log l WHERE l.upgrade_id = run);
    key text;
    names text;
BEGIN
    FOREACH relation IN ARRAY pggit.grown_tables() LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', copied, relation)) IS NULL;
        key := (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = format('pggit.%I', relation)::regclass AND i.indisprimary);
        -- What the copy's version did not know is not compared.
        names := (SELECT string_agg(format('c.%1$I IS NOT DISTINCT FROM t.%1$I', a.attname), ' AND ' ORDER BY a.attnum)
                  FROM pg_attribute a JOIN pg_attribute b ON b.attname = a.attname
                  WHERE a.attrelid = format('%I.%I', copied, relation)::regclass AND a.attnum > 0
                    AND b.attrelid = format('pggit.%I', relation)::regclass AND b.attnum > 0
                    AND a.attname NOT IN ('duration_ms', 'performance_impact'));
        EXECUTE format('SELECT count(*) FROM %I.%I c LEFT JOIN pggit.%I t ON t.%I = c.%I WHERE (%s) IS NOT TRUE',
                       copied, relation, relation, key, key, names) INTO missing;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.compare_with_copy(bigint) IS
'Last step of upgrade(): how many rows of the copy that it made are not there any more, word for word, in each table that can only grow.';

CREATE PROCEDURE pggit.verify_upgrade()
LANGUAGE plpgsql AS $$
DECLARE
    last pggit.upgrade_log;
    changed pg_catalog.text;
BEGIN
    SELECT l.* INTO last FROM pggit.upgrade_log l ORDER BY l.upgrade_id DESC LIMIT 1;
    IF last.status OPERATOR(pg_catalog.<>) 'completed' OR last.error_message IS NULL THEN
        RETURN;
    END IF;
    RAISE NOTICE 'comparing with the copy';
    changed := (SELECT pg_catalog.string_agg(pg_catalog.format('%s rows of pggit.%s', c.missing, c.relation), ', ')
                FROM pggit.compare_with_copy(last.upgrade_id) c WHERE c.missing OPERATOR(pg_catalog.>) 0);
    PERFORM pggit.note_comparison(last.upgrade_id, changed OPERATOR(pg_catalog.||) ' differ from the copy made before');
    COMMIT;
    IF changed IS NOT NULL THEN
        RAISE EXCEPTION 'the upgrade is done, and not all is as it was: % differ from the copy made before', changed
            USING ERRCODE = 'GT049', HINT = 'Go back with CALL pggit.upgrade() to the version you came from, then use pggit.restore_upgrade_backup().';
    END IF;
END
$$;
COMMENT ON PROCEDURE pggit.verify_upgrade() IS
'Last step of upgrade(): compares with the copy that it made, unless that was done and all was as before. What differs stays in the row of the log.';

CREATE FUNCTION pggit.note_comparison(run bigint, trouble text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.upgrade_log l SET error_message = trouble WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.note_comparison(bigint, text) IS 'Notes how the comparison with an upgrade''s copy ended; null where all is as it was.';

CREATE FUNCTION pggit.renew_access() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
    grantee record;
    privileges pg_init_privs[] := ARRAY(SELECT p FROM pg_init_privs p WHERE p.privtype = 'e');
    holders pg_shdepend[] := ARRAY(SELECT d FROM pg_shdepend d WHERE d.deptype = 'i');
BEGIN
    FOR grantee IN SELECT a.role_name, a.level FROM pggit.list_access() a WHERE a.level IS NOT NULL LOOP
        PERFORM pggit.extend_access(grantee.role_name, grantee.level);
    END LOOP;
    -- PostgreSQL takes what is granted within a script for the extension's own initial privileges, and with it whatever
    -- users had granted on the same object: no dump would hold that any more.
    DELETE FROM pg_init_privs p
    WHERE p.privtype = 'e' AND NOT EXISTS (
        SELECT FROM unnest(privileges) b WHERE (b.objoid, b.classoid, b.objsubid) = (p.objoid, p.classoid, p.objsubid));
    UPDATE pg_init_privs p SET initprivs = b.initprivs
    FROM unnest(privileges) b
    WHERE (b.objoid, b.classoid, b.objsubid) = (p.objoid, p.classoid, p.objsubid) AND b.initprivs::text <> p.initprivs::text;
    DELETE FROM pg_shdepend d
    WHERE d.deptype = 'i' AND NOT EXISTS (
        SELECT FROM unnest(holders) b
        WHERE (b.dbid, b.classid, b.objid, b.objsubid, b.refclassid, b.refobjid) = (d.dbid, d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid))
      AND d.dbid = (SELECT x.oid FROM pg_database x WHERE x.datname = current_database());
END
$$;
COMMENT ON FUNCTION pggit.renew_access() IS
'Gives those who have a level of access what a new version brought for it; what they had beside it stays.';

CREATE FUNCTION pggit.own_members() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
    owner oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'pggit');
    me oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
    member record;
BEGIN
    FOR member IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
        FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind IN ('r', 'v', 'c') AND c.relowner = me
        UNION ALL
        SELECT 'ROUTINE', p.oid::regprocedure::text
        FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.proowner = me
    LOOP
        EXIT WHEN me = owner;
        EXECUTE format('ALTER %s %s OWNER TO %I', member.kind, member.name, pg_get_userbyid(owner));
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.own_members() IS
'Gives what another superuser''s update made to the owner of schema pggit, whose the rest is.';

CREATE FUNCTION pggit.complete_update(from_version text, to_version text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.migrate_data();
    UPDATE pggit.settings SET value = to_version, set_by = session_user, set_at = clock_timestamp() WHERE name = 'data_version';
    PERFORM pggit.own_members();
    PERFORM pggit.renew_access();
    INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, completed_at, status, run_by, backend_pid, backend_start)
    SELECT from_version, to_version, clock_timestamp(), clock_timestamp(), 'completed', session_user, a.pid, a.backend_start
    FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    -- As much as takes no time; the rest is for finish_upgrade().
    IF pggit.backfill(1000) > 0 THEN
        RAISE NOTICE 'pgGit is at version %; CALL pggit.finish_upgrade() fills in the rest, a piece at a time', to_version;
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.complete_update(text, text) IS
'The last thing that an update script does: notes which version the tables are of, gives what it made to the owner of the rest, gives those who had access the new functions, and writes a row of pggit.upgrade_log.';

-- A procedure that commits cannot set its search_path: every name and operator in it is qualified instead.
CREATE PROCEDURE pggit.finish_upgrade(batch_rows integer DEFAULT 10000)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pggit.require_superuser('pggit.finish_upgrade()');
    PERFORM pggit.check_count(batch_rows);
    PERFORM pggit.adopt_data();
    LOOP
        EXIT WHEN pggit.backfill(greatest(batch_rows, 1)) OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE pggit.finish_upgrade(integer) IS
'Does what an upgrade left for later, so many rows at a time, each in a transaction of its own: it can be stopped at any time and called again. Also brings data up to this version where the dump of an older one was restored. upgrade() calls it. Needs a superuser and must not be called inside a transaction where there is much to do.';

CREATE FUNCTION pggit.adopt_data() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    wrote text := (SELECT s.value FROM pggit.settings s WHERE s.name = 'data_version');
    here text := pggit.version();
BEGIN
    IF wrote = here OR wrote IS NULL THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM pg_extension_update_paths('pggit') p WHERE p.source = wrote AND p.target = here AND p.path IS NOT NULL) THEN
        RAISE EXCEPTION 'the tables are those of version %, from which nothing leads to this one, %', wrote, here
            USING ERRCODE = 'GT048', HINT = 'Install that version of the package and restore the dump there.';
    END IF;
    PERFORM pggit.migrate_data();
    PERFORM pggit.renew_access();
    UPDATE pggit.settings SET value = here, set_by = session_user, set_at = clock_timestamp() WHERE name = 'data_version';
END
$$;
COMMENT ON FUNCTION pggit.adopt_data() IS 'Makes data of an older version, from a dump that was restored, into data of this one.';

CREATE PROCEDURE pggit.upgrade(version text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    run bigint;
    state pg_catalog.text := '';
    trouble pg_catalog.text;
    place pg_catalog.text;
    patience integer := 60;
    waits pg_catalog.text := pg_catalog.current_setting('lock_timeout');
BEGIN
    -- PostgreSQL says which of two things forbids a COMMIT here: this block, or the caller's transaction.
    BEGIN
        PERFORM pg_catalog.set_config('lc_messages', 'C', true);
        COMMIT;
    EXCEPTION
    WHEN invalid_transaction_termination THEN
        IF SQLERRM OPERATOR(pg_catalog.=) 'invalid transaction termination' THEN
            RAISE EXCEPTION 'pggit.upgrade() cannot run inside a transaction'
                USING ERRCODE = 'GT023', HINT = 'It commits its log before and after: call it by itself, with autocommit.';
        END IF;
    WHEN insufficient_privilege THEN
        NULL;  -- the next line says it better
    END;
    run := pggit.begin_upgrade(version);
    IF run IS NULL THEN
        CALL pggit.finish_upgrade();
        CALL pggit.verify_upgrade();
        RETURN;
    END IF;

    -- The copy is of one moment, and takes no lock that anybody waits for.
    RAISE NOTICE 'copying the data, to be on the safe side';
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    BEGIN
        PERFORM pggit.copy_data(run);
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
        trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
    END;
    IF trouble IS NULL THEN
        RAISE NOTICE 'running ALTER EXTENSION';
    END IF;
    -- A short wait for locks at a time, so that nobody waits long behind it.
    WHILE trouble IS NULL AND state OPERATOR(pg_catalog.<>) 'done' LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        BEGIN
            -- Only who looks for deadlocks gets autovacuum out of its way, which by default takes a second.
            PERFORM pg_catalog.set_config('deadlock_timeout', '50ms', true);
            PERFORM pg_catalog.set_config('lock_timeout', CASE WHEN waits OPERATOR(pg_catalog.=) '0' THEN '1s' ELSE waits END, true);
            PERFORM pggit.switch_version(run);
            state := 'done';
        EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            patience := patience OPERATOR(pg_catalog.-) 1;
            IF patience OPERATOR(pg_catalog.=) 0 THEN
                GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
                trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
            END IF;
        WHEN OTHERS OR query_canceled THEN
            GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
            trouble := pg_catalog.concat_ws(E'\n', pg_catalog.concat(SQLSTATE, ': ', SQLERRM), place);
        END;
    END LOOP;
    COMMIT;
    IF trouble IS NOT NULL THEN
        PERFORM pggit.fail_upgrade(run, trouble);
        COMMIT;
        PERFORM pggit.drop_copy(run);
        COMMIT;
        RAISE EXCEPTION 'the upgrade failed and changed nothing: %', pg_catalog.split_part(trouble, E'\n', 1)
            USING ERRCODE = 'GT024', HINT = pg_catalog.format('Row %s of pggit.upgrade_log has the whole message.', run);
    END IF;

    RAISE NOTICE 'filling in what is new';
    CALL pggit.finish_upgrade();
    CALL pggit.verify_upgrade();
END
$$;
COMMENT ON PROCEDURE pggit.upgrade(text) IS
'Brings pgGit to another version (the newest that is installed on the server unless told otherwise): copies its data into a schema pggit_backup_..., runs ALTER EXTENSION UPDATE, does the follow-up in pieces and compares with the copy. It waits lock_timeout for a lock (a second, where none is set) and tries up to 60 times. pggit.upgrade_log keeps what happened, also when it fails. Needs a superuser and must not be called inside a transaction.';

CREATE FUNCTION pggit.fail_upgrade(run bigint, trouble text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.upgrade_log l SET status = 'failed', completed_at = clock_timestamp(), error_message = trouble
    WHERE l.upgrade_id = run;
END
$$;
COMMENT ON FUNCTION pggit.fail_upgrade(bigint, text) IS 'Notes why an upgrade failed.';

CREATE FUNCTION pggit.drop_copy(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET session_replication_role = replica
SET client_min_messages = warning SET lock_timeout = '1s' AS $$
DECLARE
    copied text := (SELECT b.backup_schema FROM pggit.list_upgrade_backups() b WHERE b.upgrade_id = run);
BEGIN
    IF copied IS NOT NULL THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', copied);
    END IF;
EXCEPTION WHEN lock_not_available THEN
    RETURN;  -- somebody reads it: prune_upgrade_backups() gets it later
END
$$;
COMMENT ON FUNCTION pggit.drop_copy(bigint) IS 'Drops the copy that an upgrade made, which has come to nothing.';

-- 87_older_data.sql
-- What an update script leaves for later: rows follow here, so many at a time, so that nobody waits.

CREATE FUNCTION pggit.migrate_data() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN;
END
$$;
COMMENT ON FUNCTION pggit.migrate_data() IS 'Makes data of an older version into data of this one. There is none older than this.';

CREATE FUNCTION pggit.backfill(max_rows integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN 0;
END
$$;
COMMENT ON FUNCTION pggit.backfill(integer) IS
'Does up to so many rows of what is left of an upgrade. Returns 0 when nothing is left.';

-- 90_permissions.sql
-- Nobody but the owner gets anything, whatever the database's default privileges say, and every table with
-- users' data is dumped, with its sequences.
DO $permissions$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT DISTINCT m.kind, m.name,
            CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
        FROM (
            SELECT 'SCHEMA' AS kind, 'pggit' AS name, n.nspowner AS owner,
                coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
            FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'pggit'
            UNION ALL
            SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                c.oid::pg_catalog.regclass::pg_catalog.text, c.relowner, c.relacl
            FROM pg_catalog.pg_class c
            WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
              AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,S}'::pg_catalog."char"[])
            UNION ALL
            SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner,
                coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
            FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
            UNION ALL
            SELECT 'TYPE', t.oid::pg_catalog.regtype::pg_catalog.text, t.typowner,
                coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.typrelid
            WHERE t.typnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
              AND c.relkind OPERATOR(pg_catalog.=) 'c'
        ) m
        CROSS JOIN LATERAL pg_catalog.aclexplode(m.acl) a
        WHERE a.grantee OPERATOR(pg_catalog.<>) m.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name, member.grantee);
    END LOOP;
    FOR member IN
        SELECT c.oid FROM pg_catalog.pg_class c
        WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
          AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,S}'::pg_catalog."char"[])
          AND c.relname OPERATOR(pg_catalog.<>) ALL (
              '{object_oids,oid_origin,unsettled,unsettled_id_seq}'::pg_catalog.name[])
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(member.oid, '');
    END LOOP;
END
$permissions$;
