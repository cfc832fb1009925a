"""Bytes of a process's output -> lines of text. Knows nothing of processes or pipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MAX_LINE_BYTES: Final = 64 * 1024  # a longer line is delivered in pieces; CloudWatch cuts at 256 KiB, Docker at 16 KiB
_UTF8_CONTINUATION: Final = 0x80


class Lines:
    """Delivers whole lines as they become complete, decoded from UTF-8 with replacement."""

    __slots__ = ("_deliver", "_rest")

    def __init__(self, deliver: Callable[[str], None]) -> None:
        self._deliver = deliver
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *whole, rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._line(line)
        while len(rest) > MAX_LINE_BYTES:
            piece, rest = _cut(rest)
            self._deliver(_text(piece))
        self._rest = rest

    def end(self) -> None:
        """Deliver a last line that had no line ending."""
        rest, self._rest = self._rest, b""
        if rest:
            self._line(rest)

    def _line(self, line: bytes) -> None:
        while len(line) > MAX_LINE_BYTES:
            piece, line = _cut(line)
            self._deliver(_text(piece))
        self._deliver(_text(line.removesuffix(b"\r")))


def _cut(line: bytes) -> tuple[bytes, bytes]:
    """Split at the bound, or up to three bytes before so that no character is torn."""
    end = MAX_LINE_BYTES
    while end > MAX_LINE_BYTES - 3 and line[end] & 0xC0 == _UTF8_CONTINUATION:
        end -= 1
    return line[:end], line[end:]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
