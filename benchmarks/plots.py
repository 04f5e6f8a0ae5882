"""Plots as SVG without a library: lines over logarithmic axes, dots where measured, dashed where reckoned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH_PX, HEIGHT_PX, LEFT_PX, MARGIN_PX = 560, 300, 80, 40
COLOURS = ("#1f77b4", "#d95f02", "#2a9d5c", "#8856a7", "#b2182b")
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Line:
    """A line through points of x and y above 0, ascending by x."""

    name: str
    points: Sequence[tuple[float, float]]
    n_measured: int = 0  # the first ones; the others are reckoned


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from one power of ten to another."""

    title: str
    low: int  # exponents
    high: int
    px: float  # its length

    @classmethod
    def over(cls, title: str, values: Sequence[float], px: float) -> Axis:
        """Return the axis that holds the values."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(title, low, max(high, low + 1), px)

    def place(self, value: float) -> float:
        """Return where a value lies, in pixels from the axis's start."""
        return self.px * (math.log10(value) - self.low) / (self.high - self.low)

    def marks(self) -> list[tuple[float, str]]:
        """Return powers of ten with their names, eight at most."""
        step = -(-(self.high - self.low) // 8)
        return [(10.0**exponent, short(10.0**exponent)) for exponent in range(self.low, self.high + 1, step)]


def short(value: float) -> str:
    """Return a number in few characters: 10 M, 0.01."""
    for unit, letter in _STEPS:
        if value >= unit:
            return f"{value / unit:g} {letter}"
    return f"{value:g}"


def log_plot(title_x: str, title_y: str, lines: Sequence[Line]) -> str:
    """Return a plot of lines over logarithmic axes as SVG."""
    points = [point for line in lines for point in line.points]
    across = Axis.over(title_x, [x for x, _ in points], WIDTH_PX)
    up = Axis.over(title_y, [y for _, y in points], HEIGHT_PX)
    width, height = WIDTH_PX + LEFT_PX + MARGIN_PX, HEIGHT_PX + 2 * MARGIN_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_grid(across, up),
    ]
    for row, (colour, line) in enumerate(zip(COLOURS, lines, strict=False)):
        placed = [(LEFT_PX + across.place(x), MARGIN_PX + HEIGHT_PX - up.place(y)) for x, y in line.points]
        measured, reckoned = placed[: line.n_measured], placed[max(line.n_measured - 1, 0) :]
        parts += [_path(measured, colour), _path(reckoned, colour, ' stroke-dasharray="5 4"')]
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in measured]
        parts.append(
            f'<text x="{LEFT_PX + 10}" y="{MARGIN_PX + 18 + 16 * row}" fill="{colour}">{escape(line.name)}</text>'
        )
    return "\n".join([*filter(None, parts), "</svg>", ""])


def _grid(across: Axis, up: Axis) -> list[str]:
    bottom, parts = MARGIN_PX + HEIGHT_PX, []
    for value, name in across.marks():
        x = LEFT_PX + across.place(value)
        parts.append(f'<line x1="{x:.1f}" y1="{MARGIN_PX}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{name}</text>')
    for value, name in up.marks():
        y = bottom - up.place(value)
        parts.append(f'<line x1="{LEFT_PX}" y1="{y:.1f}" x2="{LEFT_PX + WIDTH_PX}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT_PX - 6}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    middle = MARGIN_PX + HEIGHT_PX / 2
    return [
        *parts,
        f'<text x="{LEFT_PX + WIDTH_PX / 2:g}" y="{bottom + 34}" text-anchor="middle">{escape(across.title)}</text>',
        f'<text x="16" y="{middle:g}" text-anchor="middle" transform="rotate(-90 16 {middle:g})">'
        f"{escape(up.title)}</text>",
    ]


def _path(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    if len(points) < 2:
        return ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{more}/>'
