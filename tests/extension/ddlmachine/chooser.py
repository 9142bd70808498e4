"""Where the machine's choices come from, and the names it gives."""

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from tests.extension.ddlmachine.catalog import Catalog

T = TypeVar("T")
Maker = Callable[["Chooser", "Catalog"], str | None]
"""Makes a statement of one kind; None when the catalog has nothing for it."""

STEMS = (
    "plain", "MiXed", "has space", 'quo"te', "dot.ted", "percent%s%I", "dollar$1$$", "säule漢字", "apos'trophe",
    "back\\slash", "semi;colon--", "new\nline", "({[]})",
)  # fmt: skip
RESERVED = ("select", "table", "user", "order", "null", "from", "all", "default", "end", "index", "x")
COLUMNS = ("id", "a", "b", "Big One", "select", 'c"q', "ü%s", "$n", "d.e", "f" * 63)


def quote(name: str) -> str:
    """A name as it stands in SQL, quoted always."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant."""
    return ("E" if "\\" in text else "") + "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Chooser:
    """Choices of every sort, made of whole numbers: 0 is the simplest. The chance is hypothesis's own, or a seed's."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._names = 0

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        return self._chance.randrange(limit) if limit > 1 else 0

    def once_in(self, times: int) -> bool:
        """Whether the rarer of two things happens."""
        return self.below(times) == times - 1

    def pick(self, choices: Sequence[T]) -> T:
        """One of these."""
        return choices[self.below(len(choices))]

    def pick_or_none(self, choices: Sequence[T]) -> T | None:
        """One of these, where there are any."""
        return self.pick(choices) if choices else None

    def some(self, choices: Sequence[T], most: int) -> list[T]:
        """One to `most` different ones, in an order of their own."""
        left, taken = list(choices), []
        for _ in range(1 + self.below(min(most, len(left)))):
            taken.append(left.pop(self.below(len(left))))
        return taken

    def new_name(self) -> str:
        """A name that nothing has yet, quoted."""
        self._names += 1
        kind = self.below(8)
        if kind == 7:
            return quote(self.pick(RESERVED))
        if kind == 6:
            stem = "é" * 28 if self.once_in(2) else "l" * 60
            return quote(stem + f"{self._names:03}"[-(63 - len(stem.encode())) :])
        return quote(self.pick(STEMS) + str(self._names))

    def column_name(self) -> str:
        """A column's name, quoted; there are few, so that tables are alike."""
        return quote(self.pick(COLUMNS))
