from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from gateway.model.limits import MAX_FRAME_BYTES
from gateway.wire.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Header,
    Violation,
    apply_mask,
    binary_frames,
    close_frame,
    is_close_code,
    pong_frame,
    read_close,
    read_header,
    text_frames,
)
from wire_frames import MASK, client_frame, xor


def judged(data: bytes) -> list[Frame]:
    """What an independent client reads from a server's bytes; fails when they break the RFC."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


@given(st.binary(max_size=2_000), st.binary(min_size=4, max_size=4))
def test_masking_is_the_xor_of_the_rfc_and_its_own_inverse(data: bytes, mask: bytes) -> None:
    assert apply_mask(data, mask) == xor(data, mask)
    assert apply_mask(apply_mask(data, mask), mask) == data


@pytest.mark.parametrize("size", [0, 1, 299, 300, 301, 302, 303, 304, 32_768])
def test_masking_at_the_border_of_its_two_ways(size: int) -> None:
    data = bytes(place * 7 % 256 for place in range(size))
    assert apply_mask(data, MASK) == xor(data)


@pytest.mark.parametrize(("size", "width"), [(0, 0), (125, 0), (126, 2), (65_535, 2), (65_536, 8), (70_000, 8)])
def test_a_header_in_each_of_the_three_lengths(size: int, width: int) -> None:
    data = b"before" + client_frame(TEXT, bytes(size))
    assert read_header(data, 6) == Header(True, TEXT, size, MASK, 6 + 2 + width + 4)


@pytest.mark.parametrize("size", [5, 200, 70_000])
def test_an_incomplete_header_asks_for_more(size: int) -> None:
    data = client_frame(TEXT, bytes(size))
    start = len(data) - size
    assert [read_header(data[:end], 0) for end in range(start)] == [None] * start
    assert isinstance(read_header(data[:start], 0), Header)


@pytest.mark.parity("P-202")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client_frame(TEXT, rsv=4), 1002),
        (client_frame(TEXT, rsv=2), 1002),
        (client_frame(TEXT, rsv=1), 1002),
        (client_frame(TEXT, masked=False), 1002),
        *[(client_frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (client_frame(PING, fin=False), 1002),
        (client_frame(CLOSE, fin=False), 1002),
        (client_frame(PING, bytes(126)), 1002),
        (client_frame(TEXT, bytes(125), width=2), 1002),
        (client_frame(TEXT, bytes(0), width=8), 1002),
        (client_frame(TEXT, bytes(65_535), width=8), 1002),
        (b"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 1002),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1002),
    ],
)
def test_what_a_header_alone_shows_to_be_wrong(data: bytes, code: int) -> None:
    violation = read_header(data[:10], 0)
    assert isinstance(violation, Violation)
    assert violation.code == code
    assert violation.reason


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 131_072])
def test_a_text_of_every_size_is_read_by_an_independent_client(size: int) -> None:
    assert judged(text_frames(b"x" * size, 1 << 20)) == [Frame(Opcode.TEXT, bytearray(b"x" * size))]


@pytest.mark.parity("P-184")
@given(st.text(max_size=400), st.integers(4, 60))
def test_long_text_leaves_as_frames_cut_between_characters(text: str, max_frame_bytes: int) -> None:
    data = text.encode()
    frames = judged(text_frames(data, max_frame_bytes))
    assert b"".join(bytes(frame.data) for frame in frames) == data
    assert all(len(frame.data) <= max_frame_bytes for frame in frames)
    assert "".join(bytes(frame.data).decode() for frame in frames) == text
    assert [frame.opcode for frame in frames] == [TEXT] + [CONTINUATION] * (len(frames) - 1)
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True]


@given(st.binary(max_size=400), st.integers(4, 60))
def test_long_binary_leaves_as_frames(data: bytes, max_frame_bytes: int) -> None:
    frames = judged(binary_frames(data, max_frame_bytes))
    assert b"".join(bytes(frame.data) for frame in frames) == data
    assert all(len(frame.data) <= max_frame_bytes for frame in frames)
    assert [frame.opcode for frame in frames] == [BINARY] + [CONTINUATION] * (len(frames) - 1)
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True]


@pytest.mark.parity("P-184")
def test_a_message_of_exactly_the_limit_is_one_frame_and_one_byte_more_is_two() -> None:
    assert len(judged(text_frames(b"x" * MAX_FRAME_BYTES, MAX_FRAME_BYTES))) == 1
    assert [len(frame.data) for frame in judged(text_frames(b"x" * (MAX_FRAME_BYTES + 1), MAX_FRAME_BYTES))] == [
        MAX_FRAME_BYTES,
        1,
    ]


def test_a_pong_carries_its_payload() -> None:
    assert judged(pong_frame(b"\x00" * 125)) == [Frame(Opcode.PONG, bytearray(125))]


def test_a_close_frame_without_a_code_is_empty() -> None:
    assert close_frame(None, "never sent") == b"\x88\x00"


def test_a_close_frame_has_code_and_reason() -> None:
    assert close_frame(1000, "Connection Closed Normally") == b"\x88\x1c\x03\xe8Connection Closed Normally"


@given(st.text(max_size=150), st.sampled_from([1000, 1001, 3000, 4999]))
def test_a_close_reason_is_cut_between_characters_and_fits(reason: str, code: int) -> None:
    (frame,) = judged(close_frame(code, reason))
    sent = bytes(frame.data)[2:].decode()
    assert len(frame.data) <= 125
    assert reason.startswith(sent)
    assert sent == reason or len((sent + reason[len(sent)]).encode()) > 123


def test_a_reason_that_is_not_unicode_does_not_raise() -> None:
    assert judged(close_frame(1000, "\ud800"))[0].data == b"\x03\xe8?"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", (None, "")),
        (b"\x03\xe8", (1000, "")),
        (b"\x03\xe8probe-complete", (1000, "probe-complete")),
        (b"\x0f\xa0\xc3\xa9", (4000, "é")),
        (b"\x03", Violation(1002, "Invalid close code")),
        (b"\x03\xed", Violation(1002, "Invalid close code")),
        (b"\x03\xe8\xff", Violation(1007, "Invalid UTF-8")),
        (b"\x03\xe8\xc3", Violation(1007, "Invalid UTF-8")),
    ],
)
def test_the_payload_of_a_close_frame(payload: bytes, expected: object) -> None:
    assert read_close(payload) == expected


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    assert is_close_code(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_codes_that_may_not_be_sent(code: int) -> None:
    assert not is_close_code(code)
