"""From each released version to the one in the making and back, with what was recorded."""

from typing import Any

import pytest

from tasks.lib import released, sqlscript
from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one
from tests.extension.test_dump_restore import fill
from tests.extension.test_tracked_kinds import differences

HERE = sqlscript.version()
RELEASED = tuple(version for version in released.versions() if version != HERE)
every_release = pytest.mark.parametrize("version", RELEASED)

# The members of the extension and all that a script says about them, without OIDs. What PostgreSQL makes by itself
# for a table (its types, the index and the trigger of a constraint) is told by the table.
MEMBERS = """
    SELECT m.type, m.identity, obj_description(d.objid, d.classid::regclass::text), CASE d.classid
        WHEN 'pg_proc'::regclass THEN (
            SELECT concat_ws(' | ', pg_get_functiondef(p.oid), p.proacl)
            FROM pg_proc p WHERE p.oid = d.objid)
        WHEN 'pg_class'::regclass THEN (
            SELECT concat_ws(' | ', c.relkind, c.relacl, c.reloptions, pg_get_viewdef(c.oid), s.*,
                (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                        a.attidentity, a.attgenerated, pg_get_expr(v.adbin, v.adrelid), a.attacl,
                        col_description(c.oid, a.attnum)), ', ' ORDER BY a.attname)
                 FROM pg_attribute a LEFT JOIN pg_attrdef v ON (v.adrelid, v.adnum) = (a.attrelid, a.attnum)
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname COLLATE "C")
                 FROM pg_constraint k WHERE k.conrelid = c.oid),
                (SELECT string_agg(i.indexdef, ', ' ORDER BY i.indexname COLLATE "C")
                 FROM pg_indexes i WHERE i.schemaname = 'pggit' AND i.tablename = c.relname),
                (SELECT string_agg(concat(pg_get_triggerdef(t.oid), t.tgenabled), ', ' ORDER BY t.tgname COLLATE "C")
                 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal))
            FROM pg_class c
            LEFT JOIN LATERAL (
                SELECT q.seqstart, q.seqincrement, q.seqcache FROM pg_sequence q WHERE q.seqrelid = c.oid) AS s ON true
            WHERE c.oid = d.objid)
        ELSE pg_describe_object(d.classid, d.objid, 0) END
    FROM pg_depend d
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS m
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
        AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'pggit')
    ORDER BY m.type COLLATE "C", m.identity COLLATE "C"
"""
DUMPED = """
    SELECT 'pggit', n.nspacl::text FROM pg_namespace n WHERE n.nspname = 'pggit'
    UNION ALL
    SELECT t.relation::regclass::text, t.condition
    FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS t (relation, condition)
    WHERE e.extname = 'pggit' ORDER BY 1
"""


def installed(db: Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What the extension is made of; who may use its schema, and which of its tables a dump holds."""
    return db.execute(MEMBERS).fetchall(), db.execute(DUMPED).fetchall()


def columns(db: Connection) -> dict[str, str]:
    """The columns of each table that holds data, as a list in SQL."""
    return dict(
        db.execute(
            "SELECT t.name, string_agg(format('x.%I', a.attname), ', ' ORDER BY a.attnum)"
            " FROM unnest(pggit.data_tables()) AS t (name)"
            " JOIN pg_attribute a ON a.attrelid = format('pggit.%I', t.name)::regclass"
            " WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY t.name"
        ).fetchall()
    )


def data(db: Connection, known: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of those tables and columns, but for the version that wrote them and the log of upgrades."""
    rows = {
        table: sorted(db.execute(f"SELECT ROW({names})::text FROM pggit.{table} x").fetchall())
        for table, names in known.items()
    }
    rows["settings"] = [row for row in rows["settings"] if not row[0].startswith("(data_version,")]
    return {**rows, "upgrade_log": []}


def change_version(db: Connection, version: str, how: str) -> None:
    db.execute(f"ALTER EXTENSION pggit UPDATE TO '{version}'" if how == "ALTER" else f"CALL pggit.upgrade('{version}')")
    assert one(db, "SELECT pggit.version()") == version
    assert one(db, "SELECT value FROM pggit.settings WHERE name = 'data_version'") == version


@every_release
@pytest.mark.parametrize("how", ["ALTER", "CALL"])
def test_up_and_back_keeps_history_and_tree(bare_db: Connection, pg: str, version: str, how: str) -> None:
    db = bare_db
    db.execute(f"CREATE EXTENSION pggit VERSION '{version}'; SELECT pggit.init()")
    fill(db, pg)
    known = columns(db)
    before, tree, moment = data(db, known), one(db, "SELECT pggit.live_tree()"), one(db, "SELECT clock_timestamp()")
    assert all(before[table] for table in ("history", "objects", "commits", "blobs", "trees", "seals", "tags"))
    for goal in (HERE, version, HERE):
        change_version(db, goal, how)
        assert data(db, known) == before
        assert one(db, "SELECT pggit.live_tree()") == tree
        assert one(db, "SELECT pggit.tree_at(%s)", moment) == tree
        assert differences(db) == []
        assert db.execute("SELECT * FROM pggit.verify_audit() WHERE status NOT IN ('ok', 'unsealed')").fetchall() == []
    db.execute("CREATE TABLE afterwards (id integer); SELECT pggit.commit('afterwards')")
    assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.afterwards'") == 1
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX) == one(db, "SELECT pggit.live_tree()")


@every_release
def test_an_upgraded_installation_is_a_new_one_and_the_other_way_round(
    bare_db: Connection, server: Server, connect: Connect, version: str
) -> None:
    other_name = f"{bare_db.info.dbname}_new"
    server.createdb(other_name)
    try:
        other = connect(dbname=other_name)
        for start, end in ((version, HERE), (HERE, version)):
            bare_db.execute(f"CREATE EXTENSION pggit VERSION '{end}'")
            other.execute(f"CREATE EXTENSION pggit VERSION '{start}'; ALTER EXTENSION pggit UPDATE TO '{end}'")
            assert installed(other) == installed(bare_db)
            for db in (bare_db, other):
                db.execute("DROP EXTENSION pggit")
        other.close()
    finally:
        server.dropdb(other_name)


def test_the_comparison_sees_what_a_script_may_forget(bare_db: Connection) -> None:
    bare_db.execute("CREATE EXTENSION pggit")
    whole = installed(bare_db)
    for change in (
        "COMMENT ON FUNCTION pggit.version() IS 'x'",
        "COMMENT ON COLUMN pggit.tags.name IS 'x'",
        "ALTER FUNCTION pggit.version() COST 7",
        "GRANT EXECUTE ON FUNCTION pggit.version() TO PUBLIC",
        "GRANT SELECT ON pggit.tags TO PUBLIC",
        "GRANT USAGE ON SCHEMA pggit TO pg_monitor",
        "ALTER TABLE pggit.history ADD COLUMN more integer",
        "ALTER TABLE pggit.history ALTER COLUMN identity SET DEFAULT 'x'",
        "ALTER TABLE pggit.history ADD CHECK (id > 0)",
        "CREATE INDEX ON pggit.history (created_at, id)",
        "ALTER TABLE pggit.history SET (fillfactor = 50)",
        "ALTER TABLE pggit.history DISABLE TRIGGER USER",
        "CREATE TABLE pggit.more (); ALTER EXTENSION pggit ADD TABLE pggit.more",
        "ALTER EXTENSION pggit DROP FUNCTION pggit.version()",
        "UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = 'pggit'",
    ):
        with bare_db.transaction(force_rollback=True):
            bare_db.execute(change)
            assert installed(bare_db) != whole, change
    assert installed(bare_db) == whole
