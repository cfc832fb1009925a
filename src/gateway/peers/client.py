"""Asks other nodes: ``gateway.ports.Peers`` over Unix sockets and TCP."""

from __future__ import annotations

from gateway.model.ids import NodeNumber
from gateway.model.member import Member
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest
from gateway.peers.dialer import Dialer
from gateway.peers.link import Link
from gateway.ports import Reporter
from gateway.tasks import Tasks


class PeerClient:
    """``key`` is the fleet's, 1 to 64 bytes; ``machine`` what ``machine_identity`` says.

    ``reporter`` is warned of nodes that do not have the key. To be used inside one running loop.
    """

    def __init__(self, key: bytes, machine: str, reporter: Reporter) -> None:
        self._dialer = Dialer(key, machine)
        self._reporter = reporter
        self._tasks = Tasks(reporter.failed)
        self._links: dict[NodeNumber, Link] = {}
        self._closed = False

    async def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> PeerAnswer:
        """``ports.Peers.ask``. Also UNREACHABLE, and at once: when the node cannot be connected to, when the connection
        breaks, when ``MAX_IN_FLIGHT`` requests to it wait already, and once this is closed."""
        link = self._links.get(member.number)
        if link is None:
            if self._closed:
                return Outcome.UNREACHABLE
            link = self._links[member.number] = Link(self._dialer, self._tasks, self._reporter.warned)
        return await link.ask(member, request, wait_ms)

    def forget(self, number: NodeNumber) -> None:
        """The node is gone: close its connection, whatever waits for it is UNREACHABLE. A no-op when there is none."""
        link = self._links.pop(number, None)
        if link is not None:
            link.close()

    async def close(self) -> None:
        """Close every connection; whatever is asked or waits is UNREACHABLE."""
        self._closed = True
        for number in tuple(self._links):
            self.forget(number)
        await self._tasks.close()
