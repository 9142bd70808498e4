"""Which packages packages.verify takes."""

import pytest

from tasks.lib import packageverify
from tasks.lib.errors import UsageError


@pytest.mark.parametrize(
    ("os", "pg", "expected"),
    [
        ("", "", ["debian-13-pg17"]),
        ("debian-12", "", ["debian-12-pg15"]),
        ("debian-*", "", ["debian-12-pg15", "debian-13-pg17"]),
        ("debian-14", "", ["debian-14-pg18"]),
        ("ubuntu-22.04", "16", ["ubuntu-22.04-pg16"]),
        ("debian-*", "18", ["debian-12-pg18", "debian-13-pg18"]),
    ],
)
def test_by_default_each_system_s_own_major(os: str, pg: str, expected: list[str]) -> None:
    assert [f"{target.system.id}-pg{target.pg}" for target in packageverify.choose(os, pg)] == expected


@pytest.mark.parametrize("os", ["ubuntu-22.04", "ubuntu-*"])
def test_a_system_that_ships_none_that_is_supported_needs_a_name(os: str) -> None:
    said = r"^ubuntu-22\.04 ships PostgreSQL 14, which is not supported: name one with --pg; valid: 15, 16, 17, 18$"
    with pytest.raises(UsageError, match=said):
        packageverify.choose(os, "")
