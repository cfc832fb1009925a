"""How a node that leaves lets its sockets go: in batches spread over a while, so that they do not all come back at once
to the nodes that stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

STEP_MS: Final = 100  # between two batches; a balancer sees a stream, not bursts
MIN_RATE_PER_S: Final = 50  # slower would keep an almost empty node waiting for nothing
_CLOSING_SHARE: Final = (8, 10)  # of the time there is; the rest is for the last $disconnect calls


@dataclass(frozen=True, slots=True)
class Batch:
    """``count`` sockets to close ``at_ms`` after the drain began."""

    at_ms: int
    count: int


def drain_plan(count: int, over_ms: int, jitter: Callable[[], float]) -> tuple[Batch, ...]:
    """Batches in order, of all ``count`` sockets together, within four fifths of ``over_ms``.

    ``jitter`` is uniform in [0, 1): each batch is moved by up to half a step, so that nodes that leave together do not
    close in step.
    """
    span_ms = min(over_ms * _CLOSING_SHARE[0] // _CLOSING_SHARE[1], count * 1000 // MIN_RATE_PER_S)
    steps = max(1, min(span_ms // STEP_MS, count))
    bounds = [count * step // steps for step in range(steps + 1)]
    times = [int((step + (jitter() - 0.5) * (step > 0)) * STEP_MS) for step in range(steps)]
    return tuple(
        Batch(at_ms, end - start) for at_ms, start, end in zip(times, bounds, bounds[1:], strict=False) if end > start
    )
