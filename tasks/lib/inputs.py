"""What decides a package's bytes: the files it is made from, and the moment that its files are dated to."""

import hashlib
import os
from functools import cache
from pathlib import Path

from tasks.lib import changelog, sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.paths import EXTENSION, MIGRATIONS, PACKAGING, ROOT

_FOLDERS = (
    EXTENSION / "sql",
    EXTENSION / "releases",
    MIGRATIONS,
    PACKAGING / "debian",
    PACKAGING / "nfpm",
)
_FILES = (
    EXTENSION / "pggit.control",
    EXTENSION / "README.md",
    PACKAGING / "package.yaml",
    PACKAGING / "lintian.yaml",
    ROOT / "CHANGELOG.md",
    ROOT / "LICENSE",
)
# The code that turns those files into a package. A change to it must not be mistaken for "up to date".
_CODE = tuple(
    ROOT / "tasks" / "lib" / f"{name}.py"
    for name in (
        *("sqlscript", "updategraph", "released", "changelog", "recipe"),
        *("debcheck", "lintian", "buildengine", "engine_docker", "engine_local", "container"),
    )
)


@cache
def files() -> tuple[Path, ...]:
    """Every file that can change a package, sorted."""
    in_folders = [path for folder in _FOLDERS for path in folder.rglob("*") if path.is_file()]
    return tuple(sorted({*in_folders, *_FILES, *_CODE}))


@cache
def _files_digest() -> str:
    """One digest over names and bytes of `files()`."""
    total = hashlib.sha256()
    for path in files():
        data = path.read_bytes()
        total.update(f"{path.relative_to(ROOT)}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def digest(*facts: object) -> str:
    """The digest of all input files and of these `facts` (target, engine, epoch …), told by their repr."""
    return hashlib.sha256("\0".join([_files_digest(), *map(repr, facts)]).encode()).hexdigest()


def epoch(version: str) -> int:
    """SOURCE_DATE_EPOCH: as the environment has it, else the changelog's day of `version`. Never git's
    history: a shallow clone has another one, and a tarball has none.

    Raises UsageError when the environment's is no number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        if not (given.isascii() and given.isdigit()):
            raise UsageError(f"SOURCE_DATE_EPOCH is '{given}'; it must be a number of seconds since 1970")
        return int(given)
    return int(changelog.since(changelog.read(sqlscript.version()), version)[0].moment.timestamp())
