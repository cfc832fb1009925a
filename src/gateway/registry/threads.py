"""Blocking calls in threads of one's own: as many as are stated, so nothing waits behind what it has no part in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected

CLOSED: Final = "the connection table is closed"
FIRST_PAUSE_S: Final = 0.1  # before a call is made again; doubled each time

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """``count`` calls run at once, others wait their turn. A call whose caller gave up while it waited is not made."""

    def __init__(self, count: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._closed = False

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``call`` returns or raises. Raises RegistryUnavailable after ``close``."""
        if self._closed:
            raise RegistryUnavailable(CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(call, *args, **kwargs))

    async def insist(self, for_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Likewise, but a call the table did not take is made again until ``for_s`` seconds are over."""
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + for_s
        while True:
            try:
                return await self.run(call, *args, **kwargs)
            except RegistryUnavailable as error:
                if self._closed or isinstance(error, RecordRejected) or loop.time() + pause_s >= give_up_at:
                    raise
            await asyncio.sleep(pause_s * (0.5 + random.random() / 2))  # noqa: S311 - spreads repeats, no secret
            pause_s *= 2

    def close(self) -> None:
        """Take no more; calls that run end by themselves, within their own timeouts."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
