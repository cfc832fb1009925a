"""HTTP on aiohttp, and the only place that knows it: hosts services that are written without a framework.

Responses carry the service's headers, ``Date``, ``Content-Length`` and ``Connection``, nothing else: they are written
by ``wire.http``, aiohttp reads requests and keeps connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import HttpVersion11, web

from gateway.counters import Counters, Limit
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import AWS, MAX_HEAD_BYTES, MAX_HEAD_COUNT, Limits
from gateway.server.conduct import Conduct
from gateway.server.desk import INTERNAL_SERVER_ERROR, Desk
from gateway.server.refusals import BAD_REQUEST, HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer, refusal, wants_upgrade
from gateway.wire.http import RequestHead, response, split_target

Upgrade = Callable[[asyncio.Transport, tuple[Peer, RequestHead]], None]
Farewell = Callable[[asyncio.Transport, bytes], None]

EXPECTATION_FAILED: Final = refusal(417, "Expectation Failed")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_LINE_BYTES: Final = len(": \r\n")  # of a header line beside name and value
_SOON_S: Final = 0.01  # aiohttp takes 0 for "wait as long as it takes"


class HttpHost:
    """Serves one service on any number of connections. To be made inside a running loop.

    ``upgrade`` gets the transport of a connection whose *later* request is a WebSocket handshake: proxies send one
    on a connection that served plain requests before. None: such a request goes to the service like any other.
    ``farewell`` says last words to a client that may still be sending; None: they may be lost on their way.
    """

    def __init__(
        self,
        desk: Desk,
        conduct: Conduct,
        upgrade: Upgrade | None = None,
        limits: Limits = AWS,
        farewell: Farewell | None = None,
    ) -> None:
        self._desk = desk
        self._upgrade = upgrade
        self._trusted = conduct.trusted
        self._body_timeout_s = conduct.body_timeout_ms / 1000
        self._counters = conduct.counters
        self._server = _Server(
            self._serve,
            desk,
            conduct,
            _HeadBounds(limits.head_timeout_ms / 1000, farewell),
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=conduct.keep_alive_ms / 1000,
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
            max_headers=MAX_HEAD_COUNT,
        )

    def protocol(self, peer: Peer) -> asyncio.Protocol:
        """The protocol of one connection, which ``peer`` has made."""
        return self._server.handler_for(peer)

    async def close(self, timeout_s: float) -> None:
        """Let running requests end for at most ``timeout_s`` and close every connection."""
        await self._server.shutdown(max(timeout_s, _SOON_S))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if _head_bytes(request) > MAX_HEAD_BYTES:
            self._counters.exceed(Limit.HEAD_BYTES)
            return self._reply(HEAD_TOO_LARGE, request, keep_alive=False)
        if self._upgrade is not None:
            head = _head(request)
            if wants_upgrade(head):
                return _HandOver(self._upgrade, head)
        answer, keep_alive = await self._answer(request)
        return self._reply(answer, request, keep_alive=keep_alive)

    def _reply(self, answer: HttpResponse, request: web.BaseRequest, *, keep_alive: bool) -> web.StreamResponse:
        data = response(answer, self._desk.wall_ms(), keep_alive=keep_alive, with_body=request.method != "HEAD")
        return _Reply(data, keep_alive, self._body_timeout_s, self._counters)

    async def _answer(self, request: web.BaseRequest) -> tuple[HttpResponse, bool]:
        """What to say, and whether the connection can be kept."""
        keep_alive = request.keep_alive
        limit = self._desk.max_body_bytes
        if (request.content_length or 0) > limit:
            # A client that waits to be told to continue may or may not send its body now: nobody could tell.
            return await self._call(request, None), keep_alive and "Expect" not in request.headers
        if "Expect" in request.headers and not await _continue(request):
            return EXPECTATION_FAILED, False
        try:
            async with asyncio.timeout(self._body_timeout_s):
                body = await _read_body(request, limit)
        except TimeoutError:
            self._counters.exceed(Limit.BODY_TIMEOUT)
            return REQUEST_TIMEOUT, False
        except web.RequestPayloadError:
            return BAD_REQUEST, False
        return await self._call(request, body), keep_alive

    async def _call(self, request: web.BaseRequest, body: bytes | None) -> HttpResponse:
        """Ask the service; ``body`` is None when it was too large."""
        if body is None:
            self._counters.exceed(Limit.BODY_BYTES)
        asked = _request(request, body or b"", client_of(_head(request), _peer(request), self._trusted))
        return self._desk.too_large(asked) if body is None else await self._desk.handle(asked)


def _head(request: web.BaseRequest) -> RequestHead:
    version = f"{request.version.major}.{request.version.minor}"
    return RequestHead(request.method, request.raw_path, version, _headers(request))


def _peer(request: web.BaseRequest) -> Peer:
    protocol = request.protocol
    assert isinstance(protocol, _Handler)
    return protocol.peer


def _headers(request: web.BaseRequest) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)


def _request(request: web.BaseRequest, body: bytes, client: Peer) -> HttpRequest:
    path, query = split_target(request.raw_path)
    return HttpRequest(
        method=request.method,
        raw_path=path,
        query=query,
        headers=_headers(request),
        body=body,
        source_ip=client.source_ip,
        host=request.headers.get("Host", ""),
        secure=client.secure,
    )


def _head_bytes(request: web.BaseRequest) -> int:
    lines = sum(len(name) + len(value) + _LINE_BYTES for name, value in request.raw_headers)
    return len(request.method) + len(request.raw_path) + len("  HTTP/1.1\r\n") + lines + len("\r\n")


async def _continue(request: web.BaseRequest) -> bool:
    """Tell a waiting client to send its body; False when it expects something else."""
    if request.version < HttpVersion11:
        return True  # RFC 9110 §10.1.1: ignored there
    if request.headers["Expect"].lower() != "100-continue":
        return False
    await request.writer.write(_CONTINUE)
    return True


async def _read_body(request: web.BaseRequest, limit: int) -> bytes | None:
    """The whole body, None as soon as it is longer than ``limit``."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)


class _Reply(web.StreamResponse):
    """A response that is bytes already. A client that does not take it within ``within_s`` loses its connection."""

    def __init__(self, data: bytes, keep_alive: bool, within_s: float, counters: Counters) -> None:
        super().__init__()
        self._data = data
        self._stay = keep_alive
        self._within_s = within_s
        self._counters = counters

    @property
    def keep_alive(self) -> bool:
        return self._stay

    async def prepare(self, request: web.BaseRequest) -> None:
        try:
            async with asyncio.timeout(self._within_s):
                await request.writer.write(self._data)
                await request.writer.drain()
        except TimeoutError:
            self._counters.exceed(Limit.UNREAD_ANSWER)
            if request.transport is not None:
                request.transport.abort()

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything was written by ``prepare``."""


class _HandOver(web.StreamResponse):
    """No response: aiohttp is told that its connection ended, and the transport goes on without it.

    Bytes a client sent behind this head, before any 101, are lost with it. Proxies, who alone get here, wait.
    """

    def __init__(self, upgrade: Upgrade, head: RequestHead) -> None:
        super().__init__()
        self._take_over = upgrade
        self._head = head

    async def prepare(self, request: web.BaseRequest) -> None:
        protocol, transport, peer = request.protocol, request.transport, _peer(request)
        if transport is not None:
            protocol.transport = None
            protocol.connection_lost(None)
            self._take_over(transport, (peer, self._head))

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write to."""


class _Server(web.Server):
    """aiohttp's, with error answers of ours: its own tell its name and version."""

    def __init__(self, handler: Any, desk: Desk, conduct: Conduct, bounds: _HeadBounds, **options: Any) -> None:
        super().__init__(handler, **options)
        self._desk = desk
        self._conduct = conduct
        self._bounds = bounds
        self._options = options

    def handler_for(self, peer: Peer) -> _Handler:
        made = _Handler(self, self._desk, self._conduct, self._bounds, **self._options)
        made.peer = peer
        return made


@dataclass(frozen=True, slots=True)
class _HeadBounds:
    timeout_s: float
    farewell: Farewell | None


class _Handler(web.RequestHandler):
    """aiohttp's, with bounds on the time and the size of a head that is not the first, which it has not. ``peer`` made
    the connection; set once, before anything is read.

    ``_head_bytes`` have come of a head that is incomplete, against ``_deadline`` (None outside a head).
    """

    __slots__ = ("_bounds", "_counters", "_deadline", "_desk", "_head_bytes", "_holds", "peer")

    def __init__(self, server: _Server, desk: Desk, conduct: Conduct, bounds: _HeadBounds, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._desk = desk
        self.peer: Peer
        self._holds = conduct.holds
        self._counters = conduct.counters
        self._bounds = bounds
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._deadline = self._loop.call_later(self._bounds.timeout_s, self._late)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._holds():
            return
        super().data_received(data)
        if self._messages or self._current_request is not None:
            self._head_came()
        elif self._head_bytes or data.strip(b"\r\n"):  # empty lines behind a request are nothing at all
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up(HEAD_TOO_LARGE, Limit.HEAD_BYTES)
            elif self._deadline is None:
                self._deadline = self._loop.call_later(self._bounds.timeout_s, self._late)

    def _head_came(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self._give_up(REQUEST_TIMEOUT if self._head_bytes else None, Limit.HEAD_TIMEOUT)

    def _give_up(self, answer: HttpResponse | None, limit: Limit) -> None:
        """End the connection; None: without a word, whoever said nothing was asking for nothing."""
        self._head_came()
        self._counters.exceed(limit)
        transport, self.transport = self.transport, None
        self.force_close()
        if transport is None:
            return
        last_words = b"" if answer is None else response(answer, self._desk.wall_ms(), keep_alive=False)
        if self._bounds.farewell is not None and last_words:
            self.connection_lost(None)
            self._bounds.farewell(transport, last_words)
        else:
            transport.write(last_words)
            transport.close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        answer = BAD_REQUEST if status < 500 else INTERNAL_SERVER_ERROR
        data = response(answer, self._desk.wall_ms(), keep_alive=False)
        return _Reply(data, False, self._bounds.timeout_s, self._counters)
