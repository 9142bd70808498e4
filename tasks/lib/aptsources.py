"""Where a Debian-like system's packages come from: this machine's own apt configuration, or a mirror by name."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tasks.lib.errors import PggitError
from tasks.lib.targets import System

_SETTINGS = re.compile(r'^Acquire::(?:Check-Valid-Until|Check-Date|Retries|https?::(?:Proxy\S*|Timeout)) ".+";$')
"""What a container needs to reach the same mirror. Authentication stays where it is."""
_RELEASE = re.compile(r"^'((?:https?|file|copy):\S+/)dists/([^/']+)/InRelease'", re.MULTILINE)


@dataclass(frozen=True)
class AptSources:
    """`text` is a deb822 .sources file, `settings` are lines of an apt.conf."""

    text: str
    settings: tuple[str, ...]


def of(system: System, mirror: str = "", security_mirror: str = "") -> AptSources:
    """The package sources of `system`: at `mirror` where one is named, else where this machine's apt has them.

    Raises PggitError where the system cannot be made from a mirror at all, where this machine runs
    another distribution, or where apt is missing.
    """
    made = system.bootstrap
    if made is None:
        raise PggitError(f"{system.id} cannot be made from a package mirror; its image comes from a registry")
    if mirror:
        main, security = mirror, security_mirror or _security_beside(mirror)
    else:
        main, security = _this_machines(system.distribution)
    stanzas = []
    for uri, suites in (
        (main, [s for s in made.suites if not s.endswith("-security")]),
        (security, [s for s in made.suites if s.endswith("-security")]),
    ):
        if uri:
            stanzas.append(
                f"Types: deb\nURIs: {uri}\nSuites: {' '.join(suites)}\n"
                f"Components: {' '.join(made.components)}\nSigned-By: {made.keyring}\n"
            )
    return AptSources("\n".join(stanzas), settings())


def settings() -> tuple[str, ...]:
    """This machine's apt settings for reaching a mirror (proxies, checks of dates); none without apt."""
    if shutil.which("apt-config") is None:
        return ()
    lines = _output(["apt-config", "dump"]).splitlines()
    return tuple(line for line in lines if _SETTINGS.match(line) and "@" not in line)


def _security_beside(mirror: str) -> str:
    """Debian keeps security updates in a sibling archive, Ubuntu in the same one."""
    stem = mirror.rstrip("/")
    return f"{stem}-security" if stem.endswith("/debian") else stem


def _this_machines(distribution: str) -> tuple[str, str]:
    """The addresses of the archive and of its security updates (the latter "" where apt has none)."""
    advice = "name a mirror with `./inv images.bootstrap --mirror=URL`"
    release = _os_release()
    if release.get("ID") != distribution or shutil.which("apt-get") is None:
        raise PggitError(f"this machine's apt knows no {distribution} mirror; {advice}")
    own = {release.get("VERSION_CODENAME", ""), "stable", "testing", "unstable", "sid"} - {""}
    by_suite: dict[str, str] = {}
    # What apt would fetch, so apt itself reads its two formats; no list needs to have been fetched before.
    for uri, suite in _RELEASE.findall(_output(["apt-get", "update", "--print-uris"])):
        by_suite.setdefault(suite, uri)
    main = next((by_suite[suite] for suite in sorted(own & by_suite.keys())), "")
    security = next((by_suite[f"{suite}-security"] for suite in sorted(own) if f"{suite}-security" in by_suite), "")
    if not main:
        raise PggitError(f"this machine's apt configuration has no {distribution} archive; {advice}")
    return main, security


def _os_release() -> dict[str, str]:
    file = Path("/etc/os-release")
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise PggitError(f"{command[0]} failed: {error}") from error
