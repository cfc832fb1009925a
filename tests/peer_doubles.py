"""What tests of the nodes' conversation share: who is asked, who is hard to reach, and bytes that can be held up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

from gateway.model.ids import ApiId, ConnectionId, NodeNumber
from gateway.model.member import Member
from gateway.model.peer import DeleteIt, GetInfo, Outcome, PeerAnswer, PeerRequest, PostTo
from gateway.peers.client import PeerClient
from gateway.peers.memory import MemoryNetwork, MemoryPeers
from gateway.peers.server import PeerServer
from node_doubles import RecordingReporter

KEY = bytes(range(32))
MACHINE = "this machine"
OWNER = NodeNumber(7)
API = ApiId("q7x2k9m4pd")
CONNECTION = ConnectionId("L0SM9cOFvHcCIAgAAA==")
POST = PostTo(API, CONNECTION, b"hello")
GET = GetInfo(API, CONNECTION)
DELETE = DeleteIt(API, CONNECTION)
LONG_MS = 60_000  # longer than any test
DEADLINE_S = 10.0
AT_ONCE_S = 2.0  # less than any timeout of the product


Reply = Callable[[PeerRequest], PeerAnswer | Coroutine[Any, Any, PeerAnswer]]


async def until(condition: Callable[[], object], within_s: float = DEADLINE_S) -> None:
    """Wait for other callbacks of the loop, and fail when the condition does not come to hold."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition is any expression, nothing could set an event for it
            await asyncio.sleep(0.001)


def member(number: int = OWNER, *, address: str | None = None, socket_path: str | None = None) -> Member:
    return Member(NodeNumber(number), 10_000, MACHINE, "here", 1, 0, address, socket_path)


class Owner:
    """A ``PeerService``: the incarnation ``number`` answers with ``reply`` and keeps what it was asked."""

    def __init__(self, reply: Reply = lambda _: Outcome.DONE, number: int = OWNER) -> None:
        self.reply = reply
        self.number = NodeNumber(number)
        self.asked: list[PeerRequest] = []

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        if owner != self.number:
            return Outcome.GONE
        self.asked.append(request)
        return self.reply(request)


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False
        with socket.socket(socket.AF_UNIX) as sock:
            self._sock = sock

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._sock if name == "socket" else default

    def abort(self) -> None:
        self.aborted = True


class _End(asyncio.Protocol):
    """One end of a connection through a gate; ``far`` is the other."""

    def __init__(self, gate: Gate, *, asks: bool) -> None:
        self._gate = gate
        self._asks = asks
        self.transport: asyncio.Transport | None = None
        self.far: _End | None = None
        self.early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._gate.ends.append(self)
        if self._asks:
            self._gate.connect(self)

    def data_received(self, data: bytes) -> None:
        if self.far is None:
            self.early += data
        else:
            self._gate.pass_on(self.far, data, asks=self._asks)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.far is not None and self.far.transport is not None:
            self.far.transport.close()


class Gate:
    """Stands before a server: ``answers_held`` keeps back what it answers until ``release``, and after ``answers_left``
    bytes of it (None: never) the connection breaks; ``change`` is what becomes of the bytes asked, ``said`` are all of
    these as they came."""

    def __init__(self) -> None:
        self.ends: list[_End] = []
        self.answers_held = False
        self.answers_left: int | None = None
        self.change: Callable[[bytes], bytes] = bytes
        self.said = bytearray()
        self._held: list[tuple[_End, bytes]] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._target: str | int = ""

    async def open(self, target: str | int) -> Member:
        """Before a Unix path or a port of 127.0.0.1; how to get through is in the member."""
        self._target = target
        loop = asyncio.get_running_loop()
        if isinstance(target, str):
            path = target.removesuffix(".sock") + ".gate"
            self._servers.append(await loop.create_unix_server(lambda: _End(self, asks=True), path))
            return member(socket_path=path)
        server = await loop.create_server(lambda: _End(self, asks=True), "127.0.0.1", 0)
        self._servers.append(server)
        return member(address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")

    def release(self) -> None:
        self.answers_held = False
        for end, data in self._held:
            if end.transport is not None:
                end.transport.write(data)
        self._held = []

    def cut(self) -> None:
        """Break every connection."""
        for end in self.ends:
            if end.transport is not None:
                end.transport.abort()
        self.ends = []

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._connecting:
            task.cancel()
        self.cut()

    def connect(self, near: _End) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(near))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def pass_on(self, end: _End, data: bytes, *, asks: bool) -> None:
        if asks:
            self.said += data
            data = self.change(data)
        elif self.answers_held:
            self._held.append((end, data))
            return
        elif self.answers_left is not None:
            data, self.answers_left = data[: self.answers_left], self.answers_left - len(data)
            if end.transport is not None and self.answers_left <= 0:
                end.transport.write(data)
                end.transport.close()
                return
        if end.transport is not None:
            end.transport.write(data)

    async def _connect(self, near: _End) -> None:
        loop = asyncio.get_running_loop()
        far = _End(self, asks=False)
        if isinstance(self._target, str):
            await loop.create_unix_connection(lambda: far, self._target)
        else:
            await loop.create_connection(lambda: far, "127.0.0.1", self._target)
        far.far, near.far = near, far
        if near.early:
            self.pass_on(far, bytes(near.early), asks=True)


class SocketWorld:
    """A ``PeerClient`` and one owner after another behind a gate, over ``way``: ``unix`` or ``tcp``."""

    def __init__(self, way: str, folder: Path) -> None:
        self._way = way
        self._folder = folder
        self._server: PeerServer | None = None
        self.gate = Gate()
        self.reports = RecordingReporter()
        self.peers = PeerClient(KEY, MACHINE, self.reports)

    async def start(self, owner: Owner) -> Member:
        """A node starts and listens; returns how it is reached."""
        self._server, self.gate = PeerServer(owner, KEY, self.reports), Gate()
        if self._way == "unix":
            return await self.gate.open(await self._server.open_unix(self._folder))
        return await self.gate.open(await self._server.open_tcp("127.0.0.1", 0))

    async def stop(self) -> None:
        """It dies: whatever it was asked is not answered."""
        if self._server is not None:
            await self._server.close()
        await self.gate.close()

    def hold_answers(self) -> None:
        self.gate.answers_held = True

    def release_answers(self) -> None:
        self.gate.release()

    async def close(self) -> None:
        await self.peers.close()
        await self.stop()


class MemoryWorld:
    """The same in memory."""

    def __init__(self) -> None:
        self._held: list[Callable[[], None]] | None = None
        self._network = MemoryNetwork(self._deliver)
        self.peers: MemoryPeers = self._network.join("asker", Owner(number=1))

    async def start(self, owner: Owner) -> Member:
        self._network.join("owner", owner)
        return member(address="owner")

    async def stop(self) -> None:
        self._held = None
        self._network.leave("owner")

    def hold_answers(self) -> None:
        self._held = []

    def release_answers(self) -> None:
        held, self._held = self._held, None
        for what in held or ():
            what()

    async def close(self) -> None:
        await self.peers.close()

    def _deliver(self, source: str, target: str, what: Callable[[], None]) -> None:
        if self._held is not None and target == "asker":
            self._held.append(what)
        else:
            asyncio.get_running_loop().call_soon(what)


World = SocketWorld | MemoryWorld
WORLDS = ("memory", "unix", "tcp")


def world(kind: str, folder: Path) -> World:
    return MemoryWorld() if kind == "memory" else SocketWorld(kind, folder)
