"""The command line: one subcommand a module, and one line for whatever goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pggit import health, metrics, server, upgrade
from pggit.errors import CommandError

_SUBCOMMANDS = {
    "health": (health, "look at all that can go wrong: exit 0 healthy, 1 warning, 2 worse, 3 cannot tell"),
    "metrics": (metrics, "print pgGit's numbers for Prometheus, or write them for node_exporter"),
    "upgrade": (upgrade, "bring pgGit in a database to another version; --dry-run says what that takes"),
}


def parser() -> argparse.ArgumentParser:
    """The whole command line. -h is the host, as for psql; help is --help."""
    top = argparse.ArgumentParser(prog="pggit", description="Looks after pgGit in a database.", add_help=False)
    _add_help(top)
    subcommands = top.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    for name, (module, summary) in _SUBCOMMANDS.items():
        sub = subcommands.add_parser(name, help=summary, description=module.__doc__, add_help=False)
        _add_help(sub)
        module.add_options(sub)
        server.add_options(sub)
        sub.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one subcommand; returns the exit code. A wrong command line exits with 3: nothing was looked at."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as stop:
        return server.CANNOT_TELL if stop.code else 0
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # what a metric is called need not fit the terminal's encoding
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except CommandError as error:
        print(f"pggit: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("pggit: interrupted", file=sys.stderr)
        return server.CANNOT_TELL
    except BrokenPipeError:  # as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return server.CANNOT_TELL
    except Exception as error:  # whoever watches must not take a defect of ours for a warning
        print(f"pggit: {type(error).__name__}: {error}", file=sys.stderr)
        return server.CANNOT_TELL
    return code


def _add_help(one: argparse.ArgumentParser) -> None:
    one.add_argument("--help", action="help", help="show this and exit")
