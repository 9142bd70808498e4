"""test.*: the test suites, on pytest."""

from invoke.context import Context

from tasks.command import task

_K = "run only tests that match this pytest expression"
_JOBS = "tests that run at the same time (default: 2)"
_DRY = "print the pytest commands"
_PG = "PostgreSQL versions: 17, 15,17 or all (default: all)"
_SEQUENCES = "random sequences of DDL to try on each version (default: 100)"


def _run(c: Context, suites: tuple[str, ...], jobs: str, k: str, dry_run: bool, *extra: str) -> None:
    import shlex

    from invoke.exceptions import Exit

    from tasks.lib import evidence, testrun

    words = [*extra, *(["-k", k] if k else [])]
    jobs = testrun.parse_jobs(jobs)
    if dry_run or c.config.run.dry:
        for suite in suites:
            print(shlex.join(testrun.command(suite, jobs, words)))
        return
    outcomes = []
    kept = True
    for suite in suites:
        began = evidence.sources()
        outcomes.append(testrun.run(suite, jobs, words))
        kept = testrun.keep(outcomes[-1], words, began) is not None and kept
    code = testrun.report(outcomes) or int(not kept)
    if code:
        raise Exit(code=code)


def _majors(pg: str) -> str:
    from tasks.lib import serverbuilds

    return f"--pg={','.join(serverbuilds.select_majors(pg))}"


@task(default=True, name="all", help={"pg": _PG, "jobs": _JOBS, "dry_run": _DRY})
def everything(c: Context, pg: str = "all", jobs: str = "2", dry_run: bool = False) -> None:
    """Run every suite, the cheapest first; all run, whatever fails."""
    from tasks.lib import testrun

    _run(c, testrun.SUITES, jobs, "", dry_run, _majors(pg))


@task(help={"k": _K, "jobs": _JOBS, "dry_run": _DRY})
def unit(c: Context, k: str = "", jobs: str = "2", dry_run: bool = False) -> None:
    """Test the factory itself, without servers or engines."""
    _run(c, ("unit",), jobs, k, dry_run)


@task(help={"pg": _PG, "sequences": _SEQUENCES, "k": _K, "jobs": _JOBS, "dry_run": _DRY})
def extension(
    c: Context, pg: str = "all", sequences: str = "100", k: str = "", jobs: str = "2", dry_run: bool = False
) -> None:
    """Test the extension on real servers of every PostgreSQL version."""
    from tasks.lib import testrun

    _run(c, ("extension",), jobs, k, dry_run, _majors(pg), f"--sequences={testrun.parse_count('sequences', sequences)}")


@task(help={"pg": _PG, "k": _K, "jobs": _JOBS, "dry_run": _DRY})
def upgrade(c: Context, pg: str = "all", k: str = "", jobs: str = "2", dry_run: bool = False) -> None:
    """Test the road between versions: every pair, both ways, under failure, on every PostgreSQL version."""
    _run(c, ("upgrade",), jobs, k, dry_run, _majors(pg))


@task(help={"k": _K, "jobs": _JOBS, "dry_run": _DRY})
def ops(c: Context, k: str = "", jobs: str = "2", dry_run: bool = False) -> None:
    """Test the `pggit` command on a real server."""
    _run(c, ("ops",), jobs, k, dry_run)


@task(help={"k": _K, "jobs": _JOBS, "dry_run": _DRY})
def monitoring(c: Context, k: str = "", jobs: str = "2", dry_run: bool = False) -> None:
    """Test dashboards, alert rules and exporters with the real programs."""
    _run(c, ("monitoring",), jobs, k, dry_run)


@task(help={"k": _K, "jobs": _JOBS, "dry_run": _DRY})
def packages(c: Context, k: str = "", jobs: str = "2", dry_run: bool = False) -> None:
    """Test real package builds, in Docker too (needs an engine when PGGIT_REQUIRE_DOCKER=1)."""
    _run(c, ("packages",), jobs, k, dry_run)
