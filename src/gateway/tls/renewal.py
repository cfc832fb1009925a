"""Certificates of a running node: what is served now, and new files taken up as they come.

Open connections keep what they began with. Files that cannot be used change nothing, and are told of once; so is a
certificate that nears its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Final, Protocol

from gateway.model.errors import UserError
from gateway.tls.served_files import Served, ServedFiles, load_served

POLL_S: Final = 2.0  # between two looks at the files; new ones are taken once two looks saw the same


class Told(Protocol):
    """Who looks after the node. No method blocks or raises."""

    def said(self, text: str) -> None: ...

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None: ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Watching:
    """How files are looked at: ``poll_s`` between two looks, and the time by which certificates are judged."""

    poll_s: float = POLL_S
    now: Callable[[], datetime] = _utc_now


class Renewal:
    """To be made before anything is served: raises UserError when the files cannot be used."""

    def __init__(self, files: ServedFiles, told: Told, watching: Watching = Watching()) -> None:
        self._files = files
        self._told = told
        self._watching = watching
        self._stamp = files.stamp()  # of what was loaded last, or could not be
        self._served = load_served(files)
        self._concerns: list[str] = []
        self._asked = asyncio.Event()
        self._tell_concerns()

    @property
    def served(self) -> Served:
        return self._served

    def context(self) -> SSLContext:
        """For a connection that is accepted now."""
        return self._served.context

    def reload(self) -> None:
        """Read the files again, whether or not they look changed."""
        self._asked.set()

    async def follow(self) -> None:
        """Until cancelled. Whatever blocks does so on a thread."""
        seen = self._stamp
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._watching.poll_s):
                    await self._asked.wait()
            is_asked = self._asked.is_set()
            self._asked.clear()
            stamp = await asyncio.to_thread(self._files.stamp)
            has_changed = stamp == seen != self._stamp  # and is not being changed any more
            seen = stamp
            if is_asked or has_changed:
                self._stamp = stamp
                await self._load()
            self._tell_concerns()

    async def _load(self) -> None:
        try:
            self._served = await asyncio.to_thread(load_served, self._files)
        except UserError as error:
            hint = f"; {error.hint}" if error.hint else ""
            self._told.failed(f"new certificates are not used, the old ones stay: {error.message}{hint}")
        else:
            self._told.said(f"serves the certificates of {', '.join(self._served.names) or 'no domain'} from now on")

    def _tell_concerns(self) -> None:
        concerns = self._served.concerns(self._watching.now())
        for concern in concerns:
            if concern not in self._concerns:
                self._told.warned(concern)
        self._concerns = concerns
