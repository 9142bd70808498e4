"""Rules for the dashboards' JSON, those of grafana/dashboard-linter among them; a fault is one line.

Each rule is one function in RULES that is given a dashboard and yields its faults. It works on the JSON alone, so that
what is checked is what Grafana gets.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tasks.lib import dashboards_schema, dashboards_units

Document = Mapping[str, Any]
Found = Iterator[str]

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_LABELS = ("job", "instance")
_COUNTED = ("_total", "_bucket", "_count", "_sum")
"""What the names of counters end with; a histogram's three are counters too."""
_DIFFERENCES = ("rate", "irate", "increase")
# Durations that nobody writes by hand, so that they are known again in what was parsed.
_DURATIONS = {"$__rate_interval": "11m13s", "$__interval": "7m11s", "$__range": "5h7m"}
_RATE_INTERVAL = timedelta(minutes=11, seconds=13)
_GRAFANAS = re.compile(r"\$\{?(\w+)\}?")


def _panels(document: Document) -> list[Any]:
    """The panels that show data: rows only hold others."""
    found: list[Any] = []
    for panel in document.get("panels") or []:
        found += panel.get("panels") or [] if panel.get("type") == "row" else [panel]
    return found


def _place(panel: Document) -> str:
    return f"panel {panel.get('id')} ({panel.get('title') or 'no title'})"


def _targets(document: Document) -> Iterator[tuple[str, str]]:
    for panel in _panels(document):
        for target in panel.get("targets") or []:
            yield f"{_place(panel)}, query {target.get('refId')}", target.get("expr") or ""


def _variables(document: Document) -> dict[str, Any]:
    return {variable.get("name"): variable for variable in document.get("templating", {}).get("list") or []}


def parse(expr: str) -> Any:
    """The parsed PromQL of a query with Grafana's variables in it. Raises ValueError when it is none."""
    import promql_parser

    for name, duration in _DURATIONS.items():
        expr = expr.replace(name, duration).replace(f"${{{name[1:]}}}", duration)
    return promql_parser.parse(expr)


def _selectors(expr: str) -> list[tuple[Any, timedelta | None, str]]:
    """Each selector of a query, the range it has, and the function that the range is given to."""
    import promql_parser

    try:
        tree = parse(expr)
    except ValueError:
        return []  # another rule says so
    path: list[Any] = []
    found: list[tuple[Any, timedelta | None, str]] = []

    def enter(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            ranged = path[-1] if path and isinstance(path[-1], promql_parser.MatrixSelector) else None
            call = path[-2] if ranged and len(path) > 1 and isinstance(path[-2], promql_parser.Call) else None
            found.append((node, ranged.range if ranged else None, call.func.name if call else ""))
        path.append(node)

    def leave(node: Any) -> None:
        path.pop()

    promql_parser.walk(tree, enter, leave)
    return found


def used_metrics(document: Document) -> set[str]:
    """The names of all samples that a dashboard's queries select."""
    return {selector.name or "" for _, expr in _targets(document) for selector, _, _ in _selectors(expr)}


def _is_kept(document: Document) -> Found:
    if document.get("editable") is not False:
        yield "can be edited: changes made in Grafana would be lost"
    if not re.fullmatch(r"pggit-[a-z]+", str(document.get("uid"))):
        yield f"its uid is {document.get('uid')!r}; it has to be pggit- and a word, and stay that"
    if "pggit" not in (document.get("tags") or []):
        yield "lacks the tag pggit, by which the dashboards find each other"
    if not any("pggit" in (link.get("tags") or []) for link in document.get("links") or []):
        yield "has no links to the other dashboards"


def _datasource_variable(document: Document) -> Found:
    variable = _variables(document).get("datasource")
    if variable is None:
        yield "has no variable datasource"
    elif (variable.get("type"), variable.get("query")) != ("datasource", "prometheus"):
        yield "variable datasource does not choose among Prometheus data sources"


def _label_variables(document: Document) -> Found:
    for label in _LABELS:
        variable = _variables(document).get(label)
        if variable is None:
            yield f"has no variable {label}"
            continue
        wanted = {"type": "query", "multi": True, "includeAll": True, "allValue": ".+", "refresh": 2}
        for key, value in wanted.items():
            if variable.get(key) != value:
                yield f"variable {label}: {key} is {variable.get(key)!r}, not {value!r}"
        if variable.get("datasource") != _DATASOURCE:
            yield f"variable {label}: does not ask the chosen data source"
        query = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable.get("query")))
        if query is None or query[2] != label:
            yield f"variable {label}: {variable.get('query')!r} gives no values of {label}"
        else:
            yield from (f"variable {label}: {fault}" for fault in _promql_faults(query[1]))


def _panel_datasources(document: Document) -> Found:
    for panel in _panels(document):
        for holder in (panel, *(panel.get("targets") or [])):
            if holder.get("datasource") != _DATASOURCE:
                yield f"{_place(panel)}: does not ask the chosen data source"
                break


def _panel_texts(document: Document) -> Found:
    for panel in _panels(document):
        for key in ("title", "description"):
            if not str(panel.get(key) or "").strip():
                yield f"{_place(panel)}: has no {key}"
        if not panel.get("links"):
            yield f"{_place(panel)}: has no link to the runbook"


def _units(document: Document) -> Found:
    for panel in _panels(document):
        config = panel.get("fieldConfig") or {}
        units = [(config.get("defaults") or {}).get("unit")]
        for override in config.get("overrides") or []:
            units += [entry.get("value") for entry in override.get("properties") or [] if entry.get("id") == "unit"]
        for unit in units:
            if not unit:
                yield f"{_place(panel)}: has no unit"
            elif unit not in dashboards_units.UNITS:
                yield f"{_place(panel)}: unknown unit {unit!r}; valid are {', '.join(dashboards_units.UNITS)}"


def _queries_present(document: Document) -> Found:
    for panel in _panels(document):
        targets = panel.get("targets") or []
        if not targets:
            yield f"{_place(panel)}: has no query"
        names = [target.get("refId") for target in targets]
        if len(set(names)) < len(names) or None in names:
            yield f"{_place(panel)}: its queries are not told apart by refId"


def _promql_faults(expr: str) -> Found:
    try:
        parse(expr)
    except ValueError as error:
        yield f"no PromQL: {error}: {expr}"


def _promql(document: Document) -> Found:
    known = {*_variables(document), *(name[1:] for name in _DURATIONS)}
    for place, expr in _targets(document):
        yield from (f"{place}: {fault}" for fault in _promql_faults(expr))
        for name in _GRAFANAS.findall(expr):
            if name not in known:
                yield f"{place}: there is no variable ${name}"


def _matchers(document: Document) -> Found:
    import promql_parser

    for place, expr in _targets(document):
        for selector, _, _ in _selectors(expr):
            given = [(matcher.name, matcher.op, matcher.value) for matcher in selector.matchers.matchers]
            for label in _LABELS:
                if (label, promql_parser.MatchOp.Re, f"${label}") not in given:
                    yield f'{place}: {selector.name} is not held to {label}=~"${label}"'


def _rates(document: Document) -> Found:
    for place, expr in _targets(document):
        for selector, width, function in _selectors(expr):
            if function in ("rate", "irate") and width != _RATE_INTERVAL:
                yield f"{place}: {function}() of {selector.name} is not over $__rate_interval"


def _counters(document: Document) -> Found:
    for place, expr in _targets(document):
        for selector, _, function in _selectors(expr):
            counts = str(selector.name).endswith(_COUNTED)
            if counts and function not in _DIFFERENCES:
                yield f"{place}: {selector.name} is a counter: only its {', '.join(_DIFFERENCES)} say something"
            elif not counts and function in _DIFFERENCES:
                yield f"{place}: {function}() needs a counter, and {selector.name} is none"


def _unique(document: Document) -> Found:
    for key in ("id", "title"):
        for value, times in Counter(panel.get(key) for panel in _panels(document)).items():
            if times > 1 or value is None:
                yield f"{times} panels have the {key} {value!r}"


def _grid(document: Document) -> Found:
    boxes = []
    for panel in _panels(document):
        place = panel.get("gridPos") or {}
        x, y, w, h = (place.get(key) or 0 for key in "xywh")
        if w < 1 or h < 1 or x < 0 or y < 0 or x + w > _COLUMNS:
            yield f"{_place(panel)}: is not within the {_COLUMNS} columns: x={x} y={y} w={w} h={h}"
        boxes.append((x, y, x + w, y + h, panel))
    for one, other in itertools.combinations(boxes, 2):
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]:
            yield f"{_place(one[4])} lies over {_place(other[4])}"


RULES: tuple[Callable[[Document], Found], ...] = (
    _is_kept,
    _datasource_variable,
    _label_variables,
    _panel_datasources,
    _panel_texts,
    _units,
    _queries_present,
    _promql,
    _matchers,
    _rates,
    _counters,
    _unique,
    _grid,
)


def faults(document: Document) -> list[str]:
    """What is wrong with one dashboard; where it does not fit Grafana's schema, only that."""
    return dashboards_schema.faults(document) or [fault for rule in RULES for fault in rule(document)]


def links(document: Document) -> list[str]:
    """Every address that a dashboard and its panels link to."""
    holders: Sequence[Document] = [document, *_panels(document)]
    return [link["url"] for holder in holders for link in holder.get("links") or [] if link.get("url")]
