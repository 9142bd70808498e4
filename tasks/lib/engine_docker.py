"""The release-grade engine: dpkg-buildpackage and lintian in a container of the target system."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import lintian, recipe
from tasks.lib.container import CommandFailed, Container
from tasks.lib.errors import PggitError

NAME = "docker"
_PARENT = "/build"
_EXECUTABLE = ("debian/rules", "debian/tests/installcheck")


@dataclass(frozen=True)
class Built:
    """What one container made."""

    files: dict[str, bytes]
    """By name: each .deb, or the source package's files."""
    tags: tuple[lintian.Tag, ...]
    tools: dict[str, str]


def build(
    image: str, pgs: Sequence[str], made_of: recipe.Recipe, log: Path, *, name: str, source: bool = False
) -> Built:
    """Packages for every PostgreSQL major in `pgs`, from one run in one container of `image`; or with
    `source`, the one source package for them all.

    Everything that the container says goes to `log`. Raises RecipeFailedError when a command of
    the recipe fails, PggitError when the engine does.
    """
    root = f"{made_of.product.source}-{made_of.debian_version.rpartition('-')[0]}"
    tree = f"{_PARENT}/{root}"
    files = recipe.debian_folder(made_of, pgs)
    dsc, orig, _ = sources = recipe.source_names(made_of.version)
    made = sources if source else tuple(recipe.deb_name(made_of.version, pg) for pg in pgs)
    environment = {
        "SOURCE_DATE_EPOCH": str(made_of.epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/root",
    }  # fmt: skip

    with Container(image, name_hint=name) as container:

        def run(*command: str) -> str:
            try:
                return container.run(list(command), env=environment, workdir=tree, log=log).output
            except CommandFailed as error:
                raise recipe.RecipeFailedError(
                    f"`{shlex.join(command)}` failed with exit code {error.exit_code_of_command}"
                ) from error

        container.put(recipe.upstream_files(made_of), tree)
        container.put(files, tree)
        run("chmod", "0755", *_EXECUTABLE)
        # Files newer than the epoch are dated back by dpkg-deb, older ones are not; so all get that date.
        run("find", tree, "-exec", "touch", f"--date=@{made_of.epoch}", "{}", "+")
        if source:
            run("tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=go=rX,u+rw,a-s",
                f"--mtime=@{made_of.epoch}", "--exclude=debian", "-cJf", f"../{orig}",
                "--transform", f"s,^\\.,{root},", ".")  # fmt: skip
        # Nothing is compiled: the image has what Build-Depends lists, without the compiler that is implied.
        run("dpkg-buildpackage", "-S" if source else "-b", "--no-sign", "--no-check-builddeps")
        tags = _lintian(container, [dsc] if source else made, log)
        versions = run("dpkg-query", "-W", "-f", "${Package}=${Version}\\n", "debhelper", "dpkg-dev", "lintian")
        return Built(
            {name: container.get(f"{_PARENT}/{name}")[name] for name in made},
            tags,
            dict(line.split("=", 1) for line in versions.splitlines() if "=" in line),
        )


def examine(image: str, debs: Mapping[str, bytes]) -> tuple[lintian.Tag, ...]:
    """What lintian in a container of `image` says about finished packages, given by file name."""
    with Container(image, name_hint="lintian") as container:
        container.put(debs, _PARENT)
        return _lintian(container, list(debs), None)


def _lintian(container: Container, files: Sequence[str], log: Path | None) -> tuple[lintian.Tag, ...]:
    environment = {"LC_ALL": "C.UTF-8", "HOME": "/root"}
    said = container.run([*lintian.COMMAND, *files], env=environment, workdir=_PARENT, log=log, check=False)
    if said.exit_code not in (0, 2):  # 2: it found errors, which the caller judges
        raise PggitError(f"lintian failed with exit code {said.exit_code}")
    return lintian.parse(said.output)
