"""ops/MONITORING.md, made from monitoring/runbook.yaml, the alert rules, and what the extension says of itself."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tasks.lib import alertcheck, checkedyaml
from tasks.lib.errors import PggitError
from tasks.lib.paths import ROOT

if TYPE_CHECKING:
    import psycopg

PAGE = ROOT / "ops" / "MONITORING.md"
SOURCE = ROOT / "monitoring" / "runbook.yaml"
SCHEMA = ROOT / "monitoring" / "runbook.schema.json"

_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INTRO = """\
# Monitoring

What the health checks, metrics and alerts of pgGit mean, and what to do. How they get to Prometheus is in
[monitoring/README.md](../monitoring/README.md). This page is made by `./inv monitoring.runbook` from
`monitoring/runbook.yaml`, the rules in `monitoring/prometheus/rules/` and the extension itself.
"""


def render(connection: "psycopg.Connection[tuple[Any, ...]]") -> str:
    """The page, for the version of pgGit in this database.

    Raises PggitError where a check, metric or alert is not in runbook.yaml, or is there and nowhere else.
    """
    texts = checkedyaml.load(SOURCE, SCHEMA)
    meanings = dict(connection.execute("SELECT check_name, meaning FROM pggit.health_checks()").fetchall())
    families = connection.execute("SELECT family, kind, help FROM pggit.metric_families() ORDER BY family").fetchall()
    settings = connection.execute("SELECT * FROM pggit.monitoring_settings()").fetchall()
    alerts = alertcheck.alerts()
    _same("check", {name for group in texts["groups"] for name in group["checks"]}, meanings)
    _same("metric", texts["metrics"], {family for family, _, _ in families})
    _same("alert", texts["alerts"], {alert.name for alert in alerts})
    parts = [_INTRO, "## How to look\n", texts["look"]]
    for group in texts["groups"]:
        parts.append(f"## {group['title']}\n")
        parts += [_check(name, entry, meanings[name]) for name, entry in group["checks"].items()]
    parts += ["## Checks: on demand\n", "`pggit.health_check(verify => true)` alone makes these.\n"]
    parts += [_check(name, entry, "") for name, entry in texts["extra_checks"].items()]
    parts += ["## Backups\n", texts["backups"], "## Alerts\n", _alert_table(alerts)]
    parts += [_alert(alert, texts["alerts"][alert.name]) for alert in alerts]
    parts += ["## Metrics\n", "| metric | type | |\n|---|---|---|"]
    parts += [f"| [{family}](#{family}) | {kind} | {text} |" for family, kind, text in families]
    parts.append("")
    parts += [_metric(family, kind, text, texts["metrics"][family]) for family, kind, text in families]
    parts += ["## Settings\n", "An admin of pgGit sets these, for one database; NULL puts one back:\n"]
    parts += ["```sql\nSELECT pggit.configure_monitoring('backup_after_hours', NULL);\n```\n"]
    parts += ["| setting | unless set | at most | |\n|---|---|---|---|"]
    parts += [f"| {name} | {value} | {largest} | {meaning} |" for name, value, largest, meaning in settings]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)) + "\n"


def checks() -> frozenset[str]:
    """The names of the health checks that are always made, without a server: `render` holds them to one."""
    return frozenset(name for group in checkedyaml.load(SOURCE, SCHEMA)["groups"] for name in group["checks"])


def _same(what: str, written: Collection[str], there: Collection[str]) -> None:
    for name in sorted({*there} - {*written}):
        raise PggitError(f"monitoring/runbook.yaml says nothing of the {what} {name}")
    for name in sorted({*written} - {*there}):
        raise PggitError(f"monitoring/runbook.yaml: there is no {what} {name}")


def _check(name: str, entry: Mapping[str, Any], meaning: str) -> str:
    alerts = dict.fromkeys([*entry.get("alerts", []), *alertcheck.alerts_of(name)]) if meaning else {}
    links = ", ".join(f"[{alert}](#{alert.lower()})" for alert in alerts)
    lines = [f"### {name}\n"]
    lines += [f"Healthy when {meaning}.\n"] if meaning else []
    lines += [entry["means"].strip(), "", entry["do"]]
    lines += [f"Alerts: {links}.\n"] if links else []
    return "\n".join(lines)


def _metric(family: str, kind: str, text: str, entry: Mapping[str, Any]) -> str:
    return "\n".join([f"### {family}\n", f"{kind.capitalize()}. {text}\n", entry["means"], "", entry["do"], ""])


def _alert_table(alerts: Collection[alertcheck.Alert]) -> str:
    rows = [
        f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {alert.annotations['summary']} |"
        for alert in alerts
    ]
    return "\n".join(["| alert | severity | |", "|---|---|---|", *rows, ""])


def _alert(alert: alertcheck.Alert, entry: Mapping[str, Any]) -> str:
    waits = f"once it has held for {alert.waits}" if alert.waits else "at once"
    head = f"{alert.annotations['summary']}. {alert.severity.capitalize()}, {waits}:\n"
    rule = f"```promql\n{alert.expr.strip()}\n```\n"
    return "\n".join([f"### {alert.name}\n", head, rule, entry["means"], "", entry["do"], ""])


def anchors(page: str) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", page))
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings)


def statements(page: str) -> Iterator[str]:
    """The SQL statements of a page, in its order; each ends a line with its semicolon."""
    for _, kind, block in _FENCE.findall(page):
        if kind == "sql":
            yield from (part.strip() for part in re.split(r"(?<=;)\n", block) if part.strip())


def broken_links(page: str) -> list[str]:
    """Links within the page to headings that it does not have."""
    known = anchors(page)
    return sorted({anchor for anchor in re.findall(r"\]\(#([^)]+)\)", page) if anchor not in known})


def make() -> str:
    """The page as it is to be, by a scratch server. Raises PggitError as `render` does."""
    import psycopg

    from tasks.lib import serverbuilds
    from tasks.lib.servers import Server

    with Server(serverbuilds.majors()[-1]) as server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pggit")
        return render(connection)


def is_stale(page: str) -> bool:
    """Whether the file is not `page`."""
    return not PAGE.is_file() or PAGE.read_text("utf-8") != page


def write() -> bool:
    """Make the page anew; returns whether that changed it. Raises PggitError as `render` does."""
    page = make()
    changed = is_stale(page)
    if changed:
        PAGE.write_text(page, "utf-8")
    return changed
