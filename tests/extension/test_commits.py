"""Commits, branches, trees and what is not committed yet."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.extension.conftest import Connect, Connection
from tests.extension.test_tracked_kinds import differences


def one(db: Connection, query: str, *values: object) -> Any:
    row = db.execute(query, values or None).fetchone()
    assert row is not None
    return row[0]


def refused(db: Connection, query: str, *values: object) -> str:
    with pytest.raises(psycopg.DatabaseError) as raised:
        db.execute(query, values or None)
    return raised.value.sqlstate or ""


HEAD_TREE = "SELECT tree FROM pggit.commits WHERE hash = pggit.resolve_ref('HEAD')"
TREE_OF_INDEX = """
    SELECT pggit.build_tree(0, array_agg(pggit.tree_key(object_type, identity)), array_agg(blob))
    FROM pggit.objects WHERE is_active AND NOT is_manual"""


def test_a_commit_keeps_the_whole_schema(db: Connection) -> None:
    for number in range(40):
        db.execute(f"CREATE TABLE t{number} (id integer)")
    first = one(db, "SELECT pggit.commit('forty tables')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    db.execute("DROP TABLE t7; ALTER TABLE t8 RENAME TO u8; ALTER TABLE t9 ADD COLUMN x text")
    second = one(db, "SELECT pggit.commit('changes')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    for number in range(40):
        db.execute(f"DROP TABLE IF EXISTS t{number}, u{number}")
    third = one(db, "SELECT pggit.commit('all gone')")
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    log = db.execute("SELECT hash, message, parents FROM pggit.log()").fetchall()
    assert [row[:2] for row in log[:3]] == [(third, "all gone"), (second, "changes"), (first, "forty tables")]
    assert [row[2] for row in log] == [[second], [first], [log[3][0]], []]
    assert log[3][1] == "The schema as pgGit found it"
    # the same schema is the same tree
    trees = db.execute("SELECT tree FROM pggit.commits ORDER BY id").fetchall()
    assert trees[0] == trees[3]


def test_the_hash_of_a_commit_covers_what_it_says(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    db.execute("SELECT pggit.commit('one')")
    assert db.execute("""
        SELECT count(*) FROM pggit.commits c WHERE hash <> encode(sha256(convert_to(
            'tree ' || tree || E'\\nparents ' || array_to_string(parents, ' ') || E'\\nauthor ' || author
            || E'\\ndate ' || to_char(committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || E'\\nserver ' || server_version_num || E'\\n\\n' || message, 'UTF8')), 'hex')""").fetchone() == (0,)


def test_status_shows_what_a_commit_would_take(db: Connection) -> None:
    assert db.execute("SELECT * FROM pggit.status()").fetchall() == []
    db.execute("CREATE TABLE t (id integer); CREATE TABLE fleeting (id integer); DROP TABLE fleeting")
    uncommitted = "SELECT change, object_type, object FROM pggit.status() WHERE state = 'uncommitted'"
    assert db.execute(uncommitted).fetchall() == [("CREATE", "TABLE", "public.t")]
    db.execute("SELECT pggit.commit('t')")
    assert db.execute("SELECT * FROM pggit.status()").fetchall() == []
    db.execute("ALTER TABLE t RENAME TO u")
    assert db.execute(uncommitted).fetchall() == [("DROP", "TABLE", "public.t"), ("CREATE", "TABLE", "public.u")]
    db.execute("ALTER TABLE u RENAME TO t")
    assert db.execute("SELECT * FROM pggit.status()").fetchall() == []
    with pytest.raises(psycopg.DatabaseError) as error:
        db.execute("SELECT pggit.commit('nothing')")
    assert error.value.sqlstate == "GT008"
    assert "pggit.status()" in str(error.value.diag.message_hint)


@pytest.mark.parametrize("message", ["", "  \n", None])
def test_a_commit_needs_a_message(db: Connection, message: str | None) -> None:
    db.execute("CREATE TABLE t (id integer)")
    assert refused(db, "SELECT pggit.commit(%s::text)", message) == "GT007"


def test_branches_begin_where_they_are_told(db: Connection) -> None:
    start = one(db, "SELECT pggit.resolve_ref('HEAD')")
    assert one(db, "SELECT pggit.create_branch('test-branch')") == 2
    db.execute("CREATE TABLE t (id integer)")
    later = one(db, "SELECT pggit.commit('t')")
    one(db, "SELECT pggit.create_branch('from-main', 'main')")
    one(db, "SELECT pggit.create_branch('from-hash', %s)", start[:10])
    heads: dict[str, str] = dict(db.execute("SELECT name, head FROM pggit.branches").fetchall())
    assert heads == {"main": later, "test-branch": start, "from-main": later, "from-hash": start}
    assert one(db, "SELECT branches FROM pggit.log() LIMIT 1") == ["from-main", "main"]
    query = "SELECT count(*) FROM pggit.commits WHERE branch_id = (SELECT id FROM pggit.branches WHERE name = 'main')"
    assert one(db, query) == 2
    actions = db.execute("SELECT ref, action FROM pggit.reflog ORDER BY id").fetchall()
    assert actions[:3] == [("main", "init"), ("test-branch", "create branch"), ("main", "commit")]


@pytest.mark.parametrize(
    "name", ["", "HEAD", "a b", "-x", "a..b", "a/", "a//b", "cafe", "x\ny", "x" * 201, None, "o'brien", "semi;colon"]
)
def test_bad_branch_names(db: Connection, name: str | None) -> None:
    assert refused(db, "SELECT pggit.create_branch(%s::text)", name) == "GT005"


def test_wrong_references(db: Connection) -> None:
    one(db, "SELECT pggit.create_branch('taken')")
    assert refused(db, "SELECT pggit.create_branch('taken')") == "GT009"
    for ref in ("nowhere", "0000", "", None):
        assert refused(db, "SELECT pggit.create_branch('new', %s::text)", ref) == "GT004"
        assert refused(db, "SELECT * FROM pggit.log(%s::text)", ref) == "GT004"


def test_a_negative_count(db: Connection) -> None:
    assert refused(db, "SELECT * FROM pggit.log('HEAD', -1)") == "GT012"
    assert len(db.execute("SELECT * FROM pggit.log('HEAD', NULL)").fetchall()) == 1


def test_a_rescan_needs_to_see_what_is(db: Connection, connect: Connect) -> None:
    late = connect(autocommit=False)
    late.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    assert refused(late, "SELECT pggit.rescan()") == "GT011"


def test_nothing_works_before_init(bare_db: Connection) -> None:
    bare_db.execute("CREATE EXTENSION pggit")
    for call in (
        "commit('x')",
        "create_branch('x')",
        "log()",
        "status()",
        "pause()",
        "resume()",
        "rescan()",
        "enable()",
    ):
        assert refused(bare_db, f"SELECT pggit.{call}") == "GT003", call
    assert one(bare_db, "SELECT pggit.version()") == one(
        bare_db, "SELECT extversion FROM pg_extension WHERE extname = 'pggit'"
    )


def test_a_moved_branch_is_not_moved_again(db: Connection) -> None:
    start = one(db, "SELECT pggit.resolve_ref('HEAD')")
    db.execute("CREATE TABLE t (id integer)")
    later = one(db, "SELECT pggit.commit('t')")
    with pytest.raises(psycopg.DatabaseError, match="branch main has moved since it was read") as error:
        db.execute("SELECT pggit.move_branch(1, %s, %s, 'test')", [start, start])
    assert error.value.sqlstate == "GT006"
    assert one(db, "SELECT pggit.resolve_ref('HEAD')") == later


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.dictionaries(st.integers(0, 90), st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=60),
        min_size=1,
        max_size=4,
    )
)
def test_a_changed_tree_is_the_tree_of_what_it_holds(db: Connection, steps: list[dict[int, int | None]]) -> None:
    """The Merkle law: however a tree came to be, its hash follows from its entries alone."""
    root: str | None = None
    entries: dict[int, int] = {}
    key = "SELECT array_agg(pggit.tree_key('T', k)) FROM unnest(%s::text[]) k"
    for step in steps:
        names = [str(k) for k in step]
        blobs = [None if v is None else f"{v:064x}" for v in step.values()]
        root = one(db, f"SELECT pggit.change_tree(%s, 0, ({key}), %s::text[])", root, names, blobs)
        entries = {k: v for k, v in {**entries, **step}.items() if v is not None}
        names, values = [str(k) for k in entries], [f"{v:064x}" for v in entries.values()]
        fresh = one(db, f"SELECT pggit.build_tree(0, coalesce(({key}), '{{}}'), %s::text[])", names, values)
        assert root == fresh
        assert one(db, "SELECT object_count FROM pggit.trees WHERE hash = %s", root) == len(entries)
        held = db.execute("SELECT key, blob FROM pggit.tree_entries(%s)", [root]).fetchall()
        assert len(held) == len(entries)
        for found, blob in held:
            assert one(db, "SELECT pggit.tree_lookup(%s, %s)", root, found) == blob


def test_small_changes_share_all_but_a_few_nodes(db: Connection) -> None:
    root = one(
        db,
        "SELECT pggit.build_tree(0, array_agg(pggit.tree_key('T', n::text)), array_agg(repeat('b', 64)))"
        " FROM generate_series(1, 2000) n",
    )
    before = one(db, "SELECT count(*) FROM pggit.trees")
    one(db, "SELECT pggit.change_tree(%s, 0, ARRAY[pggit.tree_key('T', '7')], ARRAY[repeat('c', 64)])", root)
    assert one(db, "SELECT count(*) FROM pggit.trees") - before <= 4


def test_commits_of_two_sessions_follow_each_other(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE a (id integer); CREATE TABLE b (id integer)")
    db.execute("SELECT pggit.commit('both')")
    other = connect(autocommit=False)
    other.execute("ALTER TABLE b ADD COLUMN x integer")
    db.execute("ALTER TABLE a ADD COLUMN x integer")
    first = one(db, "SELECT pggit.commit('a alone: b is not decided')")
    other.commit()
    assert db.execute("SELECT change, object FROM pggit.status()").fetchall() == [("ALTER", "public.b")]
    second = one(other, "SELECT pggit.commit('b')")
    other.commit()
    assert db.execute("SELECT hash FROM pggit.log() LIMIT 2").fetchall() == [(second,), (first,)]
    assert one(db, HEAD_TREE) == one(db, TREE_OF_INDEX)
    assert differences(db) == []
