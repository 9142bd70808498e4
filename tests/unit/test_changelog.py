"""CHANGELOG.md, read and turned into a package's changelog."""

from pathlib import Path

import pytest
from debian.changelog import Changelog

from tasks.lib import changelog
from tasks.lib.errors import PggitError

TEXT = """# Changelog

## [Unreleased] - 2026-12-01

### Added

- A thing that takes
  two lines.
- See [the docs](docs/x.md) of `pggit.log()`.

## [0.1.0] - 2026-11-22

### Fixed

- Something.
"""


def _read(tmp_path: Path, text: str) -> tuple[changelog.Entry, ...]:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(text)
    return changelog.read("0.2.0", path)


def test_unreleased_is_the_version_in_the_making(tmp_path: Path) -> None:
    first, second = _read(tmp_path, TEXT)
    assert (first.version, second.version) == ("0.2.0", "0.1.0")
    assert first.changes[0] == ("Added", "A thing that takes two lines.")


def test_debian_form_is_one_that_debian_reads(tmp_path: Path) -> None:
    text = changelog.debian(_read(tmp_path, TEXT), "pggit", "3", "Some One <one@example.org>")
    parsed = Changelog(text, strict=True)
    assert [str(block.version) for block in parsed] == ["0.2.0-3", "0.1.0-1"]
    assert parsed.date == "Tue, 01 Dec 2026 12:00:00 +0000"
    assert "  * Added: See the docs of pggit.log()." in text.splitlines()
    assert max(map(len, text.splitlines())) <= 80


def test_versions_of_one_day_are_a_minute_apart(tmp_path: Path) -> None:
    """An older version's moment is the same whatever follows it, or its package would change."""
    entries = _read(tmp_path, "".join(f"## [{n}] - 2026-11-2{n // 3}\n- x\n" for n in (4, 3, 2, 1)))
    assert [f"{one.moment:%d %H:%M}" for one in entries] == ["21 12:01", "21 12:00", "20 12:01", "20 12:00"]


def test_prerelease_sorts_before_its_release() -> None:
    assert changelog.debian_version("0.3.0-rc1", "1") == "0.3.0~rc1-1"


def test_since_starts_at_the_package_s_version(tmp_path: Path) -> None:
    entries = _read(tmp_path, TEXT)
    assert [one.version for one in changelog.since(entries, "0.1.0")] == ["0.1.0"]
    with pytest.raises(PggitError, match=r"no section for version 9\.9"):
        changelog.since(entries, "9.9")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# Changelog\n", "has no"),
        ("## 0.1.0\n- x\n", "is not '## "),
        ("## [0.1.0] - 2026-13-01\n### Added\n- x\n", "month must be"),
        ("## [0.1.0] - 2026-11-01\n", "version 0.1.0 has no"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PggitError, match=complaint):
        _read(tmp_path, text)
