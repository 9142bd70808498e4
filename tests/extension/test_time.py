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
    db.execute("DROP TABLE IF EXISTS t1, t2, t3, t1.t1, t1.t2, t1.t3, t2.t1, t2.t2, t2.t3, t3.t1, t3.t2, t3.t3 CASCADE")
    db.execute("DROP SCHEMA IF EXISTS t1, t2, t3 CASCADE")


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
