"""A client that is only bytes: what no library would send, and every byte that comes back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ssl import MemoryBIO, SSLContext, SSLError, SSLWantReadError, SSLZeroReturnError
from typing import Any, cast

from websockets.frames import Frame
from websockets.protocol import Protocol, Side

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    f"GET /prod HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
DEADLINE_S = 10.0


class Tls(asyncio.Protocol):
    """A client's end of TLS that can stop sending and read on, which asyncio's own cannot."""

    def __init__(self, context: SSLContext) -> None:
        self.reader = asyncio.StreamReader()
        self.ready = asyncio.get_running_loop().create_future()
        self._incoming, self._outgoing = MemoryBIO(), MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self._may_write = asyncio.Event()
        self._may_write.set()

    # -- asyncio.Protocol ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.reader.set_transport(self.transport)  # who does not read it is not sent more
        self._go_on()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._go_on()

    def eof_received(self) -> None:
        self._incoming.write_eof()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or EOFError("closed"))
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # -- asyncio.StreamWriter --------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self._tls.write(data)
        self._flush()

    async def drain(self) -> None:
        await self._may_write.wait()

    def write_eof(self) -> None:
        with suppress(SSLError):
            self._tls.unwrap()  # says so, and then wants to read the other side's
        self._flush()

    def close(self) -> None:
        self.write_eof()
        self.transport.close()

    def get_extra_info(self, name: str) -> Any:
        return self.transport.get_extra_info(name)

    # ------------------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        try:
            if not self.ready.done():
                self._tls.do_handshake()
                self.ready.set_result(None)
            while data := self._tls.read(65_536):
                self.reader.feed_data(data)
            self.reader.feed_eof()
        except SSLWantReadError:
            pass
        except SSLZeroReturnError:  # in place of b"" once this end has said its own
            self.reader.feed_eof()
        except SSLError as error:
            self._fail(error)
        self._flush()

    def _fail(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
        elif not self.reader.at_eof():
            self.reader.set_exception(error)

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self.transport.write(data)


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | Tls) -> None:
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

    async def some(self) -> bytes:
        """Whatever has come, at least a byte unless the server's stream has ended."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read(65_536)

    def listen(self) -> None:
        """Read again."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def deafen(self) -> None:
        """Read nothing from now on."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    @property
    def _socket(self) -> socket.socket:
        found = self._writer.get_extra_info("socket")
        assert found is not None
        return found  # type: ignore[no-any-return]


async def begin_tls(transport: asyncio.BaseTransport, tls: SSLContext) -> RawClient:
    """The client of a connection whose server speaks TLS from now on."""
    made = Tls(tls)
    transport.set_protocol(made)
    made.connection_made(transport)
    await made.ready
    return RawClient(made.reader, made)


@asynccontextmanager
async def raw_client(port: int, tls: SSLContext | None = None) -> AsyncIterator[RawClient]:
    reader, writer = await _connected(port, tls)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()


async def _connected(
    port: int, tls: SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | tuple[asyncio.StreamReader, Tls]:
    if tls is None:
        return await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(lambda: Tls(tls), "127.0.0.1", port)
    await made.ready
    return made.reader, made
