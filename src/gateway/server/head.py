"""The first request of an accepted socket: its head is read here, then a WebSocket handshake stays with ``stream`` and
everything else goes to the HTTP protocol, which gets the very bytes that came.

A socket that only waits for its head costs this object and a place in the door's wheel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, cast

import httptools

from gateway.counters import Limit
from gateway.model.http import HttpResponse
from gateway.model.limits import MAX_HEAD_BYTES, MAX_HEAD_COUNT
from gateway.ports import ConversationT
from gateway.server.door import Door
from gateway.server.farewell import say_farewell
from gateway.server.refusals import BAD_REQUEST, HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.server.stream import WebSocketStream
from gateway.server.transports import replay
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer, read_handshake, wants_upgrade
from gateway.wire.http import RequestHead, is_doubtful, response

_END: Final = b"\r\n\r\n"


class Head(asyncio.Protocol, Generic[ConversationT]):
    """``http`` makes the protocol that serves whatever is no handshake."""

    __slots__ = ("_door", "_http", "_peer", "_raw", "_transport")

    def __init__(self, door: Door[ConversationT], http: Callable[[Peer], asyncio.Protocol], peer: Peer) -> None:
        self._door = door
        self._http = http
        self._peer = peer
        self._raw = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._door.enter(self)
        self._door.watch(self, self._door.limits.head_timeout_ms)

    def data_received(self, data: bytes) -> None:
        if not self._door.holds():
            return
        known = len(self._raw)
        self._raw += data
        end = find_end(self._raw, known)
        if isinstance(end, HttpResponse):
            if end is HEAD_TOO_LARGE:
                self._door.counters.exceed(Limit.HEAD_BYTES)
            self._answer(end)
        elif end:
            self._decide(end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.leave(self)

    def overdue(self) -> None:
        self._door.counters.exceed(Limit.HEAD_TIMEOUT)
        if self._raw:
            self._answer(REQUEST_TIMEOUT)
        else:
            self._transport.abort()  # browsers open sockets in advance; an answer to nothing would confuse them

    def drop(self) -> None:
        self._transport.abort()

    def _decide(self, end: int) -> None:
        head = read_head(bytes(self._raw[:end]))
        if isinstance(head, HttpResponse):
            if head is HEAD_TOO_LARGE:
                self._door.counters.exceed(Limit.HEAD_COUNT)
            self._answer(head)
            return
        self._door.leave(self)
        if wants_upgrade(head):
            upgrade(self._door, self._transport, (self._peer, head), bytes(self._raw[end:]))
            return
        replay(self._transport, self._http(self._peer), bytes(self._raw))

    def _answer(self, refused: HttpResponse) -> None:
        self._door.leave(self)
        say_farewell(self._door, self._transport, response(refused, self._door.wall_ms(), keep_alive=False))


def upgrade(
    door: Door[ConversationT], transport: asyncio.Transport, asked: tuple[Peer, RequestHead], early: bytes = b""
) -> None:
    """Begin a conversation on ``transport`` or refuse a malformed handshake; the transport has a new protocol then."""
    peer, head = asked
    handshake = read_handshake(head, client_of(head, peer, door.trusted))
    if isinstance(handshake, HttpResponse):
        say_farewell(door, transport, response(handshake, door.wall_ms(), keep_alive=False))
    else:
        WebSocketStream(door, transport, handshake.key).begin(handshake, early)


def find_end(raw: bytes | bytearray, known: int) -> int | HttpResponse:
    """Where the head that ``raw`` begins with ends, 0 when more has to come, or what to answer when it never will.

    Of its first ``known`` bytes it has been said before that more has to come.
    """
    blank = len(raw) - len(raw.lstrip(b"\r\n"))  # RFC 9112 §2.2: empty lines before it are ignored
    end = raw.find(_END, max(known - len(_END) + 1, blank)) + len(_END)
    if end < len(_END):
        end = 0
    if (end or len(raw)) > MAX_HEAD_BYTES:
        return HEAD_TOO_LARGE
    if not end and len(raw) > blank and not raw[blank : blank + 1].isupper():
        return BAD_REQUEST  # no method starts like this: TLS on the plain port, or noise
    return end


def read_head(data: bytes) -> RequestHead | HttpResponse:
    """The head that ``data`` is, or what to answer when it is none."""
    lines = _Lines()
    parser = httptools.HttpRequestParser(lines)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # it says so for every Upgrade header and for CONNECT; the head is complete
    except httptools.HttpParserError:
        return BAD_REQUEST
    if not lines.complete:
        return BAD_REQUEST
    if len(lines.headers) > MAX_HEAD_COUNT:
        return HEAD_TOO_LARGE
    method = parser.get_method().decode("ascii")
    head = RequestHead(method, lines.target.decode("latin-1"), parser.get_http_version(), tuple(lines.headers))
    return BAD_REQUEST if is_doubtful(head) else head


class _Lines:
    """Collects what the parser calls back with."""

    __slots__ = ("complete", "headers", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[str, str]] = []
        self.complete = False

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        # The parser leaves white space behind a value, which is no part of it (RFC 9112 §5).
        self.headers.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True
