"""An event loop without a clock, a selector or a thread of its own: a world lends it time and turns.

Only what one node's code needs is here: callbacks, timers, tasks, futures. Files, sockets and threads are not, and
asking for them raises NotImplementedError, so a simulated node cannot touch the machine unnoticed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import Context
from heapq import heappop, heappush
from math import inf
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SimTask(asyncio.Task[T]):
    """A task that is hashed by its number, not by its address: sets of tasks then have the same order in every run."""

    def __init__(
        self, coro: Coroutine[Any, Any, T], *, loop: SimLoop, name: str | None, context: Context | None
    ) -> None:
        self._number = loop.numbered()
        super().__init__(coro, loop=loop, name=name or f"task {self._number}", context=context)

    def __hash__(self) -> int:
        return self._number


class SimLoop(asyncio.AbstractEventLoop):
    """``time`` gives node-local seconds; ``failed`` hears of every exception that nobody caught.

    Whoever drives it asks ``next_due_s`` and then calls ``run``; ``touched`` tells that the answer may be another one
    now, and is theirs to reset. Once ``dead`` the loop forgets what it is handed and complains of nothing.
    """

    def __init__(self, time: Callable[[], float], failed: Callable[[dict[str, Any]], None]) -> None:
        self._time = time
        self._failed = failed
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self._batch = 0
        self.touched = True
        self.dead = False

    def numbered(self) -> int:
        """1, 2, 3 …"""
        self._count += 1
        return self._count

    # -- for the world ---------------------------------------------------------------------------------------------

    def next_due_s(self) -> float:
        """Node-local time of the next callback: minus infinity for one that is ready, infinity when there is none."""
        if self._ready:
            return -inf
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heappop(timers)
        return timers[0][0] if timers else inf

    def run(self, most: int) -> int:
        """Run at most ``most`` callbacks of one turn; how many ran. As in asyncio a turn is what was ready at its
        begin, timers that were due then included; the next call goes on with the same turn until it is over."""
        self.touched = True
        if not self._batch:
            self._take_due_timers()
            self._batch = len(self._ready)
        ran = 0
        while self._batch and ran < most and not self.dead:
            self._batch -= 1
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
                ran += 1
        return ran

    def forget(self) -> None:
        """Drop everything that was to run."""
        self.dead = True
        self._ready.clear()
        self._timers.clear()

    def begins_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        """For ``sys.set_asyncgen_hooks``: nothing to remember, a killed process closes no generators."""

    def drops_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        """For ``sys.set_asyncgen_hooks``: one that was left half way is closed by a task, as in asyncio."""
        if not self.dead:
            self.create_task(_closed(generator), name="close of a dropped generator")

    def _take_due_timers(self) -> None:
        due_s, timers = self._time(), self._timers
        while timers and timers[0][0] <= due_s:
            self._ready.append(heappop(timers)[2])

    # -- asyncio.AbstractEventLoop ---------------------------------------------------------------------------------

    def time(self) -> float:
        return self._time()

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self._ready.append(handle)
            self.touched = True
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            heappush(self._timers, (when, self.numbered(), handle))
            self.touched = True
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> SimTask[T]:
        assert isinstance(coro, Coroutine)
        return SimTask(coro, loop=self, name=None if name is None else str(name), context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self._failed(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return self.dead

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is skipped when its time comes."""
        self.touched = True


async def _closed(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()
