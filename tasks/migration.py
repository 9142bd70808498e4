"""migration.*: the road between versions."""

from invoke.context import Context

from tasks.command import task


@task(help={"format": "text, mermaid, or json"})
def graph(c: Context, format: str = "text") -> None:
    """Show which version leads to which, and what is wrong with that; needs no server."""
    from tasks.lib import migrationgraph
    from tasks.lib.errors import PggitError

    picture = migrationgraph.read()
    print(migrationgraph.show(picture, format))
    if picture.faults:
        raise PggitError(f"the update graph has {len(picture.faults)} faults; the first: {picture.faults[0]}")
