"""Invoke entry point: hands over to the tasks/ package beside this file."""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)
sys.modules.pop("tasks", None)  # invoke registered this very file under the package's name
from tasks import ns  # noqa: E402, F401
