"""build.deb: make what is missing in dist, each system's packages in one go, and keep going when one fails."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tasks.lib import buildengine, debcheck, dist, manifest, recipe, targets
from tasks.lib.buildplan import Job, Plan
from tasks.lib.console import Board
from tasks.lib.errors import PggitError
from tasks.lib.manifest import Artifact
from tasks.lib.paths import BUILD, DIST, ROOT

LOGS = BUILD / "logs"


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    target: str
    status: str
    """`built`, `up to date`, `failed`, or with --dry-run `would build`."""
    file: str
    """Below the checkout: dist/debian-13/…"""
    engine: str = ""
    sha256: str = ""
    size: int = 0
    seconds: float = 0.0
    log: str = ""
    error: str = ""
    parts: tuple[str, ...] = ()
    """The other files of a source package, which `file`, its .dsc, names with their sha256."""


def deb(plan: Plan, say: Callable[[str], None], board: Callable[[Sequence[str]], Board]) -> tuple[Outcome, ...]:
    """Do what `plan` says; a target that fails keeps no other from being built. One outcome a job, in order.

    `say` takes a line for the user, `board` gives the progress display of the targets that are built.
    Raises PggitError where dist cannot be used at all.
    """
    pending = _pending(plan)
    made: dict[Job, Outcome] = {}
    if pending and plan.request.dry_run:
        engine = plan.request.engine
        made = {job: Outcome(job.target, "would build", engine=engine, **_files(job)) for job in pending}
    elif pending:
        with dist.lock(lambda: say("another build is writing to dist: waiting for it to end")):
            pending = _pending(plan)  # the other one may have made it
            for system in {job.system.id for job in pending}:
                dist.check_writable(DIST / system)
            if pending:
                with board([job.target for job in pending]) as display:
                    made = _Run(plan, display).build(pending)
    listed = manifest.read()
    return tuple(made.get(job) or _up_to_date(job, listed[job.files[0]]) for job in plan.jobs)


def _pending(plan: Plan) -> list[Job]:
    listed = manifest.read()
    return [job for job in plan.jobs if plan.done(job, listed) is None]


class _Files(TypedDict):
    file: str
    parts: tuple[str, ...]


def _files(job: Job) -> _Files:
    file, *parts = (f"{DIST.relative_to(ROOT)}/{one}" for one in job.files)
    return {"file": file, "parts": tuple(parts)}


def _up_to_date(job: Job, made: Artifact) -> Outcome:
    return Outcome(job.target, "up to date", engine=made.engine, sha256=made.sha256, size=made.size, **_files(job))


class _Run:
    """One run of build.deb that has something to build; it holds dist's lock."""

    def __init__(self, plan: Plan, display: Board) -> None:
        self.plan = plan
        self.display = display
        self.recipe = recipe.load(plan.request.version, plan.epoch)
        self.manifest_lock = threading.Lock()

    def build(self, pending: Sequence[Job]) -> dict[Job, Outcome]:
        """All of `pending`, `plan.workers` systems at a time."""
        systems: dict[str, list[Job]] = {}
        for job in pending:
            systems.setdefault(job.system.id, []).append(job)
        if len(systems) == 1 or self.plan.workers == 1:
            done = [self._system(jobs) for jobs in systems.values()]
        else:
            done = _in_parallel(self._system, list(systems.values()), self.plan.workers)
        return {job: outcome for one in done for job, outcome in one.items()}

    def _system(self, jobs: Sequence[Job]) -> dict[Job, Outcome]:
        """The jobs of one system, which share a container. Never raises a PggitError: it becomes outcomes."""
        for job in jobs:
            self.display.step(job.target, "building")
        started = time.monotonic()
        name = ""
        try:
            engine = buildengine.choose(self.plan, jobs[0].system, self.display.say)
            name = engine.name
            outcomes = self._together(engine, [job for job in jobs if job.pg])
            # A source package that packages cannot be made from is none.
            spoilt = [job.target for job, outcome in outcomes.items() if outcome.status == "failed"]
            for job in (job for job in jobs if job.pg is None):
                if spoilt:
                    error = f"not made, because from the same recipe failed: {', '.join(spoilt)}"
                    outcomes[job] = self._failed(job, name, started, error, None)
                else:
                    outcomes |= self._attempt(engine, [job])
        except PggitError as error:
            outcomes = {job: self._failed(job, name, started, str(error), None) for job in jobs}
        for job, outcome in outcomes.items():
            self.display.end(job.target, outcome.status)
        return outcomes

    def _together(self, engine: buildengine.Engine, jobs: Sequence[Job]) -> dict[Job, Outcome]:
        try:
            return self._attempt(engine, jobs) if jobs else {}
        except recipe.RecipeFailedError:
            self.display.say(f"{jobs[0].system.id}: the recipe failed: trying each package alone")
        # One of them may have spoilt it for all.
        return {job: outcome for one in jobs for job, outcome in self._attempt(engine, [one]).items()}

    def _attempt(self, engine: buildengine.Engine, jobs: Sequence[Job]) -> dict[Job, Outcome]:
        """One run of the engine, for packages or for the source package.

        Raises RecipeFailedError where the recipe fails for several jobs together.
        """
        started = time.monotonic()
        logs = {job: LOGS / f"{job.target}.log" for job in jobs}
        log = LOGS / f".{jobs[0].system.id}.log"
        with dist.clear_errors(LOGS):
            dist.make_folder(LOGS)
            log.unlink(missing_ok=True)
        pgs = [job.pg for job in jobs if job.pg]
        try:
            made = engine.make(self.recipe, pgs or targets.load().majors(), log, source=not pgs)
        except PggitError as error:
            if len(jobs) > 1 and isinstance(error, recipe.RecipeFailedError):
                raise
            return {
                job: self._failed(job, engine.name, started, str(error), _copy(log, path)) for job, path in logs.items()
            }
        outcomes = {}
        for job, path in logs.items():
            wrong = list(made.complaints[job.pg])
            if job.pg:
                wrong[:0] = debcheck.problems(made.files[Path(job.files[0]).name], self.recipe, job.pg)
            kept = _copy(log, path, wrong)
            try:
                if wrong:
                    raise PggitError(f"the package is not fit to be published: {wrong[0]}")
                outcomes[job] = self._keep(job, engine, made, time.monotonic() - started, kept)
            except PggitError as error:
                outcomes[job] = self._failed(job, engine.name, started, str(error), kept)
        return outcomes

    def _keep(self, job: Job, engine: buildengine.Engine, made: buildengine.Made, seconds: float, log: Path) -> Outcome:
        """Put a package that is fit into dist and the manifest."""
        inputs = self.plan.inputs_digest(job, engine.name)
        files = {file: made.files[Path(file).name] for file in job.files}
        with self.manifest_lock:
            for file, content in files.items():
                dist.write(DIST / file, content)
            manifest.record(
                Artifact(
                    file, manifest.sha256(content), len(content), job.target, self.plan.version, engine.name,
                    self.plan.request.engine, inputs, self.plan.epoch, made.tools, round(seconds, 2),
                )
                for file, content in files.items()
            )  # fmt: skip
        data = files[job.files[0]]
        return Outcome(
            job.target, "built", engine=engine.name, sha256=manifest.sha256(data), size=len(data),
            seconds=round(seconds, 2), log=str(log.relative_to(ROOT)), **_files(job),
        )  # fmt: skip

    def _failed(self, job: Job, engine: str, started: float, error: str, log: Path | None) -> Outcome:
        return Outcome(
            job.target, "failed", engine=engine, seconds=round(time.monotonic() - started, 2),
            log=str(log.relative_to(ROOT)) if log else "", error=error, **_files(job),
        )  # fmt: skip


def _copy(log: Path, target: Path, more: Sequence[str] = ()) -> Path:
    """The log of a run as the log of one of its targets, with that target's own complaints added."""
    text = log.read_bytes() if log.exists() else b""
    dist.write(target, text + "".join(f"pggit: {line}\n" for line in more).encode())
    return target


def _in_parallel(
    work: Callable[[Sequence[Job]], dict[Job, Outcome]], items: Sequence[Sequence[Job]], workers: int
) -> list[dict[Job, Outcome]]:
    """`work` on each of `items`, in daemon threads: Ctrl-C ends the process at once, and with it, by their
    pipes, the containers. A pool would wait for its threads first.
    """
    waiting: queue.SimpleQueue[Sequence[Job]] = queue.SimpleQueue()
    results: queue.SimpleQueue[dict[Job, Outcome] | BaseException] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def worker() -> None:
        while True:
            try:
                results.put(work(waiting.get_nowait()))
            except queue.Empty:
                return
            except BaseException as error:
                results.put(error)

    for _ in range(min(workers, len(items))):
        threading.Thread(target=worker, daemon=True).start()
    done = []
    for _ in items:
        result = results.get()
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
