"""The registry in memory, with DynamoDB's manners: pages, calls that fail, reads that lag.

For tests and simulations: no thread, no clock, no randomness, so a run repeats exactly. It is as strict as the real
adapter: after ``close`` it takes nothing, and a page that fails leaves the iteration with RegistryUnavailable.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber

_Records = dict[tuple[NodeNumber, ConnectionId], Connection]


async def _let_others_run() -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Faults:
    """Which calls fail, counted from 1 over all methods (a page is a call). ``fail_from`` fails that call and every
    later one. ``applied``: a failing write is written all the same, as when only the answer got lost."""

    fail_calls: frozenset[int] = frozenset()
    fail_from: int | None = None
    applied: bool = False

    def hit(self, call: int) -> bool:
        """Whether call number ``call`` fails."""
        return call in self.fail_calls or (self.fail_from is not None and call >= self.fail_from)


class MemoryRegistry:
    """``gateway.ports.Registry``. ``lag`` is how many of the latest writes reads do not see yet; ``pause`` is awaited
    in every call, which lets a simulation decide who runs next. ``faults`` may be replaced at any time."""

    def __init__(
        self,
        *,
        page_size: int = 100,
        faults: Faults | None = None,
        lag: int = 0,
        pause: Callable[[], Awaitable[None]] = _let_others_run,
    ) -> None:
        self.faults = faults or Faults()
        self.calls = 0
        self._page_size = page_size
        self._lag = lag
        self._pause = pause
        self._seen: _Records = {}
        self._late: deque[tuple[tuple[NodeNumber, ConnectionId], Connection | None]] = deque()
        self._closed = False

    @property
    def records(self) -> tuple[Connection, ...]:
        """Everything that is durable now, whatever reads see."""
        records = dict(self._seen)
        for key, connection in self._late:
            _apply(records, key, connection)
        return tuple(records.values())

    async def register(self, connection: Connection) -> None:
        await self._write((connection.owner, connection.connection_id), connection)

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        await self._write((owner, connection_id), None)

    async def connections_of(self, owner: NodeNumber) -> AsyncIterator[Connection]:
        last: ConnectionId | None = None
        while True:
            await self._call()
            mine = sorted(connection_id for number, connection_id in self._seen if number == owner)
            start = 0 if last is None else bisect_right(mine, last)
            page = [self._seen[owner, connection_id] for connection_id in mine[start : start + self._page_size]]
            for connection in page:
                yield connection
            if len(page) < self._page_size:
                return
            last = page[-1].connection_id

    async def close(self) -> None:
        """Take nothing any more."""
        self._closed = True

    async def _write(self, key: tuple[NodeNumber, ConnectionId], connection: Connection | None) -> None:
        try:
            await self._call()
        except RegistryUnavailable:
            if self.faults.applied and not self._closed:
                self._apply_late(key, connection)
            raise
        self._apply_late(key, connection)

    async def _call(self) -> None:
        if self._closed:
            raise RegistryUnavailable("the connection table is closed")
        self.calls += 1
        call = self.calls
        await self._pause()
        if self.faults.hit(call):
            raise RegistryUnavailable(f"injected: call {call} failed")

    def _apply_late(self, key: tuple[NodeNumber, ConnectionId], connection: Connection | None) -> None:
        self._late.append((key, connection))
        while len(self._late) > self._lag:
            _apply(self._seen, *self._late.popleft())


def _apply(records: _Records, key: tuple[NodeNumber, ConnectionId], connection: Connection | None) -> None:
    if connection is None:
        records.pop(key, None)
    else:
        records[key] = connection
