import json
import os
from pathlib import Path

import pytest

from tasks.lib import evidence, serverbuilds, testrun
from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT
from tasks.lib.testrun import Outcome


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of one test, in a folder of its own."""
    monkeypatch.setattr(testrun, "ROOT", tmp_path)
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "test_one.py").write_text("def test_one():\n    assert 1 == 1\n")
    return folder


def test_a_passing_suite_is_reported_with_pytests_own_summary(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = testrun.run("unit", "1")
    assert outcome.exit_code == 0
    assert outcome.summary.startswith("1 passed in ")
    assert testrun.report([outcome]) == 0
    assert "ok     unit" in capsys.readouterr().out


def test_a_failing_suite_fails_the_whole_but_all_are_reported(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "test_two.py").write_text("def test_two():\n    assert 1 == 2\n")
    failed = testrun.run("unit", "2")
    assert failed.summary.startswith("1 failed, 1 passed in ")
    assert testrun.report([failed, Outcome("other", 0, "9 passed in 1s", 1.0)]) == 1
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split()[:2] for line in lines[:2]] == [["FAILED", "unit"], ["ok", "other"]]
    assert lines[2].split()[0] == "together"


def test_a_suite_without_tests_fails(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "test_one.py").unlink()
    assert testrun.report([testrun.run("unit", "1")]) == 1
    assert "no test was run in tests/unit: that is a failure" in capsys.readouterr().out


def test_what_a_suite_ended_with_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    all_majors = f"--pg={','.join(serverbuilds.majors())}"
    began = evidence.sources()
    for options, exit_code, name in (
        ([all_majors, "--sequences=100"], 0, "test-extension.json"),
        (["--pg=15,17", "--sequences=100"], 1, "test-extension-pg-15-17.json"),
        ([all_majors, "--sequences=2000"], 0, "test-extension-sequences-2000.json"),
        ([all_majors, "--sequences=2000", "-k", "not laws / x"], 0, "test-extension-part.json"),
    ):
        path = testrun.keep(Outcome("extension", exit_code, "7 passed in 1s", 1.26), options, began, tmp_path)
        assert path is not None
        found = json.loads(path.read_text())
        assert (path.name, found["ok"], found["options"]) == (name, exit_code == 0, options)
        assert (found["summary"], found["seconds"]) == ("7 passed in 1s", 1.3)
    (tmp_path / "file").touch()
    assert testrun.keep(Outcome("unit", 0, "1 passed in 1s", 1), [], began, tmp_path / "file" / "evidence") is None
    assert "no evidence is kept" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["0", "-1", "two", ""])
def test_jobs_is_a_number(jobs: str) -> None:
    with pytest.raises(UsageError, match="--jobs="):
        testrun.parse_jobs(jobs)


def test_suites_are_the_folders_of_tests() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if list(path.rglob("test_*.py"))}
    assert folders == set(testrun.SUITES)
