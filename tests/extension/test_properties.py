"""Laws that hold for every sequence of schema changes, tried on random ones.

`--sequences=2000` tries more of them, `--ddl-seed=7` others. A failure prints the seed and the shortest sequence that
still fails.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings, strategies

from tasks.lib.servers import Server
from tests.extension import ddlmachine
from tests.extension.conftest import Connection
from tests.extension.ddlmachine.chooser import Chooser, Drawn
from tests.extension.test_tracked_kinds import differences

STEPS = 20
SEQUENCES_OF_A_TEST = 25
"""So that two workers can share them."""
ROLES = ("ddl_one", 'Ddl "two" %s')
_numbers = itertools.count(1)

FINGERPRINT = """
    SELECT (SELECT count(*) FROM pggit.history), (SELECT count(*) FROM pggit.blobs),
        (SELECT count(*) FROM pggit.uncommitted), (SELECT count(*) FROM pggit.tracking_errors),
        (SELECT md5(string_agg(o::text, ' ' ORDER BY o.id)) FROM pggit.objects o),
        (SELECT md5(string_agg(x::text, ' ' ORDER BY x::text COLLATE "C")) FROM pggit.object_oids x)
"""


def quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


class Sequence:
    """One database and what was done in it."""

    def __init__(self, db: Connection, chooser: Chooser) -> None:
        self.db = db
        self.chooser = chooser
        self.roles = tuple(quoted(role) for role in ROLES)

    def fingerprint(self) -> object:
        return self.db.execute(FINGERPRINT).fetchone()

    def rehearse(self, statement: str) -> None:
        """What is rolled back leaves nothing, whether PostgreSQL accepted it or not."""
        before = self.fingerprint()
        try:
            with self.db.transaction(force_rollback=True):
                self.db.execute(statement)
        except psycopg.Error:
            note(f"-- refused in a rehearsal: {statement}")
        assert self.fingerprint() == before, f"left by what was rolled back: {statement}"
        assert differences(self.db) == [], f"after the rollback of: {statement}"

    def step(self) -> None:
        """One more change, recorded whole."""
        statement = ddlmachine.next_statement(self.chooser, ddlmachine.read_catalog(self.db, self.roles))
        if self.chooser.once_in(6):
            self.rehearse(statement)
        try:
            self.db.execute(statement)
        except psycopg.Error as error:
            note(f"-- refused ({error.sqlstate}): {statement}")
            return
        note(f"{statement};")
        assert differences(self.db) == [], f"after: {statement}"


@pytest.fixture
def actors(server: Server, roles: set[str]) -> None:
    """The roles that the statements give things to."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for role in ROLES:
            admin.execute(f"CREATE ROLE {quoted(role)}")
            roles.add(role)


@contextmanager
def scratch(server: Server, template: str) -> Iterator[Connection]:
    name = f"sequence_{next(_numbers)}"
    server.createdb(name, template)
    try:
        with psycopg.connect(server.dsn(name), autocommit=True) as db:
            db.execute(ddlmachine.SETTINGS)
            yield db
    finally:
        server.dropdb(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "part" in metafunc.fixturenames:
        metafunc.parametrize("part", range(-(-metafunc.config.option.sequences // SEQUENCES_OF_A_TEST)))


@pytest.mark.timeout(1800)  # a failing sequence is made shorter by trying
def test_laws_of_schema_changes(
    server: Server, template: str, actors: None, request: pytest.FixtureRequest, part: int
) -> None:
    ddl_seed = request.config.option.ddl_seed

    @seed(ddl_seed * 1_000_000 + part)
    @settings(
        max_examples=SEQUENCES_OF_A_TEST,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.data())
    def laws(data: strategies.DataObject) -> None:
        note(f"-- --ddl-seed={ddl_seed}, part {part}")
        with scratch(server, template) as db:
            sequence = Sequence(db, Chooser(Drawn(data)))
            for _ in range(STEPS):
                # 0 leaves a step out: so a failing sequence is made shorter
                if data.draw(strategies.integers(0, 63)):
                    sequence.step()

    laws()
