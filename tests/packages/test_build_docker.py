"""build.deb with the docker engine: real containers, real dpkg-buildpackage and lintian."""

import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import docker.errors
import pytest
from debian.deb822 import Dsc
from debian.debfile import DebFile

from tasks.lib import images, manifest, recipe, sqlscript
from tasks.lib.container import Container
from tasks.lib.targets import load
from tests.packages import checkouts
from tests.packages.checkouts import inv
from tests.packages.engineproxy import EngineProxy

pytestmark = pytest.mark.usefixtures("docker_engine")

SYSTEM = load().default_system("deb")
VERSION = f"{sqlscript.version()}-1"


def _file(pg: str, system: str = SYSTEM.id) -> str:
    return f"{system}/postgresql-{pg}-pggit_{VERSION}_all.deb"


@pytest.fixture(scope="module")
def built(docker_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with packages for all versions, and the source package, in dist. Tests must not change it."""
    checkout = checkouts.copy(tmp_path_factory.mktemp("built") / "checkout")
    done = inv(checkout, "build.deb", "--pg=all", "--engine=docker", "--source")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("engine docker (") == 1
    return checkout


def test_all_versions_come_from_one_container(built: Path) -> None:
    logs = {path.read_text() for path in (built / "build" / "logs").glob("deb-*.log")}
    assert len(logs) == 1
    for pg in load().majors():
        made = manifest.read(built / "dist")[_file(pg)]
        assert (made.engine, made.is_intact(built / "dist")) == ("docker", True)
        assert set(made.tools) == {"debhelper", "dpkg-dev", "lintian"}


def test_what_it_made_belongs_to_the_caller(built: Path) -> None:
    assert {path.stat().st_uid for path in (built / "dist").rglob("*")} == {os.geteuid()}
    assert {path.stat().st_mode & 0o777 for path in (built / "dist").rglob("*.deb")} == {0o644}


def test_the_same_bytes_from_anywhere_and_on_every_debian(built: Path, tmp_path: Path) -> None:
    """Another directory, umask and time zone, other versions asked for, and the previous Debian's tools."""
    other = checkouts.copy(tmp_path / "a much longer path" / "checkout", built)
    done = inv(
        other, "build.deb", "--pg=15,17", "--os=debian-12,debian-13", "--engine=docker", umask=0o077,
        env={"TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for pg in ("15", "17"):
        expected = (built / "dist" / _file(pg)).read_bytes()
        assert (other / "dist" / _file(pg, "debian-13")).read_bytes() == expected
        assert (other / "dist" / _file(pg, "debian-12")).read_bytes() == expected


def test_both_engines_make_the_same_package(built: Path, tmp_path: Path) -> None:
    other = checkouts.copy(tmp_path / "checkout", built)
    assert inv(other, "build.deb", "--pg=17", "--engine=local").returncode == 0

    def seen(checkout: Path) -> tuple[object, ...]:
        with DebFile(checkout / "dist" / _file("17")) as deb:
            fields = dict(deb.debcontrol())
            size = int(fields.pop("Installed-Size"))
            members = {
                one.name.rstrip("/"): (one.mode, one.uname, one.gname, one.mtime, one.type)
                for one in deb.data.tgz()
                if one.name.strip("./")  # dpkg-deb lists the root folder as well
            }
            files = [name for name, facts in members.items() if facts[-1] == tarfile.REGTYPE]
            texts = {name: deb.data.get_content(name) for name in files if not name.endswith(".gz")}
            changelog = deb.changelog()
            assert size > 0
            return fields, members, texts, str(changelog), deb.control.has_file("md5sums")

    for docker_s, local_s in zip(seen(built), seen(other), strict=True):
        assert docker_s == local_s


def test_packages_check_passes_what_was_built(built: Path) -> None:
    done = inv(built, "packages.check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"ok     dist/{_file(pg)}" for pg in load().majors()]


def test_packages_check_finds_what_is_wrong(built: Path, tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    assert inv(checkout, "packages.check").stderr.startswith("inv: dist holds no such package; make it with")
    for pg in ("15", "17", "18"):
        path = checkout / "dist" / _file(pg)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((built / "dist" / _file("17" if pg == "15" else pg)).read_bytes())
    (checkout / "dist" / "manifest.json").write_bytes((built / "dist" / "manifest.json").read_bytes())
    with (checkout / "extension" / "sql" / "99_more.sql").open("w") as file:
        file.write("SELECT 'changed after the build';\n")
    stray = checkout / "dist" / SYSTEM.id / "postgresql-16-pggit_0.0.1-1_all.deb"
    stray.write_bytes(b"")
    done = inv(checkout, "packages.check")
    assert done.returncode == 1
    said = done.stdout
    assert "was changed after it was built" in said
    assert "has Package: postgresql-17-pggit; it must be postgresql-15-pggit" in said
    assert f"/usr/share/postgresql/18/extension/pggit--{sqlscript.version()}.sql is not what the sources make" in said
    assert "is not in manifest.json" in said
    assert "ok " not in said


def test_the_source_package_is_whole(built: Path) -> None:
    folder = built / "dist" / SYSTEM.id
    dsc = Dsc((folder / f"pggit_{VERSION}.dsc").read_text())
    assert dsc["Architecture"] == "all"
    assert dsc["Binary"] == ", ".join(f"postgresql-{pg}-pggit" for pg in load().majors())
    assert dsc["Testsuite"] == "autopkgtest"
    for one in dsc["Checksums-Sha256"]:
        assert hashlib.sha256((folder / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    with tarfile.open(fileobj=io.BytesIO((folder / f"pggit_{sqlscript.version()}.orig.tar.xz").read_bytes())) as orig:
        names = {member.name for member in orig if member.isfile()}
    assert names == {f"pggit-{sqlscript.version()}/{name}" for name in (*sqlscript.contents(), "README.md", "LICENSE")}


def test_the_source_package_is_the_same_whatever_is_asked_for(built: Path, tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout", built)
    done = inv(checkout, "build.deb", "--pg=17", "--engine=docker", "--source", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    package, source = json.loads(done.stdout)["targets"]
    assert package["file"] == f"dist/{_file('17')}"
    files = [source["file"], *source["parts"]]
    assert {Path(file).name for file in files} == {path.name for path in (built / "dist").glob("*/pggit_*")}
    for file in files:
        assert (checkout / file).read_bytes() == (built / file).read_bytes(), file


def test_a_package_that_fails_fails_the_source_package_too(tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    install = checkout / "packaging" / "debian" / "package.install"
    install.write_text(install.read_text() + '{% if pg == "16" %}\nnonsense nowhere/\n{% endif %}\n')
    done = inv(checkout, "build.deb", "--pg=16,17", "--engine=docker", "--source")
    assert done.returncode == 1
    assert f"made dist/{_file('17')}" in done.stdout
    failed = f"deb-{SYSTEM.id}-pg16-all"
    assert f"source-{SYSTEM.id} failed: not made, because from the same recipe failed: {failed}" in done.stdout
    assert f"2 of 3 packages could not be built: {failed}, source-{SYSTEM.id}" in done.stderr
    assert list((checkout / "dist").rglob("*.dsc")) == []


def test_again_is_a_no_op_that_loads_no_engine(built: Path) -> None:
    for words, sources in ((("--pg=all",), 0), (("--pg=17", "--source", "--engine=docker"), 1)):
        done = inv(built, "build.deb", *words, env={"PYTHONPROFILEIMPORTTIME": "1"})
        packages = 1 if sources else len(load().majors())
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["up to date"] * (packages + sources)
        assert " docker\n" not in done.stderr


def test_auto_is_not_content_with_a_package_that_was_asked_for_locally(tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    assert inv(checkout, "build.deb", "--pg=17", "--engine=local").returncode == 0
    assert f"made dist/{_file('17')} with engine docker" in inv(checkout, "build.deb", "--pg=17").stdout


def test_a_recipe_that_fails_shows_its_log_s_end(tmp_path: Path) -> None:
    """debian-12 cannot be built here; the default system goes on."""
    checkout = checkouts.copy(tmp_path / "checkout")
    rules = checkout / "packaging" / "debian" / "rules"
    rules.write_text(
        rules.read_text()
        + "\noverride_dh_auto_build:\n\tgrep -q trixie /etc/os-release || { echo NO $$PWD; exit 7; }\n"
    )
    done = inv(checkout, "build.deb", "--pg=17", "--os=debian-12,debian-13", "--engine=docker")
    assert done.returncode == 1
    assert f"made dist/{_file('17', 'debian-13')}" in done.stdout
    assert "`dpkg-buildpackage -b --no-sign --no-check-builddeps` failed with exit code 2" in done.stdout
    assert "  | NO /build/pggit-" in done.stdout
    assert "  the whole log: build/logs/deb-debian-12-pg17-all.log" in done.stdout
    assert list((checkout / "dist" / "debian-12").iterdir()) == []


def test_a_lintian_tag_that_nobody_accepted_fails_the_package(tmp_path: Path) -> None:
    checkout = checkouts.copy(tmp_path / "checkout")
    facts = checkout / "packaging" / "package.yaml"
    facts.write_text(facts.read_text().replace("synopsis: git", "synopsis: a git"))
    done = inv(checkout, "build.deb", "--pg=17", "--engine=docker")
    assert done.returncode == 1
    assert "lintian W: postgresql-17-pggit: description-synopsis-starts-with-article" in done.stdout
    assert list((checkout / "dist").rglob("*.deb")) == []


@contextmanager
def _blocked_build(tmp_path: Path) -> Iterator[tuple[Path, EngineProxy, subprocess.Popen[str], str]]:
    """A build that is in the middle of dpkg-buildpackage, and the id of its container."""
    checkout = checkouts.copy(tmp_path / "checkout")
    rules = checkout / "packaging" / "debian" / "rules"
    rules.write_text(rules.read_text() + "\noverride_dh_auto_build:\n\techo REACH''ED; sleep 1000\n")
    with (
        EngineProxy(b"REACHED\n") as proxy,
        subprocess.Popen(
            checkouts.command(checkout, "build.deb", "--pg=15,17", "--engine=docker"),
            env=checkouts.environment(DOCKER_HOST=proxy.address), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as build,
    ):  # fmt: skip
        try:
            proxy.wait_for_marker()
            client = docker.from_env()
            [container] = client.containers.list(filters={"label": f"pggit.pid={build.pid}"})
            yield checkout, proxy, build, str(container.id)
        finally:
            build.kill()


def _assert_removed(container: str) -> None:
    client = docker.from_env()
    with suppress(docker.errors.NotFound):
        client.api.wait(container, timeout=60, condition="removed")
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(container)


def test_an_engine_that_goes_down_is_told_in_one_line(tmp_path: Path) -> None:
    with _blocked_build(tmp_path) as (checkout, proxy, build, container):
        proxy.cut()
        out, err = build.communicate(timeout=60)
        assert build.returncode == 1
        assert "no Docker engine answers" in out
        assert "  | REACHED" in out
        assert "Traceback" not in err
        assert list((checkout / "dist" / SYSTEM.id).iterdir()) == []
        _assert_removed(container)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_ended_leaves_no_container_and_nothing_in_dist(tmp_path: Path, ending: signal.Signals) -> None:
    with _blocked_build(tmp_path) as (checkout, _, build, container):
        build.send_signal(ending)
        _, err = build.communicate(timeout=60)
        if ending is signal.SIGINT:
            assert (build.returncode, err) == (130, "inv: interrupted\n")
        assert "Traceback" not in err
        _assert_removed(container)
        assert list((checkout / "dist" / SYSTEM.id).iterdir()) == []


def test_the_autopkgtest_passes_against_the_installed_package(built: Path) -> None:
    """debian/tests/installcheck on a real server, as autopkgtest would run it."""
    pg = SYSTEM.ships_postgres
    assert pg is not None
    made_of = recipe.load("", manifest.read(built / "dist")[_file(pg)].epoch)
    deb = (built / "dist" / _file(pg)).read_bytes()
    files = recipe.debian_folder(made_of, [pg])
    with Container(images.obtain_server(SYSTEM, pg), name_hint="autopkgtest") as container:
        container.put({"x.deb": deb}, "/opt")
        container.put({"installcheck": files["debian/tests/installcheck"]}, "/opt", mode=0o755)
        # Without the package it must fail, else it proves nothing.
        assert container.run(["/opt/installcheck"], check=False).exit_code != 0
        container.run(["dpkg", "-i", "/opt/x.deb"])
        container.run(["/opt/installcheck"])
