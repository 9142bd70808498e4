"""Nothing effective is missed: after every statement the index equals a full re-read of the catalog."""

from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql

from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection

FOLDER = Path(__file__).parent / "ddl"


class Statement(NamedTuple):
    """One paragraph of a file in ddl/, with what its first line says of it."""

    text: str
    since: int
    """The first major that knows it (`-- since 18`)."""
    silent: bool
    """PostgreSQL tells event triggers nothing of it (`-- no event`)."""


def statements(path: Path) -> list[Statement]:
    found = []
    for paragraph in path.read_text("utf-8").split("\n\n"):
        first, _, rest = paragraph.strip().partition("\n")
        if first.startswith("-- since "):
            found.append(Statement(rest, int(first.removeprefix("-- since ")), False))
        elif first == "-- no event":
            found.append(Statement(rest, 0, True))
        else:
            found.append(Statement(paragraph.strip(), 0, False))
    return found


def differences(db: Connection) -> list[tuple[str, ...]]:
    """What verify() finds, and tracking's own errors."""
    rows = db.execute(
        "SELECT problem, object_type, object, recorded::text, actual::text FROM pggit.verify()"
    ).fetchall()
    return rows + db.execute("SELECT 'error', command_tag, message, context FROM pggit.tracking_errors").fetchall()


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.sql")))
def test_index_equals_catalog_after_every_statement(db: Connection, pg: str, roles: set[str], file: str) -> None:
    for role in ("alice", 'Bob "B"'):
        db.execute(f"""CREATE ROLE {'"' + role.replace('"', '""') + '"'}""")
        roles.add(role)
    ran = 0
    for statement in statements(FOLDER / file):
        if int(pg) < statement.since:
            continue
        db.execute(statement.text)
        if statement.silent:
            assert differences(db), f"PostgreSQL tells of this now: {statement.text}"
            db.execute("SELECT pggit.rescan()")
        assert differences(db) == [], statement.text
        ran += 1
    assert ran > 20
    assert db.execute("SELECT pggit.rescan()").fetchone() == (0,)


def test_index_equals_catalog_when_the_statements_run_in_one_transaction(db: Connection, pg: str) -> None:
    texts = [s.text for s in statements(FOLDER / "tables.sql") if int(pg) >= s.since and not s.silent]
    with db.transaction():
        for text in texts:
            db.execute(text)
    assert differences(db) == []


def test_nothing_is_left_of_what_was_rolled_back(db: Connection, pg: str) -> None:
    count = (
        "SELECT (SELECT count(*) FROM pggit.history), (SELECT count(*) FROM pggit.objects),"
        " (SELECT count(*) FROM pggit.blobs), (SELECT count(*) FROM pggit.uncommitted)"
    )
    before = db.execute(count).fetchone()
    with db.transaction(force_rollback=True):
        for statement in statements(FOLDER / "tables.sql"):
            if int(pg) >= statement.since and not statement.silent:
                db.execute(statement.text)
        assert db.execute(count).fetchone() != before
    assert db.execute(count).fetchone() == before
    assert differences(db) == []


def test_savepoints_roll_back_what_they_held(db: Connection) -> None:
    db.execute("CREATE TABLE kept (a integer)")
    db.execute("""
        DO $$ BEGIN
            ALTER TABLE kept ADD COLUMN b integer;
            BEGIN
                ALTER TABLE kept ADD COLUMN c integer;
                CREATE TABLE lost (a integer);
                RAISE EXCEPTION 'no';
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
            GRANT SELECT ON kept TO PUBLIC;
        END $$""")
    assert differences(db) == []
    changes = db.execute("SELECT change_type, identity FROM pggit.history WHERE command_tag <> 'INIT' ORDER BY id")
    assert changes.fetchall() == [("CREATE", "public.kept"), ("ALTER", "public.kept"), ("GRANT", "public.kept")]


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param("ALTER ROLE carol RENAME TO caroline", id="rename-role"),
        pytest.param("REASSIGN OWNED BY carol TO postgres", id="reassign-owned"),
        pytest.param("SET session_replication_role = replica; DROP VIEW seen", id="triggers-off"),
    ],
)
def test_what_fires_no_event_is_found_and_taken_in(db: Connection, roles: set[str], silent: str) -> None:
    roles |= {"carol", "caroline"}
    db.execute("CREATE ROLE carol; CREATE TABLE hers (id integer); ALTER TABLE hers OWNER TO carol")
    db.execute("CREATE VIEW seen AS SELECT 1 AS one")
    assert differences(db) == []
    db.execute(silent)
    db.execute("RESET session_replication_role")
    assert len(differences(db)) == 1
    found = db.execute("SELECT change, object_type, object FROM pggit.status() WHERE state = 'unrecorded'").fetchall()
    assert len(found) == 1
    assert db.execute("SELECT pggit.rescan()").fetchone() == (1,)
    assert differences(db) == []
    assert db.execute("SELECT change_type FROM pggit.history ORDER BY id DESC LIMIT 1").fetchone() == ("RESCAN",)


def test_failed_concurrent_index_is_found(db: Connection) -> None:
    db.execute("CREATE TABLE twice (a integer); INSERT INTO twice VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        db.execute("CREATE UNIQUE INDEX CONCURRENTLY once ON twice (a)")
    assert [row[:3] for row in differences(db)] == [("not in the index", "INDEX", "public.once")]
    db.execute("DROP INDEX once")
    assert differences(db) == []


def test_session_settings_do_not_change_a_definition(db: Connection) -> None:
    table = "CREATE TABLE t (at timestamptz DEFAULT to_timestamp(0), f float8 DEFAULT 0.1, s text DEFAULT E'a\\\\b')"
    hashes = []
    settings = (
        "SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = 0; SET bytea_output = escape;"
        "SET standard_conforming_strings = off; SET quote_all_identifiers = on;"
        "SET intervalstyle = iso_8601; SET search_path = public, pg_catalog"
    )
    for setting in ("SELECT 1", settings):
        db.execute(setting)
        db.execute(table)
        db.execute("ALTER TABLE t ADD CHECK (at > '2026-07-01 12:00+02'::timestamptz)")
        hashes.append(db.execute("SELECT blob FROM pggit.objects WHERE identity = 'public.t' AND is_active").fetchone())
        assert differences(db) == []
        db.execute("DROP TABLE t")
    assert hashes[0] == hashes[1]


def test_status_names_what_is_not_versioned(db: Connection) -> None:
    db.execute("CREATE TYPE pair AS (a integer)")
    db.execute("CREATE CAST (pair AS text) WITH INOUT")
    db.execute("CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple)")
    db.execute("CREATE PUBLICATION news; CREATE TYPE shell")
    db.execute("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w")
    db.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER s")
    db.execute("CREATE FUNCTION audit() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
    db.execute("CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION audit()")
    found = db.execute("SELECT object_type, object FROM pggit.status() WHERE state = 'not versioned'").fetchall()
    kinds = ["CAST", "EVENT TRIGGER", "PUBLICATION", "TEXT SEARCH CONFIGURATION", "TYPE", "USER MAPPING"]
    assert [kind for kind, _ in found] == kinds
    assert found[1] == ("EVENT TRIGGER", "audit")


def test_names_longer_than_an_index_row(db: Connection) -> None:
    name = "t" * 60
    db.execute(f'CREATE SCHEMA "{name}"; CREATE TYPE "{name}"."{name}" AS (a int)')
    db.execute(f"CREATE FUNCTION long({', '.join([f'{name}.{name}'] * 90)}) RETURNS int RETURN 1")
    assert differences(db) == []
    db.execute("SELECT pggit.commit('long')")
    db.execute(f'DROP SCHEMA "{name}" CASCADE')
    assert differences(db) == []


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_databases_of_other_encodings(server: Server, connect: Connect, bare_db: Connection, encoding: str) -> None:
    name = f"{bare_db.info.dbname}_{encoding.lower()}"
    bare_db.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING {encoding}")
    try:
        other = connect(dbname=name)
        other.execute(f"SET client_encoding = '{encoding}'")
        other.execute(b"CREATE TABLE before\xfc (a int)")
        other.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
        other.execute(b'CREATE TABLE x\xfc ("\xe4" int, abc text)')
        other.execute(b"COMMENT ON TABLE x\xfc IS '\xdf'")
        assert other.execute("SELECT count(*) FROM pggit.verify()").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM pggit.tracking_errors").fetchone() == (0,)
        other.execute("SELECT pggit.commit('x')")
    finally:
        server.dropdb(name)


def test_import_foreign_schema(db: Connection, server: Server) -> None:
    """Each table that it makes is recorded, from this very database by its socket."""
    try:
        db.execute("CREATE EXTENSION postgres_fdw")
    except psycopg.errors.UndefinedFile as error:
        pytest.skip(f"this server's postgres_fdw does not load: {error}")
    db.execute("CREATE SCHEMA far; CREATE SCHEMA near")
    db.execute("CREATE TABLE far.one (id integer NOT NULL, name text); CREATE VIEW far.two AS SELECT id FROM far.one")
    place = sql.SQL("OPTIONS (host {}, port {}, dbname {})").format(
        server.socket_dir.as_posix(), str(server.port), db.info.dbname
    )
    db.execute(sql.SQL("CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw ") + place)
    db.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user 'postgres')")
    db.execute("IMPORT FOREIGN SCHEMA far FROM SERVER loop INTO near")
    made = db.execute("SELECT identity, command_tag FROM pggit.history WHERE object_type = 'FOREIGN TABLE' ORDER BY 1")
    assert made.fetchall() == [("near.one", "IMPORT FOREIGN SCHEMA"), ("near.two", "IMPORT FOREIGN SCHEMA")]
    assert differences(db) == []
    db.execute("IMPORT FOREIGN SCHEMA far LIMIT TO (one) FROM SERVER loop INTO public")
    again = db.execute("SELECT change_type FROM pggit.history WHERE identity = 'public.one'")
    assert again.fetchall() == [("CREATE",)]
    assert differences(db) == []
