"""Frames for many are what each would get alone, made once for each size of window."""

from __future__ import annotations

import pytest

from gateway.wire.compression import MAX_WINDOW_BITS, NO_COMPRESSION, sent_binary, sent_text
from gateway.wire.prepared_message import PreparedMessage

LONG = b"the same again and again, " * 40


@pytest.mark.parametrize("text", [b"", b"x" * 125, LONG, LONG * 100])
@pytest.mark.parametrize("window_bits", [NO_COMPRESSION, 9, MAX_WINDOW_BITS])
def test_each_gets_what_it_would_get_alone(text: bytes, window_bits: int) -> None:
    assert PreparedMessage(text).frames(32_768, window_bits) == sent_text(text, 32_768, window_bits)


@pytest.mark.parametrize("data", [b"", b"\xff" * 126, LONG * 100])
@pytest.mark.parametrize("window_bits", [NO_COMPRESSION, MAX_WINDOW_BITS])
def test_bytes_too(data: bytes, window_bits: int) -> None:
    assert PreparedMessage.of_bytes(data).frames(32_768, window_bits) == sent_binary(data, 32_768, window_bits)


def test_its_size_is_what_the_caller_sent() -> None:
    assert PreparedMessage(LONG).size == PreparedMessage.of_bytes(LONG).size == len(LONG)
    assert PreparedMessage("\ufffd".encode(), size=1).size == 1


def test_frames_are_made_once() -> None:
    text = PreparedMessage(LONG)
    windows = (NO_COMPRESSION, 9, MAX_WINDOW_BITS)
    first = {bits: text.frames(32_768, bits) for bits in windows}
    assert text.made == 3
    assert all(text.frames(32_768, bits) is first[bits] for bits in windows * 3)
    assert text.made == 3
