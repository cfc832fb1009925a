"""``gateway.ports.Functions``: the functions of the template, run on this machine by processes of their own.

Keeps one pool per function, swaps pools when definitions or code change, and ends processes that nobody needed for a
while by one timer for all of them. How code is made ready (``Launches``) and how processes are started are ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from gateway.invoke.pool import Pool
from gateway.invoke.surroundings import Surroundings
from gateway.invoke.worker import STOPPING
from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.model.invocation import FunctionResult, Unavailable
from gateway.ports import FunctionCall

LATEST: Final = "$LATEST"
REAPINGS_PER_IDLE_TIME: Final = 10  # a process lives at most a tenth longer than it should


class LocalFunctions:
    """Serves nothing until the first ``replace``."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._pools: dict[FunctionName, Pool] = {}
        self._fingerprints: dict[FunctionName, str] = {}
        self._retired: set[Pool] = set()
        self._replacing = asyncio.Lock()
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        if self._closed:
            return STOPPING
        pool = self._pools.get(call.function_name)
        if pool is None or not _has(pool.function, call.qualifier):
            name = f"{call.function_name}:{call.qualifier}" if call.qualifier else call.function_name
            return Unavailable(f"function not found: {name}")
        return await pool.run(call)

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        pool = self._pools.get(function_name)
        return pool is not None and _has(pool.function, qualifier)

    async def replace(self, functions: Mapping[FunctionName, Function]) -> None:
        """From now on these are the functions. What did not change, definition and code, keeps its processes;
        what did is used by the next call, while a process that works on one finishes it and ends."""
        async with self._replacing:
            fingerprints = {name: await self._fingerprint(function) for name, function in functions.items()}
            if not self._closed:
                self._swap(functions, fingerprints)

    async def close(self) -> None:
        """End every process; calls under way end as unavailable."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        await asyncio.gather(*(pool.close() for pool in (*self._pools.values(), *self._retired)))

    async def _fingerprint(self, function: Function) -> str:
        """In a thread: it reads folders. Code that cannot be read is an error of its next launch, not of this."""
        try:
            return await asyncio.to_thread(self._around.launches.fingerprint, function)
        except OSError as error:
            return f"unreadable: {error}"

    def _swap(self, functions: Mapping[FunctionName, Function], fingerprints: dict[FunctionName, str]) -> None:
        before, self._pools = self._pools, {}
        for name, function in functions.items():
            old = before.get(name)
            if old is not None and old.function == function and self._fingerprints[name] == fingerprints[name]:
                self._pools[name] = before.pop(name)
            else:
                self._pools[name] = Pool(function, self._around, self._pool_changed)
        for name, old in before.items():
            self._retired.add(old)
            old.retire(self._pools.get(name))
            self._pool_changed(old)
        self._fingerprints = fingerprints

    def _pool_changed(self, pool: Pool) -> None:
        if pool in self._retired and pool.is_empty:
            self._retired.discard(pool)
        if self._reaper is None and not self._closed and not pool.is_empty:
            period_s = self._around.limits.idle_s / REAPINGS_PER_IDLE_TIME
            self._reaper = asyncio.get_running_loop().call_later(period_s, self._reap)

    def _reap(self) -> None:
        self._reaper = None
        idle_since = asyncio.get_running_loop().time() - self._around.limits.idle_s
        for pool in self._pools.values():
            pool.reap(idle_since)
            self._pool_changed(pool)


def _has(function: Function, qualifier: str | None) -> bool:
    return qualifier in (None, LATEST) or qualifier in function.versions or qualifier in function.aliases
