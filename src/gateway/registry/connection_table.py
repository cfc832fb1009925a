"""Connections read from the table: pages and single records."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.calls import Calls
from gateway.registry.keys import CONNECTION_PREFIX, RawItem, partition_of, raw_key_of
from gateway.registry.records import connection_of


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """``next_key`` continues the Query, None on the last page."""

    connections: tuple[Connection, ...]
    next_key: RawItem | None


class ConnectionTable:
    """Tries each call once, and raises what ``Calls`` raises."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def page(self, owner: NodeNumber, start: RawItem | None) -> ConnectionPage:
        """One page of everything ``owner`` holds, read strongly consistent."""
        page = await self._calls.page(partition_of(owner), CONNECTION_PREFIX, start)
        return ConnectionPage(tuple(map(connection_of, page.items)), page.next_key)

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        """One record, read strongly consistent."""
        answer = await self._calls.of_table("GetItem", Key=raw_key_of(owner, connection_id), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else connection_of(item)
