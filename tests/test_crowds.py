"""Many connections of one node at once: each gets its outcome, in order, and nobody else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from answers import answered
from crowd import API, KEY, OWNER, Crowd
from gateway.crowds import MAX_WAITING
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, connection_id
from gateway.model.peer import GetInfo, Outcome, Outcomes, PeerAnswer, PostToMany
from node_doubles import until_idle

ABSENT = connection_id(OWNER, b"absent", KEY)


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    made = Crowd()
    yield made
    await made.close()


async def post(crowd: Crowd, *targets: ConnectionId, data: bytes = b"hi", api_id: ApiId = API) -> PeerAnswer:
    return await answered(crowd.crowds.answer(OWNER, PostToMany(api_id, targets, data)))


async def test_each_has_its_outcome(crowd: Crowd) -> None:
    well, slow, closing = await crowd.opened(3)
    slow.socket.buffered = 199_999
    await answered(crowd.crowds.answer(OWNER, PostToMany(API, (), b"")))
    crowd.node.violated(conversation_of(crowd, closing.connection_id), 1002, "wrong")
    targets = (closing.connection_id, well.connection_id, ABSENT, slow.connection_id)
    wanted = (Outcome.GONE, Outcome.DONE, Outcome.GONE, Outcome.LIMITED)
    assert await post(crowd, *targets) == Outcomes(wanted)
    assert (well.socket.sent, slow.socket.sent, closing.socket.sent) == ([b"hi"], [], [])
    assert crowd.counters.posts == 2


def conversation_of(crowd: Crowd, connection_id: ConnectionId) -> object:
    return crowd.node._live[connection_id]


async def test_it_keeps_a_connection_from_being_idle(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    crowd.clock.advance(60_000)
    before = crowd.clock.wall_ms
    await post(crowd, client.connection_id)
    info = await answered(crowd.crowds.answer(OWNER, GetInfo(API, client.connection_id)))
    assert not isinstance(info, Outcome | Outcomes)
    assert info.last_active_at_ms == before


async def test_another_api_and_another_node(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    assert await post(crowd, client.connection_id, api_id=ApiId("zzzzzzzzzz")) == Outcomes((Outcome.GONE,))
    stranger = crowd.crowds.answer(NodeNumber(99), PostToMany(API, (client.connection_id,), b"x"))
    assert await answered(stranger) == Outcomes((Outcome.UNREACHABLE,))


async def test_what_is_no_text_is_replaced_as_in_a_post(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    await post(crowd, client.connection_id, data=b"\xff")
    assert client.socket.sent == ["\ufffd".encode()]


async def test_two_messages_leave_in_the_order_of_their_calls(crowd: Crowd) -> None:
    clients = await crowd.opened(300)
    targets = tuple(client.connection_id for client in clients)
    calls = [crowd.crowds.answer(OWNER, PostToMany(API, targets, data)) for data in (b"1", b"2", b"3")]
    await asyncio.gather(*(answered(call) for call in calls))
    assert all(client.socket.sent == [b"1", b"2", b"3"] for client in clients)


async def test_a_queue_that_is_full_is_limited(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    async with crowd.crowds._turn:  # somebody's takes long
        loop = asyncio.get_running_loop()
        calls = [loop.create_task(post(crowd, client.connection_id)) for _ in range(MAX_WAITING + 1)]
        await until_idle(lambda: calls[-1].done())
    answers = await asyncio.gather(*calls)
    assert answers == [Outcomes((Outcome.DONE,))] * MAX_WAITING + [Outcome.LIMITED]
    assert await post(crowd, client.connection_id) == Outcomes((Outcome.DONE,))


async def test_a_call_that_is_given_up_lets_the_next_have_its_turn(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    given_up = asyncio.get_running_loop().create_task(post(crowd, client.connection_id))
    given_up.cancel()
    assert await post(crowd, client.connection_id, data=b"next") == Outcomes((Outcome.DONE,))
    assert client.socket.sent == [b"next"]
