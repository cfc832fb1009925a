"""The fence: whatever a socket brings is dropped once its owner no longer holds what it serves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gateway.ports import Socket
from raw_client import HANDSHAKE, raw_client
from server_fakes import Serving, until
from wire_frames import client_frame

POST = b"POST /prod/@connections/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Fence:
    def __init__(self) -> None:
        self.is_down = True
        self.asked = 0

    def holds(self) -> bool:
        self.asked += 1
        return self.is_down


@pytest.mark.parametrize("sent", [client_frame(9, b"ping"), client_frame(1, b"text"), client_frame(8)])
async def test_no_frame_is_acted_on_behind_the_fence(serving: Serving, sent: bytes) -> None:
    fence = Fence()
    async with serving(holds=fence.holds) as served, raw_client(served.port, served.trust) as client:
        await client.open()
        conversation = await served.conversations.first()
        fence.is_down, asked = False, fence.asked
        await client.send(sent)
        await until(lambda: fence.asked > asked)
        conversation.socket.abort()
        with suppress(ConnectionResetError):
            assert await client.rest() == b""
        assert conversation.heard == []


@pytest.mark.parametrize("first", [b"", POST, GET])
@pytest.mark.parametrize("sent", [HANDSHAKE, POST, GET])
async def test_no_request_is_acted_on_behind_the_fence(serving: Serving, first: bytes, sent: bytes) -> None:
    fence = Fence()
    async with serving(holds=fence.holds) as served, raw_client(served.port, served.trust) as client:
        if first:
            await client.send(first)
            await client.response()
        fence.is_down, asked, served_before = False, fence.asked, len(served.service.asked)
        await client.send(sent)
        await until(lambda: fence.asked > asked)
        await served.door.close()
        with suppress(ConnectionResetError):
            assert await client.rest() == b""
        assert len(served.service.asked) == served_before
        assert served.conversations.all == []


@pytest.mark.parametrize("end", ["leave", "reset", "end"])
async def test_nobody_is_told_of_an_end_behind_the_fence(serving: Serving, end: str) -> None:
    fence = Fence()
    async with serving(holds=fence.holds) as served, raw_client(served.port, served.trust) as client:
        await client.open()
        conversation = await served.conversations.first()
        fence.is_down, asked = False, fence.asked
        getattr(client, end)()
        await until(lambda: fence.asked > asked)
        await asyncio.sleep(0)
        conversation.socket.abort()
        assert conversation.heard == []


async def test_whoever_holds_the_fence_may_close_everything_from_inside(serving: Serving) -> None:
    fence, sockets = Fence(), list[Socket]()

    def holds() -> bool:
        if not fence.is_down:
            for each in sockets:
                each.abort()
        return fence.is_down

    async with (
        serving(holds=holds) as served,
        raw_client(served.port, served.trust) as one,
        raw_client(served.port, served.trust) as two,
    ):
        for client in (one, two):
            await client.open()
        await until(lambda: len(served.conversations.all) == 2)
        sockets += [conversation.socket for conversation in served.conversations.all]
        fence.is_down = False
        await one.send(client_frame(9))
        for client in (one, two):
            with suppress(ConnectionResetError):
                assert await client.rest() == b""
        await until(lambda: served.shells == 0)
        assert [conversation.heard for conversation in served.conversations.all] == [[], []]
