"""Installing into the cache, watched: one at a time, each said when it starts and when it ends.

One at a time because package tools use every core and the network on their own; whoever waits may find afterwards
that its folder has been made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.invoke.launch import LaunchError
from gateway.invoke.programs import Ended
from gateway.invoke.store import Store


class Installs:
    """``say`` takes one line of progress; ``clock`` reads seconds that never jump."""

    def __init__(self, store: Store, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._say = say
        self._clock = clock
        self._turn = asyncio.Lock()

    async def folder(self, kind: str, key: str, what: str, install: Callable[[Path], Awaitable[Ended]]) -> Path:
        """The folder that ``install`` fills when there is none yet. Raises LaunchError with the tool's last words."""

        async def build(draft: Path) -> None:
            async with self._turn:
                self._say(f"installing dependencies of {what}…")
                started = self._clock()
                ended = await install(draft)
                if not ended.is_success:
                    raise LaunchError(f"the dependencies of {what} cannot be installed", _last_words(ended))
                self._say(f"installed dependencies of {what} in {self._clock() - started:.0f} s")

        return await self._store.folder(kind, key, build)


def _last_words(ended: Ended) -> str:
    said = [line for line in ended.lines if line.strip()]
    return "\n".join(said) or f"the tool ended with status {ended.returncode} and said nothing"
