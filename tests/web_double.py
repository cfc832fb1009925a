"""A web server that a test scripts: it keeps what it was asked, byte for byte, and on which connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from loopback_server import loopback_server

DEADLINE_S = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = bytes | None  # None: the connection is closed without one


@dataclass(frozen=True)
class Asked:
    """``head`` is request line and headers, ``connection`` counts from 1."""

    head: str
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        return self.head.split("\r\n")[0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class WebServer:
    """``script`` says what each request is answered; ``gate``, while set, holds answers until the test opens it."""

    script: Callable[[Asked], Answer]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    gate: asyncio.Event | None = None
    keep: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what this server has seen is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        number = self.connections
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer, number):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.open_connections -= 1
            self.changed.set()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8")[:-4]
        length = Asked(head, b"", number).header("content-length")
        asked = Asked(head, await reader.readexactly(int(length or 0)), number)
        self.asked.append(asked)
        self.changed.set()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.script(asked)
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        return self.keep


@asynccontextmanager
async def web_server(
    script: Callable[[Asked], Answer] | bytes = OK, context: ssl.SSLContext | None = None
) -> AsyncIterator[WebServer]:
    """Listens on loopback; bytes are the answer to everything."""
    answer = (lambda _: script) if isinstance(script, bytes) else script
    server = WebServer(answer)
    async with loopback_server(server.serve, context) as server.port:
        yield server
