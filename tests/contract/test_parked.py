"""The contract of ``gateway.ports.ParkedDisconnects``, held against every implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dynamodb_place import PAGE, PLACES, Place
from gateway.model.errors import RegistryUnavailable
from gateway.model.parked import ParkedDisconnect
from gateway.registry.memory import MemoryTable
from gateway.registry.memory_parked import MemoryParked
from gateway.registry.parked import DynamoDbParked
from tables import connection, parked

Parked = MemoryParked | DynamoDbParked


@pytest.fixture(params=PLACES)
async def shelf(request: pytest.FixtureRequest) -> AsyncIterator[Parked]:
    place = Place.of(request)
    made: Parked
    if place.endpoint is None:
        made = MemoryParked(MemoryTable(page_size=PAGE))
    else:
        made = DynamoDbParked(place.endpoint, place.settings)
    yield made
    await made.close()
    place.remove()


async def all_of(shelf: Parked) -> list[ParkedDisconnect]:
    return [each async for each in shelf.all()]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(parked(1), id="plain"),
        pytest.param(parked(1, reason="", why=""), id="empty texts"),
        pytest.param(parked(1, why="schlüssel \u2603 \U0001f600"), id="unicode"),
        pytest.param(
            parked(
                1,
                connection=connection(
                    1, owner=2**32 - 1, user_agent=None, authorizer={"principalId": "me"}, identity={"apiKey": "v"}
                ),
            ),
            id="all of the connection",
        ),
    ],
)
async def test_what_was_parked_comes_back_as_it_was(shelf: Parked, wanted: ParkedDisconnect) -> None:
    await shelf.park(wanted)
    assert await all_of(shelf) == [wanted]


async def test_a_later_one_takes_the_place_of_an_earlier(shelf: Parked) -> None:
    await shelf.park(parked(1, attempts=5))
    await shelf.park(parked(1, attempts=10))
    assert await all_of(shelf) == [parked(1, attempts=10)]


@pytest.mark.parametrize("count", [1, PAGE, PAGE + 1, 2 * PAGE + 3])
async def test_every_page_is_read_by_connection_id(shelf: Parked, count: int) -> None:
    for number in reversed(range(count)):
        await shelf.park(parked(number))
    found = [each.connection.connection_id for each in await all_of(shelf)]
    assert found == sorted(connection(number).connection_id for number in range(count))


async def test_connections_of_every_node_lie_together(shelf: Parked) -> None:
    both = [parked(1), parked(2, connection=connection(2, owner=8))]
    for each in both:
        await shelf.park(each)
    assert {each.connection.owner for each in await all_of(shelf)} == {7, 8}


async def test_a_reader_may_discard_what_it_reads(shelf: Parked) -> None:
    for number in range(2 * PAGE):
        await shelf.park(parked(number))
    seen = []
    async for each in shelf.all():
        seen.append(each)
        await shelf.discard(each.connection.connection_id)
    assert len(seen) == 2 * PAGE
    assert await all_of(shelf) == []


async def test_discarding_what_is_not_there_succeeds(shelf: Parked) -> None:
    await shelf.park(parked(1))
    await shelf.discard(connection(2).connection_id)
    assert await all_of(shelf) == [parked(1)]


async def test_after_close_everything_is_unavailable(shelf: Parked) -> None:
    await shelf.park(parked(1))
    await shelf.close()
    with pytest.raises(RegistryUnavailable):
        await shelf.park(parked(2))
    with pytest.raises(RegistryUnavailable):
        await shelf.discard(connection(1).connection_id)
    with pytest.raises(RegistryUnavailable):
        await all_of(shelf)
