"""What is asked of many of a node's connections at once: in slices, and one after the other.

So two messages to the same connections arrive in the order in which they were asked for, and nobody else on the loop
waits for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from gateway.conversation import Conversation
from gateway.engine.responses import as_text
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.limits import MAX_MESSAGE_BYTES, MAX_TOLD
from gateway.model.peer import (
    Broadcast,
    ManyRequest,
    Outcome,
    Outcomes,
    PeerAnswer,
    PeerRequest,
    PostTo,
    PostToMany,
    Reached,
)
from gateway.node import Node
from gateway.slices import Slices
from gateway.wire.prepared_message import PreparedMessage

MAX_WAITING: Final = 64  # messages to many that wait for their turn
MAX_WAITING_BYTES: Final = 64 * MAX_MESSAGE_BYTES  # of them, or of one that is longer
Held = dict[int, Coroutine[Any, Any, Outcome]]  # posts that wait for a connection to open, by their place


class Crowds:
    """Implements ``ports.PeerService`` for one connection, by ``node``, and for many."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._waiting_bytes = 0

    @property
    def number(self) -> NodeNumber:
        """The node's."""
        return self._node.number

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """As ``Node.answer``; LIMITED when too much waits already."""
        if isinstance(request, PostToMany):
            return self._post_all(owner, request)
        if isinstance(request, Broadcast):
            if request.waits:
                return self._in_turn(request, lambda: self._broadcast(owner, request))
            return self._node.refusal_of(owner) or self._later(request, lambda: self._broadcast(owner, request))
        return self._node.answer(owner, request)

    def _later(self, request: ManyRequest, work: Callable[[], Awaitable[PeerAnswer]]) -> Outcome:
        """Have it done in its turn."""
        if not self._has_room(request):
            return Outcome.LIMITED
        self._wait(request, 1)
        self._node.start(self._counted(request, work), "a broadcast")
        return Outcome.DONE

    async def _in_turn(self, request: ManyRequest, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        if not self._has_room(request):
            return Outcome.LIMITED
        self._wait(request, 1)
        try:
            await asyncio.sleep(0)  # what ``_later`` has started stands in the queue then
            async with self._turn:
                return await work()
        finally:
            self._wait(request, -1)

    async def _counted(self, request: ManyRequest, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        try:
            async with self._turn:
                return await work()
        finally:
            self._wait(request, -1)

    def _has_room(self, request: ManyRequest) -> bool:
        if self._waiting >= MAX_WAITING:
            return False
        return not self._waiting or self._waiting_bytes + len(request.data) <= MAX_WAITING_BYTES

    def _wait(self, request: ManyRequest, one: int) -> None:
        """One more waits, or (-1) one less."""
        self._waiting += one
        self._waiting_bytes += one * len(request.data)

    async def _post_all(self, owner: NodeNumber, request: PostToMany) -> PeerAnswer:
        """Whoever waits for a connection to open does so behind its turn: nobody else waits for that."""
        held: Held = {}
        try:
            answer = await self._in_turn(request, lambda: self._post(owner, request, held))
            if not held or not isinstance(answer, Outcomes):
                return answer
            late = dict(zip(held, await asyncio.gather(*held.values()), strict=True))
        finally:
            for each in held.values():
                each.close()
        return Outcomes(tuple([late.get(at, outcome) for at, outcome in enumerate(answer.each)]))

    async def _post(self, owner: NodeNumber, request: PostToMany, held: Held) -> PeerAnswer:
        node, targets = self._node, request.connection_ids
        message, slices = _prepared(request), Slices()
        outcomes: list[Outcome] = []
        while len(outcomes) < len(targets):
            refusal = node.refusal_of(owner)
            if refusal is not None:  # fenced meanwhile: the rest is told the same
                outcomes += [refusal] * (len(targets) - len(outcomes))
                break
            portion = targets[len(outcomes) : len(outcomes) + slices.at_once]
            told = node.tell_each(node.found(request.api_id, portion), message)
            if node.limits.early_post_ms is not None:
                for at, each in enumerate(portion):
                    if told[at] is Outcome.GONE:
                        early = node.answer(owner, PostTo(request.api_id, each, request.data, request.binary))
                        if isinstance(early, Coroutine):
                            held[len(outcomes) + at] = early
            outcomes += told
            await slices.rest()
        return Outcomes(tuple(outcomes))

    async def _broadcast(self, owner: NodeNumber, request: Broadcast) -> PeerAnswer:
        """To everybody who is connected when its turn comes; who connects meanwhile does not get it."""
        node, audience = self._node, request.audience
        message, slices, toll = _prepared(request), Slices(), _Toll()
        everybody, done = node.conversations(), 0
        while done < len(everybody):
            refusal = node.refusal_of(owner)
            if refusal is not None:
                return refusal
            portion = everybody[done : done + slices.at_once]
            done += len(portion)
            some = audience.among(portion)
            toll.add(some, node.tell_each(some, message))
            await slices.rest()
        return toll.reached()


def _prepared(request: ManyRequest) -> PreparedMessage:
    return PreparedMessage.of_bytes(request.data) if request.binary else PreparedMessage(as_text(request.data))


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
