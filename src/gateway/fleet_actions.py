"""What an operator does to a fleet: let a node leave, give parked ``$disconnect`` calls back, give them up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.model.parked import ParkedDisconnect
from gateway.ports import Members, ParkedDisconnects
from gateway.reaper import Estates

SHELVED_MS: Final = 60_000  # the least lease of a node that is being made up; it is renewed all the while
BATCH: Final = 100  # calls taken from the shelf between two renewals
REPLAY: Final = "replay"  # the machine and host of a node that never was one


@dataclass(frozen=True, slots=True)
class Chosen:
    """``unknown`` are the IDs of which nothing is parked."""

    parked: tuple[ParkedDisconnect, ...]
    unknown: tuple[str, ...] = ()


async def leaving(members: Members, number: NodeNumber, pause: Callable[[], Awaitable[None]]) -> AsyncIterator[Member]:
    """A node's record each time it has changed, until it is gone. ``pause`` is between two looks, and decides how long
    there are any; a look that the table refuses is made again."""
    last: Member | None = None
    while True:
        with suppress(RegistryUnavailable):
            found = next((each for each in await members.all() if each.number == number), None)
            if found is None:
                return
            if found != last:
                yield found
            last = found
        await pause()


def choose(parked: Iterable[ParkedDisconnect], wanted: Sequence[str] | None) -> Chosen:
    """Those with the ``wanted`` connection IDs, None for all of them."""
    if wanted is None:
        return Chosen(tuple(parked))
    known = {each.connection.connection_id: each for each in parked}
    ids = tuple(map(ConnectionId, dict.fromkeys(wanted)))
    return Chosen(tuple(known[each] for each in ids if each in known), tuple(each for each in ids if each not in known))


async def replay(estates: Estates, parked: Sequence[ParkedDisconnect], lease_ms: int, now_ms: int) -> NodeNumber:
    """Give ``$disconnect`` calls back to the reapers, as connections of a node that has left; returns its number.

    First the connections are recorded, then the node, as one that nobody reaps yet; then the calls leave the shelf, and
    only then the node is said to have left. So none that is parked anew meanwhile is taken from the shelf. Whoever dies
    in between loses nothing: the node's lease runs out. The events say what those of a dead node say (1006), under the
    request IDs they always had. ``now_ms`` is Unix time. Raises RegistryUnavailable.
    """
    number = await estates.members.allocate()
    for each in parked:
        await estates.registry.register(replace(each.connection, owner=number))
    await estates.members.join(_never_there(number, max(lease_ms, SHELVED_MS), now_ms))
    version = 1
    for start in range(0, len(parked), BATCH):
        await discard(estates.parked, parked[start : start + BATCH])
        version += 1
        await estates.members.renew(Renewal(number, version, MemberState.ALIVE, len(parked)))
    await estates.members.renew(Renewal(number, version + 1, MemberState.LEFT, len(parked)))
    return number


async def discard(shelf: ParkedDisconnects, parked: Iterable[ParkedDisconnect]) -> None:
    """Give them up: no handler will hear of these. Raises RegistryUnavailable."""
    for each in parked:
        await shelf.discard(each.connection.connection_id)


def _never_there(number: NodeNumber, lease_ms: int, now_ms: int) -> Member:
    """The record of a node that never was one, and is reaped when it is said to have left."""
    return Member(
        number=number,
        lease_ms=lease_ms,
        machine=REPLAY,
        host=REPLAY,
        pid=0,
        started_at_ms=now_ms,
    )
