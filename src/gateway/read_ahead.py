"""Reading that goes on while what was read is worked on: pages arrive before they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def read_ahead(source: AsyncIterator[T], most: int) -> AsyncGenerator[T, None]:
    """The items of ``source`` in order, up to ``most`` of them read before they are wanted.

    Raises what ``source`` raises, behind the items that came before. Close it (``contextlib.aclosing``) to stop
    reading; ``source`` is closed then too, where it can be.
    """
    waiting: asyncio.Queue[T | None] = asyncio.Queue(most)

    async def fill() -> None:
        try:
            async for item in source:
                await waiting.put(item)
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
            with suppress(asyncio.QueueFull):  # then nobody waits: the end is found by the task's own
                waiting.put_nowait(None)

    filling = asyncio.ensure_future(fill())
    try:
        while not (filling.done() and waiting.empty()):
            item = await waiting.get()
            if item is not None:
                yield item
        filling.result()
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
