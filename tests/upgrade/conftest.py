"""The servers and databases that the extension's own tests have, and one whose update scripts can be made to fail."""

from collections.abc import Iterator

import pytest

from tasks.lib.migrationground import Ground
from tests.extension.conftest import SuiteServer, bare_db, connect, db, pg, psql, roles, server, template
from tests.extension.conftest import pytest_generate_tests as on_every_major
from tests.upgrade import breakpoints
from tests.upgrade.next_versions import MadeUpServer

__all__ = ["bare_db", "connect", "db", "pg", "psql", "roles", "server", "template"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_every_major(metafunc)
    if "run" in metafunc.fixturenames:
        options = metafunc.config.option
        metafunc.parametrize("run", range(-(-options.failures // len(options.pg))))


@pytest.fixture(scope="session")
def ground(server: SuiteServer) -> Ground:
    """Databases of each version on the suite's server."""
    return Ground(server)


@pytest.fixture(scope="session")
def breaking(pg: str) -> Iterator[Ground]:
    """A server whose update scripts have places to fail at; what it said it committed outlasts a crash."""
    files = breakpoints.files()
    with MadeUpServer(pg, files, settings={"synchronous_commit": "on"}) as running:
        yield Ground(running, files)
