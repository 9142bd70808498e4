"""Writing to dist/ so that nothing half-written is ever seen there and two builds don't mix."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.lib import paths
from tasks.lib.errors import PggitError
from tasks.lib.filelock import locked
from tasks.lib.paths import DIST, ROOT

_PARTIAL = ".partial"


@contextmanager
def lock(waiting: Callable[[], None], dist: Path = DIST) -> Iterator[None]:
    """Hold `dist` for one build; `waiting` is called once if another build holds it now.

    The system drops the lock when the holder ends, however it ends. Raises PggitError where dist cannot
    be written to.
    """
    with clear_errors(dist):
        make_folder(dist)
        (dist / ".lock").touch()
    with locked(dist / ".lock", waiting):
        hand_over(dist / ".lock")
        for left in dist.rglob(f".*{_PARTIAL}"):  # by a build that was killed
            left.unlink(missing_ok=True)
        yield


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all; raises PggitError in one line (disk full, read-only …)."""
    with clear_errors(path):
        make_folder(path.parent)
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PARTIAL)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # else a full disk may show only after the rename
            Path(partial).chmod(0o644)
            hand_over(Path(partial))
            Path(partial).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(partial).unlink()
            raise


def check_writable(folder: Path) -> None:
    """Raise PggitError now if writing into `folder` is going to fail, rather than after the build."""
    with clear_errors(folder):
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass


def make_folder(folder: Path) -> None:
    """Make `folder` with its parents, owned by the caller."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        hand_over(one)


def hand_over(path: Path) -> None:
    """Give `path` to whoever called sudo: a build must not leave files that its caller cannot delete."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and user.isdigit() and group.isdigit():
        os.chown(path, int(user), int(group))


def hand_over_all() -> None:
    """Give what this run left below build/, dist/, the tools' caches and the user's cache to whoever called sudo.

    Only where the folder around it is theirs too. Hard links are left alone: trees of test servers share files
    with the system's own.
    """
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() != 0 or not user.isdigit() or not group.isdigit():
        return
    for top in (*paths.written(), paths.cache()):
        with suppress(OSError):
            if top.parent.stat().st_uid == int(user) != 0 and top.is_dir() and not top.is_symlink():
                os.chown(top, int(user), int(group))
                _hand_over_below(top, int(user), int(group))


def _hand_over_below(top: Path, user: int, group: int) -> None:
    for _, folders, files, descriptor in os.fwalk(top):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # another process may be at work
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if found.st_uid == 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, user, group, dir_fd=descriptor, follow_symlinks=False)


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """An OSError within becomes a PggitError that names `path` and says why."""
    try:
        yield
    except OSError as error:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        raise PggitError(f"cannot write {name}: {error.strerror}") from error
