"""What is asked of many of a node's connections at once: in slices, and one after the other.

So two messages to the same connections arrive in the order in which they were asked for, and nobody else on the loop
waits for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from gateway.engine.responses import as_text
from gateway.model.ids import NodeNumber
from gateway.model.peer import Outcome, Outcomes, PeerAnswer, PeerRequest, PostToMany
from gateway.node import Node
from gateway.slices import AT_ONCE, Slices
from gateway.wire.prepared_text import PreparedText

MAX_WAITING: Final = 64  # messages to many that wait for their turn: 8 MB of the longest


class Crowds:
    """Implements ``ports.PeerService`` for one connection, by ``node``, and for many."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turn = asyncio.Lock()
        self._waiting = 0

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """As ``Node.answer``; LIMITED when too much waits already."""
        if isinstance(request, PostToMany):
            return self._in_turn(lambda: self._post(owner, request))
        return self._node.answer(owner, request)

    async def _in_turn(self, work: Callable[[], Awaitable[PeerAnswer]]) -> PeerAnswer:
        if self._waiting >= MAX_WAITING:
            return Outcome.LIMITED
        self._waiting += 1
        try:
            async with self._turn:
                return await work()
        finally:
            self._waiting -= 1

    async def _post(self, owner: NodeNumber, request: PostToMany) -> PeerAnswer:
        node, targets = self._node, request.connection_ids
        text, slices = PreparedText(as_text(request.data)), Slices()
        outcomes: list[Outcome] = []
        for start in range(0, len(targets), AT_ONCE):
            refusal = node.refusal_of(owner)
            if refusal is not None:  # fenced meanwhile: the rest is told the same
                outcomes += [refusal] * (len(targets) - start)
                break
            outcomes += [node.tell(request.api_id, each, text) for each in targets[start : start + AT_ONCE]]
            await slices.rest()
        return Outcomes(tuple(outcomes))
