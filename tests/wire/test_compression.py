from __future__ import annotations

import time
import tracemalloc
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import Protocol, Side

from gateway.model.limits import AWS, MAX_MESSAGE_BYTES
from gateway.wire.compression import (
    MOST_BYTES,
    NO_COMPRESSION,
    WORTH_BYTES,
    agreed_extension,
    agreed_window_bits,
    deflate,
    inflate,
    packed_frames,
    sent_binary,
    sent_text,
)
from gateway.wire.frames import BINARY, CLOSE, COMPRESSED, CONTINUATION, PING, TEXT, frame, text_frames
from gateway.wire.stream import Binary, Close, Event, MessageReader, Text, Violation
from wire_frames import client_frame, read_all

BROKEN = Violation(1007, "Invalid compressed data")
TOO_BIG = Violation(1009, "Message too big")
BAD_BITS = Violation(1002, "Reserved bits must be 0")
RSV1 = 4
ANSWER = "permessage-deflate;server_no_context_takeover;client_no_context_takeover"


def packed(data: bytes, bits: int = 15) -> bytes:
    """As a client packs a message, by a compressor of its own."""
    made = zlib.compressobj(wbits=-bits)
    return (made.compress(data) + made.flush(zlib.Z_SYNC_FLUSH))[:-4]


def read(data: bytes) -> list[Event]:
    """All at once and byte by byte."""
    at_once, reader = MessageReader(15).feed(data, AWS), MessageReader(15)
    if len(data) < 1_000:
        assert [event for place in range(len(data)) for event in reader.feed(data[place : place + 1], AWS)] == at_once
    return at_once


def unpacked(data: bytes, bits: int = 15) -> list[bytes]:
    """The messages of what we send, read by an independent client that keeps nothing between them."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.extensions = [PerMessageDeflate(True, True, bits, 15)]
    client.receive_data(data)
    assert client.parser_exc is None
    messages: list[bytes] = []
    for event in client.events_received():
        assert isinstance(event, Frame)
        if event.opcode == CONTINUATION:
            messages[-1] += bytes(event.data)
        else:
            messages.append(bytes(event.data))
    return messages


# -- what is agreed on -------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-029")
@pytest.mark.parametrize(
    ("offers", "bits"),
    [
        ((), 0),
        (("x-webkit-deflate-frame",), 0),
        (("permessage-deflate",), 15),
        (("permessage-deflate; client_max_window_bits",), 15),
        (("permessage-deflate;client_max_window_bits=8",), 15),
        (("permessage-deflate; server_no_context_takeover; client_no_context_takeover",), 15),
        (("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",), 12),
        (("permessage-deflate; server_max_window_bits = 9",), 9),
        (('permessage-deflate; server_max_window_bits="10"',), 10),
        (("permessage-deflate; server_max_window_bits=8",), 0),
        (("permessage-deflate; server_max_window_bits=8", "permessage-deflate"), 15),
        (("x", "permessage-deflate; what", "permessage-deflate; server_max_window_bits=11"), 11),
        (("permessage-deflate; server_max_window_bits",), 0),
        (("permessage-deflate; server_max_window_bits=",), 0),
        (("permessage-deflate; server_max_window_bits=7",), 0),
        (("permessage-deflate; server_max_window_bits=16",), 0),
        (("permessage-deflate; server_max_window_bits=09",), 0),
        (("permessage-deflate; server_max_window_bits=1\u0661",), 0),
        (("permessage-deflate; client_max_window_bits=07",), 0),
        (("permessage-deflate; client_max_window_bits; client_max_window_bits=9",), 0),
        (("permessage-deflate; server_no_context_takeover=1",), 0),
        (("permessage-deflate; server_no_context_takeover=",), 0),
        (("permessage-deflate;",), 0),
    ],
)
def test_the_first_offer_that_can_be_met_is_taken(offers: tuple[str, ...], bits: int) -> None:
    assert agreed_window_bits(offers) == bits


@pytest.mark.parity("P-029")
def test_what_is_agreed_on_is_said_as_aws_spells_it() -> None:
    assert agreed_extension(NO_COMPRESSION) is None
    assert agreed_extension(15) == ANSWER
    assert agreed_extension(12) == f"{ANSWER};server_max_window_bits=12"


@given(st.lists(st.text(st.sampled_from('permsag-dflt_wbixo;= "0159,\t'), max_size=60) | st.text(), max_size=3))
def test_no_offer_breaks_it(offers: list[str]) -> None:
    assert agreed_window_bits(tuple(offers)) in (0, *range(9, 16))


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_what_is_short_or_does_not_shrink_leaves_as_it_is() -> None:
    for text in (b"", b"x" * (WORTH_BYTES - 1), b"x" * (MOST_BYTES + 1)):
        assert sent_text(text, AWS.max_frame_bytes, 15) == text_frames(text, AWS.max_frame_bytes)
    dense = bytes(byte & 0x7F for byte in Random(7).randbytes(WORTH_BYTES))
    assert len(packed(dense)) >= len(dense)
    assert sent_text(dense, AWS.max_frame_bytes, 15) == frame(TEXT, dense)
    assert sent_binary(dense, AWS.max_frame_bytes, 15) == frame(BINARY, dense)


def test_binary_is_compressed_alike() -> None:
    data = bytes(1_000)
    sent = sent_binary(data, AWS.max_frame_bytes, 15)
    assert (sent[0], sent[1]) == (0x80 | COMPRESSED | BINARY, len(sent) - 2)
    assert inflate(sent[2:], 1_000) == data
    assert sent_binary(data, AWS.max_frame_bytes, 0) == frame(BINARY, data)


def test_nothing_is_compressed_where_nothing_was_agreed_on() -> None:
    assert sent_text(b"x" * 70_000, AWS.max_frame_bytes, NO_COMPRESSION) == text_frames(b"x" * 70_000, 32_768)


def test_a_long_message_shrinks_and_leaves_in_frames_of_the_limit() -> None:
    text = "".join(f"{place * 7_919 % 99_991:x}" for place in range(20_000)).encode()
    sent = sent_text(text, 4_096, 15)
    assert len(sent) < len(text)
    first, second = sent[:4], sent[4_100:4_104]
    assert (first, second) == (b"\x41\x7e\x10\x00", b"\x00\x7e\x10\x00")
    assert unpacked(sent) == [text]


@given(st.lists(st.text(max_size=400), max_size=6), st.integers(9, 15), st.sampled_from([64, 32_768]))
def test_messages_of_one_compressor_are_independent(texts: list[str], bits: int, most: int) -> None:
    messages = [(text + "padding " * 40).encode() for text in texts]
    sent = [sent_text(message, most, bits) for message in messages]
    assert unpacked(b"".join(sent), bits) == messages
    assert [unpacked(one, bits) for one in reversed(sent)] == [[message] for message in reversed(messages)]


def test_one_connections_message_does_not_show_in_the_size_of_anothers() -> None:
    secret = "".join(f"{place * 7_919 % 99_991:x}" for place in range(200)).encode()
    before = sent_text(b"padding " * 100, 32_768, 15)
    first, second = sent_text(secret, 32_768, 15), sent_text(secret, 32_768, 15)
    assert len(first) == len(second) > 300
    assert sent_text(b"padding " * 100, 32_768, 15) == before


def test_an_empty_message_has_a_byte_of_its_own() -> None:
    for _ in range(2):
        assert deflate(b"", 15) == b"\x00"
    assert unpacked(packed_frames(TEXT, b"\x00", 32_768)) == [b""]


# -- what is read ------------------------------------------------------------------------------------------------------


CASES: list[tuple[str, bytes, list[Event]]] = [
    ("text", client_frame(TEXT, packed(b"hello"), rsv=RSV1), [Text("hello")]),
    ("an example of the RFC", client_frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=RSV1), [Text("Hello")]),
    (
        "the same in two frames",
        client_frame(TEXT, b"\xf2\x48\xcd", rsv=RSV1, fin=False) + client_frame(CONTINUATION, b"\xc9\xc9\x07\x00"),
        [Text("Hello")],
    ),
    (
        "a block without compression",
        client_frame(TEXT, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", rsv=RSV1),
        [Text("Hello")],
    ),
    ("a last block", client_frame(TEXT, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", rsv=RSV1), [Text("Hello")]),
    (
        "two blocks",
        client_frame(TEXT, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", rsv=RSV1),
        [Text("Hello")],
    ),
    ("empty", client_frame(TEXT, b"\x00", rsv=RSV1), [Text("")]),
    ("no byte at all", client_frame(TEXT, b"", rsv=RSV1), [Text("")]),
    ("binary", client_frame(2, packed(b"\xff"), rsv=RSV1), [Binary(b"\xff")]),
    ("as it is", client_frame(TEXT, b"plain"), [Text("plain")]),
    (
        "a ping within",
        client_frame(TEXT, packed(b"hello")[:2], rsv=RSV1, fin=False)
        + client_frame(PING)
        + client_frame(CONTINUATION, packed(b"hello")[2:]),
        [*read_all(client_frame(PING)), Text("hello")],
    ),
    (
        "two messages, the second as it would be with context takeover",
        client_frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=RSV1)
        + client_frame(TEXT, b"\xf2\x00\x11\x00\x00", rsv=RSV1),
        [Text("Hello"), BROKEN],
    ),
    ("text that is no UTF-8", client_frame(TEXT, packed(b"\xff"), rsv=RSV1), [Violation(1007, "Invalid UTF-8")]),
    ("no deflate", client_frame(TEXT, b"\xff\xff", rsv=RSV1), [BROKEN]),
    ("more behind a last block", client_frame(TEXT, b"\x03\x00\x03\x00", rsv=RSV1), [BROKEN]),
    (
        "the close frame behind it",
        client_frame(TEXT, b"\xff\xff", rsv=RSV1) + client_frame(TEXT, b"", rsv=RSV1) + client_frame(CLOSE),
        [BROKEN, Close(None, "")],
    ),
    ("a compressed ping", client_frame(PING, rsv=RSV1), [BAD_BITS]),
    (
        "the bit on a continuation",
        client_frame(TEXT, rsv=RSV1, fin=False) + client_frame(CONTINUATION, rsv=RSV1),
        [BAD_BITS],
    ),
    ("another bit", client_frame(TEXT, rsv=RSV1 | 2), [BAD_BITS]),
]


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_events_in_one_piece_and_bytewise(data: bytes, expected: list[Event]) -> None:
    assert read(data) == expected


def test_a_compressed_message_is_a_violation_where_nothing_was_agreed_on() -> None:
    assert read_all(client_frame(TEXT, packed(b"hello"), rsv=RSV1)) == [BAD_BITS]


@pytest.mark.parametrize("window", [9, 12, 15])
def test_any_window_of_the_client_is_read(window: int) -> None:
    text = "".join(f"{place * 7_919 % 99_991:x}" for place in range(5_000))
    assert read(client_frame(TEXT, packed(text.encode(), window), rsv=RSV1)) == [Text(text)]


def test_the_limit_of_a_message_holds_for_what_it_inflates_to() -> None:
    assert read(client_frame(TEXT, packed(b"x" * MAX_MESSAGE_BYTES), rsv=RSV1)) == [Text("x" * MAX_MESSAGE_BYTES)]
    assert read(client_frame(TEXT, packed(b"x" * (MAX_MESSAGE_BYTES + 1)), rsv=RSV1)) == [TOO_BIG]


def test_a_bomb_is_put_out_at_the_limit() -> None:
    bomb = packed(b"\x00" * 30_000_000)
    assert len(bomb) < AWS.max_frame_bytes
    tracemalloc.start()
    began = time.process_time()
    try:
        assert read(client_frame(TEXT, bomb, rsv=RSV1) + client_frame(CLOSE)) == [TOO_BIG, Close(None, "")]
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_MESSAGE_BYTES
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 1


@given(st.binary(max_size=200) | st.binary(max_size=100).map(packed), st.integers(0, 100))
def test_any_bytes_inflate_within_the_limit_or_are_a_violation(payload: bytes, limit: int) -> None:
    found = inflate(payload, limit)
    assert found in (BROKEN, TOO_BIG) if isinstance(found, Violation) else len(found) <= limit


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_compressed_frame_give_the_same_events_in_any_pieces(data: bytes) -> None:
    read(client_frame(TEXT, packed(b"hello"), rsv=RSV1) + data)
