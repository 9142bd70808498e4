from pathlib import Path

import pytest

from tasks.lib import lint, pins
from tasks.lib.lint import Check
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

    assert lint.run(Check("broken", broken)).faults == ("could not run: no such tool",)


def test_tracked_files_are_those_of_git() -> None:
    files = lint.tracked()
    assert ROOT / "inv" in files
    assert not any(".venv" in path.parts for path in files)
