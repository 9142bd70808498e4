"""The paper that dashboards are drawn on: texts, boxes and axes at places in pixels, from the upper left corner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TEXT = "#d5d6dc"
DIM = "#8e9099"
EDGE = "#2c2f36"
PANEL = "#181b1f"
TRACK = "#23262c"
COLORS = {
    "green": "#73bf69",
    "yellow": "#f2cc0c",
    "orange": "#ff9830",
    "red": "#f2495c",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "text": TEXT,
}
"""Grafana's names of colours, as they look."""
PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#56c7c4", "#c4a26a", "#8f9bb3", "#d986a6")
"""The colours of series, in turn."""
_DPI = 100


@dataclass(frozen=True)
class Box:
    """A place on the page; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        """The point in the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def inside(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """The box without so much on each side."""
        return Box(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)

    def cells(self, columns: int, rows: int, gap: float) -> "list[Box]":
        """The box divided, row by row."""
        width, height = (self.width + gap) / columns, (self.height + gap) / rows
        return [
            Box(self.x + column * width, self.y + row * height, width - gap, height - gap)
            for row in range(rows)
            for column in range(columns)
        ]


class Page:
    """One picture."""

    def __init__(self, width: int, height: int, background: str) -> None:
        """An empty page of so many pixels."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._width, self._height = width, height
        self.figure: Any = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=background)
        canvas: Any = FigureCanvasAgg(self.figure)
        self._renderer = canvas.get_renderer()
        self._base: Any = self.figure.add_axes((0, 0, 1, 1), zorder=0)
        self._base.set(xlim=(0, width), ylim=(height, 0))
        self._base.axis("off")

    def text(
        self, x: float, y: float, text: str, size: float = 9, color: str = TEXT, align: str = "left", bold: bool = False
    ) -> None:
        """Write one line, its middle at y."""
        self._base.text(
            x, y, text, fontsize=size, color=color, ha=align, va="center", parse_math=False,
            fontweight="bold" if bold else "normal",
        )  # fmt: skip

    def text_width(self, text: str, size: float = 9, bold: bool = False) -> float:
        """How many pixels a line takes."""
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size, weight="bold" if bold else "normal")
        width, _, _ = self._renderer.get_text_width_height_descent(text, font, False)
        return float(width)

    def fitting(self, text: str, width: float, size: float = 9, bold: bool = False) -> str:
        """The text, cut so that it is no wider."""
        if self.text_width(text, size, bold) <= width:
            return text
        while text and self.text_width(text + "…", size, bold) > width:
            text = text[:-1]
        return text + "…"

    def box(self, box: Box, fill: str, edge: str = "none", radius: float = 3) -> None:
        """Fill a box with round corners."""
        from matplotlib.patches import FancyBboxPatch

        style = f"round,pad=0,rounding_size={radius}"
        place = (box.x, box.y)
        self._base.add_patch(FancyBboxPatch(place, box.width, box.height, style, facecolor=fill, edgecolor=edge, lw=1))

    def axes(self, box: Box) -> Any:
        """Axes at a place, without anything."""
        made = self.figure.add_axes(
            (box.x / self._width, 1 - box.bottom / self._height, box.width / self._width, box.height / self._height),
            facecolor="none",
            zorder=1,
        )
        for spine in made.spines.values():
            spine.set_visible(False)
        made.tick_params(colors=DIM, labelsize=8, length=0, pad=4)
        return made

    def legend(self, box: Box, entries: Sequence[tuple[str, str]]) -> float:
        """Write names with their colours at the bottom of a box, in two lines at most; returns their height."""
        lines: list[list[tuple[str, str, float]]] = [[]]
        left = box.width
        for count, (name, color) in enumerate(entries):
            width = self.text_width(name, 8) + 26
            if width > left and lines[-1]:
                if len(lines) == 2:
                    lines[-1].append((f"and {len(entries) - count} more", PANEL, 0))
                    break
                lines.append([])
                left = box.width - 80  # so that there is room to say how many more
            lines[-1].append((name, color, width))
            left -= width
        for number, line in enumerate(lines):
            x, y = box.x, box.bottom - 16 * (len(lines) - number) + 8
            for name, color, width in line:
                self.box(Box(x, y - 2, 12, 4), color, radius=1)
                self.text(x + 16, y, name, 8, DIM)
                x += width
        return 16.0 * len(lines)

    def save(self, path: Any) -> None:
        """Write the page as a PNG."""
        self.figure.savefig(path, facecolor=self.figure.get_facecolor(), metadata={"Software": None})
