"""Whether the update scripts keep up with extension/sql, as far as that can be told without a server.

What both install scripts of a step make in other words must be in the update script between them. Functions are most of
what changes, and of those the body must be there; of anything else the name. Comments outside of bodies, and how lines
are broken there, count for nothing. (The tests prove it on servers: tests/upgrade/test_upgrade_path.py.)
"""

import re
from collections.abc import Iterator, Mapping

from tasks.lib import migrationmarks, sqlscript, sqlstatements
from tasks.lib.sqlstatements import Words

_SUBJECT = re.compile(
    r"(?:CREATE|ALTER|DROP|COMMENT ON)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|UNLOGGED\s+|CONSTRAINT\s+)?"
    r"(?P<kind>MATERIALIZED\s+VIEW|EVENT\s+TRIGGER|\w+)\s+(?:ONLY\s+|IF\s+\w+\s+|IF\s+NOT\s+EXISTS\s+)?"
    r"(?P<name>(?:\"[^\"]+\"|[\w.])+)",
    re.IGNORECASE,
)
_LOCK = re.compile(r"LOCK TABLE pggit\.objects\b[^;]* IN ACCESS EXCLUSIVE MODE;")
"""What keeps those who record from going on with functions of two versions: they hold that table to their end."""
_ENOUGH = 3
"""Names that one line of a fault shows."""


def faults() -> list[str]:
    """What is wrong with the update scripts: faults of the graph, marks left, no lock, changes they say nothing of."""
    files = sqlscript.unchecked_contents()
    found = sqlscript.graph(files).faults(sqlscript.version(), sqlscript.released_versions())
    for name in sorted(files):
        for number, what in migrationmarks.left(files[name].decode()):
            found.append(f"{name}, line {number}: TODO(migration): {what}")
        if "--" in name.removeprefix("pggit--") and not _LOCK.search(files[name].decode()):
            found.append(f"{name} lacks LOCK TABLE pggit.objects IN ACCESS EXCLUSIVE MODE;")
    return found + forgotten(files)


def forgotten(files: Mapping[str, bytes]) -> list[str]:
    """For each update script what it says nothing of, in one line that names the command that drafts it."""
    found = []
    for start, end in sorted(sqlscript.graph(files).edges):
        name = f"pggit--{start}--{end}.sql"
        sides = [files.get(f"pggit--{version}.sql") for version in (start, end)]
        if None in sides:
            continue
        old, new = (sqlstatements.words((side or b"").decode()) for side in sides)
        missing = sorted(set(_missing(old, new, sqlstatements.words(files[name].decode()))))
        if missing:
            listed = ", ".join(missing[:_ENOUGH]) + (f" and {len(missing) - _ENOUGH} more" if missing[_ENOUGH:] else "")
            found.append(
                f"{name} says nothing, or not the same, of {listed};"
                f" draft it: ./inv migration.new --from={start} --to={end} --output=build/draft"
            )
    return found


def _missing(old: Words, new: Words, update: Words) -> Iterator[str]:
    before, said = ({_plain(one) for one in words.statements} for words in (old, update))
    text = "\n".join(update.statements)
    for statement in new.statements:
        subject = _SUBJECT.match(statement)
        if subject is None or _plain(statement) in before | said:
            continue
        name, body = subject["name"], sqlstatements.body(statement)
        if not body or subject["kind"].upper() not in ("FUNCTION", "PROCEDURE"):
            if not _mentions(text, name):
                yield name
        elif not update.makes(name, body) and not (old.makes(name, body) and re.search(_altering(name), text)):
            yield name
    made, gone = _made(new), _made(old)
    for name, table in sorted(gone.items()):
        # What hangs on a table goes with it.
        if name not in made and (not table or table in made) and not _mentions(text, name):
            yield name


def _plain(statement: str) -> str:
    """Without comments, with one blank between words, and as if nothing were there before."""
    return re.sub(r"\ACREATE OR REPLACE\b", "CREATE", sqlstatements.plain(statement), flags=re.IGNORECASE)


def _altering(name: str) -> str:
    return rf"ALTER\s+(?:FUNCTION|PROCEDURE|ROUTINE)\s+{re.escape(name)}\s*\("


def _made(words: Words) -> dict[str, str]:
    """What a script makes: the name, and the table of an index or a trigger."""
    found = {}
    for statement in words.statements:
        subject = _SUBJECT.match(statement)
        if subject is not None and statement[:6].upper() == "CREATE":
            hangs = subject["kind"].upper() in ("INDEX", "TRIGGER")
            on = re.search(r"\sON\s+([\w.]+)", statement) if hangs else None
            found[subject["name"]] = on[1] if on else ""
    return found


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name.rpartition('.')[2])}(?!\w)", text) is not None
