"""Evidence files: what was found out, about which commit, when."""

import json
import subprocess
from pathlib import Path

import pytest

from tasks.lib import evidence, paths
from tasks.lib.errors import PggitError
from tasks.lib.evidence import Sources


def test_it_says_what_was_checked_about_which_commit_and_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.setattr(paths, "ROOT", repository)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    (repository / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    path = evidence.record("some.check", "subject-1", True, {"figure": 3}, tmp_path / "evidence")
    found = json.loads(path.read_text())
    assert path.name == "some.check-subject-1.json"
    assert (found["check"], found["subject"], found["ok"], found["figure"]) == ("some.check", "subject-1", True, 3)
    assert found["when"].endswith("+00:00")
    assert len(found["commit"]) == 40
    assert found["clean"] is True

    (repository / "file").write_text("2")
    again = evidence.record("some.check", "subject-1", False, {}, tmp_path / "evidence")
    assert again == path
    assert json.loads(path.read_text())["clean"] is False


def test_it_is_about_what_the_check_began_with(tmp_path: Path) -> None:
    """A commit that somebody makes during a long run was not checked."""
    began = Sources("0" * 40, clean=True)
    found = json.loads(evidence.record("x", "y", True, {}, tmp_path, began).read_text())
    assert (found["commit"], found["clean"]) == ("0" * 40, False)


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    found = json.loads(evidence.record("x", "y", True, {}, tmp_path / "evidence").read_text())
    assert (found["commit"], found["clean"]) == (None, False)


def test_where_it_cannot_be_written_that_is_one_line() -> None:
    with pytest.raises(PggitError, match=r"cannot write /dev/null/evidence/x-y\.json: "):
        evidence.record("x", "y", True, {}, Path("/dev/null/evidence"))
