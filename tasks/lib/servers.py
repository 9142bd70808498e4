"""PostgreSQL servers with this checkout's extension: scratch ones that end with the run, and kept ones.

with Server("17") as server:
    server.createdb("one")
    psycopg.connect(server.dsn("one"))
"""

import contextlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.lib import serverbuilds
from tasks.lib.errors import PggitError

SUPERUSER = "postgres"
PORT = 5432
"""Part of the socket's name only: each server has a folder of its own and listens on no address."""

_SETTINGS = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", "log_line_prefix": "%m [%p] %q%u@%d "}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SOCKET_PATH_LIMIT = 107 - len(f"/.s.PGSQL.{PORT}.lock")


@dataclass(frozen=True)
class Cluster:
    """Where one server is: its programs, its data and its socket (connect with `dsn`)."""

    pg: str
    bin: Path
    folder: Path
    """Holds everything of this server; the socket too."""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "server.log"

    def dsn(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        """A libpq connection string; everybody who can enter the folder may connect as anybody."""
        host, name, role = (word.replace("\\", r"\\").replace("'", r"\'") for word in (str(self.folder), dbname, user))
        return f"host='{host}' port={PORT} dbname='{name}' user='{role}'"

    def start_command(self) -> list[str]:
        """pg_ctl's words that start the server and wait until it answers."""
        return [str(self.bin / "pg_ctl"), "start", "-w", "-s", "-t", "120", "-D", str(self.data), "-l", str(self.log)]

    def stop_command(self, mode: str) -> list[str]:
        """pg_ctl's words that stop the server ("fast", or "immediate" for one whose data is thrown away)."""
        return [str(self.bin / "pg_ctl"), "stop", "-w", "-s", "-t", "120", "-D", str(self.data), "-m", mode]

    def initdb_command(self) -> list[str]:
        """initdb's words: same locale and encoding on every machine."""
        return [
            str(self.bin / "initdb"), "-D", str(self.data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip

    def configure(self, settings: Mapping[str, str], durable: bool) -> None:
        """Write our settings and then `settings` into postgresql.conf; `durable` keeps fsync on."""
        every = {**_SETTINGS, "unix_socket_directories": str(self.folder), **({} if durable else _FAST), **settings}
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            for name, value in every.items():
                quoted = value.replace("\\", r"\\").replace("'", "''")
                conf.write(f"{name} = '{quoted}'\n")


def server_user() -> tuple[int, int] | None:
    """The (uid, gid) that servers run as when we are root, since PostgreSQL refuses root; else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise PggitError("PostgreSQL cannot run as root and there is no user postgres or nobody to run it as")


def temporary() -> Path:
    """The folder for temporary files, or /tmp where that one's path is too long to have sockets in."""
    folder = Path(tempfile.gettempdir())
    return folder if len(str(folder)) < _SOCKET_PATH_LIMIT - 30 else Path("/tmp")  # noqa: S108 - see make_folder


def make_folder(prefix: str, parent: Path | None = None) -> Path:
    """A new private folder, short enough for a socket's path, that the server's user owns."""
    parent = parent or temporary()
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        if user := server_user():
            os.chown(folder, *user)
    except OSError as error:
        raise PggitError(f"cannot make a folder for a server in {parent}: {error.strerror}") from error
    return folder


class Server:
    """A scratch server: a context manager that starts it, and stops and removes it at the end.

    It never outlives this process, not even when that is killed (serverguard.py sees to it).

    Args:
        pg: the PostgreSQL major, "17".
        source: "auto", "embedded" or "system"; default from the environment's PGGIT_SERVERS, else "auto".
        durable: keep fsync on; a scratch server's data needs no protection against power failure.
        settings: lines for postgresql.conf.
        parent: the folder to make its own in; default the one for temporary files.
    """

    def __init__(
        self,
        pg: str,
        *,
        source: str = "",
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        parent: Path | None = None,
    ) -> None:
        """Take note of what is wanted; `start()` makes it."""
        self.pg = pg
        self._parent = parent
        self._source = source or default_source()
        self._durable = durable
        self._settings = dict(settings or {})
        self._cluster: Cluster | None = None
        self._guard: subprocess.Popen[str] | None = None

    @property
    def cluster(self) -> Cluster:
        """Where the server is. Raises PggitError before the first start."""
        if self._cluster is None:
            raise PggitError(f"the PostgreSQL {self.pg} server is not started")
        return self._cluster

    @property
    def bin(self) -> Path:
        """The folder of its programs (psql, pg_dump …)."""
        return self.cluster.bin

    @property
    def socket_dir(self) -> Path:
        """Where its unix socket is: libpq's `host`."""
        return self.cluster.folder

    @property
    def port(self) -> int:
        """libpq's `port`."""
        return PORT

    def dsn(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        """A libpq connection string."""
        return self.cluster.dsn(dbname, user)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        """Stop and remove it."""
        self.close()

    def start(self) -> None:
        """Make the server on the first call; start it again after `stop()`.

        Raises PggitError with the end of the server's log when it does not start.
        """
        if self._guard is None:
            self._make()
        self._run(self.cluster.start_command(), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server and keep its data, so that `start()` continues ("immediate" is a crash)."""
        self._run(self.cluster.stop_command(mode), "stop")

    def close(self) -> None:
        """Stop the server and remove everything of it. Calling it twice is fine."""
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            with contextlib.suppress(OSError):  # a guard that died has nothing to read any more
                guard.stdin.close()
            guard.wait()
            if guard.stdout is not None:
                guard.stdout.close()

    def createdb(self, name: str, template: str | None = None) -> None:
        """Make a database, as a copy of `template` when one is named."""
        # Without file_copy each page goes through the server's log.
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template or "template1")

    def dropdb(self, name: str) -> None:
        """Drop a database, whoever is connected; none there is fine."""
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _admin(self, statement: str, *names: str) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @property
    def source(self) -> str:
        """Where its programs come from: "auto", "embedded" or "system"."""
        return self._source

    def _make(self) -> None:
        folder = make_folder(f"pggit-{self.pg}-", self._parent)
        try:
            self._cluster = Cluster(self.pg, self._programs(folder), folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
        # Isolated mode: the guard's own folder holds modules named like some of the standard library's.
        command = [sys.executable, "-I", str(Path(__file__).with_name("serverguard.py"))]
        self._guard = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=clean_environment(),
        )
        self._send(
            {
                "folder": str(self._cluster.folder),
                "stop": self._cluster.stop_command("immediate"),
                "user": server_user(),
            }
        )
        try:
            self._run(self._cluster.initdb_command(), "initialise")
            self._cluster.configure(self._settings, self._durable)
        except BaseException:
            self.close()
            raise

    def _programs(self, folder: Path) -> Path:
        """The server's programs; `folder` is the one that everything of it is in."""
        return serverbuilds.bin_dir(self.pg, self._source)

    def _send(self, message: Mapping[str, object]) -> None:
        if self._guard is None or self._guard.stdin is None:
            raise PggitError(f"the PostgreSQL {self.pg} server is not started")
        try:
            self._guard.stdin.write(json.dumps(message) + "\n")
            self._guard.stdin.flush()
        except OSError as error:
            raise PggitError(f"the process that guards the PostgreSQL {self.pg} server has died") from error

    def _run(self, argv: list[str], purpose: str) -> None:
        self._send({"run": argv})
        line = self._guard.stdout.readline() if self._guard and self._guard.stdout else ""
        if not line:
            raise PggitError(f"the process that guards the PostgreSQL {self.pg} server has died")
        answer = json.loads(line)
        if answer["code"] != 0:
            raise failure(self.cluster, purpose, answer["output"])


def default_source() -> str:
    """The source of servers when none is named: the environment's PGGIT_SERVERS, else "auto"."""
    return os.environ.get("PGGIT_SERVERS") or "auto"


def clean_environment() -> dict[str, str]:
    """Our environment without the variables that libpq and the server's programs listen to."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") or name.startswith("PGGIT_")}


def failure(cluster: Cluster, purpose: str, output: str) -> PggitError:
    """What to raise when a server could not be started or stopped: the reason out of output and log."""
    log = cluster.log.read_text("utf-8", "replace") if cluster.log.is_file() else ""
    lines = [line for line in (output + "\n" + log).splitlines() if line.strip()]
    telling = [line.strip() for line in lines if re.search(r"FATAL|PANIC|error|invalid", line, re.IGNORECASE)]
    reason = "; ".join(telling[-2:]) or (lines or ["no reason given"])[-1]
    return PggitError(f"cannot {purpose} the PostgreSQL {cluster.pg} server in {cluster.folder}: {reason}")


def run_as_server_user(argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a server's program in `folder` with the rights that servers have; output is captured."""
    user = server_user()
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=clean_environment(),
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
    )


def remove(cluster: Cluster) -> None:
    """Delete everything of a stopped server."""
    shutil.rmtree(cluster.folder, ignore_errors=True)
