"""The way to one other node: one connection, opened when something is asked, kept, and opened again when it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.model.ids import NodeNumber
from gateway.model.member import Member
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest
from gateway.peers.asking import AskingSide
from gateway.peers.awaited import Awaited
from gateway.peers.bounds import MAX_IN_FLIGHT
from gateway.peers.codec import MAX_WAIT_MS, request_frame
from gateway.peers.dialer import Dialer
from gateway.tasks import Tasks


class Link:
    """To be made inside a running loop. ``warned`` hears that the node is none of ours: once, until it is.

    What is awaited is either not sent, because the connection is being opened, or in flight on the one that there is:
    so a connection that fails ends all of it, and no request is ever sent twice.
    """

    __slots__ = ("_closed", "_dialer", "_dialing", "_side", "_tasks", "_unsent", "_warn", "_warned", "awaited")

    def __init__(self, dialer: Dialer, tasks: Tasks, warned: Callable[[str], None]) -> None:
        self._dialer = dialer
        self._tasks = tasks
        self._warn = warned
        self._warned = False
        self._unsent: list[tuple[int, NodeNumber, PeerRequest]] = []
        self._side: AskingSide | None = None
        self._dialing = False
        self._closed = False
        self.awaited = Awaited()

    def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> asyncio.Future[PeerAnswer]:
        """The answer to come. UNREACHABLE at once when as much as is allowed waits already, and once closed."""
        request_id, answer = self.awaited.add(wait_ms)
        side = self._side
        if self._full() or wait_ms <= 0:
            self.awaited.settle(request_id, Outcome.UNREACHABLE)
        elif side is not None:
            self._send(side, request_id, member.number, request, wait_ms)
        else:
            self._unsent.append((request_id, member.number, request))
            self._dial(member)
        return answer

    def close(self) -> None:
        """End the connection; what is awaited is UNREACHABLE, and so is all that is asked from now on."""
        self._closed = True
        if self._side is not None:
            self._side.drop()
        self._fail()

    def lost(self, side: AskingSide) -> None:
        if side is self._side:
            self._side = None
            self._fail()

    def warned(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(text)

    def _full(self) -> bool:
        if self._side is not None:
            return self._side.congested or len(self.awaited) > MAX_IN_FLIGHT or self._closed
        return len(self.awaited) > MAX_IN_FLIGHT or len(self._unsent) >= MAX_IN_FLIGHT or self._closed

    def _send(self, side: AskingSide, request_id: int, owner: NodeNumber, request: PeerRequest, wait_ms: int) -> None:
        try:
            side.send(request_frame(request_id, owner, min(wait_ms, MAX_WAIT_MS), request))
        except ValueError:  # longer than any message may be: no node would take it
            self.awaited.settle(request_id, Outcome.UNREACHABLE)

    def _dial(self, member: Member) -> None:
        if not self._dialing:
            self._dialing = True
            self._tasks.start(self._connect(member), f"dial node {int(member.number)}")

    async def _connect(self, member: Member) -> None:
        side = None
        try:
            side = await self._dialer.dial(member, self)
        finally:
            self._dialing = False
            self._connected(side)

    def _connected(self, side: AskingSide | None) -> None:
        if side is None or side.gone or self._closed:
            self._fail()
            if side is not None:
                side.drop()
            return
        self._side = side
        self._warned = False
        unsent, self._unsent = self._unsent, []
        for request_id, owner, request in unsent:
            left_ms = self.awaited.left_ms(request_id)
            if left_ms > 0:
                self._send(side, request_id, owner, request, left_ms)

    def _fail(self) -> None:
        self._unsent = []
        self.awaited.fail()
