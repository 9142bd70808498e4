"""Which scripts `inv migration.new` drafts, where it writes them, and how a draft is put together."""

from pathlib import Path

import pytest

from tasks.lib import draftmarks, migrationdraft, releasecut, scriptdraft, sqlscript, sqlstatements
from tasks.lib.catalogdiff import Difference
from tasks.lib.errors import UsageError
from tasks.lib.migrationdraft import Draft
from tasks.lib.migrationproof import Proof
from tasks.lib.scriptdraft import Side
from tasks.lib.selfdiff import Step


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """1.0.0, 1.1.0 and 1.10.0 are released; 2.0.0 is in the making."""
    monkeypatch.setattr(sqlscript, "version", lambda: "2.0.0")
    monkeypatch.setattr(sqlscript, "released_versions", lambda: frozenset({"1.1.0", "1.10.0", "1.0.0"}))


@pytest.mark.parametrize(
    ("to", "start", "chosen"),
    [
        ("", "", ("1.10.0", "2.0.0")),
        ("2.0.0", "1.0.0", ("1.0.0", "2.0.0")),
        ("1.10.0", "", ("1.1.0", "1.10.0")),
        ("1.1.0", "2.0.0", ("2.0.0", "1.1.0")),
    ],
)
def test_versions_that_are_meant(versions: None, to: str, start: str, chosen: tuple[str, str]) -> None:
    assert migrationdraft.choose(to, start) == chosen


@pytest.mark.parametrize(
    ("to", "start", "why"),
    [
        ("3.0", "", r"--to=3\.0: has no install script; valid are 1\.0\.0, 1\.1\.0, 1\.10\.0, 2\.0\.0"),
        ("", "0.9", r"--from=0\.9: has no install script"),
        ("1.0.0", "", r"--to=1\.0\.0: nothing was released before it; name where to begin: --from=VERSION"),
        ("1.1.0", "1.1.0", r"--from=1\.1\.0: is the same as --to"),
    ],
)
def test_versions_that_make_no_sense(versions: None, to: str, start: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        migrationdraft.choose(to, start)


def proof(*order: Difference, failures: tuple[str, ...] = ()) -> Proof:
    return Proof("1", "2", (), (), (), failures, order)


def test_nobodys_work_is_written_over(tmp_path: Path) -> None:
    drafts = [Draft(name, "-- TODO(migration): x\n", proof()) for name in migrationdraft.names("1", "2")]
    for draft, (start, end) in zip(drafts, (("1", "2"), ("2", "1")), strict=True):
        (tmp_path / draft.name).write_text(releasecut.update_script(start, end))
    migrationdraft.write(drafts, tmp_path, force=False)  # over what release.bump made
    with pytest.raises(UsageError, match=r"pggit--1--2\.sql is there already; --force writes over it"):
        migrationdraft.write(drafts, tmp_path, force=False)
    migrationdraft.write([Draft(drafts[0].name, "new", proof())], tmp_path, force=True)
    assert (tmp_path / drafts[0].name).read_text() == "new"
    migrationdraft.write(drafts, tmp_path / "elsewhere" / "below", force=False)
    assert drafts[0].marks == 1


def test_a_hint_where_columns_stand_elsewhere() -> None:
    moved = [Difference("table column", f"pggit.t.{name}", "physical position", "1", "2") for name in "ab"]
    (hint,) = migrationdraft.hints(Draft("pggit--1--2.sql", "", proof(*moved)))
    assert hint.startswith("the columns of pggit.t have another order")


def test_what_a_proof_found_is_a_line_each() -> None:
    difference = Difference("table", "t", "rows", "1", None)
    found = Proof("1", "2", (difference,), (difference,), (difference,), ("broke",))
    line = "table t: rows: '1' -> none"
    assert found.lines() == ["broke", line, f"dump: {line}", f"left behind: {line}"]
    assert not found.holds
    assert proof().holds


NOTHING = sqlstatements.words("")
OLD = Side("1", {("schema", "pggit"): {"nspowner": "boss"}}, NOTHING)
NEW = Side("2", {("schema", "pggit"): {"nspowner": "boss"}}, NOTHING)


def test_no_difference_drafts_what_a_bump_makes() -> None:
    assert scriptdraft.draft([], OLD, NEW) == releasecut.update_script("1", "2")


def test_the_owner_gets_nothing_that_it_has_already_and_others_do() -> None:
    statements = ("CREATE TABLE pggit.t ()", "ALTER TABLE pggit.t OWNER TO boss", "ALTER TABLE pggit.t OWNER TO other")
    text = scriptdraft.draft([Step("create", "TABLE", "pggit.t", "", None, statements)], OLD, NEW)
    assert "OWNER TO other;" in text
    assert "OWNER TO boss" not in text


def test_what_is_left_over_is_marked() -> None:
    text = scriptdraft.draft([], OLD, NEW, ["cast (a AS b): only in a"])
    assert "-- TODO(migration): not drafted, cast (a AS b): only in a\n" in text


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step("drop", "TABLE", "pggit.t", "", "", ("DROP TABLE pggit.t",)), "park the rows of pggit.t "),
        (Step("alter", "TABLE", "pggit.t", "column a", "a", ("DROP",)), "park the values of pggit.t.a "),
        (Step("create", "MATERIALIZED VIEW", "pggit.m", "", None, ("CREATE",)), "pggit.m is filled here"),
        (Step("drop", "FUNCTION", "pggit.f()", "", None, ("DROP FUNCTION pggit.f()",)), ""),
    ],
)
def test_marks_of_steps(step: Step, said: str) -> None:
    found = list(draftmarks.marks(step, {}, {}))
    assert [one[: len(said)] for one in found] == ([said] if said else [])
