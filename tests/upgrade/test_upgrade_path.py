"""From each released version to the one in the making and back, with what was recorded."""

from typing import Any

import pytest

from tasks.lib import catalogdiff, catalogfacts, released, sqlscript
from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one
from tests.extension.test_dump_restore import FAULT, fill
from tests.extension.test_tracked_kinds import differences

HERE = sqlscript.version()
RELEASED = tuple(version for version in released.versions() if version != HERE)
every_release = pytest.mark.parametrize("version", RELEASED)


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
        assert differences(db) == [FAULT]
        assert db.execute("SELECT * FROM pggit.verify_audit() WHERE status NOT IN ('ok', 'unsealed')").fetchall() == []
    db.execute("SELECT pggit.abort_merge(); CREATE TABLE afterwards (id integer); SELECT pggit.commit('afterwards')")
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
            # What happened is not the same in both, and for a plain installation nothing did: rows are told by data().
            differences = catalogdiff.compare(
                catalogfacts.read(bare_db, rows=False), catalogfacts.read(other, rows=False)
            )
            draft = f"./inv migration.new --from={start} --to={end} --output=build/draft"
            assert differences == [], f"the update script leaves this out; {draft} drafts it"
            for db in (bare_db, other):
                db.execute("DROP EXTENSION pggit")
        other.close()
    finally:
        server.dropdb(other_name)
