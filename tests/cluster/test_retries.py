from __future__ import annotations

import pytest

from gateway.cluster.retries import Retries


def test_pauses_double_up_to_a_limit_and_then_it_is_given_up() -> None:
    retries = Retries(attempts=6, first_ms=1_000, max_ms=5_000)
    assert [retries.pause_ms(failed, 1.0) for failed in range(1, 7)] == [1_000, 2_000, 4_000, 5_000, 5_000, None]


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_half_of_a_pause_is_left_to_chance(jitter: float) -> None:
    pause_ms = Retries().pause_ms(1, jitter)
    assert pause_ms is not None
    assert 500 <= pause_ms <= 1_000


def test_one_attempt_is_no_retry() -> None:
    assert Retries(attempts=1).pause_ms(1, 0.5) is None


def test_very_many_failures_do_not_overflow() -> None:
    assert Retries(attempts=10_000).pause_ms(9_999, 1.0) == 30_000
