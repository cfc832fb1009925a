"""All processes of one function: a queue of calls, processes that grow with load, and what happens when they fail.

A call goes to the process that was idle last, so that the others age and are reaped. When none is idle it waits; when
it has waited a little, another process is started, until the limit. A process is not tied to the call it was started
for. Knows nothing of other functions.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from gateway.invoke import faults
from gateway.invoke.launch import LaunchError
from gateway.invoke.patience import Patience
from gateway.invoke.pending import Failure, PendingCall
from gateway.invoke.surroundings import Surroundings
from gateway.invoke.worker import STOPPING, State, Worker
from gateway.model.function import Function
from gateway.model.invocation import FunctionError, FunctionResult, Throttled, Unavailable
from gateway.ports import FunctionCall

CLOSE_TIMEOUT_S: Final = 5.0  # for killed processes to be gone
QUEUE_FULL: Final = Throttled("ConcurrentInvocationLimitExceeded")


class Pool:
    """``changed`` is called when a process became idle or the last one has ended."""

    def __init__(self, function: Function, around: Surroundings, changed: Callable[[Pool], None]) -> None:
        self.function = function
        self._around = around
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(self._loop)
        self._waiting: OrderedDict[str, PendingCall] = OrderedDict()  # by request id, oldest first
        self._idle: list[Worker] = []  # the longest idle first
        self._workers: dict[Worker, asyncio.Task[None]] = {}
        self._growth: asyncio.TimerHandle | None = None
        self._failures = 0  # initialisations in a row that failed
        self._last_failure = ""
        self._not_before = 0.0
        self._successor: Pool | None = None
        self._retired = False

    @property
    def is_empty(self) -> bool:
        return not self._workers

    async def run(self, call: FunctionCall) -> FunctionResult:
        throttled = self._throttled()
        if throttled is not None:
            return throttled
        pending = PendingCall(call, self._around.ids.uuid(), self._loop)
        if self._idle and not self._waiting:
            self._idle.pop().dispatch(pending)
            return await self._patience.wait(pending)
        self._waiting[pending.request_id] = pending
        self._dispatch()
        try:
            return await self._patience.wait(pending)
        finally:
            self._forget(pending)

    def reap(self, idle_since: float) -> None:
        """End the processes that have been idle since ``idle_since`` (loop time) or longer."""
        while self._idle and self._idle[0].idle_since <= idle_since:
            self._idle.pop(0).kill()

    def retire(self, successor: Pool | None) -> None:
        """Take no more calls: those that wait go to ``successor``, a process that works on one ends after it."""
        self._retired = True
        self._successor = successor
        waiting, self._waiting = self._waiting, OrderedDict()
        if successor is None:
            self._finish(waiting.values(), Unavailable(f"function {self.function.function_name} was removed"))
        else:
            successor._waiting.update(waiting)
            successor._dispatch()
        self._stop_growing()
        for worker in self._workers:
            if worker.state is not State.BUSY:
                worker.kill()

    async def close(self) -> None:
        self._retired = True
        self._stop_growing()
        self._finish(self._waiting.values(), STOPPING)
        tasks = list(self._workers.values())
        for worker, task in self._workers.items():
            if worker.is_launched:
                worker.kill()
            else:
                task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()

    # What the processes do: gateway.invoke.worker.WorkerOwner

    def worker_ready(self, worker: Worker) -> None:
        self._failures = 0
        self._last_failure = ""
        if self._retired:
            worker.kill()
            return
        self._idle.append(worker)
        self._dispatch()
        self._changed(self)

    def worker_lost(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)

    def worker_broken(self, worker: Worker, failure: Failure) -> None:
        limits = self._around.limits
        backoff_s = min(limits.first_backoff_s * 2**self._failures, limits.max_backoff_s)
        self._failures += 1
        self._not_before = self._loop.time() + backoff_s
        others_work = any(other.state in (State.IDLE, State.BUSY) for other in self._workers)
        victims = list(self._waiting.values())[: 1 if others_work else None]
        for pending in victims:
            pending.finish(FunctionError(failure.payload(pending.request_id), never_ran=True))
            self._report(pending.request_id, failure.why)
        if not victims and failure.why != self._last_failure:
            self._report("", failure.why)
        self._last_failure = failure.why

    # The queue

    def _throttled(self) -> Throttled | None:
        reserved = self.function.reserved_concurrency
        if reserved is not None:
            running = sum(worker.owes_answer for worker in self._workers)
            return Throttled() if running + len(self._waiting) >= reserved else None
        return QUEUE_FULL if len(self._waiting) >= self._around.limits.max_waiting else None

    def _dispatch(self) -> None:
        while self._waiting and self._idle:
            _, pending = self._waiting.popitem(last=False)
            if not pending.is_over:
                self._idle.pop().dispatch(pending)
        if self._waiting:
            self._grow_soon()

    def _forget(self, pending: PendingCall) -> None:
        pool: Pool | None = self
        while pool is not None:
            pool._waiting.pop(pending.request_id, None)
            pool = pool._successor

    def _finish(self, waiting: Iterable[PendingCall], result: FunctionResult) -> None:
        for pending in waiting:
            pending.finish(result)

    # Growth

    @property
    def _max_processes(self) -> int:
        reserved = self.function.reserved_concurrency
        return self._around.limits.max_processes if reserved is None else reserved

    def _grow_soon(self) -> None:
        """Arm the one timer; it fires when the oldest call has waited long enough and no back-off is on."""
        if self._growth is not None or self._retired or len(self._workers) >= self._max_processes:
            return
        oldest = next(iter(self._waiting.values()))
        grow_at = oldest.since + (self._around.limits.grow_after_s if self._workers else 0.0)
        delay_s = max(grow_at, self._not_before) - self._loop.time()
        if delay_s <= 0:
            self._grow()
        else:
            self._growth = self._loop.call_later(delay_s, self._grow_now)

    def _grow_now(self) -> None:
        self._growth = None
        if self._waiting:
            self._grow_soon()

    def _grow(self) -> None:
        starting = sum(worker.state is State.STARTING for worker in self._workers)
        room = min(self._max_processes - len(self._workers), self._around.limits.max_starting - starting)
        for _ in range(min(room, len(self._waiting) - starting)):
            self._start()
        self._growth = self._loop.call_later(self._around.limits.grow_after_s, self._grow_now)

    def _stop_growing(self) -> None:
        if self._growth is not None:
            self._growth.cancel()
            self._growth = None

    def _start(self, second_try: bool = False) -> None:
        worker = Worker(self.function, self, self._around)
        name = f"process of {self.function.function_name}"
        self._workers[worker] = self._loop.create_task(self._live(worker, second_try), name=name)

    async def _live(self, worker: Worker, second_try: bool) -> None:
        """From the launch to the end of one process; the supervised edge of everything that may go wrong with it."""
        try:
            launch = await self._around.launches.prepare(self.function)
            await worker.run(launch, self._init_timeout_s(second_try))
        except LaunchError as error:
            text = f"{error.message}; {error.hint}" if error.hint else error.message
            self.worker_broken(worker, faults.not_launched(text))
        except Exception as error:
            self.worker_broken(worker, faults.not_launched(f"{type(error).__name__}: {error}"))
        finally:
            del self._workers[worker]
            self.worker_lost(worker)
        if worker.init_overran:
            self._init_overran(worker, second_try)
        self._stop_growing()  # there is room for another now, or none left to wait for
        if self._waiting:
            self._grow_soon()
        self._changed(self)

    def _init_timeout_s(self, second_try: bool) -> float:
        return self.function.timeout_s if second_try else self._around.limits.init_timeout_s

    def _init_overran(self, worker: Worker, second_try: bool) -> None:
        """Lambda starts it once more, then within the time of the invocation that waits for it."""
        if second_try:
            self.worker_broken(worker, faults.timed_out(self.function.timeout_s))
            return
        self._report("", f"Initialization timed out after {self._around.limits.init_timeout_s:.2f} seconds")
        if self._waiting:
            self._start(second_try=True)

    def _report(self, request_id: str, why: str) -> None:
        self._around.log.failed(self.function.function_name, request_id, why)
