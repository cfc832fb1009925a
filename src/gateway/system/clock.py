"""``ports.Clock`` on the machine's clocks."""

from __future__ import annotations

import time
from typing import Final

from gateway.model.now import Now


def suspension_counting_clock(offered: object) -> int:
    """Linux's CLOCK_BOOTTIME. Elsewhere CLOCK_MONOTONIC, which on macOS counts suspension too."""
    return int(getattr(offered, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemClock:
    """Wall time may jump; the monotonic reading counts suspension: idle time passes while a laptop sleeps."""

    _MONOTONIC: Final = suspension_counting_clock(time)

    def now(self) -> Now:
        return Now(time.time_ns() // 1_000_000, time.clock_gettime_ns(self._MONOTONIC) // 1_000_000)
