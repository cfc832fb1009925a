"""Where a call goes, and that only a number never seen before costs a reading of the node records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from answers import answered
from gateway.cluster.roster import Roster
from gateway.model.audience import Audience
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName
from gateway.model.member import Member, MemberState
from gateway.model.peer import Broadcast, GetInfo, Outcome, PeerAnswer, PeerRequest, Reached
from gateway.reach import MANY_WAIT_MS, MAX_DEPARTED, FleetReach, LocalReach
from gateway.tenure import Tenure
from members import member
from node_doubles import ManualClock

REQUEST = GetInfo(ApiId("a"), ConnectionId("c"))
ME, OTHER, UNKNOWN = NodeNumber(1), NodeNumber(2), NodeNumber(3)


class Here:
    """Answers for itself alone."""

    number = ME

    def __init__(self) -> None:
        self.asked: list[NodeNumber] = []
        self.says: PeerAnswer = Outcome.DONE

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer:
        self.asked.append(owner)
        return self.says


@dataclass
class Others:
    """Every other node, as one list of what was asked; all answer the same."""

    says: PeerAnswer = Outcome.LIMITED
    asked: list[tuple[NodeNumber, PeerRequest, int]] = field(default_factory=list)

    async def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> PeerAnswer:
        self.asked.append((member.number, request, wait_ms))
        return self.says


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tenure = Tenure(self.clock)
        self.tenure.begin(ME, self.clock.monotonic_ms + 9_000)
        self.here, self.others = Here(), Others()
        self.looks = 0
        self.found: Callable[[], Awaitable[Roster]] = self.read
        self.records: list[Member] = [member(1), member(2)]
        self.reach = FleetReach(self.here, self.others, self.tenure, self.look, wait_ms=200)
        self.reach.see(self.roster())

    def roster(self) -> Roster:
        return Roster().observe(self.records, 0, 0)

    async def read(self) -> Roster:
        return self.roster()

    async def look(self) -> Roster:
        self.looks += 1
        return await self.found()

    async def ask(self, owner: NodeNumber) -> PeerAnswer:
        return await answered(self.reach.ask(owner, REQUEST))


@pytest.fixture
def world() -> World:
    return World()


async def test_ones_own_connection_is_answered_here(world: World) -> None:
    assert await world.ask(ME) is Outcome.DONE
    assert world.here.asked == [ME]
    assert world.looks == 0 and not world.others.asked


async def test_a_peers_connection_is_one_hop_away_without_a_reading(world: World) -> None:
    assert await world.ask(OTHER) is Outcome.LIMITED
    assert world.others.asked == [(OTHER, REQUEST, 200)]
    assert world.looks == 0


@pytest.mark.parametrize("says", [Outcome.GONE, Outcome.UNREACHABLE, Outcome.FENCED])
async def test_what_the_owner_says_holds(world: World, says: Outcome) -> None:
    world.others.says = says
    assert await world.ask(OTHER) is says
    assert len(world.others.asked) == 1


@pytest.mark.parametrize("state", [MemberState.DEAD, MemberState.LEFT])
async def test_who_is_known_to_be_gone_is_not_asked(world: World, state: MemberState) -> None:
    world.reach.see(Roster().observe([member(1), member(2, state=state)], 0, 0))
    assert await world.ask(OTHER) is Outcome.GONE
    assert not world.others.asked


async def test_a_draining_node_still_holds_its_sockets(world: World) -> None:
    world.reach.see(Roster().observe([member(2, state=MemberState.DRAINING)], 0, 0))
    assert await world.ask(OTHER) is Outcome.LIMITED


async def test_a_node_that_has_just_joined_is_found_by_one_reading(world: World) -> None:
    world.records.append(member(3))
    assert await world.ask(UNKNOWN) is Outcome.LIMITED
    assert world.looks == 1


async def test_a_number_that_a_reading_does_not_find_is_gone_for_good(world: World) -> None:
    assert [await world.ask(UNKNOWN) for _ in range(3)] == [Outcome.GONE] * 3
    assert world.looks == 1


async def test_what_is_seen_later_goes_before_what_was_remembered(world: World) -> None:
    await world.ask(UNKNOWN)
    world.reach.see(Roster().observe([member(3)], 0, 0))
    assert await world.ask(UNKNOWN) is Outcome.LIMITED


async def test_the_memory_of_departed_nodes_is_bounded(world: World) -> None:
    for number in range(10, 10 + MAX_DEPARTED + 1):
        await world.ask(NodeNumber(number))
    await world.ask(NodeNumber(10 + MAX_DEPARTED))
    assert world.looks == MAX_DEPARTED + 1
    await world.ask(NodeNumber(10))
    assert world.looks == MAX_DEPARTED + 2


async def test_without_the_table_an_unknown_owner_is_unreachable_and_not_gone(world: World) -> None:
    async def away() -> Roster:
        raise RegistryUnavailable("away")

    world.found = away
    assert await world.ask(UNKNOWN) is Outcome.UNREACHABLE
    world.found = world.read
    assert await world.ask(UNKNOWN) is Outcome.GONE


async def test_a_table_that_does_not_answer_costs_no_more_than_the_wait(world: World) -> None:
    async def never() -> Roster:
        await asyncio.Event().wait()
        raise AssertionError

    world.found = never
    assert await world.ask(UNKNOWN) is Outcome.UNREACHABLE


async def test_a_fenced_node_asks_nobody(world: World) -> None:
    world.clock.advance(9_000)
    assert await world.ask(OTHER) is Outcome.FENCED
    assert not world.others.asked


async def test_alone_everybody_else_is_gone() -> None:
    here = Here()
    assert LocalReach(here).ask(OTHER, REQUEST) is Outcome.DONE
    assert here.asked == [OTHER], "the node itself tells its number from others"
    here.says = Outcome.UNREACHABLE
    assert LocalReach(here).ask(OTHER, REQUEST) is Outcome.GONE


async def test_ones_own_earlier_incarnations_are_answered_here(world: World) -> None:
    world.tenure.begin(NodeNumber(9), world.clock.monotonic_ms + 9_000)
    await world.ask(ME)
    assert world.here.asked == [ME] and not world.others.asked


ALL = Broadcast(Audience(ApiId("a"), StageName("prod")), b"x")


async def test_everybody_who_serves_is_asked_by_a_fresh_reading(world: World) -> None:
    left = replace(member(4), state=MemberState.LEFT)
    world.records += [member(3), left]
    world.here.says = Reached(1)
    assert await world.reach.ask_all(ALL) == {ME: Reached(1), OTHER: Outcome.LIMITED, UNKNOWN: Outcome.LIMITED}
    assert [(number, request) for number, request, _ in world.others.asked] == [(OTHER, ALL), (UNKNOWN, ALL)]
    assert all(wait_ms == MANY_WAIT_MS for _, _, wait_ms in world.others.asked)
    assert world.looks == 1


async def test_without_the_table_the_last_roster_counts(world: World) -> None:
    world.found = failing
    assert set(await world.reach.ask_all(ALL)) == {ME, OTHER}


async def failing() -> Roster:
    raise RegistryUnavailable("away")


async def test_a_fenced_node_asks_nobody_of_all(world: World) -> None:
    world.clock.advance(60_000)
    answers = await world.reach.ask_all(ALL)
    assert answers[OTHER] is Outcome.FENCED
    assert world.others.asked == []


async def test_a_node_that_is_alone_asks_itself(world: World) -> None:
    world.here.says = Reached(2)
    assert await LocalReach(world.here).ask_all(ALL) == {ME: Reached(2)}


async def test_everybody_is_whom_the_table_names_now(world: World) -> None:
    world.records += [member(3, state=MemberState.DRAINING), member(4, state=MemberState.DEAD)]
    assert sorted(await world.reach.everybody()) == [ME, OTHER, UNKNOWN]
    assert world.looks == 1


async def test_everybody_is_whom_one_knew_while_the_table_is_away(world: World) -> None:
    async def away() -> Roster:
        raise RegistryUnavailable("away")

    world.found = away
    assert sorted(await world.reach.everybody()) == [ME, OTHER]


async def test_a_node_that_is_alone_is_everybody() -> None:
    assert await LocalReach(Here()).everybody() == [ME]
