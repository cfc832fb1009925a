from __future__ import annotations

import pytest

from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState
from gateway.registry.member_records import KEEP_S, item_of, member_of, sort_key_of
from registry_models import MemberRecord
from tables import member


def test_keys_sort_as_the_numbers_do() -> None:
    numbers = [1, 2, 9, 10, 99, 100, 2**31, MAX_NODE_NUMBER]
    keys = [sort_key_of(NodeNumber(number)) for number in numbers]
    assert keys == sorted(keys)
    assert keys[0] == "NODE#0000000001"


@pytest.mark.parametrize(
    "wanted",
    [
        member(1),
        member(1, address="h:1", socket_path="/s", state=MemberState.DEAD, claimed_by=NodeNumber(0), reaped=3),
        member(1, drain_asked=True, state=MemberState.LEFT, connections=9, version=4),
    ],
)
def test_an_item_holds_the_whole_member(wanted: Member) -> None:
    item = item_of(wanted, 0)
    assert item == MemberRecord.of(wanted, KEEP_S).serialize()
    assert member_of(item) == wanted


def test_a_record_lies_with_the_fleet_and_expires_by_itself() -> None:
    item = item_of(member(42), 1_000)
    assert item["pk"] == {"S": "FLEET"}
    assert item["type"] == {"S": "Node"}
    assert item["ttl"] == {"N": str(1_000 + KEEP_S)}


def test_attributes_of_a_newer_gateway_are_ignored() -> None:
    assert member_of(item_of(member(1), 0) | {"invented": {"S": "later"}}) == member(1)
