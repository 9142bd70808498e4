"""The rules for Prometheus, and what is checked of them: each by itself, with the runbook, and by promtool."""

import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.lib import promtools
from tasks.lib.errors import PggitError
from tasks.lib.paths import ROOT

RULES = ROOT / "monitoring" / "prometheus" / "rules"
TESTS = ROOT / "monitoring" / "prometheus" / "tests"
RUNBOOK = "ops/MONITORING.md"
SEVERITIES = ("warning", "critical")
FOREIGN = frozenset({"up", "node_textfile_mtime_seconds"})
"""Metrics of Prometheus and of node_exporter that the rules may use."""
OF_ABSENCE = frozenset({"PggitMetricsAbsent", "PggitMetricsVanished"})
"""The alerts that fire for metrics that are not there; no other does."""
CHECK_LABEL = "{{ $labels.check }}"

_LEVEL = re.compile(r"[a-z_]+:pggit_\w+:[a-z0-9_]+")


@dataclass(frozen=True)
class Alert:
    """One alert as its file has it."""

    name: str
    expr: str
    waits: str
    """Prometheus's `for`: how long the condition must hold; "" is not at all."""
    severity: str
    annotations: Mapping[str, str]
    file: str


@dataclass(frozen=True)
class Recording:
    """One recording rule."""

    name: str
    expr: str


def _groups(folder: Path, key: str) -> Iterator[tuple[str, Any]]:
    import yaml

    files = sorted(folder.glob("*.yml"))
    if not files:
        raise PggitError(f"{folder} holds no *.yml")
    for path in files:
        try:
            entries = yaml.safe_load(path.read_text("utf-8"))[key]
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise PggitError(f"{path.name} has no list of {key}: {' '.join(str(error).split())}") from None
        for entry in entries:
            yield path.name, entry


def _rules(folder: Path) -> Iterator[tuple[str, Any]]:
    for file, group in _groups(folder, "groups"):
        for rule in group["rules"]:
            yield file, rule


def alerts(folder: Path = RULES) -> tuple[Alert, ...]:
    """Every alert in the rules' files. Raises PggitError where there is no file."""
    return tuple(
        Alert(
            rule["alert"],
            rule["expr"],
            rule.get("for", ""),
            rule.get("labels", {}).get("severity", ""),
            rule.get("annotations", {}),
            file,
        )
        for file, rule in _rules(folder)
        if "alert" in rule
    )


def recordings(folder: Path = RULES) -> tuple[Recording, ...]:
    """Every recording rule. Raises PggitError where there is no file."""
    return tuple(Recording(rule["record"], rule["expr"]) for _, rule in _rules(folder) if "record" in rule)


def selectors(expr: str) -> list[tuple[str, dict[str, tuple[str, str]]]]:
    """Each metric that a PromQL expression names, with its matchers: label -> (operator, value).

    Raises PggitError for what is no PromQL.
    """
    import promql_parser

    found: list[tuple[str, dict[str, tuple[str, str]]]] = []

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = {
                matcher.name: (str(matcher.op).rpartition(".")[2], matcher.value) for matcher in node.matchers.matchers
            }
            found.append((node.name or "", matchers))

    try:
        promql_parser.walk(promql_parser.parse(expr), note)
    except ValueError as error:
        raise PggitError(f"not PromQL: {expr}: {error}") from None
    return found


def faults(
    families: Mapping[str, str],
    checks: Collection[str],
    headings: Collection[str],
    rules: Path = RULES,
    tests: Path = TESTS,
) -> list[str]:
    """What is wrong with the rules, one line each.

    `families` are pgGit's metrics with their types, `checks` the names of its health checks, `headings` the anchors
    that the runbook has.
    """
    recorded, alarming = recordings(rules), alerts(rules)
    known = {*FOREIGN, *(recording.name for recording in recorded)}
    for name, kind in families.items():
        known |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    found = []
    used: set[str] = set()
    for name, expr in [*((rule.name, rule.expr) for rule in alarming), *((rule.name, rule.expr) for rule in recorded)]:
        metrics = {metric for metric, _ in selectors(expr)}
        used |= metrics
        found += [f"{name}: there is no metric {metric}" for metric in sorted(metrics - known)]
    for recording in recorded:
        if not _LEVEL.fullmatch(recording.name):
            found.append(f"{recording.name}: a recording rule is named level:metric:operation")
        if recording.name not in used:
            found.append(f"{recording.name}: no rule uses it")
    for alert in alarming:
        found += [f"{alert.name}: {fault}" for fault in _alert_faults(alert, checks, headings)]
    return found + untested(rules, tests)


def _alert_faults(alert: Alert, checks: Collection[str], headings: Collection[str]) -> Iterator[str]:
    if not re.fullmatch(r"Pggit[A-Z]\w+", alert.name):
        yield "the name does not begin with Pggit"
    if alert.severity not in SEVERITIES:
        yield f"severity {alert.severity!r} is none of {', '.join(SEVERITIES)}"
    for key in ("summary", "description", "runbook_url"):
        if not alert.annotations.get(key):
            yield f"it has no {key}"
    if alert.name.lower() not in headings:
        yield f"{RUNBOOK} has no heading for it"
    page, _, anchor = alert.annotations.get("runbook_url", "").partition("#")
    if page != RUNBOOK:
        yield f"its runbook_url does not lead to {RUNBOOK}"
    for wanted in checks if anchor == CHECK_LABEL else (anchor,):
        if wanted not in headings:
            yield f"{RUNBOOK} has no heading #{wanted}"
    for name, matchers in selectors(alert.expr):
        operator, value = matchers.get("check", ("", ""))
        if name == "pggit_health_status" and operator:
            for check in sorted({*re.split(r"\|", value)} - {*checks}):
                yield f"there is no health check {check!r}"


def alerts_of(check: str) -> list[str]:
    """The alerts that ask pggit_health_status for `check`, at whatever level."""
    return [
        alert.name
        for alert in alerts()
        if any(name == "pggit_health_status" and _selects(matchers, check) for name, matchers in selectors(alert.expr))
    ]


def _selects(matchers: Mapping[str, tuple[str, str]], check: str) -> bool:
    operator, value = matchers.get("check", ("", ""))
    if not operator:
        return False
    matches = value == check if operator in ("Equal", "NotEqual") else re.fullmatch(value, check) is not None
    return matches == (operator in ("Equal", "Re"))


def untested(rules: Path = RULES, tests: Path = TESTS) -> list[str]:
    """Alerts that lack one of promtool's tests: silent, then firing, then resolved, and silent when all is absent; and
    recording rules whose result no test asks for.

    An alert's tests are the group that has its name; a group named `Name: …` is an extra.
    """
    groups = {group["name"]: group for _, group in _groups(tests, "tests")}
    names = [alert.name for alert in alerts(rules)]
    found = [f"{name}: {fault}" for name in names for fault in _gaps(name, groups.get(name))]
    asked = {
        metric
        for group in groups.values()
        for test in group.get("promql_expr_test", ())
        for metric, _ in selectors(test["expr"])
    }
    found += [f"{one.name}: no promql_expr_test asks for it" for one in recordings(rules) if one.name not in asked]
    return found + [f"test {name!r}: there is no such alert" for name in groups if name.partition(":")[0] not in names]


def _gaps(alert: str, group: Mapping[str, Any] | None) -> Iterator[str]:
    steps = [step for step in group["alert_rule_test"] if step["alertname"] == alert] if group else []
    fires = [bool(step["exp_alerts"]) for step in steps]
    if group is None or True not in fires:
        yield "no test expects it to fire"
        return
    first = fires.index(True)
    if first == 0:
        yield "no test expects it to be silent before it fires"
    if False not in fires[first:]:
        yield "no test expects it to resolve"
    goes = any(str(series["values"]).endswith("stale") for series in group["input_series"])
    if alert not in OF_ABSENCE and not (goes and not fires[-1] and fires[first:].count(False) > 1):
        yield "no test expects it to be silent when its metrics have gone stale"


def promtool_faults(rules: Sequence[Path] = (), tests: Sequence[Path] = ()) -> list[str]:
    """What `promtool check rules` and `promtool test rules` say against these files (default: all of ours).

    Raises PggitError where there is no promtool.
    """
    program = promtools.find("promtool")
    found = []
    for words, files in (
        (("check", "rules", "--lint-fatal"), rules or sorted(RULES.glob("*.yml"))),
        (("test", "rules"), tests or sorted(TESTS.glob("*.yml"))),
    ):
        result = subprocess.run(
            [program, *words, *files],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode != 0:
            lines = [line.strip() for line in result.stdout.splitlines()]
            told = [line for line in lines if line and not re.match(r"SUCCESS|Unit Testing:|Checking ", line)]
            found += [f"promtool {words[0]} rules: {line}" for line in told or [f"exit code {result.returncode}"]]
    return found
