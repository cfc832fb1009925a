"""Ends processes that hold more memory than they may, as Lambda does: looks from time to time, while there are any.

Why a watch and no limit of the kernel's: docs/decisions/2026-11-28-memory-is-watched.md.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from gateway.processes.process_memory import ProcessMemory

LOOK_S: Final = 0.2  # a process that fills memory as fast as it can gets some 200 MB further; a look costs 10 µs


class Watched(Protocol):
    """A process that has been started."""

    @property
    def pid(self) -> int: ...

    def holds_too_much(self, held_bytes: int) -> None:
        """Called again at each look until it has gone."""


class MemoryWatch:
    """Whatever was added is looked at until it is forgotten."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[Watched, tuple[ProcessMemory, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, process: Watched, max_bytes: int) -> None:
        """Where memory cannot be seen, or when the process has ended meanwhile, nothing is watched."""
        try:
            self._watched[process] = ProcessMemory(process.pid), max_bytes
        except OSError:
            return
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def forget(self, process: Watched) -> None:
        memory, _ = self._watched.pop(process, (None, 0))
        if memory is not None:
            memory.close()
        if self._timer is not None and not self._watched:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_S, self._look)
        for process, (memory, max_bytes) in list(self._watched.items()):
            held_bytes = memory.held_bytes()
            if held_bytes > max_bytes:
                process.holds_too_much(held_bytes)
