"""From two install scripts to the update scripts between them, drafted and proven on a scratch server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.lib import (
    migrationmarks,
    migrationproof,
    releasecut,
    scriptdraft,
    selfdiff,
    sqlscript,
    sqlstatements,
    updategraph,
)
from tasks.lib.catalogdiff import Facts
from tasks.lib.errors import UsageError
from tasks.lib.migrationproof import Proof
from tasks.lib.scriptdraft import Side
from tasks.lib.selfdiff import Step

if TYPE_CHECKING:
    from tasks.lib.versionserver import VersionServer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Draft:
    """One of the two scripts, with its proof."""

    name: str
    text: str
    proof: Proof

    @property
    def marks(self) -> int:
        """How many places wait for a person."""
        return len(migrationmarks.left(self.text))


def choose(to: str, start: str) -> tuple[str, str]:
    """The versions that --from and --to name: from the newest release before the one in the making, unless named.

    Raises UsageError for one that has no install script, or for twice the same.
    """
    from packaging.version import Version

    making = sqlscript.version()
    known = sorted({*sqlscript.released_versions(), making}, key=Version)
    to = to or making
    for option, version in (("to", to), ("from", start or to)):
        if version not in known:
            raise UsageError(f"--{option}={version}: has no install script; valid are {', '.join(known)}")
    earlier = known[: known.index(to)]
    if not start and not earlier:
        raise UsageError(f"--to={to}: nothing was released before it; name where to begin: --from=VERSION")
    start = start or earlier[-1]
    if start == to:
        raise UsageError(f"--from={start}: is the same as --to")
    return start, to


def install_scripts() -> dict[str, bytes]:
    """The control file and every install script of this checkout, without a look at the update scripts."""
    return {name: data for name, data in sqlscript.unchecked_contents().items() if name.count("--") < 2}


def draft(server: "VersionServer", start: str, end: str, engine: str, say: Say = print) -> tuple[Draft, Draft]:
    """The script from `start` to `end`, and the one back.

    The server has the install scripts of both, and of the version `engine` of pgGit that plans.
    """
    say(f"installing {start} and {end}")
    fresh = {version: migrationproof.installed(server, version) for version in (start, end)}
    say("asking pgGit for the way from one to the other")
    up, down = selfdiff.between(server, start, end, engine)
    sides = {
        version: Side(version, facts, sqlstatements.words(server.files[f"pggit--{version}.sql"].decode()))
        for version, (facts, _) in fresh.items()
    }
    made = []
    for steps, old, new in ((up, start, end), (down, end, start)):
        say(f"drafting and proving the way from {old} to {new}")
        made.append(_proven(server, steps, sides[old], sides[new], fresh[new]))
    return made[0], made[1]


def _proven(server: "VersionServer", steps: list[Step], old: Side, new: Side, fresh: tuple[Facts, Facts]) -> Draft:
    """In the install script's words; where those don't run, in the plan's; what is missing then is marked."""
    name = f"pggit--{old.version}--{new.version}.sql"

    def finished(text: str, proof: Proof) -> Draft:
        text = scriptdraft.with_locks(text, proof.locks)
        server.put({name: text.encode()})
        return Draft(name, text, proof)

    tried = []
    for side in (new, Side(new.version, new.facts, sqlstatements.words(""))):
        text = scriptdraft.draft(steps, old, side)
        server.put({name: text.encode()})
        proof = migrationproof.prove(server, old.version, new.version, fresh)
        if proof.holds:
            return finished(text, proof)
        tried.append((side, proof))
    side, proof = next((one for one in tried if not one[1].failures), tried[0])
    return finished(scriptdraft.draft(steps, old, side, proof.lines()), proof)


def hints(up: Draft) -> list[str]:
    """What extension/sql could have otherwise: columns that stand elsewhere in an updated database."""
    tables = sorted({one.identity.rpartition(".")[0] for one in up.proof.order if one.kind == "table column"})
    return [
        f"the columns of {table} have another order after an update: put new ones last in extension/sql"
        for table in tables
    ]


def write(drafts: Sequence[Draft], folder: Path, *, force: bool) -> None:
    """Write the scripts. Raises UsageError where one is there that somebody worked on, unless `force`."""
    require_free(folder, [draft.name for draft in drafts], force=force)
    folder.mkdir(parents=True, exist_ok=True)
    for draft in drafts:
        (folder / draft.name).write_text(draft.text, "utf-8")


def require_free(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Raise UsageError where one of these scripts is there and is not what release.bump made, unless `force`."""
    for name in names:
        path = folder / name
        ((start, end),) = updategraph.read([name]).edges
        if not force and path.exists() and not releasecut.changes_nothing(path.read_text("utf-8"), start, end):
            raise UsageError(f"{path} is there already; --force writes over it, --output=FOLDER writes elsewhere")


def names(start: str, end: str) -> tuple[str, str]:
    """The file names of both scripts."""
    return f"pggit--{start}--{end}.sql", f"pggit--{end}--{start}.sql"
