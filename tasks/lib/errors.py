"""The errors a task may end with; each says which exit code it becomes."""


class PggitError(Exception):
    """Work that failed. The message is one line that names what failed and what to do; exit 1."""

    exit_code = 1


class UsageError(PggitError):
    """A wrong value from the user. The message names it and what is valid; exit 2."""

    exit_code = 2
