"""Plots as SVG text: bars and lines, black on nothing in particular, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from bench.harness.figure import number

WIDTH: Final = 640
INK: Final = "#808080"
COLOURS: Final = ("#2f7ed8", "#e4802f", "#3a9b5c", "#a05fb4")
_LEFT: Final = 90
_RIGHT: Final = 30
_TOP: Final = 44
_FONT: Final = 'font-family="sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Line:
    """``points`` are (x, y), both above 0, in the order of x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """``value`` None: not measured, and ``note`` stands in its place."""

    name: str
    value: float | None
    note: str = ""


def bars(title: str, values: Sequence[Bar], unit: str) -> str:
    """Horizontal bars from 0, the largest as wide as there is room."""
    left, row = 150, 28
    most = max((bar.value or 0 for bar in values), default=0) or 1
    room = WIDTH - left - 110
    drawn = []
    for at, bar in enumerate(values):
        y = _TOP + at * row
        drawn.append(_text(left - 8, y + 15, bar.name, "end"))
        width = (bar.value or 0) / most * room
        if bar.value is not None:
            colour = COLOURS[0] if at == 0 else INK
            drawn.append(f'<rect x="{left}" y="{y}" width="{max(width, 1):.1f}" height="{row - 8}" fill="{colour}"/>')
        label = bar.note or "not measured" if bar.value is None else f"{number(bar.value)} {unit}"
        drawn.append(_text(left + width + 6, y + 15, label))
    return _document(title, drawn, _TOP + len(values) * row + 12)


def lines(title: str, series: Sequence[Line], x_title: str, y_title: str) -> str:
    """Against a logarithmic x axis; y begins at 0."""
    height, bottom = 300, 252
    points = [point for line in series for point in line.points]
    most = _ceiling(max((y for _, y in points), default=1.0))
    xs = sorted({x for x, _ in points}) or [1.0]
    low, span = math.log(xs[0]), (math.log(xs[-1]) - math.log(xs[0])) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - low) / span * (WIDTH - _LEFT - _RIGHT)
        return _LEFT + across, bottom - y / most * (bottom - _TOP)

    drawn = []
    for step in range(5):
        value = most * step / 4
        _, y = place(xs[0], value)
        drawn.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{INK}" stroke-width="0.4"/>'
        )
        drawn.append(_text(_LEFT - 8, y + 4, number(value), "end"))
    for x in xs:
        drawn.append(_text(place(x, 0)[0], bottom + 18, number(x), "middle"))
    for at, line in enumerate(series):
        colour = COLOURS[at % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line.points))
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in (place(*p) for p in line.points)
        ]
        drawn.append(_text(_LEFT + 10 + at * 180, _TOP - 8, line.name, colour=colour))
    drawn.append(_text((WIDTH + _LEFT - _RIGHT) / 2, bottom + 38, x_title, "middle"))
    drawn.append(_text(8, _TOP - 8, y_title))
    return _document(title, drawn, height)


def _ceiling(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 times a power of ten."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next((step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value), 10 * power)


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" {_FONT}>{escape(text)}</text>'


def _document(title: str, drawn: Sequence[str], height: float) -> str:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    heading = f'<text x="8" y="18" fill="{INK}" font-family="sans-serif" font-size="15">{escape(title)}</text>'
    body = "\n".join((f"<title>{escape(title)}</title>", heading, *drawn))
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n{body}\n</svg>\n'
