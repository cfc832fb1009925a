"""AWS's throttle: a bucket that is filled at a rate, and gives one token per request until it is empty (parity 8, 10).

The bucket does not know its own size: rate and burst come with each request, so a changed setting holds at once and
what was used before still counts.
"""

from __future__ import annotations

from math import inf
from typing import Final

from gateway.model.plan import Throttle

_WHOLE: Final = 1 - 1e-9  # fractions of a token that add up to one may miss it by a rounding


class TokenBucket:
    """Full at first. Times are monotonic milliseconds; one that goes back adds nothing."""

    __slots__ = ("_at_ms", "_tokens")

    def __init__(self) -> None:
        self._tokens = inf
        self._at_ms = 0

    def take(self, throttle: Throttle, now_ms: int) -> bool:
        """One token, or False when there is none."""
        tokens = self._tokens
        if now_ms > self._at_ms:
            tokens += (now_ms - self._at_ms) * throttle.rate_limit / 1000
            self._at_ms = now_ms
        if tokens > throttle.burst_limit:
            tokens = throttle.burst_limit
        if tokens < _WHOLE:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1
        return True
