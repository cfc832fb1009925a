from __future__ import annotations

import asyncio

from gateway.model.limits import AWS
from gateway.server.door import Door
from gateway.server.stream import WebSocketStream
from raw_client import raw_client
from server_fakes import Conversations, RealClock, serving


async def test_a_stream_is_small() -> None:
    door = Door(Conversations(), RealClock(), AWS)
    stream = WebSocketStream(door, asyncio.Transport(), "key")
    assert not hasattr(stream, "__dict__")
    assert stream.__sizeof__() <= 128


async def test_a_plain_socket_has_a_transport_where_none_are_parked() -> None:
    async with serving(parks=False) as served, raw_client(served.port) as client:
        await client.open()
        assert isinstance((await served.conversations.first()).socket, WebSocketStream)
