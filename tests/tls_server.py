"""A TLS server that says what it was asked: the judge of contexts, bundles and host names led elsewhere."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class TlsServer:
    """Answers every request with 200 and JSON ``{"sni", "host", "path"}``; ``answer`` replaces status and headers."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    requests: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names = writer.get_extra_info("ssl_object")
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:])}
            await reader.readexactly(int(headers.get("content-length", 0)))
            request = {"sni": names.server_name_seen, "host": headers["host"], "path": head[0].split(" ")[1]}
            self.requests.append(request)
            body = json.dumps(request).encode()
            writer.write(self.answer + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def tls_server(context: ssl.SSLContext) -> AsyncIterator[TlsServer]:
    """Listen on loopback with ``context``; records the server name each client asked for."""
    server = TlsServer()
    chosen = context.sni_callback

    def remember(sock: ssl.SSLObject, name: str, used: ssl.SSLContext) -> int | None:
        sock.server_name_seen = name  # type: ignore[attr-defined]
        return chosen(sock, name, used) if chosen else None

    context.sni_callback = remember
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
