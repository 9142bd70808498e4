"""How things stand after an update that failed: one version or the other, whole, and told of; a retry succeeds."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from tasks.lib import catalogdiff, catalogfacts, migrationcatalog, migrationkept
from tasks.lib.migrationground import Ground
from tests.extension.conftest import Connection
from tests.extension.test_commits import one

_PATIENCE = 60
"""Seconds that a state may take to come; none does."""
_UNEXPLAINED = """
    SELECT upgrade_id, status, error_message FROM pggit.upgrade_log
    WHERE completed_at IS NULL OR status NOT IN ('completed', 'failed', 'rolled_back')
       OR status <> 'completed' AND coalesce(error_message, '') = ''
"""
_LEFT_OVER = """
    SELECT nspname FROM pg_namespace
    WHERE nspname ~ '^pggit_backup_' AND nspname NOT IN (
        SELECT backup_schema FROM pggit.upgrade_log WHERE status = 'completed' AND backup_schema IS NOT NULL)
"""


def command(end: str, how: str) -> str:
    return f"ALTER EXTENSION pggit UPDATE TO '{end}'" if how == "ALTER" else f"CALL pggit.upgrade('{end}')"


def begin(db: Connection, statement: str) -> None:
    """Send a statement and don't wait for its end."""
    db.pgconn.send_query(statement.encode())
    db.pgconn.flush()


def end(db: Connection) -> str:
    """Wait for that statement's end: "" or the message of its error."""
    said = ""
    with suppress(psycopg.OperationalError):
        while (result := db.pgconn.get_result()) is not None:
            said = result.error_message.decode() or said
        return said
    return "the connection is gone"


def until(is_so: Callable[[], Any]) -> None:
    """Ask until it is so."""
    limit = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < limit, "it does not come to that"


def answers(ground: Ground, name: str) -> bool:
    """Whether the server lets somebody into that database."""
    try:
        ground.connect(name).close()
    except psycopg.OperationalError:
        return False
    return True


def is_cut(db: Connection) -> bool:
    """Whether the server has ended that connection."""
    try:
        db.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def whole(ground: Ground, version: str) -> catalogdiff.Facts:
    """The facts of pgGit's own schema in a new installation."""

    def read() -> catalogdiff.Facts:
        with ground.connect(ground.initialised(version)) as db:
            return catalogfacts.read(db, schema="pggit", rows=False)

    return ground.once(f"whole {version}", read)


def faults(ground: Ground, db: Connection, start: str, goal: str) -> list[str]:
    """What is not as it must be after a failed, or not so failed, way from `start` to `goal` of a filled database."""
    version = one(db, "SELECT pggit.version()")
    if version not in (start, goal):
        return [f"the version is {version}"]
    if version == goal:
        db.execute("CALL pggit.finish_upgrade()")
    found = is_whole(ground, db, version, start)
    db.execute(f"CALL pggit.upgrade('{goal}')")
    found += [f"after a retry: {fault}" for fault in is_whole(ground, db, goal, start)]
    found += [f"the log says {row}" for row in db.execute(_UNEXPLAINED).fetchall()]
    found += [f"{name} is left over" for (name,) in db.execute(_LEFT_OVER).fetchall()]
    return found or migrationkept.goes_on(db)


def is_whole(ground: Ground, db: Connection, version: str, start: str) -> list[str]:
    """Where the catalog, the data of a database that was filled at `start`, or the index are not that version's."""
    facts = catalogfacts.read(db, schema="pggit", rows=False)
    found = migrationcatalog.lines(catalogdiff.compare(whole(ground, version), facts))
    return found + migrationkept.state_faults(ground, db, version, ground.before(start))
