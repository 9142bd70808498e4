"""Puts the extension's files where a server looks for them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import sqlscript
from tasks.lib.errors import PggitError, UsageError


@dataclass(frozen=True)
class Server:
    """An installed server as its pg_config describes it."""

    version: str
    extensions: Path
    """Its folder of control files and scripts."""


def inspect(pg_config: str) -> Server:
    """The server that the program `pg_config` (a path, or a name on PATH) belongs to.

    Raises UsageError when it is no working pg_config, PggitError when the server has no extension folder.
    """
    program = shutil.which(pg_config)
    if program is None:
        raise UsageError(
            f"--pg-config={pg_config}: no such program;"
            " give the server's own, such as /usr/lib/postgresql/17/bin/pg_config"
        )
    result = subprocess.run(
        [program, "--version", "--sharedir"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    lines = result.stdout.splitlines()
    if result.returncode != 0 or len(lines) != 2 or not lines[0].startswith("PostgreSQL "):
        raise UsageError(f"--pg-config={pg_config}: {program} does not answer like a pg_config")
    folder = Path(lines[1]) / "extension"
    if not folder.is_dir():
        raise PggitError(f"{folder} does not exist: {program} is there, but the server that it describes is not")
    return Server(lines[0].removeprefix("PostgreSQL "), folder)


def major(server: Server) -> str:
    """The server's major version."""
    match = re.match(r"\d+", server.version)
    return match[0] if match else server.version


@dataclass(frozen=True)
class Change:
    """What `put()` did, or would do: file names."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def put(folder: Path, *, dry_run: bool = False) -> Change:
    """Make the extension's files in `folder` exactly those of this checkout; others' files are left alone.

    A server may be reading: it sees all of a file's old text or all of its new one.
    Raises PggitError where the folder cannot be written to.
    """
    files = sqlscript.contents()
    current = {path.name for path in (*folder.glob("pggit--*.sql"), *folder.glob("pggit.control"))}
    changed = [name for name in files if name not in current or (folder / name).read_bytes() != files[name]]
    removed = sorted(current - set(files))
    if not dry_run and (changed or removed):
        try:
            for name in changed:
                partial = folder / f".{name}.{os.getpid()}"
                partial.write_bytes(files[name])
                partial.chmod(0o644)
                partial.replace(folder / name)
            for name in removed:
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise PggitError(f"cannot write to {folder}: {error.strerror}; run this as a user who may") from error
    return Change(tuple(sorted(changed)), tuple(removed), tuple(sorted(set(files) - set(changed))))
