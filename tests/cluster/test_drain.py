"""Everybody once, in order, within the time, and no faster than it takes."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.drain import MIN_RATE_PER_S, STEP_MS, drain_plan


@given(count=st.integers(0, 30_000), over_ms=st.integers(0, 120_000), seed=st.integers())
def test_everybody_once_in_order_and_in_time(count: int, over_ms: int, seed: int) -> None:
    plan = drain_plan(count, over_ms, random.Random(seed).random)
    assert sum(batch.count for batch in plan) == count
    assert all(batch.count > 0 for batch in plan)
    times = [batch.at_ms for batch in plan]
    assert times == sorted(times)
    if plan:
        assert times[0] >= 0
        assert times[-1] <= over_ms * 8 // 10


def test_batches_are_even() -> None:
    plan = drain_plan(10_000, 30_000, random.Random(1).random)
    assert len(plan) == 24_000 // STEP_MS
    assert {batch.count for batch in plan} == {10_000 // 240, 10_000 // 240 + 1}


def test_few_sockets_do_not_keep_a_node() -> None:
    (only,) = drain_plan(3, 30_000, random.random)
    assert (only.at_ms, only.count) == (0, 3)
    assert drain_plan(500, 30_000, lambda: 0.5)[-1].at_ms < 500 * 1000 / MIN_RATE_PER_S


def test_nodes_that_leave_together_do_not_close_in_step() -> None:
    first, second = (drain_plan(10_000, 30_000, random.Random(seed).random) for seed in (1, 2))
    assert [batch.at_ms for batch in first] != [batch.at_ms for batch in second]
