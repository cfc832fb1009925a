"""Opens connections to other nodes and makes sure that they are of this fleet."""

from __future__ import annotations

import asyncio
import os
from typing import Final, Protocol

from gateway.model.member import Member
from gateway.peers.asking import AskingSide
from gateway.peers.awaited import Awaited
from gateway.peers.bounds import DIAL_TIMEOUT_S
from gateway.peers.greeting import NONCE_BYTES, Greeting
from gateway.peers.ways import UnixWay, Way, ways_to

# Beside OSError: a host name that is none, a path with a zero byte in it.
_UNREACHABLE: Final = (OSError, UnicodeError, ValueError)


class Caller(Protocol):
    """Who wants the connection."""

    @property
    def awaited(self) -> Awaited: ...

    def lost(self, side: AskingSide) -> None:
        """A connection is no more; perhaps one that was never returned."""

    def warned(self, text: str) -> None:
        """The node is not of this fleet."""


class Dialer:
    """``key`` is the fleet's, 1 to 64 bytes; ``machine`` is the identity of this one; ``timeout_s`` is for each way."""

    def __init__(self, key: bytes, machine: str, timeout_s: float = DIAL_TIMEOUT_S) -> None:
        self._key = key
        self._machine = machine
        self._timeout_s = timeout_s

    async def dial(self, member: Member, caller: Caller) -> AskingSide | None:
        """A connection on which the node has shown the fleet's key; None when there is none to be had."""
        for way in ways_to(member, self._machine):
            side = AskingSide(Greeting(self._key, os.urandom(NONCE_BYTES), asks=True), caller.awaited, caller.lost)
            if await self._greeted(way, side):
                return side
            if side.why is not None:
                caller.warned(f"node {int(member.number)} at {way} cannot be asked: {side.why}")
        return None

    async def _greeted(self, way: Way, side: AskingSide) -> bool:
        greeted = False
        try:
            async with asyncio.timeout(self._timeout_s):
                await _connect(way, side)
                greeted = await side.greeted
        except _UNREACHABLE:
            pass
        finally:
            if not greeted:
                side.drop()
        return greeted


async def _connect(way: Way, side: AskingSide) -> None:
    loop = asyncio.get_running_loop()
    if isinstance(way, UnixWay):
        await loop.create_unix_connection(lambda: side, way.path)
    else:
        await loop.create_connection(lambda: side, way.host, way.port)
