"""The n-th call is lost, or only its answer is, n = 1, 2, …: whoever repeats it ends where nothing had been lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import pytest

from dynamodb_place import REGION, Place
from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import MemberState, Renewal
from gateway.ports import Members, ParkedDisconnects, Registry
from gateway.registry.batches import CommitPolicy
from gateway.registry.dynamodb import DynamoDbRegistry
from gateway.registry.members import DynamoDbMembers
from gateway.registry.memory import Faults, MemoryRegistry
from gateway.registry.memory_client import MemoryClient
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from gateway.registry.parked import DynamoDbParked
from lossy_proxy import LossyProxy, lossy_proxy
from tables import Heard, connection, member, parked

REAPER = NodeNumber(99)
ATTEMPTS = 3
MOST_CALLS = 30
QUICK = CommitPolicy(min_backoff_s=0.001, max_backoff_s=0.002)
T = TypeVar("T")


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """As a caller does that knows nothing of the table but RegistryUnavailable."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await call()
        except RegistryUnavailable:
            continue
    return await call()


async def the_life_of_a_node(members: Members, run: int) -> None:
    number = await insist(members.allocate)
    await insist(lambda: members.join(member(number)))
    version = 1

    async def renew() -> bool:
        nonlocal version
        version += 1
        return await members.renew(Renewal(number, version, MemberState.ALIVE, version))

    assert await insist(renew)
    assert await insist(lambda: members.ask_drain(number))
    (seen,) = await insist(members.all)
    assert seen == member(number, version=version, connections=version, drain_asked=True)
    assert await insist(lambda: members.claim(seen, REAPER))
    assert await insist(lambda: members.progress(number, REAPER, 7))
    assert await insist(lambda: members.remove(number, REAPER))
    assert await insist(members.all) == ()
    assert await insist(lambda: members.agree(f"key {run}", "first")) == "first"
    assert await insist(members.allocate) > number


async def the_life_of_a_connection(registry: Registry, run: int) -> None:
    mine = connection(run)
    await insist(lambda: registry.register(mine))
    assert await insist(lambda: registry.find(mine.owner, mine.connection_id)) == mine
    await insist(lambda: registry.unregister(mine.owner, mine.connection_id))
    assert await insist(lambda: registry.find(mine.owner, mine.connection_id)) is None


async def the_life_of_a_failure(shelf: ParkedDisconnects, run: int) -> None:
    async def everything() -> list[object]:
        return [each async for each in shelf.all()]

    await insist(lambda: shelf.park(parked(run)))
    assert await insist(everything) == [parked(run)]
    await insist(lambda: shelf.discard(connection(run).connection_id))
    assert await insist(everything) == []


class Loses(Protocol):
    """What loses calls: counts them, and is told which one to lose."""

    @property
    def calls(self) -> int: ...

    def lose(self, call: int) -> None: ...


class InMemory:
    def __init__(self, client: MemoryClient, applied: bool) -> None:
        self._client = client
        self._applied = applied

    @property
    def calls(self) -> int:
        return self._client.calls

    def lose(self, call: int) -> None:
        self._client.faults = Faults(fail_calls=frozenset({call}), applied=self._applied)


class OnTheWay:
    def __init__(self, proxy: LossyProxy) -> None:
        self._proxy = proxy

    @property
    def calls(self) -> int:
        return self._proxy.asked

    def lose(self, call: int) -> None:
        self._proxy.loses = call


async def every_fault(loses: Loses, life: Callable[[int], Awaitable[None]]) -> None:
    """Until a life is over before its n-th call."""
    for n in range(1, MOST_CALLS):
        before = loses.calls
        loses.lose(before + n)
        await life(n)
        if loses.calls - before < n:
            assert n > 4
            return
    pytest.fail(f"more than {MOST_CALLS} calls")


@asynccontextmanager
async def moto(url: str, applied: bool) -> AsyncIterator[tuple[Place, OnTheWay]]:
    """A table at moto, reached by a way that loses calls."""
    place = Place.made(AwsEndpoint(url, REGION))
    async with lossy_proxy(url, applied) as proxy:
        place.endpoint = AwsEndpoint(proxy.url, REGION)
        yield place, OnTheWay(proxy)


@pytest.fixture(params=[False, True], ids=["call", "answer"])
def applied(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_a_node_in_memory(applied: bool) -> None:
    members = MemoryMembers()
    await every_fault(InMemory(members, applied), lambda run: the_life_of_a_node(members, run))


async def test_a_connection_in_memory(applied: bool) -> None:
    registry = MemoryRegistry()
    await every_fault(InMemory(registry, applied), lambda run: the_life_of_a_connection(registry, run))
    assert registry.records == ()


async def test_a_failure_in_memory(applied: bool) -> None:
    shelf = MemoryParked()
    await every_fault(InMemory(shelf, applied), lambda run: the_life_of_a_failure(shelf, run))


async def test_a_node_at_moto(moto_url: str, applied: bool) -> None:
    async with moto(moto_url, applied) as (place, loses):
        members = DynamoDbMembers(place.required, 5.0, place.settings)
        await every_fault(loses, lambda run: the_life_of_a_node(members, run))
        await members.close()


async def test_a_connection_at_moto(moto_url: str, applied: bool) -> None:
    async with moto(moto_url, applied) as (place, loses):
        registry = DynamoDbRegistry(place.required, Heard(), place.settings, QUICK)
        await every_fault(loses, lambda run: the_life_of_a_connection(registry, run))
        await registry.close()


async def test_a_failure_at_moto(moto_url: str, applied: bool) -> None:
    async with moto(moto_url, applied) as (place, loses):
        shelf = DynamoDbParked(place.required, place.settings)
        await every_fault(loses, lambda run: the_life_of_a_failure(shelf, run))
        await shelf.close()
