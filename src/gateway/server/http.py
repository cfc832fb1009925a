"""HTTP on aiohttp, and the only place that knows it: hosts services that are written without a framework.

Responses carry the service's headers, ``Date``, ``Content-Length`` and ``Connection``, nothing else: they are written
by ``wire.http``, aiohttp reads requests and keeps connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import HttpVersion11, web

from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import MAX_HEAD_BYTES, MAX_HEAD_COUNT
from gateway.server.conduct import Conduct
from gateway.server.desk import INTERNAL_SERVER_ERROR, Desk
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer, refusal, wants_upgrade
from gateway.wire.http import RequestHead, response, split_target

Upgrade = Callable[[asyncio.Transport, tuple[Peer, RequestHead]], None]

BAD_REQUEST: Final = refusal(400, "Bad Request")
REQUEST_TIMEOUT: Final = refusal(408, "Request Timeout")
EXPECTATION_FAILED: Final = refusal(417, "Expectation Failed")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_SOON_S: Final = 0.01  # aiohttp takes 0 for "wait as long as it takes"


class HttpHost:
    """Serves one service on any number of connections. To be made inside a running loop.

    ``upgrade`` gets the transport of a connection whose *later* request is a WebSocket handshake: proxies send one
    on a connection that served plain requests before. None: such a request goes to the service like any other.
    """

    def __init__(self, desk: Desk, conduct: Conduct, upgrade: Upgrade | None = None) -> None:
        self._desk = desk
        self._upgrade = upgrade
        self._trusted = conduct.trusted
        self._body_timeout_s = conduct.body_timeout_ms / 1000
        self._server = _Server(
            self._serve,
            desk,
            conduct.holds,
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
        if self._upgrade is not None:
            head = _head(request)
            if wants_upgrade(head):
                return _HandOver(self._upgrade, head)
        answer, keep_alive = await self._answer(request)
        data = response(answer, self._desk.wall_ms(), keep_alive=keep_alive, with_body=request.method != "HEAD")
        return _Reply(data, keep_alive)

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
            return REQUEST_TIMEOUT, False
        except web.RequestPayloadError:
            return BAD_REQUEST, False
        return await self._call(request, body), keep_alive

    async def _call(self, request: web.BaseRequest, body: bytes | None) -> HttpResponse:
        """Ask the service; ``body`` is None when it was too large."""
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
    """A response that is bytes already."""

    def __init__(self, data: bytes, keep_alive: bool) -> None:
        super().__init__()
        self._data = data
        self._stay = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._stay

    async def prepare(self, request: web.BaseRequest) -> None:
        await request.writer.write(self._data)
        await request.writer.drain()

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

    def __init__(self, handler: Any, desk: Desk, holds: Callable[[], bool], **options: Any) -> None:
        super().__init__(handler, **options)
        self._desk = desk
        self._holds = holds
        self._options = options

    def handler_for(self, peer: Peer) -> _Handler:
        made = _Handler(self, self._desk, self._holds, **self._options)
        made.peer = peer
        return made


class _Handler(web.RequestHandler):
    """``peer`` made the connection; set once, before anything is read."""

    __slots__ = ("_desk", "_holds", "peer")

    def __init__(self, server: _Server, desk: Desk, holds: Callable[[], bool], **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._desk = desk
        self._holds = holds
        self.peer: Peer

    def data_received(self, data: bytes) -> None:
        if self._holds():
            super().data_received(data)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        answer = BAD_REQUEST if status < 500 else INTERNAL_SERVER_ERROR
        return _Reply(response(answer, self._desk.wall_ms(), keep_alive=False), False)
