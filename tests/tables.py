"""What tests of the registry share: records, somebody to tell, a table nobody else uses."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field

from gateway.model.connection import Connection
from gateway.model.ids import ApiId, NodeNumber, StageName, connection_id
from gateway.model.member import Member
from gateway.model.parked import ParkedDisconnect

_NUMBERS = itertools.count(1)


def fresh_table() -> str:
    """A table name no other test of any process uses."""
    return f"registry-{os.getpid()}-{next(_NUMBERS)}"


def connection(number: int, owner: int = 7, **changes: object) -> Connection:
    """The ``number``-th connection of a node."""
    node = NodeNumber(owner)
    values: dict[str, object] = {
        "connection_id": connection_id(node, number.to_bytes(6, "big"), b""),
        "owner": node,
        "api_id": ApiId("a1b2c3d4e5"),
        "stage": StageName("prod"),
        "connected_at_ms": 1_700_000_000_123,
        "source_ip": "203.0.113.9",
        "domain_name": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
        "user_agent": "tests/1.0",
    }
    return Connection(**(values | changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class Heard:
    """Remembers what it was told."""

    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def warned(self, text: str) -> None:
        self.warnings.append(text)

    def failed(self, text: str) -> None:
        self.failures.append(text)


def member(number: int, **changes: object) -> Member:
    """A node as it joins."""
    values: dict[str, object] = {
        "number": NodeNumber(number),
        "lease_ms": 10_000,
        "machine": "5f0c",
        "host": "box",
        "pid": 4711,
        "started_at_ms": 1_700_000_000_123,
    }
    return Member(**(values | changes))  # type: ignore[arg-type]


def parked(number: int, **changes: object) -> ParkedDisconnect:
    """The ``$disconnect`` of the ``number``-th connection of node 7, given up."""
    values: dict[str, object] = {
        "connection": connection(number),
        "code": 1006,
        "reason": "Going away",
        "attempts": 5,
        "why": "the function timed out",
        "parked_at_ms": 1_700_000_100_456,
    }
    return ParkedDisconnect(**(values | changes))  # type: ignore[arg-type]
