"""Waits between attempts: they grow with each failure in a row, and end early for whoever is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0


@dataclass(slots=True)
class Backoff:
    """Doubles from ``first_s`` up to ``longest_s``."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S
    failures: int = 0

    def next_s(self) -> float:
        """How long to wait after one more failure."""
        self.failures += 1
        return float(min(self.longest_s, self.first_s * 2 ** min(self.failures - 1, 30)))

    def reset(self) -> None:
        self.failures = 0


async def pause(stopped: asyncio.Event, delay_s: float) -> None:
    """Wait so long, or until stopped; not at all when ``delay_s`` is 0."""
    if delay_s <= 0:
        return
    try:
        await asyncio.wait_for(stopped.wait(), delay_s)
    except TimeoutError:
        return
