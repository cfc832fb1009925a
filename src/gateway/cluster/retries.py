"""When a call that failed is made again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retries:
    """``attempts`` in all, the first one included; pauses double from ``first_ms`` up to ``max_ms``."""

    attempts: int = 5
    first_ms: int = 1_000
    max_ms: int = 30_000

    def pause_ms(self, failed: int, jitter: float) -> int | None:
        """What to wait after ``failed`` attempts, half of it left to ``jitter`` in [0, 1); None: give up."""
        if failed >= self.attempts:
            return None
        ceiling = min(self.max_ms, self.first_ms * 2 ** min(failed - 1, 16))
        return int(ceiling * (0.5 + jitter / 2))
