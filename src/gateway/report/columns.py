"""Rows of texts as aligned columns for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from gateway.report.printable import printable


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Two spaces apart, what strangers chose escaped; nothing at all without rows."""
    shown = [[printable(cell, keep="") for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal: Chinese, Japanese and Korean characters take two, accents on their own none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
