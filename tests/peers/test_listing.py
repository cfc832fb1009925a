"""What is refused of groups and lists in bytes; what the contract's suite and ``test_codec`` send is not repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.audience import Audience
from gateway.model.ids import ApiId, ConnectionId, StageName
from gateway.model.limits import LIFTED_GROUP_NAME_CHARS, MAX_LISTED
from gateway.model.peer import GetGroups, JoinGroup, ListConnections, Listing
from gateway.peers.garbled import Garbled
from gateway.peers.listing import group_data, group_request, groups_in, list_data, list_request, listing_in

API, PROD, CONNECTION = ApiId("q7x2k9m4pd"), StageName("prod"), ConnectionId("L0SM9cOFvHcCIAgAAA==")
GOOD = ["id", 1, 2, "203.0.113.9", None, None, []]


def test_a_longer_name_than_any_is_not_sent() -> None:
    group_data(JoinGroup(API, CONNECTION, PROD, "x" * LIFTED_GROUP_NAME_CHARS))
    with pytest.raises(ValueError, match="longer than any"):
        group_data(JoinGroup(API, CONNECTION, PROD, "x" * (LIFTED_GROUP_NAME_CHARS + 1)))


def test_a_question_for_groups_names_none() -> None:
    data = group_data(JoinGroup(API, CONNECTION, PROD, "room"))
    with pytest.raises(Garbled):
        group_request(GetGroups, API, CONNECTION, data)


def test_a_stage_is_in_its_request() -> None:
    with pytest.raises(Garbled):
        group_request(JoinGroup, API, CONNECTION, b"\x00\x05prod")


@pytest.mark.parametrize("limit", [-1, MAX_LISTED + 1])
def test_a_page_has_a_length(limit: int) -> None:
    with pytest.raises(Garbled):
        list_request(API, list_data(ListConnections(Audience(API, PROD), limit)))


def test_nothing_comes_after_a_question() -> None:
    data = list_data(ListConnections(Audience(API, PROD), 1))
    assert list_request(API, data) == ListConnections(Audience(API, PROD), 1)
    with pytest.raises(Garbled):
        list_request(API, data + b"x")


def listing(*entries: Any) -> bytes:
    text = json.dumps(entries).encode()
    return (7).to_bytes(4, "big") + len(text).to_bytes(4, "big") + text


def test_a_newer_version_may_tell_more_of_each() -> None:
    found, end = listing_in(listing([*GOOD, "more"]), 0)
    assert isinstance(found, Listing)
    assert (found.count, found.entries[0].source_ip) == (7, "203.0.113.9")
    assert end == len(listing([*GOOD, "more"]))


@pytest.mark.parametrize(
    "entry",
    [{}, [], GOOD[:-1], [1, *GOOD[1:]], ["id", "1", *GOOD[2:]], [*GOOD[:-1], "room"], [*GOOD[:-1], [1]]],
)
def test_what_is_no_entry_is_garbled(entry: Any) -> None:
    with pytest.raises(Garbled):
        listing_in(listing(entry), 0)


@pytest.mark.parametrize("text", [b"{}", b"[1]", b"?", b"[" * 100_000])
def test_what_are_no_groups_is_garbled(text: bytes) -> None:
    with pytest.raises(Garbled):
        groups_in(len(text).to_bytes(4, "big") + text, 0)
