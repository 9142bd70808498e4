"""Up, down and up again in odd company: other superusers, hostile names, odd settings, commands in between."""

import threading

import psycopg
import pytest

from tasks.lib import released, sqlscript
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

OLD, NEW = released.versions()[0], sqlscript.version()
COUNTED = """
    SELECT (SELECT sum(t.amount) FROM pggit.tallies t WHERE t.counter = 'change') = (SELECT count(*) FROM pggit.history)
"""
NEW_DATA = """
    SELECT (SELECT array_agg(to_jsonb(m) ORDER BY m.metric_id) FROM pggit.performance_metrics m),
        (SELECT array_agg(to_jsonb(b) ORDER BY b.id) FROM pggit.backups b),
        (SELECT array_agg(to_jsonb(t) ORDER BY t.counter, t.label, t.bucket) FROM (
            SELECT counter, label, bucket, sum(amount) AS amount, sum(total) AS total FROM pggit.tallies
            WHERE counter <> 'change' GROUP BY 1, 2, 3 HAVING sum(amount) > 0) t),
        (SELECT array_agg(to_jsonb(o) ORDER BY o.id) FROM (SELECT id, tags FROM pggit.objects WHERE tags <> '[]') o),
        (SELECT array_agg(to_jsonb(s) ORDER BY s.name) FROM pggit.settings s WHERE s.name <> 'data_version'),
        (SELECT array_agg(to_jsonb(h) ORDER BY h.id) FROM (
            SELECT id, duration_ms, performance_impact FROM pggit.history WHERE duration_ms IS NOT NULL) h)
"""


@pytest.fixture
def new_data(bare_db: Connection) -> Connection:
    """The newest version, with something of all that the oldest cannot hold."""
    bare_db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
    bare_db.execute("CREATE TABLE a (id integer)")
    bare_db.execute("CREATE VIEW v AS SELECT id FROM a")
    bare_db.execute("SELECT pggit.record_metric('m', n) FROM generate_series(1, 3) n")
    bare_db.execute("SELECT pggit.configure_monitoring('quiet_after_minutes', 77)")
    bare_db.execute("UPDATE pggit.objects SET tags = '[\"mine\"]' WHERE identity = 'public.a'")
    bare_db.execute(
        "INSERT INTO pggit.backups (path, kind, started_at, completed_at, status)"
        " VALUES ('/b', 'full', now(), now(), 'completed')"
    )
    assert one(bare_db, "SELECT pggit.archive_history((SELECT max(created_at) FROM pggit.history))") > 0
    return bare_db


def change(db: Connection, version: str, how: str = "ALTER") -> None:
    db.execute(f"ALTER EXTENSION pggit UPDATE TO '{version}'" if how == "ALTER" else f"CALL pggit.upgrade('{version}')")


@pytest.mark.parametrize("how", ["ALTER", "CALL"])
def test_down_and_up_with_commands_between_loses_nothing(new_data: Connection, how: str) -> None:
    before = new_data.execute(NEW_DATA).fetchone()
    for _ in range(2):
        change(new_data, OLD, how)
        assert one(new_data, "SELECT count(*) FROM pggit.settings WHERE name = 'quiet_after_minutes'") == 0
        new_data.execute("ALTER TABLE a RENAME TO between; ALTER TABLE between RENAME TO a")
        new_data.execute("ALTER TABLE a ADD COLUMN more integer; ALTER TABLE a DROP COLUMN more")
        change(new_data, NEW, how)
        assert new_data.execute(NEW_DATA).fetchone() == before
        assert one(new_data, COUNTED)
    assert one(new_data, "SELECT to_regnamespace('pggit_attic') IS NULL OR NOT pggit.has_backfill()")
    assert one(new_data, "SELECT pggit.record_metric('n', 1)") > 3
    assert differences(new_data) == []


def test_what_is_archived_is_history_again_in_the_older_version(new_data: Connection) -> None:
    """0.1.0 knows no archive; there and back again every row is where it can be read, and sealed as it was."""
    rows = "SELECT array_agg(ROW(h.id, h.identity, h.new_blob, h.transaction_id)::text ORDER BY h.id) FROM {} h"
    before, seal = one(new_data, rows.format("pggit.history")), one(new_data, "SELECT pggit.seal()")
    for version in (OLD, NEW):
        change(new_data, version)
        assert one(new_data, rows.format("ONLY pggit.history")) == before
        assert new_data.execute("SELECT * FROM pggit.verify_audit(%s) WHERE status <> 'ok'", [seal]).fetchall() == []
    assert one(new_data, "SELECT count(*) FROM pggit.history_archive") == 0


def test_tags_follow_a_rename_between(new_data: Connection) -> None:
    change(new_data, OLD)
    new_data.execute("ALTER TABLE a RENAME TO b")
    change(new_data, NEW)
    assert one(new_data, "SELECT tags::text FROM pggit.objects WHERE identity = 'public.b'") == '["mine"]'


def test_any_superuser_goes_the_way_of_any_other(new_data: Connection, connect: Connect) -> None:
    before = new_data.execute(NEW_DATA).fetchone()
    other = connect("second_admin")
    new_data.execute("ALTER ROLE second_admin SUPERUSER")
    owners = """
        SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.relnamespace = 'pggit'::regnamespace
        UNION SELECT pg_get_userbyid(p.proowner) FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace"""
    for db, version in ((other, OLD), (other, NEW), (new_data, OLD), (other, NEW), (other, OLD), (new_data, NEW)):
        change(db, version)
        assert new_data.execute(owners).fetchall() == [("postgres",)]
    assert new_data.execute(NEW_DATA).fetchone() == before
    assert one(new_data, COUNTED)


def test_a_plain_roles_tables_of_our_names_are_never_read(new_data: Connection, connect: Connect) -> None:
    mallory = connect("mallory")
    change(new_data, OLD)
    new_data.execute("GRANT CREATE ON SCHEMA pggit_attic TO mallory; GRANT USAGE ON SCHEMA pggit_attic TO mallory")
    new_data.execute("DROP TABLE pggit_attic.pggit_objects")
    mallory.execute(
        "CREATE TABLE pggit_attic.pggit_objects (id bigint PRIMARY KEY, created_at timestamptz, tags jsonb);"
        "INSERT INTO pggit_attic.pggit_objects SELECT n, now(), '[\"evil\"]' FROM generate_series(1, 9) n"
    )
    change(new_data, NEW)
    assert one(new_data, "SELECT count(*) FROM pggit.objects WHERE tags <> '[]'") == 0
    assert one(mallory, "SELECT count(*) FROM pggit_attic.pggit_objects") == 9


def test_a_copy_brings_back_what_it_held(new_data: Connection) -> None:
    new_data.execute("CREATE TABLE shop (id integer); SELECT pggit.commit('shop')")
    parts = ("history", "commits", "blobs", "objects", "performance_metrics", "settings", "backups")
    rows = {part: new_data.execute(f"SELECT x::text FROM pggit.{part} x ORDER BY 1").fetchall() for part in parts}
    change(new_data, OLD, "CALL")
    change(new_data, NEW, "CALL")
    new_data.execute("CREATE TABLE later (id integer); SELECT pggit.record_metric('later', 1)")
    last = one(new_data, "SELECT max(id) FROM pggit.history")
    copied = one(new_data, f"SELECT backup_schema FROM pggit.list_upgrade_backups() WHERE version = '{NEW}'")
    assert one(new_data, "SELECT pggit.restore_upgrade_backup(%s)", copied) > 0
    for part in parts:
        assert new_data.execute(f"SELECT x::text FROM pggit.{part} x ORDER BY 1").fetchall() == rows[part], part
    assert one(new_data, "SELECT pggit.rescan()") > 0
    assert differences(new_data) == []
    new_data.execute("CREATE TABLE after (id integer)")
    assert one(new_data, "SELECT min(id) FROM pggit.history WHERE identity = 'public.after'") > last


def test_nobody_gets_anything_by_the_name_of_a_copy(new_data: Connection, connect: Connect) -> None:
    change(new_data, OLD, "CALL")
    change(new_data, NEW, "CALL")
    copied = one(new_data, f"SELECT backup_schema FROM pggit.list_upgrade_backups() WHERE version = '{NEW}'")
    new_data.execute("SELECT pggit.prune_upgrade_backups(0)")
    mallory = connect("mallory")
    new_data.execute(f'GRANT CREATE ON DATABASE "{new_data.info.dbname}" TO mallory')
    mallory.execute(f"CREATE SCHEMA {copied}; CREATE TABLE {copied}.history AS SELECT 1 AS id")
    assert new_data.execute("SELECT * FROM pggit.list_upgrade_backups()").fetchall() == []
    with pytest.raises(psycopg.Error) as raised:
        new_data.execute("SELECT pggit.restore_upgrade_backup(%s)", [copied])
    assert raised.value.sqlstate == "GT047"
    assert new_data.execute("SELECT * FROM pggit.prune_upgrade_backups(0)").fetchall() == []
    assert one(new_data, "SELECT to_regnamespace(%s) IS NOT NULL", copied)


def test_types_of_others_do_not_reach_the_procedures(new_data: Connection, connect: Connect) -> None:
    mallory = connect("mallory")
    new_data.execute("GRANT CREATE ON SCHEMA public TO mallory")
    mallory.execute(
        "CREATE FUNCTION public.evil(text) RETURNS boolean LANGUAGE plpgsql AS"
        " 'BEGIN EXECUTE ''ALTER ROLE mallory SUPERUSER''; RETURN true; END';"
        "CREATE DOMAIN public.text AS pg_catalog.text CHECK (public.evil(VALUE))"
    )
    new_data.execute("SET search_path = public, pg_catalog")
    for version in (OLD, NEW):
        change(new_data, version, "CALL")
    assert one(new_data, "SELECT NOT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'mallory'")


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_only_a_transaction_that_sees_the_present_may_update(new_data: Connection, isolation: str) -> None:
    new_data.execute(f"SET default_transaction_isolation = '{isolation}'")
    with pytest.raises(psycopg.Error) as raised:
        change(new_data, OLD)
    assert raised.value.sqlstate == "GT011"
    for version in (OLD, NEW):
        change(new_data, version, "CALL")
        new_data.execute("CREATE TABLE t (id integer); DROP TABLE t")
    new_data.execute("RESET default_transaction_isolation; SELECT pggit.settle()")
    assert one(new_data, COUNTED)


def test_a_row_of_the_log_that_was_cut_off_hides_no_other(new_data: Connection) -> None:
    new_data.execute("""
        INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
        SELECT '0.2.0', '0.1.0', now(), 'in_progress', 'x', a.pid, a.backend_start FROM pg_stat_activity a
        WHERE a.pid = pg_backend_pid()""")
    change(new_data, OLD)
    change(new_data, NEW, "CALL")
    log = new_data.execute("SELECT to_version, status FROM pggit.upgrade_log ORDER BY upgrade_id").fetchall()
    assert log == [("0.1.0", "rolled_back"), (OLD, "completed"), (NEW, "completed")]


def test_uninstall_takes_our_own_parked_rows_and_nobody_elses(new_data: Connection) -> None:
    change(new_data, OLD)
    new_data.execute("CREATE TABLE pggit_mine (id integer); SELECT pggit.commit('mine')")
    new_data.execute("INSERT INTO pggit_mine VALUES (1); SELECT pggit.create_branch('side')")
    new_data.execute("SELECT pggit.create_restore_point('before'); DROP VIEW v; SELECT pggit.commit('less')")
    new_data.execute("SELECT pggit.park('public.pggit_mine', NULL)")
    new_data.execute("SET quote_all_identifiers = on; SELECT pggit.uninstall()")
    left = new_data.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pggit_attic'::regnamespace AND relkind = 'r'"
    ).fetchall()
    assert left == [("pggit_mine_1",)]


def test_the_follow_up_counts_each_row_once_however_small_the_pieces(new_data: Connection) -> None:
    """The history has gaps, as rolled back commands leave them, and is counted a few rows at a time, with cuts."""
    change(new_data, OLD)
    for n in range(30):
        new_data.execute(f"CREATE TABLE counted_{n} (id integer)".encode())
        with new_data.transaction(force_rollback=True):
            new_data.execute("CREATE TABLE gone (id integer); DROP TABLE gone")
    new_data.execute("SELECT setval('pggit.history_id_seq', nextval('pggit.history_id_seq') + 100000)")
    new_data.execute("CREATE TABLE after_the_gap (id integer)")
    change(new_data, NEW)
    # as an upgrade leaves it where there is more than it does by itself
    new_data.execute("DELETE FROM pggit.tallies WHERE counter = 'change'")
    last = one(new_data, "SELECT max(id) FROM pggit.history")
    new_data.execute("SELECT pggit.put_setting('uncounted', %s)", [f"{{[0,{last + 1})}}"])
    new_data.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_index_scan_size = 0")
    new_data.execute("SET min_parallel_table_scan_size = 0")
    rounds = 0
    while one(new_data, "SELECT pggit.count_history(7)"):
        with new_data.transaction(force_rollback=True):  # one that is cut off counts nothing
            new_data.execute("SELECT pggit.count_history(7)")
        new_data.execute("CREATE TABLE IF NOT EXISTS meanwhile (id integer)")
        rounds += 1
    assert rounds > 5
    assert one(new_data, COUNTED)
    assert not one(new_data, "SELECT pggit.has_backfill()")


def test_commands_beside_it_go_on_and_are_recorded_once(new_data: Connection, connect: Connect) -> None:
    """A session makes tables while others change the version: no command fails, and each is recorded."""
    worker = connect()
    failures: list[str] = []
    done = threading.Event()
    made = 0

    def work() -> None:
        nonlocal made
        while not done.is_set() and made < 5000:
            try:
                worker.execute(f"CREATE TABLE beside_{made} (id integer)".encode())
            except psycopg.Error as error:
                failures.append(str(error))
            made += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for how in ("ALTER", "CALL", "ALTER"):
            change(new_data, OLD, how)
            change(new_data, NEW, how)
    finally:
        done.set()
        thread.join()
    new_data.execute("SELECT pggit.settle()")
    assert failures == []
    recorded = "SELECT count(*), count(DISTINCT identity) FROM pggit.history WHERE identity LIKE 'public.beside%'"
    errors = "SELECT command_tag, sqlstate, message, context FROM pggit.tracking_errors"
    assert (new_data.execute(errors).fetchall(), differences(new_data)) == ([], [])
    assert new_data.execute(recorded).fetchone() == (made, made)
