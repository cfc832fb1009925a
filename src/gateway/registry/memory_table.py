"""What DynamoDB holds, in memory: the table that the adapters of several simulated nodes have in common.

No thread, no clock, no randomness and nothing of any event loop, so a run repeats exactly. Each of its methods is one
request that takes effect at once; how it gets here and back is the affair of ``MemoryClient``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from typing import TypeVar

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect

_Key = tuple[NodeNumber, ConnectionId]
K = TypeVar("K", NodeNumber, ConnectionId)
V = TypeVar("V")


class MemoryTable:
    """``page_size`` items are read at once. ``lag`` is how many of the latest writes of connections the pages of
    ``connections_of`` do not see yet; every other read is consistent. ``writes_left`` is how many writes are taken
    until somebody raises it, None for any number: the others are throttled."""

    def __init__(self, *, page_size: int = 100, lag: int = 0) -> None:
        self.members: dict[NodeNumber, Member] = {}
        self.parked: dict[ConnectionId, ParkedDisconnect] = {}
        self.agreed: dict[str, str] = {}
        self.last_number = 0
        self.writes_left: int | None = None
        self._page_size = page_size
        self._lag = lag
        self._connections: dict[_Key, Connection] = {}
        self._seen: dict[_Key, Connection] = {}
        self._late: deque[tuple[_Key, Connection | None]] = deque()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every record of a connection that is durable now, whatever reads see."""
        return tuple(self._connections.values())

    def takes_a_write(self) -> bool:
        """Whether a write is taken now; it then counts as one."""
        if self.writes_left is None:
            return True
        if self.writes_left == 0:
            return False
        self.writes_left -= 1
        return True

    def put(self, connection: Connection) -> None:
        key = (connection.owner, connection.connection_id)
        self._connections[key] = connection
        self._seen_late(key, connection)

    def delete(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        self._connections.pop((owner, connection_id), None)
        self._seen_late((owner, connection_id), None)

    def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        return self._connections.get((owner, connection_id))

    def connections_after(
        self, owner: NodeNumber, last: ConnectionId | None
    ) -> tuple[list[Connection], ConnectionId | None]:
        """One page by connection ID, and where the next one starts: None when this one was the last."""
        mine = {connection_id: found for (number, connection_id), found in self._seen.items() if number == owner}
        return self._page(mine, last)

    def members_after(self, last: NodeNumber | None) -> tuple[list[Member], NodeNumber | None]:
        """One page by number, and where the next one starts."""
        return self._page(self.members, last)

    def parked_after(self, last: ConnectionId | None) -> tuple[list[ParkedDisconnect], ConnectionId | None]:
        """One page by connection ID, and where the next one starts."""
        return self._page(self.parked, last)

    def _page(self, items: Mapping[K, V], last: K | None) -> tuple[list[V], K | None]:
        keys = sorted(items)
        start = 0 if last is None else bisect_right(keys, last)
        page = keys[start : start + self._page_size]
        # As in DynamoDB a page that was filled by the very last item has a successor, which is empty.
        return [items[key] for key in page], page[-1] if len(page) == self._page_size else None

    def _seen_late(self, key: _Key, connection: Connection | None) -> None:
        self._late.append((key, connection))
        while len(self._late) > self._lag:
            key, connection = self._late.popleft()
            if connection is None:
                self._seen.pop(key, None)
            else:
                self._seen[key] = connection
