"""The ``$disconnect`` calls that nobody took, on DynamoDB. Few and rare: it connects when first needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from gateway.model.aws import AwsEndpoint
from gateway.model.ids import ConnectionId
from gateway.model.parked import ParkedDisconnect
from gateway.registry.calls import Calls
from gateway.registry.keys import CONNECTION_PREFIX, RawItem
from gateway.registry.parked_records import FAILED, item_of, key_of, parked_of
from gateway.registry.patience import insist
from gateway.registry.table_settings import TableSettings


class DynamoDbParked:
    """``gateway.ports.ParkedDisconnects``. A request is repeated for up to ``for_s`` seconds before it fails."""

    def __init__(self, endpoint: AwsEndpoint, table: TableSettings | None = None, for_s: float = 5.0) -> None:
        self._calls = Calls(endpoint, table or TableSettings())
        self._for_s = for_s

    async def park(self, parked: ParkedDisconnect) -> None:
        await insist(self._for_s, partial(self._calls.of_table, "PutItem", Item=item_of(parked)))

    async def all(self) -> AsyncIterator[ParkedDisconnect]:
        """Strongly consistent, page by page. What is parked or discarded meanwhile may or may not be seen."""
        start: RawItem | None = None
        while True:
            page = await insist(self._for_s, partial(self._calls.page, FAILED, CONNECTION_PREFIX, start))
            for item in page.items:
                yield parked_of(item)
            start = page.next_key
            if start is None:
                return

    async def discard(self, connection_id: ConnectionId) -> None:
        await insist(self._for_s, partial(self._calls.of_table, "DeleteItem", Key=key_of(connection_id)))

    async def close(self) -> None:
        """Take nothing any more; calls under way end by themselves."""
        self._calls.close()
