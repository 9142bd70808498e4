"""The repository's shape: names that would break every tool, and facts that stand in two places."""

from pathlib import Path

import pytest
import yaml

from tasks.lib import lint, serverbuilds, targets
from tasks.lib.paths import ROOT


def test_no_forbidden_file_name() -> None:
    assert lint.forbidden_names([str(path.relative_to(ROOT)) for path in lint.tracked()]) == []


@pytest.mark.parametrize(
    "name", ["packaging/__init__.py", "packaging.py", "docs/__init__.py", "tasks/lib/utils.py", "tests/helpers.py"]
)
def test_forbidden_file_names_are_found(name: str) -> None:
    (fault,) = lint.forbidden_names(["tasks/__init__.py", name, "tests/unit/__init__.py", "ops/pggit/__init__.py"])
    assert fault.startswith(f"{name}: ")


def test_packaging_folder_does_not_hide_the_library() -> None:
    import packaging.version

    assert ROOT not in Path(packaging.version.__file__).resolve().parents or ".venv" in packaging.version.__file__


def test_every_supported_major_has_pinned_servers_for_every_platform() -> None:
    assert serverbuilds.majors() == targets.load().majors()
    pins = yaml.safe_load(serverbuilds.PINS.read_text("utf-8"))
    for major, build in pins["builds"].items():
        assert build["version"].split(".")[0] == major
        assert set(build["sha256"]) == {"linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-arm64"}
        assert all(len(digest) == 64 for digest in build["sha256"].values())


def test_wrapper_and_ci_script_are_executable() -> None:
    for name in ("inv", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111 == 0o111
