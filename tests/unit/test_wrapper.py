"""./inv and tasks/lib/bootstrap.py, in a copy of their own with the smallest possible pins."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.lib import bootstrap
from tasks.lib.paths import ROOT

_TASKS = """
from invoke.collection import Collection
from tasks.command import task

@task()
def hello(c):
    from tasks.lib import bootstrap  # as the tasks import their libraries: when they run
    print('hello')

ns = Collection(hello)
"""
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
    for name in ("main.py", "command.py", "commandline.py", "lib/__init__.py", "lib/bootstrap.py", "lib/errors.py"):
        shutil.copy(ROOT / "tasks" / name, folder / "tasks" / name)
    (folder / "tasks" / "__init__.py").write_text(_TASKS)
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


def byte_code(folder: Path, **environment: str) -> set[str]:
    """The modules below tasks/ whose byte code a run leaves there."""
    for kept in [*folder.rglob("__pycache__")]:
        shutil.rmtree(kept)
    run = inv(folder.parent / "inv", "hello", **environment)
    assert run.communicate()[0] == "hello\n"
    return {path.name.partition(".")[0] for path in folder.rglob("*.pyc")}


def test_a_run_keeps_the_byte_code_also_of_what_a_task_imports(checkout: Checkout) -> None:
    kept = byte_code(checkout.folder / "tasks", PYTHONDONTWRITEBYTECODE="")
    assert kept == {"__init__", "command", "commandline", "errors", "bootstrap"}
    assert byte_code(checkout.folder / "tasks", PYTHONDONTWRITEBYTECODE="1") == set()


def test_a_run_by_sudo_leaves_no_byte_code_that_is_roots(checkout: Checkout) -> None:
    caller = {"SUDO_UID": str(os.getuid()), "SUDO_GID": str(os.getgid())}
    assert byte_code(checkout.folder / "tasks", PYTHONDONTWRITEBYTECODE="", **caller) == set()


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
    run = inv(checkout.folder / "inv", "hello", "--no such option")
    assert run.communicate() == ("", "inv: hello has no option --no such option; valid are none\n")
    assert run.returncode == 2


def test_a_moved_checkout_gets_an_environment_of_its_own(tmp_path: Path, checkout: Checkout) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(checkout.folder, folder, symlinks=True)
    output, messages = inv(folder / "inv", "hello").communicate()
    assert (output, messages.count(_INSTALLING)) == ("hello\n", 1)
    assert str(folder) in (folder / ".venv" / "bin" / "pip").read_text().splitlines()[0]


def test_the_python_that_python3_means_may_change(tmp_path: Path, checkout: Checkout) -> None:
    """As after an upgrade of the system: the name by which .venv was made is another program now."""
    folder = tmp_path / "checkout"
    shutil.copytree(checkout.folder, folder, ignore=shutil.ignore_patterns(".venv*"))
    python = tmp_path / "python3"
    python.symlink_to(Path(sys.executable).resolve())
    assert inv(folder / "inv", "hello", PYTHON=str(python)).communicate()[0] == "hello\n"
    python.unlink()
    python.symlink_to("/bin/false")
    assert inv(folder / "inv", "hello", PYTHON=str(python)).communicate() == ("hello\n", "")


def test_a_file_in_the_way_is_replaced(tmp_path: Path, checkout: Checkout) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(checkout.folder, folder, ignore=shutil.ignore_patterns(".venv*"))
    (folder / ".venv").write_text("in the way")
    output, messages = inv(folder / "inv", "hello").communicate()
    assert output == "hello\n", messages


def test_interrupted_while_pip_runs_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """With a pip that says that it has begun and then waits, in place of the real one."""
    made = tmp_path / "made"
    code = (
        "import subprocess, sys; from pathlib import Path; from tasks.lib import bootstrap\n"
        "def create(env, **options):\n"
        "    (env / 'bin').mkdir(parents=True)\n"
        "    (env / 'bin' / 'python').symlink_to(sys.argv[2])\n"
        "bootstrap.venv.create = create\n"
        "bootstrap.make_environment(Path(sys.argv[1]) / '.venv', Path('requirements.lock'))\n"
    )
    pip = tmp_path / "pip"
    pip.write_text(f"#!/bin/sh\necho begun >{made}\nexec cat <{made}.never\n")
    pip.chmod(0o755)
    os.mkfifo(made)
    os.mkfifo(f"{made}.never")
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(pip)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert made.read_text() == "begun\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate()[1] == "inv: interrupted; the next run makes .venv anew\n"
    assert run.returncode == 1
    assert not (tmp_path / ".venv").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own, whose files may not grow over 10 bytes: to a program the same as a full disk."""
    code = (
        "import resource, sys; from pathlib import Path; from tasks.lib import bootstrap\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "bootstrap.make_environment(Path(sys.argv[1]) / '.venv', Path('requirements.lock'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"inv: cannot make {tmp_path / '.venv'}: File too large\n"
    assert not (tmp_path / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_under_sudo_the_environment_belongs_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv.lock").touch()
    bootstrap.hand_over(tmp_path / ".venv")
    for path in tmp_path.rglob("*"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (12345, 54321)
    assert Path(sys.executable).stat().st_uid == 0


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
