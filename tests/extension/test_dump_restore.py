"""Dump and restore keep history exactly once, and recording goes on."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasks.lib import servers
from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection, SuiteServer, database
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one
from tests.extension.test_tracked_kinds import FOLDER, differences, statements

TABLES = (
    "blobs",
    "trees",
    "commits",
    "branches",
    "head",
    "reflog",
    "objects",
    "history",
    "history_archive",
    "uncommitted",
    "settings",
    "tags",
    "restore_points",
    "merge_state",
    "merge_conflicts",
    "resolutions",
    "attic",
    "seals",
    "upgrade_log",
    "tracking_errors",
    "tallies",
    "performance_metrics",
    "backups",
)
FORMS = {
    "custom": ["-Fc"],
    "plain": ["-Fp"],
    "directory": ["-Fd", "-j2"],
    "extension-only": ["-Fc", "-e", "pggit", "-n", "pggit"],
}

FAULT: tuple[Any, ...] = ("error", "CREATE TABLE", "a fault", None)
"""What differences() says after fill(): nothing but an error that tracking met, it seems."""


def fill(db: Connection, pg: str) -> None:
    """Some of everything: kept and dropped objects, commits, a merge that waits, parked rows, something uncommitted."""
    for file in ("tables.sql", "partitions.sql", "views_and_functions.sql"):
        for statement in statements(FOLDER / file)[:30]:
            if int(pg) >= statement.since and not statement.silent:
                db.execute(statement.text)
    db.execute("CREATE MATERIALIZED VIEW m AS SELECT 1 AS one; INSERT INTO plain (remark) VALUES ('a row')")
    db.execute("SELECT pggit.commit('first'); SELECT pggit.create_branch('side')")
    db.execute("CREATE TABLE given_up (id integer); INSERT INTO given_up VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    for branch, remark in (("main", "ours"), ("side", "theirs")):
        db.execute("SELECT * FROM pggit.checkout(%s)", [branch])
        db.execute(f"ALTER TABLE plain ALTER remark SET DEFAULT '{remark}'; SELECT pggit.commit('{remark}')")
    db.execute("SELECT * FROM pggit.checkout('main'); SELECT * FROM pggit.merge('side')")
    db.execute("""
        INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
        VALUES ('0', '9', now(), 'failed', 'x', 1, now())""")
    db.execute("ALTER TABLE plain ADD COLUMN later integer; CREATE TABLE uncommitted_one (id serial)")
    db.execute("SELECT pggit.tag('a-tag'), pggit.create_restore_point('a-point'), pggit.seal()")
    db.execute("INSERT INTO pggit.objects (schema_name, object_name, object_type) VALUES ('x', 'by_hand', 'TABLE')")
    assert differences(db) == []
    db.execute("""
        INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, session_role)
        VALUES (now(), 'CREATE TABLE', 'XX000', 'a fault', 'x')""")
    if one(db, "SELECT to_regclass('pggit.backups')") is None:  # an older version
        return
    db.execute("SELECT pggit.record_metric('rows', 7, '{\"of\": \"plain\"}')")
    moment = "SELECT created_at FROM pggit.history ORDER BY id OFFSET 40 LIMIT 1"
    assert one(db, f"SELECT pggit.archive_history(({moment}))") > 30
    db.execute("""
        INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, size_bytes, lsn, status)
        VALUES ('/srv/b', 'full', now() - interval '1 hour', now(), now(), 8192, '0/16B3748', 'completed')""")


def digests(db: Connection) -> dict[str, list[tuple[str]]]:
    """For each table of ours, its rows as text."""
    return {
        table: db.execute(f'SELECT x::text FROM pggit.{table} x ORDER BY x::text COLLATE "C"').fetchall()
        for table in TABLES
    }


def run(*argv: object) -> str:
    result = subprocess.run([str(word) for word in argv], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    assert "error" not in result.stderr.lower(), result.stderr
    return result.stdout


def dump_and_restore(form: str, origin: Server, dbname: str, target: Server, fresh: str, folder: Path) -> None:
    """With the target's own programs, as PostgreSQL's manual advises."""
    path = folder / "dump"
    run(target.bin / "pg_dump", *FORMS[form], "-f", path, origin.dsn(dbname))
    if form == "plain":
        run(target.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, "-d", target.dsn(fresh))
    else:
        jobs = ["-j2"] if form == "directory" else []
        run(target.bin / "pg_restore", "--exit-on-error", *jobs, "-d", target.dsn(fresh), path)


def assert_recording_goes_on(db: Connection) -> None:
    """The first commands after a restore: a rename is known as one, and no key collides."""
    db.execute("SELECT pggit.abort_merge()")
    last = one(db, "SELECT max(id) FROM pggit.history")
    db.execute("ALTER TABLE plain RENAME TO renamed")
    db.execute("CREATE TABLE after_restore (id serial PRIMARY KEY)")
    db.execute("DROP TABLE uncommitted_one")
    rows = db.execute(
        "SELECT change_type, identity FROM pggit.history WHERE id > %s AND change_type <> 'RESCAN' ORDER BY id", [last]
    ).fetchall()
    assert ("RENAME", "public.renamed") in rows
    assert ("CREATE", "public.after_restore") in rows
    assert ("DROP", "public.uncommitted_one") in rows
    assert differences(db) == []
    db.execute("SELECT pggit.commit('after the restore'); SELECT pggit.create_branch('later')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    assert db.execute("SELECT * FROM pggit.status()").fetchall() == []


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_dump(
    db: Connection, server: Server, connect: Connect, pg: str, form: str, tmp_path: Path
) -> None:
    fill(db, pg)
    before = digests(db)
    fresh = f"{db.info.dbname}_{form.replace('-', '_')}"
    server.createdb(fresh)
    try:
        dump_and_restore(form, server, db.info.dbname, server, fresh, tmp_path)
        restored = connect(dbname=fresh)
        assert digests(restored) == before
        restored.execute("DELETE FROM pggit.tracking_errors")
        if form == "extension-only":
            missing = "SELECT count(*) FROM pggit.status() WHERE state = 'tracking' AND change = 'disabled'"
            assert one(restored, missing) == 4
            assert "tracking is on" in one(restored, "SELECT pggit.enable()")
            restored.execute("SELECT pggit.rescan()")
            restored.execute("CREATE TABLE plain (id integer); CREATE TABLE uncommitted_one (id integer)")
        else:
            assert restored.execute("SELECT * FROM plain WHERE remark = 'a row'").fetchall() != []
        assert differences(restored) == []
        assert_recording_goes_on(restored)
    finally:
        server.dropdb(fresh)


def test_a_copied_database_goes_on_too(db: Connection, server: Server, pg: str) -> None:
    fill(db, pg)
    before, name = digests(db), db.info.dbname
    db.close()
    with database(server, name) as copy:
        assert digests(copy) == before
        copy.execute("DELETE FROM pggit.tracking_errors")
        assert_recording_goes_on(copy)


def test_all_tables_with_users_data_are_dumped(db: Connection) -> None:
    """Each table and each sequence, but for OIDs, which mean nothing elsewhere."""
    assert db.execute("""
        SELECT c.relname FROM pg_class c, pg_extension e
        WHERE e.extname = 'pggit' AND c.relnamespace = 'pggit'::regnamespace AND c.relkind IN ('r', 'S')
          AND NOT c.oid = ANY (e.extconfig) ORDER BY 1""").fetchall() == [
        ("object_oids",),
        ("oid_origin",),
        ("unsettled",),
        ("unsettled_id_seq",),
    ]
    # a parallel restore loads tables in any order
    assert (
        one(db, "SELECT count(*) FROM pg_constraint WHERE connamespace = 'pggit'::regnamespace AND contype = 'f'") == 0
    )
    assert one(db, "SELECT bool_and(c = '') FROM pg_extension e, unnest(e.extcondition) c WHERE e.extname = 'pggit'")
    assert db.execute("""
        SELECT relname FROM pg_class WHERE relnamespace = 'pggit'::regnamespace AND relkind = 'r'
          AND relname NOT IN ('object_oids', 'oid_origin', 'unsettled') ORDER BY 1""").fetchall() == [
        (name,) for name in sorted(TABLES)
    ]


def upgrade(old: Server, new: Server) -> None:
    """pg_upgrade the stopped `old` into `new`, which is left running."""
    new.start()
    new.stop()
    shutil.rmtree(new.cluster.data)
    # From 18 on initdb turns checksums on; pg_upgrade wants both alike.
    alike = ["--no-data-checksums"] if int(new.pg) >= 18 else []
    for argv in (
        [*new.cluster.initdb_command(), *alike],
        [
            str(new.bin / "pg_upgrade"), "-b", str(old.bin), "-B", str(new.bin), "-d", str(old.cluster.data),
            "-D", str(new.cluster.data), "-U", servers.SUPERUSER, "-s", str(new.cluster.folder), "--no-sync",
        ],
    ):  # fmt: skip
        result = servers.run_as_server_user(argv, new.cluster.folder)
        assert result.returncode == 0, result.stdout
    new.cluster.configure({}, durable=False)
    new.start()


def test_pg_upgrade_from_major_to_major(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    majors = request.config.option.pg
    if len(majors) < 2:
        pytest.skip("needs two majors or more")
    running = SuiteServer(majors[0])
    later: SuiteServer | None = None
    try:
        running.start()
        running.createdb("app")
        with psycopg.connect(running.dsn("app"), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
            fill(db, majors[0])
            before = digests(db)
        for major in majors[1:]:
            running.stop()
            later = SuiteServer(major)
            upgrade(running, later)
            running.close()
            running, later = later, None
            with psycopg.connect(running.dsn("app"), autocommit=True) as db:
                assert digests(db) == before, f"after the upgrade to {major}"
                db.execute(f"CREATE TABLE made_on_{major} (id serial PRIMARY KEY)")
                assert differences(db) == [FAULT]
                assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = %s", f"public.made_on_{major}") == 1
                before = digests(db)
        with psycopg.connect(running.dsn("app"), autocommit=True) as db:
            db.execute("DELETE FROM pggit.tracking_errors")
            assert_recording_goes_on(db)
    finally:
        running.close()
        if later is not None:
            later.close()


def test_a_dump_goes_into_a_newer_major(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    majors = request.config.option.pg
    if len(majors) < 2:
        pytest.skip("needs two majors or more")
    with SuiteServer(majors[0]) as old, SuiteServer(majors[-1]) as new:
        old.createdb("app")
        new.createdb("app")
        with psycopg.connect(old.dsn("app"), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
            fill(db, majors[0])
            before = digests(db)
            last = one(db, "SELECT max(id) FROM pggit.history")
        dump_and_restore("custom", old, "app", new, "app", tmp_path)
        with psycopg.connect(new.dsn("app"), autocommit=True) as db:
            # The restore's own REFRESH MATERIALIZED VIEW is the first command there: the newer major's wording is
            # taken in at once, as RESCAN rows after all that was restored.
            after = digests(db)
            assert {name: after[name] for name in ("commits", "branches", "head", "reflog")} == {
                name: before[name] for name in ("commits", "branches", "head", "reflog")
            }
            assert set(before["history"]) <= set(after["history"])
            new = one(
                db, "SELECT array_agg(DISTINCT change_type || command_tag) FROM pggit.history WHERE id > %s", last
            )
            assert new in (None, ["RESCANpg_upgrade"])
            assert differences(db) == [FAULT]
            db.execute("DELETE FROM pggit.tracking_errors")
            assert_recording_goes_on(db)
