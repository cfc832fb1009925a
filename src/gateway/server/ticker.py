"""One timer of the event loop for many deadlines: it asks every granularity while there is something to wait for.

It knows no deadlines; a wheel does, and whoever owns the wheel wakes the ticker when it sets one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.model.now import Now
from gateway.ports import Clock


class Ticker:
    """``tick`` is called from the loop with the time and says whether to go on; an idle ticker costs nothing.

    A tick that is late by less than a granularity does not make the next one late; what is later than that is not
    made up for.
    """

    __slots__ = ("_clock", "_granularity_ms", "_handle", "_stopped", "_tick")

    def __init__(self, clock: Clock, granularity_ms: int, tick: Callable[[Now], bool]) -> None:
        self._clock = clock
        self._granularity_ms = granularity_ms
        self._tick = tick
        self._handle: asyncio.TimerHandle | None = None
        self._stopped = False

    def wake(self) -> None:
        """Something has a deadline now. Cheap and idempotent; the first call must come from a running loop."""
        if self._handle is None and not self._stopped:
            loop = asyncio.get_running_loop()
            self._wait(loop, loop.time())

    def stop(self) -> None:
        """Tick no more, for good."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wait(self, loop: asyncio.AbstractEventLoop, since_s: float) -> None:
        if self._handle is None and not self._stopped:
            due_s = since_s + self._granularity_ms / 1000
            self._handle = loop.call_at(due_s, self._run, loop, due_s)

    def _run(self, loop: asyncio.AbstractEventLoop, was_due_s: float) -> None:
        self._handle = None
        go_on = True  # also after an error, which the loop reports: one bad deadline must not end all others
        try:
            go_on = self._tick(self._clock.now())
        finally:
            if go_on:
                now_s = loop.time()
                is_late = now_s - was_due_s >= self._granularity_ms / 1000
                self._wait(loop, now_s if is_late else was_due_s)
