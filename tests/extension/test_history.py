"""The record tells the truth."""

import secrets
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql

from tests.extension.conftest import Connect, Connection, SuiteServer
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import FOLDER, differences, statements

CHANGES = "SELECT change_type, object_type, identity FROM pggit.history WHERE command_tag <> 'INIT' ORDER BY id"


def test_each_kind_of_change_has_its_word(db: Connection) -> None:
    for statement in (
        "CREATE TABLE t (id integer)",
        "ALTER TABLE t ADD COLUMN note text",
        "ALTER TABLE t RENAME TO u",
        "COMMENT ON TABLE u IS 'it'",
        "GRANT SELECT ON u TO PUBLIC",
        "DROP TABLE u",
    ):
        db.execute(statement)
    words = [row[0] for row in db.execute(CHANGES).fetchall()]
    assert words == ["CREATE", "ALTER", "RENAME", "COMMENT", "GRANT", "DROP"]
    known = db.execute("SELECT unnest(pggit.change_types())").fetchall()
    assert sorted(known) == sorted(db.execute("SELECT DISTINCT change_type FROM pggit.history").fetchall())
    assert db.execute("SELECT count(DISTINCT object_id) FROM pggit.history WHERE command_tag <> 'INIT'").fetchone() == (
        1,
    )
    assert db.execute("SELECT old_identity, identity FROM pggit.history WHERE change_type = 'RENAME'").fetchall() == [
        ("public.t", "public.u")
    ]
    assert db.execute("SELECT is_active FROM pggit.objects WHERE identity = 'public.u'").fetchall() == [(False,)]
    db.execute("CREATE TABLE u (id integer)")
    assert db.execute(
        "SELECT count(*), bool_and(is_active) FROM pggit.objects WHERE identity = 'public.u'"
    ).fetchone() == (
        1,
        True,
    )


ONLY_KNOWN_WORDS = """
    ALTER TABLE pggit.history ADD CHECK (change_type = ANY (pggit.change_types())),
        ADD CHECK (performance_impact IN ('low', 'medium', 'high'));
    ALTER TABLE pggit.tallies ADD CHECK (counter IN ('change', 'command', 'error')),
        ADD CHECK (counter <> 'change' OR label = ANY (pggit.change_types()));
"""
"""PostgreSQL would read such constraints anew for every command, so the tables have none."""


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.sql")))
def test_no_other_words_are_written(db: Connection, pg: str, roles: set[str], file: str) -> None:
    for role in ("alice", 'Bob "B"'):
        db.execute(f"""CREATE ROLE {'"' + role.replace('"', '""') + '"'}""")
        roles.add(role)
    db.execute(ONLY_KNOWN_WORDS)
    for statement in statements(FOLDER / file):
        if int(pg) >= statement.since:
            db.execute(statement.text)
    db.execute("SELECT pggit.rescan(), pggit.roll_up(), pggit.commit('all of it')")
    assert differences(db) == []


def test_another_word_would_be_found_out(db: Connection) -> None:
    db.execute("""
        CREATE OR REPLACE FUNCTION pggit.change_types() RETURNS text[] LANGUAGE sql IMMUTABLE
        AS $$SELECT ARRAY['CREATE', 'DROP', 'RESCAN']$$""")
    db.execute(ONLY_KNOWN_WORDS)
    db.execute("CREATE TABLE t (id integer)")
    assert differences(db) == []
    db.execute("COMMENT ON TABLE t IS 'it'")
    assert ("error", "COMMENT") in [row[:2] for row in differences(db)]


def test_old_and_new_definition_make_an_unbroken_chain(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    db.execute("ALTER TABLE t ADD COLUMN note text DEFAULT 'x'")
    db.execute("ALTER TABLE t DROP COLUMN id")
    db.execute("DROP TABLE t")
    chain = db.execute(
        "SELECT old_blob, new_blob FROM pggit.history WHERE identity = 'public.t' ORDER BY id"
    ).fetchall()
    assert chain[0][0] is None
    assert chain[-1][1] is None
    assert [new for _, new in chain[:-1]] == [old for old, _ in chain[1:]]
    columns = db.execute(
        "SELECT ARRAY(SELECT jsonb_object_keys(b.definition -> 'columns')) FROM pggit.history h"
        " JOIN pggit.blobs b ON b.hash = h.new_blob WHERE h.identity = 'public.t' ORDER BY h.id"
    ).fetchall()
    assert columns == [(["id"],), (["id", "note"],), (["note"],)]
    broken = "SELECT count(*) FROM pggit.blobs WHERE hash <> pggit.blob_hash(object_type, identity, definition)"
    assert db.execute(broken).fetchone() == (0,)


def test_who_when_and_in_which_transaction(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    user = connect("dora")
    connect("group_of_hers")
    db.execute("GRANT group_of_hers TO dora")
    user.execute("SET application_name = 'the app'")
    user.execute("SET ROLE group_of_hers")
    row = user.execute("WITH x AS (SELECT clock_timestamp()) SELECT * FROM x, pg_backend_pid()").fetchone()
    assert row is not None
    with user.transaction():
        user.execute("CREATE TABLE one (id integer)")
        user.execute("CREATE TABLE two (id integer)")
        xid = user.execute("SELECT pg_current_xact_id()::text").fetchone()
    found = db.execute(
        "SELECT session_role, set_role, application_name, backend_pid, command_tag, transaction_id::text,"
        " created_at BETWEEN %s AND clock_timestamp() FROM pggit.history"
        " WHERE identity IN ('public.one', 'public.two')",
        [row[0]],
    ).fetchall()
    assert xid is not None
    assert found == [("dora", "group_of_hers", "the app", row[1], "CREATE TABLE", xid[0], True)] * 2


def test_where_the_client_was(request: pytest.FixtureRequest) -> None:
    """Over a network address; the servers of the other tests have sockets only."""
    address = f"127.{secrets.randbelow(255)}.{secrets.randbelow(255)}.{1 + secrets.randbelow(254)}"
    password = secrets.token_urlsafe()
    with SuiteServer(request.config.option.pg[-1]) as server, ExitStack() as opened:
        server.admin.execute(sql.SQL("CREATE ROLE far SUPERUSER LOGIN PASSWORD {}").format(password))
        server.admin.execute(sql.SQL("ALTER SYSTEM SET listen_addresses = {}").format(address))
        (server.cluster.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all far 127.0.0.1/32 scram-sha-256\n"
        )
        server.stop()
        server.start()
        near = opened.enter_context(psycopg.connect(server.dsn(), autocommit=True))
        far = opened.enter_context(
            psycopg.connect(host=address, port=server.port, dbname="postgres", user="far", password=password)
        )
        near.execute("CREATE EXTENSION pggit; SELECT pggit.init(); CREATE TABLE near (id integer)")
        far.execute("CREATE TABLE far (id integer)")
        far.commit()
        far.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        far.execute("CREATE TABLE later (id integer)")  # recorded by the next who looks
        far.commit()
        near.execute("SELECT * FROM pggit.status()")
        found = near.execute(
            "SELECT identity, host(client_addr) FROM pggit.history WHERE command_tag = 'CREATE TABLE' ORDER BY id"
        )
        assert found.fetchall() == [("public.near", None), ("public.far", "127.0.0.1"), ("public.later", "127.0.0.1")]


@pytest.mark.parametrize(
    "idle",
    [
        "CREATE TABLE IF NOT EXISTS t (other integer)",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t",
        "ALTER TABLE t ALTER COLUMN id SET NOT NULL",
        "GRANT SELECT ON t TO PUBLIC",
        "COMMENT ON TABLE t IS 'it'",
        "ALTER TABLE t OWNER TO CURRENT_USER",
        "REFRESH MATERIALIZED VIEW m",
        "DROP TABLE IF EXISTS nothing",
        "ALTER SEQUENCE s RESTART WITH 77",
        "REINDEX TABLE t",
        "CREATE TEMPORARY TABLE passing (id integer)",
    ],
)
def test_a_statement_that_changes_nothing_adds_nothing(db: Connection, idle: str) -> None:
    db.execute("CREATE TABLE t (id integer PRIMARY KEY); GRANT SELECT ON t TO PUBLIC; COMMENT ON TABLE t IS 'it'")
    db.execute("CREATE VIEW v AS SELECT id FROM t; CREATE MATERIALIZED VIEW m AS SELECT id FROM t; CREATE SEQUENCE s")
    before = db.execute("SELECT count(*) FROM pggit.history").fetchone()
    db.execute(idle)
    assert db.execute("SELECT count(*) FROM pggit.history").fetchone() == before
    assert differences(db) == []


def test_what_a_pause_hid_is_nobodys_create(db: Connection) -> None:
    db.execute("SELECT pggit.pause()")
    db.execute("CREATE TABLE hidden (id integer)")
    db.execute("SELECT pggit.resume()")
    db.execute("GRANT SELECT ON hidden TO PUBLIC")
    assert db.execute(CHANGES).fetchall() == [("RESCAN", "TABLE", "public.hidden")]


def test_one_row_for_each_object_a_statement_changed(db: Connection) -> None:
    db.execute("CREATE TABLE t (id serial PRIMARY KEY, email text UNIQUE CHECK (email <> ''))")
    assert db.execute(CHANGES).fetchall() == [
        ("CREATE", "TABLE", "public.t"),
        ("CREATE", "SEQUENCE", "public.t_id_seq"),
    ] or (
        sorted(db.execute(CHANGES).fetchall())
        == [("CREATE", "SEQUENCE", "public.t_id_seq"), ("CREATE", "TABLE", "public.t")]
    )
    db.execute("DROP TABLE t")
    assert sorted(db.execute(CHANGES).fetchall())[2:] == [
        ("DROP", "SEQUENCE", "public.t_id_seq"),
        ("DROP", "TABLE", "public.t"),
    ]


GRANTS = """
    GRANT SELECT, UPDATE (id) ON t{n} TO PUBLIC;
    SAVEPOINT here; REVOKE SELECT ON t{n} FROM PUBLIC; GRANT INSERT ON t{n} TO PUBLIC; ROLLBACK TO here;
    GRANT EXECUTE ON FUNCTION f{n}() TO pg_monitor; GRANT DELETE ON t{n}, t0 TO PUBLIC;
    REVOKE USAGE ON SEQUENCE s{n} FROM pg_monitor;
    DO $$ BEGIN GRANT USAGE ON SEQUENCE s{n} TO pg_monitor; EXCEPTION WHEN division_by_zero THEN NULL; END $$"""


def many_grants(db: Connection, count: int) -> int:
    """Make so many tables, functions and sequences with privileges in one transaction; how often one was read."""
    with db.transaction():
        db.execute("SET LOCAL track_functions = 'all'")
        for n in range(count):
            db.execute(f"CREATE TABLE t{n} (id integer); CREATE FUNCTION f{n}() RETURNS integer RETURN {n}")
            db.execute(f"CREATE SEQUENCE s{n}")
        for n in range(count):
            db.execute(GRANTS.format(n=n))
        return int(one(db, "SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'read_object'"))


def test_a_grant_in_a_long_transaction_is_read_by_itself(db: Connection) -> None:
    """PostgreSQL does not say what a GRANT named: not all that the transaction made is read for each."""
    few = many_grants(db, 5)
    assert differences(db) == []
    db.execute("DROP TABLE t0, t1, t2, t3, t4; DROP FUNCTION f0, f1, f2, f3, f4; DROP SEQUENCE s0, s1, s2, s3, s4")
    many = many_grants(db, 20)
    assert differences(db) == []
    assert many <= 6 * few


def test_a_grant_that_another_event_trigger_follows_at_once(db: Connection) -> None:
    """What that one does is recorded before the GRANT is."""
    db.execute("""CREATE FUNCTION also() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN EXECUTE format('CREATE TABLE made_%s (id integer)', txid_current()); END $$""")
    db.execute("CREATE TABLE t (id integer)")
    db.execute("CREATE EVENT TRIGGER first ON ddl_command_end WHEN TAG IN ('GRANT', 'REVOKE') EXECUTE FUNCTION also()")
    for statement in ("GRANT SELECT ON t TO PUBLIC", "REVOKE SELECT ON t FROM PUBLIC", "GRANT UPDATE ON t TO PUBLIC"):
        db.execute(statement)
        assert differences(db) == []


def test_default_privileges_that_come_while_others_go(db: Connection, connect: Connect) -> None:
    """Those that go are recorded before those that come, in one command."""
    for role in ("coming", "going"):
        connect(role)
    db.execute("ALTER DEFAULT PRIVILEGES FOR ROLE going REVOKE SELECT ON TABLES FROM going")
    db.execute("ALTER DEFAULT PRIVILEGES FOR ROLE coming, going GRANT SELECT ON TABLES TO going")
    assert differences(db) == []
    assert "for role coming on tables" in {identity for _, _, identity in db.execute(CHANGES)}


def test_secrets_are_stored_nowhere(db: Connection, roles: set[str]) -> None:
    roles.add("erik")
    for statement in (
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (token 'hunter2')",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'db.example', password 'hunter2', passfile 'hunter2')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (user 'u', password 'hunter2')",
        "ALTER SERVER s OPTIONS (ADD secret 'hunter2')",
        "CREATE FOREIGN TABLE f (a int OPTIONS (password 'hunter2', column_name 'b'))"
        " SERVER s OPTIONS (secret 'hunter2')",
        "CREATE ROLE erik PASSWORD 'hunter2'; CREATE TABLE beside (id integer)",
        "CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 password=hunter2' PUBLICATION p"
        " WITH (connect = false, enabled = false, slot_name = NONE)",
        "DROP SUBSCRIPTION sub",
    ):
        db.execute(statement)
    assert differences(db) == []
    tables = db.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'pggit'::regnamespace AND relkind = 'r'"
    ).fetchall()
    assert len(tables) > 10
    for (table,) in tables:
        leaked = db.execute(f"SELECT count(*) FROM {table} x WHERE x::text LIKE '%hunter2%'").fetchone()
        assert leaked == (0,), table
    # nor where tracking fails, and keeps the error with its context
    db.execute("ALTER TABLE pggit.history ADD CHECK (id < 0) NOT VALID")
    db.execute("DO $do$ BEGIN EXECUTE $x$CREATE TABLE t (id int); CREATE ROLE fred PASSWORD 'hunter2'$x$; END $do$")
    roles.add("fred")
    errors = db.execute("SELECT message, context FROM pggit.tracking_errors").fetchall()
    assert len(errors) == 1
    assert "pggit.on_ddl_command_end()" in errors[0][1]
    assert "hunter2" not in str(errors)
    server = db.execute(
        "SELECT definition -> 'options' FROM pggit.blobs WHERE object_type = 'SERVER' LIMIT 1"
    ).fetchone()
    assert server is not None
    assert "host=db.example" in server[0]
    assert "password" in server[0]


@pytest.mark.parametrize("table", ["history", "commits", "blobs", "trees", "reflog", "seals"])
@pytest.mark.parametrize("attack", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {} = {}"])
def test_what_happened_is_not_edited(db: Connection, table: str, attack: str) -> None:
    column = {"history": "command_tag", "reflog": "action", "seals": "digest"}.get(table, "hash")
    with pytest.raises(psycopg.DatabaseError) as raised:
        db.execute(attack.format(f"pggit.{table}", column, column))
    assert raised.value.sqlstate == "GT002"
    assert "can only grow" in str(raised.value)


def test_an_object_announced_by_hand(db: Connection) -> None:
    insert = (
        "INSERT INTO pggit.objects (schema_name, object_name, object_type) VALUES ('public', 'test_table', 'TABLE')"
    )
    db.execute(insert)
    db.execute(insert)
    active = "SELECT is_manual FROM pggit.objects WHERE is_active AND identity = 'public.test_table'"
    assert db.execute(active).fetchall() == [(True,)]
    assert differences(db) == []
    db.execute("CREATE TABLE test_table (id integer)")
    db.execute(insert)
    assert db.execute(active).fetchall() == [(False,)]
    assert differences(db) == []
    assert db.execute(CHANGES).fetchall() == [("CREATE", "TABLE", "public.test_table")]
