"""build.deb with the local engine, and everything about build.deb that is the same with any engine."""

import fcntl
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.debfile import DebFile

from tasks.lib import manifest, sqlscript
from tasks.lib.manifest import Artifact
from tasks.lib.targets import load
from tests.packages import checkouts
from tests.packages.checkouts import inv

SYSTEM = load().default_system("deb").id
FILE = f"{SYSTEM}/postgresql-17-pggit_{sqlscript.version()}-1_all.deb"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with packages for all versions in dist. Tests must not change it."""
    checkout = checkouts.copy(tmp_path_factory.mktemp("built") / "checkout")
    done = inv(checkout, "build.deb", "--pg=all", "--engine=local")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout, to break."""
    return checkouts.copy(tmp_path / "checkout")


@pytest.fixture
def used(built: Path, tmp_path: Path) -> Path:
    """A checkout with packages in dist, to break."""
    return Path(shutil.copytree(built, tmp_path / "used", symlinks=True))


def _listed(checkout: Path) -> dict[str, Artifact]:
    return manifest.read(checkout / "dist")


def _in_dist(checkout: Path) -> set[str]:
    return {str(path.relative_to(checkout / "dist")) for path in (checkout / "dist").rglob("*") if path.is_file()}


def test_all_means_every_supported_version(built: Path) -> None:
    names = {f"{SYSTEM}/postgresql-{pg}-pggit_{sqlscript.version()}-1_all.deb" for pg in load().majors()}
    assert _in_dist(built) == {*names, "manifest.json", ".lock"}
    for file, made in _listed(built).items():
        assert (made.engine, made.asked) == ("local", "local"), file
        assert made.is_intact(built / "dist"), file
        assert made.tools["nfpm"], file


def test_its_last_lines_say_what_was_made(checkout: Path) -> None:
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local")
    [made] = _listed(checkout).values()
    line, digest = done.stdout.splitlines()[-2:]
    assert line.startswith(f"made dist/{FILE} with engine local in ")
    assert digest.split() == ["sha256", made.sha256]


def test_again_is_a_no_op_that_loads_no_engine(built: Path) -> None:
    before = (built / "dist" / FILE).stat().st_mtime_ns
    done = inv(built, "build.deb", "--pg=all", "--engine=local", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["up to date"] * len(load().majors())
    assert (built / "dist" / FILE).stat().st_mtime_ns == before
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "tasks.lib.buildplan" in imported
    assert not imported & {"docker", "jinja2", "rich", "jsonschema", "debian", "psycopg"}


@pytest.mark.parametrize("damage", ["altered", "deleted", "forgotten"])
def test_what_is_not_as_it_was_built_is_built_again(used: Path, damage: str) -> None:
    path = used / "dist" / FILE
    good = path.read_bytes()
    if damage == "altered":
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    elif damage == "deleted":
        path.unlink()
    else:
        (used / "dist" / "manifest.json").unlink()
    done = inv(used, "build.deb", "--pg=15,17", "--engine=local")
    built = [line for line in done.stdout.splitlines() if line.startswith("made ")]
    assert len(built) == (2 if damage == "forgotten" else 1)
    assert path.read_bytes() == good


@pytest.mark.parametrize(
    "name", ["CHANGELOG.md", "packaging/package.yaml", "extension/pggit.control", "tasks/lib/recipe.py"]
)
def test_a_changed_input_is_built_again(used: Path, name: str) -> None:
    with (used / name).open("a") as file:
        file.write("\n# changed\n")
    done = inv(used, "build.deb", "--pg=17", "--engine=local")
    assert f"made dist/{FILE}" in done.stdout, done.stderr


def test_force_builds_what_is_up_to_date(used: Path) -> None:
    assert f"made dist/{FILE}" in inv(used, "build.deb", "--pg=17", "--engine=local", "--force").stdout


def test_same_bytes_from_another_directory_with_another_umask_and_time_zone(built: Path, tmp_path: Path) -> None:
    """And with another set of versions asked for."""
    other = checkouts.copy(tmp_path / "a much longer path" / "checkout", built)
    for path in other.rglob("*.sql"):
        os.utime(path, (1, 1))
    done = inv(
        other, "build.deb", "--pg=17", "--engine=local", umask=0o077,
        env={"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (other / "dist" / FILE).read_bytes() == (built / "dist" / FILE).read_bytes()


def test_same_bytes_from_a_full_clone_a_shallow_one_and_none(checkout: Path, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *words], check=True)

    repository = checkouts.copy(tmp_path / "repository", checkout)
    (repository / ".venv").unlink()
    git("init", "--quiet", str(repository))
    git("-C", str(repository), "add", "--all")
    git("-C", str(repository), "commit", "--quiet", "--message=all", "--date=2001-01-01")
    (repository / "other").touch()
    git("-C", str(repository), "add", "other")
    git("-C", str(repository), "commit", "--quiet", "--message=other")
    places = [checkout, tmp_path / "full", tmp_path / "shallow"]
    git("clone", "--quiet", f"file://{repository}", str(places[1]))
    git("clone", "--quiet", "--depth=1", f"file://{repository}", str(places[2]))
    for place in places:
        if place != checkout:
            (place / ".venv").symlink_to(checkout / ".venv")
        done = inv(place, "build.deb", "--pg=17", "--engine=local")
        assert done.returncode == 0, done.stderr
    assert len({(place / "dist" / FILE).read_bytes() for place in places}) == 1


def test_build_sql_says_what_it_would_write_and_writes_nothing(checkout: Path) -> None:
    for words in (("--dry", "build.sql"), ("build.sql", "--dry-run")):
        done = inv(checkout, *words)
        folder = checkout / "build" / "extension"
        assert done.stdout.splitlines() == [
            f"would write {folder / name}" for name in sorted(("data.mk", *sqlscript.contents()))
        ]
        assert not folder.exists()
    assert inv(checkout, "build.sql").returncode == 0
    assert inv(checkout, "build.sql", "--dry-run").stdout == f"up to date: {folder}\n"


def test_a_changed_date_of_the_system_changes_no_package(used: Path) -> None:
    facts = used / "packaging" / "targets.yaml"
    facts.write_text(facts.read_text().replace("2030-06-30", "2031-06-30"))
    assert inv(used, "build.deb", "--pg=17", "--engine=local").stdout.startswith("up to date: ")


def test_another_architecture_is_the_same_package(checkout: Path) -> None:
    done = inv(checkout, "build.deb", "--pg=17", "--arch=arm64", "--engine=local")
    assert done.returncode == 0
    assert "one package serves every architecture" in done.stderr
    assert _in_dist(checkout) >= {FILE}
    assert not any("arm64" in file for file in _in_dist(checkout))


def test_auto_takes_the_local_engine_where_no_docker_answers_and_says_so(checkout: Path) -> None:
    env = {"DOCKER_HOST": f"unix://{checkout}/no.sock"}
    done = inv(checkout, "build.deb", "--pg=17", env=env)
    assert done.returncode == 0, done.stderr
    assert f"{SYSTEM}: engine local, because no Docker engine answers" in done.stdout
    assert "up to date" in inv(checkout, "build.deb", "--pg=17", env=env).stdout


def test_docker_asked_for_and_not_there_is_a_failure(checkout: Path) -> None:
    done = inv(checkout, "build.deb", "--pg=17", "--engine=docker", env={"DOCKER_HOST": f"unix://{checkout}/no.sock"})
    assert done.returncode == 1
    assert "no Docker engine answers" in done.stdout
    assert "Traceback" not in done.stderr
    assert FILE not in _in_dist(checkout)


def test_a_dry_run_changes_nothing(checkout: Path) -> None:
    done = inv(checkout, "build.deb", "--pg=17", "--dry-run")
    assert done.stdout == f"would build dist/{FILE} (engine auto)\n"
    assert inv(checkout, "--dry", "build.deb", "--pg=17").stdout == done.stdout
    assert not (checkout / "dist").exists()


def test_json_is_all_that_is_on_stdout(checkout: Path) -> None:
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local", "--json")
    [target] = json.loads(done.stdout)["targets"]
    assert (target["status"], target["file"], target["engine"]) == ("built", f"dist/{FILE}", "local")
    assert target["sha256"] == manifest.sha256((checkout / "dist" / FILE).read_bytes())


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--pg=99", "15, 16, 17, 18"),
        ("--pg=", "15, 16, 17, 18"),
        ("--pg=seventeen", "15, 16, 17, 18"),
        ("--os=debian-99", "debian-13"),
        ("--os=rocky-9", "debian-13"),
        ("--arch=sparc", "amd64, arm64"),
        ("--engine=podman", "auto, docker, local"),
        ("--pull=always", "missing, never"),
        ("--jobs=many", "must be a number"),
        ("--jobs=0", "must be a number"),
        ("--version=9.9.9", "not a released one"),
        ("--version=../x", "not a released one"),
    ],
)
def test_a_wrong_value_gets_one_line(built: Path, option: str, said: str) -> None:
    done = inv(built, "build.deb", option)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert option.partition("=")[2] in line
    assert said in line


def test_lintian_of_another_system_judges_no_package(built: Path, tmp_path: Path) -> None:
    """With a pretended lintian that has nothing to say, on this machine, whatever it runs, and without Docker."""
    checkout = checkouts.copy(tmp_path / "checkout", built)
    mine = f"{platform.freedesktop_os_release()['ID']}-{platform.freedesktop_os_release().get('VERSION_ID')}"
    (tmp_path / "lintian").write_text("#!/bin/sh\n")
    (tmp_path / "lintian").chmod(0o755)
    env = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    systems = [name for name in ("debian-12", "debian-13", "ubuntu-24.04") if name != mine]
    for words in (("build.deb", "--engine=local"), ("packages.check", "--json"), ("packages.check",)):
        done = inv(checkout, *words, "--pg=17", f"--os={','.join(systems)}", env=env)
        assert (done.returncode, done.stderr) == (0, "")
        if "--json" in words:
            packages = json.loads(done.stdout)["packages"]
    assert [one["ok"] for one in packages] == [True] * len(systems)
    for one, line in zip(packages, done.stdout.splitlines(), strict=True):
        assert one["lintian"].startswith("not examined: this machine's lintian is ")
        assert "no Docker engine answers" in one["lintian"]
        assert line == f"ok     dist/{one['file']} (lintian: {one['lintian']})"


def test_source_without_docker_is_refused(built: Path) -> None:
    done = inv(built, "build.deb", "--engine=local", "--source")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_target_that_fails_does_not_stop_the_others(checkout: Path) -> None:
    template = checkout / "packaging" / "nfpm" / "nfpm.yaml"
    template.write_text(template.read_text() + '{% if pg == "16" %}\nnonsense: true\n{% endif %}\n')
    done = inv(checkout, "build.deb", "--pg=all", "--engine=local")
    assert done.returncode == 1
    log = checkout / "build" / "logs" / f"deb-{SYSTEM}-pg16-all.log"
    assert f"  the whole log: {log.relative_to(checkout)}" in done.stdout
    assert "nonsense" in log.read_text()
    assert f"  | {log.read_text().splitlines()[-1]}" in done.stdout
    assert done.stderr.splitlines() == [f"inv: 1 of 4 packages could not be built: deb-{SYSTEM}-pg16-all"]
    left = {file.partition("-pggit")[0] for file in _in_dist(checkout) if file.endswith(".deb")}
    assert left == {f"{SYSTEM}/postgresql-{pg}" for pg in ("15", "17", "18")}
    assert len(_in_dist(checkout)) == 5
    assert list((checkout / "build").glob("nfpm-*")) == []


def test_a_package_that_is_not_as_it_must_be_never_reaches_dist(checkout: Path) -> None:
    template = checkout / "packaging" / "nfpm" / "nfpm.yaml"
    template.write_text(template.read_text().replace("mode: 0644", "mode: 0666"))
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local")
    assert done.returncode == 1
    assert "has mode 0666; it must be 0644" in done.stdout
    assert _in_dist(checkout) == {".lock"}


def test_sql_that_cannot_be_built_is_told_in_one_line(checkout: Path) -> None:
    (checkout / "extension" / "sql" / "99_broken.sql").write_text("SELECT {{ nonsense }};")
    done = inv(checkout, "build.deb", "--engine=local")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["inv: extension/sql/99_broken.sql: 'nonsense' is undefined"]


def _without_root_s_privilege() -> list[str]:
    """Root may write where it likes; without this capability it is as any user who owns the files."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv cannot give up its privilege")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


def test_a_read_only_dist_is_told_in_one_line(checkout: Path) -> None:
    (checkout / "dist").mkdir(mode=0o555)
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local", prefix=_without_root_s_privilege())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == ["inv: cannot write dist: Permission denied"]


def test_a_read_only_folder_in_dist_is_told_before_anything_is_built(checkout: Path) -> None:
    (checkout / "dist" / SYSTEM).mkdir(parents=True)
    (checkout / "dist" / SYSTEM).chmod(0o555)
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local", prefix=_without_root_s_privilege())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"inv: cannot write dist/{SYSTEM}: Permission denied"]


@pytest.fixture
def full_disk(checkout: Path) -> Iterator[Path]:
    """A checkout whose dist is a disk of its own with one page left on it."""
    (checkout / "dist").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "pggit-test", str(checkout / "dist")]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("only root can mount a small disk; test_dist.py has the same with a limit on file size")
    try:
        (checkout / "dist" / SYSTEM).mkdir()
        (checkout / "dist" / "ballast").write_bytes(b"x" * 60 * 1024)
        yield checkout
    finally:
        subprocess.run(["umount", str(checkout / "dist")], check=True)


def test_a_full_disk_leaves_nothing_half_written(full_disk: Path) -> None:
    done = inv(full_disk, "build.deb", "--pg=15,17", "--engine=local")
    assert done.returncode == 1
    assert f"cannot write dist/{FILE}: No space left on device" in done.stdout
    assert "Traceback" not in done.stderr
    assert _in_dist(full_disk) == {".lock", "ballast"}


def test_a_build_waits_for_the_one_that_holds_dist(checkout: Path) -> None:
    (checkout / "dist").mkdir()
    with (checkout / "dist" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with subprocess.Popen(
            checkouts.command(checkout, "build.deb", "--pg=17", "--engine=local"),
            env=checkouts.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        ) as second:  # fmt: skip
            assert second.stdout is not None
            assert second.stdout.readline() == "another build is writing to dist: waiting for it to end\n"
            assert _in_dist(checkout) == {".lock"}
            fcntl.flock(handle, fcntl.LOCK_UN)
            assert f"made dist/{FILE}" in second.stdout.read()
    assert second.returncode == 0


def test_two_builds_at_once_both_succeed(checkout: Path) -> None:
    words = [("--pg=15,17",), ("--pg=16,17",), ("--pg=17", "--os=debian-12"), ("--pg=17", "--force")]
    running = [
        subprocess.Popen(
            checkouts.command(checkout, "build.deb", "--engine=local", *options),
            env=checkouts.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        for options in words
    ]  # fmt: skip
    outputs = [one.communicate()[0] for one in running]
    assert [one.returncode for one in running] == [0, 0, 0, 0], outputs
    listed = _listed(checkout)
    assert len(listed) == 4
    assert all(one.is_intact(checkout / "dist") for one in listed.values())
    assert _in_dist(checkout) == {*listed, "manifest.json", ".lock"}


def test_a_released_version_is_built_from_its_frozen_script(checkout: Path) -> None:
    """The version in the making is then another one, and the package knows nothing of it."""
    releases = checkout / "extension" / "releases"
    for old in (releases, checkout / "migrations"):
        shutil.rmtree(old, ignore_errors=True)
    releases.mkdir()
    script = b"SELECT 1;\n"
    (releases / "pggit--0.0.1.sql").write_bytes(script)
    (releases / "SHA256SUMS").write_text(f"{manifest.sha256(script)}  pggit--0.0.1.sql\n")
    (checkout / "migrations").mkdir()
    (checkout / "migrations" / f"pggit--0.0.1--{sqlscript.version()}.sql").write_bytes(b"SELECT 2;\n")
    changelog = checkout / "CHANGELOG.md"
    changelog.write_text(changelog.read_text() + "\n## [0.0.1] - 2026-01-01\n\n### Added\n\n- Everything.\n")
    done = inv(checkout, "build.deb", "--pg=17", "--engine=local", "--version=0.0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    deb = checkout / "dist" / SYSTEM / "postgresql-17-pggit_0.0.1-1_all.deb"
    with DebFile(deb) as package:
        folder = "usr/share/postgresql/17/extension"
        assert {Path(name).name for name in package.data if folder in name} >= {"pggit.control", "pggit--0.0.1.sql"}
        assert not any("--0.0.1--" in name for name in package.data)
        assert package.data.get_content(f"{folder}/pggit--0.0.1.sql") == script
        assert b"default_version = '0.0.1'" in (package.data.get_content(f"{folder}/pggit.control") or b"")
    wrong = inv(checkout, "build.deb", "--pg=17", "--engine=local", "--version=0.0.2")
    assert (wrong.returncode, "is not a released one (0.0.1)" in wrong.stderr) == (2, True)
