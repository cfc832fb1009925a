"""Which writes leave next, and what becomes of them: the plan of the group commit, without I/O and without a clock.

A write is ``waiting``, then ``flying`` with its batch, then gone. Rules, each with its test:

* A batch holds at most 25 writes of different keys. A full one leaves whenever fewer than ``max_in_flight`` are flying;
  one that is not full waits for younger flights, so that writes gather exactly as long as a commit takes.
* Per key order is kept: while a key flies, its next write waits. A put and a delete that wait together cancel out.
* After a failed call nothing leaves for a growing, jittered while, then one batch at a time until one succeeds.
* A write that is not done by its deadline fails its callers. What it may leave behind is not forgotten: a delete that
  failed, and the delete of a put that may have arrived, are ``kept`` without callers and ride along until they succeed.
* More than ``max_waiting`` writes, or ``max_kept`` kept deletes, are not taken: the caller is told at once.

Callers are opaque here (``W``); the answers for them are collected and taken by the writer.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, TypeVar

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber

W = TypeVar("W")
Key = tuple[NodeNumber, ConnectionId]
Jitter = Callable[[], float]  # uniform in [0, 1)

FULL = "too many writes are waiting for the connection table"
TOO_LATE = "the connection table did not take the write in time"


class RecordRejected(RegistryUnavailable):
    """The table refuses something in this request itself; sending it again cannot help."""


@dataclass(frozen=True, slots=True)
class CommitPolicy:
    """Seconds and counts. 25 is DynamoDB's limit of a BatchWriteItem; ``max_waiting`` is about 3 s of writes at what
    an emulator takes; ``patience_s`` is how long a flight may hold back batches that are not full."""

    batch_size: int = 25
    max_in_flight: int = 4
    patience_s: float = 0.1
    deadline_s: float = 4.0
    max_waiting: int = 10_000
    max_kept: int = 100_000
    min_backoff_s: float = 0.05
    max_backoff_s: float = 1.0


@dataclass(slots=True, eq=False)
class Write(Generic[W]):
    """A put, or a delete when ``connection`` is None. ``may_exist``: the table may hold the key already, so a delete
    must be sent. ``deadline`` None: nobody waits for it any more."""

    key: Key
    connection: Connection | None
    deadline: float | None = None
    waiters: list[W] = field(default_factory=list)
    may_exist: bool = False
    alone: bool = False
    delayed: bool = False
    attempts: int = 0


@dataclass(slots=True, eq=False)
class Batch(Generic[W]):
    """Writes of one call, and when it left."""

    writes: tuple[Write[W], ...]
    left_at: float


@dataclass(frozen=True, slots=True)
class Answer(Generic[W]):
    """What a caller is told; ``failure`` None: done."""

    waiter: W
    failure: str | None = None


class WriteQueue(Generic[W]):
    """All writes on their way to the table. ``now`` is any monotonic clock in seconds."""

    def __init__(self, policy: CommitPolicy) -> None:
        self._policy = policy
        self._waiting: dict[Key, Write[W]] = {}
        self._ready: OrderedDict[Key, None] = OrderedDict()  # waiting keys that are neither flying nor delayed
        self._delayed: list[tuple[float, int, Write[W]]] = []
        self._kept: OrderedDict[Key, Write[W]] = OrderedDict()
        self._flying: dict[Key, Write[W]] = {}
        self._flights: list[Batch[W]] = []
        self._expiry: deque[tuple[float, Write[W]]] = deque()
        self._answers: list[Answer[W]] = []
        self._resume_at = 0.0
        self._sequence = 0
        self.failures = 0  # calls that failed since the last one that succeeded
        self.lost = 0  # deletes that could not even be kept

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do, kept deletes included."""
        return not (self._waiting or self._flying or self._kept)

    @property
    def waiting(self) -> int:
        """How many writes have callers and have not left."""
        return len(self._waiting)

    @property
    def flying(self) -> int:
        """How many writes have left and not come back."""
        return len(self._flying)

    @property
    def kept(self) -> int:
        """How many deletes are kept without a caller."""
        return len(self._kept)

    def take_answers(self) -> list[Answer[W]]:
        """The answers since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def put(self, connection: Connection, waiter: W, now: float) -> None:
        """Queue a put; a waiting delete of the same key is superseded and counts as done."""
        key = (connection.owner, connection.connection_id)
        write = self._waiting.get(key)
        if write is None:
            self._queue(key, connection, waiter, now)
        elif write.connection is None:
            self._supersede(write, connection, waiter, now)
        else:
            write.connection = connection
            write.waiters.append(waiter)

    def delete(self, key: Key, waiter: W, now: float) -> None:
        """Queue a delete; a waiting put of the same key counts as done, and with it this delete unless it is needed."""
        write = self._waiting.get(key)
        if write is None:
            self._queue(key, None, waiter, now)
        elif write.connection is None:
            write.waiters.append(waiter)
        elif write.may_exist:
            self._supersede(write, None, waiter, now)
        else:
            self._answer([*write.waiters, waiter])
            self._forget(write)

    def next_batch(self, now: float) -> Batch[W] | None:
        """The batch that may leave now; from here on it counts as flying. Call again until None."""
        self._release_delayed(now)
        limit = 1 if self.failures else self._policy.max_in_flight
        if now < self._resume_at or len(self._flights) >= limit:
            return None
        writes = self._choose()
        if not writes or (len(writes) < self._policy.batch_size and self._young_flight(now) is not None):
            return None
        return self._depart(writes, now)

    def succeeded(self, batch: Batch[W], unprocessed: frozenset[Key], now: float, jitter: Jitter) -> None:
        """The call returned; writes whose key is in ``unprocessed`` go again after a while.

        Nothing processed at all is DynamoDB's way to throttle: the same as a failed call.
        """
        if len(unprocessed) == len(batch.writes):
            self.failed(batch, now, jitter)
            return
        self.failures, self._resume_at = 0, 0.0
        self._land(batch)
        for write in batch.writes:
            if write.key in unprocessed:
                self._again(write, now + self._backoff(write.attempts, jitter))
            else:
                self._settle(write)
        self._unblock(batch)

    def failed(self, batch: Batch[W], now: float, jitter: Jitter) -> None:
        """The call failed as a whole and may or may not have written."""
        self._resume_at = now + self._backoff(self.failures, jitter)
        self.failures += 1
        self._land(batch)
        for write in reversed(batch.writes):
            self._again(write, self._resume_at)
        self._unblock(batch)

    def rejected(self, batch: Batch[W], reason: str, now: float) -> None:
        """The table refuses the request for what is in it: find the culprit by sending each write alone."""
        self._land(batch)
        for write in reversed(batch.writes):
            if len(batch.writes) > 1:
                write.alone = True
                self._again(write, now)
            else:
                self._settle(write, reason)
        self._unblock(batch)

    def expire(self, now: float) -> None:
        """Fail the callers of every write that is past its deadline."""
        while self._expiry and self._expiry[0][0] <= now:
            deadline, write = self._expiry.popleft()
            if write.deadline == deadline:
                self._give_up(write, TOO_LATE)

    def abandon(self, reason: str) -> None:
        """Fail every caller; nothing leaves any more except what flies already."""
        for write in [*self._waiting.values(), *self._flying.values()]:
            self._give_up(write, reason)

    def wake_at(self, now: float) -> float | None:
        """When to call ``expire`` and ``next_batch`` again even if nothing happens until then."""
        self._drop_settled()
        times = [self._expiry[0][0]] if self._expiry else []
        times += [max(due, self._resume_at) for due, _, _ in self._delayed[:1]]
        if self._ready or self._kept:
            if now < self._resume_at:
                times.append(self._resume_at)
            elif (young := self._young_flight(now)) is not None:
                times.append(young.left_at + self._policy.patience_s)
        return min(times, default=None)

    def _queue(self, key: Key, connection: Connection | None, waiter: W, now: float) -> None:
        if len(self._waiting) >= self._policy.max_waiting:
            self._answers.append(Answer(waiter, FULL))
            if connection is None:
                self._keep(key)
            return
        kept = self._kept.pop(key, None)
        write = Write(key, connection, waiters=[waiter], may_exist=kept is not None or key in self._flying)
        self._waiting[key] = write
        if key not in self._flying:
            self._ready[key] = None
        self._set_deadline(write, now)

    def _supersede(self, write: Write[W], connection: Connection | None, waiter: W, now: float) -> None:
        self._answer(write.waiters)
        write.connection, write.waiters, write.may_exist = connection, [waiter], True
        self._set_deadline(write, now)

    def _set_deadline(self, write: Write[W], now: float) -> None:
        write.deadline = now + self._policy.deadline_s
        self._expiry.append((write.deadline, write))

    def _answer(self, waiters: list[W], failure: str | None = None) -> None:
        for waiter in waiters:
            self._answers.append(Answer(waiter, failure))

    def _settle(self, write: Write[W], failure: str | None = None) -> None:
        self._answer(write.waiters, failure)
        write.waiters, write.deadline = [], None

    def _forget(self, write: Write[W]) -> None:
        del self._waiting[write.key]
        self._ready.pop(write.key, None)
        write.deadline = None

    def _keep(self, key: Key) -> None:
        if key in self._kept:
            return
        if len(self._kept) >= self._policy.max_kept:
            self.lost += 1
            return
        self._kept[key] = Write(key, None, may_exist=True)

    def _give_up(self, write: Write[W], reason: str) -> None:
        """Nobody waits for ``write`` any more. A flying delete is kept only if it fails (see ``_again``)."""
        self._settle(write, reason)
        flying = self._flying.get(write.key) is write
        if not flying:
            self._forget(write)
        leaves_a_record = write.connection is None or write.may_exist
        if leaves_a_record and not (flying and (write.connection is None or write.key in self._waiting)):
            self._keep(write.key)

    def _choose(self) -> list[Write[W]]:
        chosen: list[Write[W]] = []
        for candidates in (map(self._waiting.__getitem__, self._ready), self._kept.values()):
            for write in candidates:
                if len(chosen) == self._policy.batch_size:
                    return chosen
                if write.key in self._flying or (write.alone and chosen):
                    continue
                chosen.append(write)
                if write.alone:
                    return chosen
        return chosen

    def _depart(self, writes: list[Write[W]], now: float) -> Batch[W]:
        for write in writes:
            self._flying[write.key] = write
            write.may_exist = True
            if self._kept.pop(write.key, None) is None:
                del self._waiting[write.key], self._ready[write.key]
        batch = Batch(tuple(writes), now)
        self._flights.append(batch)
        return batch

    def _land(self, batch: Batch[W]) -> None:
        self._flights.remove(batch)
        for write in batch.writes:
            del self._flying[write.key]

    def _unblock(self, batch: Batch[W]) -> None:
        for key in (write.key for write in batch.writes):
            if key in self._waiting and not self._waiting[key].delayed:
                self._ready.setdefault(key, None)

    def _again(self, write: Write[W], due: float) -> None:
        if write.key in self._waiting:
            self._settle(write)  # a newer write of this key decides, as if both had been waiting
        elif write.deadline is None:
            if write.connection is None:
                self._keep(write.key)
        else:
            write.attempts += 1
            self._waiting[write.key] = write
            write.delayed = True
            self._sequence += 1
            heappush(self._delayed, (due, self._sequence, write))

    def _release_delayed(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            write = heappop(self._delayed)[2]
            write.delayed = False
            if self._waiting.get(write.key) is write:
                self._ready[write.key] = None
                self._ready.move_to_end(write.key, last=False)  # older than whatever came meanwhile

    def _drop_settled(self) -> None:
        while self._expiry and self._expiry[0][1].deadline != self._expiry[0][0]:
            self._expiry.popleft()

    def _young_flight(self, now: float) -> Batch[W] | None:
        young = (batch for batch in self._flights if now - batch.left_at < self._policy.patience_s)
        return min(young, key=lambda batch: batch.left_at, default=None)

    def _backoff(self, attempts: int, jitter: Jitter) -> float:
        ceiling: float = min(self._policy.max_backoff_s, self._policy.min_backoff_s * 2.0 ** min(attempts, 16))
        return ceiling * (0.5 + jitter() / 2)
