"""Many answers to come, one timer."""

from __future__ import annotations

import asyncio

from gateway.model.peer import Outcome
from gateway.peers.awaited import Awaited

LONG_MS = 60_000


async def test_an_answer_goes_to_who_asked() -> None:
    awaited = Awaited()
    (one, first), (two, second) = awaited.add(LONG_MS), awaited.add(LONG_MS)
    assert one != two
    awaited.settle(two, Outcome.GONE)
    awaited.settle(one, Outcome.DONE)
    assert (await first, await second, len(awaited)) == (Outcome.DONE, Outcome.GONE, 0)


async def test_an_answer_nobody_waits_for_is_ignored() -> None:
    awaited = Awaited()
    one, first = awaited.add(LONG_MS)
    two, second = awaited.add(LONG_MS)
    awaited.settle(12_345, Outcome.GONE)
    awaited.settle(one, Outcome.DONE)
    awaited.settle(one, Outcome.GONE)
    second.cancel()
    awaited.settle(two, Outcome.DONE)
    assert await first is Outcome.DONE
    assert len(awaited) == 0


async def test_each_ends_after_its_own_time() -> None:
    awaited = Awaited()
    began = asyncio.get_running_loop().time()
    _, long = awaited.add(LONG_MS)
    _, short = awaited.add(20)
    _, shorter = awaited.add(1)
    assert await shorter is Outcome.UNREACHABLE
    assert await short is Outcome.UNREACHABLE
    assert asyncio.get_running_loop().time() - began >= 0.02
    assert not long.done()
    assert len(awaited) == 1
    awaited.fail()


async def test_the_timer_starts_again_after_nothing_was_awaited() -> None:
    awaited = Awaited()
    for _ in range(2):
        assert await awaited.add(1)[1] is Outcome.UNREACHABLE


async def test_who_went_away_takes_no_place_for_long() -> None:
    awaited = Awaited()
    awaited.add(LONG_MS)[1].cancel()
    assert await awaited.add(1)[1] is Outcome.UNREACHABLE
    assert len(awaited) == 0


async def test_a_failure_ends_everything() -> None:
    awaited = Awaited()
    futures = [awaited.add(LONG_MS)[1] for _ in range(3)]
    awaited.fail()
    assert await asyncio.gather(*futures) == [Outcome.UNREACHABLE] * 3


async def test_what_is_left_of_the_time_is_known() -> None:
    awaited = Awaited()
    one, future = awaited.add(LONG_MS)
    assert LONG_MS - 10_000 < awaited.left_ms(one) <= LONG_MS
    assert awaited.left_ms(one + 1) == 0
    future.cancel()
    assert awaited.left_ms(one) == 0
    awaited.fail()
