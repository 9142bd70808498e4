"""Nobody waits for pgGit: commands on different objects never meet on its rows."""

import contextlib
import threading

import psycopg
import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one
from tests.extension.test_tracked_kinds import differences

FIRST = (
    "CREATE TABLE same_{0} (id integer PRIMARY KEY, note text DEFAULT 'x')",
    "CREATE INDEX ON same_{0} (note)",
    "CREATE VIEW seen_{0} AS SELECT 1 AS one",
    "CREATE FUNCTION f_{0}() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE mood_{0} AS ENUM ('ok')",
    "ALTER TABLE old_{0} ADD COLUMN x integer",
    "GRANT SELECT ON old_{0} TO PUBLIC",
    "COMMENT ON TABLE old_{0} IS 'it'",
    "ALTER TABLE old_{0} RENAME TO new_{0}",
    "DROP TABLE gone_{0}",
)


def test_open_transactions_do_not_block_each_other(db: Connection, connect: Connect) -> None:
    for number in range(2):
        db.execute(f"CREATE TABLE old_{number} (id integer); CREATE TABLE gone_{number} (id integer)")
    sessions = [connect(autocommit=False) for _ in range(2)]
    for session in sessions:
        session.execute("SET lock_timeout = '5s'")
    # in turn, both open all the while: whoever had to wait for the other's commit would run into the timeout
    for statement in FIRST:
        for number, session in enumerate(sessions):
            session.execute(statement.format(number))
    for session in sessions:
        session.commit()
    assert differences(db) == []


def test_a_commit_waits_for_no_open_command_and_none_for_it(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE a (id integer)")
    changing, committing = connect(autocommit=False), connect(autocommit=False)
    for session in (changing, committing):
        session.execute("SET lock_timeout = '5s'")
    changing.execute("ALTER TABLE a ADD COLUMN x integer")
    one(committing, "SELECT pggit.commit('without x')")
    changing.execute("CREATE TABLE b (id integer)")
    changing.execute("ALTER TABLE a ADD COLUMN y integer")
    committing.commit()
    changing.commit()
    assert one(db, "SELECT count(*) FROM pggit.status() WHERE state = 'uncommitted'") == 2
    one(db, "SELECT pggit.commit('the rest')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)


class NothingToCommit(Exception):
    """SQLSTATE GT008."""


def commit(session: Connection) -> None:
    try:
        session.execute("SELECT pggit.commit('by one of many')")
    except psycopg.DatabaseError as error:
        if error.sqlstate == "GT008":
            raise NothingToCommit from None
        raise


def test_many_sessions_lose_nothing(db: Connection, connect: Connect) -> None:
    errors: list[BaseException] = []

    def work(session: Connection, number: int) -> None:
        try:
            for step in range(8):
                session.execute(f"CREATE TABLE t_{number}_{step} (id serial PRIMARY KEY)")
                session.execute(f"ALTER TABLE t_{number}_{step} ADD COLUMN x text")
                if step % 3 == 0:
                    session.execute(f"DROP TABLE t_{number}_{step}")
                if step % 4 == 3:
                    # Another session's commit may have had it all by then.
                    with contextlib.suppress(NothingToCommit):
                        commit(session)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(connect(), number)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert differences(db) == []
    # per table: created, its sequence created, altered; dropped with its sequence every third step
    assert one(db, "SELECT count(*) FROM pggit.history WHERE command_tag <> 'INIT'") == 5 * (8 * 3 + 3 * 2)
    if one(db, "SELECT count(*) FROM pggit.status()"):
        db.execute("SELECT pggit.commit('the rest')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    parents = db.execute("SELECT parents[1] FROM pggit.commits WHERE parents <> '{}'").fetchall()
    assert len(parents) == len(set(parents)), "two commits with one parent: a commit was lost"


@pytest.mark.parametrize("end", ["kill", "rollback"])
def test_a_session_that_ends_in_the_middle_leaves_nothing(db: Connection, connect: Connect, end: str) -> None:
    before = one(db, "SELECT count(*) FROM pggit.history")
    session = connect(autocommit=False)
    session.execute("CREATE TABLE half (id integer)")
    if end == "kill":
        # returns when the backend is gone, or false after the ten seconds
        assert one(db, "SELECT pg_terminate_backend(%s, 10000)", session.info.backend_pid)
        session.close()
    else:
        session.rollback()
    assert one(db, "SELECT count(*) FROM pggit.history") == before
    assert differences(db) == []


def test_a_rename_does_not_wait_for_an_open_change_of_what_mentions_it(db: Connection, connect: Connect) -> None:
    """PostgreSQL alone lets both go on; so does pgGit, and both changes are in the record, each by its own author."""
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    changing, renaming = connect("anna", autocommit=False), connect("bert", autocommit=False)
    db.execute("CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood OWNER TO bert")
    db.execute("CREATE TABLE feels (m mood); ALTER TABLE feels OWNER TO anna")
    names = ["mood", "feeling", "humour"]
    for turn, order in enumerate([(changing, renaming), (renaming, changing)]):
        for session in order:
            session.execute("SET lock_timeout = '5s'")
            if session is changing:
                session.execute(f"ALTER TABLE feels ADD COLUMN z{turn} int")
            else:
                session.execute(f"ALTER TYPE {names[turn]} RENAME TO {names[turn + 1]}")
        changing.commit()
        renaming.commit()
        assert differences(db) == []
    assert one(db, "SELECT count(*) FROM pggit.unsettled") == 0
    by = db.execute("SELECT session_role FROM pggit.history WHERE object_type = 'TYPE' AND change_type = 'RENAME'")
    assert {row[0] for row in by.fetchall()} == {"bert"}


def test_a_rescan_does_not_undo_what_others_record(db: Connection, connect: Connect) -> None:
    for number in range(60):
        db.execute(f"CREATE TABLE x{number} (id integer)")
    stop = threading.Event()
    errors: list[BaseException] = []

    def scan(session: Connection) -> None:
        try:
            while not stop.is_set():
                session.execute("SELECT pggit.rescan()")
        except BaseException as error:
            errors.append(error)

    scanner = threading.Thread(target=scan, args=(connect(),))
    scanner.start()
    try:
        for turn in range(3):
            for number in range(60):
                db.execute(f"ALTER TABLE x{number} ADD COLUMN c{turn} integer")
    finally:
        stop.set()
        scanner.join()
    assert errors == []
    assert differences(db) == []
    # A definition may be taken in by the rescan before its own command gets to it, but never goes back.
    assert (
        db.execute("""
        SELECT h.identity FROM pggit.history h
        JOIN pggit.blobs o ON o.hash = h.old_blob JOIN pggit.blobs n ON n.hash = h.new_blob
        WHERE n.object_type = 'TABLE'
          AND (SELECT count(*) FROM jsonb_object_keys(n.definition -> 'columns'))
            < (SELECT count(*) FROM jsonb_object_keys(o.definition -> 'columns'))""").fetchall()
        == []
    )


def test_serializable_transactions_commit_as_they_would_without(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (id integer); CREATE TABLE u (id integer)")
    first, second = (connect(autocommit=False) for _ in range(2))
    for session in (first, second):
        session.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    first.execute("ALTER TABLE t ADD COLUMN x integer")
    second.execute("ALTER TABLE u ADD COLUMN y integer")
    first.execute("CREATE VIEW vt AS SELECT * FROM t")
    second.execute("CREATE VIEW vu AS SELECT * FROM u")
    first.commit()
    second.commit()
    assert differences(db) == []
    recorded = db.execute("SELECT identity FROM pggit.history WHERE object_type = 'VIEW' ORDER BY 1").fetchall()
    assert recorded == [("public.vt",), ("public.vu",)]


@pytest.mark.parametrize("level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE])
def test_an_old_snapshot_hides_nothing(db: Connection, connect: Connect, level: psycopg.IsolationLevel) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    late = connect("dora", autocommit=False)
    db.execute("CREATE TABLE t (id integer); ALTER TABLE t OWNER TO dora; CREATE TABLE gone (id integer)")
    db.execute("ALTER TABLE gone OWNER TO dora")
    late.isolation_level = level
    late.execute("SELECT 1")
    db.execute("ALTER TABLE t ADD COLUMN x integer; CREATE TABLE newer (id integer); ALTER TABLE newer OWNER TO dora")
    late.execute("SET application_name = 'late one'")
    late.execute("ALTER TABLE t ADD COLUMN y integer")
    late.execute("ALTER TABLE newer RENAME TO renamed")
    late.execute("GRANT SELECT ON t TO PUBLIC")
    late.execute("DROP TABLE gone")
    late.commit()
    assert differences(db) == []
    rows = db.execute("""
        SELECT change_type, identity, session_role FROM pggit.history WHERE application_name = 'late one'
        ORDER BY identity, change_type""").fetchall()
    assert ("RENAME", "public.renamed", "dora") in rows
    assert ("DROP", "public.gone", "dora") in rows
    assert ("ALTER", "public.t", "dora") in rows


def test_no_ordinary_role_can_hold_up_the_first_command_after_a_restore(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC; TRUNCATE pggit.oid_origin")
    busy = connect(autocommit=False)
    busy.execute("CREATE TABLE taking_over (id integer)")
    other = connect("dora")
    other.execute("SET lock_timeout = '5s'")
    other.execute("SELECT pg_advisory_lock(hashtextextended('pggit.adopt_cluster', 0))")
    other.execute("CREATE TABLE meanwhile (id integer)")
    busy.commit()
    assert differences(db) == []
    assert one(db, "SELECT session_role FROM pggit.history WHERE identity = 'public.meanwhile'") == "dora"


DEFERRED = "BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE later (a int); COMMIT"


def test_drop_index_concurrently_stays_first_in_its_transaction(db: Connection) -> None:
    db.execute("CREATE TABLE t (a int); CREATE INDEX ti ON t (a)")
    db.execute(DEFERRED)
    db.execute("DROP INDEX CONCURRENTLY ti")
    assert differences(db) == []


def test_notes_outlive_the_taking_over_of_a_cluster(db: Connection) -> None:
    db.execute("CREATE TABLE t (a int); DELETE FROM pggit.oid_origin")
    db.execute(DEFERRED)
    db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; ALTER TABLE t ADD b int; COMMIT")
    assert differences(db) == []
    assert one(db, "SELECT count(*) FROM pggit.unsettled") == 0


def test_a_locked_table_holds_nobody_up(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t")
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE t")
    other = connect()
    other.execute("SET statement_timeout = '5s'")
    other.execute("COMMENT ON VIEW v IS 'x'")
    holder.commit()
    assert differences(db) == []
    assert one(db, "SELECT change_type FROM pggit.history ORDER BY id DESC LIMIT 1") == "COMMENT"


def test_a_session_that_settles_holds_nobody_up(db: Connection, connect: Connect) -> None:
    db.execute(DEFERRED)
    settling, other = connect(autocommit=False), connect()
    settling.execute("CREATE TABLE y (a int)")
    other.execute("SET statement_timeout = '5s'")
    other.execute("ALTER TABLE later ADD b int")
    settling.commit()
    assert differences(db) == []


def test_a_commit_takes_no_half_state(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE feels (m mood)")
    open_one = connect(autocommit=False)
    open_one.execute("COMMENT ON TABLE feels IS 'q'")
    db.execute("ALTER TYPE mood RENAME TO feeling")
    with pytest.raises(psycopg.DatabaseError) as raised:
        db.execute("SELECT pggit.commit('half')")
    assert raised.value.sqlstate == "GT013"
    open_one.commit()
    one(db, "SELECT pggit.commit('whole')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
