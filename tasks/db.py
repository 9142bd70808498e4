"""db.*: scratch PostgreSQL servers with the extension installed."""

from invoke.context import Context

from tasks.command import task

_SOURCE = "embedded (pinned builds), system (installed servers) or auto (default: PGGIT_SERVERS, else auto)"


@task(
    help={
        "pg": "PostgreSQL versions: 17, 15,17 or all (default: the newest)",
        "source": _SOURCE,
        "durable": "keep fsync on, so that the data survives a power failure",
        "dry_run": "say what would be started",
    }
)
def start(c: Context, pg: str = "", source: str = "", durable: bool = False, dry_run: bool = False) -> None:
    """Start a server that runs until db.stop; one that runs already gets the current extension files."""
    from tasks.lib import keptservers, serverbuilds, servers

    source = serverbuilds.check_source(source or servers.default_source())
    for major in _majors(pg):
        if dry_run or c.config.run.dry:
            print(f"would start PostgreSQL {major} ({source})")
            continue
        kept, new = keptservers.start(major, source, durable)
        print(f"PostgreSQL {major} {'started' if new else 'runs already'}: {kept.cluster.dsn()}")
        print(f"  ./inv db.shell --pg={major}   then: CREATE EXTENSION pggit; SELECT pggit.init();")


@task(
    help={
        "pg": "PostgreSQL versions: 17, 15,17 or all (default: all)",
        "dry_run": "say what would be stopped",
    }
)
def stop(c: Context, pg: str = "all", dry_run: bool = False) -> None:
    """Stop servers that db.start started, and remove their data."""
    from tasks.lib import keptservers, serverbuilds

    for major in serverbuilds.select_majors(pg):
        if dry_run or c.config.run.dry:
            found = keptservers.find(major)
            print(f"would stop PostgreSQL {major}" if found else f"PostgreSQL {major} was not started")
        elif keptservers.stop(major):
            print(f"PostgreSQL {major} stopped and removed")
        elif pg != "all":
            print(f"PostgreSQL {major} was not started")


@task(name="list", help={"json": "print JSON"})
def list_(c: Context, json: bool = False) -> None:
    """List the majors that can be started, and what runs."""
    import json as encoder

    from tasks.lib import keptservers, serverbuilds

    rows = []
    for major in serverbuilds.majors():
        kept = keptservers.find(major)
        installed = serverbuilds.installed(major)
        rows.append(
            {
                "pg": major,
                "status": "stopped" if kept is None else "running" if kept.running else "died",
                "dsn": kept.cluster.dsn() if kept else None,
                "source": kept.source if kept else None,
                "embedded": serverbuilds.version(major),
                "unpacked": serverbuilds.unpacked(major).is_dir(),
                "system": str(installed.parent) if installed else None,
            }
        )
    if json:
        print(encoder.dumps({"servers": rows}, indent=2))
        return
    for row in rows:
        system = f", system {row['system']}" if row["system"] else ""
        print(f"{row['pg']}  {row['status']:8} {row['dsn'] or f'''embedded {row['embedded']}{system}'''}")


@task(
    help={
        "pg": "PostgreSQL version (default: the one that runs, else the newest)",
        "database": "database to open (default: postgres)",
        "command": "run this SQL and end, instead of opening a shell",
    }
)
def shell(c: Context, pg: str = "", database: str = "postgres", command: str = "") -> None:
    """Open psql on a server that db.start started."""
    import os

    from tasks.lib import keptservers, serverbuilds, servers
    from tasks.lib.errors import PggitError, UsageError

    running = [kept for kept in keptservers.every() if kept.running]
    if pg:
        majors = serverbuilds.select_majors(pg)
        running = [kept for kept in running if kept.cluster.pg in majors]
    if not running:
        raise PggitError(f"no such server is running; start one: ./inv db.start --pg={pg or _majors('')[0]}")
    if len(running) > 1:
        raise UsageError(f"several servers run; pick one with --pg: {', '.join(kept.cluster.pg for kept in running)}")
    cluster = running[0].cluster
    argv = [str(cluster.bin / "psql"), "-v", "ON_ERROR_STOP=1", "-d", cluster.dsn(database)]
    if command:
        argv += ["-X", "-c", command]
    if c.config.run.dry:
        print(" ".join(argv))
        return
    # psql takes this process's place: its exit code, its terminal and its Ctrl-C are its own.
    os.execve(argv[0], argv, servers.clean_environment())  # noqa: S606


def _majors(pg: str) -> tuple[str, ...]:
    from tasks.lib import serverbuilds

    return serverbuilds.select_majors(pg) if pg else serverbuilds.majors()[-1:]
