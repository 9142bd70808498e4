"""Marks in an update script for what a person must do before it may be shipped."""

import re

from tasks.lib.errors import PggitError

MARK = "-- TODO(migration): "
"""Begins the comment that says what and why; it stands where the work is to be done."""
_ANY = re.compile(r"--\s*TODO\(migration\):?\s*(.*?)\s*$")


def left(script: str) -> list[tuple[int, str]]:
    """The marks in a script: the number of the line, and what it says."""
    found = ((number, _ANY.search(line)) for number, line in enumerate(script.splitlines(), 1))
    return [(number, mark[1]) for number, mark in found if mark]


def require_none(name: str, script: str) -> None:
    """Raise PggitError, in one line, where a mark is left in the script of that file name."""
    marks = left(script)
    if marks:
        number, what = marks[0]
        more = f" (and {len(marks) - 1} more)" if len(marks) > 1 else ""
        raise PggitError(f"{name}, line {number}: {MARK.strip().removeprefix('-- ')} {what}{more}")
