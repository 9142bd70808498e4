"""A command never fails because of pgGit."""

import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_tracked_kinds import differences


def test_ordinary_role_does_all_it_could_do_before(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    user = connect("dora")
    for statement in (
        "CREATE TABLE mine (id serial PRIMARY KEY, note text)",
        "CREATE VIEW mine_too AS SELECT * FROM mine",
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE mine ADD COLUMN more integer",
        "COMMENT ON TABLE mine IS 'hers'",
        "GRANT SELECT ON mine TO PUBLIC",
        "CREATE TEMPORARY TABLE passing (id serial PRIMARY KEY)",
        "ALTER TABLE passing ADD COLUMN x text",
        "DROP TABLE passing",
        "DROP VIEW mine_too",
        "DROP TABLE mine",
    ):
        user.execute(statement)
    assert differences(db) == []
    roles = db.execute("SELECT DISTINCT session_role FROM pggit.history WHERE command_tag NOT IN ('INIT', 'GRANT')")
    assert roles.fetchall() == [("dora",)]


def test_what_a_read_only_transaction_may_do(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    db.execute("SET default_transaction_read_only = on")
    db.execute("REINDEX TABLE t")
    db.execute("RESET default_transaction_read_only")
    assert differences(db) == []


def test_every_contrib_extension_comes_and_goes(db: Connection) -> None:
    names = db.execute("""
        SELECT name FROM pg_available_extensions
        WHERE name NOT IN ('pggit', 'plpgsql') AND name !~ '^(jsonb_|hstore_|ltree_)?pl(perl|python|tcl)'
          AND name !~ 'pl(perlu?|python3?u)$' ORDER BY name""").fetchall()
    assert len(names) > 30
    made = []
    for (name,) in names:
        try:
            with db.transaction(), db.pipeline():
                db.execute(f'CREATE EXTENSION "{name}" CASCADE')
        except Exception as error:
            # what the machine lacks is not ours to judge; the same must fail without tracking
            db.execute("SET session_replication_role = replica")
            with pytest.raises(type(error)):
                db.execute(f'CREATE EXTENSION "{name}" CASCADE')
            db.execute("RESET session_replication_role")
            continue
        made.append(name)
        assert differences(db) == [], name
        db.execute(f'DROP EXTENSION "{name}" CASCADE')
        assert differences(db) == [], name
    assert {"hstore", "citext", "pg_trgm", "ltree", "btree_gist", "cube", "tablefunc"} <= set(made)
    # again, each beside all the others
    for name in made:
        db.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" CASCADE')
    assert differences(db) == []
    for name in made:
        db.execute(f'DROP EXTENSION IF EXISTS "{name}" CASCADE')
    assert differences(db) == []


@pytest.mark.parametrize(
    "name", ['Sch"ema', "säule 漢字", "select", "a" * 63, "pg-like", "x.y", "tab\tand'quote", "%s %I"]
)
def test_names_that_need_quotes(db: Connection, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute(f"CREATE SCHEMA {quoted}")
    db.execute(f"CREATE TABLE {quoted}.{quoted} ({quoted} integer PRIMARY KEY)")
    db.execute(f"CREATE INDEX ON {quoted}.{quoted} ({quoted})")
    db.execute(f"CREATE VIEW {quoted}.v AS SELECT * FROM {quoted}.{quoted}")
    db.execute(
        f"CREATE FUNCTION {quoted}.{quoted}({quoted} {quoted}.{quoted}) RETURNS integer LANGUAGE sql AS 'SELECT 1'"
    )
    db.execute(f"ALTER TABLE {quoted}.{quoted} RENAME COLUMN {quoted} TO plain")
    db.execute(f"ALTER TABLE {quoted}.{quoted} RENAME TO plain")
    assert differences(db) == []
    db.execute(f"DROP SCHEMA {quoted} CASCADE")
    assert differences(db) == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("ALTER TABLE pggit.history ADD CHECK (command_tag <> 'CREATE TABLE')", id="row-refused"),
        pytest.param("ALTER TABLE pggit.object_oids RENAME TO elsewhere", id="table-missing"),
        pytest.param("DROP FUNCTION pggit.read_columns(oid, jsonb)", id="function-missing"),
    ],
)
def test_an_error_of_tracking_is_kept_and_not_passed_on(db: Connection, connect: Connect, fault: str) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    db.execute("ALTER EXTENSION pggit DROP FUNCTION pggit.read_columns(oid, jsonb)")
    db.execute("SET session_replication_role = replica")
    db.execute(fault)
    db.execute("RESET session_replication_role")
    connect("dora").execute("CREATE TABLE through (id integer)")
    assert db.execute("SELECT to_regclass('public.through') IS NOT NULL").fetchone() == (True,)
    errors = db.execute("SELECT DISTINCT command_tag, session_role FROM pggit.tracking_errors").fetchall()
    assert errors == [("CREATE TABLE", "dora")]


def test_a_command_goes_through_when_not_even_the_error_can_be_kept(db: Connection) -> None:
    db.execute("ALTER TABLE pggit.tracking_errors ADD CHECK (false)")
    db.execute("ALTER TABLE pggit.history ADD CHECK (id < 0) NOT VALID")
    db.execute("CREATE TABLE through (id integer)")
    assert db.execute("SELECT to_regclass('public.through') IS NOT NULL").fetchone() == (True,)
    assert [row[0] for row in differences(db)] == ["not in the index"]


def test_do_blocks_and_functions(db: Connection) -> None:
    db.execute("""
        CREATE FUNCTION build(n integer) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            FOR i IN 1..n LOOP
                EXECUTE format('CREATE TABLE made_%s (id integer REFERENCES made_0)', i);
            END LOOP;
        END $$""")
    db.execute("DO $$ BEGIN CREATE TABLE made_0 (id integer PRIMARY KEY); PERFORM build(5); DROP TABLE made_3; END $$")
    db.execute("CREATE TABLE from_query AS SELECT build(0)::text, 1 AS one")
    assert differences(db) == []
