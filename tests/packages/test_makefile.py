"""extension/Makefile: `make install` from source, with the PGXS of a real server build."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.lib import serverbuilds, sqlscript
from tests.packages import checkouts

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def _make(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", str(checkout / "extension"), *words],
        env=checkouts.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[serverbuilds.majors()[0], serverbuilds.majors()[-1]])
def pg_config(request: pytest.FixtureRequest) -> str:
    return str(serverbuilds.embedded(request.param) / "bin" / "pg_config")


def _installed(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_it_installs_exactly_what_the_build_makes(tmp_path: Path, pg_config: str) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    expected = sqlscript.contents()
    done = _make(checkout, "install", f"PG_CONFIG={pg_config}", f"DESTDIR={tmp_path}/root")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(_installed(tmp_path / "root")) == set(expected)
    assert _installed(tmp_path / "root")["pggit.control"] == expected["pggit.control"]
    [folder] = {path.parent for path in (tmp_path / "root").rglob("*.sql")}
    assert folder.name == "extension"

    again = _make(checkout, "install", f"PG_CONFIG={pg_config}", f"DESTDIR={tmp_path}/root")
    assert "build.sql" not in again.stdout

    with (checkout / "extension" / "sql" / "99_more.sql").open("w") as file:
        file.write("SELECT 'more';\n")
    changed = _make(checkout, "install", f"PG_CONFIG={pg_config}", f"DESTDIR={tmp_path}/root")
    assert "build.sql" in changed.stdout
    assert b"SELECT 'more';" in _installed(tmp_path / "root")[f"pggit--{sqlscript.version()}.sql"]

    removed = _make(checkout, "uninstall", f"PG_CONFIG={pg_config}", f"DESTDIR={tmp_path}/root")
    assert removed.returncode == 0
    assert _installed(tmp_path / "root") == {}


def test_without_a_server_it_says_what_to_name(tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    done = _make(checkout, "install", f"PG_CONFIG={tmp_path}/nothing")
    assert done.returncode != 0
    assert "does not run; name the server's own: make install PG_CONFIG=/path/to/pg_config" in done.stderr
