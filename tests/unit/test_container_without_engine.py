"""What containers and images say where no Docker engine answers."""

from pathlib import Path

import pytest

from tasks.lib import container, images, targets
from tasks.lib.container import Container
from tasks.lib.errors import PggitError


@pytest.fixture(autouse=True)
def _no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody-listens.sock")


def test_the_reason_is_one_line() -> None:
    reason = container.available()
    assert reason is not None
    assert reason.startswith("no Docker engine answers")
    assert "\n" not in reason


def test_the_reason_names_the_address_and_what_is_wrong_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = f"unix://{tmp_path}/nobody-listens.sock"
    assert container.available() == f"no Docker engine answers: {socket}: No such file or directory"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert container.available() == "no Docker engine answers: tcp://127.0.0.1:9: Connection refused"


def test_a_malformed_address_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://")
    assert "no Docker engine answers" in (container.available() or "")


def test_starting_a_container_says_what_it_was_for() -> None:
    with pytest.raises(
        PggitError, match=r"no Docker engine answers while starting a container of some:image: unix:.*: No such file"
    ):
        Container("some:image").__enter__()


def test_obtaining_an_image_does_not_try_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(PggitError, match="no Docker engine answers while looking for debian:trixie: unix:"):
        images.obtain_base(targets.load().system("debian-13"))
    assert not list(tmp_path.glob("cache/**/*.tar"))
