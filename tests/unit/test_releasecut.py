"""Cutting a release and beginning the next version, in a checkout of two small SQL modules."""

from pathlib import Path

import pytest

from tasks.lib import changelog, git, migrationcheck, releasecut, sqlscript
from tasks.lib.errors import PggitError, UsageError

CHANGES = "# Changelog\n\n## [Unreleased] - 2026-01-02\n\n### Added\n\n- All of it.\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Version 1.0.0 in the making; it is no repository, and has no public tag."""
    (tmp_path / "extension" / "sql").mkdir(parents=True)
    (tmp_path / "extension" / "pggit.control").write_text("comment = 'x'\ndefault_version = '1.0.0'\nschema = pggit\n")
    (tmp_path / "extension" / "sql" / "00_first.sql").write_text(
        "SELECT '{{ version }}';\n" + function("'{{ version }}'")
    )
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    for module in (sqlscript, releasecut):
        monkeypatch.setattr(module, "EXTENSION", tmp_path / "extension")
        monkeypatch.setattr(module, "MIGRATIONS", tmp_path / "migrations")
    monkeypatch.setattr(sqlscript, "CONTROL", tmp_path / "extension" / "pggit.control")
    monkeypatch.setattr(changelog, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(changelog.read, "__defaults__", (tmp_path / "CHANGELOG.md",))
    monkeypatch.setattr(releasecut, "_today", lambda: "2026-02-03")
    monkeypatch.setattr(git, "say", lambda *_: "")
    return tmp_path


def function(result: str) -> str:
    """One that knows by heart which version it is of."""
    return f"CREATE FUNCTION pggit.mine() RETURNS text\nLANGUAGE sql AS $$\nSELECT {result};\n$$;\n"


def headings(checkout: Path) -> list[str]:
    return [line for line in (checkout / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]


def change(checkout: Path) -> None:
    (checkout / "extension" / "sql" / "10_second.sql").write_text("SELECT 'changed';\n")


def test_a_cut_freezes_what_a_build_makes(checkout: Path) -> None:
    made = sqlscript.contents()
    releasecut.write(releasecut.cut())
    assert [path.name for path in sqlscript.released_scripts()] == ["pggit--1.0.0.sql"]
    assert sqlscript.released_scripts()[0].read_bytes() == made["pggit--1.0.0.sql"]
    assert sqlscript.contents() == made
    assert headings(checkout) == ["## [1.0.0] - 2026-02-03"]
    assert releasecut.cut() == {}


def test_what_a_crash_left_out_is_done_by_the_next_run(checkout: Path) -> None:
    """After every number of files written."""
    for step in (releasecut.cut, releasecut.bump):
        whole = step()
        for written in range(len(whole)):
            assert list(step()) == list(whole)[written:]
            path = list(whole)[written]
            releasecut.write({path: whole[path]})
        assert step is releasecut.bump or step() == {}
    sqlscript.contents()


def test_sources_that_make_another_script_are_refused_but_for_a_reason(checkout: Path) -> None:
    releasecut.write(releasecut.cut())
    before = sqlscript.checksums()
    change(checkout)
    with pytest.raises(PggitError, match=r"version 1\.0\.0 is released, and .* release\.bump"):
        sqlscript.contents()
    with pytest.raises(PggitError, match="--again=REASON"):
        releasecut.cut()
    releasecut.write(releasecut.cut(again="a fault was found"))
    assert sqlscript.checksums() != before
    sqlscript.contents()


@pytest.mark.parametrize(("said", "why"), [("v1.0.0\nv2", "public tag v1.0.0"), (None, "git does not say")])
def test_what_is_public_is_never_cut_again(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, why: str
) -> None:
    releasecut.write(releasecut.cut())
    change(checkout)
    monkeypatch.setattr(git, "say", lambda *_: said)
    with pytest.raises(PggitError, match=why):
        releasecut.cut(again="a fault was found")


def test_a_version_without_a_word_in_the_changelog_is_not_cut(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("## [0.9.0] - 2026-01-01\n\n- Old.\n")
    with pytest.raises(PggitError, match=r"no section for version 1\.0\.0"):
        releasecut.cut()


def test_a_bump_makes_the_next_version_with_a_way_there_and_back(checkout: Path) -> None:
    releasecut.write(releasecut.cut())
    releasecut.write(releasecut.bump())
    assert sqlscript.version() == "1.1.0"
    assert set(sqlscript.contents()) == {
        "pggit.control", "pggit--1.0.0.sql", "pggit--1.1.0.sql", "pggit--1.0.0--1.1.0.sql", "pggit--1.1.0--1.0.0.sql",
    }  # fmt: skip
    assert sqlscript.CONTROL.read_text() == "comment = 'x'\ndefault_version = '1.1.0'\nschema = pggit\n"
    assert headings(checkout) == ["## [Unreleased] - 2026-02-03", "## [1.0.0] - 2026-02-03"]
    assert [entry.version for entry in changelog.read("1.1.0")] == ["1.1.0", "1.0.0"]
    assert releasecut.bump("1.1.0") == {}
    for start, end in (("1.0.0", "1.1.0"), ("1.1.0", "1.0.0")):
        update = (checkout / "migrations" / f"pggit--{start}--{end}.sql").read_text()
        assert function(f"'{end}'").replace("CREATE", "CREATE OR REPLACE") in update
    assert migrationcheck.faults() == []


@pytest.mark.parametrize("version", ["1.0", "0.9.0", "1.0.0-rc1", "next", "1--2", "2/../3", "2'"])
def test_a_version_that_cannot_follow_is_refused(checkout: Path, version: str) -> None:
    releasecut.write(releasecut.cut())
    with pytest.raises(UsageError, match=f"--version={version}: "):
        releasecut.bump(version)


def test_nothing_follows_what_is_not_released(checkout: Path) -> None:
    with pytest.raises(PggitError, match=r"1\.0\.0 is not released; do that first: \./inv release\.cut"):
        releasecut.bump()


def test_a_release_is_cut_again_while_the_next_version_is_the_same(checkout: Path) -> None:
    releasecut.write(releasecut.cut())
    releasecut.write(releasecut.bump())
    change(checkout)
    first = checkout / "extension" / "sql" / "00_first.sql"
    first.write_text(first.read_text().replace("SELECT '{{ version }}';\n$$", "SELECT '{{ version }}' || 'x';\n$$"))
    releasecut.write(releasecut.cut("1.0.0", again="a fault was found"))
    assert migrationcheck.faults() == []
    frozen = (checkout / "extension" / "releases" / "pggit--1.0.0.sql").read_text()
    assert "SELECT '1.0.0';" in frozen
    assert frozen.replace("1.0.0", "1.1.0") == sqlscript.install_script()
    assert headings(checkout)[1] == "## [1.0.0] - 2026-02-03"

    update = checkout / "migrations" / "pggit--1.0.0--1.1.0.sql"
    update.write_text(update.read_text() + "CREATE TABLE pggit.more ();\n")
    change(checkout)
    with pytest.raises(UsageError, match=r"pggit--1\.0\.0--1\.1\.0\.sql says is another"):
        releasecut.cut("1.0.0", again="a fault was found")
    with pytest.raises(UsageError, match="no update script leads there"):
        releasecut.cut("0.5.0")
