"""From extension/sql/ to the files that PostgreSQL's CREATE EXTENSION reads.

`build()` is the only way those files come to be: packages, `make install` and test servers all take
what it wrote.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tasks.lib import migrationmarks, updategraph
from tasks.lib.dist import clear_errors
from tasks.lib.errors import PggitError
from tasks.lib.paths import BUILD, EXTENSION, MIGRATIONS
from tasks.lib.updategraph import UpdateGraph

CONTROL = EXTENSION / "pggit.control"
OUTPUT = BUILD / "extension"
_MAKE = "data.mk"
FUNCTION = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (pggit\.\w+)\(.*?^\$\$;\n", re.DOTALL | re.MULTILINE)
"""A function as the scripts have it; group 1 is its name."""
_GUARD = (
    '\\echo Use "{command}" to load this file. \\set ON_ERROR_STOP on \\\\'
    " DO $$BEGIN RAISE EXCEPTION 'only {quoted} can run this script; nothing was done'; END$$;\n"
)


def version() -> str:
    """The version in the making: `default_version` of extension/pggit.control, its only home."""
    match = re.search(r"^default_version\s*=\s*'([^']+)'", CONTROL.read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise PggitError("extension/pggit.control has no default_version = '…'")
    return match[1]


def guard(command: str) -> str:
    """The first line of a script that `command` loads. It stops psql, which exits with 3; the server skips a line
    that begins with \\echo (https://www.postgresql.org/docs/current/extend-extensions.html)."""
    quoted = command.replace("'", "''")
    return _GUARD.format(command=command, quoted=quoted)


def modules() -> tuple[Path, ...]:
    """The SQL modules in load order: extension/sql/NN_area.sql by name."""
    found = tuple(sorted((EXTENSION / "sql").glob("[0-9][0-9]_*.sql")))
    strays = set((EXTENSION / "sql").glob("*")) - set(found)
    if not found:
        raise PggitError("extension/sql holds no NN_area.sql module")
    if strays:
        raise PggitError(f"extension/sql/{min(strays).name} is not named NN_area.sql, so no script would hold it")
    return found


def render(template: str, name: str, as_version: str) -> str:
    """One module with its jinja2 expressions filled in; an unknown name is an error, never empty text."""
    from jinja2 import Environment, StrictUndefined, TemplateError

    # S701: this is SQL for our own scripts, HTML escaping would corrupt it.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    try:
        return environment.from_string(template).render(version=as_version)
    except TemplateError as error:
        raise PggitError(f"extension/sql/{name}: {error}") from error


def install_script(as_version: str = "") -> str:
    """The whole of pggit--VERSION.sql, of the version in the making unless another is named."""
    as_version = as_version or version()
    parts = [guard("CREATE EXTENSION pggit")]
    for path in modules():
        parts.append(f"\n-- {path.name}\n{render(path.read_text('utf-8'), path.name, as_version)}")
    return "".join(parts)


def functions_of(version: str) -> str:
    """The functions that hold their version, as an update script to `version` needs them: what these sources make
    under another number differs in nothing else."""
    found = (match[0] for match in FUNCTION.finditer(install_script(version)))
    return "".join(text.replace("CREATE", "CREATE OR REPLACE", 1) for text in found if f"'{version}'" in text)


def contents() -> dict[str, bytes]:
    """Every file that an installation holds, by name: control file, install scripts, update scripts.

    Raises PggitError where the update graph has a hole, a released script was changed, an update script waits for
    somebody's work, or the sources were changed after the version that they still make was released.
    """
    files = unchecked_contents()
    graph(files).check(version(), released_versions())
    for name in sorted(files.keys() - {CONTROL.name}):
        migrationmarks.require_none(name, files[name].decode())
    return files


def graph(names: Iterable[str]) -> UpdateGraph:
    """The update graph of the scripts among `names`."""
    return updategraph.read(name for name in names if name.endswith(".sql"))


def released_versions() -> frozenset[str]:
    """The versions whose install script is frozen."""
    return updategraph.read(path.name for path in released_scripts()).installable


def unchecked_contents() -> dict[str, bytes]:
    """`contents()` as it is, whatever the update scripts lack: for what helps to write them."""
    current = f"pggit--{version()}.sql"
    files = {CONTROL.name: CONTROL.read_bytes(), current: install_script().encode()}
    for path in (*released_scripts(), *sorted(MIGRATIONS.glob("*.sql"))):
        data = path.read_bytes()
        if files.setdefault(path.name, data) != data:
            raise PggitError(
                f"version {version()} is released, and extension/sql makes another script of it now:"
                " begin the next version with ./inv release.bump"
            )
    return files


def released_scripts() -> tuple[Path, ...]:
    """The frozen install scripts; each must match its line in extension/releases/SHA256SUMS."""
    sums = checksums()
    scripts = tuple(sorted((EXTENSION / "releases").glob("*.sql")))
    if set(sums) != {path.name for path in scripts}:
        raise PggitError("extension/releases/SHA256SUMS does not list exactly the scripts beside it")
    for path in scripts:
        if hashlib.sha256(path.read_bytes()).hexdigest() != sums[path.name]:
            raise PggitError(f"extension/releases/{path.name} was changed after its release; restore it from git")
    return scripts


def checksums() -> dict[str, str]:
    """What extension/releases/SHA256SUMS says: the SHA-256 of each released script, by its name."""
    sums_file = EXTENSION / "releases" / "SHA256SUMS"
    lines = sums_file.read_text("utf-8").splitlines() if sums_file.exists() else []
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def plan(output: Path = OUTPUT) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """What `build(output)` would write, and which scripts of ours, no longer wanted, it would remove."""
    with clear_errors(output):
        changed, stale = _changes(output, _wanted())
    return tuple(sorted(changed)), stale


def build(output: Path = OUTPUT) -> tuple[Path, ...]:
    """Write `contents()` and data.mk (for the Makefile) into the folder `output`, and remove what it holds
    of other scripts of ours; any other file there is left alone.

    Returns the installed files, sorted. A file whose bytes are already right is left untouched.
    Raises PggitError where `output` is a file or cannot be written to.
    """
    wanted = _wanted()
    with clear_errors(output):
        changed, stale = _changes(output, wanted)
        output.mkdir(parents=True, exist_ok=True)
        for path in stale:
            path.unlink(missing_ok=True)
        for path, data in changed.items():
            _write(path, data)
    return tuple(output / name for name in sorted(wanted) if name != _MAKE)


def _wanted() -> dict[str, bytes]:
    files = contents()
    scripts = " ".join(sorted(name for name in files if name.endswith(".sql")))
    return {**files, _MAKE: f"DATA = {scripts}\n".encode()}


def _changes(output: Path, wanted: Mapping[str, bytes]) -> tuple[dict[Path, bytes], tuple[Path, ...]]:
    """The files of `wanted` that `output` lacks or has with other bytes, and its stale scripts."""
    present = {path.name for path in output.iterdir()} if output.exists() else set()
    changed = {
        output / name: data
        for name, data in wanted.items()
        if name not in present or (output / name).read_bytes() != data
    }
    stale = (name for name in present - wanted.keys() if name.startswith("pggit--") and name.endswith(".sql"))
    return changed, tuple(output / name for name in sorted(stale))


def _write(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as partial:
        partial.write(data)
    os.chmod(partial.name, 0o644)  # noqa: PTH101
    os.replace(partial.name, path)  # noqa: PTH105
