"""Figures as text: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bench.harness.figure import Figure, number
from bench.harness.peers.compare import KINDS

HEADINGS: Final = ("figure", "median", "range", "goal", "reached", "notes")
PRODUCT: Final = "wsfleet"


def row_of(figure: Figure) -> tuple[str, ...]:
    """The cells under ``HEADINGS``; what was not measured says why."""
    goal = str(figure.goal) if figure.goal else "-"
    if figure.spread is None:
        return (figure.title, "not measured", "", goal, "-", figure.notes)
    spread = figure.spread
    span = f"{number(spread.low)}-{number(spread.high)}" if spread.runs > 1 else "1 run"
    details = "; ".join(f"{name} {number(value)}" for name, value in figure.details.items())
    notes = "; ".join(filter(None, (figure.notes, details)))
    return (figure.title, f"{number(spread.median)} {figure.unit}", span, goal, figure.verdict.value, notes)


def terminal(figures: Sequence[Figure], width: int = 100) -> str:
    """Columns padded; notes on a line of their own, which ``width`` limits."""
    rows = [HEADINGS[:5], *(row_of(figure)[:5] for figure in figures)]
    sizes = [max(len(row[at]) for row in rows) for at in range(5)]
    written = []
    for row, figure in zip(rows, (None, *figures), strict=True):
        cells = [row[0].ljust(sizes[0]), *(cell.rjust(size) for cell, size in zip(row[1:], sizes[1:], strict=True))]
        written.append("  ".join(cells).rstrip())
        if figure is not None and (notes := row_of(figure)[5]):
            written.append(f"    {notes}"[: max(width, sum(sizes))])
    return "\n".join(written)


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars within cells are escaped."""
    written = [f"| {' | '.join(headings)} |", f"|{'|'.join(' --- ' for _ in headings)}|"]
    written += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(written)


def compared(figures: Mapping[str, Figure], gateways: Sequence[str]) -> list[list[str]]:
    """A row for each kind, a cell for each gateway that has it, with the ratio of it to the product's own."""
    return [[f"{title}, {unit}", *(_cell(figures, kind, each) for each in gateways)] for kind, title, unit in KINDS]


def ratio(figures: Mapping[str, Figure], kind: str, gateway: str) -> float | None:
    """A gateway's figure, times the product's; None where either was not measured, or the product's is 0."""
    ours, theirs = figures.get(f"{PRODUCT}.{kind}"), figures.get(f"{gateway}.{kind}")
    if ours is None or theirs is None or ours.spread is None or theirs.spread is None or not ours.spread.median:
        return None
    return theirs.spread.median / ours.spread.median


def _cell(figures: Mapping[str, Figure], kind: str, gateway: str) -> str:
    figure = figures.get(f"{gateway}.{kind}")
    if figure is None:
        return "not run"
    if figure.spread is None:
        return "-"
    times = ratio(figures, kind, gateway)
    shown = "" if times is None or gateway == PRODUCT else f" ({number(times)}x)"
    return number(figure.spread.median) + shown


def padded(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """For a terminal."""
    everything = [list(headings), *map(list, rows)]
    sizes = [max(len(row[at]) for row in everything) for at in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.ljust(size) if at == 0 else cell.rjust(size)
            for at, (cell, size) in enumerate(zip(row, sizes, strict=True))
        ).rstrip()
        for row in everything
    )
