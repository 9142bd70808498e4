"""./inv and tasks/lib/bootstrap.py, in a copy of their own with the smallest possible pins."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.lib import bootstrap
from tasks.lib.paths import ROOT

_TASKS = "from invoke import task\n\n\n@task\ndef hello(c):\n    print('hello')\n"
_INSTALLING = "installing the pinned tools"


def inv(program: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(program), *words],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@dataclass(frozen=True)
class Checkout:
    """A copy of the wrapper, and what two first runs at the same time printed."""

    folder: Path
    codes: tuple[int, int]
    output: str
    messages: str


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("with space") / "check out"
    (folder / "tasks" / "lib").mkdir(parents=True)
    shutil.copy(ROOT / "inv", folder)
    shutil.copy(ROOT / "tasks" / "lib" / "bootstrap.py", folder / "tasks" / "lib")
    (folder / "tasks.py").write_text(_TASKS)
    pin = re.search(r"^invoke==(?:.*\\\n)*.*\n", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert pin is not None
    (folder / "requirements.lock").write_text(pin[0])
    runs = [inv(folder / "inv", "hello") for _ in range(2)]
    texts = [run.communicate() for run in runs]
    return Checkout(
        folder,
        (runs[0].returncode, runs[1].returncode),
        "".join(text[0] for text in texts),
        "".join(text[1] for text in texts),
    )


def test_two_first_runs_at_once_make_one_environment(checkout: Checkout) -> None:
    assert checkout.codes == (0, 0), checkout.messages
    assert checkout.output == "hello\nhello\n"
    assert checkout.messages.count(_INSTALLING) == 1


def test_further_runs_through_a_symlink_from_elsewhere_make_nothing(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "near").symlink_to(checkout.folder / "inv")
    (tmp_path / "far").symlink_to("near")
    run = inv(tmp_path / "far", "hello")
    assert run.communicate() == ("hello\n", "")
    assert run.returncode == 0


def test_changed_pins_or_an_unfinished_environment_are_made_anew(checkout: Checkout) -> None:
    lock = checkout.folder / "requirements.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    leftover = checkout.folder / ".venv" / "leftover"
    leftover.touch()
    output, messages = inv(checkout.folder / "inv", "hello").communicate()
    assert (output, messages.count(_INSTALLING)) == ("hello\n", 1)
    assert not leftover.exists()
    assert bootstrap.is_complete(checkout.folder / ".venv", lock)


def test_exit_code_and_arguments_pass_through(checkout: Checkout) -> None:
    run = inv(checkout.folder / "inv", "no such task")
    assert "no such task" in run.communicate()[1]
    assert run.returncode == 1


def test_a_wrong_hash_leaves_no_environment(tmp_path: Path, checkout: Checkout) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(checkout.folder, folder, ignore=shutil.ignore_patterns(".venv*"))
    lock = folder / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", lock.read_text()))
    run = inv(folder / "inv", "hello")
    messages = run.communicate()[1]
    assert run.returncode == 1
    assert "inv: pip could not install requirements.lock" in messages
    assert "Traceback" not in messages
    assert not (folder / ".venv").exists()


def test_too_old_a_python_is_one_line(tmp_path: Path, checkout: Checkout) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(checkout.folder, folder, ignore=shutil.ignore_patterns(".venv*"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("readlink", "dirname", "cmp"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    # Answers as an old Python would: the version test fails.
    (programs / "python3").write_text("#!/bin/sh\nexit 1\n")
    (programs / "python3").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    run = subprocess.run(
        [str(folder / "inv"), "hello"], capture_output=True, text=True, env={**environment, "PATH": str(programs)}
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed" in run.stderr
