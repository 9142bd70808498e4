"""Checks that find faults: what one is, choosing some by name, making them one after the other."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.lib.errors import PggitError, UsageError


@dataclass(frozen=True)
class Check:
    """One check: its name, and what finds the faults (one line each; none is a pass)."""

    name: str
    find: Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Verdict:
    """What a check found, and how long it took."""

    name: str
    faults: tuple[str, ...]
    seconds: float


def choose(checks: Sequence[Check], only: str) -> list[Check]:
    """The checks that --only=`only` names, comma-separated; all of them where it is "".

    Raises UsageError for a name that none has.
    """
    known = {check.name: check for check in checks}
    wanted = [name.strip() for name in only.split(",")] if only else list(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"--only={only}: there is no check '{name}'; valid are {', '.join(known)}")
    return [known[name] for name in wanted]


def run(check: Check) -> Verdict:
    """Make one check; one that cannot be made has failed."""
    begin = time.monotonic()
    try:
        faults = tuple(check.find())
    except (OSError, PggitError) as error:
        faults = (f"could not run: {error}",)
    return Verdict(check.name, faults, time.monotonic() - begin)


def make(checks: Sequence[Check], only: str, *, dry_run: bool) -> None:
    """Make the checks that `choose` gives, all of them, and print a line for each and one for each fault.

    With `dry_run` their names alone. Raises UsageError as `choose` does, PggitError that names the checks that failed.
    """
    wanted = choose(checks, only)
    failed = []
    for check in wanted:
        if dry_run:
            print(check.name)
            continue
        verdict = run(check)
        for fault in verdict.faults:
            print(f"  {fault}")
        print(f"{'FAILED' if verdict.faults else 'ok    '} {verdict.name:16} {verdict.seconds:5.1f} s", flush=True)
        failed += [verdict.name] if verdict.faults else []
    if failed:
        raise PggitError(f"{len(failed)} of {len(wanted)} checks failed: {', '.join(failed)}")
