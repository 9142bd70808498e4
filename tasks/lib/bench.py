"""The areas that are measured; every figure is a ratio to a baseline of the same run.

An area is one function in AREAS that yields its results; `inv bench` prints them and fails on a missed bound.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.lib import bench_extension, bench_monitoring, bench_upgrade, evidence, git
from tasks.lib.errors import UsageError
from tasks.lib.evidence import Sources
from tasks.lib.measurement import Result, compare
from tasks.lib.paths import DIST, ROOT

_INV = str(ROOT / "inv")


def startup(full: bool) -> Iterator[Result]:
    """What listing the tasks costs, against what importing invoke and a YAML reader costs."""
    # The interpreter by the name that ./inv uses; sys.executable may be another spelling of it.
    baseline = [str(ROOT / ".venv" / "bin" / "python"), "-c", "import invoke, yaml"]
    yield compare("startup", "inv --list", 1.25, [_INV, "--list"], baseline, 61 if full else 31)


def noop(full: bool) -> Iterator[Result]:
    """What a build costs that has nothing to do, against listing the tasks."""
    build = [_INV, "build.deb", "--pg=all"]
    # The first run may have to build; only the ones after it have nothing to do.
    yield compare("noop", "inv build.deb --pg=all", 2.5, build, [_INV, "--list"], 21 if full else 11)


AREAS: dict[str, Callable[[bool], Iterator[Result]]] = {
    "startup": startup,
    "noop": noop,
    "track": bench_extension.track,
    "commit": bench_extension.commit,
    "diff": bench_extension.diff,
    "rescan": bench_extension.rescan,
    "merge": bench_extension.merge,
    "timetravel": bench_extension.timetravel,
    "duration": bench_monitoring.duration,
    "scrape": bench_monitoring.scrape,
    "upgrade": bench_upgrade.upgrade,
}
"""Each area's function; its argument says whether to take all the time it needs (--full)."""


def measure(area: str, full: bool, again: Callable[[Result], None]) -> Iterator[Result]:
    """The results of an area. One that misses its bound is measured once more, after `again` was told.

    A busy machine may miss once; what is slow misses twice.
    """
    first = list(AREAS[area](full))
    if all(result.ok for result in first):
        yield from first
        return
    for result in first:
        if not result.ok:
            again(result)
    yield from AREAS[area](full)


def select(wanted: str) -> list[str]:
    """The areas that `wanted` names, comma-separated; all for "all". Raises UsageError for an unknown one."""
    names = list(AREAS) if wanted == "all" else [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in AREAS:
            raise UsageError(f"--area={wanted}: there is no area '{name}'; valid are {', '.join(AREAS)} and all")
    return names


def report(results: Sequence[Result]) -> dict[str, Any]:
    """What `bench --json` prints."""
    return {"commit": git.say("rev-parse", "HEAD"), **_figures(results)}


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "python": sys.version.split()[0]},
        "results": [{**asdict(result), "ok": result.ok} for result in results],
    }


def keep(
    area: str, full: bool, results: Sequence[Result], began: Sources, folder: Path = DIST / "evidence"
) -> Path | None:
    """Leave an area's figures as evidence, those of --full beside the others; see evidence.keep()."""
    ok = all(result.ok for result in results)
    return evidence.keep("bench", f"{area}-full" if full else area, ok, _figures(results), began, folder)
