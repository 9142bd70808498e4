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
    import sys

    from tasks.lib import distcheck
    from tasks.lib.errors import PggitError

    checked = distcheck.check(pg, os, lambda line: print(f"note: {line}", file=sys.stderr))
    print(distcheck.as_json(checked) if json else "\n".join(distcheck.lines(checked)))
    wrong = [one.file for one in checked if one.problems]
    if wrong:
        raise PggitError(f"{len(wrong)} of {len(checked)} packages are not as they must be: {', '.join(wrong)}")
