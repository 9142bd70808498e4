"""release.*: from a version in the making to a released one."""

from collections.abc import Mapping
from pathlib import Path

from invoke.context import Context

from tasks.command import task

_DRY = "say what would be written, and change nothing"


@task(
    help={
        "version": "the version to cut (default: the one in the making)",
        "again": "why a released version is cut once more, which no version is after the first public tag",
        "dry_run": _DRY,
    }
)
def cut(c: Context, version: str = "", again: str = "", dry_run: bool = False) -> None:
    """Freeze a version's install script, with its checksum, in extension/releases, and date its changelog."""
    from tasks.lib import releasecut, sqlscript

    files = releasecut.cut(version, again)
    _write(files, dry_run or c.config.run.dry)
    if not files:
        print(f"pggit {version or sqlscript.version()} is cut already")
    elif again:
        print(f"cut again: {again}")


@task(help={"version": "the version to begin (default: the next minor one)", "dry_run": _DRY})
def bump(c: Context, version: str = "", dry_run: bool = False) -> None:
    """Begin the version after a release: control file, changelog, update scripts forth and back."""
    from tasks.lib import releasecut, sqlscript

    _write(releasecut.bump(version), dry_run or c.config.run.dry)
    print(f"pggit {sqlscript.version()} is in the making")


def _write(files: Mapping[Path, bytes], dry_run: bool) -> None:
    from tasks.lib import releasecut
    from tasks.lib.paths import ROOT

    for path in files:
        print(f"{'would write' if dry_run else 'writing'} {path.relative_to(ROOT)}")
    if not dry_run:
        releasecut.write(files)
