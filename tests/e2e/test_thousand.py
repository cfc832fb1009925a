"""A thousand clients come, talk and leave, and every one of them is accounted for."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import boto3
import pytest

from gateway.registry.keys import DEFAULT_TABLE
from gateway.system.open_files import raise_open_files
from gateway_process import DEADLINE_S, GatewayProcess, Ready, started, until
from wire_frames import client_frame

CLIENTS = 1_000
MESSAGES = 10  # of each client, one after the other is answered
AT_ONCE = 100  # upgrades under way
FILES = CLIENTS + 200
TEXT, CLOSE = 1, 8
NORMAL = (1000).to_bytes(2, "big")
UPGRADE = (
    b"GET /prod HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Client:
    """Bytes made beforehand: a library's client would be the slower half."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def join(port: int) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPGRADE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        return Client(reader, writer)

    async def talk(self) -> None:
        for number in range(MESSAGES):
            text = b"message %d" % number
            self._writer.write(client_frame(TEXT, text))
            await self._expect(bytes((0x80 | TEXT, len(text))) + text)

    async def leave(self) -> None:
        self._writer.write(client_frame(CLOSE, NORMAL))
        await self._expect(bytes((0x80 | CLOSE, len(NORMAL))) + NORMAL)
        assert await self._reader.read() == b""
        self._writer.close()
        await self._writer.wait_closed()

    async def _expect(self, frame: bytes) -> None:
        received = await self._reader.readexactly(len(frame))
        assert received == frame


@contextmanager
def room_for_files() -> Iterator[None]:
    """For this process alone: the gateway must make room for its sockets by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_open_files(FILES)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    parameters = {"Journal": str(tmp_path / "journal")}
    with started("thousand", tmp_path, "--no-watch", parameters=parameters) as gateway:
        yield gateway


class Stopwatch:
    """What each phase took, for whoever runs this with ``-s`` or looks at a failure."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._gateway = gateway

    async def time(self, what: str, count: int, work: Awaitable[object]) -> None:
        began, cpu_s = time.monotonic(), self._gateway.cpu_s
        await work
        took_s, used_s = time.monotonic() - began, self._gateway.cpu_s - cpu_s
        print(
            f"{count} {what}: {took_s:.1f} s, {count / took_s:.0f}/s, {used_s / count * 1e6:.0f} us of gateway CPU each"
        )


async def visit(gateway: GatewayProcess) -> None:
    watch, upgrades = Stopwatch(gateway), asyncio.Semaphore(AT_ONCE)
    clients: list[Client] = []
    port = gateway.ready.port

    async def join() -> None:
        async with upgrades:
            clients.append(await Client.join(port))

    async def each(do: Callable[[Client], Awaitable[None]]) -> None:
        await asyncio.gather(*map(do, clients))

    async with asyncio.timeout(4 * DEADLINE_S):
        await watch.time("connects", CLIENTS, asyncio.gather(*(join() for _ in range(CLIENTS))))
        await watch.time("messages", CLIENTS * MESSAGES, each(Client.talk))
        await watch.time("disconnects", CLIENTS, each(Client.leave))


def records(ready: Ready) -> int:
    """How many connections the registry's table holds."""
    with closing(
        boto3.client(
            "dynamodb",
            region_name=ready.region,
            endpoint_url=ready.aws_endpoint_url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
    ) as client:
        return int(client.scan(TableName=DEFAULT_TABLE, Select="COUNT")["Count"])


@pytest.mark.parity("P-405")
def test_everybody_is_accounted_for(gateway: GatewayProcess, tmp_path: Path) -> None:
    with room_for_files():
        asyncio.run(visit(gateway))
    gateway.output.shows_all(r"^\S+ disconnect +\S+ 1000$", CLIENTS)
    until(lambda: records(gateway.ready) == 0, "an empty table of connections")
    with gateway.leaving_nothing():
        assert gateway.interrupt() == 0

    lines = [line.split(" ", 2) for line in (tmp_path / "journal").read_text().splitlines()]
    told = Counter((kind, connection_id) for kind, connection_id, _ in lines)
    ids = {connection_id for _, connection_id in told}
    assert len(ids) == CLIENTS
    for kind, count in (("CONNECT", 1), ("MESSAGE", MESSAGES), ("DISCONNECT", 1)):
        assert {told[kind, connection_id] for connection_id in ids} == {count}
    texts = Counter(body for kind, _, body in lines if kind == "MESSAGE")
    assert texts == {f"message {number}": CLIENTS for number in range(MESSAGES)}
    assert not any(word in gateway.output.text for word in ("error", "failed", "refused"))
