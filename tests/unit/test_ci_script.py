""".ci/run, with stand-ins for ./inv and the engine: what it prints at its end, and its exit code."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.lib.paths import ROOT

_INV = """#!/bin/sh
case $1 in "$FAILS") exit 1 ;; esac
case $1 in test) printf '%s\\n' '== unit ==' noise '' 'ok     unit 0.5 s   1 passed in 0.50s' ;; esac
"""


def run(folder: Path, fails: str) -> "subprocess.CompletedProcess[str]":
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    answers = folder / ".venv" / "bin" / "python"
    answers.parent.mkdir(parents=True)
    for path, text in ((folder / "inv", _INV), (answers, "#!/bin/sh\n")):
        path.write_text(text)
        path.chmod(0o755)
    return subprocess.run(
        [str(folder / ".ci" / "run")], env={"PATH": "/usr/bin:/bin", "FAILS": fails}, capture_output=True, text=True
    )


def test_the_times_of_every_step_and_then_the_tests_last_words(tmp_path: Path) -> None:
    done = run(tmp_path, fails="nothing")
    assert done.returncode == 0, done.stderr
    end = done.stdout.splitlines()[-4:]
    assert [line.split()[2:] for line in end[:2]] == [["bench"], ["test"]]
    assert end[2:] == ["", "ok     unit 0.5 s   1 passed in 0.50s"]


@pytest.mark.parametrize(("fails", "said"), [("bench", "bench"), ("lint", "lint"), ("packages.check", "check")])
def test_every_step_counts(fails: str, said: str, tmp_path: Path) -> None:
    done = run(tmp_path, fails)
    assert f"\nFAILED: {said}\n" in done.stdout
    assert done.returncode == 1
    assert done.stdout.endswith("1 passed in 0.50s\n")


def test_failing_tests_count(tmp_path: Path) -> None:
    assert run(tmp_path, "test").returncode == 1
