"""A node of the fleet as the others see it: one record in the connection table, held by a lease.

A node is one incarnation of one process; when it was fenced it comes back under another number. Its lease is a
version that each renewal raises: observers time how long a version stays the same with clocks of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.ids import NodeNumber


class MemberState(Enum):
    """``DRAINING`` still holds sockets. ``LEFT`` holds none and says so itself, ``DEAD`` was said by a survivor; what
    either leaves behind is reaped, and then the record goes."""

    ALIVE = "ALIVE"
    DRAINING = "DRAINING"
    LEFT = "LEFT"
    DEAD = "DEAD"

    @property
    def serves(self) -> bool:
        """Whether sockets may be open there."""
        return self in (MemberState.ALIVE, MemberState.DRAINING)


@dataclass(frozen=True, slots=True)
class Member:
    """``lease_ms`` is the node's own setting, and what observers wait. Peers reach it at ``address`` (``host:port``,
    None: only from its machine) or, when they are on the same ``machine``, at the Unix socket ``socket_path``.
    ``started_at_ms`` is Unix time; ``connections`` were open at the last renewal; ``drain_asked`` by an operator;
    ``claimed_by`` the node that reaps it, ``reaped`` how many ``$disconnect`` it has called so far."""

    number: NodeNumber
    lease_ms: int
    machine: str
    host: str
    pid: int
    started_at_ms: int
    address: str | None = None
    socket_path: str | None = None
    version: int = 1
    state: MemberState = MemberState.ALIVE
    connections: int = 0
    drain_asked: bool = False
    claimed_by: NodeNumber | None = None
    reaped: int = 0


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a node says of itself again and again; ``version`` is higher each time, also after a failed attempt."""

    number: NodeNumber
    version: int
    state: MemberState
    connections: int
