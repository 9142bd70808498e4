"""What `inv lint` checks: programs that find faults, and rules of this house."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks.lib import checks, docscheck, git, migrationcheck, monitoringcheck, pins, sqlscript, updategraph
from tasks.lib.checks import Check
from tasks.lib.errors import PggitError
from tasks.lib.paths import MIGRATIONS, ROOT

_WORKFLOWS = ROOT / ".github" / "workflows"
_TOOLS = Path(sys.executable).parent


def _program(*argv: str | Path) -> Callable[[], Sequence[str]]:
    """A check that a program of .venv makes by its exit code; its output tells the faults."""

    def find() -> Sequence[str]:
        command = [str(_TOOLS / argv[0]), *(str(word) for word in argv[1:])]
        result = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return [] if result.returncode == 0 else result.stdout.splitlines() or [f"exit code {result.returncode}"]

    return find


def tracked() -> list[Path]:
    """The files that git knows of, or would add: everything that is not ignored.

    Raises PggitError where git does not answer.
    """
    files = git.files()
    if files is None:
        raise PggitError("git does not list the files; is it installed, and is this a clone?")
    return files


# Each with the reason that is shown. Written as patterns, so that this file is no finding itself.
_FORBIDDEN_TEXT = {
    r"(pypi|pythonhosted|npmjs)\.(org|com)\b": "names a package registry's host; use pip's own configuration",
    r"\b(deb|security|ftp\.\w+|snapshot)\.debian\.org|archive\.ubuntu\.com": "names a mirror; use apt's configuration",
    r"(?<![\w.])/(home/\w+/|root/\.|work/\w+/)": "holds a path of one machine",
}
_FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}
_NO_PACKAGE = "would hide the library of that name from every tool here"


def forbidden_text(files: Sequence[Path]) -> list[str]:
    """Registry and mirror hosts and machine paths in `files`."""
    faults = []
    for path in files:
        if path == pins.LOCK or path.suffix in {".png", ".gz"}:
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            faults += [
                f"{path.relative_to(ROOT)}:{number}: {reason}: {match[0]}"
                for pattern, reason in _FORBIDDEN_TEXT.items()
                if (match := re.search(pattern, line))
            ]
    return faults


def forbidden_names(names: Sequence[str]) -> list[str]:
    """File names, relative to the root, that break something or say nothing."""
    faults = []
    for name in names:
        path = Path(name)
        if path.name in _FORBIDDEN_NAMES:
            faults.append(f"{name}: the name does not say what is in it")
        if name == "packaging.py" or (path.name == "__init__.py" and path.parts[0] not in {"tasks", "tests", "ops"}):
            faults.append(f"{name}: {_NO_PACKAGE}")
    return faults


def _pgspot() -> Sequence[str]:
    """The install script alone, and each update script after the install script it starts from."""
    folder = sqlscript.build()[0].parent
    # A procedure that commits cannot set anything for itself; its body names all in full.
    procedures = (
        "pggit.upgrade(version text)",
        "pggit.finish_upgrade(batch_rows integer)",
        "pggit.verify_upgrade()",
    )
    known = [word for one in procedures for word in ("--proc-without-search-path", one)]
    faults = list(_program("pgspot", *known, folder / f"pggit--{sqlscript.version()}.sql")())
    for update in sorted(MIGRATIONS.glob("*.sql")):
        ((start, _),) = updategraph.read([update.name]).edges
        faults += _program("pgspot", *known, "-a", folder / f"pggit--{start}.sql", update)()
    return faults


def _workflows(*argv: str) -> Callable[[], Sequence[str]]:
    return lambda: _program(*argv, *sorted(_WORKFLOWS.glob("*.yml")))()


def _monitoring() -> Sequence[str]:
    """Those of `inv monitoring.check` that need no program."""
    verdicts = [checks.run(check) for check in monitoringcheck.CHECKS]
    return [f"{verdict.name}: {fault}" for verdict in verdicts for fault in verdict.faults]


CHECKS = (
    Check("ruff", _program("ruff", "check", "--output-format=concise", ".")),
    Check("format", _program("ruff", "format", "--check", ".")),
    Check("mypy", _program("mypy")),
    Check("shellcheck", _program("shellcheck", "inv", ".ci/run")),
    Check("migrations", migrationcheck.faults),
    Check("pgspot", _pgspot),
    Check("zizmor", _workflows("zizmor", "--offline", "--no-progress", "--quiet")),
    Check("workflow schema", _workflows("check-jsonschema", "--builtin-schema", "vendor.github-workflows")),
    Check("docs", docscheck.faults),
    Check("monitoring", _monitoring),
    Check("lock", lambda: pins.faults(pins.PROJECT.read_text("utf-8"), pins.LOCK.read_text("utf-8"))),
    Check("file names", lambda: forbidden_names([str(path.relative_to(ROOT)) for path in tracked()])),
    Check("hosts and paths", lambda: forbidden_text(tracked())),
)
