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
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest, PostTo
from gateway.ports import Peers, PeerService
from gateway.tenure import Tenure

MAX_DEPARTED: Final = 10_000  # numbers of nodes known to be gone; the oldest are forgotten, and then read anew

Look = Callable[[], Awaitable[Roster]]


class Reaching(Protocol):
    """What the management API needs to know of where connections are."""

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """The owner's answer, at once where that is this node; neither way raises."""


class LocalReach:
    """A node that is alone: what it does not hold is gone, and so is whoever came before it."""

    def __init__(self, here: PeerService) -> None:
        self._here = here

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        answer = self._here.answer(owner, request)
        return Outcome.GONE if answer is Outcome.UNREACHABLE else answer


class FleetReach:
    """``look`` reads the node records, beginning after it was called; ``wait_ms`` bounds a whole call, which
    of a post is ``hold_ms`` more: so long may its owner hold it. ``see`` is to be
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
        wait_ms = self._wait_ms + self._hold_ms if isinstance(request, PostTo) else self._wait_ms
        return await self._peers.ask(member, request, wait_ms)

    def _remember(self, departed: NodeNumber) -> None:
        self._departed[departed] = None
        if len(self._departed) > MAX_DEPARTED:
            del self._departed[next(iter(self._departed))]
