"""`pggit upgrade`, run as a user runs it: refusals, exit codes, what it leaves after trouble."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tasks.lib import released, serverbuilds, servers, sqlscript
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server
from tests.ops.test_command import COMMAND, Ran

OLD, NEW = released.versions()[0], sqlscript.version()
STATE = """
    SELECT pggit.version(), (SELECT count(*) FROM pggit.upgrade_log),
        (SELECT count(*) FROM pg_class WHERE relnamespace = 'pggit'::regnamespace),
        (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pggit_backup%')
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A running server of the newest major, with a database to copy, in which pgGit is of the oldest version."""
    with Server(serverbuilds.majors()[-1]) as running:
        running.createdb("old")
        with psycopg.connect(running.dsn("old"), autocommit=True) as db:
            db.execute(f"CREATE EXTENSION pggit VERSION '{OLD}'; SELECT pggit.init(); CREATE TABLE t (id integer)")
            db.execute("CREATE ROLE plain LOGIN; SELECT pggit.grant_access('plain', 'admin')")
        yield running


@pytest.fixture
def db(server: Server) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    """A connection to a fresh copy of that database, named app."""
    server.createdb("app", "old")
    try:
        with psycopg.connect(server.dsn("app"), autocommit=True) as connection:
            yield connection
    finally:
        server.dropdb("app")


Connection = psycopg.Connection[tuple[object, ...]]


def upgrade(server: Server, *arguments: str, user: str = "postgres", dbname: str = "app", **more: str) -> Ran:
    environment = {
        **servers.clean_environment(),
        "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(server.socket_dir),
        "PGPORT": str(server.port),
        "PGUSER": user,
        "PGDATABASE": dbname,
        **more,
    }
    return Ran("upgrade", *arguments, environment=environment)


def start(server: Server, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**servers.clean_environment(), "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, str(COMMAND), "upgrade", f"--dbname={server.dsn('app')}", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def state(db: Connection) -> object:
    return db.execute(STATE).fetchone()


def test_a_dry_run_says_what_it_takes_and_changes_nothing(server: Server, db: Connection) -> None:
    before = state(db)
    ran = upgrade(server, "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert f"{OLD} -> {NEW}" in ran.out
    assert "locks    history, objects" in ran.out
    assert "index    CREATE INDEX idx_history_performance ON pggit.history" in ran.out
    assert "estimate about 1 s" in ran.out
    plan = json.loads(upgrade(server, "--dry-run", "--json").out)
    assert (plan["from_version"], plan["to_version"], plan["path"]) == (OLD, NEW, [OLD, NEW])
    assert (plan["status"], plan["exit_code"], plan["locks"]) == ("planned", 0, ["history, objects"])
    assert state(db) == before


def test_there_and_back_and_where_it_is_already(server: Server, db: Connection) -> None:
    ran = upgrade(server)
    assert ran.code == 0
    assert ran.out.endswith(f"comparing with the copy\npgGit is at version {NEW}\n")
    assert upgrade(server).code == 0
    back = upgrade(server, OLD, "--json")
    told = json.loads(back.out)
    assert (back.code, told["status"], told["to_version"]) == (0, "done", OLD)
    log = db.execute("SELECT from_version, to_version, status FROM pggit.upgrade_log ORDER BY upgrade_id").fetchall()
    assert log == [(OLD, NEW, "completed"), (NEW, OLD, "completed")]
    kept = db.execute("SELECT version FROM pggit.list_upgrade_backups() ORDER BY 1").fetchall()
    assert kept == [(OLD,), (NEW,)]  # one of each
    first = db.execute("SELECT backup_schema FROM pggit.list_upgrade_backups() WHERE version = %s", [OLD]).fetchone()
    again = upgrade(server)
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith(f"comparing with the copy\npgGit is at version {NEW}\n")
    kept = db.execute("SELECT version FROM pggit.list_upgrade_backups() ORDER BY 1").fetchall()
    assert kept == [(OLD,), (NEW,)]
    second = db.execute("SELECT backup_schema FROM pggit.list_upgrade_backups() WHERE version = %s", [OLD]).fetchone()
    assert first != second
    assert upgrade(server, "--keep=0").code == 0
    assert db.execute("SELECT * FROM pggit.list_upgrade_backups()").fetchall() == []


def test_a_copy_that_somebody_reads_stays_and_spoils_nothing(server: Server, db: Connection) -> None:
    assert upgrade(server).code == 0
    ((copy,),) = db.execute("SELECT backup_schema FROM pggit.list_upgrade_backups()").fetchall()
    with psycopg.connect(server.dsn("app")) as reader:
        reader.execute(f"SELECT count(*) FROM {copy}.history".encode())
        ran = upgrade(server, "--keep=0")
    assert ran.code == 0
    assert "older copies stay until the next upgrade: canceling statement due to lock timeout" in ran.out
    assert upgrade(server, "--keep=0").code == 0
    assert db.execute("SELECT * FROM pggit.list_upgrade_backups()").fetchall() == []


def test_what_was_not_compared_is_compared_by_the_next_run(server: Server, db: Connection) -> None:
    """As an upgrade leaves it that was cut off after the switch; a difference is told of until it is gone."""
    assert upgrade(server).code == 0
    ((copy,),) = db.execute("SELECT backup_schema FROM pggit.list_upgrade_backups()").fetchall()
    db.execute("UPDATE pggit.upgrade_log SET error_message = 'not compared with the copy yet'")
    health = "SELECT status, message FROM pggit.health_check() WHERE check_name = 'upgrades'"
    assert db.execute(health).fetchall() == [
        (
            "warning",
            f"the upgrade from {OLD} to {NEW} is done; not compared with the copy yet: CALL pggit.upgrade('{NEW}');",
        )
    ]
    db.execute(f"UPDATE {copy}.history SET command_tag = 'other' || command_tag WHERE id = 1".encode())
    trouble = "1 rows of pggit.history differ from the copy made before"
    for _ in range(2):
        ran = upgrade(server)
        assert ran.code == 4
        assert f"the upgrade is done, and not all is as it was: {trouble}" in ran.err
        assert db.execute("SELECT status, error_message FROM pggit.upgrade_log").fetchall() == [("completed", trouble)]
    db.execute(f"UPDATE {copy}.history SET command_tag = substr(command_tag, 6) WHERE id = 1".encode())
    assert upgrade(server).code == 0
    assert db.execute("SELECT status, error_message FROM pggit.upgrade_log").fetchall() == [("completed", None)]


def test_two_at_once_leave_what_one_leaves(server: Server, db: Connection) -> None:
    """Both want to build the same index; neither takes away what the other built."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND wait_event_type = 'Lock'"
    with psycopg.connect(server.dsn("app")) as holder:
        holder.execute("LOCK TABLE pggit.history IN ROW EXCLUSIVE MODE")
        both = [start(server, "--lock-timeout=20000") for _ in range(2)]
        while db.execute(waiting).fetchone() != (2,) and all(process.poll() is None for process in both):
            pass
    for process in both:
        process.communicate()
    assert sorted(process.returncode for process in both) in ([0, 0], [0, 2], [0, 4])
    indexes = """
        SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'pggit'::regnamespace ORDER BY 1"""
    found = db.execute(indexes).fetchall()
    db.execute("SELECT pggit.uninstall(); DROP EXTENSION pggit; CREATE EXTENSION pggit")
    assert found == db.execute(indexes).fetchall()


@pytest.mark.parametrize(
    ("trouble", "arguments", "said"),
    [
        ("SELECT", ["7.0"], f"there is no way from version {OLD} to 7.0"),
        ("SELECT", ["no'such;version"], "there is no way from version"),
        ("SELECT pggit.pause()", [], "tracking is paused"),
        ("CREATE TABLE pggit.mine ()", [], "table pggit.mine is in schema pggit and is no part of the extension"),
        (
            "ALTER EXTENSION pggit DROP FUNCTION pggit.tag(text, text)",
            [],
            "function pggit.tag(text,text) is in schema pggit",
        ),
        (
            "ALTER EXTENSION pggit DROP FUNCTION pggit.tag(text, text); DROP FUNCTION pggit.tag(text, text)",
            [],
            "function pggit.tag is missing",
        ),
        (
            "UPDATE pggit.settings SET value = '0.0.1' WHERE name = 'data_version'",
            [],
            "the tables are those of version 0.0.1",
        ),
    ],
)
def test_what_is_refused_is_said_in_one_line(
    server: Server, db: Connection, trouble: str, arguments: list[str], said: str
) -> None:
    db.execute(trouble.encode())
    before = state(db)
    ran = upgrade(server, *arguments)
    assert ran.code == 1
    assert ran.err.startswith(f"pggit: {said}")
    assert ran.err.endswith("; nothing was changed\n")
    assert ran.err.count("\n") == 1
    assert state(db) == before


def test_it_says_how_the_database_is_looked_after(server: Server, db: Connection) -> None:
    assert "warning  backup        pgGit knows of no backup of this database" in upgrade(server, "--dry-run").out
    assert upgrade(server).code == 0
    assert "warning  backup        pgGit knows of no backup of this database" in upgrade(server, OLD, "--dry-run").out
    for hours, status in ((30, "warning"), (3, "ok     ")):
        db.execute(
            "INSERT INTO pggit.backups (path, kind, started_at, completed_at, status)"
            " SELECT '/b', 'full', at, at, 'completed' FROM CAST(now() - make_interval(hours => %s) AS timestamptz) at",
            [hours],
        )
        told = upgrade(server, OLD, "--dry-run").out
        assert f"{status}  backup        the last backup is {hours} hours old" in told
        assert "health        event_triggers" not in told
    db.execute("ALTER EVENT TRIGGER pggit_sql_drop DISABLE")
    assert "warning  health        event_triggers: " in upgrade(server, OLD, "--dry-run").out


def test_where_there_is_no_room_it_does_not_begin(server: Server, db: Connection) -> None:
    """The disk is a made-up one: what it says is free is less than two copies take."""
    before = state(db)
    small = "import shutil; shutil.disk_usage = lambda place: shutil._ntuple_diskusage(9, 8, 1)"
    code = f"{small}; import sys; sys.path.insert(0, {str(COMMAND.parents[1])!r})"
    code += "; from pggit import cli; sys.exit(cli.main(sys.argv[1:]))"
    environment = {**servers.clean_environment(), "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [sys.executable, "-c", code, "upgrade", f"--dbname={server.dsn('app')}"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.endswith("MB are needed, 0 MB are free; nothing was changed\n")
    assert "Make room first." in ran.stdout
    assert state(db) == before


def test_only_a_superuser(server: Server, db: Connection) -> None:
    before = state(db)
    ran = upgrade(server, user="plain")
    assert (ran.code, ran.err) == (1, "pggit: only a superuser can upgrade pgGit; nothing was changed\n")
    assert state(db) == before


def test_where_nothing_can_be_told(server: Server) -> None:
    nowhere = upgrade(server, dbname="nowhere")
    assert nowhere.code == 3
    assert nowhere.err.endswith('FATAL:  database "nowhere" does not exist\n')
    without = upgrade(server, dbname="postgres")
    assert without.code == 3
    assert "CREATE EXTENSION pggit;" in without.err


@pytest.mark.parametrize("option", ["--lock-timeout=0", "--lock-timeout=x", "--keep=-1", "--keep=many", "--nosuch"])
def test_wrong_options(server: Server, option: str) -> None:
    ran = upgrade(server, option)
    assert ran.code == 3
    assert option.split("=")[0] in ran.err.splitlines()[-1]


def task(server: Server, *arguments: str) -> tuple[int, str, str]:
    """./inv migration.run: its exit code and what it prints."""
    environment = {**servers.clean_environment(), "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    command = [str(ROOT / "inv"), "migration.run", f"--dbname={server.dsn('app')}", *arguments]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    return ran.returncode, steady(ran.stdout), ran.stderr


def steady(text: str) -> str:
    """Without how much room there is, which changes from one moment to the next."""
    return re.sub(r"\d+ MB are free", "MB are free", text)


def test_the_task_is_the_command(server: Server, db: Connection) -> None:
    before = state(db)
    command = upgrade(server, "--dry-run")
    assert task(server, "--dry-run") == (0, steady(command.out), "")
    plan = json.loads(task(server, "--dry-run", "--json")[1])
    assert (plan["to_version"], plan["status"]) == (NEW, "planned")
    for wrong, code in (("--to=7.0", 1), ("--keep=many", 3), ("--lock-timeout=0", 3)):
        with_option = [wrong.removeprefix("--to=")]
        ran = upgrade(server, *with_option)
        assert task(server, wrong) == (code, steady(ran.out), ran.err), wrong
    code, _, trouble = task(server, "--nosuch")
    assert (code, trouble.count("\n")) == (2, 1)
    assert state(db) == before
    code, said, _ = task(server, "--keep=0")
    assert (code, said.splitlines()[-1]) == (0, f"pgGit is at version {NEW}")
    assert db.execute("SELECT * FROM pggit.list_upgrade_backups()").fetchall() == []
    code, said, _ = task(server, f"--to={OLD}")
    assert (code, said.splitlines()[-1]) == (0, f"pgGit is at version {OLD}")


def test_a_lock_that_is_held_ends_it_and_leaves_nothing(server: Server, db: Connection) -> None:
    before = state(db)
    with psycopg.connect(server.dsn("app")) as holder:
        holder.execute("SELECT count(*) FROM pggit.objects; SELECT count(*) FROM pggit.history")
        warned = upgrade(server, "--dry-run").out
        assert f"transactions  1 transactions hold locks on pgGit's tables: process {holder.info.backend_pid}" in warned
        # that much of a lock lets an index be built, and nothing else
        ran = upgrade(server, "--lock-timeout=5")
        assert ran.code == 2
        assert "the upgrade failed and changed nothing: 55P03" in ran.err
    # an index may stay for the next time, since the holder kept it from being dropped
    assert db.execute(STATE).fetchone()[:1] == before[:1]  # type: ignore[index]
    log = db.execute("SELECT status, error_message FROM pggit.upgrade_log").fetchall()
    assert [status for status, _ in log] == ["failed"]
    assert str(log[0][1]).startswith("55P03")
    assert db.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pggit_backup%'").fetchone() == (0,)
    assert upgrade(server).code == 0


def test_indexes_are_there_before_the_switch_and_one_that_is_broken_is_made_anew(
    server: Server, db: Connection
) -> None:
    db.execute("CREATE INDEX idx_history_performance ON pggit.history (created_at)")
    db.execute("CREATE INDEX objects_by_type ON pggit.objects (object_type) WHERE is_active")
    ran = upgrade(server)
    assert ran.code == 0
    built = [line for line in ran.out.splitlines() if line.startswith("building")]
    assert built == ["building idx_history_performance", "building objects_tracked"]
    assert db.execute("SELECT pg_get_indexdef('pggit.idx_history_performance'::regclass)").fetchone() == (
        "CREATE INDEX idx_history_performance ON pggit.history USING btree (change_type, created_at)",
    )


def test_a_session_that_is_ended_on_the_way_is_told_of_and_the_next_run_succeeds(
    server: Server, db: Connection
) -> None:
    """The upgrade waits for a lock that the test holds, and is terminated there."""
    end = """
        SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
        WHERE a.datname = 'app' AND a.wait_event_type = 'Lock' AND a.query LIKE '%%CALL pggit.upgrade%%'"""
    with psycopg.connect(server.dsn("app")) as holder, ThreadPoolExecutor() as pool:
        holder.execute("SELECT count(*) FROM pggit.history")
        running = pool.submit(upgrade, server, "--lock-timeout=20000")
        while db.execute(end).fetchone() == (0,) and not running.done():
            pass
        ran = running.result()
    assert ran.code == 2
    assert "terminating connection due to administrator command" in ran.err
    log = db.execute("SELECT status, completed_at IS NOT NULL FROM pggit.upgrade_log").fetchall()
    assert log == [("rolled_back", True)]
    assert db.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pggit_backup%'").fetchone() == (0,)
    assert upgrade(server).code == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_one_that_is_interrupted_waits_for_the_answer(server: Server, db: Connection, name: str) -> None:
    """The upgrade waits for a lock that the test holds; the signal goes to the command alone."""
    waits = """
        SELECT EXISTS (
            SELECT FROM pg_stat_activity a
            WHERE a.datname = 'app' AND a.wait_event_type = 'Lock' AND a.query LIKE '%CALL pggit.upgrade%')"""
    with psycopg.connect(server.dsn("app")) as holder:
        holder.execute("SELECT count(*) FROM pggit.history")
        process = start(server, "--lock-timeout=60000")
        while db.execute(waits).fetchone() == (False,) and process.poll() is None:
            pass
        process.send_signal(getattr(signal, name))
        _, err = process.communicate()
    assert process.returncode == 2
    assert "Traceback" not in err
    log = db.execute("SELECT status, error_message FROM pggit.upgrade_log").fetchall()
    assert [status for status, _ in log] == ["failed"]
    assert str(log[0][1]).startswith("57014")
    assert db.execute("SELECT pggit.version()").fetchone() == (OLD,)
    assert upgrade(server).code == 0


def test_what_is_set_for_applications_does_not_stop_it(server: Server, db: Connection) -> None:
    db.execute("ALTER DATABASE app SET statement_timeout = '20ms'; ALTER DATABASE app SET lock_timeout = '1ms'")
    db.execute("ALTER DATABASE app SET default_transaction_isolation = 'repeatable read'")
    db.execute("ALTER DATABASE app SET default_transaction_read_only = on")
    assert upgrade(server).code == 0
    assert db.execute("SELECT pggit.version()").fetchone() == (NEW,)
