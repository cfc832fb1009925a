"""Runs the plan of ``batches``: takes puts and deletes from callers, sends batches, answers.

It knows the loop and its clock, not DynamoDB: a batch goes out through ``Send``, which is a client of DynamoDB here
and a list in a test. A commit leaves in the loop iteration after the first write was queued, so that what arrives
together leaves together; nothing is held back longer than the commit before it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import Batch, CommitPolicy, Jitter, Key, RecordRejected, WriteQueue
from gateway.registry.patience import CLOSED

# From deciding on a batch to sending it takes a turn of the loop. A process that was stopped meanwhile must not send it
# when it wakes: whoever reaps this node has had its last look at the records by then.
STALE_S: Final = 1.0

_Waiter = asyncio.Future[None]


class Send(Protocol):
    """One batch to the table; returns the keys left unprocessed. Must end within a few seconds of its own accord.

    Raises RegistryUnavailable when it may succeed later, RecordRejected when it never will.
    """

    async def __call__(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]: ...


class Writer:
    """Group commit. ``on_outage`` is called once when two calls in a row failed, ``on_recovery`` when one succeeded
    after that, ``on_loss`` with the number of deletes that could not even be kept. Belongs to the running loop."""

    def __init__(
        self,
        send: Send,
        policy: CommitPolicy,
        jitter: Jitter,
        *,
        on_outage: Callable[[str], None],
        on_recovery: Callable[[], None],
        on_loss: Callable[[int], None],
    ) -> None:
        self._send = send
        self._queue: WriteQueue[_Waiter] = WriteQueue(policy)
        self._jitter = jitter
        self._on_outage, self._on_recovery, self._on_loss = on_outage, on_recovery, on_loss
        self._loop = asyncio.get_running_loop()
        self._commits: set[asyncio.Task[None]] = set()
        self._pump_soon: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()
        self._closed = False
        self._trouble: str | None = None  # why the last call failed, None after a success
        self._away = False
        self._lost = 0

    @property
    def pending(self) -> int:
        """Writes that are neither done nor failed, kept deletes included."""
        return self._queue.waiting + self._queue.flying + self._queue.kept

    async def put(self, connection: Connection) -> None:
        """Returns once durable. Raises RegistryUnavailable after the policy's deadline, or at once when full."""
        waiter = self._waiter()
        self._queue.put(connection, waiter, self._loop.time())
        self._stir()
        await waiter

    async def delete(self, key: Key) -> None:
        """Returns once removed. Raises RegistryUnavailable likewise; the delete is then repeated without the caller."""
        waiter = self._waiter()
        self._queue.delete(key, waiter, self._loop.time())
        self._stir()
        await waiter

    async def close(self, deadline_s: float) -> int:
        """Take no more, send what waits for up to ``deadline_s``; returns how many writes were left undone."""
        self._closed = True
        self._drained.clear()
        self._stir()
        try:
            async with asyncio.timeout(deadline_s):
                await self._drained.wait()
        except TimeoutError:
            pass
        left = self.pending
        await self._stop()
        return left

    def _waiter(self) -> _Waiter:
        if self._closed:
            raise RegistryUnavailable(CLOSED)
        return self._loop.create_future()

    def _stir(self) -> None:
        if self._pump_soon is None:
            self._pump_soon = self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_soon = None
        now = self._loop.time()
        self._queue.expire(now)
        while (batch := self._queue.next_batch(now)) is not None:
            task = self._loop.create_task(self._commit(batch), name="registry commit")
            self._commits.add(task)
            task.add_done_callback(self._commits.discard)
        self._tell()
        self._arm(now)
        if self._queue.idle:
            self._drained.set()

    async def _commit(self, batch: Batch[_Waiter]) -> None:
        puts = [write.connection for write in batch.writes if write.connection is not None]
        deletes = [write.key for write in batch.writes if write.connection is None]
        failure: Exception | None = None
        unprocessed: frozenset[Key] = frozenset()
        try:
            if self._loop.time() - batch.left_at > STALE_S:
                raise RegistryUnavailable("this process was stopped")
            unprocessed = await self._send(puts, deletes)
        except Exception as error:  # the one edge of a commit: whatever happened, its callers must hear of it
            failure = error
        self._settle(batch, unprocessed, failure)
        self._stir()

    def _settle(self, batch: Batch[_Waiter], unprocessed: frozenset[Key], failure: Exception | None) -> None:
        now = self._loop.time()
        if isinstance(failure, RecordRejected):
            self._queue.rejected(batch, str(failure), now)
        elif failure is not None:
            self._queue.failed(batch, now, self._jitter)
        else:
            self._queue.succeeded(batch, unprocessed, now, self._jitter)
        self._trouble = str(failure or "it is throttling") if self._queue.failures else None
        if self._trouble is None and self._away:
            self._away = False
            self._on_recovery()
        elif self._trouble is not None and self._queue.failures > 1 and not self._away:
            self._away = True
            self._on_outage(self._trouble)

    def _tell(self) -> None:
        for answer in self._queue.take_answers():
            if answer.waiter.done():  # the caller was cancelled
                continue
            if answer.failure is None:
                answer.waiter.set_result(None)
            else:
                why = f"{answer.failure} ({self._trouble})" if self._trouble else answer.failure
                answer.waiter.set_exception(RegistryUnavailable(why))
        if self._queue.lost > self._lost:
            self._on_loss(self._queue.lost - self._lost)
            self._lost = self._queue.lost

    def _arm(self, now: float) -> None:
        wake_at = self._queue.wake_at(now)
        if self._timer is not None:
            if not self._timer.cancelled() and wake_at is not None and now < self._timer.when() <= wake_at:
                return
            self._timer.cancel()
            self._timer = None
        if wake_at is not None:
            self._timer = self._loop.call_at(wake_at, self._stir)

    async def _stop(self) -> None:
        self._queue.abandon(CLOSED)
        self._tell()
        commits = tuple(self._commits)
        for task in commits:
            task.cancel()
        await asyncio.gather(*commits, return_exceptions=True)
        for handle in (self._timer, self._pump_soon):
            if handle is not None:
                handle.cancel()
