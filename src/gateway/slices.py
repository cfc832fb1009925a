"""Long work on the loop in slices, so that nothing else on it waits for longer than one of them."""

from __future__ import annotations

import asyncio
from typing import Final

SLICE_S: Final = 0.004  # a fifth of what any other socket may wait; a turn of the loop between two costs 50 us
AT_ONCE: Final = 64  # steps between two looks at the clock: 64 of the longest messages are copied in 3 ms


class Slices:
    """The time that one piece of work takes at a stretch, ``at_once`` steps of it between two looks at the clock. To be
    made inside a running loop."""

    __slots__ = ("_loop", "_over_at", "at_once")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over_at = self._loop.time() + SLICE_S
        self.at_once = AT_ONCE

    async def rest(self) -> None:
        """To be called every ``at_once`` steps: let the loop do something else when the slice is used up."""
        if self._loop.time() < self._over_at:
            return
        await asyncio.sleep(0)
        self._over_at = self._loop.time() + SLICE_S
