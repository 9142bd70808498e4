"""What decides a package's bytes."""

import subprocess
from pathlib import Path

import pytest

from tasks.lib import changelog, inputs, sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT


def test_epoch_is_the_environment_s_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234")
    assert inputs.epoch() == 1234


@pytest.mark.parametrize("value", ["yesterday", "-1", "1.5", "²"])
def test_an_epoch_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(UsageError, match="must be a number of seconds"):
        inputs.epoch()


def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one commit on an input and a later one on something else."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(inputs, "_FOLDERS", (tmp_path / "sql",))
    monkeypatch.setattr(inputs, "_FILES", ())
    monkeypatch.setattr(inputs, "_CODE", ())
    (tmp_path / "sql").mkdir()
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name, moment in (("sql/a.sql", "1700000000 +0000"), ("other", "1710000000 +0000")):
        (tmp_path / name).write_text("x")
        environment = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment, "PATH": "/usr/bin:/bin"}
        git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run([*git, "add", name], check=True, env=environment)
        subprocess.run([*git, "commit", "--quiet", "-m", name], check=True, env=environment)
    return tmp_path


def test_else_it_is_the_last_commit_of_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repository(tmp_path, monkeypatch)
    assert inputs.epoch() == 1_700_000_000


def test_without_git_it_is_the_changelog_s_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(inputs, "_CODE", ())
    monkeypatch.setattr(inputs, "_FILES", ())
    monkeypatch.setattr(inputs, "_FOLDERS", (tmp_path,))
    assert inputs.epoch() == changelog.read(sqlscript.version())[0].moment.timestamp()


def test_every_named_input_exists() -> None:
    assert all(path.is_file() for path in inputs.files())
    names = {str(path.relative_to(ROOT)) for path in inputs.files()}
    assert {"extension/pggit.control", "packaging/debian/control", "packaging/nfpm/nfpm.yaml", "CHANGELOG.md"} <= names
    assert any(name.startswith("extension/sql/") for name in names)


def test_the_digest_follows_facts_names_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "ROOT", tmp_path)

    def digest(fact: str, **files: str) -> str:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(inputs, "files", lambda: tuple(tmp_path / name for name in files))
        inputs._files_digest.cache_clear()
        return inputs.digest(fact)

    try:
        seen = {
            digest("a", x="1", y="2"),
            digest("b", x="1", y="2"),
            digest("a", x="12", y=""),
            digest("a", x="1", z="2"),
        }
        assert len(seen) == 4
        assert digest("a", x="1", y="2") in seen
    finally:
        inputs._files_digest.cache_clear()
