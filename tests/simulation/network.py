"""The other nodes, one hop away through the world's links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from gateway.model.ids import NodeNumber
from gateway.model.member import Member
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest
from gateway.ports import PeerService
from simulation.world import SimNode, World


class SimNetwork:
    """Nodes are found by their members' ``host``, which is the name of the process. ``answered`` hears of every answer
    when it is given, whether it arrives or not."""

    def __init__(self, world: World, answered: Callable[[PeerRequest, PeerAnswer], None]) -> None:
        self.world = world
        self.answered = answered
        self.services: dict[str, PeerService] = {}

    def peers(self, here: SimNode) -> SimPeers:
        return SimPeers(self, here)


class SimPeers:
    """``ports.Peers`` of one node."""

    def __init__(self, network: SimNetwork, here: SimNode) -> None:
        self._network = network
        self._here = here

    async def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> PeerAnswer:
        answered: asyncio.Future[PeerAnswer] = self._here.loop.create_future()
        carry_out = partial(self._carry_out, member.host, member.number, request, answered)
        self._deliver(self._here.name, member.host, carry_out)
        try:
            async with asyncio.timeout(wait_ms / 1000):
                return await answered
        except TimeoutError:
            return Outcome.UNREACHABLE

    def _carry_out(
        self, there: str, owner: NodeNumber, request: PeerRequest, answered: asyncio.Future[PeerAnswer]
    ) -> None:
        answer = self._network.services[there].answer(owner, request)
        self._network.answered(request, answer)
        self._deliver(there, self._here.name, lambda: None if answered.done() else answered.set_result(answer))

    def _deliver(self, source: str, target: str, what: Callable[[], object]) -> None:
        world = self._network.world
        world.deliver(source, target, what, world.latency_ms() / 2)
