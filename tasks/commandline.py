"""The command line of ./inv: invoke's, with its errors made one line that says what is valid, and exit code 2."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from invoke.exceptions import Exit, ParseError, UnknownFileType
from invoke.parser.context import ParserContext
from invoke.program import Program

from tasks import ns
from tasks.command import error_line, stop_writing

_LIST_FORMATS = ("flat", "nested", "json")


class Inv(Program):
    """invoke's program; only what it says about a wrong command line differs."""

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the options before the first task."""
        dont_write = sys.dont_write_bytecode
        with self._one_line():
            super().parse_core(argv)
        sys.dont_write_bytecode = dont_write  # invoke's way, to write none, has each run compile tasks/lib anew

    def parse_tasks(self) -> None:
        """Read the tasks and their options."""
        with self._one_line():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Do what --help and --list ask for."""
        wanted, listed = self.args["list-format"].value, self.args["list"].value
        if wanted not in _LIST_FORMATS:
            raise _wrong(f"--list-format={wanted}: unknown; valid are {', '.join(_LIST_FORMATS)}")
        if isinstance(listed, str) and listed not in ns.collections:
            raise _wrong(f"--list={listed}: there is no such group; valid are {', '.join(sorted(ns.collections))}")
        with self._one_line():
            super().parse_cleanup()

    def print_version(self) -> None:
        """Print the version of pgGit, which this checkout makes."""
        from tasks.lib import sqlscript

        print(f"pggit {sqlscript.version()}")

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except ParseError as error:
            raise _wrong(explain(str(error), error.context, self.initial_context, self.argv[1:])) from None
        except ValueError:
            raise _wrong("--command-timeout and --list-depth take a whole number") from None


def _wrong(message: str) -> Exit:
    return Exit(f"inv: {message}", code=2)


def explain(message: str, context: ParserContext | None, core: ParserContext, words: Sequence[str]) -> str:
    """invoke's `message` about the command line `words` as what is wrong and what is valid.

    `context` is the task that invoke was reading (None or nameless before the first), `core` inv's own options.
    """
    if valueless := re.match(r"Flag <Argument: ([\w-]+).*needed value", message):
        return f"--{valueless[1]} needs a value: --{valueless[1]}=VALUE"
    unknown = re.fullmatch(r"No idea what '(.*)' is!", message)
    if unknown is None:
        return message
    word = unknown[1]
    if word.startswith("-"):
        name = context.name if context and context.name else None
        own = context.flags if name and context else core.flags
        valid = ", ".join(sorted(flag for flag in own if flag.startswith("--")) or ["none"])
        return f"{name or 'inv'} has no option {word}; valid are {valid}"
    # invoke takes the value of an option that needs none, or has one already, for the next task's name.
    for before, one in zip(["", *words], words, strict=False):
        flag, equals, value = one.partition("=") if one.startswith("-") else (before, "", one)
        flags = context.flags if context and flag in context.flags else core.flags
        if value != word or flag not in flags:
            continue
        if flags[flag].takes_value and sum(one.partition("=")[0] == flag for one in words) > 1:
            return f"{flag} is given twice; give it once (several values where it takes them: {flag}=ONE,TWO)"
        if equals and not flags[flag].takes_value:
            return f"{flag} takes no value"
    from tasks.lib.checkedyaml import did_you_mean

    names = sorted(ns.task_names)
    return f"there is no task {word!r}{did_you_mean(word, names)}; valid are {', '.join(names)}"


def run() -> None:
    """Run the tasks that sys.argv names, and end the process."""
    code: object = 0
    try:
        Inv(name="inv", binary="inv", binary_names=["inv"], namespace=ns).run()
    except SystemExit as end:
        code = end.code
    except BrokenPipeError:
        code = 141
    except OSError as error:
        code = f"inv: {error_line(error)}"
    except UnknownFileType as error:
        code = f"inv: {error}"
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 141
    if code == 141:
        stop_writing()
    sys.exit(code)  # type: ignore[arg-type]
