from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.processes.lines import MAX_LINE_BYTES, Lines


def lines_of(*chunks: bytes) -> list[str]:
    seen: list[str] = []
    lines = Lines(seen.append)
    for chunk in chunks:
        lines.feed(chunk)
    lines.end()
    return seen


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((), []),
        ((b"one\n",), ["one"]),
        ((b"on", b"e\ntw", b"o"), ["one", "two"]),
        ((b"\n\n",), ["", ""]),
        ((b"windows\r\n",), ["windows"]),
        ((b"10%\r20%\r\n",), ["10%\r20%"]),
        ((b"\xff\xfe\n",), ["\ufffd\ufffd"]),
        (("é".encode()[:1], "é".encode()[1:] + b"\n"), ["é"]),
    ],
)
def test_lines(chunks: tuple[bytes, ...], expected: list[str]) -> None:
    assert lines_of(*chunks) == expected


def test_a_long_line_comes_in_pieces_before_it_ends() -> None:
    seen: list[str] = []
    lines = Lines(seen.append)
    lines.feed(b"x" * (2 * MAX_LINE_BYTES + 1))
    assert [len(piece) for piece in seen] == [MAX_LINE_BYTES, MAX_LINE_BYTES]
    lines.feed(b"\n")
    assert seen[2:] == ["x"]


def test_a_line_of_exactly_the_bound_is_whole() -> None:
    assert [len(line) for line in lines_of(b"x" * MAX_LINE_BYTES + b"\nrest\n")] == [MAX_LINE_BYTES, 4]


@pytest.mark.parametrize("character", ["é", "€", "𝄞"])
@pytest.mark.parametrize("offset", range(4))
def test_the_cut_tears_no_character(character: str, offset: int) -> None:
    text = "x" * offset + character * (MAX_LINE_BYTES // 2)
    pieces = lines_of(text.encode() + b"\n")
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= MAX_LINE_BYTES for piece in pieces)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_how_the_bytes_arrive_does_not_matter(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert lines_of(*chunks) == lines_of(whole) == lines_of(*(whole[i : i + 1] for i in range(len(whole))))
