from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.first_step import Waiting, take_first_step


async def stepped(work: Coroutine[Any, Any, Any]) -> Any:
    """What the first step of ``work`` gives, taken by a callback of the loop."""
    loop = asyncio.get_running_loop()
    given: asyncio.Future[Any] = loop.create_future()

    def step() -> None:
        try:
            given.set_result(take_first_step(work, loop))
        except ValueError as error:
            given.set_exception(error)

    loop.call_soon(step)
    return await given


async def finished(work: Coroutine[Any, Any, Any]) -> Any:
    waiting = await stepped(work)
    assert isinstance(waiting, Waiting)
    return await asyncio.create_task(waiting.finish())


async def test_what_needs_not_wait_is_there_at_once() -> None:
    async def work() -> int:
        return 7

    assert await stepped(work()) == 7


async def test_what_goes_wrong_at_once_is_raised() -> None:
    async def work() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        await stepped(work())


async def test_what_waits_is_finished_by_a_task() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    async def work() -> str:
        order.append("begun")
        await first.wait()
        order.append("first")
        await second.wait()
        await asyncio.sleep(0)
        return "done"

    waiting = await stepped(work())
    assert order == ["begun"]
    task = asyncio.create_task(waiting.finish())
    await asyncio.sleep(0)
    first.set()
    second.set()
    assert await task == "done"
    assert order == ["begun", "first"]


async def test_a_wait_that_is_over_before_the_task_begins_is_over() -> None:
    event = asyncio.Event()

    async def work() -> int:
        await event.wait()
        return 1

    waiting = await stepped(work())
    event.set()
    assert await waiting.finish() == 1


async def test_what_goes_wrong_later_is_raised_by_the_task() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        await finished(work())


async def test_work_can_handle_what_its_first_wait_raises() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            await future
        except ValueError as error:
            await asyncio.sleep(0)
            return str(error)
        return "no"

    waiting = await stepped(work())
    future.set_exception(ValueError("handled"))
    assert await waiting.finish() == "handled"


async def test_a_deadline_set_in_the_first_step_ends_the_wait() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "no"

    assert await finished(work()) == "late"


async def test_a_deadline_that_passes_before_the_task_begins_counts() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "no"

    waiting = await stepped(work())
    await asyncio.sleep(0.001)
    assert await asyncio.create_task(waiting.finish()) == "late"


async def test_a_deadline_that_is_kept_changes_nothing() -> None:
    async def work() -> str:
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return "in time"

    assert await finished(work()) == "in time"


async def test_a_cancelled_task_cancels_the_work() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    waiting = await stepped(work())
    task = asyncio.create_task(waiting.finish())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


@pytest.mark.parametrize("looks_after_itself", [True, False])
async def test_a_task_that_is_cancelled_before_it_begins_cancels_the_work(looks_after_itself: bool) -> None:
    heard: list[str] = []
    wait = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            await wait
        except asyncio.CancelledError:
            heard.append("cancelled")
            if not looks_after_itself:
                raise
            await asyncio.sleep(0)
        return "put away"

    waiting = await stepped(work())
    task = asyncio.create_task(waiting.finish())
    task.cancel()
    if looks_after_itself:
        assert await task == "put away"
    else:
        with pytest.raises(asyncio.CancelledError):
            await task
    assert heard == ["cancelled"]
    assert wait.cancelled(), "nobody would hear how it ends"


async def test_the_deputy_has_a_name_and_counts() -> None:
    asked: list[Any] = []

    async def work() -> None:
        deputy = asyncio.current_task()
        assert deputy is not None
        asked.extend([deputy.get_name(), deputy.cancelling(), deputy.cancel(), deputy.cancelling(), deputy.uncancel()])

    await stepped(work())
    assert asked == ["first step", 0, True, 1, 0]


async def test_after_its_first_wait_the_deputy_is_the_task() -> None:
    asked: list[Any] = []

    async def work() -> None:
        deputy = asyncio.current_task()
        assert deputy is not None
        await asyncio.sleep(0)
        asked.extend([deputy.get_name(), deputy.cancelling(), deputy.uncancel()])

    waiting = await stepped(work())
    await asyncio.create_task(waiting.finish(), name="the task")
    assert asked == ["the task", 0, 0]


async def test_within_a_task_the_step_is_not_that_tasks() -> None:
    loop, here = asyncio.get_running_loop(), asyncio.current_task()

    async def work() -> bool:
        return asyncio.current_task() is not here

    assert take_first_step(work(), loop) is True
    assert asyncio.current_task() is here
    waiting = take_first_step(asyncio.sleep(0, "slept"), loop)
    assert isinstance(waiting, Waiting)
    assert asyncio.current_task() is here
    assert await asyncio.create_task(waiting.finish()) == "slept"
