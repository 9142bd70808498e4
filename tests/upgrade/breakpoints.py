"""Update scripts with a place after each statement where a session can have them fail, or wait for a lock."""

import re

import pglast

from tasks.lib import sqlscript

FAIL_AT, WAIT_AT = "test.fail_at", "test.wait_at"
"""The settings by which a session asks for it: the number of the place."""
LOCK = 4711
"""The advisory lock that a script waits for."""
PLANTED = "P0042"
"""The SQLSTATE of a failure."""

_PLACE = """
DO $place$
BEGIN
    IF pg_catalog.current_setting('test.fail_at', true) OPERATOR(pg_catalog.=) '{number}' THEN
        RAISE EXCEPTION 'planted after statement {number}' USING ERRCODE = 'P0042';
    ELSIF pg_catalog.current_setting('test.wait_at', true) OPERATOR(pg_catalog.=) '{number}' THEN
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(4711);
    END IF;
END
$place$;
"""
_UPDATE = re.compile(r"pggit--([^-]+)--([^-]+)\.sql")


def statements(script: str) -> list[str]:
    """The statements of a script, as PostgreSQL's own parser tells them apart."""
    lines = script.splitlines(keepends=True)
    body = "".join(line for line in lines if not line.startswith("\\echo "))
    return [str(statement) for statement in pglast.split(body)]


def with_places(script: str) -> str:
    """The script with a place before its first statement, number 0, and after each."""
    parts = [f"{statement};{_PLACE.format(number=n)}" for n, statement in enumerate(statements(script), 1)]
    return _PLACE.format(number=0) + "".join(parts)


def files() -> dict[str, bytes]:
    """This checkout's files, each update script with places."""
    return {
        name: with_places(data.decode()).encode() if _UPDATE.fullmatch(name) else data
        for name, data in sqlscript.contents().items()
    }


def ways() -> dict[tuple[str, str], int]:
    """From which version to which a script leads, and the number of its last place."""
    found = {}
    for name, data in sqlscript.contents().items():
        if match := _UPDATE.fullmatch(name):
            found[match[1], match[2]] = len(statements(data.decode()))
    return found
