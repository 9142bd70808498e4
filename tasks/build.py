"""build.*: from sources to scripts and packages."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "output": "folder to write into (default: build/extension)",
        "dry_run": "say what would be written and removed, and change nothing",
    }
)
def sql(c: Context, output: str = "", dry_run: bool = False) -> None:
    """Join extension/sql into the versioned install script, with control file and update scripts."""
    from pathlib import Path

    from tasks.lib import sqlscript

    folder = Path(output).absolute() if output else sqlscript.OUTPUT
    if dry_run or c.config.run.dry:
        written, removed = sqlscript.plan(folder)
        for path in written:
            print(f"would write {path}")
        for path in removed:
            print(f"would remove {path}")
        if not written and not removed:
            print(f"up to date: {folder}")
        return
    for path in sqlscript.build(folder):
        print(path)


@task(
    help={
        "pg": "PostgreSQL majors: 17, 15,17, a glob, or all; a preview must be named",
        "os": "systems: debian-13, 'debian-*', or all (default: the newest Debian stable)",
        "arch": "accepted for symmetry: one package serves every architecture",
        "engine": "docker, local (nfpm, needs no root and no Docker), or auto: docker where it answers",
        "pull": "whether base images may be pulled: missing or never (default: $PGGIT_PULL, else missing)",
        "jobs": "how many systems to build for at once (default: the number of processors)",
        "version": "a released version to build (default: the version in the making)",
        "source": "make the source package (.dsc) as well; needs docker",
        "force": "build even what is up to date",
        "dry_run": "say what would be built, and build nothing",
        "json": "print the outcome as JSON; progress goes to stderr",
    }
)
def deb(
    c: Context,
    pg: str = "all",
    os: str = "",
    arch: str = "all",
    engine: str = "auto",
    pull: str = "",
    jobs: str = "",
    version: str = "",
    source: bool = False,
    force: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Build the .deb packages into dist/SYSTEM/; what is up to date is left alone."""
    import sys

    from tasks.lib import buildplan, buildreport, buildrun
    from tasks.lib.console import Board
    from tasks.lib.errors import PggitError

    request = buildplan.Request(
        pg, os, arch, engine, pull, jobs, version, source, force, dry_run or bool(c.config.run.dry)
    )
    plan = buildplan.plan(request)
    stream = sys.stderr if json else sys.stdout
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    outcomes = buildrun.deb(plan, lambda line: print(line, file=stream, flush=True), lambda names: Board(names, stream))
    print(buildreport.as_json(plan, outcomes) if json else "\n".join(buildreport.lines(plan, outcomes)))
    failed = [one.target for one in outcomes if one.status == "failed"]
    if failed:
        raise PggitError(f"{len(failed)} of {len(outcomes)} packages could not be built: {', '.join(failed)}")


@task(
    help={
        "format": "table, json, or github (the include-list of a workflow's matrix)",
        "pg": "PostgreSQL majors: 17, 15,17, a glob, or all; a preview must be named",
        "os": "systems: debian-13, 'debian-*', or all",
        "arch": "architectures: amd64, arm64, or all",
        "family": "kind of package: deb, rpm, or all",
    }
)
def matrix(
    c: Context, format: str = "table", pg: str = "all", os: str = "all", arch: str = "all", family: str = "all"
) -> None:
    """Show the supported combinations of PostgreSQL, system and architecture, and what is left out and why."""
    import sys

    from tasks.lib import matrix

    text, warnings = matrix.show(format, pg, os, arch, family)
    print(text)
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
