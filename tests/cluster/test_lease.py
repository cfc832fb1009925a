"""The holder stops before anybody may say that it is dead, and never starts again by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.lease import Lease, LeaseTerms


@pytest.mark.parametrize("lease_ms", [1_000, 3_000, 10_000, 60_000])
def test_the_terms_follow_from_the_lease(lease_ms: int) -> None:
    terms = LeaseTerms(lease_ms)
    assert terms.look_ms < terms.renew_ms < terms.fence_ms < lease_ms
    assert terms.call_ms <= terms.renew_ms
    assert terms.call_ms < terms.patience_ms < terms.fence_ms
    assert terms.renew_ms + 3 * (terms.call_ms + terms.renew_ms // 4) < terms.fence_ms, "three more attempts fit"


def test_a_new_lease_holds_nothing() -> None:
    assert not Lease().holds(0)


def test_it_holds_until_its_moment_and_not_after() -> None:
    lease = Lease()
    lease.begin(100)
    assert lease.holds(99)
    assert not lease.holds(100)
    assert not lease.holds(50), "a clock that goes back revives nothing"


def test_a_renewal_extends_and_never_shortens() -> None:
    lease = Lease()
    lease.begin(100)
    lease.extend(200)
    lease.extend(150)
    assert lease.holds(199)


def test_a_renewal_that_comes_too_late_revives_nothing() -> None:
    lease = Lease()
    lease.begin(100)
    assert not lease.holds(100)
    lease.extend(1_000)
    assert not lease.holds(101)


def test_given_up_is_given_up_until_it_begins_anew() -> None:
    lease = Lease()
    lease.begin(100)
    lease.lapse()
    lease.extend(1_000)
    assert not lease.holds(0)
    lease.begin(100)
    assert lease.holds(0)


@given(
    lease_ms=st.integers(1_000, 60_000),
    write_ms=st.integers(0, 2_000),
    read_ms=st.integers(0, 2_000),
    rate=st.floats(0.95, 1.05),
)
def test_the_holder_stops_before_an_observer_may_speak(lease_ms: int, write_ms: int, read_ms: int, rate: float) -> None:
    """Sent at 0, stored after ``write_ms``, read ``read_ms`` later, by a clock that runs ``rate`` times as fast."""
    fenced_at = LeaseTerms(lease_ms).fence_ms
    declared_at = write_ms + read_ms + lease_ms / rate
    assert fenced_at < declared_at
