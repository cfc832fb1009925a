"""A node's list of its connections: complete, in order, and told in parts that fit."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from crowd import API, OWNER, Client, Crowd
from gateway.listings import MAX_WAITING, Listings
from gateway.model.audience import Audience
from gateway.model.ids import ConnectionId, NodeNumber, StageName
from gateway.model.limits import MAX_LISTED, MAX_LISTED_BYTES
from gateway.model.peer import Entry, JoinGroup, ListConnections, Listing, Outcome, Position
from gateway.peers.bounds import MAX_BATCH_BYTES
from gateway.peers.codec import answer_frame
from node_doubles import until_idle

DEV = Audience(API, StageName("dev"))


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    made = Crowd()
    yield made
    await made.close()


async def listed(crowd: Crowd, limit: int, after: Position | None = None, audience: Audience = DEV) -> Listing:
    answer = await Listings(crowd.node).answer(OWNER, ListConnections(audience, limit, after))
    assert isinstance(answer, Listing)
    return answer


async def walk(crowd: Crowd, limit: int, audience: Audience = DEV) -> AsyncIterator[Listing]:
    """Page after page."""
    after = None
    while True:
        page = await listed(crowd, limit, after, audience)
        yield page
        if page.count == len(page.entries):
            return
        after = page.entries[-1].position


def ids(clients: list[Client]) -> list[ConnectionId]:
    return [client.connection_id for client in clients]


async def test_what_is_told_of_one(crowd: Crowd) -> None:
    (client,) = await crowd.opened(headers=(("User-Agent", "agent/1"),))
    connected_ms = crowd.clock.wall_ms
    conversation = crowd.node._live[client.connection_id]
    conversation.connection = replace(conversation.connection, authorizer={"principalId": "ada"})
    crowd.node.answer(OWNER, JoinGroup(API, client.connection_id, DEV.stage, "room"))
    crowd.clock.advance(5_000)
    crowd.node.message(conversation, "x")
    crowd.clock.advance(5_000)
    entry = Entry(client.connection_id, connected_ms, connected_ms + 5_000, "192.0.2.1", "agent/1", "ada", ("room",))
    assert await listed(crowd, 10) == Listing(1, (entry,))


async def test_the_number_alone(crowd: Crowd) -> None:
    await crowd.opened(3)
    await crowd.opened(2, stage="prod")
    assert await listed(crowd, 0) == Listing(3)
    assert await listed(crowd, 0, audience=Audience(API, StageName("nowhere"))) == Listing(0)


async def test_pages_are_in_the_order_of_connecting(crowd: Crowd) -> None:
    clients: list[Client] = []
    for _ in range(5):
        clients += await crowd.opened(2)  # two at once: their IDs decide
        crowd.clock.advance(1)
    pages = [page async for page in walk(crowd, 3)]
    assert [page.count for page in pages] == [10, 7, 4, 1]
    told = [entry for page in pages for entry in page.entries]
    assert [entry.position for entry in told] == sorted(
        (entry.position for entry in told), key=lambda each: (each.connected_at_ms, each.connection_id)
    )
    assert {entry.connection_id for entry in told} == set(ids(clients))
    assert len(told) == 10


async def test_who_stays_is_told_once_whoever_comes_and_goes(crowd: Crowd) -> None:
    chance = random.Random(7)
    stays, goes = await crowd.opened(40), await crowd.opened(40)
    told: list[ConnectionId] = []
    async for page in walk(crowd, 7):
        told += [entry.connection_id for entry in page.entries]
        for client in chance.sample(goes, min(3, len(goes))):
            goes.remove(client)
            crowd.node.peer_lost(crowd.node._live[client.connection_id])
        crowd.clock.advance(1)
        await crowd.opened(1)
    assert len(told) == len(set(told))
    assert set(ids(stays)) <= set(told)


async def test_filters(crowd: Crowd) -> None:
    early = await crowd.opened(2)
    crowd.clock.advance(10)
    late = await crowd.opened(1)
    for client in (early[1], late[0]):
        crowd.node.answer(OWNER, JoinGroup(API, client.connection_id, DEV.stage, "room"))
    before = replace(DEV, before_ms=crowd.clock.wall_ms)
    room = replace(DEV, group="room")
    found = {
        "before": await listed(crowd, 10, audience=before),
        "room": await listed(crowd, 10, audience=room),
        "room before": await listed(crowd, 10, audience=replace(room, before_ms=crowd.clock.wall_ms)),
        "but": await listed(crowd, 10, audience=replace(DEV, but=frozenset(ids(late)))),
        "empty": await listed(crowd, 10, audience=replace(DEV, group="empty")),
    }
    told = {name: {entry.connection_id for entry in page.entries} for name, page in found.items()}
    assert told == {
        "before": set(ids(early)),
        "room": {early[1].connection_id, late[0].connection_id},
        "room before": {early[1].connection_id},
        "but": set(ids(early)),
        "empty": set(),
    }


async def test_who_is_closing_is_not_connected(crowd: Crowd) -> None:
    one, other = await crowd.opened(2)
    crowd.node.violated(crowd.node._live[one.connection_id], 1002, "wrong")
    assert [entry.connection_id for entry in (await listed(crowd, 10)).entries] == [other.connection_id]


async def test_a_page_that_would_not_fit_into_one_hop_is_shorter(crowd: Crowd) -> None:
    clients = await crowd.opened(6, headers=(("User-Agent", "☃" * 1024),))
    for client in clients:
        for number in range(100):
            request = JoinGroup(API, client.connection_id, DEV.stage, f"{number:03}" + "\U0001f600" * 125)
            assert crowd.node.answer(OWNER, request) is Outcome.DONE
    pages = [page async for page in walk(crowd, MAX_LISTED)]
    assert len(pages) > 1
    assert sorted(entry.connection_id for page in pages for entry in page.entries) == sorted(ids(clients))
    sizes = [len(answer_frame(1, page)) for page in pages]
    assert max(sizes) > MAX_LISTED_BYTES, "otherwise it would have been too careful"
    assert max(sizes) < MAX_BATCH_BYTES


async def test_of_many_the_first_are_listed(crowd: Crowd) -> None:
    clients = await crowd.opened(500)
    expected = sorted(ids(clients))
    page = await listed(crowd, 10)
    assert page.count == 500
    assert [entry.connection_id for entry in page.entries] == expected[:10]
    rest = await listed(crowd, 100, page.entries[-1].position)
    assert rest.count == 490
    assert [entry.connection_id for entry in rest.entries] == expected[10:110]


async def test_another_nodes_and_a_fenced_nodes(crowd: Crowd) -> None:
    await crowd.opened(1)
    request = ListConnections(DEV, 1)
    assert await Listings(crowd.node).answer(NodeNumber(99), request) is Outcome.UNREACHABLE
    crowd.tenure.begin(OWNER, 0)
    assert await Listings(crowd.node).answer(OWNER, request) is Outcome.FENCED


async def test_only_so_many_wait_for_their_turn(crowd: Crowd) -> None:
    await crowd.opened(1)
    listings = Listings(crowd.node)
    async with listings._turn:  # somebody's takes long
        loop = asyncio.get_running_loop()
        request = ListConnections(DEV, 0)
        calls = [loop.create_task(listings.answer(OWNER, request)) for _ in range(MAX_WAITING + 1)]
        await until_idle(lambda: calls[-1].done())
    assert await asyncio.gather(*calls) == [Listing(1)] * MAX_WAITING + [Outcome.LIMITED]
    assert await listings.answer(OWNER, request) == Listing(1)


async def test_others_do_not_wait_for_a_list(crowd: Crowd) -> None:
    await crowd.opened(400)

    class Slow(Audience):
        __slots__ = ()

        def admits(self, connection: object) -> bool:
            end = time.monotonic() + 0.0005
            while time.monotonic() < end:
                pass
            return True

    listings = Listings(crowd.node)
    request = ListConnections(Slow(API, DEV.stage), 400)
    running = asyncio.get_running_loop().create_task(listings.answer(OWNER, request))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 5, "it was done at one stretch"
    answer = running.result()
    assert isinstance(answer, Listing)
    assert (answer.count, len(answer.entries)) == (400, 400)
