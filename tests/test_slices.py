"""Long work lets others have their turn, and only when its slice is used up."""

from __future__ import annotations

import asyncio
import socket
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


async def test_what_has_come_meanwhile_is_served_before_the_next_slice() -> None:
    served: list[bytes] = []
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    with here, there:
        loop.add_reader(here, lambda: served.append(here.recv(9)))
        slices = Slices()
        there.send(b"ping")
        busy(SLICE_S)
        await slices.rest()
        loop.remove_reader(here)
    assert served == [b"ping"]


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
