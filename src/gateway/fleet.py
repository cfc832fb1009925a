"""This node's membership: it joins, keeps its lease, looks at the others, is fenced and comes back, and leaves.

    join ──▶ renewing, looking ──▶ leave
      ▲              │ not renewed in time, or declared dead
      └── fenced ◀───┘

It decides little: until when a lease holds and who is dead are ``cluster``'s, what a fenced node does with its sockets
is the node's, and who asks before acting asks the ``Tenure``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from gateway.cluster.lease import LeaseTerms
from gateway.cluster.roster import Roster
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.ports import Clock, Members, Reporter
from gateway.tasks import Tasks
from gateway.tenure import Tenure

MAX_ATTEMPTS: Final = 3  # renewals under way at a time
_HASTE: Final = 4  # after a failure the next attempt comes so many times sooner
_JITTER: Final = 0.2  # of a pause, so that nodes that began together do not go on together

RUN_OUT: Final = "its lease has run out"
DECLARED_DEAD: Final = "another node has declared it dead"

T = TypeVar("T")
Random = Callable[[], float]  # uniform in [0, 1)


def _nothing() -> None:
    """Nobody needs to hear."""


class Serving(Protocol):
    """The part of a node that its membership speaks to."""

    @property
    def open_connections(self) -> int: ...

    def fence(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Fleet:
    """What membership goes through. ``seen`` hears of every roster that was read, ``drain_asked`` once when an operator
    wants this node to leave, ``began`` of every number it serves under, ``fenced`` that it must do nothing any more."""

    members: Members
    clock: Clock
    reporter: Reporter
    random: Random
    seen: Callable[[Roster], None]
    drain_asked: Callable[[], None]
    began: Callable[[Member], None]
    fenced: Callable[[], None] = _nothing


class FleetMember:
    """``card`` is what this node's record says of it; number, version and times in it are filled in here."""

    def __init__(self, card: Member, tenure: Tenure, node: Serving, fleet: Fleet) -> None:
        self._card = card
        self._terms = LeaseTerms(card.lease_ms)
        self._tenure = tenure
        self._node = node
        self._fleet = fleet
        self._version = 0
        self._state = MemberState.ALIVE
        self._fenced = True  # until it has begun
        self._told = False  # that renewing fails
        self._drain_told = False
        self._roster = Roster()
        self._reads_begun = 0
        self._read_done = 0
        self._reading = asyncio.Lock()
        self._attempts = 0
        self._renewed = asyncio.Event()
        self._tasks = Tasks(fleet.reporter.failed)

    @property
    def roster(self) -> Roster:
        """The others, as last read."""
        return self._roster

    async def join(self) -> None:
        """Become a node of the fleet; from then on the lease is kept. Raises RegistryUnavailable."""
        await self._begin()
        self._tasks.start(self._keep(), "keeping the lease")
        self._tasks.start(self._guard(), "guarding the lease")
        self._tasks.start(self._watch(), "looking at the fleet")

    def drain(self) -> None:
        """Say from the next renewal on that this node is on its way out."""
        self._state = MemberState.DRAINING

    async def leave(self, is_empty: Callable[[NodeNumber], Awaitable[bool]]) -> bool:
        """Say that nothing is served here any more: where ``is_empty`` says that there are no records, this node's own
        goes and others never hear of it; else they may see to what is left at once. False when nobody could be told;
        then they find out when the lease has run out."""
        await self._tasks.close()
        if not self._tenure.holds():
            return False
        number, last = self._tenure.number, self._renewal()
        self._state = MemberState.LEFT
        try:
            if not await self._call(self._fleet.members.renew(last)):  # from here on nobody else writes a version
                return False
            if await is_empty(number):
                empty = replace(self._card, number=number, version=last.version, state=last.state)
                if await self._call(self._fleet.members.claim(empty, number)):
                    await self._call(self._fleet.members.remove(number, number))
                    return True
            return await self._call(self._fleet.members.renew(self._renewal()))
        except RegistryUnavailable:
            return False

    async def close(self) -> None:
        """Do nothing any more, and tell nobody."""
        await self._tasks.close()

    async def look(self) -> Roster:
        """Read the records, beginning after this call; those who call meanwhile share one reading.

        Raises RegistryUnavailable.
        """
        asked = self._reads_begun
        async with self._reading:
            if self._read_done <= asked:
                await self._read()
            return self._roster

    # -- the lease -------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Under a number of its own; the lease runs from before its first record was written."""
        number = await self._call(self._fleet.members.allocate())
        now = self._fleet.clock.now()
        member = replace(self._card, number=number, version=1, state=self._state, started_at_ms=now.wall_ms)
        await self._call(self._fleet.members.join(member))
        self._version = 1
        self._fenced = False
        self._tenure.begin(number, now.monotonic_ms + self._terms.fence_ms)
        self._fleet.began(member)
        with suppress(RegistryUnavailable):  # it has joined all the same, and looks again soon
            await self.look()

    async def _keep(self) -> None:
        while True:
            await self._pause(self._terms.renew_ms if await self._keep_once() else self._terms.renew_ms // _HASTE)

    async def _keep_once(self) -> bool:
        if self._tenure.holds():
            return await self._renew()
        self._fence(RUN_OUT)
        return await self._come_back()

    async def _renew(self) -> bool:
        """Begin an attempt, unless as many as allowed are under way, and wait for one that succeeds. Earlier ones go
        on: whichever is answered counts from when it was sent, so a table that is merely slow costs nobody a lease."""
        if self._attempts < MAX_ATTEMPTS:
            self._tasks.start(self._attempt(), "renewing the lease")
        self._renewed.clear()
        try:
            async with asyncio.timeout(self._terms.call_ms / 1000):
                await self._renewed.wait()
        except TimeoutError:
            self._tell(f"the lease could not be renewed yet: no answer within {self._terms.call_ms} ms")
            return False
        return self._tenure.holds()

    async def _attempt(self) -> None:
        """One renewal, which extends the lease from when it was sent."""
        me, sent_ms = self._tenure.number, self._fleet.clock.now().monotonic_ms
        self._attempts += 1
        try:
            stands = await self._call(self._fleet.members.renew(self._renewal()))
        except RegistryUnavailable as error:
            self._tell(f"the lease could not be renewed: {error}")
            return
        finally:
            self._attempts -= 1
        if self._tenure.number != me:
            return
        if stands:
            self._told = False
            self._tenure.lease.extend(sent_ms + self._terms.fence_ms)
        else:
            self._fence(DECLARED_DEAD)
        self._renewed.set()

    def _renewal(self) -> Renewal:
        self._version += 1
        return Renewal(self._tenure.number, self._version, self._state, self._node.open_connections)

    async def _guard(self) -> None:
        """Fence on time, also when nothing else happens."""
        while True:
            if not self._tenure.holds():
                self._fence(RUN_OUT)
                left_ms: float = self._terms.renew_ms
            else:
                left_ms = self._tenure.lease.until_ms - self._fleet.clock.now().monotonic_ms
            await asyncio.sleep(max(left_ms, 1) / 1000)

    async def _come_back(self) -> bool:
        """As another incarnation, under another number: what the one before left behind is others' to see to."""
        try:
            await self._begin()
        except RegistryUnavailable as error:
            self._tell(f"it cannot come back: {error}")
            return False
        self._told = False
        self._fleet.reporter.warned(f"back in the fleet as node {self._tenure.number}")
        return True

    def _fence(self, why: str) -> None:
        """Once for each incarnation."""
        if self._fenced:
            return
        self._fenced = True
        self._tenure.lease.lapse()
        count = self._node.open_connections
        self._node.fence()
        self._fleet.fenced()
        self._fleet.reporter.failed(
            f"node {self._tenure.number} is fenced: {why}; {count} connections are closed, their $disconnect is others'"
        )

    async def _call(self, call: Awaitable[T]) -> T:
        """One call to the table, for as long as the lease's terms allow. Raises RegistryUnavailable."""
        try:
            async with asyncio.timeout(self._terms.patience_ms / 1000):
                return await call
        except TimeoutError:
            raise RegistryUnavailable(f"no answer within {self._terms.patience_ms} ms") from None

    def _tell(self, text: str) -> None:
        if not self._told:
            self._told = True
            self._fleet.reporter.warned(f"node {self._tenure.number}: {text}")

    # -- the others ------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            usual_ms = self._terms.look_ms
            await self._pause(self._roster.look_in_ms(self._fleet.clock.now().monotonic_ms, usual_ms))
            try:
                await self.look()
            except RegistryUnavailable:
                continue  # the lease tells of it

    async def _read(self) -> None:
        clock = self._fleet.clock
        self._reads_begun += 1
        reading = self._reads_begun
        began_ms, me = clock.now().monotonic_ms, self._tenure.number
        members = await self._call(self._fleet.members.all())
        self._roster = self._roster.observe(members, began_ms, clock.now().monotonic_ms)
        self._read_done = reading
        self._find_oneself(me)
        self._fleet.seen(self._roster)

    def _find_oneself(self, me: NodeNumber) -> None:
        """``me`` is who this was when the reading began: a later incarnation could not have been found."""
        mine = self._roster.member(me)
        if not self._tenure.is_still(me) or self._state is MemberState.LEFT:
            return
        if mine is None or not mine.state.serves:
            self._fence(DECLARED_DEAD)
        elif self._is_drain_asked(me) and not self._drain_told:
            self._drain_told = True
            self._fleet.drain_asked()

    def _is_drain_asked(self, me: NodeNumber) -> bool:
        """Whoever asked an earlier incarnation meant this process."""
        mine = (number for number in self._roster.sightings if number == me or self._tenure.was(number))
        return any(self._roster.sightings[number].member.drain_asked for number in mine)

    async def _pause(self, ms: int) -> None:
        await asyncio.sleep(ms * (1 + _JITTER * (self._fleet.random() - 0.5)) / 1000)
