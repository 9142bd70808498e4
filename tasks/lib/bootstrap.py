"""Makes .venv from requirements.lock. Run by ./inv with any Python 3.11+; standard library only.

Concurrent first runs wait for each other on a lock file; an interrupted run leaves no marker,
so the next one starts afresh.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def is_complete(env: Path, lock: Path) -> bool:
    """Whether `env` was made, to its end, in the place where it is, from exactly the pins in `lock`."""
    try:
        same = (env / "place").read_bytes() == _place(env) and (env / lock.name).read_bytes() == lock.read_bytes()
    except OSError:
        return False
    return same and os.access(env / "bin" / "python", os.X_OK)


def _place(env: Path) -> bytes:
    return os.fsencode(env) + b"\n"


def make_environment(env: Path, lock: Path) -> None:
    """Create the virtual environment `env` with exactly the pinned, hash-checked `lock`.

    Raises SystemExit with one line that says what is missing; nothing half done stays.
    """
    try:
        remove(env)
        try:
            venv.create(env, with_pip=True, symlinks=True)
        except (subprocess.CalledProcessError, ModuleNotFoundError) as error:
            # Python hides why its pip could not be unpacked; a full disk is one reason, a missing package another.
            free = shutil.disk_usage(env.parent).free // 1024**2
            sys.exit(
                f"inv: this Python cannot make virtual environments ({type(error).__name__}, {free} MiB are free);"
                " on Debian and Ubuntu: apt-get install python3-venv"
            )
        # By its real name, which has the version in it: `python3` is another Python after an upgrade.
        python = env / "bin" / "python"
        interpreter = python.resolve()
        python.unlink()
        python.symlink_to(interpreter)
        install(python, lock)
        (env / "place").write_bytes(_place(env))
        (env / lock.name).write_bytes(lock.read_bytes())
    except KeyboardInterrupt:
        remove(env)
        sys.exit("inv: interrupted; the next run makes .venv anew")
    except (OSError, ValueError) as error:
        remove(env)
        sys.exit(f"inv: cannot make {env}: {getattr(error, 'strerror', None) or error}")
    except SystemExit:
        remove(env)
        raise


def install(python: Path, lock: Path) -> None:
    """Install `lock` into the environment of `python`. Raises SystemExit when pip fails."""
    command = [
        str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-input", "--require-hashes", "--only-binary=:all:", "-r", str(lock),
    ]  # fmt: skip
    # A session of its own: at Ctrl-C this process alone says what happened. It ends pip, then removes the rest.
    # pip holds the lock as well: where this process is killed, the next run waits for pip's end.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True, close_fds=False
    ) as pip:
        try:
            code = pip.wait()
        except BaseException:
            pip.terminate()
            raise
    if code != 0:
        sys.exit("inv: pip could not install requirements.lock (see above); is the package index reachable?")


def remove(env: Path) -> None:
    """Delete `env`, whatever it is."""
    if env.is_symlink() or env.is_file():
        env.unlink()
    shutil.rmtree(env, ignore_errors=True)


def hand_over(env: Path) -> None:
    """Give `env` to whoever called sudo, who must be able to renew and to delete it."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and user.isdigit() and group.isdigit():
        for path in (env.with_name(".venv.lock"), env, *env.rglob("*")):
            os.chown(path, int(user), int(group), follow_symlinks=False)


def main() -> None:
    """Make or refresh .venv, once, however many processes ask at the same time."""
    env, lock = ROOT / ".venv", ROOT / "requirements.lock"
    try:
        guard = (ROOT / ".venv.lock").open("w")
    except OSError as error:
        sys.exit(f"inv: cannot write to {ROOT}: {error.strerror}")
    with guard:
        os.set_inheritable(guard.fileno(), True)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
        except KeyboardInterrupt:
            sys.exit("inv: interrupted")
        if not is_complete(env, lock):
            print(
                "inv: installing the pinned tools into .venv (first run, the pins changed, or the checkout moved)",
                file=sys.stderr,
            )
            make_environment(env, lock)
            hand_over(env)


if __name__ == "__main__":
    main()
