from __future__ import annotations

import asyncio

import pytest

from gateway.counters import Counters, Limit
from gateway.model.limits import Limits
from gateway.server.meter import Meter
from node_doubles import ManualClock
from server_fakes import until


class Talker:
    def __init__(self) -> None:
        self.told = 0

    def go_on(self) -> None:
        self.told += 1


def meter(clock: ManualClock, **rates: float) -> Meter:
    return Meter(Limits(**rates), clock, Counters())  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "burst"), [(3.0, 3), (0.5, 1), (1_000.0, 1_000)])
async def test_a_second_s_worth_may_be_said_at_once_and_then_as_much_as_time_gives(rate: float, burst: int) -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, messages_per_s=rate)
    assert [made.message(talker) for _ in range(burst + 1)] == [True] * burst + [False]
    clock.advance(round(1_000 / rate) + 1)
    assert made.message(talker)
    assert made._counters.exceeded[Limit.MESSAGE_RATE] == 1
    made.stop()


async def test_who_waits_is_told_when_it_may_go_on() -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, pings_per_s=1)
    assert made.ping(talker)
    assert not made.ping(talker)
    clock.advance(900)
    await asyncio.sleep(0)
    assert not talker.told
    clock.advance(400)
    await until(lambda: talker.told == 1)
    assert made.ping(talker)
    made.stop()


async def test_bytes_are_owed_and_waited_for() -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, bytes_per_s=1_000)
    assert made.weigh(talker, 1_000)
    assert not made.weigh(talker, 5_000)
    clock.advance(5_400)
    assert not made.weigh(talker, 512)
    clock.advance(700)
    assert made.weigh(talker, 512)
    made.stop()


async def test_each_has_its_own_and_kinds_do_not_count_for_each_other() -> None:
    clock, one, other = ManualClock(), Talker(), Talker()
    made = meter(clock, messages_per_s=1, pings_per_s=1, bytes_per_s=10_000)
    assert made.message(one)
    assert made.ping(one)
    assert made.weigh(one, 10_000)
    assert made.message(other)
    assert not made.message(one)
    made.stop()


async def test_what_is_not_bounded_costs_nothing() -> None:
    made = meter(ManualClock(), messages_per_s=1)
    talker = Talker()
    assert all(made.ping(talker) and made.weigh(talker, 10_000_000) for _ in range(100))
    assert not made._young


async def test_nothing_is_kept_of_who_has_not_spoken_for_a_while() -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, messages_per_s=10)
    assert made.message(talker)
    clock.advance(1_000)
    await until(lambda: not made._young)
    clock.advance(1_000)
    await until(lambda: not made._old)
    assert made._ticker._handle is None


async def test_who_is_forgotten_is_not_told() -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, messages_per_s=1)
    assert made.message(talker)
    assert not made.message(talker)
    made.forget(talker)
    clock.advance(5_000)
    await until(lambda: not made._young)
    assert not talker.told
    made.stop()


async def test_one_message_in_four_seconds_is_one_in_four() -> None:
    clock, talker = ManualClock(), Talker()
    made = meter(clock, messages_per_s=0.25)
    assert made.message(talker)
    for _ in range(3):
        clock.advance(900)
        assert made._tick(clock.now())
    assert not made.message(talker)
    clock.advance(1_400)
    assert made.message(talker)
    made.stop()


async def test_small_reads_and_parts_of_messages_weigh_more_than_their_bytes() -> None:
    made, one, other = meter(ManualClock(), bytes_per_s=40_960), Talker(), Talker()
    assert [made.weigh(one, 1) for _ in range(81)] == [True] * 80 + [False]
    assert made.weigh(other, 100, parts=1)
    assert not made.weigh(other, 100, parts=1)
    made.stop()
