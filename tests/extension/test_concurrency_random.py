"""Many sessions at once, some of them killed: nothing is lost, nothing waits for ever, no reference goes astray."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

import psycopg

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one
from tests.extension.test_tracked_kinds import differences

WORKERS = 4
ROUNDS = 12
KILL_EVERY = 9
"""Statements, of all sessions together, from one kill to the next."""

STATEMENTS = (
    "CREATE TABLE w{0}.t{1} (id serial PRIMARY KEY, note text DEFAULT 'x' CHECK (note <> ''))",
    "CREATE VIEW w{0}.v{1} AS SELECT id, note FROM w{0}.t{1}",
    "ALTER TABLE w{0}.t{1} ADD COLUMN more integer",
    "CREATE INDEX ON w{0}.t{1} (note)",
    "CREATE TYPE w{0}.e{1} AS ENUM ('a', 'b')",
    "CREATE FUNCTION w{0}.f{1}(w{0}.e{1}) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "COMMENT ON TABLE w{0}.t{1} IS 'hers'",
    "ALTER TYPE w{0}.e{1} RENAME TO g{1}",
    "GRANT SELECT ON w{0}.t{1} TO PUBLIC",
    "DROP VIEW w{0}.v{1}",
    "ALTER TABLE w{0}.t{1} RENAME TO u{1}",
)
WORKS_OF_GIT = (
    "SELECT pggit.commit('by {0} in round {1}')",
    "SELECT pggit.create_branch('branch-{0}-{1}')",
    "SELECT pggit.tag('tag-{0}-{1}')",
    "SELECT * FROM pggit.status()",
    "SELECT * FROM pggit.log()",
    "SELECT pggit.rescan()",
)
FINE = {
    "GT008",  # nothing to commit: another session was quicker
    "GT013",  # another session still records
}


@dataclass
class Worker:
    """One session, made anew when it was killed."""

    number: int
    open: Callable[[], Connection]
    ticks: "SimpleQueue[int]"
    confirmed: list[str] = field(default_factory=list)
    """Tables whose CREATE was committed before anything happened to the session."""
    commits: list[str] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)
    pid: int = 0
    rounds: int = ROUNDS

    def run(self) -> None:
        chance = random.Random(self.number)  # noqa: S311 - which statements share a transaction
        for turn in range(self.rounds):
            session = self.open()
            self.pid = session.info.backend_pid
            try:
                self._round(session, turn, chance)
            except psycopg.OperationalError as error:
                # killed: by the killer alone, PostgreSQL itself ends no session
                if error.sqlstate not in (None, "57P01"):
                    self.troubles.append(error)
            except BaseException as error:
                self.troubles.append(error)
            finally:
                session.close()

    def _round(self, session: Connection, turn: int, chance: random.Random) -> None:
        session.execute("SET lock_timeout = '30s'")
        left = [text.format(self.number, turn) for text in STATEMENTS]
        while left:
            size = chance.choice((1, 1, 2, 5))
            with session.transaction():
                for statement in left[:size]:
                    session.execute(statement)
                    self.ticks.put(self.number)
            if any(statement.startswith("CREATE TABLE") for statement in left[:size]):
                self.confirmed.append(f"w{self.number}.t{turn}")
            del left[:size]
            self._git(session, chance.choice(WORKS_OF_GIT).format(self.number, f"{turn}-{len(left)}"))

    def _git(self, session: Connection, statement: str) -> None:
        try:
            row = session.execute(statement).fetchone()
            if "pggit.commit(" in statement and row is not None:
                self.commits.append(row[0])
        except psycopg.DatabaseError as error:
            if error.sqlstate not in FINE:
                raise
        self.ticks.put(self.number)


BRANCH_WORK = (
    "SELECT pggit.create_branch('b{0}-{1}')",
    "SELECT * FROM pggit.checkout('b{0}-{1}')",
    "CREATE TABLE w{0}.only{1} (id integer); ALTER TABLE w{0}.shared ADD COLUMN c{1} integer",
    "SELECT pggit.commit('on b{0}-{1}')",
    "SELECT * FROM pggit.checkout('main')",
    "SELECT * FROM pggit.merge('b{0}-{1}')",
    "SELECT pggit.abort_merge()",
    "SELECT pggit.delete_branch('b{0}-{1}')",
    "SELECT pggit.tag('t{0}-{1}')",
    "SELECT * FROM pggit.reset('HEAD')",
    "ALTER TABLE w{0}.shared RENAME COLUMN c{1} TO d{1}",
    "DROP TABLE w{0}.only{1}",
    "SELECT pggit.commit('round {1} of {0}')",
)
"""What each session does in a round, in turn: the branches are its own, the schema and HEAD are everybody's."""
OF_OTHERS = {
    "GT004",  # the branch was not made, since the session was killed
    "GT008", "GT013", "GT025", "GT034",  # somebody committed, records, or has changed something
    "GT017", "GT018",  # somebody is on the branch, or it was not merged
    "GT026", "GT027", "GT038",  # somebody merges, or has ended that; or changes the schema in the middle
    "42703", "42P01",  # HEAD is where the table or column is not
}  # fmt: skip
"""What a session meets because another one checked out, merged or committed meanwhile, and changes nothing then."""


@dataclass
class Brancher(Worker):
    """A session whose work is on branches, where HEAD moves under everybody."""

    refused: list[str | None] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def _round(self, session: Connection, turn: int, chance: random.Random) -> None:
        session.execute("SET lock_timeout = '2s'")
        for statement in BRANCH_WORK:
            words = statement.format(self.number, turn)
            try:
                rows = session.execute(words.encode())
                self.done.append(words)
                if "commit(" in words and (row := rows.fetchone()) is not None:
                    self.commits.append(row[0])
            except psycopg.DatabaseError as error:
                if error.sqlstate not in OF_OTHERS:
                    raise
                self.refused.append(error.sqlstate)
            self.ticks.put(self.number)


def kill_now_and_then(admin: Connection, workers: Sequence[Worker], ticks: "SimpleQueue[int]") -> int:
    """Until a tick says that all have ended. Returns how many were killed."""
    chance = random.Random(0)  # noqa: S311 - which one
    killed = 0
    count = 0
    while ticks.get() >= 0:
        count += 1
        if count % KILL_EVERY == 0:
            admin.execute("SELECT pg_terminate_backend(%s)", [chance.choice(workers).pid])
            killed += 1
    return killed


def run_and_kill(admin: Connection, workers: Sequence[Worker], ticks: "SimpleQueue[int]") -> int:
    """Let all of them work until they are done, and end a session now and then. Returns how many were killed."""
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()

    def end() -> None:
        for thread in threads:
            thread.join()
        ticks.put(-1)

    ending = threading.Thread(target=end)
    ending.start()
    killed = kill_now_and_then(admin, workers, ticks)
    ending.join()
    return killed


def test_sessions_that_are_killed_lose_nothing(db: Connection, connect: Connect) -> None:
    ticks: SimpleQueue[int] = SimpleQueue()
    dsn = db.info.dsn
    workers = [Worker(n, lambda: psycopg.connect(dsn, autocommit=True), ticks) for n in range(WORKERS)]
    for worker in workers:
        db.execute(f"CREATE SCHEMA w{worker.number}")
    assert run_and_kill(connect(), workers, ticks) > 10

    # on objects of one's own, no command waits for another's for long, and none meets a deadlock
    assert [repr(trouble) for worker in workers for trouble in worker.troubles] == []
    assert differences(db) == []
    recorded = {
        row[0] for row in db.execute("SELECT identity FROM pggit.history WHERE change_type = 'CREATE'").fetchall()
    }
    confirmed = {name for worker in workers for name in worker.confirmed}
    assert len(confirmed) > WORKERS * ROUNDS / 4
    assert confirmed <= recorded
    twice = """SELECT identity FROM pggit.history WHERE change_type = 'CREATE'
        GROUP BY object_type, identity HAVING count(*) > 1"""
    assert db.execute(twice).fetchall() == []

    if one(db, "SELECT count(*) FROM pggit.uncommitted_changes()"):
        db.execute("SELECT pggit.commit('the rest')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX) == one(db, "SELECT pggit.live_tree()")
    reachable = {row[0] for row in db.execute("SELECT hash FROM pggit.log('main', NULL)").fetchall()}
    assert {commit for worker in workers for commit in worker.commits} <= reachable
    assert whole_references(db)


def test_branch_work_of_many_sessions_leaves_a_whole(db: Connection, connect: Connect) -> None:
    """HEAD and the schema are everybody's: what one session does may be refused, and is never half done."""
    ticks: SimpleQueue[int] = SimpleQueue()
    dsn = db.info.dsn
    open_one = partial(psycopg.connect, dsn, autocommit=True)
    workers = [Brancher(n, open_one, ticks, rounds=8) for n in range(WORKERS)]
    for worker in workers:
        db.execute(f"CREATE SCHEMA w{worker.number}; CREATE TABLE w{worker.number}.shared (id integer)")
    db.execute("SELECT pggit.commit('what all branches have')")
    assert run_and_kill(connect(), workers, ticks) > 10

    assert [repr(trouble) for worker in workers for trouble in worker.troubles] == []
    done = [words for worker in workers for words in worker.done]
    for work in ("checkout", "merge(", "delete_branch", "commit", "ALTER TABLE", "RENAME COLUMN"):
        assert any(work in words for words in done), work
    db.execute("SELECT pggit.settle()")
    assert differences(db) == []
    if one(db, "SELECT count(*) FROM pggit.merge_state"):
        db.execute("SELECT pggit.abort_merge()")
    if one(db, "SELECT count(*) FROM pggit.uncommitted_changes()"):
        db.execute("SELECT pggit.commit('the rest')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX) == one(db, "SELECT pggit.live_tree()")
    assert whole_references(db)
    kept = {row[0] for row in db.execute("SELECT hash FROM pggit.commits")}
    confirmed = {commit for worker in workers for commit in worker.commits}
    assert confirmed
    assert confirmed <= kept
    db.execute("SELECT pggit.seal()")
    assert {row[0] for row in db.execute("SELECT status FROM pggit.verify_audit()")} == {"ok"}
    assert db.execute("SELECT * FROM pggit.tracking_errors").fetchall() == []
    # every branch that is left can still be had
    for (name,) in db.execute("SELECT name FROM pggit.list_branches()").fetchall():
        db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [name])
        assert one(db, HEAD_TREE) == one(db, "SELECT pggit.live_tree()")
        assert differences(db) == []


def whole_references(db: Connection) -> bool:
    """Every move of a reference begins where the one before ended, and every branch is at a commit."""
    moves = """
        SELECT count(*) FROM (
            SELECT r.old_hash, lag(r.new_hash) OVER (PARTITION BY r.ref ORDER BY r.id) AS was
            FROM pggit.reflog r WHERE r.ref <> 'HEAD') m
        WHERE old_hash IS DISTINCT FROM was"""
    nowhere = (
        "SELECT count(*) FROM pggit.branches b WHERE NOT EXISTS (SELECT FROM pggit.commits c WHERE c.hash = b.head)"
    )
    return bool(one(db, moves) == one(db, nowhere) == 0)


def test_a_branch_moves_only_from_where_it_was_seen(db: Connection, connect: Connect) -> None:
    """Compare and swap, between two sessions that both saw the same head."""
    db.execute("CREATE TABLE a (id integer); SELECT pggit.commit('one')")
    first, second = connect(autocommit=False), connect(autocommit=False)
    branch, head = db.execute("SELECT id, head FROM pggit.branches WHERE name = 'main'").fetchone() or (0, "")
    parent = one(db, "SELECT parents[1] FROM pggit.log() LIMIT 1")
    first.execute("SELECT pggit.move_branch(%s, %s, %s, 'one way')", [branch, head, parent])
    refused: list[str | None] = []

    def move() -> None:
        try:
            second.execute("SELECT pggit.move_branch(%s, %s, %s, 'the other way')", [branch, head, head])
        except psycopg.DatabaseError as error:
            refused.append(error.sqlstate)

    moving = threading.Thread(target=move)
    moving.start()
    first.commit()
    moving.join()
    assert refused == ["GT006"]
    assert one(db, "SELECT head FROM pggit.branches WHERE name = 'main'") == parent
