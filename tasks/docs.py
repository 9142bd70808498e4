"""docs.*: the documents."""

from invoke.context import Context

from tasks.command import task


@task()
def check(c: Context) -> None:
    """Hold the documents to what is there: commands and their options, links, functions of pggit."""
    from tasks.lib import docscheck
    from tasks.lib.errors import PggitError

    faults = docscheck.faults()
    for fault in faults:
        print(fault)
    if faults:
        raise PggitError(f"{len(faults)} faults in the documents")
    print(f"{len(docscheck.documents())} documents are true")


@task()
def reference(c: Context) -> None:
    """Make docs/reference.md anew from the comments in the extension."""
    from tasks.lib import reference

    if c.config.run.dry:
        print(f"would write {reference.PAGE}")
        return
    print(f"docs/reference.md: {reference.write()} lines")
