"""Connections in the table: batches of writes, pages and single records. Blocking, as ``Table`` is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.batches import Key
from gateway.registry.records import CONNECTION_PREFIX, connection_of, item_of, key_of, partition_of
from gateway.registry.table import Table


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """``next_key`` continues the Query, None on the last page."""

    connections: tuple[Connection, ...]
    next_key: dict[str, Any] | None


class ConnectionTable:
    """May be called from several threads at once; raises what ``Table`` raises. ``keep_s`` as in ``TableSettings``."""

    def __init__(self, table: Table, keep_s: int | None) -> None:
        self._table = table
        self._keep_s = keep_s

    def write(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        """One BatchWriteItem of at most 25 different keys; returns the keys DynamoDB left unprocessed."""
        name = self._table.name
        answer = self._table.ask(
            lambda dynamodb: dynamodb.batch_write_item(
                name,
                put_items=[item_of(connection, self._keep_s) for connection in puts],
                delete_items=[key_of(owner, connection_id) for owner, connection_id in deletes],
            )
        )
        return frozenset(_key_in(request) for request in answer.get("UnprocessedItems", {}).get(name, ()))

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


def _key_in(request: dict[str, Any]) -> Key:
    item = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    owner = NodeNumber(int(item["pk"]["S"].partition("#")[2]))
    return owner, ConnectionId(item["sk"]["S"].removeprefix(CONNECTION_PREFIX))
