"""Connections read from the table: pages and single records. Blocking, as ``Table`` is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.records import CONNECTION_PREFIX, connection_of, key_of, partition_of
from gateway.registry.table import Table


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """``next_key`` continues the Query, None on the last page."""

    connections: tuple[Connection, ...]
    next_key: dict[str, Any] | None


class ConnectionTable:
    """May be called from several threads at once; raises what ``Table`` raises."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, owner: NodeNumber, start: dict[str, Any] | None) -> ConnectionPage:
        """One page of everything ``owner`` holds, read strongly consistent."""
        page = self._table.page(partition_of(owner), CONNECTION_PREFIX, start)
        return ConnectionPage(tuple(map(connection_of, page.items)), page.next_key)

    def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        """One record, read strongly consistent."""
        key = key_of(owner, connection_id)
        answer = self._table.ask(
            lambda dynamodb: dynamodb.get_item(self._table.name, key["pk"], key["sk"], consistent_read=True)
        )
        item = answer.get("Item")
        return None if item is None else connection_of(item)
