"""The dashboards as they are committed, and the rules that hold them: each rule is seen to find what it is for."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.lib import dashboardlint, dashboards, dashboards_check, dashboards_schema, dashboards_units, monitoringcheck
from tasks.lib.errors import UsageError

Document = dict[str, Any]
Harm = Callable[[Document], object]

_STAT, _CHANGES, _TABLE = 0, 9, 12
"""Panels of the overview: a number, a time series, the table."""


@pytest.fixture
def overview() -> Document:
    return copy.deepcopy(dashboards.read()["overview"])


def _query(panel: int, expr: str) -> Harm:
    return lambda document: document["panels"][panel]["targets"][0].update(expr=expr)


def _variable(place: int, **changes: object) -> Harm:
    return lambda document: document["templating"]["list"][place].update(changes)


def test_the_dashboards_are_those_that_operators_need() -> None:
    assert set(dashboards.read()) == {"overview", "activity", "performance", "storage", "health"}


def test_what_differs_from_the_source_is_named_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "FOLDER", tmp_path)
    assert len(dashboards.write()) == 5
    assert dashboards.write() == []
    (tmp_path / "health.json").write_text("{}")
    (tmp_path / "storage.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert [line.split(": ")[0].split("/")[-1] for line in dashboards.stale()] == [
        "storage.json is missing for dashboards.yaml",
        "health.json differs from dashboards.yaml",
        "old.json is not in dashboards.yaml",
    ]
    assert [Path(name).name for name in dashboards.write()] == ["storage.json", "health.json", "old.json"]
    assert dashboards.stale() == []


def test_states_that_nobody_defined_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "dashboards.yaml"
    source.write_text(dashboards.SOURCE.read_text("utf-8").replace("states: backup", "states: backups", 1), "utf-8")
    with pytest.raises(UsageError, match=r"health: Last backup: there are no states 'backups'; valid are health, "):
        dashboards.load(source)


def test_a_key_that_panels_do_not_have_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "dashboards.yaml"
    source.write_text(dashboards.SOURCE.read_text("utf-8").replace("unit: cpm", "units: cpm", 1), "utf-8")
    with pytest.raises(UsageError, match=r"dashboards.overview.rows.1.panels.1: unknown key 'units'"):
        dashboards.load(source)


def test_no_dashboard_at_all_and_no_json_are_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match="no dashboard in"):
        dashboards.read()
    (tmp_path / "one.json").write_text("{")
    with pytest.raises(UsageError, match=r"one\.json: no JSON"):
        dashboards.read()


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda d: d.update(title=3), "dashboard.title: 3 is no str"),
        (lambda d: d.update(titel="x"), "dashboard.titel: no such key"),
        (lambda d: d.pop("editable"), "dashboard.editable: is missing"),
        (lambda d: d.update(graphTooltip=7), "dashboard.graph_tooltip: 7 is no DashboardCursorSync"),
        (lambda d: d.update(panels={}), "dashboard.panels: {} would become []"),
        (lambda d: d["panels"][0].pop("type"), "dashboard: cannot be read: KeyError: 'type'"),
        (lambda d: d["panels"][0].update(type="stats"), "dashboard.panels[0].type: 'stats' is no panel"),
        (lambda d: d["panels"][0]["gridPos"].update(x="1"), "dashboard.panels[0].grid_pos.x: '1' is no int"),
        (lambda d: d["panels"][0]["gridPos"].update(h=True), "dashboard.panels[0].grid_pos.h: True is no int"),
        (
            lambda d: d["panels"][0]["options"].update(graphMode="no"),
            "dashboard.panels[0].options.graph_mode: 'no' is no BigValueGraphMode",
        ),
        (
            lambda d: d["panels"][0]["options"].update(graphModes="none"),
            "dashboard.panels[0].options.graphModes: no such key",
        ),
        (lambda d: d["panels"][0]["links"][0].update(url=3), "dashboard.panels[0].links[0].url: 3 is no str"),
        (lambda d: d["panels"][0]["targets"][0].update(expr=3), "dashboard.panels[0].targets[0].expr: 3 is no str"),
        (_variable(1, multi="yes"), "dashboard.templating.list[1].multi: 'yes' is no bool"),
    ],
)
def test_what_grafana_does_not_know_is_found(overview: Document, harm: Harm, fault: str) -> None:
    harm(overview)
    assert fault in dashboards_schema.faults(overview)
    assert dashboardlint.faults(overview) == dashboards_schema.faults(overview)


def test_something_else_than_an_object_is_no_dashboard() -> None:
    assert dashboards_schema.faults([]) == ["dashboard: is no object"]


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda d: d.update(editable=True), "can be edited"),
        (lambda d: d.update(uid="mine"), "its uid is 'mine'"),
        (lambda d: d.update(tags=["postgres"]), "lacks the tag pggit"),
        (lambda d: d.update(links=[]), "has no links to the other dashboards"),
        (lambda d: d["templating"]["list"].pop(0), "has no variable datasource"),
        (_variable(0, query="loki"), "variable datasource does not choose among Prometheus data sources"),
        (lambda d: d["templating"]["list"].pop(1), "has no variable job"),
        (lambda d: d["templating"]["list"].pop(2), "has no variable instance"),
        (_variable(1, multi=False), "variable job: multi is False, not True"),
        (_variable(2, includeAll=False), "variable instance: includeAll is False"),
        (_variable(2, allValue=".*"), "variable instance: allValue is '.*'"),
        (_variable(2, refresh=1), "variable instance: refresh is 1, not 2"),
        (_variable(1, query="label_values(pggit_info, instance)"), "gives no values of job"),
        (_variable(1, query="label_values(pggit_info{, job)"), "variable job: no PromQL"),
        (_variable(1, datasource={"type": "prometheus", "uid": "P1"}), "variable job: does not ask the chosen"),
        (
            lambda d: d["panels"][0].update(datasource={"type": "prometheus", "uid": "P1"}),
            "panel 1 (Health): does not ask the chosen data source",
        ),
        (
            lambda d: d["panels"][0]["targets"][0].pop("datasource"),
            "panel 1 (Health): does not ask the chosen data source",
        ),
        (lambda d: d["panels"][0].update(title=" "), "panel 1 ( ): has no title"),
        (lambda d: d["panels"][0].pop("description"), "panel 1 (Health): has no description"),
        (lambda d: d["panels"][0].update(links=[]), "panel 1 (Health): has no link to the runbook"),
        (lambda d: d["panels"][0]["fieldConfig"]["defaults"].pop("unit"), "panel 1 (Health): has no unit"),
        (
            lambda d: d["panels"][0]["fieldConfig"]["defaults"].update(unit="parsec"),
            "panel 1 (Health): unknown unit 'parsec'",
        ),
        (
            lambda d: d["panels"][_TABLE]["fieldConfig"]["overrides"][0]["properties"][0].update(value="parsec"),
            "panel 13 (Databases): unknown unit 'parsec'",
        ),
        (lambda d: d["panels"][0].update(targets=[]), "panel 1 (Health): has no query"),
        (
            lambda d: d["panels"][_TABLE]["targets"][1].update(refId="A"),
            "panel 13 (Databases): its queries are not told apart",
        ),
        (_query(_STAT, "max(pggit_objects"), "panel 1 (Health), query A: no PromQL"),
        (_query(_STAT, "rate(pggit_objects)"), "no PromQL: expected type matrix"),
        (_query(_STAT, 'max(up{job=~"$job", instance=~"$instance", x="$y"})'), "there is no variable $y"),
        (_query(_STAT, 'max(up{instance=~"$instance"})'), 'up is not held to job=~"$job"'),
        (_query(_STAT, 'max(up{job=~"$job", instance="$instance"})'), 'up is not held to instance=~"$instance"'),
        (
            _query(_CHANGES, 'sum(up{job=~"$job", instance=~"$instance"}) / sum(pggit_objects)'),
            'pggit_objects is not held to job=~"$job"',
        ),
        (
            _query(_CHANGES, 'sum(rate(pggit_changes_total{job=~"$job", instance=~"$instance"}[5m]))'),
            "rate() of pggit_changes_total is not over $__rate_interval",
        ),
        (
            _query(_CHANGES, 'sum(pggit_changes_total{job=~"$job", instance=~"$instance"})'),
            "pggit_changes_total is a counter",
        ),
        (
            _query(_CHANGES, 'sum(delta(pggit_changes_total{job=~"$job", instance=~"$instance"}[$__range]))'),
            "pggit_changes_total is a counter",
        ),
        (
            _query(_CHANGES, 'rate(pggit_objects{job=~"$job", instance=~"$instance"}[$__rate_interval])'),
            "rate() needs a counter, and pggit_objects is none",
        ),
        (lambda d: d["panels"][1].update(id=1), "2 panels have the id 1"),
        (lambda d: d["panels"][1].update(title="Health"), "2 panels have the title 'Health'"),
        (lambda d: d["panels"][1]["gridPos"].update(x=2), "panel 1 (Health) lies over panel 2 (Tracking)"),
        (lambda d: d["panels"][7]["gridPos"].update(w=4), "panel 8 (Version): is not within the 24 columns"),
    ],
)
def test_each_rule_finds_what_it_is_for(overview: Document, harm: Harm, fault: str) -> None:
    assert dashboardlint.faults(overview) == []
    harm(overview)
    found = dashboardlint.faults(overview)
    assert any(fault in line for line in found), found
    assert not any("\n" in line for line in found)


def test_panels_in_a_row_are_checked_too(overview: Document) -> None:
    panels = overview["panels"]
    row: Document = {"type": "row", "collapsed": True, "title": "More", "id": 99, "panels": [panels.pop(0)]}
    row["panels"][0]["description"] = ""
    assert "panel 1 (Health): has no description" in [
        fault for rule in dashboardlint.RULES for fault in rule({**overview, "panels": [row, *panels]})
    ]


def test_metrics_that_do_not_exist_and_metrics_that_nobody_shows_are_found(overview: Document) -> None:
    known = {**dashboards_check.families(), "pggit_new": "gauge"}
    del known["pggit_info"]
    documents = dashboards.read()
    assert dashboards_check.metric_faults(documents, known) == [
        "health: there is no metric pggit_info",
        "overview: there is no metric pggit_info",
        "no dashboard shows pggit_new",
    ]


def test_a_histogram_is_shown_by_one_of_its_samples(overview: Document) -> None:
    _query(_STAT, "pggit_x_bucket")(overview)
    overview["panels"] = overview["panels"][:1]
    assert dashboards_check.metric_faults({"one": overview}, {"pggit_x": "histogram"}) == []
    assert dashboards_check.metric_faults({"one": overview}, {"pggit_x": "gauge"}) == [
        "one: there is no metric pggit_x_bucket",
        "no dashboard shows pggit_x",
    ]


def test_links_that_lead_nowhere_are_found(overview: Document) -> None:
    anchors = dashboards_check.families()
    documents = {"overview": overview}
    assert dashboards_check.link_faults(documents, "ops/MONITORING.md", anchors) == []
    overview["panels"][0]["links"][0]["url"] = "ops/MONITORING.md#elsewhere"
    overview["links"][1]["url"] = "docs/elsewhere.md"
    assert dashboards_check.link_faults(documents, "ops/MONITORING.md", anchors) == [
        "overview: links to docs/elsewhere.md, which is not there",
        "overview: links to ops/MONITORING.md#elsewhere, which is not there",
    ]


def test_every_check_passes() -> None:
    assert {check.name: list(check.find()) for check in monitoringcheck.CHECKS} == {
        name: [] for name in ("rendered", "dashboards", "metrics", "links", "rules")
    }


def test_the_json_is_the_same_each_time() -> None:
    assert dashboards.render() == dashboards.render()
    for text in dashboards.render().values():
        assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0, "s", None, "0 s"),
        (0.000734, "s", None, "734 µs"),
        (0.0131, "s", None, "13.1 ms"),
        (90, "s", None, "1.5 mins"),
        (90000, "s", None, "1.04 days"),
        (0, "bytes", None, "0 B"),
        (1536, "bytes", None, "1.5 KiB"),
        (-1536, "bytes", None, "-1.5 KiB"),
        (1234567, "short", None, "1.23 Mil"),
        (99.7, "short", 0, "100"),
        (0.054, "percentunit", None, "5.4%"),
        (600, "cpm", None, "600 c/m"),
        (float("nan"), "s", None, "NaN"),
        (float("inf"), "s", None, "∞"),
    ],
)
def test_values_are_written_as_grafana_does(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert dashboards_units.write(value, unit, decimals) == text
