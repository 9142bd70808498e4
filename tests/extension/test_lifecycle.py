"""init, uninstall, enable, disable, pause, resume: switching tracking on and off loses nothing."""

import psycopg
import pytest

from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection, Psql
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences

TRIGGERS = "SELECT evtname FROM pg_event_trigger ORDER BY 1"
FOUR = [("pggit_ddl_command_end",), ("pggit_ddl_command_start",), ("pggit_sql_drop",), ("pggit_table_rewrite",)]


def test_init_takes_in_what_exists(bare_db: Connection) -> None:
    bare_db.execute("CREATE TABLE old (id serial PRIMARY KEY); CREATE VIEW older AS SELECT 1 AS one")
    bare_db.execute("CREATE EXTENSION pggit")
    assert bare_db.execute(TRIGGERS).fetchall() == []
    assert "branch main" in one(bare_db, "SELECT pggit.init()")
    assert bare_db.execute(TRIGGERS).fetchall() == FOUR
    assert differences(bare_db) == []
    assert bare_db.execute("SELECT * FROM pggit.status()").fetchall() == []
    assert one(bare_db, "SELECT count(*) FROM pggit.commits") == 1
    found = bare_db.execute("SELECT identity FROM pggit.objects WHERE is_active ORDER BY identity").fetchall()
    assert found == [("public",), ("public.old",), ("public.old_id_seq",), ("public.older",)]
    assert one(bare_db, "SELECT value FROM pggit.settings WHERE name = 'data_version'") == one(
        bare_db, "SELECT pggit.version()"
    )


def test_a_second_init_changes_nothing(db: Connection) -> None:
    before = db.execute("SELECT (SELECT count(*) FROM pggit.history), (SELECT count(*) FROM pggit.commits)").fetchone()
    assert one(db, "SELECT pggit.init()") == "tracking is on"
    after = db.execute("SELECT (SELECT count(*) FROM pggit.history), (SELECT count(*) FROM pggit.commits)").fetchone()
    assert before == after
    assert db.execute(TRIGGERS).fetchall() == FOUR


def test_init_in_an_empty_database_and_of_a_hundred_objects(bare_db: Connection) -> None:
    for number in range(100):
        bare_db.execute(f"CREATE TABLE t{number} (id integer)")
    bare_db.execute("CREATE EXTENSION pggit")
    bare_db.execute("SELECT pggit.init()")
    assert one(bare_db, "SELECT t.object_count FROM pggit.commits c JOIN pggit.trees t ON t.hash = c.tree") == 101


def test_uninstall_leaves_no_trace(db: Connection) -> None:
    db.execute("CREATE TABLE kept (id integer)")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        db.execute("DROP EXTENSION pggit")
    db.execute("SELECT pggit.uninstall()")
    db.execute("DROP EXTENSION pggit")
    assert db.execute(TRIGGERS).fetchall() == []
    assert one(db, "SELECT to_regclass('public.kept') IS NOT NULL")
    # PostgreSQL leaves the schema that CREATE EXTENSION made; it is empty, or this would fail
    db.execute("DROP SCHEMA pggit")
    db.execute("CREATE EXTENSION pggit")
    db.execute("SELECT pggit.init()")
    assert differences(db) == []


def test_uninstall_keeps_parked_rows_and_says_so(db: Connection) -> None:
    db.execute("CREATE SCHEMA pggit_attic; CREATE TABLE pggit_attic.parked AS SELECT 1 AS id")
    db.execute('CREATE SCHEMA "pggit_backup_x"')
    told = one(db, "SELECT pggit.uninstall()")
    assert "pggit_attic stays, with 1 tables" in told
    assert "pggit_backup_x" in told
    db.execute("DROP TABLE pggit_attic.parked; SELECT pggit.uninstall()")
    assert one(db, "SELECT to_regnamespace('pggit_attic') IS NULL")


def test_drop_extension_cascade_works_too(db: Connection) -> None:
    db.execute("DROP EXTENSION pggit CASCADE")
    assert db.execute(TRIGGERS).fetchall() == []
    db.execute("CREATE TABLE goes_on (id integer)")


def test_disable_and_enable(db: Connection) -> None:
    db.execute("SELECT pggit.disable()")
    db.execute("CREATE TABLE unseen (id integer)")
    states = db.execute("SELECT DISTINCT state, change FROM pggit.status() WHERE state = 'tracking'").fetchall()
    assert states == [("tracking", "disabled")]
    assert "rescan" in one(db, "SELECT pggit.enable()")
    assert db.execute(TRIGGERS).fetchall() == FOUR
    assert [row[:3] for row in differences(db)] == [("not in the index", "TABLE", "public.unseen")]
    assert one(db, "SELECT pggit.rescan()") == 1
    assert differences(db) == []
    db.execute("ALTER EVENT TRIGGER pggit_sql_drop DISABLE")
    assert ("EVENT TRIGGER", "pggit_sql_drop") in db.execute(
        "SELECT object_type, object FROM pggit.status()"
    ).fetchall()
    db.execute("SELECT pggit.enable()")
    assert db.execute("SELECT * FROM pggit.status() WHERE state = 'tracking'").fetchall() == []


def test_pause_and_resume_hold_for_all_sessions(db: Connection, connect: Connect) -> None:
    db.execute("SELECT pggit.pause()")
    connect().execute("CREATE TABLE unseen (id integer)")
    assert one(db, "SELECT count(*) FROM pggit.history WHERE command_tag <> 'INIT'") == 0
    assert db.execute("SELECT state, change FROM pggit.status()").fetchall() == [
        ("tracking", "paused"),
        ("unrecorded", "not in the index"),
    ]
    assert one(db, "SELECT set_by FROM pggit.settings WHERE name = 'paused'") == "postgres"
    db.execute("SELECT pggit.resume()")
    assert one(db, "SELECT pggit.resume()") == "tracking was not paused"
    connect().execute("ALTER TABLE unseen ADD COLUMN x integer")
    assert differences(db) == []
    assert one(db, "SELECT change_type FROM pggit.history WHERE identity = 'public.unseen'") == "CREATE"


def test_no_setting_of_a_session_switches_tracking_off(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    user = connect("dora")
    for setting in ("pggit.paused", "pggit.enabled", "pggit.off"):
        user.execute("SELECT set_config(%s, 'on', false)", [setting])
    for setting in ("session_replication_role = replica", "event_triggers = off"):
        with pytest.raises(psycopg.DatabaseError):
            user.execute(f"SET {setting}")
    user.execute("CREATE TABLE seen (id integer)")
    assert one(db, "SELECT session_role FROM pggit.history WHERE identity = 'public.seen'") == "dora"


def test_the_setting_that_silences_event_triggers_shows(db: Connection, connect: Connect) -> None:
    """From PostgreSQL 17 on: whoever asks is told for whom it is off."""
    assert one(db, "SELECT pggit.silenced()") == []
    if db.info.server_version < 170000:
        return
    connect("dora")
    here = db.info.dbname
    for off, on, whom, tracks in (
        ("SET event_triggers = off", "RESET event_triggers", "this session", True),
        ("ALTER ROLE dora SET event_triggers = false", "ALTER ROLE dora RESET event_triggers", "role dora", True),
        (f"ALTER ROLE dora IN DATABASE {here} SET event_triggers = 0",
         f"ALTER ROLE dora IN DATABASE {here} RESET event_triggers", "role dora", True),
        (f"ALTER DATABASE {here} SET event_triggers = off",
         f"ALTER DATABASE {here} RESET event_triggers", "this database", False),
    ):  # fmt: skip
        db.execute(off)
        shown = db.execute("SELECT * FROM pggit.status() WHERE state = 'tracking'").fetchall()
        assert shown == [("tracking", "disabled", "SETTING", f"event_triggers for {whom}")]
        assert one(db, "SELECT pggit.is_tracking()") is tracks
        status, message = db.execute("SELECT * FROM pggit.health_of_event_triggers()").fetchall()[0][:2]
        assert (status, f"for {whom}, since" in message) == ("critical", True)
        db.execute(on)
        assert one(db, "SELECT pggit.silenced()") == []
    db.execute(f"ALTER DATABASE {here} SET event_triggers = off")
    assert one(connect(), "SELECT pggit.silenced()") == ["this database"]


@pytest.mark.parametrize("call", ["init", "enable", "disable", "uninstall"])
def test_event_triggers_need_a_superuser(db: Connection, connect: Connect, call: str) -> None:
    user = connect("dora")
    db.execute(f"GRANT USAGE ON SCHEMA pggit TO dora; GRANT EXECUTE ON FUNCTION pggit.{call}() TO dora")
    db.execute("GRANT EXECUTE ON FUNCTION pggit.disable(), pggit.enable(), pggit.require_superuser(text) TO dora")
    assert refused(user, f"SELECT pggit.{call}()") == "GT010"


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param("CREATE SCHEMA pggit AUTHORIZATION mallory", id="schema-of-another-role"),
        pytest.param("CREATE SCHEMA pggit; CREATE TABLE pggit.objects (id integer)", id="table"),
        pytest.param("CREATE SCHEMA pggit; CREATE FUNCTION pggit.version() RETURNS text RETURN 'x'", id="function"),
        pytest.param("CREATE SCHEMA pggit; CREATE TYPE pggit.mine AS ENUM ('x')", id="type"),
    ],
)
def test_a_prepared_schema_is_refused(bare_db: Connection, connect: Connect, trap: str) -> None:
    connect("mallory")
    bare_db.execute(trap)
    assert refused(bare_db, "CREATE EXTENSION pggit") == "GT001"
    bare_db.execute("DROP SCHEMA pggit CASCADE")
    bare_db.execute("CREATE SCHEMA pggit; CREATE EXTENSION pggit")


def test_another_superuser_may_create_the_extension_again(db: Connection, connect: Connect) -> None:
    second = connect("second_admin")
    db.execute("ALTER ROLE second_admin SUPERUSER")
    db.execute("SELECT pggit.uninstall(); DROP EXTENSION pggit")
    second.execute("CREATE EXTENSION pggit")
    assert "branch main" in one(second, "SELECT pggit.init()")
    assert differences(db) == []


def test_a_script_run_by_hand_says_how_to_do_it_right(bare_db: Connection, psql: Psql, server: Server) -> None:
    scripts = list((server.bin.parent / "share").rglob("pggit--*.sql"))
    assert scripts
    for script in scripts:
        _, *versions = script.stem.split("--")
        right = "CREATE EXTENSION pggit" if len(versions) == 1 else f"ALTER EXTENSION pggit UPDATE TO '{versions[1]}'"
        said = psql(script.read_text("utf-8"), check=False)
        assert said.startswith(f'Use "{right}" to load this file.')
        assert f"only {right} can run this script; nothing was done" in said
        with pytest.raises(AssertionError):  # it fails, too
            psql(script.read_text("utf-8"))
    assert one(bare_db, "SELECT to_regnamespace('pggit') IS NULL")
