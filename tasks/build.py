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


@task(
    help={
        "format": "table, json, or github (the include-list of a workflow's matrix)",
        "pg": "PostgreSQL majors: 17, 15,17, a glob, or all; a preview must be named",
        "os": "systems: debian-13, 'debian-*', or all",
        "arch": "architectures: amd64, arm64, or all",
    }
)
def matrix(c: Context, format: str = "table", pg: str = "all", os: str = "all", arch: str = "all") -> None:
    """Show the supported combinations of PostgreSQL, system and architecture, and what is left out and why."""
    import sys

    from tasks.lib import matrix

    text, warnings = matrix.show(format, pg, os, arch)
    print(text)
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
