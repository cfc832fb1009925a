"""Long work on the loop in slices, so that nothing else on it waits for longer than one of them."""

from __future__ import annotations

import asyncio
from typing import Final

SLICE_S: Final = 0.004  # a fifth of what any other socket may wait; a turn of the loop between two costs 50 us
MOST: Final = 1_024  # steps between two looks at the clock


class Slices:
    """The time that one piece of work takes at a stretch. To be made inside a running loop.

    ``at_once`` steps are to be taken between two calls of ``rest``: about as many as fill a slice. A step that others
    interrupt costs several times what one costs that follows its like, so few large portions beat many small ones.
    """

    __slots__ = ("_began", "_loop", "at_once")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.at_once = 1

    async def rest(self) -> None:
        """Let the loop do something else, unless more than half of the slice is left; portions grow to twice their size
        at most, and shrink as far as they must."""
        took_s = self._loop.time() - self._began
        self.at_once = max(1, min(MOST, int(self.at_once * SLICE_S / max(took_s, SLICE_S / 2))))
        if took_s >= SLICE_S / 2:
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # what has come meanwhile stands behind this task in the loop's first turn
            self._began = self._loop.time()
