"""Laws that hold for every sequence of schema changes, tried on random ones.

Every other part of them is an ordinary role's, the rest a superuser's.

`--sequences=2000` tries more of them, `--ddl-seed=7` others. A failure prints the seed and the shortest sequence that
still fails.
"""

import itertools
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings, strategies

from tasks.lib import servers
from tasks.lib.servers import Server
from tests.extension import ddlmachine
from tests.extension.conftest import Connection, session
from tests.extension.ddlmachine.chooser import Chooser
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

STEPS = 20
STEPS_OF_A_BRANCH = 4
SEQUENCES_OF_A_TEST = 25
"""So that two workers can share them."""
ROLES = ("ddl_one", 'Ddl "two" %s')
ACTOR = "ddl_actor"
"""An ordinary role that owns the database and is an admin of pgGit; it may do what the roles above may."""
_numbers = itertools.count(1)

UNSOUND_TOGETHER = {"GT038", "3F000", "42501", "42703", "42704", "42804", "42830", "42883", "42P01", "42P17", "2BP01"}
"""SQLSTATEs that refuse a merge of two sides of which each alone is sound: what apply_tree() finds, what docs/errors.md
says of an owner's code, what one side has taken away that the other wants (a constraint of a column, the key that a
foreign key leads to or its type), and partitions that overlap."""
BEYOND = (
    "uses its row type",
    "value too long for type",
    " out of range",
    "stands below a superuser's table",
    " is not immutable",
    " must be marked IMMUTABLE",
)
"""What is said where a table would have to be written anew whose row type is a column's, to a default that does not fit
its column, where code hangs on a plain role's partition of a superuser's, and where a function has become less than
IMMUTABLE: docs/errors.md."""
FINGERPRINT = """
    SELECT (SELECT count(*) FROM pggit.history), (SELECT count(*) FROM pggit.blobs),
        (SELECT count(*) FROM pggit.uncommitted), (SELECT count(*) FROM pggit.tracking_errors),
        (SELECT md5(string_agg(o::text, ' ' ORDER BY o.id)) FROM pggit.objects o),
        (SELECT md5(string_agg(x::text, ' ' ORDER BY x::text COLLATE "C")) FROM pggit.object_oids x)
"""


def beyond(message: str) -> bool:
    """Whether it is said that such a thing is not done at all."""
    return any(words in message for words in BEYOND)


def quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


class Sequence:
    """One database and what was done in it."""

    def __init__(self, server: Server, db: Connection, chooser: Chooser) -> None:
        self.server = server
        self.db = db
        self.chooser = chooser
        self.moments = [self.now()]
        self.commits = [one(db, "SELECT pggit.resolve_ref('HEAD')")]
        self.refusals: list[str | None] = []
        self.done: Counter[str] = Counter()
        """How often each law was tried, and how often it was seen to hold: not where what is in the way was said."""
        self.roles = tuple(quoted(role) for role in ROLES)
        self.accepted = 0

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
        if refusal := self.refusal(statement):
            note(f"-- refused ({refusal.sqlstate}): {statement}")
            assert self.without_pggit(statement) == refusal.sqlstate, f"pgGit made it fail: {refusal}\n{statement}"
            return
        self.accepted += 1
        note(f"{statement};")
        assert differences(self.db) == [], f"after: {statement}"
        self.moments.append(self.now())

    def refusal(self, statement: str) -> psycopg.Error | None:
        """Do it; what is in the way, if anything."""
        try:
            self.db.execute(statement)
        except psycopg.Error as error:
            return error
        return None

    def without_pggit(self, statement: str) -> str | None:
        """What PostgreSQL alone says to a statement: the error's SQLSTATE."""
        self.db.execute("SET session_replication_role = replica")  # no event trigger fires
        try:
            if " CONCURRENTLY" in statement:  # has transactions of its own
                refusal = self.refusal(statement)
            else:
                with self.db.transaction(force_rollback=True):
                    refusal = self.refusal(statement)
        finally:
            self.db.execute("RESET session_replication_role")
        return refusal.sqlstate if refusal else None

    def now(self) -> tuple[str, str]:
        """This moment, and the schema's tree at it."""
        row = self.db.execute("SELECT pggit.live_tree(), clock_timestamp()::text").fetchone()
        assert row is not None
        return row[1], row[0]

    def tree(self) -> str:
        found: str = one(self.db, "SELECT pggit.live_tree()")
        return found

    def tree_of(self, ref: str) -> str:
        found: str = one(self.db, "SELECT pggit.tree_of(%s)", ref)
        return found

    def commit(self, message: str) -> None:
        """Where there is anything to commit."""
        if one(self.db, "SELECT count(*) FROM pggit.uncommitted_changes()"):
            self.commits.append(one(self.db, "SELECT pggit.commit(%s)", message))
            note(f"-- commit {message}")

    def checkout(self, ref: str, how: str = "checkout") -> bool:
        """Any commit can be brought back, exactly; whether it was."""
        note(f"-- {how} {ref[:8]}")
        self.done["checkouts tried"] += 1
        before = self.tree()
        try:
            self.db.execute(f"SELECT * FROM pggit.{how}(%s, force => true)", [ref])
        except psycopg.Error as error:
            # An owner's code runs with that owner's rights, who may not own a child of the table: docs/errors.md.
            if not beyond(str(error)) and not isinstance(error, psycopg.errors.InsufficientPrivilege):
                raise
            note(f"-- refused: {error}")
            assert self.tree() == before
            assert differences(self.db) == []
            return False
        assert self.tree() == self.tree_of(ref), "the schema is not the commit's"
        assert differences(self.db) == []
        self.done["checkouts"] += 1
        return True

    def psql(self, script: str) -> bool:
        """As a user would: the script stands alone. Whether it could be run at all."""
        command = [
            str(self.server.bin / "psql"),
            "-X",
            "-q",
            "-1",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            self.server.dsn(self.db.info.dbname, self.db.info.user),
            "-f",
            "-",
        ]
        result = subprocess.run(
            command,
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=servers.clean_environment(),
        )
        # An owner who took from itself the right to make anything in its schema, by then or on the way.
        lacks_right = self.db.info.user == ACTOR and "ERROR:  permission denied for schema" in result.stdout
        if result.returncode != 0 and (lacks_right or beyond(result.stdout)):
            note(f"-- refused: {result.stdout}")
            return False
        assert result.returncode == 0, f"{result.stdout}\n{script}"
        return True

    def past(self) -> None:
        """Moments are remembered as they were."""
        for moment, tree in self.chooser.some(self.moments, 6):
            assert one(self.db, "SELECT pggit.tree_at(%s::timestamptz)", moment) == tree, "another past"

    def differ(self, a: tuple[str, str], b: tuple[str, str]) -> None:
        """diff_sql(a, b) leads from a to b, and diff_sql(b, a) back."""
        note(f"-- from {a[0]} to {b[0]}")
        self.done["differences tried"] += 1
        if not self.psql(one(self.db, "SELECT pggit.diff_sql('LIVE', %s)", a[0])):
            return
        assert self.tree() == a[1], "diff_sql does not lead to a"
        up = one(self.db, "SELECT pggit.diff_sql(%s, %s)", a[0], b[0])
        down = one(self.db, "SELECT pggit.diff_sql(%s, %s)", b[0], a[0])
        assert up == one(self.db, "SELECT pggit.diff_sql(%s, %s)", a[0], b[0]), "another text the second time"
        if not self.psql(up):
            return
        assert self.tree() == b[1], "diff_sql does not lead from a to b"
        if not self.psql(down):
            return
        assert self.tree() == a[1], "up and then down is not the identity"
        assert differences(self.db) == []
        self.done["differences"] += 1

    def merge_both_ways(self) -> None:
        """merge(a, b) is merge(b, a), unless they conflict, and then they do so both ways."""
        self.done["merges tried"] += 1
        if not self.checkout("main"):
            return
        for side in "ab":
            self.db.execute(f"SELECT pggit.create_branch('{side}', 'main'), pggit.create_branch('{side}-too', 'main')")
        for side in "ab":
            if not self.checkout(side):
                return
            for _ in range(STEPS_OF_A_BRANCH):
                self.step()
            self.commit(side)
            if not self.checkout(f"{side}-too") or not self.checkout(side, "reset"):
                return
        self.refusals.clear()
        merges = self.merge("a", "b-too"), self.merge("b", "a-too")
        assert self.refusals != ["0A000", "0A000"], "only where the other way round tells what is unsound"
        assert None in merges or merges[0] == merges[1], "it matters which is merged into which"
        self.done["merges"] += None not in merges and not self.refusals

    def merge(self, ours: str, theirs: str) -> str | set[tuple[str, str]] | None:
        """The tree of the merge, or what conflicts; None where our side cannot be had or the merge cannot be made."""
        note(f"-- merge {theirs} into {ours}")
        if not self.checkout(ours):
            return None
        before = self.tree()
        try:
            rows = self.db.execute("SELECT * FROM pggit.merge(%s, force => true)", [theirs]).fetchall()
        except psycopg.Error as error:
            if beyond(str(error)):
                assert self.tree() == before
                return None
            # a view of ours on a column that theirs drops can go along with a new column, up to its type
            if error.sqlstate not in UNSOUND_TOGETHER | {"0A000"}:
                raise
            self.refusals.append(error.sqlstate)
            assert self.tree() == before
            note(f"-- refused: {error}")
            return set()
        conflicts = {(row[1], row[2]) for row in rows if row[0] == "conflict"}
        if conflicts:
            assert self.tree() == before
            self.db.execute("SELECT pggit.abort_merge()")
            return conflicts
        assert differences(self.db) == []
        assert self.tree() == self.tree_of("HEAD")
        return self.tree()


@pytest.fixture
def actors(server: Server, roles: set[str]) -> Iterator[None]:
    """The roles that the statements give things to, and the one that runs them where no superuser does."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {ACTOR} LOGIN; GRANT SET ON PARAMETER session_replication_role TO {ACTOR}")
        roles.add(ACTOR)
        for role in ROLES:
            admin.execute(f"CREATE ROLE {quoted(role)}; GRANT {quoted(role)} TO {ACTOR}")
            roles.add(role)
        yield
        admin.execute(f"REVOKE ALL ON PARAMETER session_replication_role FROM {ACTOR}")


@contextmanager
def scratch(server: Server, template: str, actor: str) -> Iterator[Connection]:
    name = f"sequence_{next(_numbers)}"
    server.createdb(name, template)
    try:
        if actor == ACTOR:
            with psycopg.connect(server.dsn(name), autocommit=True) as admin:
                admin.execute(f"ALTER DATABASE {name} OWNER TO {ACTOR}; ALTER SCHEMA public OWNER TO {ACTOR}")
                admin.execute(f"SELECT pggit.grant_access('{ACTOR}', 'admin'), pggit.commit('whose schema it is')")
        with session(server.dsn(name, actor)) as db:
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
    actor = ACTOR if part % 2 else servers.SUPERUSER
    accepted = tried = 0
    done: Counter[str] = Counter()

    @seed(ddl_seed * 1_000_000 + part)
    @settings(
        max_examples=min(SEQUENCES_OF_A_TEST, request.config.option.sequences),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.randoms())
    def laws(chance: random.Random) -> None:
        nonlocal accepted, tried
        note(f"-- --ddl-seed={ddl_seed}, part {part}, as {actor}")
        with scratch(server, template, actor) as db:
            chooser = Chooser(chance)
            sequence = Sequence(server, db, chooser)
            for _ in range(STEPS):
                # 0 leaves a step out: so a failing sequence is made shorter
                if chooser.below(64):
                    sequence.step()
                if chooser.once_in(4):
                    sequence.commit("on the way")
            accepted, tried = accepted + sequence.accepted, tried + STEPS
            sequence.commit("the end")
            sequence.past()
            for ref in (chooser.pick(sequence.commits), "main"):
                sequence.checkout(ref)
            sequence.differ(chooser.pick(sequence.moments), chooser.pick(sequence.moments))
            if chooser.once_in(8):
                sequence.merge_both_ways()
            sequence.past()
            done.update(sequence.done)

    laws()
    assert accepted > tried / 2, "PostgreSQL refused too many statements for this to show much"
    for law in ("checkouts", "differences"):
        assert done[law] > done[f"{law} tried"] * 3 / 4, f"pgGit refused too much for this to show much: {done}"
    assert done["merges"] > 0 or done["merges tried"] < 4, f"no merge was made: {done}"
