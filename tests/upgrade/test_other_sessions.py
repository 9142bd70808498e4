"""What other sessions do meanwhile: hold locks, upgrade as well, change the schema. Nothing is lost, nobody stuck."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tasks.lib.migrationground import Ground
from tests.extension.conftest import Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences
from tests.upgrade import aftermath, breakpoints

Open = Callable[[], Connection]
WAYS = [pytest.param(*way, id="-".join(way)) for way in breakpoints.ways()]
every_way = pytest.mark.parametrize(("start", "goal"), WAYS)
every_manner = pytest.mark.parametrize("how", ["ALTER", "CALL"])
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"
LAST = "SELECT status, error_message FROM pggit.upgrade_log ORDER BY upgrade_id DESC LIMIT 1"


@pytest.fixture
def opened(breaking: Ground, start: str) -> Iterator[Open]:
    """Opens connections to a filled database of the version `start`, and closes them."""
    with breaking.copy(breaking.filled(start)) as first, ExitStack() as connections:

        def open_one() -> Connection:
            return connections.enter_context(breaking.connect(first.info.dbname))

        yield open_one


# Locks ------------------------------------------------------------------------------------------------


@every_way
@every_manner
@pytest.mark.parametrize("table", ["history", "objects"])
def test_who_does_not_get_a_lock_gives_up_and_says_so(
    breaking: Ground, opened: Open, start: str, goal: str, how: str, table: str
) -> None:
    db, holder = opened(), opened()
    with holder.transaction():
        holder.execute(f"LOCK TABLE pggit.{table} IN ROW EXCLUSIVE MODE")
        db.execute("SET lock_timeout = '10ms'")
        assert refused(db, aftermath.command(goal, how)) == ("55P03" if how == "ALTER" else "GT024")
        if how == "CALL":
            status, why = db.execute(LAST).fetchall()[0]
            assert status == "failed"
            assert why.startswith("55P03: canceling statement due to lock timeout\n")
    db.execute("RESET lock_timeout")
    assert aftermath.faults(breaking, db, start, goal) == []


@every_way
def test_who_cannot_write_the_log_does_not_begin(breaking: Ground, opened: Open, start: str, goal: str) -> None:
    db, holder = opened(), opened()
    with holder.transaction():
        holder.execute("LOCK TABLE pggit.upgrade_log IN SHARE MODE")
        db.execute("SET lock_timeout = '10ms'")
        assert refused(db, aftermath.command(goal, "CALL")) == "55P03"
    db.execute("RESET lock_timeout")
    assert aftermath.faults(breaking, db, start, goal) == []


@every_way
@every_manner
def test_what_is_left_to_settle_meanwhile_waits_for_the_end(
    breaking: Ground, opened: Open, start: str, goal: str, how: str
) -> None:
    """In the middle of a script the functions are of the one version and the tables of the other."""
    db, leaving, watching = opened(), opened(), opened()
    with leaving.transaction():
        leaving.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        leaving.execute("LOCK TABLE pggit.history IN ROW EXCLUSIVE MODE")
        leaving.execute("CREATE TABLE left_to_settle (id integer)")
        aftermath.begin(db, aftermath.command(goal, how))
        aftermath.until(lambda: one(watching, WAITS, db.info.backend_pid))
    assert aftermath.end(db) == ""
    db.execute("SELECT pggit.settle()")
    errors = "SELECT message FROM pggit.tracking_errors WHERE message <> 'an error of the fixture'"
    assert db.execute(errors).fetchall() == []
    assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.left_to_settle'") == 1
    assert db.execute("SELECT * FROM pggit.verify()").fetchall() == []


@every_way
@every_manner
def test_who_gets_the_lock_at_last_goes_on(breaking: Ground, opened: Open, start: str, goal: str, how: str) -> None:
    db, holder, watching = opened(), opened(), opened()
    with holder.transaction():
        holder.execute("LOCK TABLE pggit.history IN ROW EXCLUSIVE MODE")
        aftermath.begin(db, aftermath.command(goal, how))
        aftermath.until(lambda: one(watching, WAITS, db.info.backend_pid))
    assert aftermath.end(db) == ""
    assert one(db, "SELECT pggit.version()") == goal
    assert aftermath.faults(breaking, db, start, goal) == []


# Two at the same time -----------------------------------------------------------------------------------


@pytest.fixture
def upgrading(opened: Open, goal: str, how: str) -> tuple[Connection, Connection]:
    """A session that waits in the middle of its script, and the one that it waits for."""
    db, holder, watching = opened(), opened(), opened()
    holder.execute("SELECT pg_advisory_lock(%s)", [breakpoints.LOCK])
    db.execute(f"SET {breakpoints.WAIT_AT} = '20'; SET lock_timeout = '60s'")
    aftermath.begin(db, aftermath.command(goal, how))
    aftermath.until(lambda: one(watching, WAITS, db.info.backend_pid))
    return db, holder


@every_way
@every_manner
def test_a_second_upgrader_is_told_of_the_first(
    breaking: Ground, opened: Open, upgrading: tuple[Connection, Connection], start: str, goal: str, how: str
) -> None:
    (db, holder), other = upgrading, opened()
    assert refused(other, aftermath.command(goal, "CALL")) == "GT021"
    assert one(other, "SELECT pggit.version()") == start
    holder.close()
    assert aftermath.end(db) == ""
    assert one(other, "SELECT pggit.version()") == goal
    assert aftermath.faults(breaking, other, start, goal) == []


@every_way
@every_manner
def test_a_second_alter_extension_waits_for_the_first_and_fails(
    breaking: Ground, opened: Open, upgrading: tuple[Connection, Connection], start: str, goal: str, how: str
) -> None:
    """PostgreSQL itself has it wait before our script could say anything."""
    (db, holder), other, watching = upgrading, opened(), opened()
    aftermath.begin(other, aftermath.command(goal, "ALTER"))
    aftermath.until(lambda: one(watching, WAITS, other.info.backend_pid))
    holder.close()
    assert aftermath.end(db) == ""
    assert "tuple concurrently updated" in aftermath.end(other)
    assert aftermath.faults(breaking, watching, start, goal) == []


@every_way
@pytest.mark.parametrize("second", ["ALTER", "CALL"])
def test_a_second_upgrader_while_the_first_copies_the_data(
    breaking: Ground, opened: Open, start: str, goal: str, second: str
) -> None:
    db, holder, other = opened(), opened(), opened()
    with holder.transaction():
        holder.execute("LOCK TABLE pggit.trees IN ACCESS EXCLUSIVE MODE")
        aftermath.begin(db, aftermath.command(goal, "CALL"))
        aftermath.until(lambda: one(other, WAITS, db.info.backend_pid))
        assert refused(other, aftermath.command(goal, second)) == "GT021"
    assert aftermath.end(db) == ""
    assert aftermath.faults(breaking, other, start, goal) == []


# Commands of others ---------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_commands_of_others_go_through_meanwhile_and_are_recorded_once(
    breaking: Ground, opened: Open, start: str, goal: str, end: str
) -> None:
    db, other = opened(), opened()
    other.execute("CREATE TABLE shop.altered (id integer); CREATE TABLE shop.dropped (id integer)")
    other.execute("SET statement_timeout = '60s'")  # one that waits is no success
    last = one(other, "SELECT max(id) FROM pggit.history")
    db.execute("BEGIN")
    db.execute(aftermath.command(goal, "ALTER"))
    other.execute("CREATE TABLE shop.created (id integer PRIMARY KEY)")
    other.execute("ALTER TABLE shop.altered ADD COLUMN x integer")
    other.execute("DROP TABLE shop.dropped")
    db.execute(end)
    other.execute("CREATE TABLE shop.afterwards (id integer)")
    changes = other.execute(
        "SELECT identity, change_type FROM pggit.history"
        " WHERE id > %s AND identity ~ '^shop[.](cr|al|dr|af)' ORDER BY 1",
        [last],
    ).fetchall()
    assert changes == [
        ("shop.afterwards", "CREATE"),
        ("shop.altered", "ALTER"),
        ("shop.created", "CREATE"),
        ("shop.dropped", "DROP"),
    ]
    assert one(other, "SELECT count(*) FROM pggit.unsettled") == 0
    own = [row for row in differences(other) if row[2] != "an error of the fixture"]
    assert own == []
    assert one(other, "SELECT pggit.version()") == (goal if end == "COMMIT" else start)
