"""Calls at an even rate: each is given its moment, and the moments of a second are spread over the second."""

from __future__ import annotations

from math import inf
from typing import Final

CATCH_UP_MS: Final = 200.0  # of moments that were missed because somebody came late; timers are late by a few


class Pace:
    """Times are monotonic milliseconds. Who comes late is not held up further; what was missed by more than
    ``CATCH_UP_MS``, an idle time for example, is not made up for."""

    __slots__ = ("_next_ms",)

    def __init__(self) -> None:
        self._next_ms = inf

    def wait_ms(self, now_ms: float, per_second: float) -> float:
        """How long the next call has to wait; its moment is taken. ``per_second`` 0 or less is no bound."""
        if per_second <= 0:
            return 0.0
        if self._next_ms == inf:
            self._next_ms = now_ms  # the first one starts it
        at_ms = max(self._next_ms, now_ms - CATCH_UP_MS)
        self._next_ms = at_ms + 1000 / per_second
        return max(0.0, at_ms - now_ms)
