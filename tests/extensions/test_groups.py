"""One connection and its groups: asked of its owner, and what his answers mean to a caller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from crowd import API, KEY, OWNER
from gateway.extensions.answers import Answers
from gateway.extensions.groups import GroupCalls
from gateway.management import IdCheck
from gateway.model.ids import ConnectionId, NodeNumber, StageName, connection_id
from gateway.model.peer import GetGroups, InGroups, JoinGroup, LeaveGroup, Outcome, PeerAnswer, PeerRequest
from node_doubles import CountingIds
from sample_definitions import endpoint, route

ENDPOINT = endpoint(route("$default"))
DEV = StageName("dev")
ITS_ID = connection_id(OWNER, b"random", KEY)


@dataclass
class Node:
    """The owner, at once or one hop away."""

    says: PeerAnswer
    is_far: bool = False
    asked: list[tuple[NodeNumber, PeerRequest]] = field(default_factory=list)

    def ask(self, owner: NodeNumber, request: PeerRequest) -> Any:
        self.asked.append((owner, request))
        return self._later() if self.is_far else self.says

    async def _later(self) -> PeerAnswer:
        return self.says


def calls(node: Node) -> GroupCalls:
    return GroupCalls(node, IdCheck(KEY), Answers(CountingIds()), 8)


@pytest.mark.parametrize("is_far", [False, True])
async def test_the_owner_is_asked(is_far: bool) -> None:
    node = Node(Outcome.DONE, is_far)
    joined = await calls(node).join(ENDPOINT, "room", ITS_ID)
    left = await calls(node).leave(ENDPOINT, "room", ITS_ID)
    assert (joined.status, joined.body, left.status, left.body) == (204, b"", 204, b"")
    assert [name for name, _ in joined.headers] == ["x-amzn-RequestId"]
    asked = [kind(API, ITS_ID, DEV, "room") for kind in (JoinGroup, LeaveGroup)]
    assert node.asked == [(OWNER, each) for each in asked]


async def test_its_groups_are_told_in_their_order() -> None:
    node = Node(InGroups(("b", "a")))
    told = await calls(node).of(ENDPOINT, ITS_ID)
    assert (told.status, json.loads(told.body)) == (200, {"groups": ["b", "a"]})
    assert node.asked == [(OWNER, GetGroups(API, ITS_ID, DEV))]


@pytest.mark.parametrize(
    ("says", "status", "error", "message"),
    [
        (Outcome.GONE, 410, "GoneException", "the connection is gone"),
        (Outcome.IN_MANY, 409, "ConflictException", "it is in as many groups as one connection may be in"),
        (Outcome.LIMITED, 429, "LimitExceededException", "too much waits for it to open"),
        (Outcome.FENCED, 503, "ServiceUnavailableException", "Service Unavailable"),
        (Outcome.UNREACHABLE, 500, "InternalServerErrorException", "the node that holds it does not answer"),
        (
            Outcome.UNSUPPORTED,
            503,
            "ServiceUnavailableException",
            "the node that holds it is of a version without groups",
        ),
    ],
)
async def test_what_did_not_come_about(says: Outcome, status: int, error: str, message: str) -> None:
    told = await calls(Node(says)).join(ENDPOINT, "room", ITS_ID)
    assert (told.status, json.loads(told.body)) == (status, {"message": message})
    headers = dict(told.headers)
    assert headers["x-amzn-ErrorType"] == error
    assert ("Retry-After" in headers) is (status == 503)


@pytest.mark.parametrize(
    ("group", "its_id", "message"),
    [
        ("room", "invented", "Invalid connectionId: invented"),
        ("toolongname", ITS_ID, "a group's name has 11 characters, at most 8 are allowed"),
        ("", ITS_ID, "a group's name is missing"),
        ("a/b", ITS_ID, "'a/b' cannot be a group's name: printable characters without / and , can, but . and .."),
    ],
)
async def test_what_is_wrong_is_nobody_asked(group: str, its_id: ConnectionId, message: str) -> None:
    node = Node(Outcome.DONE)
    for call in (calls(node).join, calls(node).leave):
        told = await call(ENDPOINT, group, its_id)
        assert (told.status, json.loads(told.body)) == (400, {"message": message})
    assert node.asked == []
