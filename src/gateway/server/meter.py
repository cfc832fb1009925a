"""How much each connection says: token buckets for messages, bytes and pings, kept only of those who are talking.

Whoever is over a rate is not read for as long as it takes: what it sends waits in the TCP buffers of both sides and
nothing is lost. A bucket nobody has used for a second is full again and forgotten, so a dormant socket costs nothing.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.counters import Counters, Limit
from gateway.engine.deadlines import Wheel
from gateway.model.limits import KIB, Limits
from gateway.model.now import Now
from gateway.ports import Clock
from gateway.server.ticker import Ticker

_GRANULARITY_MS: Final = 20  # of pauses: those who waited come back in small groups
_REST_MS: Final = 250  # a pause lasts so much longer than it must: few pauses cost less than many
_READ_BYTES: Final = 512  # what a read weighs at least: one of a byte costs the system as much
_PART_BYTES: Final = 32 * KIB  # what a frame that is no whole message weighs beside its bytes, which may be none
_FULL_AFTER_MS: Final = 1_000  # a bucket holds one second's worth of its rate


class Metered(Protocol):
    """One connection."""

    def __hash__(self) -> int: ...

    def go_on(self) -> None:
        """Enough time has passed: it may be read again."""


_MESSAGES, _BYTES, _PINGS = range(3)  # the buckets of a connection


class _Spent:
    """What one connection has taken out of its buckets at ``at_ms``, each in milliseconds of its rate."""

    __slots__ = ("at_ms", "taken")

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.taken = [0.0, 0.0, 0.0]


class Meter:
    """Rates are a connection's own, per second; None is without bound. To be made inside a running loop."""

    __slots__ = ("_clock", "_costs", "_counters", "_old", "_ticker", "_turned_ms", "_waiting", "_young")

    def __init__(self, limits: Limits, clock: Clock, counters: Counters) -> None:
        self._costs = (_cost(limits.messages_per_s), _cost(limits.bytes_per_s), _cost(limits.pings_per_s))
        self._clock = clock
        self._counters = counters
        self._young: dict[Metered, _Spent] = {}
        self._old: dict[Metered, _Spent] = {}
        self._turned_ms = 0
        self._waiting: Wheel[Metered] = Wheel(_GRANULARITY_MS)
        self._ticker = Ticker(clock, _GRANULARITY_MS, self._tick)

    def message(self, of: Metered) -> bool:
        """One message; False when it must wait until ``go_on``."""
        return self._take(of, _MESSAGES, Limit.MESSAGE_RATE)

    def ping(self, of: Metered) -> bool:
        """One ping or pong, likewise."""
        return self._take(of, _PINGS, Limit.PING_RATE)

    def weigh(self, of: Metered, size: int, parts: int = 0) -> bool:
        """So many bytes have been read at once, of ``parts`` of messages; False when nothing more is to be read until
        ``go_on``. A read and a part cost time however little is in them, and weigh accordingly."""
        cost = self._costs[_BYTES]
        if not cost:
            return True
        taken = self._of(of).taken
        taken[_BYTES] += cost * (max(size, _READ_BYTES) + _PART_BYTES * parts)
        return taken[_BYTES] <= _FULL_AFTER_MS or self._wait(of, taken[_BYTES], Limit.BYTE_RATE)

    def forget(self, of: Metered) -> None:
        """It is not to be told to go on."""
        self._waiting.cancel(of)

    def stop(self) -> None:
        """Nobody is told to go on any more."""
        self._ticker.stop()

    def _take(self, of: Metered, bucket: int, limit: Limit) -> bool:
        """One of its kind, which an untouched bucket always has."""
        cost = self._costs[bucket]
        if not cost:
            return True
        taken = self._of(of).taken
        if taken[bucket] + cost > _FULL_AFTER_MS and taken[bucket] > 0:
            return self._wait(of, taken[bucket] + cost, limit)
        taken[bucket] += cost
        return True

    def _of(self, of: Metered) -> _Spent:
        """What it has spent by now."""
        now_ms = self._clock.now().monotonic_ms
        spent = self._young.get(of)
        if spent is None:
            spent = self._old.pop(of, None)
            if spent is None:
                spent = _Spent(now_ms)
            self._young[of] = spent
            self._ticker.wake()
        passed = now_ms - spent.at_ms
        if passed > 0:
            spent.at_ms = now_ms
            spent.taken = [max(0.0, taken - passed) for taken in spent.taken]
        return spent

    def _wait(self, of: Metered, spent: float, limit: Limit) -> bool:
        self._counters.exceed(limit)
        self._waiting.set(of, self._clock.now().monotonic_ms + round(spent - _FULL_AFTER_MS) + _REST_MS)
        return False

    def _tick(self, now: Now) -> bool:
        now_ms = now.monotonic_ms
        for of in self._waiting.due(now_ms):
            of.go_on()
        if now_ms - self._turned_ms >= max(_FULL_AFTER_MS, *self._costs):
            # Who is in neither afterwards has spent nothing for so long that all of it is back, or waits for that.
            self._turned_ms = now_ms
            self._old, self._young = self._young, {}
        return bool(self._young or self._old or self._waiting)


def _cost(per_s: float | None) -> float:
    """Of one, in milliseconds; 0 where there is no bound."""
    return 1000 / per_s if per_s else 0.0
