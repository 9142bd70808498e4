"""Makes .venv from requirements.lock. Run by ./inv with any Python 3.11+; standard library only.

Concurrent first runs wait for each other on a lock file; an interrupted run leaves no marker,
so the next one starts afresh.
"""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def is_complete(env: Path, lock: Path) -> bool:
    """Whether `env` was made, to its end, from exactly the pins in `lock`."""
    marker = env / "requirements.lock"
    return (env / "bin" / "python").exists() and marker.is_file() and marker.read_bytes() == lock.read_bytes()


def make_environment(env: Path, lock: Path) -> None:
    """Create the virtual environment `env` with exactly the pinned, hash-checked `lock`.

    Raises SystemExit with one line that says what is missing.
    """
    shutil.rmtree(env, ignore_errors=True)
    try:
        venv.create(env, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ModuleNotFoundError) as error:
        shutil.rmtree(env, ignore_errors=True)
        sys.exit(
            f"inv: this Python cannot make virtual environments ({error});"
            " on Debian and Ubuntu: apt-get install python3-venv"
        )
    command = [
        str(env / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-input", "--require-hashes", "--only-binary=:all:", "-r", str(lock),
    ]  # fmt: skip
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if result.returncode != 0:
        shutil.rmtree(env, ignore_errors=True)
        sys.exit("inv: pip could not install requirements.lock (see above); is the package index reachable?")
    (env / "requirements.lock").write_bytes(lock.read_bytes())


def main() -> None:
    """Make or refresh .venv, once, however many processes ask at the same time."""
    env, lock = ROOT / ".venv", ROOT / "requirements.lock"
    try:
        guard = (ROOT / ".venv.lock").open("w")
    except OSError as error:
        sys.exit(f"inv: cannot write to {ROOT}: {error.strerror}")
    with guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not is_complete(env, lock):
            print(
                "inv: installing the pinned tools into .venv (first run, or the pins changed)",
                file=sys.stderr,
            )
            make_environment(env, lock)


if __name__ == "__main__":
    main()
