"""What a connection looks like in DynamoDB.

One table holds everything the fleet must remember. ``pk`` groups what is read together, ``sk`` tells items of a group
apart, ``type`` names the kind, ``ttl`` is the last net for what nobody removed:

  pk ``NODE#{number}``  sk ``CONN#{connection id}``   type ``Connection``

so "all connections of a dead node" is one Query. The other kinds are in ``member_records`` and ``parked_records``.
Attribute names are short because every write carries them 25 times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName

DEFAULT_TABLE: Final = "wsfleet-connections"
CONNECTION_PREFIX: Final = "CONN#"
TTL_ATTRIBUTE: Final = "ttl"

_RawItem = dict[str, dict[str, Any]]


class StringMapAttribute(Attribute[Mapping[str, str]]):
    """A DynamoDB map whose values are all strings."""

    attr_type = "M"

    def serialize(self, value: Mapping[str, str]) -> dict[str, dict[str, str]]:
        return {key: {"S": text} for key, text in value.items()}

    def deserialize(self, value: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        return {key: typed["S"] for key, typed in value.items()}


class ItemOfConnection(Model):
    """What every item that holds a connection has, whatever else it is."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires_at_s = NumberAttribute(attr_name=TTL_ATTRIBUTE, null=True)
    api_id = UnicodeAttribute(attr_name="api")
    stage = UnicodeAttribute()
    connected_at_ms = NumberAttribute(attr_name="connectedAt")
    source_ip = UnicodeAttribute(attr_name="sourceIp")
    domain_name = UnicodeAttribute(attr_name="domainName")
    user_agent = UnicodeAttribute(attr_name="userAgent", null=True)
    authorizer = StringMapAttribute(null=True)
    identity = StringMapAttribute(null=True)


class ConnectionRecord(ItemOfConnection):
    """A ``model.connection.Connection`` as an item."""

    class Meta:
        table_name = DEFAULT_TABLE

    type = UnicodeAttribute(default="Connection")


def partition_of(owner: NodeNumber) -> str:
    """The partition key of everything that belongs to one node."""
    return f"NODE#{owner}"


def key_of(owner: NodeNumber, connection_id: ConnectionId) -> dict[str, str]:
    """The whole key of a connection's record."""
    return {"pk": partition_of(owner), "sk": CONNECTION_PREFIX + connection_id}


def raw_key_of(owner: NodeNumber, connection_id: ConnectionId) -> _RawItem:
    """The same as DynamoDB types it: a Query can go on after it."""
    return {name: {"S": value} for name, value in key_of(owner, connection_id).items()}


def item_of(connection: Connection, keep_s: int | None) -> _RawItem:
    """The item to put. ``keep_s``: seconds after the connect when DynamoDB may drop it by itself, None for never."""
    key = key_of(connection.owner, connection.connection_id)
    record = ConnectionRecord(
        key["pk"],
        key["sk"],
        expires_at_s=None if keep_s is None else connection.connected_at_ms // 1000 + keep_s,
        **attributes_of(connection),
    )
    return record.serialize()


def attributes_of(connection: Connection) -> dict[str, Any]:
    """The attributes of ``ItemOfConnection`` beside the keys, which say whose connection it is."""
    return {
        "api_id": connection.api_id,
        "stage": connection.stage,
        "connected_at_ms": connection.connected_at_ms,
        "source_ip": connection.source_ip,
        "domain_name": connection.domain_name,
        "user_agent": connection.user_agent,
        "authorizer": connection.authorizer,
        "identity": connection.identity,
    }


def connection_of(item: _RawItem) -> Connection:
    """The connection an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    record = ConnectionRecord.from_raw_data(item)
    return connection_in(record, NodeNumber(int(record.pk.partition("#")[2])))


def connection_in(record: ItemOfConnection, owner: NodeNumber) -> Connection:
    """The connection in an item of any kind."""
    return Connection(
        connection_id=ConnectionId(record.sk.removeprefix(CONNECTION_PREFIX)),
        owner=owner,
        api_id=ApiId(record.api_id),
        stage=StageName(record.stage),
        connected_at_ms=int(record.connected_at_ms),
        source_ip=record.source_ip,
        domain_name=record.domain_name,
        user_agent=record.user_agent,
        authorizer=record.authorizer,
        identity=record.identity,
    )
