"""Stopping, slowing and killing nodes, links, and that a seed is a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from simulation.world import World

Ticks = list[tuple[str, int]]


async def beat(world: World, name: str, ticks: Ticks, every_s: float = 1.0) -> None:
    try:
        while True:
            await asyncio.sleep(every_s)
            ticks.append((name, round(world.now_ms)))
    finally:
        ticks.append((f"{name} cleaned up", round(world.now_ms)))


def test_a_paused_node_wakes_late_with_all_its_timers_and_its_clock_went_on() -> None:
    with World(1) as world:
        node, fired = world.node("a"), []
        for second in range(1, 6):
            node.loop.call_later(second, lambda: fired.append(round(world.now_ms)))
        before = node.clock.now()
        world.at(1_500, lambda: node.pause(2_000))
        world.at(2_000, lambda: node.loop.call_soon(lambda: fired.append(-round(world.now_ms))))
        world.run(until_ms=10_000)
        assert sorted(map(abs, fired)) == pytest.approx([1_000, 3_500, 3_500, 3_500, 4_000, 5_000], abs=3)
        assert fired.index(-3_500) == 1, "what arrived while it slept comes before timers, which the loop reads later"
        after = node.clock.now()
        assert after.monotonic_ms - before.monotonic_ms == pytest.approx(10_000, abs=6)
        assert after.wall_ms - before.wall_ms == 10_000


def test_a_killed_node_runs_nothing_any_more_and_the_others_go_on() -> None:
    ticks: Ticks = []
    with World(2) as world:
        victim, other = world.node("victim"), world.node("other")
        victim.start(beat(world, "victim", ticks), "beat")
        other.start(beat(world, "other", ticks), "beat")
        world.at(2_500, victim.kill)
        world.run(until_ms=5_500)
        assert [name for name, _ in ticks].count("victim") == 2
        assert [name for name, _ in ticks].count("other") == 5
        assert not victim.alive and other.alive
        assert not [name for name, _ in ticks if "cleaned" in name]


def test_a_node_can_be_killed_between_any_two_callbacks() -> None:
    """``after`` counts callbacks, so a loop over it reaches every step of a programme."""

    async def steps(done: list[int]) -> None:
        for number in range(5):
            done.append(number)
            await asyncio.sleep(0)

    reached = set()
    for callbacks in range(1, 7):
        done: list[int] = []
        with World(3) as world:
            node = world.node("a")
            node.start(steps(done), "steps")
            node.after(callbacks, node.kill)
            world.run(until_ms=1)
        reached.add(len(done))
    assert reached == {1, 2, 3, 4, 5}


def test_a_slow_node_falls_behind() -> None:
    ticks: Ticks = []
    with World(4) as world:
        slow = world.node("slow")
        slow.slow_down(500)
        slow.start(beat(world, "slow", ticks, every_s=0.1), "beat")
        world.run(until_ms=10_000)
        assert 10 < len(ticks) < 60
        slow.slow_down(0)
        ticks.clear()
        world.run(until_ms=20_000)
        assert len(ticks) > 90


def test_clocks_do_not_agree() -> None:
    with World(5) as world:
        one, other = world.node("one"), world.node("other")
        other.wall_error_ms = -3_000
        begins = [node.clock.now() for node in (one, other)]
        world.run(until_ms=1_000_000)
        ends = [node.clock.now() for node in (one, other)]
        lasted = [end.monotonic_ms - begin.monotonic_ms for begin, end in zip(begins, ends, strict=True)]
        assert lasted[0] != lasted[1]
        assert lasted == pytest.approx([1_000_000, 1_000_000], abs=501)
        assert abs(begins[0].monotonic_ms - begins[1].monotonic_ms) > 1_000
        assert ends[0].wall_ms - ends[1].wall_ms == 3_000


def test_deliveries_reach_the_living_the_paused_late_and_the_cut_off_never() -> None:
    heard: list[tuple[str, int]] = []
    with World(6) as world:
        for name in ("a", "b"):
            world.node(name)  # and "dynamodb" is a place without a loop

        def hear(what: str) -> Callable[[], None]:
            return lambda: heard.append((what, round(world.now_ms)))

        world.deliver("a", "b", hear("first"), 10)
        world.run(until_ms=20)
        world.nodes["b"].pause(100)
        world.deliver("a", "b", hear("late"), 10)
        world.run(until_ms=200)
        world.cut("a", "dynamodb")
        world.deliver("a", "dynamodb", hear("never"), 10)
        world.deliver("dynamodb", "a", hear("never"), 10)
        world.deliver("b", "dynamodb", hear("unharmed"), 10)
        world.run(until_ms=300)
        world.heal("a", "dynamodb")
        world.deliver("a", "dynamodb", hear("healed"), 10)
        world.nodes["a"].kill()
        world.deliver("b", "a", hear("never"), 10)
        world.run(until_ms=400)
    assert heard == [("first", 10), ("late", 120), ("unharmed", 210), ("healed", 310)]


def test_a_link_can_be_cut_one_way() -> None:
    heard: list[str] = []
    with World(7) as world:
        world.node("a"), world.node("b")
        world.cut_one_way("a", "b")
        world.deliver("a", "b", lambda: heard.append("there"), 1)
        world.deliver("b", "a", lambda: heard.append("back"), 1)
        world.run(until_ms=10)
    assert heard == ["back"]


def chatter(seed: int) -> tuple[int, Ticks]:
    """Three nodes with timers, latencies, a pause and a death."""
    ticks: Ticks = []

    async def programme(world: World, name: str) -> None:
        while True:
            await world.latency()
            async with asyncio.timeout(world.rng.uniform(0.5, 2)):
                await asyncio.gather(*(asyncio.sleep(world.rng.uniform(0.1, 0.4)) for _ in range(3)))
            ticks.append((name, round(world.now_ms)))

    with World(seed) as world:
        for name in "abc":
            world.node(name).start(programme(world, name), "programme")
        world.at(3_000, lambda: world.nodes["a"].pause(4_000) if seed % 2 else world.nodes["a"].slow_down(300))
        world.at(20_000, world.nodes["b"].kill)
        try:
            world.run(until_ms=60_000)
        except ExceptionGroup as timed_out:
            ticks.append((str(timed_out.exceptions[0].__notes__), round(world.now_ms)))
        return world.fingerprint, ticks


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_is_a_run(seed: int) -> None:
    assert chatter(seed) == chatter(seed)


def test_other_seeds_are_other_runs() -> None:
    assert len({chatter(seed)[0] for seed in range(5)}) == 5


def test_a_node_that_spins_is_noticed() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110 - spinning is the point
            await asyncio.sleep(0)

    with World(8) as world:
        world.node("a").start(spin(), "spin")
        with pytest.raises(AssertionError, match="spins"):
            world.run(until_ms=1)


def test_waiting_for_what_never_comes_fails() -> None:
    with World(9) as world:
        with pytest.raises(AssertionError, match="until 500 ms"):
            world.run_until(lambda: False, limit_ms=500)
        world.run_until(lambda: world.now_ms >= 500, limit_ms=0)


def test_the_end_of_a_world_is_silent_whatever_its_nodes_were_doing() -> None:
    """Warnings are errors here: coroutines never begun, ones that wait on their way out, tasks started by these."""
    started: list[asyncio.Task[None]] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            started.append(asyncio.get_running_loop().create_task(asyncio.sleep(1)))
            await asyncio.sleep(1)

    async def fails_on_its_way_out() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stubborn())
            try:
                await asyncio.sleep(100)
            finally:
                raise LookupError

    with World(10) as world:
        for name in ("dead", "alive"):
            node = world.node(name)
            node.start(stubborn(), "stubborn")
            node.start(fails_on_its_way_out(), "fails")
        world.at(10, world.nodes["dead"].kill)
        world.run(until_ms=20)
        world.nodes["alive"].start(stubborn(), "never begun")
        assert not started
    assert started
