"""lint.*: every check that needs no server and no engine."""

from invoke.context import Context

from tasks.command import task


@task(
    default=True,
    name="all",
    help={"only": "names of checks, comma-separated (default: all)", "dry_run": "list the checks"},
)
def everything(c: Context, only: str = "", dry_run: bool = False) -> None:
    """Check code, shell scripts, SQL, workflows, documents and the rules of this repository."""
    from tasks.lib import checks, lint

    checks.make(lint.CHECKS, only, dry_run=dry_run or c.config.run.dry)


@task(
    help={
        "upgrade": "take the newest versions that pyproject.toml allows, instead of keeping pins that fit",
        "dry_run": "say what would be written",
    }
)
def lock(c: Context, upgrade: bool = False, dry_run: bool = False) -> None:
    """Write requirements.lock, every pin with its hashes, from pyproject.toml."""
    from tasks.lib import pins

    if dry_run or c.config.run.dry:
        print(f"would write {pins.LOCK}")
        return
    pins.write(upgrade=upgrade)
    print(f"wrote {pins.LOCK}; where it changed, the next ./inv makes .venv anew")
