"""``gateway.ports.Upstreams``: web servers over HTTP/1.1, on one pool of kept connections.

What is asked is what the plan said: no redirect is followed, no cookie kept, no header added but the framing, ``Host``
among it. A call is one request: one that got no answer is not repeated, whatever its method. Bodies are the bytes of
the wire: ``Accept-Encoding`` is never sent unasked, and a body that comes compressed stays so.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    StreamReader,
    TCPConnector,
)

from gateway.model.backend import Pairs, UpstreamRequest
from gateway.model.invocation import Answered, TimedOut, Unavailable, UpstreamResult
from gateway.model.limits import MAX_HEAD_BYTES, MAX_HEAD_COUNT, MAX_UPSTREAM_RESPONSE_BYTES
from gateway.upstream.failures import Lost, reason
from gateway.upstream.outgoing import checked_headers, checked_method, checked_url

STOPPING: Final = Unavailable("the gateway is stopping")
_OURS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # what aiohttp would add by itself


@dataclass(frozen=True, slots=True)
class Pool:
    """Bounds of the connections; a call that finds none free waits for one, on its own time.

    ``keep_alive_s`` is below the 5 s after which Node, uvicorn and Apache close an idle connection by default: a
    request is not sent on one that its server is just closing.
    """

    max_connections: int = 1_024
    max_connections_per_host: int = 256
    keep_alive_s: float = 4.0
    dns_cache_s: int = 10


class WebServers:
    """To be made inside a running loop. ``roots`` is the PEM file of the authorities that are trusted."""

    def __init__(
        self, roots: Path, pool: Pool | None = None, max_response_bytes: int = MAX_UPSTREAM_RESPONSE_BYTES
    ) -> None:
        pool = pool or Pool()
        self._max_response_bytes = max_response_bytes
        self._session = ClientSession(
            connector=TCPConnector(
                ssl=_tls(roots),
                limit=pool.max_connections,
                limit_per_host=pool.max_connections_per_host,
                keepalive_timeout=pool.keep_alive_s,
                ttl_dns_cache=pool.dns_cache_s,
            ),
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_OURS,
            auto_decompress=False,
            timeout=ClientTimeout(total=None, sock_connect=None),  # each call has its own
            middlewares=(_once,),
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
            max_headers=MAX_HEAD_COUNT,
        )

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        if self._session.closed:
            return STOPPING
        try:
            async with asyncio.timeout(wait_ms / 1000):
                return await self._exchange(request)
        except TimeoutError:
            return TimedOut()
        except (ClientError, OSError, ValueError) as error:
            return self._failed(error)

    def _failed(self, error: BaseException) -> Unavailable:
        return STOPPING if self._session.closed else Unavailable(reason(error))

    async def close(self) -> None:
        """Close every connection; calls under way end as unavailable."""
        await self._session.close()

    async def _exchange(self, request: UpstreamRequest) -> UpstreamResult:
        """Raises ValueError for what cannot be sent, the library's errors for what happens on the way."""
        asked = self._session.request(
            checked_method(request.method),
            checked_url(request.url),
            headers=checked_headers(request.headers),
            data=request.body or None,
            allow_redirects=False,
            server_hostname=request.server_name,
        )
        async with asked as response:
            body = await _read(response.content, self._max_response_bytes)
            if body is None:
                return Unavailable(f"its answer is longer than {self._max_response_bytes} bytes")
            return Answered(response.status, _headers(response), body)


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """aiohttp repeats a request that a kept connection lost if its method is idempotent: here a call is one request."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        raise Lost from error


async def _read(content: StreamReader, limit: int) -> bytes | None:
    """The whole body, None as soon as it is longer than ``limit``."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)


def _headers(response: ClientResponse) -> Pairs:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)


def _tls(roots: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(roots))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
