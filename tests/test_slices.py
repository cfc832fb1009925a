"""Long work lets others have their turn, and only when its slice is used up."""

from __future__ import annotations

import asyncio
import time

from gateway.slices import MOST, SLICE_S, Slices


async def test_others_have_their_turn_after_a_slice() -> None:
    turns: list[None] = []
    slices = Slices()
    asyncio.get_running_loop().call_soon(turns.append, None)
    await slices.rest()
    assert not turns, "it has time left"
    end = time.monotonic() + SLICE_S
    while time.monotonic() <= end:
        pass
    await slices.rest()
    assert turns == [None]
    asyncio.get_running_loop().call_soon(turns.append, None)
    await slices.rest()
    assert turns == [None], "a new slice has begun"


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() <= end:
        pass


async def test_portions_grow_until_they_fill_a_slice() -> None:
    slices = Slices()
    for expected in (1, 2, 4, 8):
        assert slices.at_once == expected
        await slices.rest()
    busy(2 * SLICE_S)
    await slices.rest()
    assert slices.at_once <= 8, "it took longer than a slice"
    for _ in range(5):
        busy(2 * SLICE_S)
        await slices.rest()
    assert slices.at_once == 1, "never less"


async def test_portions_are_bounded() -> None:
    slices = Slices()
    slices.at_once = MOST
    await slices.rest()
    assert slices.at_once == MOST
