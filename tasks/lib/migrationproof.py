"""The proof of an update script: after it, a database is like one in which its goal was installed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.lib import catalogdiff, catalogfacts, dumporacle
from tasks.lib.catalogdiff import Difference, Facts
from tasks.lib.catalogmap import PHYSICAL

if TYPE_CHECKING:
    from tasks.lib.servers import Server


_TABLES = "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind = 'r'"
_LOCKED = """
    SELECT DISTINCT l.relation FROM pg_locks l
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
"""


@dataclass(frozen=True)
class Proof:
    """What both oracles found after an update from `start` to `end`."""

    start: str
    end: str
    differences: tuple[Difference, ...]
    """The comparer's."""
    dumped: tuple[Difference, ...]
    """The dump's."""
    leaks: tuple[Difference, ...]
    """Settings that the script leaves behind."""
    failures: tuple[str, ...]
    """Errors: of the script, or of pgGit when it records while the script runs."""
    order: tuple[Difference, ...] = ()
    """Where columns stand elsewhere than in a fresh installation, which is no fault."""
    locks: tuple[str, ...] = ()
    """The tables, of those that were there, for which others than readers and writers of rows wait."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not (self.differences or self.dumped or self.leaks or self.failures)

    def lines(self) -> list[str]:
        """What was found, a line each."""
        found: Sequence[object] = (
            *self.failures,
            *self.differences,
            *(f"dump: {one}" for one in self.dumped),
            *(f"left behind: {one}" for one in self.leaks),
        )
        return [str(one) for one in found]


def installed(server: "Server", version: str) -> tuple[Facts, Facts]:
    """What both oracles say of a fresh installation: facts, and the dump's entries."""
    import psycopg

    name = f"fresh_{_plain(version)}"
    server.dropdb(name)
    server.createdb(name)
    try:
        with psycopg.connect(server.dsn(name), autocommit=True) as database:
            database.execute(f"CREATE EXTENSION pggit VERSION '{version}'")
            facts = catalogfacts.read(database)
        return facts, dumporacle.dump(server, name)
    finally:
        server.dropdb(name)


def prove(server: "Server", start: str, end: str, fresh: tuple[Facts, Facts] | None = None) -> Proof:
    """Update a fresh installation of `start` to `end`, and compare it with one of `end` (`fresh`, where it is known).

    A second one, whose event triggers record meanwhile, is updated, too: none of that may fail.
    """
    import psycopg

    facts, dumped = fresh or installed(server, end)
    name = f"updated_{_plain(start)}_{_plain(end)}"
    update = f"ALTER EXTENSION pggit UPDATE TO '{end}'"
    server.dropdb(name)
    server.createdb(name)
    try:
        with psycopg.connect(server.dsn(name), autocommit=True) as database:
            database.execute(f"CREATE EXTENSION pggit VERSION '{start}'")
            before: dict[int, str] = dict(database.execute(_TABLES).fetchall())
            try:
                leaks = catalogfacts.leaks(database, update)
                with database.transaction():
                    database.execute(update)
                    locks = [before[oid] for (oid,) in database.execute(_LOCKED).fetchall() if oid in before]
            except psycopg.Error as error:
                return Proof(start, end, (), (), (), (_error(error),))
            every = catalogdiff.compare(facts, catalogfacts.read(database), physical=True, without=_happened(facts))
        found = [one for one in every if not one.attribute.startswith(PHYSICAL)]
        order = [one for one in every if one.attribute == f"{PHYSICAL}position"]
        seen = catalogdiff.compare(dumped, dumporacle.dump(server, name))
        failures: tuple[str, ...] = ()
        # One that somebody made up for a test need not record.
        if ("function", "pggit.init()") in facts:
            more, failures = _update_while_recording(server, name, start, update, facts)
            found += [one for one in more if one not in found]
    finally:
        server.dropdb(name)
    return Proof(start, end, tuple(found), tuple(seen), tuple(leaks), failures, tuple(order), tuple(locks))


def _update_while_recording(
    server: "Server", name: str, start: str, update: str, facts: Facts
) -> tuple[list[Difference], tuple[str, ...]]:
    import psycopg

    server.dropdb(name)
    server.createdb(name)
    with psycopg.connect(server.dsn(name), autocommit=True) as database:
        database.execute(f"CREATE EXTENSION pggit VERSION '{start}'; SELECT pggit.init()")
        states = "SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY evtname"
        before = database.execute(states).fetchall()
        try:
            database.execute(update)
        except psycopg.Error as error:
            return [], (f"while it records: {_error(error)}",)
        errors = database.execute("SELECT command_tag, message FROM pggit.tracking_errors").fetchall()
        failures = [f"while it records: {tag}: {message}" for tag, message in errors]
        if database.execute(states).fetchall() != before:
            failures.append("while it records: the event triggers are not as they were")
        # What was recorded differs; what records must not.
        found = catalogdiff.compare(
            catalogfacts.within(facts, "pggit"),
            catalogfacts.read(database, schema="pggit", rows=False),
            without=lambda one: one.attribute in ("rows", "state"),
        )
    return found, tuple(failures)


def _happened(facts: Facts) -> Callable[[Difference], bool]:
    """Whether a difference is in rows that a dump holds: no script brings such, they tell what happened."""
    dumped = {identity for kind, identity in facts if kind == "dumped by pggit"}
    return lambda one: one.attribute in ("rows", "state") and one.identity in dumped


def _error(error: Exception) -> str:
    return " ".join(str(error).split())


def _plain(version: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in version.lower())
