"""Waits that grow, and end early."""

from __future__ import annotations

import asyncio

from gateway.sources.backoff import Backoff, pause


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_it_stays_bounded_for_ever() -> None:
    assert Backoff(failures=10**6).next_s() == 30.0


async def test_whoever_is_stopped_does_not_wait() -> None:
    stopped = asyncio.Event()
    stopped.set()
    async with asyncio.timeout(5):
        await pause(stopped, 3600)


async def test_a_wait_ends_by_itself() -> None:
    async with asyncio.timeout(5):
        await pause(asyncio.Event(), 0.001)
        await pause(asyncio.Event(), 0)
