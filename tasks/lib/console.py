"""Progress on the screen: one line a target, live on a terminal, plain lines everywhere else."""

import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Board:
    """What each of `targets` is doing now. Used as a context manager, from any number of threads."""

    def __init__(self, targets: Sequence[str], stream: TextIO | None = None) -> None:
        """Lines go to `stream`, stdout by default. rich takes NO_COLOR into account by itself."""
        self._stream = stream or sys.stdout
        self._targets = tuple(targets)
        self._width = max((len(name) for name in targets), default=0)
        self._started: dict[str, float] = {}
        self._lock = threading.Lock()
        self._live: Progress | None = None
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Start the live display where there is a terminal."""
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._live = Progress(
                SpinnerColumn(finished_text=" "), TextColumn("{task.description}"), TimeElapsedColumn(),
                TextColumn("{task.fields[state]}"), console=Console(file=self._stream),
            )  # fmt: skip
            self._live.start()
            for name in self._targets:
                self._rows[name] = self._live.add_task(name, start=False, total=1, state="waiting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the live display; its last state stays on the screen."""
        if self._live:
            self._live.stop()

    def say(self, line: str) -> None:
        """A line that belongs to no target."""
        if self._live:
            self._live.print(line, markup=False, highlight=False)
        else:
            with self._lock:
                print(line, file=self._stream, flush=True)

    def step(self, target: str, state: str) -> None:
        """`target` is now doing `state`."""
        self._started.setdefault(target, time.monotonic())
        if self._live:
            self._live.start_task(self._rows[target])
            self._live.update(self._rows[target], state=state)
        else:
            self.say(f"{target:{self._width}}  {state}")

    def end(self, target: str, state: str) -> None:
        """`target` is through, with the result `state`."""
        seconds = time.monotonic() - self._started.get(target, time.monotonic())
        if self._live:
            self._live.update(self._rows[target], completed=1, state=state)
        else:
            self.say(f"{target:{self._width}}  {state} ({seconds:.1f} s)")


def table(rows: Sequence[Sequence[str]]) -> str:
    """`rows`, the first of them the headings, as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
