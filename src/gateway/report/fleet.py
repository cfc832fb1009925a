"""Nodes, connections and parked calls of a fleet as tables for a person and as documents for a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gateway.model.connection import Connection
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect
from gateway.report.columns import columns
from gateway.report.times import age, iso_ms, iso_s

NONE: Final = "-"


def node_table(members: Iterable[Member], now_ms: int) -> list[str]:
    """``now_ms`` is Unix time."""
    titles = ("NODE", "STATE", "CONNECTIONS", "HOST", "PID", "ADDRESS", "STARTED", "AGE", "REAPED BY", "REAPED")
    return list(columns([titles, *(_node_row(each, now_ms) for each in members)]))


def node_document(member: Member) -> dict[str, Any]:
    return {
        "node": member.number,
        "state": member.state.value,
        "connections": member.connections,
        "host": member.host,
        "machine": member.machine,
        "pid": member.pid,
        "address": member.address,
        "started_at": iso_ms(member.started_at_ms),
        "lease_ms": member.lease_ms,
        "version": member.version,
        "drain_asked": member.drain_asked,
        "reaped_by": member.claimed_by,
        "reaped": member.reaped,
    }


def connection_table(connections: Iterable[Connection], now_ms: int) -> list[str]:
    """``now_ms`` is Unix time."""
    titles = ("CONNECTION", "NODE", "STAGE", "SOURCE", "CONNECTED", "AGE")
    return list(columns([titles, *(_connection_row(each, now_ms) for each in connections)]))


def connection_document(connection: Connection) -> dict[str, Any]:
    return {
        "connection_id": connection.connection_id,
        "node": connection.owner,
        "api_id": connection.api_id,
        "stage": connection.stage,
        "source_ip": connection.source_ip,
        "connected_at": iso_ms(connection.connected_at_ms),
        "domain_name": connection.domain_name,
        "user_agent": connection.user_agent,
        "authorizer": None if connection.authorizer is None else dict(connection.authorizer),
        "identity": None if connection.identity is None else dict(connection.identity),
    }


def connection_lines(connection: Connection, now_ms: int) -> list[str]:
    """One connection with all that is known of it. ``now_ms`` is Unix time."""
    rows = [(name.replace("_", " "), _shown(value)) for name, value in connection_document(connection).items()]
    return list(columns([*rows, ("age", age(now_ms - connection.connected_at_ms))]))


def count_table(title: str, groups: Sequence[tuple[str, int]], others: int) -> list[str]:
    """``others`` are in groups that are not shown."""
    rows = [*groups, *([("others", others)] if others else [])]
    return list(columns([(title.upper(), "CONNECTIONS"), *((name, str(number)) for name, number in rows)]))


def parked_table(parked: Iterable[ParkedDisconnect]) -> list[str]:
    titles = ("CONNECTION", "STAGE", "CODE", "ATTEMPTS", "PARKED", "WHY")
    return list(columns([titles, *map(_parked_row, parked)]))


def parked_document(parked: ParkedDisconnect) -> dict[str, Any]:
    return {
        **connection_document(parked.connection),
        "code": parked.code,
        "reason": parked.reason,
        "attempts": parked.attempts,
        "why": parked.why,
        "parked_at": iso_ms(parked.parked_at_ms),
    }


def _node_row(member: Member, now_ms: int) -> tuple[str, ...]:
    asked = " (asked to drain)" if member.drain_asked and member.state.serves else ""
    return (
        str(member.number),
        member.state.value + asked,
        str(member.connections),
        member.host,
        str(member.pid),
        member.address or NONE,
        iso_s(member.started_at_ms),
        age(now_ms - member.started_at_ms),
        NONE if member.claimed_by is None else str(member.claimed_by),
        NONE if member.state.serves else str(member.reaped),
    )


def _connection_row(connection: Connection, now_ms: int) -> tuple[str, ...]:
    return (
        connection.connection_id,
        str(connection.owner),
        connection.stage,
        connection.source_ip,
        iso_s(connection.connected_at_ms),
        age(now_ms - connection.connected_at_ms),
    )


def _parked_row(parked: ParkedDisconnect) -> tuple[str, ...]:
    return (
        parked.connection.connection_id,
        parked.connection.stage,
        str(parked.code),
        str(parked.attempts),
        iso_s(parked.parked_at_ms),
        parked.why,
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items()) or NONE
    return NONE if value is None else str(value)
