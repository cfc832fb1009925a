"""RFC 6455 §5-§7 as a server reads it: bytes of one connection in, events out.

Whole frames go straight from the bytes to an event. Only while a frame or a message is incomplete is anything held,
so an idle connection costs empty fields. Text is checked as it arrives, also in the midst of a frame, and a frame or
message over its limit is refused from its header. After a close frame or a protocol error nothing more is read; after
bad or too much data, which leave the frames' borders intact, nothing but the peer's close frame.

A compressed message is inflated when it is complete, and then checked: its limit holds for both its sizes, that of a
frame for what is on the wire.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Final

from gateway.model.hot_value import hot_value
from gateway.model.limits import Limits
from gateway.wire.compression import NO_COMPRESSION, inflate
from gateway.wire.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    INVALID_PAYLOAD,
    MESSAGE_TOO_BIG,
    PING,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG_REASON,
    Header,
    Violation,
    apply_mask,
    read_close,
    read_header,
)

__all__ = ["Binary", "Close", "Event", "MessageReader", "Ping", "Pong", "Text", "Violation"]


@hot_value
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Binary:
    data: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """``code`` is None when the frame held none."""

    code: int | None
    reason: str


Event = Text | Binary | Ping | Pong | Close | Violation

_NOT_UTF8 = Violation(INVALID_PAYLOAD, "Invalid UTF-8")
_TOO_BIG = Violation(MESSAGE_TOO_BIG, TOO_BIG_REASON)
_BAD_SEQUENCE = Violation(PROTOCOL_ERROR, "Invalid continuation")

_ENDED: Final = -1
_Utf8Decoder = getincrementaldecoder("utf-8")


class _Message:
    """A message that is not complete, and the rest of its current frame: ``missing`` bytes are yet to come."""

    __slots__ = ("_check", "compressed", "data", "fin", "mask", "missing", "opcode", "parts")

    def __init__(self, opcode: int, compressed: bool) -> None:
        self.opcode = opcode
        self.compressed = compressed
        self.data = bytearray()
        self._check = _Utf8Decoder() if opcode == TEXT and not compressed else None
        self.parts = 0
        self.missing = 0
        self.mask = b""
        self.fin = False

    def begin(self, header: Header) -> None:
        self.missing, self.mask, self.fin = header.length, header.mask, header.fin
        self.parts += 1

    def add(self, masked: bytes) -> bool:
        """Take bytes of the current frame; False when they cannot be UTF-8."""
        payload = apply_mask(masked, self.mask)
        turn = len(masked) % 4
        self.mask = self.mask[turn:] + self.mask[:turn]
        self.missing -= len(masked)
        self.data += payload
        try:
            if self._check is not None:
                self._check.decode(payload, final=self.fin and not self.missing)
        except UnicodeDecodeError:
            return False
        return True

    def event(self, limits: Limits) -> Text | Binary | Violation:
        """The whole message; text was checked as it came, unless it came compressed."""
        if self.compressed:
            return _inflated(self.opcode, bytes(self.data), limits)
        return Text(self.data.decode()) if self.opcode == TEXT else Binary(bytes(self.data))


class MessageReader:
    """Mix it into a socket shell, or use it alone. What it holds between calls never exceeds one incomplete message
    and one incomplete header or control frame. ``window_bits`` are those of ``compression``."""

    __slots__ = ("_message", "_rest", "_skip", "_window_bits", "parts")

    def __init__(self, window_bits: int = NO_COMPRESSION) -> None:
        self._message: _Message | None = None
        self._rest: bytes | None = None
        self.parts = 0  # frames that were not a whole message, since whoever counts them set this to 0
        # Bytes of the current frame to ignore, once only a close frame matters; _ENDED: that does not matter either.
        self._skip: int | None = None
        self._window_bits = window_bits

    @property
    def ended(self) -> bool:
        """Whether nothing is read any more, not even a close frame."""
        return self._skip == _ENDED

    def hold(self, data: bytes) -> None:
        """Keep bytes that came before reading may begin; the next ``feed`` reads them first."""
        self._rest = data if self._rest is None else self._rest + data

    def release(self) -> None:
        """Read nothing any more and hold nothing."""
        self._skip, self._message, self._rest = _ENDED, None, None

    def feed(self, data: bytes, limits: Limits, most: int | None = None) -> list[Event]:
        """The events that ``data`` completes, in order. A ``Close`` is the last one ever, a ``Violation`` the last or
        followed by a ``Close`` alone. Behind ``most`` events and parts the rest is kept for the next call."""
        events: list[Event] = []
        if self.ended:
            return events
        if self._rest is not None:
            data, self._rest = self._rest + data, None
        position, size, parts = 0, len(data), self.parts
        while position < size and self._skip != _ENDED:
            if most is not None and len(events) + self.parts - parts >= most:
                self._rest = data[position:]
                break
            event, end = self._step(data, position, limits) if self._skip is None else self._seek(data, position)
            if event is not None:
                events.append(event)
            elif end == position:
                self._rest = data[position:]
                break
            position = end
        return events

    def _step(self, data: bytes, position: int, limits: Limits) -> tuple[Event | None, int]:
        """Read one frame or what there is of it; the place reached has not moved when more bytes are needed."""
        message = self._message
        if message is not None and message.missing:
            return self._fill(message, data, position, limits)
        header = read_header(data, position, self._window_bits > 0)
        if header is None:
            return None, position
        if isinstance(header, Violation):
            return self._fail(header), position
        if header.opcode >= CLOSE:
            return self._control(header, data, position)
        end = header.start + header.length
        if header.length > min(limits.max_frame_bytes, limits.max_message_bytes):
            return self._ignore(_TOO_BIG, header.length), header.start
        if message is None and header.fin and header.opcode != CONTINUATION and end <= len(data):
            payload = apply_mask(data[header.start : end], header.mask)
            return self._complete(
                _inflated(header.opcode, payload, limits) if header.compressed else _whole(header.opcode, payload)
            ), end
        return self._begin(header, data, limits)

    def _control(self, header: Header, data: bytes, position: int) -> tuple[Event | None, int]:
        end = header.start + header.length
        if end > len(data):
            return None, position
        payload = apply_mask(data[header.start : end], header.mask)
        if header.opcode != CLOSE:
            return Ping(payload) if header.opcode == PING else Pong(payload), end
        self.release()
        closing = read_close(payload)
        return closing if isinstance(closing, Violation) else Close(*closing), end

    def _begin(self, header: Header, data: bytes, limits: Limits) -> tuple[Event | None, int]:
        """Start on a data frame that is incomplete or a fragment."""
        message = self._message
        if (message is None) == (header.opcode == CONTINUATION):
            return self._fail(_BAD_SEQUENCE), header.start
        if message is None:
            message = self._message = _Message(header.opcode, header.compressed)
        if len(message.data) + header.length > limits.max_message_bytes or message.parts >= limits.max_message_parts:
            return self._ignore(_TOO_BIG, header.length), header.start
        message.begin(header)
        self.parts += 1
        return self._fill(message, data, header.start, limits)

    def _fill(self, message: _Message, data: bytes, position: int, limits: Limits) -> tuple[Event | None, int]:
        end = min(position + message.missing, len(data))
        if end == position and not message.fin:
            return None, end  # a part of no bytes: nothing to add
        if not message.add(data[position:end]):
            return self._ignore(_NOT_UTF8, message.missing), end
        if message.missing or not message.fin:
            return None, end
        self._message = None
        return self._complete(message.event(limits)), end

    def _complete(self, event: Text | Binary | Violation) -> Event:
        """A message that has come to its end, or the violation it turned out to be."""
        return self._ignore(event, 0) if isinstance(event, Violation) else event

    def _fail(self, violation: Violation) -> Violation:
        """Whatever follows cannot be understood."""
        self.release()
        return violation

    def _ignore(self, violation: Violation, rest_of_frame: int) -> Violation:
        """From here on only the peer's close frame matters."""
        self._message, self._skip = None, rest_of_frame
        return violation

    def _seek(self, data: bytes, position: int) -> tuple[Event | None, int]:
        """Pass over the rest of a frame, or read a header in search of a close frame."""
        if self._skip:
            end = min(position + self._skip, len(data))
            self._skip -= end - position
            return None, end
        header = read_header(data, position, self._window_bits > 0)
        if header is None:
            return None, position
        if isinstance(header, Violation):
            self.release()
            return None, len(data)
        if header.opcode == CLOSE:
            event, end = self._control(header, data, position)
            return (None if isinstance(event, Violation) else event), end
        self._skip = header.length
        self.parts += 1
        return None, header.start


def _whole(opcode: int, payload: bytes) -> Text | Binary | Violation:
    """A message that is complete."""
    if opcode == BINARY:
        return Binary(payload)
    try:
        return Text(str(payload, "utf-8"))
    except UnicodeDecodeError:
        return _NOT_UTF8


def _inflated(opcode: int, payload: bytes, limits: Limits) -> Text | Binary | Violation:
    """A compressed message that is complete."""
    data = inflate(payload, limits.max_message_bytes)
    return data if isinstance(data, Violation) else _whole(opcode, data)
