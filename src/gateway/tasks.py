"""Background work that somebody owns: every task is kept, named, and its failure is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from gateway.first_step import Waiting, take_first_step
from gateway.model.surprise import one_line

T = TypeVar("T")

CLOSE_WITHIN_S: Final = 10.0  # for work that takes its time over being cancelled


class Tasks:
    """``failed`` hears of an exception that a task ended with; cancellation is not a failure."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()
        self._waiting: dict[Waiting[Any], tuple[str, str]] = {}  # for a future, without a task: what of whom
        self._due: dict[Callable[[], object], asyncio.Handle] = {}

    def __len__(self) -> int:
        return len(self._running) + len(self._waiting) + len(self._due)

    def soon(self, call: Callable[[], object], name: str) -> None:
        """Call it in the loop's next turn, unless ``close`` comes first."""
        self._due[call] = asyncio.get_running_loop().call_soon(self._call, call, name)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run ``work`` until it ends by itself or ``close`` ends it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def begin(self, work: Coroutine[Any, Any, Any], what: str, of: str) -> None:
        """Run ``work`` up to its first wait now, and what comes behind without a task too where the wait is for one
        future and is the only one; any other is a task, named ``{what} of {of}``."""
        try:
            first = take_first_step(work, asyncio.get_running_loop())
        except asyncio.CancelledError:
            return
        except Exception as error:
            self._failed(f"{what} of {of} failed: {one_line(error)}")
            return
        if isinstance(first, Waiting):
            if first.when_ready(self._go_on, self._make_task):
                self._waiting[first] = what, of
            else:
                self.start(first.finish(), f"{what} of {of}")

    async def settle(self, within_s: float) -> int:
        """Wait until nothing runs, work started meanwhile included; how many were still running at the deadline."""
        while len(self) and within_s > 0:
            within_s = await self.settle_once(within_s)
        return len(self)

    async def settle_once(self, within_s: float) -> float:
        """Wait for one piece of work to end; what is left of ``within_s``, 0 when nothing runs."""
        if self._due:
            await asyncio.sleep(0)
            return within_s
        if not self._tasks():
            return 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.wait(tuple(self._running), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return max(0.0, within_s - (loop.time() - began))

    def cut_off(self, what: str) -> int:
        """Cancel everything that was begun as ``what``; how much that is. It may still clean up."""
        cut = [task for task in self._tasks() if task.get_name().startswith(f"{what} of ")]
        for task in cut:
            task.cancel()
        return len(cut)

    async def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Cancel what still runs, what it starts on its way out included, and wait for its end.

        Each is cancelled once, so that it can clean up; one that goes on regardless is told at the deadline.
        """
        for handle in self._due.values():
            handle.cancel()
        self._due.clear()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        cancelled: set[asyncio.Task[Any]] = set()
        while self._tasks() and (left_s := deadline - loop.time()) > 0:
            for task in self._running - cancelled:
                task.cancel()
            cancelled |= self._running
            await asyncio.wait(tuple(self._running), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        for task in self._running:
            self._failed(f"{task.get_name()} did not end within {within_s:.0f} s")

    def _call(self, call: Callable[[], object], name: str) -> None:
        del self._due[call]
        if not self._due:
            self._due.clear()
        try:
            call()
        except Exception as error:
            self._failed(f"{name} failed: {one_line(error)}")

    def _go_on(self, waiting: Waiting[Any]) -> None:
        what, of = self._no_longer(waiting)
        try:
            left = waiting.go_on(asyncio.get_running_loop())
        except asyncio.CancelledError:
            return
        except Exception as error:
            self._failed(f"{what} of {of} failed: {one_line(error)}")
            return
        if isinstance(left, Waiting):
            self.start(left.finish(), f"{what} of {of}")

    def _tasks(self) -> set[asyncio.Task[Any]]:
        """All that runs, now that it is to be waited for or cancelled."""
        for waiting in tuple(self._waiting):
            self._make_task(waiting)
        return self._running

    def _make_task(self, waiting: Waiting[Any]) -> None:
        what, of = self._no_longer(waiting)
        self.start(waiting.finish(), f"{what} of {of}")

    def _no_longer(self, waiting: Waiting[Any]) -> tuple[str, str]:
        known = self._waiting.pop(waiting)
        if not self._waiting:
            self._waiting.clear()  # gives the room of a crowd back
        return known

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not self._running:
            self._running.clear()  # gives the room of a crowd back, which an empty set keeps
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(f"{task.get_name()} failed: {one_line(error)}")
