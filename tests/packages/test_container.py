"""Containers: commands, files by tar, and that none outlives its maker, however that one ends."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from tasks.lib.container import LABEL, CommandFailed, Container, sweep
from tasks.lib.errors import PggitError
from tasks.lib.paths import ROOT
from tests.packages.engineproxy import EngineProxy

pytestmark = pytest.mark.usefixtures("docker_engine")


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def box(debian: str) -> Iterator[Container]:
    with Container(debian, "tests") as container:
        yield container


def _gone(client: docker.DockerClient, id: str) -> None:
    """Returns when the container no longer exists; fails when it still does after 30 seconds."""
    with contextlib.suppress(docker.errors.NotFound):
        client.api.wait(id, timeout=30, condition="removed")


def test_output_is_whole_and_goes_to_the_log_too(box: Container, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    done = box.run(["sh", "-c", "echo out; echo err >&2; echo $WORD; id -u; pwd"], env={"WORD": "a 'b'"}, log=log)
    assert sorted(done.output.split("\n")) == sorted(["out", "err", "a 'b'", "0", "/", ""])
    box.run(["echo", "more"], log=log, workdir="/srv", user="nobody")
    assert log.read_text() == done.output + "more\n"


def test_arguments_are_no_shell_text(box: Container) -> None:
    assert box.run(["echo", "$HOME; exit 3", "*"]).output == "$HOME; exit 3 *\n"


def test_a_failing_command(box: Container, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"failed in .* with exit code 3: last words \(log: ") as caught:
        box.run(["sh", "-c", "echo first; echo last words; exit 3"], log=tmp_path / "log")
    assert caught.value.output == "first\nlast words\n"
    assert "\n" not in str(caught.value)
    assert box.run(["false"], check=False).exit_code == 1
    with pytest.raises(CommandFailed, match="executable file not found"):
        box.run(["no-such-program"])


def test_a_log_that_cannot_be_written_is_not_taken_for_a_lost_engine(box: Container) -> None:
    with pytest.raises(PggitError, match="cannot write the log /dev/full: No space left on device"):
        box.run(["echo", "x"], log=Path("/dev/full"))


def test_files_go_in_and_out(box: Container) -> None:
    box.put({"a/b.txt": b"b\n", "run": b"#!/bin/sh\necho ran\n"}, "/srv/in", mode=0o755)
    assert box.get("/srv/in") == {"a/b.txt": b"b\n", "run": b"#!/bin/sh\necho ran\n"}
    assert box.get("/srv/in/a/b.txt") == {"b.txt": b"b\n"}
    assert box.run(["/srv/in/run"]).output == "ran\n"
    assert box.run(["stat", "-c", "%U:%G %a", "/srv/in/run"]).output == "root:root 755\n"


def test_a_folder_keeps_its_modes(box: Container, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "tool").write_bytes(b"x")
    (tmp_path / "sub" / "tool").chmod(0o750)
    box.put(tmp_path, "/srv/folder")
    box.put(tmp_path / "sub" / "tool", "/srv/file")
    assert stat.S_IMODE((tmp_path / "sub" / "tool").stat().st_mode) == 0o750
    assert box.run(["stat", "-c", "%U %a", "/srv/folder/sub/tool", "/srv/file/tool"]).output == "root 750\n" * 2


def test_getting_what_is_not_there(box: Container) -> None:
    with pytest.raises(PggitError, match="Docker refused while copying /nowhere out of"):
        box.get("/nowhere")


def test_no_such_image() -> None:
    with pytest.raises(PggitError, match="No such image: pggit/nothing:here"), Container("pggit/nothing:here"):
        pass


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_removes_the_container(
    debian: str, client: docker.DockerClient, error: type[BaseException]
) -> None:
    with pytest.raises(error), Container(debian) as box:
        raise error
    _gone(client, box.id)


MAKER = """
import sys
from tasks.lib.container import Container
with Container(sys.argv[1]) as box:
    print(box.id, flush=True)
    box.run(["sleep", "1000"])
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_maker_takes_its_container_along(
    debian: str, client: docker.DockerClient, how: signal.Signals
) -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKER, debian], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert maker.stdout is not None
    id = maker.stdout.readline().strip()
    assert client.containers.get(id).status == "running"
    maker.send_signal(how)
    assert maker.wait(timeout=30) != 0
    _gone(client, id)


def test_the_next_run_removes_what_a_killed_one_left_unstarted(debian: str, client: docker.DockerClient) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    ids = {}
    for pid, host in ((ended.pid, socket.gethostname()), (os.getpid(), socket.gethostname()), (ended.pid, "elsewhere")):
        labels = {LABEL: "1", "pggit.pid": str(pid), "pggit.host": host}
        ids[pid, host] = client.api.create_container(debian, ["cat"], labels=labels)["Id"]
    try:
        sweep(client)
        left = {c["Id"] for c in client.api.containers(all=True, filters={"label": LABEL})}
        assert {key for key, id in ids.items() if id in left} == {
            (os.getpid(), socket.gethostname()),
            (ended.pid, "elsewhere"),
        }
    finally:
        for id in ids.values():
            with contextlib.suppress(docker.errors.NotFound):
                client.api.remove_container(id, force=True)


def test_an_engine_that_goes_away_in_the_middle_is_one_line(
    debian: str, client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(proxy: EngineProxy) -> None:
        proxy.wait_for_marker()
        proxy.cut()

    with EngineProxy(marker=b"has-begun") as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.address)
        cutter = threading.Thread(target=cut, args=(proxy,))
        box = Container(debian)
        cutter.start()
        with pytest.raises(PggitError) as caught:
            _begin_and_wait(box)
        cutter.join()
    assert str(caught.value).startswith("no Docker engine answers while running sh in ")
    assert "\n" not in str(caught.value)
    _gone(client, box.id)


def _begin_and_wait(box: Container) -> None:
    with box:
        # The marker is put together in the container: the request must not hold it.
        box.run(["sh", "-c", "echo has-$0; sleep 1000", "begun"])
