"""Options and scheduling of every suite."""

import os
import re

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tasks.lib import serverbuilds
from tasks.lib.errors import PggitError


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pg", default="all", help="PostgreSQL majors to test on: 17, 15,17 or all")
    parser.addoption("--sequences", default=100, type=int, help="random sequences of DDL to try on each major")
    parser.addoption("--upgraded-from", default="", help="make the databases of this version, updated, instead of new")
    parser.addoption("--failures", default=100, type=int, help="upgrades to cut off at random points, in all")
    parser.addoption("--failure-seed", default=1, type=int, help="the seed of those points")
    parser.addoption("--thorough", action="store_true", help="try each failure on each major, not on one of them")
    parser.addoption("--ddl-seed", default=1, type=int, help="the seed of those sequences")


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.option.pg = serverbuilds.select_majors(config.option.pg)
    except PggitError as error:
        raise pytest.UsageError(str(error)) from None
    for name in [name for name in os.environ if name.startswith("PG") and not name.startswith("PGGIT_")]:
        del os.environ[name]  # libpq listens to these; a test names its server itself


class ByMajor(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """All tests on one PostgreSQL major go to one worker, so that each server is started once.

    (xdist's own groups, --dist=loadgroup, have no effect with pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        match = re.search(r"\[pg\d+", nodeid)
        return match[0] if match else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByMajor | None:
    """One major alone is spread over all workers, as xdist does it."""
    return ByMajor(config, log) if len(config.option.pg) > 1 and config.option.dist == "load" else None
