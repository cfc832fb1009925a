from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected
from gateway.registry.threads import Threads


class Call:
    """Fails so many times, then returns."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or RegistryUnavailable("away")
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.made <= self.failures:
            raise self.error
        return "done"


async def test_so_many_calls_run_at_once_and_one_given_up_before_its_turn_is_not_made() -> None:
    threads = Threads(1, "test")
    release = threading.Event()
    first = asyncio.ensure_future(threads.run(release.wait, 10.0))
    await asyncio.sleep(0)  # it has begun
    late = Call(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await threads.run(late)
    release.set()
    assert await first is True
    assert await threads.run(Call(0)) == "done"
    assert late.made == 0
    threads.close()


async def test_insisting_repeats_until_it_succeeds() -> None:
    threads = Threads(1, "test")
    call = Call(1)
    assert await threads.insist(10.0, call) == "done"
    assert call.made == 2
    threads.close()


async def test_insisting_ends_with_its_time() -> None:
    threads = Threads(1, "test")
    with pytest.raises(RegistryUnavailable):
        await threads.insist(0.0, Call(5))
    threads.close()


async def test_what_will_never_succeed_is_not_repeated() -> None:
    threads = Threads(1, "test")
    call = Call(1, RecordRejected("too long"))
    with pytest.raises(RecordRejected):
        await threads.insist(10.0, call)
    assert call.made == 1
    threads.close()


async def test_closed_threads_take_nothing() -> None:
    threads = Threads(1, "test")
    threads.close()
    for take in (threads.run, lambda call: threads.insist(10.0, call)):
        with pytest.raises(RegistryUnavailable, match="closed"):
            await take(Call(0))
