from __future__ import annotations

import pytest
from bench.harness.pacing import LEAST, Pace
from bench.harness.scenario import QUICK


def test_on_a_usual_machine_everything_is_done_in_full() -> None:
    pace = Pace()
    assert pace.share(left_s=100, rest_s=90) == 1.0
    pace.took(usual_s=10, spent_s=4)
    assert pace.slowness == 1.0, "a fast scenario does not let the others do more"


def test_on_a_slow_one_all_that_is_left_does_less() -> None:
    pace = Pace()
    pace.took(usual_s=10, spent_s=20)
    assert pace.slowness == 2.0
    assert pace.share(left_s=90, rest_s=90) == 0.5
    assert pace.share(left_s=1, rest_s=90) == LEAST


@pytest.mark.parametrize("part", [1.0, 0.5])
def test_less_is_less_of_what_is_counted_and_not_other_rows(part: float) -> None:
    less = QUICK.scaled(part)
    assert less.posts == QUICK.posts * part
    assert less.idle_s == QUICK.idle_s * part
    assert (less.dormant, less.fleet, less.starts) == (QUICK.dormant, QUICK.fleet, QUICK.starts)
