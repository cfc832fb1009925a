"""Node records as tests need them."""

from __future__ import annotations

from typing import Any

from gateway.model.ids import NodeNumber
from gateway.model.member import Member

LEASE_MS = 10_000


def member(number: int, **changes: Any) -> Member:
    """The record of node ``number``, alive and with a lease of ten seconds."""
    values: dict[str, Any] = {
        "number": NodeNumber(number),
        "lease_ms": LEASE_MS,
        "machine": "machine",
        "host": f"host-{number}",
        "pid": 1_000 + number,
        "started_at_ms": 1_790_328_005_217,
    }
    return Member(**(values | changes))
