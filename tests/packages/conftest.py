"""What tests with real containers need. Where no engine answers they are skipped, or fail if one is required."""

import os
import shutil
from collections.abc import Callable

import pytest

from tasks.lib import container, images, targets


def _unless(missing: str | None) -> None:
    if missing is None:
        return
    if os.environ.get("PGGIT_REQUIRE_DOCKER") == "1":
        pytest.fail(f"PGGIT_REQUIRE_DOCKER=1, but {missing}", pytrace=False)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """A Docker engine that answers."""
    _unless(container.available())


@pytest.fixture(scope="session")
def mmdebstrap() -> None:
    """The program that makes base images."""
    _unless(None if shutil.which("mmdebstrap") else "mmdebstrap is not installed")


@pytest.fixture(scope="session")
def debian(docker_engine: None) -> str:
    """The name of a plain Debian 13 image."""
    return images.obtain_base(targets.load().system("debian-13"))


@pytest.fixture(scope="session")
def server_image(docker_engine: None) -> Callable[[str, str], str]:
    """Gives the name of an image of a system (by id) with a PostgreSQL server of a major version."""
    return lambda os, pg: images.obtain_server(targets.load().system(os), pg)
