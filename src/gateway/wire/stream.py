"""RFC 6455 §5-§7 as a server reads it: bytes of one connection in, events out.

Whole frames go straight from the bytes to an event. Only while a frame or a message is incomplete is anything held,
so an idle connection costs two empty fields. Text is checked as it arrives, also in the midst of a frame. After a
close frame or a violation nothing more is read.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from dataclasses import dataclass

from gateway.model.limits import Limits
from gateway.wire.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    INVALID_PAYLOAD,
    MESSAGE_TOO_BIG,
    PING,
    PONG,
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


@dataclass(frozen=True, slots=True)
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

_Utf8Decoder = getincrementaldecoder("utf-8")


class _Message:
    """A message that is not complete, and the rest of its current frame: ``missing`` bytes are yet to come."""

    __slots__ = ("_check", "data", "fin", "mask", "missing", "opcode")

    def __init__(self, opcode: int) -> None:
        self.opcode = opcode
        self.data = bytearray()
        self._check = _Utf8Decoder() if opcode == TEXT else None
        self.missing = 0
        self.mask = b""
        self.fin = False

    def begin(self, header: Header) -> None:
        self.missing, self.mask, self.fin = header.length, header.mask, header.fin

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

    def event(self) -> Text | Binary:
        """The whole message; text was checked as it came."""
        return Text(self.data.decode()) if self.opcode == TEXT else Binary(bytes(self.data))


class MessageReader:
    """Mix it into a socket shell, or use it alone. What it holds between calls never exceeds one incomplete message
    and one incomplete header or control frame."""

    __slots__ = ("_ended", "_message", "_rest")

    def __init__(self) -> None:
        self._ended = False
        self._message: _Message | None = None
        self._rest: bytes | None = None

    @property
    def ended(self) -> bool:
        """Whether a close frame or a violation ended the reading."""
        return self._ended

    def hold(self, data: bytes) -> None:
        """Keep bytes that came before reading may begin; the next ``feed`` reads them first."""
        self._rest = data if self._rest is None else self._rest + data

    def release(self) -> None:
        """Read nothing any more and hold nothing."""
        self._ended, self._message, self._rest = True, None, None

    def feed(self, data: bytes, limits: Limits) -> list[Event]:
        """The events that ``data`` completes, in order; a ``Close`` or ``Violation`` is the last one ever."""
        events: list[Event] = []
        if self._ended:
            return events
        if self._rest is not None:
            data, self._rest = self._rest + data, None
        position, size = 0, len(data)
        while position < size:
            event, end = self._step(data, position, limits)
            if event is not None:
                events.append(event)
                if isinstance(event, Close | Violation):
                    self.release()
                    return events
            elif end == position:
                self._rest = data[position:]
                break
            position = end
        return events

    def _step(self, data: bytes, position: int, limits: Limits) -> tuple[Event | None, int]:
        """Read one frame or what there is of it; the place reached has not moved when more bytes are needed."""
        message = self._message
        if message is not None and message.missing:
            return self._fill(message, data, position)
        header = read_header(data, position, limits.max_frame_bytes)
        if header is None or isinstance(header, Violation):
            return header, position
        end = header.start + header.length
        if header.opcode >= CLOSE:
            if end > len(data):
                return None, position
            return _control(header.opcode, apply_mask(data[header.start : end], header.mask)), end
        if message is None and header.fin and end <= len(data) and header.length <= limits.max_message_bytes:
            return _whole(header.opcode, apply_mask(data[header.start : end], header.mask)), end
        return self._begin(header, data, limits)

    def _begin(self, header: Header, data: bytes, limits: Limits) -> tuple[Event | None, int]:
        """Start on a data frame that is incomplete or a fragment."""
        message = self._message
        if (message is None) == (header.opcode == CONTINUATION):
            return _BAD_SEQUENCE, header.start
        if message is None:
            message = self._message = _Message(header.opcode)
        if len(message.data) + header.length > limits.max_message_bytes:
            return _TOO_BIG, header.start
        message.begin(header)
        return self._fill(message, data, header.start)

    def _fill(self, message: _Message, data: bytes, position: int) -> tuple[Event | None, int]:
        end = min(position + message.missing, len(data))
        if not message.add(data[position:end]):
            return _NOT_UTF8, end
        if message.missing or not message.fin:
            return None, end
        self._message = None
        return message.event(), end


def _whole(opcode: int, payload: bytes) -> Event:
    """A message that came in one frame."""
    if opcode == BINARY:
        return Binary(payload)
    if opcode == CONTINUATION:
        return _BAD_SEQUENCE
    try:
        return Text(str(payload, "utf-8"))
    except UnicodeDecodeError:
        return _NOT_UTF8


def _control(opcode: int, payload: bytes) -> Event:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    closing = read_close(payload)
    return closing if isinstance(closing, Violation) else Close(*closing)
