"""Writing to dist: whole or not at all, one build at a time, and one clear line when it cannot be."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.lib import dist, manifest, paths
from tasks.lib.errors import PggitError
from tasks.lib.filelock import locked
from tasks.lib.manifest import Artifact
from tasks.lib.paths import ROOT


def _artifact(file: str, data: bytes) -> Artifact:
    return Artifact(file, manifest.sha256(data), len(data), "t", "0.1.0", "local", "auto", "i", 1, {"nfpm": "2"}, 0.1)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    old_umask = os.umask(0o077)
    try:
        dist.write(tmp_path / "a" / "file", b"one")
        dist.write(tmp_path / "a" / "file", b"two")
    finally:
        os.umask(old_umask)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
    assert (tmp_path / "a" / "file").read_bytes() == b"two"
    assert (tmp_path / "a" / "file").stat().st_mode & 0o777 == 0o644


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """In a process of its own, whose files may not grow over 1 kB: to a program the same as a full disk."""
    (tmp_path / "file").write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path; from tasks.lib import dist, errors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "try: dist.write(Path(sys.argv[1]), b'x' * 5000)\n"
        "except errors.PggitError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"cannot write {tmp_path / 'file'}: File too large\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "debian-13" / ".x.deb.abc.partial"
    left.parent.mkdir()
    left.write_bytes(b"half")
    with dist.lock(lambda: pytest.fail("nobody holds it"), tmp_path):
        assert not left.exists()


def test_a_second_build_says_that_it_waits(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        said = []

        def waiting() -> None:
            said.append("waiting")
            fcntl.flock(handle, fcntl.LOCK_UN)

        with dist.lock(waiting, tmp_path):
            assert said == ["waiting"]


def test_manifest_adds_and_replaces(tmp_path: Path) -> None:
    manifest.record([_artifact("a/x", b"1"), _artifact("a/y", b"2")], tmp_path)
    manifest.record([_artifact("a/x", b"3")], tmp_path)
    listed = manifest.read(tmp_path)
    assert {file: one.sha256 for file, one in listed.items()} == {
        "a/x": manifest.sha256(b"3"),
        "a/y": manifest.sha256(b"2"),
    }
    assert json.loads((tmp_path / "manifest.json").read_text())["artifacts"][0]["tools"] == {"nfpm": "2"}


def test_an_artifact_is_intact_only_with_its_own_bytes(tmp_path: Path) -> None:
    one = _artifact("a/x", b"abc")
    assert not one.is_intact(tmp_path)
    dist.write(tmp_path / "a/x", b"abc")
    assert one.is_intact(tmp_path)
    dist.write(tmp_path / "a/x", b"abd")
    assert not one.is_intact(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"artifacts": [{}]}', '{"artifacts": [{"file": "x"}]}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(PggitError, match=r"manifest\.json cannot be read .*; delete it and build again"):
        manifest.read(tmp_path)


def test_no_manifest_is_an_empty_one(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_under_sudo_files_belong_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    dist.write(tmp_path / "new" / "file", b"")
    for path in (tmp_path / "new", tmp_path / "new" / "file"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)
    assert tmp_path.stat().st_uid == 0


def test_a_lock_file_that_its_holder_removed_locks_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)

        def remove_and_release() -> None:
            lock.unlink()
            fcntl.flock(handle, fcntl.LOCK_UN)

        with locked(lock, remove_and_release), lock.open("w") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_under_sudo_all_that_a_task_left_belongs_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "54321")
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for folder in (checkout / "build" / "deep", checkout / "dist", elsewhere):
        folder.mkdir(parents=True)
    for file in (checkout / "build" / "deep" / "file", checkout / "dist" / "file", elsewhere / "system"):
        file.touch()
    os.link(elsewhere / "system", checkout / "build" / "linked")
    (checkout / "build" / "link").symlink_to(elsewhere / "system")
    monkeypatch.setattr(paths, "written", lambda: (checkout / "build", checkout / "dist", elsewhere))
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "no cache"))
    os.chown(checkout, 12345, 54321)
    dist.hand_over_all()
    kept = {path for path in tmp_path.rglob("*") if path.lstat().st_uid == 0}
    assert kept == {elsewhere, elsewhere / "system", checkout / "build" / "linked"}
