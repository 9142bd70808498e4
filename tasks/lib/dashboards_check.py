"""What is checked of all dashboards together: the files, the metrics, the links."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

from tasks.lib import dashboardlint, dashboards
from tasks.lib.dashboardlint import Document
from tasks.lib.paths import EXTENSION

_FAMILY = re.compile(r"^\s*\('(pggit_\w+)', '(gauge|counter|histogram)', ", re.MULTILINE)


def families() -> dict[str, str]:
    """Every metric that pggit.metric_families() has, with its type, read from the SQL source."""
    return dict(_FAMILY.findall((EXTENSION / "sql" / "81_metrics.sql").read_text("utf-8")))


def metric_faults(documents: Mapping[str, Document], known: Mapping[str, str]) -> list[str]:
    """Metrics that are used and do not exist, and those that exist and no dashboard uses.

    `known` is what `families` returns. Prometheus's own `up` is always there.
    """
    samples = {"up": "up"}
    for name, kind in known.items():
        for sample in (f"{name}_bucket", f"{name}_sum", f"{name}_count") if kind == "histogram" else (name,):
            samples[sample] = name
    found, used = [], set()
    for title, document in documents.items():
        for metric in sorted(dashboardlint.used_metrics(document)):
            if metric in samples:
                used.add(samples[metric])
            else:
                found.append(f"{title}: there is no metric {metric}")
    return found + [f"no dashboard shows {name}" for name in known if name not in used]


def link_faults(documents: Mapping[str, Document], page: str, anchors: Collection[str]) -> list[str]:
    """Links that do not lead to the runbook `page`, by its path from the root, or to one of its headings' anchors."""
    valid = {page, *(f"{page}#{anchor}" for anchor in anchors)}
    return [
        f"{name}: links to {url}, which is not there"
        for name, document in documents.items()
        for url in sorted(set(dashboardlint.links(document)) - valid)
    ]


def rule_faults() -> list[str]:
    """What is wrong with each dashboard on disk by itself."""
    documents = dashboards.read()
    found = [
        f"{name}.json: {fault}" for name, document in documents.items() for fault in dashboardlint.faults(document)
    ]
    for uid, times in Counter(document.get("uid") for document in documents.values()).items():
        found += [f"{times} dashboards have the uid {uid!r}"] if times > 1 else []
    return found
