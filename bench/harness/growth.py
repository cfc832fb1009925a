"""Whether something grew: what was looked at after each of many equal rounds, begin against end."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.harness.figure import number

MOST_PERCENT: Final = 5.0
WINDOW: Final = 3  # rounds at either end, of which the median counts: a round may be looked at in an odd moment
FEW: Final = 3  # of things that are counted, what may come and go: a kept connection that is just being replaced

Sample = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """``slack``: what may be added without being growth, beside ``MOST_PERCENT``."""

    name: str
    begin: float
    end: float
    most: float
    slack: float = 0.0

    @property
    def percent(self) -> float:
        return (self.end / self.begin - 1) * 100 if self.begin else 0.0

    @property
    def is_bounded(self) -> bool:
        """Less at the end is no growth."""
        return self.end <= self.begin + max(self.begin * MOST_PERCENT / 100, self.slack)

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = "yes" if self.is_bounded else "NO"
        return (self.name, *map(number, (self.begin, self.end, self.most)), f"{self.percent:+.1f} %", verdict)


HEADINGS: Final = ("after each round", "begin", "end", "most", "growth", f"within {MOST_PERCENT:g} %")


def growths(samples: Sequence[Sample], counted: Sequence[str] = ()) -> list[Growth]:
    """For each name of the first sample; ``counted`` names are of things, not of bytes. Raises ValueError for fewer
    samples than two windows."""
    if len(samples) < 2 * WINDOW:
        raise ValueError(f"{len(samples)} rounds say nothing: at least {2 * WINDOW}")
    return [_growth(name, [sample[name] for sample in samples], name in counted) for name in samples[0]]


def _growth(name: str, values: Sequence[float], is_counted: bool) -> Growth:
    begin, end = statistics.median(values[:WINDOW]), statistics.median(values[-WINDOW:])
    return Growth(name, begin, end, max(values), FEW if is_counted else 0.0)
