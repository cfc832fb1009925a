from __future__ import annotations

import pytest

from gateway.cluster.pace import Pace


def test_calls_are_spread_over_the_second() -> None:
    pace = Pace()
    assert [pace.wait_ms(1_000, 200) for _ in range(4)] == [0, 5, 10, 15]


def test_an_idle_time_is_not_made_up_for() -> None:
    pace = Pace()
    pace.wait_ms(0, 10)
    assert [pace.wait_ms(10_000, 10) for _ in range(2)] == [0, 100]


def test_a_rate_may_change_at_any_time() -> None:
    pace = Pace()
    assert [pace.wait_ms(0, rate) for rate in (100, 10, 100)] == [0, 10, 110]


@pytest.mark.parametrize("rate", [0, -1])
def test_no_rate_is_no_bound(rate: float) -> None:
    pace = Pace()
    assert [pace.wait_ms(0, rate) for _ in range(3)] == [0, 0, 0]
