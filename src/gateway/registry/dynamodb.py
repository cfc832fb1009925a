"""The registry on DynamoDB: one table, group commit, reads beside it.

Writes go through ``Writer`` and ``BatchSender``; pages of records have connections and timeouts of their own. The
table itself is made by pynamodb, in a thread.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from gateway.model.aws import AwsEndpoint
from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.batch_sender import BatchSender
from gateway.registry.batches import CommitPolicy
from gateway.registry.calls import Calls
from gateway.registry.connection_table import ConnectionTable
from gateway.registry.keys import raw_key_of
from gateway.registry.patience import insist
from gateway.registry.table_settings import TableSettings, Timeouts
from gateway.registry.threads import Threads
from gateway.registry.writer import Writer

# Nobody waits at a socket for a page, and an emulator may take seconds for one of a crowded node.
PAGE_TIMEOUTS: Final = Timeouts(connect_s=1.0, read_s=15.0)

T = TypeVar("T")


class Notices(Protocol):
    """The part of ``gateway.ports.Reporter`` this room speaks to."""

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. ``page_s``: after which reading a page is not tried again; ``flush_s``: how long ``close`` may write."""

    page_s: float = 5.0
    flush_s: float = 5.0


class DynamoDbRegistry:
    """``gateway.ports.Registry``. Make it inside the loop it serves, ask for the table once, ``close`` at the end.

    ``register`` expects an ID to be registered once until it is unregistered; a repeat overwrites. A caller that was
    cancelled does not know whether it wrote and should ``unregister``. ``unregister`` that raised is repeated here.
    """

    def __init__(
        self,
        endpoint: AwsEndpoint,
        notices: Notices,
        table: TableSettings | None = None,
        policy: CommitPolicy | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        settings, policy = table or TableSettings(), policy or CommitPolicy()
        self._notices = notices
        self._deadlines = deadlines or Deadlines()
        self._endpoint = endpoint
        self._settings = settings
        self._calls = Calls(endpoint, settings)
        self._pages = Calls(endpoint, settings, PAGE_TIMEOUTS)
        self._connections = ConnectionTable(self._calls)
        self._whole = ConnectionTable(self._pages)
        self._writer = Writer(
            BatchSender(self._calls, settings.keep_s),
            policy,
            random.random,
            on_outage=self._tell_outage,
            on_recovery=self._tell_recovery,
            on_loss=self._tell_loss,
        )

    async def exists(self) -> bool:
        """Whether the table is there; asked again for ``page_s`` seconds. Raises RegistryUnavailable."""
        return await self._insist(self._calls.exists)

    async def ensure_table(self) -> bool:
        """Create the table unless it exists; True when it was created. Tried again for ``page_s`` seconds.

        Raises RegistryUnavailable.
        """
        from gateway.registry.table import Table  # brings pynamodb and botocore, for this alone

        table, threads = Table(self._endpoint, self._settings, 1), Threads(1, "registry-table")
        try:
            return await threads.insist(self._deadlines.page_s, table.ensure)
        finally:
            threads.close()
            table.close()

    async def register(self, connection: Connection) -> None:
        await self._writer.put(connection)

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        await self._writer.delete((owner, connection_id))

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        return await self._insist(partial(self._connections.find, owner, connection_id))

    async def connections_of(self, owner: NodeNumber, after: ConnectionId | None = None) -> AsyncIterator[Connection]:
        """Strongly consistent, page by page, by connection ID; only those that come later than ``after``. What is
        written meanwhile may or may not be seen."""
        start = None if after is None else raw_key_of(owner, after)
        while True:
            page = await self._insist(partial(self._whole.page, owner, start))
            for connection in page.connections:
                yield connection
            start = page.next_key
            if start is None:
                return

    async def close(self) -> None:
        """Flush for up to ``flush_s``, then let go of everything."""
        left = await self._writer.close(self._deadlines.flush_s)
        if left:
            self._notices.failed(
                f"{self._calls.where}: {left} writes were not finished; records may remain until they expire"
            )
        self._calls.close()
        self._pages.close()

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        return await insist(self._deadlines.page_s, call)

    def _tell_outage(self, why: str) -> None:
        self._notices.failed(
            f"{self._calls.where} does not take writes ({why}); new connections are refused until it does"
        )

    def _tell_recovery(self) -> None:
        self._notices.warned(f"{self._calls.where} takes writes again")

    def _tell_loss(self, count: int) -> None:
        self._notices.failed(
            f"{self._calls.where}: {count} removals were given up; those records remain until they expire"
        )
