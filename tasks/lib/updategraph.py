"""The update graph: which extension script leads from which version to which, known without a server."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from tasks.lib.errors import PggitError

# PostgreSQL's own rule for versions: no "--" inside, no "-" at either end
# (https://www.postgresql.org/docs/current/extend-extensions.html).
_VERSION = r"[A-Za-z0-9.+~]+(?:-[A-Za-z0-9.+~]+)*"
_SCRIPT = re.compile(rf"pggit--({_VERSION})(?:--({_VERSION}))?\.sql")


@dataclass(frozen=True)
class UpdateGraph:
    """Versions with an install script, and the (from, to) pairs that have an update script."""

    installable: frozenset[str]
    edges: frozenset[tuple[str, str]]

    def path(self, source: str, target: str) -> tuple[str, ...] | None:
        """The shortest way from `source` to `target`, both included; None where there is none."""
        came_from: dict[str, str | None] = {source: None}
        queue = deque([source])
        while queue:
            here = queue.popleft()
            if here == target:
                way = [here]
                while (previous := came_from[way[-1]]) is not None:
                    way.append(previous)
                return tuple(reversed(way))
            for start, end in sorted(self.edges):
                if start == here and end not in came_from:
                    came_from[end] = here
                    queue.append(end)
        return None

    def faults(self, current: str, released: Iterable[str]) -> list[str]:
        """What is wrong with the graph, a line each: a script that can never run or has no counterpart, a released
        version without a way to `current` or back, a shortest way up that leads through a downgrade.
        """
        if current not in self.installable:
            return [f"no install script for the current version {current}"]
        found = []
        for version in sorted(set(released) - {current}, key=_order):
            draft = f"draft it: ./inv migration.new --from={version}"
            if self.path(version, current) is None:
                found.append(f"released version {version} has no update path to {current}; {draft}")
            if self.path(current, version) is None:
                found.append(f"there is no way back from {current} to released version {version}; {draft}")
        for start, end in sorted(self.edges):
            if all(self.path(version, start) is None for version in self.installable):
                found.append(f"pggit--{start}--{end}.sql can never run: nothing installs {start}")
            if (end, start) not in self.edges:
                found.append(f"pggit--{start}--{end}.sql has no counterpart pggit--{end}--{start}.sql")
        return found + self._detours()

    def check(self, current: str, released: Iterable[str]) -> None:
        """Raise PggitError with the first of `faults()`."""
        found = self.faults(current, released)
        if found:
            more = f" ({len(found) - 1} more: ./inv migration.graph)" if len(found) > 1 else ""
            raise PggitError(found[0] + more)

    def _detours(self) -> list[str]:
        """Ways up of which one that is shortest goes down at a step: ALTER EXTENSION … UPDATE would take it, and lose
        what the older version cannot hold. Which of several shortest ways the server takes is not relied on.
        """
        versions = sorted({version for edge in self.edges for version in edge}, key=_order)
        distances = {version: self._distances(version) for version in versions}
        found = []
        for place, start in enumerate(versions):
            for end in versions[place + 1 :]:
                whole = distances[start].get(end)
                for here, there in sorted(self.edges):
                    length = distances[start].get(here, len(versions)) + 1 + distances[there].get(end, len(versions))
                    if length == whole and _order(there) < _order(here):
                        found.append(
                            f"from {start} to {end} the shortest way leads down, from {here} to {there}:"
                            " remove the script that skips versions"
                        )
        return found

    def _distances(self, source: str) -> dict[str, int]:
        """How many scripts lead from `source` to each version that it can reach."""
        found = {source: 0}
        queue = deque([source])
        while queue:
            here = queue.popleft()
            for start, end in self.edges:
                if start == here and end not in found:
                    found[end] = found[here] + 1
                    queue.append(end)
        return found


def _order(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        raise PggitError(f"{version} is no version whose place among others is known, such as 1.2.0") from None


def read(names: Iterable[str]) -> UpdateGraph:
    """The graph that these script file names make.

    Raises PggitError for a name that is not an extension script's.
    """
    installable, edges = set(), set()
    for name in names:
        match = _SCRIPT.fullmatch(name)
        if match is None:
            raise PggitError(f"{name} is not named pggit--VERSION.sql or pggit--FROM--TO.sql")
        start, end = match.groups()
        if end is None:
            installable.add(start)
        else:
            edges.add((start, end))
    return UpdateGraph(frozenset(installable), frozenset(edges))
