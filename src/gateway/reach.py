"""Reaching a connection wherever it is: here, on another node in one hop, or nowhere.

The owner's number is in the connection's ID, so nothing is looked up for a call. Only a number that was never seen
leads to one reading of the node records, shared by all who ask meanwhile: a genuine ID was issued by a node that had
joined, so a number that such a reading does not find is of one that is gone, and is gone for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from gateway.cluster.roster import Roster
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.peer import ANSWERS, ManyRequest, Outcome, Outcomes, PeerAnswer, PeerRequest, PostTo
from gateway.ports import Peers, PeerService
from gateway.tenure import Tenure

MANY_WAIT_MS: Final = 20_000  # for an answer about many; a function may take 29 s for all it does
MAX_DEPARTED: Final = 10_000  # numbers of nodes known to be gone; the oldest are forgotten, and then read anew

Look = Callable[[], Awaitable[Roster]]


class Reaching(Protocol):
    """What the management API needs to know of where connections are."""

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """The owner's answer, at once where that is this node; neither way raises."""


class ReachingAll(Reaching, Protocol):
    """And where everybody is."""

    async def ask_all(self, request: ManyRequest) -> dict[NodeNumber, PeerAnswer]:
        """The answer of every node that serves, as the table tells at this moment, this one included."""


class Alone(PeerService, Protocol):
    """A node that is alone."""

    @property
    def number(self) -> NodeNumber: ...


class LocalReach:
    """A node that is alone: what it does not hold is gone, and so is whoever came before it."""

    def __init__(self, here: Alone) -> None:
        self._here = here

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        answer = self._here.answer(owner, request)
        if isinstance(answer, Coroutine):
            return self._ask_many(answer)
        return Outcome.GONE if answer is Outcome.UNREACHABLE else answer

    async def ask_all(self, request: ManyRequest) -> dict[NodeNumber, PeerAnswer]:
        number = self._here.number
        answer = self.ask(number, request)
        return {number: answer if isinstance(answer, ANSWERS) else await answer}

    async def _ask_many(self, asked: Coroutine[Any, Any, PeerAnswer]) -> PeerAnswer:
        answer = await asked
        if isinstance(answer, Outcomes):
            gone = [Outcome.GONE if each is Outcome.UNREACHABLE else each for each in answer.each]
            return Outcomes(tuple(gone))
        return answer


class FleetReach:
    """``look`` reads the node records, beginning after it was called; ``wait_ms`` bounds a whole call for one
    connection, which of a post is ``hold_ms`` more: so long may its owner hold it. ``see`` is to be
    called with every roster there is."""

    def __init__(
        self, here: PeerService, peers: Peers, tenure: Tenure, look: Look, wait_ms: int, hold_ms: int = 0
    ) -> None:
        self._here = here
        self._peers = peers
        self._tenure = tenure
        self._look = look
        self._wait_ms = wait_ms
        self._hold_ms = hold_ms
        self._roster = Roster()
        self._departed: dict[NodeNumber, None] = {}

    def see(self, roster: Roster) -> None:
        """Go by this from now on."""
        self._roster = roster

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        if owner == self._tenure.number or self._tenure.was(owner):
            return self._here.answer(owner, request)
        return self._ask_peer(owner, request)

    async def ask_all(self, request: ManyRequest) -> dict[NodeNumber, PeerAnswer]:
        """By the last roster where the table does not answer; who joined since that is not asked then."""
        me = self._tenure.number
        try:
            async with asyncio.timeout(self._wait_ms / 1000):
                roster = await self._look()
        except (RegistryUnavailable, TimeoutError):
            roster = self._roster
        others = [number for number in roster.sightings if number != me and roster.serves(number)]
        numbers = [me, *others]
        answers = await asyncio.gather(*(self._ask_one(each, roster, request) for each in numbers))
        return dict(zip(numbers, answers, strict=True))

    async def _ask_one(self, number: NodeNumber, roster: Roster, request: ManyRequest) -> PeerAnswer:
        if number == self._tenure.number:
            answer = self._here.answer(number, request)
            return answer if isinstance(answer, ANSWERS) else await answer
        member = roster.member(number)
        if member is None or not self._tenure.holds():
            return Outcome.FENCED
        return await self._peers.ask(member, request, max(self._wait_ms, MANY_WAIT_MS))

    async def _ask_peer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer:
        if not self._tenure.holds():
            return Outcome.FENCED
        roster = self._roster
        if roster.member(owner) is None and owner not in self._departed:
            try:
                async with asyncio.timeout(self._wait_ms / 1000):
                    roster = await self._look()
            except (RegistryUnavailable, TimeoutError):
                return Outcome.UNREACHABLE
            if roster.member(owner) is None:
                self._remember(owner)
        member = roster.member(owner)
        if member is None or not member.state.serves:
            return Outcome.GONE
        return await self._peers.ask(member, request, self._patience_ms(request))

    def _patience_ms(self, request: PeerRequest) -> int:
        if isinstance(request, ManyRequest):
            return max(self._wait_ms, MANY_WAIT_MS)
        return self._wait_ms + self._hold_ms if isinstance(request, PostTo) else self._wait_ms

    def _remember(self, departed: NodeNumber) -> None:
        self._departed[departed] = None
        if len(self._departed) > MAX_DEPARTED:
            del self._departed[next(iter(self._departed))]
