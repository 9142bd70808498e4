"""dist/manifest.json: what lies in dist, how it was made, and from what. It is the cache of builds, too."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.lib import dist as dist_folder
from tasks.lib.errors import PggitError
from tasks.lib.paths import DIST

NAME = "manifest.json"


@dataclass(frozen=True)
class Artifact:
    """One file in dist."""

    file: str
    """Its path below dist."""
    sha256: str
    size: int
    target: str
    """What it was made for: deb-debian-13-pg17-all."""
    version: str
    """The extension's version in it."""
    engine: str
    asked: str
    """The --engine that was asked for; "auto" may have become either."""
    inputs: str
    """Digest of everything that decides its bytes."""
    epoch: int
    tools: Mapping[str, str]
    """Versions of the programs that made it, by name."""
    seconds: float

    def is_intact(self, dist: Path = DIST) -> bool:
        """Whether the file is there with the bytes that were recorded."""
        path = dist / self.file
        return path.is_file() and path.stat().st_size == self.size and sha256(path.read_bytes()) == self.sha256


def read(dist: Path = DIST) -> dict[str, Artifact]:
    """What the manifest lists, by file; empty where there is none yet.

    Raises PggitError for a manifest that is damaged.
    """
    path = dist / NAME
    try:
        listed = json.loads(path.read_text("utf-8"))["artifacts"]
        return {one["file"]: Artifact(**one) for one in listed}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PggitError(f"{path} cannot be read ({error}); delete it and build again") from error


def record(artifacts: Iterable[Artifact], dist: Path = DIST) -> None:
    """Add `artifacts`, in place of earlier ones of the same file. The caller holds dist's lock."""
    listed = {**read(dist), **{one.file: one for one in artifacts}}
    text = json.dumps({"artifacts": [asdict(listed[file]) for file in sorted(listed)]}, indent=2) + "\n"
    dist_folder.write(dist / NAME, text.encode())


def sha256(data: bytes) -> str:
    """The hex digest that the manifest records."""
    return hashlib.sha256(data).hexdigest()
