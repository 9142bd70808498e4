"""The dashboards' queries, asked of a real Prometheus that scrapes a real PostgreSQL; and the pictures of it."""

import math
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.lib import dashboardpreview, dashboards, dashboards_check, dashboards_drawing, prometheus
from tasks.lib.dashboardpreview import Watched
from tasks.lib.errors import PggitError
from tasks.lib.prometheus import Series


@pytest.fixture(scope="module")
def seen() -> Iterator[Watched]:
    with dashboardpreview.watched(8) as watched:
        yield watched


def _size(picture: Path) -> tuple[int, int]:
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


@pytest.mark.parametrize("name", ["overview", "activity", "performance", "storage", "health"])
def test_every_query_of_every_panel_gives_numbers(seen: Watched, name: str) -> None:
    without = [
        f"{panel['title']}: {target['expr']}"
        for panel in dashboards.read()[name]["panels"]
        for target in panel["targets"]
        if not any(math.isfinite(value) for series in seen.answer(target) for _, value in series.points)
    ]
    assert without == []


def test_prometheus_has_every_metric_that_the_source_names_and_no_other(seen: Watched) -> None:
    expected = set()
    for name, kind in dashboards_check.families().items():
        expected |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    found = seen.prometheus.instant('count by (__name__) ({__name__=~"pggit_.+"})', seen.end)
    assert {series.labels["__name__"] for series in found} == expected


def test_both_databases_are_told_apart(seen: Watched) -> None:
    overview = dashboards.read()["overview"]
    (table,) = [panel for panel in overview["panels"] if panel["type"] == "table"]
    for target in table["targets"][:4]:
        assert {series.labels["instance"] for series in seen.answer(target)} == {"shop", "billing"}


def test_a_dashboard_is_drawn_in_the_size_of_its_grid(seen: Watched, tmp_path: Path) -> None:
    for name, document in dashboards.read().items():
        answers = dashboardpreview.answers(seen, document)
        picture = tmp_path / f"{name}.png"
        dashboards_drawing.draw(document, answers, (seen.start, seen.end), "a test", picture)
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in document["panels"])
        assert _size(picture) == (1600, rows * 38 + 96)


def test_a_dashboard_without_any_data_is_drawn_too(tmp_path: Path) -> None:
    document = dashboards.read()["health"]
    nothing: dict[int, list[Any]] = {panel["id"]: [[] for _ in panel["targets"]] for panel in document["panels"]}
    dashboards_drawing.draw(document, nothing, (0, 60), "a test", tmp_path / "health.png")
    assert _size(tmp_path / "health.png")[0] == 1600


def test_what_prometheus_refuses_is_said(seen: Watched) -> None:
    with pytest.raises(PggitError, match="Prometheus refuses rate"):
        seen.prometheus.instant("rate(up)", seen.end)


def test_what_does_not_come_about_is_said(seen: Watched) -> None:
    with pytest.raises(PggitError, match=r"in 0 s Prometheus did not come to vector\(1\) >= 2"):
        seen.prometheus.wait_for("vector(1)", 2, 0)


def test_nobody_listens_any_more_at_the_end(tmp_path: Path) -> None:
    with prometheus.running({}, tmp_path) as watching:
        assert watching.instant("vector(1)", 0)[0].points == ((0, 1),)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", watching.port)) != 0


def test_a_prometheus_that_does_not_start_says_why(tmp_path: Path) -> None:
    said = r"Prometheus does not start: .*field scrapes not found"
    with pytest.raises(PggitError, match=said), prometheus.running({"scrapes": []}, tmp_path):
        pass


def test_a_legend_names_a_series_by_its_labels() -> None:
    series = Series({"version": "0.2.0", "kind": "create"}, ())
    assert dashboardpreview.name_of(series, "{{version}} / {{ kind }}{{missing}}") == "0.2.0 / create"
    assert dashboardpreview.name_of(series, "all") == "all"


def test_a_histogram_s_buckets_are_shown_by_themselves() -> None:
    buckets = [("+Inf", 9.0), ("0.1", 4.0), ("1", 7.0)]
    assert dashboards_drawing.by_itself(buckets) == [("0.1", 4), ("1", 3), ("+Inf", 2)]


@pytest.mark.parametrize(
    ("unit", "top", "ticks"),
    [
        ("short", 3, [0, 1, 2, 3]),
        ("short", 0.5, [0]),
        ("cpm", 0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ("bytes", 1300000, [0, 262144, 524288, 786432, 1048576]),
        ("s", 20000, [0, 3600, 7200, 10800, 14400, 18000]),
        ("s", 0.9, [0, 0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_scales_have_round_numbers(unit: str, top: float, ticks: list[float]) -> None:
    assert dashboards_drawing.ticks(unit, top) == pytest.approx(ticks)
