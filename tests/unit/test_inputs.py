"""What decides a package's bytes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.lib import changelog, inputs, sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT


def test_epoch_is_the_environment_s_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234")
    assert inputs.epoch(sqlscript.version()) == 1234


@pytest.mark.parametrize("value", ["yesterday", "-1", "1.5", "²"])
def test_an_epoch_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(UsageError, match="must be a number of seconds"):
        inputs.epoch(sqlscript.version())


def test_else_it_is_the_changelog_s_day_of_that_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = tmp_path / "CHANGELOG.md"
    path.write_text("## [Unreleased] - 2026-01-02\n\n- New.\n\n## [0.0.1] - 2025-01-02\n\n- Old.\n")
    monkeypatch.setattr(changelog.read, "__defaults__", (path,))
    assert inputs.epoch(sqlscript.version()) == datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
    assert inputs.epoch("0.0.1") == datetime(2025, 1, 2, 12, tzinfo=UTC).timestamp()


def test_every_named_input_exists() -> None:
    assert all(path.is_file() for path in inputs.files())
    names = {str(path.relative_to(ROOT)) for path in inputs.files()}
    assert {"extension/pggit.control", "packaging/debian/control", "packaging/nfpm/nfpm.yaml", "CHANGELOG.md"} <= names
    assert {"tasks/lib/container.py", "tasks/lib/buildengine.py", "tasks/lib/engine_docker.py"} <= names
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
