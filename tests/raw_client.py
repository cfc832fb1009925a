"""A client that is only bytes: what no library would send, and every byte that comes back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

from websockets.frames import Frame
from websockets.protocol import Protocol, Side

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    f"GET /prod HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
DEADLINE_S = 10.0


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def send_later(self, data: bytes) -> None:
        """Hand bytes to the system as far as it takes them; never waits."""
        self._writer.write(data)

    async def open(self) -> None:
        """A whole opening handshake."""
        await self.send(HANDSHAKE)
        head = await self.head()
        assert head.startswith(b"HTTP/1.1 101 "), head

    async def head(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything up to the end of the server's stream."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read()

    async def frames(self) -> list[Frame]:
        """Every frame up to the end of the server's stream, judged by an independent reader."""
        judge = Protocol(Side.CLIENT)
        judge.receive_data(await self.rest())
        assert judge.parser_exc is None
        return [event for event in judge.events_received() if isinstance(event, Frame)]

    async def response(self) -> tuple[bytes, bytes]:
        """One response with a Content-Length: its head and body."""
        head = await self.head()
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return head, await self.read(int(length.partition(b":")[2]))

    def end(self) -> None:
        """Send no more, go on reading."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Go away with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def leave(self) -> None:
        self._writer.close()

    def deafen(self) -> None:
        """Read nothing from now on."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    @property
    def _socket(self) -> socket.socket:
        found = self._writer.get_extra_info("socket")
        assert found is not None
        return found  # type: ignore[no-any-return]


@asynccontextmanager
async def raw_client(port: int, tls: SSLContext | None = None) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
