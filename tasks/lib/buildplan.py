"""Which packages a build is to make, and which of them are made already."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.lib import changelog, images, inputs, manifest, recipe, sqlscript, targets
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
    pg: str
    file: str
    """Its path below dist."""

    @property
    def target(self) -> str:
        """Its name on the screen and in the manifest. The package itself is the same for every architecture."""
        return f"{self.system.family}-{self.system.id}-pg{self.pg}-all"


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
        # What else decides them: nfpm, pinned in the lock; or the tools in the image.
        tools = ROOT / "requirements.lock" if engine == "local" else PACKAGING / "docker" / "deb.Dockerfile"
        return inputs.digest(job.system, job.pg, self.version, self.epoch, engine, manifest.sha256(tools.read_bytes()))

    def done(self, job: Job, listed: Mapping[str, Artifact]) -> Artifact | None:
        """The artifact that already is what building `job` would give, if there is one.

        With --engine=auto that is one by docker, or one that auto itself had made locally: looking whether
        an engine has come up since would cost more than everything else a no-op does.
        """
        made = listed.get(job.file)
        if self.request.force or made is None:
            return None
        if self.request.source and not self._source_done(job.system, listed):
            return None
        wanted = self.request.engine
        if made.engine != wanted and not (wanted == "auto" and (made.engine == "docker" or made.asked == "auto")):
            return None
        if made.inputs != self.inputs_digest(job, made.engine) or not made.is_intact():
            return None
        return made

    def source_files(self, system: System) -> tuple[str, ...]:
        """The files of the source package, below dist."""
        product = recipe.product()
        name, version = product.source, changelog.debian_version(self.version, product.revision)
        upstream = version.rpartition("-")[0]
        files = (f"{name}_{upstream}.orig.tar.xz", f"{name}_{version}.debian.tar.xz", f"{name}_{version}.dsc")
        return tuple(f"{system.id}/{file}" for file in files)

    def source_digest(self, system: System) -> str:
        """The digest of everything that decides the source package's bytes."""
        majors = [job.pg for job in self.jobs if job.system == system]
        return inputs.digest(system, majors, self.version, self.epoch, "source")

    def _source_done(self, system: System, listed: Mapping[str, Artifact]) -> bool:
        made = [listed.get(file) for file in self.source_files(system)]
        wanted = self.source_digest(system)
        return all(one is not None and one.inputs == wanted and one.is_intact() for one in made)


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
    jobs = {
        (target.system.id, target.pg): Job(
            target.system, target.pg, f"{target.system.id}/{recipe.deb_name(version, target.pg)}"
        )
        for target in selection.targets
    }
    notes = list(matrix.warnings(selection.targets))
    if request.arch not in ("", "all"):
        notes.append(f"one package serves every architecture: --arch={request.arch} makes the same _all.deb")
    return Plan(
        request,
        tuple(jobs.values()),
        selection.excluded,
        version,
        inputs.epoch(version),
        int(request.jobs or os.cpu_count() or 1),
        tuple(notes),
    )
