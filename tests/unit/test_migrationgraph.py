"""What `inv migration.graph` shows."""

import json

import pytest

from tasks.lib import migrationgraph, updategraph
from tasks.lib.errors import UsageError
from tasks.lib.migrationgraph import Picture

STEPS = [f"pggit--{a}--{b}.sql" for a, b in (("1", "2"), ("2", "1"), ("2", "3"), ("3", "2"))]


def picture(*without: str, marks: int = 0) -> Picture:
    graph = updategraph.read([*(name for name in STEPS if name not in without), "pggit--1.sql", "pggit--3.sql"])
    counts = {edge: marks if edge == ("3", "2") else 0 for edge in graph.edges}
    return Picture(graph, "3", frozenset({"1"}), counts, tuple(graph.faults("3", ["1"])))


def test_as_text() -> None:
    assert migrationgraph.show(picture(marks=2), "text") == (
        "1  released\n2  between\n3  in the making\n\n1 -> 3  1 -> 2 -> 3\n3 -> 1  3 -> 2 -> 1\n"
        "pggit--3--2.sql has 2 TODO(migration) left"
    )


def test_as_text_with_a_hole() -> None:
    text = migrationgraph.show(picture("pggit--3--2.sql"), "text")
    assert "3 -> 1  no way" in text
    assert "fault: there is no way back from 3 to released version 1" in text


def test_as_mermaid() -> None:
    assert migrationgraph.show(picture(), "mermaid").splitlines() == [
        "graph LR",
        '    v0["1<br/>released"]',
        '    v1["2<br/>between"]',
        '    v2["3<br/>in the making"]',
        "    v0 -->|up| v1",
        "    v1 -.->|down| v0",
        "    v1 -->|up| v2",
        "    v2 -.->|down| v1",
    ]


def test_as_json() -> None:
    told = json.loads(migrationgraph.show(picture("pggit--2--1.sql", marks=1), "json"))
    assert told["current"] == "3"
    assert told["versions"][1] == {"version": "2", "status": "between", "installable": False}
    assert told["scripts"][-1] == {"from": "3", "to": "2", "direction": "down", "todo": 1}
    assert told["paths"] == [
        {"from": "1", "to": "3", "path": ["1", "2", "3"]},
        {"from": "3", "to": "1", "path": None},
    ]
    assert len(told["faults"]) == 2


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--format=svg: unknown; valid are text, mermaid, json"):
        migrationgraph.show(picture(), "svg")


def test_this_checkouts_graph_is_whole() -> None:
    assert migrationgraph.read().faults == ()
