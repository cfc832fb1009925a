"""How late a batch arrives, told from the sender's stamps without agreeing on the time.

Sender and receiver each read a clock of their own. How far the two readings are apart is the clocks' difference, the
same for all batches, and the time on the way. The quickest batch of late shows the first, so the rest is the second:
a request that waited in a buffer while its owner was stopped is told from one that was just sent.
"""

from __future__ import annotations

from typing import Final

# The quickest batch of this window and of the one before is what others are compared with: long enough that one of
# them was quick, short enough that a sender whose clock had stopped (a virtual machine put to sleep) is believed again
# after two windows.
WINDOW_MS: Final = 5_000
DRIFT: Final = 2_000  # one in so many is how fast two clocks may part, 500 ppm: NTP slews no faster


class Lateness:
    """Of one sender's batches, in the order of arrival."""

    __slots__ = ("_before", "_now", "_since_ms", "_until_ms")

    def __init__(self) -> None:
        self._before: int | None = None
        self._now = 0
        self._since_ms = 0
        self._until_ms = 0

    def of(self, stamp_ms: int, arrived_ms: int) -> int:
        """Milliseconds, 0 or more, that this batch took longer than the quickest; 0 for the first.

        It is compared with what was known before, however long ago: a receiver's own sleep does not hide it.
        """
        apart = arrived_ms - stamp_ms
        if self._before is None:
            self._before = self._now = apart
            self._since_ms = arrived_ms
            self._until_ms = arrived_ms + WINDOW_MS
        late = apart - min(self._before, self._now) - (arrived_ms - self._since_ms) // DRIFT
        if arrived_ms >= self._until_ms:
            self._before, self._now = self._now, apart
            self._since_ms, self._until_ms = self._until_ms - WINDOW_MS, arrived_ms + WINDOW_MS
        elif apart < self._now:
            self._now = apart
        return max(0, late)
