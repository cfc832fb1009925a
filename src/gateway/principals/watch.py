"""The file of principals, looked at again and again: a change is taken over without a restart, a bad one is told once.

Looked at and not watched: secrets and policies lie anywhere, on network drives too, and are replaced by tools that
rename. Secrets that AWS Secrets Manager has are asked for anew every few minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from gateway.model.errors import SettingsError
from gateway.ports import Clock
from gateway.principals.file import Known, Named, PrincipalsFile, Reading
from gateway.tasks import Tasks

LOOK_EVERY_S: Final = 1.0  # a stat() per file
ASK_EVERY_MS: Final = 5 * 60 * 1000  # Secrets Manager, which costs a little for each call


class Telling(Protocol):
    """What a person hears."""

    def said(self, text: str) -> None: ...

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None: ...


class PrincipalsWatch:
    """``take`` gets what is known, now and after each good change."""

    def __init__(self, file: PrincipalsFile, take: Callable[[Known], None], clock: Clock, telling: Telling) -> None:
        self._file = file
        self._take = take
        self._clock = clock
        self._telling = telling
        self._last = Reading(None)
        self._known = Known()
        self._doubts: tuple[str, ...] = ()
        self._asked_ms = 0
        self._is_asked = False
        self._tasks = Tasks(telling.failed)

    async def open(self) -> None:
        """Read for the first time and go on looking. Raises SettingsError with every problem."""
        reading = await self._read()
        if reading.known is None:
            raise SettingsError(reading.problems)
        self._use(reading, reading.known)
        self._tasks.start(self._watch(), "watching the file of principals")

    async def close(self) -> None:
        await self._tasks.close()
        self._file.close()

    def reload(self) -> None:
        """Read everything again with the next look, whether or not it seems changed."""
        self._is_asked = True

    async def look(self) -> None:
        """Take over what has changed since, if anything."""
        looks = await self._file.looks(iter(self._last.looks))
        is_due = self._last.asks_manager and self._clock.now().monotonic_ms - self._asked_ms >= ASK_EVERY_MS
        if looks == self._last.looks and not is_due and not self._is_asked:
            return
        before, reading = self._last, await self._read()
        if reading.known is None:
            self._drop(reading.named)
            if reading.problems != before.problems or looks != before.looks:
                self._complain(reading)
            return
        self._use(reading, reading.known)
        if looks != before.looks or before.problems:
            count = len(reading.known.keys)
            self._telling.said(f"principals of {self._file.path} read anew: {count} key{'' if count == 1 else 's'}")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def _read(self) -> Reading:
        self._asked_ms, self._is_asked = self._clock.now().monotonic_ms, False
        self._last = await self._file.read()
        return self._last

    def _use(self, reading: Reading, known: Known) -> None:
        if reading.doubts != self._doubts:
            self._doubts = reading.doubts
            for doubt in reading.doubts:
                self._telling.warned(doubt)
        self._known = known
        self._take(known)

    def _drop(self, named: Named | None) -> None:
        """Take out whoever the file does not name any more, whatever is wrong with the rest of it."""
        if named is None:
            return
        left = named.left_of(self._known)
        gone = sorted(self._known.keys.keys() - left.keys.keys())
        if gone or len(left.grants) < len(self._known.grants):
            self._known = left
            self._take(left)
            self._telling.said(f"principals of {self._file.path} taken out: {', '.join(gone) or 'grants of IAM'}")

    def _complain(self, reading: Reading) -> None:
        for problem in reading.problems:
            self._telling.failed(str(problem))
        self._telling.failed(f"{self._file.path} is not taken over: whoever was known and is still named stays")
