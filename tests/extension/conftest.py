"""Real servers for the extension's tests: one for each major and worker, a fresh database for each test.

Every test that takes `db` or `bare_db` runs once on every PostgreSQL major (`--pg=15,17` picks some).
"""

import itertools
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tasks.lib import servers
from tasks.lib.servers import Server
from tasks.lib.suiteserver import SuiteServer as SuiteServer

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[..., Connection]
Psql = Callable[..., str]

_TEMPLATE = "pggit_template"
_numbers = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pg" in metafunc.fixturenames:
        majors = metafunc.config.option.pg
        metafunc.parametrize("pg", majors, ids=[f"pg{major}" for major in majors], indirect=True, scope="session")


@pytest.fixture(scope="session")
def pg(request: pytest.FixtureRequest) -> str:
    """The PostgreSQL major under test."""
    major: str = request.param
    return major


@pytest.fixture(scope="session")
def server(pg: str) -> Iterator[SuiteServer]:
    """A running server of that major, with the extension's files in place."""
    with SuiteServer(pg) as running:
        yield running


@pytest.fixture(scope="session")
def template(server: Server, request: pytest.FixtureRequest) -> str:
    """A database to clone, with pggit created and initialised; with --upgraded-from, of that version, then updated."""
    older = request.config.option.upgraded_from
    server.createdb(_TEMPLATE)
    with psycopg.connect(server.dsn(_TEMPLATE), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pggit" + (f" VERSION '{older}'" if older else ""))
        connection.execute("SELECT pggit.init()")
        if older:
            connection.execute("ALTER EXTENSION pggit UPDATE; CALL pggit.finish_upgrade()")
    return _TEMPLATE


@contextmanager
def session(dsn: str, *, autocommit: bool = True) -> Iterator[Connection]:
    """A connection; when it was closed without an error, the server's process of it is gone as well.

    One that is still there makes DROP DATABASE look again after a tenth of a second (CountOtherDBBackends() in
    PostgreSQL's src/backend/storage/ipc/procarray.c).
    """
    connection = psycopg.connect(dsn, autocommit=autocommit)
    with socket.socket(fileno=os.dup(connection.fileno())) as other_end:
        with connection:
            yield connection
        with suppress(OSError):  # one that does not come to its end is left to DROP DATABASE … WITH (FORCE)
            other_end.settimeout(5)
            while other_end.recv(4096):
                pass


@contextmanager
def database(server: Server, origin: str | None) -> Iterator[Connection]:
    """The superuser's autocommit connection to a new database, a copy of `origin` or empty; dropped at the end."""
    name = f"test_{next(_numbers)}"
    server.createdb(name, origin)
    try:
        with session(server.dsn(name)) as connection:
            yield connection
    finally:
        server.dropdb(name)


@pytest.fixture
def db(server: Server, template: str, roles: set[str]) -> Iterator[Connection]:
    """The superuser's autocommit connection to a fresh database with pggit created and initialised."""
    with database(server, template) as connection:
        yield connection


@pytest.fixture
def bare_db(server: Server, roles: set[str]) -> Iterator[Connection]:
    """The superuser's autocommit connection to a fresh database without pggit."""
    with database(server, None) as connection:
        yield connection


@pytest.fixture
def roles(server: SuiteServer) -> Iterator[set[str]]:
    """Names of roles to drop at the test's end, after its databases, in which they may own things."""
    names: set[str] = set()
    yield names
    for name in names:
        server.admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture
def connect(server: SuiteServer, roles: set[str], request: pytest.FixtureRequest) -> Iterator[Connect]:
    """`connect(role=None, dbname=None, autocommit=True)`: one more connection, closed at the test's end.

    The database is the test's own unless named. A role that does not exist is made, an ordinary one with
    LOGIN, and dropped at the test's end.
    """
    with ExitStack() as opened:

        def connect(role: str | None = None, dbname: str | None = None, *, autocommit: bool = True) -> Connection:
            user = role or servers.SUPERUSER
            known = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            if role is not None and server.admin.execute(known, [role]).fetchone() is None:
                server.admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                roles.add(role)
            dsn = server.dsn(dbname or _own_database(request), user)
            return opened.enter_context(session(dsn, autocommit=autocommit))

        yield connect


@pytest.fixture
def psql(server: Server, request: pytest.FixtureRequest) -> Psql:
    """`psql(script, role=None, dbname=None, check=True)`: what psql prints for it, unaligned tuples only.

    Stops at the first error, which fails the test unless `check` is false: then errors are in the text.
    """

    def psql(script: str, role: str | None = None, dbname: str | None = None, *, check: bool = True) -> str:
        dsn = server.dsn(dbname or _own_database(request), role or servers.SUPERUSER)
        command = [str(server.bin / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", "-"]
        result = subprocess.run(
            command,
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=servers.clean_environment(),
        )
        assert not check or result.returncode == 0, result.stdout
        return result.stdout

    return psql


def _own_database(request: pytest.FixtureRequest) -> str:
    name = "db" if "db" in request.fixturenames else "bare_db"
    connection: Connection = request.getfixturevalue(name)
    return connection.info.dbname
