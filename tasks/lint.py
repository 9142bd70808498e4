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
    from invoke.exceptions import Exit

    from tasks.lib import lint
    from tasks.lib.errors import UsageError

    known = {check.name: check for check in lint.CHECKS}
    wanted = [name.strip() for name in only.split(",")] if only else list(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"--only={only}: there is no check '{name}'; valid are {', '.join(known)}")
    failed = []
    for name in wanted:
        if dry_run or c.config.run.dry:
            print(name)
            continue
        verdict = lint.run(known[name])
        for fault in verdict.faults:
            print(f"  {fault}")
        print(f"{'FAILED' if verdict.faults else 'ok    '} {name:16} {verdict.seconds:5.1f} s", flush=True)
        failed += [name] if verdict.faults else []
    if failed:
        raise Exit(f"inv: {len(failed)} of {len(wanted)} checks failed: {', '.join(failed)}", code=1)


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
