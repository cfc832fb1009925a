"""HTTP on aiohttp, and the only place that knows it: hosts services that are written without a framework.

Responses carry the service's headers, ``Date``, ``Content-Length`` and ``Connection``, nothing else: they are written
by ``wire.http``, aiohttp reads requests and keeps connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.web_protocol import _ErrInfo

from gateway.counters import Counters, Limit
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import AWS, MAX_HEAD_BYTES, MAX_HEAD_COUNT, Limits
from gateway.server.conduct import Conduct
from gateway.server.desk import INTERNAL_SERVER_ERROR, Desk
from gateway.server.refusals import BAD_REQUEST, HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer, refusal, wants_upgrade
from gateway.wire.http import RequestHead, is_doubtful, response, split_target, tokens

Upgrade = Callable[[asyncio.Transport, tuple[Peer, RequestHead]], None]
Farewell = Callable[[asyncio.Transport, bytes], None]

EXPECTATION_FAILED: Final = refusal(417, "Expectation Failed")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_LINE_BYTES: Final = len(": \r\n")  # of a header line beside name and value
_END: Final = b"\r\n\r\n"
_SEAM: Final = len(_END) - 1
_MOST_APART: Final = 32  # cuts of one read; a body may be full of such ends
_SOON_S: Final = 0.01  # aiohttp takes 0 for "wait as long as it takes"


@dataclass(frozen=True, slots=True)
class _Terms:
    """``head_s``: within which a head has come; ``answer_s``: within which an answer has been taken. ``farewell`` is
    ``HttpHost``'s."""

    head_s: float
    answer_s: float
    farewell: Farewell | None
    counters: Counters


class HttpHost:
    """Serves one service on any number of connections. To be made inside a running loop.

    ``upgrade`` gets the transport of a connection whose *later* request is a WebSocket handshake: proxies send one
    on a connection that served plain requests before. None: such a request goes to the service like any other.
    ``farewell`` gets the transport of a connection whose last answer was written, or is given to it, and ends it
    without losing that answer. None: it is closed at once.
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
        self._terms = _Terms(limits.head_timeout_ms / 1000, self._body_timeout_s, farewell, conduct.counters)
        self._server = _Server(
            self._serve,
            partial(_Handler, desk=desk, holds=conduct.holds, terms=self._terms),
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
        head = _head(request)
        if _head_bytes(request) > MAX_HEAD_BYTES:
            self._terms.counters.exceed(Limit.HEAD_BYTES)
            return self._reply(HEAD_TOO_LARGE, False)
        if is_doubtful(head):
            return self._reply(BAD_REQUEST, False)
        if self._upgrade is not None and wants_upgrade(head):
            return _HandOver(self._upgrade, head)
        answer, keep_alive = await self._answer(request)
        return self._reply(answer, keep_alive and not _loses_track(head), with_body=request.method != "HEAD")

    def _reply(self, answer: HttpResponse, keep_alive: bool, with_body: bool = True) -> web.StreamResponse:
        data = response(answer, self._desk.wall_ms(), keep_alive=keep_alive, with_body=with_body)
        return _Reply(data, keep_alive, self._terms)

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
            self._terms.counters.exceed(Limit.BODY_TIMEOUT)
            return REQUEST_TIMEOUT, False
        except web.RequestPayloadError:
            return BAD_REQUEST, False
        return await self._call(request, body), keep_alive

    async def _call(self, request: web.BaseRequest, body: bytes | None) -> HttpResponse:
        """Ask the service; ``body`` is None when it was too large."""
        if body is None:
            self._terms.counters.exceed(Limit.BODY_BYTES)
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


def _loses_track(head: RequestHead) -> bool:
    """Whether aiohttp drops what it has read behind this request: it does where another protocol is asked for."""
    wanted = [value.lower() for value in head.values("upgrade")]
    return bool(wanted) and wanted != ["websocket"] and "upgrade" in map(str.lower, tokens(head.values("connection")))


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

    def __init__(self, data: bytes, keep_alive: bool, terms: _Terms) -> None:
        super().__init__()
        self._data = data
        self._stay = keep_alive
        self._terms = terms

    @property
    def keep_alive(self) -> bool:
        return self._stay

    async def prepare(self, request: web.BaseRequest) -> None:
        terms = self._terms
        try:
            async with asyncio.timeout(terms.answer_s):
                await request.writer.write(self._data)
                await request.writer.drain()
        except TimeoutError:
            terms.counters.exceed(Limit.UNREAD_ANSWER)
            if request.transport is not None:
                request.transport.abort()
            return
        if not self._stay and terms.farewell is not None:
            transport = _taken(request)
            if transport is not None:
                terms.farewell(transport, b"")

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything was written by ``prepare``."""


def _taken(request: web.BaseRequest) -> asyncio.Transport | None:
    """The transport of a request, of which aiohttp is told that it ended; None when it has."""
    protocol, transport = request.protocol, request.transport
    if transport is not None:
        protocol.transport = None
        protocol.connection_lost(None)
    return transport


class _HandOver(web.StreamResponse):
    """No response: aiohttp is told that its connection ended, and the transport goes on without it.

    Bytes a client sent behind this head, before any 101, are lost with it. Proxies, who alone get here, wait.
    """

    def __init__(self, upgrade: Upgrade, head: RequestHead) -> None:
        super().__init__()
        self._take_over = upgrade
        self._head = head

    async def prepare(self, request: web.BaseRequest) -> None:
        peer, transport = _peer(request), _taken(request)
        if transport is not None:
            self._take_over(transport, (peer, self._head))

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write to."""


def _heads_apart(before: bytes, data: bytes) -> list[bytes]:
    """``data`` cut behind whatever may be the end of a head, also of one that began in the bytes ``before``."""
    joined, start = before + data, len(before)
    pieces: list[bytes] = []
    end = joined.find(_END) + len(_END)
    while len(_END) <= end < len(joined) and len(pieces) < _MOST_APART:
        pieces.append(joined[start:end])
        start, end = end, joined.find(_END, end) + len(_END)
    return [*pieces, joined[start:]]


class _Server(web.Server):
    """aiohttp's, with protocols of ours."""

    def __init__(self, handler: Any, protocol: Callable[..., _Handler], **options: Any) -> None:
        super().__init__(handler, **options)
        self._protocol = partial(protocol, self, **options)

    def handler_for(self, peer: Peer) -> _Handler:
        made = self._protocol()
        made.peer = peer
        return made


class _Handler(web.RequestHandler):
    """aiohttp's, with error answers of ours, for its own tell its name and version, and with bounds on the time and the
    size of a head that is not the first, which it has not. ``peer`` made the connection; set once, before anything is
    read.

    ``_head_bytes`` have come of a head that is incomplete, against ``_deadline`` (None outside a head).
    """

    __slots__ = ("_before", "_body", "_deadline", "_desk", "_head_bytes", "_holds", "_terms", "peer")

    def __init__(self, server: _Server, desk: Desk, holds: Callable[[], bool], terms: _Terms, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._desk = desk
        self.peer: Peer
        self._holds = holds
        self._terms = terms
        self._before = b""  # the last bytes that came
        self._body: StreamReader | None = None  # of the last request whose head was read
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._deadline = self._loop.call_later(self._terms.head_s, self._late)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # aiohttp forgets every request that comes with a broken one, answered or not: heads come to it one at a time.
        before, self._before = self._before, (self._before + data[-_SEAM:])[-_SEAM:]
        for piece in _heads_apart(before, data):
            if self._holds() and self.transport is not None:
                was_in_body = self._is_in_body()
                super().data_received(piece)
                self._fail_body()
                self._time_head(piece, was_in_body)

    def _is_in_body(self) -> bool:
        """Asked of the body itself: between a head and the task that serves it aiohttp has neither at hand."""
        return self._body is not None and not self._body.is_eof()

    def _time_head(self, piece: bytes, was_in_body: bool) -> None:
        """What came with the end of a body counts for no head: nobody told how much of it is one."""
        if self._messages or self._current_request is not None or was_in_body or self._is_in_body():
            self._head_came()
        elif self._head_bytes or piece.strip(b"\r\n"):  # empty lines behind a request are nothing at all
            self._head_bytes += len(piece)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up(HEAD_TOO_LARGE, Limit.HEAD_BYTES)
            elif self._deadline is None:
                self._deadline = self._loop.call_later(self._terms.head_s, self._late)

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
        self._terms.counters.exceed(limit)
        transport, self.transport = self.transport, None
        self.force_close()
        if transport is None:
            return
        last_words = b"" if answer is None else response(answer, self._desk.wall_ms(), keep_alive=False)
        if self._terms.farewell is not None and last_words:
            self.connection_lost(None)
            self._terms.farewell(transport, last_words)
        else:
            transport.write(last_words)
            transport.close()

    def _fail_body(self) -> None:
        """Tell whoever reads a body that it turned out to be broken; aiohttp has them wait for the rest of it."""
        if not self._messages:
            return
        message, body = self._messages[-1]
        if not isinstance(message, _ErrInfo):
            self._body = body
            return
        last = self._messages[-2][1] if len(self._messages) > 1 else self._body
        if last is not None and not last.is_eof() and last.exception() is None:
            last.set_exception(web.RequestPayloadError("the body is broken"))

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        answer = BAD_REQUEST if status < 500 else INTERNAL_SERVER_ERROR
        return _Reply(response(answer, self._desk.wall_ms(), keep_alive=False), False, self._terms)
