from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import Protocol, Side

from gateway.model.limits import AWS, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Limits
from gateway.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from gateway.wire.stream import Binary, Close, Event, MessageReader, Ping, Pong, Text, Violation
from wire_frames import client_frame, message, read_all, read_bytewise

NOT_UTF8 = Violation(1007, "Invalid UTF-8")
TOO_BIG = Violation(1009, "Message too big")
BAD_SEQUENCE = Violation(1002, "Invalid continuation")
HALF = MAX_FRAME_BYTES * b"x"
BYE = b"\x03\xe8bye"

CASES: list[tuple[str, bytes, list[Event]]] = [
    ("empty text", client_frame(TEXT), [Text("")]),
    ("text", client_frame(TEXT, "héllo 🎈".encode()), [Text("héllo 🎈")]),
    ("text with NUL", client_frame(TEXT, b"\x00"), [Text("\x00")]),
    ("empty binary", client_frame(BINARY), [Binary(b"")]),
    ("binary", client_frame(BINARY, b"\xff\x00"), [Binary(b"\xff\x00")]),
    ("ping and pong", client_frame(PING, b"a") + client_frame(PONG, b"b"), [Ping(b"a"), Pong(b"b")]),
    ("ping of 125", client_frame(PING, bytes(125)), [Ping(bytes(125))]),
    ("two texts", client_frame(TEXT, b"a") + client_frame(TEXT, b"b"), [Text("a"), Text("b")]),
    (
        "fragments with a ping between them, a character split",
        client_frame(TEXT, b"\xf0\x9f", fin=False)
        + client_frame(PING, b"p")
        + client_frame(CONTINUATION, fin=False)
        + client_frame(CONTINUATION, b"\x8e\x88"),
        [Ping(b"p"), Text("🎈")],
    ),
    (
        "binary fragments are not text",
        client_frame(BINARY, b"\xff", fin=False) + client_frame(CONTINUATION, b"\xfe"),
        [Binary(b"\xff\xfe")],
    ),
    (
        "an empty message in three fragments",
        client_frame(TEXT, fin=False) + client_frame(CONTINUATION, fin=False) + client_frame(CONTINUATION),
        [Text("")],
    ),
    ("largest frame", client_frame(TEXT, HALF), [Text(HALF.decode())]),
    ("frame too big", client_frame(TEXT, HALF + b"x"), [TOO_BIG]),
    ("close", client_frame(CLOSE, BYE), [Close(1000, "bye")]),
    ("empty close", client_frame(CLOSE), [Close(None, "")]),
    ("close of one byte", client_frame(CLOSE, b"\x03"), [Violation(1002, "Invalid close code")]),
    ("close with a bad code", client_frame(CLOSE, b"\x03\xee"), [Violation(1002, "Invalid close code")]),
    ("close with a bad reason", client_frame(CLOSE, b"\x03\xe8\xc3\x28"), [NOT_UTF8]),
    ("nothing after a close", client_frame(CLOSE) + client_frame(TEXT, b"late"), [Close(None, "")]),
    ("nothing after a violation", client_frame(3) + client_frame(CLOSE), [Violation(1002, "Invalid opcode")]),
    (
        "only the close frame after bad text",
        client_frame(TEXT, b"ab\xffcd")
        + client_frame(TEXT, b"x" * 200)
        + client_frame(PING)
        + client_frame(CLOSE, BYE),
        [NOT_UTF8, Close(1000, "bye")],
    ),
    (
        "only the close frame after bad text in a fragment",
        client_frame(TEXT, b"\xff", fin=False) + client_frame(0, b"more") + client_frame(CLOSE) + client_frame(CLOSE),
        [NOT_UTF8, Close(None, "")],
    ),
    (
        "a second violation is not told",
        client_frame(TEXT, b"\xff") + client_frame(3) + client_frame(CLOSE),
        [NOT_UTF8],
    ),
    ("a bad close after a violation is not told", client_frame(TEXT, b"\xff") + client_frame(CLOSE, b"x"), [NOT_UTF8]),
    ("close inside a message", client_frame(TEXT, b"a", fin=False) + client_frame(CLOSE), [Close(None, "")]),
    ("continuation of nothing", client_frame(CONTINUATION, b"a"), [BAD_SEQUENCE]),
    ("open continuation of nothing", client_frame(CONTINUATION, fin=False), [BAD_SEQUENCE]),
    ("text inside a message", client_frame(TEXT, fin=False) + client_frame(TEXT), [BAD_SEQUENCE]),
    ("binary inside a message", client_frame(TEXT, b"a", fin=False) + client_frame(BINARY, b"b"), [BAD_SEQUENCE]),
    ("continuation after the end", client_frame(TEXT, b"a") + client_frame(CONTINUATION), [Text("a"), BAD_SEQUENCE]),
    ("text that ends inside a character", client_frame(TEXT, b"\xc3"), [NOT_UTF8]),
    (
        "message that ends inside a character",
        client_frame(TEXT, b"\xc3", fin=False) + client_frame(CONTINUATION),
        [NOT_UTF8],
    ),
    ("surrogate", client_frame(TEXT, b"\xed\xa0\x80"), [NOT_UTF8]),
    ("overlong", client_frame(TEXT, b"\xc0\xaf"), [NOT_UTF8]),
    ("beyond Unicode", client_frame(TEXT, b"\xf4\x90\x80\x80"), [NOT_UTF8]),
]


@pytest.mark.parity("P-198", "P-201", "P-202", "P-206", "P-391")
@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_events_of_bytes_in_one_piece_bytewise_and_with_more_behind(data: bytes, expected: list[Event]) -> None:
    assert read_all(data) == expected
    if len(data) < 1_000:
        assert read_bytewise(data) == expected
    if not any(isinstance(event, Close | Violation) for event in expected):
        assert read_all(data + client_frame(PONG)) == [*expected, Pong(b"")]


@pytest.mark.parity("P-199", "P-200", "P-206", "P-390")
def test_a_message_in_fragments_may_be_as_long_as_the_limit_and_no_byte_longer() -> None:
    most = client_frame(TEXT, HALF, fin=False) + 2 * client_frame(CONTINUATION, HALF, fin=False)
    assert read_all(most + client_frame(CONTINUATION, HALF)) == [Text("x" * MAX_MESSAGE_BYTES)]
    over = most + client_frame(CONTINUATION, HALF, fin=False) + client_frame(CONTINUATION, b"x")
    assert read_all(over) == [TOO_BIG]


def test_a_message_limit_below_the_frame_limit_holds_for_a_single_frame() -> None:
    limits = Limits(max_frame_bytes=100, max_message_bytes=10)
    assert MessageReader().feed(client_frame(TEXT, b"x" * 10), limits) == [Text("x" * 10)]
    assert MessageReader().feed(client_frame(TEXT, b"x" * 11), limits) == [TOO_BIG]


def test_a_message_that_will_be_too_long_is_refused_from_its_header() -> None:
    reader = MessageReader()
    for opcode in (TEXT, CONTINUATION, CONTINUATION, CONTINUATION):
        assert reader.feed(client_frame(opcode, HALF, fin=False), AWS) == []
    assert reader.feed(client_frame(CONTINUATION, b"x")[:6], AWS) == [TOO_BIG]
    assert reader._message is None


@pytest.mark.parity("P-198", "P-200")
@pytest.mark.parametrize(
    "header",
    [
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00",
        b"\x81\xfe\x80\x01",
        b"\x01\xfe\x80\x01",
    ],
)
def test_a_frame_that_will_be_too_long_is_refused_from_its_header(header: bytes) -> None:
    reader = MessageReader()
    assert reader.feed(header, AWS) == []
    assert reader.feed(b"mask", AWS) == [TOO_BIG]
    assert reader.feed(HALF, AWS) == []
    assert (reader._message, reader._rest) == (None, None)


def test_the_close_frame_behind_a_frame_that_was_too_long_is_found() -> None:
    data = client_frame(TEXT, HALF + b"x") + client_frame(CLOSE, BYE)
    reader = MessageReader()
    events = [event for at in range(0, len(data), 1_000) for event in reader.feed(data[at : at + 1_000], AWS)]
    assert events == [TOO_BIG, Close(1000, "bye")]
    assert reader.ended


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0", b"\xf5", b"\xf4\x90", b"\xed\xa0\x80", b"\xe2\x28"])
def test_bad_text_is_refused_before_its_frame_is_complete(bad: bytes) -> None:
    frame = client_frame(TEXT, b"good " + bad + b"x" * 100)
    reader = MessageReader()
    assert reader.feed(frame[: 6 + 5 + len(bad) - 1], AWS) == []
    assert reader.feed(frame[6 + 5 + len(bad) - 1 : 6 + 5 + len(bad)], AWS) == [NOT_UTF8]


def test_bad_text_is_refused_before_its_message_is_complete() -> None:
    assert read_all(client_frame(TEXT, b"\xff", fin=False)) == [NOT_UTF8]


def test_an_idle_reader_holds_nothing() -> None:
    reader = MessageReader()
    reader.feed(client_frame(TEXT, b"a" * 500), AWS)
    reader.feed(client_frame(TEXT, b"a", fin=False), AWS)
    for byte in client_frame(CONTINUATION, b"b"):
        reader.feed(bytes((byte,)), AWS)
    assert (reader._message, reader._rest, reader.ended) == (None, None, False)
    assert sys.getsizeof(reader) <= 72


def test_what_is_held_of_an_incomplete_frame_stays_small() -> None:
    reader = MessageReader()
    frame = client_frame(TEXT, HALF)
    for start, end in pairwise(range(0, len(frame) - 1, 500)):
        assert reader.feed(frame[start:end], AWS) == []
        assert reader._rest is None
        assert reader._message is not None
        assert len(reader._message.data) <= end


def test_held_bytes_are_read_first() -> None:
    reader = MessageReader()
    reader.hold(client_frame(TEXT, b"a")[:3])
    reader.hold(client_frame(TEXT, b"a")[3:])
    assert reader.feed(b"", AWS) == [Text("a")]


def test_an_ended_reader_reads_nothing() -> None:
    reader = MessageReader()
    reader.feed(client_frame(CLOSE), AWS)
    assert reader.ended
    assert reader.feed(client_frame(TEXT, b"a"), AWS) == []


class MixedIn(MessageReader):
    __slots__ = ("own",)


def test_a_shell_can_mix_the_reader_in_without_a_dictionary() -> None:
    assert not hasattr(MixedIn(), "__dict__")


FRAMES = st.builds(
    client_frame,
    st.sampled_from([0, 0, 1, 1, 2, 8, 9, 10, 3, 15]),
    st.one_of(st.binary(max_size=20), st.text(max_size=200).map(str.encode), st.just(b"\x03\xe8bye")),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 0, 0, 0, 1]),
    masked=st.sampled_from([True] * 9 + [False]),
    width=st.none(),
)
WIRE = st.one_of(st.binary(max_size=300), st.lists(FRAMES, max_size=8).map(b"".join))


@given(WIRE, st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes_in_any_pieces_give_the_same_events_and_never_raise(data: bytes, cuts: list[int]) -> None:
    whole = read_all(data)
    assert read_bytewise(data) == whole
    reader = MessageReader()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert [event for start, end in pairwise(places) for event in reader.feed(data[start:end], AWS)] == whole
    endings = [event for event in whole if isinstance(event, Close | Violation)]
    assert whole[len(whole) - len(endings) :] == endings
    if len(endings) == 2:
        assert endings[0] == NOT_UTF8
        assert isinstance(endings[1], Close)
    assert len(endings) <= 2


@given(st.lists(st.one_of(st.text(max_size=300), st.binary(max_size=300)), max_size=5), st.integers(1, 64))
def test_messages_of_an_independent_client_arrive_whole_and_in_order(messages: list[str | bytes], size: int) -> None:
    client = Protocol(Side.CLIENT)
    for sent in messages:
        send_fragments(client, sent, size)
    client.send_close(1000, "done")
    events = read_all(b"".join(client.data_to_send()))
    assert [message(event) for event in events[:-1]] == messages
    assert events[-1] == Close(1000, "done")


def send_fragments(client: Protocol, sent: str | bytes, size: int) -> None:
    data = sent.encode() if isinstance(sent, str) else sent
    pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    last = len(pieces) - 1
    send = client.send_text if isinstance(sent, str) else client.send_binary
    for place, piece in enumerate(pieces):
        if place == 0:
            send(piece, fin=place == last)
        else:
            client.send_continuation(piece, fin=place == last)


def test_what_is_read_at_once_can_be_bounded_and_nothing_is_lost() -> None:
    data = client_frame(1, b"a", fin=False) + client_frame(0, b"b", fin=False) * 7 + client_frame(0, b"c")
    data += client_frame(9) * 5 + client_frame(1, b"last")
    reader, found, rounds = MessageReader(), list[Event](), 0
    piece = data
    while events := reader.feed(piece, AWS, 3) or reader._rest:
        assert not isinstance(events, list) or len(events) <= 3
        found += events if isinstance(events, list) else []
        piece, rounds = b"", rounds + 1
    assert found == read_all(data)
    assert rounds >= 5


def test_a_message_in_ever_so_many_parts_is_too_big() -> None:
    limits = Limits(max_message_parts=3)
    few = client_frame(1, b"a", fin=False) + client_frame(0, b"b", fin=False) + client_frame(0, b"c")
    more = client_frame(1, fin=False) + client_frame(0, fin=False) * 3
    assert MessageReader().feed(few, limits) == [Text("abc")]
    assert MessageReader().feed(more, limits) == [Violation(1009, "Message too big")]
    assert MessageReader().feed(few + more + client_frame(8), limits)[-1] == Close(None, "")
