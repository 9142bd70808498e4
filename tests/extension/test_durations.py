"""How long commands take: in the history, in the counters, and for nested, failing and concurrent commands."""

import re
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

CLOCKS = "SELECT coalesce(current_setting('pggit.clocks', true), '')"


def took(db: Connection, identity: str) -> list[float]:
    """The durations, in milliseconds, of the changes of one object, oldest first."""
    rows = db.execute(
        "SELECT duration_ms::float8 FROM pggit.history WHERE identity = %s ORDER BY id", [identity]
    ).fetchall()
    return [milliseconds for (milliseconds,) in rows]


def counted(db: Connection) -> dict[str, int]:
    """How many commands were counted, by their first word."""
    return dict(
        db.execute(
            "SELECT label, sum(amount)::int FROM pggit.tallies WHERE counter = 'command' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


def assert_counters_are_the_history(db: Connection) -> None:
    assert (
        db.execute("""
        SELECT kind, h.n, t.n FROM unnest(pggit.change_types()) AS kind
        LEFT JOIN (SELECT change_type, count(*) AS n FROM pggit.history GROUP BY 1) h ON h.change_type = kind
        LEFT JOIN (SELECT label, sum(amount) AS n FROM pggit.tallies WHERE counter = 'change' GROUP BY 1) t
            ON t.label = kind
        WHERE coalesce(h.n, 0) <> coalesce(t.n, 0)""").fetchall()
        == []
    )


def test_every_row_of_a_command_has_its_duration(db: Connection) -> None:
    db.execute("CREATE TABLE a (id serial PRIMARY KEY)")
    rows = db.execute("SELECT DISTINCT duration_ms FROM pggit.history WHERE change_type = 'CREATE'").fetchall()
    assert len(rows) == 1
    assert rows[0][0] > 0
    assert one(db, "SELECT count(*) FROM pggit.history WHERE command_tag = 'INIT' AND duration_ms IS NOT NULL") == 0


def test_a_wait_within_a_command_is_its_own(db: Connection) -> None:
    """Of a function that takes its time, only the command that runs it is slow: not those beside it in the block."""
    db.execute("""
        CREATE FUNCTION slow() RETURNS integer LANGUAGE plpgsql AS
            $$BEGIN PERFORM pg_sleep(0.1); CREATE TABLE inner_one (id integer); RETURN 1; END$$;
        DO $$BEGIN
            CREATE TABLE before_it (id integer);
            CREATE TABLE outer_one AS SELECT slow();
            CREATE TABLE after_it (id integer);
        END$$""")
    (outer,), (inner,) = took(db, "public.outer_one"), took(db, "public.inner_one")
    assert outer >= 100 > inner
    for beside in ("before_it", "after_it"):
        assert max(took(db, f"public.{beside}")) < 100
    assert one(db, CLOCKS) == ""


def test_a_command_that_fails_and_is_caught_leaves_no_clock(db: Connection) -> None:
    db.execute("CREATE TABLE there (id integer)")
    with db.transaction():
        db.execute("""DO $$BEGIN
            PERFORM pg_sleep(0.1);
            BEGIN CREATE TABLE there (id integer); EXCEPTION WHEN duplicate_table THEN NULL; END;
            CREATE TABLE new_one (id integer);
        END$$""")
        assert one(db, CLOCKS) == ""
    assert took(db, "public.new_one")[0] < 100


def test_concurrent_forms_are_measured_though_they_commit_on_their_way(db: Connection, connect: Connect) -> None:
    """Their last transaction is short: what is kept is the time since the statement began."""
    db.execute("CREATE TABLE t (id integer)")
    working = connect()
    held = {}
    for statement in (
        "CREATE INDEX CONCURRENTLY i ON t (id)",
        "REINDEX INDEX CONCURRENTLY i",
        "DROP INDEX CONCURRENTLY i",
    ):
        other = connect(autocommit=False)
        other.execute("INSERT INTO t VALUES (1)")
        thread = threading.Thread(target=working.execute, args=[statement])
        thread.start()
        held[statement] = held_up(db, other)
        thread.join()
    created, *_, dropped = took(db, "public.i")
    assert created >= held["CREATE INDEX CONCURRENTLY i ON t (id)"]
    assert dropped >= held["DROP INDEX CONCURRENTLY i"]
    longest = one(db, "SELECT max(total) FROM pggit.tallies WHERE counter = 'command' AND label = 'other'")
    assert longest is None or 1000 * longest >= held["REINDEX INDEX CONCURRENTLY i"]
    assert one(db, "SELECT count(*) FROM pggit.tracking_errors") == 0


def held_up(db: Connection, other: Connection) -> float:
    """Milliseconds for which a session that waits for the other one had to; no clock decides when that begins."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    while not one(db, blocked, other.info.backend_pid):
        pass
    begin = one(db, "SELECT clock_timestamp()")
    db.execute("SELECT pg_sleep(0.1)")
    held: float = one(db, "SELECT 1000 * extract(epoch FROM clock_timestamp() - %s)::float8", begin)
    other.rollback()
    return held


def test_waiting_for_a_lock_counts(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (id integer)")
    other = connect(autocommit=False)
    other.execute("LOCK TABLE t IN ACCESS SHARE MODE")
    waiting = connect()
    # The lock is given back by the session that waits for the other one to wait: no clock decides.
    thread = threading.Thread(target=waiting.execute, args=["ALTER TABLE t ADD COLUMN more integer"])
    thread.start()
    held = held_up(db, other)
    thread.join()
    assert took(db, "public.t")[-1] >= held


@pytest.mark.parametrize(
    "garbage", ["x", "1 2 3", "9" * 400, "-1.000000", "1e9", "99999999999.000000", " ", "0.000000"]
)
def test_nobody_breaks_a_command_by_writing_into_the_clock(db: Connection, garbage: str) -> None:
    db.execute(f"SET pggit.clocks = '{garbage}'")
    with db.transaction():
        db.execute("CREATE TABLE t (id integer)")
        db.execute(f"SET LOCAL pggit.clocks = '{garbage}'")
        db.execute("ALTER TABLE t ADD COLUMN more integer")
    db.execute("DROP TABLE t")
    db.execute("CREATE TABLE c (id integer)")
    db.execute("CREATE INDEX CONCURRENTLY ci ON c (id)")
    assert all(0 <= milliseconds < 600_000 for milliseconds in took(db, "public.t") + took(db, "public.ci"))
    assert one(db, "SELECT count(*) FROM pggit.tracking_errors") == 0
    assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.t'") == 3


def test_each_command_is_counted_once_under_its_word(db: Connection) -> None:
    for statement in (
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "ALTER TABLE t DROP COLUMN name",
        "CREATE VIEW v AS SELECT * FROM t",
        "COMMENT ON TABLE t IS 'x'",
        "GRANT SELECT ON t TO PUBLIC",
        "REVOKE SELECT ON t FROM PUBLIC",
        "DROP TABLE t CASCADE",
        "CREATE SCHEMA s CREATE TABLE a (id integer) CREATE TABLE b (id integer)",
        "SELECT 1 AS x INTO selected",
        "CREATE TEMPORARY TABLE passing (id integer)",
        "DROP TABLE passing",
    ):
        db.execute(statement.encode())
    # what stands within CREATE SCHEMA is part of it, and temporary tables are not tracked
    assert counted(db) == {"alter": 1, "comment": 1, "create": 3, "drop": 1, "grant": 1, "other": 1, "revoke": 1}
    assert_counters_are_the_history(db)


def test_the_bucket_is_the_first_bound_that_is_not_exceeded(db: Connection) -> None:
    bounds: list[float] = one(db, "SELECT pggit.duration_bounds()")
    assert bounds == sorted(bounds)
    db.execute("DELETE FROM pggit.tallies")
    for bound in bounds:
        db.execute("SELECT pggit.count_command('CREATE TABLE', %s::numeric * 1000)", [bound])
    db.execute("SELECT pggit.count_command('CREATE TABLE', 301000), pggit.count_command('CREATE TABLE', 0)")
    buckets = db.execute("SELECT bucket, sum(amount)::int FROM pggit.tallies GROUP BY 1 ORDER BY 1").fetchall()
    assert buckets == [(0, 2), *((place, 1) for place in range(1, len(bounds) + 1))]


@pytest.mark.parametrize(
    ("milliseconds", "impact"), [(0, "low"), (99.999, "low"), (100, "medium"), (999.9, "medium"), (1000, "high")]
)
def test_impact(db: Connection, milliseconds: float, impact: str) -> None:
    assert one(db, "SELECT pggit.performance_impact(%s::numeric)", milliseconds) == impact


def test_impact_can_be_configured_and_is_kept_in_history(db: Connection) -> None:
    db.execute("CREATE TABLE a (id integer)")
    db.execute("SELECT pggit.configure_monitoring('impact_medium_ms', 0)")
    db.execute("CREATE TABLE b (id integer)")
    db.execute("SELECT pggit.configure_monitoring('impact_high_ms', 0)")
    db.execute("CREATE TABLE c (id integer)")
    db.execute("SELECT pggit.configure_monitoring('impact_medium_ms', NULL)")
    db.execute("SELECT pggit.configure_monitoring('impact_high_ms', NULL)")
    db.execute("CREATE TABLE d (id integer)")
    rows = db.execute("""
        SELECT performance_impact FROM pggit.history WHERE command_tag = 'CREATE TABLE' ORDER BY id""").fetchall()
    assert [impact for (impact,) in rows] == ["low", "medium", "high", "low"]


def test_what_is_deferred_keeps_its_duration(db: Connection, connect: Connect) -> None:
    with (other := connect(autocommit=False)).transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("CREATE TABLE t (id integer)")
    assert counted(db) == {"create": 1}
    db.execute("SELECT pggit.settle()")
    assert took(db, "public.t")[0] > 0
    assert_counters_are_the_history(db)


def tallies(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute("""
        SELECT counter, label, bucket, sum(amount), sum(total) FROM pggit.tallies
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""").fetchall()


def test_rolling_up_changes_no_sum(db: Connection) -> None:
    for n in range(30):
        db.execute(f"CREATE TABLE t{n} (id integer)".encode())
    before = tallies(db)
    db.execute("SELECT pggit.roll_up()")
    assert tallies(db) == before
    # a row for each sum, and no more; the minute may have changed on the way
    assert one(db, "SELECT count(*) - count(DISTINCT (counter, label, minute, bucket)) FROM pggit.tallies") == 0
    db.execute("UPDATE pggit.tallies SET minute = minute - interval '2 hours'")
    db.execute("SELECT pggit.roll_up()")
    assert tallies(db) == before
    assert one(db, "SELECT count(*) FROM pggit.tallies WHERE minute IS NOT NULL") == 0


def rolls_up_next(db: Connection) -> None:
    """From here on the session's first random number is one that makes count_command() roll up."""
    seed = one(
        db,
        """
        SELECT n / 1e6
        FROM (SELECT n, setseed(n / 1e6) AS is_set, random() AS first FROM generate_series(1, 100000) n) x
        WHERE is_set IS NOT NULL AND first < 0.001 LIMIT 1""",
    )
    db.execute("SELECT setseed(%s)", [seed])


def test_rolling_up_needs_no_read_committed(db: Connection) -> None:
    """Where every command runs under a standing snapshot, the rows are put together all the same."""
    for n in range(30):
        db.execute(f"CREATE TABLE t{n} (id integer)".encode())
    before = one(db, "SELECT count(*) FROM pggit.tallies")
    for level, is_rolled_up in (("SERIALIZABLE", False), ("REPEATABLE READ", True)):
        rolls_up_next(db)
        with db.transaction():
            db.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            db.execute("SELECT pggit.count_command('CREATE TABLE', 1)")
        assert (one(db, "SELECT count(*) FROM pggit.tallies") < before) is is_rolled_up, level
    assert counted(db) == {"create": 32}


def test_a_roll_up_that_comes_too_late_loses_no_count(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE a (id integer)")
    late = connect(autocommit=False)
    rolls_up_next(late)
    late.rollback()
    late.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    late.execute("SELECT count(*) FROM pggit.tallies")
    db.execute("SELECT pggit.roll_up()")
    late.execute("SELECT pggit.count_command('CREATE TABLE', 1)")
    late.commit()
    assert counted(db) == {"create": 2}


def test_rolling_up_waits_for_nobody_and_nobody_for_it(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE a (id integer)")
    before = tallies(db)
    first, second = connect(autocommit=False), connect(autocommit=False)
    for session in (first, second):
        session.execute("SET LOCAL lock_timeout = '1s'")
        session.execute("SELECT pggit.roll_up()")
        assert tallies(session) == before
    assert tallies(db) == before
    first.commit()
    second.execute("CREATE TABLE b (id integer)")
    second.commit()
    db.execute("DROP TABLE b")
    assert_counters_are_the_history(db)


@given(
    steps=st.lists(
        st.sampled_from(
            ["CREATE TABLE {0} (id integer)", "DROP TABLE {0}", "ALTER TABLE {0} ADD COLUMN {1} integer", "roll up",
             "COMMENT ON TABLE {0} IS '{1}'", "ALTER TABLE {0} RENAME TO {1}", "rescan", "savepoint", "back"]
        ),
        max_size=12,
    ),
    names=st.lists(st.sampled_from("abcd"), min_size=24, max_size=24),
)  # fmt: skip
@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_counters_are_the_history_whatever_happens(db: Connection, steps: list[str], names: list[str]) -> None:
    with db.transaction(force_rollback=True):
        for place, step in enumerate(steps):
            if step == "savepoint":
                db.execute("SAVEPOINT s")
            elif step == "back":
                db.execute("SAVEPOINT s")
                db.execute("CREATE TABLE gone (id integer)")
                db.execute("ROLLBACK TO SAVEPOINT s")
            elif step == "roll up":
                db.execute("SELECT pggit.roll_up()")
            elif step == "rescan":
                db.execute("SELECT pggit.rescan()")
            else:
                statement = step.format(names[2 * place], names[2 * place + 1])
                body = f"DO $$BEGIN {statement}; EXCEPTION WHEN OTHERS THEN NULL; END$$"
                db.execute(body.encode())
        assert_counters_are_the_history(db)
        assert one(db, CLOCKS) == ""
    assert differences(db) == []


def test_a_failure_to_measure_fails_no_command(db: Connection) -> None:
    """Whatever the functions behind it do."""
    for function in ("start_clock() RETURNS void", "read_clock(is_over boolean) RETURNS numeric"):
        db.execute(
            f"""
            CREATE OR REPLACE FUNCTION pggit.{function} LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
            AS 'BEGIN RAISE EXCEPTION $x$broken$x$; END'""".encode()
        )
    db.execute("CREATE TABLE t (id integer); ALTER TABLE t ADD COLUMN more integer; DROP TABLE t")
    assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.t'") == 3
    assert re.fullmatch(r"(broken ?)+", " ".join(m for (m,) in db.execute("SELECT message FROM pggit.tracking_errors")))
    errors = one(db, "SELECT count(*) FROM pggit.tracking_errors")
    assert one(db, "SELECT sum(amount) FROM pggit.tallies WHERE counter = 'error'") == errors


@pytest.mark.parametrize("table", ["tallies", "unsettled", "tallies, pggit.unsettled", "history, pggit.unsettled"])
def test_no_lock_on_our_tables_fails_a_command(db: Connection, connect: Connect, table: str) -> None:
    other = connect(autocommit=False)
    other.execute(f"LOCK TABLE pggit.{table} IN SHARE MODE".encode())
    db.execute("CREATE TABLE x (id integer)")
    db.execute("ALTER TABLE x ADD COLUMN more integer")
    db.execute("DROP TABLE x")
    other.rollback()
    db.execute("SELECT pggit.rescan()")
    assert db.execute("SELECT * FROM pggit.verify()").fetchall() == []


def test_a_command_that_could_not_be_recorded_is_counted(db: Connection) -> None:
    db.execute("ALTER TABLE pggit.history ADD CHECK (id < 0) NOT VALID")
    db.execute("CREATE TABLE lost (id integer)")
    assert counted(db)["create"] == 1
    assert one(db, "SELECT sum(amount) FROM pggit.tallies WHERE counter = 'error'") == 1
