"""grant_access: what each level may do, and nothing more; it survives dump and restore."""

from pathlib import Path

import psycopg
import pytest

from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_dump_restore import dump_and_restore
from tests.extension.test_tracked_kinds import differences

LEVELS = ("reader", "committer", "admin")
# Each is run as a role of each level: the lowest level that may, and the call.
CALLS = [
    ("reader", "SELECT pggit.version()"),
    ("reader", "SELECT * FROM pggit.status()"),
    ("reader", "SELECT * FROM pggit.verify()"),
    ("reader", "SELECT * FROM pggit.log()"),
    ("reader", "SELECT * FROM pggit.show()"),
    ("reader", "SELECT pggit.graph('dot')"),
    ("reader", "SELECT * FROM pggit.list_branches()"),
    ("reader", "SELECT * FROM pggit.ref_history()"),
    ("reader", "SELECT * FROM pggit.diff('HEAD', 'LIVE')"),
    ("reader", "SELECT pggit.diff_sql('HEAD', 'LIVE')"),
    ("reader", "SELECT pggit.export_ddl('LIVE')"),
    ("reader", "SELECT pggit.object_ddl('public.seen', 'LIVE')"),
    ("reader", "SELECT * FROM pggit.generate_migration('HEAD', 'LIVE')"),
    ("reader", "SELECT pggit.merge_base('main', 'HEAD')"),
    ("reader", "SELECT * FROM pggit.conflicts()"),
    ("reader", "SELECT pggit.tree_of('HEAD')"),
    ("reader", "SELECT pggit.live_tree()"),
    ("reader", "SELECT pggit.tree_at(clock_timestamp())"),
    ("reader", "SELECT * FROM pggit.schema_at(clock_timestamp())"),
    ("reader", "SELECT * FROM pggit.object_at('public.seen', clock_timestamp())"),
    ("reader", "SELECT * FROM pggit.find_object('public.seen')"),
    ("reader", "SELECT * FROM pggit.get_history('public.seen')"),
    ("reader", "SELECT * FROM pggit.get_version('public.seen')"),
    ("reader", "SELECT * FROM pggit.blame('public.seen')"),
    ("reader", "SELECT * FROM pggit.get_impact_analysis('public.seen')"),
    ("reader", "SELECT * FROM pggit.verify_audit()"),
    ("reader", "SELECT * FROM pggit.list_restore_points()"),
    ("reader", "SELECT * FROM pggit.list_attic()"),
    ("reader", "SELECT * FROM pggit.list_access()"),
    ("reader", "SELECT count(*) FROM pggit.history"),
    ("reader", "SELECT * FROM pggit.health_check()"),
    ("reader", "SELECT pggit.prometheus_metrics()"),
    ("reader", "SELECT * FROM pggit.metrics"),
    ("reader", "SELECT * FROM pggit.metrics_summary"),
    ("reader", "SELECT * FROM pggit.monitoring_settings()"),
    ("committer", "SELECT pggit.commit('x')"),
    ("committer", "SELECT pggit.create_branch('b')"),
    ("committer", "SELECT pggit.delete_branch('side')"),
    ("committer", "SELECT pggit.tag('v2')"),
    ("committer", "SELECT pggit.delete_tag('v1')"),
    ("committer", "SELECT pggit.create_restore_point('p2')"),
    ("committer", "SELECT pggit.delete_restore_point('p1')"),
    ("committer", "SELECT pggit.seal()"),
    ("committer", "SELECT pggit.record_metric('x', 1)"),
    ("admin", "SELECT pggit.rescan()"),
    ("admin", "SELECT pggit.pause()"),
    ("admin", "SELECT pggit.resume()"),
    ("admin", "SELECT pggit.configure_tracking()"),
    ("admin", "SELECT pggit.configure_monitoring('error_hours', 1)"),
    ("admin", "SELECT pggit.prune_metrics()"),
    ("admin", "SELECT pggit.archive_history(now() - interval '1 day')"),
    ("admin", "SELECT * FROM pggit.checkout('main', force => true)"),
    ("admin", "SELECT * FROM pggit.merge('side')"),
    ("admin", "SELECT * FROM pggit.revert('HEAD')"),
    ("admin", "SELECT * FROM pggit.reset('HEAD')"),
    ("admin", "SELECT * FROM pggit.restore_to_point('p1')"),
    ("admin", "SELECT * FROM pggit.restore_from_attic(1)"),
    ("admin", "SELECT pggit.resolve_conflict(1, 'ours')"),
    ("admin", "SELECT pggit.abort_merge()"),
    ("admin", "SELECT * FROM pggit.apply_tree(pggit.live_tree(), false)"),
    ("owner", "SELECT pggit.init()"),
    ("owner", "SELECT pggit.enable()"),
    ("owner", "SELECT pggit.disable()"),
    ("owner", "SELECT pggit.uninstall()"),
    ("owner", "SELECT pggit.grant_access('mallory', 'admin')"),
    ("owner", "SELECT pggit.revoke_access('mallory')"),
    ("owner", "CALL pggit.upgrade()"),
    ("owner", "CALL pggit.finish_upgrade()"),
    ("owner", "SELECT pggit.check_upgrade()"),
    ("owner", "SELECT pggit.list_upgrade_backups()"),
    ("owner", "SELECT pggit.prune_upgrade_backups()"),
    ("owner", "SELECT pggit.restore_upgrade_backup('x')"),
    ("owner", "SELECT pggit.record_drop(1, NULL)"),
    ("owner", "INSERT INTO pggit.tags (name) VALUES ('x')"),
    ("owner", "DELETE FROM pggit.uncommitted"),
    ("owner", "UPDATE pggit.branches SET head = ''"),
    ("owner", "SELECT pggit.put_setting('paused', 'on')"),
    ("owner", "SELECT pggit.move_branch(1, '', '', '')"),
    ("owner", "SELECT pggit.note_ref('x', NULL, NULL, 'x')"),
]
REFUSED = {"42501", "GT010"}


@pytest.fixture
def staff(db: Connection, connect: Connect) -> dict[str, Connection]:
    """A connection for each level, to a database with something of everything."""
    for level in LEVELS:
        connect(f"a_{level}").close()
    # What changes the schema needs rights on the objects as well.
    db.execute("CREATE TABLE seen (id integer); ALTER TABLE seen OWNER TO a_admin; SELECT pggit.commit('seen')")
    db.execute("SELECT pggit.create_branch('side'), pggit.tag('v1'), pggit.create_restore_point('p1')")
    db.execute("COMMENT ON TABLE seen IS 'not committed'")
    for level in LEVELS:
        db.execute("SELECT pggit.grant_access(%s, %s)", [f"a_{level}", level])
    return {level: connect(f"a_{level}") for level in LEVELS}


def test_every_level_may_do_its_own_and_no_more(db: Connection, staff: dict[str, Connection]) -> None:
    wrong = []
    for needed, call in CALLS:
        for level in LEVELS:
            may = needed != "owner" and LEVELS.index(level) >= LEVELS.index(needed)
            state = ""
            try:
                with staff[level].transaction(force_rollback=True):
                    staff[level].execute(call)
            except psycopg.Error as error:
                state = f"{error.sqlstate} {error}"
            # What pgGit or PostgreSQL refuse for another reason has passed the gate.
            if may != (state[:5] not in REFUSED):
                wrong.append((call, level, state))
    assert wrong == []
    assert differences(db) == []


def test_a_committer_signs_with_their_own_name(db: Connection, staff: dict[str, Connection]) -> None:
    staff["committer"].execute("SELECT pggit.commit('mine'), pggit.tag('mine'), pggit.seal()")
    assert one(db, "SELECT author FROM pggit.log() LIMIT 1") == "a_committer"
    assert one(db, "SELECT tagged_by FROM pggit.tags WHERE name = 'mine'") == "a_committer"
    assert one(db, "SELECT sealed_by FROM pggit.seals") == "a_committer"


def test_an_admin_finishes_a_merge_that_conflicts(db: Connection, staff: dict[str, Connection]) -> None:
    admin, committer = staff["admin"], staff["committer"]
    admin.execute("SELECT pggit.commit('the comment'); COMMENT ON TABLE seen IS 'ours'; SELECT pggit.commit('ours')")
    admin.execute("SELECT * FROM pggit.checkout('side')")
    admin.execute("COMMENT ON TABLE seen IS 'theirs'; SELECT pggit.commit('theirs')")
    ((action, object_type, name, _),) = admin.execute("SELECT * FROM pggit.merge('main')").fetchall()
    assert (action, object_type, name) == ("conflict", "TABLE", "public.seen")
    assert one(admin, "SELECT pggit.resolve_conflict(id, 'theirs') FROM pggit.conflicts()") == 0
    with pytest.raises(psycopg.DatabaseError, match="the merge of main waits") as error:
        committer.execute("SELECT pggit.commit('merged')")
    assert (error.value.sqlstate, "level admin" in str(error.value.diag.message_hint)) == ("GT026", True)
    admin.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT obj_description('seen'::regclass)") == "ours"
    assert one(db, "SELECT cardinality(parents) FROM pggit.log() LIMIT 1") == 2
    assert differences(db) == []


def test_levels_replace_each_other(db: Connection, connect: Connect) -> None:
    role = connect("odd \"name'")
    assert refused(role, "SELECT * FROM pggit.log()") == "42501"
    db.execute("SELECT pggit.grant_access(%s, 'admin')", ["odd \"name'"])
    assert db.execute("SELECT * FROM pggit.list_access()").fetchall() == [("odd \"name'", "admin")]
    role.execute("SELECT pggit.rescan()")
    db.execute("SELECT pggit.grant_access(%s, 'reader')", ["odd \"name'"])
    assert db.execute("SELECT * FROM pggit.list_access()").fetchall() == [("odd \"name'", "reader")]
    assert refused(role, "SELECT pggit.rescan()") == "42501"
    role.execute("SELECT * FROM pggit.log()")
    db.execute("SELECT pggit.revoke_access(%s)", ["odd \"name'"])
    assert refused(role, "SELECT * FROM pggit.log()") == "42501"
    assert db.execute("SELECT * FROM pggit.list_access()").fetchall() == []


def test_what_was_granted_by_hand_is_no_level_and_an_update_adds_nothing(db: Connection, connect: Connect) -> None:
    connect("rita")
    db.execute("GRANT USAGE ON SCHEMA pggit TO rita; GRANT EXECUTE ON FUNCTION pggit.pause() TO rita")
    assert db.execute("SELECT * FROM pggit.list_access()").fetchall() == [("rita", None)]
    db.execute("SELECT pggit.renew_access()")
    assert one(db, "SELECT has_function_privilege('rita', 'pggit.pause()', 'EXECUTE')")
    assert not one(db, "SELECT has_function_privilege('rita', 'pggit.rescan()', 'EXECUTE')")


def test_wrong_roles_and_levels(db: Connection, connect: Connect) -> None:
    connect("rita")
    for role in ("nobody", "public", "PUBLIC", "", None):
        assert refused(db, "SELECT pggit.grant_access(%s, 'reader')", role) == "GT020"
        assert refused(db, "SELECT pggit.revoke_access(%s)", role) == "GT020"
    for level in ("owner", "READER", "", None):
        assert refused(db, "SELECT pggit.grant_access('rita', %s)", level) == "GT019"


def test_every_function_has_one_level(db: Connection) -> None:
    assert (
        db.execute("""
        SELECT function_name FROM pggit.access_list() GROUP BY 1 HAVING count(*) > 1""").fetchall()
        == []
    )
    listed = "SELECT function_name FROM pggit.access_list()"
    missing = f"""
        SELECT l.function_name FROM ({listed}) l
        WHERE l.function_name NOT IN (SELECT proname FROM pg_proc WHERE pronamespace = 'pggit'::regnamespace)"""
    assert db.execute(missing).fetchall() == []
    # What runs with the owner's rights is listed, but for the triggers' functions, which nobody can call.
    stray = f"""
        SELECT p.proname FROM pg_proc p
        WHERE p.pronamespace = 'pggit'::regnamespace AND p.prosecdef
          AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger']::regtype[])
          AND p.proname NOT IN ({listed})"""
    assert db.execute(stray).fetchall() == []
    tested = " ".join(call for _, call in CALLS)
    public = db.execute("SELECT function_name FROM pggit.access_list() WHERE is_public").fetchall()
    assert [name for (name,) in public if f"pggit.{name}(" not in tested] == []


def test_access_survives_dump_and_restore(
    db: Connection, connect: Connect, staff: dict[str, Connection], server: Server, tmp_path: Path
) -> None:
    acl = """
        SELECT p.oid::regprocedure::text, r.rolname FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) x
        JOIN pg_roles r ON r.oid = x.grantee WHERE p.pronamespace = 'pggit'::regnamespace AND x.grantee <> p.proowner
        UNION ALL SELECT c.relname, r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
        JOIN pg_roles r ON r.oid = x.grantee WHERE c.relnamespace = 'pggit'::regnamespace
          AND x.privilege_type = 'SELECT' AND x.grantee <> c.relowner
        ORDER BY 1, 2"""
    server.createdb("access_restored")
    try:
        dump_and_restore("custom", server, db.info.dbname, server, "access_restored", tmp_path)
        with psycopg.connect(server.dsn("access_restored"), autocommit=True) as fresh:
            assert fresh.execute("SELECT * FROM pggit.list_access()").fetchall() == [
                (f"a_{level}", level) for level in sorted(LEVELS)
            ]
            assert fresh.execute(acl).fetchall() == db.execute(acl).fetchall()
        with psycopg.connect(server.dsn("access_restored", "a_committer"), autocommit=True) as committer:
            committer.execute("SELECT pggit.tag('after')")
    finally:
        server.dropdb("access_restored")
