"""packages.*: proofs about the packages in dist."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "pg": "PostgreSQL majors: 17, 15,17, a glob, or all",
        "os": "systems: debian-13, 'debian-*', or all",
        "json": "print the outcome as JSON",
    }
)
def check(c: Context, pg: str = "all", os: str = "all", json: bool = False) -> None:
    """Check what the packages in dist hold: fields, exact files, modes, owners, checksums, lintian."""
    from tasks.lib import distcheck
    from tasks.lib.errors import PggitError

    checked = distcheck.check(pg, os)
    print(distcheck.as_json(checked) if json else "\n".join(distcheck.lines(checked)))
    wrong = [one.file for one in checked if one.problems]
    if wrong:
        raise PggitError(f"{len(wrong)} of {len(checked)} packages are not as they must be: {', '.join(wrong)}")


@task(
    help={
        "os": "systems: debian-13, 'debian-*', or all (default: the newest Debian stable)",
        "pg": "PostgreSQL majors: 17, 15,17, or all (default: the one that the system ships)",
        "version": "pgGit's version (default: the one in the making)",
        "pull": "whether a missing base image is pulled: missing or never (default: PGGIT_PULL, else missing)",
        "json": "print the outcome as JSON",
        "dry_run": "show what would be verified",
    }
)
def verify(
    c: Context, os: str = "", pg: str = "", version: str = "", pull: str = "", json: bool = False, dry_run: bool = False
) -> None:
    """Install built packages by apt into a clean container with a real server, use pgGit there, remove them."""
    import sys

    from tasks.lib import packageverify
    from tasks.lib.errors import PggitError

    if dry_run or c.config.run.dry:
        for target, package in packageverify.plan(os, pg, version):
            print(f"{target.id}  would install {package.parent.name}/{package.name}")
        return
    out = sys.stderr if json else sys.stdout
    verdicts = packageverify.run(os, pg, version, pull, lambda line: print(line, file=out, flush=True))
    if json:
        print(packageverify.as_json(verdicts))
    for verdict in verdicts:
        seconds = sum(step.seconds for step in verdict.steps)
        outcome = f"FAILED: {verdict.problem}" if verdict.problem else f"verified in {seconds:.1f} s"
        print(f"{verdict.target.id}  {outcome}", file=out)
    failed = [verdict for verdict in verdicts if verdict.problem]
    if failed:
        raise PggitError(f"{len(failed)} of {len(verdicts)} packages failed; evidence is in dist/evidence")
