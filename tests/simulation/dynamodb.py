"""DynamoDB as a place of its own in a world: requests travel there and back, get lost, arrive late, or are refused.

A request that left goes its way whatever becomes of its sender: one of a node that is dead by then takes effect all the
same. The adapters here are what stands on each node: the real group commit in front of batches, single calls else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from random import Random
from typing import Any, Final, NoReturn, TypeVar

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.model.parked import ParkedDisconnect
from gateway.ports import Members
from gateway.registry.batches import CommitPolicy, Key
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from gateway.registry.memory_table import MemoryTable
from gateway.registry.writer import Writer
from simulation.world import SimNode, World

T = TypeVar("T")

DYNAMODB: Final = "dynamodb"  # the name of its place, for links
CALL_TIMEOUT_S: Final = 2.0  # as the real adapters': botocore's read timeout
READ_AGAIN_S: Final = 5.0  # as the real adapters': for how long a page is asked for
PAGE_SIZE: Final = 4


class Fault(Enum):
    """What becomes of a call that is to fail: it never arrives, it is refused, or its answer never comes back."""

    LOST = "LOST"
    REFUSED = "REFUSED"
    UNANSWERED = "UNANSWERED"


@dataclass(frozen=True, slots=True)
class Weather:
    """How DynamoDB is for the time being. Shares are of all calls, 0 to 1; ``slow_ms`` is the most that is added to
    each way; ``throttled`` is the share of each batch's writes that is left unprocessed, ``shunned`` that of the calls
    for node records that are refused: a partition may be hot."""

    slow_ms: float = 0.0
    lost: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    throttled: float = 0.0
    shunned: float = 0.0

    def fault(self, rng: Random) -> Fault | None:
        """What becomes of the next call, None when nothing is wrong with it."""
        drawn = rng.random()
        for share, fault in (
            (self.lost, Fault.LOST),
            (self.refused, Fault.REFUSED),
            (self.unanswered, Fault.UNANSWERED),
        ):
            if drawn < share:
                return fault
            drawn -= share
        return None


FAIR: Final = Weather()


class SimDynamoDb:
    """``faults`` says which calls fail, counted from 1 over all nodes; ``weather`` may be changed at any time, and
    another one in ``local`` for the nodes named there. ``declared_dead`` hears of every node that is, when it is."""

    def __init__(self, world: World, declared_dead: Callable[[NodeNumber], None] = lambda number: None) -> None:
        self.table = MemoryTable(page_size=PAGE_SIZE)
        self.members: Members = MemoryMembers(self.table, pause=_at_once)
        self.parked = MemoryParked(self.table, pause=_at_once)
        self.world = world
        self.declared_dead = declared_dead
        self.calls = 0
        self.faults: Mapping[int, Fault] = {}
        self.weather = FAIR
        self.local: dict[str, Weather] = {}

    def calm(self) -> None:
        """Nothing is wrong any more."""
        self.faults, self.weather = {}, FAIR
        self.local.clear()

    def weather_at(self, client: SimNode) -> Weather:
        return self.local.get(client.name, self.weather)

    async def call(self, client: SimNode, act: Callable[[], Awaitable[T]]) -> T:
        """Have ``act`` take effect over there. Raises RegistryUnavailable, after ``CALL_TIMEOUT_S`` at the latest, and
        then it may or may not have taken effect."""
        self.calls += 1
        fault = self.faults.get(self.calls) or self.weather_at(client).fault(self.world.rng)
        answer: asyncio.Future[T] = client.loop.create_future()
        if fault is not Fault.LOST:
            perform = partial(self._perform, client, act, answer, fault)
            self.world.deliver(client.name, DYNAMODB, perform, self._way_ms(client))
        timer = client.loop.call_later(CALL_TIMEOUT_S, _settle, answer, RegistryUnavailable("no answer"))
        try:
            return await answer
        finally:
            timer.cancel()

    def _way_ms(self, client: SimNode) -> float:
        return self.world.latency_ms() / 2 + self.world.rng.random() * self.weather_at(client).slow_ms

    def _perform(
        self, client: SimNode, act: Callable[[], Awaitable[T]], answer: asyncio.Future[T], fault: Fault | None
    ) -> None:
        outcome: T | RegistryUnavailable
        try:
            if fault is Fault.REFUSED:
                raise RegistryUnavailable("ThrottlingException")
            outcome = _done(act())
        except RegistryUnavailable as error:
            outcome = error
        if fault is not Fault.UNANSWERED:
            self.world.deliver(DYNAMODB, client.name, partial(_settle, answer, outcome), self._way_ms(client))


def _done(work: Awaitable[T]) -> T:
    """What ``work`` comes to, which waits for nothing: the table takes each request at once and whole."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as over:
        result: T = over.value
        return result
    raise AssertionError("the table waits")


def _settle(answer: asyncio.Future[T], outcome: T | RegistryUnavailable) -> None:
    if answer.done():  # its caller has given up
        return
    if isinstance(outcome, RegistryUnavailable):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


async def _throttled() -> NoReturn:
    raise RegistryUnavailable("ThrottlingException")


async def _at_once() -> None:
    """The memory adapters' pause: what takes time is the way here."""


class SimMembers:
    """``ports.Members`` of one node."""

    def __init__(self, dynamodb: SimDynamoDb, here: SimNode) -> None:
        self._dynamodb = dynamodb
        self._here = here
        self._there = dynamodb.members

    async def allocate(self) -> NodeNumber:
        return await self._call(self._there.allocate)

    async def join(self, member: Member) -> None:
        await self._call(lambda: self._there.join(member))

    async def renew(self, renewal: Renewal) -> bool:
        return await self._call(lambda: self._there.renew(renewal))

    async def all(self) -> tuple[Member, ...]:
        return await self._call(self._there.all)

    async def claim(self, seen: Member, by: NodeNumber) -> bool:
        async def claim() -> bool:
            done = await self._there.claim(seen, by)
            if done and seen.state is not MemberState.LEFT:
                self._dynamodb.declared_dead(seen.number)
            return done

        return await self._call(claim)

    async def progress(self, number: NodeNumber, by: NodeNumber, reaped: int) -> bool:
        return await self._call(lambda: self._there.progress(number, by, reaped))

    async def remove(self, number: NodeNumber, by: NodeNumber) -> bool:
        return await self._call(lambda: self._there.remove(number, by))

    async def ask_drain(self, number: NodeNumber) -> bool:
        return await self._call(lambda: self._there.ask_drain(number))

    async def agree(self, what: str, value: str) -> str:
        return await self._call(lambda: self._there.agree(what, value))

    async def _call(self, act: Callable[[], Awaitable[T]]) -> T:
        share = self._dynamodb.weather_at(self._here).shunned
        if share and self._dynamodb.world.rng.random() < share:
            act = _throttled
        return await self._dynamodb.call(self._here, act)


class SimParked:
    """``ports.ParkedDisconnects`` of one node."""

    def __init__(self, dynamodb: SimDynamoDb, here: SimNode) -> None:
        self._dynamodb = dynamodb
        self._here = here

    async def park(self, parked: ParkedDisconnect) -> None:
        await self._dynamodb.call(self._here, lambda: self._dynamodb.parked.park(parked))

    async def all(self) -> AsyncIterator[ParkedDisconnect]:
        async def read() -> list[ParkedDisconnect]:
            return [each async for each in self._dynamodb.parked.all()]

        for parked in await self._dynamodb.call(self._here, read):
            yield parked

    async def discard(self, connection_id: ConnectionId) -> None:
        await self._dynamodb.call(self._here, lambda: self._dynamodb.parked.discard(connection_id))


class SimRegistry:
    """``ports.Registry`` of one node: the real group commit, and pages. Make it inside the node's loop."""

    def __init__(self, dynamodb: SimDynamoDb, here: SimNode) -> None:
        self._dynamodb = dynamodb
        self._here = here
        self._writer = Writer(
            self._send,
            CommitPolicy(),
            dynamodb.world.rng.random,
            on_outage=lambda why: None,
            on_recovery=lambda: None,
            on_loss=lambda count: None,
        )

    @property
    def pending(self) -> int:
        return self._writer.pending

    async def register(self, connection: Connection) -> None:
        await self._writer.put(connection)

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        await self._writer.delete((owner, connection_id))

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        async def read() -> Connection | None:
            return self._dynamodb.table.find(owner, connection_id)

        return await self._insist(read)

    async def connections_of(self, owner: NodeNumber) -> AsyncIterator[Connection]:
        last: ConnectionId | None = None
        while True:

            async def read(after: ConnectionId | None = last) -> tuple[list[Connection], ConnectionId | None]:
                return self._dynamodb.table.connections_after(owner, after)

            page, last = await self._insist(read)
            for connection in page:
                yield connection
            if last is None:
                return

    async def close(self, flush_s: float = 5.0) -> int:
        return await self._writer.close(flush_s)

    async def _send(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        async def write() -> frozenset[Key]:
            table, rng = self._dynamodb.table, self._dynamodb.world.rng
            share = self._dynamodb.weather_at(self._here).throttled
            left: set[Key] = set()
            changes: list[tuple[Key, Callable[[], Any]]] = [
                *(((each.owner, each.connection_id), partial(table.put, each)) for each in puts),
                *((key, partial(table.delete, *key)) for key in deletes),
            ]
            for key, change in changes:
                if share and rng.random() < share:
                    left.add(key)
                else:
                    change()
            return frozenset(left)

        return await self._dynamodb.call(self._here, write)

    async def _insist(self, read: Callable[[], Awaitable[T]]) -> T:
        """As the real adapter does with pages."""
        loop = asyncio.get_running_loop()
        give_up_at, pause_s = loop.time() + READ_AGAIN_S, 0.1
        while True:
            try:
                return await self._dynamodb.call(self._here, read)
            except RegistryUnavailable:
                if loop.time() + pause_s >= give_up_at:
                    raise
            await asyncio.sleep(pause_s)
            pause_s *= 2
