"""dist/evidence: what a check found out, about which commit and when; the release checklist reads it."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.lib import dist, git
from tasks.lib.errors import PggitError
from tasks.lib.paths import DIST


@dataclass(frozen=True)
class Sources:
    """What is checked: the commit, None without git, and whether the files are as it has them."""

    commit: str | None
    clean: bool


def sources() -> Sources:
    """Those of this moment; a check that takes long asks before it begins."""
    commit, changed = git.say("rev-parse", "HEAD"), git.say("status", "--porcelain", "--untracked-files=no")
    return Sources(commit, commit is not None and changed == "")


def record(
    check: str,
    subject: str,
    ok: bool,
    facts: Mapping[str, Any],
    folder: Path = DIST / "evidence",
    began: Sources | None = None,
) -> Path:
    """Keep the outcome of `check` (a task's name) on `subject` (such as a target's id), in place of an older one.

    It is about the sources that the check `began` with, which count as changed where others are there by now.
    Raises PggitError where dist cannot be written to.
    """
    now = sources()
    about = began or now
    content = {
        "check": check,
        "subject": subject,
        "ok": ok,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": about.commit,
        "clean": about.clean and about == now,
        **facts,
    }
    path = folder / f"{check}-{subject}.json"
    dist.write(path, (json.dumps(content, indent=2) + "\n").encode())
    return path


def keep(check: str, subject: str, ok: bool, facts: Mapping[str, Any], began: Sources, folder: Path) -> Path | None:
    """As `record`; None, with a line on stderr, where it cannot be written: what else was asked for goes on."""
    try:
        return record(check, subject, ok, facts, folder, began)
    except PggitError as error:
        print(f"inv: no evidence is kept: {error}", file=sys.stderr)
        return None
