"""The update graph to look at: as text, as a drawing in mermaid, as JSON. Needs no server."""

import json
from dataclasses import dataclass

from packaging.version import Version

from tasks.lib import migrationmarks, sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.updategraph import UpdateGraph

FORMATS = ("text", "mermaid", "json")


@dataclass(frozen=True)
class Picture:
    """The graph with what is known of each version and script, and what is wrong with it."""

    graph: UpdateGraph
    current: str
    released: frozenset[str]
    marks: dict[tuple[str, str], int]
    """How many marks each update script has left, by what it leads from and to."""
    faults: tuple[str, ...]

    @property
    def versions(self) -> list[str]:
        """Every version that an install script or an update script names, oldest first."""
        return sorted({*self.graph.installable, *(one for edge in self.graph.edges for one in edge)}, key=Version)

    def status(self, version: str) -> str:
        """released, in the making, or neither: passed through."""
        if version in self.released:
            return "released"
        return "in the making" if version == self.current else "between"


def read() -> Picture:
    """The graph of this checkout, whatever is wrong with it."""
    files = sqlscript.unchecked_contents()
    graph = sqlscript.graph(files)
    current, released = sqlscript.version(), sqlscript.released_versions()
    marks = {
        (start, end): len(migrationmarks.left(files[f"pggit--{start}--{end}.sql"].decode()))
        for start, end in graph.edges
    }
    return Picture(graph, current, released, marks, tuple(graph.faults(current, released)))


def show(picture: Picture, form: str) -> str:
    """The picture in one of FORMATS. Raises UsageError for another."""
    if form not in FORMATS:
        raise UsageError(f"--format={form}: unknown; valid are {', '.join(FORMATS)}")
    return {"text": _text, "mermaid": _mermaid, "json": _json}[form](picture)


def _ways(picture: Picture) -> dict[tuple[str, str], tuple[str, ...] | None]:
    """From each version that can be installed to each other: the versions passed, both ends included."""
    ends = [version for version in picture.versions if version in picture.graph.installable]
    return {(start, end): picture.graph.path(start, end) for start in ends for end in ends if start != end}


def _text(picture: Picture) -> str:
    lines = [f"{version}  {picture.status(version)}" for version in picture.versions]
    lines.append("")
    for (start, end), way in _ways(picture).items():
        lines.append(f"{start} -> {end}  {'no way' if way is None else ' -> '.join(way)}")
    for (start, end), count in sorted(picture.marks.items()):
        if count:
            lines.append(f"pggit--{start}--{end}.sql has {count} TODO(migration) left")
    return "\n".join([*lines, *(f"fault: {fault}" for fault in picture.faults)])


def _mermaid(picture: Picture) -> str:
    names = {version: f"v{place}" for place, version in enumerate(picture.versions)}
    lines = ["graph LR"]
    lines += [f'    {names[version]}["{version}<br/>{picture.status(version)}"]' for version in picture.versions]
    for start, end in sorted(picture.graph.edges):
        up = Version(start) < Version(end)
        lines.append(f"    {names[start]} {'-->' if up else '-.->'}|{'up' if up else 'down'}| {names[end]}")
    return "\n".join([*lines, *(f"    %% fault: {fault}" for fault in picture.faults)])


def _json(picture: Picture) -> str:
    return json.dumps(
        {
            "current": picture.current,
            "versions": [
                {"version": one, "status": picture.status(one), "installable": one in picture.graph.installable}
                for one in picture.versions
            ],
            "scripts": [
                {
                    "from": start,
                    "to": end,
                    "direction": "up" if Version(start) < Version(end) else "down",
                    "todo": picture.marks[start, end],
                }
                for start, end in sorted(picture.graph.edges)
            ],
            "paths": [
                {"from": start, "to": end, "path": list(way) if way else None}
                for (start, end), way in _ways(picture).items()
            ],
            "faults": list(picture.faults),
        },
        indent=2,
    )
