"""packages.verify: a built package, installed by the system's own tool beside a real server, used and removed."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tasks.lib import aptrepo, evidence, images, recipe, sqlscript, targets
from tasks.lib.container import Container
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import DIST
from tasks.lib.targets import Target

DATABASE = "verify"
CHECK = "packages.verify"


@dataclass(frozen=True)
class Step:
    """One step that was taken, what it showed, and how long it took."""

    title: str
    shown: str
    seconds: float


@dataclass
class Verdict:
    """How one package fared; `problem` is None when all went well."""

    target: Target
    package: Path
    sha256: str
    version: str
    image: str = ""
    steps: list[Step] = field(default_factory=list)
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON and for the evidence."""
        return {
            "id": self.target.id, "ok": self.problem is None, "problem": self.problem, "version": self.version,
            "package": f"{self.package.parent.name}/{self.package.name}", "sha256": self.sha256,
            "image": self.image, "steps": [asdict(step) for step in self.steps],
        }  # fmt: skip


Say = Callable[[str], None]


def plan(os: str, pg: str, version: str, dist: Path = DIST) -> tuple[tuple[Target, Path], ...]:
    """The targets that `choose` gives, each with its package in `dist`.

    Raises UsageError for unknown values, PggitError where a package has not been built.
    """
    return tuple((target, _package(target, version, dist)) for target in choose(os, pg))


def choose(os: str, pg: str) -> tuple[Target, ...]:
    """The targets that `--os` and `--pg` mean: by default the newest Debian, with the PostgreSQL it ships.

    Raises UsageError for unknown values, or where a system ships no supported PostgreSQL and none is named.
    """
    matrix = targets.load()
    arch = targets.native_arch()
    chosen = matrix.select("deb", pg or "all", os or matrix.default_system("deb").id, arch).targets
    if pg:
        return chosen
    found: list[Target] = []
    for system in dict.fromkeys(target.system for target in chosen):
        shipped = system.ships_postgres
        if shipped is None or shipped not in {one.major for one in matrix.postgres}:
            ships = f"PostgreSQL {shipped}, which is not supported" if shipped else "no PostgreSQL"
            raise UsageError(f"{system.id} ships {ships}: name one with --pg; valid: {', '.join(matrix.majors())}")
        found += matrix.select("deb", shipped, system.id, arch).targets
    return tuple(found)


def _package(target: Target, version: str, dist: Path) -> Path:
    from debian.debian_support import Version

    debian_version = (version or sqlscript.version()).replace("-", "~")
    pattern = f"{recipe.package_name(target.pg)}_{debian_version}-*_all.deb"
    found = list((dist / target.system.id).glob(pattern))
    if not found:
        raise PggitError(
            f"no {dist.name}/{target.system.id}/{pattern}; make it with:"
            f" ./inv build.deb --pg={target.pg} --os={target.system.id}{version and f' --version={version}'}"
        )
    return max(found, key=lambda path: Version(path.name.split("_")[1]))


def verify(target: Target, package: Path, pull: str | None, say: Say) -> Verdict:
    """Install `package` into a clean container of its system, use it, remove it; keep the evidence.

    `say` takes a line a step. Work that fails ends in the verdict's `problem`, and is no exception.
    """
    data = package.read_bytes()
    verdict = Verdict(target, package, hashlib.sha256(data).hexdigest(), package.name.split("_")[1])
    try:
        _walk(verdict, data, pull, say)
    except PggitError as error:
        verdict.problem = str(error)
    evidence.record(CHECK, target.id, verdict.problem is None, verdict.as_dict())
    return verdict


def _walk(verdict: Verdict, data: bytes, pull: str | None, say: Say) -> None:
    target, pg = verdict.target, verdict.target.pg
    name = recipe.package_name(pg)
    version = verdict.version.rpartition("-")[0].replace("~", "-")

    @contextmanager
    def step(title: str) -> Iterator[list[str]]:
        shown: list[str] = []
        start = time.monotonic()
        try:
            yield shown
        except PggitError as error:
            raise PggitError(f"{title}: {error}") from error
        done = Step(title, " ".join(shown), round(time.monotonic() - start, 2))
        verdict.steps.append(done)
        say(f"{target.id}  {done.title}{': ' if done.shown else ''}{done.shown} ({done.seconds:.1f} s)")

    with step("a server to install it beside") as shown:
        verdict.image = images.obtain_server(target.system, pg, pull, target.arch, say)
        shown.append(verdict.image)
    with Container(verdict.image, CHECK) as container:
        with step("apt repository"):
            aptrepo.publish(container, {verdict.package.name: data})
        with step("apt-get install") as shown:
            aptrepo.install(container, name, verdict.version)
            files = aptrepo.files(container, name)
            shown.append(f"{name} {verdict.version}, {len(files)} files")
        with step("server start") as shown:
            aptrepo.start_server(container, pg)
            server = _query(container, "SHOW server_version", "postgres")
            _require("the server's major version", server.partition(".")[0], pg)
            shown.append(f"PostgreSQL {server}")
        for title, check in _CHECKS.items():
            with step(title) as shown:
                shown.append(check(container, version))
        with step("apt-get remove"):
            aptrepo.remove(container, name)
            _require("files left after remove", " ".join(aptrepo.leftovers(container, files, "pggit")), "")
        with step("apt-get purge"):
            aptrepo.remove(container, name, purge=True)
            _require("files left after purge", " ".join(aptrepo.leftovers(container, files, "pggit")), "")


def _query(container: Container, sql: str, database: str = DATABASE) -> str:
    """What psql, as the superuser, prints for `sql`; an error in it is a PggitError."""
    argv = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]
    return container.run(argv, user="postgres", workdir="/").output.strip()


def _require(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise PggitError(f"{what}: expected {expected or 'none'}, found {found or 'none'}")


def _create(container: Container, version: str) -> str:
    _query(container, f"CREATE DATABASE {DATABASE}", "postgres")
    _query(container, "CREATE EXTENSION pggit")
    _require("pggit.version()", _query(container, "SELECT pggit.version()"), version)
    count = _query(
        container,
        "SELECT count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
        " WHERE e.extname = 'pggit' AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass",
    )
    _query(container, "SELECT pggit.init()")
    return f"version {version}, {count} functions"


def _track(container: Container, version: str) -> str:
    _query(container, "CREATE TABLE public.verified (id integer PRIMARY KEY, note text)")
    _require("rows of the new table in pggit.history", _created(container, "public", "verified"), "1")
    _query(container, "ALTER TABLE public.verified ADD COLUMN more text; DROP TABLE public.verified")
    kinds = "SELECT string_agg(DISTINCT h.change_type, ',' ORDER BY h.change_type)" + _OF.format("public", "verified")
    _require("its changes", _query(container, kinds), "ALTER,CREATE,DROP")
    _require("rows of pggit.verify()", _query(container, "SELECT count(*) FROM pggit.verify()"), "0")
    return "CREATE, ALTER and DROP of a table are in pggit.history"


def _ordinary(container: Container, version: str) -> str:
    _query(container, f"CREATE ROLE ordinary; GRANT CREATE ON DATABASE {DATABASE} TO ordinary")
    become = "SET SESSION AUTHORIZATION ordinary; "
    _query(container, become + "CREATE SCHEMA mine; CREATE TABLE mine.own (id integer)")
    _require("rows of its table in pggit.history", _created(container, "mine", "own"), "1")
    for sql in ("DELETE FROM pggit.history", "SELECT pggit.uninstall()", "DROP EXTENSION pggit"):
        argv = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", DATABASE, "-c", become + sql]
        if container.run(argv, user="postgres", workdir="/", check=False).exit_code == 0:
            raise PggitError(f"an ordinary role may run: {sql}")
    return "its DDL is recorded, and it cannot tamper"


def _drop(container: Container, version: str) -> str:
    _query(container, "SELECT pggit.uninstall()")
    _query(container, "DROP EXTENSION pggit")
    left = "SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'pggit%'"
    _require("event triggers left", _query(container, left), "0")
    _query(container, "CREATE TABLE public.afterwards (id integer)")
    return "without CASCADE, and DDL goes on"


_OF = (
    " FROM pggit.history h JOIN pggit.objects o ON o.id = h.object_id"
    " WHERE o.object_type = 'TABLE' AND o.schema_name = '{}' AND o.object_name = '{}'"
)


def _created(container: Container, schema: str, table: str) -> str:
    return _query(container, "SELECT count(*)" + _OF.format(schema, table) + " AND h.change_type = 'CREATE'")


_CHECKS: dict[str, Callable[[Container, str], str]] = {
    "CREATE EXTENSION and init": _create,
    "tracking": _track,
    "an ordinary role": _ordinary,
    "uninstall and DROP EXTENSION": _drop,
}


def run(os: str, pg: str, version: str, pull: str | None, say: Say) -> tuple[Verdict, ...]:
    """Verify every target that is meant; a failure of one does not stop the others. Raises as `plan`."""
    policy = images.pull_policy(pull)
    return tuple(verify(target, package, policy, say) for target, package in plan(os, pg, version))


def as_json(verdicts: tuple[Verdict, ...]) -> str:
    """For --json."""
    return json.dumps({"packages": [verdict.as_dict() for verdict in verdicts]}, indent=2)
