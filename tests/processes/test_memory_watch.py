from __future__ import annotations

import asyncio
import os
import sys

import pytest

from gateway.processes.memory_watch import MemoryWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

DEADLINE_S = 20.0


class Process:
    """One that lives as long as the test."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.held: asyncio.Queue[int] = asyncio.Queue()

    def holds_too_much(self, held_bytes: int) -> None:
        self.held.put_nowait(held_bytes)


async def test_who_holds_too_much_is_told_until_it_is_forgotten() -> None:
    watch = MemoryWatch(asyncio.get_running_loop())
    modest, greedy = Process(os.getpid()), Process(os.getpid())
    watch.add(modest, 1 << 40)
    watch.add(greedy, 1 << 20)
    async with asyncio.timeout(DEADLINE_S):
        assert await greedy.held.get() > 1 << 20
        assert await greedy.held.get() > 1 << 20
        watch.forget(greedy)
        watch.add(again := Process(os.getpid()), 1 << 20)
        await again.held.get()
    watch.forget(again)
    watch.forget(modest)
    assert greedy.held.empty()
    assert modest.held.empty()


async def test_a_process_that_has_gone_is_not_watched() -> None:
    watch = MemoryWatch(asyncio.get_running_loop())
    gone = Process(2**22 + 1)  # above the kernel's highest pid
    watch.add(gone, 0)
    watch.forget(gone)
    assert gone.held.empty()
