"""What ./inv runs, with .venv's Python: the task tree as a program of its own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tasks.commandline import run

if __name__ == "__main__":
    run()
