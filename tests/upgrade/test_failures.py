"""An error after each statement of each update script, and a cut at random points: nothing is ever half done."""

import os
import random
import signal

import psycopg
import pytest

from tasks.lib import migrationdata
from tasks.lib.migrationground import Ground
from tests.extension.conftest import Connection
from tests.extension.test_commits import one
from tests.upgrade import aftermath, breakpoints

WAYS = breakpoints.ways()
HOW = ("ALTER", "CALL")


def mine(request: pytest.FixtureRequest, pg: str, places: list[int], shift: int) -> list[int]:
    """The places that are tried on this major: each is tried on one of them, or on all with --thorough."""
    majors = request.config.option.pg
    share = 1 if request.config.option.thorough else len(majors)
    return places[(majors.index(pg) + shift) % share :: share]


def test_a_script_is_cut_into_its_statements() -> None:
    script = "\\echo Use it \\quit\nSELECT 1; DO $$BEGIN PERFORM 1; END$$;\n-- a;b\nSELECT ';';\n"
    assert [s.splitlines()[-1] for s in breakpoints.statements(script)] == [
        "SELECT 1", "DO $$BEGIN PERFORM 1; END$$", "SELECT ';'",
    ]  # fmt: skip
    assert breakpoints.with_places(script).count("DO $place$") == 4
    assert sum(WAYS.values()) > 150


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("start", "goal"), WAYS, ids=["-".join(way) for way in WAYS])
def test_an_error_after_any_statement_changes_nothing(
    breaking: Ground, request: pytest.FixtureRequest, pg: str, start: str, goal: str, how: str
) -> None:
    places = mine(request, pg, list(range(WAYS[start, goal] + 1)), HOW.index(how))
    statement = aftermath.command(goal, how)
    with breaking.copy(breaking.filled(start)) as db:
        for place in places:
            db.execute(f"SET {breakpoints.FAIL_AT} = '{place}'")
            with pytest.raises(psycopg.Error, match=rf"planted after statement {place}\b") as raised:
                db.execute(statement)
            assert raised.value.sqlstate == (breakpoints.PLANTED if how == "ALTER" else "GT024")
            assert one(db, "SELECT pggit.version()") == start
            assert migrationdata.compare(breaking.before(start), migrationdata.snapshot(db)) == []
            last = db.execute(
                "SELECT status, error_message FROM pggit.upgrade_log ORDER BY upgrade_id DESC LIMIT 1"
            ).fetchone()
            if how == "CALL":
                assert last is not None
                assert last[0] == "failed"
                assert f"{breakpoints.PLANTED}: planted after statement {place}\n" in last[1]
            assert one(db, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pggit_backup_'") == 0
        db.execute(f"RESET {breakpoints.FAIL_AT}")
        assert aftermath.faults(breaking, db, start, goal) == []


WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"
BLOWS = ("kill -9", "pg_terminate_backend", "pg_cancel_backend")


def strike(db: Connection, pid: int, blow: str) -> None:
    if blow == "kill -9":
        os.kill(pid, signal.SIGKILL)
    else:
        assert one(db, f"SELECT {blow}(%s)", pid)


def test_an_update_that_is_cut_off_anywhere_is_whole_or_was_never(
    breaking: Ground, request: pytest.FixtureRequest, pg: str, run: int
) -> None:
    seed = f"{request.config.option.failure_seed} {pg} {run}"
    chance = random.Random(seed)  # noqa: S311 - no secret
    (start, goal), how, blow = chance.choice(list(WAYS)), chance.choice(HOW), chance.choice(BLOWS)
    tables = sorted(breaking.before(start).columns.keys() - {"upgrade_log", "settings"})
    place = chance.choice([*range(WAYS[start, goal] + 1), *(tables if how == "CALL" else ())])
    told = f"--failure-seed={request.config.option.failure_seed}: {blow} at {place} of {start} to {goal} by {how}"
    with breaking.copy(breaking.filled(start)) as watching:
        name = watching.info.dbname
        with breaking.connect(name) as holding, breaking.connect(name) as doing:
            # It waits at a place of the script, or where the data of a table are copied.
            holding.execute("BEGIN")
            if isinstance(place, int):
                holding.execute("SELECT pg_advisory_xact_lock(%s)", [breakpoints.LOCK])
                doing.execute(f"SET {breakpoints.WAIT_AT} = '{place}'")
            else:
                holding.execute(f"LOCK TABLE pggit.{place} IN ACCESS EXCLUSIVE MODE")
            pid = doing.info.backend_pid
            aftermath.begin(doing, aftermath.command(goal, how))
            aftermath.until(lambda: one(watching, WAITS, pid))
            strike(watching, pid, blow)
            assert aftermath.end(doing) != "", told
            if blow == "kill -9":  # everybody's connection is gone, and the server comes up again by itself
                breaking.server.disconnect()
                aftermath.until(lambda: aftermath.is_cut(watching))
                aftermath.until(lambda: aftermath.answers(breaking, name))
                for ended in (watching, holding, doing):
                    ended.close()
        with breaking.connect(name) as db:
            assert aftermath.faults(breaking, db, start, goal) == [], told
