"""Released versions, from the frozen scripts in extension/releases."""

import re

from packaging.version import Version

from tasks.lib import sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.paths import MIGRATIONS


def versions() -> tuple[str, ...]:
    """The versions that were released, oldest first."""
    names = (path.stem.removeprefix("pggit--") for path in sqlscript.released_scripts())
    return tuple(sorted(names, key=Version))


def contents(version: str) -> dict[str, bytes]:
    """What an installation of the released `version` holds, by file name, as sqlscript.contents() tells for now.

    Raises UsageError, naming the releases there are, when `version` is not one of them.
    """
    known = versions()
    if version not in known:
        listed = ", ".join(known) or "none yet"
        raise UsageError(
            f"version {version} is not a released one ({listed}); without --version the version in the making,"
            f" {sqlscript.version()}, is built"
        )
    until = known[: known.index(version) + 1]
    wanted = {f"pggit--{one}.sql" for one in until}
    wanted |= {f"pggit--{one}--{other}.sql" for one in until for other in until}
    control = re.sub(
        r"^default_version\s*=.*$",
        f"default_version = '{version}'",
        sqlscript.CONTROL.read_text("utf-8"),
        flags=re.MULTILINE,
    )
    scripts = (*sqlscript.released_scripts(), *sorted(MIGRATIONS.glob("*.sql")))
    return {
        sqlscript.CONTROL.name: control.encode(),
        **{path.name: path.read_bytes() for path in scripts if path.name in wanted},
    }
