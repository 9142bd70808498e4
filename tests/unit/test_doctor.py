import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.lib import doctor
from tasks.lib.doctor import Finding
from tasks.lib.paths import ROOT

_LACKS = [
    Finding("a", "A", False, "not found", packages=("one", "two")),
    Finding("b", "B", False, "not found", needed=False, packages=("three",)),
    Finding("c", "C", False, "not found", packages=("one", "two")),
    Finding("d", "D", True, "found", packages=("four",)),
    Finding("e", "E", False, "broken", command="mend it"),
]


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As if on a Debian machine, as root."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return monkeypatch


def test_fix_installs_what_is_missing_and_nothing_else(debian: pytest.MonkeyPatch) -> None:
    install = ["apt-get", "install", "--yes", "--no-install-recommends"]
    assert doctor.fixes(_LACKS) == [["apt-get", "update"], [*install, "one", "two"], [*install, "three"]]
    assert doctor.fixes(_LACKS[3:]) == []


def test_fix_may_do_nothing_without_rights(debian: pytest.MonkeyPatch) -> None:
    debian.setattr(os, "geteuid", lambda: 1000)
    assert doctor.fixes(_LACKS) == []


def test_the_command_is_exact(debian: pytest.MonkeyPatch) -> None:
    assert doctor.remedy(_LACKS[0]) == "apt-get install --yes --no-install-recommends one two"
    assert doctor.remedy(_LACKS[4]) == "mend it"
    debian.setattr(os, "geteuid", lambda: 1000)
    assert doctor.remedy(_LACKS[1]).startswith("sudo apt-get install ")
    debian.setattr(shutil, "which", lambda name: None)
    assert doctor.remedy(_LACKS[1]) == ""


def test_status_tells_needs_from_extras() -> None:
    assert [finding.status for finding in _LACKS] == ["missing", "optional", "missing", "ok", "missing"]


def test_a_missing_library_is_found() -> None:
    assert doctor._loads("libc.so.6")
    assert not doctor._loads("libno-such-thing.so.1")


def inv_doctor(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "doctor", *words]
    return subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_json_says_what_each_missing_thing_enables() -> None:
    report = json.loads(inv_doctor("--json").stdout)
    assert {"python", "git", "nfpm", "docker", "postgresql-17", "space", "clock"} <= {c["id"] for c in report["checks"]}
    for check in report["checks"]:
        assert check["status"] in {"ok", "missing", "optional"}
        assert check["status"] == "ok" or check["enables"]


def test_each_line_is_about_something_else() -> None:
    titles = [finding.title for finding in doctor.examine()]
    assert sorted(set(titles)) == sorted(titles)


def test_a_machine_without_git_and_packages_is_not_ready(tmp_path: Path) -> None:
    done = inv_doctor(PATH="/nowhere", PGGIT_CACHE=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.strip() == "inv: missing for build.deb or test: git, Prometheus"
    assert "Traceback" not in done.stderr
