from __future__ import annotations

import pytest

from gateway.cluster.pace import CATCH_UP_MS, Pace


def test_calls_are_spread_over_the_second() -> None:
    pace = Pace()
    assert [pace.wait_ms(1_000, 200) for _ in range(4)] == [0, 5, 10, 15]


def test_an_idle_time_is_made_up_for_by_no_more_than_a_moment() -> None:
    pace = Pace()
    pace.wait_ms(0, 10)
    at_once = CATCH_UP_MS / 100
    assert [pace.wait_ms(10_000, 10) for _ in range(4)] == [0, 0, 0, 100]
    assert at_once == 2


def test_who_always_comes_late_keeps_the_rate_all_the_same() -> None:
    pace, now_ms, count = Pace(), 0.0, 0
    while now_ms < 10_000:
        now_ms += pace.wait_ms(now_ms, 200) + 1.5
        count += 1
    assert 1_990 <= count <= 2_050


def test_a_rate_may_change_at_any_time() -> None:
    pace = Pace()
    assert [pace.wait_ms(0, rate) for rate in (100, 10, 100)] == [0, 10, 110]


@pytest.mark.parametrize("rate", [0, -1])
def test_no_rate_is_no_bound(rate: float) -> None:
    pace = Pace()
    assert [pace.wait_ms(0, rate) for _ in range(3)] == [0, 0, 0]
