"""One measured figure: several runs, their spread, what was to be reached, and whether it was."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

SATURATED: Final = 0.85  # of a core: a client that takes more may be what the rate is of


class Verdict(Enum):
    """Against the goal; UNKNOWN where there is none, or nothing was measured."""

    REACHED = "yes"
    MISSED = "no"
    UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest of at least one run."""

    median: float
    low: float
    high: float
    runs: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Raises ValueError for no values."""
        if not values:
            raise ValueError("nothing was measured")
        return Spread(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class Goal:
    """``is_most``: the figure is to be at most ``value``, else at least."""

    value: float
    is_most: bool = True

    def __str__(self) -> str:
        return f"{'≤' if self.is_most else '≥'} {number(self.value)}"

    def judge(self, value: float) -> Verdict:
        reached = value <= self.value if self.is_most else value >= self.value
        return Verdict.REACHED if reached else Verdict.MISSED


def at_most(value: float) -> Goal:
    return Goal(value)


def at_least(value: float) -> Goal:
    return Goal(value, is_most=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """``name`` is stable, for comparisons between runs; ``title`` is for people. ``spread`` None: not measured, and
    ``note`` says why. ``client``: the largest share of a core that the load generator took, None where none raced.
    ``details`` are further figures of the same run, for JSON and documents. ``commit`` is what was measured, where that
    is another one than the rest of the table is of."""

    name: str
    title: str
    unit: str
    spread: Spread | None
    goal: Goal | None = None
    note: str = ""
    client: float | None = None
    details: dict[str, float] = field(default_factory=dict)
    commit: str = ""

    @property
    def verdict(self) -> Verdict:
        return Verdict.UNKNOWN if self.spread is None or self.goal is None else self.goal.judge(self.spread.median)

    @property
    def is_clients(self) -> bool:
        """Whether the load generator, not the server, may have set the figure."""
        return self.client is not None and self.client > SATURATED

    @property
    def notes(self) -> str:
        told = [self.note] if self.note else []
        if self.is_clients:
            told.append(f"the client took {self.client:.0%} of a core: it may be the bottleneck")
        if self.commit:
            told.append(f"of commit {self.commit}")
        return "; ".join(told)


def number(value: float) -> str:
    """As many digits as say something: 12,345  123  12.3  1.23."""
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
