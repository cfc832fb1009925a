"""The first step of a coroutine, taken without a task: most answers are there without waiting for anything.

A task costs its object and a turn of the loop. Here a coroutine runs up to its first wait at once; one that comes to
wait is finished by a task. What it may ask for in its first step, ``asyncio.timeout`` for one, is the current task: a
deputy stands in, and hands on to the task whatever it is asked then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class _Deputy:
    """As much of a task as whoever bounds a wait needs (asyncio's documentation, "Extending")."""

    __slots__ = ("_cancelled", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self._cancelled = 0

    def cancel(self, msg: Any = None) -> bool:
        if self.task is not None:
            return self.task.cancel(msg)
        self._cancelled += 1
        return True

    def uncancel(self) -> int:
        if self.task is not None:
            return self.task.uncancel()
        self._cancelled = max(0, self._cancelled - 1)
        return self._cancelled

    def cancelling(self) -> int:
        return self._cancelled if self.task is None else self.task.cancelling()

    def get_name(self) -> str:
        return "first step" if self.task is None else self.task.get_name()

    def hand_on(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        for _ in range(self._cancelled):
            task.cancel()


class Waiting(Generic[Result]):
    """A coroutine that has come to its first wait."""

    __slots__ = ("_deputy", "_wait", "_work")

    def __init__(self, work: Coroutine[Any, Any, Result], wait: object, deputy: _Deputy) -> None:
        self._work = work
        self._wait = wait
        self._deputy = deputy

    def finish(self) -> Coroutine[Any, Any, Result]:
        """What runs it to its end; to be awaited once, in a task."""
        return _Rest(self._work, self._wait, self._deputy)


class _Rest(Coroutine[Any, Any, Result]):
    """What is left of a coroutine. A task that is cancelled before its first step throws that into a coroutine which
    has not begun, and an ``async def`` would then be over without a line of it being run: here it reaches the work."""

    __slots__ = ("_begun", "_deputy", "_wait", "_work")

    def __init__(self, work: Coroutine[Any, Any, Result], wait: object, deputy: _Deputy) -> None:
        self._work = work
        self._wait = wait
        self._deputy = deputy
        self._begun = False

    def send(self, value: Any) -> Any:
        """First the wait that the work has come to already."""
        if self._begun:
            return self._work.send(value)
        self._begin()
        return self._wait

    def throw(self, *error: Any) -> Any:
        if not self._begun:
            self._begin()
            if isinstance(self._wait, asyncio.Future):
                self._wait.cancel()  # as a task does with what it waits for
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Result]:
        return _awaited(self)

    def _begin(self) -> None:
        self._begun = True
        task = asyncio.current_task()
        assert task is not None
        self._deputy.hand_on(task)


def take_first_step(work: Coroutine[Any, Any, Result], loop: asyncio.AbstractEventLoop) -> Result | Waiting[Result]:
    """Run ``work`` until it ends or waits, in ``loop``'s thread. Raises what ``work`` raises."""
    deputy = _Deputy()
    outer = asyncio.current_task(loop)
    if outer is not None:
        asyncio._leave_task(loop, outer)
    asyncio._enter_task(loop, cast("asyncio.Task[Any]", deputy))
    try:
        wait = work.send(None)
    except StopIteration as end:
        return cast("Result", end.value)
    finally:
        asyncio._leave_task(loop, cast("asyncio.Task[Any]", deputy))
        if outer is not None:
            asyncio._enter_task(loop, outer)
    return Waiting(work, wait, deputy)


def _awaited(rest: _Rest[Result]) -> Generator[Any, Any, Result]:
    """The rest as part of another coroutine."""
    try:
        wait = rest.send(None)
        while True:
            try:
                sent = yield wait
            except GeneratorExit:
                rest.close()
                raise
            except BaseException as error:
                wait = rest.throw(error)
            else:
                wait = rest.send(sent)
    except StopIteration as end:
        return cast("Result", end.value)
