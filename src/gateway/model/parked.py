"""A ``$disconnect`` that could not be delivered: kept in the table until an operator replays or discards it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.connection import Connection


@dataclass(frozen=True, slots=True)
class ParkedDisconnect:
    """``why`` is the last failure in one line; ``parked_at_ms`` is Unix time."""

    connection: Connection
    code: int
    reason: str
    attempts: int
    why: str
    parked_at_ms: int
