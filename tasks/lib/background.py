"""Programs in the background that never outlive this process, however that ends."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 10
"""Seconds that a program has to end by itself."""
# The input closes when we want the program to end, and also when this process is killed. Who waits for that is not the
# one who waits for the program, so that a program's own end is seen at once.
_GUARD = """
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r nothing <&3; kill "$program"; } &
wait "$program"
code=$?
kill $!
exit "$code"
"""


@contextmanager
def running(
    argv: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program with `environment` beside ours, its output in `log`; SIGTERM ends it at the end of the block.

    What is yielded ends when the program does, with its exit code.
    """
    with log.open("wb") as output:
        guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", *argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C is for us alone
        )
    try:
        yield guard
    finally:
        if guard.stdin:
            guard.stdin.close()
        try:
            guard.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(guard.pid, signal.SIGKILL)
            guard.wait()
