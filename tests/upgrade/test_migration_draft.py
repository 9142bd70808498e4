"""Update scripts drafted by the machine: applied on a server, both oracles find what a new installation has."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from tasks.lib import catalogdiff, catalogfacts, migrationdraft, migrationmarks, released, sqlscript
from tasks.lib.migrationdraft import Draft
from tasks.lib.versionserver import VersionServer
from tests.upgrade.made_up_versions import BASE, CHANGES, NOT_VERSIONED, Change

HERE = sqlscript.version()
OLDEST = next(version for version in released.versions() if version != HERE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The oldest and the newest PostgreSQL of those under test: between them nothing words a statement otherwise."""
    if "major" in metafunc.fixturenames:
        every = metafunc.config.option.pg
        ends = sorted({every[0], every[-1]}, key=int)
        metafunc.parametrize("major", ends, ids=[f"pg{one}" for one in ends], scope="session")


@pytest.fixture(scope="session")
def scratch(major: str) -> Iterator[VersionServer]:
    """A server with the install scripts of this checkout and no update script."""
    with VersionServer(major, migrationdraft.install_scripts()) as server:
        yield server


@pytest.fixture(scope="session")
def real(scratch: VersionServer) -> tuple[Draft, Draft]:
    """The drafts between the oldest release and the version in the making."""
    return migrationdraft.draft(scratch, OLDEST, HERE, HERE, say=lambda _: None)


def made_up(server: VersionServer, changes: tuple[Change, ...], number: int) -> tuple[Draft, Draft]:
    versions = f"{number}.1", f"{number}.2"
    for version, side in zip(versions, ("older", "newer"), strict=True):
        script = BASE + "".join(f"-- {change.name}\n{getattr(change, side)}\n" for change in changes)
        server.put({f"pggit--{version}.sql": script.encode()})
    return migrationdraft.draft(server, *versions, HERE, say=lambda _: None)


@pytest.fixture(scope="session")
def changed(scratch: VersionServer) -> tuple[Draft, Draft]:
    return made_up(scratch, CHANGES, 90)


@pytest.fixture(scope="session")
def not_versioned(scratch: VersionServer) -> tuple[Draft, Draft]:
    return made_up(scratch, NOT_VERSIONED, 91)


def marks(draft: Draft) -> list[str]:
    return [what for _, what in migrationmarks.left(draft.text)]


def test_todays_versions_are_drafted_both_ways(real: tuple[Draft, Draft]) -> None:
    for draft in real:
        assert draft.proof.lines() == []
        assert draft.text.startswith('\\echo Use "ALTER EXTENSION pggit UPDATE TO ')
        assert "SET LOCAL search_path TO pg_catalog, pg_temp;\n" in draft.text
        assert draft.text.endswith(f"SELECT pggit.complete_update('{draft.proof.start}', '{draft.proof.end}');\n")
        said = re.search(r"^-- Locks: (.*)$", draft.text, re.MULTILINE)
        assert said is not None
        assert set(draft.proof.locks) == set(said[1].split(", ")) >= {"history", "objects"}
    up, down = real
    assert (up.name, down.name) == migrationdraft.names(OLDEST, HERE)
    # Those that are dropped, too.
    gone = {table for table in down.proof.locks if f"rows of pggit.{table} " in down.text}
    assert set(down.proof.locks) - set(up.proof.locks) == gone != set()


def test_what_a_downgrade_loses_is_marked(real: tuple[Draft, Draft], scratch: VersionServer) -> None:
    """Every table and every column that only the newer version has."""
    tables, columns = (
        {identity for (kind, identity) in _newer_facts(scratch) if kind == wanted}
        for wanted in ("table", "table column")
    )
    down = marks(real[1])
    for table in tables:
        assert any(f"park the rows of {table} " in one for one in down), table
    for column in columns:
        if column.rpartition(".")[0] not in tables:
            assert any(f"park the values of {column} " in one for one in down), column


def _newer_facts(server: VersionServer) -> set[tuple[str, str]]:
    found = []
    for version in (OLDEST, HERE):
        server.createdb("asked")
        with psycopg.connect(server.dsn("asked"), autocommit=True) as db:
            db.execute(f"CREATE EXTENSION pggit VERSION '{version}'")
            found.append(set(catalogfacts.read(db, schema="pggit", rows=False)))
        server.dropdb("asked")
    return found[1] - found[0]


def test_a_draft_gives_nothing_away(real: tuple[Draft, Draft], scratch: VersionServer) -> None:
    """Whatever the database's default privileges say."""
    found = []
    generous = "; ".join(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {what} TO PUBLIC" for what in ("TABLES", "SEQUENCES"))
    for statement in (
        f"CREATE EXTENSION pggit VERSION '{HERE}'",
        f"CREATE EXTENSION pggit VERSION '{OLDEST}'; ALTER EXTENSION pggit UPDATE TO '{HERE}'",
    ):
        scratch.createdb("generous")
        with psycopg.connect(scratch.dsn("generous"), autocommit=True) as db:
            db.execute(generous)
            db.execute(statement)
            found.append(catalogfacts.read(db, rows=False))
        scratch.dropdb("generous")
    assert catalogdiff.compare(*found) == []


def test_what_is_made_anew_gives_nothing_away_either(changed: tuple[Draft, Draft], scratch: VersionServer) -> None:
    found = []
    up = changed[0].proof
    for statement in (
        f"CREATE EXTENSION pggit VERSION '{up.end}'",
        f"CREATE EXTENSION pggit VERSION '{up.start}'; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;"
        f"ALTER EXTENSION pggit UPDATE TO '{up.end}'",
    ):
        scratch.createdb("generous")
        with psycopg.connect(scratch.dsn("generous"), autocommit=True) as db:
            db.execute(statement)
            found.append(catalogfacts.read(db, schema="pggit"))
        scratch.dropdb("generous")
    assert catalogdiff.compare(*found) == []


def test_event_triggers_are_as_they_were(real: tuple[Draft, Draft], scratch: VersionServer) -> None:
    scratch.createdb("recording")
    with psycopg.connect(scratch.dsn("recording"), autocommit=True) as db:
        db.execute(f"CREATE EXTENSION pggit VERSION '{OLDEST}'; SELECT pggit.init()")
        (name, other, *_) = [name for (name,) in db.execute("SELECT evtname FROM pg_event_trigger ORDER BY 1")]
        db.execute(f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS; ALTER EVENT TRIGGER {other} DISABLE")
        # Anybody may set it; nothing of it is run.
        db.execute('SET pggit.quiet = \'{"x": "O"}\'')
        states = "SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1"
        before = db.execute(states).fetchall()
        for version in (HERE, OLDEST):
            db.execute(f"ALTER EXTENSION pggit UPDATE TO '{version}'")
            assert db.execute(states).fetchall() == before
        assert db.execute("SELECT * FROM pggit.tracking_errors").fetchall() == []
    scratch.dropdb("recording")


def test_made_up_versions_are_drafted_both_ways(changed: tuple[Draft, Draft]) -> None:
    assert [draft.proof.lines() for draft in changed] == [[], []]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_draft_says_it_in_these_words(changed: tuple[Draft, Draft], change: Change) -> None:
    up, down = changed
    for draft, words, marked in ((up, change.up, change.marks), (down, change.down, change.marks_down)):
        assert [one for one in words if one not in draft.text] == []
        assert [one for one in marked if not any(one in mark for mark in marks(draft))] == []


def test_marks_are_only_where_a_person_is_needed(changed: tuple[Draft, Draft]) -> None:
    for draft, side in zip(changed, ("marks", "marks_down"), strict=True):
        known = [words for change in CHANGES for words in getattr(change, side)]
        assert [one for one in marks(draft) if not any(words in one for words in known)] == []


def test_what_the_machine_cannot_draft_is_left_to_a_person_and_the_rest_still_runs(
    not_versioned: tuple[Draft, Draft],
) -> None:
    up, down = not_versioned
    for change in NOT_VERSIONED:
        for words in change.marks:
            assert any(words in mark for mark in marks(up)), words
        assert [words for words in change.up if words not in up.text] == []
    assert up.proof.failures == ()
    assert not up.proof.holds
    assert any("not drafted" in mark for mark in marks(down))
