"""Servers that run until they are stopped: at most one for each major, for work by hand (`inv db.*`)."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import serverbuilds, servers
from tasks.lib.errors import PggitError
from tasks.lib.filelock import locked
from tasks.lib.servers import Cluster


@dataclass(frozen=True)
class Kept:
    """A server that `start()` made, as its state file remembers it."""

    cluster: Cluster
    source: str

    @property
    def running(self) -> bool:
        """Whether it listens now; after a reboot or a kill it does not, although its state is there.

        (Asking the socket, not the process: a process number may be a zombie's or somebody else's.)
        """
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.cluster.folder / f".s.PGSQL.{servers.PORT}"))
            except OSError:
                return False
        return True


def _state(pg: str) -> Path:
    return serverbuilds.home() / f"kept-{pg}.json"


@contextmanager
def _turn(pg: str) -> Iterator[None]:
    with locked(serverbuilds.home() / f".lock-kept-{pg}"):
        yield


def find(pg: str) -> Kept | None:
    """The kept server of major `pg`, running or not; None when there is none."""
    try:
        state = json.loads(_state(pg).read_text("utf-8"))
        return Kept(Cluster(pg, Path(state["bin"]), Path(state["folder"])), state["source"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError) as error:
        raise PggitError(f"{_state(pg)} is damaged; remove it") from error


def every() -> tuple[Kept, ...]:
    """All kept servers, by major."""
    return tuple(kept for pg in serverbuilds.majors() if (kept := find(pg)) is not None)


def start(pg: str, source: str, durable: bool) -> tuple[Kept, bool]:
    """The running server of major `pg` with this checkout's extension files, and whether it is new.

    One that runs is left alone but for the extension's files, which are brought up to date; the remains
    of one that died are removed first.
    Raises PggitError where it cannot start.
    """
    with _turn(pg):
        found = find(pg)
        if found is not None and found.running:
            serverbuilds.bin_dir(pg, found.source)
            return found, False
        if found is not None:
            _forget(found)
        binaries = serverbuilds.bin_dir(pg, source)
        cluster = Cluster(pg, binaries, servers.make_folder(f"pggit-db{pg}-"))
        try:
            _run(cluster, cluster.initdb_command(), "initialise")
            cluster.configure({}, durable)
            _run(cluster, cluster.start_command(), "start")
        except BaseException:
            servers.remove(cluster)
            raise
        kept = Kept(cluster, source)
        state = {"bin": str(cluster.bin), "folder": str(cluster.folder), "source": source}
        _state(pg).write_text(json.dumps(state) + "\n", "utf-8")
        return kept, True


def stop(pg: str) -> bool:
    """Stop and remove the kept server of major `pg`; False when there was none."""
    with _turn(pg):
        found = find(pg)
        if found is None:
            return False
        if found.running:
            _run(found.cluster, found.cluster.stop_command("fast"), "stop")
        _forget(found)
        return True


def _forget(kept: Kept) -> None:
    servers.remove(kept.cluster)
    _state(kept.cluster.pg).unlink(missing_ok=True)


def _run(cluster: Cluster, argv: list[str], purpose: str) -> None:
    result = servers.run_as_server_user(argv, cluster.folder)
    if result.returncode != 0:
        raise servers.failure(cluster, purpose, result.stdout)
