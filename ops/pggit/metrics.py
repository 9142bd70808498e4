"""`pggit metrics`: pgGit's numbers as text for Prometheus, on standard output or in a file for node_exporter."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import tempfile
from pathlib import Path

from pggit import server
from pggit.errors import CommandError

USAGE = 3
_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", re.DOTALL)
_OWN_LABELS = {"check", "command", "data_version", "kind", "le", "level", "relation", "type", "version"}
"""Labels that pgGit's own numbers have."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this subcommand."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--format", choices=("classic", "openmetrics"), default="classic", help="text format (default: classic)"
    )
    what.add_argument("--json", action="store_true", help="print the numbers as JSON")
    parser.add_argument(
        "--textfile",
        type=Path,
        metavar="FILE",
        help="write FILE at once or not at all, for node_exporter's textfile collector; its name ends in .prom",
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="give every number one more label, as database=app where one file stands for one of several databases",
    )


def run(options: argparse.Namespace) -> int:
    """Print or write the numbers; returns the exit code."""
    labels = dict(_label(text) for text in options.label)
    _check(options)
    where = server.connection(options)
    if options.json:
        rows = server.ask(where, "SELECT coalesce(json_agg(m), '[]') FROM pggit.metrics m")
        print(json.dumps([{**row, "labels": {**row["labels"], **labels}} for row in rows], indent=2))
        return 0
    text = server.ask(where, f"SELECT to_json(pggit.prometheus_metrics('{options.format}'))")
    text = with_labels(text, labels)
    if options.textfile is None:
        print(text, end="")
    else:
        write(options.textfile, text)
    return 0


def with_labels(text: str, labels: dict[str, str]) -> str:
    """The same numbers with more labels."""
    if not labels:
        return text
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    more = ",".join(f'{name}="{value}"' for name, value in sorted(escaped.items()))

    def line(written: str) -> str:
        sample = _SAMPLE.match(written)
        if sample is None:
            return written
        name, own, value = sample.groups()
        return f"{name}{{{own + ',' if own else ''}{more}}} {value}"

    return "\n".join(map(line, text.split("\n")))


def write(path: Path, text: str) -> None:
    """Write a file that a collector reads at any moment: it finds the old one or the new one, whole.

    Raises CommandError where the file cannot be written; what was there stays.
    """
    partial = None
    try:
        # A name that does not end in .prom, so that no collector reads it.
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", suffix=".partial", delete=False
        ) as file:
            partial = file.name
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
        partial = None
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}", server.CANNOT_TELL) from error
    finally:
        if partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(partial)


def _label(text: str) -> tuple[str, str]:
    found = _LABEL.fullmatch(text)
    if found is None or found[1].startswith("__"):
        raise CommandError(f"--label={text}: give NAME=VALUE, with a name such as database", USAGE)
    if found[1] in _OWN_LABELS:
        raise CommandError(f"--label={text}: pgGit's own numbers have that label; take another name", USAGE)
    return found[1], found[2]


def _check(options: argparse.Namespace) -> None:
    path = options.textfile
    if path is None:
        return
    if options.json or options.format != "classic":
        raise CommandError("--textfile: node_exporter reads the classic format alone", USAGE)
    if path.suffix != ".prom":
        raise CommandError(f"--textfile={path}: node_exporter reads files whose names end in .prom", USAGE)
    if not path.parent.is_dir():
        raise CommandError(f"--textfile={path}: there is no folder {path.parent}", USAGE)
