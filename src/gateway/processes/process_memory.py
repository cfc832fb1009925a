"""How much memory one process and its descendants hold, from ``/proc``: private pages in RAM.

Pages of files (programs, libraries) and shared memory are not counted: the kernel takes the former back when it needs
them, and many processes hold them together.
"""

from __future__ import annotations

import os
from typing import Final

from gateway.processes.family import descendants

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_FAMILY_EVERY: Final = 5  # looks; who was started meanwhile is counted that much later
_READ_BYTES: Final = 128  # seven numbers


class ProcessMemory:
    """Opens the process at once, so that a pid used again later is not mistaken for it. Raises OSError when it has gone
    or is not to be seen, as on systems other than Linux."""

    __slots__ = ("_looks", "_others", "_pid", "_statm")

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
        self._looks = 0
        self._others: tuple[int, ...] = ()

    def held_bytes(self) -> int:
        """0 once it has ended."""
        try:
            held = _held_pages(os.pread(self._statm, _READ_BYTES, 0))
        except ProcessLookupError:
            return 0
        if self._looks % _FAMILY_EVERY == 0:
            self._others = descendants(self._pid)
        self._looks += 1
        return (held + sum(map(_held_pages_of, self._others))) * _PAGE_BYTES

    def close(self) -> None:
        os.close(self._statm)


def _held_pages_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
            return _held_pages(file.read(_READ_BYTES))
    except OSError:
        return 0


def _held_pages(statm: bytes) -> int:
    """The line is: size, resident, shared, …, in pages (proc(5))."""
    _, resident, shared, *_ = statm.split()
    return int(resident) - int(shared)
