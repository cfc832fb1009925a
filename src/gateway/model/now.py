"""A reading of both clocks, taken at the edge and handed inwards: no core function reads a clock itself."""

from __future__ import annotations

from gateway.model.hot_value import hot_value


@hot_value
class Now:
    """``wall_ms`` is Unix time in milliseconds (for documents), ``monotonic_ms`` never jumps (for deadlines)."""

    wall_ms: int
    monotonic_ms: int
