"""What stands on the other side of the socket shells in tests: the ports' contracts kept, everything recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ConnectionId, FunctionName, RequestId
from gateway.model.limits import AWS, Limits
from gateway.model.now import Now
from gateway.ports import Socket
from gateway.server.listener import FrontDoor

DEADLINE_S = 10.0
QUICK = Limits(head_timeout_ms=300, close_timeout_ms=300)


class RealClock:
    def now(self) -> Now:
        return Now(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


async def until(condition: Callable[[], object]) -> None:
    """Wait for other callbacks of the loop, and fail when the condition does not come to hold."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.001)


@dataclass(eq=False)
class Conversation:
    """One client as the node sees it; ``heard`` holds what the shell told about it, in order."""

    socket: Socket
    handshake: Handshake
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    async def hears(self, *event: Any) -> None:
        await until(lambda: event in self.heard)

    async def ends(self) -> None:
        await until(lambda: self.heard and self.heard[-1][0] in ("peer_closed", "peer_lost"))


class Conversations:
    """A node that records. ``on_handshake`` answers the upgrade (accepts unless told otherwise), ``on_message`` a
    text; a violation and a binary message are answered as the real node does."""

    def __init__(self) -> None:
        self.all: list[Conversation] = []
        self.on_handshake: Callable[[Socket], None] = lambda socket: socket.accept(None)
        self.on_message: Callable[[Socket, str], None] = lambda socket, text: None
        self.refuses = False

    async def first(self) -> Conversation:
        await until(lambda: self.all)
        return self.all[0]

    def refuse_all(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.on_handshake = lambda socket: socket.refuse(status, headers, body)
        self.refuses = True

    def echo(self) -> None:
        self.on_message = lambda socket, text: socket.send_text(text.encode())

    def hold(self) -> None:
        """Decide nothing: the test will."""
        self.on_handshake = lambda socket: None

    def handshake(self, socket: Socket, handshake: Handshake) -> Conversation | None:
        conversation = Conversation(socket, handshake)
        self.all.append(conversation)
        self.on_handshake(socket)
        return None if self.refuses else conversation

    def message(self, conversation: Conversation, text: str) -> None:
        conversation.heard.append(("message", text))
        self.on_message(conversation.socket, text)

    def binary(self, conversation: Conversation, data: bytes) -> None:
        conversation.heard.append(("binary", data))
        conversation.socket.close(1003, "Binary is not supported")

    def violated(self, conversation: Conversation, code: int, reason: str) -> None:
        conversation.heard.append(("violated", code, reason))
        conversation.socket.close(code, reason)

    def peer_closed(self, conversation: Conversation, code: int | None, reason: str) -> None:
        conversation.heard.append(("peer_closed", code, reason))

    def peer_lost(self, conversation: Conversation) -> None:
        conversation.heard.append(("peer_lost",))


class Service:
    """An HTTP service that answers with ``answer`` and keeps what it was asked; ``error`` is raised instead."""

    def __init__(self, max_body_bytes: int = 1_000) -> None:
        self.max_body_bytes = max_body_bytes
        self.asked: list[HttpRequest] = []
        self.answer = HttpResponse(200, (("content-type", "text/plain"),), b"hello")
        self.error: Exception | None = None
        self.release: asyncio.Event | None = None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if self.release is not None:
            await self.release.wait()
        if self.error is not None:
            raise self.error
        return self.answer

    def too_large(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        return HttpResponse(413)


class Reports:
    """A ``Reporter`` that keeps what went wrong."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection, code: int, reason: str) -> None: ...

    def refused(self, connection_id: ConnectionId, status: int, why: str) -> None: ...

    def invocation_failed(
        self, function_name: FunctionName, connection_id: ConnectionId, request_id: RequestId, why: str
    ) -> None: ...

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None:
        self.failures.append(text)


@dataclass(frozen=True)
class Served:
    door: FrontDoor[Conversation]
    conversations: Conversations
    service: Service
    reports: Reports
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/prod"


@asynccontextmanager
async def serving(limits: Limits = AWS) -> AsyncIterator[Served]:
    """A plain front door on a free port of 127.0.0.1."""
    conversations, service, reports = Conversations(), Service(), Reports()
    door = FrontDoor(conversations, service, RealClock(), reports, limits)
    try:
        port = await door.open("127.0.0.1", 0)
        yield Served(door, conversations, service, reports, port)
    finally:
        await door.close()
