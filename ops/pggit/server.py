"""Asks a server through its own psql, so that passwords, services and certificates work as they do everywhere."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pggit.errors import CommandError

CANNOT_TELL = 3
"""Exit code: the server could not be asked."""

# By SQLSTATE: messages come in the server's language.
_REMEDIES = {
    "3F000": "pgGit is not installed in this database: CREATE EXTENSION pggit;",
    "42883": "pgGit in this database is older than this command: CALL pggit.upgrade();",
    "42P01": "pgGit in this database is older than this command: CALL pggit.upgrade();",
    "42501": "a superuser lets this role read pgGit with SELECT pggit.grant_access('…', 'reader');",
}
_SERVER_ERROR = re.compile(r"^psql:<stdin>:\d+: (?!NOTICE|WARNING|INFO|LOG|DEBUG)[^:]+:  ?(\w{5}): (.*)$")
_NOTICE = re.compile(r"^psql:<stdin>:\d+: NOTICE: +\w{5}: (.*)$")
_OWN_ERROR = re.compile(r"^psql:(<stdin>:\d+:)? *(error: *)?")


@dataclass(frozen=True)
class Connection:
    """Where to connect: psql's own words for it, and how long to wait for an answer in seconds."""

    words: tuple[str, ...]
    timeout: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """The connection options that PostgreSQL's own programs have."""
    group = parser.add_argument_group("connection (PGHOST, PGSERVICE, ~/.pgpass and the like count, as for psql)")
    group.add_argument("-h", "--host", help="host name, or folder of the socket")
    group.add_argument("-p", "--port", help="port")
    group.add_argument("-U", "--username", help="role to connect as")
    group.add_argument("-d", "--dbname", help="database, or a connection string")
    group.add_argument(
        "--timeout", type=_seconds, default=30, metavar="SECONDS", help="how long to wait for an answer (default: 30)"
    )


def connection(options: argparse.Namespace) -> Connection:
    """What the options say."""
    named = {"--host": options.host, "--port": options.port, "--username": options.username, "--dbname": options.dbname}
    return Connection(tuple(f"{name}={value}" for name, value in named.items() if value is not None), options.timeout)


def ask(where: Connection, query: str) -> Any:
    """The one value that a query returns, which is JSON.

    Raises CommandError with exit code 3 where there is no answer, with the reason in one line.
    """
    # All in one transaction, so that a pooler's next client finds no setting of ours.
    script = f"BEGIN READ ONLY;\nSET LOCAL statement_timeout = '{where.timeout}s';\n{query};\nCOMMIT;\n"
    return json.loads(run(where, script, where.timeout + 5))


def run(where: Connection, script: str, timeout: int | None = None, heed: Callable[[str], None] | None = None) -> str:
    """What psql prints for a script: rows as text without headings. `heed` gets each notice as it comes.

    Raises CommandError with exit code 3 where psql fails, or takes longer than so many seconds.
    """
    # -w: who runs this has nobody to type a password.
    command = ["psql", "-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", *where.words]
    environment = {
        **os.environ,
        "PGCONNECT_TIMEOUT": os.environ.get("PGCONNECT_TIMEOUT", str(where.timeout)),
        "PGAPPNAME": os.environ.get("PGAPPNAME", "pggit"),
        "PGCLIENTENCODING": "UTF8",
        "LC_ALL": "C",
    }
    late = threading.Event()
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(script.encode())
        asked.seek(0)
        try:
            process = subprocess.Popen(
                [*command, "-f", "-"],
                stdin=asked,
                stdout=said,
                stderr=subprocess.PIPE,
                env=environment,
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError:
            raise CommandError("psql is not on PATH; it comes with PostgreSQL's client package", CANNOT_TELL) from None

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout or 0, stop)
        if timeout is not None:
            timer.start()
        trouble = []
        with process:
            try:
                for line in process.stderr or ():
                    trouble.append(line)
                    if heed and (found := _NOTICE.match(line)):
                        heed(found[1])
            except KeyboardInterrupt:
                # psql cancels its statement, and is waited for: only then is it known how that ended.
                process.send_signal(signal.SIGINT)
                process.communicate()
                raise
            finally:
                timer.cancel()
        if late.is_set():
            raise CommandError(f"no answer within {where.timeout} seconds", CANNOT_TELL)
        if process.returncode != 0:
            raise failure("".join(trouble))
        said.seek(0)
        return said.read().decode("utf-8", "replace")


def literal(text: str | None) -> str:
    """A text as SQL writes it."""
    if text is None:
        return "NULL"
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def failure(said: str) -> CommandError:
    """What psql said, in one line, and what to do where that is known."""
    lines = said.splitlines()
    for place, line in enumerate(lines):
        if found := _SERVER_ERROR.match(line):
            hint = next((more[len("HINT:") :].strip() for more in lines[place:] if more.startswith("HINT:")), "")
            remedy = _REMEDIES.get(found[1]) or (hint if found[1].startswith("GT") else "")
            return CommandError(found[2] + (f"; {remedy}" if remedy else ""), CANNOT_TELL, sqlstate=found[1])
    return CommandError(_OWN_ERROR.sub("", lines[0]) if lines else "psql failed and said nothing", CANNOT_TELL)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 3600")
    return int(text)
