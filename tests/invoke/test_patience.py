"""Who waits how long; what a call comes to is test_functions' matter."""

from __future__ import annotations

import asyncio
import gc
import weakref

from gateway.invoke.patience import Patience
from gateway.invoke.pending import PendingCall
from gateway.model.invocation import FunctionResult, Returned, TimedOut
from runtime_double import DEADLINE_S, call

LONG_MS = int(DEADLINE_S * 1000)


class Waiters:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.patience = Patience(self.loop)

    def begin(self, wait_ms: int) -> tuple[PendingCall, asyncio.Task[FunctionResult]]:
        pending = PendingCall(call(wait_ms=wait_ms), "id", self.loop)
        return pending, asyncio.create_task(self.patience.wait(pending))


async def test_an_answer_ends_the_wait() -> None:
    pending, waiting = Waiters().begin(LONG_MS)
    pending.finish(Returned(b"1"))
    pending.finish(Returned(b"2"))
    assert await waiting == Returned(b"1")


async def test_each_waits_as_long_as_it_would_and_not_less() -> None:
    waiters = Waiters()
    long, long_waiting = waiters.begin(LONG_MS)

    async def waited_ms(wait_ms: int) -> float:
        pending, waiting = waiters.begin(wait_ms)
        assert await waiting == TimedOut()
        return (waiters.loop.time() - pending.since) * 1000

    patience = (40, 10, 20, 10, 40)
    waits = await asyncio.gather(*map(waited_ms, patience))
    assert all(waited >= wait_ms - 1 for waited, wait_ms in zip(waits, patience, strict=True))
    assert not long.is_over
    long.finish(Returned(b""))
    await long_waiting


async def test_the_second_of_a_line_has_its_own_time() -> None:
    waiters = Waiters()
    first, first_waiting = waiters.begin(30)
    _, half_waiting = waiters.begin(15)
    await half_waiting
    first.finish(Returned(b"1"))
    await first_waiting
    second, waiting = waiters.begin(30)  # half through the time of the line's timer
    assert await waiting == TimedOut()
    assert waiters.loop.time() - second.since >= 0.029


async def test_nothing_is_kept_of_a_call_that_is_over() -> None:
    waiters = Waiters()
    pending, waiting = waiters.begin(LONG_MS)
    await asyncio.sleep(0)
    pending.finish(Returned(b"1"))
    await waiting
    result = weakref.ref(pending.result)
    del pending, waiting
    gc.collect()
    assert result() is None


async def test_who_gives_up_is_forgotten() -> None:
    waiters = Waiters()
    _, waiting = waiters.begin(10)
    await asyncio.sleep(0)
    waiting.cancel()
    _, other = waiters.begin(10)
    assert await other == TimedOut()
    assert waiting.cancelled()
