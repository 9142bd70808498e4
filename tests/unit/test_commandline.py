"""./inv's command line: whatever is wrong with it is one line and exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from tasks.command import task
from tasks.lib.paths import ROOT


def inv(*words: str, stdout: int = subprocess.PIPE, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    command = [str(ROOT / "inv"), *words]
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nosuch", "there is no task 'nosuch'; valid are bench, build.deb, "),
        ("build.dep", "there is no task 'build.dep' (did you mean 'build.deb'?); valid are "),
        ("--help=nosuch", "there is no task 'nosuch'; valid are "),
        ("--help nosuch", "there is no task 'nosuch'; valid are "),
        ("--list=nosuch", "--list=nosuch: there is no such group; valid are build, db, "),
        ("--list --list-format=x", "--list-format=x: unknown; valid are flat, nested, json"),
        ("test.unit --nosuch", "test.unit has no option --nosuch; valid are --dry-run, --jobs"),
        ("--nosuch", "inv has no option --nosuch; valid are "),
        ("db.stop --pg=15 --pg=16", "--pg is given twice; give it once"),
        ("db.stop -p 15 -p 16", "-p is given twice; give it once"),
        ("db.stop --pg", "--pg needs a value: --pg=VALUE"),
        ("db.stop --dry-run=3", "--dry-run takes no value"),
        ("--list-depth=x --list", "--command-timeout and --list-depth take a whole number"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_names_what_is_valid(words: str, said: str) -> None:
    done = inv(*words.split())
    assert done.stderr.startswith(f"inv: {said}")
    assert done.stderr.count("\n") == 1
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_has_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = inv("--list", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_usage_names_inv(tmp_path: Path) -> None:
    assert inv("--help", "db.stop", folder=tmp_path).stdout.startswith("Usage: inv [--core-opts] db.stop ")


def test_plain_invoke_has_the_same_tasks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "--list", "--list-format=json"]
    plain = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    ours = inv("--list", "--list-format=json").stdout
    assert plain.count('"name"') == ours.count('"name"') > 20


def test_what_the_system_refuses_is_one_line_with_the_file_and_the_reason(tmp_path: Path) -> None:
    @task()
    def broken(c: Context) -> None:
        (tmp_path / "missing" / "file").read_text()

    with pytest.raises(Exit) as caught:
        broken(Context())
    assert caught.value.message == f"inv: {tmp_path}/missing/file: No such file or directory"
    assert caught.value.code == 1
