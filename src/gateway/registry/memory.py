"""The registry in memory, with DynamoDB's manners: pages, calls that fail, reads that lag.

For tests and simulations, and as strict as the real adapter: after ``close`` it takes nothing, a page that fails leaves
the iteration with RegistryUnavailable, and a removal that failed is made up for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.memory_client import Faults, MemoryClient, Pause, let_others_run
from gateway.registry.memory_table import MemoryTable

__all__ = ["Faults", "MemoryRegistry", "MemoryTable"]


class MemoryRegistry(MemoryClient):
    """``gateway.ports.Registry``; a table of its own unless one is given. What the DynamoDB adapter repeats by itself,
    removals and those of records that may have arrived, happens here with the next write that succeeds, or when
    ``make_up`` is called."""

    def __init__(
        self, table: MemoryTable | None = None, *, faults: Faults | None = None, pause: Pause = let_others_run
    ) -> None:
        super().__init__(table, faults=faults, pause=pause)
        self._owed: dict[tuple[NodeNumber, ConnectionId], None] = {}

    @property
    def records(self) -> tuple[Connection, ...]:
        """Everything that is durable now, whatever reads see."""
        return self.table.connections

    async def register(self, connection: Connection) -> None:
        key = (connection.owner, connection.connection_id)
        self._owed.pop(key, None)
        try:
            await self._write(lambda: self.table.put(connection))
        except RegistryUnavailable:
            self._owe(key)
            raise
        self._pay()

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        try:
            await self._write(lambda: self.table.delete(owner, connection_id))
        except RegistryUnavailable:
            self._owe((owner, connection_id))
            raise
        self._pay()

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        return await self._read(lambda: self.table.find(owner, connection_id))

    async def connections_of(self, owner: NodeNumber, after: ConnectionId | None = None) -> AsyncIterator[Connection]:
        """By connection ID; only those that come later than ``after``."""
        while True:
            page, after = await self._read(partial(self.table.connections_after, owner, after))
            for connection in page:
                yield connection
            if after is None:
                return

    async def make_up(self) -> None:
        """Repeat the removals that failed, in one write. Raises RegistryUnavailable and owes them still."""
        if self._owed:
            await self._write(lambda: None)
            self._pay()

    def _owe(self, key: tuple[NodeNumber, ConnectionId]) -> None:
        if not self._closed:
            self._owed[key] = None

    def _pay(self) -> None:
        for owner, connection_id in self._owed:
            self.table.delete(owner, connection_id)
        self._owed.clear()
