"""Builds Grafana's model of a dashboard with grafana-foundation-sdk; importing this costs much."""

import string
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from tasks.lib.dashboards import Dashboard, Panel, Query, States

_TAG = "pggit"
_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_BUILDERS: dict[str, Any] = {
    "stat": stat.Panel,
    "timeseries": timeseries.Panel,
    "bars": timeseries.Panel,
    "bargauge": bargauge.Panel,
    "table": table.Panel,
    "states": statetimeline.Panel,
}
_OVER_TIME = {"timeseries", "bars", "states"}
"""Kinds that show how something went; the others show what is now."""


def build(wanted: Dashboard) -> models.Dashboard:
    """The dashboard as Grafana has it: its JSON comes from the SDK's encoder."""
    made = (
        dashboard.Dashboard(wanted.title)
        .uid(f"pggit-{wanted.name}")
        .description(wanted.description)
        .tags([_TAG])
        .readonly()
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables(_variables())
        .link(
            dashboard.DashboardLink("pgGit")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([_TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .link(_link("Runbook", wanted.runbook))
    )
    for number, panel in enumerate(wanted.panels, 1):
        made.with_panel(_panel(panel).id(number))
    return made.build()


def _link(title: str, url: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK).icon("doc").url(url).target_blank(True)


def _variables() -> list[Any]:
    def of_label(label: str, query: str) -> dashboard.QueryVariable:
        return (
            dashboard.QueryVariable(label)
            .label(label.capitalize())
            .datasource(_SOURCE)
            .query(query)
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".+")
            .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
        )

    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        of_label("job", "label_values(pggit_info, job)"),
        of_label("instance", 'label_values(pggit_info{job=~"$job"}, instance)'),
    ]


def _panel(panel: Panel) -> Any:
    made = (
        _BUILDERS[panel.kind]()
        .title(panel.title)
        .description(panel.description)
        .links([_link("Runbook", panel.link)])
        .height(panel.height)
        .span(panel.width)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .thresholds(_thresholds(panel.thresholds))
        .targets(
            [
                _target(panel, query, letter)
                for query, letter in zip(panel.queries, string.ascii_uppercase, strict=False)
            ]
        )
    )
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.states:
        made.mappings(_mappings(panel.states))
    if panel.none:
        made.no_value(panel.none)
    _ADAPT[panel.kind](made, panel)
    return made


def _target(panel: Panel, query: Query, letter: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().datasource(_SOURCE).expr(query.expr).legend_format(query.legend).ref_id(letter)
    if panel.kind == "table":
        made.format(PromQueryFormat.TABLE)
    elif panel.histogram:
        made.format(PromQueryFormat.HEATMAP)
    return made.range() if panel.kind in _OVER_TIME or panel.sparkline else made.instant()


def _thresholds(wanted: dict[str, float] | None) -> dashboard.ThresholdsConfig:
    """Green below the first threshold; where there is none, a colour that means nothing."""
    steps = [models.Threshold(value=None, color="green" if wanted else "blue")]
    steps += [models.Threshold(value=value, color=color) for color, value in (wanted or {}).items()]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _mappings(states: States) -> list[models.ValueMapping]:
    results = {
        value: models.ValueMappingResult(text=state["text"], color=state["color"], index=index)
        for index, (value, state) in enumerate(states.items())
    }
    return [models.ValueMap(options=results)]


def _last_value() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields("")


def _adapt_stat(made: stat.Panel, panel: Panel) -> None:
    mode = shapes.BigValueColorMode.BACKGROUND if panel.states else shapes.BigValueColorMode.VALUE
    made.reduce_options(_last_value()).color_mode(mode).text_mode(shapes.BigValueTextMode(panel.shown))
    made.graph_mode(shapes.BigValueGraphMode.AREA if panel.sparkline else shapes.BigValueGraphMode.NONE)
    made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


def _adapt_timeseries(made: timeseries.Panel, panel: Panel) -> None:
    made.legend(_legend()).line_width(1).min(0)
    made.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI))
    made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
    made.draw_style(shapes.GraphDrawStyle.BARS if panel.kind == "bars" else shapes.GraphDrawStyle.LINE)
    made.fill_opacity(60 if panel.stacked else 10).show_points(shapes.VisibilityMode.NEVER)
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))


def _adapt_bargauge(made: bargauge.Panel, panel: Panel) -> None:
    made.reduce_options(_last_value()).orientation(shapes.VizOrientation.HORIZONTAL).min(0)
    made.display_mode(shapes.BarGaugeDisplayMode.BASIC).show_unfilled(True)
    made.value_mode(shapes.BarGaugeValueMode.TEXT)
    made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


def _adapt_states(made: statetimeline.Panel, panel: Panel) -> None:
    made.merge_values(True).show_value(shapes.VisibilityMode.NEVER).row_height(0.85).fill_opacity(80).line_width(0)
    made.legend(_legend())
    made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


def _adapt_table(made: table.Panel, panel: Panel) -> None:
    """One row for each set of labels; each query's value is the column that its legend names."""
    letters = dict(zip(string.ascii_uppercase, panel.queries, strict=False))
    columns = {f"Value #{letter}": query.legend for letter, query in letters.items()}
    made.show_header(True)
    made.transformations(
        [
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": {name: place for place, name in enumerate(("job", "instance", *columns))},
                    "renameByName": {"job": "Job", "instance": "Instance", **columns},
                },
            ),
        ]
    )
    for query in panel.queries:
        properties = [models.DynamicConfigValue(id_val="unit", value=query.unit or panel.unit)]
        if query.states:
            properties += [
                models.DynamicConfigValue(id_val="mappings", value=_mappings(query.states)),
                models.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
            ]
        made.override_by_name(query.legend, properties)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
        .calcs([])
    )


_ADAPT: dict[str, Any] = {
    "stat": _adapt_stat,
    "timeseries": _adapt_timeseries,
    "bars": _adapt_timeseries,
    "bargauge": _adapt_bargauge,
    "table": _adapt_table,
    "states": _adapt_states,
}
