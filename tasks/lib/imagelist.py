"""What images.list, build, bootstrap and prune do: over systems, what lib.images does for one."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial

from tasks.lib import aptsources, container, images, targets
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.targets import System, Target

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """The images of one system: names, or None where the engine has none of that recipe."""

    os: str
    arch: str
    base: str | None
    base_age_days: int | None
    otherwise: str
    """Where a base image would come from."""
    builder: str | None
    servers: tuple[str, ...]
    """The PostgreSQL majors whose server image is there and up to date."""
    outdated: int
    """Images made by an earlier recipe or on an earlier base."""


def systems(os: str, family: str | None = None) -> tuple[System, ...]:
    """The systems that `--os` names; by default the newest Debian stable. Raises UsageError."""
    matrix = targets.load()
    chosen = matrix.select(family, "all", os or matrix.default_system("deb").id, "all").targets
    return tuple(dict.fromkeys(target.system for target in chosen))


def one_arch(arch: str) -> str:
    """The architecture that `--arch` names, this machine's by default. Raises UsageError."""
    valid = [known.name for known in targets.load().arches]
    if arch and arch not in valid:
        raise UsageError(f"--arch={arch}: one architecture is needed here; valid: {', '.join(valid)}")
    return arch or targets.native_arch()


def rows(chosen: Sequence[System], arch: str) -> tuple[Row, ...]:
    """What the engine has for each system. Raises PggitError where no engine answers."""
    made = [image for image in container.find_images(container.LABEL) if image.labels.get("pggit.arch") == arch]
    return tuple(_row(system, arch, made) for system in chosen)


def _row(system: System, arch: str, made: Sequence[container.Image]) -> Row:
    base = images.find_base(system, arch)
    found = container.find_image(base) if base else None
    mine = {
        tag: image.labels["pggit.image"]
        for image in made
        if image.labels.get("pggit.os") == system.id and image.labels.get("pggit.image", "base") != "base"
        for tag in image.tags
    }
    current = _current(system, arch, base) if base else {}
    return Row(
        os=system.id,
        arch=arch,
        base=base,
        base_age_days=(datetime.now(UTC) - datetime.fromisoformat(found.created)).days if found else None,
        otherwise=system.image + (", or a package mirror" if system.bootstrap else ""),
        builder=next((tag for tag, kind in mine.items() if kind == "builder" and current.get(kind) == tag), None),
        servers=tuple(kind.removeprefix("server-") for tag, kind in sorted(mine.items())
                      if kind != "builder" and current.get(kind) == tag),
        outdated=sum(current.get(kind) != tag for tag, kind in mine.items()),
    )  # fmt: skip


def _current(system: System, arch: str, base: str) -> dict[str, str]:
    """By kind, the names that images of today's recipes have."""
    try:
        recipes = [images.builder_recipe(system, arch, base)]
        recipes += [images.server_recipe(Target(system, pg.major, arch), base) for pg in targets.load().postgres]
    except PggitError:  # no recipe for this family
        return {}
    return {recipe.kind: recipe.reference for recipe in recipes}


def as_json(found: Sequence[Row]) -> str:
    """For --json."""
    return json.dumps({"images": [asdict(row) for row in found]}, indent=2)


def as_table(found: Sequence[Row]) -> str:
    """For people."""
    from tasks.lib import console

    lines = [("os", "arch", "base", "age", "builder", "servers", "outdated")]
    for row in found:
        age = "" if row.base_age_days is None else f"{row.base_age_days} days"
        base = row.base or f"none; from {row.otherwise}"
        servers = ", ".join(row.servers) or "-"
        lines.append((row.os, row.arch, base, age, "yes" if row.builder else "-", servers, str(row.outdated or "-")))
    return console.table(lines)


def build(os: str, arch: str, pg: str, pull: str, dry_run: bool, say: Say) -> None:
    """Make what is missing: a builder for each system, and with `pg` a server for each of these majors.

    Goes on after a failure, and then raises PggitError. Raises UsageError for unknown values first.
    """
    policy, arch = images.pull_policy(pull), one_arch(arch)
    chosen = systems(os)
    majors = sorted({t.pg for t in targets.load().select(None, pg, "all", arch).targets}) if pg else []
    wanted = [(system, major) for system in chosen for major in (None, *majors)]  # None: the builder
    present = {row.os: row for row in rows(chosen, arch)} if dry_run else {}

    def make(system: System, major: str | None) -> str:
        images.dockerfile(system)  # without one there is no need to look for a base
        if dry_run:
            row = present[system.id]
            there = major in row.servers if major else row.builder is not None
            return "is there" if there else f"would be built on {row.base or f'a base from {row.otherwise}'}"
        if major is None:
            return images.obtain_builder(system, policy, arch, say)
        return images.obtain_server(system, major, policy, arch, say)

    _each({_title(*one): partial(make, *one) for one in wanted}, say)


def _title(system: System, major: str | None) -> str:
    return f"{system.id} server {major}" if major else f"{system.id} builder"


def bootstrap(os: str, arch: str, mirror: str, security_mirror: str, force: bool, dry_run: bool, say: Say) -> None:
    """Make base images from a package mirror, where the engine has none of ours or with `force`.

    Goes on after a failure, and then raises PggitError. Raises UsageError for unknown values first.
    """
    arch = one_arch(arch)
    for option, value in (("mirror", mirror), ("security-mirror", security_mirror)):
        if value and not value.startswith(("http://", "https://", "file:", "copy:")):
            raise UsageError(f"--{option}={value}: valid is an address such as http://HOST/debian or file:/PATH")
    work = {}
    for system in systems(os):
        reference = images.base_reference(system, arch)
        if dry_run:
            _show_plan(system, arch, mirror, security_mirror, reference, say)
        elif not force and container.find_image(reference):
            say(f"{system.id}: {reference} is there; --force makes it anew")
        else:
            work[system.id] = partial(images.bootstrap, system, arch, mirror, security_mirror, say)
    _each(work, say)


def _show_plan(system: System, arch: str, mirror: str, security_mirror: str, reference: str, say: Say) -> None:
    try:
        sources = aptsources.of(system, mirror, security_mirror)
    except PggitError as error:
        say(f"{system.id}: cannot be made: {error}")
        return
    uris = [line.partition(" ")[2] for line in sources.text.splitlines() if line.startswith("URIs:")]
    say(f"{system.id}: would make {reference} ({arch}) from {' and '.join(uris)}")


def prune(dry_run: bool, say: Say) -> None:
    """Remove builder and server images of earlier recipes or bases. Raises PggitError without an engine."""
    matrix = targets.load()
    kept = set()
    for system in matrix.systems:
        for arch in matrix.arches:
            base = images.find_base(system, arch.name)
            kept |= set(_current(system, arch.name, base).values()) if base else set()
    old = [image for image in container.find_images(container.LABEL)
           if image.labels.get("pggit.image", "base") != "base" and not kept & set(image.tags)]  # fmt: skip
    for image in old:
        if not dry_run:
            container.remove_image(image)
        say(f"{'would remove' if dry_run else 'removed'} {', '.join(image.tags) or image.id}")
    if not old:
        say("nothing is outdated")


def _each(work: Mapping[str, Callable[[], str]], say: Say) -> None:
    failed = []
    for title, make in work.items():
        start = time.monotonic()
        try:
            done, seconds = make(), time.monotonic() - start
            say(f"{title}: {done}{f' ({seconds:.1f} s)' if seconds >= 0.1 else ''}")
        except PggitError as error:
            failed.append(title)
            say(f"{title}: FAILED: {error}")
    if failed:
        raise PggitError(f"{len(failed)} of {len(work)} images could not be made: {', '.join(failed)}")
