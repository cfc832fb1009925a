"""Time shared fairly: on a machine slower than usual all that is left does less, and nothing is left out."""

from __future__ import annotations

from typing import Final

LEAST: Final = 0.2  # of the usual counts: below it first times are what is measured


class Pace:
    """How much slower this machine is than the times that scenarios usually take."""

    def __init__(self) -> None:
        self._usual_s = 0.0
        self._spent_s = 0.0

    def took(self, usual_s: float, spent_s: float) -> None:
        """One scenario is over."""
        self._usual_s += usual_s
        self._spent_s += spent_s

    @property
    def slowness(self) -> float:
        """1 is as usual, and what is said of a machine that nothing has run on; it is never called faster."""
        return max(self._spent_s / self._usual_s, 1.0) if self._usual_s else 1.0

    def share(self, left_s: float, rest_s: float) -> float:
        """What part of its usual counts everything that is left may do, which usually takes ``rest_s``."""
        return min(max(left_s / (rest_s * self.slowness), LEAST), 1.0)
