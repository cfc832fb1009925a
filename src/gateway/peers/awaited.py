"""What one node was asked and has not answered yet. One timer serves all of it, so waiting costs a dictionary entry."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.model.peer import Outcome, PeerAnswer

SWEEP_S: Final = (
    0.05  # an unanswered request ends at most this late; a timer for each would cost 2.4 us, twice the rest
)
_IDS: Final = 2**32


class Awaited:
    """To be made inside a running loop. Every future it hands out ends: answered, or UNREACHABLE."""

    __slots__ = ("_last_id", "_loop", "_open", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open: dict[int, tuple[asyncio.Future[PeerAnswer], float]] = {}
        self._last_id = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, wait_ms: int) -> tuple[int, asyncio.Future[PeerAnswer]]:
        """A fresh request ID and the answer to come; UNREACHABLE when none came within ``wait_ms``."""
        self._last_id = request_id = (self._last_id + 1) % _IDS
        future: asyncio.Future[PeerAnswer] = self._loop.create_future()
        self._open[request_id] = future, self._loop.time() + wait_ms / 1000
        if self._timer is None:
            self._timer = self._loop.call_later(SWEEP_S, self._sweep)
        return request_id, future

    def left_ms(self, request_id: int) -> int:
        """How long the answer is still waited for; 0 or less when it no longer is."""
        future, deadline = self._open.get(request_id, (None, 0.0))
        if future is None or future.done():
            return 0
        return int((deadline - self._loop.time()) * 1000)

    def settle(self, request_id: int, answer: PeerAnswer) -> None:
        """The answer is there; ignored when nobody waits for it (any more)."""
        entry = self._open.pop(request_id, None)
        if entry is not None and not entry[0].done():
            entry[0].set_result(answer)

    def fail(self) -> None:
        """No answer will come to anything that was asked so far."""
        for request_id in tuple(self._open):
            self.settle(request_id, Outcome.UNREACHABLE)

    def _sweep(self) -> None:
        now = self._loop.time()
        over = [each for each, (future, deadline) in self._open.items() if deadline <= now or future.done()]
        for request_id in over:
            self.settle(request_id, Outcome.UNREACHABLE)
        self._timer = self._loop.call_later(SWEEP_S, self._sweep) if self._open else None
