"""Trees of the present, of references and of any moment since init()."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, TREE_OF_INDEX, one, refused

Moment = Any


def noted(db: Connection) -> tuple[Moment, str]:
    """A moment, and the tree of the schema at it."""
    live = one(db, "SELECT pggit.live_tree()")
    assert live == one(db, TREE_OF_INDEX)
    return one(db, "SELECT clock_timestamp()"), live


def recalled(db: Connection, moments: list[tuple[Moment, str]]) -> None:
    for moment, tree in moments:
        assert one(db, "SELECT pggit.tree_at(%s)", moment) == tree
        assert one(db, "SELECT pggit.tree_of(%s::text)", moment) == tree


STEPS = (
    "CREATE TABLE {a} (id serial PRIMARY KEY, n integer DEFAULT 1)",
    "ALTER TABLE {a} ADD COLUMN {b} text",
    "ALTER TABLE {a} RENAME TO {b}",
    "DROP TABLE {a} CASCADE",
    "CREATE VIEW {b} AS SELECT * FROM {a}",
    "CREATE INDEX {b} ON {a} (id)",
    "CREATE SCHEMA {a}; ALTER TABLE {b} SET SCHEMA {a}",
    "CREATE FUNCTION {a}(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION {a}(integer)",
    "COMMENT ON TABLE {a} IS 'x'",
    "BEGIN; ALTER TABLE {a} RENAME TO swapping; ALTER TABLE {b} RENAME TO {a}; ALTER TABLE swapping RENAME TO {b}; END",
    "BEGIN; CREATE TABLE {a} (); CREATE TABLE {b} (); ROLLBACK",
    "SELECT pggit.commit('so far')",
    "SELECT pggit.pause(); CREATE TABLE {a} (); SELECT pggit.resume(); SELECT pggit.rescan()",
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.permutations(["t1", "t2", "t3"])), min_size=5, max_size=25))
def test_every_moment_comes_back(db: Connection, steps: list[tuple[str, list[str]]]) -> None:
    moments = [noted(db)]
    for text, names in steps:
        try:
            db.execute(text.format(a=names[0], b=names[1]))
        except Exception:  # what PostgreSQL refuses changes nothing
            db.execute("ROLLBACK")
            db.execute("SELECT pggit.resume()")
        moments.append(noted(db))
    recalled(db, moments)
    db.execute("DROP SCHEMA IF EXISTS public, t1, t2, t3 CASCADE; CREATE SCHEMA public")


def test_a_transaction_counts_whole_at_its_last_change(db: Connection, connect: Connect) -> None:
    slow = connect(autocommit=False)
    slow.execute("CREATE TABLE begun (id integer)")
    db.execute("CREATE TABLE between_ (id integer)")
    within = one(db, "SELECT clock_timestamp()")
    alone = one(db, "SELECT pggit.live_tree()")
    slow.execute("CREATE TABLE ended (id integer)")
    slow.commit()
    both = noted(db)
    assert one(db, "SELECT pggit.tree_at(%s)", within) == alone
    recalled(db, [both])
    db.execute("DROP TABLE begun, ended")
    recalled(db, [(within, alone), both])


def test_what_was_deferred_counts_at_its_own_time(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE first (id integer)")
    start = noted(db)
    holder = connect(autocommit=False)
    holder.execute("SELECT id FROM pggit.objects WHERE identity = 'public.first' FOR UPDATE")
    db.execute("ALTER TABLE first ADD COLUMN late integer")
    holder.rollback()
    after = noted(db)
    recalled(db, [start, after])


def test_the_record_has_a_beginning_and_no_future(db: Connection) -> None:
    first = one(db, "SELECT pggit.first_moment()")
    assert one(db, "SELECT pggit.tree_at(%s)", first) == one(db, HEAD_TREE)
    for moment in ("now() + interval '1 hour'", "'infinity'", "'2001-01-01'", "'-infinity'", "NULL"):
        assert refused(db, f"SELECT pggit.tree_at({moment})") == "GT014"
    assert refused(db, "SELECT pggit.tree_of('tomorrow')") == "GT014"


def test_a_tree_has_many_names(db: Connection) -> None:
    start = one(db, "SELECT pggit.live_tree()")
    db.execute("CREATE TABLE t (id integer)")
    before = one(db, "SELECT clock_timestamp()")
    commit = one(db, "SELECT pggit.commit('t')")
    tree = one(db, HEAD_TREE)
    db.execute("SELECT pggit.create_branch('side', 'main'); CREATE TABLE later (id integer)")
    db.execute("INSERT INTO pggit.tags (name, commit, tagged_by, tagged_at) VALUES ('v1', %s, 'me', now())", [commit])
    for ref in ("HEAD", "main", "side", "v1", commit, commit[:8], before):
        assert one(db, "SELECT pggit.tree_of(%s::text)", ref) == tree
    assert one(db, "SELECT pggit.tree_of('LIVE')") == one(db, TREE_OF_INDEX) != tree
    assert start != tree
    for ref in ("nowhere", "", None, "32.13.2024", "0000"):
        assert refused(db, "SELECT pggit.tree_of(%s::text)", ref) == "GT004"


def test_a_detached_head_is_a_commit(db: Connection) -> None:
    start = one(db, "SELECT pggit.resolve_ref('HEAD')")
    tree = one(db, HEAD_TREE)
    db.execute("CREATE TABLE t (id integer); SELECT pggit.commit('t')")
    db.execute("UPDATE pggit.head SET branch_id = NULL, detached = %s", [start])
    assert one(db, "SELECT pggit.resolve_ref('HEAD')") == start
    assert one(db, "SELECT pggit.tree_of('HEAD')") == tree


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_looks_back_too(db: Connection, isolation: str) -> None:
    start = noted(db)
    db.execute("CREATE TABLE t (id integer)")
    with db.transaction():
        db.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        recalled(db, [start])


def contents(db: Connection, moment: Moment) -> list[tuple[Any, ...]]:
    return db.execute("SELECT object_type, object FROM pggit.schema_at(%s)", [moment]).fetchall()


def test_the_schema_of_a_moment(db: Connection) -> None:
    empty = one(db, "SELECT clock_timestamp()")
    db.execute("CREATE TABLE t (id integer); CREATE TABLE kept (id integer)")
    made = one(db, "SELECT clock_timestamp()")
    db.execute("ALTER TABLE t RENAME TO u; CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    db.execute("CREATE VIEW t AS SELECT 1 AS one")
    renamed = one(db, "SELECT clock_timestamp()")
    db.execute("DROP TABLE u; DROP VIEW t; ALTER TABLE kept ADD COLUMN x text")
    assert contents(db, empty) == [("SCHEMA", "public")]
    assert contents(db, made) == [("SCHEMA", "public"), ("TABLE", "public.kept"), ("TABLE", "public.t")]
    assert contents(db, renamed) == [
        ("FUNCTION", "public.f(integer)"), ("SCHEMA", "public"), ("TABLE", "public.kept"), ("TABLE", "public.u"),
        ("VIEW", "public.t"),
    ]  # fmt: skip
    assert refused(db, "SELECT * FROM pggit.schema_at('2001-01-01')") == "GT014"

    def at(name: str, moment: Moment, kind: str | None = None) -> list[tuple[Any, ...]]:
        query = "SELECT found_type, identity, definition FROM pggit.object_at(%s, %s, %s)"
        return db.execute(query, [name, moment, kind]).fetchall()

    assert at("kept", empty) == []
    assert list(at("public.kept", made)[0][2]["columns"]) == ["id"]
    assert sorted(at("kept", clock(db))[0][2]["columns"]) == ["id", "x"]
    assert [row[:2] for row in at("t", made, "TABLE")] == [("TABLE", "public.t")]
    assert [row[:2] for row in at("t", renamed, "VIEW")] == [("VIEW", "public.t")]
    # what is u was called t
    assert [row[:2] for row in at("u", made)] == [("TABLE", "public.t")]
    assert [row[:2] for row in at("f(int)", renamed)] == [("FUNCTION", "public.f(integer)")]
    assert at("u", clock(db)) == []
    assert refused(db, "SELECT * FROM pggit.object_at('nothing', now())") == "GT015"


def clock(db: Connection) -> Moment:
    return one(db, "SELECT clock_timestamp()")


def test_the_schema_of_a_moment_is_its_tree(db: Connection) -> None:
    moments = []
    for number in range(12):
        db.execute(f"CREATE TABLE t{number} (id integer); ALTER TABLE t{number // 2} ADD COLUMN c{number} text")
        moments.append(noted(db))
    for moment, tree in moments:
        assert tree == one(
            db,
            "SELECT pggit.build_tree(0, array_agg(pggit.tree_key(object_type, object)),"
            " array_agg(pggit.blob_hash(object_type, object, definition))) FROM pggit.schema_at(%s)",
            moment,
        )


def test_restore_points(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    early, tree = noted(db)
    db.execute("DROP TABLE t")
    with db.transaction():
        db.execute("CREATE TABLE in_flight (id integer)")
        assert one(db, "SELECT pggit.create_restore_point('now')") == 1
    db.execute("SELECT pggit.create_restore_point('before', %s)", [early])
    assert one(db, "SELECT pggit.tree_of('before')") == tree
    assert one(db, "SELECT pggit.tree_of('now')") == one(db, "SELECT pggit.live_tree()")
    rows = db.execute("SELECT name, tree, created_by FROM pggit.list_restore_points()").fetchall()
    assert rows == [("before", tree, "postgres"), ("now", one(db, "SELECT pggit.live_tree()"), "postgres")]
    assert one(db, "SELECT pggit.delete_restore_point('before')") == early
    assert refused(db, "SELECT pggit.delete_restore_point('before')") == "GT004"
    assert refused(db, "SELECT pggit.tree_of('before')") == "GT004"
    with pytest.raises(Exception, match="earliest moment is") as young:
        db.execute("SELECT pggit.create_restore_point('before_disaster', now() - interval '1 hour')")
    assert getattr(young.value, "sqlstate", "") == "GT014"


def test_the_runbooks_statement(db: Connection) -> None:
    """As if init() had run yesterday."""
    db.execute("CREATE TABLE t (id integer)")
    db.execute("ALTER TABLE pggit.history DISABLE TRIGGER USER; ALTER TABLE pggit.commits DISABLE TRIGGER USER")
    db.execute("UPDATE pggit.history SET created_at = created_at - interval '1 day'")
    db.execute("UPDATE pggit.commits SET committed_at = committed_at - interval '1 day'")
    tree = one(db, "SELECT pggit.live_tree()")
    db.execute("DROP TABLE t")
    db.execute("SELECT pggit.create_restore_point('before_disaster', now() - interval '1 hour')")
    assert one(db, "SELECT pggit.tree_of('before_disaster')") == tree


NAMES = (
    ("t", "TABLE", "public.t"),
    ("public.t", "TABLE", "public.t"),
    (" Public . T ", "TABLE", "public.t"),
    ('"t"', "TABLE", "public.t"),
    ('"Odd.Name ""(x)"', "TABLE", 'public."Odd.Name ""(x)"'),
    ('public."Odd.Name ""(x)"', "TABLE", 'public."Odd.Name ""(x)"'),
    ("f(int, text)", "FUNCTION", "public.f(integer,pg_catalog.text)"),
    ("public.f( )", "FUNCTION", "public.f()"),
    ("public.f(integer,text)", "FUNCTION", "public.f(integer,pg_catalog.text)"),
    ("g", "PROCEDURE", "public.g()"),
    ("other", "SCHEMA", "other"),
    ("trg", "TRIGGER", "trg on public.t"),
    ("trg on public.t", "TRIGGER", "trg on public.t"),
    ("other.twice", "TABLE", "other.twice"),
    ("h", "FUNCTION", "public.h(numeric[])"),
    ("h(decimal[])", "FUNCTION", "public.h(numeric[])"),
    ("dropped", "TABLE", "public.dropped"),
    ("former", "TABLE", "public.former"),
)


def test_objects_are_found_by_what_users_write(db: Connection) -> None:
    for statement in (
        "CREATE TABLE t (id integer)",
        'CREATE TABLE "Odd.Name ""(x)" (id integer)',
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "CREATE FUNCTION f(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION h(a decimal[]) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE g() LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA other",
        "CREATE TRIGGER trg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TABLE twice (); CREATE TABLE other.twice ()",
        "CREATE TABLE dropped (); DROP TABLE dropped",
        "CREATE TABLE former (); ALTER TABLE former RENAME TO present",
    ):
        db.execute(statement)
    for written, kind, identity in NAMES:
        query = "SELECT found_type, identity FROM pggit.find_object(%s)"
        assert db.execute(query, [written]).fetchall() == [(kind, identity)], written
    unknown: list[str | None] = [
        "nothing",
        "",
        None,
        "f(",
        "public.t(integer)",
        "a.b.c",
        "f(integer)",
        "'; DROP TABLE t; --",
    ]
    for wrong in unknown:
        assert refused(db, "SELECT * FROM pggit.find_object(%s::text)", wrong) == "GT015", wrong
    assert refused(db, "SELECT * FROM pggit.find_object('t', 'VIEW')") == "GT015"
    with pytest.raises(Exception, match=r"FUNCTION public\.f\(\), FUNCTION public\.f\(integer,pg_catalog\.text\)"):
        db.execute("SELECT * FROM pggit.find_object('f')")
    for written in ("f", "twice"):
        assert refused(db, "SELECT * FROM pggit.find_object(%s)", written) == "GT016"
    assert one(db, "SELECT identity FROM pggit.find_object('t', 'table')") == "public.t"
