"""Who was started by a process, and by those in turn, as ``/proc`` tells it; nobody on other systems."""

from __future__ import annotations

import os
from typing import Final

_MAX_FAMILY: Final = 256


def descendants(pid: int) -> tuple[int, ...]:
    """Those that can be listed; more than any sensible program starts are not looked for."""
    found: list[int] = []
    unread = [pid]
    while unread and len(found) < _MAX_FAMILY:
        children = _children(unread.pop())
        found += children
        unread += children
    return tuple(found)


def _children(pid: int) -> list[int]:
    """Of every thread: a child belongs to the one that started it."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [child for thread in threads for child in _children_of_thread(pid, thread)]


def _children_of_thread(pid: int, thread: str) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []
