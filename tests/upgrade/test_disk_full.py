"""A disk that is full on the way: nothing is half done, the log says why, and with room again a retry succeeds."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tasks.lib import servers
from tasks.lib.migrationground import Ground
from tests.extension.conftest import Connection
from tests.extension.test_commits import one
from tests.upgrade import aftermath, breakpoints

LAST = "SELECT status, error_message FROM pggit.upgrade_log ORDER BY upgrade_id DESC LIMIT 1"
WAYS = [pytest.param(*way, id="-".join(way)) for way in breakpoints.ways()]
SIZE = 64 * 1024**2
ROOM = (0, 256, 1024, 4096)
"""Kilobytes that are left when the update begins: it fails earlier or later, or comes through."""
LARGEST_FILE = 16 * 1024**2
"""What files of the server's log are as large as: a lower limit would have it crash instead."""


@pytest.fixture(scope="session")
def small_disk(breaking: Ground) -> Iterator[Path]:
    """A file system of its own with the tablespace `small` in it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system; the limit on files' sizes is tried all the same")
    folder = servers.make_folder("pggit-small-")
    owner = servers.server_user()
    options = f"size={SIZE},mode=700" + (f",uid={owner[0]},gid={owner[1]}" if owner else "")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
    )
    try:
        if mounted.returncode:
            pytest.skip(f"cannot mount: {mounted.stderr.strip()}; the limit on files' sizes is tried all the same")
        breaking.server.admin.execute(f"CREATE TABLESPACE small LOCATION '{folder}'".encode())
        yield folder
        breaking.server.admin.execute("DROP TABLESPACE small")
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder)


def fill(folder: Path, left: int) -> Path:
    """A file that leaves so many bytes."""
    path = folder / "filler"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - left)
    return path


def fails_or_not(db: Connection, goal: str, how: str) -> str:
    """What the update says when it fails, and "" when not."""
    try:
        db.execute(aftermath.command(goal, how))
    except psycopg.Error as error:
        return str(error)
    return ""


@pytest.mark.parametrize("how", ["ALTER", "CALL"])
@pytest.mark.parametrize(("start", "goal"), WAYS)
def test_a_full_disk(breaking: Ground, small_disk: Path, start: str, goal: str, how: str) -> None:
    failed = 0
    for number, left in enumerate(ROOM):
        name = f"on_a_small_disk_{number}"
        copied = f'CREATE DATABASE {name} TEMPLATE "{breaking.filled(start)}" TABLESPACE small STRATEGY file_copy'
        breaking.server.admin.execute(copied.encode())
        try:
            filler = fill(small_disk, left * 1024)
            try:
                with breaking.connect(name) as db:
                    said = fails_or_not(db, goal, how)
            finally:
                filler.unlink()
            assert said == "" or "No space left on device" in said
            failed += said != ""
            with breaking.connect(name) as db:
                if said and how == "CALL":
                    ((status, why),) = db.execute(LAST).fetchall()
                    assert status == "failed"
                    assert why.startswith("53100: ")
                assert one(db, "SELECT pggit.version()") == (start if said else goal)
                assert aftermath.faults(breaking, db, start, goal) == []
        finally:
            breaking.server.dropdb(name)
    assert 0 < failed < len(ROOM), "nothing was tried: each room is too large, or too small"


@pytest.mark.parametrize(("start", "goal"), WAYS)
def test_a_copy_that_does_not_fit(breaking: Ground, start: str, goal: str) -> None:
    """Where nobody can mount anything: the server's process may not write larger files."""
    with breaking.copy(breaking.filled(start)) as db:
        db.execute(
            "INSERT INTO pggit.tracking_errors (created_at, command_tag, sqlstate, message, session_role)"
            " SELECT now(), repeat('x', 1500), 'XX000', 'an error of the fixture', 'x' FROM generate_series(1, 12000)"
        )
        words = ["prlimit", "--pid", str(db.info.backend_pid), f"--fsize={LARGEST_FILE}:{LARGEST_FILE}"]
        limited = servers.run_as_server_user(words, breaking.server.cluster.folder)
        assert limited.returncode == 0, limited.stdout
        said = fails_or_not(db, goal, "CALL")
        assert "File too large" in said
        last = db.execute(
            "SELECT status, error_message FROM pggit.upgrade_log ORDER BY upgrade_id DESC LIMIT 1"
        ).fetchall()
        assert last[0][0] == "failed"
        assert "File too large" in last[0][1]
        with breaking.connect(db.info.dbname) as other:
            assert one(other, "SELECT pggit.version()") == start
            assert one(other, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pggit_backup_'") == 0
            other.execute(aftermath.command(goal, "CALL"))
            assert one(other, "SELECT count(*) FROM pggit.tracking_errors") == 12001
            assert one(other, "SELECT pggit.version()") == goal
