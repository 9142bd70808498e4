"""install: the extension from source into a server at hand."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "pg_config": "the server's pg_config (default: the one on PATH)",
        "dry_run": "say what would be written",
    }
)
def install(c: Context, pg_config: str = "pg_config", dry_run: bool = False) -> None:
    """Install the extension from source into the server that pg_config describes."""
    import sys

    from tasks.lib import install as installation
    from tasks.lib import sqlscript, targets

    server = installation.inspect(pg_config)
    supported = [known.major for known in targets.load().postgres]
    if installation.major(server) not in supported:
        print(f"inv: PostgreSQL {server.version} is not supported; {', '.join(supported)} are", file=sys.stderr)
    dry_run = dry_run or c.config.run.dry
    change = installation.put(server.extensions, dry_run=dry_run)
    for name in change.written:
        print(f"{'would write' if dry_run else 'wrote'} {server.extensions / name}")
    for name in change.removed:
        print(f"{'would remove' if dry_run else 'removed'} {server.extensions / name} (of another build)")
    done = "would be" if dry_run else "is"
    print(f"pggit {sqlscript.version()} {done} installed for PostgreSQL {server.version}; in a database:")
    print("  CREATE EXTENSION pggit; SELECT pggit.init();")
