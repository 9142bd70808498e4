"""Where things are: the parts of the checkout and the two places that tasks write to."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "extension"
MIGRATIONS = ROOT / "migrations"
PACKAGING = ROOT / "packaging"
DIST = ROOT / "dist"
"""Artifacts, their manifest and the evidence of checks."""
BUILD = ROOT / "build"
"""Intermediate files and logs; safe to delete at any time."""


def cache() -> Path:
    """The per-user cache (server builds, base images' root file systems), shared by all checkouts.

    `PGGIT_CACHE` names another folder; else `XDG_CACHE_HOME/pggit`, else `~/.cache/pggit`.
    """
    named = os.environ.get("PGGIT_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pggit"


def written() -> tuple[Path, ...]:
    """The folders of the checkout that tasks write to, there or not, but for .venv: what `clean` removes."""
    return (BUILD, DIST, *(ROOT / name for name in (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")))
