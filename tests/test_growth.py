"""Lives of connections through the node, one behind the other in crowds: what is left of them is nothing at all.

Objects are counted, not bytes: what is left by one life in a hundred shows in thousands.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter

from gateway.calls import Outside
from gateway.model.limits import Limits
from gateway.model.peer import DeleteIt, Outcome, PostTo
from gateway.node import Node
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
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
from sample_definitions import directory, handshake, route

CROWD = 100
CROWDS = 20
ENDS = 5  # kinds of ends, which take turns
SLACK = 40  # objects of the interpreter's and the loop's own; one left by each crowd's kind of end would be more
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
        routes = directory(route("$connect"), route("$disconnect"), route("$default", two_way=True))
        self.node = Node(alone(self.clock), routes, outside, Limits(), lambda: None)
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
        self.clock.advance(Limits().idle_timeout_ms + 2_000)
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
    for _ in range(4):
        await world.crowd()
    counted()
    objects, blocks = counted()
    for _ in range(CROWDS):
        await world.crowd()
    objects_after, blocks_after = counted()
    assert sum(objects_after.values()) - sum(objects.values()) <= SLACK, objects_after - objects
    assert blocks_after - blocks <= 10 * SLACK
