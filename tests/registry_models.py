"""The table's items as pynamodb models: the judges of what the gateway writes and reads by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pynamodb.attributes import Attribute, BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from gateway.model.connection import Connection
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect


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
    ttl = NumberAttribute(null=True)
    api = UnicodeAttribute()
    stage = UnicodeAttribute()
    connected_at = NumberAttribute(attr_name="connectedAt")
    source_ip = UnicodeAttribute(attr_name="sourceIp")
    domain_name = UnicodeAttribute(attr_name="domainName")
    user_agent = UnicodeAttribute(attr_name="userAgent", null=True)
    authorizer = StringMapAttribute(null=True)
    identity = StringMapAttribute(null=True)


class ConnectionRecord(ItemOfConnection):
    class Meta:
        table_name = "t"

    type = UnicodeAttribute(default="Connection")

    @classmethod
    def of(cls, connection: Connection, keep_s: int | None) -> Self:
        return cls(
            f"NODE#{connection.owner}",
            f"CONN#{connection.connection_id}",
            ttl=None if keep_s is None else connection.connected_at_ms // 1000 + keep_s,
            **_attributes(connection),
        )


class ParkedRecord(ItemOfConnection):
    class Meta:
        table_name = "t"

    type = UnicodeAttribute(default="Parked")
    owner = NumberAttribute()
    code = NumberAttribute()
    reason = UnicodeAttribute()
    attempts = NumberAttribute()
    why = UnicodeAttribute()
    parked_at = NumberAttribute(attr_name="parkedAt")

    @classmethod
    def of(cls, parked: ParkedDisconnect, keep_s: int) -> Self:
        return cls(
            "FAILED",
            f"CONN#{parked.connection.connection_id}",
            ttl=parked.parked_at_ms // 1000 + keep_s,
            owner=parked.connection.owner,
            code=parked.code,
            reason=parked.reason,
            attempts=parked.attempts,
            why=parked.why,
            parked_at=parked.parked_at_ms,
            **_attributes(parked.connection),
        )


class MemberRecord(Model):
    class Meta:
        table_name = "t"

    pk = UnicodeAttribute(hash_key=True, default="FLEET")
    sk = UnicodeAttribute(range_key=True)
    type = UnicodeAttribute(default="Node")
    ttl = NumberAttribute()
    lease_ms = NumberAttribute(attr_name="leaseMs")
    machine = UnicodeAttribute()
    host = UnicodeAttribute()
    pid = NumberAttribute()
    started_at = NumberAttribute(attr_name="startedAt")
    address = UnicodeAttribute(null=True)
    socket_path = UnicodeAttribute(attr_name="socketPath", null=True)
    version = NumberAttribute()
    state = UnicodeAttribute()
    connections = NumberAttribute()
    drain_asked = BooleanAttribute(attr_name="drainAsked")
    claimed_by = NumberAttribute(attr_name="claimedBy", null=True)
    reaped = NumberAttribute()

    @classmethod
    def of(cls, member: Member, ttl: int) -> Self:
        return cls(
            range_key=f"NODE#{member.number:010}",
            ttl=ttl,
            lease_ms=member.lease_ms,
            machine=member.machine,
            host=member.host,
            pid=member.pid,
            started_at=member.started_at_ms,
            address=member.address,
            socket_path=member.socket_path,
            version=member.version,
            state=member.state.value,
            connections=member.connections,
            drain_asked=member.drain_asked,
            claimed_by=member.claimed_by,
            reaped=member.reaped,
        )


def _attributes(connection: Connection) -> dict[str, Any]:
    return {
        "api": connection.api_id,
        "stage": connection.stage,
        "connected_at": connection.connected_at_ms,
        "source_ip": connection.source_ip,
        "domain_name": connection.domain_name,
        "user_agent": connection.user_agent,
        "authorizer": connection.authorizer,
        "identity": connection.identity,
    }
