"""packages.verify: real packages into real systems, and that it finds what is wrong with one."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.lib import aptrepo, evidence, packageverify, sqlscript, targets
from tasks.lib.container import Container
from tasks.lib.errors import PggitError
from tests.packages import checkouts
from tests.packages.checkouts import inv

pytestmark = pytest.mark.usefixtures("docker_engine")
VERSION = sqlscript.version()
PAIRS = [("debian-12", "15"), ("debian-13", "17")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout that has built a package for each of PAIRS."""
    copy = checkouts.copy(tmp_path_factory.mktemp("verify") / "checkout")
    for os, pg in PAIRS:
        done = inv(copy, "build.deb", f"--os={os}", f"--pg={pg}")
        assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.mark.parametrize(("os", "pg"), PAIRS)
def test_a_package_is_installed_used_and_removed(checkout: Path, os: str, pg: str) -> None:
    done = inv(checkout, "packages.verify", f"--os={os}", f"--pg={pg}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"server start: PostgreSQL {pg}." in done.stdout
    (file,) = (checkout / "dist" / "evidence").glob(f"packages.verify-deb-{os}-pg{pg}-*.json")
    evidence = json.loads(file.read_text())
    assert evidence["ok"] is True
    assert evidence["package"].startswith(f"{os}/postgresql-{pg}-pggit_")
    assert {"CREATE EXTENSION and init", "tracking", "an ordinary role", "apt-get purge"} <= {
        step["title"] for step in evidence["steps"]
    }


def test_a_package_that_was_not_built(checkout: Path) -> None:
    done = inv(checkout, "packages.verify", "--os=debian-13", "--pg=15")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("make it with: ./inv build.deb --pg=15 --os=debian-13")
    assert len(done.stderr.splitlines()) == 1


def test_a_dry_run_starts_nothing(checkout: Path) -> None:
    done = inv(checkout, "packages.verify", "--dry-run", env={"DOCKER_HOST": "unix:///nobody/listens"})
    assert done.returncode == 0
    assert "would install debian-13/postgresql-17-pggit_" in done.stdout


def test_without_an_engine_it_fails_in_one_line_and_keeps_that_as_evidence(checkout: Path) -> None:
    done = inv(checkout, "packages.verify", "--json", env={"DOCKER_HOST": "unix:///nobody/listens"})
    assert done.returncode == 1
    (outcome,) = json.loads(done.stdout)["packages"]
    assert outcome["ok"] is False
    assert outcome["problem"].startswith("a server to install it beside: no Docker engine answers")
    assert "Traceback" not in done.stderr


# What is done to the unpacked package in the folder x, and what verifying it must then say.
SABOTAGE = {
    "leaves a file": (
        r"printf '#!/bin/sh\nmkdir -p /var/lib/pggit\n' > x/DEBIAN/postinst; chmod 755 x/DEBIAN/postinst",
        "apt-get remove: files left after remove: expected none, found /var/lib/pggit",
    ),
    "another version inside": (
        "cd x/usr/share/postgresql/17/extension;"
        f" sed -i s/{VERSION}/9.9.9/ pggit.control; mv pggit--{VERSION}.sql pggit--9.9.9.sql",
        f"CREATE EXTENSION and init: pggit.version(): expected {VERSION}, found 9.9.9",
    ),
    "no script": (
        "rm x/usr/share/postgresql/17/extension/pggit--*.sql",
        "CREATE EXTENSION and init: ",
    ),
    "records nothing": (
        "echo 'CREATE OR REPLACE FUNCTION pggit.on_ddl_command_end() RETURNS event_trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN END $$;' >> x/usr/share/postgresql/17/extension/pggit--{VERSION}.sql",
        "tracking: rows of the new table in pggit.history: expected 1, found 0",
    ),
    "needs what nobody has": (
        "sed -i 's/^Depends: /Depends: postgresql-17-nothing, /' x/DEBIAN/control",
        "apt-get install: ",
    ),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_it_finds_what_is_wrong(
    checkout: Path, tmp_path: Path, server_image: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    command, problem = SABOTAGE[name]
    (package,) = (checkout / "dist" / "debian-13").glob("postgresql-17-*.deb")
    with Container(server_image("debian-13", "17")) as box:
        box.put({"in.deb": package.read_bytes()}, "/srv")
        script = f"dpkg-deb -R in.deb x; ({command}); dpkg-deb -Zxz -b x out.deb"
        box.run(["sh", "-euc", script], workdir="/srv")
        broken = box.get("/srv/out.deb")["out.deb"]
    (tmp_path / package.name).write_bytes(broken)
    recorded = []
    monkeypatch.setattr(evidence, "record", lambda *given: recorded.append(given[:3]))
    (target,) = targets.load().select("deb", "17", "debian-13", targets.native_arch()).targets
    verdict = packageverify.verify(target, tmp_path / package.name, None, lambda line: None)
    assert verdict.problem is not None
    assert verdict.problem.startswith(problem)
    assert recorded == [("packages.verify", target.id, False)]


def test_the_index_describes_the_package(checkout: Path) -> None:
    (package,) = (checkout / "dist" / "debian-13").glob("postgresql-17-*.deb")
    index = aptrepo.packages_index({package.name: package.read_bytes()}).decode()
    fields = dict(line.split(": ", 1) for line in index.splitlines() if not line.startswith(" "))
    assert fields["Package"] == "postgresql-17-pggit"
    assert fields["Filename"] == f"./{package.name}"
    assert fields["Size"] == str(package.stat().st_size)
    assert fields["SHA256"] == hashlib.sha256(package.read_bytes()).hexdigest()


def test_the_newest_revision_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "debian-13"
    folder.mkdir()
    for revision in ("2", "10", "9"):
        (folder / f"postgresql-17-pggit_0.1.0-{revision}_all.deb").touch()
    ((_, package),) = packageverify.plan("", "", "0.1.0", tmp_path)
    assert package.name == "postgresql-17-pggit_0.1.0-10_all.deb"
    with pytest.raises(PggitError, match=r"pggit_0\.2\.0~rc1-\*_all\.deb; make it with"):
        packageverify.plan("", "", "0.2.0-rc1", tmp_path)
