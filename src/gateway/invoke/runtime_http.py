"""Just enough HTTP/1.1 for a Lambda runtime on loopback: requests with whole bodies in, answers in one write out.

Knows nothing of the Runtime API. Head and body leave in a single write: in two, Nagle's algorithm and delayed ACKs
cost 40 ms each. One request at a time per connection; a second one before the answer closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httptools

_KEPT_HEADERS: Final = b"lambda-runtime-"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is without its query; ``headers`` are those of the Runtime API, names in lower case, trailers included.

    ``body`` is cut at the limit; ``body_bytes`` is how long it really was.
    """

    method: bytes
    path: bytes
    headers: dict[bytes, bytes]
    body: bytes
    body_bytes: int


def head(status: HTTPStatus, content_type: bytes, length: int, more: bytes = b"") -> bytes:
    """A response head; ``more`` is whole header lines."""
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n" % (
        status,
        status.phrase.encode("ascii"),
        content_type,
        more,
        length,
    )


class HttpConnection(asyncio.Protocol):
    """One client. ``admits`` is asked once who it is, ``serve`` gets each request and answers by ``respond``, now or
    later; ``lost`` hears of the end."""

    __slots__ = (
        "_admits",
        "_awaiting",
        "_body",
        "_body_bytes",
        "_complete",
        "_headers",
        "_is_within",
        "_keep_alive",
        "_lost",
        "_max_body_bytes",
        "_parser",
        "_path",
        "_serve",
        "_transport",
        "_usual",
    )

    def __init__(
        self,
        serve: Callable[[Request], None],
        lost: Callable[[], None],
        max_body_bytes: int,
        admits: Callable[[asyncio.Transport], bool] = lambda transport: True,
    ) -> None:
        self._admits = admits
        self._serve = serve
        self._lost = lost
        self._max_body_bytes = max_body_bytes
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._complete: list[Request] = []
        self._awaiting = False
        self._keep_alive = True
        self._usual: tuple[bytes, list[Request]] = b"", []
        self.on_message_begin()
        self._is_within = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def respond(self, response: bytes) -> None:
        """``response`` is head and body; a no-op once the client has gone."""
        self._awaiting = False
        if self._transport is not None:
            self._transport.write(response)
            if not self._keep_alive:
                self._transport.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._admits(transport):
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._lost()

    def data_received(self, data: bytes) -> None:
        starts_fresh = not self._is_within
        if starts_fresh and data == self._usual[0]:
            requests = self._usual[1]  # word by word what was parsed before
        else:
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                self._keep_alive = False
                self._is_within = True  # and never gets out again
                self.respond(head(HTTPStatus.BAD_REQUEST, b"text/plain", 0))
                return
            requests, self._complete = self._complete, []
            if starts_fresh and self._is_repeatable(requests):
                self._usual = data, requests
        for request in requests:  # served outside the parser, which would swallow what is raised
            if self._awaiting:
                self.close()
                return
            self._awaiting = True
            self._serve(request)

    def _is_repeatable(self, requests: list[Request]) -> bool:
        """Whether what was read is one whole request without a body, as every question for the next event is."""
        return len(requests) == 1 and not self._is_within and self._keep_alive and requests[0].body_bytes == 0

    def on_message_begin(self) -> None:
        self._is_within = True
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower.startswith(_KEPT_HEADERS):
            self._headers[lower] = value
        elif lower == b"expect" and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, data: bytes) -> None:
        if self._body_bytes <= self._max_body_bytes:
            self._body.append(data)
        self._body_bytes += len(data)

    def on_message_complete(self) -> None:
        self._is_within = False
        self._keep_alive = self._parser.should_keep_alive()
        method: bytes = self._parser.get_method()
        path = self._path.partition(b"?")[0]
        self._complete.append(Request(method, path, self._headers, b"".join(self._body), self._body_bytes))
