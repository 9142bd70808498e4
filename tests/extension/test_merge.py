"""Merging: the arithmetic on definitions, the common ancestor, and whole schemas with their conflicts."""

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences

_HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)

Json = Any
Conflicts = list[dict[str, Json]]

# The arithmetic ------------------------------------------------------------------------------------

_names = st.sampled_from(["a", "b", "acl", "columns", "default", 'o"dd'])
_scalars = st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y", "nothing"]))
_columns = st.dictionaries(
    _names,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "text"])},
        optional={
            "not_null": st.just(True),
            "default": _scalars,
            "acl": st.sets(st.sampled_from(["r=r/o", "s=r/o", 's=r*w/o"x"']), min_size=1).map(sorted),
        },
    ),
    max_size=3,
)
_options = st.sets(st.sampled_from(["fillfactor=70", "fillfactor=80", "autovacuum_enabled=off"]), min_size=1)
_definitions = st.fixed_dictionaries(
    {"columns": _columns},
    optional={
        "comment": _scalars,
        "constraints": st.dictionaries(_names, st.fixed_dictionaries({"definition": _scalars}), min_size=1, max_size=3),
        "options": _options.filter(lambda o: len({i.partition("=")[0] for i in o}) == len(o)).map(sorted),
        "row_security": st.just(True),
    },
)


def merge(db: Connection, base: Json, ours: Json, theirs: Json) -> tuple[Json, Conflicts]:
    row = db.execute(
        "SELECT merged, conflicts FROM pggit.merge_definitions('TABLE', %s::jsonb, %s::jsonb, %s::jsonb)",
        [None if side is None else json.dumps(side) for side in (base, ours, theirs)],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def leaves(value: Json, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """What stands where: the paths to all that is no object, and to empty objects."""
    if isinstance(value, dict) and value:
        found: dict[tuple[str, ...], str] = {}
        for key, part in value.items():
            found |= leaves(part, (*path, key))
        return found
    return {path: json.dumps(value)}


@_HERE
@given(base=_definitions, ours=_definitions, theirs=_definitions)
def test_a_merge_has_no_sides(db: Connection, base: Json, ours: Json, theirs: Json) -> None:
    merged, conflicts = merge(db, base, ours, theirs)
    turned, turned_conflicts = merge(db, base, theirs, ours)
    swapped = [{**c, "ours": c["theirs"], "theirs": c["ours"]} for c in turned_conflicts]
    assert conflicts == swapped
    if not conflicts:
        assert merged == turned


@_HERE
@given(base=_definitions, other=_definitions)
def test_what_one_side_changed_is_taken(db: Connection, base: Json, other: Json) -> None:
    for ours, theirs in ((base, other), (other, base), (other, other)):
        assert merge(db, base, ours, theirs) == (other, [])
    assert merge(db, base, None, base) == (None, [])
    assert merge(db, None, other, None) == (other, [])


@_HERE
@given(base=_definitions, ours=_definitions, theirs=_definitions)
def test_a_conflict_is_where_both_sides_changed_the_same_thing(
    db: Connection, base: Json, ours: Json, theirs: Json
) -> None:
    merged, conflicts = merge(db, base, ours, theirs)
    for conflict in conflicts:
        assert len({json.dumps(conflict[side]) for side in ("base", "ours", "theirs")}) == 3, conflict
    # and everywhere else each leaf is as the side that changed it has it
    clashes = [tuple(c["path"]) for c in conflicts]
    sides = [leaves(side) for side in (base, ours, theirs)]
    result = leaves(merged)
    for path in set().union(*sides, result):
        if any(path[: len(clash)] == clash for clash in clashes) or {"acl", "options"} & {path[-1]}:
            continue
        was, our, their = (side.get(path) for side in sides)
        if path in (("columns",), ()):
            continue  # an empty map: what is in it counts
        assert result.get(path) == (their if our == was else our), path


def test_each_part_merges_for_itself(db: Connection) -> None:
    base: Json = {"columns": {"id": {"type": "integer"}}, "owner": "postgres"}
    ours: Json = {"columns": {"id": {"type": "bigint"}, "a": {"type": "text"}}, "owner": "postgres", "comment": "x"}
    theirs: Json = {
        "columns": {"id": {"type": "integer", "default": "1"}, "b": {"type": "text"}},
        "owner": "postgres",
        "constraints": {"c": {"definition": "CHECK (true)"}},
    }
    assert merge(db, base, ours, theirs) == (
        {
            "columns": {"a": {"type": "text"}, "b": {"type": "text"}, "id": {"type": "bigint", "default": "1"}},
            "comment": "x",
            "constraints": {"c": {"definition": "CHECK (true)"}},
            "owner": "postgres",
        },
        [],
    )


@pytest.mark.parametrize(
    ("where", "base", "ours", "theirs", "merged"),
    [
        # each side grants to somebody else; one side takes away; letters go together, in PostgreSQL's order
        ("acl", ["p=arw/p"], ["a=r/p", "p=arw/p"], ["b=r/p", "p=arw/p"], ["a=r/p", "b=r/p", "p=arw/p"]),
        ("acl", ["a=r/p", "p=arw/p"], ["p=arw/p"], ["a=r/p", "b=r/p", "p=arw/p"], ["b=r/p", "p=arw/p"]),
        ("acl", ["a=r/p"], ["a=rd/p"], ["a=ar*/p"], ["a=ar*d/p"]),
        ("acl", ["p=arw/p"], [], ["a=r/p", "p=arw/p"], ["a=r/p"]),
        ("acl", ['"a=/b"=r/p'], ['"a=/b"=r/p', "=r/p"], ['"a=/b"=rw/p'], ['"a=/b"=rw/p', "=r/p"]),
        ("options", ["a=1"], ["a=1", "b=1"], ["a=1", "c=x=y"], ["a=1", "b=1", "c=x=y"]),
        ("options", None, ["b=1"], ["a=1"], ["a=1", "b=1"]),
        ("options", ["a=1", "b=1"], ["a=1"], ["b=1"], None),
    ],
)
def test_lists_that_are_sets_merge_as_sets(
    db: Connection, where: str, base: Json, ours: Json, theirs: Json, merged: Json
) -> None:
    def table(value: Json) -> Json:
        return {"columns": {}} if value is None else {"columns": {}, where: value}

    result = table(merged)
    if where == "acl":
        result[where] = sorted(result[where])
    assert merge(db, table(base), table(ours), table(theirs)) == (result, [])


def test_grants_to_two_roles_on_a_table_with_none(db: Connection, roles: set[str]) -> None:
    base = {"columns": {}, "owner": "postgres"}
    every = "arwdDxtm" if db.info.server_version >= 170000 else "arwdDxt"
    ours = base | {"acl": ["a=r/postgres", f"postgres={every}/postgres"]}
    theirs = base | {"acl": ["b=r/postgres", f"postgres={every}/postgres"]}
    together = base | {"acl": ["a=r/postgres", "b=r/postgres", f"postgres={every}/postgres"]}
    assert merge(db, base, ours, theirs) == (together, [])
    # what is as for a new object is left out again
    assert merge(db, together, ours, theirs) == (base, [])


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "paths"),
    [
        pytest.param({"comment": "x"}, {"comment": "y"}, {"comment": "z"}, [["comment"]], id="scalar"),
        pytest.param({"comment": "x"}, {}, {"comment": "z"}, [["comment"]], id="deleted-and-changed"),
        pytest.param({"labels": ["a"]}, {"labels": ["a", "b"]}, {"labels": ["a", "c"]}, [["labels"]], id="list"),
        pytest.param({"options": ["a=1"]}, {"options": ["a=2"]}, {"options": ["a=3"]}, [["options"]], id="one-option"),
        pytest.param(
            {"columns": {"acl": {"type": "text"}}},
            {"columns": {"acl": {"type": "date"}}},
            {"columns": {}},
            [["columns", "acl"]],
            id="column-dropped",
        ),
        pytest.param(
            {"columns": {}},
            {"columns": {"x": {"type": "text"}}},
            {"columns": {"x": {"type": "text", "not_null": True}}},
            [["columns", "x"]],
            id="two-new-columns-of-one-name",
        ),
        pytest.param(
            {"columns": {"x": {"type": "integer"}}},
            {"columns": {"x": {"type": "integer", "default": "1"}}},
            {"columns": {"x": {"type": "integer", "generated": {"kind": "stored", "expression": "2"}}}},
            [["columns", "x"]],
            id="default-and-generated",
        ),
        pytest.param({"owner": "a", "comment": "x"}, {"owner": "b"}, {"owner": "a"}, [["owner"]], id="owner"),
        pytest.param(
            {"owner": "a", "acl": ["a=r/a"]},
            {"owner": "b", "acl": ["b=r/b"]},
            {"owner": "a", "acl": ["a=r/a", "c=r/a"]},
            [["acl"], ["owner"]],
            id="owner-and-grants",
        ),
        pytest.param(None, {"comment": "x"}, {"comment": "y"}, [[]], id="both-made-it"),
        pytest.param({"comment": "x"}, None, {"comment": "y"}, [[]], id="dropped-and-changed"),
    ],
)
def test_conflicts(db: Connection, base: Json, ours: Json, theirs: Json, paths: list[list[str]]) -> None:
    merged, conflicts = merge(db, base, ours, theirs)
    assert [c["path"] for c in conflicts] == paths
    assert merged == ours


def test_a_view_with_two_new_queries_is_one_conflict(db: Connection) -> None:
    def view(query: str, *columns: str) -> str:
        return json.dumps({"query": query, "columns": {name: {"type": "integer"} for name in columns}})

    row = db.execute(
        "SELECT conflicts FROM pggit.merge_definitions('VIEW', %s::jsonb, %s::jsonb, %s::jsonb)",
        [view("1", "a"), view("2", "a", "b"), view("3", "a", "c")],
    ).fetchone()
    assert row is not None
    assert [c["path"] for c in row[0]] == [[]]


# The common ancestor -------------------------------------------------------------------------------


def history(db: Connection, parents: list[list[int]]) -> list[str]:
    """Commits with those parents, in order."""
    hashes: list[str] = []
    for number, before in enumerate(parents):
        hashes.append(
            one(
                db,
                "SELECT pggit.put_commit(1, 'tree', %s::text[], %s)",
                [hashes[parent] for parent in before],
                f"number {number}",
            )
        )
    return hashes


def test_of_several_best_ancestors_the_newest_is_taken(db: Connection) -> None:
    criss_cross = history(db, [[], [0], [0], [1, 2], [2, 1]])
    assert one(db, "SELECT pggit.merge_base(%s, %s)", criss_cross[3], criss_cross[4]) == criss_cross[2]
    assert one(db, "SELECT pggit.merge_base(%s, %s)", criss_cross[4], criss_cross[3]) == criss_cross[2]
    (stranger,) = history(db, [[]])
    assert one(db, "SELECT pggit.merge_base(%s, %s)", criss_cross[3], stranger) is None


@settings(parent=_HERE, max_examples=30)
@given(data=st.data())
def test_the_merge_base_is_a_best_common_ancestor(db: Connection, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    parents = [
        sorted(data.draw(st.sets(st.integers(max(0, n - 4), n - 1), min_size=1, max_size=2))) if n else []
        for n in range(count)
    ]
    hashes = history(db, parents)
    reach: list[set[int]] = []
    for number, before in enumerate(parents):
        reach.append({number}.union(*(reach[parent] for parent in before)))
    a, b = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    common = reach[a] & reach[b]
    best = {c for c in common if not any(c in reach[other] for other in common if other != c)}
    assert one(db, "SELECT pggit.merge_base(%s, %s)", hashes[a], hashes[b]) == hashes[max(best)]


# Whole schemas -------------------------------------------------------------------------------------

CONFLICTS = "SELECT object_type, object, path, resolution FROM pggit.conflicts()"


def split(db: Connection, base: str, ours: str, theirs: str) -> None:
    """Branches main and other with those changes since the commit they have in common; main is current."""
    db.execute(base)
    db.execute("SELECT pggit.commit('base')")
    db.execute("SELECT pggit.create_branch('other'); SELECT * FROM pggit.checkout('other')")
    db.execute(theirs)
    db.execute("SELECT pggit.commit('theirs'); SELECT * FROM pggit.checkout('main')")
    db.execute(ours)
    db.execute("SELECT pggit.commit('ours')")


def head(db: Connection) -> tuple[Any, ...] | None:
    return db.execute("SELECT hash, tree, parents FROM pggit.commits WHERE hash = pggit.resolve_ref('HEAD')").fetchone()


def merge_into(db: Connection, ours: str) -> tuple[str, set[tuple[str, str]]]:
    """Merge the other of `main` and `other` into this one: that one's name, and the kinds and names that conflict."""
    theirs = "main" if ours == "other" else "other"
    db.execute("SELECT * FROM pggit.checkout(%s)", [ours])
    rows = db.execute("SELECT action, object_type, object FROM pggit.merge(%s)", [theirs]).fetchall()
    return theirs, {(kind, name) for action, kind, name in rows if action == "conflict"}


def settled(db: Connection) -> None:
    """The index is the catalog, HEAD is the schema, and nothing is left of a merge."""
    assert differences(db) == []
    assert db.execute("SELECT * FROM pggit.status() WHERE state <> 'not versioned'").fetchall() == []
    assert one(db, "SELECT pggit.live_tree() = tree FROM pggit.commits WHERE hash = pggit.resolve_ref('HEAD')")
    assert one(db, "SELECT count(*) FROM pggit.merge_state") == one(db, "SELECT count(*) FROM pggit.conflicts()") == 0


def test_a_merge_joins_what_both_sides_did(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE t (id integer PRIMARY KEY, x text); CREATE TABLE gone (id integer)",
        "ALTER TABLE t ADD COLUMN a integer DEFAULT 3; CREATE INDEX i ON t (x); COMMENT ON TABLE t IS 'both'",
        "ALTER TABLE t ADD COLUMN b text; DROP TABLE gone; CREATE TABLE new (id integer); COMMENT ON TABLE t IS 'both'",
    )
    ours, theirs = one(db, "SELECT pggit.resolve_ref('main')"), one(db, "SELECT pggit.resolve_ref('other')")
    rows = db.execute("SELECT * FROM pggit.merge('other')").fetchall()
    assert rows[-1] == ("commit", "BRANCH", "main", one(db, "SELECT pggit.resolve_ref('main')"))
    assert {row[2] for row in rows} >= {"public.gone", "public.new"}
    commit = head(db)
    assert commit is not None
    assert commit[2] == [ours, theirs]
    assert one(db, "SELECT message FROM pggit.log() LIMIT 1") == "Merge other into main"
    assert one(db, "SELECT to_regclass('gone')") is None
    assert one(db, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname IN ('a', 'b')") == 2
    settled(db)
    # nothing more to merge
    assert db.execute("SELECT * FROM pggit.merge('other')").fetchall() == []
    assert head(db) == commit
    # the other way round gives the same schema
    db.execute("SELECT pggit.create_branch('again', %s)", [theirs])
    db.execute("SELECT * FROM pggit.checkout('again')")
    db.execute("SELECT * FROM pggit.merge(%s, 'the other way')", [ours])
    again = head(db)
    assert again is not None
    assert (again[1], again[2]) == (commit[1], [theirs, ours])
    settled(db)


def test_a_branch_without_changes_of_its_own_moves_forward(db: Connection) -> None:
    db.execute("SELECT pggit.create_branch('other'); SELECT * FROM pggit.checkout('other')")
    db.execute("CREATE TABLE t (id integer)")
    theirs = one(db, "SELECT pggit.commit('t')")
    db.execute("SELECT * FROM pggit.checkout('main')")
    assert one(db, "SELECT to_regclass('t')") is None
    rows = db.execute("SELECT * FROM pggit.merge('other')").fetchall()
    assert rows[-1] == ("fast-forward", "BRANCH", "main", theirs)
    assert one(db, "SELECT pggit.resolve_ref('main')") == theirs
    assert one(db, "SELECT to_regclass('t') IS NOT NULL")
    assert one(db, "SELECT action FROM pggit.reflog ORDER BY id DESC LIMIT 1") == "merge: fast-forward"
    settled(db)


THREE = """
    CREATE TABLE t (id integer, x text); COMMENT ON TABLE t IS 'base'; CREATE VIEW v AS SELECT 1 AS one"""


def conflicting(db: Connection) -> None:
    split(
        db,
        THREE,
        "COMMENT ON TABLE t IS 'ours'; ALTER TABLE t ALTER x TYPE varchar(10); DROP VIEW v;"
        " CREATE TABLE mine (a integer)",
        "COMMENT ON TABLE t IS 'theirs'; ALTER TABLE t ALTER x TYPE varchar(20), ADD COLUMN y text;"
        " CREATE OR REPLACE VIEW v AS SELECT 2 AS one; CREATE TABLE yours (a integer)",
    )


def test_a_conflict_changes_nothing_until_it_is_resolved(db: Connection) -> None:
    conflicting(db)
    before = head(db), one(db, "SELECT count(*) FROM pggit.history"), one(db, "SELECT pggit.live_tree()")
    rows = db.execute("SELECT * FROM pggit.merge('other')").fetchall()
    assert rows == [
        ("conflict", "TABLE", "public.t", "columns.x.type: ours character varying(10), theirs character varying(20)"),
        ("conflict", "TABLE", "public.t", "comment: ours ours, theirs theirs"),
        ("conflict", "VIEW", "public.v", "ours dropped it, theirs changed it"),
    ]
    assert (head(db), one(db, "SELECT count(*) FROM pggit.history"), one(db, "SELECT pggit.live_tree()")) == before
    assert db.execute(CONFLICTS).fetchall() == [
        ("TABLE", "public.t", ["columns", "x", "type"], None),
        ("TABLE", "public.t", ["comment"], None),
        ("VIEW", "public.v", [], None),
    ]
    width, comment, view = (row[0] for row in db.execute("SELECT id FROM pggit.conflicts()"))
    with pytest.raises(psycopg.DatabaseError, match=rf"not resolved: {width} \(TABLE public.t\), {comment}"):
        db.execute("SELECT pggit.commit('too early')")

    assert one(db, "SELECT pggit.resolve_conflict(%s, 'theirs')", width) == 2
    assert one(db, "SELECT pggit.resolve_conflict(%s, 'ours')", comment) == 1
    assert one(db, "SELECT pggit.resolve_conflict(%s, 'theirs')", view) == 0
    assert one(db, "SELECT pggit.resolve_conflict(%s, 'definition', %s)", comment, '"of both"') == 0
    assert [row[3] for row in db.execute(CONFLICTS)] == ["theirs", "definition", "theirs"]
    assert (head(db), one(db, "SELECT pggit.live_tree()")) == (before[0], before[2])

    ours, theirs = one(db, "SELECT pggit.resolve_ref('main')"), one(db, "SELECT pggit.resolve_ref('other')")
    done = one(db, "SELECT pggit.commit('merged')")
    commit = head(db)
    assert commit is not None
    assert (commit[0], commit[2]) == (done, [ours, theirs])
    assert one(db, "SELECT obj_description('t'::regclass)") == "of both"
    assert one(db, "SELECT one FROM v") == 2
    assert one(db, "SELECT to_regclass('mine') IS NOT NULL AND to_regclass('yours') IS NOT NULL")
    settled(db)


@pytest.mark.parametrize("how", ["ours", "theirs"])
def test_one_side_throughout(db: Connection, how: str) -> None:
    conflicting(db)
    db.execute("SELECT * FROM pggit.merge('other')")
    db.execute("SELECT pggit.resolve_conflict(id, %s) FROM pggit.conflicts()", [how])
    db.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT obj_description('t'::regclass)") == how
    assert one(db, "SELECT to_regclass('v') IS NOT NULL") == (how == "theirs")
    assert one(db, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'y'") == 1
    settled(db)


def test_an_aborted_merge_leaves_nothing(db: Connection) -> None:
    conflicting(db)
    before = head(db)
    db.execute("SELECT * FROM pggit.merge('other')")
    assert "other" in one(db, "SELECT pggit.abort_merge()")
    assert head(db) == before
    settled(db)
    assert refused(db, "SELECT pggit.abort_merge()") == "GT027"
    assert refused(db, "SELECT pggit.resolve_conflict(1, 'ours')") == "GT027"


def test_while_a_merge_waits_nothing_else_begins(db: Connection) -> None:
    conflicting(db)
    db.execute("SELECT pggit.create_restore_point('here')")
    db.execute("SELECT * FROM pggit.merge('other')")
    for other in ("checkout('other')", "checkout('other', true)", "merge('other')", "revert('HEAD')", "reset('HEAD')",
                  "restore_to_point('here')", "reset_branch('HEAD')", "switch_head('other')"):  # fmt: skip
        assert refused(db, f"SELECT * FROM pggit.{other}") == "GT026", other
    db.execute("SELECT pggit.resolve_conflict(id, 'ours') FROM pggit.conflicts()")
    # what changed meanwhile would be lost in the merge
    db.execute("CREATE TABLE meanwhile (id integer)")
    assert refused(db, "SELECT pggit.commit('merged')") == "GT025"
    assert refused(db, "SELECT pggit.commit_index('by the back door')") == "GT034"
    db.execute("DROP TABLE meanwhile")
    db.execute("SELECT pggit.commit('merged')")
    settled(db)


def test_a_resolution_must_fit(db: Connection) -> None:
    conflicting(db)
    db.execute("SELECT * FROM pggit.merge('other')")
    width, comment, view = (row[0] for row in db.execute("SELECT id FROM pggit.conflicts()"))
    for call in (
        f"({comment}, 'mine')",
        f"({comment}, NULL)",
        f"({comment}, 'definition')",
        f"({comment}, 'ours', '\"x\"')",
        f"({comment}, 'definition', '7')",
        f"({width}, 'definition', '{{}}')",
        f"({view}, 'definition', '\"x\"')",
    ):
        assert refused(db, f"SELECT pggit.resolve_conflict{call}") == "GT031", call
    assert refused(db, "SELECT pggit.resolve_conflict(NULL, 'ours')") == "GT027"
    assert [row[3] for row in db.execute(CONFLICTS)] == [None, None, None]
    # the JSON null takes away
    db.execute("SELECT pggit.resolve_conflict(id, 'ours') FROM pggit.conflicts()")
    db.execute(f"SELECT pggit.resolve_conflict({comment}, 'definition', 'null')")
    db.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT obj_description('t'::regclass)") is None
    settled(db)


def test_a_definition_of_somebody_else_is_not_run(db: Connection, connect: Connect) -> None:
    mallory = connect("mallory")
    db.execute("CREATE SCHEMA hers AUTHORIZATION mallory; SELECT pggit.grant_access('mallory', 'admin')")
    mallory.execute("""CREATE FUNCTION hers.resolve(id bigint) RETURNS integer LANGUAGE sql SECURITY DEFINER
        RETURN pggit.resolve_conflict(id, 'definition', '"mine"')""")
    conflicting(db)
    db.execute("SELECT * FROM pggit.merge('other')")
    db.execute("SELECT pggit.resolve_conflict(id, 'ours') FROM pggit.conflicts()")
    comment = one(db, "SELECT id FROM pggit.conflicts() WHERE path = '{comment}'")
    mallory.execute("SELECT pggit.resolve_conflict(%s, 'definition', '\"mine\"')", [comment])
    assert refused(db, "SELECT pggit.commit('merged')") == "GT028"
    # nor one that a function of hers gives in a superuser's session, or under another name
    db.execute("SELECT pggit.resolve_conflict(%s, 'ours')", [comment])
    db.execute("SELECT hers.resolve(%s)", [comment])
    assert refused(db, "SELECT pggit.commit('merged')") == "GT028"
    forged = "INSERT INTO pggit.resolutions VALUES (%s, 'definition', '\"mine\"', 'postgres')"
    assert refused(mallory, forged, comment) == "23514"
    # nor what she takes from a side: what a superuser owns by then may have been hers there
    mallory.execute("SELECT pggit.resolve_conflict(%s, 'theirs')", [comment])
    assert refused(db, "SELECT pggit.commit('merged')") == "GT028"
    db.execute("SELECT pggit.resolve_conflict(%s, 'definition', '\"mine\"')", [comment])
    db.execute("SELECT pggit.commit('merged')")
    settled(db)


def test_a_table_dropped_here_and_used_there(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE t (id integer); CREATE SCHEMA s; CREATE TABLE s.old (id integer)",
        "DROP TABLE t; DROP SCHEMA s CASCADE",
        "CREATE INDEX i ON t (id); CREATE TABLE s.new (id integer)",
    )
    rows = db.execute("SELECT object_type, object, detail FROM pggit.merge('other')").fetchall()
    assert rows == [
        ("INDEX", "public.i", "theirs made it, which does not fit what ours dropped, changed or made"),
        ("SCHEMA", "s", "ours dropped it, theirs uses it"),
        ("TABLE", "public.t", "ours dropped it, theirs uses it"),
        ("TABLE", "s.new", "theirs made it, which does not fit what ours dropped, changed or made"),
    ]
    db.execute("SELECT pggit.resolve_conflict(id, CASE WHEN object LIKE 's%' THEN 'ours' ELSE 'theirs' END)"
               " FROM pggit.conflicts()")  # fmt: skip
    db.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT to_regclass('i') IS NOT NULL AND to_regnamespace('s') IS NULL")
    settled(db)


_MADE = "{} made it, which does not fit what {} dropped, changed or made"
_CHANGED = "{} changed it, which does not fit what {} dropped, changed or made"


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("CREATE INDEX i ON p (v)", ("INDEX", "public.i", _MADE)),
        ("ALTER TABLE p ADD COLUMN w text", ("TABLE", "public.p", _CHANGED)),
        ("ALTER TABLE p RENAME COLUMN v TO w", ("TABLE", "public.p", _CHANGED)),
        ("ALTER TABLE p ADD CHECK (v > 0)", ("TABLE", "public.p", _CHANGED)),
        ("ALTER TABLE p ADD UNIQUE (k)", ("TABLE", "public.p", _CHANGED)),
        ("COMMENT ON TABLE p IS 'parts'; COMMENT ON COLUMN p.v IS 'value'; GRANT SELECT (v) ON p TO PUBLIC", None),
    ],
    ids=["index", "column", "rename", "check", "unique", "comment"],
)
def test_a_partition_made_here_and_its_parent_changed_there(
    db: Connection, ours: str, change: str, changed: tuple[str, str, str] | None
) -> None:
    """PostgreSQL would hand the change down to the partition, which neither side has seen."""
    split(
        db,
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k); CREATE TABLE a (LIKE p)",
        "CREATE TABLE n PARTITION OF p FOR VALUES IN (1); CREATE INDEX n_v ON n (v);"
        " ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (2)",
        change,
    )
    db.execute("SELECT * FROM pggit.checkout(%s)", [ours])
    maker, changer = ("ours", "theirs") if ours == "main" else ("theirs", "ours")
    rows = db.execute(
        "SELECT object_type, object, detail FROM pggit.merge(%s)", ["other" if ours == "main" else "main"]
    )
    found = set(rows.fetchall()) if changed else set()
    if changed is None:
        settled(db)
        return
    kind, name, detail = changed
    assert found == {
        (kind, name, detail.format(changer, maker)),
        ("TABLE", "public.n", _MADE.format(maker, changer)),
        ("INDEX", "public.n_v", _MADE.format(maker, changer)),
        ("TABLE", "public.a", _CHANGED.format(maker, changer)),
    }
    for how in ("theirs", "ours"):
        db.execute("SELECT pggit.resolve_conflict(id, %s) FROM pggit.conflicts()", [how])
    db.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT to_regclass('n') IS NOT NULL") == (ours == "main")
    settled(db)


PARTITIONED = "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k); CREATE TABLE a (LIKE p)"
NEW_PART = "CREATE TABLE n PARTITION OF p FOR VALUES IN (2)"
ATTACH = "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1)"


@pytest.mark.parametrize(
    ("one_side", "other_side"),
    [
        (ATTACH, ATTACH),
        (f"ALTER TABLE p ADD w text; {NEW_PART}", "ALTER TABLE p ADD w text"),
        (f"CREATE INDEX i ON p (v); {NEW_PART}", "CREATE INDEX i ON p (v)"),
        (ATTACH, "ALTER TABLE a ALTER v SET DEFAULT 5; ALTER TABLE a ADD CHECK (v > 0)"),
        (NEW_PART, "ALTER TABLE p ALTER v SET DEFAULT 5"),
    ],
    ids=["attach", "column", "index", "own", "default"],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_family_whose_changes_go_together(db: Connection, one_side: str, other_side: str, turned: bool) -> None:
    """The same change on both sides is one, and a partition may have a default and a check of its own."""
    split(db, PARTITIONED, *((other_side, one_side) if turned else (one_side, other_side)))
    assert "conflict" not in {row[0] for row in db.execute("SELECT * FROM pggit.merge('other')").fetchall()}
    settled(db)


def test_what_a_new_child_owns_goes_with_it(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE p (v integer)",
        "CREATE TABLE c (id serial) INHERITS (p)",
        "ALTER TABLE p ADD COLUMN w integer",
    )
    conflicts = db.execute("SELECT object FROM pggit.merge('other')").fetchall()
    assert sorted(conflicts) == [("public.c",), ("public.c_id_seq",), ("public.p",)]
    db.execute("SELECT pggit.resolve_conflict(id, 'theirs') FROM pggit.conflicts()")
    db.execute("SELECT pggit.commit('merged')")
    assert one(db, "SELECT to_regclass('c_id_seq') IS NULL")
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize("change", ["ADD COLUMN w text", "ALTER v TYPE bigint", "DROP v"])
def test_a_table_attached_here_and_changed_there(db: Connection, ours: str, change: str) -> None:
    split(
        db,
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k); CREATE TABLE a (LIKE p)",
        "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1)",
        f"ALTER TABLE a {change}",
    )
    db.execute("SELECT * FROM pggit.checkout(%s)", [ours])
    side = "other" if ours == "main" else "main"
    assert db.execute("SELECT action, object FROM pggit.merge(%s)", [side]).fetchall() == [("conflict", "public.a")]
    db.execute("SELECT pggit.resolve_conflict(id, 'ours') FROM pggit.conflicts()")
    db.execute("SELECT pggit.commit('merged')")
    settled(db)


def test_a_child_of_a_child_takes_part(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE p (k integer NOT NULL, v integer)",
        "CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c)",
        "ALTER TABLE p ALTER COLUMN v TYPE bigint",
    )
    rows = db.execute("SELECT object FROM pggit.merge('other')").fetchall()
    assert sorted(rows) == [("public.c",), ("public.g",), ("public.p",)]
    db.execute("SELECT pggit.abort_merge()")
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("change", "conflicts"),
    [
        ("ALTER TABLE p ADD COLUMN w text", {"public.a", "public.a_v_idx"}),
        ("ALTER TABLE p ALTER v TYPE bigint", {"public.a", "public.a_v_idx"}),
        ("ALTER TABLE p ADD PRIMARY KEY (k)", {"public.a", "public.a_v_idx"}),
        ("CREATE INDEX i ON p (k, v)", {"public.a", "public.a_k_v_idx", "public.a_v_idx"}),
        ("ALTER TABLE p ADD FOREIGN KEY (v) REFERENCES t", set()),
        ("ALTER TABLE p ALTER v SET DEFAULT 5; ALTER TABLE a ALTER v SET DEFAULT 7", set()),
    ],
    ids=["column", "type", "key", "index", "foreign", "default"],
)
def test_a_partition_taken_away_here_and_its_parent_changed_there(
    db: Connection, ours: str, change: str, conflicts: set[str]
) -> None:
    split(
        db,
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); CREATE INDEX ON p (v)",
        "ALTER TABLE p DETACH PARTITION a",
        change,
    )
    _, found = merge_into(db, ours)
    assert {name for _, name in found} == conflicts
    if conflicts:
        for how in ("ours", "theirs"):
            db.execute("SELECT pggit.resolve_conflict(id, %s) FROM pggit.conflicts()", [how])
        db.execute("SELECT pggit.commit('merged')")
        assert one(db, "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'a'::regclass") == (ours == "main")
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("one_side", "other_side", "conflicts"),
    [
        ("ALTER TABLE t RENAME TO x", "DROP TABLE t", {"public.x", "g on public.x", "public.i"}),
        ("ALTER TABLE t RENAME TO x", "DROP TRIGGER g ON t", {"g on public.x"}),
        (
            "ALTER TABLE t RENAME TO x",
            "ALTER TABLE t RENAME TO y",
            {"public.x", "g on public.x", "public.y", "g on public.y", "public.i"},
        ),
        ("ALTER TABLE t RENAME TO x", "ALTER TABLE t RENAME TO x", set()),
        ("ALTER VIEW v RENAME TO w", "DROP VIEW v", {"public.w"}),
        ("ALTER FUNCTION f() RENAME TO h", "DROP FUNCTION f()", {"public.h()"}),
        ("DROP VIEW v", "DROP VIEW v; CREATE VIEW w AS SELECT 1 AS a", set()),
    ],
    ids=["table", "trigger", "two-names", "one-name", "view", "function", "another"],
)
def test_renamed_here_and_dropped_there(
    db: Connection, ours: str, one_side: str, other_side: str, conflicts: set[str]
) -> None:
    """A merge knows names alone: what was dropped there does not stay here unseen under its new name."""
    split(
        db,
        "CREATE TABLE t (id integer); CREATE INDEX i ON t (id); CREATE VIEW v AS SELECT 1 AS a;"
        "CREATE FUNCTION f() RETURNS integer RETURN 1;"
        "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION tf()",
        one_side,
        other_side,
    )
    theirs, found = merge_into(db, ours)
    assert {name for _, name in found} == conflicts
    if conflicts:
        db.execute("SELECT pggit.resolve_conflict(id, 'theirs') FROM pggit.conflicts()")
        db.execute("SELECT pggit.commit('merged')")
        live = set(db.execute("SELECT identity FROM pggit.objects WHERE is_active").fetchall())
        db.execute("SELECT * FROM pggit.checkout(%s)", [theirs])
        there = set(db.execute("SELECT identity FROM pggit.objects WHERE is_active").fetchall())
        assert {name for name in conflicts if (name,) in live} == {name for name in conflicts if (name,) in there}
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("other_side", "conflicts"),
    [
        ("ALTER TABLE t DROP a", [["columns", "x"]]),
        ("ALTER TABLE t RENAME a TO y", [["columns", "x"], ["columns", "y"]]),
        ("ALTER TABLE t RENAME a TO x", []),
        ("ALTER TABLE t ADD y integer", []),
    ],
    ids=["dropped", "two-names", "one-name", "another"],
)
def test_a_column_renamed_here_and_dropped_there(
    db: Connection, ours: str, other_side: str, conflicts: list[list[str]]
) -> None:
    split(db, "CREATE TABLE t (id integer, a integer)", "ALTER TABLE t RENAME a TO x", other_side)
    theirs, _ = merge_into(db, ours)
    assert [path for (path,) in db.execute("SELECT path FROM pggit.conflicts()")] == conflicts
    if conflicts:
        db.execute("SELECT pggit.resolve_conflict(id, 'theirs') FROM pggit.conflicts()")
        db.execute("SELECT pggit.commit('merged')")
        columns = "SELECT jsonb_object_keys(definition -> 'columns') FROM pggit.object_at('public.t', now())"
        merged = db.execute(columns).fetchall()
        db.execute("SELECT * FROM pggit.checkout(%s)", [theirs])
        assert merged == db.execute(columns).fetchall()
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("one_side", "other_side", "conflicts"),
    [
        ("DROP TABLE t", "CREATE VIEW w AS SELECT id FROM t", {"public.t", "public.w"}),
        ("ALTER TABLE t RENAME TO x", "CREATE VIEW w AS SELECT id FROM t", {"public.t", "public.w", "public.x"}),
        (
            "ALTER TABLE t RENAME TO x",
            "ALTER TABLE u ADD FOREIGN KEY (id) REFERENCES t",
            {"public.t", "public.u", "public.x"},
        ),
        ("ALTER TABLE t RENAME TO x", "ALTER SEQUENCE s OWNED BY t.id", {"public.t", "public.s", "public.x"}),
        (
            "ALTER TABLE t RENAME TO x",
            "CREATE FUNCTION f(t) RETURNS integer RETURN 1",
            {"public.t", "public.f(public.t)", "public.x"},
        ),
        ('ALTER TYPE "odd ""e""" RENAME TO x', 'ALTER TABLE u ADD e "odd ""e"""', {'public."odd ""e"""', "public.u"}),
        ("DROP SEQUENCE s", "ALTER TABLE u ALTER id SET DEFAULT nextval('s')", {"public.s", "public.u"}),
        ("DROP TABLE t", "COMMENT ON TABLE u IS 'not public.t'; CREATE VIEW w AS SELECT id FROM t2", set()),
        ("DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id", "COMMENT ON TABLE u IS 'x'", set()),
    ],
    ids=["view", "renamed", "key", "sequence", "function", "type", "default", "another", "replaced"],
)
def test_gone_here_and_newly_used_there(
    db: Connection, ours: str, one_side: str, other_side: str, conflicts: set[str]
) -> None:
    split(
        db,
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE t2 (id integer); CREATE TABLE u (id integer);"
        'CREATE SEQUENCE s; CREATE TYPE "odd ""e""" AS ENUM (\'a\')',
        one_side,
        other_side,
    )
    _, found = merge_into(db, ours)
    assert {name for _, name in found} == conflicts
    if conflicts:
        db.execute("SELECT pggit.abort_merge()")
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
def test_a_schema_renamed_here_and_used_there(db: Connection, ours: str) -> None:
    """The same conflicts, whichever side the schema is at."""
    split(
        db,
        "CREATE SCHEMA s; CREATE TABLE s.t (id integer)",
        "ALTER SCHEMA s RENAME TO r",
        "ALTER TABLE s.t ADD UNIQUE (id)",
    )
    db.execute("SELECT * FROM pggit.checkout(%s)", [ours])
    theirs = "main" if ours == "other" else "other"
    rows = db.execute("SELECT object_type, object FROM pggit.merge(%s)", [theirs]).fetchall()
    assert sorted(set(rows)) == [("SCHEMA", "s"), ("TABLE", "s.t")]
    db.execute("SELECT pggit.abort_merge()")
    settled(db)


@pytest.mark.parametrize("ours", ["main", "other"])
@pytest.mark.parametrize(
    ("one_side", "other_side", "conflicts"),
    [
        ("ALTER DOMAIN d RENAME TO x", "CREATE TYPE x AS ENUM ('a')", {("DOMAIN", "public.x"), ("TYPE", "public.x")}),
        ("CREATE TABLE x (id integer)", "CREATE INDEX x ON t (id)", {("TABLE", "public.x"), ("INDEX", "public.x")}),
        ("CREATE TYPE x AS (id integer)", "CREATE SEQUENCE x", {("TYPE", "public.x"), ("SEQUENCE", "public.x")}),
        (
            "ALTER TABLE t ADD CONSTRAINT x UNIQUE (id)",
            "CREATE VIEW x AS SELECT 1 AS a",
            {("TABLE", "public.t"), ("VIEW", "public.x")},
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT x PRIMARY KEY (id)",
            "ALTER TABLE t ADD CONSTRAINT y PRIMARY KEY (id)",
            {("TABLE", "public.t")},
        ),
        (
            "CREATE FUNCTION x(integer) RETURNS integer LANGUAGE sql RETURN 1",
            "CREATE PROCEDURE x(integer) LANGUAGE sql AS ''",
            {("FUNCTION", "public.x(integer)"), ("PROCEDURE", "public.x(integer)")},
        ),
        (
            "ALTER TABLE numbered RENAME TO x",
            "ALTER TABLE numbered ADD COLUMN b integer",
            {("TABLE", "public.numbered"), ("TABLE", "public.x")},
        ),
        (
            "CREATE TABLE x PARTITION OF parted FOR VALUES IN (1)",
            "CREATE TABLE y PARTITION OF parted FOR VALUES IN (1)",
            {("TABLE", "public.x"), ("TABLE", "public.y")},
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT x PRIMARY KEY (id); COMMENT ON TABLE t IS 'a'",
            "ALTER TABLE t ADD CONSTRAINT y PRIMARY KEY (id); COMMENT ON TABLE t IS 'b'",
            {("TABLE", "public.t")},
        ),
        (
            "ALTER TABLE held RENAME CONSTRAINT u TO w; CREATE VIEW u AS SELECT 1 AS a; CREATE VIEW x AS SELECT 1 AS a",
            "ALTER TABLE held ADD CONSTRAINT x UNIQUE (b)",
            {("TABLE", "public.held"), ("VIEW", "public.u"), ("VIEW", "public.x")},
        ),
        (
            "ALTER TABLE held RENAME CONSTRAINT u TO w; CREATE TABLE u (); COMMENT ON TABLE held IS 'a'",
            "COMMENT ON TABLE held IS 'b'",
            {("TABLE", "public.held")},
        ),
        (
            "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION nothing()",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
            {("TABLE", "public.t"), ("TRIGGER", "c on public.t")},
        ),
        (
            "ALTER TABLE held ALTER b ADD GENERATED ALWAYS AS IDENTITY",
            "CREATE TYPE held_b_seq AS ENUM ('a')",
            {("TABLE", "public.held"), ("TYPE", "public.held_b_seq")},
        ),
        ("CREATE DOMAIN x AS integer", "CREATE SEQUENCE x", {("DOMAIN", "public.x"), ("SEQUENCE", "public.x")}),
        ("CREATE SEQUENCE x; CREATE DOMAIN x AS integer", "CREATE TABLE y ()", set()),
        ("CREATE STATISTICS t ON id, b FROM t", "CREATE COLLATION t (provider = libc, locale = 'C')", set()),
    ],
    ids=[
        "domain",
        "table",
        "composite",
        "key",
        "two-keys",
        "function",
        "identity",
        "part",
        "two-keys-and-more",
        "comes-back",
        "moved-on",
        "trigger",
        "sequence-of-identity",
        "sequence",
        "together",
        "statistics",
    ],
)
def test_one_name_for_two_things(
    db: Connection, ours: str, one_side: str, other_side: str, conflicts: set[tuple[str, str]]
) -> None:
    """Kinds that share their names in PostgreSQL conflict as those of one kind do; others stand side by side."""
    split(
        db,
        "CREATE TABLE t (id integer, b integer); CREATE DOMAIN d AS integer;"
        "CREATE TABLE numbered (id integer GENERATED ALWAYS AS IDENTITY);"
        "CREATE TABLE parted (id integer) PARTITION BY LIST (id);"
        "CREATE TABLE held (id integer, b integer NOT NULL, CONSTRAINT u UNIQUE (id));"
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        one_side,
        other_side,
    )
    theirs, found = merge_into(db, ours)
    assert found == conflicts
    if conflicts:
        assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of(%s)", ours)
        whole = db.execute("SELECT object_type, object FROM pggit.conflicts() WHERE path = '{}'").fetchall()
        db.execute("SELECT pggit.resolve_conflict(id, 'theirs') FROM pggit.conflicts()")
        db.execute("SELECT pggit.commit('merged')")
        for kind, name in whole:
            blobs = [one(db, "SELECT pggit.tree_lookup(pggit.tree_of_commit(pggit.resolve_ref(%s)),"
                         " pggit.tree_key(%s, %s))", ref, kind, name) for ref in ("HEAD", theirs)]  # fmt: skip
            assert blobs[0] == blobs[1]
    settled(db)


def test_what_stands_in_the_way_of_a_merge(db: Connection) -> None:
    conflicting(db)
    first = one(db, "SELECT hash FROM pggit.commits ORDER BY id LIMIT 1")
    assert refused(db, "SELECT * FROM pggit.merge('nowhere')") == "GT004"
    db.execute("CREATE TABLE open (id integer)")
    assert refused(db, "SELECT * FROM pggit.merge('other')") == "GT025"
    assert refused(db, "SELECT pggit.start_merge('other', false)") == "GT025"
    db.execute("DROP TABLE open")
    (stranger,) = history(db, [[]])
    assert refused(db, "SELECT * FROM pggit.merge(%s)", stranger) == "GT032"
    db.execute("SELECT * FROM pggit.checkout(%s)", [first])
    assert refused(db, "SELECT * FROM pggit.merge('other')") == "GT029"


def test_a_merge_is_undone_with_its_transaction(db: Connection) -> None:
    split(db, "CREATE TABLE t (id integer)", "CREATE TABLE a (id integer)", "CREATE TABLE b (id integer)")
    before = head(db)
    with db.transaction(force_rollback=True):
        db.execute("SELECT * FROM pggit.merge('other')")
        assert head(db) != before
    assert head(db) == before
    assert one(db, "SELECT to_regclass('b')") is None
    settled(db)
