"""A reading of both clocks, taken at the edge and handed inwards: no core function reads a clock itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """``wall_ms`` is Unix time in milliseconds (for documents), ``monotonic_ms`` never jumps (for deadlines)."""

    wall_ms: int
    monotonic_ms: int
