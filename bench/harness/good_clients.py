"""Clients that keep to the rules: each says something now and then and wants every word of it back, in time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from bench.harness.gateway import KEYS
from bench.harness.signing import signed_post

WAIT_S: Final = 15.0  # for what is still on its way at the end
TURN_S: Final = 0.01
AT_ONCE: Final = 50  # handshakes
ANSWER: Final = b"ok"  # to every message
MASK: Final = b"\x00\x00\x00\x00"  # as good as any other for who only measures
UPGRADE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def client_frame(opcode: int, payload: bytes) -> bytes:
    """A masked frame of less than 64 KiB."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + MASK + payload
    return bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big") + MASK + payload


class Client(asyncio.Protocol):
    """One WebSocket; ``heard`` is called with each text."""

    def __init__(self, heard: Callable[[Client, bytes], None], upgrade: bytes) -> None:
        self._heard = heard
        self._upgrade = upgrade
        self._got = b""
        self.is_closed = False
        self.said: deque[float] = deque()  # when, of what has not been answered
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self.opened.done():
            head, end, rest = self._got.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self.opened.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._got = rest
            self.opened.set_result(None)
        while len(self._got) >= 2 and len(self._got) >= 2 + self._got[1]:
            opcode, end = self._got[0] & 0x0F, 2 + self._got[1]
            text, self._got = self._got[2:end], self._got[end:]
            if opcode == 1:
                self._heard(self, text)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed"))


class Good:
    """``port`` and ``path`` of the WebSocket."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._clients: list[Client] = []
        self._ids: list[str] = []
        self._numbers = count()
        self._posted: set[bytes] = set()
        self._took: list[float] = []
        self._received = 0
        self._poster: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, many: str) -> dict[str, Any]:
        loop, upgrade = asyncio.get_running_loop(), UPGRADE.format(path=self._path, port=self._port).encode()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                _, client = await loop.create_connection(lambda: Client(self._heard, upgrade), "127.0.0.1", self._port)
                await client.opened
                self._clients.append(client)

        await asyncio.gather(*(one() for _ in range(int(many))))
        return {"open": len(self._clients)}

    async def post_to(self, *ids: str) -> dict[str, Any]:
        self._ids = list(ids)
        self._poster = await asyncio.open_connection("127.0.0.1", self._port)
        return {"ids": len(ids)}

    async def talk(self, seconds: str, rate: str) -> dict[str, Any]:
        """What came of it; times are of a message, from being said to being heard, in milliseconds."""
        self._took, self._received = [], 0
        posting = asyncio.ensure_future(self._post(float(seconds), float(rate) / 10))
        sent = await self._say(float(seconds), float(rate))
        posted = await posting
        await self._heard_all()
        took = sorted(self._took)
        closed = sum(client.is_closed for client in self._clients)
        found = {"sent": sent, "got": len(took), "posted": posted, "received": self._received, "closed": closed}
        for client in self._clients:
            client.said.clear()
        self._posted.clear()
        return found | {f"p{share}_ms": _quantile(took, share / 100) * 1000 for share in (50, 99)}

    async def _say(self, seconds: float, rate: float) -> int:
        """Evenly, each client in its turn."""
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                client = self._clients[sent % len(self._clients)]
                client.said.append(time.monotonic())
                client.transport.write(client_frame(1, b"say %d" % next(self._numbers)))
                sent += 1
            await asyncio.sleep(TURN_S)
        return sent

    async def _post(self, seconds: float, rate: float) -> int:
        """Posts that were answered by 200, one after the other."""
        assert self._poster is not None
        (reader, writer), began, done = self._poster, time.monotonic(), 0
        host = f"127.0.0.1:{self._port}"
        while (passed := time.monotonic() - began) < seconds:
            while done < passed * rate:
                text = b"post %d" % next(self._numbers)
                self._posted.add(text)
                place = f"{self._path}/@connections/{quote(self._ids[done % len(self._ids)], safe='')}"
                writer.write(signed_post(KEYS, host, place, text))
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
                if not head.startswith(b"HTTP/1.1 200 "):
                    raise ConnectionError(head.decode("latin-1"))
                done += 1
            await asyncio.sleep(TURN_S)
        return done

    def _heard(self, client: Client, text: bytes) -> None:
        if text == ANSWER and client.said:
            self._took.append(time.monotonic() - client.said.popleft())
        elif text in self._posted:
            self._posted.remove(text)
            self._received += 1

    async def _heard_all(self) -> None:
        end = time.monotonic() + WAIT_S
        while (self._posted or any(client.said for client in self._clients)) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(TURN_S)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
