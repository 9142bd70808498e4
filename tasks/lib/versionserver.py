"""Scratch servers with extension files of one's own: versions that are not built yet, or never will be.

with VersionServer("17", files) as server:      # files: "pggit.control", "pggit--0.1.0.sql" … to their bytes
    server.put({"pggit--0.1.0--9.9.sql": b"…"})
"""

from collections.abc import Mapping
from pathlib import Path

from tasks.lib import serverbuilds
from tasks.lib.servers import Server


class VersionServer(Server):
    """A scratch server whose extension folder holds these files of pgGit's and no others."""

    def __init__(
        self, pg: str, files: Mapping[str, bytes], *, source: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        """Take note of what is wanted; `start()` makes it."""
        super().__init__(pg, source=source, settings=settings)
        self._files = dict(files)
        self._extensions: Path | None = None

    @property
    def files(self) -> Mapping[str, bytes]:
        """What its extension folder holds of pgGit's."""
        return self._files

    def put(self, files: Mapping[str, bytes]) -> None:
        """Add files, or put others in their place; the running server sees them at once."""
        self._files.update(files)
        if self._extensions is not None:
            for name, data in files.items():
                path = self._extensions / name
                path.write_bytes(data)
                path.chmod(0o644)

    def _programs(self, folder: Path) -> Path:
        programs, self._extensions = serverbuilds.make_tree(self.pg, self.source, folder / "tree")
        self.put(self._files)
        return programs
