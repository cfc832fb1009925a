"""Waiting for the end of processes that are not ours, by the kernel's word (pidfd): no polling, no sleeping."""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

LINUX = sys.platform == "linux"


class Watch:
    """Opens the processes at once, so that a pid used again later is not mistaken for them."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._selector = selectors.DefaultSelector()
        for pid in pids:
            with suppress(ProcessLookupError):
                self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def left_after(self, deadline_s: float) -> set[int]:
        """The pids still running once all have ended or the deadline has passed."""
        end = time.monotonic() + deadline_s
        while self._selector.get_map():
            ended = self._selector.select(max(0.0, end - time.monotonic()))
            for key, _ in ended:
                self._selector.unregister(key.fileobj)
                os.close(key.fd)
            if not ended:
                break
        return {key.data for key in self._selector.get_map().values()}


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
