"""The update graph: which extension script leads from which version to which, known without a server."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

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

    def check(self, current: str, released: Iterable[str]) -> None:
        """Raise PggitError where a script can never be used or a released version cannot reach `current`."""
        if current not in self.installable:
            raise PggitError(f"no install script for the current version {current}")
        for version in sorted(set(released) - {current}):
            if self.path(version, current) is None:
                raise PggitError(f"released version {version} has no update path to {current}")
        for start, end in sorted(self.edges):
            if all(self.path(version, start) is None for version in self.installable):
                raise PggitError(f"pggit--{start}--{end}.sql can never run: nothing installs {start}")


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
