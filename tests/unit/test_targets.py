"""targets.yaml: its facts, its errors, and what --pg, --os and --arch select."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tasks.lib import targets
from tasks.lib.errors import UsageError

MATRIX = targets.load()
Edited = Callable[[str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """Writes a copy of targets.yaml in which a pattern is replaced once."""

    def edit(pattern: str, replacement: str) -> Path:
        text, count = re.subn(pattern, replacement, targets.FILE.read_text("utf-8"), count=1, flags=re.MULTILINE)
        assert count == 1
        path = tmp_path / "targets.yaml"
        path.write_text(text, "utf-8")
        return path

    return edit


def test_the_supported_world() -> None:
    assert MATRIX.majors() == ("15", "16", "17", "18")
    assert [p.major for p in MATRIX.postgres if p.preview] == ["19"]
    assert {s.id for s in MATRIX.systems if not s.preview} == {
        "debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04", "rocky-8", "rocky-9", "rocky-10",
    }  # fmt: skip
    assert {a.name for a in MATRIX.arches} == {"amd64", "arm64"}
    assert MATRIX.default_system("deb").id == "debian-13"
    assert MATRIX.default_system("rpm").id == "rocky-10"


def test_every_interpreter_can_run_the_pggit_command() -> None:
    for system in MATRIX.systems:
        assert tuple(map(int, system.python_version.split("."))) >= (3, 9), system.id
    assert MATRIX.system("rocky-8").python == "python3.11"  # its python3 is 3.6


def test_only_systems_without_a_mirror_tool_need_a_registry() -> None:
    assert {s.distribution for s in MATRIX.systems if s.bootstrap is None} == {"rocky"}


def test_a_target_says_what_it_is() -> None:
    (target,) = MATRIX.select("deb", "17", "debian-13", "amd64").targets
    assert target.id == "deb-debian-13-pg17-amd64"
    assert target.server == "system"
    (other,) = MATRIX.select("deb", "18", "debian-13", "amd64").targets
    assert other.server == "pgdg"


@pytest.mark.parametrize(
    ("pg", "os", "arch", "expected"),
    [
        ("17", "debian-13", "amd64", ["deb-debian-13-pg17-amd64"]),
        ("17,15", "debian-13", "amd64", ["deb-debian-13-pg15-amd64", "deb-debian-13-pg17-amd64"]),
        ("17", "debian-*", "amd64", ["deb-debian-12-pg17-amd64", "deb-debian-13-pg17-amd64"]),
        ("1[56]", "rocky-9", "arm64", ["rpm-rocky-9-pg15-arm64", "rpm-rocky-9-pg16-arm64"]),
        ("19", "debian-13", "amd64", ["deb-debian-13-pg19-amd64"]),
        ("18", "debian-14", "amd64", ["deb-debian-14-pg18-amd64"]),
        ("18,1?", "debian-14,debian-1?", "arm64", [
            *(f"deb-debian-{d}-pg{p}-arm64" for d in (12, 13, 14) for p in (15, 16, 17, 18))
        ]),
    ],
)  # fmt: skip
def test_selection(pg: str, os: str, arch: str, expected: list[str]) -> None:
    assert [t.id for t in MATRIX.select(None, pg, os, arch).targets] == expected


def test_all_leaves_previews_out_and_says_why() -> None:
    selection = MATRIX.select(None, "all", "all", "all")
    assert len(selection.targets) == 4 * 8 * 2
    reasons = {e.reason for e in selection.excluded}
    assert reasons == {
        "PostgreSQL 19 is a preview: name it with --pg=19",
        "debian-14 is a preview: name it with --os=debian-14",
    }


@pytest.mark.parametrize(
    ("family", "pg", "os", "arch", "message"),
    [
        (None, "14", "all", "all", "--pg=14: unknown '14'; valid: 15, 16, 17, 18, 19 (preview), all, or a glob"),
        (None, "15,x", "all", "all", "--pg=15,x: unknown 'x'"),
        (None, "15,", "all", "all", "--pg=15,: unknown ''"),
        (None, "", "all", "all", "--pg=: unknown ''; valid: 15"),
        (None, "all", "debain-13", "all", "unknown 'debain-13' (did you mean 'debian-13'?); valid: debian-12, "),
        (None, "all", "suse-*", "all", "--os=suse-*: unknown 'suse-*'"),
        (None, "all", "all", "x86_64", "--arch=x86_64: unknown 'x86_64'; valid: amd64, arm64, all, or a glob"),
        ("deb", "all", "rocky-9", "all", "--os=rocky-9 has no deb packages; valid: debian-12, "),
        (None, "1[9]", "debian-13", "all", "every target asked for is left out: deb-debian-13-pg19-amd64: PostgreSQL"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_valid(
    family: str | None, pg: str, os: str, arch: str, message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        MATRIX.select(family, pg, os, arch)
    assert "\n" not in str(caught.value)


def test_one_system_by_id() -> None:
    assert MATRIX.system("debian-12").codename == "bookworm"
    with pytest.raises(UsageError, match="unknown 'debian-11'"):
        MATRIX.system("debian-11")
    with pytest.raises(UsageError, match="one system is needed"):
        MATRIX.system("debian-*")


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"image: debian:trixie", "imgae: debian:trixie", "unknown key 'imgae' (did you mean 'image'?)"),
        (r"    codename: noble\n", "", "systems.ubuntu-24.04: the key 'codename' is missing"),
        (r"family: rpm", "family: rmp", "systems.rocky-8.family: 'rmp' is none of deb, rpm (did you mean 'rpm'?)"),
        (r"eol: 2027-11-11", "eol: soon", "postgres.15.eol: 'soon' does not have the form"),
        (r"eol: 2027-11-11", "eol: 2027-13-11", "postgres.15.eol: '2027-13-11' is no date"),
        (r"^  rocky-9:", "  rocky-8:", "the key 'rocky-8' stands twice"),
        (r"^systems:", "systems: [", ": "),
        (r"^postgres:", "postgre:", "unknown key 'postgre' (did you mean 'postgres'?)"),
        (r"preview: true", "preview: maybe", "postgres.19.preview: 'maybe' is not of type 'boolean'"),
        (r"^exclusions: \[\]", "exclusions: [{os: debain-*, reason: no such server}]", "exclusions.0.os: "),
        (r"\{codename\}-updates", "{codname}-updates",
         "bootstrap.suites.1: '{codname}-updates' does not have the form text, with no placeholder but {codename}"),
        (r"\{codename\}-pgdg", "{code}-pgdg",
         "pgdg.deb.suite: '{code}-pgdg' does not have the form text, with no placeholder but {codename}"),
        (r"main \{pg\}", "main {PG}", "pgdg.deb.preview_component: 'main {PG}' does not have the form text, with no"),
        (r"rhel-\{release\}", "rhel-{rel}", "pgdg.rpm.repository: 'https://"),
        (r"\"15\": \{eol", "15: {eol", "the key 15 is no text: put it in quotes"),
        (r"ships_postgres: \"17\"", 'ships_postgres: "71"',
         "systems.debian-13.ships_postgres: '71' is newer than every major in postgres; valid: 19 or older"),
        (r"ships_postgres: \"17\"", "ships_postgres: 17", "systems.debian-13.ships_postgres: 17 is no text: put it in"),
        (r"version: \"3.11\"", 'version: "3.6"', "systems.debian-12.python.version: '3.6' does not have the form"),
    ],
)  # fmt: skip
def test_a_typo_in_the_file_is_one_line_that_names_the_key(
    edited: Edited, pattern: str, replacement: str, message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        targets.load(edited(pattern, replacement))
    assert "targets.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml: cannot be read: No such file or directory$"):
        targets.load(tmp_path / "nowhere.yaml")


def test_a_syntax_error_names_the_line(edited: Edited) -> None:
    with pytest.raises(UsageError, match=r"targets\.yaml:\d+: "):
        targets.load(edited(r"^systems:$", "systems: {"))


def test_an_exclusion_leaves_out_even_what_is_named(edited: Edited) -> None:
    rule = "exclusions: [{os: rocky-8, pg: '18', reason: no such server there}]"
    matrix = targets.load(edited(r"^exclusions: \[\]", rule))
    selection = matrix.select(None, "17,18", "rocky-8", "amd64")
    assert [t.pg for t in selection.targets] == ["17"]
    assert [(e.id, e.reason) for e in selection.excluded] == [("rpm-rocky-8-pg18-amd64", "no such server there")]
    with pytest.raises(UsageError, match="no such server there"):
        matrix.select(None, "18", "rocky-8", "all")


def test_past_the_end_of_life_there_is_a_warning() -> None:
    chosen = MATRIX.select(None, "15", "debian-12,rocky-10", "amd64").targets
    assert MATRIX.warnings(chosen, date(2026, 11, 22)) == ()
    assert MATRIX.warnings(chosen, date(2027, 11, 11)) == ()  # the last day counts
    assert MATRIX.warnings(chosen, date(2028, 7, 1)) == (
        "PostgreSQL 15 is past its end of life (2027-11-11)",
        "debian-12 has had no security updates since 2028-06-30",
    )


def test_a_checked_file_is_not_checked_again_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.lib import checkedyaml

    checked = []
    monkeypatch.setattr(checkedyaml, "_validate", lambda *given: checked.append(given[2]))
    copy = tmp_path / "targets.yaml"
    copy.write_bytes(targets.FILE.read_bytes())
    for _ in range(2):
        checkedyaml.load(copy, targets.SCHEMA, tmp_path / "checked")
    assert len(checked) == 1
    copy.write_bytes(targets.FILE.read_bytes() + b"# changed\n")
    checkedyaml.load(copy, targets.SCHEMA, tmp_path / "checked")
    assert len(checked) == 2
