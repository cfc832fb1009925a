"""How long callers wait: one timer for all who have the same patience, instead of one for every call.

Calls that may wait equally long end in the order in which they began, so only the oldest needs watching; and as nearly
all are answered long before, a timer hardly ever fires. Nothing is kept of a call that is over.
"""

from __future__ import annotations

import asyncio

from gateway.invoke.pending import PendingCall
from gateway.model.invocation import FunctionResult, TimedOut


class Patience:
    """``wait`` ends at the latest with the caller's patience, while the function runs on."""

    __slots__ = ("_lines", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: dict[int, _Line] = {}

    async def wait(self, pending: PendingCall) -> FunctionResult:
        wait_ms = pending.call.wait_ms
        line = self._lines.get(wait_ms)
        if line is None:
            line = self._lines[wait_ms] = _Line(wait_ms, self._lines, self._loop)
        line.waiting[pending] = None
        try:
            return await pending.result
        finally:
            line.waiting.pop(pending, None)


class _Line:
    """Those who wait equally long, the oldest first. Its timer runs while it is one of ``lines``."""

    __slots__ = ("_lines", "_loop", "_wait_ms", "waiting")

    def __init__(self, wait_ms: int, lines: dict[int, _Line], loop: asyncio.AbstractEventLoop) -> None:
        self.waiting: dict[PendingCall, None] = {}
        self._wait_ms = wait_ms
        self._lines = lines
        self._loop = loop
        loop.call_later(wait_ms / 1000, self._look)

    def _look(self) -> None:
        """End the waits that are over, and come back when the next one may be."""
        wait_s = self._wait_ms / 1000
        now = self._loop.time()
        while self.waiting:
            oldest = next(iter(self.waiting))
            if oldest.since + wait_s > now:
                self._loop.call_at(oldest.since + wait_s, self._look)
                return
            del self.waiting[oldest]
            oldest.finish(TimedOut())
        del self._lines[self._wait_ms]
