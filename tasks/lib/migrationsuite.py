"""migration.verify's check by the extension's own tests: they pass on databases that were updated."""

import os
import re
import subprocess
import sys

from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT

PART = ("access", "durations", "history", "lifecycle", "metrics", "security")
"""The files of tests/extension that run unless all are asked for: about what versions do differently (recording,
durations, metrics), about who may do what, and about switching on and off. The whole takes many minutes a major."""
CHOICES = ("part", "whole", "none")


def check_choice(suite: str) -> str:
    """`suite` itself. Raises UsageError when it is none of CHOICES."""
    if suite not in CHOICES:
        raise UsageError(f"--suite={suite}: valid are {', '.join(CHOICES)}")
    return suite


def command(pg: str, version: str, suite: str) -> list[str]:
    """pytest's words for the tests on one major, in databases made of `version` and updated to the newest."""
    folder = ROOT / "tests" / "extension"
    files = [str(folder / f"test_{name}.py") for name in PART] if suite == "part" else [str(folder)]
    return [
        sys.executable, "-m", "pytest", *files, f"--pg={pg}", f"--upgraded-from={version}", "--numprocesses=0",
        "--timeout=300", "--color=no", "-q", "-p", "no:cacheprovider",
    ]  # fmt: skip


def failures(pg: str, version: str, suite: str = "part") -> list[str]:
    """The tests that fail then; one line each."""
    # A pytest that runs this has variables of its own, which would tell this one that it is a worker.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PG"))}
    clean |= {name: value for name, value in os.environ.items() if name.startswith("PGGIT_")}
    result = subprocess.run(
        command(pg, version, suite),
        cwd=ROOT,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode == 0:
        return []
    told = [line for line in result.stdout.splitlines() if re.match(r"(FAILED|ERROR) ", line)]
    return told or [f"pytest ended with {result.returncode}: {' | '.join(result.stdout.splitlines()[-3:])}"]
