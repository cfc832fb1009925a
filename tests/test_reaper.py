"""Every connection of a dead node gets its ``$disconnect``: at a rate, again when it fails, and by whoever is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from gateway.cluster.retries import Retries
from gateway.cluster.roster import Roster
from gateway.model.connection import Connection
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState
from gateway.reaper import LINGER_MS, MAX_CALLING, Estates, Reaper, ReapPolicy
from gateway.registry.memory import Faults, MemoryRegistry
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from gateway.registry.memory_table import MemoryTable
from gateway.tenure import Tenure
from members import member
from node_doubles import RecordingReporter
from simulation.world import SimNode, World
from tables import connection

DEAD, ME, OTHER = NodeNumber(7), NodeNumber(8), NodeNumber(9)
LONG_MS = 10_000_000


class Survivor:
    """A node that may reap; its handlers do what the test says."""

    def __init__(self, world: World, table: MemoryTable, number: NodeNumber, policy: ReapPolicy) -> None:
        self.node: SimNode = world.node(f"node {number}")
        self.number = number
        self.reporter = RecordingReporter()
        self.calls: list[tuple[float, str]] = []
        self.says: Callable[[Connection], str | None] = lambda connection: None
        self.takes_ms = 5.0
        self.most_at_once = self._now = 0
        self.registry, self.members, self.parked = MemoryRegistry(table), MemoryMembers(table), MemoryParked(table)
        self.tenure = Tenure(self.node.clock)
        self.tenure.begin(number, self.node.clock.now().monotonic_ms + LONG_MS)
        self._world = world
        asyncio._set_running_loop(self.node.loop)
        try:
            self.reaper = Reaper(
                Estates(self.members, self.registry, self.parked),
                self.disconnect,
                self.tenure,
                (self.node.clock, self.reporter, world.rng.random),
                policy,
            )
        finally:
            asyncio._set_running_loop(None)

    async def disconnect(self, closed: Connection, code: int, reason: str) -> str | None:
        self.calls.append((self._world.now_ms, closed.connection_id))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(self.takes_ms / 1000)
        self._now -= 1
        return self.says(closed)

    def see(self, *members: Member) -> None:
        """Show it a roster, as its membership would."""
        roster = Roster().observe(members, 0, 0)

        async def seeing() -> None:
            self.reaper.see(roster)

        self.node.start(seeing(), "seeing")


class Estate:
    """A dead node with so many records, and survivors."""

    def __init__(self, world: World, count: int, policy: ReapPolicy | None = None) -> None:
        self.world = world
        self.table = MemoryTable(page_size=10)
        self.policy = policy or ReapPolicy()
        self.dead = member(DEAD, state=MemberState.DEAD)
        self.table.members[DEAD] = self.dead
        self.records = [connection(number, owner=DEAD) for number in range(count)]
        self.survivors: list[Survivor] = []
        first = self.survivor(ME)

        async def fill() -> None:
            for record in self.records:
                await first.registry.register(record)

        task = first.node.start(fill(), "fill")
        world.run_until(task.done, 1_000)
        first.registry.calls = 0

    def survivor(self, number: NodeNumber) -> Survivor:
        self.survivors.append(Survivor(self.world, self.table, number, self.policy))
        return self.survivors[-1]

    @property
    def reaped(self) -> bool:
        return DEAD not in self.table.members

    @property
    def called(self) -> Counter[str]:
        return Counter(connection_id for each in self.survivors for _, connection_id in each.calls)

    def each_once(self) -> dict[str, int]:
        return {record.connection_id: 1 for record in self.records}


@pytest.fixture
def world() -> Any:
    with World(1) as world:
        yield world


def test_everybody_once_and_then_the_record_of_the_node(world: World) -> None:
    estate = Estate(world, 35)
    (mine,) = estate.survivors
    mine.see(estate.dead)
    world.run_until(lambda: estate.reaped, 60_000)
    assert estate.called == estate.each_once()
    assert not estate.table.connections
    assert world.now_ms >= LINGER_MS, "a record that was on its way would have been found"


def test_calls_keep_to_the_rate_of_the_fleet(world: World) -> None:
    estate = Estate(world, 100, ReapPolicy(fleet_rate=50))
    (mine,) = estate.survivors
    mine.see(estate.dead)
    world.run_until(lambda: len(mine.calls) == 100, 60_000)
    times = [at_ms for at_ms, _ in mine.calls]
    assert 1_900 <= times[-1] - times[0] <= 2_600
    assert all(later - earlier < 100 for earlier, later in pairwise(times)), "evenly"


def test_the_rate_is_shared_with_others_who_reap(world: World) -> None:
    estate = Estate(world, 50, ReapPolicy(fleet_rate=100))
    (mine,) = estate.survivors
    mine.see(estate.dead, member(OTHER), member(3, state=MemberState.DEAD, claimed_by=OTHER))
    world.run_until(lambda: len(mine.calls) == 50, 60_000)
    assert mine.calls[-1][0] - mine.calls[0][0] >= 900


def test_calls_in_flight_are_bounded(world: World) -> None:
    estate = Estate(world, 300, ReapPolicy(fleet_rate=0))
    (mine,) = estate.survivors
    mine.takes_ms = 1_000
    mine.see(estate.dead)
    world.run_until(lambda: estate.reaped, 60_000)
    assert mine.most_at_once == MAX_CALLING
    assert estate.called == estate.each_once()


def test_of_two_who_see_it_one_reaps(world: World) -> None:
    estate = Estate(world, 20)
    other = estate.survivor(OTHER)
    for each in (*estate.survivors, *estate.survivors):
        each.see(estate.dead, member(ME), member(OTHER))
    world.run_until(lambda: estate.reaped, 60_000)
    assert estate.called == estate.each_once()
    assert 0 in (len(estate.survivors[0].calls), len(other.calls))


def test_a_reaper_that_is_killed_half_way_is_succeeded(world: World) -> None:
    estate = Estate(world, 60, ReapPolicy(fleet_rate=100))
    first, second = estate.survivors[0], estate.survivor(OTHER)
    first.see(estate.dead)
    world.run_until(lambda: len(first.calls) == 30, 60_000)
    first.node.kill()
    second.see(estate.table.members[DEAD], member(OTHER), member(ME, state=MemberState.DEAD))
    second.see(estate.table.members[DEAD], member(OTHER))
    roster = Roster().observe([estate.table.members[DEAD], member(OTHER)], 0, 0)
    roster = roster.observe([estate.table.members[DEAD], member(OTHER, version=2)], 5_000, 5_000)
    second.node.start(_see(second, roster), "seeing")
    world.run_until(lambda: estate.reaped, 60_000)
    repeated = {connection_id: times for connection_id, times in estate.called.items() if times > 1}
    assert set(estate.called) == set(estate.each_once())
    assert len(repeated) <= 3, "only what was in flight"


async def _see(survivor: Survivor, roster: Roster) -> None:
    survivor.reaper.see(roster)


def test_a_call_that_fails_is_made_again_and_the_others_do_not_wait(world: World) -> None:
    estate = Estate(world, 20)
    (mine,) = estate.survivors
    unlucky = estate.records[0].connection_id
    mine.says = lambda closed: "no" if closed.connection_id == unlucky and estate.called[unlucky] < 3 else None
    mine.see(estate.dead)
    world.run_until(lambda: len(estate.called) == 20, 2_000)
    world.run_until(lambda: estate.reaped, 60_000)
    assert estate.called == estate.each_once() | {unlucky: 3}
    assert not estate.table.parked


def test_what_nobody_takes_is_parked_and_its_record_goes(world: World) -> None:
    estate = Estate(world, 3, ReapPolicy(retries=Retries(attempts=2)))
    (mine,) = estate.survivors
    mine.says = lambda closed: "it raised"
    mine.see(estate.dead)
    world.run_until(lambda: estate.reaped, 60_000)
    assert set(estate.called.values()) == {2}
    assert {parked.connection for parked in estate.table.parked.values()} == set(estate.records)
    (one, *_) = estate.table.parked.values()
    assert (one.code, one.attempts, one.why) == (1006, 2, "it raised")
    assert not estate.table.connections
    assert mine.reporter.kinds().count("failed") == 3


def test_a_closed_reaper_begins_nothing(world: World) -> None:
    """Its node is about to leave, and reads rosters up to the end."""
    estate = Estate(world, 3)
    (mine,) = estate.survivors
    world.run_until(mine.node.start(mine.reaper.close(), "close").done, 1_000)
    mine.see(estate.dead)
    world.run(world.now_ms + LINGER_MS)
    assert (mine.calls, mine.reaper.reaping) == ([], frozenset())
    other = estate.survivor(OTHER)
    other.see(estate.dead)
    world.run_until(lambda: estate.reaped, 60_000)


def test_a_fenced_reaper_calls_nobody_any_more(world: World) -> None:
    estate = Estate(world, 50, ReapPolicy(fleet_rate=50))
    (mine,) = estate.survivors
    mine.see(estate.dead)
    world.run_until(lambda: len(mine.calls) == 10, 60_000)
    mine.tenure.lease.lapse()
    world.run(world.now_ms + 30_000)
    assert len(mine.calls) == 10
    assert not estate.reaped


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("failing", range(1, 12))
def test_whichever_call_to_the_table_fails_everybody_is_called_once(world: World, failing: int, applied: bool) -> None:
    estate = Estate(world, 25)
    (mine,) = estate.survivors
    faults = Faults(fail_calls=frozenset({failing}), applied=applied)
    mine.registry.faults = mine.members.faults = faults
    for _ in range(3):
        mine.see(estate.table.members.get(DEAD, estate.dead))
        world.run(world.now_ms + 20_000)
        if estate.reaped:
            break
    assert estate.reaped
    assert estate.called == estate.each_once()
    assert not estate.table.connections


def test_ones_own_undelivered_disconnect_is_delivered_later(world: World) -> None:
    estate = Estate(world, 0)
    (mine,) = estate.survivors
    mine.says = lambda closed: None if len(mine.calls) == 2 else "nobody there"
    owed = connection(1, owner=ME)

    async def owe() -> None:
        await mine.registry.register(owed)
        assert mine.reaper.take_over(owed, 1000, "bye", "nobody there")

    mine.node.start(owe(), "owe")
    world.run_until(lambda: len(mine.calls) == 2 and not estate.table.connections, 60_000)
    assert not estate.table.parked
