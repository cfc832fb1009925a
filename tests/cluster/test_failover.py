"""Who is reaped by whom, from a roster alone."""

from __future__ import annotations

import pytest

from gateway.cluster.failover import fair_share, reapable
from gateway.cluster.roster import Roster
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState
from members import LEASE_MS, member

ME = NodeNumber(5)
DEAD, LEFT = MemberState.DEAD, MemberState.LEFT


def due(*members: Member, still_ms: int = 0, me: NodeNumber = ME) -> list[int]:
    """The numbers that ``me`` would claim; the records have stood still for ``still_ms``, one's own has not."""
    mine = member(me)
    roster = Roster().observe([*members, mine], 0, 0)
    after = [*members, member(me, version=2)]
    return [found.number for found in reapable(roster.observe(after, still_ms, still_ms), me)]


@pytest.mark.parametrize("still_ms", [0, LEASE_MS // 2, LEASE_MS - 1])
def test_who_may_be_alive_is_left_alone(still_ms: int) -> None:
    assert due(member(1), member(2, state=MemberState.DRAINING), still_ms=still_ms) == []


def test_who_has_expired_is_claimed_and_oneself_never() -> None:
    roster = Roster().observe([member(1), member(5)], 0, 0).observe([member(1), member(5)], LEASE_MS, LEASE_MS)
    assert [found.number for found in reapable(roster, ME)] == [1]


def test_who_left_or_was_declared_dead_is_claimed_at_once() -> None:
    assert due(member(1, state=LEFT), member(2, state=DEAD)) == [1, 2]


def test_a_claim_of_somebody_who_is_there_stands() -> None:
    assert due(member(1, state=DEAD, claimed_by=NodeNumber(2)), member(2)) == []


def test_a_claim_of_somebody_who_expired_is_taken_over() -> None:
    roster = Roster().observe([member(1, state=DEAD, claimed_by=NodeNumber(2)), member(2), member(5)], 0, 0)
    later = [member(1, state=DEAD, claimed_by=NodeNumber(2)), member(2), member(5, version=2)]
    assert [found.number for found in reapable(roster.observe(later, LEASE_MS, LEASE_MS), ME)] == [1, 2]


@pytest.mark.parametrize("others", [(), (member(2, state=DEAD, claimed_by=NodeNumber(5)),)])
def test_a_claim_of_somebody_who_is_gone_is_taken_over_after_a_while(others: tuple[Member, ...]) -> None:
    """Not at once: the claimer's own record may have been read before it was written."""
    orphan = member(1, state=DEAD, claimed_by=NodeNumber(2))
    assert 1 not in due(orphan, *others, still_ms=LEASE_MS // 4 - 1)
    assert 1 in due(orphan, *others, still_ms=LEASE_MS // 4)


def test_a_claim_that_changed_hands_counts_anew() -> None:
    first, second = (member(1, state=DEAD, claimed_by=NodeNumber(number)) for number in (2, 3))
    roster = Roster().observe([first], 0, 0).observe([second], LEASE_MS // 4, LEASE_MS // 4)
    assert reapable(roster, ME) == ()


def test_ones_own_claim_is_due_for_its_answer_may_have_been_lost() -> None:
    assert due(member(1, state=DEAD, claimed_by=ME)) == [1]


def test_survivors_begin_in_different_places() -> None:
    dead = [member(number, state=DEAD) for number in (1, 4, 6, 9)]
    assert due(*dead, me=NodeNumber(5)) == [6, 9, 1, 4]
    assert due(*dead, me=NodeNumber(8)) == [9, 1, 4, 6]


def test_the_fleets_rate_is_shared_by_those_who_reap() -> None:
    def share(*claimers: int | None) -> float:
        dead = [member(10 + i, state=DEAD, claimed_by=claimer) for i, claimer in enumerate(claimers)]
        alive = [member(5), member(6), member(7)]
        return fair_share(Roster().observe([*dead, *alive], 0, 0), ME, 200.0)

    assert share() == 200.0
    assert share(None, 5, 5) == 200.0
    assert share(5, 6) == 100.0
    assert share(6, 6, 7) == pytest.approx(200 / 3)
    assert share(99) == 200.0, "who is not there does not reap"
