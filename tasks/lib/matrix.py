"""The matrix as others read it: a table, JSON, and the include-list of a GitHub workflow's matrix."""

import json
from typing import Any

from tasks.lib import console, targets
from tasks.lib.errors import UsageError

FORMATS = ("table", "json", "github")
FAMILIES = ("deb", "rpm")


def facts(matrix: targets.Matrix, target: targets.Target) -> dict[str, Any]:
    """One target as flat JSON values: what a workflow's job or another program may want to know."""
    system = target.system
    postgres = next(p for p in matrix.postgres if p.major == target.pg)
    arch = next(a for a in matrix.arches if a.name == target.arch)
    return {
        "id": target.id,
        "family": system.family,
        "os": system.id,
        "pg": target.pg,
        "arch": target.arch,
        "image": system.image,
        "codename": system.codename,
        "preview": postgres.preview or system.preview,
        "server": target.server,
        "python": system.python,
        "bootstrap": system.bootstrap is not None,
        "pg_eol": postgres.eol.isoformat(),
        "security_until": system.security_until.isoformat(),
        "runner": arch.runner,
    }


def show(
    format: str, pg: str = "all", os: str = "all", arch: str = "all", family: str = "all"
) -> tuple[str, tuple[str, ...]]:
    """The text for `--format`, and the warnings that go beside it.

    Raises UsageError for an unknown format, family, or other value.
    """
    if format not in FORMATS:
        raise UsageError(f"--format={format}: valid: {', '.join(FORMATS)}")
    if family not in (*FAMILIES, "all"):
        raise UsageError(f"--family={family}: unknown {family!r}; valid: {', '.join(FAMILIES)}, or all")
    matrix = targets.load()
    selection = matrix.select(None if family == "all" else family, pg, os, arch)
    rows = [facts(matrix, target) for target in selection.targets]
    warnings = matrix.warnings(selection.targets)
    if format == "github":
        return json.dumps({"include": rows}), warnings
    excluded = [{"id": e.id, "reason": e.reason} for e in selection.excluded]
    if format == "json":
        return json.dumps({"targets": rows, "excluded": excluded}, indent=2), warnings
    return _table(rows, excluded), warnings


def _table(rows: list[dict[str, Any]], excluded: list[dict[str, str]]) -> str:
    columns = ("id", "image", "server", "pg_eol", "security_until", "python")
    lines = [console.table([columns, *(tuple(str(row[column]) for column in columns) for row in rows)])]
    lines.append(f"{len(rows)} targets")
    reasons: dict[str, list[str]] = {}
    for item in excluded:
        reasons.setdefault(item["reason"], []).append(item["id"])
    for reason, ids in reasons.items():
        lines.append(f"left out: {len(ids)} ({reason}): {ids[0]}{' …' if len(ids) > 1 else ''}")
    return "\n".join(lines)
