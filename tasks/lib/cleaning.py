"""Removes what the tasks made."""

import shutil
from pathlib import Path

from tasks.lib import keptservers, paths, serverbuilds
from tasks.lib.errors import PggitError

_CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")


def clean(*, cache: bool = False, dry_run: bool = False) -> tuple[Path, ...]:
    """Stop the kept servers, remove build/, dist/, the tools' caches and, with `cache`, the user's cache.

    Returns what was removed, or would be. Raises PggitError where something cannot be removed.
    """
    found = [paths.BUILD, paths.DIST, *(paths.ROOT / name for name in _CACHES)]
    servers = serverbuilds.home_path()
    if servers.parent != paths.BUILD:
        found.append(servers)
    if cache:
        found.append(paths.cache())
    found = [path for path in found if path.exists()]
    if not dry_run and servers.exists():
        for kept in keptservers.every():
            keptservers.stop(kept.cluster.pg)
    if not dry_run:
        for path in found:
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise PggitError(f"cannot remove {error.filename or path}: {error.strerror}") from error
    return tuple(found)
