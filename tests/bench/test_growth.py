from __future__ import annotations

import pytest
from bench.harness.growth import Growth, growths


def test_the_median_of_each_end_counts() -> None:
    samples = [{"MB": value} for value in (50.0, 90.0, 50.0, 70.0, 51.0, 10.0, 51.0)]
    (growth,) = growths(samples)
    assert (growth.begin, growth.end, growth.most) == (50.0, 51.0, 90.0)
    assert growth.is_bounded
    assert growth.cells == ("MB", "50", "51", "90", "+2.0 %", "yes")


@pytest.mark.parametrize(("end", "is_bounded"), [(100.0, True), (105.0, True), (105.1, False), (20.0, True)])
def test_five_percent_more_is_growth_and_less_is_none(end: float, is_bounded: bool) -> None:
    assert Growth("MB", 100.0, end, end).is_bounded is is_bounded


def test_of_few_things_a_few_may_come_and_go() -> None:
    samples = [{"fds": 20.0, "MB": 20.0}] * 3 + [{"fds": 23.0, "MB": 23.0}] * 3
    fds, memory = growths(samples, ["fds"])
    assert fds.is_bounded
    assert not memory.is_bounded
    assert memory.cells[-1] == "NO"


def test_what_was_nothing_has_no_percentage() -> None:
    assert Growth("left", 0.0, 5.0, 5.0).percent == 0.0
    assert not Growth("left", 0.0, 5.0, 5.0).is_bounded


def test_too_few_rounds_say_nothing() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        growths([{"MB": 1.0}] * 5)
