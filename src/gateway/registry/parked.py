"""The ``$disconnect`` calls that nobody took, on DynamoDB. Few and rare: its client is made when first needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, ParamSpec, TypeVar

from gateway.model.aws import AwsEndpoint
from gateway.model.ids import ConnectionId
from gateway.model.parked import ParkedDisconnect
from gateway.registry.parked_records import FAILED, item_of, parked_of, sort_key_of
from gateway.registry.records import CONNECTION_PREFIX
from gateway.registry.table import Table, TableSettings
from gateway.registry.threads import Threads

THREADS: Final = 2

P = ParamSpec("P")
T = TypeVar("T")


class DynamoDbParked:
    """``gateway.ports.ParkedDisconnects``. A request is repeated for up to ``for_s`` seconds before it fails."""

    def __init__(self, endpoint: AwsEndpoint, table: TableSettings | None = None, for_s: float = 5.0) -> None:
        self._table = Table(endpoint, table or TableSettings(), THREADS)
        self._threads = Threads(THREADS, "parked")
        self._for_s = for_s

    async def park(self, parked: ParkedDisconnect) -> None:
        await self._insist(self._put, parked)

    async def all(self) -> AsyncIterator[ParkedDisconnect]:
        """Strongly consistent, page by page. What is parked or discarded meanwhile may or may not be seen."""
        start: dict[str, Any] | None = None
        while True:
            page = await self._insist(self._table.page, FAILED, CONNECTION_PREFIX, start)
            for item in page.items:
                yield parked_of(item)
            start = page.next_key
            if start is None:
                return

    async def discard(self, connection_id: ConnectionId) -> None:
        await self._insist(self._delete, connection_id)

    async def close(self) -> None:
        """Take nothing any more; calls under way end by themselves."""
        self._threads.close()
        self._table.close()

    async def _insist(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.insist(self._for_s, call, *args, **kwargs)

    def _put(self, parked: ParkedDisconnect) -> None:
        item = item_of(parked)
        self._table.ask(lambda dynamodb: dynamodb.put_item(self._table.name, FAILED, item["sk"]["S"], attributes=item))

    def _delete(self, connection_id: ConnectionId) -> None:
        self._table.ask(lambda dynamodb: dynamodb.delete_item(self._table.name, FAILED, sort_key_of(connection_id)))
