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
from typing import Generic

from gateway.model.handshake import Handshake
from gateway.model.http import HttpResponse
from gateway.ports import ConversationT
from gateway.server.door import Door
from gateway.wire.compression import agreed_extension, agreed_window_bits, sent_text
from gateway.wire.frames import close_frame, pong_frame
from gateway.wire.handshake import switching_protocols
from gateway.wire.http import response
from gateway.wire.stream import Binary, Close, Event, MessageReader, Ping, Text, Violation


class State(Enum):
    """``CLOSING``: our close frame has left, the peer's is awaited. ``CLOSED``: the node hears and sends no more."""

    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


class WebSocketShell(MessageReader, ABC, Generic[ConversationT]):
    """Implements ``ports.Socket`` but for ``buffered_bytes``."""

    __slots__ = ("_conversation", "_door", "_is_full", "_is_held", "_key", "_state")

    def __init__(self, door: Door[ConversationT], key: str) -> None:
        super().__init__()
        self._door = door
        self._key = key
        self._state = State.CONNECTING
        self._conversation: ConversationT | None = None
        self._is_held = False  # by the node, which has enough to do for this client
        self._is_full = False  # the client does not read what we write

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

    def close(self, code: int | None, reason: str) -> None:
        if self._state is State.CONNECTING:
            self.abort()
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
        self._is_held = True
        self._read_on(False)

    def resume_reading(self) -> None:
        self._is_held = False
        if not self._is_full:
            self._read_on(True)

    # -- what the client does --------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Bytes came."""
        if self._state is State.CONNECTING:
            self._hold_early(data)
            return
        for event in self.feed(data, self._door.limits):
            if self._state is State.OPEN:
                self._open_event(event)
            elif self._state is State.CLOSING:
                self._closing_event(event)

    def stream_ended(self) -> None:
        """The client sends no more. Without a close frame nothing of ours can be of use to it."""
        if self._state is not State.CLOSED:
            self._lost()
            self._cut()

    def filled(self) -> None:
        """Much waits to leave. A client that does not read is not read: its pings would only pile up answers."""
        self._is_full = True
        self._read_on(False)

    def drained(self) -> None:
        """Most of it has left."""
        self._is_full = False
        if not self._is_held:
            self._read_on(True)

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

    def _open_event(self, event: Event) -> None:
        conversations, conversation = self._door.conversations, self._conversation
        assert conversation is not None
        if isinstance(event, Text):
            conversations.message(conversation, event.text)
        elif isinstance(event, Ping):
            self._write(pong_frame(event.payload))
        elif isinstance(event, Binary):
            conversations.binary(conversation, event.data)
        elif isinstance(event, Violation):
            conversations.violated(conversation, event.code, event.reason)
        elif isinstance(event, Close):
            self._write(close_frame(event.code, event.reason))
            self._peer_closed(event)

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
        conversation = self._conversation
        if self._state is not State.CLOSED and conversation is not None:
            self._end()
            self._door.conversations.peer_lost(conversation)

    def _end(self) -> None:
        self._state = State.CLOSED
        self._conversation = None
        self.release()

    # -- what the door does (Shell) ------------------------------------------------------------------------------

    def overdue(self) -> None:
        self._cut()

    def drop(self) -> None:
        self._cut()
