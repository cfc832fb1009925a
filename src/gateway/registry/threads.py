"""Blocking calls in threads of one's own: as many as are stated, so nothing waits behind what it has no part in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from gateway.registry.patience import TableClosed, insist

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """``count`` calls run at once, others wait their turn. A call whose caller gave up while it waited is not made."""

    def __init__(self, count: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._closed = False

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``call`` returns or raises. Raises TableClosed after ``close``."""
        if self._closed:
            raise TableClosed
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(call, *args, **kwargs))

    async def insist(self, for_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Likewise, but a call the table did not take is made again until ``for_s`` seconds are over."""
        return await insist(for_s, lambda: self.run(call, *args, **kwargs))

    def close(self) -> None:
        """Take no more; calls that run end by themselves, within their own timeouts."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
