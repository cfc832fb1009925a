"""How the one table is asked: by which name, how much at once, and within which time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.registry.keys import DEFAULT_TABLE

KEEP_S: Final = 30 * 24 * 3600  # AWS's connections live 2 h


@dataclass(frozen=True, slots=True)
class TableSettings:
    """``keep_s``: seconds after its connect when DynamoDB may drop a connection's record by itself, None for never;
    must be longer than any connection lives. ``page_size``: records read at once, None for as many as fit DynamoDB's
    1 MB; an emulator cannot read that many within a timeout."""

    name: str = DEFAULT_TABLE
    keep_s: int | None = KEEP_S
    page_size: int | None = 500


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of one call. A DynamoDB that does not answer a SYN within ``connect_s`` is away; it answers in 10 ms,
    and the 60 s that SDKs wait for it are too long for a held upgrade."""

    connect_s: float = 1.0
    read_s: float = 2.0
