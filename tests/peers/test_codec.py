"""Requests and answers as bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.audience import Audience
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName
from gateway.model.ids import connection_id as issued
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_LISTED
from gateway.model.peer import (
    Broadcast,
    ConnectionInfo,
    DeleteIt,
    Entry,
    GetGroups,
    GetInfo,
    InGroups,
    JoinGroup,
    LeaveGroup,
    ListConnections,
    Listing,
    Outcome,
    PeerAnswer,
    PeerRequest,
    Position,
    PostTo,
)
from gateway.peers.audiences import audience_data
from gateway.peers.codec import answer_frame, answers_in, request_frame, requests_in
from gateway.peers.garbled import Garbled
from peer_doubles import API, CONNECTION, DELETE, GET, OWNER, POST

U32 = st.integers(0, 2**32 - 1)
ANY_TEXT = st.text(st.characters(), max_size=50)  # lone surrogates too
IDS = (ANY_TEXT.map(ApiId), ANY_TEXT.map(ConnectionId))
TIMES = st.integers(-(2**63), 2**63 - 1)
MAYBE_TEXT = st.none() | ANY_TEXT
ISSUED = st.binary(min_size=6, max_size=6).map(lambda random: issued(OWNER, random, b"key"))
AUDIENCES = st.builds(
    Audience,
    IDS[0],
    ANY_TEXT.map(StageName),
    st.frozensets(ISSUED, max_size=3),
    st.none() | TIMES,
    MAYBE_TEXT,
    MAYBE_TEXT,
)
REQUESTS = st.one_of(
    st.builds(PostTo, *IDS, st.binary(max_size=200), st.booleans()),
    st.builds(GetInfo, *IDS),
    st.builds(DeleteIt, *IDS),
    st.builds(JoinGroup, *IDS, ANY_TEXT.map(StageName), ANY_TEXT),
    st.builds(LeaveGroup, *IDS, ANY_TEXT.map(StageName), ANY_TEXT),
    st.builds(GetGroups, *IDS, ANY_TEXT.map(StageName)),
    st.builds(Broadcast, AUDIENCES, st.binary(max_size=200), st.booleans(), st.booleans()),
    st.builds(ListConnections, AUDIENCES, st.integers(0, MAX_LISTED), st.none() | st.builds(Position, TIMES, IDS[1])),
)
INFOS = st.builds(ConnectionInfo, TIMES, TIMES, ANY_TEXT, MAYBE_TEXT)
NAMES = st.lists(ANY_TEXT, max_size=3).map(tuple)
ENTRIES = st.builds(Entry, IDS[1], TIMES, TIMES, ANY_TEXT, MAYBE_TEXT, MAYBE_TEXT, NAMES)
LISTINGS = st.builds(Listing, U32, st.lists(ENTRIES, max_size=3).map(tuple))
ANSWERS = st.one_of(st.sampled_from(Outcome), INFOS, st.builds(InGroups, NAMES), LISTINGS)


@given(st.lists(st.tuples(U32, U32.map(NodeNumber), U32, REQUESTS), max_size=5), st.integers(0, 3))
def test_requests_come_back_as_they_were(asked: list[tuple[int, NodeNumber, int, PeerRequest]], start: int) -> None:
    assert requests_in(b"?" * start + b"".join(request_frame(*each) for each in asked), start) == asked


@given(st.lists(st.tuples(U32, ANSWERS), max_size=5), st.integers(0, 3))
def test_answers_come_back_as_they_were(answered: list[tuple[int, PeerAnswer]], start: int) -> None:
    assert answers_in(b"?" * start + b"".join(answer_frame(*each) for each in answered), start) == answered


@given(st.binary(max_size=100))
def test_random_bytes_raise_nothing_but_garbled(data: bytes) -> None:
    for read in (requests_in, answers_in):
        with contextlib.suppress(Garbled):
            read(data, 0)


JOIN = JoinGroup(API, CONNECTION, StageName("prod"), "room")
LIST = ListConnections(Audience(API, StageName("prod"), group="room"), 10, Position(1, CONNECTION))
FRAMES = [request_frame(1, OWNER, 2, each) for each in (POST, GET, DELETE, JOIN, LIST)]
ENTRY = Entry(CONNECTION, 1, 2, "203.0.113.9", None, "ada", ("room",))
ANSWER_FRAMES = [answer_frame(1, ConnectionInfo(1, 2, "203.0.113.9", agent)) for agent in ("agent", None)]


@pytest.mark.parametrize("frame", FRAMES)
def test_half_a_request_is_garbled(frame: bytes) -> None:
    for size in range(1, len(frame)):
        with pytest.raises(Garbled):
            requests_in(frame[:size], 0)


@pytest.mark.parametrize(
    "frame",
    [
        *ANSWER_FRAMES,
        answer_frame(1, Outcome.DONE),
        answer_frame(1, InGroups(("room",))),
        answer_frame(1, Listing(1, (ENTRY,))),
    ],
)
def test_half_an_answer_is_garbled(frame: bytes) -> None:
    for size in range(1, len(frame)):
        with pytest.raises(Garbled):
            answers_in(frame[:size], 0)


@given(st.sampled_from(FRAMES), st.data())
def test_a_changed_request_is_read_or_garbled(frame: bytes, data: st.DataObject) -> None:
    changed = bytearray(frame)
    changed[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Garbled):
        requests_in(bytes(changed), 0)


def test_frames_look_as_written_down() -> None:
    head = bytes.fromhex("00000001 00000007 000003e8 00 000a 0014 00000005")
    assert request_frame(1, OWNER, 1000, POST) == head + b"q7x2k9m4pd" + b"L0SM9cOFvHcCIAgAAA==" + b"hello"
    codes = [answer_frame(258, outcome) for outcome in Outcome]
    assert codes == [bytes((0, 0, 1, 2, code)) for code in (0, 1, 2, 3, 4, 15, 18)]
    info = bytes.fromhex("00000003 05 0000000000000001 0000000000000002 0001 ffff") + b"x"
    assert answer_frame(3, ConnectionInfo(1, 2, "x", None)) == info


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(PostTo(API, CONNECTION, bytes(LIFTED_MESSAGE_BYTES + 1)), id="data"),
        pytest.param(GetInfo(ApiId("x" * 65_536), CONNECTION), id="API ID"),
        pytest.param(DeleteIt(API, ConnectionId("x" * 65_536)), id="connection ID"),
    ],
)
def test_what_does_not_fit_a_request_is_not_framed(request_: PeerRequest) -> None:
    with pytest.raises(ValueError, match=r"longer than|does not fit"):
        request_frame(1, OWNER, 1, request_)


@pytest.mark.parametrize(
    "info",
    [
        pytest.param(ConnectionInfo(1, 2, "x", "x" * 65_535), id="user agent"),
        pytest.param(ConnectionInfo(1, 2, "x" * 65_536, None), id="address"),
        pytest.param(ConnectionInfo(2**63, 2, "x", None), id="time"),
    ],
)
def test_what_does_not_fit_an_answer_is_not_framed(info: ConnectionInfo) -> None:
    with pytest.raises(ValueError, match="fit"):
        answer_frame(1, info)


def test_more_data_than_a_message_holds_is_garbled() -> None:
    frame = request_frame(1, OWNER, 1, PostTo(API, CONNECTION, bytes(LIFTED_MESSAGE_BYTES)))
    size = len(frame) - LIFTED_MESSAGE_BYTES
    longer = frame[: size - len(API) - len(CONNECTION) - 4] + (LIFTED_MESSAGE_BYTES + 1).to_bytes(4, "big")
    with pytest.raises(Garbled):
        requests_in(longer + frame[size - len(API) - len(CONNECTION) :] + b"x", 0)


@pytest.mark.parametrize("kind", [3, 4, 6, 16])
def test_a_request_for_many_names_no_connection(kind: int) -> None:
    frame = bytearray(FRAMES[1])
    frame[12] = kind
    with pytest.raises(Garbled):
        requests_in(bytes(frame), 0)


@pytest.mark.parametrize("kind", [7, 15, 20, 255])
def test_an_unknown_kind_is_told_from_the_others(kind: int) -> None:
    frame = bytearray(FRAMES[0])
    frame[12] = kind
    found = requests_in(FRAMES[1] + bytes(frame) + FRAMES[2], 0)
    assert found == [(1, OWNER, 2, GET), (1, OWNER, 2, None), (1, OWNER, 2, DELETE)]


@pytest.mark.parametrize("kind", [4, 16])
def test_what_says_more_than_is_known_is_told_from_the_others(kind: int) -> None:
    data = audience_data(Audience(API, StageName("prod")), 0, None, "more")
    head = request_frame(1, OWNER, 2, LIST)[:12] + bytes((kind, 0, len(API), 0, 0)) + len(data).to_bytes(4, "big")
    newer = head + API.encode() + data
    assert requests_in(newer + FRAMES[1], 0) == [(1, OWNER, 2, None), (1, OWNER, 2, GET)]


@pytest.mark.parametrize("kind", [1, 19])
def test_a_question_has_no_data(kind: int) -> None:
    frame = bytearray(FRAMES[3])
    frame[12] = kind
    with pytest.raises(Garbled):
        requests_in(bytes(frame), 0)


@pytest.mark.parametrize("data", [b"x", b"\x03\xe8\xff"])
def test_a_close_that_cannot_be_read_is_garbled(data: bytes) -> None:
    frame = bytearray(request_frame(1, OWNER, 1, PostTo(API, CONNECTION, data)))
    frame[12] = 2
    with pytest.raises(Garbled):
        requests_in(bytes(frame), 0)


def test_an_unknown_answer_is_garbled() -> None:
    with pytest.raises(Garbled):
        answers_in(bytes((0, 0, 0, 1, 8)), 0)
