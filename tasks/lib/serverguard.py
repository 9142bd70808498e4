"""Makes sure that a scratch server ends with the process that wanted it, however that ends.

Run by tasks/lib/servers.py as a process of its own; standard library only. On stdin come JSON lines:
first {"folder", "stop", "user"}, then one {"run": argv} after the other, each answered with one line
{"code", "output"}. When stdin closes, be it by close() or because the other side was killed, the
server is stopped and the folder removed.
"""

import json
import shutil
import signal
import subprocess
import sys
from types import FrameType
from typing import Any


def _run(argv: list[str], job: dict[str, Any]) -> dict[str, Any]:
    user, group = job["user"] or (None, None)
    try:
        result = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=job["folder"],
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    except OSError as error:
        return {"code": 127, "output": f"{argv[0]}: {error.strerror}"}
    return {"code": result.returncode, "output": result.stdout}


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> None:
    """Serve until stdin closes, then leave nothing behind."""
    signal.signal(signal.SIGTERM, _leave)
    job = json.loads(sys.stdin.readline())
    try:
        for line in sys.stdin:
            print(json.dumps(_run(json.loads(line)["run"], job)), flush=True)
    finally:
        # From here on nothing may interrupt: this is the clean-up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _run(job["stop"], job)
        shutil.rmtree(job["folder"], ignore_errors=True)


if __name__ == "__main__":
    main()
