"""health_check(): each check finds its fault and says what to do; it writes nothing and never fails."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tasks.lib import servers
from tests.extension.conftest import Connect, Connection, SuiteServer
from tests.extension.test_commits import one

FRESH = {"last_backup": "warning", "verified_backup": "warning"}


def health(db: Connection, *, verify: bool = False) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """By check: status, message, details."""
    rows = db.execute("SELECT * FROM pggit.health_check(%s)", [verify]).fetchall()
    assert len({name for name, *_ in rows}) == len(rows)
    return {name: (status, message, details) for name, status, message, details in rows}


def not_healthy(db: Connection, *, verify: bool = False) -> dict[str, str]:
    """By check: the status of those that are not healthy."""
    return {name: status for name, (status, *_) in health(db, verify=verify).items() if status != "healthy"}


def test_a_fresh_database_shows_nothing_but_the_missing_backups(db: Connection) -> None:
    assert not_healthy(db) == FRESH
    assert not_healthy(db, verify=True) == FRESH


def test_the_listed_checks_are_made_in_their_order(db: Connection) -> None:
    listed = [name for (name,) in db.execute("SELECT check_name FROM pggit.health_checks()")]
    assert list(health(db)) == listed
    assert list(health(db, verify=True)) == [*listed, "index_verify", "audit_verify"]
    levels = one(db, "SELECT pggit.health_levels()")
    for status, message, details in health(db, verify=True).values():
        assert status in levels
        assert message
        assert isinstance(details, dict)


UPGRADE = """
    INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
    """
CHANGED_UNSEEN = "SELECT pggit.pause(); ALTER TABLE t ADD COLUMN more integer; SELECT pggit.resume()"

# What breaks each check, the status that it then has, and what its message names.
FAULTS = [
    ("event_triggers", "critical", "pggit.enable()", "ALTER EVENT TRIGGER pggit_sql_drop DISABLE"),
    ("event_triggers", "critical", "pggit_sql_drop", "ALTER EVENT TRIGGER pggit_sql_drop ENABLE REPLICA"),
    ("event_triggers", "critical", "pggit.enable()", "DROP EVENT TRIGGER pggit_table_rewrite"),
    ("event_triggers", "critical", "pggit.enable()", "SELECT pggit.disable()"),
    ("tracking", "warning", "postgres paused tracking", "SELECT pggit.pause()"),
    (
        "tracking_errors",
        "critical",
        "pggit.rescan()",
        "ALTER TABLE pggit.history ADD CHECK (id < 0) NOT VALID; CREATE TABLE lost (id integer)",
    ),
    (
        "unsettled",
        "warning",
        "pggit.settle()",
        "INSERT INTO pggit.unsettled (command_tag, change, created_at, session_role, backend_pid, transaction_id)"
        " VALUES ('X', 'ALTER', now(), 'x', 1, '1')",
    ),
    (
        "index_sample",
        "unhealthy",
        "pggit.rescan()",
        "CREATE TABLE t (id integer);" + CHANGED_UNSEEN,
    ),
    ("recent_activity", "warning", "last change was", "SELECT pggit.configure_monitoring('quiet_after_minutes', 0)"),
    ("storage_size", "warning", "ops/MONITORING.md", "SELECT pggit.configure_monitoring('storage_warning_mb', 0)"),
    ("storage_size", "critical", "ops/MONITORING.md", "SELECT pggit.configure_monitoring('storage_critical_mb', 0)"),
    (
        "storage_size",
        "critical",
        "most of it pggit.",
        "SELECT pggit.configure_monitoring(s, 0) FROM unnest(ARRAY['storage_warning_mb', 'storage_critical_mb']) s",
    ),
    ("object_count", "warning", "pggit.configure_tracking()", "UPDATE pggit.objects SET is_active = false"),
    ("audit_seal", "warning", "pggit.seal()", "SELECT pggit.configure_monitoring('seal_after_days', 0)"),
    (
        "upgrades",
        "unhealthy",
        "CALL pggit.upgrade('9')",
        UPGRADE + "VALUES ('0', '9', now(), 'in_progress', 'x', 1, now())",
    ),
    (
        "upgrades",
        "warning",
        "says why",
        UPGRADE + "VALUES ('0', '9', now(), 'failed', 'x', 1, now())",
    ),
    ("data_version", "critical", "0.0.1", "UPDATE pggit.settings SET value = '0.0.1' WHERE name = 'data_version'"),
    (
        "restore_points",
        "warning",
        "pggit.delete_restore_point('p')",
        "SELECT pggit.create_restore_point('p'), pggit.configure_monitoring('restore_point_after_days', 0)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("check", "status", "says", "fault"), FAULTS)
def test_each_check_finds_its_fault(db: Connection, check: str, status: str, says: str, fault: str) -> None:
    db.execute(fault.encode())
    assert health(db)[check][0] == status
    assert says in health(db)[check][1]


def test_every_check_has_a_fault_here(db: Connection) -> None:
    listed = {name for (name,) in db.execute("SELECT check_name FROM pggit.health_checks()")}
    assert listed == {check for check, *_ in FAULTS} | set(FRESH)


def test_without_init(bare_db: Connection) -> None:
    bare_db.execute("CREATE EXTENSION pggit")
    found = health(bare_db, verify=True)
    assert found["event_triggers"][:2] == ("critical", "pgGit is not initialised: SELECT pggit.init();")
    assert found["object_count"][0] == "warning"


BACKUP = (
    "INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, status) VALUES ('/b', 'full', {})"
)


@pytest.mark.parametrize(
    ("row", "last", "verified"),
    [
        ("now(), now(), now(), 'completed'", "healthy", "healthy"),
        ("now(), now(), NULL, 'completed'", "healthy", "warning"),
        ("now(), now() - interval '37 hours', now() - interval '9 days', 'completed'", "warning", "warning"),
        ("now(), now() - interval '73 hours', now() - interval '17 days', 'completed'", "unhealthy", "unhealthy"),
        ("now(), NULL, NULL, 'failed'", "unhealthy", "warning"),
        ("now(), NULL, NULL, 'running'", "warning", "warning"),
    ],
)
def test_backups(db: Connection, row: str, last: str, verified: str) -> None:
    db.execute(BACKUP.format(row).encode())
    found = health(db)
    assert (found["last_backup"][0], found["verified_backup"][0]) == (last, verified)


def test_a_failure_counts_until_the_next_success(db: Connection) -> None:
    for row, status in (
        ("now(), now(), now(), 'completed'", "healthy"),
        ("now(), NULL, NULL, 'failed'", "unhealthy"),
        ("now(), NULL, NULL, 'running'", "unhealthy"),
        ("now(), now(), NULL, 'completed'", "healthy"),
    ):
        db.execute(BACKUP.format(row).encode())
        assert health(db)["last_backup"][0] == status


def test_the_remedies_work(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    db.execute("SELECT pggit.pause(); ALTER TABLE t ADD COLUMN more integer")
    db.execute("DROP EVENT TRIGGER pggit_sql_drop")
    assert {"event_triggers", "tracking", "index_sample"} <= set(not_healthy(db))
    for _ in range(3):
        for status, message, _details in health(db).values():
            if status != "healthy":
                for statement in re.findall(r"SELECT pggit\.\w+\(\);", message):
                    db.execute(statement.encode())
    assert not_healthy(db, verify=True) == FRESH


def test_verify_finds_what_the_sample_may_miss(db: Connection) -> None:
    for n in range(60):
        db.execute(f"CREATE TABLE t{n} (id integer)".encode())
    db.execute(CHANGED_UNSEEN.replace("TABLE t ", "TABLE t0 ").encode())
    status, message, details = health(db, verify=True)["index_verify"]
    assert (status, details) == ("unhealthy", {"differing": 1})
    assert "pggit.rescan()" in message


def test_verify_finds_a_changed_record(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer); SELECT pggit.seal()")
    assert health(db, verify=True)["audit_verify"][0] == "healthy"
    db.execute("ALTER TABLE pggit.history DISABLE TRIGGER append_only; UPDATE pggit.history SET session_role = 'x'")
    assert health(db, verify=True)["audit_verify"][0] == "critical"


def test_a_check_that_fails_becomes_a_row(db: Connection) -> None:
    for check in health(db):
        with db.transaction(force_rollback=True):
            db.execute(
                f"""
                CREATE OR REPLACE FUNCTION pggit.health_of_{check}()
                RETURNS TABLE (status text, message text, details jsonb)
                LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
                AS 'BEGIN RAISE EXCEPTION $x$broken$x$; END'""".encode()
            )
            status, message, details = health(db)[check]
            assert (status, message) == ("unhealthy", "the check itself failed: broken (P0001)")
            assert details["sqlstate"] == "P0001"
            # Prometheus can tell it from a finding.
            unknown = "SELECT labels ->> 'check' FROM pggit.metrics WHERE name = 'pggit_health_unknown' AND value = 1"
            assert one(db, unknown) == check
    db.execute("ALTER TABLE pggit.backups RENAME TO gone")
    assert health(db)["last_backup"][0] == "unhealthy"


def test_a_check_writes_nothing(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (id integer)")
    with db.transaction():
        db.execute("SET TRANSACTION READ ONLY")
        assert not_healthy(db, verify=True) == FRESH
        assert one(db, "SELECT pg_current_xact_id_if_assigned()") is None


def test_an_unsettled_upgrade_at_work_is_no_fault(db: Connection) -> None:
    here = "SELECT '0', '9', now(), 'in_progress', 'x', a.pid, a.backend_start FROM pg_stat_activity a"
    db.execute((UPGRADE + here + " WHERE a.pid = pg_backend_pid()").encode())
    assert health(db)["upgrades"][0] == "warning"
    assert "at work" in health(db)["upgrades"][1]


@pytest.fixture(scope="module")
def standby(server: SuiteServer, pg: str) -> Iterator[SuiteServer]:
    """A hot standby of the suite's server, with a database `watched` in it."""
    server.createdb("watched")
    replica = SuiteServer(pg)
    try:
        with psycopg.connect(server.dsn("watched"), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit; SELECT pggit.init(); CREATE TABLE t (id integer)")
        replica.start()
        replica.stop()
        shutil.rmtree(replica.cluster.data)
        copy = [
            str(replica.bin / "pg_basebackup"),
            "-D",
            str(replica.cluster.data),
            "-d",
            server.dsn(),
            "-c",
            "fast",
            "-R",
        ]
        result = servers.run_as_server_user(copy, replica.cluster.folder)
        assert result.returncode == 0, result.stdout
        replica.cluster.configure({}, durable=False)
        replica.start()
        yield replica
    finally:
        replica.close()
        server.dropdb("watched")


def test_all_of_it_works_on_a_standby(standby: SuiteServer) -> None:
    with psycopg.connect(standby.dsn("watched"), autocommit=True) as db:
        assert one(db, "SELECT pg_is_in_recovery()")
        assert not_healthy(db, verify=True) == FRESH
        for form in ("classic", "openmetrics"):
            assert 'pggit_health_status{check="event_triggers"} 0\n' in one(
                db, "SELECT pggit.prometheus_metrics(%s)", form
            )
        assert one(db, "SELECT count(*) FROM pggit.metrics WHERE name = 'pggit_objects'") > 0


def test_a_look_waits_for_nobody(db: Connection, connect: Connect) -> None:
    """A view is worded by its tables: where somebody holds one, the sample passes the view by."""
    db.execute("CREATE TABLE t (id integer); CREATE VIEW v AS SELECT * FROM t")
    other = connect(autocommit=False)
    other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    assert not_healthy(db) == FRESH
    assert "pggit_info" in one(db, "SELECT pggit.prometheus_metrics()")
    other.rollback()


def test_the_sample_looks_at_what_is_there(db: Connection) -> None:
    db.execute("CREATE TABLE a (id integer); CREATE TABLE b (id integer)")
    db.execute("SELECT pggit.pause(); ALTER TABLE a ADD COLUMN more integer; ALTER TABLE b ADD COLUMN more integer")
    db.execute("SELECT pggit.resume()")
    for n in range(20):
        db.execute(f"CREATE TABLE passing{n} (id integer); DROP TABLE passing{n}".encode())
    # three objects are there, two of them changed unseen: ten draws that miss both are next to impossible
    assert health(db)["index_sample"][0] == "unhealthy"


def test_the_sample_looks_at_whatever_kind_there_is(db: Connection) -> None:
    """Everything is read together; what is changed unseen is found whatever it is."""
    db.execute("""
        CREATE TABLE a (id integer PRIMARY KEY, name text); CREATE INDEX i ON a (name);
        CREATE VIEW v AS SELECT * FROM a; CREATE SEQUENCE s; CREATE TYPE e AS ENUM ('x');
        CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'""")
    count = one(db, "SELECT count(*) FROM pggit.objects WHERE is_active")
    status, _message, details = health(db)["index_sample"]
    assert (status, details) == ("healthy", {"looked_at": details["looked_at"], "differing": []})
    assert 5 <= details["looked_at"] <= count
    for statement, object_name in (
        ("ALTER TABLE a ADD COLUMN more integer", "TABLE public.a"),
        ("DROP INDEX i", "INDEX public.i"),
        ("COMMENT ON VIEW v IS 'x'", "VIEW public.v"),
        ("ALTER SEQUENCE s INCREMENT 2", "SEQUENCE public.s"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'", "FUNCTION public.f()"),
        ("ALTER TYPE e ADD VALUE 'y'", "TYPE public.e"),
        ("ALTER EXTENSION pggit ADD TABLE a", "TABLE public.a"),
    ):
        with db.transaction(force_rollback=True):
            # few enough for ten draws to come by it soon
            db.execute("UPDATE pggit.objects SET is_manual = true WHERE is_active AND identity NOT LIKE 'public.%'")
            db.execute("SET LOCAL session_replication_role = replica")
            db.execute(statement.encode())
            for _ in range(40):
                found = health(db)["index_sample"]
                if found[2]["differing"]:
                    break
            assert found[0] == "unhealthy", statement
            assert found[2]["differing"] == [object_name]


def test_what_is_no_longer_tracked_is_no_difference(db: Connection) -> None:
    """Until the next rescan() the index still has it, as it is."""
    db.execute("CREATE TABLE a (id integer); SELECT pggit.configure_tracking(ignore => '{public.a}')")
    status, _message, details = health(db)["index_sample"]
    assert (status, details["differing"]) == ("healthy", [])
    assert details["looked_at"] > 0


def test_a_missing_data_version_is_no_health(db: Connection) -> None:
    db.execute("DELETE FROM pggit.settings WHERE name = 'data_version'")
    assert health(db)["data_version"][0] == "critical"
