"""One node with every port doubled and the management API in front of it, for tests that show the parity table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from answers import answered
from gateway.admission import Admission
from gateway.calls import Outside
from gateway.conversation import Conversation
from gateway.crowds import Crowds
from gateway.engine.directory import Directory
from gateway.management import IdCheck, ManagementApi
from gateway.model.definition import Definition
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ConnectionId
from gateway.model.invocation import FunctionResult
from gateway.model.limits import AWS, AWS_ACCOUNT, AccountLimits, Limits
from gateway.node import Node
from gateway.ports import FunctionCall
from gateway.reach import LocalReach
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
    KEY,
    OK,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    ScriptedServices,
    ScriptedUpstreams,
    alone,
    backends,
    until_idle,
)
from sample_definitions import handshake

SIGNED = (("Authorization", "AWS4-HMAC-SHA256 Credential=any, SignedHeaders=host, Signature=any"),)


class TimedFunctions(ScriptedFunctions):
    """Remembers how long each caller would have waited, in milliseconds."""

    def __init__(self) -> None:
        super().__init__(connect=OK, disconnect=OK, default=OK)
        self.waits: dict[str, int] = {}

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        self.waits[call.function_name] = call.wait_ms
        return await super().invoke(call)


@dataclass
class Client:
    """One client as the node's other side sees it."""

    world: World
    socket: FakeSocket
    conversation: Conversation
    connection_id: ConnectionId

    def say(self, text: str) -> None:
        self.world.node.message(self.conversation, text)

    async def heard(self, count: int = 1) -> list[bytes]:
        """What was sent to it, once it is so much."""
        await until_idle(lambda: len(self.socket.sent) >= count)
        return self.socket.sent

    def leave(self, code: int | None = 1000, reason: str = "") -> None:
        self.world.node.peer_closed(self.conversation, code, reason)


class World:
    """Functions ``connect``, ``disconnect`` and ``default`` answer 200, web servers and services too; the rest is the
    test's to script."""

    def __init__(self, definition: Definition, limits: Limits, account: AccountLimits) -> None:
        self.functions, self.upstreams, self.services = TimedFunctions(), ScriptedUpstreams(), ScriptedServices()
        self.registry, self.clock, self.reporter, ids = (
            MemoryRegistry(),
            ManualClock(),
            RecordingReporter(),
            CountingIds(),
        )
        called = backends(self.functions, self.upstreams, self.services)
        outside = Outside(called, self.registry, self.clock, ids, self.reporter, admission=Admission(account))
        self.node = Node(alone(self.clock), Directory(definition), outside, limits, lambda: None)
        self.api = ManagementApi(self.node, LocalReach(Crowds(self.node)), IdCheck(KEY), ids)

    async def open(self, **changes: Any) -> Client:
        """A client whose handshake was accepted; ``changes`` are of the sample's handshake."""
        before = {record.connection_id for record in self.registry.records}
        socket = FakeSocket()
        conversation = self.node.handshake(socket, handshake(**changes))
        await until_idle(lambda: socket.is_open)
        assert conversation is not None
        (connection_id,) = {record.connection_id for record in self.registry.records} - before
        return Client(self, socket, conversation, connection_id)

    async def refusal(self, **changes: Any) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a handshake that was refused."""
        socket = FakeSocket()
        self.node.handshake(socket, handshake(**changes))
        await until_idle(lambda: socket.refusal is not None)
        assert socket.refusal is not None
        return socket.refusal

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, host: str = "localhost:8080", query: str = ""
    ) -> HttpResponse:
        """A signed request of the management API."""
        return await answered(self.api.handle(HttpRequest(method, path, query, SIGNED, body, "127.0.0.1", host)))

    async def gone(self) -> None:
        """No connection is left, on record or alive."""
        await until_idle(lambda: not self.registry.records)

    def context(self, function: str) -> dict[str, Any]:
        """``requestContext`` of the last event that a function got."""
        found = self.functions.events(function)[-1]["requestContext"]
        assert isinstance(found, dict)
        return found


@asynccontextmanager
async def world(
    definition: Definition, limits: Limits = AWS, account: AccountLimits = AWS_ACCOUNT
) -> AsyncIterator[World]:
    made = World(definition, limits, account)
    try:
        yield made
    finally:
        await made.node.stop(0.1)
