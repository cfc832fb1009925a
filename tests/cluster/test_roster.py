"""Who is alive, suspect, expired: by how long a version stood still between two readings of the observer."""

from __future__ import annotations

from dataclasses import replace

from gateway.cluster.roster import Roster, Standing
from gateway.model.ids import NodeNumber
from gateway.model.member import MemberState
from members import member

ONE = NodeNumber(1)


def standing(roster: Roster, number: int = 1) -> Standing:
    return roster.sightings[NodeNumber(number)].standing


def test_nobody_is_known_at_first() -> None:
    assert Roster().member(ONE) is None
    assert not Roster().serves(ONE)


def test_a_version_that_stands_still_for_the_lease_has_expired() -> None:
    roster = Roster().observe([member(1)], 0, 10)
    assert standing(roster) is Standing.ALIVE
    for began_ms, expected in (
        (5_009, Standing.ALIVE),
        (5_010, Standing.SUSPECT),
        (10_009, Standing.SUSPECT),
        (10_010, Standing.EXPIRED),
    ):
        roster = roster.observe([member(1)], began_ms, began_ms + 10)
        assert standing(roster) is expected, began_ms
    assert roster.serves(ONE), "expired is not dead: somebody has to say so in the table"


def test_a_renewal_starts_the_count_anew_from_when_it_was_read() -> None:
    roster = Roster().observe([member(1, version=1)], 0, 10)
    roster = roster.observe([member(1, version=2)], 9_000, 9_500)
    roster = roster.observe([member(1, version=2)], 19_499, 19_600)
    assert standing(roster) is Standing.SUSPECT
    assert standing(roster.observe([member(1, version=2)], 19_500, 19_600)) is Standing.EXPIRED


def test_an_observers_own_pause_makes_nobody_old() -> None:
    """It reads, sleeps for a minute, and reads a renewed version: nothing was missed."""
    roster = Roster().observe([member(1, version=1)], 0, 10)
    roster = roster.observe([member(1, version=30)], 60_000, 60_010)
    assert standing(roster) is Standing.ALIVE


def test_a_reading_that_took_long_counts_from_its_end() -> None:
    roster = Roster().observe([member(1)], 0, 30_000)
    assert standing(roster.observe([member(1)], 31_000, 31_001)) is Standing.ALIVE


def test_other_changes_of_a_record_are_no_renewal() -> None:
    roster = Roster().observe([member(1)], 0, 0)
    roster = roster.observe([replace(member(1), drain_asked=True)], 9_000, 9_000)
    assert standing(roster.observe([member(1)], 10_000, 10_000)) is Standing.EXPIRED


def test_what_a_record_says_of_itself_goes_before_the_count() -> None:
    states = {MemberState.LEFT: Standing.LEFT, MemberState.DEAD: Standing.DEAD, MemberState.DRAINING: Standing.ALIVE}
    for state, expected in states.items():
        assert standing(Roster().observe([member(1, state=state)], 0, 0)) is expected


def test_who_is_not_read_any_more_is_gone() -> None:
    roster = Roster().observe([member(1), member(2)], 0, 0).observe([member(2)], 100, 100)
    assert roster.member(ONE) is None
    assert roster.read_ms == 100


def test_the_next_look_is_when_it_would_tell_of_a_death() -> None:
    roster = Roster().observe([member(1)], 0, 100)
    assert roster.look_in_ms(200, 1_250) == 1_250
    assert roster.look_in_ms(9_700, 1_250) == 400
    assert roster.look_in_ms(10_100, 1_250) == 1_250, "it has told by now"
    left = Roster().observe([member(1, state=MemberState.LEFT)], 0, 100)
    assert left.look_in_ms(9_700, 1_250) == 1_250
