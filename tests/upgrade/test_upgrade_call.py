"""CALL pggit.upgrade(): with versions after this one that the tests make up, on a server tree of their own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasks.lib import serverbuilds, servers, sqlscript, updategraph
from tasks.lib.servers import Server
from tests.extension.conftest import Connection, SuiteServer
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

HERE = sqlscript.version()
WORKS = """
    SET LOCAL search_path TO pg_catalog, pg_temp;
    ALTER TABLE pggit.history ADD COLUMN yet_another numeric;
    CREATE FUNCTION pggit.later() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
        'BEGIN RETURN 1; END';
    REVOKE ALL ON FUNCTION pggit.later() FROM PUBLIC;
    {functions}
    SELECT pggit.complete_update('{here}', '9.1');
""".replace("{here}", HERE).replace("{functions}", sqlscript.functions_of("9.1"))
WAITS = "SELECT pg_catalog.pg_advisory_lock(4711);"
VERSIONS = {
    "9.1": WORKS,
    "9.2": "ALTER TABLE pggit.history ADD COLUMN x integer; SELECT 1 / 0;",
    "9.3": "ALTER TABLE pggit.objects DISABLE TRIGGER USER; DELETE FROM pggit.objects;",
    "9.4": WAITS,
}

Opened = Callable[..., Connection]


@pytest.fixture(scope="session")
def upgradable(pg: str) -> Iterator[Server]:
    """A server whose extension folder knows more versions."""
    origin = serverbuilds.bin_dir(pg)
    folder = servers.make_folder(f"pggit-versions-{pg}-")
    tree = folder / "tree"
    shutil.copytree(origin.parent, tree, copy_function=_link, symlinks=True)
    (scripts,) = {path.parent for path in tree.rglob("pggit.control")}
    for version, script in VERSIONS.items():
        (scripts / f"pggit--{HERE}--{version}.sql").write_text(script, "utf-8")
    running = SuiteServer(pg)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serverbuilds, "bin_dir", lambda _pg, _source="auto": tree / "bin")
            running.start()
        yield running
    finally:
        running.close()
        shutil.rmtree(folder)


def _link(source: str, target: str) -> None:
    os.link(Path(source).resolve(), target)


@pytest.fixture
def opened(upgradable: Server) -> Iterator[Opened]:
    """Opens connections to a database of that server with pggit in it, and closes them."""
    upgradable.createdb("upgrading")
    connections: list[Connection] = []

    def connect(*, autocommit: bool = True) -> Connection:
        connections.append(psycopg.connect(upgradable.dsn("upgrading"), autocommit=autocommit))
        return connections[-1]

    try:
        connect().execute("CREATE EXTENSION pggit; SELECT pggit.init(); CREATE TABLE t (id integer)")
        yield connect
    finally:
        for connection in connections:
            connection.close()
        upgradable.dropdb("upgrading")


def failed(db: Connection, statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as raised:
        db.execute(statement)
    return raised.value


def log(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT from_version, to_version, status, completed_at IS NOT NULL FROM pggit.upgrade_log ORDER BY upgrade_id"
    ).fetchall()


def test_an_upgrade_keeps_everything(opened: Opened) -> None:
    db = opened()
    db.execute("DROP ROLE IF EXISTS rita; CREATE ROLE rita; SELECT pggit.grant_access('rita', 'reader')")
    history = one(db, "SELECT count(*) FROM pggit.history")
    db.execute("CALL pggit.upgrade('9.1')")
    assert one(db, "SELECT pggit.version()") == "9.1"
    assert log(db) == [(HERE, "9.1", "completed", True)]
    copy = one(db, "SELECT backup_schema FROM pggit.upgrade_log")
    assert copy.startswith("pggit_backup_")
    assert one(db, f"SELECT count(*) FROM {copy}.history") == history == one(db, "SELECT count(*) FROM pggit.history")
    assert one(db, "SELECT has_function_privilege('rita', 'pggit.later()', 'EXECUTE')")
    db.execute("CREATE TABLE more (id integer)")
    assert one(db, "SELECT count(*) FROM pggit.history") == history + 1
    assert differences(db) == []
    assert db.execute("SELECT * FROM pggit.prune_upgrade_backups(1)").fetchall() == []
    assert db.execute("SELECT * FROM pggit.prune_upgrade_backups(0)").fetchall() == [(copy,)]
    assert "copies" not in one(db, "SELECT pggit.uninstall()")
    db.execute("DROP EXTENSION pggit; DROP OWNED BY rita; DROP ROLE rita")


@pytest.mark.parametrize(("version", "why"), [("9.2", "division by zero"), ("9.3", "pggit.objects had")])
def test_a_failed_upgrade_leaves_its_log_and_nothing_else(opened: Opened, version: str, why: str) -> None:
    db = opened()
    objects = one(db, "SELECT count(*) FROM pggit.objects")
    error = failed(db, f"CALL pggit.upgrade('{version}')")
    assert error.sqlstate == "GT024"
    assert why in str(error)
    assert one(db, "SELECT pggit.version()") == HERE
    assert log(db) == [(HERE, version, "failed", True)]
    assert why in one(db, "SELECT error_message FROM pggit.upgrade_log")
    assert one(db, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pggit_backup%'") == 0
    assert one(db, "SELECT count(*) FROM pggit.objects") == objects
    db.execute("CALL pggit.upgrade('9.1')")
    assert one(db, "SELECT pggit.version()") == "9.1"


def test_wrong_versions(opened: Opened) -> None:
    db = opened()
    graph = updategraph.read(name for name in sqlscript.contents() if name.endswith(".sql"))
    older = sorted(version for version in graph.installable if version != HERE and graph.path(HERE, version))
    error = failed(db, "CALL pggit.upgrade('7.0')")
    assert error.sqlstate == "GT022"
    assert f"Valid are: {', '.join((*older, *VERSIONS))}." in str(error)
    notices: list[str] = []
    db.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    db.execute(f"CALL pggit.upgrade('{HERE}'); ")
    db.execute("CALL pggit.upgrade()")
    assert notices == [f"pgGit is at version {HERE} already"] * 2
    assert log(db) == []


def test_not_inside_a_transaction(opened: Opened) -> None:
    db = opened(autocommit=False)
    assert failed(db, "CALL pggit.upgrade('9.1')").sqlstate == "GT023"
    db.rollback()
    # a parameter makes the driver prepare the statement
    with pytest.raises(psycopg.Error) as raised:
        db.execute("CALL pggit.upgrade(%s)", ["9.1"])
    assert raised.value.sqlstate == "GT023"
    db.rollback()
    auto = opened()
    auto.execute("CALL pggit.upgrade(%s)", ["9.1"])
    assert one(auto, "SELECT pggit.version()") == "9.1"


def test_only_one_at_a_time_and_what_was_cut_off_is_closed(opened: Opened) -> None:
    """The update script waits for a lock that the test holds."""
    holder, slow, second = opened(), opened(), opened()
    holder.execute("SELECT pg_advisory_lock(4711)")
    pid = slow.info.backend_pid
    slow.pgconn.send_query(b"CALL pggit.upgrade('9.4')")
    slow.pgconn.flush()
    waits = "SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND wait_event = 'advisory'"
    while not one(second, f"SELECT EXISTS ({waits})", pid):
        pass
    assert log(second) == [(HERE, "9.4", "in_progress", False)]
    assert failed(second, "CALL pggit.upgrade('9.1')").sqlstate == "GT021"
    one(second, "SELECT pg_terminate_backend(%s, 10000)", pid)
    assert log(second) == [(HERE, "9.4", "in_progress", False)]
    assert one(second, "SELECT pggit.version()") == HERE
    second.execute("CALL pggit.upgrade('9.1')")
    assert log(second) == [(HERE, "9.4", "rolled_back", True), (HERE, "9.1", "completed", True)]


def test_an_upgrade_that_a_timeout_stopped_says_so(opened: Opened) -> None:
    holder, db = opened(), opened()
    holder.execute("SELECT pg_advisory_lock(4711)")
    db.execute("SET statement_timeout = '1s'")
    assert failed(db, "CALL pggit.upgrade('9.4')").sqlstate == "GT024"
    db.execute("RESET statement_timeout")
    assert log(db) == [(HERE, "9.4", "failed", True)]
    assert one(db, "SELECT error_message FROM pggit.upgrade_log").startswith("57014: ")
    assert one(db, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pggit_backup%'") == 0
    db.execute("CALL pggit.upgrade('9.1')")
    assert [row[2] for row in log(db)] == ["failed", "completed"]


def test_an_upgrade_needs_a_superuser(opened: Opened) -> None:
    db = opened()
    db.execute("DROP ROLE IF EXISTS rita; CREATE ROLE rita; SELECT pggit.grant_access('rita', 'admin')")
    db.execute("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA pggit TO rita; SET ROLE rita")
    assert failed(db, "CALL pggit.upgrade('9.1')").sqlstate == "GT010"
    db.execute("RESET ROLE; DROP OWNED BY rita; DROP ROLE rita")
