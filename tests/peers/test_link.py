"""What becomes of requests when a connection ends in the moment in which it is had."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.member import Member
from gateway.model.peer import Outcome
from gateway.peers.asking import AskingSide
from gateway.peers.dialer import Caller, Dialer
from gateway.peers.greeting import NONCE_BYTES, Greeting
from gateway.peers.link import Link
from gateway.tasks import Tasks
from peer_doubles import AT_ONCE_S, KEY, LONG_MS, MACHINE, POST, member


class Scripted(Dialer):
    """Dials once it is released; what it has then is lost already, if so told."""

    def __init__(self, *, lost: bool) -> None:
        super().__init__(KEY, MACHINE)
        self.release = asyncio.Event()
        self.sides: list[AskingSide] = []
        self._lost = lost

    async def dial(self, member: Member, caller: Caller) -> AskingSide | None:
        side = AskingSide(Greeting(KEY, bytes(NONCE_BYTES), asks=True), caller.awaited, caller.lost)
        self.sides.append(side)
        await self.release.wait()
        if self._lost:
            side.connection_lost(None)
        return side


@pytest.fixture
def failures() -> list[str]:
    return []


async def test_a_connection_lost_at_once_is_none(failures: list[str]) -> None:
    tasks, dialer = Tasks(failures.append), Scripted(lost=True)
    link = Link(dialer, tasks, failures.append)
    dialer.release.set()
    for dials in (1, 2):
        async with asyncio.timeout(AT_ONCE_S):
            assert await link.ask(member(), POST, LONG_MS) is Outcome.UNREACHABLE
        assert len(dialer.sides) == dials
    await tasks.close()
    assert failures == []


async def test_a_connection_that_comes_after_the_end_is_dropped(failures: list[str]) -> None:
    tasks, dialer = Tasks(failures.append), Scripted(lost=False)
    link = Link(dialer, tasks, failures.append)
    answer = link.ask(member(), POST, LONG_MS)
    await asyncio.sleep(0)
    link.close()
    assert await answer is Outcome.UNREACHABLE
    dialer.release.set()
    assert await tasks.settle(AT_ONCE_S) == 0
    assert dialer.sides[0]._greeting is None
    assert await link.ask(member(), POST, LONG_MS) is Outcome.UNREACHABLE
    assert len(dialer.sides) == 1
    assert failures == []
