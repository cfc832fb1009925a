"""What can be asked of a fleet: nodes, connections, parked ``$disconnect`` calls. It only reads, and formats nothing.

The command line and whoever else looks at a fleet ask through these. Connections are read node by node, in the order of
their IDs, so a reader can stop anywhere and go on later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, NodeNumber, claimed_owner
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect
from gateway.ports import Members, ParkedDisconnects

# Up to how many minutes a connection has been open, and what its group is called. AWS ends one after two hours.
AGES: Final = ((1, "under 1m"), (10, "1m-10m"), (60, "10m-1h"), (120, "1h-2h"), (1440, "2h-1d"))
_MINUTE_MS: Final = 60_000
OLDER: Final = "over 1d"


class Records(Protocol):
    """The part of ``ports.Registry`` that is read here, and resumable."""

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        """The record as it is now, None when there is none. Raises RegistryUnavailable."""

    def connections_of(self, owner: NodeNumber, after: ConnectionId | None = None) -> AsyncIterator[Connection]:
        """Every record of one node by ID, those after ``after`` only. Raises RegistryUnavailable."""


class Group(Enum):
    """By what connections are counted."""

    NODE = "node"
    STAGE = "stage"
    AGE = "age"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections: all that fit everything that is not None. ``opened_before_ms`` is Unix time."""

    node: NodeNumber | None = None
    stage: str | None = None
    source_ip: str | None = None
    opened_before_ms: int | None = None

    def fits(self, connection: Connection) -> bool:
        return (
            (self.stage is None or connection.stage == self.stage)
            and (self.source_ip is None or connection.source_ip == self.source_ip)
            and (self.opened_before_ms is None or connection.connected_at_ms <= self.opened_before_ms)
        )


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a listing was left: after this connection, of this node. As text ``NODE:CONNECTION_ID``."""

    node: NodeNumber
    connection_id: ConnectionId

    def __str__(self) -> str:
        return f"{self.node}:{self.connection_id}"

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises ValueError."""
        node, colon, connection_id = text.partition(":")
        if not (colon and node.isascii() and node.isdecimal()) or claimed_owner(connection_id) is None:
            raise ValueError(f"{text!r} is not where a listing was left")
        return cls(NodeNumber(int(node)), ConnectionId(connection_id))


@dataclass(frozen=True, slots=True)
class Counted:
    """``groups`` in the order they are shown: nodes and ages by size of their own, all others by count, then name."""

    total: int
    groups: tuple[tuple[str, int], ...]


async def nodes(members: Members) -> tuple[Member, ...]:
    """Every record, by number. Raises RegistryUnavailable."""
    return await members.all()


async def connections(
    members: Members, records: Records, wanted: Wanted, after: Cursor | None = None
) -> AsyncIterator[Connection]:
    """Those that are wanted, by node and ID; ``after`` goes on where an earlier reader stopped.

    Raises RegistryUnavailable.
    """
    for member in await members.all():
        if wanted.node not in (None, member.number) or (after is not None and member.number < after.node):
            continue
        start = after.connection_id if after is not None and member.number == after.node else None
        async for connection in records.connections_of(member.number, start):
            if wanted.fits(connection):
                yield connection


async def count(members: Members, records: Records, wanted: Wanted, by: Group | None, now_ms: int) -> Counted:
    """Reads every record that may be wanted. ``now_ms``: Unix time, for ages. Raises RegistryUnavailable."""
    found: Counter[str] = Counter()
    async for connection in connections(members, records, wanted):
        found["" if by is None else _group(connection, by, now_ms)] += 1
    total = found.total()
    return Counted(total, () if by is None else tuple(_in_order(found, by)))


async def find(records: Records, connection_id: str) -> Connection | None:
    """One connection by its ID alone, which names its node. None when there is none. Raises RegistryUnavailable."""
    owner = claimed_owner(connection_id)
    return None if owner is None else await records.find(owner, ConnectionId(connection_id))


async def parked(shelf: ParkedDisconnects) -> tuple[ParkedDisconnect, ...]:
    """All of them, by connection ID. Raises RegistryUnavailable."""
    return tuple([each async for each in shelf.all()])


def _group(connection: Connection, by: Group, now_ms: int) -> str:
    match by:
        case Group.NODE:
            return str(connection.owner)
        case Group.STAGE:
            return connection.stage
        case Group.SOURCE:
            return connection.source_ip
        case Group.AGE:
            minutes = (now_ms - connection.connected_at_ms) / _MINUTE_MS
            return next((name for under, name in AGES if minutes < under), OLDER)


def _in_order(found: Counter[str], by: Group) -> list[tuple[str, int]]:
    if by is Group.NODE:
        return sorted(found.items(), key=lambda each: int(each[0]))
    if by is Group.AGE:
        return [(name, found[name]) for name in (*(name for _, name in AGES), OLDER) if name in found]
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))
