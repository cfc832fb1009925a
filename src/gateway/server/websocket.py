"""The WebSocket shell without a socket: RFC 6455 on one side, the node's ``Conversations`` on the other.

It answers pings, echoes the peer's close frame and keeps quiet after a close; everything else the node decides. What
carries the bytes is a subclass: an asyncio transport (``stream``) or a bare descriptor (``parked_stream``). An idle
connection holds no task, timer, queue or buffer.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import Final, Generic

from gateway.counters import Limit
from gateway.engine.lifecycle import TOO_SLOW
from gateway.model.handshake import Handshake
from gateway.model.http import HttpResponse
from gateway.ports import ConversationT, Socket
from gateway.server.door import Door
from gateway.server.meter import Meter
from gateway.server.pulse import Beat
from gateway.wire.compression import agreed_extension, agreed_window_bits, sent_binary, sent_text
from gateway.wire.frames import MESSAGE_TOO_BIG, PING_FRAME, close_frame, pong_frame
from gateway.wire.handshake import switching_protocols
from gateway.wire.http import response
from gateway.wire.prepared_message import PreparedMessage
from gateway.wire.stream import Binary, Close, Event, MessageReader, Ping, Pong, Text, Violation

# Why a client is not read.
BY_NODE: Final = 1  # it has enough to do for this one
BY_CLIENT: Final = 2  # which does not read what we write
BY_METER: Final = 4  # it says more than it may
BY_OTHERS: Final = 8  # whose turn it is

MOST_FRAMES: Final = 16  # read of one client before it is the others' turn: 0.1 ms of parsing, 1 to 2 of invoking


class State(Enum):
    """``CLOSING``: our close frame has left, the peer's is awaited. ``LOST``: the socket is gone, and the node has yet
    to be told what had been read before. ``CLOSED``: the node hears and sends no more."""

    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    LOST = "LOST"
    CLOSED = "CLOSED"


class WebSocketShell(MessageReader, ABC, Generic[ConversationT]):
    """Implements ``ports.Socket`` but for ``buffered_bytes``."""

    __slots__ = ("_conversation", "_door", "_held", "_key", "_later", "_state")

    def __init__(self, door: Door[ConversationT], key: str) -> None:
        super().__init__()
        self._door = door
        self._key = key
        self._state = State.CONNECTING
        self._conversation: ConversationT | None = None
        self._held = 0  # why nothing is read: bits of the constants above
        self._later: list[Event] | None = None  # what had been read already when that began

    # -- what carries the bytes ------------------------------------------------------------------------------------

    @abstractmethod
    def buffered_bytes(self) -> int: ...

    @abstractmethod
    def _write(self, data: bytes) -> None: ...

    @abstractmethod
    def _read_on(self, on: bool) -> None:
        """Read from now on, or no more; idempotent."""

    @abstractmethod
    def _shut_sending(self) -> None:
        """End our stream once everything has left, if it can be ended while the client's goes on."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Read no more and end the connection once everything has left."""

    @abstractmethod
    def _cut(self) -> None:
        """End the connection now."""

    @abstractmethod
    def _say_farewell(self, last_words: bytes) -> None:
        """Send an HTTP response and end the connection; this shell hears no more of it."""

    # -- what the node wants (ports.Socket) ----------------------------------------------------------------------

    def accept(self, subprotocol: str | None) -> None:
        if self._state is not State.CONNECTING:
            return
        self._state = State.OPEN
        extension = agreed_extension(self._window_bits)
        self._write(switching_protocols(self._key, subprotocol, self._door.wall_ms(), extension))
        self._key = ""
        if self._door.pulse is not None:
            self._door.pulse.enter(self)
        if self._rest is not None:
            # Read in a call of its own: the node is in the midst of accepting and may not have its conversation yet.
            asyncio.get_running_loop().call_soon(self._read_held)

    def refuse(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        if self._state is not State.CONNECTING:
            return
        self._end()
        # The answer says keep-alive as AWS's does; the connection ends all the same: a client that was refused as a
        # WebSocket has nothing more to ask, and a server may close an idle connection at any time.
        self._say_farewell(response(HttpResponse(status, tuple(headers), body), self._door.wall_ms()))

    def send_text(self, data: bytes) -> None:
        if self._state is State.OPEN:
            self._write(sent_text(data, self._door.limits.max_frame_bytes, self._window_bits))

    def send_prepared(self, message: PreparedMessage, most: int) -> bool:
        if self.buffered_bytes() + message.size > most:
            return False
        if self._state is State.OPEN:
            self._write(message.frames(self._door.limits.max_frame_bytes, self._window_bits))
        return True

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        return [each for each in sockets if not each.send_prepared(message, most)]

    def send_binary(self, data: bytes) -> None:
        if self._state is State.OPEN:
            self._write(sent_binary(data, self._door.limits.max_frame_bytes, self._window_bits))

    def close(self, code: int | None, reason: str) -> None:
        if self._state is State.CONNECTING:
            self.abort()
        if self._state is State.LOST:
            self._state = State.CLOSING
            asyncio.get_running_loop().call_soon(self._lost)  # not now: the node is in the midst of closing
        if self._state is not State.OPEN:
            return
        self._state = State.CLOSING
        self._write(close_frame(code, reason))
        self._hang_up_if_deaf()

    def abort(self) -> None:
        if self._state is not State.CLOSED:
            self._end()
            self._cut()

    def pause_reading(self) -> None:
        self._hold_back(BY_NODE)

    def resume_reading(self) -> None:
        self._let_on(BY_NODE)

    # -- what the client does --------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Bytes came."""
        if self._state is State.CONNECTING:
            self._hold_early(data)
            return
        if self._door.pulse is not None:
            self._door.pulse.heard(self)
        events = self.feed(data, self._door.limits, MOST_FRAMES)
        parts, self.parts = self.parts, 0
        if self._later is None:
            self._take(events)
        else:
            self._later += events
        meter = self._door.meter
        if meter is not None and self._state is not State.CLOSED and not meter.weigh(self, len(data), parts):
            self._hold_back(BY_METER)
        if len(events) + parts >= MOST_FRAMES and self._state is not State.CLOSED:
            self._hold_back(BY_OTHERS)
            asyncio.get_running_loop().call_soon(self._let_on, BY_OTHERS)

    def stream_ended(self) -> None:
        """The client sends no more. Without a close frame nothing of ours can be of use to it."""
        if self._state is not State.CLOSED:
            self._lost()
            self._cut()

    def filled(self) -> None:
        """Much waits to leave. A client that does not read is not read: its pings would only pile up answers."""
        self._hold_back(BY_CLIENT)
        door, slow_ms = self._door, self._door.limits.slow_client_ms
        if slow_ms is not None and self._state is State.OPEN:
            door.unread[self] = self.buffered_bytes()
            door.watch(self, slow_ms)

    def drained(self) -> None:
        """Most of it has left."""
        if self._door.unread.pop(self, None) is not None:
            self._door.forget(self)
        self._let_on(BY_CLIENT)

    # -- what the pulse does (Beating) ---------------------------------------------------------------------------

    def beat(self, is_silent: bool) -> Beat:
        if self._state is not State.OPEN:
            return Beat.ENDED
        if self._held:
            return Beat.RESTS
        if is_silent:
            self._door.counters.exceed(Limit.PONG)
            self.stream_ended()
            return Beat.ENDED
        self._write(PING_FRAME)
        return Beat.ASKED

    # -- what the meter does (Metered) ---------------------------------------------------------------------------

    def go_on(self) -> None:
        self._let_on(BY_METER)

    # ------------------------------------------------------------------------------------------------------------

    def _ask(self, handshake: Handshake, early: bytes) -> None:
        """Ask the node; ``early`` came behind the head, before any 101."""
        if handshake.extensions and self._door.compresses:
            self._window_bits = agreed_window_bits(handshake.extensions)
        if early:
            self._hold_early(early)
        self._conversation = self._door.conversations.handshake(self, handshake)
        if self._conversation is None:
            self.abort()  # a no-op after refuse(), which is what None says

    def _hold_early(self, data: bytes) -> None:
        # No client may send before the 101. At most one read of such bytes is kept; the price is that its going away
        # is noticed only when reading starts.
        self.hold(data)
        self._read_on(False)

    def _read_held(self) -> None:
        self._read_on(True)
        self.received(b"")

    def _hold_back(self, why: int) -> None:
        self._held |= why
        self._read_on(False)

    def _let_on(self, why: int) -> None:
        self._held &= ~why
        if self._held:
            return
        if self._later is None and self._rest is None and self._state is not State.LOST:
            self._read_on(True)
        else:
            # In a turn of its own: the node may be in the midst of something.
            asyncio.get_running_loop().call_soon(self._take_later)

    def _take_later(self) -> None:
        if self._held or self._state is State.CLOSED or not self._door.holds():
            return
        if self._later is not None:
            events, self._later = self._later, None
            self._take(events)
        if self._rest is not None and self._is_free():
            self.received(b"")
        if self._is_free():
            self._go_on_reading()

    def _is_free(self) -> bool:
        return not self._held

    def _go_on_reading(self) -> None:
        """All that had been read is told."""
        if self._state is State.LOST:
            self._tell_lost()
        elif self._state is not State.CLOSED:
            self._read_on(True)

    def _take(self, events: list[Event]) -> None:
        """Act on what was read, as far as this client may go on."""
        meter = self._door.meter
        for at, event in enumerate(events):
            if self._held or (meter is not None and not self._may(event, meter)):
                self._later = events[at:]
                return
            if self._state in (State.OPEN, State.LOST):
                self._open_event(event)
            elif self._state is State.CLOSING:
                self._closing_event(event)

    def _may(self, event: Event, meter: Meter) -> bool:
        if self._state is not State.OPEN:  # of who is lost there is no more than has been read
            return True
        if isinstance(event, Text | Binary):
            may = meter.message(self)
        elif isinstance(event, Ping | Pong):
            may = meter.ping(self)
        else:
            return True
        if not may:
            self._hold_back(BY_METER)
        return may

    def _open_event(self, event: Event) -> None:
        conversations, conversation = self._door.conversations, self._conversation
        assert conversation is not None
        if isinstance(event, Text):
            conversations.message(conversation, event.text)
        elif isinstance(event, Ping):
            self._echo(pong_frame(event.payload))
        elif isinstance(event, Binary):
            conversations.binary(conversation, event.data)
        elif isinstance(event, Violation):
            self._door.counters.exceed(Limit.FRAME_BYTES if event.code == MESSAGE_TOO_BIG else Limit.PROTOCOL)
            conversations.violated(conversation, event.code, event.reason)
        elif isinstance(event, Close):
            self._echo(close_frame(event.code, event.reason))
            self._peer_closed(event)

    def _echo(self, frame: bytes) -> None:
        if self._state is State.OPEN:
            self._write(frame)

    def _closing_event(self, event: Event) -> None:
        """After our close frame only the peer's matters (RFC 6455 §5.5.1)."""
        if isinstance(event, Close):
            self._peer_closed(event)
        elif isinstance(event, Violation):
            self._hang_up_if_deaf()

    def _peer_closed(self, event: Close) -> None:
        conversation = self._conversation
        self._end()
        if self.buffered_bytes():
            self._door.watch(self, self._door.limits.close_timeout_ms)
        self._hang_up()
        assert conversation is not None
        self._door.conversations.peer_closed(conversation, event.code, event.reason)

    def _hang_up_if_deaf(self) -> None:
        """After a violation the peer's close frame cannot be read any more: the end of its stream tells as much."""
        if self.ended:
            self._shut_sending()

    def _lost(self) -> None:
        """The socket is gone. What had been read goes to the node before it hears of that, as fast as it takes it."""
        if self._state is State.OPEN and (self._later is not None or self._rest is not None):
            self._state = State.LOST
            if self._door.unread.pop(self, None) is not None:
                self._door.forget(self)
            self._let_on(BY_CLIENT)  # nothing waits for it any more
        elif self._state is not State.LOST:
            self._tell_lost()

    def _tell_lost(self) -> None:
        conversation = self._conversation
        if self._state is not State.CLOSED and conversation is not None:
            self._end()
            self._door.conversations.peer_lost(conversation)

    def _end(self) -> None:
        self._state = State.CLOSED
        self._conversation = None
        self._later = None
        if self._held:
            door = self._door
            if door.unread.pop(self, None) is not None:
                door.forget(self)
            if door.meter is not None:
                door.meter.forget(self)
        self.release()

    # -- what the door does (Shell) ------------------------------------------------------------------------------

    def overdue(self) -> None:
        if self._state is State.OPEN:
            self._look_at_unread()
        else:
            self._cut()

    def drop(self) -> None:
        self._cut()

    def _look_at_unread(self) -> None:
        """Much has waited for this client for a while. One that has taken some of it gets as long again."""
        door, conversation = self._door, self._conversation
        left, before = self.buffered_bytes(), door.unread.pop(self, 0)
        slow_ms = door.limits.slow_client_ms
        if left < before and slow_ms is not None:
            door.unread[self] = left
            door.watch(self, slow_ms)
        elif conversation is not None:
            door.counters.exceed(Limit.SLOW_CLIENT)
            door.conversations.violated(conversation, *TOO_SLOW)
