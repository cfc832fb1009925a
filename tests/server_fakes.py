"""What stands on the other side of the socket shells in tests: the ports' contracts kept, everything recorded."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ConnectionId, RequestId
from gateway.model.limits import AWS, Limits
from gateway.model.now import Now
from gateway.ports import HttpService, Socket
from gateway.server.conduct import Conduct
from gateway.server.listener import FrontDoor, bind
from gateway.server.lot import CAN_PARK, READ
from gateway.server.parked_stream import ParkedStream
from gateway.server.stream import WebSocketStream

DEADLINE_S = 10.0
QUICK = Limits(head_timeout_ms=300, close_timeout_ms=300)


class RealClock:
    def now(self) -> Now:
        return Now(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


async def until(condition: Callable[[], object]) -> None:
    """Wait for other callbacks of the loop, and fail when the condition does not come to hold."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - the condition is any expression, nothing could set an event for it
            await asyncio.sleep(0.001)


def is_reading(socket: Socket) -> bool:
    """Whether the shell takes what the client sends."""
    if isinstance(socket, ParkedStream):
        return bool(socket.wants & READ)
    assert isinstance(socket, WebSocketStream)
    return socket._transport.is_reading()


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
    """An HTTP service that answers with ``answer`` and keeps what it was asked; ``error`` is raised instead. One that
    waited for ``release`` and was not cancelled calls ``ended``."""

    def __init__(self, max_body_bytes: int = 1_000) -> None:
        self.max_body_bytes = max_body_bytes
        self.asked: list[HttpRequest] = []
        self.answer = HttpResponse(200, (("content-type", "text/plain"),), b"hello")
        self.error: Exception | None = None
        self.release: asyncio.Event | None = None
        self.ended: Callable[[], object] = lambda: None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if self.release is not None:
            await self.release.wait()
            self.ended()
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

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None: ...

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None: ...

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None:
        self.failures.append(text)


@dataclass(frozen=True)
class Served:
    """``trust`` is the client's context when the door speaks TLS."""

    door: FrontDoor[Conversation]
    conversations: Conversations
    service: Service
    reports: Reports
    port: int
    trust: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"{'ws' if self.trust is None else 'wss'}://127.0.0.1:{self.port}/prod"

    @property
    def shells(self) -> int:
        """How many sockets the door still reads itself."""
        return len(self.door)


Serving = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def serving(
    limits: Limits = AWS,
    *,
    tls: bool = False,
    parks: bool = CAN_PARK,
    service: HttpService | None = None,
    proxied: bool = False,
    **conduct: Any,
) -> AsyncIterator[Served]:
    """A front door on a free port of 127.0.0.1; ``conduct`` holds fields of ``Conduct``, ``service`` stands in for the
    recording one, ``proxied`` has connections of those that are trusted begin with a PROXY header."""
    conversations, recording, reports = Conversations(), Service(), Reports()
    door = FrontDoor(conversations, service or recording, RealClock(), reports, limits, Conduct(parks=parks, **conduct))
    server, client = tls_contexts() if tls else (None, None)
    try:
        bound = await bind("127.0.0.1", 0)
        await door.serve(bound, server, proxied=proxied)
        yield Served(door, conversations, recording, reports, bound.port, client)
    finally:
        await door.close()


@cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context around a certificate made for this run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file.name)
    return server, ssl.create_default_context(cadata=pem.decode())
