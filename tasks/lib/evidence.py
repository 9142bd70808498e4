"""dist/evidence: what a check found out, about which commit and when; the release checklist reads it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.lib import dist, git
from tasks.lib.paths import DIST


def record(check: str, subject: str, ok: bool, facts: Mapping[str, Any], folder: Path = DIST / "evidence") -> Path:
    """Keep the outcome of `check` (a task's name) on `subject` (such as a target's id), in place of an older one.

    Raises PggitError where dist cannot be written to.
    """
    commit, changed = git.say("rev-parse", "HEAD"), git.say("status", "--porcelain", "--untracked-files=no")
    content = {
        "check": check,
        "subject": subject,
        "ok": ok,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "clean": commit is not None and changed == "",
        **facts,
    }
    path = folder / f"{check}-{subject}.json"
    dist.write(path, (json.dumps(content, indent=2) + "\n").encode())
    return path
