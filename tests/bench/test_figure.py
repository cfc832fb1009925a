"""Medians, ranges and goals."""

from __future__ import annotations

import pytest
from bench.harness.figure import Figure, Spread, Verdict, at_least, at_most, number


def test_a_spread_is_median_and_range() -> None:
    assert Spread.of([5.0, 1.0, 9.0, 2.0, 3.0]) == Spread(3.0, 1.0, 9.0, 5)


def test_an_even_number_of_runs_has_the_middle_of_two() -> None:
    assert Spread.of([1.0, 2.0, 4.0, 8.0]).median == 3.0


def test_nothing_measured_is_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (at_most(120), 120.0, Verdict.REACHED),
        (at_most(120), 120.1, Verdict.MISSED),
        (at_least(0.8), 0.8, Verdict.REACHED),
        (at_least(0.8), 0.79, Verdict.MISSED),
    ],
)
def test_goals_are_judged_by_the_median(goal: object, value: float, verdict: Verdict) -> None:
    assert Figure("a", "A", "B", Spread(value, 0, 1e9, 5), goal).verdict is verdict  # type: ignore[arg-type]


def test_without_goal_or_measurement_there_is_no_verdict() -> None:
    assert Figure("a", "A", "B", Spread.of([1.0])).verdict is Verdict.UNKNOWN
    assert Figure("a", "A", "B", None, at_most(1)).verdict is Verdict.UNKNOWN


def test_a_busy_client_is_told() -> None:
    assert "it may be the bottleneck" in Figure("a", "A", "1/s", Spread.of([1.0]), client=0.9).notes
    assert Figure("a", "A", "1/s", Spread.of([1.0]), client=0.85, note="so").notes == "so"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12,346"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.0, "0"), (3.0, "3"), (-12.34, "-12.3")],
)
def test_numbers_have_the_digits_that_say_something(value: float, shown: str) -> None:
    assert number(value) == shown
