"""The Grafana dashboards: monitoring/dashboards.yaml says what they show, monitoring/dashboards/ has their JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.lib import checkedyaml
from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT

SOURCE = ROOT / "monitoring" / "dashboards.yaml"
_SCHEMA = SOURCE.with_name("dashboards.schema.json")
FOLDER = ROOT / "monitoring" / "dashboards"
WHERE = 'job=~"$job", instance=~"$instance"'
"""The matchers that $where stands for."""

States = dict[str, dict[str, str]]
"""A value as text, and what it is called and coloured: {"0": {"text": …, "color": …}}."""


@dataclass(frozen=True)
class Query:
    """One PromQL query; legend names its series, or in a table its column, which may have a unit of its own."""

    expr: str
    legend: str
    unit: str = ""
    states: States | None = None


@dataclass(frozen=True)
class Panel:
    """One panel, with everything resolved."""

    title: str
    kind: str
    width: int
    height: int
    unit: str
    description: str
    link: str
    queries: tuple[Query, ...]
    decimals: int | None = None
    states: States | None = None
    thresholds: dict[str, float] | None = None
    shown: str = "value"
    sparkline: bool = False
    stacked: bool = False
    histogram: bool = False
    none: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: its panels stand in rows from left to right, each row 24 wide."""

    name: str
    title: str
    description: str
    runbook: str
    panels: tuple[Panel, ...]


def load(source: Path = SOURCE) -> list[Dashboard]:
    """What the dashboards show. Raises UsageError for a file that is not as it has to be."""
    content = checkedyaml.load(source, _SCHEMA)
    return [
        Dashboard(
            name,
            entry["title"],
            entry["description"],
            content["runbook"],
            tuple(
                _panel(panel, row["height"], content, f"{source.name}: {name}: {panel['title']}")
                for row in entry["rows"]
                for panel in row["panels"]
            ),
        )
        for name, entry in content["dashboards"].items()
    ]


def _panel(entry: dict[str, Any], height: int, content: dict[str, Any], place: str) -> Panel:
    def states(holder: dict[str, Any]) -> States | None:
        name = holder.get("states")
        if name is not None and name not in content["states"]:
            raise UsageError(f"{place}: there are no states '{name}'; valid are {', '.join(content['states'])}")
        return content["states"][name] if name else None

    queries = tuple(
        Query(query["query"].replace("$where", WHERE), query["legend"], query.get("unit", ""), states(query))
        for query in entry["queries"]
    )
    link = f"{content['runbook']}#{entry['runbook']}"
    rest = {key: value for key, value in entry.items() if key not in {"queries", "runbook", "states"}}
    return Panel(**rest, height=height, link=link, states=states(entry), queries=queries)


def render() -> dict[Path, str]:
    """Each dashboard's file and the JSON that belongs in it."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    from tasks.lib import dashboards_build

    return {
        FOLDER / f"{dashboard.name}.json": json.dumps(
            dashboards_build.build(dashboard), cls=JSONEncoder, indent=2, ensure_ascii=False
        )
        + "\n"
        for dashboard in load()
    }


def stale() -> list[str]:
    """What `write` would do: one line for each file that is not what `render` gives, or too many."""
    rendered = render()
    found = [
        f"{_name(path)} {'differs from' if path.is_file() else 'is missing for'} {SOURCE.name}: ./inv monitoring.render"
        for path, text in rendered.items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    return found + [
        f"{_name(path)} is not in {SOURCE.name}: ./inv monitoring.render removes it"
        for path in sorted(FOLDER.glob("*.json"))
        if path not in rendered
    ]


def write() -> list[str]:
    """Make the folder as `render` has it; returns the names of the files that changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rendered = render()
    changed = []
    for path, text in rendered.items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(_name(path))
    for path in sorted(FOLDER.glob("*.json")):
        if path not in rendered:
            path.unlink()
            changed.append(_name(path))
    return changed


def read() -> dict[str, Any]:
    """The dashboards on disk: name → JSON. Raises UsageError when there is none, or one is no JSON."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise UsageError(f"{_name(path)}: no JSON: {error}") from None
    if not found:
        raise UsageError(f"no dashboard in {_name(FOLDER)}: ./inv monitoring.render makes them")
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
