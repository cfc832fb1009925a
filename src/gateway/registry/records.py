"""What a connection looks like in DynamoDB.

One table holds everything the fleet must remember. ``pk`` groups what is read together, ``sk`` tells items of a group
apart, ``type`` names the kind, ``ttl`` is the last net for what nobody removed:

  pk ``NODE#{number}``  sk ``CONN#{connection id}``   type ``Connection``

so "all connections of a dead node" is one Query. The other kinds are in ``member_records`` and ``parked_records``.
Attribute names are short because every write carries them 25 times. Items are made and read by hand, and the tests'
pynamodb models read and make the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName
from gateway.registry.keys import CONNECTION_PREFIX, TTL_ATTRIBUTE, RawItem, raw_key_of


def item_of(connection: Connection, keep_s: int | None) -> RawItem:
    """The item to put. ``keep_s``: seconds after the connect when DynamoDB may drop it by itself, None for never."""
    item = raw_key_of(connection.owner, connection.connection_id)
    item |= {"type": text("Connection"), **attributes_of(connection)}
    if keep_s is not None:
        item[TTL_ATTRIBUTE] = number(connection.connected_at_ms // 1000 + keep_s)
    return item


def attributes_of(connection: Connection) -> RawItem:
    """Of every item that holds a connection, beside the keys, which say whose it is."""
    item = {
        "api": text(connection.api_id),
        "stage": text(connection.stage),
        "connectedAt": number(connection.connected_at_ms),
        "sourceIp": text(connection.source_ip),
        "domainName": text(connection.domain_name),
    }
    if connection.user_agent is not None:
        item["userAgent"] = text(connection.user_agent)
    if connection.authorizer is not None:
        item["authorizer"] = _map(connection.authorizer)
    if connection.identity is not None:
        item["identity"] = _map(connection.identity)
    return item


def connection_of(item: RawItem) -> Connection:
    """The connection an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    return connection_in(item, NodeNumber(int(item["pk"]["S"].partition("#")[2])))


def connection_in(item: RawItem, owner: NodeNumber) -> Connection:
    """The connection in an item of any kind."""
    return Connection(
        connection_id=ConnectionId(item["sk"]["S"].removeprefix(CONNECTION_PREFIX)),
        owner=owner,
        api_id=ApiId(item["api"]["S"]),
        stage=StageName(item["stage"]["S"]),
        connected_at_ms=int(item["connectedAt"]["N"]),
        source_ip=item["sourceIp"]["S"],
        domain_name=item["domainName"]["S"],
        user_agent=text_in(item, "userAgent"),
        authorizer=_map_in(item, "authorizer"),
        identity=_map_in(item, "identity"),
    )


def text(value: str) -> dict[str, Any]:
    """A text as DynamoDB types it."""
    return {"S": value}


def number(value: int) -> dict[str, Any]:
    """A whole number as DynamoDB types it."""
    return {"N": str(value)}


def text_in(item: RawItem, attribute: str) -> str | None:
    """None when it is not there, or null."""
    found = item.get(attribute)
    return None if found is None else found.get("S")


def _map(texts: Mapping[str, str]) -> dict[str, Any]:
    return {"M": {name: text(value) for name, value in texts.items()}}


def _map_in(item: RawItem, attribute: str) -> dict[str, str] | None:
    found = item.get(attribute, {}).get("M")
    return None if found is None else {name: typed["S"] for name, typed in found.items()}
