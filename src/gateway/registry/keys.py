"""Where connections lie in the table: what everybody names them by, whichever client asks.

``pk`` groups what is read together, ``sk`` tells items of a group apart, ``ttl`` is when DynamoDB may drop one.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.model.ids import ConnectionId, NodeNumber

DEFAULT_TABLE: Final = "wsfleet-connections"
CONNECTION_PREFIX: Final = "CONN#"
TTL_ATTRIBUTE: Final = "ttl"

RawItem = dict[str, dict[str, Any]]
"""An item as DynamoDB types it."""


def partition_of(owner: NodeNumber) -> str:
    """The partition key of everything that belongs to one node."""
    return f"NODE#{owner}"


def key_of(owner: NodeNumber, connection_id: ConnectionId) -> dict[str, str]:
    """The whole key of a connection's record."""
    return {"pk": partition_of(owner), "sk": CONNECTION_PREFIX + connection_id}


def raw_key_of(owner: NodeNumber, connection_id: ConnectionId) -> RawItem:
    """The same as DynamoDB types it: a Query can go on after it."""
    return {name: {"S": value} for name, value in key_of(owner, connection_id).items()}
