"""One measurement, and how two commands are compared: as a ratio of the same run, so that it holds on any machine."""

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.lib.errors import PggitError
from tasks.lib.paths import ROOT


@dataclass(frozen=True)
class Result:
    """One measurement: the median `ratio` to the baseline, which is to be at most `bound`, if there is one."""

    area: str
    name: str
    ratio: float
    bound: float | None
    baseline: str
    n: int
    spread: float
    """How far the ratios lie apart: the middle half of them, as a part of the median."""

    @property
    def ok(self) -> bool:
        """Whether the bound is kept."""
        return self.bound is None or self.ratio <= self.bound


def compare(area: str, name: str, bound: float, measured: Sequence[str], baseline: Sequence[str], n: int) -> Result:
    """Run two commands in turn, `n` times each after one run to warm up: the median of the pairs' ratios.

    Both of a pair meet the same moment of the machine, so that other work disturbs the ratio little.
    Raises PggitError when one of them fails: how fast a failure is tells nothing.
    """
    for argv in (measured, baseline):
        _seconds(argv)
    ratios = [_seconds(measured) / _seconds(baseline) for _ in range(n)]
    words = " ".join(os.path.relpath(word, ROOT) if word.startswith("/") else word for word in baseline)
    return from_ratios(area, name, bound, ratios, words)


def from_ratios(area: str, name: str, bound: float | None, ratios: Sequence[float], baseline: str) -> Result:
    """The result of pairs that were measured one after the other: their ratios' median, and how far they lie apart."""
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Result(area, name, round(middle, 3), bound, baseline, len(ratios), round((high - low) / middle, 3))


def _seconds(argv: Sequence[str]) -> float:
    # The packages in .venv have their byte code; what is compared to them is to have its own, whatever is set here.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    begin = time.perf_counter()
    result = subprocess.run(
        argv,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seconds = time.perf_counter() - begin
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or ["no output"]
        raise PggitError(f"`{' '.join(argv)}` failed with exit code {result.returncode}: {last[0]}")
    return seconds
