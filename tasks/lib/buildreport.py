"""What build.deb says at its end: a table, the failures with their logs' ends, and what was made."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from tasks.lib.buildplan import Plan
from tasks.lib.buildrun import Outcome
from tasks.lib.console import table
from tasks.lib.paths import ROOT

LOG_LINES = 20
"""How much of a failed target's log is shown."""


def as_json(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """For --json."""
    return json.dumps(
        {
            "version": plan.version,
            "targets": [asdict(one) for one in outcomes],
            "excluded": [asdict(one) for one in plan.excluded],
        },
        indent=2,
    )


def lines(plan: Plan, outcomes: Sequence[Outcome]) -> list[str]:
    """For people. The last lines say what was made, with which engine, its sha256 and how long it took."""
    told = [f"left out {one.id}: {one.reason}" for one in plan.excluded if plan.request.pg != "all"]
    failed = [one for one in outcomes if one.status == "failed"]
    if len(outcomes) > 1 and any(one.status in ("built", "failed") for one in outcomes):
        rows = [("TARGET", "STATUS", "ENGINE", "SECONDS", "FILE")]
        rows += [
            (one.target, one.status, one.engine, f"{one.seconds:.1f}" if one.seconds else "", one.file)
            for one in outcomes
        ]
        told += ["", table(rows), ""]
    for one in failed:
        told += _failure(one)
    for one in outcomes:
        if one.status == "built":
            told.append(f"made {one.file} with engine {one.engine} in {one.seconds:.1f} s ({one.size} bytes)")
            told.append(f"     sha256 {one.sha256}")
            told += [f"     with {part}" for part in one.parts]
        elif one.status == "up to date":
            told.append(f"up to date: {one.file} (engine {one.engine}, sha256 {one.sha256})")
        elif one.status == "would build":
            told.append(f"would build {one.file} (engine {one.engine})")
            told += [f"     with {part}" for part in one.parts]
    return told


def _failure(one: Outcome) -> list[str]:
    told = [f"{one.target} failed: {one.error}"]
    if one.log:
        end = (ROOT / one.log).read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        told += [*(f"  | {line}" for line in end), f"  the whole log: {one.log}"]
    return told
