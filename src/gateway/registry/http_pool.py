"""Connections to one server, opened when needed and kept between requests.

On the loop, without a thread for each request; only a name is looked up in one. Each request is sent once.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

from gateway.registry.http_connection import Answer, HttpConnection
from gateway.registry.table_settings import Timeouts
from gateway.registry.threads import Threads


class HttpPool:
    """``url`` says scheme, host and port; ``tls`` is for https. As many connections as requests run at once: whoever
    asks bounds that. A request that failed takes the idle connections with it, which are likely no better."""

    def __init__(self, url: str, tls: ssl.SSLContext | None, timeouts: Timeouts, threads: Threads) -> None:
        parts = urlsplit(url)
        self._url = url
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls if parts.scheme == "https" else None
        assert self._tls is not None or parts.scheme == "http", "https needs roots to check the server with"
        self._timeouts = timeouts
        self._threads = threads
        self._idle: list[HttpConnection] = []
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return sum(connection.is_open for connection in self._idle)

    async def ask(self, request: bytes) -> Answer:
        """The answer to a whole request, head and body. Raises ConnectionError, which says what went wrong where; the
        request may then have been carried out."""
        connection = self._take() or await self._connect()
        answered = False
        try:
            async with asyncio.timeout(self._timeouts.read_s):
                answer = await connection.ask(request)
            answered = True
        except TimeoutError as error:
            raise ConnectionError(f"no answer from {self._url} within {self._timeouts.read_s} s") from error
        except ConnectionError as error:
            raise ConnectionError(f"{self._url}: {error}") from error
        finally:
            self._put_back(connection, answered)
        return answer

    def close(self) -> None:
        """Drop every idle connection and keep none from now on."""
        self._closed = True
        self._drop_idle()

    def _take(self) -> HttpConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    def _put_back(self, connection: HttpConnection, answered: bool) -> None:
        if not answered:
            self._drop_idle()
        if answered and not self._closed and connection.is_open:
            self._idle.append(connection)
        else:
            connection.close()

    def _drop_idle(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connect(self) -> HttpConnection:
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                return await self._opened()
        except TimeoutError as error:
            why = f"no answer within {self._timeouts.connect_s} s"
            raise ConnectionError(f"Could not connect to {self._url}: {why}") from error
        except OSError as error:
            raise ConnectionError(f"Could not connect to {self._url}: {error}") from error

    async def _opened(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        found = await self._threads.run(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
        name = self._host if self._tls is not None else None
        failed = OSError(f"{self._host} has no address")
        for *_, address in found:
            try:
                _, connection = await loop.create_connection(
                    HttpConnection, str(address[0]), int(address[1]), ssl=self._tls, server_hostname=name
                )
            except OSError as error:
                failed = error
            else:
                return connection
        raise failed
