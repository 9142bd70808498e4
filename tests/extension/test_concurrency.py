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
