"""Branches, tags, the log and its drawings."""

import random
import re
from dataclasses import dataclass

import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import HEAD_TREE, one, refused


def committed(db: Connection, table: str) -> str:
    db.execute(f"CREATE TABLE {table} (id integer)")
    commit: str = one(db, "SELECT pggit.commit(%s)", table)
    return commit


def test_tags_stay(db: Connection) -> None:
    first = committed(db, "a")
    assert one(db, "SELECT pggit.tag('v1')") == first
    second = committed(db, "b")
    assert one(db, "SELECT pggit.tag('v2', 'main')") == second
    assert one(db, "SELECT pggit.tag('v1-again', 'v1')") == first
    assert one(db, "SELECT pggit.resolve_ref('v1')") == first
    assert db.execute("SELECT hash, tags FROM pggit.log() LIMIT 2").fetchall() == [
        (second, ["v2"]),
        (first, ["v1", "v1-again"]),
    ]
    assert one(db, "SELECT pggit.create_branch('from-tag', 'v1')")
    assert one(db, "SELECT pggit.resolve_ref('from-tag')") == first
    assert one(db, "SELECT pggit.delete_tag('v1')") == first
    assert refused(db, "SELECT pggit.resolve_ref('v1')") == "GT004"
    assert refused(db, "SELECT pggit.delete_tag('v1')") == "GT004"
    actions = db.execute("SELECT ref_name, action, old_hash, new_hash FROM pggit.ref_history('v1')").fetchall()
    assert actions == [("v1", "delete tag", first, None), ("v1", "tag", None, first)]


def test_one_name_has_one_meaning(db: Connection) -> None:
    db.execute("SELECT pggit.create_branch('b'); SELECT pggit.tag('t'); SELECT pggit.create_restore_point('p')")
    for name in ("b", "t", "p"):
        for call in ("create_branch", "tag", "create_restore_point"):
            assert refused(db, f"SELECT pggit.{call}(%s)", name) == "GT009"
    for call in ("create_branch", "tag", "create_restore_point"):
        for name in ("HEAD", "LIVE", "a b", "cafe", ""):
            assert refused(db, f"SELECT pggit.{call}(%s)", name) == "GT005"
    assert refused(db, "SELECT pggit.tag('new', 'nowhere')") == "GT004"


def test_a_branch_is_deleted_when_nothing_is_lost(db: Connection) -> None:
    db.execute("SELECT pggit.create_branch('merged')")
    assert refused(db, "SELECT pggit.delete_branch('main')") == "GT017"
    assert refused(db, "SELECT pggit.delete_branch('nowhere')") == "GT004"
    start = one(db, "SELECT pggit.resolve_ref('HEAD')")
    ahead = committed(db, "a")
    assert one(db, "SELECT pggit.delete_branch('merged')") == start
    db.execute("SELECT pggit.create_branch('ahead'), pggit.create_branch('also')")
    db.execute("UPDATE pggit.branches SET head = %s WHERE name = 'main'", [start])
    assert one(db, "SELECT pggit.delete_branch('also')") == ahead
    assert refused(db, "SELECT pggit.delete_branch('ahead')") == "GT018"
    assert one(db, "SELECT pggit.delete_branch('ahead', force => true)") == ahead
    assert one(db, "SELECT pggit.create_branch('back', %s)", ahead)
    db.execute("SELECT pggit.tag('kept', %s)", [ahead])
    assert one(db, "SELECT pggit.delete_branch('back')") == ahead
    rows = db.execute("SELECT action, old_hash FROM pggit.ref_history('ahead')").fetchall()
    assert rows == [("delete branch", ahead), ("create branch", None)]
    assert refused(db, "SELECT * FROM pggit.ref_history(max_count => -1)") == "GT012"


def test_branches_are_listed(db: Connection) -> None:
    db.execute("SELECT pggit.create_branch('side')")
    head = committed(db, "a")
    rows = db.execute("SELECT name, head, is_current, message, created_by FROM pggit.list_branches()").fetchall()
    start = one(db, "SELECT parents[1] FROM pggit.log() LIMIT 1")
    assert rows == [
        ("main", head, True, "a", "postgres"),
        ("side", start, False, "The schema as pgGit found it", "postgres"),
    ]
    assert db.execute("SELECT branches FROM pggit.log()").fetchall() == [(["main"],), (["side"],)]


def test_show_tells_what_a_commit_changed(db: Connection) -> None:
    committed(db, "a")
    db.execute("ALTER TABLE a ADD COLUMN x text; CREATE TABLE b (id integer); SELECT pggit.commit('two')")
    db.execute("DROP TABLE a; SELECT pggit.tag('two'); SELECT pggit.commit('three')")
    rows = db.execute("SELECT change, object_type, object FROM pggit.show('two')").fetchall()
    assert rows == [("ALTER", "TABLE", "public.a"), ("CREATE", "TABLE", "public.b")]
    assert one(db, "SELECT new_definition -> 'columns' ? 'x' FROM pggit.show('two') WHERE object = 'public.a'")
    assert not one(db, "SELECT old_definition -> 'columns' ? 'x' FROM pggit.show('two') WHERE object = 'public.a'")
    assert db.execute("SELECT change, object, new_definition FROM pggit.show()").fetchall() == [
        ("DROP", "public.a", None)
    ]
    root = one(db, "SELECT hash FROM pggit.commits WHERE parents = '{}'")
    assert db.execute("SELECT change, object FROM pggit.show(%s)", [root]).fetchall() == [("CREATE", "public")]


@dataclass
class Dag:
    """Commits in the order of their making, with their parents' numbers."""

    parents: list[list[int]]

    def store(self, db: Connection) -> list[str]:
        hashes: list[str] = [one(db, "SELECT pggit.resolve_ref('HEAD')")]
        tree = one(db, HEAD_TREE)
        for number, parents in enumerate(self.parents[1:], 1):
            made = one(
                db,
                "SELECT pggit.put_commit(1, %s, %s, %s)",
                tree,
                [hashes[p] for p in parents],
                f"number {number}",
            )
            hashes.append(made)
        return hashes


def random_dag(seed: int) -> Dag:
    rng = random.Random(seed)  # noqa: S311
    parents: list[list[int]] = [[]]
    for number in range(1, rng.randint(2, 25)):
        count = min(number, rng.choice([1, 1, 1, 1, 2, 2, 3, 0]))
        recent = range(max(0, number - 5), number)
        parents.append(rng.sample(recent, min(count, len(recent))))
    return Dag(parents)


def parents_drawn(lines: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Who follows whom, read from the drawing alone: each lane is a column, every second character."""
    awaited: dict[int, list[tuple[str, int]]] = {}
    found: dict[str, list[tuple[int, str]]] = {commit: [] for _, commit in lines}
    for graph, commit in lines:
        signs = dict(enumerate(graph[::2]))
        own = next(lane for lane, sign in signs.items() if sign == "*")
        assert "*" not in graph[:0] + graph.replace("*", "", 1)
        ending = [lane for lane, sign in signs.items() if sign == "/"]
        for lane in [own, *ending]:
            for child, place in awaited.pop(lane, []):
                found[child].append((place, commit))
        assert set(awaited) == {lane for lane, sign in signs.items() if sign == "|"}
        opened = [lane for lane, sign in signs.items() if sign == "\\"]
        awaited[own] = [(commit, 0)]
        for place, lane in enumerate(opened, 1):
            awaited[lane] = [(commit, place)]
    return {commit: [parent for _, parent in sorted(parents)] for commit, parents in found.items()}


@pytest.mark.parametrize("seed", range(20))
def test_the_drawing_tells_who_follows_whom(db: Connection, seed: int) -> None:
    dag = random_dag(seed)
    hashes = dag.store(db)
    db.execute("UPDATE pggit.branches SET head = %s", [hashes[-1]])
    for number, commit in enumerate(hashes[:-1]):
        db.execute("SELECT pggit.create_branch(%s, %s)", [f"b{number}", commit])
    text = one(db, "SELECT pggit.graph()")
    lines = [(line.split("  ", 1)[0], line) for line in text.splitlines()]
    assert len(lines) == len(hashes)
    drawing = []
    for line in text.splitlines():
        match = re.search(r"  ([0-9a-f]{8}) \(", line)
        assert match, line
        drawing.append((line[: match.start()], match[1]))
    # a root ends its lane with nothing to show for it, so only its absence further down can tell
    roots = {hashes[n][:8] for n, parents in enumerate(dag.parents) if not parents}
    if len(roots) == 1:
        drawn = parents_drawn(drawing)
        for number, commit in enumerate(hashes):
            assert sorted(drawn[commit[:8]]) == sorted(hashes[p][:8] for p in dag.parents[number]), text
    logged = db.execute("SELECT graph, left(hash, 8), parents FROM pggit.log('HEAD', NULL)").fetchall()
    assert [commit for _, commit, _ in logged] == sorted(
        (commit for _, commit, _ in logged), key=[h[:8] for h in hashes].index, reverse=True
    )
    if len(roots) == 1:
        assert {k: sorted(v) for k, v in parents_drawn([(g, c) for g, c, _ in logged]).items()} == {
            c: sorted(p[:8] for p in parents) for _, c, parents in logged
        }


def test_a_merge_is_drawn(db: Connection) -> None:
    hashes = Dag([[], [0], [0], [1], [3, 2], [4]]).store(db)
    db.execute("UPDATE pggit.branches SET head = %s", [hashes[-1]])
    assert [graph for (graph,) in db.execute("SELECT graph FROM pggit.log()").fetchall()] == [
        "*",
        "*-\\",
        "* |",
        "| *",
        "* |",
        "*-/",
    ]
    assert [graph for (graph,) in db.execute("SELECT graph FROM pggit.log('main', 3)").fetchall()] == [
        "*",
        "*-\\",
        "* |",
    ]


def test_drawings_for_programs(db: Connection) -> None:
    hostile = 'say "hi"; <script>alert(1)</script> [x] \\ -->\n#end {}|`€'
    db.execute("CREATE TABLE a (id integer)")
    db.execute("SELECT pggit.commit(%s), pggit.tag('v1'), pggit.create_branch('side')", [hostile])
    mermaid = one(db, "SELECT pggit.graph('mermaid')")
    lines = mermaid.splitlines()
    assert lines[0] == "flowchart BT"
    for line in lines[1:]:
        assert re.fullmatch(
            r'    c[0-9a-f]{8}\["(?:[\w _.,:()/-]|#\d+;)*"\]|    c[0-9a-f]{8} --> c[0-9a-f]{8}', line
        ), line
    assert sum("-->" in line for line in lines) == 1
    dot = one(db, "SELECT pggit.graph('dot')")
    assert dot.startswith("digraph pggit {\n")
    assert dot.endswith("\n}")
    for line in dot.splitlines()[3:-1]:
        assert re.fullmatch(r'    "[0-9a-f]{8}" (?:\[label = "(?:[^"\\]|\\["\\])*"\]|-> "[0-9a-f]{8}");', line), line
    assert "HEAD -> main" in dot
    assert "tag: v1" in dot
    with pytest.raises(Exception, match="'svg'") as wrong:
        db.execute("SELECT pggit.graph('svg')")
    assert getattr(wrong.value, "sqlstate", "") == "GT019"
    assert "text, mermaid and dot" in str(wrong.value)
    assert refused(db, "SELECT pggit.graph(NULL)") == "GT019"


def test_a_detached_head_shows(db: Connection) -> None:
    start = one(db, "SELECT pggit.resolve_ref('HEAD')")
    committed(db, "a")
    db.execute("UPDATE pggit.head SET branch_id = NULL, detached = %s", [start])
    assert "(HEAD)" in one(db, "SELECT pggit.graph()")
    assert not any(current for (current,) in db.execute("SELECT is_current FROM pggit.list_branches()").fetchall())


def test_two_sessions_make_the_same_name(db: Connection, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("SELECT pggit.tag('v1')")
    db.execute("SET lock_timeout = '50ms'")
    assert refused(db, "SELECT pggit.tag('v1')") == "55P03"
    other.rollback()
    one(db, "SELECT pggit.tag('v1')")
