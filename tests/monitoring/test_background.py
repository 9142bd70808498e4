"""Programs in the background: they end with the block, and with the process that wanted them."""

import os
import signal
from pathlib import Path

import pytest

from tasks.lib import background
from tests.extension.test_servers import ended, python
from tests.monitoring.programs import until

_MAKER = """
import sys
from pathlib import Path
from tasks.lib import background
with background.running(["sh", "-c", "echo $$; exec sleep 600"], Path(sys.argv[1])):
    print("", flush=True)
    sys.stdin.read()
"""


def program(log: Path) -> int:
    """The program's process, which the log has once it runs."""
    return int(until(lambda: log.read_text("utf-8").strip()))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_program_ends_with_the_process_that_wanted_it(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    with python(_MAKER, str(log)) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "\n"
        pid = program(log)
        maker.send_signal(number)
        assert ended(pid)


def test_a_program_ends_with_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with background.running(["sh", "-c", "echo $$; exec sleep 600"], log):
        pid = program(log)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_PATIENCE", 0.5)
    log = tmp_path / "log"
    with background.running(["sh", "-c", "trap '' TERM; echo $$; exec sleep 600"], log):
        pid = program(log)
    assert ended(pid)


def test_its_own_end_is_seen_with_its_exit_code_and_its_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with background.running(["sh", "-c", 'echo "$SAID" >&2; exit 7'], log, {"SAID": "a word"}) as process:
        assert process.wait(60) == 7
    assert log.read_text("utf-8") == "a word\n"


def test_it_gets_no_input(tmp_path: Path) -> None:
    with background.running(["cat"], tmp_path / "log") as process:
        assert process.wait(60) == 0
