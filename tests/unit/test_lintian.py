"""lintian's words and the list of what is accepted."""

import re
from pathlib import Path

import pytest

from tasks.lib import lintian
from tasks.lib.errors import UsageError

SAID = """running with root privileges is not recommended!
W: postgresql-17-pggit: initial-upload-closes-no-bugs [usr/share/doc/postgresql-17-pggit/changelog.Debian.gz:1]
E: postgresql-17-pggit: file-in-unusual-dir [usr/x]
W: pggit source: custom-compression-in-debian-rules dh_builddeb -- -Zxz [debian/rules:17]
"""
ACCEPTED = [
    lintian.Allowed("initial-upload-closes-no-bugs", "binary", "no ITP"),
    lintian.Allowed("only-there", "binary", "an old lintian", ("debian-12",)),
    lintian.Allowed("only-once", "binary", "a changelog of one version", (), first_release=True),
]


def _problems(package: str, kind: str, system: str, *, first_release: bool = False) -> tuple[str, ...]:
    return lintian.problems(lintian.parse(SAID), package, kind, system, ACCEPTED, first_release=first_release)


def test_a_tag_that_is_not_accepted_is_a_problem() -> None:
    [problem] = _problems("postgresql-17-pggit", "binary", "debian-13")
    assert problem == "lintian E: postgresql-17-pggit: file-in-unusual-dir [usr/x]"


def test_an_entry_that_no_longer_shows_is_a_problem() -> None:
    assert _problems("postgresql-17-pggit", "binary", "debian-12")[1:] == (
        "packaging/lintian.yaml accepts only-there, which postgresql-17-pggit does not show; delete the entry",
    )


def test_an_entry_for_the_first_release_says_nothing_about_later_ones() -> None:
    package = ("postgresql-17-pggit", "binary", "debian-13")
    assert _problems(*package, first_release=True)[1:] == (
        "packaging/lintian.yaml accepts only-once, which postgresql-17-pggit does not show; delete the entry",
    )
    assert _problems(*package)[1:] == ()


def test_an_entry_for_binaries_says_nothing_about_the_source() -> None:
    [problem] = _problems("pggit", "source", "debian-13")
    assert "custom-compression" in problem


def test_the_list_itself_gives_reasons() -> None:
    assert lintian.allowed()
    assert all(len(one.reason) > 20 for one in lintian.allowed())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- tag: x\n  in: binary\n", "lintian.yaml: 0: the key 'reason' is missing"),
        ("- tag: x\n  reason: any reason\n  in: nowhere\n", "0.in: 'nowhere' is none of binary, source"),
        (
            "- tag: x\n  reason: any reason\n  in: source\n  system: z\n",
            "unknown key 'system' (did you mean 'systems'?)",
        ),
        ("- x\n", "lintian.yaml: 0: 'x' is not of type 'object'"),
        ("- [x\n", "lintian.yaml:2: "),
    ],
)
def test_an_entry_that_is_none_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    monkeypatch.setattr(lintian, "ALLOWED", tmp_path / "lintian.yaml")
    lintian.ALLOWED.write_text(text)
    with pytest.raises(UsageError, match=re.escape(complaint)) as error:
        lintian.allowed()
    assert "\n" not in str(error.value)
