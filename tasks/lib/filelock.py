"""A lock between processes: only one at a time does the work that a lock file stands for."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tasks.lib.errors import PggitError


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path` (made when missing), waiting for whoever holds it now.

    `waiting` is called once if somebody does. The system drops the lock when the holder ends, however it ends;
    a holder may remove the file. Raises PggitError where the file cannot be written.
    """
    handle = _open(path)
    while True:
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting()
                    waiting = None
                fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(path, handle):
                yield
                return
        handle = _open(path)


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise PggitError(f"cannot write {path}: {error.strerror}") from error


def _is_at(path: Path, handle: TextIO) -> bool:
    """Whether `handle` is still the file at `path`: one that was removed meanwhile locks nothing."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False
