from __future__ import annotations

import asyncio
from typing import Any

from gateway.model.now import Now
from gateway.server.ticker import Ticker
from server_fakes import until


class Steps:
    """A clock that counts its readings, and a tick that goes on as often as told."""

    def __init__(self, go_on: int) -> None:
        self.left = go_on
        self.ticks: list[int] = []
        self.fails = False

    def now(self) -> Now:
        return Now(0, len(self.ticks) + 1)

    def tick(self, now: Now) -> bool:
        self.ticks.append(now.monotonic_ms)
        self.left -= 1
        if self.fails:
            raise RuntimeError("a bad deadline")
        return self.left > 0


async def test_it_ticks_while_there_is_something_and_then_rests() -> None:
    steps = Steps(3)
    ticker = Ticker(steps, 1, steps.tick)
    assert ticker._handle is None
    ticker.wake()
    ticker.wake()
    await until(lambda: ticker._handle is None)
    assert steps.ticks == [1, 2, 3]
    steps.left = 1
    ticker.wake()
    await until(lambda: ticker._handle is None)
    assert steps.ticks == [1, 2, 3, 4]


async def test_a_tick_that_is_late_makes_the_next_ones_no_later() -> None:
    steps = Steps(10)
    ticker = Ticker(steps, 1_000_000, steps.tick)
    loop = asyncio.get_running_loop()
    was_due_s = loop.time() - 400
    ticker._run(loop, was_due_s)  # 400 s late, of 1,000
    assert ticker._handle is not None
    assert ticker._handle.when() == was_due_s + 1_000
    ticker.stop()


async def test_what_is_later_than_a_whole_step_is_not_made_up_for() -> None:
    steps = Steps(10)
    ticker = Ticker(steps, 1_000_000, steps.tick)
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    ticker._run(loop, before_s - 1_001)
    assert ticker._handle is not None
    assert ticker._handle.when() >= before_s + 1_000
    ticker.stop()


async def test_waking_twice_makes_one_timer() -> None:
    steps = Steps(1)
    ticker = Ticker(steps, 1_000_000, steps.tick)
    ticker.wake()
    handle = ticker._handle
    ticker.wake()
    assert ticker._handle is handle
    ticker.stop()


async def test_a_stopped_ticker_stays_silent() -> None:
    steps = Steps(1)
    ticker = Ticker(steps, 1, steps.tick)
    ticker.wake()
    ticker.stop()
    ticker.wake()
    assert ticker._handle is None
    assert steps.ticks == []


async def test_an_error_in_a_tick_is_the_loops_to_report_and_ticking_goes_on() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    steps = Steps(2)
    steps.fails = True
    ticker = Ticker(steps, 1, steps.tick)
    ticker.wake()
    await until(lambda: len(steps.ticks) >= 2)
    steps.fails = False
    await until(lambda: ticker._handle is None)
    assert [str(context["exception"]) for context in reported[:2]] == ["a bad deadline"] * 2
