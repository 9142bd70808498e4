"""The ways between versions that migration.verify goes: every pair, both ways, directly, step by step, and round."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, permutations

from packaging.version import InvalidVersion, Version

from tasks.lib.errors import PggitError, UsageError
from tasks.lib.updategraph import UpdateGraph

ALTER = "ALTER"
CALL = "CALL"
HOW = (ALTER, CALL)
"""ALTER EXTENSION pggit UPDATE by itself, or CALL pggit.upgrade()."""


@dataclass(frozen=True)
class Way:
    """The version it begins at, then those that are gone to, each by a command of its own."""

    stops: tuple[str, ...]
    how: str

    @property
    def start(self) -> str:
        """The version it begins at."""
        return self.stops[0]

    @property
    def end(self) -> str:
        """The version it ends at."""
        return self.stops[-1]

    @property
    def is_round(self) -> bool:
        """Whether it ends where it began."""
        return self.start == self.end and len(self.stops) > 1

    @property
    def stays(self) -> bool:
        """Whether it goes nowhere: an installation as it is."""
        return len(self.stops) == 1

    def __str__(self) -> str:
        """As in "0.1.0 > 0.2.0 by ALTER"."""
        return f"{self.start} as it is" if self.stays else f"{' > '.join(self.stops)} by {self.how}"


def in_order(versions: frozenset[str]) -> tuple[str, ...]:
    """Oldest first. Raises PggitError for what is no version."""
    try:
        return tuple(sorted(versions, key=Version))
    except InvalidVersion as error:
        raise PggitError(f"{error}: a version is numbers with dots between them") from error


def choose(graph: UpdateGraph, start: str = "", end: str = "") -> tuple[Way, ...]:
    """The ways from `start` ("": from every version) to `end` ("": to every one), each in every manner.

    Directly is by one command, for which the server picks the scripts; step by step is by a command for each script,
    and through every version between. Round is away and back, so that nothing of either version gets lost.
    Raises UsageError for a version that cannot be installed.
    """
    known = in_order(graph.installable)
    for option, wanted in (("from", start), ("to", end)):
        if wanted and wanted not in known:
            raise UsageError(f"--{option}={wanted}: there is no such version; valid are {', '.join(known)}")
    found = dict.fromkeys(stops for pair in permutations(known, 2) for stops in _between(graph, known, *pair))
    # What is only installed and never updated belongs to whatever goes on from there.
    found |= dict.fromkeys((version,) for version in known)
    return tuple(
        Way(stops, how)
        for stops in found
        if (not start or stops[0] == start) and (not end or stops[-1] == end)
        for how in (HOW if len(stops) > 1 else HOW[:1])
    )


def _between(graph: UpdateGraph, known: tuple[str, ...], start: str, end: str) -> Iterator[tuple[str, ...]]:
    path = graph.path(start, end)
    if path is None:
        return
    yield (start, end)
    if len(path) > 2:
        yield path
    first, last = known.index(start), known.index(end)
    every = known[first : last + 1] if first < last else known[last : first + 1][::-1]
    if len(every) > 2 and all(graph.path(a, b) for a, b in pairwise(every)):
        yield every
    if graph.path(end, start):
        yield (start, end, start)
