"""The tutorial is true: every statement runs, and prints what stands below it."""

import re

import pytest

from tasks.lib.paths import ROOT
from tests.extension.conftest import Connection, Psql

_BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- next block --"
_SETUP = rf"""
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
\pset format aligned
\pset tuples_only off
\set QUIET off
\echo '{MARK}'
"""


def blocks() -> list[tuple[str, str | None]]:
    """Each block of SQL with the output that is shown for it."""
    found: list[tuple[str, str | None]] = []
    for language, text in _BLOCKS.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8")):
        if language == "sql":
            found.append((text, None))
        else:
            assert language == "text", f"what is a block of {language}?"
            assert found, "output of nothing"
            assert found[-1][1] is None, f"a second output of: {found[-1][0]}"
            found[-1] = (found[-1][0], text)
    return found


def lines(text: str) -> list[str]:
    """Without what depends on how wide a column is, or on where psql got its input."""
    kept = []
    for line in text.splitlines():
        line = re.sub(r"^psql:\S+?:\d+: (?=ERROR|NOTICE|WARNING)", "", line)
        line = re.sub(r"^-[-+]*$", lambda rule: "+".join("-" * len(rule[0].split("+"))), line)
        line = re.sub(r"\s+", " ", line).strip()
        if line:
            kept.append(line)
    return kept


def matches(wanted: str, got: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, wanted.split("…"))), got) is not None


def same(wanted: str, got: str) -> bool:
    a, b = lines(wanted), lines(got)
    return len(a) == len(b) and all(map(matches, a, b))


def test_the_tutorial_does_what_it_says(bare_db: Connection, psql: Psql, roles: set[str]) -> None:
    roles.add("tutorial_dora")
    told = blocks()
    assert len(told) > 15
    script = _SETUP + f"\\echo '{MARK}'\n".join(sql for sql, _ in told)
    output = psql(script).split(MARK + "\n")[1:]
    for (statements, wanted), got in zip(told, output, strict=True):
        if wanted is None:
            assert "ERROR" not in got, got
        else:
            assert same(wanted, got), f"{statements}\nprints\n{got}"


@pytest.mark.parametrize(
    ("wanted", "got", "is_same"),
    [
        (" a | b\n---+---\n 1 | …\n(1 row)\n", " a |  b  \n---+-----\n 1 | xyz\n(1 row)\n\n", True),
        ("(1 row)", "(2 rows)", False),
        ("a | …", "b | x", False),
        ("a\n---\n", "a\n", False),
        ("a\n", "a\nb\n", False),
        ("-- x + y", "-- x * y", False),
        ("---+---", "---+---+---", False),
        ("ERROR:  no", "psql:<stdin>:7: ERROR:  no", True),
        ("ERROR:  no", "ERROR:  no\nHINT:  yes", False),
    ],
)
def test_what_counts_as_the_same_output(wanted: str, got: str, is_same: bool) -> None:
    assert same(wanted, got) == is_same
