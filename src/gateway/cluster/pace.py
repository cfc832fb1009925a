"""Calls at an even rate: each is given its moment, and the moments of a second are spread over the second."""

from __future__ import annotations


class Pace:
    """Times are monotonic milliseconds. A pace that was idle starts at once and owes nothing for the idle time."""

    __slots__ = ("_next_ms",)

    def __init__(self) -> None:
        self._next_ms = 0.0

    def wait_ms(self, now_ms: float, per_second: float) -> float:
        """How long the next call has to wait; its moment is taken. ``per_second`` 0 or less is no bound."""
        if per_second <= 0:
            return 0.0
        at_ms = max(self._next_ms, now_ms)
        self._next_ms = at_ms + 1000 / per_second
        return at_ms - now_ms
