from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from gateway.model.limits import AWS
from gateway.server.door import Door
from gateway.server.pulse import Beat, Pulse
from node_doubles import ManualClock
from server_fakes import Conversations, RealClock, until

EVERY_MS = 1_000


class Client:
    """Answers pings as long as ``answers``; ``rests``: it is not read."""

    def __init__(self, pulse: Pulse, *, answers: bool = True) -> None:
        self.pulse = pulse
        self.answers = answers
        self.rests = False
        self.ended = False
        self.pings = 0
        pulse.enter(self)

    def beat(self, is_silent: bool) -> Beat:
        if self.ended:
            return Beat.ENDED
        if self.rests:
            return Beat.RESTS
        if is_silent:
            self.ended = True
            return Beat.ENDED
        self.pings += 1
        if self.answers:
            asyncio.get_running_loop().call_soon(self.pulse.heard, self)
        return Beat.ASKED


class Hand:
    """Moves a pulse on, a bucket at a time, without its timer."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pulse = Pulse(EVERY_MS, self.clock)
        self.pulse.stop()

    async def round(self, late_ms: int = 0) -> None:
        for _ in self.pulse._ring:
            self.clock.advance(EVERY_MS // len(self.pulse._ring) + late_ms)
            late_ms = 0
            self.pulse._tick(self.clock.now())
            await asyncio.sleep(0)


async def test_who_answers_stays_and_who_does_not_is_found_within_two_rounds() -> None:
    hand = Hand()
    lives, dead = Client(hand.pulse), Client(hand.pulse, answers=False)
    await hand.round()
    assert (lives.pings, dead.pings) == (1, 1)
    assert not dead.ended
    await hand.round()
    assert (lives.ended, dead.ended) == (False, True)
    assert len(hand.pulse) == 1
    await hand.round()
    assert (lives.pings, dead.pings) == (3, 1)


async def test_whoever_is_not_read_is_not_judged() -> None:
    hand = Hand()
    client = Client(hand.pulse, answers=False)
    await hand.round()
    client.rests = True
    await hand.round()
    assert not client.ended
    client.rests = False
    await hand.round()
    assert (client.ended, client.pings) == (False, 2)


async def test_a_process_that_stood_still_blames_nobody() -> None:
    hand = Hand()
    client = Client(hand.pulse, answers=False)
    await hand.round()
    await hand.round(late_ms=60_000)
    assert (client.ended, client.pings) == (False, 2)


async def test_who_has_ended_is_forgotten_when_its_turn_comes() -> None:
    hand = Hand()
    client = Client(hand.pulse)
    client.ended = True
    await hand.round()
    assert (len(hand.pulse), client.pings) == (0, 0)


async def test_a_crowd_has_its_turns_spread_over_the_round_and_costs_a_place_each() -> None:
    hand = Hand()
    crowd = []
    for _ in range(50):
        crowd += [Client(hand.pulse) for _ in range(20)]
        hand.clock.advance(EVERY_MS // 50)
        hand.pulse._tick(hand.clock.now())
    await asyncio.sleep(0)
    assert max(map(len, hand.pulse._ring)) <= 40
    assert len(hand.pulse) == len(crowd)
    assert not hand.pulse._awaited
    gc.collect()
    assert sum(map(sys.getsizeof, hand.pulse._ring)) / len(crowd) < 16


async def test_its_own_timer_goes_round_and_rests_without_clients() -> None:
    pulse = Pulse(20, RealClock())
    client = Client(pulse)
    await until(lambda: client.pings >= 2)
    client.ended = True
    await until(lambda: len(pulse) == 0)
    assert pulse._ticker._handle is None
    pulse.stop()


@pytest.mark.parametrize(("every_ms", "buckets"), [(1, 1), (100, 5), (30_000, 256), (3_600_000, 256)])
async def test_a_round_has_as_many_places_as_it_needs(every_ms: int, buckets: int) -> None:
    assert len(Pulse(every_ms, ManualClock())._ring) == buckets


async def test_by_default_nobody_is_pinged() -> None:
    assert Door(Conversations(), RealClock(), AWS).pulse is None
