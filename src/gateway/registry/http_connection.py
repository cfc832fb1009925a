"""One kept connection over which one request at a time is asked: HTTP/1.1 as far as DynamoDB speaks it.

It knows bytes, not what they mean: no headers of its own, no redirects, no retries.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import httptools

MAX_BODY_BYTES: Final = 16 * 2**20  # as much as DynamoDB takes in a request; an answer repeats at most all of it
ENDED: Final = "the connection was closed before the answer was complete"


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is whole, whatever its transfer encoding."""

    status: int
    body: bytes


class HttpConnection(asyncio.Protocol):
    """Made by ``loop.create_connection``. Whoever gives up while it answers must ``close`` it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._asked: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []
        self._body_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether another request may be asked."""
        return self._transport is not None

    async def ask(self, request: bytes) -> Answer:
        """Raises ConnectionError when no whole answer comes; the request may then have been carried out."""
        if self._transport is None:
            raise ConnectionResetError(ENDED)
        asked: asyncio.Future[Answer] = self._loop.create_future()
        self._asked = asked
        self._transport.write(request)
        return await asked

    def close(self) -> None:
        """Drop the connection and what is on its way."""
        self._end(ConnectionResetError(ENDED))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._asked is None:
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ConnectionError(f"what answers is no HTTP server: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error if isinstance(error, ConnectionError) else ConnectionResetError(ENDED))

    def on_body(self, part: bytes) -> None:
        """Of httptools: a part of the body."""
        self._body.append(part)
        self._body_bytes += len(part)
        if self._body_bytes > MAX_BODY_BYTES:
            self._end(ConnectionError(f"the answer is longer than {MAX_BODY_BYTES} bytes"))

    def on_message_complete(self) -> None:
        """Of httptools: the answer is whole."""
        status = self._parser.get_status_code()
        body, self._body, self._body_bytes = b"".join(self._body), [], 0
        if status < 200:
            return  # the answer proper follows
        asked, self._asked = self._asked, None
        if not self._parser.should_keep_alive():
            self.close()
        if asked is not None and not asked.done():
            asked.set_result(Answer(status, body))

    def _end(self, error: ConnectionError) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_exception(error)
