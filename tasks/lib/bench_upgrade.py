"""What an upgrade costs and whom it keeps waiting, measured on a scratch server of the newest PostgreSQL."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tasks.lib import released, servers
from tasks.lib.bench_extension import PGGIT, connect, scratch_server, time_of
from tasks.lib.bench_monitoring import LENGTHEN
from tasks.lib.errors import PggitError
from tasks.lib.measurement import Result, from_ratios
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server

_ROWS = 1_000_000
_LONGEST_WAIT = 0.1
"""Seconds that a command beside an upgrade may take."""
_MOST_COMMANDS = 5000
_BARE = """
    CREATE SCHEMA pggit_backup_bare;
    DO $$
    DECLARE
        name text;
    BEGIN
        FOREACH name IN ARRAY pggit.data_tables() LOOP
            EXECUTE format('CREATE TABLE pggit_backup_bare.%I AS TABLE pggit.%I', name, name);
        END LOOP;
    END $$;
    CREATE INDEX idx_history_performance ON pggit.history USING btree (change_type, created_at);
    CREATE INDEX objects_by_type ON pggit.objects USING btree (object_type) WHERE is_active;
    CREATE INDEX objects_tracked ON pggit.objects USING btree (id) WHERE (is_active AND (NOT is_manual));
    SELECT sum(hashtextextended(h::text, 0)) FROM pggit.history h;
    ALTER EXTENSION pggit UPDATE;
    """
"""The same work: backup copy, indexes, one digest pass over the history, the script."""


def upgrade(full: bool) -> Iterator[Result]:
    """What `pggit upgrade` costs with a long history, against its bare statements, and how long it blocks others."""
    ratios, waits = [], []
    with scratch_server() as running:
        running.createdb("long")
        with ExitStack() as stack:
            db = connect(stack, running, "long")
            db.execute(PGGIT.replace("pggit;", f"pggit VERSION '{released.versions()[0]}';", 1).encode())
            db.execute("CREATE TABLE t (id integer)")
            db.execute(LENGTHEN, {"rows": _ROWS})
            db.execute("VACUUM ANALYZE")
        for n in range(7 if full else 3):
            for name in ("bare", "alone", "beside"):
                running.createdb(f"{name}_{n}", "long")
            with ExitStack() as stack:
                bare = time_of(connect(stack, running, f"bare_{n}"), _BARE)
                begin = time.perf_counter()
                _finish(_start(running, f"alone_{n}"))
                ratios.append((time.perf_counter() - begin) / bare)
                waits.append(_longest_wait(running, f"beside_{n}", stack) / _LONGEST_WAIT)
            for name in ("bare", "alone", "beside"):
                running.dropdb(f"{name}_{n}")
    yield from_ratios("upgrade", f"pggit upgrade, {_ROWS:,} rows of history", 1.3, ratios, "its bare statements")
    longest = f"longest CREATE TABLE beside it, {1000 * _LONGEST_WAIT * max(waits):.0f} ms at worst"
    # The longest of all, not the middle one: "never longer than".
    yield Result("upgrade", longest, round(max(waits), 3), 1.0, f"{1000 * _LONGEST_WAIT:.0f} ms", len(waits), 0.0)


def _longest_wait(running: Server, dbname: str, stack: ExitStack) -> float:
    """Seconds of the slowest of the commands that a session gives while pgGit is upgraded."""
    db = connect(stack, running, dbname)
    db.execute("CREATE TABLE warm_up (id integer)")
    longest = 0.0
    process = _start(running, dbname)
    for n in range(_MOST_COMMANDS):
        if process.poll() is not None:
            break
        longest = max(longest, time_of(db, f"CREATE TABLE beside_{n} (id integer)"))
    else:
        process.kill()
        raise PggitError(f"{_MOST_COMMANDS} commands were over before the upgrade beside them")
    _finish(process)
    return longest


def _start(running: Server, dbname: str) -> "subprocess.Popen[str]":
    environment = {**servers.clean_environment(), "PATH": f"{running.bin}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, str(ROOT / "ops" / "bin" / "pggit"), "upgrade", f"--dbname={running.dsn(dbname)}"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _finish(process: "subprocess.Popen[str]") -> None:
    _, trouble = process.communicate()
    if process.returncode != 0:
        raise PggitError(f"pggit upgrade failed with exit code {process.returncode}: {trouble.strip()}")
