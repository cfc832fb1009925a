from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.engine.deadlines import Wheel

GRANULARITY_MS = 10


def test_a_deadline_is_due_once_never_early_and_at_most_one_granularity_late() -> None:
    wheel: Wheel[str] = Wheel(GRANULARITY_MS)
    wheel.set("a", 101)
    assert wheel.due(109) == []
    assert wheel.due(110) == ["a"]
    assert wheel.due(10_000) == []


def test_a_deadline_on_a_border_is_due_there() -> None:
    wheel: Wheel[str] = Wheel(GRANULARITY_MS)
    wheel.set("a", 100)
    assert wheel.next_ms() == 100
    assert wheel.due(100) == ["a"]


def test_the_last_set_wins_in_both_directions() -> None:
    wheel: Wheel[str] = Wheel(GRANULARITY_MS)
    wheel.set("later", 100)
    wheel.set("later", 200)
    wheel.set("sooner", 200)
    wheel.set("sooner", 100)
    assert wheel.due(150) == ["sooner"]
    assert wheel.due(250) == ["later"]


def test_a_cancelled_key_is_never_due_and_can_come_back() -> None:
    wheel: Wheel[str] = Wheel(GRANULARITY_MS)
    wheel.set("a", 100)
    wheel.cancel("a")
    wheel.cancel("never set")
    assert (len(wheel), wheel.next_ms(), wheel.due(1_000)) == (0, None, [])
    wheel.set("a", 100)
    assert wheel.due(1_000) == ["a"]


def test_keys_come_earliest_bucket_first() -> None:
    wheel: Wheel[int] = Wheel(GRANULARITY_MS)
    for at in (300, 100, 200):
        wheel.set(at, at)
    assert wheel.due(1_000) == [100, 200, 300]


def test_a_deadline_in_the_past_is_due_at_once() -> None:
    wheel: Wheel[str] = Wheel(GRANULARITY_MS)
    assert wheel.due(1_000) == []
    wheel.set("a", 5)
    assert wheel.due(1_000) == ["a"]


def test_the_granularity_is_positive() -> None:
    with pytest.raises(ValueError, match="granularity"):
        Wheel(0)


def test_moving_the_same_keys_for_ever_keeps_no_trace_of_old_places() -> None:
    wheel: Wheel[int] = Wheel(GRANULARITY_MS)
    for turn in range(200):
        for key in range(100):
            wheel.set(key, 100_000 + turn % 2 * 1_000)
    kept = sum(len(bucket.keys) for bucket in wheel._buckets.values())
    assert len(wheel) == 100
    assert kept <= 300


def test_a_key_costs_little() -> None:
    wheel: Wheel[int] = Wheel(1_000)
    count = 10_000
    for key in range(count):
        wheel.set(key, 600_000 + key % 7 * 1_000)
    size = sys.getsizeof(wheel._bucket_of) + sum(sys.getsizeof(bucket.keys) for bucket in wheel._buckets.values())
    assert size / count < 100


@pytest.mark.parametrize("due", [False, True])
def test_an_empty_wheel_keeps_nothing_of_a_crowd(due: bool) -> None:
    wheel: Wheel[int] = Wheel(GRANULARITY_MS)
    for key in range(10_000):
        wheel.set(key, 100)
    if due:
        wheel.due(100)
    else:
        for key in range(10_000):
            wheel.cancel(key)
    assert sys.getsizeof(wheel._bucket_of) < 1_000
    assert sum(len(bucket.keys) for bucket in wheel._buckets.values()) == 0
    wheel.set(1, 200)
    assert wheel.due(200) == [1]


KEYS = st.integers(0, 20)


class AgainstNaive(RuleBasedStateMachine):
    """The wheel and a plain dictionary of rounded deadlines must agree on everything visible."""

    def __init__(self) -> None:
        super().__init__()
        self.wheel: Wheel[int] = Wheel(GRANULARITY_MS)
        self.naive: dict[int, int] = {}
        self.now = 0

    @rule(key=KEYS, after=st.integers(-50, 2_000))
    def set(self, key: int, after: int) -> None:
        at = max(0, self.now + after)
        self.wheel.set(key, at)
        self.naive[key] = -(-at // GRANULARITY_MS) * GRANULARITY_MS

    @rule(key=KEYS, places=st.lists(st.integers(0, 9), min_size=30, max_size=120))
    def flutter(self, key: int, places: list[int]) -> None:
        for place in places:
            self.set(key, place * 40)

    @rule(key=KEYS)
    def cancel(self, key: int) -> None:
        self.wheel.cancel(key)
        self.naive.pop(key, None)

    @rule(step=st.integers(0, 700))
    def advance(self, step: int) -> None:
        self.now += step
        due = self.wheel.due(self.now)
        expected = {key for key, at in self.naive.items() if at <= self.now}
        assert len(due) == len(set(due))
        assert set(due) == expected
        assert [self.naive[key] for key in due] == sorted(self.naive[key] for key in due)
        for key in expected:
            del self.naive[key]

    @invariant()
    def same_next(self) -> None:
        assert self.wheel.next_ms() == min(self.naive.values(), default=None)
        assert len(self.wheel) == len(self.naive)


TestAgainstNaive = AgainstNaive.TestCase


@given(st.dictionaries(st.integers(), st.integers(0, 10_000), max_size=50), st.integers(1, 500))
def test_every_key_is_due_exactly_once(deadlines: dict[int, int], granularity_ms: int) -> None:
    wheel: Wheel[int] = Wheel(granularity_ms)
    for key, at in deadlines.items():
        wheel.set(key, at)
    seen: list[int] = []
    for now in range(0, 10_001, 250):
        for key in wheel.due(now):
            assert deadlines[key] <= now
            seen.append(key)
    assert sorted(seen + wheel.due(20_000)) == sorted(deadlines)
