from __future__ import annotations

import pytest

from gateway.counters import Counters, Limit
from gateway.server.census import Census, address_key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("2001:db8:1:2::1", "32.1.13.184", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (address_key(one) == address_key(other)) is same


def test_an_address_has_its_share_and_others_theirs() -> None:
    counters = Counters()
    census = Census(counters, most_per_address=2)
    assert [census.admit(fd, "10.0.0.1") for fd in (3, 4, 5)] == [True, True, False]
    assert census.admit(5, "10.0.0.2")
    census.leave(3)
    assert census.admit(3, "10.0.0.1")
    assert not census.admit(6, "10.0.0.1")
    assert (len(census), counters.sockets, counters.accepts, counters.exceeded[Limit.PER_ADDRESS]) == (3, 3, 6, 2)


def test_nothing_is_kept_of_those_who_left() -> None:
    census = Census(Counters(), most_per_address=2)
    for fd in range(9):
        census.admit(fd, f"10.0.0.{fd}")
    for fd in range(9):
        census.leave(fd)
    assert len(census) == 0
    assert not census._per_address
    assert not census._address_of


def test_without_a_bound_for_addresses_nothing_is_kept_at_all() -> None:
    census = Census(Counters(), most=9)
    census.admit(3, "10.0.0.1")
    assert not census._address_of


def test_whoever_waits_is_told_once_somebody_leaves() -> None:
    counters, told = Counters(), list[str]()
    census = Census(counters, most=1)
    census.admit(3, "10.0.0.1")
    assert census.is_full
    census.pause(lambda: told.append("one"))
    census.pause(lambda: told.append("two"))
    assert (counters.paused, counters.accept_pauses, told) == (2, 2, [])
    census.leave(3)
    assert (counters.paused, counters.accept_pauses, told) == (0, 2, ["one", "two"])
    census.admit(3, "10.0.0.1")
    census.leave(3)
    assert told == ["one", "two"]
