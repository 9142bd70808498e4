"""What the update scripts lock: what they say of it in their heads, and that nobody else waits for it."""

import re
from pathlib import Path

import pytest

from tasks.lib.paths import MIGRATIONS
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

LOCKED = """
    SELECT DISTINCT c.name FROM pg_locks l JOIN unnest(%s::oid[], %s::text[]) AS c (oid, name) ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock') ORDER BY 1
"""
scripts = pytest.mark.parametrize("script", sorted(MIGRATIONS.glob("*.sql")), ids=lambda path: path.stem)


@scripts
def test_a_script_says_which_tables_it_locks(bare_db: Connection, script: Path) -> None:
    _, start, end = script.stem.split("--")
    said = re.search(r"^-- Locks: (.*)$", script.read_text("utf-8"), re.MULTILINE)
    assert said is not None
    bare_db.execute(f"CREATE EXTENSION pggit VERSION '{start}'; SELECT pggit.init(); CREATE TABLE t (id integer)")
    tables = bare_db.execute(
        "SELECT oid, relname FROM pg_class WHERE relnamespace = 'pggit'::regnamespace AND relkind = 'r'"
    ).fetchall()
    with bare_db.transaction(force_rollback=True):
        bare_db.execute(f"ALTER EXTENSION pggit UPDATE TO '{end}'")
        found = bare_db.execute(LOCKED, [[oid for oid, _ in tables], [name for _, name in tables]]).fetchall()
    assert [name for (name,) in found] == said[1].split(", ")
    assert "objects" in said[1].split(", ")


@scripts
def test_locks_are_taken_in_the_order_of_those_who_record(bare_db: Connection, connect: Connect, script: Path) -> None:
    """Who has looked into the index goes on to the history: a script that held that would be in a circle with it."""
    _, start, end = script.stem.split("--")
    bare_db.execute(f"CREATE EXTENSION pggit VERSION '{start}'; SELECT pggit.init()")
    recording, updating = connect(autocommit=False), connect()
    recording.execute("LOCK TABLE pggit.objects IN ROW SHARE MODE")
    updating.pgconn.send_query(f"ALTER EXTENSION pggit UPDATE TO '{end}'".encode())
    updating.pgconn.flush()
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"
    while not one(bare_db, waits, updating.info.backend_pid):
        pass
    recording.execute("CREATE TABLE t (id integer)")
    assert one(recording, "SELECT count(*) FROM pggit.history WHERE identity = 'public.t'") == 1
    recording.commit()
    while (result := updating.pgconn.get_result()) is not None:
        assert result.error_message == b""
    assert one(bare_db, "SELECT pggit.version()") == end
    assert differences(bare_db) == []
