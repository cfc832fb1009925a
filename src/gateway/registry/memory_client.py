"""One node's way to a ``MemoryTable``, and what can go wrong on it: calls that are slow, fail, or only seem to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway.model.errors import RegistryUnavailable
from gateway.registry.memory_table import MemoryTable
from gateway.registry.patience import CLOSED

Pause = Callable[[], Awaitable[None]]
T = TypeVar("T")


async def let_others_run() -> None:
    """The shortest pause there is."""
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Faults:
    """Which calls fail, counted from 1 over all methods of one client (a page is a call). ``fail_from`` fails that call
    and every later one. ``applied``: a failing write is written all the same, as when only the answer got lost."""

    fail_calls: frozenset[int] = frozenset()
    fail_from: int | None = None
    applied: bool = False

    def hit(self, call: int) -> bool:
        """Whether call number ``call`` fails."""
        return call in self.fail_calls or (self.fail_from is not None and call >= self.fail_from)


class MemoryClient:
    """What the adapters in memory have in common; a table of its own unless one is given. ``pause`` is awaited in
    every call before its effect and after it, so whoever gives it decides how long either way takes and who runs
    meanwhile. ``faults`` may be replaced at any time, also while a call is under way: they strike when its effect would
    take place."""

    def __init__(
        self, table: MemoryTable | None = None, *, faults: Faults | None = None, pause: Pause = let_others_run
    ) -> None:
        self.table = table or MemoryTable()
        self.faults = faults or Faults()
        self.calls = 0
        self._pause = pause
        self._closed = False

    async def close(self) -> None:
        """Take nothing any more."""
        self._closed = True

    async def _read(self, effect: Callable[[], T]) -> T:
        call = await self._arrived()
        if self.faults.hit(call):
            return await self._fail(f"injected: call {call} failed")
        found = effect()
        await self._pause()
        return found

    async def _write(self, effect: Callable[[], T]) -> T:
        call = await self._arrived()
        if not self.table.takes_a_write():
            return await self._fail("the table is throttled")
        fails = self.faults.hit(call)
        if fails and not self.faults.applied:
            return await self._fail(f"injected: call {call} failed")
        done = effect()
        if fails:
            return await self._fail(f"injected: the answer to call {call} was lost")
        await self._pause()
        return done

    async def _arrived(self) -> int:
        """The number of this call, once it is with the table."""
        if self._closed:
            raise RegistryUnavailable(CLOSED)
        self.calls += 1
        call = self.calls
        await self._pause()
        return call

    async def _fail(self, why: str) -> T:
        await self._pause()
        raise RegistryUnavailable(why)
