"""What migration.verify checks finds what scripts of made-up versions do wrong, and nothing in right ones."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.lib import migrationground, migrationverify, migrationways
from tasks.lib.migrationground import Ground
from tasks.lib.migrationways import ALTER, CALL, Way
from tests.upgrade import next_versions
from tests.upgrade.next_versions import HERE, NEW, OLD, MadeUpServer

RIGHT = {**next_versions.following("7.1"), **next_versions.following("7.2", "7.1")}
UNSEEN = "SET LOCAL session_replication_role = replica;"
SEEN = "SET LOCAL session_replication_role = origin;"

FAULTS: dict[str, tuple[str, str, str]] = {
    # what the script does, which check finds it, what that says
    "lacks-a-function": (NEW.split("REVOKE")[0].replace("later", "other") + NEW, "catalog", "pggit.other.*only in b"),
    "lacks-an-index": (NEW.split("CREATE INDEX")[0], "pg_dump", "history_later.*only in a"),
    "open-to-all": (NEW + "GRANT EXECUTE ON FUNCTION pggit.later() TO PUBLIC;", "access", "EXECUTE to PUBLIC"),
    "no-member": (NEW + "ALTER EXTENSION pggit DROP FUNCTION pggit.later();", "catalog", "members"),
    "a-row-of-a-script": (NEW + "INSERT INTO pggit.tags VALUES (1, 't', 'c', 'x', now());", "catalog", "tags: rows"),
    "a-setting-stays": (NEW + "SET LOCAL work_mem = '5MB';", "settings", "work_mem"),
    "tracking-stays-off": (NEW + "SET LOCAL session_replication_role = replica;", "settings", "the history says"),
    "paused": (NEW + "SELECT pggit.put_setting('paused', 'on');", "data", "paused"),
    "history-rewritten": (
        NEW + f"{UNSEEN} UPDATE pggit.history SET session_role = 'nobody' WHERE id = 3; {SEEN}", "data", "session_role",
    ),
    "rows-lost": (NEW + "DELETE FROM pggit.tags;", "data", "tags: 1 rows are gone"),
    "counters-lost": (NEW + "DELETE FROM pggit.tallies WHERE counter = 'command';", "data", "sums of tallies"),
    "keys-given-again": (NEW + "SELECT setval('pggit.history_id_seq', 1);", "data", "history.id is there already"),
    "grants-lost": (
        NEW + "ALTER EXTENSION pggit DROP FUNCTION pggit.version(); DROP FUNCTION pggit.version();"
        " CREATE FUNCTION pggit.version() RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS"
        " $$BEGIN RETURN (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pggit'); END$$;"
        " REVOKE ALL ON FUNCTION pggit.version() FROM PUBLIC;",
        "access", r"version\(\): proacl",
    ),
    "comments-lost": (NEW + "COMMENT ON FUNCTION pggit.enable() IS 'x';", "access", r"enable\(\): comment"),
    "not-dumped": (
        NEW + "UPDATE pg_extension SET (extconfig, extcondition) = (extconfig[2:], extcondition[2:])"
        " WHERE extname = 'pggit';",
        "restore", "rows are gone|is there already",
    ),
}  # fmt: skip
NEWEST = max(f"8.{number}" for number in range(10, 10 + len(FAULTS)))
NUMBERED = {f"8.{number}": name for number, name in enumerate(FAULTS, 10)}
UNFINISHED, LOSING = "8.1", "8.2"


@pytest.fixture(scope="module")
def right(request: pytest.FixtureRequest) -> Iterator[Ground]:
    files = next_versions.with_default(RIGHT, "7.2")
    with MadeUpServer(request.config.option.pg[-1], files) as server:
        yield Ground(server, files)


@pytest.fixture(scope="module")
def faulty(request: pytest.FixtureRequest) -> Iterator[Ground]:
    files = {
        name: data
        for version, fault in NUMBERED.items()
        for name, data in {
            **next_versions.install(version),
            **next_versions.update(HERE, version, FAULTS[fault][0]),
        }.items()
    }
    files |= {**next_versions.install(UNFINISHED), **next_versions.update(HERE, UNFINISHED, NEW, completes=False)}
    files |= {
        **next_versions.following(LOSING),
        **next_versions.update(LOSING, HERE, OLD + "DELETE FROM pggit.backups;"),
    }
    files = next_versions.with_default(files, NEWEST)
    with MadeUpServer(request.config.option.pg[-1], files) as server:
        yield Ground(server, files)


def found(ground: Ground, check: str, *stops: str, how: str = ALTER) -> tuple[str, ...]:
    """The faults that a check finds of a way; one that it cannot go is a fault as well."""
    part = migrationverify.part(ground.server.pg, Way(stops, how), check)
    return migrationverify.attempt(part, ground).faults


def test_the_ways_through_several_versions() -> None:
    ways = migrationways.choose(migrationground.graph_of(next_versions.with_default(RIGHT, "7.2")), "0.1.0", "7.2")
    assert [way.stops for way in ways if way.how == CALL] == [("0.1.0", "7.2"), ("0.1.0", HERE, "7.1", "7.2")]


STOPS = (
    ("0.1.0", "7.2"),
    ("0.1.0", HERE, "7.1", "7.2"),
    ("7.2", "0.1.0"),
    ("7.2", "7.1", HERE, "0.1.0"),
    ("7.2", HERE, "7.2"),
)


@pytest.mark.parametrize("stops", STOPS, ids="-".join)
@pytest.mark.parametrize("check", migrationverify.CHECKS)
def test_right_scripts_have_no_faults_over_several_steps(right: Ground, stops: tuple[str, ...], check: str) -> None:
    assert found(right, check, *stops, how=CALL if len(stops) > 2 else ALTER) == ()


@pytest.mark.parametrize("version", NUMBERED, ids=list(FAULTS))
def test_a_fault_of_a_script_is_found(faulty: Ground, version: str) -> None:
    _, check, said = FAULTS[NUMBERED[version]]
    faults = found(faulty, check, HERE, version)
    assert [fault for fault in faults if re.search(said, fault)], faults


def test_an_update_that_does_not_say_that_it_is_complete_is_found(faulty: Ground) -> None:
    assert found(faulty, "data", HERE, UNFINISHED) == ("the log says []",)


def test_a_downgrade_that_loses_data_is_found(faulty: Ground) -> None:
    assert found(faulty, "data", LOSING, HERE) != ()
    assert any("backups: 4 rows are gone" in fault for fault in found(faulty, "data", LOSING, HERE, LOSING))


def test_a_fixture_that_leaves_something_out_is_found(faulty: Ground, tmp_path: Path) -> None:
    (tmp_path / "0.1.0.sql").write_text("CREATE SCHEMA shop; CREATE TABLE shop.t (id integer);", "utf-8")
    poor = Ground(faulty.server, faulty.files, tmp_path)
    assert "could not be checked: the fixtures up to 0.1.0 leave" in found(poor, "data", "0.1.0", HERE)[0]
    (tmp_path / "0.1.0.sql").write_text("SELEC 1;", "utf-8")
    assert "syntax error" in found(Ground(faulty.server, faulty.files, tmp_path), "data", "0.1.0", HERE)[0]
