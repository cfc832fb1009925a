"""Long work lets others have their turn, and only when its slice is used up."""

from __future__ import annotations

import asyncio
import time

from gateway.slices import SLICE_S, Slices


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
