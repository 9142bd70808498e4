"""Progress where there is no terminal, and tables."""

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress

from tasks.lib.console import Board, table
from tasks.lib.paths import ROOT


def test_without_a_terminal_it_is_plain_lines() -> None:
    stream = io.StringIO()
    with Board(["a", "longer"], stream) as board:
        board.step("a", "building")
        board.say("something else")
        board.end("a", "built")
    first, second, third = stream.getvalue().splitlines()
    assert (first, second) == ("a       building", "something else")
    assert third.startswith("a       built (")
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_each_target_keeps_its_line_and_no_color_is_honoured() -> None:
    code = (
        "from tasks.lib.console import Board\n"
        "with Board(['a', 'b']) as board:\n"
        "    board.step('a', 'building'); board.say('[x] as it is'); board.end('a', 'built')\n"
    )
    master, slave = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}
    seen = b""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=slave) as process:
        os.close(slave)
        with suppress(OSError):  # the end of a terminal whose other side is closed
            while data := os.read(master, 65536):
                seen += data
    os.close(master)
    assert process.returncode == 0
    text = seen.decode()
    assert "[x] as it is" in text
    assert "waiting" in text.rsplit("built", 1)[1]
    assert "\x1b[3" not in text, "a colour"


def test_columns_are_aligned() -> None:
    assert table([("A", "B"), ("long", "x")]) == "A     B\nlong  x"
