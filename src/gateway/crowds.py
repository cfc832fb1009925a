"""What is asked of many of a node's connections at once: in slices, and one after the other.

So two messages to the same connections arrive in the order in which they were asked for, and nobody else on the loop
waits for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from gateway.conversation import Conversation
from gateway.counters import Limit
from gateway.engine.responses import as_text
from gateway.listings import Listings
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.limits import MAX_MESSAGE_BYTES, MAX_TOLD
from gateway.model.peer import (
    Broadcast,
    ListConnections,
    MessageToMany,
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

    def __init__(self, node: Node, slices: Callable[[], Slices] = Slices) -> None:
        self._node = node
        self._listings = Listings(node, slices)
        self._slices = slices
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._waiting_bytes = 0

    @property
    def number(self) -> NodeNumber:
        """The node's."""
        return self._node.number

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """As ``Node.answer``; LIMITED when too much waits already. What is for many has its place in the queue when
        this returns, and is carried out whether or not anybody still waits for the answer then."""
        if isinstance(request, PostToMany):
            work = self._begin(request, lambda: self._post_all(owner, request), "a batch post")
            return Outcome.LIMITED if work is None else _answer_of(work)
        if isinstance(request, Broadcast):
            refusal = self._node.refusal_of(owner)
            work = None if refusal else self._begin(request, lambda: self._broadcast_all(owner, request), "a broadcast")
            if work is None:
                return refusal or Outcome.LIMITED
            return _answer_of(work) if request.waits else Outcome.DONE
        if isinstance(request, ListConnections):
            return self._listings.answer(owner, request)
        return self._node.answer(owner, request)

    async def catch_up(self, within_s: float) -> None:
        """Wait until all that stands in the queue now is carried out, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.sleep(0)  # what was taken in this turn of the loop stands in it then
                async with self._turn:
                    pass

    def _begin(
        self, request: MessageToMany, work: Callable[[], Coroutine[Any, Any, PeerAnswer]], name: str
    ) -> asyncio.Task[PeerAnswer] | None:
        """Have it done in its turn, unless too much waits. Tasks begin in the order in which they were made."""
        if not self._has_room(request):
            self._node.exceed(Limit.WAITING_TO_MANY)
            return None
        self._wait(request, 1)
        return self._node.start(work(), name)

    async def _in_turn(self, request: MessageToMany, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        try:
            async with self._turn:
                return await work()
        finally:
            self._wait(request, -1)

    def _has_room(self, request: MessageToMany) -> bool:
        if self._waiting >= MAX_WAITING:
            return False
        return not self._waiting or self._waiting_bytes + len(request.data) <= MAX_WAITING_BYTES

    def _wait(self, request: MessageToMany, one: int) -> None:
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
        message, slices = _prepared(request), self._slices()
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
                        elif isinstance(early, Outcome):
                            told[at] = early  # there is no room for one more that waits
            outcomes += told
            await slices.rest()
        return Outcomes(tuple(outcomes))

    async def _broadcast_all(self, owner: NodeNumber, request: Broadcast) -> PeerAnswer:
        return await self._in_turn(request, lambda: self._broadcast(owner, request))

    async def _broadcast(self, owner: NodeNumber, request: Broadcast) -> PeerAnswer:
        """To everybody who is connected when its turn comes; who connects meanwhile does not get it."""
        node, audience = self._node, request.audience
        message, slices, toll = _prepared(request), self._slices(), _Toll()
        everybody, done = node.conversations(audience.members), 0
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


def _prepared(request: MessageToMany) -> PreparedMessage:
    if request.binary:
        return PreparedMessage.of_bytes(request.data)
    return PreparedMessage(as_text(request.data), size=len(request.data))


async def _answer_of(work: asyncio.Task[PeerAnswer]) -> PeerAnswer:
    """Who gives the waiting up ends nothing but the waiting. What went wrong is the node's to report."""
    await asyncio.wait((work,))
    return Outcome.UNREACHABLE if work.cancelled() or work.exception() else work.result()


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
