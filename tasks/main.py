"""What ./inv runs, with .venv's Python: the task tree as a program of its own."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
# Compiling the tasks anew takes a tenth of what listing them does. In .venv their byte code is in nobody's way, so
# it is kept there even where PYTHONDONTWRITEBYTECODE wants none beside the sources.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(_ROOT / ".venv" / "bytecode")
from tasks.commandline import run  # noqa: E402

if __name__ == "__main__":
    run()
