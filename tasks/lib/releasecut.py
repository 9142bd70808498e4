"""Cutting a release: its script is frozen in extension/releases; and beginning the version after it.

Both give the files that would change, with their new bytes: none when all is done, so that running them again,
or after a crash, is safe.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from packaging.version import InvalidVersion, Version

from tasks.lib import changelog, git, sqlscript, updategraph
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import EXTENSION, MIGRATIONS

_UNRELEASED = re.compile(r"^## \[Unreleased\] - .*$", re.MULTILINE)
_FIRST_SECTION = re.compile(r"^## ", re.MULTILINE)
_DEFAULT_VERSION = re.compile(r"^default_version\s*=.*$", re.MULTILINE)
LEAST_LOCKS = "-- Locks: objects"
"""The line in an update script's head that names the tables others wait for, as `pggit upgrade` shows it."""
_UPDATE_SCRIPT = """\
{guard}
-- From {start} to {end}: what the two install scripts make differently is changed here, in the same words.
{locks}
-- The server puts the caller's search_path back at the end of the script.
SET LOCAL search_path TO pg_catalog, pg_temp;
-- Whoever records holds this table from then on to the end: so no transaction is recorded by two versions.
LOCK TABLE pggit.objects IN ACCESS EXCLUSIVE MODE;
{body}
SELECT pggit.complete_update('{start}', '{end}');
"""


def cut(version: str = "", again: str = "") -> dict[Path, bytes]:
    """What freezes `version`, the one in the making unless another is named, as extension/sql makes it now.

    A released version whose script would be another one is refused, unless `again` says why: nobody has it yet
    (there is no public tag). Raises UsageError and PggitError, saying what is in the way.
    """
    making = sqlscript.version()
    version = version or making
    sums = sqlscript.checksums()
    name = f"pggit--{version}.sql"
    updates = _renewed_updates(version, making) if version != making else {}
    script = sqlscript.install_script(version).encode()
    digest = hashlib.sha256(script).hexdigest()
    if sums.get(name, digest) != digest:
        _require_reason(version, again)
    changelog.since(changelog.read(making), version)
    releases = EXTENSION / "releases"
    sums[name] = digest
    lines = "".join(f"{sums[one]}  {one}\n" for one in sorted(sums))
    return _changed(
        {
            releases / name: script,
            releases / "SHA256SUMS": lines.encode(),
            changelog.CHANGELOG: _dated(making) if version == making else changelog.CHANGELOG.read_bytes(),
            **updates,
        }
    )


def bump(version: str = "") -> dict[Path, bytes]:
    """What makes `version`, the next minor one unless another is named, the version in the making: control file,
    a section of the changelog, and the update scripts from the last release and back, which change nothing yet but
    the number of the version.

    Raises UsageError for a version that cannot follow, PggitError where the present one is not released.
    """
    making = sqlscript.version()
    if version == making:
        return {}
    if f"pggit--{making}.sql" not in sqlscript.checksums():
        raise PggitError(f"version {making} is not released; do that first: ./inv release.cut")
    version = version or _next_minor(making)
    _require_later(version, making)
    script = sqlscript.CONTROL.read_text("utf-8")
    wanted = {
        update: update.read_bytes() if update.exists() else update_script(start, end).encode()
        for start, end in ((making, version), (version, making))
        for update in [MIGRATIONS / f"pggit--{start}--{end}.sql"]
    }
    # The control file is last: as long as it names the old version, a second run does the rest.
    control = _DEFAULT_VERSION.sub(f"default_version = '{version}'", script)
    return _changed({**wanted, changelog.CHANGELOG: _with_new_section(making), sqlscript.CONTROL: control.encode()})


def update_script(start: str, end: str, body: str = "") -> str:
    """An update script between two versions; without a body, of the same SQL."""
    body = body or sqlscript.functions_of(end)
    guard = sqlscript.guard(f"ALTER EXTENSION pggit UPDATE TO '{end}'")
    return _UPDATE_SCRIPT.format(guard=guard, start=start, end=end, locks=LEAST_LOCKS, body=body)


def write(files: Mapping[Path, bytes]) -> None:
    """Write what `cut` or `bump` gave, in its order."""
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _changed(wanted: Mapping[Path, bytes]) -> dict[Path, bytes]:
    return {path: data for path, data in wanted.items() if not path.exists() or path.read_bytes() != data}


def changes_nothing(text: str, start: str, end: str) -> bool:
    """Whether an update script is one that `bump` made, then or now: between versions of the same SQL."""
    one, other = (sqlscript.FUNCTION.sub(r"\1", script) for script in (text, update_script(start, end)))
    return one == other


def _renewed_updates(version: str, making: str) -> dict[Path, bytes]:
    """extension/sql is that of `making`: of an older version too, while the update scripts between change nothing.

    Gives those scripts as the present sources make them. Raises UsageError where one changes something.
    """
    graph = updategraph.read(path.name for path in MIGRATIONS.glob("*.sql"))
    path = graph.path(version, making)
    if path is None:
        raise UsageError(f"--version={version}: extension/sql makes {making}, and no update script leads there from it")
    renewed = {}
    for start, end in [*pairwise(path), *pairwise(path[::-1])]:
        update = MIGRATIONS / f"pggit--{start}--{end}.sql"
        if not changes_nothing(update.read_text("utf-8"), start, end):
            raise UsageError(
                f"--version={version}: extension/sql makes {making}, which {update.name} says is another;"
                " cut it from the commit that it was made of"
            )
        renewed[update] = update_script(start, end).encode()
    return renewed


def _require_reason(version: str, again: str) -> None:
    if not again:
        raise PggitError(
            f"version {version} is released, and extension/sql makes another script of it now; begin the next version"
            " with ./inv release.bump, or, while nobody has this one, say why it is cut again: --again=REASON"
        )
    tags = git.say("tag", "--list", "v*")
    if tags is None:
        raise PggitError("git does not say whether a version is public, so none is cut again")
    if tags:
        raise PggitError(f"there is the public tag {tags.splitlines()[0]}: no version is cut again")


def _next_minor(version: str) -> str:
    parsed = Version(version)
    return f"{parsed.major}.{parsed.minor + 1}.0"


def _require_later(version: str, making: str) -> None:
    try:
        updategraph.read([f"pggit--{version}--{making}.sql"])
        later = Version(version) > Version(making)
    except (PggitError, InvalidVersion):
        raise UsageError(f"--version={version}: not a version such as {_next_minor(making)}") from None
    if not later:
        raise UsageError(f"--version={version}: must be later than {making}")


def _dated(version: str) -> bytes:
    """The changelog with today as the day of `version`, which was in the making."""
    text = changelog.CHANGELOG.read_text("utf-8")
    return _UNRELEASED.sub(f"## [{version}] - {_today()}", text, count=1).encode()


def _with_new_section(previous: str) -> bytes:
    """The changelog with a section for the version after `previous`."""
    text = changelog.CHANGELOG.read_text("utf-8")
    if _UNRELEASED.search(text):
        return text.encode()
    section = (
        f"## [Unreleased] - {_today()}\n\n"
        f"### Added\n\n- The update script from {previous}, and the one back to it.\n\n## "
    )
    return _FIRST_SECTION.sub(lambda _: section, text, count=1).encode()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
