"""What git knows of this checkout. Everything else works without git, and in a checkout of another owner."""

import subprocess
from pathlib import Path

from tasks.lib import paths


def say(*arguments: str) -> str | None:
    """What `git arguments` prints in this checkout; None where there is no git, or no repository."""
    command = ["git", "-c", f"safe.directory={paths.ROOT}", *arguments]
    try:
        result = subprocess.run(command, cwd=paths.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def files() -> list[Path] | None:
    """The files that git knows of, or would add: everything that is not ignored. None as for `say()`."""
    listed = say("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        return None
    return [path for name in listed.split("\0") if name and (path := paths.ROOT / name).is_file()]
