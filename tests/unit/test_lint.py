from pathlib import Path

import pytest

from tasks.lib import checks, lint, monitoringcheck, pins
from tasks.lib.checks import Check
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import ROOT

_PROJECT = '[project]\ndependencies = ["one-lib", "Two_Lib[extra]>=1"]\n'
_LOCK = "one-lib==1.0 \\\n    --hash=sha256:00\ntwo-lib==2.0 ; python_version > '3' \\\n    --hash=sha256:11\n"


def test_a_lock_with_every_pin_and_hash_has_no_fault() -> None:
    assert pins.faults(_PROJECT, _LOCK) == []


def test_a_missing_pin_and_a_missing_hash_are_found() -> None:
    assert pins.faults(_PROJECT, "one-lib==1.0\n") == [
        "requirements.lock lacks two-lib: run ./inv lint.lock",
        "requirements.lock: one-lib has no hash",
    ]


@pytest.mark.parametrize(
    "text",
    ["https://{}pi.org/simple".format("py"), "http://deb.{}.org/x".format("debian"), "/{}/someone/x".format("home")],
)
def test_hosts_and_machine_paths_are_found(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    (tmp_path / "file").write_text(f"fine\nsee {text} there\n")
    (fault,) = lint.forbidden_text([tmp_path / "file"])
    assert fault.startswith("file:2: ")


def test_a_check_that_cannot_run_has_failed() -> None:
    def broken() -> list[str]:
        raise FileNotFoundError("no such tool")

    assert checks.run(Check("broken", broken)).faults == ("could not run: no such tool",)


def test_every_check_is_made_and_those_that_failed_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    three = [Check("one", lambda: ["wrong", "bad"]), Check("two", list), Check("three", lambda: ["worse"])]
    with pytest.raises(PggitError, match="2 of 3 checks failed: one, three"):
        checks.make(three, "", dry_run=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("  ")] == ["  wrong", "  bad", "  worse"]
    assert [line.split()[:2] for line in lines[2:4] + lines[5:]] == [
        ["FAILED", "one"],
        ["ok", "two"],
        ["FAILED", "three"],
    ]
    checks.make(three, "two", dry_run=False)
    capsys.readouterr()
    checks.make(three, "three, one", dry_run=True)
    assert capsys.readouterr().out == "three\none\n"
    with pytest.raises(UsageError, match="--only=four: there is no check 'four'; valid are one, two, three"):
        checks.make(three, "four", dry_run=True)


def test_faults_of_monitoring_are_told_with_their_check(monkeypatch: pytest.MonkeyPatch) -> None:
    (monitoring,) = [check for check in lint.CHECKS if check.name == "monitoring"]
    monkeypatch.setattr(monitoringcheck, "CHECKS", (Check("one", lambda: ["wrong"]), Check("two", list)))
    assert list(monitoring.find()) == ["one: wrong"]


def test_tracked_files_are_those_of_git() -> None:
    files = lint.tracked()
    assert ROOT / "inv" in files
    assert not any(".venv" in path.parts for path in files)
