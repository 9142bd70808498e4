"""requirements.lock: every dependency of pyproject.toml, pinned with its hashes."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

from tasks.lib.errors import PggitError
from tasks.lib.paths import BUILD, ROOT

LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"


def faults(project: str, lock: str) -> list[str]:
    """Where the text of requirements.lock does not fit pyproject.toml's: a missing pin, or a pin without a hash."""
    wanted = {_normal(name) for name in tomllib.loads(project)["project"]["dependencies"]}
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(.*(?:\n    .*)*)", lock, re.MULTILINE))
    pinned = {_normal(name) for name in pins}
    return [
        *(f"requirements.lock lacks {name}: run ./inv lint.lock" for name in sorted(wanted - pinned)),
        *(f"requirements.lock: {name} has no hash" for name, rest in pins.items() if "--hash=sha256:" not in rest),
    ]


def _normal(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else requirement


def write(*, upgrade: bool = False) -> None:
    """Write requirements.lock from pyproject.toml, with uv (fetched into build/ when not on PATH).

    Pins that still fit stay as they are; `upgrade` takes the newest of all.

    Raises PggitError where uv cannot be had or finds no solution.
    """
    uv = shutil.which("uv")
    if uv is None:
        target = BUILD / "uv"
        fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", f"--target={target}", "uv"]
        if subprocess.run(fetch, stdin=subprocess.DEVNULL).returncode != 0:
            raise PggitError("pip could not fetch uv (see above)")
        uv = str(target / "bin" / "uv")
    command = [
        uv, "pip", "compile", PROJECT.name, "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-annotate", "--no-header", "--only-binary", ":all:", "--quiet",
        "-o", LOCK.name, *(["--upgrade"] if upgrade else []),
    ]  # fmt: skip
    # uv does not read pip's configuration: a certificate store or index named there goes along.
    environment = {"UV_NATIVE_TLS": "true", **os.environ}
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, env=environment).returncode != 0:
        raise PggitError("uv found no set of pins for pyproject.toml (see above)")
