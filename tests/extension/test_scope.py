"""configure_tracking: what is to be tracked, and what a rescan then takes in and forgets."""

import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences

ACTIVE = 'SELECT identity FROM pggit.objects WHERE is_active ORDER BY identity COLLATE "C"'


def active(db: Connection) -> set[str]:
    """The identities in the index."""
    return {row[0] for row in db.execute(ACTIVE).fetchall()}


def test_only_the_named_schemas_are_tracked(db: Connection) -> None:
    db.execute("CREATE SCHEMA app_a; CREATE SCHEMA app_b; CREATE SCHEMA other; CREATE TABLE other.t (id integer)")
    db.execute("SELECT pggit.configure_tracking(ARRAY['app_*', 'public'])")
    assert [row[1:4] for row in db.execute("SELECT * FROM pggit.status()").fetchall() if row[0] == "unrecorded"] == [
        ("not in the catalog", "SCHEMA", "other"),
        ("not in the catalog", "TABLE", "other.t"),
    ]
    assert one(db, "SELECT pggit.rescan()") == 2
    assert differences(db) == []
    assert active(db) == {"public", "app_a", "app_b"}
    last = db.execute("SELECT change_type, identity FROM pggit.history ORDER BY id DESC LIMIT 2").fetchall()
    assert sorted(last) == [("RESCAN", "other"), ("RESCAN", "other.t")]
    db.execute(
        "CREATE TABLE app_a.t (id integer); CREATE TABLE other.u (id integer); CREATE TABLE app_b.t (id integer)"
    )
    db.execute("ALTER TABLE other.t ADD COLUMN name text; DROP TABLE other.u")
    assert active(db) == {"public", "app_a", "app_b", "app_a.t", "app_b.t"}
    db.execute("SELECT pggit.configure_tracking()")
    assert one(db, "SELECT pggit.rescan()") == 2
    assert differences(db) == []
    assert {"other", "other.t"} <= active(db)


def test_ignored_objects_go_with_what_hangs_on_them(db: Connection) -> None:
    db.execute("SELECT pggit.configure_tracking(ignore => ARRAY['scratch', 'public.tmp_*', 'public.Odd \"x\" y'])")
    db.execute("""
        CREATE SCHEMA scratch; CREATE TABLE scratch.t (id integer);
        CREATE TABLE tmp_1 (id serial PRIMARY KEY, name text); CREATE INDEX some_index ON tmp_1 (name);
        CREATE POLICY p ON tmp_1; CREATE RULE r AS ON DELETE TO tmp_1 DO INSTEAD NOTHING;
        CREATE TABLE "Odd ""x"" y" (id integer); CREATE TABLE tmpx1 (id integer);
        CREATE FUNCTION tmp_f() RETURNS integer LANGUAGE sql AS 'SELECT 1'""")
    assert active(db) == {"public", "public.tmpx1"}
    assert differences(db) == []
    db.execute("ALTER TABLE tmp_1 RENAME TO kept")
    assert "public.kept" in active(db)
    db.execute("SELECT pggit.rescan()")
    assert differences(db) == []


def test_an_object_that_went_out_of_scope_is_not_called_dropped(db: Connection) -> None:
    db.execute("CREATE TABLE a (id integer); CREATE TABLE b (id integer)")
    db.execute("SELECT pggit.configure_tracking(ignore => ARRAY['public.*'])")
    db.execute("ALTER TABLE a ADD COLUMN name text; DROP TABLE b")
    drops = db.execute("SELECT identity FROM pggit.history WHERE change_type = 'DROP'").fetchall()
    assert drops == [("public.b",)]
    db.execute("SELECT pggit.rescan()")
    assert differences(db) == []
    assert active(db) == {"public"}


@pytest.mark.parametrize("arguments", ["ARRAY[]::text[]", "ARRAY['a', NULL]", "NULL, ARRAY['']"])
def test_a_list_must_name_something(db: Connection, arguments: str) -> None:
    assert refused(db, f"SELECT pggit.configure_tracking({arguments})") == "GT050"


def test_an_ordinary_role_cannot_configure(db: Connection, connect: Connect) -> None:
    assert refused(connect("mallory"), "SELECT pggit.configure_tracking(ARRAY['nothing'])") == "42501"
    assert one(db, "SELECT count(*) FROM pggit.settings WHERE name = 'tracking_scope'") == 0
