"""An apt repository inside a container, and what apt does with its packages there."""

import hashlib
import io
from collections.abc import Mapping, Sequence

from tasks.lib.container import Container

FOLDER = "/srv/repository"
_LIST = "/etc/apt/sources.list.d/repository.list"
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def packages_index(debs: Mapping[str, bytes]) -> bytes:
    """The Packages file of a flat repository that holds `debs` by file name."""
    from debian.debfile import DebFile

    stanzas = []
    for name, data in sorted(debs.items()):
        with DebFile(fileobj=io.BytesIO(data)) as package:
            fields = package.debcontrol()
        fields["Filename"] = f"./{name}"
        fields["Size"] = str(len(data))
        fields["SHA256"] = hashlib.sha256(data).hexdigest()
        stanzas.append(str(fields))
    return "\n".join(stanzas).encode()


def publish(container: Container, debs: Mapping[str, bytes]) -> None:
    """Make `debs` what apt in `container` can install. No other package list is fetched."""
    container.put({**debs, "Packages": packages_index(debs)}, FOLDER)
    container.put({_LIST.lstrip("/"): f"deb [trusted=yes] file:{FOLDER} ./\n".encode()}, "/")
    only = [f"-oDir::Etc::SourceList={_LIST}", "-oDir::Etc::SourceParts=-"]
    container.run(["apt-get", "update", *only, "-oAPT::Get::List-Cleanup=0"], env=_QUIET)


def install(container: Container, package: str, version: str) -> None:
    """`apt-get install`, with whatever the package depends on."""
    container.run(["apt-get", "install", "-y", "--no-install-recommends", f"{package}={version}"], env=_QUIET)


def files(container: Container, package: str) -> tuple[str, ...]:
    """The files, no folders, that an installed package has brought."""
    listed = container.run(["dpkg", "-L", package]).output.split()
    found = container.run(["sh", "-c", 'for f; do [ -d "$f" ] || echo "$f"; done', "files", *listed])
    return tuple(found.output.split())


def remove(container: Container, package: str, purge: bool = False) -> None:
    """`apt-get remove` or `apt-get purge`."""
    container.run(["apt-get", "purge" if purge else "remove", "-y", package], env=_QUIET)


def leftovers(container: Container, known: Sequence[str], word: str) -> tuple[str, ...]:
    """What is still there: of the files `known`, and whatever has `word` in its name outside the repository."""
    still = container.run(["sh", "-c", 'for f; do [ -e "$f" ] && echo "$f"; done; true', "leftovers", *known])
    found = container.run(
        ["find", "/", "-xdev", "-path", FOLDER, "-prune", "-o", "-iname", f"*{word}*", "-print"], check=False
    )
    return tuple(sorted({*still.output.split(), *found.output.split()}))


def start_server(container: Container, pg: str) -> None:
    """Start the cluster that the server's package has made."""
    container.run(["pg_ctlcluster", pg, "main", "start"])
