"""permessage-deflate (RFC 7692) without context takeover: a message in, a message out, and what the two sides agree on.

Nothing of it belongs to a connection but one number, the window bits of what we send; 0 is no compression. The
client's messages are inflated with the largest window there is, so what it says of its own window binds nobody.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gateway.wire.frames import (
    BINARY,
    COMPRESSED,
    CONTINUATION,
    INVALID_PAYLOAD,
    MESSAGE_TOO_BIG,
    TEXT,
    TOO_BIG_REASON,
    Violation,
    binary_frames,
    frame,
    text_frames,
)

NO_COMPRESSION: Final = 0  # window bits of a connection that agreed on none
MAX_WINDOW_BITS: Final = 15  # RFC 7692 §7.1.2.1, and what holds where a client names none
# Below it a text leaves as it is: it saves less than the 40 bytes of TCP/IP that carry it weigh, or not much more.
# Chat-like JSON: 128 bytes become 109 in 5 us, 256 become 153 in 10, 4 KiB become 1.3 in 30.
WORTH_BYTES: Final = 256
# Above it a message leaves as it is: the loop would wait for 15 ms and more. AWS has none so long.
MOST_BYTES: Final = 256 * 1024

_NAME: Final = "permessage-deflate"
_OURS: Final = f"{_NAME};server_no_context_takeover;client_no_context_takeover"  # no blanks, as AWS (parity 1.2)
_FLAGS: Final = frozenset(("server_no_context_takeover", "client_no_context_takeover"))
_SERVER_BITS: Final = "server_max_window_bits"
_CLIENT_BITS: Final = "client_max_window_bits"
_MIN_DEFLATE_BITS: Final = 9  # zlib makes no raw stream with the 8 that the RFC allows
_BITS: Final = re.compile(r"[89]|1[0-5]")  # RFC 7692 §7.1.2: no leading zero
_LEVEL: Final = 1  # of 9; the loop waits for it. 6 takes 3 times as long and saves a tenth more
_MEMORY: Final = 5  # of 9; no worse than 8 on messages of up to 128 KiB, and a quarter of the time on short ones
_TAIL: Final = b"\x00\x00\xff\xff"  # RFC 7692 §7.2.1: every flush ends so, and it is not sent
_EMPTY: Final = b"\x00"  # RFC 7692 §7.2.3.6
# What may follow a block that called itself the stream's last (RFC 7692 §7.2.3.4).
_AFTER_LAST: Final = frozenset((b"", _TAIL, b"\x00" + _TAIL))
_BROKEN: Final = Violation(INVALID_PAYLOAD, "Invalid compressed data")
_TOO_BIG: Final = Violation(MESSAGE_TOO_BIG, TOO_BIG_REASON)


@lru_cache(maxsize=64)  # browsers all offer the same
def agreed_window_bits(extensions: Sequence[str]) -> int:
    """The window bits of the first offer that can be met (RFC 7692 §7.1), 9 to 15, or ``NO_COMPRESSION``.

    ``extensions`` are the elements of Sec-WebSocket-Extensions, hashable. An offer with an unknown, repeated or
    malformed parameter is passed over, as is one for a window that zlib cannot keep to.
    """
    for extension in extensions:
        name, *parameters = (part.strip(" \t") for part in extension.split(";"))
        bits = _offered(parameters) if name == _NAME else NO_COMPRESSION
        if bits:
            return bits
    return NO_COMPRESSION


def _offered(parameters: Sequence[str]) -> int:
    named: dict[str, str | None] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        name = name.rstrip(" \t")
        if name in named or not _is_legal(name, _unquoted(value.lstrip(" \t")) if equals else None):
            return NO_COMPRESSION
        named[name] = _unquoted(value.lstrip(" \t")) if equals else None
    bits = int(named.get(_SERVER_BITS) or MAX_WINDOW_BITS)
    return bits if bits >= _MIN_DEFLATE_BITS else NO_COMPRESSION


def _unquoted(value: str) -> str:
    """RFC 6455 §9.1: a value may stand in quotes."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _is_legal(name: str, value: str | None) -> bool:
    if name in _FLAGS:
        return value is None
    if value is None:
        return name == _CLIENT_BITS
    return name in (_SERVER_BITS, _CLIENT_BITS) and _BITS.fullmatch(value) is not None


def agreed_extension(window_bits: int) -> str | None:
    """What the 101 says of compression, None when nothing was agreed.

    Both sides begin every message anew, which a server may ask for unasked (RFC 7692 §7.1.1).
    """
    if not window_bits:
        return None
    return _OURS if window_bits == MAX_WINDOW_BITS else f"{_OURS};{_SERVER_BITS}={window_bits}"


def sent_text(text: bytes, max_frame_bytes: int, window_bits: int) -> bytes:
    """The frames of one TEXT message of valid UTF-8, compressed where that was agreed on and is worth it; a long one
    in frames of at most ``max_frame_bytes``."""
    packed = _packed(text, window_bits)
    return text_frames(text, max_frame_bytes) if packed is None else packed_frames(TEXT, packed, max_frame_bytes)


def sent_binary(data: bytes, max_frame_bytes: int, window_bits: int) -> bytes:
    """The frames of one BINARY message, likewise."""
    packed = _packed(data, window_bits)
    return binary_frames(data, max_frame_bytes) if packed is None else packed_frames(BINARY, packed, max_frame_bytes)


def _packed(data: bytes, window_bits: int) -> bytes | None:
    """None where it is to leave as it is."""
    if not window_bits or not WORTH_BYTES <= len(data) <= MOST_BYTES:
        return None
    packed = deflate(data, window_bits)
    return packed if len(packed) < len(data) else None


def packed_frames(opcode: int, packed: bytes, max_frame_bytes: int) -> bytes:
    """The frames of one message that ``deflate`` made, each of at most ``max_frame_bytes``."""
    if len(packed) <= max_frame_bytes:
        return frame(opcode | COMPRESSED, packed)
    frames, kind = [], opcode | COMPRESSED
    for start in range(0, len(packed), max_frame_bytes):
        end = start + max_frame_bytes
        frames.append(frame(kind, packed[start:end], fin=end >= len(packed)))
        kind = CONTINUATION
    return b"".join(frames)


class _Compressors:
    """Messages compressed, whatever their sizes (RFC 7692 §7.2.1); never empty.

    One compressor for each size of window, for all connections. A full flush behind every message makes it forget
    the message: nothing of one ever shows in another, and beginning a new compressor would take ten times as long.
    """

    def __init__(self) -> None:
        self._idle: dict[int, zlib._Compress] = {}

    def __call__(self, data: bytes, window_bits: int) -> bytes:
        made = self._idle.pop(window_bits, None) or zlib.compressobj(_LEVEL, zlib.DEFLATED, -window_bits, _MEMORY)
        packed = made.compress(data) + made.flush(zlib.Z_FULL_FLUSH)
        self._idle[window_bits] = made  # not if that failed: it may have kept a part
        return packed[: -len(_TAIL)] or _EMPTY


deflate: Final = _Compressors()


def inflate(payload: bytes, max_bytes: int) -> bytes | Violation:
    """A compressed message's content, or what is wrong with it; never more than ``max_bytes`` + 1 are made.

    It has a decompressor of its own: a shared one would let a client refer back into the message of another.
    """
    inflater = zlib.decompressobj(-MAX_WINDOW_BITS)
    try:
        found = inflater.decompress(payload + _TAIL, max_bytes + 1)
    except zlib.error:
        return _BROKEN
    if len(found) > max_bytes:
        return _TOO_BIG
    return found if inflater.unused_data in _AFTER_LAST else _BROKEN
