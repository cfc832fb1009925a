"""Pings to every open WebSocket, every so often, so that peers that died without a word are found.

One ring of buckets and one timer for all of them: each connection stands in one bucket, eight bytes, and a hand goes
round once in a period. Whoever it comes to is pinged; whoever has said nothing since the hand was there before is dead.
What is awaited is kept from the ping to the next bytes of that client only.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from gateway.model.now import Now
from gateway.ports import Clock
from gateway.server.ticker import Ticker

_MOST_BUCKETS: Final = 256  # a hundred thousand clients in 30 s are 400 pings at a time, which takes 5 ms
_LEAST_MS: Final = 20  # between two buckets


class Beat(Enum):
    """What became of a connection when its turn came. ``ASKED``: it was pinged. ``RESTS``: it is open and is not read
    now, so that its silence says nothing. ``ENDED``: it is not open, or not any more."""

    ASKED = "ASKED"
    RESTS = "RESTS"
    ENDED = "ENDED"


class Beating(Protocol):
    """One connection."""

    def __hash__(self) -> int: ...

    def beat(self, is_silent: bool) -> Beat:
        """Its turn has come; ``is_silent``: it has not answered the ping of the last time."""


class Pulse:
    """A client that is silent is found within two periods of ``every_ms``; a period takes longer where this process is
    late. To be made inside a running loop."""

    __slots__ = ("_awaited", "_every_ms", "_hand", "_ring", "_ticker", "_turned_ms")

    def __init__(self, every_ms: int, clock: Clock) -> None:
        count = max(1, min(_MOST_BUCKETS, every_ms // _LEAST_MS))
        self._every_ms = every_ms
        self._ring: list[list[Beating]] = [[] for _ in range(count)]
        self._hand = 0
        self._awaited: set[Beating] = set()
        self._turned_ms: int | None = None
        self._ticker = Ticker(clock, max(1, every_ms // count), self._tick)

    def __len__(self) -> int:
        """How many connections take part; those that ended stay until their turn comes."""
        return sum(map(len, self._ring))

    def enter(self, of: Beating) -> None:
        """Take part; the first ping comes a period from now."""
        self._ring[self._hand - 1].append(of)
        self._ticker.wake()

    def heard(self, of: Beating) -> None:
        """It has sent something, whatever it was."""
        if self._awaited:
            self._awaited.discard(of)

    def stop(self) -> None:
        """Nobody is pinged any more."""
        self._ticker.stop()

    def _tick(self, now: Now) -> bool:
        before, self._turned_ms = self._turned_ms, now.monotonic_ms
        if before is not None and now.monotonic_ms - before > self._every_ms:
            self._awaited.clear()  # this process stood still, so that it is not the clients' silence
        bucket = self._ring[self._hand]
        self._ring[self._hand] = [of for of in bucket if self._turn(of) is not Beat.ENDED]
        self._hand = (self._hand + 1) % len(self._ring)
        goes_on = any(self._ring)
        if not goes_on:
            self._turned_ms = None
        return goes_on

    def _turn(self, of: Beating) -> Beat:
        is_silent = of in self._awaited
        self._awaited.discard(of)
        beat = of.beat(is_silent)
        if beat is Beat.ASKED:
            self._awaited.add(of)
        return beat
