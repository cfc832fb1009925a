"""A node's right to serve, as the node itself knows it: until when, by its own clock.

    holder     write sent ─────────── fence_ms ──────────▶ closes everything, serves nobody
    observer        └─▶ version first seen ─── lease_ms ──────────▶ may declare it dead

The holder counts from *before* its write left, an observer from *after* it has read the version, and the holder stops
a tenth earlier. So it has stopped before anybody may say that it is dead, whatever their clocks show, as long as both
run equally fast to within a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

MIN_LEASE_MS: Final = 1_000  # below, an ordinary pause of the machine would cost every socket
_FENCE_SHARE: Final = (9, 10)  # the last tenth is for closing the sockets, and for clocks that run differently
_RENEWALS: Final = 5  # per lease: 2 s of 10; three may fail in a row
_LOOKS: Final = 8  # per lease: how often the others are looked at
_CALL_SHARE: Final = 6  # one call may take a sixth of the lease, so that there is time for three more
_MAX_CALL_MS: Final = 2_000  # DynamoDB answers in 10


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Everything that follows from how long a lease is; milliseconds."""

    lease_ms: int

    @property
    def fence_ms(self) -> int:
        """After its last renewal was sent a node serves this long and no longer."""
        return self.lease_ms * _FENCE_SHARE[0] // _FENCE_SHARE[1]

    @property
    def renew_ms(self) -> int:
        """From one renewal to the next."""
        return self.lease_ms // _RENEWALS

    @property
    def look_ms(self) -> int:
        """From one look at the others to the next."""
        return self.lease_ms // _LOOKS

    @property
    def call_ms(self) -> int:
        """After which a call to the table is late, and another is worth a try."""
        return min(_MAX_CALL_MS, self.lease_ms // _CALL_SHARE)

    @property
    def patience_ms(self) -> int:
        """How long an answer may still be of use."""
        return self.fence_ms // 2


class Lease:
    """Times are of a monotonic clock that counts suspension. Once lapsed it stays so until it is begun anew.
    ``is_endless``: of a node that is alone: nobody could declare it dead, and no clock need be read."""

    __slots__ = ("_lapsed", "is_endless", "until_ms")

    def __init__(self) -> None:
        self._lapsed = True
        self.is_endless = False
        self.until_ms: float = -inf

    def begin(self, until_ms: float) -> None:
        """Hold it for a new incarnation."""
        self._lapsed, self.until_ms, self.is_endless = False, until_ms, until_ms == inf

    def extend(self, until_ms: float) -> None:
        """A renewal succeeded; a no-op when it came too late."""
        if not self._lapsed:
            self.until_ms = max(self.until_ms, until_ms)

    def holds(self, now_ms: int) -> bool:
        """Whether this incarnation may act now."""
        if not self._lapsed and now_ms >= self.until_ms:
            self._lapsed = True
        return not self._lapsed

    def lapse(self) -> None:
        """Give it up at once: somebody else has said so."""
        self._lapsed, self.is_endless = True, False
