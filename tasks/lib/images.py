"""The images that containers are made of: bases, builders of packages, and servers to install them into.

A base comes from what the engine has, from a registry, or from a package mirror, in this order. What is
built on it carries a hash of its recipe in its name, so a changed recipe makes a new image.
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import aptsources, container, dist
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.filelock import locked
from tasks.lib.paths import BUILD, PACKAGING, cache
from tasks.lib.targets import System, Target, load, native_arch

PULL_POLICIES = ("missing", "never")

BUILDER_PACKAGES = {"deb": ("debhelper", "dpkg-dev", "fakeroot", "lintian")}
"""By package family: what its packages are built and judged with."""

Notify = Callable[[str], None]
"""Takes one line of progress."""


def quiet(line: str) -> None:
    """A Notify that says nothing."""


@dataclass(frozen=True)
class Recipe:
    """How an image is built on a base; equal recipes on equal bases make equal images."""

    kind: str
    system: System
    arch: str
    dockerfile: bytes
    arguments: Mapping[str, str]

    @property
    def reference(self) -> str:
        """The image's name, in which the last part changes with the recipe."""
        digest = hashlib.sha256(self.dockerfile + json.dumps(self.arguments, sort_keys=True).encode()).hexdigest()
        return f"pggit/{self.kind}:{self.system.id}-{self.arch}-{digest[:12]}"


def pull_policy(value: str | None) -> str:
    """The policy that `--pull` names; PGGIT_PULL, else `missing`, where it names none. Raises UsageError."""
    named = value or os.environ.get("PGGIT_PULL") or "missing"
    if named not in PULL_POLICIES:
        raise UsageError(f"--pull={named}: valid: {', '.join(PULL_POLICIES)}")
    return named


def obtain_base(system: System, pull: str | None = None, arch: str | None = None, notify: Notify = quiet) -> str:
    """The name of a base image of `system`, which the engine then has.

    Raises PggitError with every way that was tried and why it failed.
    """
    arch = arch or native_arch()
    with _exclusively(f"base-{system.id}-{arch}", notify):
        found = find_base(system, arch)
        if found:
            return found
        failures = []
        if pull_policy(pull) == "never":
            failures.append("pulling is switched off (pull policy `never`)")
        else:
            notify(f"pulling {system.image}")
            try:
                container.pull_image(system.image, arch)
                return system.image
            except PggitError as error:
                failures.append(str(error))
        try:
            return _bootstrap(system, arch, notify)
        except PggitError as error:
            failures.append(str(error))
    raise PggitError(f"no base image of {system.id} ({arch}) can be had: {'; '.join(failures)}")


def find_base(system: System, arch: str) -> str | None:
    """The base image of `system` that the engine has: the registry's, else one made here."""
    for reference in (system.image, base_reference(system, arch)):
        found = container.find_image(reference)
        # An engine may record a wrong architecture for an imported image: there our own label counts.
        if found and found.labels.get("pggit.arch", found.arch) == arch:
            return reference
    return None


def base_reference(system: System, arch: str) -> str:
    """The name of a base image made here. Never the registry's name: it is another image."""
    return f"pggit/base:{system.id}-{arch}"


def bootstrap(
    system: System, arch: str | None = None, mirror: str = "", security_mirror: str = "", notify: Notify = quiet
) -> str:
    """Make the base image of `system` anew from a package mirror, whether the engine has one or not.

    Raises PggitError: no mirror known, mmdebstrap or the archive's keyring missing, or mmdebstrap failed.
    """
    arch = arch or native_arch()
    with _exclusively(f"base-{system.id}-{arch}", notify):
        return _bootstrap(system, arch, notify, mirror, security_mirror, anew=True)


def _bootstrap(
    system: System, arch: str, notify: Notify, mirror: str = "", security_mirror: str = "", anew: bool = False
) -> str:
    sources = aptsources.of(system, mirror, security_mirror)
    command = bootstrap_command(system, arch, sources)
    digest = hashlib.sha256((sources.text + shlex.join(command)).encode()).hexdigest()[:12]
    archive = _folder() / f"{system.id}-{arch}-{digest}.tar"
    if anew or not archive.exists():
        notify(f"making the base image of {system.id} ({arch}) from the package mirror")
        _run_mmdebstrap(system, command, sources, archive)
        for old in _folder().glob(f"{system.id}-{arch}-*.tar"):
            if old != archive:
                old.unlink(missing_ok=True)
    reference = base_reference(system, arch)
    labels = {container.LABEL: "1", "pggit.image": "base", "pggit.os": system.id, "pggit.arch": arch}
    container.import_image(archive, reference, labels)
    return reference


def bootstrap_command(system: System, arch: str, sources: aptsources.AptSources) -> list[str]:
    """The mmdebstrap command, to which the output and the sources file are still to be added."""
    options = [f"--aptopt={line}" for line in sources.settings]
    return ["mmdebstrap", "--variant=minbase", f"--architectures={arch}", *options, system.codename]


def _run_mmdebstrap(system: System, command: list[str], sources: aptsources.AptSources, archive: Path) -> None:
    """Write `archive`, complete or not at all."""
    if shutil.which("mmdebstrap") is None:
        raise PggitError("mmdebstrap is not installed; on Debian and Ubuntu: apt-get install mmdebstrap")
    made = system.bootstrap
    if made and not Path(made.keyring).exists():
        raise PggitError(f"{made.keyring} is missing; it is in the package {made.keyring_package}")
    log = BUILD / "logs" / f"bootstrap-{archive.stem}.log"
    with contextlib.ExitStack() as stack:
        with dist.clear_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            out = stack.enter_context(log.open("w"))
        with dist.clear_errors(archive):
            scratch = stack.enter_context(tempfile.TemporaryDirectory(dir=archive.parent, prefix=".making-"))
            partial, listing = Path(scratch, "root.tar"), Path(scratch, "mirror.sources")
            listing.write_text(sources.text, "utf-8")
        result = subprocess.run(
            [*command, str(partial), str(listing)], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        if result.returncode != 0:
            lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.startswith("E:")]
            reason = (lines or [f"exit code {result.returncode}"])[0].removeprefix("E: ")
            raise PggitError(f"mmdebstrap could not make {system.id}: {reason} (log: {log})")
        partial.replace(archive)


def obtain_builder(system: System, pull: str | None = None, arch: str | None = None, notify: Notify = quiet) -> str:
    """The name of an image in which packages of `system` are built and judged; built where it is missing.

    Raises PggitError: no base image, or its packages cannot be installed (with the log's path).
    """
    arch = arch or native_arch()
    return _obtain(builder_recipe(system, arch, obtain_base(system, pull, arch, notify)), notify)


def obtain_server(
    system: System, pg: str, pull: str | None = None, arch: str | None = None, notify: Notify = quiet
) -> str:
    """The name of an image of `system` with a PostgreSQL `pg` server on it, not running; built where missing.

    The server is the system's own where it ships that major, else it comes from PostgreSQL's repository.
    Raises PggitError as `obtain_builder`.
    """
    arch = arch or native_arch()
    return _obtain(server_recipe(Target(system, pg, arch), obtain_base(system, pull, arch, notify)), notify)


def builder_recipe(system: System, arch: str, base: str) -> Recipe:
    """The builder of `system` on the image `base`."""
    packages = BUILDER_PACKAGES.get(system.family, ())
    return _recipe("builder", system, arch, base, {"PACKAGES": " ".join(packages)})


def server_recipe(target: Target, base: str) -> Recipe:
    """The server of `target` on the image `base`."""
    arguments = {"PACKAGES": f"postgresql-{target.pg}"}
    if target.server == "pgdg" and target.system.family == "deb":
        matrix = load()
        pgdg = matrix.pgdg["deb"]
        preview = target.pg not in matrix.majors()
        component = pgdg["preview_component" if preview else "component"].format(pg=target.pg)
        arguments |= {
            "PGDG": f"Types: deb\nURIs: {pgdg['repository']}\n"
            f"Suites: {pgdg['suite'].format(codename=target.system.codename)}\n"
            f"Components: {component}\nSigned-By: /usr/share/keyrings/pgdg.asc",
            "PGDG_KEY": pgdg["keys"][0]["url"],
            "PGDG_FINGERPRINT": pgdg["keys"][0]["fingerprint"],
        }
    return _recipe(f"server-{target.pg}", target.system, target.arch, base, arguments)


def dockerfile(system: System) -> bytes:
    """What images of `system` are built by. Raises PggitError where there is none for its family yet."""
    path = PACKAGING / "docker" / f"{system.family}.Dockerfile"
    if not path.exists():
        raise PggitError(f"{system.id}: there is no image recipe packaging/docker/{path.name} yet")
    return path.read_bytes()


def _recipe(kind: str, system: System, arch: str, base: str, arguments: Mapping[str, str]) -> Recipe:
    image = container.find_image(base)
    given = {"BASE": image.id if image else base, **arguments}
    if base == system.image:  # an image of the registry names the public mirror; one made here has ours
        with contextlib.suppress(PggitError):
            sources = aptsources.of(system)
            given |= {"SOURCES": sources.text, "APT_SETTINGS": "\n".join(sources.settings)}
    return Recipe(kind, system, arch, dockerfile(system), given)


def _obtain(recipe: Recipe, notify: Notify) -> str:
    with _exclusively(recipe.reference.replace("/", "-").replace(":", "-"), notify):
        if container.find_image(recipe.reference) is None:
            notify(f"building the image {recipe.reference}")
            labels = {"pggit.image": recipe.kind, "pggit.os": recipe.system.id, "pggit.arch": recipe.arch}
            log = BUILD / "logs" / f"image-{recipe.kind}-{recipe.system.id}-{recipe.arch}.log"
            log.unlink(missing_ok=True)
            container.build_image(recipe.dockerfile, recipe.reference, recipe.arguments, labels, log)
    return recipe.reference


def _folder() -> Path:
    return cache() / "images"


def _exclusively(name: str, notify: Notify) -> contextlib.AbstractContextManager[None]:
    """One run at a time makes the image `name`; the others wait and then find it made."""
    return locked(_folder() / f"{name}.lock", lambda: notify(f"waiting for another run that makes {name}"))
