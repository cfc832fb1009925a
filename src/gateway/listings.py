"""What a node tells of its connections: how many there are, and which, in an order that stays as others come and go.

In slices, and one list after the other, so that nobody else on the loop waits for more than one slice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.conversation import Conversation
from gateway.engine.lifecycle import State
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.limits import MAX_LISTED_BYTES
from gateway.model.peer import Entry, ListConnections, Listing, Outcome, PeerAnswer
from gateway.node import Node
from gateway.slices import MOST, Slices

MAX_WAITING: Final = 64  # lists that wait for their turn
_AROUND: Final = 96  # bytes of an entry beside its texts, at most

_Place = tuple[int, ConnectionId]


class Listings:
    """Those of ``node``."""

    def __init__(self, node: Node, slices: Callable[[], Slices] = Slices) -> None:
        self._node = node
        self._slices = slices
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def answer(self, owner: NodeNumber, request: ListConnections) -> PeerAnswer:
        """LIMITED when too many wait already; else as ``Node.answer``."""
        if self._waiting >= MAX_WAITING:
            return Outcome.LIMITED
        self._waiting += 1
        try:
            async with self._turn:
                return await self._list(owner, request)
        finally:
            self._waiting -= 1

    async def _list(self, owner: NodeNumber, request: ListConnections) -> PeerAnswer:
        node, audience, slices = self._node, request.audience, self._slices()
        after = None if request.after is None else (request.after.connected_at_ms, request.after.connection_id)
        first, count = _First(request.limit), 0
        everybody, done = node.conversations(audience.members), 0
        while done < len(everybody):
            refusal = node.refusal_of(owner)
            if refusal is not None:
                return refusal
            portion = everybody[done : done + slices.at_once]
            done += len(portion)
            for each in portion:
                connection = each.connection
                place = connection.connected_at_ms, connection.connection_id
                if (after is None or place > after) and each.state is State.OPEN and audience.admits(connection):
                    count += 1
                    first.add(place, each)
            await slices.rest()
        refusal = node.refusal_of(owner)
        return refusal or Listing(count, await self._entries(first.found(), slices))

    async def _entries(self, conversations: list[Conversation], slices: Slices) -> tuple[Entry, ...]:
        """As many as fit into one answer."""
        entries: list[Entry] = []
        room = MAX_LISTED_BYTES
        done = 0
        while done < len(conversations) and room > 0:
            portion = conversations[done : done + slices.at_once]
            done += len(portion)
            for each in portion:
                if room > 0:
                    entries.append(self._entry(each))
                    room -= _bytes_of(entries[-1])
            await slices.rest()
        return tuple(entries)

    def _entry(self, conversation: Conversation) -> Entry:
        connection = conversation.connection
        return Entry(
            connection.connection_id,
            connection.connected_at_ms,
            conversation.last_active_at_ms,
            connection.source_ip,
            connection.user_agent,
            (connection.authorizer or {}).get("principalId"),
            self._node.groups.names_of(conversation),
        )


class _First:
    """The first ``limit`` of what is added, in the order of their places; it never holds more than a few times that."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[tuple[_Place, Conversation]] = []
        self._last: _Place | None = None  # what is behind it is not among the first

    def add(self, place: _Place, conversation: Conversation) -> None:
        if self._limit == 0 or (self._last is not None and place > self._last):
            return
        self._kept.append((place, conversation))
        if len(self._kept) >= 2 * self._limit + MOST:
            self._cut()

    def found(self) -> list[Conversation]:
        self._cut()
        return [conversation for _, conversation in self._kept]

    def _cut(self) -> None:
        self._kept.sort(key=lambda each: each[0])
        del self._kept[self._limit :]
        if len(self._kept) == self._limit > 0:
            self._last = self._kept[-1][0]


def _bytes_of(entry: Entry) -> int:
    texts = (entry.source_ip, entry.user_agent or "", entry.principal or "", *entry.groups)
    return _AROUND + sum(len(text.encode("utf-8", "surrogatepass")) + 3 for text in texts)
