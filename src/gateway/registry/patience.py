"""A call to the table made again, as long as somebody has patience."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected

CLOSED: Final = "the connection table is closed"
FIRST_PAUSE_S: Final = 0.1  # before a call is made again; doubled each time

T = TypeVar("T")


class TableClosed(RegistryUnavailable):
    """Nothing is asked any more: there is no use in trying again."""

    def __init__(self) -> None:
        super().__init__(CLOSED)


async def insist(for_s: float, call: Callable[[], Awaitable[T]]) -> T:
    """What ``call`` returns; one that the table did not take is made again until ``for_s`` seconds are over."""
    pause_s = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + for_s
    while True:
        try:
            return await call()
        except (RecordRejected, TableClosed):
            raise
        except RegistryUnavailable:
            if loop.time() + pause_s >= give_up_at:
                raise
        await asyncio.sleep(pause_s * (0.5 + random.random() / 2))  # noqa: S311 - spreads repeats, no secret
        pause_s *= 2
