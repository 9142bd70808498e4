"""Grafana's units that the dashboards use, and how Grafana writes a value in each."""

import math
from collections.abc import Callable, Sequence

_Steps = Sequence[tuple[float, str]]
_SECONDS: _Steps = (
    (1e-6, "µs"),
    (1e-3, "ms"),
    (1, "s"),
    (60, "mins"),
    (3600, "hours"),
    (86400, "days"),
    (604800, "weeks"),
    (31536000, "years"),
)
_BYTES: _Steps = ((1, "B"), (1024, "KiB"), (1024**2, "MiB"), (1024**3, "GiB"), (1024**4, "TiB"))
_SHORT: _Steps = ((1, ""), (1e3, "K"), (1e6, "Mil"), (1e9, "Bil"))


def _number(value: float, decimals: int | None = None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    digits = 0 if value == int(value) else max(0, 2 - max(0, math.floor(math.log10(abs(value)))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def _scaled(steps: _Steps) -> Callable[[float, int | None], str]:
    def write(value: float, decimals: int | None) -> str:
        size, name = next((step for step in reversed(steps) if abs(value) >= step[0]), steps[0])
        if value == 0:
            size, name = next(step for step in steps if step[0] == 1)
        return f"{_number(value / size, decimals)} {name}".rstrip()

    return write


def _percent(value: float, decimals: int | None) -> str:
    return f"{_number(100 * value, decimals)}%"


UNITS: dict[str, Callable[[float, int | None], str]] = {
    "none": _number,
    "short": _scaled(_SHORT),
    "s": _scaled(_SECONDS),
    "bytes": _scaled(_BYTES),
    "percentunit": _percent,
    "cpm": lambda value, decimals: f"{_number(value, decimals)} c/m",
}
"""Each unit's name in Grafana, and what writes a value in it (with so many decimals, None for what is fit)."""


def write(value: float, unit: str, decimals: int | None = None) -> str:
    """`value` as Grafana shows it in `unit`, or nearly so; a unit that is not known here adds nothing."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return UNITS.get(unit, _number)(value, decimals)
