"""Opening a connection takes a bounded time."""

from __future__ import annotations

import asyncio
import socket

from gateway.peers.asking import AskingSide
from gateway.peers.awaited import Awaited
from gateway.peers.dialer import Dialer
from peer_doubles import DEADLINE_S, KEY, MACHINE, member


class Caller:
    """Who dials."""

    def __init__(self) -> None:
        self.awaited = Awaited()
        self.told: list[str] = []

    def lost(self, side: AskingSide) -> None: ...

    def warned(self, text: str) -> None:
        self.told.append(text)


async def test_a_node_that_does_not_take_connections_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address = listening.getsockname()
        fillers = [socket.socket() for _ in range(4)]  # after these the kernel lets the next one wait
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(address)
        caller = Caller()
        async with asyncio.timeout(DEADLINE_S):
            dialed = Dialer(KEY, MACHINE, timeout_s=0.05).dial(member(address=f"127.0.0.1:{address[1]}"), caller)
            assert await dialed is None
        assert caller.told == []
        for each in fillers:
            each.close()


async def test_without_a_way_there_is_no_connection() -> None:
    assert await Dialer(KEY, MACHINE).dial(member(), Caller()) is None
