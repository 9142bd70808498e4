"""pgGit is its own first user: what two of its versions differ in, and by which statements, its own plan says.

In a scratch database both versions are installed, one after the other, and orphaned (dumporacle.py), which makes them
ordinary schemas; a third pgGit records them under one name, first the older, then the newer. `pggit.plan()` of the two
trees then gives the statements both ways, in an order that holds, with what each of them loses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.lib import dumporacle

if TYPE_CHECKING:
    from psycopg import Connection

    from tasks.lib.servers import Server

    Database = Connection[tuple[Any, ...]]

# Schema pggit itself is never recorded. Bodies of functions keep its name, so the stand-in must be no word of theirs.
_STAND_IN = "qqgit"
_NEXT = "qqgit_next"
_NAME = re.compile(rf"\b{_STAND_IN}\b")
_PLAN = "SELECT action, object_type, identity, part, loses, statements FROM pggit.plan(%s, %s)"


@dataclass(frozen=True)
class Step:
    """A step of the plan: what it does to which part of which object (the object itself: ""), and how."""

    action: str
    object_type: str
    identity: str
    part: str
    loses: str | None
    """The column whose values go with it, or "" for all rows; None where nothing does."""
    statements: tuple[str, ...]


def between(server: "Server", older: str, newer: str, engine: str) -> tuple[list[Step], list[Step]]:
    """The steps from version `older` to `newer` and back, as pgGit of version `engine` plans them."""
    import psycopg

    name = "selfdiff"
    server.dropdb(name)
    server.createdb(name)
    try:
        for version, schema in ((older, _STAND_IN), (newer, _NEXT)):
            with psycopg.connect(server.dsn(name), autocommit=True) as database:
                database.execute(f"CREATE EXTENSION pggit VERSION '{version}'")
            dumporacle.orphan(server.dsn(name))
            with psycopg.connect(server.dsn(name), autocommit=True) as database:
                database.execute(f"ALTER SCHEMA pggit RENAME TO {schema}")
        with psycopg.connect(server.dsn(name), autocommit=True) as database:
            first, second = _record(database, engine)
            return _plan(database, first, second), _plan(database, second, first)
    finally:
        server.dropdb(name)


def _record(database: "Database", engine: str) -> tuple[str, str]:
    database.execute(f"CREATE EXTENSION pggit VERSION '{engine}'")
    database.execute("SELECT pggit.init()")
    # Both are there; what is recorded from now on is one of them.
    database.execute("SELECT pggit.configure_tracking(ARRAY[%s])", [_STAND_IN])
    first = _tree(database)
    database.execute("SELECT pggit.disable()")
    database.execute(f"DROP SCHEMA {_STAND_IN} CASCADE; ALTER SCHEMA {_NEXT} RENAME TO {_STAND_IN}")
    return first, _tree(database)


def _tree(database: "Database") -> str:
    database.execute("SELECT pggit.rescan()")
    row = database.execute("SELECT pggit.live_tree()").fetchone()
    return str(row[0]) if row else ""


def _plan(database: "Database", start: str, end: str) -> list[Step]:
    return [
        Step(action, object_type, _named(identity), _named(part or ""), loses, tuple(map(_named, statements or ())))
        for action, object_type, identity, part, loses, statements in _rows(database, start, end)
        if object_type != "SCHEMA"
    ]


def _rows(database: "Database", start: str, end: str) -> Sequence[tuple[Any, ...]]:
    return database.execute(_PLAN, [start, end]).fetchall()


def _named(text: str) -> str:
    return _NAME.sub("pggit", text)
