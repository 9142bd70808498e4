"""A scratch server that makes and drops many databases: its data in memory, each database made by copying files."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.lib.servers import Server

if TYPE_CHECKING:
    from psycopg import Connection

_MEMORY = Path("/dev/shm")  # noqa: S108 - servers make private folders in it
_ENOUGH = 2 * 1024**3
"""Bytes; a server's data take a tenth of it."""


def in_memory() -> Path | None:
    """The folder whose files are in memory, where there is enough of it.

    A new database is hundreds of files: on a disk these cost more than what is tried in it.
    """
    with suppress(OSError):  # no such folder here
        if shutil.disk_usage(_MEMORY).free >= _ENOUGH:
            return _MEMORY
    return None


class SuiteServer(Server):
    """A scratch server for many databases, which are made and dropped over one connection. Not for several threads."""

    _admin_connection: "Connection[tuple[Any, ...]] | None" = None

    def start(self) -> None:
        """As Server's; the folder is in memory where there is enough of it."""
        if self._parent is None:
            self._parent = in_memory()
        super().start()

    def stop(self, mode: str = "fast") -> None:
        """As Server's."""
        self.disconnect()
        super().stop(mode)

    def close(self) -> None:
        """As Server's."""
        self.disconnect()
        super().close()

    def disconnect(self) -> None:
        """Close the one connection, so that the next use opens another: the server may have crashed meanwhile."""
        if self._admin_connection is not None:
            self._admin_connection.close()
            self._admin_connection = None

    @property
    def admin(self) -> "Connection[tuple[Any, ...]]":
        """The superuser's autocommit connection to the database postgres."""
        import psycopg

        if self._admin_connection is None or self._admin_connection.closed:
            self._admin_connection = psycopg.connect(self.dsn(), autocommit=True, prepare_threshold=None)
        return self._admin_connection

    def createdb(self, name: str, template: str | None = None) -> None:
        """As Server's. Without FILE_COPY each page would go through the server's log."""
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template or "template1")

    def _admin(self, statement: str, *names: str) -> None:
        from psycopg import sql

        self.admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
