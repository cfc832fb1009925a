"""The same contract without sockets, for simulations: named nodes, and a hook that decides what becomes of a message.

Requests and answers pass through the codec, and how late they come is judged by the clocks of the nodes' loops, as
between real nodes. A node's name is its ``Member.address``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from gateway.model.ids import NodeNumber
from gateway.model.member import Member
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest
from gateway.peers.awaited import Awaited
from gateway.peers.bounds import MAX_IN_FLIGHT
from gateway.peers.codec import MAX_WAIT_MS, answer_frame, answers_in, request_frame, requests_in
from gateway.peers.lateness import Lateness
from gateway.ports import PeerService
from gateway.tasks import Tasks

Deliver = Callable[
    [str, str, Callable[[], None]], None
]  # from whom, to whom, what is to run there: now, later or never


def _raise(why: str) -> None:
    raise AssertionError(why)


def at_once(source: str, target: str, what: Callable[[], None]) -> None:
    """Nothing is lost, nothing is slow: in the next turn of the running loop, in order."""
    asyncio.get_running_loop().call_soon(what)


class _Node:
    """One process of the network."""

    __slots__ = ("lateness", "loop", "peers", "service", "tasks")

    def __init__(self, service: PeerService, peers: MemoryPeers) -> None:
        self.service = service
        self.peers = peers
        self.loop = asyncio.get_running_loop()
        self.lateness: dict[str, Lateness] = {}
        self.tasks = Tasks(_raise)

    def now_ms(self) -> int:
        return int(self.loop.time() * 1000)


class _Connection:
    """One node's way to another; ``node`` is the process at its other end, None until a request has arrived there."""

    __slots__ = ("address", "awaited", "node")

    def __init__(self, address: str) -> None:
        self.address = address
        self.awaited = Awaited()
        self.node: _Node | None = None

    def broken(self, node: _Node | None) -> None:
        """The news that ``node`` is not there any more, or that nobody was; of an earlier connection it is old."""
        if self.node is node:
            self.node = None
            self.awaited.fail()


class MemoryNetwork:
    """``deliver`` is called for each message: a request, an answer, the news that a connection broke."""

    def __init__(self, deliver: Deliver = at_once) -> None:
        self._deliver = deliver
        self._nodes: dict[str, _Node] = {}

    def join(self, name: str, service: PeerService) -> MemoryPeers:
        """A process starts, inside its own running loop; what was under this name has left."""
        self.leave(name)
        peers = MemoryPeers(self, name)
        self._nodes[name] = _Node(service, peers)
        return peers

    def leave(self, name: str) -> None:
        """The process is gone, and its connections with it. A no-op when there is none."""
        gone = self._nodes.pop(name, None)
        for other, node in tuple(self._nodes.items()):
            for connection in node.peers.connections:
                if gone is not None and connection.node is gone:
                    self._deliver(name, other, partial(connection.broken, gone))

    def carry(self, source: str, connection: _Connection, frame: bytes) -> None:
        """One request on its way, and its answer on the way back."""
        asker, target, meant = self._nodes.get(source), connection.address, connection.node
        if asker is None:
            return
        stamp_ms = asker.now_ms()

        def arrive() -> None:
            there = self._nodes.get(target)
            if there is None or meant not in (None, there):
                self._deliver(target, source, partial(connection.broken, meant))
                return
            connection.node = there
            request_id, answer = _asked(there, source, stamp_ms, frame)
            if isinstance(answer, Coroutine):
                there.tasks.start(answer_later(request_id, answer), f"a request of {source}")
            else:
                tell(request_id, answer)

        def tell(request_id: int, answer: PeerAnswer) -> None:
            told = answer_frame(request_id, answer)
            self._deliver(target, source, partial(_settle, connection.awaited, told))

        async def answer_later(request_id: int, asked: Coroutine[Any, Any, PeerAnswer]) -> None:
            tell(request_id, await asked)

        self._deliver(source, target, arrive)


class MemoryPeers:
    """``gateway.ports.Peers`` of one node; made by ``MemoryNetwork.join``, used inside that node's loop."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self._network = network
        self._name = name
        self._connections: dict[NodeNumber, _Connection] = {}
        self._closed = False

    @property
    def connections(self) -> Iterable[_Connection]:
        """For the network."""
        return self._connections.values()

    async def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> PeerAnswer:
        """``ports.Peers.ask``; as ``PeerClient.ask`` in everything."""
        if self._closed or member.address is None or wait_ms <= 0:
            return Outcome.UNREACHABLE
        connection = self._connections.get(member.number)
        if connection is None:
            connection = self._connections[member.number] = _Connection(member.address)
        awaited = connection.awaited
        if len(awaited) >= MAX_IN_FLIGHT:
            return Outcome.UNREACHABLE
        request_id, answer = awaited.add(wait_ms)
        try:
            frame = request_frame(request_id, member.number, min(wait_ms, MAX_WAIT_MS), request)
        except ValueError:
            awaited.settle(request_id, Outcome.UNREACHABLE)
        else:
            self._network.carry(self._name, connection, frame)
        return await answer

    def forget(self, number: NodeNumber) -> None:
        """As ``PeerClient.forget``."""
        connection = self._connections.pop(number, None)
        if connection is not None:
            connection.awaited.fail()

    async def close(self) -> None:
        """As ``PeerClient.close``; the node goes on answering until it leaves."""
        self._closed = True
        for number in tuple(self._connections):
            self.forget(number)


def _asked(
    node: _Node, source: str, stamp_ms: int, frame: bytes
) -> tuple[int, PeerAnswer | Coroutine[Any, Any, PeerAnswer]]:
    ((request_id, owner, remaining_ms, request),) = requests_in(frame, 0)
    late_ms = node.lateness.setdefault(source, Lateness()).of(stamp_ms, node.now_ms())
    if request is None:
        return request_id, Outcome.UNSUPPORTED
    return request_id, node.service.answer(owner, request) if late_ms < remaining_ms else Outcome.UNREACHABLE


def _settle(awaited: Awaited, frame: bytes) -> None:
    for request_id, answer in answers_in(frame, 0):
        awaited.settle(request_id, answer)
