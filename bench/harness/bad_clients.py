"""Clients that do what no client should, a dozen kinds of them.

Each is a coroutine: it connects, misbehaves until it is thrown out or time is up, and says what it heard last.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from bench.harness.gateway import KEYS
from bench.harness.good_clients import UPGRADE, client_frame
from bench.harness.signing import Keys, signed_post

PAUSE_S: Final = 10.0  # before who was thrown out comes again
ARRIVING: Final = 0.25  # of the time, in which they come one after the other
DRIP_S: Final = 1.0  # between two bytes of who is slow
POSTS_PER_S: Final = 1.0  # of one caller with a wrong key
TOLD: Final = 60  # bytes read at most of what the gateway says
MORE: Final = b'{"action":"more"}'  # is answered by ``MUCH_BYTES``
MUCH_BYTES: Final = 8_000
MUCH_TIMES: Final = 60
_WRONG: Final = Keys("AKIDBENCH", "not the secret", KEYS.region)
_TEXT, _BINARY, _CLOSE, _PING, _MORE = 1, 2, 8, 9, 0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Kind = Callable[["Target"], Awaitable[str]]


class Target:
    """Where they go; ``left_s`` is how long it still lasts."""

    def __init__(self, port: int, path: str, until: float) -> None:
        self.port = port
        self.path = path
        self._until = until

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()

    async def connect(self, buffer_bytes: int | None = None) -> Streams:
        sock = socket.socket()
        sock.setblocking(False)
        if buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=sock, limit=4096)

    async def upgrade(self, buffer_bytes: int | None = None) -> Streams:
        reader, writer = await self.connect(buffer_bytes)
        writer.write(UPGRADE.format(path=self.path, port=self.port).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(_status(head))
        return reader, writer

    async def told(self, streams: Streams) -> str:
        """What the gateway says, and then that it ends the connection; nothing more is sent."""
        said = b""
        while data := await streams[0].read(4096):
            said = (said + data)[:TOLD]
            if said[0] == 0x88:
                break  # nobody waits for an answer to a close frame for ever
        streams[1].transport.abort()
        return _status(said)

    async def drip(self, streams: Streams, data: bytes) -> str:
        """A byte now and then."""
        told = asyncio.ensure_future(self.told(streams))
        for byte in data:
            streams[1].write(bytes((byte,)))
            done, _ = await asyncio.wait({told}, timeout=DRIP_S)
            if done:
                break
        return await told


def _status(said: bytes) -> str:
    if said.startswith(b"HTTP/1.1 "):
        return said[9:12].decode("latin-1")
    if len(said) >= 4 and said[0] == 0x88:
        return f"close {int.from_bytes(said[2:4], 'big')}"
    return "closed" if not said else "data"


async def silent(target: Target) -> str:
    return await target.told(await target.connect())


async def slow_head(target: Target) -> str:
    return await target.drip(await target.connect(), b"GET /bench HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 10_000)


async def slow_body(target: Target) -> str:
    streams = await target.connect()
    streams[1].write(b"POST /bench/@connections/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n")
    return await target.drip(streams, b"x" * 10_000)


async def huge_head(target: Target) -> str:
    streams = await target.connect()
    streams[1].write(b"GET /bench HTTP/1.1\r\nHost: h\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n")
    return await target.told(streams)


async def garbage(target: Target) -> str:
    streams = await target.connect()
    streams[1].write(os.urandom(2_000))
    return await target.told(streams)


async def bad_signatures(target: Target) -> str:
    reader, writer = await target.connect()
    said = "closed"
    while target.left_s > 0:
        path = f"{target.path}/@connections/L0SM9cOFvHcCIAg%3D"
        writer.write(signed_post(_WRONG, f"127.0.0.1:{target.port}", path, b"x" * 100))
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(size.partition(b":")[2]))
        said = _status(head)
        await asyncio.sleep(1 / POSTS_PER_S)
    return said


async def deaf(target: Target) -> str:
    """Has much said back to it and takes none of it."""
    reader, writer = await target.upgrade(4096)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(MUCH_TIMES):
        writer.write(client_frame(_TEXT, MORE))
    await asyncio.sleep(min(20.0, max(0.0, target.left_s)))
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    said = b""
    while data := await reader.read(65_536):
        said = data
        if (at := said.rfind(b"\x88")) >= 0 and said[at + 2 : at + 3] == b"\x03":
            break
    writer.transport.abort()
    at = said.rfind(b"\x88")
    return _status(said[at:]) if at >= 0 else "closed"


async def pinging(target: Target) -> str:
    streams = await target.upgrade()
    told = asyncio.ensure_future(target.told(streams))
    flood = client_frame(_PING, b"p" * 100) * 50
    while not told.done() and target.left_s > 0:
        streams[1].write(flood)
        with suppress(TimeoutError):
            await asyncio.wait_for(streams[1].drain(), 1.0)
        await asyncio.sleep(0.1)
    told.cancel()
    return "held back"


async def in_parts(target: Target) -> str:
    """One message of ever so many parts without a byte in them."""
    streams = await target.upgrade()
    told = asyncio.ensure_future(target.told(streams))
    first, flood = bytearray(client_frame(_TEXT, b"x")), bytearray(client_frame(_MORE, b""))
    first[0] &= 0x7F
    flood[0] &= 0x7F
    streams[1].write(bytes(first))
    while not told.done() and target.left_s > 0:
        streams[1].write(bytes(flood) * 2_000)
        with suppress(TimeoutError):
            await asyncio.wait_for(streams[1].drain(), 1.0)
        await asyncio.sleep(1.0)
    told.cancel()
    return "held back"


async def oversize(target: Target) -> str:
    streams = await target.upgrade()
    streams[1].write(b"\x81\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 1_000)
    return await target.told(streams)


async def bad_text(target: Target) -> str:
    streams = await target.upgrade()
    streams[1].write(client_frame(_TEXT, b"\xff\xfe"))
    return await target.told(streams)


async def half_closed(target: Target) -> str:
    streams = await target.upgrade()
    streams[1].write_eof()
    return await target.told(streams)


async def resetting(target: Target) -> str:
    _, writer = await target.upgrade()
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return "reset"


KINDS: Final[Mapping[str, Kind]] = {
    "says nothing": silent,
    "slow head": slow_head,
    "slow body": slow_body,
    "huge head": huge_head,
    "garbage": garbage,
    "wrong signature": bad_signatures,
    "never reads": deaf,
    "ping flood": pinging,
    "endless parts": in_parts,
    "frame of a terabyte": oversize,
    "no UTF-8": bad_text,
    "half-closes": half_closed,
    "resets": resetting,
}


class Bad:
    """``port`` and ``path`` of the WebSocket."""

    def __init__(self, port: int, path: str, kinds: Mapping[str, Kind]) -> None:
        self._port = port
        self._path = path
        self._kinds = kinds

    async def misbehave(self, many: str, seconds: str) -> dict[str, Any]:
        """How often each kind began, and what it heard."""
        target = Target(self._port, self._path, time.monotonic() + float(seconds))
        began: Counter[str] = Counter()
        heard: dict[str, Counter[str]] = {name: Counter() for name in self._kinds}
        names = [name for name, _ in zip(_round(list(self._kinds)), range(int(many)), strict=False)]
        lives = [asyncio.ensure_future(self._live(name, target, began, heard[name])) for name in names]
        await asyncio.wait(lives, timeout=float(seconds))
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        return {"kinds": {name: {"began": began[name], "heard": dict(heard[name])} for name in self._kinds}}

    async def _live(self, name: str, target: Target, began: Counter[str], heard: Counter[str]) -> None:
        await asyncio.sleep(random.uniform(0, target.left_s * ARRIVING))  # noqa: S311 - spreads arrivals, no secret
        while target.left_s > 0:
            began[name] += 1
            try:
                said = await self._kinds[name](target)
            except (OSError, EOFError) as error:
                said = type(error).__name__
            heard[said] += 1
            await asyncio.sleep(PAUSE_S)


def _round(names: list[str]) -> Any:
    while True:
        yield from names
