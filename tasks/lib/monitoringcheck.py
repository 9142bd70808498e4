"""What `inv monitoring.check` checks. That ops/MONITORING.md is as it is made needs a server: a test has that."""

from collections.abc import Sequence

from tasks.lib import alertcheck, dashboards, dashboards_check, runbook
from tasks.lib.checks import Check
from tasks.lib.paths import ROOT


def _page() -> str:
    return runbook.PAGE.read_text("utf-8")


def _links() -> Sequence[str]:
    name = str(runbook.PAGE.relative_to(ROOT))
    return [
        *dashboards_check.link_faults(dashboards.read(), name, runbook.anchors(_page())),
        *(f"{name}: links to #{anchor}, which is not there" for anchor in runbook.broken_links(_page())),
    ]


def _rules() -> Sequence[str]:
    return alertcheck.faults(dashboards_check.families(), runbook.checks(), runbook.anchors(_page()))


CHECKS = (
    Check("rendered", dashboards.stale),
    Check("dashboards", dashboards_check.rule_faults),
    Check("metrics", lambda: dashboards_check.metric_faults(dashboards.read(), dashboards_check.families())),
    Check("links", _links),
    Check("rules", _rules),
)
"""Those that need nothing but .venv: `inv lint` makes them too."""

PROMTOOL = Check("promtool", alertcheck.promtool_faults)
"""Prometheus's own word on the rules, and their tests."""
