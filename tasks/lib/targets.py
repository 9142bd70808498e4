"""The supported world (packaging/targets.yaml): PostgreSQL majors, systems, and what they combine to."""

import fnmatch
import functools
import itertools
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tasks.lib import checkedyaml
from tasks.lib.errors import UsageError
from tasks.lib.paths import PACKAGING

FILE = PACKAGING / "targets.yaml"
SCHEMA = PACKAGING / "targets.schema.json"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL major version and the day of its last minor release."""

    major: str
    eol: date
    preview: bool


@dataclass(frozen=True)
class Arch:
    """A processor architecture: Debian's name, rpm's name, and the GitHub runner that has it."""

    name: str
    rpm: str
    runner: str


@dataclass(frozen=True)
class Bootstrap:
    """What mmdebstrap needs to make a system's root file system from a package mirror."""

    suites: tuple[str, ...]
    components: tuple[str, ...]
    keyring: str
    keyring_package: str


@dataclass(frozen=True)
class System:
    """An operating system release that packages are made for."""

    id: str
    family: str
    image: str
    codename: str
    security_until: date
    preview: bool
    ships_postgres: str | None
    python: str
    """The interpreter that runs the `pggit` command there."""
    python_package: str
    python_version: str
    bootstrap: Bootstrap | None
    """None where only a registry has the base image."""

    @property
    def distribution(self) -> str:
        """`debian`, `ubuntu` or `rocky`."""
        return self.id.partition("-")[0]

    @property
    def release(self) -> str:
        """The number in the id: `13`, `24.04`."""
        return self.id.partition("-")[2]


@dataclass(frozen=True)
class Target:
    """One cell of the matrix."""

    system: System
    pg: str
    arch: str

    @property
    def id(self) -> str:
        """Such as deb-debian-13-pg17-amd64."""
        return f"{self.system.family}-{self.system.id}-pg{self.pg}-{self.arch}"

    @property
    def server(self) -> str:
        """Where the server comes from: `system`, or `pgdg` (always for rpm, whose packages follow PGDG's paths)."""
        return "system" if self.system.family == "deb" and self.system.ships_postgres == self.pg else "pgdg"


@dataclass(frozen=True)
class Excluded:
    """A target that was asked for and left out."""

    id: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """What an answer to `--pg --os --arch` is: targets in the order of targets.yaml, and what was left out."""

    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True)
class Matrix:
    """targets.yaml, typed."""

    postgres: tuple[Postgres, ...]
    systems: tuple[System, ...]
    arches: tuple[Arch, ...]
    exclusions: tuple[Mapping[str, str], ...]
    pgdg: Mapping[str, Any]
    """PostgreSQL's own repositories, by package family, as they stand in the file."""

    def majors(self) -> tuple[str, ...]:
        """The PostgreSQL majors that are supported, without previews, oldest first."""
        return tuple(pg.major for pg in self.postgres if not pg.preview)

    def system(self, id: str) -> System:
        """The system of that id. Raises UsageError that names the valid ones."""
        (chosen, *_), _ = choose("os", id, {s.id: s.preview for s in self.systems})
        found = next((s for s in self.systems if s.id == id), None)
        if found is None:
            raise UsageError(f"--os={id}: one system is needed here, such as {chosen}")
        return found

    def default_system(self, family: str) -> System:
        """The newest release of Debian (deb) or Rocky (rpm) that is no preview."""
        distribution = {"deb": "debian", "rpm": "rocky"}[family]
        released = [s for s in self.systems if s.distribution == distribution and not s.preview]
        return max(released, key=lambda s: [int(part) for part in s.release.split(".")])

    def select(self, family: str | None, pg: str, os: str, arch: str) -> Selection:
        """The targets that `--pg`, `--os` and `--arch` name: comma-separated ids, globs, or `all`.

        Raises UsageError, naming what is valid, for a value that matches nothing, and where nothing
        but excluded targets is left.
        """
        of_family = [s for s in self.systems if family in (None, s.family)]
        foreign = {s.id for s in self.systems} - {s.id for s in of_family}
        if os in foreign:
            raise UsageError(f"--os={os} has no {family} packages; valid: {', '.join(s.id for s in of_family)}")
        systems, named_systems = choose("os", os, {s.id: s.preview for s in of_family})
        majors, named_majors = choose("pg", pg, {p.major: p.preview for p in self.postgres})
        arches, _ = choose("arch", arch, dict.fromkeys((a.name for a in self.arches), False))
        targets, excluded = [], []
        for system, postgres, name in itertools.product(of_family, self.postgres, arches):
            if system.id not in systems or postgres.major not in majors:
                continue
            target = Target(system, postgres.major, name)
            reason = self._exclusion(target)
            if reason is None and postgres.preview and postgres.major not in named_majors:
                reason = f"PostgreSQL {postgres.major} is a preview: name it with --pg={postgres.major}"
            if reason is None and system.preview and system.id not in named_systems:
                reason = f"{system.id} is a preview: name it with --os={system.id}"
            if reason is None:
                targets.append(target)
            else:
                excluded.append(Excluded(target.id, reason))
        if not targets:
            raise UsageError(f"every target asked for is left out: {excluded[0].id}: {excluded[0].reason}")
        return Selection(tuple(targets), tuple(excluded))

    def _exclusion(self, target: Target) -> str | None:
        for rule in self.exclusions:
            asked = {"os": target.system.id, "pg": target.pg, "arch": target.arch}
            if all(fnmatch.fnmatchcase(value, rule.get(key, "*")) for key, value in asked.items()):
                return rule["reason"]
        return None

    def warnings(self, targets: Sequence[Target], today: date | None = None) -> tuple[str, ...]:
        """One line for each PostgreSQL or system among `targets` whose updates have ended by `today`."""
        day = today or datetime.now(UTC).date()
        majors, systems = {t.pg for t in targets}, {t.system.id for t in targets}
        return tuple(
            [f"PostgreSQL {p.major} is past its end of life ({p.eol})" for p in self.postgres
             if p.major in majors and p.eol < day]
            + [f"{s.id} has had no security updates since {s.security_until}" for s in self.systems
               if s.id in systems and s.security_until < day]
        )  # fmt: skip


def choose(option: str, value: str, previews: Mapping[str, bool]) -> tuple[list[str], set[str]]:
    """What `value` matches of `previews`' keys (in their order), and which of them it names in full.

    Raises UsageError that names `--option` and what is valid.
    """
    chosen, named = set(), set()
    for word in [part.strip() for part in value.split(",")]:
        matches = list(previews) if word == "all" else fnmatch.filter(previews, word)
        if not word or not matches:
            valid = ", ".join(f"{key} (preview)" if preview else key for key, preview in previews.items())
            hint = checkedyaml.did_you_mean(word, list(previews))
            raise UsageError(f"--{option}={value}: unknown {word!r}{hint}; valid: {valid}, all, or a glob")
        chosen.update(matches)
        named.update({word} & previews.keys())
    return [key for key in previews if key in chosen], named


def native_arch() -> str:
    """Debian's name for this machine's architecture."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@functools.cache
def load(file: Path = FILE) -> Matrix:
    """Read and check targets.yaml. Raises UsageError with one line that names the wrong key."""
    data = checkedyaml.load(file, SCHEMA)
    matrix = Matrix(
        tuple(
            Postgres(major, _day(item["eol"], f"postgres.{major}.eol"), item.get("preview", False))
            for major, item in data["postgres"].items()
        ),
        tuple(_system(id, item) for id, item in data["systems"].items()),
        tuple(Arch(name, item["rpm"], item["runner"]) for name, item in data["arches"].items()),
        tuple(data["exclusions"]),
        data["pgdg"],
    )
    _check_exclusions(matrix)
    newest = max((p.major for p in matrix.postgres), key=int)
    for system in matrix.systems:
        if system.ships_postgres and int(system.ships_postgres) > int(newest):
            raise UsageError(
                f"packaging/targets.yaml: systems.{system.id}.ships_postgres: {system.ships_postgres!r} is newer than"
                f" every major in postgres; valid: {newest} or older"
            )
    return matrix


def _system(id: str, item: Mapping[str, Any]) -> System:
    made = item.get("bootstrap")
    return System(
        id=id,
        family=item["family"],
        image=item["image"],
        codename=item["codename"],
        security_until=_day(item["security_until"], f"systems.{id}.security_until"),
        preview=item.get("preview", False),
        ships_postgres=item["ships_postgres"],
        python=item["python"]["command"],
        python_package=item["python"]["package"],
        python_version=item["python"]["version"],
        bootstrap=made
        and Bootstrap(
            tuple(suite.format(codename=item["codename"]) for suite in made["suites"]),
            tuple(made["components"]),
            made["keyring"],
            made["keyring_package"],
        ),
    )


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"packaging/targets.yaml: {place}: {text!r} is no date") from None


def _check_exclusions(matrix: Matrix) -> None:
    """An exclusion that excludes nothing is a typo."""
    valid = {
        "os": [s.id for s in matrix.systems],
        "pg": [p.major for p in matrix.postgres],
        "arch": [a.name for a in matrix.arches],
    }
    for index, rule in enumerate(matrix.exclusions):
        for key, names in valid.items():
            if not fnmatch.filter(names, rule.get(key, "*")):
                hint = checkedyaml.did_you_mean(rule[key], names)
                raise UsageError(
                    f"packaging/targets.yaml: exclusions.{index}.{key}: {rule[key]!r} matches nothing{hint}"
                )
