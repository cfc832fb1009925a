from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from gateway.read_ahead import read_ahead
from node_doubles import until_idle


class Source:
    """Counts what was taken from it; fails at ``fails_at``."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.taken = 0
        self.closed = False
        self._count, self._fails_at = count, fails_at

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                if number == self._fails_at:
                    raise LookupError(number)
                self.taken += 1
                yield number
        finally:
            self.closed = True


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 50])
async def test_everything_in_order(count: int) -> None:
    assert [item async for item in read_ahead(Source(count).items(), 4)] == list(range(count))


async def test_it_reads_on_while_somebody_works_but_not_for_ever() -> None:
    source = Source(50)
    async with aclosing(read_ahead(source.items(), 4)) as items:
        assert await anext(items) == 0
        await until_idle(lambda: source.taken >= 5)
        for _ in range(20):
            await asyncio.sleep(0)
        assert source.taken == 6, "four wait, one is being put, one was given"
    assert source.closed


@pytest.mark.parametrize("fails_at", [0, 3, 4, 9])
async def test_what_the_source_raises_comes_behind_what_it_gave(fails_at: int) -> None:
    seen = []
    with pytest.raises(LookupError):
        async for item in read_ahead(Source(10, fails_at).items(), 4):
            seen.append(item)
            await asyncio.sleep(0)
    assert seen == list(range(fails_at))
