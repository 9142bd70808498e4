"""Base images made from a package mirror, and what is built on them."""

import dataclasses
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from tasks.lib import aptsources, container, imagelist, images, targets
from tasks.lib.errors import PggitError
from tasks.lib.images import Recipe
from tasks.lib.paths import ROOT
from tasks.lib.targets import System, native_arch
from tests.packages.engineproxy import WAIT

pytestmark = pytest.mark.usefixtures("docker_engine")

DEBIAN = targets.load().system("debian-13")
ARCH = native_arch()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """A Debian of which neither the engine nor a registry nor the cache has an image."""
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    made = dataclasses.replace(DEBIAN, id="debian-0", image="registry.invalid/debian:none")
    yield made
    client = docker.from_env()
    for image in client.images.list(filters={"label": "pggit.os=debian-0"}):
        client.images.remove(str(image.id), force=True)
    client.close()


@pytest.mark.usefixtures("mmdebstrap")
def test_two_runs_at_once_make_one_base_image(system: System, tmp_path: Path) -> None:
    said: list[str] = []
    found: list[str] = []
    runs = [
        threading.Thread(target=lambda: found.append(images.obtain_base(system, "never", notify=said.append)))
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(WAIT)
    reference = f"pggit/base:debian-0-{ARCH}"
    assert found == [reference, reference]
    assert len([line for line in said if line.startswith("making the base image")]) == 1
    assert len([line for line in said if line.startswith("waiting for another run")]) == 1
    cached = list((tmp_path / "cache" / "images").glob("*.tar"))
    assert [re.sub("-[0-9a-f]{12}", "-HASH", path.name) for path in cached] == [f"debian-0-{ARCH}-HASH.tar"]

    # The engine loses it: the cached tar is enough.
    image = container.find_image(reference)
    assert image
    assert image.labels["pggit.arch"] == ARCH
    container.remove_image(image)
    before = cached[0].stat()
    assert images.obtain_base(system, "never") == reference
    assert cached[0].stat() == before
    with container.Container(reference) as box:
        assert "VERSION_CODENAME=trixie" in box.run(["cat", "/etc/os-release"]).output
        box.run(["apt-get", "update"])  # its own sources reach the mirror


@pytest.mark.usefixtures("mmdebstrap")
def test_a_mirror_that_has_nothing_leaves_nothing(system: System, tmp_path: Path) -> None:
    with pytest.raises(PggitError, match=r"mmdebstrap could not make debian-0: .* \(log: ") as caught:
        images.bootstrap(system, mirror=f"file:{tmp_path}/debian")
    assert "\n" not in str(caught.value)
    assert [p.name for p in (tmp_path / "cache" / "images").iterdir()] == [f"base-debian-0-{ARCH}.lock"]
    assert container.find_image(images.base_reference(system, ARCH)) is None


def test_a_missing_keyring_is_named_with_its_package(system: System) -> None:
    assert system.bootstrap
    made = dataclasses.replace(system.bootstrap, keyring="/nowhere/archive.gpg", keyring_package="archive-keyring")
    with pytest.raises(PggitError, match=r"/nowhere/archive\.gpg is missing; it is in the package archive-keyring"):
        images.bootstrap(dataclasses.replace(system, bootstrap=made))


def test_an_image_that_cannot_be_had_says_what_was_tried(system: System) -> None:
    without = dataclasses.replace(system, bootstrap=None)
    with pytest.raises(PggitError, match=r"no base image of debian-0 .*policy `never`\); debian-0 cannot be made"):
        images.obtain_base(without, "never")
    with pytest.raises(
        PggitError, match=r"Docker refused while pulling registry\.invalid/debian:none: .*; debian-0 can"
    ):
        images.obtain_base(without, "missing")


def test_a_cache_that_cannot_be_written_is_one_line(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGGIT_CACHE", "/dev/null/cache")
    with pytest.raises(PggitError, match=r"cannot write /dev/null/cache/images/.*: Not a directory"):
        images.obtain_base(system, "never")


def test_a_changed_recipe_makes_a_new_image_and_the_same_one_none(debian: str, system: System) -> None:
    said: list[str] = []
    names = []
    for text in (b"ARG BASE\nFROM ${BASE}\n", b"ARG BASE\nFROM ${BASE}\n", b"ARG BASE\nFROM ${BASE}\nENV X=1\n"):
        recipe = Recipe("builder", system, ARCH, text, {"BASE": debian})
        names.append(images._obtain(recipe, said.append))
    assert names[0] == names[1] != names[2]
    assert said == [f"building the image {names[0]}", f"building the image {names[2]}"]


def test_a_recipe_that_fails_leaves_no_image_and_no_container(debian: str, system: System) -> None:
    recipe = Recipe("builder", system, ARCH, b"ARG BASE\nFROM ${BASE}\nRUN echo why; exit 7\n", {"BASE": debian})
    with pytest.raises(PggitError, match=r"building pggit/builder:debian-0.* failed: why \(log: .*builder-debian-0"):
        images._obtain(recipe, images.quiet)
    assert container.find_image(recipe.reference) is None


def test_an_image_of_a_registry_gets_this_machine_s_mirror(debian: str, system: System) -> None:
    pulled = dataclasses.replace(system, image="registry.invalid/pulled:1")
    try:
        sources = aptsources.of(pulled)
    except PggitError as error:
        pytest.skip(str(error))
    client = docker.from_env()
    client.images.get(debian).tag("registry.invalid/pulled", "1")
    try:
        arguments = images.builder_recipe(pulled, ARCH, pulled.image).arguments
    finally:
        client.images.remove("registry.invalid/pulled:1", noprune=True)
        client.close()
    assert arguments["SOURCES"] == sources.text
    if debian != DEBIAN.image:  # one made here has them already
        assert "SOURCES" not in images.builder_recipe(DEBIAN, ARCH, debian).arguments


def test_the_list_shows_what_is_there(debian: str) -> None:
    (row,) = imagelist.rows(imagelist.systems("debian-13"), ARCH)
    assert row.base == debian
    assert row.base_age_days is not None
    (other,) = imagelist.rows((dataclasses.replace(DEBIAN, id="debian-0", image="registry.invalid/x:1"),), ARCH)
    assert (other.base, other.builder, other.servers) == (None, None, ())
    assert other.otherwise == "registry.invalid/x:1, or a package mirror"


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_system_without_a_recipe_fails_the_dry_run_too(dry: list[str]) -> None:
    result = subprocess.run(["./inv", "images.build", "--os=rocky-9", *dry], cwd=ROOT, capture_output=True, text=True)
    said = "rocky-9 builder: FAILED: rocky-9: there is no image recipe packaging/docker/rpm.Dockerfile yet\n"
    assert (result.returncode, result.stdout) == (1, said)
    assert result.stderr == "inv: 1 of 1 images could not be made: rocky-9 builder\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["images.list", "--os=debain-13"], "did you mean 'debian-13'?"),
        (["images.build", "--arch=all"], "--arch=all: one architecture is needed here; valid: amd64, arm64"),
        (["images.build", "--pull=always"], "--pull=always: valid: missing, never"),
        (["images.bootstrap", "--mirror=deb"], "--mirror=deb: valid is an address such as"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: list[str], message: str) -> None:
    result = subprocess.run(["./inv", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
