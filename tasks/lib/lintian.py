"""lintian's verdict on packages, against the list of what is accepted (packaging/lintian.yaml)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.lib import checkedyaml
from tasks.lib.paths import PACKAGING

ALLOWED = PACKAGING / "lintian.yaml"
SCHEMA = PACKAGING / "lintian.schema.json"
COMMAND = ("lintian", "--allow-root", "--display-info", "--tag-display-limit", "0", "--color", "never")
"""Files to examine are to be added. It exits 0 or 2 when it could do its work."""
_TAG = re.compile(r"([EWI]): (\S+)(?: (source))?: (\S+)(.*)")


@dataclass(frozen=True)
class Tag:
    """One complaint."""

    severity: str
    package: str
    kind: str
    """`binary` or `source`."""
    tag: str
    detail: str

    def __str__(self) -> str:
        """As lintian prints it."""
        return f"lintian {self.severity}: {self.package}: {self.tag}{self.detail}"


@dataclass(frozen=True)
class Allowed:
    """A complaint that is accepted in packages of one kind: for every system, or for the named ones; of every
    version, or of the first alone."""

    tag: str
    kind: str
    reason: str
    systems: tuple[str, ...] = ()
    first_release: bool = False


def parse(output: str) -> tuple[Tag, ...]:
    """The tags in lintian's output. Other lines (warnings about itself) are none."""
    found = (_TAG.fullmatch(line) for line in output.splitlines())
    return tuple(Tag(m[1], m[2], m[3] or "binary", m[4], m[5]) for m in found if m)


def allowed() -> tuple[Allowed, ...]:
    """The accepted tags; raises UsageError for a list that does not fit its schema."""
    return tuple(
        Allowed(
            entry["tag"],
            entry["in"],
            entry["reason"],
            tuple(entry.get("systems", ())),
            entry.get("first_release", False),
        )
        for entry in checkedyaml.load(ALLOWED, SCHEMA) or ()
    )


def problems(
    tags: Iterable[Tag], package: str, kind: str, system: str, accepted: Sequence[Allowed], *, first_release: bool
) -> tuple[str, ...]:
    """What is wrong with `package`, built for `system`: tags that are not accepted, and accepted ones it lacks.

    `first_release` tells whether its changelog has one version only.
    """
    accepted = [
        one
        for one in accepted
        if one.kind == kind and system in (one.systems or (system,)) and (first_release or not one.first_release)
    ]
    mine = [tag for tag in tags if (tag.package, tag.kind) == (package, kind)]
    names = {one.tag for one in accepted}
    return (
        *(str(tag) for tag in mine if tag.tag not in names),
        *(
            f"packaging/{ALLOWED.name} accepts {one.tag}, which {package} does not show; delete the entry"
            for one in accepted
            if one.tag not in {tag.tag for tag in mine}
        ),
    )
