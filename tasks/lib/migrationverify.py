"""migration.verify: goes every way between versions, on every PostgreSQL, and holds each end to what it must be."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.lib import (
    evidence,
    migrationcatalog,
    migrationground,
    migrationkept,
    migrationmajors,
    migrationsuite,
    migrationways,
    sqlscript,
)
from tasks.lib.console import table
from tasks.lib.errors import PggitError
from tasks.lib.migrationground import Finder, Ground
from tasks.lib.migrationways import ALTER, Way
from tasks.lib.paths import DIST
from tasks.lib.suiteserver import SuiteServer

CHECKS: Mapping[str, tuple[Finder, Callable[[Way], bool]]] = {**migrationcatalog.CHECKS, **migrationkept.CHECKS}
"""What is checked of a way on one server: how, and of which ways."""


@dataclass(frozen=True)
class Part:
    """One thing to check: on which PostgreSQL (or from one to another), which way, what."""

    pg: str
    way: str
    check: str
    find: Callable[[Ground], Sequence[str]]


@dataclass(frozen=True)
class Verdict:
    """What a check found, and how long it took."""

    pg: str
    way: str
    check: str
    faults: tuple[str, ...]
    seconds: float


def selected(ways: Sequence[Way]) -> list[tuple[Way, str]]:
    """Each way with each check that there is of it."""
    return [
        (way, name)
        for way in ways
        for name, (_, is_of) in CHECKS.items()
        if is_of(way) and (not way.stays or name == "restore")
    ]


def carried(ways: Sequence[Way]) -> tuple[Way, ...]:
    """The ways whose ends are taken to another major: those that are not round, each once."""
    return tuple(way for way in ways if way.how == ALTER and not way.is_round and len(way.stops) <= 2)


def parts(majors: Sequence[str], ways: Sequence[Way], suite: str) -> dict[str, list[Part]]:
    """What there is to do, by major; what goes from one major to another stands under both names."""
    newest = migrationways.in_order(migrationground.graph_of(sqlscript.contents()).installable)[-1]
    made: dict[str, list[Part]] = {}
    for pg in majors:
        made[pg] = [part(pg, way, name) for way, name in selected(ways)]
        if suite != "none":
            made[pg] += [
                Part(pg, str(way), f"suite ({suite})", _suite(pg, way.start, suite))
                for way in ways
                if way.stops == (way.start, newest) and way.how == ALTER and way.start != newest
            ]
    if len(majors) > 1 and carried(ways):
        between = f"{majors[0]} to {majors[-1]}"
        made[between] = [Part(between, "all", "majors", _majors(majors[0], majors[-1], carried(ways)))]
    return made


def part(pg: str, way: Way, check: str) -> Part:
    """One of CHECKS, of one way."""
    return Part(pg, str(way), check, lambda ground: CHECKS[check][0](ground, way))


def _suite(pg: str, version: str, suite: str) -> Callable[[Ground], Sequence[str]]:
    return lambda _ground: migrationsuite.failures(pg, version, suite)


def _majors(old: str, new: str, ways: tuple[Way, ...]) -> Callable[[Ground], Sequence[str]]:
    def find(_ground: Ground) -> Sequence[str]:
        found = migrationmajors.across(old, new, ways, sqlscript.contents())
        return [f"{way}: {fault}" for way, faults in found.items() for fault in faults]

    return find


def attempt(one: Part, ground: Ground) -> Verdict:
    """Make one check; one that cannot be made has failed."""
    import psycopg

    begin = time.monotonic()
    try:
        faults = tuple(one.find(ground))
    except (OSError, PggitError, psycopg.Error) as error:
        faults = (f"could not be checked: {' '.join(str(error).split())}",)
    return Verdict(one.pg, one.way, one.check, faults, time.monotonic() - begin)


def run(work: Mapping[str, Sequence[Part]], jobs: int, say: Callable[[Verdict], None]) -> list[Verdict]:
    """Do all the work, `jobs` servers at the same time, and tell of each check as it ends.

    Leaves each major's outcome in dist/evidence.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    # What takes longest by itself begins first.
    for group in sorted(work, key=lambda name: " to " not in name):
        waiting.put(group)
    found: dict[str, list[Verdict]] = {group: [] for group in work}
    errors: list[BaseException] = []

    def serve() -> None:
        try:
            while True:
                group = waiting.get_nowait()
                with SuiteServer(group.split()[-1]) as server:
                    ground = Ground(server)
                    for one in work[group]:
                        found[group].append(attempt(one, ground))
                        say(found[group][-1])
        except queue.Empty:
            pass
        except BaseException as error:  # raised again where the work was given
            errors.append(error)

    workers = [threading.Thread(target=serve) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return [verdict for group in work for verdict in found[group]]


def keep(verdicts: Sequence[Verdict], subject: str, folder: Path = DIST / "evidence") -> Path:
    """Leave what was found as evidence."""
    rows = [asdict(verdict) for verdict in verdicts]
    return evidence.record(
        "migration.verify", subject, all(not one.faults for one in verdicts), {"checks": rows}, folder
    )


def subject(pg: str, start: str, end: str) -> str:
    """What the evidence is about: everything, or the part that was asked for."""
    words = [word for word in (f"pg{pg}" if pg != "all" else "", f"from-{start}" if start else "") if word]
    return "-".join([*words, *([f"to-{end}"] if end else [])]).replace(",", "-") or "all"


def summary(verdicts: Sequence[Verdict]) -> str:
    """A table: for each check and PostgreSQL how many ways are right, and how long they took."""
    rows = [("CHECK", "PG", "WAYS", "FAILED", "SECONDS")]
    for check, pg in dict.fromkeys((one.check, one.pg) for one in verdicts):
        of_it = [one for one in verdicts if (one.check, one.pg) == (check, pg)]
        failed = sum(bool(one.faults) for one in of_it)
        rows.append((check, pg, str(len(of_it)), str(failed or ""), f"{sum(one.seconds for one in of_it):.1f}"))
    return table(rows)


def as_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """For --json."""
    return {"ok": all(not one.faults for one in verdicts), "checks": [asdict(one) for one in verdicts]}
