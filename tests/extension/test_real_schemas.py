"""Schemas as applications have them: exported, built anew, taken away by a checkout and brought back."""

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tasks.lib import servers
from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection, Psql
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

FOLDER = Path(__file__).parent / "schemas"
ROLES = {
    "pgbench": (),
    "saas": ("saas_owner", "saas_app", "saas_report"),
    "shop": ("shop_clerk", "shop_web"),
    "warehouse": ("warehouse_loader",),
}
KINDS = {
    "AGGREGATE", "COLLATION", "DEFAULT PRIVILEGES", "DOMAIN", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "FUNCTION",
    "INDEX", "MATERIALIZED VIEW", "POLICY", "PROCEDURE", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS", "TABLE",
    "TRIGGER", "TYPE", "VIEW",
}  # fmt: skip


def make_roles(server: Server, roles: set[str], name: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for role in ROLES[name]:
            admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            roles.add(role)


def load(db: Connection, server: Server, roles: set[str], name: str) -> None:
    """The schema as `schemas/` has it, with its roles."""
    make_roles(server, roles, name)
    build(db, name)


def build(db: Connection, name: str) -> None:
    """The schema, where its roles are there."""
    db.execute((FOLDER / f"{name}.sql").read_text("utf-8").encode())


def dump(server: Server, dbname: str) -> str:
    """pg_dump's text, but for the token that is another one each time."""
    command = [str(server.bin / "pg_dump"), "--schema-only", "-d", server.dsn(dbname)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=servers.clean_environment())
    return re.sub(r"(?m)^\\(un)?restrict .*\n", "", result.stdout)


_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)'


def without_order(text: str) -> list[list[str]]:
    """Its statements with the lines of each sorted: in what order columns and privileges stand does not count.

    Nor do names of NOT NULL constraints, which PostgreSQL 18 has: those of a table of its own are in the tree, which is
    compared as well, and those that a partition or child has from its parent are not recorded (docs/errors.md).
    """
    text = re.sub(rf"^ *(?:CONSTRAINT {_NAME} )?NOT NULL {_NAME}(?: NO INHERIT)?,?\n", "", text, flags=re.MULTILINE)
    text = re.sub(rf"CONSTRAINT {_NAME} NOT NULL", "NOT NULL", text)
    statements = (
        [line.strip().rstrip(",;") for line in block.splitlines() if line and not line.startswith("--")]
        for block in text.split("\n\n")
    )
    return sorted(sorted(lines) for lines in statements if lines)


def test_the_schemas_are_rich(db: Connection, server: Server, roles: set[str]) -> None:
    """Two hundred objects and more, of every kind."""
    for name in ROLES:
        load(db, server, roles, name)
    assert differences(db) == []
    found: dict[str, int] = dict(
        db.execute("SELECT object_type, count(*) FROM pggit.objects WHERE is_active GROUP BY 1").fetchall()
    )
    assert sum(found.values()) > 200
    assert set(found) >= KINDS


@pytest.mark.parametrize("name", ROLES)
def test_an_export_builds_the_same_schema(
    db: Connection, server: Server, template: str, connect: Connect, psql: Psql, roles: set[str], name: str
) -> None:
    load(db, server, roles, name)
    db.execute("SELECT pggit.commit('all of it')")
    script = one(db, "SELECT pggit.export_ddl('HEAD')")
    assert script == one(db, "SELECT pggit.export_ddl('HEAD')")
    fresh = f"{db.info.dbname}_built"
    server.createdb(fresh, template)
    try:
        psql(script, dbname=fresh)
        built = connect(dbname=fresh)
        assert one(built, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('HEAD')")
        assert differences(built) == []
        assert without_order(dump(server, fresh)) == without_order(dump(server, db.info.dbname))
        # a second export, of what the first one built, is the same text
        built.execute("SELECT pggit.commit('built')")
        assert one(built, "SELECT pggit.export_ddl('HEAD')") == script
    finally:
        server.dropdb(fresh)


def test_init_reads_what_tracking_would_have_seen(
    bare_db: Connection, template: str, connect: Connect, server: Server, roles: set[str]
) -> None:
    """All four in one database, and only then pgGit: the same trees and script as where it saw each command."""
    tracked_name = f"{bare_db.info.dbname}_tracked"
    server.createdb(tracked_name, template)
    try:
        tracked = connect(dbname=tracked_name)
        for name in ROLES:
            load(bare_db, server, roles, name)
            build(tracked, name)
        bare_db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
        tracked.execute("SELECT pggit.commit('all of it')")
        assert differences(bare_db) == [] == differences(tracked)
        assert one(bare_db, "SELECT count(*) FROM pggit.objects WHERE is_active") > 200
        for query in ("SELECT pggit.tree_of('HEAD')", "SELECT pggit.live_tree()", "SELECT pggit.export_ddl('HEAD')"):
            assert one(bare_db, query) == one(tracked, query)
    finally:
        server.dropdb(tracked_name)


@pytest.mark.parametrize("name", ROLES)
def test_checkout_of_nothing_and_back(db: Connection, server: Server, roles: set[str], name: str) -> None:
    empty, nothing = one(db, "SELECT pggit.resolve_ref('HEAD')"), dump(server, db.info.dbname)
    load(db, server, roles, name)
    db.execute("SELECT pggit.commit('all of it')")
    before, tree = dump(server, db.info.dbname), one(db, "SELECT pggit.live_tree()")
    assert db.execute("SELECT * FROM pggit.checkout(%s)", [empty]).fetchall() != []
    assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('HEAD')")
    assert dump(server, db.info.dbname) == nothing
    assert db.execute("SELECT * FROM pggit.checkout('main')").fetchall() != []
    assert one(db, "SELECT pggit.live_tree()") == tree
    assert without_order(dump(server, db.info.dbname)) == without_order(before)
    assert differences(db) == []


CHANGES = {
    "pgbench": "CREATE VIEW rich AS SELECT aid FROM pgbench_accounts WHERE abalance > 100;"
    "DROP INDEX IF EXISTS none; ALTER TABLE pgbench_accounts DROP CONSTRAINT pgbench_accounts_bid_fkey;"
    "ALTER TABLE pgbench_tellers SET (fillfactor = 50); ALTER TABLE pgbench_history RENAME TO past",
    "shop": "DROP VIEW catalogue.for_sale CASCADE; DROP INDEX catalogue.product_tags;"
    "ALTER TABLE sales.customer ALTER COLUMN name DROP NOT NULL, ALTER COLUMN newsletter SET DEFAULT true;"
    "CREATE OR REPLACE FUNCTION sales.order_total(which bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';"
    "ALTER TYPE catalogue.unit RENAME VALUE 'kg' TO 'kilogram'; DROP MATERIALIZED VIEW sales.ranking;"
    "ALTER TABLE sales.line DROP CONSTRAINT line_pkey; DROP TRIGGER audited ON sales.payment;"
    "COMMENT ON TABLE sales.\"order\" IS 'other'; REVOKE USAGE ON SEQUENCE sales.order_number FROM shop_web",
    "saas": "DROP POLICY read_all ON app.document; ALTER TABLE app.member NO FORCE ROW LEVEL SECURITY;"
    "ALTER TABLE app.event DETACH PARTITION app.event_rest; DROP INDEX app.event_at;"
    "ALTER TABLE app.project OWNER TO saas_owner; DROP FUNCTION api.list_projects(bigint, integer);"
    "REVOKE SELECT (id) ON app.tenant FROM saas_app; ALTER VIEW api.recent RENAME TO lately;"
    "ALTER TABLE app.document_2 ENABLE TRIGGER versioned; ALTER SCHEMA api RENAME TO outside",
    "warehouse": "DROP MATERIALIZED VIEW mart.daily CASCADE; DROP RULE put ON staging.inbox;"
    "ALTER TABLE dim.bundle DROP CONSTRAINT bundle_parts_check; DROP AGGREGATE \"lib.math\".longest(text) CASCADE;"
    "DROP STATISTICS fact.stock_pairs; ALTER SERVER lakehouse RENAME TO pond; DROP SEQUENCE fact.load_number CASCADE;"
    'ALTER DOMAIN dim.key DROP CONSTRAINT "key > 0"; ALTER TABLE fact.stock ALTER COLUMN level TYPE double precision',
}  # fmt: skip


@pytest.mark.parametrize("name", ROLES)
def test_checkout_to_and_fro_leaves_every_byte(db: Connection, server: Server, roles: set[str], name: str) -> None:
    """No column is made again between these two commits, so that even the order of columns stays.

    Nor does one of several grants go and come back, which would then stand last; nor a parent, after which PostgreSQL
    calls the columns the child's own, too.
    """
    load(db, server, roles, name)
    db.execute("SELECT pggit.commit('all of it'); SELECT pggit.create_branch('before')")
    first = dump(server, db.info.dbname)
    db.execute(CHANGES[name].encode())
    db.execute("SELECT pggit.commit('changed')")
    second = dump(server, db.info.dbname)
    assert first != second
    for ref, wanted in (("before", first), ("main", second), ("before", first)):
        assert db.execute("SELECT * FROM pggit.checkout(%s)", [ref]).fetchall() != []
        assert differences(db) == []
        assert dump(server, db.info.dbname) == wanted


def test_pgbench_as_it_comes(db: Connection, server: Server, psql: Psql) -> None:
    """What pgbench itself makes, with its rows: a checkout that would drop them is refused, or parks them."""
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    command = [str(server.bin / "pgbench"), "-i", "-q", "-s", "1", "--foreign-keys", server.dsn(db.info.dbname)]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=servers.clean_environment()
    )
    assert result.returncode == 0, result.stdout
    assert differences(db) == []
    made = one(db, "SELECT pggit.live_tree()")
    db.execute("SELECT pggit.commit('pgbench')")
    with pytest.raises(psycopg.DatabaseError, match="pgbench_accounts"):
        db.execute("SELECT * FROM pggit.checkout(%s)", [empty])
    assert one(db, "SELECT count(*) FROM pgbench_accounts") == 100_000
    db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [empty])
    assert one(db, "SELECT to_regclass('pgbench_accounts') IS NULL")
    assert one(db, "SELECT sum(row_count) FROM pggit.attic WHERE object = 'public.pgbench_accounts'") == 100_000
    db.execute("SELECT * FROM pggit.checkout('main')")
    assert one(db, "SELECT pggit.live_tree()") == made
