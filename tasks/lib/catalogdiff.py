"""What two databases differ in, by the facts that catalogfacts.py read of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.lib.catalogmap import PHYSICAL

Key = tuple[str, str]
"""What kind of object, in PostgreSQL's own words, and its identity: ("table column", "pggit.history.id")."""
Facts = Mapping[Key, Mapping[str, str]]
"""What is so of each object: attribute to value. An attribute that is null is not there."""

EXISTS = "exists"
"""The attribute of a difference where only one side has the object at all."""


@dataclass(frozen=True)
class Difference:
    """One attribute of one object that is otherwise; None where a side has none."""

    kind: str
    identity: str
    attribute: str
    a: str | None
    b: str | None

    def __str__(self) -> str:
        """One line: the object, what of it, and both values as far as they differ."""
        what = f"{self.kind} {self.identity}".rstrip()
        if self.attribute == EXISTS:
            return f"{what}: only in {'b' if self.a is None else 'a'}"
        return f"{what}: {self.attribute}: {' -> '.join(_shown(self.a, self.b))}"


def compare(
    a: Facts, b: Facts, *, physical: bool = False, without: Callable[[Difference], bool] | None = None
) -> list[Difference]:
    """Every difference between `a` and `b`, by kind and identity; none means that both are the same.

    Args:
        a: facts of one database.
        b: facts of the other, read with the same arguments.
        physical: whether the order of tables' columns and the number of dropped ones count too.
        without: says which differences don't count.
    """
    found = [one for key in sorted(a.keys() | b.keys()) for one in _of_one(key, a.get(key), b.get(key))]
    return [
        one
        for one in found
        if (physical or not one.attribute.startswith(PHYSICAL)) and not (without is not None and without(one))
    ]


def _of_one(key: Key, a: Mapping[str, str] | None, b: Mapping[str, str] | None) -> list[Difference]:
    if a is None or b is None:
        sides = (None if a is None else "yes", None if b is None else "yes")
        return [Difference(*key, EXISTS, *sides)]
    return [
        Difference(*key, attribute, a.get(attribute), b.get(attribute))
        for attribute in sorted(a.keys() | b.keys())
        if a.get(attribute) != b.get(attribute)
    ]


_ENOUGH = 60
"""Characters of a value that a line shows, from a little before its first difference on."""


def _shown(a: str | None, b: str | None) -> tuple[str, str]:
    if a is None or b is None:
        return _cut(a, 0), _cut(b, 0)
    same = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(0, same - _ENOUGH // 3) if max(len(a), len(b)) > _ENOUGH else 0
    return _cut(a, start), _cut(b, start)


def _cut(value: str | None, start: int) -> str:
    if value is None:
        return "none"
    part = value[start : start + _ENOUGH]
    return repr(("…" if start else "") + part + ("…" if start + _ENOUGH < len(value) else ""))
