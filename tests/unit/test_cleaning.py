import fcntl
from pathlib import Path

import pytest

from tasks.lib import cleaning, paths


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders as after a build, none of them this checkout's."""
    for name in ("build/logs", "dist", ".venv", ".ruff_cache", "cache"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.setattr(paths, "DIST", tmp_path / "dist")
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def left(checkout: Path) -> set[str]:
    return {path.name for path in checkout.iterdir()}


def test_clean_removes_what_the_tasks_made_but_not_the_tools(checkout: Path) -> None:
    cleaning.clean()
    assert left(checkout) == {".venv", "cache"}
    assert cleaning.clean() == ()


def test_clean_removes_the_cache_when_asked(checkout: Path) -> None:
    assert checkout / "cache" in cleaning.clean(cache=True)
    assert left(checkout) == {".venv"}


def test_a_dry_run_removes_nothing(checkout: Path) -> None:
    before = left(checkout)
    assert len(cleaning.clean(cache=True, dry_run=True)) == 4
    assert left(checkout) == before


def test_a_running_build_is_waited_for(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    with (checkout / "dist" / ".lock").open("w") as build:
        fcntl.flock(build, fcntl.LOCK_EX)

        def end_the_build() -> None:
            waited.append((checkout / "dist").exists())
            fcntl.flock(build, fcntl.LOCK_UN)

        monkeypatch.setattr(cleaning, "_say_waiting", end_the_build, raising=False)
        cleaning.clean()
    assert waited == [True]
    assert not (checkout / "dist").exists()
