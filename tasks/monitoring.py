"""monitoring.*: dashboards and alert rules, checked and shown."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "check": "write nothing; exit 1 where something would change",
        "dry_run": "write nothing; say what would change",
    }
)
def render(c: Context, check: bool = False, dry_run: bool = False) -> None:
    """Make monitoring/dashboards/*.json from monitoring/dashboards.yaml."""
    from tasks.lib import dashboards
    from tasks.lib.errors import PggitError

    if not (check or dry_run or c.config.run.dry):
        for name in dashboards.write() or ["nothing to do"]:
            print(name)
        return
    stale = dashboards.stale()
    for line in stale or ["nothing to do"]:
        print(line)
    if check and stale:
        raise PggitError(f"{len(stale)} dashboards are not as monitoring/dashboards.yaml has them")


@task(
    help={
        "check": "write nothing; exit 1 where something would change",
        "dry_run": "write nothing; say whether something would change",
    }
)
def runbook(c: Context, check: bool = False, dry_run: bool = False) -> None:
    """Make ops/MONITORING.md from monitoring/runbook.yaml, the alert rules and the extension, with a scratch server."""
    from tasks.lib import runbook
    from tasks.lib.errors import PggitError
    from tasks.lib.paths import ROOT

    name = runbook.PAGE.relative_to(ROOT)
    if not (check or dry_run or c.config.run.dry):
        print(name if runbook.write() else "nothing to do")
        return
    stale = runbook.is_stale(runbook.make())
    print(f"{name} differs from its sources" if stale else "nothing to do")
    if check and stale:
        raise PggitError(f"{name} is not as its sources have it; ./inv monitoring.runbook makes it anew")


@task(help={"only": "names of checks, comma-separated (default: all)", "dry_run": "list the checks"})
def check(c: Context, only: str = "", dry_run: bool = False) -> None:
    """Check dashboards, alert rules and their links to the runbook; promtool checks the rules and runs their tests."""
    from tasks.lib import checks, monitoringcheck

    checks.make((*monitoringcheck.CHECKS, monitoringcheck.PROMTOOL), only, dry_run=dry_run or c.config.run.dry)


@task(
    help={
        "dsn": "the database, as libpq's connection string (default: what PGHOST, PGDATABASE, PGSERVICE … say)",
        "port": "port on loopback, 0 for any that is free (default: 9188)",
        "dry_run": "say what would be served",
    }
)
def serve(c: Context, dsn: str = "", port: str = "9188", dry_run: bool = False) -> None:
    """Serve a database's numbers to Prometheus over HTTP, for development, until Ctrl-C."""
    from tasks.lib import metricserver

    number = metricserver.parse_port(port)
    metricserver.require_database(dsn)
    if dry_run or c.config.run.dry:
        print(f"would serve http://127.0.0.1:{number}/metrics")
        return
    metricserver.serve_until_ended(dsn, number, lambda url: print(url, flush=True))


@task(help={"output": "folder for the pictures (default: build/previews)", "dry_run": "say what would be drawn"})
def preview(c: Context, output: str = "", dry_run: bool = False) -> None:
    """Draw each dashboard as a PNG, from a real Prometheus that watches scratch databases for a moment."""
    from pathlib import Path

    from tasks.lib import dashboardpreview, dashboards
    from tasks.lib.paths import BUILD

    folder = Path(output) if output else BUILD / "previews"
    if dry_run or c.config.run.dry:
        for name in dashboards.read():
            print(f"would draw {folder / name}.png")
        return
    for picture in dashboardpreview.draw(folder):
        print(picture)
