"""packages.check: everything that must be true of the packages that lie in dist."""

import json
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.lib import debcheck, lintian, manifest, recipe, sqlscript, targets
from tasks.lib.errors import PggitError
from tasks.lib.manifest import Artifact
from tasks.lib.paths import DIST
from tasks.lib.targets import System, Target


@dataclass
class Checked:
    """One package of dist, and what was found wrong with it."""

    file: str
    target: Target
    problems: list[str] = field(default_factory=list)
    lintian: str = f"not examined: it is not in {manifest.NAME}"
    """`examined`, or why it was not."""
    version: str = ""
    """pgGit's, where the manifest tells."""
    first_release: bool = False


def check(pg: str, os: str, dist: Path = DIST) -> tuple[Checked, ...]:
    """Check every .deb of dist that `pg` and `os` select.

    Raises UsageError for a value that makes no sense, PggitError when there is no such package.
    """
    chosen = {(one.system.id, one.pg): one for one in targets.load().select("deb", pg, os, "all").targets}
    listed = manifest.read(dist)
    found = {}
    for path in sorted(dist.glob("*/*.deb")):
        major = path.name.removeprefix("postgresql-").partition("-")[0]
        target = chosen.get((path.parent.name, major))
        if target:
            file = str(path.relative_to(dist))
            found[file] = Checked(file, target)
    if not found:
        raise PggitError("dist holds no such package; make it with ./inv build.deb (--pg and --os as here)")
    for one in found.values():
        one.problems += _against_manifest(dist, one, listed)
    _lint([one for one in found.values() if one.file in listed], dist)
    return tuple(found.values())


def _against_manifest(dist: Path, one: Checked, listed: Mapping[str, Artifact]) -> Iterator[str]:
    made = listed.get(one.file)
    if made is None:
        yield f"is not in {manifest.NAME}: nothing tells what it was made from; delete it or build it again"
        return
    if not made.is_intact(dist):
        yield "was changed after it was built: its sha256 is not the recorded one"
    for other in listed.values():
        same_name = Path(other.file).name == Path(one.file).name and other.engine == made.engine
        if same_name and other.epoch == made.epoch and other.sha256 != made.sha256:
            yield f"differs from {other.file}: one version must mean one set of bytes on every system"
    version = "" if made.version == sqlscript.version() else made.version
    expected = recipe.load(version, made.epoch)
    one.version, one.first_release = made.version, expected.is_first_release
    yield from debcheck.problems((dist / one.file).read_bytes(), expected, one.target.pg)


def _lint(checked: Sequence[Checked], dist: Path) -> None:
    """Add the complaints of each system's own lintian: a container's, else this machine's where it is that system."""
    accepted = lintian.allowed()
    # Each version by itself: lintian names a package without its version.
    for system_id, version in dict.fromkeys((one.target.system.id, one.version) for one in checked):
        mine = [one for one in checked if (one.target.system.id, one.version) == (system_id, version)]
        system = mine[0].target.system
        try:
            tags = _tags(system, [dist / one.file for one in mine])
        except PggitError as error:
            for one in mine:
                one.lintian = f"not examined: {error}"
            continue
        for one in mine:
            one.lintian = "examined"
            name = recipe.package_name(one.target.pg)
            one.problems += lintian.problems(tags, name, "binary", system.id, accepted, first_release=one.first_release)


def _tags(system: System, debs: Sequence[Path]) -> tuple[lintian.Tag, ...]:
    from tasks.lib import container, engine_docker, images

    reason = container.available()
    if reason is None:
        return engine_docker.examine(images.obtain_builder(system), {path.name: path.read_bytes() for path in debs})
    if shutil.which("lintian") is None:
        raise PggitError(f"no lintian on this machine, and {reason}")
    if _machine() != (system.distribution, system.codename):
        raise PggitError(f"this machine's lintian is {' '.join(_machine())}'s, not {system.id}'s, and {reason}")
    result = subprocess.run(
        [*lintian.COMMAND, *map(str, debs)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if result.returncode not in (0, 2):
        raise PggitError(f"lintian failed with exit code {result.returncode}: {result.stderr.strip()[-200:]}")
    return lintian.parse(result.stdout)


def _machine() -> tuple[str, str]:
    """The distribution that this machine runs, and its release's code name."""
    try:
        facts = platform.freedesktop_os_release()
    except OSError:
        return "an unknown system", ""
    return facts["ID"], facts.get("VERSION_CODENAME", "")


def as_json(checked: Sequence[Checked]) -> str:
    """For --json."""
    packages = [
        {"file": one.file, "ok": not one.problems, "problems": one.problems, "lintian": one.lintian} for one in checked
    ]
    return json.dumps({"packages": packages}, indent=2)


def lines(checked: Sequence[Checked]) -> list[str]:
    """For people: a line a package, and one for each of its problems."""
    told = []
    for one in checked:
        unseen = "" if one.lintian == "examined" else f" (lintian: {one.lintian})"
        told.append(f"{'FAILED' if one.problems else 'ok    '} {DIST.name}/{one.file}{unseen}")
        told += [f"         {problem}" for problem in one.problems]
    return told
