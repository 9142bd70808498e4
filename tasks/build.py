"""build.*: from sources to scripts and packages."""

from invoke.context import Context

from tasks.command import task


@task(help={"output": "folder to write into (default: build/extension)"})
def sql(c: Context, output: str = "") -> None:
    """Join extension/sql into the versioned install script, with control file and update scripts."""
    from pathlib import Path

    from tasks.lib import sqlscript

    files = sqlscript.build(Path(output).absolute()) if output else sqlscript.build()
    for path in files:
        print(path)
