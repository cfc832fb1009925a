"""Background work that somebody owns: every task is kept, named, and its failure is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """``failed`` hears of an exception that a task ended with; cancellation is not a failure."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run ``work`` until it ends by itself or ``close`` ends it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def settle(self, within_s: float) -> int:
        """Wait until nothing runs, work started meanwhile included; how many were still running at the deadline."""
        while self._running and within_s > 0:
            within_s = await self.settle_once(within_s)
        return len(self._running)

    async def settle_once(self, within_s: float) -> float:
        """Wait for one piece of work to end; what is left of ``within_s``, 0 when nothing runs."""
        if not self._running:
            return 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.wait(tuple(self._running), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return max(0.0, within_s - (loop.time() - began))

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(f"{task.get_name()} failed: {type(error).__name__}: {error}")
