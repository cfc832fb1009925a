"""The simulated loop runs asyncio's own tasks, timeouts and generators as the real one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from simulation.world import World


def test_sleeps_timeouts_and_task_groups_pass_in_virtual_time() -> None:
    told: list[tuple[str, float]] = []

    async def programme() -> None:
        began = asyncio.get_running_loop().time()

        def tell(what: str) -> None:
            told.append((what, round(asyncio.get_running_loop().time() - began, 3)))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.Event().wait()
        tell("timed out")
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(5))
            group.create_task(asyncio.sleep(7))
        tell("both slept")
        await asyncio.wait_for(asyncio.sleep(1), 2)
        tell("in time")

    with World(1) as world:
        world.node("a").start(programme(), "programme")
        world.run(until_ms=60_000)
    assert told == [("timed out", 3.0), ("both slept", 10.0), ("in time", 11.0)]


def test_callbacks_of_one_turn_come_before_those_they_ask_for() -> None:
    order: list[str] = []
    with World(2) as world:
        loop = world.node("a").loop
        loop.call_soon(lambda: [each("1") for each in (order.append, lambda _: loop.call_soon(order.append, "3"))])
        loop.call_soon(order.append, "2")
        loop.call_later(0.001, order.append, "5")
        loop.call_later(0.001, order.append, "6")
        loop.call_later(0.0005, order.append, "4")
        loop.call_soon(order.append, "never").cancel()
        loop.call_later(0.0001, order.append, "never").cancel()
        world.run(until_ms=10)
    assert order == ["1", "2", "3", "4", "5", "6"]


def test_a_generator_that_is_left_half_way_is_closed_while_the_node_lives() -> None:
    closed: list[str] = []

    async def pages() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed.append("pages")

    async def programme() -> None:
        async for _ in pages():
            break

    with World(3) as world:
        world.node("a").start(programme(), "programme")
        world.run(until_ms=10)
        assert closed == ["pages"]


@pytest.mark.parametrize("where", ["callback", "task"])
def test_an_exception_that_nobody_catches_fails_the_run(where: str) -> None:
    async def fails() -> None:
        await asyncio.sleep(0.5)
        raise LookupError("in a task")

    with World(4) as world:
        node = world.node("a")
        if where == "task":
            node.start(fails(), "fails")
        else:
            node.loop.call_later(0.5, [""].index, "x")
        with pytest.raises(ExceptionGroup) as caught:
            world.run(until_ms=1_000)
    assert caught.group_contains(LookupError if where == "task" else ValueError)
    assert "on a at 500" in caught.value.exceptions[0].__notes__[0]


def test_the_machine_is_out_of_reach() -> None:
    async def programme() -> None:
        with pytest.raises(NotImplementedError):
            await asyncio.to_thread(print)
        with pytest.raises(NotImplementedError):
            await asyncio.open_connection("127.0.0.1", 9)

    with World(5) as world:
        task = world.node("a").start(programme(), "programme")
        world.run(until_ms=1)
        assert task.done() and task.exception() is None


def test_sets_of_tasks_have_one_order() -> None:
    """asyncio.wait and every set of tasks would else run in the order of memory addresses."""

    async def nothing() -> None: ...

    def order() -> list[str]:
        with World(6) as world:
            node = world.node("a")
            kept = [object() for _ in range(world.rng.randrange(100))]
            names = [task.get_name() for task in {node.start(nothing(), f"{n}") for n in range(50)}]
            del kept
            return names

    assert order() == order()
