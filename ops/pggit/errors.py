"""What goes wrong for reasons that the user can do something about."""

from __future__ import annotations


class CommandError(Exception):
    """Shown as one line on stderr; `code` becomes the exit code. `sqlstate` is the server's word for it, if any."""

    def __init__(self, message: str, code: int, sqlstate: str = "") -> None:
        """Take the line to show and the exit code."""
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
