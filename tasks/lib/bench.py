"""Measurements, as ratios against a baseline of the same run, so that they hold on any machine.

An area is one function in AREAS that yields its results; `inv bench` prints them and fails on a missed bound.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tasks.lib import git
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import ROOT

_INV = str(ROOT / "inv")


@dataclass(frozen=True)
class Result:
    """One measurement: the median `ratio` to the baseline, which is to be at most `bound`."""

    area: str
    name: str
    ratio: float
    bound: float
    baseline: str
    n: int
    spread: float
    """How far the ratios lie apart: the middle half of them, as a part of the median."""

    @property
    def ok(self) -> bool:
        """Whether the bound is kept."""
        return self.ratio <= self.bound


def compare(area: str, name: str, bound: float, measured: Sequence[str], baseline: Sequence[str], n: int) -> Result:
    """Run two commands in turn, `n` times each after one run to warm up: the median of the pairs' ratios.

    Both of a pair meet the same moment of the machine, so that other work disturbs the ratio little.
    Raises PggitError when one of them fails: how fast a failure is tells nothing.
    """
    for argv in (measured, baseline):
        _seconds(argv)
    ratios = [_seconds(measured) / _seconds(baseline) for _ in range(n)]
    words = " ".join(os.path.relpath(word, ROOT) if word.startswith("/") else word for word in baseline)
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Result(area, name, round(middle, 3), bound, words, n, round((high - low) / middle, 3))


def _seconds(argv: Sequence[str]) -> float:
    begin = time.perf_counter()
    result = subprocess.run(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - begin
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or ["no output"]
        raise PggitError(f"`{' '.join(argv)}` failed with exit code {result.returncode}: {last[0]}")
    return seconds


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


AREAS: dict[str, Callable[[bool], Iterator[Result]]] = {"startup": startup, "noop": noop}
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
    return {
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "python": sys.version.split()[0]},
        "commit": git.say("rev-parse", "HEAD"),
        "results": [{**asdict(result), "ok": result.ok} for result in results],
    }
