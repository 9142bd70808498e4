"""Which ways migration.verify goes, and what it tells of them."""

from pathlib import Path

import pytest

from tasks.lib import migrationdata, migrationsuite, migrationverify, migrationways
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.migrationdata import Snapshot
from tasks.lib.migrationverify import Verdict
from tasks.lib.migrationways import ALTER, CALL, Way
from tasks.lib.updategraph import UpdateGraph

VERSIONS = frozenset({"0.1.0", "0.9.0", "0.10.0"})
CHAIN = UpdateGraph(
    VERSIONS, frozenset({("0.1.0", "0.9.0"), ("0.9.0", "0.10.0"), ("0.10.0", "0.9.0"), ("0.9.0", "0.1.0")})
)


def stops(graph: UpdateGraph, start: str = "", end: str = "") -> set[tuple[str, ...]]:
    return {way.stops for way in migrationways.choose(graph, start, end)}


def test_every_pair_both_directions_directly_step_by_step_and_round() -> None:
    ways = migrationways.choose(CHAIN)
    for a in VERSIONS:
        assert [str(way) for way in ways if way.stops == (a,)] == [f"{a} as it is"]
        for b in VERSIONS - {a}:
            for wanted in ((a, b), (a, b, a)):
                assert {way.how for way in ways if way.stops == wanted} == {ALTER, CALL}
    assert Way(("0.1.0", "0.9.0", "0.10.0"), CALL) in ways
    assert Way(("0.10.0", "0.9.0", "0.1.0"), ALTER) in ways
    assert len(ways) == len(set(ways))


def test_a_shortcut_is_gone_and_every_version_between_as_well() -> None:
    graph = UpdateGraph(VERSIONS, CHAIN.edges | {("0.1.0", "0.10.0")})
    assert stops(graph, "0.1.0", "0.10.0") == {("0.1.0", "0.10.0"), ("0.1.0", "0.9.0", "0.10.0")}


def test_where_no_way_leads_there_is_none() -> None:
    graph = UpdateGraph(VERSIONS, frozenset({("0.1.0", "0.9.0")}))
    assert stops(graph, "0.1.0") == {("0.1.0", "0.9.0"), ("0.1.0",)}
    assert stops(graph, "0.9.0", "0.10.0") == set()


def test_wrong_words() -> None:
    with pytest.raises(UsageError, match=r"--from=7: there is no such version; valid are 0\.1\.0, 0\.9\.0, 0\.10\.0"):
        migrationways.choose(CHAIN, "7")
    with pytest.raises(UsageError, match=r"--to=7"):
        migrationways.choose(CHAIN, "", "7")
    with pytest.raises(UsageError, match=r"--suite=all: valid are part, whole, none"):
        migrationsuite.check_choice("all")
    with pytest.raises(PggitError, match="a version is numbers"):
        migrationways.in_order(frozenset({"ANY"}))


def test_the_files_of_the_suites_part_are_there() -> None:
    words = migrationsuite.command("17", "0.1.0", "part")
    files = [word for word in words if word.endswith(".py")]
    assert len(files) == len(migrationsuite.PART)
    assert [name for name in files if not Path(name).is_file()] == []
    assert "tests/extension" in " ".join(migrationsuite.command("17", "0.1.0", "whole"))


def test_the_work_of_each_major_and_between_them() -> None:
    work = migrationverify.parts(("15", "18"), migrationways.choose(CHAIN), "none")
    assert list(work) == ["15", "18", "15 to 18"]
    assert {part.check for part in work["15"]} == set(migrationverify.CHECKS)
    assert list(migrationverify.parts(("15",), migrationways.choose(CHAIN), "none")) == ["15"]


def test_a_table_and_evidence(tmp_path: Path) -> None:
    verdicts = [Verdict("15", "a", "data", (), 1.25), Verdict("15", "b", "data", ("gone",), 2)]
    assert migrationverify.summary(verdicts).splitlines()[1].split() == ["data", "15", "2", "1", "3.2"]
    assert migrationverify.as_json(verdicts)["ok"] is False
    kept = migrationverify.keep(verdicts, migrationverify.subject("15,16", "0.1.0", ""), tmp_path)
    assert kept.name == "migration.verify-pg15-16-from-0.1.0.json"
    assert '"gone"' in kept.read_text("utf-8")
    assert migrationverify.subject("all", "", "") == "all"


def snapshot(rows: dict[str, list[tuple[str | None, ...]]], sums: dict[str, tuple[int, int]] | None = None) -> Snapshot:
    columns = {table: tuple("abc"[: len(of_it[0])]) for table, of_it in rows.items()}
    return Snapshot(columns, {table: tuple(of_it) for table, of_it in rows.items()}, sums or {})


def test_rows_are_compared_by_the_columns_that_both_know() -> None:
    wide, narrow = snapshot({"t": [("1", "x")], "u": [("1",)]}), snapshot({"t": [("1",)]})
    assert migrationdata.compare(wide, narrow) == migrationdata.compare(narrow, wide) == []
    assert migrationdata.compare(wide, snapshot({"t": [("1", "y")]})) == [
        "t: 1 rows are gone, 1 are new, such as 1 | x and 1 | y (b)"
    ]
    twice = snapshot({"t": [("1",), ("1",)]})
    assert migrationdata.compare(twice, narrow) == ["t: 1 rows are gone, 0 are new, such as 1"]
    assert migrationdata.compare(narrow, twice) == ["t: 0 rows are gone, 1 are new, such as 1"]
    assert migrationdata.compare(narrow, twice, growing={"t"}) == []
    log = snapshot({"upgrade_log": [("1",)]})
    assert migrationdata.compare(log, snapshot({"upgrade_log": [("1",), ("2",)]})) == []
    assert migrationdata.compare(log, snapshot({"upgrade_log": [("2",)]})) != []


def test_counters_are_compared_by_their_sums() -> None:
    rows: dict[str, list[tuple[str | None, ...]]] = {"tallies": [("1",)]}
    before = snapshot(rows, {"change CREATE": (3, 0), "command drop 0": (2, 1)})
    grown = snapshot(rows, {"change CREATE": (3, 0), "command drop 0": (3, 2), "command alter 0": (1, 1)})
    assert migrationdata.compare(before, grown) == []
    assert len(migrationdata.compare(grown, before)) == 2
    assert len(migrationdata.compare(before, snapshot(rows, {"change CREATE": (4, 0), "command drop 0": (2, 1)}))) == 1
    assert len(migrationdata.compare(before, snapshot(rows, {"command drop 0": (2, 1), "change DROP": (1, 0)}))) == 2
