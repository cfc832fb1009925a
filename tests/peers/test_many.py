"""Requests for many as bytes; what the contract's suite sends is not repeated here."""

from __future__ import annotations

import pytest

from gateway.model.ids import ApiId, ConnectionId, NodeNumber, connection_id
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_MESSAGE_BYTES, MAX_TARGETS
from gateway.model.peer import PostToMany
from gateway.peers.bounds import MAX_ALONE_BYTES, MAX_BATCH_BYTES
from gateway.peers.codec import request_frame, requests_in
from gateway.peers.garbled import Garbled

API = ApiId("q7x2k9m4pd")
MOST = tuple(connection_id(NodeNumber(7), n.to_bytes(6, "big"), b"key") for n in range(MAX_TARGETS))


def frame(request: PostToMany) -> bytes:
    return request_frame(1, NodeNumber(7), 1000, request)


def test_the_longest_for_the_most_is_one_message() -> None:
    request = PostToMany(API, MOST, bytes(MAX_MESSAGE_BYTES))
    made = frame(request)
    assert len(made) <= MAX_BATCH_BYTES
    assert requests_in(made, 0) == [(1, 7, 1000, request)]


def test_a_lifted_one_has_a_batch_to_itself() -> None:
    request = PostToMany(API, MOST, bytes(LIFTED_MESSAGE_BYTES), True)
    made = frame(request)
    assert len(made) <= MAX_ALONE_BYTES
    assert requests_in(made, 0) == [(1, 7, 1000, request)]


@pytest.mark.parametrize(
    "request_",
    [
        PostToMany(API, (*MOST, MOST[0]), b""),
        PostToMany(API, MOST[:1], bytes(LIFTED_MESSAGE_BYTES + 1)),
        PostToMany(API, (ConnectionId("invented"),), b""),
    ],
    ids=["too many", "too long", "no ID"],
)
def test_what_is_not_sent(request_: PostToMany) -> None:
    with pytest.raises(ValueError, match=r"many|connection ID"):
        frame(request_)


@pytest.mark.parametrize("cut", [1, 13, 20, 27])
def test_a_part_of_one_is_garbled(cut: int) -> None:
    made = bytearray(frame(PostToMany(API, MOST[:2], b"")))
    del made[-cut:]
    made[17:21] = (len(made) - 31).to_bytes(4, "big")  # the length of what is left
    with pytest.raises(Garbled):
        requests_in(bytes(made), 0)
