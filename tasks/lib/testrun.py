"""Runs the test suites, one pytest each, and keeps what they ended with."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import evidence, serverbuilds
from tasks.lib.errors import UsageError
from tasks.lib.evidence import Sources
from tasks.lib.paths import DIST, ROOT

SUITES = ("unit", "ops", "monitoring", "upgrade", "extension", "packages")
"""Folders of tests/, in the order that `inv test` runs them: the cheapest first."""

_SUMMARY = re.compile(r"(?:\x1b\[[0-9;]*m|=|\s)*((?:\x1b\[[0-9;]*m|no tests|[\w ,:().])+? in [\d.]+s.*)")
_NO_TESTS = 5
_USUAL = ("--sequences=100",)
"""What the options say where nobody asked for anything else."""
_HANGS_AFTER = 300
"""Seconds for one test; none comes near it, so one that does hangs."""


@dataclass(frozen=True)
class Outcome:
    """How one suite ended: pytest's exit code, its summary line, and the wall-clock seconds."""

    suite: str
    exit_code: int
    summary: str
    seconds: float


def parse_count(option: str, value: str) -> str:
    """`value` itself, given as --`option`. Raises UsageError when it is no number from 1 on."""
    if not value.isdecimal() or int(value) < 1:
        raise UsageError(f"--{option}={value}: give a number from 1 on")
    return value


def parse_jobs(jobs: str) -> str:
    """`jobs` itself: how many pytest workers. Raises UsageError when it is no such number."""
    return parse_count("jobs", jobs)


def command(suite: str, jobs: str, extra: Sequence[str]) -> list[str]:
    """pytest's words for one suite."""
    return [
        sys.executable, "-m", "pytest", str(ROOT / "tests" / suite), f"--numprocesses={jobs}", "--durations=10",
        "--durations-min=0.1", f"--timeout={_HANGS_AFTER}",
        f"--color={'yes' if sys.stdout.isatty() else 'auto'}", *extra,
    ]  # fmt: skip


def run(suite: str, jobs: str, extra: Sequence[str] = ()) -> Outcome:
    """Run one suite; pytest's output goes to stdout as it comes."""
    print(f"== {suite} ==", flush=True)
    begin = time.monotonic()
    summary = "no summary"
    with subprocess.Popen(
        command(suite, jobs, extra),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        if process.stdout is not None:
            for line in process.stdout:
                print(line, end="", flush=True)
                if line.lstrip("\x1b[0123456789;m").startswith("=") and (match := _SUMMARY.fullmatch(line.strip())):
                    summary = re.sub(r"\x1b\[[0-9;]*m", "", match[1]).strip(" =")
    return Outcome(suite, process.returncode, summary, time.monotonic() - begin)


def keep(outcome: Outcome, extra: Sequence[str], began: Sources, folder: Path = DIST / "evidence") -> Path | None:
    """Leave a suite's outcome as evidence, that of a part or of other counts beside that of the whole.

    See evidence.keep().
    """
    every = f"--pg={','.join(serverbuilds.majors())}"
    told = [word.strip("-").replace("=", "-").replace(",", "-") for word in extra if word not in (every, *_USUAL)]
    subject = "-".join([outcome.suite, *(["part"] if "-k" in extra else told)])
    facts = {"options": list(extra), "summary": outcome.summary, "seconds": round(outcome.seconds, 1)}
    return evidence.keep("test", subject, outcome.exit_code == 0, facts, began, folder)


def report(outcomes: Sequence[Outcome]) -> int:
    """Print one line a suite, pytest's own summary in it; returns the exit code of the whole."""
    print()
    for outcome in outcomes:
        verdict = "ok    " if outcome.exit_code == 0 else "FAILED"
        print(f"{verdict} {outcome.suite:10} {outcome.seconds:6.1f} s   {outcome.summary}")
        if outcome.exit_code == _NO_TESTS:
            print(f"       no test was run in tests/{outcome.suite}: that is a failure")
    if len(outcomes) > 1:
        print(f"       {'together':10} {sum(outcome.seconds for outcome in outcomes):6.1f} s")
    return int(any(outcome.exit_code for outcome in outcomes))
