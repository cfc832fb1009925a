"""Between a client and a real server, losing one request or its answer when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from loopback_server import loopback_server


@dataclass(slots=True)
class LossyProxy:
    """Request number ``loses`` (from 1, 0: none) is dropped, or carried out and its answer dropped when ``applied``;
    the client sees its connection closed either way. ``asked`` counts requests."""

    target: str
    applied: bool
    url: str = ""
    loses: int = 0
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _message(reader)
                self.asked += 1
                lost = self.asked == self.loses
                answer = b"" if lost and not self.applied else await self._forwarded(request)
                if lost:
                    return
                writer.write(answer)
                await writer.drain()

    async def _forwarded(self, request: bytes) -> bytes:
        parts = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return head + await reader.readexactly(int(length or 0))


@asynccontextmanager
async def lossy_proxy(target: str, applied: bool) -> AsyncIterator[LossyProxy]:
    """One in front of ``target``, an ``http`` URL with a port."""
    proxy = LossyProxy(target, applied)
    async with loopback_server(proxy.serve) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        yield proxy
