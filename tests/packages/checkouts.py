"""Copies of this checkout, to build in without touching its dist, and to break without breaking it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.lib.paths import ROOT

_PARTS = (
    "CHANGELOG.md", "LICENSE", "extension", "inv", "migrations", "packaging", "pyproject.toml", "requirements.lock",
    "tasks", "tasks.py",
)  # fmt: skip


def copy(target: Path, origin: Path = ROOT) -> Path:
    """The checkout `origin` as it is now at `target`, without git and build results, with the same .venv."""
    target.mkdir(parents=True)
    for name in _PARTS:
        source = origin / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, target / name)
    (target / ".venv").symlink_to(sys.prefix)
    return target


def command(checkout: Path, *words: str) -> list[str]:
    """`./inv WORDS` in that checkout, without the wrapper: the environment is there already."""
    return [sys.executable, "-m", "invoke", "--search-root", str(checkout), *words]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would decide a build, and with `changes`."""
    unwanted = ("SOURCE_DATE_EPOCH", "PYTHONPATH", "NO_COLOR", "SUDO_UID", "SUDO_GID")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def inv(
    checkout: Path, *words: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = (), umask: int = -1
) -> subprocess.CompletedProcess[str]:
    """Run a task in that checkout to its end."""
    return subprocess.run(
        [*prefix, *command(checkout, *words)],
        cwd=checkout,
        env=environment(**(env or {})),
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
