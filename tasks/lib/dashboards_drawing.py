"""Draws a dashboard as a picture: its panels on their places in the grid, nearly as Grafana shows them."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.lib import dashboards_units
from tasks.lib.dashboards_page import COLORS, DIM, EDGE, PALETTE, PANEL, TEXT, TRACK, Box, Page
from tasks.lib.prometheus import Series

Answer = Sequence[tuple[str, Series]]
"""What one query gave: each series with its name."""
Answers = Mapping[int, Sequence[Answer]]
"""What each panel's queries gave, by the panel's id."""
Span = tuple[float, float]
Panel = Mapping[str, Any]

_BACKGROUND = "#111217"
_WIDTH = 1600
_COLUMN = _WIDTH / 24
_ROW = 38
_HEADER = 68
_FOOTER = 28
_TITLE = 32
_ROUND_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)


def draw(document: Mapping[str, Any], answers: Answers, span: Span, note: str, picture: Path) -> None:
    """Write a dashboard's picture; `answers` was asked for from span[0] to span[1], `note` goes to the bottom."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in document["panels"])
    height = _HEADER + rows * _ROW + _FOOTER
    page = Page(_WIDTH, height, _BACKGROUND)
    page.text(12, 24, document["title"], 15, bold=True)
    page.text(12, 50, document["description"], 9.5, DIM)
    page.text(_WIDTH - 12, height - _FOOTER / 2, note, 8.5, DIM, "right")
    for panel in document["panels"]:
        place = panel["gridPos"]
        frame = Box(place["x"] * _COLUMN, _HEADER + place["y"] * _ROW, place["w"] * _COLUMN, place["h"] * _ROW)
        frame = frame.inside(4, 4, 4, 4)
        page.box(frame, PANEL, EDGE)
        title = page.fitting(panel["title"], frame.width - 20, 9.5, bold=True)
        page.text(frame.x + 10, frame.y + 17, title, 9.5, bold=True)
        inner = frame.inside(10, _TITLE, 10, 8)
        if any(answers[panel["id"]]):
            _KINDS[panel["type"]](page, inner, panel, answers[panel["id"]], span)
        else:
            page.text(*inner.middle, _defaults(panel).get("noValue", "no data"), 16, DIM, "center")
    page.save(picture)


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = panel["fieldConfig"]["defaults"]
    return defaults


def _look(field: Mapping[str, Any], value: float) -> tuple[str, str]:
    """How a field shows a value: its text, and its colour by state or by threshold."""
    for mapping in field.get("mappings") or []:
        if state := mapping["options"].get(f"{value:g}"):
            return state["text"], COLORS[state["color"]]
    color = "text"
    for step in (field.get("thresholds") or {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return dashboards_units.write(value, field.get("unit", ""), field.get("decimals")), COLORS[color]


def _every(answers: Sequence[Answer]) -> list[tuple[str, Series]]:
    return [entry for answer in answers for entry in answer]


def _stat(page: Page, box: Box, panel: Panel, answers: Sequence[Answer], span: Span) -> None:
    options, field = panel["options"], _defaults(panel)
    series = _every(answers)
    columns = min(len(series), max(1, math.ceil(math.sqrt(len(series) * box.width / box.height / 2.2))))
    cells = box.cells(columns, math.ceil(len(series) / columns), 6)
    for (name, one), cell in zip(series, cells, strict=False):
        text, color = _look(field, one.points[-1][1])
        over = name if (len(series) > 1 and options["textMode"] != "name") or "name" in options["textMode"] else ""
        if options["textMode"] == "name":
            text, over = name, ""
        filled = options["colorMode"] == "background"
        if filled:
            page.box(cell, color)
        if options["graphMode"] == "area" and len(one.points) > 1:
            _sparkline(page, cell.inside(top=cell.height * 0.55), one, color)
            cell = cell.inside(bottom=cell.height * 0.3)
        size = min(24, cell.height * (0.26 if over else 0.36))
        while size > 8 and page.text_width(text, size) > cell.width - 24:
            size -= 1
        ink, middle = ("#0b0c0e" if filled else color), cell.x + cell.width / 2
        if over:
            page.text(middle, cell.y + cell.height * 0.28, page.fitting(over, cell.width - 8, 9), 9,
                      ink if filled else DIM, "center")  # fmt: skip
        page.text(middle, cell.y + cell.height * (0.64 if over else 0.5), text, size, ink, "center")


def _sparkline(page: Page, box: Box, series: Series, color: str) -> None:
    axes = page.axes(box)
    times, values = zip(*series.points, strict=True)
    axes.fill_between(
        times, values, min(values) - (max(values) - min(values) or 1) * 0.2, color=color, alpha=0.18, lw=0
    )
    axes.plot(times, values, color=color, lw=1.2)
    axes.set(xlim=(times[0], times[-1]), xticks=[], yticks=[])


def _timeseries(page: Page, box: Box, panel: Panel, answers: Sequence[Answer], span: Span) -> None:
    field = _defaults(panel)
    custom = field["custom"]
    series = [(name, one) for name, one in _every(answers) if any(not math.isnan(value) for _, value in one.points)]
    used = page.legend(box, [(name, PALETTE[i % len(PALETTE)]) for i, (name, _) in enumerate(series)])
    axes = page.axes(box.inside(left=62, bottom=used + 26, right=20))
    times = sorted({time for _, one in series for time, _ in one.points})
    stacked = (custom.get("stacking") or {}).get("mode") == "normal"
    floor, most = [0.0] * len(times), 0.0
    for number, (_, one) in enumerate(series):
        color = PALETTE[number % len(PALETTE)]
        known = dict(one.points)
        values = [known.get(time, math.nan) for time in times]
        if stacked:
            top = [low + (0 if math.isnan(value) else value) for low, value in zip(floor, values, strict=True)]
        else:
            top = values
        if custom["drawStyle"] == "bars":
            heights = [high - low for high, low in zip(top, floor, strict=True)]
            axes.bar(times, heights, 0.72 * _step(times), floor, color=color, alpha=0.85, lw=0)
        else:
            axes.fill_between(times, floor, top, color=color, alpha=custom["fillOpacity"] / 100, lw=0)
            axes.plot(times, top, color=color, lw=1.3)
            alone = [i for i, value in enumerate(top) if not math.isnan(value) and _is_alone(top, i)]
            axes.plot([times[i] for i in alone], [top[i] for i in alone], ".", color=color, ms=4)
        most = max([most, *(value for value in top if not math.isnan(value))])
        floor = top if stacked else floor
    _scales(axes, field, most, span)


def _step(times: Sequence[float]) -> float:
    return min((after - before for before, after in itertools.pairwise(times)), default=1)


def _is_alone(values: Sequence[float], place: int) -> bool:
    """Whether a value has no neighbour that a line could go to."""
    around = [values[i] for i in (place - 1, place + 1) if 0 <= i < len(values)]
    return all(math.isnan(value) for value in around)


def _scales(axes: Any, field: Mapping[str, Any], most: float, span: Span) -> None:
    unit, top = field["unit"], most * 1.08 or 1
    axes.grid(True, color=EDGE, lw=0.8)
    axes.set_axisbelow(True)
    _time_scale(axes, span)
    axes.set_ylim(field.get("min", 0), top)
    axes.set_yticks(ticks(unit, top))
    axes.yaxis.set_major_formatter(lambda value, _: dashboards_units.write(value, unit))


def ticks(unit: str, top: float) -> list[float]:
    """Up to six round values from 0 on; what is round depends on the unit."""
    if unit == "bytes":
        step = 2.0 ** math.ceil(math.log2(top / 5))
    elif unit == "s" and top > _ROUND_SECONDS[0]:
        step = next((size for size in _ROUND_SECONDS if top / size <= 6), top / 5)
    else:
        power = 10 ** math.floor(math.log10(top / 5))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= top / 5)
        step = max(step, 1) if unit == "short" else step
    return [step * number for number in range(int(top / step) + 1)]


def _time_scale(axes: Any, span: Span) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(*span)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: datetime.fromtimestamp(value, UTC).strftime("%H:%M:%S"))


def _states(page: Page, box: Box, panel: Panel, answers: Sequence[Answer], span: Span) -> None:
    field = _defaults(panel)
    series = _every(answers)
    states = {state["text"]: COLORS[state["color"]] for m in field["mappings"] for state in m["options"].values()}
    used = page.legend(box, list(states.items()))
    label = min(150, max(page.text_width(name, 8.5) for name, _ in series) + 10)
    area = box.inside(left=label, bottom=used + 26, right=20)
    axes = page.axes(area)
    step = _step([time for time, _ in series[0][1].points])
    rows = area.cells(1, len(series), 0)
    for number, (name, one) in enumerate(series):
        page.text(
            area.x - 8, rows[number].y + rows[number].height / 2, page.fitting(name, label, 8.5), 8.5, TEXT, "right"
        )
        runs: list[tuple[float, float, float]] = []
        for time, value in one.points:
            if runs and runs[-1][2] == value:
                runs[-1] = (runs[-1][0], time + step, value)
            else:
                runs.append((time, time + step, value))
        for begin, end, value in runs:
            color = _look(field, value)[1]
            axes.barh(number, end - begin, 0.82, begin, color=color, alpha=0.9, edgecolor=PANEL, lw=0.8)
    axes.set(ylim=(len(series) - 0.5, -0.5), yticks=[])
    _time_scale(axes, span)


def _bargauge(page: Page, box: Box, panel: Panel, answers: Sequence[Answer], span: Span) -> None:
    field = _defaults(panel)
    values = [(name, one.points[-1][1]) for name, one in _every(answers)]
    if panel["targets"][0].get("format") == "heatmap":
        values = by_itself(values)
    most = max((value for _, value in values), default=0) or 1
    names = min(box.width * 0.4, max((page.text_width(name, 8.5) for name, _ in values), default=0) + 10)
    texts = max((page.text_width(_look(field, value)[0], 8.5) for _, value in values), default=0) + 10
    for (name, value), row in zip(values, box.cells(1, max(1, len(values)), 0), strict=True):
        text, color = _look(field, value)
        middle, thick = row.y + row.height / 2, min(22.0, row.height * 0.7)
        track = Box(row.x + names, middle - thick / 2, row.width - names - texts, thick)
        page.text(track.x - 8, middle, page.fitting(name, names, 8.5), 8.5, TEXT, "right")
        page.box(track, TRACK, radius=2)
        if value > 0:
            page.box(Box(track.x, track.y, max(2, track.width * value / most), thick), color, radius=2)
        page.text(row.right, middle, text, 8.5, color, "right")


def by_itself(buckets: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The buckets of a histogram without what is in the smaller ones, as Grafana shows format heatmap."""
    ordered = sorted(buckets, key=lambda bucket: float(bucket[0]))
    below = [0.0, *(value for _, value in ordered)]
    return [(name, max(0, value - less)) for (name, value), less in zip(ordered, below, strict=False)]


def _table(page: Page, box: Box, panel: Panel, answers: Sequence[Answer], span: Span) -> None:
    fields = {
        override["matcher"]["options"]: {entry["id"]: entry["value"] for entry in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }
    columns = [target["legendFormat"] for target in panel["targets"]]
    lines: dict[tuple[str, str], dict[str, float]] = {}
    for column, answer in zip(columns, answers, strict=True):
        for _, one in answer:
            key = (one.labels.get("job", ""), one.labels.get("instance", ""))
            lines.setdefault(key, {})[column] = one.points[-1][1]
    heads = ["Job", "Instance", *columns]
    cells = Box(box.x, box.y, box.width, 32 * (len(lines) + 1)).cells(len(heads), len(lines) + 1, 0)
    for head, cell in zip(heads, cells, strict=False):
        page.text(cell.x + 4, cell.y + 16, page.fitting(head, cell.width - 8, 9), 9, DIM)
    for number, (key, values) in enumerate(sorted(lines.items()), 1):
        row = cells[number * len(heads) : (number + 1) * len(heads)]
        page.box(Box(box.x, row[0].y, box.width, 1), EDGE, radius=0)
        shown = [(text, TEXT) for text in key]
        for column in columns:
            value = values.get(column)
            text, color = ("", TEXT) if value is None else _look(fields[column], value)
            shown.append((text, color if fields[column].get("mappings") else TEXT))
        for (text, color), cell in zip(shown, row, strict=True):
            page.text(cell.x + 4, cell.y + 16, text, 9.5, color)


_KINDS: dict[str, Callable[[Page, Box, Panel, Sequence[Answer], Span], None]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "state-timeline": _states,
    "bargauge": _bargauge,
    "table": _table,
}
"""What draws each type of panel in its place."""
