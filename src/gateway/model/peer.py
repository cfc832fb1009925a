"""What one node asks another about a connection that the other holds, and the closed set of answers.

The same values are used on the node itself: where a connection lives changes nothing but the way.
"""

from __future__ import annotations

from enum import Enum

from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, ConnectionId


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
    """DeleteConnection."""

    api_id: ApiId
    connection_id: ConnectionId


PeerRequest = PostTo | GetInfo | DeleteIt


class Outcome(Enum):
    """``DONE``: sent or closed. ``GONE``: the owner does not have it, or is dead. ``LIMITED``: the client does not read
    fast enough. ``FENCED``: the owner, or this node, has lost its lease and serves nobody. ``UNREACHABLE``: the owner
    did not answer in time and is not known to be dead; the request may or may not have been carried out."""

    DONE = "DONE"
    GONE = "GONE"
    LIMITED = "LIMITED"
    FENCED = "FENCED"
    UNREACHABLE = "UNREACHABLE"


@hot_value
class ConnectionInfo:
    """What GetConnection tells; times are Unix milliseconds."""

    connected_at_ms: int
    last_active_at_ms: int
    source_ip: str
    user_agent: str | None


PeerAnswer = Outcome | ConnectionInfo
