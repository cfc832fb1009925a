from __future__ import annotations

import time

import pytest

from gateway.ports import Clock
from gateway.system.clock import SystemClock, suspension_counting_clock


def test_both_readings_are_milliseconds() -> None:
    clock: Clock = SystemClock()
    before = time.time()
    now = clock.now()
    after = time.time()
    assert int(before * 1000) <= now.wall_ms <= int(after * 1000) + 1
    assert isinstance(now.monotonic_ms, int)


def test_the_monotonic_reading_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.now().monotonic_ms for _ in range(1000)]
    assert readings == sorted(readings)


def test_a_reading_is_no_older_than_its_millisecond() -> None:
    clock, chosen = SystemClock(), suspension_counting_clock(time)
    for _ in range(1000):
        before = time.clock_gettime_ns(chosen) // 1_000_000
        assert before <= clock.now().monotonic_ms <= time.clock_gettime_ns(chosen) // 1_000_000


def test_it_counts_suspension_where_the_system_can() -> None:
    chosen = suspension_counting_clock(time)
    before = time.clock_gettime_ns(chosen) // 1_000_000
    assert 0 <= SystemClock().now().monotonic_ms - before < 60_000


class MacOs:
    """What ``time`` lacks there."""


class Linux:
    CLOCK_BOOTTIME = 7


@pytest.mark.parametrize(("offered", "chosen"), [(MacOs, time.CLOCK_MONOTONIC), (Linux, 7)])
def test_every_system_has_one(offered: object, chosen: int) -> None:
    assert suspension_counting_clock(offered) == chosen
