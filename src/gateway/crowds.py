"""What is asked of many of a node's connections at once: in slices, and one after the other.

So two messages to the same connections arrive in the order in which they were asked for, and nobody else on the loop
waits for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from gateway.conversation import Conversation
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.limits import MAX_TOLD
from gateway.model.peer import Broadcast, Outcome, Outcomes, PeerAnswer, PeerRequest, PostToMany, Reached
from gateway.node import Node
from gateway.slices import Slices

MAX_WAITING: Final = 64  # messages to many that wait for their turn: 8 MB of the longest


class Crowds:
    """Implements ``ports.PeerService`` for one connection, by ``node``, and for many."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def number(self) -> NodeNumber:
        """The node's."""
        return self._node.number

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """As ``Node.answer``; LIMITED when too much waits already."""
        if isinstance(request, PostToMany):
            return self._in_turn(lambda: self._post(owner, request))
        if isinstance(request, Broadcast):
            if request.waits:
                return self._in_turn(lambda: self._broadcast(owner, request))
            return self._node.refusal_of(owner) or self._later(lambda: self._broadcast(owner, request))
        return self._node.answer(owner, request)

    def _later(self, work: Callable[[], Awaitable[PeerAnswer]]) -> Outcome:
        """Have it done in its turn."""
        if self._waiting >= MAX_WAITING:
            return Outcome.LIMITED
        self._waiting += 1
        self._node.start(self._counted(work), "a broadcast")
        return Outcome.DONE

    async def _in_turn(self, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        if self._waiting >= MAX_WAITING:
            return Outcome.LIMITED
        self._waiting += 1
        try:
            await asyncio.sleep(0)  # what ``_later`` has started stands in the queue then
            async with self._turn:
                return await work()
        finally:
            self._waiting -= 1

    async def _counted(self, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        try:
            async with self._turn:
                return await work()
        finally:
            self._waiting -= 1

    async def _post(self, owner: NodeNumber, request: PostToMany) -> PeerAnswer:
        node, targets = self._node, request.connection_ids
        text, slices = node.prepared(request.data), Slices()
        outcomes: list[Outcome] = []
        while len(outcomes) < len(targets):
            refusal = node.refusal_of(owner)
            if refusal is not None:  # fenced meanwhile: the rest is told the same
                outcomes += [refusal] * (len(targets) - len(outcomes))
                break
            some = targets[len(outcomes) : len(outcomes) + slices.at_once]
            outcomes += node.tell_each(node.found(request.api_id, some), text)
            await slices.rest()
        return Outcomes(tuple(outcomes))

    async def _broadcast(self, owner: NodeNumber, request: Broadcast) -> PeerAnswer:
        """To everybody who is connected when its turn comes; who connects meanwhile does not get it."""
        node, audience = self._node, request.audience
        text, slices, toll = node.prepared(request.data), Slices(), _Toll()
        everybody, done = node.conversations(), 0
        while done < len(everybody):
            refusal = node.refusal_of(owner)
            if refusal is not None:
                return refusal
            portion = everybody[done : done + slices.at_once]
            done += len(portion)
            some = audience.among(portion)
            toll.add(some, node.tell_each(some, text))
            await slices.rest()
        return toll.reached()


class _Toll:
    """Who was asked and did not get it, as a broadcast goes on."""

    def __init__(self) -> None:
        self.asked = 0
        self._missed: dict[Outcome, int] = {Outcome.GONE: 0, Outcome.LIMITED: 0}
        self._named: dict[Outcome, list[ConnectionId]] = {Outcome.GONE: [], Outcome.LIMITED: []}

    def add(self, some: Sequence[Conversation], outcomes: Sequence[Outcome]) -> None:
        """What became of it at each of these."""
        self.asked += len(some)
        if outcomes.count(Outcome.DONE) < len(some):
            for conversation, outcome in zip(some, outcomes, strict=True):
                if outcome is not Outcome.DONE:
                    self._add_missed(outcome, conversation.connection.connection_id)

    def _add_missed(self, outcome: Outcome, connection_id: ConnectionId) -> None:
        self._missed[outcome] += 1
        if len(self._named[outcome]) < MAX_TOLD:
            self._named[outcome].append(connection_id)

    def reached(self) -> Reached:
        gone, limited = self._missed[Outcome.GONE], self._missed[Outcome.LIMITED]
        named = self._named
        sent = self.asked - gone - limited
        return Reached(sent, gone, limited, tuple(named[Outcome.GONE]), tuple(named[Outcome.LIMITED]))
