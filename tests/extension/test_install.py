"""`inv install` into a copy of a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.lib import install, serverbuilds, sqlscript
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server


@pytest.fixture
def pg_config(server: Server, tmp_path: Path) -> Path:
    """pg_config of a copy of the server, to install into."""
    tree = tmp_path / "server"
    source = server.bin.parent
    (tree / "bin").mkdir(parents=True)
    (tree / "share" / "extension").mkdir(parents=True)
    program = tree / "bin" / "pg_config"
    program.write_bytes((source / "bin" / "pg_config").read_bytes())
    program.chmod(0o755)
    if Path(serverbuilds._output(program, "--sharedir")) != tree / "share":
        pytest.skip("this server's pg_config cannot be moved")
    return program


def inv_install(pg_config: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-m",
        "invoke",
        "--search-root",
        str(ROOT),
        "install",
        f"--pg-config={pg_config}",
        *words,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_install_writes_the_extension_and_removes_another_build(pg: str, pg_config: Path) -> None:
    folder = pg_config.parents[1] / "share" / "extension"
    (folder / "pggit--0.0.1.sql").write_text("stale")
    (folder / "other--1.sql").write_text("not ours")
    assert "would write" in inv_install(pg_config, "--dry-run").stdout
    assert not (folder / "pggit.control").exists()
    done = inv_install(pg_config)
    assert done.returncode == 0, done.stderr
    assert f"is installed for PostgreSQL {pg}." in done.stdout
    assert {path.name for path in folder.iterdir()} == {*sqlscript.contents(), "other--1.sql"}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("pggit*")} == {0o644}
    assert "wrote" not in inv_install(pg_config).stdout


def test_a_file_that_cannot_be_written_is_one_line(pg_config: Path) -> None:
    folder = pg_config.parents[1] / "share" / "extension"
    # Root may write anywhere; a folder in the place of the half-written file stops root too.
    (folder / f".{sqlscript.CONTROL.name}.{os.getpid()}").mkdir()
    with pytest.raises(PggitError, match=r"cannot write to .*: Is a directory; run this as a user who may"):
        install.put(folder)


def test_a_server_without_its_folder_is_refused(pg_config: Path) -> None:
    (pg_config.parents[1] / "share" / "extension").rmdir()
    with pytest.raises(PggitError, match="share/extension does not exist"):
        install.inspect(str(pg_config))


def test_other_programs_are_no_pg_config() -> None:
    with pytest.raises(UsageError, match="no such program"):
        install.inspect("pg_config_nowhere")
    with pytest.raises(UsageError, match="does not answer like a pg_config"):
        install.inspect("true")
