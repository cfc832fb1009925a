"""The first step of a coroutine, taken without a task: most answers are there without waiting for anything.

A task costs its object and three turns of the loop. Here a coroutine runs up to its first wait at once; one that comes
to wait is finished by a task, or goes on when the one future that it waits for is done (``when_ready``), and most need
no task even then. What it may ask for meanwhile, ``asyncio.timeout`` for one, is the current task: a deputy stands in,
and hands on to the task whatever it is asked then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class _Deputy:
    """As much of a task as whoever bounds a wait needs (asyncio's documentation, "Extending")."""

    __slots__ = ("_cancelled", "task", "waiting")

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.waiting: Waiting[Any] | None = None  # without a task, until it is cancelled
        self._cancelled = 0

    def cancel(self, msg: Any = None) -> bool:
        if self.task is not None:
            return self.task.cancel(msg)
        self._cancelled += 1
        if self.waiting is not None:
            self.waiting.ask_for_task()
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


Callback = Callable[["Waiting[Result]"], None]


class Waiting(Generic[Result]):
    """A coroutine that has come to its first wait. It is finished in one of two ways, or first in the one and, should
    that be of no use any more, in the other: ``when_ready`` and then ``go_on``, or ``finish``."""

    __slots__ = ("_deputy", "_needs_task", "_then", "_wait", "_work")

    def __init__(self, work: Coroutine[Any, Any, Result], wait: object, deputy: _Deputy) -> None:
        self._work = work
        self._wait = wait
        self._deputy = deputy
        self._then: Callback[Result] | None = None
        self._needs_task: Callback[Result] | None = None

    def when_ready(self, then: Callback[Result], needs_task: Callback[Result]) -> bool:
        """Have ``then(self)`` called in a turn of its own once ``go_on`` would not wait in vain, or
        ``needs_task(self)`` should the work be cancelled before, as by a deadline of its own: who is called goes on or
        finishes it. False, and nobody is called, when only a task understands what it waits for."""
        wait = self._wait
        if type(wait) is not asyncio.Future or self._deputy.cancelling():
            return False
        self._then, self._needs_task = then, needs_task
        self._deputy.waiting = self
        wait.add_done_callback(self._ready)
        return True

    def ask_for_task(self) -> None:
        """The work was cancelled while it waits without one."""
        if self._needs_task is not None:
            self._needs_task(self)

    def go_on(self, loop: asyncio.AbstractEventLoop) -> Result | Waiting[Result]:
        """The next step, as ``take_first_step``."""
        self._deputy.waiting = None
        return _step(self._work, self._deputy, loop)

    def finish(self) -> Coroutine[Any, Any, Result]:
        """What runs it to its end; to be awaited once, in a task."""
        if self._then is not None:
            self._then = self._deputy.waiting = None
            cast("asyncio.Future[Any]", self._wait)._asyncio_future_blocking = True  # as a task wants to see it
        return _Rest(self._work, self._wait, self._deputy)

    def _ready(self, wait: asyncio.Future[Any]) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(self)


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
    return _step(work, _Deputy(), loop)


def _step(
    work: Coroutine[Any, Any, Result], deputy: _Deputy, loop: asyncio.AbstractEventLoop
) -> Result | Waiting[Result]:
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
