"""What one node asks another about connections that the other holds, and the closed set of answers.

The same values are used on the node itself: where a connection lives changes nothing but the way.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from gateway.model.audience import Audience
from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, ConnectionId, StageName

NORMALLY: Final = (1000, "Connection Closed Normally")  # parity 7.3


@hot_value
class PostTo:
    """PostToConnection; ``data`` as the caller sent it. ``binary``: the client gets it as a BINARY message."""

    api_id: ApiId
    connection_id: ConnectionId
    data: bytes
    binary: bool = False


@hot_value
class GetInfo:
    """GetConnection."""

    api_id: ApiId
    connection_id: ConnectionId


@hot_value
class DeleteIt:
    """DeleteConnection; ``code`` and ``reason`` may be others than AWS's, of at most ``MAX_CLOSE_REASON_BYTES``."""

    api_id: ApiId
    connection_id: ConnectionId
    code: int = NORMALLY[0]
    reason: str = NORMALLY[1]


@hot_value
class PostToMany:
    """One message for many connections of one node: at most ``MAX_TARGETS``, all genuine, none there twice. ``binary``
    as in ``PostTo``."""

    api_id: ApiId
    connection_ids: tuple[ConnectionId, ...]
    data: bytes
    binary: bool = False


@hot_value
class Broadcast:
    """One message for everybody at a node whom ``audience`` admits. ``waits``: the answer is ``Reached``; else it is
    DONE as soon as the node has it in its queue. ``binary`` as in ``PostTo``."""

    audience: Audience
    data: bytes
    waits: bool = True
    binary: bool = False


@hot_value
class JoinGroup:
    """Have a connection of ``stage`` join the group of that name there. IN_MANY: it is in as many as it may be."""

    api_id: ApiId
    connection_id: ConnectionId
    stage: StageName
    group: str


@hot_value
class LeaveGroup:
    """The opposite. DONE as well when it is not in the group."""

    api_id: ApiId
    connection_id: ConnectionId
    stage: StageName
    group: str


@hot_value
class GetGroups:
    """In which groups a connection of ``stage`` is."""

    api_id: ApiId
    connection_id: ConnectionId
    stage: StageName


@hot_value
class Position:
    """A place in the order in which a node lists its connections: by ``connected_at_ms`` (Unix), then by ID. It stays
    where it is whoever comes and goes."""

    connected_at_ms: int
    connection_id: ConnectionId


@hot_value
class ListConnections:
    """Those at a node whom ``audience`` admits, behind ``after`` (None: from the first one on), at most ``limit`` of
    them: 0 only counts."""

    audience: Audience
    limit: int
    after: Position | None = None


GroupRequest = JoinGroup | LeaveGroup | GetGroups
EarlyRequest = PostTo | JoinGroup | LeaveGroup  # may wait for a connection that is not open yet
OneRequest = PostTo | GetInfo | DeleteIt | GroupRequest
MessageToMany = PostToMany | Broadcast
ManyRequest = MessageToMany | ListConnections
PeerRequest = OneRequest | ManyRequest


class Outcome(Enum):
    """``DONE``: sent or closed. ``GONE``: the owner does not have it, or is dead. ``LIMITED``: the client does not read
    fast enough. ``FENCED``: the owner, or this node, has lost its lease and serves nobody. ``UNREACHABLE``: the owner
    did not answer in time and is not known to be dead; the request may or may not have been carried out.
    ``UNSUPPORTED``: the owner is of an older version, which does not know such a request. ``IN_MANY``: the
    connection is in as many groups as it may be."""

    DONE = "DONE"
    GONE = "GONE"
    LIMITED = "LIMITED"
    FENCED = "FENCED"
    UNREACHABLE = "UNREACHABLE"
    UNSUPPORTED = "UNSUPPORTED"
    IN_MANY = "IN_MANY"


@hot_value
class ConnectionInfo:
    """What GetConnection tells; times are Unix milliseconds."""

    connected_at_ms: int
    last_active_at_ms: int
    source_ip: str
    user_agent: str | None


@hot_value
class Outcomes:
    """What a ``PostToMany`` came to: one for each of its IDs, in their order."""

    each: tuple[Outcome, ...]


@hot_value
class Reached:
    """What a ``Broadcast`` came to at one node: how many, and the first ``MAX_TOLD`` of those who did not get it."""

    sent: int
    gone: int = 0
    limited: int = 0
    gone_ids: tuple[ConnectionId, ...] = ()
    limited_ids: tuple[ConnectionId, ...] = ()


@hot_value
class InGroups:
    """The names of the groups that a connection is in, in the order in which it joined them."""

    names: tuple[str, ...]


@hot_value
class Entry:
    """One connection of a list; times are Unix milliseconds."""

    connection_id: ConnectionId
    connected_at_ms: int
    last_active_at_ms: int
    source_ip: str
    user_agent: str | None
    principal: str | None
    groups: tuple[str, ...]

    @property
    def position(self) -> Position:
        return Position(self.connected_at_ms, self.connection_id)


@hot_value
class Listing:
    """What ``ListConnections`` came to at one node. ``count``: how many are there behind ``after``, listed or not;
    ``entries`` may be fewer than were asked for, but are at least one when there is one."""

    count: int
    entries: tuple[Entry, ...] = ()


OneAnswer = Outcome | ConnectionInfo | InGroups
PeerAnswer = OneAnswer | Outcomes | Reached | Listing
ANSWERS: Final = (Outcome, ConnectionInfo, InGroups, Outcomes, Reached, Listing)
