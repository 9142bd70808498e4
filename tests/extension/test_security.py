"""PUBLIC can change nothing, and nobody makes pgGit run what is not its own."""

import psycopg
import pytest

from tasks.lib.paths import ROOT
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences


def test_public_holds_no_privilege(db: Connection) -> None:
    assert (
        db.execute("""
        SELECT c.oid::regclass::text FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.relnamespace = 'pggit'::regnamespace AND a.grantee = 0
        UNION ALL
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'pggit'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
        UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname = 'pggit' AND has_schema_privilege('public', oid, 'USAGE, CREATE')""").fetchall()
        == []
    )


def test_default_privileges_open_nothing(bare_db: Connection, connect: Connect) -> None:
    mallory = connect("mallory")
    for grant in ("ALL ON TABLES", "ALL ON SEQUENCES", "USAGE, CREATE ON SCHEMAS", "ALL ON FUNCTIONS", "ALL ON TYPES"):
        bare_db.execute(f"ALTER DEFAULT PRIVILEGES GRANT {grant} TO PUBLIC, mallory")
    bare_db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
    for attack in ("SELECT * FROM pggit.history", "SELECT pggit.pause()", "CREATE TABLE pggit.x (id int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mallory.execute(attack)
    assert (
        bare_db.execute("""
        SELECT c.oid::regclass::text FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.relnamespace = 'pggit'::regnamespace AND a.grantee <> c.relowner
        UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p
        CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE p.pronamespace = 'pggit'::regnamespace AND a.grantee <> p.proowner
        UNION ALL SELECT n.nspname FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
        WHERE n.nspname = 'pggit' AND a.grantee <> n.nspowner""").fetchall()
        == []
    )
    assert differences(bare_db) == []


@pytest.mark.parametrize(
    "attack",
    [
        "INSERT INTO pggit.history (object_id) VALUES (1)",
        "DELETE FROM pggit.settings",
        "SELECT pggit.record_drop(1, NULL)",
        "SELECT pggit.settle()",
        "SELECT pggit.pause()",
        "SELECT pggit.commit('mine')",
        "UPDATE pggit.branches SET head = 'x'",
        "ALTER EVENT TRIGGER pggit_sql_drop DISABLE",
        "DROP EVENT TRIGGER pggit_ddl_command_end",
        "DROP EXTENSION pggit",
        "CREATE FUNCTION pggit.f() RETURNS integer RETURN 1",
        "CREATE TRIGGER t BEFORE INSERT ON pggit.history FOR EACH ROW EXECUTE FUNCTION pggit.refuse_change()",
    ],
)
def test_an_ordinary_role_is_refused(db: Connection, connect: Connect, attack: str) -> None:
    before = one(db, "SELECT count(*) FROM pggit.history")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect("mallory").execute(attack)
    assert one(db, "SELECT count(*) FROM pggit.history") == before


def test_event_trigger_functions_cannot_be_called_or_reused(db: Connection, connect: Connect) -> None:
    mallory = connect("mallory")
    for name in ("on_ddl_command_start", "on_ddl_command_end", "on_sql_drop", "on_table_rewrite"):
        with pytest.raises(psycopg.DatabaseError):
            mallory.execute(f"SELECT pggit.{name}()")


def test_every_function_fixes_its_search_path(db: Connection) -> None:
    assert (
        db.execute("""
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'pggit'::regnamespace
          AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false) ORDER BY 1""").fetchall()
        # these commit, so they cannot; their bodies name no operator or function bare
        == [("pggit.finish_upgrade(integer)",), ("pggit.upgrade(text)",), ("pggit.verify_upgrade()",)]
    )


def test_no_plan_of_ours_is_compiled(db: Connection) -> None:
    """What PostgreSQL thinks our plans cost would have it compile them, for many times what they take.

    jit = off holds for all that a function calls: so it stands on those that users, views, triggers and procedures
    (which can have no setting) call.
    """
    entries = r"""
        SELECT function_name FROM pggit.access_list()
        UNION SELECT p.proname FROM pg_proc p WHERE p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
        UNION SELECT d.refobjid::regproc::text FROM pg_depend d
              WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass
        UNION SELECT m[1] FROM pg_proc p CROSS JOIN LATERAL regexp_matches(p.prosrc, 'pggit\.([a-z_]+)\(', 'g') m
              WHERE p.prokind = 'p'"""
    entered = db.execute(rf"""
        SELECT p.proname, coalesce('jit=off' = ANY (p.proconfig), false)
        FROM pg_proc p WHERE p.pronamespace = 'pggit'::regnamespace AND p.prokind = 'f'
          AND p.proname::text IN (SELECT replace(e.function_name, 'pggit.', '') FROM ({entries}) e)""").fetchall()
    assert len(entered) > 80
    assert [name for name, is_off in entered if not is_off] == []


def test_what_runs_with_the_owners_rights_is_known(db: Connection) -> None:
    """Each new SECURITY DEFINER function is looked at by whoever adds it here."""
    definer = db.execute("""
        SELECT proname FROM pg_proc WHERE pronamespace = 'pggit'::regnamespace AND prosecdef ORDER BY 1""").fetchall()
    assert [name for (name,) in definer] == [
        "abort_merge", "archive_history", "clear_attic", "commit_index", "configure_monitoring", "configure_tracking",
        "create_branch", "create_restore_point", "delete_branch", "delete_restore_point", "delete_tag", "finish_merge",
        "forward_branch", "live_tree", "lock_head", "on_ddl_command_end", "on_ddl_command_start", "on_sql_drop",
        "on_table_rewrite", "park", "pause", "prune_metrics", "record_metric", "rescan", "reset_branch", "resume",
        "revert_tree", "seal", "settle", "start_merge", "switch_head", "tag", "take_resolution", "tree_at",
    ]  # fmt: skip


HOSTILE = """
    CREATE FUNCTION {schema}.explode() RETURNS boolean LANGUAGE plpgsql AS $f$
    BEGIN
        INSERT INTO public.loot SELECT current_user; RETURN true;
    END $f$;
    CREATE FUNCTION {schema}.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS
        'SELECT CASE WHEN {schema}.explode() THEN ''x'' END';
    CREATE FUNCTION {schema}.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
        'SELECT CASE WHEN {schema}.explode() THEN now() END';
    CREATE FUNCTION {schema}.evil_eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT {schema}.explode()';
    CREATE FUNCTION {schema}.evil_eq(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT {schema}.explode()';
    CREATE OPERATOR {schema}.= (LEFTARG = text, RIGHTARG = text, FUNCTION = {schema}.evil_eq);
    CREATE OPERATOR {schema}.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = {schema}.evil_eq);
"""


def test_shadowing_of_functions_and_operators_runs_nothing(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE loot (who text); GRANT ALL ON loot TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC")
    mallory = connect("mallory")
    mallory.execute(HOSTILE.format(schema="public"))
    db.execute("SET search_path = public, pg_catalog")
    # the traps are set: what does not fix its search_path runs into each of them
    for trap in ("'a'::text = 'b'::text", "1::oid = 2::oid", "format('x', 'y')", "clock_timestamp()"):
        db.execute(f"DO 'BEGIN PERFORM {trap.replace(chr(39), chr(39) * 2)}; END'")
        assert one(db, "WITH caught AS (DELETE FROM public.loot RETURNING who) SELECT count(*) FROM caught") == 1, trap
    for statement in (
        "CREATE TABLE victim (id integer PRIMARY KEY)",
        "ALTER TABLE victim ADD COLUMN x text",
        "SELECT pggit.commit('x')",
        "SELECT pggit.create_branch('b')",
        "SELECT * FROM pggit.log()",
        "SELECT * FROM pggit.status()",
        "SELECT * FROM pggit.verify()",
        "SELECT pggit.rescan()",
        "DROP TABLE victim",
    ):
        db.execute(statement)
    assert db.execute("SELECT * FROM public.loot").fetchall() == []
    db.execute("RESET search_path")
    assert differences(db) == []


def test_temporary_objects_do_not_shadow_ours(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    mallory = connect("mallory")
    mallory.execute("CREATE TEMPORARY TABLE pg_event_trigger (evtname name, evtenabled char)")
    mallory.execute("CREATE TEMPORARY TABLE pg_class (oid oid, relname name)")
    mallory.execute("SET search_path = pg_temp, public")
    mallory.execute("CREATE TABLE public.honest (id integer)")
    assert one(db, "SELECT session_role FROM pggit.history WHERE identity = 'public.honest'") == "mallory"
    assert differences(db) == []


def test_names_are_data(db: Connection) -> None:
    name = "x'); DROP TABLE pggit.history CASCADE; --"
    db.execute(f'CREATE TABLE "{name}" ("{name}" integer); ALTER TABLE "{name}" ADD COLUMN "$$;--" text')
    db.execute(f'ALTER TABLE "{name}" RENAME TO "%I%s%L"')
    assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.\"%I%s%L\"'") == 1
    db.execute("SELECT pggit.commit($$'); DROP TABLE pggit.history CASCADE; --$$)")
    assert differences(db) == []


def test_a_default_is_read_and_not_run(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE loot (who text); GRANT ALL ON loot TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC")
    mallory = connect("mallory")
    mallory.execute(
        "CREATE FUNCTION boom(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS"
        " $$ BEGIN INSERT INTO public.loot SELECT current_user; RETURN 1; END $$"
    )
    mallory.execute("CREATE TABLE trap (a integer DEFAULT boom(1), b integer GENERATED ALWAYS AS (boom(a)) STORED)")
    mallory.execute("CREATE INDEX ON trap (boom(a)) WHERE boom(a) > 0")
    db.execute("SELECT pggit.rescan(); SELECT pggit.commit('x')")
    assert differences(db) == []
    assert db.execute("SELECT * FROM loot").fetchall() == []


def test_a_superuser_is_the_one_who_could(db: Connection) -> None:
    """The trail is safe from every role but a superuser, and so it is said."""
    assert "A superuser can rewrite everything, the record too." in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    with db.transaction(force_rollback=True):
        recorded = one(db, "SELECT count(*) FROM pggit.history")
        db.execute("ALTER TABLE pggit.history DISABLE TRIGGER append_only")
        assert db.execute("DELETE FROM pggit.history").rowcount == recorded > 0
