"""Never more than burst plus rate times time, and never less when it is asked often enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.token_bucket import TokenBucket
from gateway.model.plan import Throttle

STEPS = st.lists(st.integers(-50, 2_000), max_size=200)


def taken(throttle: Throttle, *times_ms: int) -> list[bool]:
    bucket = TokenBucket()
    return [bucket.take(throttle, now_ms) for now_ms in times_ms]


@pytest.mark.parametrize(
    ("throttle", "times_ms", "expected"),
    [
        (Throttle(1, 2), (0, 0, 0), "++-"),
        (Throttle(1, 2), (0, 0, 999, 1_000, 1_000), "++-+-"),
        (Throttle(0.5, 1), (10, 1_000, 2_009, 2_010), "+--+"),
        (Throttle(1_000, 1), (5, 5, 6, 6), "+-+-"),
        (Throttle(0, 2), (0, 10**9, 10**10), "++-"),
        (Throttle(10, 0), (0, 10**9), "--"),
        (Throttle(1, 1), (5_000, 4_000, 5_999, 6_000), "+--+"),
    ],
)
def test_take(throttle: Throttle, times_ms: tuple[int, ...], expected: str) -> None:
    assert "".join("+" if token else "-" for token in taken(throttle, *times_ms)) == expected


@given(st.floats(0, 1_000), st.integers(0, 50), STEPS)
def test_never_more_than_burst_and_rate_allow(rate: float, burst: int, steps: list[int]) -> None:
    now_ms, bucket, throttle = 10_000, TokenBucket(), Throttle(rate, burst)
    times = [now_ms]
    admitted = 0
    for step in steps:
        now_ms += step
        times.append(now_ms)
        admitted += bucket.take(throttle, now_ms)
        assert admitted <= burst + rate * (max(times) - times[0]) / 1000 + 1e-6


@given(st.integers(1, 1_000), st.integers(2, 50))  # of a bucket of one, the fraction beyond one is spilt
def test_the_rate_is_reached(rate: int, burst: int) -> None:
    """Asked every millisecond for ten seconds, it gives all that it may."""
    admitted = sum(taken(Throttle(rate, burst), *range(10_000)))
    assert admitted == pytest.approx(min(burst + 10 * rate, 10_000), abs=2)


def test_a_changed_setting_holds_at_once_and_what_was_used_still_counts() -> None:
    bucket = TokenBucket()
    assert [bucket.take(Throttle(1, 5), 0) for _ in range(4)] == [True] * 4
    assert bucket.take(Throttle(1, 2), 0), "one was left"
    assert not bucket.take(Throttle(1, 100), 0), "a larger bucket is not a full one"
    assert bucket.take(Throttle(100, 100), 10)
