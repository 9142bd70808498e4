"""Where updates are tried: databases of one server with each version, plain and filled, made once and then copied."""

import itertools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.lib import catalogfacts, dumporacle, migrationdata, migrationways, servers, sqlscript, updategraph
from tasks.lib.catalogdiff import Facts
from tasks.lib.errors import PggitError
from tasks.lib.migrationways import ALTER, Way
from tasks.lib.paths import MIGRATIONS
from tasks.lib.suiteserver import SuiteServer
from tasks.lib.updategraph import UpdateGraph

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

T = TypeVar("T")

FIXTURES = MIGRATIONS / "fixtures"

LEVELS = ("reader", "committer", "admin")
GRANTS = tuple(f"SELECT pggit.grant_access('verify_{level}', '{level}')" for level in LEVELS)
"""What gives each level of access to a role of its own."""

Finder = Callable[["Ground", Way], list[str]]
"""A check of one way: the faults it finds, one line each."""


def graph_of(files: dict[str, bytes]) -> UpdateGraph:
    """The update graph of an installation's files."""
    return updategraph.read(name for name in files if name.endswith(".sql"))


@dataclass
class Ground:
    """A running server whose extension folder holds `files`, and its databases. Not for several threads at once.

    Attributes:
        server: the server.
        files: what its extension folder holds of pggit, by name.
        fixtures: the folder of what fills a database, a psql script for each version that brought something new.
    """

    server: SuiteServer
    files: dict[str, bytes] = field(default_factory=sqlscript.contents)
    fixtures: Path = FIXTURES
    _made: dict[str, object] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Make the roles that databases grant things to: one a level of access, one by hand, one that gets nothing."""
        for role in (*LEVELS, "keeper", "stranger"):
            if not self.server.admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [f"verify_{role}"]).fetchall():
                self.server.admin.execute(f"CREATE ROLE verify_{role}")

    @property
    def graph(self) -> UpdateGraph:
        """Which version leads to which."""
        return graph_of(self.files)

    @property
    def newest(self) -> str:
        """The version that CREATE EXTENSION makes where none is named."""
        return migrationways.in_order(self.graph.installable)[-1]

    def connect(self, name: str) -> "Database":
        """The superuser's autocommit connection to a database; the caller closes it."""
        import psycopg

        return psycopg.connect(self.server.dsn(name), autocommit=True)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns, which is asked the first time only."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]  # type: ignore[return-value]  # put there by the same name

    def bare(self, version: str) -> str:
        """The name of a database where that version was just created; to be copied, not changed."""
        return self.once(f"bare {version}", lambda: self._create(f"bare_{version}", version))

    def initialised(self, version: str) -> str:
        """The same, pggit.init() ran, and each level of access is granted to somebody."""
        return self.once(f"initialised {version}", lambda: self._initialise(version))

    def filled(self, version: str) -> str:
        """The same, with all that the version can hold."""
        return self.once(f"filled {version}", lambda: self._fill(version))

    def facts(self, version: str) -> Facts:
        """The catalog of a plain installation of that version."""
        return self.once(f"facts {version}", lambda: self.read(self.bare(version)))

    def dumped(self, version: str) -> Facts:
        """pg_dump's view of it."""
        return self.once(f"dumped {version}", lambda: dumporacle.dump(self.server, self.bare(version)))

    def before(self, version: str) -> migrationdata.Snapshot:
        """The data of `filled(version)`."""
        return self.once(f"data {version}", lambda: self._snapshot(self.filled(version)))

    def last_fixture(self, version: str) -> str:
        """The newest version up to that one that brought something new to hold."""
        return self._with_fixture(version)[-1]

    def read(self, name: str) -> Facts:
        """The facts of a database."""
        with self.connect(name) as database:
            return catalogfacts.read(database)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The name of a new database without pggit, dropped at the end of the block."""
        yield from self._database(None)

    @contextmanager
    def copy(self, template: str) -> Iterator["Database"]:
        """A connection to a copy of that database, which is dropped at the end of the block."""
        for name in self._database(template):
            with self.connect(name) as database:
                yield database

    def _database(self, template: str | None) -> Iterator[str]:
        name = f"tried_{next(self._numbers)}"
        self.server.createdb(name, template)
        try:
            yield name
        finally:
            self.server.dropdb(name)

    def _copy(self, name: str, template: str | None) -> None:
        self.server.dropdb(name)  # where another ground was on this server
        self.server.createdb(name, template)

    def _create(self, name: str, version: str) -> str:
        self._copy(name, None)
        with self.connect(name) as database:
            database.execute(f"CREATE EXTENSION pggit VERSION '{version}'")
        return name

    def _initialise(self, version: str) -> str:
        name = f"initialised_{version}"
        self._copy(name, self.bare(version))
        with self.connect(name) as database:
            database.execute("SELECT pggit.init()")
            for statement in GRANTS:
                database.execute(statement)
        return name

    def _fill(self, version: str) -> str:
        name = f"filled_{version}"
        self._copy(name, self.initialised(version))
        for older in self._with_fixture(version):
            self._run(name, self.fixtures / f"{older}.sql")
        with self.connect(name) as database:
            database.execute("SELECT pggit.live_tree()")  # which keeps the tree that it finds
            missing = migrationdata.unfilled(database)
        if missing:
            raise PggitError(f"the fixtures up to {version} leave these without a value: {', '.join(missing)}")
        return name

    def _with_fixture(self, version: str) -> list[str]:
        every = migrationways.in_order(self.graph.installable)
        found = [one for one in every[: every.index(version) + 1] if (self.fixtures / f"{one}.sql").exists()]
        if not found:
            raise PggitError(f"{self.fixtures} has no fixture for version {version} or any before")
        return found

    def _run(self, name: str, script: Path) -> None:
        words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.server.dsn(name), "-f", str(script)]
        result = subprocess.run(
            [str(self.server.bin / "psql"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=servers.clean_environment(),
        )
        if result.returncode:
            raise PggitError(f"{script.name}: {result.stderr.strip()}")

    def _snapshot(self, name: str) -> migrationdata.Snapshot:
        with self.connect(name) as database:
            return migrationdata.snapshot(database)


def step(database: "Database", version: str, how: str) -> list[str]:
    """Go to that version; the notices that PostgreSQL gave on the way."""
    notices: list[str] = []

    def note(diagnostic: Any) -> None:
        notices.append(str(diagnostic.message_primary))

    database.add_notice_handler(note)
    try:
        statement = "ALTER EXTENSION pggit UPDATE TO '{}'" if how == ALTER else "CALL pggit.upgrade('{}')"
        database.execute(statement.format(version))
    finally:
        database.remove_notice_handler(note)
    return notices


def go(database: "Database", way: Way) -> None:
    """Go the whole way, and finish what an update leaves for later."""
    for version in way.stops[1:]:
        step(database, version, way.how)
        if way.how == ALTER:
            database.execute("CALL pggit.finish_upgrade()")
