"""migration.*: the road between versions."""

from invoke.context import Context

from tasks.command import task


@task(help={"format": "text, mermaid, or json"})
def graph(c: Context, format: str = "text") -> None:
    """Show which version leads to which, and what is wrong with that; needs no server."""
    from tasks.lib import migrationgraph
    from tasks.lib.errors import PggitError

    picture = migrationgraph.read()
    print(migrationgraph.show(picture, format))
    if picture.faults:
        raise PggitError(f"the update graph has {len(picture.faults)} faults; the first: {picture.faults[0]}")


@task(
    help={
        "to": "the version to draft the way to (default: the one in the making)",
        "from": "the version to begin at (default: the last release before it)",
        "pg": "the PostgreSQL that words the statements (default: the oldest, which every newer one understands)",
        "output": "folder to write into (default: migrations)",
        "force": "write over scripts that are there",
        "dry_run": "say what would be drafted",
    }
)
def new(
    c: Context,
    to: str = "",
    from_: str = "",
    pg: str = "",
    output: str = "",
    force: bool = False,
    dry_run: bool = False,
) -> None:
    """Draft the update script between two versions and the one back, and prove both on a scratch server."""
    from pathlib import Path

    from tasks.lib import migrationdraft, serverbuilds, sqlscript
    from tasks.lib.errors import PggitError, UsageError
    from tasks.lib.paths import MIGRATIONS
    from tasks.lib.versionserver import VersionServer

    start, end = migrationdraft.choose(to, from_)
    majors = serverbuilds.select_majors(pg) if pg else serverbuilds.majors()[:1]
    if len(majors) != 1:
        raise UsageError(f"--pg={pg}: one PostgreSQL words the scripts; valid are {', '.join(serverbuilds.majors())}")
    folder = Path(output).absolute() if output else MIGRATIONS
    names = migrationdraft.names(start, end)
    migrationdraft.require_free(folder, names, force=force)
    if dry_run or c.config.run.dry:
        for name in names:
            print(f"would draft {folder / name} on PostgreSQL {majors[0]}")
        return
    with VersionServer(majors[0], migrationdraft.install_scripts()) as server:
        drafts = migrationdraft.draft(server, start, end, sqlscript.version())
    migrationdraft.write(drafts, folder, force=force)
    for draft in drafts:
        print(f"wrote {folder / draft.name}: {draft.marks} TODO(migration) left for you")
    for hint in migrationdraft.hints(drafts[0]):
        print(f"hint: {hint}")
    unproven = [draft for draft in drafts if not draft.proof.holds]
    if unproven:
        found = unproven[0].proof.lines()
        raise PggitError(
            f"{unproven[0].name} does not make {unproven[0].proof.end} yet: {found[0]} ({len(found)} in all)"
        )
    print(f"proven on PostgreSQL {majors[0]}: after either, both oracles find what a new installation has")


@task()
def check(c: Context) -> None:
    """Say which changes in extension/sql no update script makes yet, as far as that shows without a server."""
    from tasks.lib import migrationcheck
    from tasks.lib.errors import PggitError

    faults = migrationcheck.faults()
    for fault in faults:
        print(fault)
    if faults:
        raise PggitError(f"the update scripts have {len(faults)} faults")
    print("the update scripts keep up with extension/sql")


@task(
    help={
        "to": "the version to go to (default: the newest that the server has)",
        "dbname": "database or connection string (default: as libpq's variables say)",
        "lock_timeout": "how long to wait for a lock at a time, in milliseconds (default: 1000)",
        "keep": "how many copies of pgGit's data to keep (default: 1)",
        "json": "print the outcome as JSON; progress goes to stderr",
        "dry_run": "print checks, path, locks and estimate, and change nothing",
    }
)
def run(
    c: Context,
    to: str = "",
    dbname: str = "",
    lock_timeout: str = "",
    keep: str = "",
    json: bool = False,
    dry_run: bool = False,
) -> None:
    """Bring pgGit in a database to another version: what `pggit upgrade` does, with its exit codes."""
    import subprocess
    import sys

    from invoke.exceptions import Exit

    from tasks.lib.paths import ROOT

    words = [f"--dbname={dbname}"] if dbname else []
    words += [f"--lock-timeout={lock_timeout}"] if lock_timeout else []
    words += [f"--keep={keep}"] if keep else []
    words += ["--json"] if json else []
    words += ["--dry-run"] if dry_run or c.config.run.dry else []
    words += ["--", to] if to else []
    command = [sys.executable, str(ROOT / "ops" / "bin" / "pggit"), "upgrade", *words]
    code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    if code:
        raise Exit(code=code)


@task(
    help={
        "pg": "PostgreSQL versions: 17, 15,17 or all (default: all)",
        "from_": "only the ways that begin at this version",
        "to": "only the ways that end at this version",
        "suite": "the extension's own tests on updated databases: part (default), whole or none",
        "jobs": "servers at the same time (default: 2)",
        "json": "print the outcome as JSON; progress goes to stderr",
        "dry_run": "list the checks",
    }
)
def verify(
    c: Context,
    pg: str = "all",
    from_: str = "",
    to: str = "",
    suite: str = "part",
    jobs: str = "2",
    json: bool = False,
    dry_run: bool = False,
) -> None:
    """Go every way between versions, and hold catalog, data, access, dumps and tests to what they must be."""
    import json as encoder
    import sys

    from tasks.lib import (
        migrationground,
        migrationsuite,
        migrationverify,
        migrationways,
        serverbuilds,
        sqlscript,
        testrun,
    )
    from tasks.lib.errors import PggitError

    majors = serverbuilds.select_majors(pg)
    ways = migrationways.choose(migrationground.graph_of(sqlscript.contents()), from_, to)
    work = migrationverify.parts(majors, ways, migrationsuite.check_choice(suite))
    number = int(testrun.parse_jobs(jobs))
    if dry_run or c.config.run.dry:
        for part in (part for group in work.values() for part in group):
            print(f"{part.pg:8} {part.check:12} {part.way}")
        return
    stream = sys.stderr if json else sys.stdout

    def say(verdict: migrationverify.Verdict) -> None:
        state = "FAILED" if verdict.faults else "ok    "
        lines = [f"{state} {verdict.pg:8} {verdict.check:12} {verdict.way} ({verdict.seconds:.1f} s)"]
        print("\n".join([*lines, *(f"         {fault}" for fault in verdict.faults)]), file=stream, flush=True)

    verdicts = migrationverify.run(work, number, say)
    kept = migrationverify.keep(verdicts, migrationverify.subject(pg, from_, to))
    if json:
        print(encoder.dumps(migrationverify.as_json(verdicts), indent=2))
    else:
        print(f"\n{migrationverify.summary(verdicts)}\n\nevidence: {kept}")
    failed = [one for one in verdicts if one.faults]
    if failed:
        raise PggitError(
            f"{len(failed)} of {len(verdicts)} checks found a difference; ./inv migration.new drafts a script anew"
        )
