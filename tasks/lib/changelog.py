"""CHANGELOG.md, the only place where changes are written down, and the forms that packages want it in."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from pathlib import Path

from tasks.lib.errors import PggitError
from tasks.lib.paths import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"
_HEADING = re.compile(r"## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Entry:
    """One version's section: its day and its changes, each as ("Added", "one line of text")."""

    version: str
    day: date
    changes: tuple[tuple[str, str], ...]
    earlier_that_day: int = 0
    """How many versions before it have the same day."""

    @property
    def moment(self) -> datetime:
        """Noon (UTC) of the entry's day, which is that date in nearly every time zone; a minute later for each
        version before it on that day, since a package must not be as old as the one that it replaces.
        """
        return datetime.combine(self.day, time(12), UTC) + timedelta(minutes=self.earlier_that_day)


def read(current: str, path: Path = CHANGELOG) -> tuple[Entry, ...]:
    """The sections of the changelog, newest first; `[Unreleased]` is taken for version `current`.

    Raises PggitError for a heading without version and day, or a version with nothing said about it.
    """
    entries: list[Entry] = []
    changes: list[tuple[str, str]] = []
    kind = ""

    def complete() -> None:
        if entries:
            if not changes:
                raise PggitError(f"{path.name}: version {entries[-1].version} has no '- ' line under a '### ' heading")
            entries[-1] = Entry(entries[-1].version, entries[-1].day, tuple(changes))
            changes.clear()

    for line in path.read_text("utf-8").splitlines():
        if line.startswith("## "):
            match = _HEADING.fullmatch(line.rstrip())
            if match is None:
                raise PggitError(f"{path.name}: '{line}' is not '## [VERSION] - YYYY-MM-DD'")
            complete()
            version = current if match[1] == "Unreleased" else match[1]
            try:
                entries.append(Entry(version, date.fromisoformat(match[2]), ()))
            except ValueError as error:
                raise PggitError(f"{path.name}: '{line}': {error}") from None
        elif line.startswith("### "):
            kind = line[4:].strip()
        elif line.startswith("- "):
            changes.append((kind, line[2:].strip()))
        elif line.startswith("  ") and changes:
            changes[-1] = (changes[-1][0], f"{changes[-1][1]} {line.strip()}")
    complete()
    if not entries:
        raise PggitError(f"{path.name} has no '## [VERSION] - YYYY-MM-DD' section")
    return tuple(
        replace(entry, earlier_that_day=sum(older.day == entry.day for older in entries[index + 1 :]))
        for index, entry in enumerate(entries)
    )


def since(entries: Sequence[Entry], version: str) -> tuple[Entry, ...]:
    """`entries` from `version` downwards: what a package of that version tells.

    Raises PggitError when the changelog says nothing about `version`.
    """
    for index, entry in enumerate(entries):
        if entry.version == version:
            return tuple(entries[index:])
    raise PggitError(f"{CHANGELOG.name} has no section for version {version}")


def debian(entries: Sequence[Entry], source: str, revision: str, maintainer: str) -> str:
    """debian/changelog (deb-changelog(5)) for `entries`, newest first."""
    blocks = []
    for index, entry in enumerate(entries):
        # Older entries were revision 1 of their version, as far as a user's changelog is concerned.
        version = debian_version(entry.version, revision if index == 0 else "1")
        bullets = [
            textwrap.fill(_plain(text), 78, initial_indent="  * ", subsequent_indent="    ", break_long_words=False)
            for kind, text in ((kind, f"{kind}: {text}" if kind else text) for kind, text in entry.changes)
        ]
        blocks.append(
            f"{source} ({version}) unstable; urgency=medium\n\n"
            + "\n".join(bullets)
            + f"\n\n -- {maintainer}  {format_datetime(entry.moment)}\n"
        )
    return "\n".join(blocks)


def debian_version(version: str, revision: str) -> str:
    """An extension's version as Debian writes it: 0.3.0-rc1 sorts before 0.3.0 as 0.3.0~rc1."""
    return f"{version.replace('-', '~')}-{revision}"


def _plain(text: str) -> str:
    """Markdown's code marks and links as plain text."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text).replace("`", "")
