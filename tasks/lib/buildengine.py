"""Which engine makes a system's packages, and its run in a form that is the same for each."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import engine_local, lintian, recipe
from tasks.lib.buildplan import Plan
from tasks.lib.errors import PggitError
from tasks.lib.targets import System


@dataclass(frozen=True)
class Made:
    """What one run of an engine made; the packages are not yet checked."""

    files: Mapping[str, bytes]
    """By name."""
    complaints: Mapping[str | None, Sequence[str]]
    """lintian's, by PostgreSQL major; None for the source package."""
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Engine:
    """An engine, ready to make packages of `system`."""

    name: str
    system: System
    image: str = ""

    def make(self, made_of: recipe.Recipe, pgs: Sequence[str], log: Path, *, source: bool = False) -> Made:
        """Packages of `made_of` for the PostgreSQL majors `pgs`, or one source package for them (docker only).
        What happens goes to `log`.

        Raises RecipeFailedError when that fails, PggitError when the engine does.
        """
        if self.name == "local":
            debs = engine_local.build(pgs, made_of, log)
            files = {recipe.deb_name(made_of.version, pg): data for pg, data in debs.items()}
            return Made(files, dict.fromkeys(pgs, ()), engine_local.tools())
        from tasks.lib import engine_docker

        built = engine_docker.build(self.image, pgs, made_of, log, name=self.system.id, source=source)
        accepted = lintian.allowed()

        def complaints(package: str, kind: str) -> tuple[str, ...]:
            return lintian.problems(
                built.tags, package, kind, self.system.id, accepted, first_release=made_of.is_first_release
            )

        about: dict[str | None, Sequence[str]]
        if source:
            about = {None: complaints(made_of.product.source, "source")}
        else:
            about = {pg: complaints(recipe.package_name(pg), "binary") for pg in pgs}
        return Made(built.files, about, built.tools)


def choose(plan: Plan, system: System, say: Callable[[str], None]) -> Engine:
    """The engine that `plan` asks for; for auto: docker when one answers and can have an image of `system`.

    `say` gets one line about what was chosen and why. Raises PggitError when docker was asked for and
    cannot do it.
    """
    if plan.request.engine == "local":
        return Engine("local", system)
    from tasks.lib import container, images

    reason = container.available()
    image = ""
    if reason is None:
        started = time.monotonic()
        try:
            image = images.obtain_builder(system, plan.request.pull, notify=lambda line: say(f"{system.id}: {line}"))
        except PggitError as error:
            reason = str(error)
        else:
            took = time.monotonic() - started
            made = f", made ready in {took:.0f} s" if took > 2 else ""
            say(f"{system.id}: engine docker ({image}{made})")
    if reason is None:
        return Engine("docker", system, image)
    if plan.request.engine == "docker" or plan.request.source:
        raise PggitError(reason)
    say(f"{system.id}: engine local, because {reason}")
    return Engine("local", system)
