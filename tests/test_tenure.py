from __future__ import annotations

from gateway.model.ids import NodeNumber
from gateway.tenure import NOBODY, Tenure
from node_doubles import ManualClock

ONE, TWO = NodeNumber(1), NodeNumber(2)


def test_nobody_acts_before_it_has_begun() -> None:
    tenure = Tenure(ManualClock())
    assert tenure.number == NOBODY and not tenure.holds()


def test_alone_it_holds_for_ever() -> None:
    clock = ManualClock()
    tenure = Tenure.alone(clock, ONE)
    clock.advance(10**12)
    assert tenure.is_still(ONE)


def test_another_incarnation_is_another_number() -> None:
    clock = ManualClock()
    tenure = Tenure(clock)
    tenure.begin(ONE, clock.monotonic_ms + 100)
    assert tenure.is_still(ONE)
    clock.advance(100)
    assert not tenure.is_still(ONE)
    tenure.begin(TWO, clock.monotonic_ms + 100)
    assert tenure.is_still(TWO) and not tenure.is_still(ONE)
    assert tenure.was(ONE) and not tenure.was(TWO) and not tenure.was(NodeNumber(3))


def test_even_the_endless_lapses_when_it_is_given_up() -> None:
    tenure = Tenure.alone(ManualClock(), ONE)
    tenure.lease.lapse()
    assert not tenure.holds()
