"""``ports.Clock`` on the machine's clocks."""

from __future__ import annotations

import time

from gateway.model.now import Now


class SystemClock:
    """Wall time may jump; the monotonic reading counts suspension too where the system offers that (Linux)."""

    _MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now(self) -> Now:
        return Now(time.time_ns() // 1_000_000, time.clock_gettime_ns(self._MONOTONIC) // 1_000_000)
