"""Removes what the tasks made."""

import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

from tasks.lib import dist, keptservers, paths, serverbuilds
from tasks.lib.errors import PggitError


def clean(*, cache: bool = False, dry_run: bool = False) -> tuple[Path, ...]:
    """Stop the kept servers, remove build/, dist/, the tools' caches and, with `cache`, the user's cache.

    Waits for a build that runs. Returns what was removed, or would be. Raises PggitError where something cannot
    be removed.
    """
    found = list(paths.written())
    servers = serverbuilds.home_path()
    if servers.parent != paths.BUILD:
        found.append(servers)
    if cache:
        found.append(paths.cache())
    found = [path for path in found if path.exists()]
    if dry_run:
        return tuple(found)
    if servers.exists():
        for kept in keptservers.every():
            keptservers.stop(kept.cluster.pg)
    with dist.lock(_say_waiting, paths.DIST) if paths.DIST.exists() else nullcontext():
        for path in found:
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise PggitError(f"cannot remove {error.filename or path}: {error.strerror}") from error
    return tuple(found)


def _say_waiting() -> None:
    print("inv: a build is running; waiting for its end", file=sys.stderr)
