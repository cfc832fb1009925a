"""``ports.Clock`` on the machine's clocks."""

from __future__ import annotations

import time
from typing import Final

from gateway.model.now import Now


def suspension_counting_clock(offered: object) -> int:
    """Linux's CLOCK_BOOTTIME. Elsewhere CLOCK_MONOTONIC, which on macOS counts suspension too."""
    return int(getattr(offered, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


_MS: Final = 1_000_000  # nanoseconds


class SystemClock:
    """Wall time may jump; the monotonic reading counts suspension: idle time passes while a laptop sleeps.

    Both are read once a millisecond: everything that happens asks for the time, a connect a dozen times.
    """

    _MONOTONIC: Final = suspension_counting_clock(time)

    def __init__(self) -> None:
        self._now = Now(0, 0)
        self._until_ns = 0  # monotonic, while ``_now`` is right

    def now(self) -> Now:
        at_ns = time.clock_gettime_ns(self._MONOTONIC)
        if at_ns >= self._until_ns:
            monotonic_ms = at_ns // _MS
            self._now = Now(time.time_ns() // _MS, monotonic_ms)
            self._until_ns = (monotonic_ms + 1) * _MS  # last: another thread must not take the old reading for new
        return self._now
