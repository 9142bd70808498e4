"""Holds the documents to what is there: commands, links, files, PostgreSQL versions, and pggit's functions."""

import itertools
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import git, targets
from tasks.lib.paths import EXTENSION, ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_FUNCTION = re.compile(r"\bpggit\.([a-z_]+)\(")
_CREATED = re.compile(r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+pggit\.([a-z_]+)", re.IGNORECASE)
_CODE = re.compile(r"`([^`\n]+)`")
# A folder, or a file of a kind that this repository has. Capitals alone stand for something else: FROM, SYSTEM.
_NAMED = re.compile(r"[\w.-]+(/[\w.-]+)*/|([\w.-]+/)*[\w.-]+\.(json|lock|md|py|sql|toml|yaml|yml)")
_MADE = {".venv", "build", "dist"}
_MAJORS = re.compile(r"PostgreSQL (\d+(?:(?:, | and | to )\d+)+)")
_SHELL = {"sh", "bash", "console", "shell"}
_ENDS = {"&&", "||", ";", "|", ">"}
_INLINE = re.compile(r"`((?:\./inv|(?:ops/bin/)?pggit)\s[^`]+)`")
_PGGIT = re.compile(r"(ops/bin/)?pggit\s")
_INVOKE_OPTIONS = {"--list", "--help", "--dry", "--version", "-l", "-h"}

Commands = Mapping[str, frozenset[str]]
"""Every command of `inv`, with its options as written: --pg, -p."""


@dataclass(frozen=True)
class Facts:
    """What is there, for documents to be held to."""

    commands: Commands
    subcommands: Commands
    """Those of `pggit`, the command for database servers."""
    functions: frozenset[str]
    majors: tuple[str, ...]
    """The supported PostgreSQL versions, oldest first."""
    files: tuple[str, ...]


def documents() -> tuple[Path, ...]:
    """The documents that are held to the truth."""
    top = (
        "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "extension/README.md",
        "monitoring/README.md", "ops/MONITORING.md", "ops/UPGRADE_GUIDE.md",
    )  # fmt: skip
    return (*(ROOT / name for name in top), *sorted((ROOT / "docs").rglob("*.md")))


def faults() -> list[str]:
    """Everything in the documents that is not so, one line each."""
    facts = Facts(commands(), subcommands(), created_functions(), targets.load().majors(), _files())
    found = []
    for path in documents():
        name = str(path.relative_to(ROOT))
        if not path.is_file():
            found.append(f"{name} does not exist")
            continue
        text = path.read_text("utf-8")
        found += [f"{name}: {fault}" for fault in check(text, path.parent, facts)]
    return found


def check(text: str, folder: Path, facts: Facts) -> list[str]:
    """The faults of one document's text that lies in `folder`."""
    return [
        *(fault for line in command_lines(text) if (fault := command_fault(line, facts.commands))),
        *(fault for line in pggit_lines(text) if (fault := pggit_fault(line, facts.subcommands))),
        *(f"link to {target}: no such file" for target in _LINK.findall(text) if not _resolves(target, folder)),
        *(
            f"pggit.{function}(): no such function in extension/sql"
            for function in sorted(set(_FUNCTION.findall(text)) - facts.functions)
        ),
        *(
            f"`{name}`: there is no such file or folder"
            for name in dict.fromkeys(_CODE.findall(_FENCE.sub("", text)))
            if _NAMED.fullmatch(name) and not _is_there(name, facts.files)
        ),
        *(
            f"PostgreSQL {text}: supported are {', '.join(facts.majors)}"
            for text in _MAJORS.findall(text)
            if not _names_all(text, facts.majors)
        ),
    ]


def _is_there(name: str, files: Sequence[str]) -> bool:
    """Whether the files have `name`, a path or the end of one; for a folder, whether a file is in it."""
    if name.partition("/")[0] in _MADE:
        return True
    part = f"/{name}" if name.endswith("/") else f"/{name}\n"
    return any(part in f"/{file}\n" for file in files)


def _names_all(text: str, majors: Sequence[str]) -> bool:
    """Whether `text`, such as 15 to 18 or 15, 16 and 17, says which majors are supported."""
    named = re.findall(r"\d+", text)
    return named == ([majors[0], majors[-1]] if " to " in text else list(majors))


def _files() -> tuple[str, ...]:
    """Every file's path from the root: git's, where it answers, since an empty folder is in no clone."""
    known = git.files()
    return tuple(str(path.relative_to(ROOT)) for path in (known if known is not None else ROOT.rglob("*")))


def command_lines(text: str) -> list[str]:
    """The ./inv commands in a document: lines of its shell blocks, and `./inv …` in running text."""
    return [line for line in _commands_in(text) if line.startswith("./inv ")]


def pggit_lines(text: str) -> list[str]:
    """The same for `pggit …`, which is also `ops/bin/pggit …`."""
    return [line for line in _commands_in(text) if _PGGIT.match(line)]


def _commands_in(text: str) -> list[str]:
    lines = [line.strip().removeprefix("$ ") for kind, block in _FENCE.findall(text) if kind in _SHELL
             for line in block.replace("\\\n", " ").splitlines()]  # fmt: skip
    return [*lines, *_INLINE.findall(_FENCE.sub("", text))]


def command_fault(line: str, known: Commands) -> str | None:
    """What is wrong with one `./inv …` line; None when nothing is."""
    words = shlex.split(line, comments=True)[1:]
    task: str | None = None
    for word in itertools.takewhile(lambda word: word not in _ENDS, words):
        if not word.startswith("-"):
            if word not in known and (task is None or "." in word):
                return f"`{line}`: there is no task {word}"
            task = word if word in known else task
        elif task is None:
            if word not in _INVOKE_OPTIONS:
                return f"`{line}`: inv has no option {word}"
        elif (option := word.partition("=")[0]) not in known[task] and word not in _INVOKE_OPTIONS:
            return f"`{line}`: {task} has no option {option}"
    return None if task or words else f"`{line}`: names no task"


def pggit_fault(line: str, known: Commands) -> str | None:
    """What is wrong with one `pggit …` line; None when nothing is."""
    words = list(itertools.takewhile(lambda word: word not in _ENDS, shlex.split(line, comments=True)[1:]))
    if words == ["--help"]:
        return None
    if not words or words[0] not in known:
        return f"`{line}`: pggit has no subcommand {words[0]}" if words else f"`{line}`: names no subcommand"
    for word in words[1:]:
        if word.startswith("-") and (option := word.partition("=")[0]) not in known[words[0]]:
            return f"`{line}`: pggit {words[0]} has no option {option}"
    return None


def subcommands() -> Commands:
    """Every subcommand of `pggit`, from its own parser."""
    folder = str(ROOT / "ops")
    if folder not in sys.path:
        sys.path.append(folder)
    from pggit import cli

    (choices,) = (action.choices for action in cli.parser()._actions if isinstance(action.choices, dict))
    return {name: frozenset(sub._option_string_actions) for name, sub in choices.items()}


def commands() -> Commands:
    """Every task that `./inv` has, from the task tree itself."""
    from tasks import ns

    found: dict[str, frozenset[str]] = {}
    for context in ns.to_contexts():
        options = frozenset(context.flags) | frozenset(context.inverse_flags)
        for name in (context.name, *context.aliases):
            if name:
                found[name] = options
    return found


def created_functions() -> frozenset[str]:
    """The names of all functions and procedures that extension/sql creates in schema pggit."""
    texts: Sequence[str] = [path.read_text("utf-8") for path in sorted((EXTENSION / "sql").glob("*.sql"))]
    return frozenset(name.lower() for text in texts for name in _CREATED.findall(text))


def _resolves(target: str, folder: Path) -> bool:
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return True
    return (folder / target.partition("#")[0]).exists()
