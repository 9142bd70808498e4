"""What ./inv runs, with .venv's Python: the task tree as a program of its own."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
# Byte code that root writes beside the sources is in the way of whoever called sudo.
sys.dont_write_bytecode = sys.dont_write_bytecode or "SUDO_UID" in os.environ
from tasks.commandline import run  # noqa: E402

if __name__ == "__main__":
    run()
