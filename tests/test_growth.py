"""Lives of connections through the node, one behind the other in crowds: what is left of them is nothing at all.

Objects are counted, not bytes: what is left by one life in a hundred shows in thousands.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from gateway.calls import Outside
from gateway.crowds import Crowds
from gateway.management import IdCheck, ManagementApi
from gateway.model.limits import AWS, IDLE_TIMEOUT_MS, Limits
from gateway.model.peer import DeleteIt, Outcome, PostTo
from gateway.node import Node
from gateway.reach import LocalReach
from gateway.registry.memory import MemoryRegistry
from gateway.server.conduct import Conduct
from gateway.server.listener import FrontDoor
from node_doubles import (
    KEY,
    OK,
    OWNER,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
    returning,
)
from process_watch import LINUX
from raw_client import RawClient, raw_client
from sample_definitions import directory, handshake, route
from server_fakes import RealClock, Reports, tls_contexts, until
from wire_frames import client_frame

CROWD = 100
CROWDS = 20
WARM = 8
ENDS = 5  # kinds of ends, which take turns
SLACK = 40  # objects of the interpreter's and the loop's own; one left by each crowd's kind of end would be more
BLOCKS = 800  # likewise, of no type: caches of other tests of this process come to 450; one by each life is 2,000
WITHIN_S = 60.0
ASKED = handshake()


class World:
    """A node whose doubles forget what they were told."""

    def __init__(self) -> None:
        self.functions = ScriptedFunctions(
            connect=OK, disconnect=OK, default=returning({"statusCode": 200, "body": "yo"})
        )
        self.registry, self.clock, self.reporter = MemoryRegistry(), ManualClock(), RecordingReporter()
        outside = Outside(backends(self.functions), self.registry, self.clock, CountingIds(), self.reporter)
        routes = directory(
            route("$connect"), route("$disconnect"), route("$default", two_way=True), stages=("dev", "prod")
        )
        self.node = Node(alone(self.clock), routes, outside, Limits(), lambda: None)
        self.api = ManagementApi(self.node, LocalReach(Crowds(self.node)), IdCheck(KEY), CountingIds())
        self.api_id = routes.deployments[0].endpoint.api.api_id

    async def settled(self) -> None:
        assert await self.node._tasks.settle(WITHIN_S) == 0

    async def crowd(self) -> None:
        """Everybody comes, says something, is told something, and goes in one of five ways."""
        guests = []
        for number in range(CROWD):
            socket = FakeSocket()
            guests.append((number % ENDS, socket, self.node.handshake(socket, ASKED)))
        await self.settled()
        assert self.node.open_connections == CROWD
        for way, socket, conversation in guests:
            assert conversation is not None
            self.node.message(conversation, '{"action":"anything"}')
            connection_id = conversation.connection.connection_id
            assert self.node.answer(OWNER, PostTo(self.api_id, connection_id, b"post")) is Outcome.DONE
            if way == 0:
                self.node.peer_lost(conversation)  # before its answer
            elif way == 1:
                self.node.peer_closed(conversation, 1000, "bye")
            elif way == 2:
                self.node.binary(conversation, b"closed for it")
                self.node.peer_closed(conversation, 1003, "")
            elif way == 3:
                self.node.answer(OWNER, DeleteIt(self.api_id, connection_id))
                self.node.peer_lost(conversation)
            assert socket.is_open
        await self.settled()
        self.clock.advance(IDLE_TIMEOUT_MS + 2_000)
        self.node.tick(self.clock.monotonic_ms)  # those who only fell silent
        self.clock.advance(Limits().close_timeout_ms + 2_000)
        self.node.tick(self.clock.monotonic_ms)
        await self.settled()
        assert (self.node.open_connections, self.registry.records) == (0, ())
        assert len(self.functions.events("disconnect")) == CROWD
        self.functions.calls.clear()
        self.reporter.told.clear()


def counted() -> tuple[Counter[str], int]:
    """Objects by type, and blocks of memory in all."""
    gc.collect()
    found = Counter(type(each).__name__ for each in gc.get_objects())
    return found, sys.getallocatedblocks()


async def test_thousands_of_lives_leave_no_object_behind() -> None:
    world = World()
    for _ in range(WARM):
        await world.crowd()
        objects, blocks = counted()  # which keeps something too, so it is done as often before as behind
    for _ in range(CROWDS):
        await world.crowd()
    objects_after, blocks_after = counted()
    assert sum(objects_after.values()) - sum(objects.values()) <= SLACK, objects_after - objects
    assert blocks_after - blocks <= BLOCKS


# -- the same over real sockets, by both shells ------------------------------------------------------------------------

TEXT, CLOSE = 1, 8
SIGNED = "Authorization: AWS4-HMAC-SHA256 Credential=x/y, SignedHeaders=host, Signature=00"
NONSENSE = (b"no request\r\n\r\n", b"GET /prod HTTP/1.1\r\nHost: ", b"")


@dataclass(frozen=True)
class Counts:
    """Of this process, of its loop, and of the node and its door."""

    descriptors: int
    threads: int
    tasks: int
    open_connections: int
    sockets: int
    deadlines: int


class Place:
    """A node behind a front door."""

    def __init__(self, door: FrontDoor[object], world: World, port: int, secure: bool) -> None:
        self.world, self.port = world, port
        self._door = door
        self._trust = tls_contexts()[1] if secure else None

    def counts(self) -> Counts:
        gc.collect()
        return Counts(
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            open_connections=self.world.node.open_connections,
            sockets=len(self._door),
            deadlines=len(self._door._door._wheel) + len(self.world.node._deadlines),
        )

    async def round(self) -> None:
        """Everybody at once: those who talk and leave in one of four ways, and strangers."""
        await asyncio.gather(
            *(self._life(leave) for leave in (None, RawClient.leave, RawClient.reset, RawClient.end) * 5),
            *(self._nonsense(data, leave) for data in NONSENSE for leave in (RawClient.leave, RawClient.reset)),
        )
        await self.world.settled()
        self.world.functions.calls.clear()
        self.world.reporter.told.clear()

    async def _life(self, leave: Callable[[RawClient], None] | None) -> None:
        async with raw_client(self.port, self._trust) as client:
            await client.open()
            await client.send(client_frame(TEXT, b"hello"))
            assert await client.read(4) == b"\x81\x02yo"
            connection_id = self.world.registry.records[-1].connection_id
            async with raw_client(self.port, self._trust) as poster:
                path = f"/prod/@connections/{quote(connection_id)}"
                await poster.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n\r\n".encode())
                assert (await poster.head()).startswith((b"HTTP/1.1 200", b"HTTP/1.1 410"))
            if leave is None:
                await client.send(client_frame(CLOSE))
                assert await client.rest() == b"\x88\x00"
            else:
                leave(client)

    async def _nonsense(self, data: bytes, leave: Callable[[RawClient], None]) -> None:
        async with raw_client(self.port, self._trust) as client:
            await client.send(data)
            leave(client)


@asynccontextmanager
async def placed(shell: str) -> AsyncIterator[Place]:
    world = World()
    secure = "tls" in shell
    door = FrontDoor(world.node, world.api, RealClock(), Reports(), AWS, Conduct(parks="parked" in shell))
    try:
        yield Place(door, world, await door.open("127.0.0.1", 0, tls_contexts()[0] if secure else None), secure)  # type: ignore[arg-type]
    finally:
        await world.node.stop(0.1)
        await door.close()


@pytest.mark.skipif(not LINUX, reason="descriptors are counted as on Linux")
@pytest.mark.parametrize("shell", ["parked", "transport", "parked tls", "transport tls"])
async def test_every_count_is_as_before_when_everybody_has_gone(shell: str) -> None:
    async with placed(shell) as place:
        await place.round()
        before = place.counts()
        for _ in range(3):
            await place.round()
        await until(lambda: place.counts() == before)
        assert (before.open_connections, before.deadlines) == (0, 0)
