"""clean: what the tasks made."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "cache": "remove the user's cache too: unpacked servers and base images' root file systems",
        "dry_run": "say what would be removed",
    }
)
def clean(c: Context, cache: bool = False, dry_run: bool = False) -> None:
    """Stop scratch servers; remove build/, dist/ and the tools' caches. The .venv stays."""
    from tasks.lib import cleaning

    for path in cleaning.clean(cache=cache, dry_run=dry_run or c.config.run.dry):
        print(f"{'would remove' if dry_run or c.config.run.dry else 'removed'} {path}")
