"""The contract of ``gateway.ports.Members``, held against every implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from dynamodb_place import PAGE, PLACES, Place
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.members import DynamoDbMembers
from gateway.registry.memory import MemoryTable
from gateway.registry.memory_members import MemoryMembers
from tables import member

Members = MemoryMembers | DynamoDbMembers
CALL_TIMEOUT_S = 10.0
ONE, TWO, THREE = NodeNumber(1), NodeNumber(2), NodeNumber(3)
SERVING = (MemberState.ALIVE, MemberState.DRAINING)


@pytest.fixture(params=PLACES)
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], Members]]:
    """Makes clients of one fleet, as so many nodes have."""
    place = Place.of(request)
    table = MemoryTable(page_size=PAGE)
    made: list[Members] = []

    def make() -> Members:
        if place.endpoint is None:
            made.append(MemoryMembers(table))
        else:
            made.append(DynamoDbMembers(place.endpoint, CALL_TIMEOUT_S, place.settings))
        return made[-1]

    yield make
    for each in made:
        await each.close()
    place.remove()


@pytest.fixture
def members(clients: Callable[[], Members]) -> Members:
    return clients()


def renewal(number: int, version: int, state: MemberState = MemberState.ALIVE, connections: int = 0) -> Renewal:
    return Renewal(NodeNumber(number), version, state, connections)


async def joined(members: Members, number: int, state: MemberState = MemberState.ALIVE) -> Member:
    """The record of a new node that has come to be in ``state``."""
    await members.join(member(number))
    if state is MemberState.DEAD:
        assert await members.claim(member(number), NodeNumber(99))
    elif state is not MemberState.ALIVE:
        assert await members.renew(renewal(number, 2, state))
    return await only(members, number)


async def only(members: Members, number: int) -> Member:
    (found,) = [each for each in await members.all() if each.number == number]
    return found


async def test_numbers_begin_at_one_and_never_come_twice(clients: Callable[[], Members]) -> None:
    first, second = clients(), clients()
    assert await first.allocate() == 1
    more = await asyncio.gather(*(client.allocate() for client in (first, second) * 5))
    assert sorted(more) == list(range(2, 12))


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(member(1), id="plain"),
        pytest.param(member(1, address="10.0.0.7:8443", socket_path="/run/wsfleet/1.sock"), id="reachable"),
        pytest.param(member(MAX_NODE_NUMBER, lease_ms=1), id="last number"),
        pytest.param(member(1, host="", machine="schlüssel \u2603"), id="odd texts"),
        pytest.param(
            member(5, version=2**53, state=MemberState.DRAINING, connections=19_000, drain_asked=True), id="draining"
        ),
        pytest.param(
            member(5, version=3, state=MemberState.DEAD, connections=7, claimed_by=TWO, reaped=4), id="being reaped"
        ),
    ],
)
async def test_a_record_comes_back_as_it_was(members: Members, wanted: Member) -> None:
    await members.join(wanted)
    assert await members.all() == (wanted,)


async def test_joining_again_leaves_the_record_as_it_has_become(members: Members) -> None:
    await members.join(member(1))
    await members.join(member(1))
    assert await members.renew(renewal(1, 2))
    await members.join(member(1))
    assert (await only(members, 1)).version == 2


async def test_all_come_by_number_over_every_page(members: Members) -> None:
    numbers = [*range(2, 2 * PAGE + 2), 100, 2**31, MAX_NODE_NUMBER, 1]
    for number in reversed(numbers):
        await members.join(member(number))
    assert [found.number for found in await members.all()] == sorted(numbers)


async def test_an_empty_fleet_has_no_members_whatever_else_was_written(members: Members) -> None:
    await members.allocate()
    await members.agree("key", "x")
    assert await members.all() == ()


@pytest.mark.parametrize("state", SERVING)
async def test_a_renewal_says_only_what_a_node_says_of_itself(members: Members, state: MemberState) -> None:
    await joined(members, 1)
    assert await members.ask_drain(ONE)
    assert await members.renew(renewal(1, 7, state, connections=12))
    assert await only(members, 1) == member(1, version=7, state=state, connections=12, drain_asked=True)


@pytest.mark.parametrize(
    ("stands", "says", "expected"),
    [
        (MemberState.ALIVE, MemberState.LEFT, True),
        (MemberState.DRAINING, MemberState.ALIVE, True),
        (MemberState.DRAINING, MemberState.LEFT, True),
        (MemberState.LEFT, MemberState.LEFT, True),
        (MemberState.LEFT, MemberState.ALIVE, False),
        (MemberState.LEFT, MemberState.DRAINING, False),
        (MemberState.DEAD, MemberState.ALIVE, False),
        (MemberState.DEAD, MemberState.DRAINING, False),
        (MemberState.DEAD, MemberState.LEFT, False),
    ],
)
async def test_who_may_still_renew(members: Members, stands: MemberState, says: MemberState, expected: bool) -> None:
    before = await joined(members, 1, stands)
    assert await members.renew(renewal(1, 9, says, connections=3)) is expected
    changed = replace(before, version=9, state=says, connections=3)
    assert await only(members, 1) == (changed if expected else before)


async def test_a_record_that_is_gone_is_neither_renewed_nor_made_again(members: Members) -> None:
    await joined(members, 1)
    assert await members.renew(renewal(2, 2)) is False
    assert await members.ask_drain(TWO) is False
    assert await members.claim(member(2), ONE) is False
    assert await members.progress(TWO, ONE, 1) is False
    assert [found.number for found in await members.all()] == [1]


@pytest.mark.parametrize("state", [MemberState.ALIVE, MemberState.DRAINING, MemberState.LEFT])
async def test_a_claim_makes_a_node_dead_unless_it_had_left(members: Members, state: MemberState) -> None:
    seen = await joined(members, 1, state)
    assert await members.claim(seen, TWO)
    becomes = MemberState.LEFT if state is MemberState.LEFT else MemberState.DEAD
    assert await only(members, 1) == replace(seen, state=becomes, claimed_by=TWO)


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(renewal(1, 3), id="version"),
        pytest.param(renewal(1, 2, MemberState.DRAINING), id="state"),
        pytest.param(None, id="claimed_by"),
    ],
)
async def test_a_claim_on_what_has_changed_fails(members: Members, meanwhile: Renewal | None) -> None:
    await joined(members, 1)
    assert await members.renew(renewal(1, 2))
    seen = await only(members, 1)
    assert await (members.claim(seen, THREE) if meanwhile is None else members.renew(meanwhile))
    before = await only(members, 1)
    assert await members.claim(seen, TWO) is False
    assert await only(members, 1) == before


async def test_of_racing_claims_one_wins(clients: Callable[[], Members]) -> None:
    nodes = [clients() for _ in range(3)]
    seen = await joined(nodes[0], 9)
    results = await asyncio.gather(
        *(node.claim(seen, NodeNumber(number)) for number, node in enumerate(nodes, start=1))
    )
    assert sorted(results) == [False, False, True]
    assert (await only(nodes[0], 9)).claimed_by == results.index(True) + 1


async def test_a_claim_and_a_renewal_that_race_never_both_win(clients: Callable[[], Members]) -> None:
    owner, reaper = clients(), clients()
    for number in range(1, 6):
        seen = await joined(owner, number)
        renews, claims = await asyncio.gather(owner.renew(renewal(number, 2)), reaper.claim(seen, NodeNumber(99)))
        assert renews is not claims
        assert (await only(owner, number)).state is (MemberState.DEAD if claims else MemberState.ALIVE)


@pytest.mark.parametrize("state", [MemberState.ALIVE, MemberState.LEFT])
async def test_ones_own_claim_may_be_repeated(members: Members, state: MemberState) -> None:
    seen = await joined(members, 1, state)
    assert await members.claim(seen, TWO)
    assert await members.progress(ONE, TWO, 5)
    assert await members.claim(seen, TWO), "as when the answer was lost"
    assert (await only(members, 1)).reaped == 5


async def test_a_stale_claim_of_ones_own_does_not_make_dead_who_has_left(members: Members) -> None:
    seen = await joined(members, 1)
    assert await members.renew(renewal(1, 2, MemberState.LEFT))
    assert await members.claim(await only(members, 1), TWO)
    assert await members.claim(seen, TWO) is False
    assert (await only(members, 1)).state is MemberState.LEFT


async def test_a_claim_passes_on_when_its_holder_dies(members: Members) -> None:
    await joined(members, 1)
    assert await members.claim(member(1), TWO)
    assert await members.progress(ONE, TWO, 5)
    seen = await only(members, 1)
    assert await members.claim(seen, THREE)
    assert await members.progress(ONE, TWO, 6) is False, "the first holder has lost it"
    assert await members.remove(ONE, TWO) is False
    assert await members.claim(seen, TWO) is False
    assert await only(members, 1) == replace(seen, claimed_by=THREE)


async def test_progress_is_told_by_the_holder_alone(members: Members) -> None:
    await joined(members, 1)
    assert await members.progress(ONE, TWO, 1) is False
    assert await members.claim(member(1), TWO)
    assert await members.progress(ONE, TWO, 200)
    assert await members.progress(ONE, THREE, 300) is False
    assert (await only(members, 1)).reaped == 200


async def test_a_record_is_removed_by_the_holder_alone(members: Members) -> None:
    await joined(members, 1)
    await joined(members, 2)
    assert await members.remove(ONE, TWO) is False
    assert await members.claim(member(1), TWO)
    assert await members.remove(ONE, THREE) is False
    assert await members.remove(ONE, TWO)
    assert [found.number for found in await members.all()] == [2]
    assert await members.remove(ONE, TWO), "it is gone"
    assert await members.renew(renewal(1, 5)) is False


@pytest.mark.parametrize("state", list(MemberState))
async def test_only_who_serves_is_asked_to_drain(members: Members, state: MemberState) -> None:
    before = await joined(members, 1, state)
    assert await members.ask_drain(ONE) is state.serves
    assert await only(members, 1) == replace(before, drain_asked=state.serves)


async def test_the_first_proposal_is_agreed_on(clients: Callable[[], Members]) -> None:
    first, second = clients(), clients()
    stands = await asyncio.gather(*(client.agree("key", name) for client, name in ((first, "a"), (second, "b"))))
    assert stands[0] == stands[1]
    assert stands[0] in ("a", "b")
    assert await second.agree("key", "c") == stands[0]
    assert await second.agree("other", "c") == "c"


async def test_after_close_everything_is_unavailable(members: Members) -> None:
    await joined(members, 1)
    await members.close()
    for call in (
        members.allocate(),
        members.join(member(2)),
        members.renew(renewal(1, 2)),
        members.all(),
        members.claim(member(1), TWO),
        members.progress(ONE, TWO, 1),
        members.remove(ONE, TWO),
        members.ask_drain(ONE),
        members.agree("key", "a"),
    ):
        with pytest.raises(RegistryUnavailable):
            await call
