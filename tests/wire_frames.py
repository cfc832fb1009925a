"""The client's side of RFC 6455 framing, built byte by byte for tests of the reader: also frames no client may send."""

from __future__ import annotations

from struct import pack

from gateway.model.limits import AWS
from gateway.wire.stream import Binary, Event, MessageReader, Text

MASK = b"\x37\xfa\x21\x3d"  # RFC 6455 §5.7


def xor(data: bytes, mask: bytes = MASK) -> bytes:
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def client_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True, width: int | None = None
) -> bytes:
    """``width`` forces the size of the extended length: 0, 2 or 8 bytes."""
    size = len(payload)
    if width is None:
        width = 0 if size < 126 else 2 if size < 1 << 16 else 8
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    flag = 0x80 if masked else 0
    if width == 0:
        head = bytes((first, flag | size))
    elif width == 2:
        head = bytes((first, flag | 126)) + pack("!H", size)
    else:
        head = bytes((first, flag | 127)) + pack("!Q", size)
    return head + (MASK + xor(payload) if masked else payload)


def read_all(data: bytes) -> list[Event]:
    return MessageReader().feed(data, AWS)


def read_bytewise(data: bytes) -> list[Event]:
    reader = MessageReader()
    return [event for place in range(len(data)) for event in reader.feed(data[place : place + 1], AWS)]


def message(event: Event) -> str | bytes:
    assert isinstance(event, Text | Binary)
    return event.text if isinstance(event, Text) else event.data
