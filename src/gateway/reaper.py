"""What dead nodes owe: every connection they held gets its ``$disconnect``, and its record goes.

One survivor claims a dead node, pages through its records, and calls the handlers at a bounded rate that the whole
fleet shares. A record is removed when its call has been answered, so whoever takes over from a reaper that died goes on
where it was; what was in flight just then is called again, with the same request ID. A call that fails is made again
after growing pauses and then parked in the table, where an operator can see and replay it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from gateway.cluster.failover import fair_share, reapable
from gateway.cluster.pace import Pace
from gateway.cluster.retries import Retries
from gateway.cluster.roster import Roster
from gateway.engine.lifecycle import ABNORMAL
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect
from gateway.ports import Clock, Members, ParkedDisconnects, Registry, Reporter
from gateway.read_ahead import read_ahead
from gateway.tasks import Tasks
from gateway.tenure import Tenure

# A node that was fenced may have sent a record just before, which the table takes later: writes give up after 4 s and a
# call after 2. The last look for records is later than that.
LINGER_MS: Final = 7_000
PROGRESS_MS: Final = 2_000  # between two notes of how far it is
MAX_CLAIMS: Final = 4  # dead nodes that one survivor reaps at a time
MAX_AHEAD: Final = 500  # records read before their turn: a page
MAX_CALLING: Final = 64  # calls of handlers in flight
MAX_FAILING: Final = 5_000  # calls that wait to be made again; more are parked at once
_AGAIN_MS: Final = 1_000  # after the table could not be asked

Disconnect = Callable[[Connection, int, str], Awaitable[str | None]]
"""Calls the handler; None when it was delivered, else why not."""


@dataclass(frozen=True, slots=True)
class Estates:
    """Where what is owed is found, and where it goes when nobody takes it."""

    members: Members
    registry: Registry
    parked: ParkedDisconnects


@dataclass(frozen=True, slots=True)
class ReapPolicy:
    """``fleet_rate``: calls per second that all reapers together may make, 0 for no bound."""

    fleet_rate: float = 200.0
    retries: Retries = field(default_factory=Retries)


@dataclass(slots=True)
class _Owed:
    """One ``$disconnect``, how often it has failed, and why the last time."""

    connection: Connection
    code: int
    reason: str
    failed: int = 0
    why: str = ""

    def parked(self, at_ms: int) -> ParkedDisconnect:
        return ParkedDisconnect(self.connection, self.code, self.reason, self.failed, self.why, at_ms)


class _Estate:
    """One dead node's, while it is being reaped."""

    def __init__(self, member: Member, me: NodeNumber, began_ms: int) -> None:
        self.member = member
        self.me = me
        self.began_ms = began_ms
        self.settled: set[ConnectionId] = set()  # begun here: a record that is still there is being removed
        self.lost = False  # to somebody else, who has taken over
        self.called = 0
        self.calling = 0
        self.open = 0  # calling, or removing the record
        self.changed = asyncio.Event()


class Reaper:
    """``random`` is uniform in [0, 1)."""

    def __init__(
        self,
        estates: Estates,
        disconnect: Disconnect,
        tenure: Tenure,
        world: tuple[Clock, Reporter, Callable[[], float]],
        policy: ReapPolicy | None = None,
    ) -> None:
        self._estates = estates
        self._disconnect = disconnect
        self._tenure = tenure
        self._clock, self._reporter, self._random = world
        self._policy = policy or ReapPolicy()
        self._rate = self._policy.fleet_rate
        self._pace = Pace()
        self._calling = asyncio.Semaphore(MAX_CALLING)
        self._failing = 0
        self._reaping: set[NodeNumber] = set()
        self._closed = False
        self._tasks = Tasks(self._reporter.failed)

    @property
    def reaping(self) -> frozenset[NodeNumber]:
        """The nodes that this one is taking care of."""
        return frozenset(self._reaping)

    def see(self, roster: Roster) -> None:
        """Look for nodes to reap; to be called with every roster there is. Nothing is begun once this is closed: a node
        that leaves still reads rosters, for whoever asks it to broadcast."""
        me = self._tenure.number
        if self._closed or not self._tenure.holds():
            return
        self._rate = fair_share(roster, me, self._policy.fleet_rate)
        for member in reapable(roster, me):
            if len(self._reaping) >= MAX_CLAIMS:
                return
            if member.number not in self._reaping:
                self._reaping.add(member.number)
                self._tasks.start(self._reap(member, me), f"reaping node {member.number}")

    def take_over(self, connection: Connection, code: int, reason: str, why: str) -> bool:
        """Deliver a ``$disconnect`` of this node's own that did not reach its handler, and remove the record then;
        False when as many as are allowed wait already."""
        if self._failing >= MAX_FAILING:
            return False
        owed = _Owed(connection, code, reason, failed=1, why=why)
        self._tasks.start(self._settle_own(owed), f"$disconnect of {connection.connection_id}")
        return True

    async def close(self) -> None:
        """Stop wherever it is, for good; others go on from there."""
        self._closed = True
        await self._tasks.close()

    # -- one dead node ---------------------------------------------------------------------------------------------

    async def _reap(self, member: Member, me: NodeNumber) -> None:
        try:
            if await self._estates.members.claim(member, me):
                await self._work_through(_Estate(member, me, self._now_ms()))
        except RegistryUnavailable as error:
            self._reporter.warned(f"node {member.number} cannot be claimed now: {error}")
        finally:
            self._reaping.discard(member.number)

    async def _work_through(self, estate: _Estate) -> None:
        """Until a look that began late enough has found nothing, or somebody else has taken over."""
        number = estate.member.number
        self._reporter.warned(f"node {number} is gone: its connections get their $disconnect")
        telling = asyncio.ensure_future(self._tell(estate))
        try:
            while self._mine(estate):
                try:
                    if await self._round(estate):
                        return
                except RegistryUnavailable as error:
                    self._reporter.warned(f"node {number}: reaping rests, the connection table is away: {error}")
                    await asyncio.sleep(_AGAIN_MS / 1000)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _round(self, estate: _Estate) -> bool:
        """One look at all records, and what follows from it; whether that was the last."""
        number, looked_ms, called = estate.member.number, self._now_ms(), estate.called
        found = await self._pass(estate)
        while estate.open and self._mine(estate):
            await self._rest(estate, lambda: not estate.open)
        if not self._mine(estate):
            return True
        if found == 0 and looked_ms - estate.began_ms >= LINGER_MS:
            if await self._estates.members.remove(number, estate.me):
                self._reporter.warned(f"node {number} is reaped: {estate.called} $disconnect calls")
            return True
        if estate.called == called:  # nothing new: records are being removed, or the last of them are on their way
            await asyncio.sleep(_AGAIN_MS / 1000)
        return False

    async def _pass(self, estate: _Estate) -> int:
        """Begin on every record there is; how many there were, those included whose removal is on its way."""
        found = 0
        records = read_ahead(self._estates.registry.connections_of(estate.member.number), MAX_AHEAD)
        async with aclosing(records):
            async for connection in records:
                found += 1
                if connection.connection_id in estate.settled:
                    continue
                await self._rest(estate, lambda: estate.calling <= MAX_CALLING + self._failing)
                await self._take_turn()
                if not self._mine(estate):
                    break
                estate.settled.add(connection.connection_id)
                estate.open += 1
                estate.calling += 1
                self._tasks.start(self._settle(estate, connection), f"$disconnect of {connection.connection_id}")
        return found

    async def _rest(self, estate: _Estate, is_over: Callable[[], bool]) -> None:
        """Wait, for a while at most, until enough of what was begun has ended."""
        if is_over():
            return
        estate.changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(PROGRESS_MS / 1000):
                while not is_over():
                    await estate.changed.wait()
                    estate.changed.clear()

    async def _settle(self, estate: _Estate, connection: Connection) -> None:
        delivered = False
        try:
            try:
                delivered = await self._deliver(estate.me, _Owed(connection, *ABNORMAL))
            finally:
                if not delivered:
                    estate.settled.discard(connection.connection_id)
                estate.calling -= 1
                estate.changed.set()
            if delivered:
                estate.called += 1
                await self._remove(connection)
        finally:
            estate.open -= 1
            estate.changed.set()

    async def _tell(self, estate: _Estate) -> None:
        """Note how far it is, now and then, until somebody else has taken over."""
        while not estate.lost:
            await asyncio.sleep(PROGRESS_MS / 1000)
            with suppress(RegistryUnavailable):
                estate.lost = not await self._estates.members.progress(estate.member.number, estate.me, estate.called)

    def _mine(self, estate: _Estate) -> bool:
        """Whether this node may go on."""
        return not estate.lost and self._tenure.is_still(estate.me)

    # -- one $disconnect -------------------------------------------------------------------------------------------

    async def _settle_own(self, owed: _Owed) -> None:
        if await self._deliver(owed.connection.owner, owed):
            await self._remove(owed.connection)

    async def _deliver(self, me: NodeNumber, owed: _Owed) -> bool:
        """Call the handler until it takes it, or park it; False when ``me`` may not act any more."""
        while self._tenure.is_still(me):
            if owed.failed:
                pause_ms = self._policy.retries.pause_ms(owed.failed, self._random())
                if pause_ms is None or not await self._wait(pause_ms):
                    return await self._park(me, owed)
                await self._take_turn()
            async with self._calling:
                if not self._tenure.is_still(me):
                    return False
                why = await self._disconnect(owed.connection, owed.code, owed.reason)
            if why is None:
                return True
            owed.failed, owed.why = owed.failed + 1, why
        return False

    async def _wait(self, pause_ms: int) -> bool:
        """Wait with the others that failed; False when there are too many."""
        if self._failing >= MAX_FAILING:
            return False
        self._failing += 1
        try:
            await asyncio.sleep(pause_ms / 1000)
        finally:
            self._failing -= 1
        return True

    async def _park(self, me: NodeNumber, owed: _Owed) -> bool:
        while self._tenure.is_still(me):
            try:
                await self._estates.parked.park(owed.parked(self._clock.now().wall_ms))
            except RegistryUnavailable:
                await asyncio.sleep(_AGAIN_MS / 1000)
                continue
            self._reporter.failed(
                f"$disconnect of {owed.connection.connection_id} is parked after {owed.failed} attempts: {owed.why}"
                "\n  hint: wsfleet failed list shows it, wsfleet failed replay calls it again"
            )
            return True
        return False

    async def _remove(self, connection: Connection) -> None:
        try:
            await self._estates.registry.unregister(connection.owner, connection.connection_id)
        except RegistryUnavailable as error:  # the registry goes on trying
            self._reporter.warned(f"record of {connection.connection_id} not removed yet: {error}")

    async def _take_turn(self) -> None:
        wait_ms = self._pace.wait_ms(self._now_ms(), self._rate)
        if wait_ms >= 1:
            await asyncio.sleep(wait_ms / 1000)

    def _now_ms(self) -> int:
        return self._clock.now().monotonic_ms
