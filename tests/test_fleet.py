"""A node's membership on a virtual clock: it joins, keeps its lease, is fenced in time, comes back, and leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.cluster.failover import reapable
from gateway.cluster.lease import LeaseTerms
from gateway.cluster.roster import Roster, Standing
from gateway.fleet import Fleet, FleetMember
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState
from gateway.registry.memory import Faults
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_table import MemoryTable
from gateway.tenure import Tenure
from members import LEASE_MS, member
from node_doubles import RecordingReporter
from simulation.world import World

TERMS = LeaseTerms(LEASE_MS)
AWAY = Faults(fail_from=0)


class Sockets:
    """What a node does about its sockets, as far as its membership sees."""

    def __init__(self, tenure: Tenure) -> None:
        self.open_connections = 3
        self.fenced: list[NodeNumber] = []
        self._tenure = tenure

    def fence(self) -> None:
        assert not self._tenure.holds(), "fenced while it holds its lease"
        self.fenced.append(self._tenure.number)


class Process:
    """One node, and everything that its membership tells."""

    def __init__(self, world: World, name: str, table: MemoryTable) -> None:
        self.world = world
        self.node = world.node(name)
        self.members = MemoryMembers(table, pause=world.latency)
        self.tenure = Tenure(self.node.clock)
        self.sockets = Sockets(self.tenure)
        self.reporter = RecordingReporter()
        self.rosters: list[Roster] = []
        self.drains = 0
        self.began: list[Member] = []
        fleet = Fleet(
            self.members,
            self.node.clock,
            self.reporter,
            world.rng.random,
            seen=self.rosters.append,
            drain_asked=self._drain_asked,
            began=self.began.append,
        )
        self.member = FleetMember(member(0, host=name), self.tenure, self.sockets, fleet)
        self.joined = self.node.start(self.member.join(), "join")

    def _drain_asked(self) -> None:
        self.drains += 1

    @property
    def number(self) -> NodeNumber:
        return self.tenure.number

    @property
    def serves(self) -> bool:
        return self.joined.done() and self.tenure.holds()

    def leave(self, *, empty: bool, counting_ms: int = 0) -> bool:
        """``counting_ms`` is how long it takes to find out whether it left anything."""

        async def is_empty(number: NodeNumber) -> bool:
            await asyncio.sleep(counting_ms / 1000)
            return empty

        task = self.node.start(self.member.leave(is_empty), "leave")
        self.world.run_until(task.done, 20_000)
        return task.result()


@pytest.fixture
def world() -> Iterator[World]:
    with World(3) as world:
        yield world


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def joined(world: World, table: MemoryTable, *names: str) -> list[Process]:
    made = [Process(world, name, table) for name in names]
    world.run_until(lambda: all(each.serves for each in made), 20_000)
    for each in made:
        each.joined.result()
    return made


def test_who_joins_has_a_number_of_its_own_and_sees_the_others(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    world.run(world.now_ms + 2 * TERMS.look_ms)
    assert one.number != two.number
    for each in (one, two):
        assert set(each.member.roster.sightings) == {one.number, two.number}
    assert [began.number for began in one.began] == [one.number]
    record = table.members[one.number]
    assert (record.host, record.state, record.connections) == ("one", MemberState.ALIVE, 3)


def test_it_keeps_its_lease_for_hours(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    number = one.number
    world.run(world.now_ms + 3_600_000)
    assert one.number == number and one.serves and not one.sockets.fenced
    assert {sighting.standing for sighting in two.member.roster.sightings.values()} == {Standing.ALIVE}
    assert one.reporter.kinds() == []


def test_an_outage_shorter_than_the_lease_is_survived(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    world.run(world.now_ms + 30_000)
    one.members.faults = AWAY
    world.run(world.now_ms + TERMS.fence_ms - TERMS.renew_ms - TERMS.call_ms)
    one.members.faults = Faults()
    world.run(world.now_ms + 30_000)
    assert one.serves and not one.sockets.fenced
    assert one.reporter.kinds() == ["warned"], "told once, not at each attempt"


def test_a_longer_one_fences_it_before_anybody_may_say_that_it_is_dead(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    number = one.number
    one.members.faults = AWAY
    world.run_until(lambda: bool(one.sockets.fenced), 2 * LEASE_MS)
    assert one.sockets.fenced == [number]
    assert two.member.roster.sightings[number].standing is not Standing.EXPIRED
    world.run_until(lambda: two.member.roster.sightings[number].standing is Standing.EXPIRED, 2 * LEASE_MS)
    assert not one.serves


def test_it_comes_back_under_another_number_when_the_table_does(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    number = one.number
    one.members.faults = AWAY
    world.run(world.now_ms + 60_000)
    assert one.sockets.fenced == [number], "once"
    one.members.faults = Faults()
    world.run_until(lambda: one.serves, 2 * LEASE_MS)
    assert one.number > number
    assert set(table.members) == {number, one.number}, "its earlier record is for others to clear"
    assert [kind for kind in one.reporter.kinds() if kind == "failed"] == ["failed"]


def test_a_process_that_was_stopped_is_fenced_by_whatever_it_does_first(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    number = one.number
    held: list[bool] = []
    one.node.pause(TERMS.fence_ms + 1_000)
    one.node.loop.call_soon(lambda: held.append(one.tenure.is_still(number)))
    world.run_until(lambda: bool(held), 2 * LEASE_MS)
    assert held == [False]
    world.run_until(lambda: one.serves, 2 * LEASE_MS)
    assert one.number > number and one.sockets.fenced == [number]


def test_who_was_declared_dead_is_fenced_at_once(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    number = one.number
    claimed = False
    while not claimed:  # one that a renewal came before is refused
        claim = two.node.start(two.members.claim(table.members[number], two.number), "claim")
        world.run_until(claim.done, 5_000)
        claimed = claim.result()
    world.run_until(lambda: bool(one.sockets.fenced), TERMS.renew_ms * 2)
    world.run_until(lambda: one.serves, LEASE_MS)
    assert one.number > number


def test_a_lost_answer_to_a_renewal_fences_nobody(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    for _ in range(10):
        one.members.faults = Faults(frozenset({one.members.calls + 2, one.members.calls + 3}), applied=True)
        world.run(world.now_ms + 10_000)
    assert one.serves and not one.sockets.fenced


@pytest.mark.parametrize("failing", range(1, 5))
@pytest.mark.parametrize("applied", [False, True])
def test_joining_without_the_table_is_an_error_and_no_node(
    world: World, table: MemoryTable, failing: int, applied: bool
) -> None:
    process = Process(world, "one", table)
    process.members.faults = Faults(fail_from=failing, applied=applied)
    world.run_until(process.joined.done, 20_000)
    if failing <= 2:  # allocating, joining; the first look at the others is made again
        assert isinstance(process.joined.exception(), RegistryUnavailable)
    else:
        process.joined.result()


def test_an_operator_asks_once_and_is_heard_once(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    asked = one.node.start(one.members.ask_drain(one.number), "ask")
    world.run_until(asked.done, 5_000)
    world.run_until(lambda: one.drains > 0, 2 * TERMS.look_ms)
    one.member.drain()
    world.run(world.now_ms + 30_000)
    assert one.drains == 1
    assert table.members[one.number].state is MemberState.DRAINING


def test_who_leaves_with_nothing_left_takes_its_record_along(world: World, table: MemoryTable) -> None:
    one, _ = joined(world, table, "one", "two")
    assert one.leave(empty=True)
    assert one.number not in table.members


def test_who_finds_out_that_nothing_is_left_is_nobody_elses_business(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    looks = len(two.rosters)
    assert one.leave(empty=True, counting_ms=2 * TERMS.look_ms)
    world.run(world.now_ms + 2 * TERMS.look_ms)
    assert len(two.rosters) - looks >= 3
    assert not any(reapable(roster, two.number) for roster in two.rosters)


def test_who_leaves_something_behind_says_so_at_once(world: World, table: MemoryTable) -> None:
    one, two = joined(world, table, "one", "two")
    assert one.leave(empty=False)
    assert table.members[one.number].state is MemberState.LEFT
    world.run(world.now_ms + 2 * TERMS.look_ms)
    assert two.member.roster.sightings[one.number].standing is Standing.LEFT
    assert two.member.roster.serves(two.number) and not two.member.roster.serves(one.number)


def test_leaving_without_the_table_is_told(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    one.members.faults = AWAY
    assert not one.leave(empty=True)


def test_those_who_look_meanwhile_share_one_reading(world: World, table: MemoryTable) -> None:
    (one,) = joined(world, table, "one")
    before = one.members.calls
    looks = [one.node.start(one.member.look(), "look") for _ in range(50)]
    world.run_until(lambda: all(look.done() for look in looks), 10_000)
    assert one.members.calls - before <= 4
    assert all(one.number in look.result().sightings for look in looks)


def test_a_look_begins_after_it_was_asked_for(world: World, table: MemoryTable) -> None:
    """A reading that was under way may have passed the place where the answer stands."""
    one, two = joined(world, table, "one", "two")
    first = one.node.start(one.member.look(), "first")
    world.run(world.now_ms + 0.1)
    third = Process(world, "three", table)
    world.run_until(lambda: third.serves, 20_000)
    assert third.number in _look(one).sightings
    assert first.done()
    assert two.serves


def _look(process: Process) -> Roster:
    task = process.node.start(process.member.look(), "look")
    process.world.run_until(task.done, 10_000)
    return task.result()


def test_a_table_that_is_slow_costs_nobody_a_lease(world: World, table: MemoryTable) -> None:
    """Every answer takes longer than is waited for before the next attempt, none longer than it is of use."""
    one, two = joined(world, table, "one", "two")
    number = one.number

    async def slowly() -> None:
        await asyncio.sleep((TERMS.call_ms + 300) / 2000)

    one.members._pause = slowly
    world.run(world.now_ms + 300_000)
    assert one.number == number and one.serves and not one.sockets.fenced
    assert two.member.roster.sightings[number].standing is not Standing.EXPIRED


def test_a_wish_to_drain_is_meant_for_the_process(world: World, table: MemoryTable) -> None:
    """It was asked of a number that was fenced before it looked."""
    one, two = joined(world, table, "one", "two")
    number = one.number
    one.node.pause(TERMS.fence_ms + 500)
    asked = two.node.start(two.members.ask_drain(number), "ask")
    world.run_until(asked.done, 5_000)
    assert asked.result()
    world.run_until(lambda: one.drains > 0, 3 * LEASE_MS)
    assert one.number > number and one.drains == 1
