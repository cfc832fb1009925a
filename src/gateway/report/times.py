"""Moments and ages as text."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def iso_ms(at_ms: int) -> str:
    """Unix milliseconds as CloudWatch exports them: ``2026-01-02T03:04:05.678Z``."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03}Z"


def iso_s(at_ms: int) -> str:
    """The same to the second, for a person."""
    return f"{_second(at_ms // 1000)}Z"


def age(ms: int) -> str:
    """The two largest units, ``3m12s`` or ``2d4h``; a clock that is behind makes it ``0s``."""
    left = max(0, ms) // 1000
    for number, (size, unit) in enumerate(_UNITS):
        if left >= size:
            rest = left % size
            smaller = _UNITS[number + 1 : number + 2]
            return f"{left // size}{unit}" + "".join(f"{rest // each}{name}" for each, name in smaller)
    return "0s"


@lru_cache(maxsize=4)  # nearly all lines of a log are of the same second
def _second(epoch_s: int) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%S}"
