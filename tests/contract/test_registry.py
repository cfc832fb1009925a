"""The contract of ``gateway.ports.Registry``, held against every implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dynamodb_place import PAGE, PLACES, Place
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.dynamodb import DynamoDbRegistry
from gateway.registry.memory import MemoryRegistry, MemoryTable
from tables import Heard, connection

Registry = MemoryRegistry | DynamoDbRegistry


@pytest.fixture(params=PLACES)
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[Registry]:
    place = Place.of(request)
    made: Registry
    if place.endpoint is None:
        made = MemoryRegistry(MemoryTable(page_size=PAGE))
    else:
        made = DynamoDbRegistry(place.endpoint, Heard(), place.settings)
    yield made
    await made.close()
    place.remove()


async def all_of(registry: Registry, owner: int = 7) -> set[str]:
    return {found.connection_id async for found in registry.connections_of(NodeNumber(owner))}


async def found(registry: Registry, wanted: Connection) -> Connection:
    matches = [c async for c in registry.connections_of(wanted.owner) if c.connection_id == wanted.connection_id]
    assert len(matches) == 1
    return matches[0]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(connection(1), id="plain"),
        pytest.param(connection(1, user_agent=None), id="no user agent"),
        pytest.param(connection(1, user_agent=""), id="empty user agent"),
        pytest.param(connection(1, authorizer={}), id="empty authorizer context"),
        pytest.param(connection(1, authorizer={"principalId": "me", "n": "1", "leer": ""}), id="authorizer"),
        pytest.param(connection(1, authorizer={"schlüssel": "wert \u2603 \U0001f600"}), id="unicode"),
        pytest.param(connection(1, authorizer={"principalId": "x" * 8000}), id="large"),
        pytest.param(connection(1, identity={"apiKey": "v", "apiKeyId": "k", "user": ""}), id="identity"),
        pytest.param(connection(1, identity={}, authorizer={"principalId": "me"}), id="empty identity"),
        pytest.param(connection(1, connected_at_ms=0), id="epoch"),
        pytest.param(connection(1, owner=2**32 - 1), id="last node number"),
    ],
)
async def test_a_record_comes_back_as_it_was(registry: Registry, wanted: Connection) -> None:
    await registry.register(wanted)
    assert await found(registry, wanted) == wanted
    assert await registry.find(wanted.owner, wanted.connection_id) == wanted


async def test_a_removed_record_is_gone(registry: Registry) -> None:
    await registry.register(connection(1))
    await registry.register(connection(2))
    await registry.unregister(NodeNumber(7), connection(1).connection_id)
    assert await all_of(registry) == {connection(2).connection_id}


async def test_one_record_is_found_by_its_whole_key(registry: Registry) -> None:
    mine, other = connection(1), connection(1, owner=8)
    await registry.register(mine)
    assert await registry.find(mine.owner, mine.connection_id) == mine
    assert await registry.find(other.owner, mine.connection_id) is None
    assert await registry.find(mine.owner, other.connection_id) is None
    await registry.unregister(mine.owner, mine.connection_id)
    assert await registry.find(mine.owner, mine.connection_id) is None


async def test_removing_what_is_not_there_succeeds(registry: Registry) -> None:
    await registry.unregister(NodeNumber(7), connection(1).connection_id)
    await registry.unregister(NodeNumber(7), connection(1).connection_id)
    assert await all_of(registry) == set()


async def test_registering_again_overwrites(registry: Registry) -> None:
    first = connection(1)
    second = replace(first, source_ip="203.0.113.10")
    await registry.register(first)
    await registry.register(second)
    assert await found(registry, first) == second
    await registry.unregister(first.owner, first.connection_id)
    assert await all_of(registry) == set()


async def test_each_node_sees_its_own(registry: Registry) -> None:
    mine, other, similar = connection(1), connection(1, owner=8), connection(1, owner=77)
    await asyncio.gather(*map(registry.register, (mine, other, similar)))
    for each in (mine, other, similar):
        assert await all_of(registry, each.owner) == {each.connection_id}
    assert await all_of(registry, 9) == set()


@pytest.mark.parametrize("count", [1, PAGE, PAGE + 1, 3 * PAGE - 1])
async def test_every_page_is_read(registry: Registry, count: int) -> None:
    many = [connection(number) for number in range(count)]
    await asyncio.gather(*map(registry.register, many))
    read = [c.connection_id async for c in registry.connections_of(NodeNumber(7))]
    assert len(read) == count
    assert set(read) == {c.connection_id for c in many}


@pytest.mark.parametrize("at", [0, 1, PAGE - 1, PAGE, 2 * PAGE, 3 * PAGE - 1])
async def test_reading_goes_on_where_it_was_left_by_id(registry: Registry, at: int) -> None:
    many = [connection(number) for number in range(3 * PAGE)]
    await asyncio.gather(*map(registry.register, many))
    in_order = sorted(c.connection_id for c in many)
    read = [c.connection_id async for c in registry.connections_of(NodeNumber(7), in_order[at])]
    assert read == in_order[at + 1 :]


async def test_reading_goes_on_after_one_that_is_gone(registry: Registry) -> None:
    first, second, third = sorted((connection(number) for number in range(3)), key=lambda c: c.connection_id)
    await asyncio.gather(*map(registry.register, (first, third)))
    assert [c async for c in registry.connections_of(NodeNumber(7), second.connection_id)] == [third]


async def test_a_reader_may_remove_what_it_reads(registry: Registry) -> None:
    many = [connection(number) for number in range(3 * PAGE)]
    await asyncio.gather(*map(registry.register, many))
    seen = []
    async for each in registry.connections_of(NodeNumber(7)):
        seen.append(each.connection_id)
        await registry.unregister(each.owner, each.connection_id)
    assert sorted(seen) == sorted(c.connection_id for c in many)
    assert await all_of(registry) == set()


async def test_writes_side_by_side_are_all_kept_apart(registry: Registry) -> None:
    many = [connection(number) for number in range(60)]
    await asyncio.gather(*map(registry.register, many))
    goes, stays = many[::2], many[1::2]
    await asyncio.gather(*(registry.unregister(c.owner, c.connection_id) for c in goes))
    assert await all_of(registry) == {c.connection_id for c in stays}


async def test_connect_and_disconnect_at_once_both_succeed_and_leave_nothing(registry: Registry) -> None:
    fleeting = connection(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(registry.register(fleeting))
        group.create_task(registry.unregister(fleeting.owner, fleeting.connection_id))
    assert await all_of(registry) == set()


async def test_after_close_everything_is_unavailable(registry: Registry) -> None:
    await registry.register(connection(1))
    await registry.close()
    with pytest.raises(RegistryUnavailable):
        await registry.register(connection(2))
    with pytest.raises(RegistryUnavailable):
        await registry.unregister(NodeNumber(7), connection(1).connection_id)
    with pytest.raises(RegistryUnavailable):
        await all_of(registry)
    with pytest.raises(RegistryUnavailable):
        await registry.find(NodeNumber(7), connection(1).connection_id)
