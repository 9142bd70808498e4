"""Prometheus's own programs: those that are installed, or Debian's packages unpacked into the user's cache."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tasks.lib import paths
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.filelock import locked

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
}
"""Each program, with the Debian package that has it."""


def find(program: str) -> Path:
    """`program`, ready to run: on PATH, or out of a Debian package that is fetched and unpacked once.

    Raises UsageError for a program that is none of PACKAGES, PggitError where it cannot be had.
    """
    if program not in PACKAGES:
        raise UsageError(f"unknown program '{program}'; valid are {', '.join(PACKAGES)}")
    if found := at_hand(program):
        return found
    package = PACKAGES[program]
    tree = _tree(package)
    if not tree.is_dir():
        if not can_fetch():
            raise PggitError(f"{program} is not on PATH; install it (Debian's package is {package})")
        _unpack(package, tree)
    if found := at_hand(program):
        return found
    raise PggitError(f"{tree} holds no {program}; remove that folder, or install the package {package}")


def at_hand(program: str) -> Path | None:
    """Where `program` is, without fetching anything; None where it is not."""
    if installed := shutil.which(program):
        return Path(installed)
    unpacked = _tree(PACKAGES[program]) / "usr" / "bin" / program
    return unpacked if unpacked.is_file() else None


def can_fetch() -> bool:
    """Whether this machine has what fetches Debian's packages and unpacks them."""
    return all(map(shutil.which, ("apt-get", "dpkg-deb")))


def _tree(package: str) -> Path:
    return paths.cache() / "debian" / package


def _unpack(package: str, tree: Path) -> None:
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with locked(tree.parent / ".lock"):
            if not tree.is_dir():
                with tempfile.TemporaryDirectory(dir=tree.parent, prefix=".new-") as work:
                    new = Path(work) / "tree"
                    _run(["dpkg-deb", "--extract", str(_download(package, Path(work))), str(new)], package)
                    new.rename(tree)
    except OSError as error:
        raise PggitError(f"cannot unpack {package} into {tree.parent}: {error.strerror or error}") from error


def _download(package: str, folder: Path) -> Path:
    """The package's file, from wherever this machine's apt has packages."""
    print(f"fetching Debian's {package} (once, into the cache)", file=sys.stderr)
    download = ["download", "--quiet", package]
    if not _succeeds(["apt-get", *download], folder):
        # A fresh machine has no lists, or old ones. Ours leave the machine's alone, and anybody may fetch them.
        (folder / "lists" / "partial").mkdir(parents=True)
        own = [f"--option=Dir::State::Lists={folder / 'lists'}", f"--option=Dir::Cache={folder / 'apt'}"]
        _run(["apt-get", *own, "--option=APT::Sandbox::User=root", "update", "--quiet"], package, folder)
        _run(["apt-get", *own, *download], package, folder)
    if not (files := list(folder.glob("*.deb"))):
        raise PggitError(f"apt-get fetched nothing for {package}; install that package")
    return files[0]


def _succeeds(command: list[str], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def _run(command: list[str], package: str, folder: Path | None = None) -> None:
    result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.startswith("E:")] or result.stderr.splitlines()
        reason = " ".join(lines[:1]) or f"exit code {result.returncode}"
        raise PggitError(f"cannot fetch the Debian package {package} ({reason}); install it")
