"""What an upgrade refuses: one clear message that says what to do, and nothing is changed."""

import shutil
from collections.abc import Iterator

import psycopg
import pytest

from tasks.lib import catalogdiff, catalogfacts, migrationcatalog, migrationdata, servers
from tasks.lib.migrationground import Ground
from tests.extension.conftest import Connection, SuiteServer
from tests.extension.test_commits import one
from tests.upgrade import aftermath, breakpoints

ALTER, CALL = "ALTER", "CALL"
WAYS = tuple(breakpoints.ways())
DOWN = tuple(way for way in WAYS if way[0] > way[1])
ways = pytest.mark.parametrize(("start", "goal"), WAYS, ids=["-".join(way) for way in WAYS])
ways_down = pytest.mark.parametrize(("start", "goal"), DOWN, ids=["-".join(way) for way in DOWN])

OURS = "GT048 {} is in schema pggit and is no part of the extension | Move it to another schema, or drop it"
MISSING = "GT048 {} | DROP EXTENSION pggit and restore the database's dump."
SPOILT = {
    "a-table": ("CREATE TABLE pggit.mine (id integer)", OURS.format("table pggit.mine")),
    "a-view": ("CREATE VIEW pggit.mine AS SELECT 1 AS one", OURS.format("view pggit.mine")),
    "a-function": (
        "CREATE FUNCTION pggit.version(integer) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
        OURS.format("function pggit.version(integer)"),
    ),
    "a-type": ("CREATE TYPE pggit.mine AS ENUM ('a')", OURS.format("type pggit.mine")),
    "an-operator": (
        "CREATE OPERATOR pggit.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
        OURS.format("operator pggit.===(text,text)"),
    ),
    "a-trigger": (
        "CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
        "CREATE TRIGGER mine BEFORE INSERT ON pggit.tags FOR EACH ROW EXECUTE FUNCTION shop.f()",
        "GT048 trigger mine on table pggit.tags is no part of the extension | Drop it.",
    ),
    "a-rule": (
        "CREATE RULE mine AS ON INSERT TO pggit.tags DO ALSO NOTHING",
        "GT048 rule mine on table pggit.tags is no part of the extension | Drop it.",
    ),
    "a-table-taken-out": ("ALTER EXTENSION pggit DROP TABLE pggit.tags", OURS.format("table pggit.tags")),
    "a-function-taken-out": (
        "ALTER EXTENSION pggit DROP FUNCTION pggit.seal()", OURS.format("function pggit.seal()"),
    ),
    "a-function-missing": (
        "ALTER EXTENSION pggit DROP FUNCTION pggit.seal(); DROP FUNCTION pggit.seal()",
        MISSING.format("function pggit.seal is missing"),
    ),
    "a-trigger-missing": (
        "DROP TRIGGER append_only ON pggit.history",
        MISSING.format("table pggit.history lacks its trigger append_only"),
    ),
    "paused": ("SELECT pggit.pause()", "GT030 tracking is paused | SELECT pggit.resume(); then try again."),
    "data-of-another-version": (
        "UPDATE pggit.settings SET value = '0.0.9' WHERE name = 'data_version'",
        "GT048 the tables are those of version 0.0.9, the functions of {start} | CALL pggit.finish_upgrade(); first.",
    ),
}  # fmt: skip


def said(db: Connection, statement: str) -> str:
    """The error of a statement: its code, its one line, and what it says to do."""
    with pytest.raises(psycopg.Error) as raised:
        db.execute(statement.encode())
    line = raised.value.diag.message_primary or ""
    assert "\n" not in line
    return f"{raised.value.sqlstate} {line} | {raised.value.diag.message_hint}"


def state(db: Connection) -> tuple[catalogdiff.Facts, migrationdata.Snapshot, list[tuple[str, ...]]]:
    """The whole catalog, the rows of whatever a dump holds, and the schemas."""
    log = db.execute("SELECT x::text FROM pggit.upgrade_log x ORDER BY 1").fetchall()
    return catalogfacts.read(db, rows=False, system=False), migrationdata.snapshot(db), log


def unchanged(db: Connection, before: tuple[catalogdiff.Facts, migrationdata.Snapshot, list[tuple[str, ...]]]) -> None:
    after = state(db)
    assert migrationcatalog.lines(catalogdiff.compare(before[0], after[0], physical=True)) == []
    assert migrationdata.compare(before[1], after[1]) == []
    assert after[2] == before[2]


@ways
@pytest.mark.parametrize("case", SPOILT)
def test_what_is_not_in_order_is_told_and_nothing_is_changed(ground: Ground, start: str, goal: str, case: str) -> None:
    spoil, expected = SPOILT[case]
    with ground.copy(ground.filled(start)) as db:
        db.execute(spoil.encode())
        before = state(db)
        assert said(db, aftermath.command(goal, CALL)).startswith(expected.format(start=start))
        unchanged(db, before)


@ways
def test_what_the_first_message_says_helps(ground: Ground, start: str, goal: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        db.execute("ALTER EXTENSION pggit DROP TABLE pggit.tags; SELECT pggit.pause()")
        assert "ALTER EXTENSION pggit ADD" in said(db, aftermath.command(goal, CALL))
        db.execute("ALTER EXTENSION pggit ADD TABLE pggit.tags")
        db.execute("SELECT pggit.resume()")
        db.execute("SELECT pg_catalog.set_config('search_path', '', false)")
        db.execute(aftermath.command(goal, CALL))
        assert one(db, "SELECT pggit.version()") == goal


@ways
def test_a_version_that_nobody_knows(ground: Ground, start: str, goal: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        before = state(db)
        for version in ("7.0", "", "0.2", f"{goal} ", "0.1.0--0.2.0"):
            assert said(db, aftermath.command(version, CALL)) == (
                f"GT022 there is no way from version {start} to {version} | Valid are: {goal}."
            )
        assert said(db, aftermath.command("7.0", ALTER)).startswith('22023 extension "pggit" has no update path')
        unchanged(db, before)


@ways
def test_inside_a_transaction(ground: Ground, start: str, goal: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        before = state(db)
        with db.transaction(force_rollback=True):
            assert said(db, aftermath.command(goal, CALL)) == (
                "GT023 pggit.upgrade() cannot run inside a transaction"
                " | It commits its log before and after: call it by itself, with autocommit."
            )
        unchanged(db, before)


@ways
def test_somebody_who_is_no_superuser(ground: Ground, start: str, goal: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        db.execute("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA pggit TO verify_admin")
        before = state(db)
        db.execute("SET ROLE verify_admin")
        assert said(db, aftermath.command(goal, CALL)).startswith("GT010 pggit.upgrade() needs a superuser | ")
        assert said(db, "CALL pggit.finish_upgrade()").startswith("GT010 pggit.finish_upgrade() needs a superuser | ")
        assert said(db, aftermath.command(goal, ALTER)).startswith("42501 must be owner of extension pggit")
        db.execute("RESET ROLE")
        unchanged(db, before)


def test_data_from_which_nothing_leads_here(ground: Ground) -> None:
    with ground.copy(ground.filled(ground.newest)) as db:
        db.execute("UPDATE pggit.settings SET value = '0.0.9' WHERE name = 'data_version'")
        before = state(db)
        for statement in ("CALL pggit.finish_upgrade()", "CALL pggit.upgrade()"):
            assert said(db, statement) == (
                f"GT048 the tables are those of version 0.0.9, from which nothing leads to this one, {ground.newest}"
                " | Install that version of the package and restore the dump there."
            )
        unchanged(db, before)


# A standby -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standby(ground: Ground, pg: str) -> Iterator[Ground]:
    """A hot standby of the suite's server, with a database of each version in it."""
    for start, _ in WAYS:
        ground.filled(start)
    replica = SuiteServer(pg)
    try:
        replica.start()
        replica.stop()
        shutil.rmtree(replica.cluster.data)
        words = ["-D", str(replica.cluster.data), "-d", ground.server.dsn(), "-c", "fast", "-R"]
        copied = servers.run_as_server_user([str(replica.bin / "pg_basebackup"), *words], replica.cluster.folder)
        assert copied.returncode == 0, copied.stdout
        replica.cluster.configure({}, durable=False)
        replica.start()
        yield Ground(replica)
    finally:
        replica.close()


@ways
def test_a_standby(ground: Ground, standby: Ground, start: str, goal: str) -> None:
    with standby.connect(ground.filled(start)) as db:
        assert said(db, aftermath.command(goal, CALL)).endswith(" | Upgrade on the primary: the standby follows.")
        assert said(db, aftermath.command(goal, ALTER)).startswith("25006 ")
        assert one(db, "SELECT pggit.version()") == start


# The attic ------------------------------------------------------------------------------------------------

EVIL = """
    CREATE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO public.executed VALUES (session_user, current_user); RETURN coalesce(new, old); END$$;
    CREATE FUNCTION public.evil_value() RETURNS text LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO public.executed VALUES (session_user, current_user); RETURN 'x'; END$$;
    CREATE TABLE pggit_attic.pggit_{part} AS SELECT * FROM pggit.{part} LIMIT 0;
    ALTER TABLE pggit_attic.pggit_{part} ADD COLUMN evil text DEFAULT public.evil_value(), ADD PRIMARY KEY ({key});
    CREATE TRIGGER evil BEFORE DELETE OR UPDATE ON pggit_attic.pggit_{part} FOR EACH ROW EXECUTE FUNCTION public.evil();
    ALTER TABLE pggit_attic.pggit_{part} ENABLE ALWAYS TRIGGER evil;
    CREATE INDEX ON pggit_attic.pggit_{part} ((public.evil_constant()));
"""
CONSTANT = "CREATE FUNCTION public.evil_constant() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''x''::text'"
KEYS = {"history": "id", "objects": "id", "settings": "name"}


def plant(db: Connection, owner: str) -> None:
    """In pggit_attic, tables of a plain role with the names of parked ones, and code of that role on them."""
    db.execute("CREATE SCHEMA IF NOT EXISTS pggit_attic; CREATE TABLE public.executed (by text, as_whom text)")
    db.execute(f"GRANT ALL ON SCHEMA pggit_attic, public TO {owner}; GRANT ALL ON public.executed TO PUBLIC")
    db.execute(f"GRANT pg_read_all_data TO {owner}; GRANT USAGE ON SCHEMA pggit TO {owner}; SET ROLE {owner}")
    db.execute(CONSTANT)
    for part, key in KEYS.items():
        db.execute(EVIL.format(part=part, key=key).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").encode())
        db.execute(
            f"INSERT INTO pggit_attic.pggit_{part} SELECT x.*, 'x' FROM pggit.{part} x ORDER BY {key} LIMIT 5".encode()
        )
    db.execute("RESET ROLE; REVOKE pg_read_all_data FROM " + owner)


@pytest.mark.parametrize("how", [ALTER, CALL])
def test_tables_of_a_plain_role_in_the_attic_are_never_read_and_their_code_never_runs(ground: Ground, how: str) -> None:
    start, goal = next(way for way in WAYS if way not in DOWN)
    with ground.copy(ground.filled(start)) as db:
        plant(db, "verify_stranger")
        before = db.execute("SELECT x::text FROM pggit_attic.pggit_history x ORDER BY 1").fetchall()
        data = migrationdata.snapshot(db)
        db.execute(aftermath.command(goal, how).encode())
        db.execute("CALL pggit.finish_upgrade()")
        assert db.execute("SELECT * FROM public.executed").fetchall() == []
        assert db.execute("SELECT x::text FROM pggit_attic.pggit_history x ORDER BY 1").fetchall() == before
        assert migrationdata.compare(data, migrationdata.snapshot(db)) == []
        assert migrationcatalog.index_faults(db) == []
        db.execute("REVOKE ALL ON SCHEMA pggit_attic, public FROM verify_stranger; DROP OWNED BY verify_stranger")


@ways_down
@pytest.mark.parametrize("how", [ALTER, CALL])
def test_an_attic_of_a_plain_roles_takes_nothing(ground: Ground, start: str, goal: str, how: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        db.execute("ALTER SCHEMA pggit_attic OWNER TO verify_stranger")
        assert_refused(db, start, goal, how, "schema pggit_attic, where data are to be parked, belongs to a role")
        db.execute("ALTER SCHEMA pggit_attic OWNER TO postgres")
        db.execute(aftermath.command(goal, how).encode())
        assert one(db, "SELECT pggit.version()") == goal


@ways_down
@pytest.mark.parametrize("how", [ALTER, CALL])
def test_names_that_a_plain_role_has_taken_in_the_attic(ground: Ground, start: str, goal: str, how: str) -> None:
    with ground.copy(ground.filled(start)) as db:
        plant(db, "verify_stranger")
        assert_refused(db, start, goal, how, "pggit_attic.pggit_history stands where data are to be parked")
        assert db.execute("SELECT * FROM public.executed").fetchall() == []
        db.execute("REVOKE ALL ON SCHEMA pggit_attic, public FROM verify_stranger; DROP OWNED BY verify_stranger")
        db.execute(aftermath.command(goal, how).encode())
        assert one(db, "SELECT pggit.version()") == goal


def assert_refused(db: Connection, start: str, goal: str, how: str, why: str) -> None:
    before = migrationdata.snapshot(db)
    error = said(db, aftermath.command(goal, how))
    assert why in error
    assert error.startswith("GT048" if how == ALTER else "GT024 the upgrade failed and changed nothing: GT048: ")
    if how == CALL:
        assert why in one(db, "SELECT error_message FROM pggit.upgrade_log ORDER BY upgrade_id DESC LIMIT 1")
    assert one(db, "SELECT pggit.version()") == start
    assert migrationdata.compare(before, migrationdata.snapshot(db)) == []
    assert one(db, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pggit_backup_'") == 0
