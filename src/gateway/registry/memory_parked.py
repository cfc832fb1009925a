"""The parked ``$disconnect`` calls in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from gateway.model.ids import ConnectionId
from gateway.model.parked import ParkedDisconnect
from gateway.registry.memory_client import MemoryClient


class MemoryParked(MemoryClient):
    """``gateway.ports.ParkedDisconnects``."""

    async def park(self, parked: ParkedDisconnect) -> None:
        def park() -> None:
            self.table.parked[parked.connection.connection_id] = parked

        await self._write(park)

    async def all(self) -> AsyncIterator[ParkedDisconnect]:
        after: ConnectionId | None = None
        while True:
            page, after = await self._read(partial(self.table.parked_after, after))
            for parked in page:
                yield parked
            if after is None:
                return

    async def discard(self, connection_id: ConnectionId) -> None:
        await self._write(lambda: self.table.parked.pop(connection_id, None))
