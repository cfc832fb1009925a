"""The WebSocket shell on an asyncio transport: RFC 6455 on one side, the node's ``Conversations`` on the other.

It answers pings, echoes the peer's close frame and keeps quiet after a close; everything else the node decides. An
idle connection holds no task, timer, queue or buffer: this object, its transport and a place in the door's set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Generic

from gateway.model.handshake import Handshake
from gateway.model.http import HttpResponse
from gateway.ports import ConversationT
from gateway.server.door import Door
from gateway.server.farewell import say_farewell
from gateway.wire.frames import close_frame, pong_frame, text_frames
from gateway.wire.handshake import switching_protocols
from gateway.wire.http import response
from gateway.wire.stream import Binary, Close, Event, MessageReader, Ping, Text, Violation


class State(Enum):
    """``CLOSING``: our close frame has left, the peer's is awaited. ``CLOSED``: the node hears and sends no more."""

    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


class WebSocketStream(MessageReader, asyncio.Protocol, Generic[ConversationT]):
    """Implements ``ports.Socket``."""

    __slots__ = ("_conversation", "_door", "_is_full", "_is_held", "_key", "_state", "_transport")

    def __init__(self, door: Door[ConversationT], transport: asyncio.Transport, key: str) -> None:
        super().__init__()
        self._door = door
        self._transport = transport
        self._key = key
        self._state = State.CONNECTING
        self._conversation: ConversationT | None = None
        self._is_held = False  # by the node, which has enough to do for this client
        self._is_full = False  # the client does not read what we write

    def begin(self, handshake: Handshake, early: bytes) -> None:
        """Take the transport over and ask the node; ``early`` came behind the head, before any 101."""
        self._transport.set_protocol(self)
        self._door.enter(self)
        if early:
            self._hold_early(early)
        self._conversation = self._door.conversations.handshake(self, handshake)
        if self._conversation is None:
            self.abort()  # a no-op after refuse(), which is what None says

    # -- what the node wants (ports.Socket) ----------------------------------------------------------------------

    def accept(self, subprotocol: str | None) -> None:
        if self._state is not State.CONNECTING:
            return
        self._state = State.OPEN
        self._transport.write(switching_protocols(self._key, subprotocol, self._door.wall_ms()))
        self._key = ""
        if self._rest is not None:
            # Read in a call of its own: the node is in the midst of accepting and may not have its conversation yet.
            asyncio.get_running_loop().call_soon(self._read_held)

    def refuse(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        if self._state is not State.CONNECTING:
            return
        self._end()
        self._door.leave(self)
        # The answer says keep-alive as AWS's does; the connection ends all the same: a client that was refused as a
        # WebSocket has nothing more to ask, and a server may close an idle connection at any time.
        say_farewell(
            self._door, self._transport, response(HttpResponse(status, tuple(headers), body), self._door.wall_ms())
        )

    def send_text(self, data: bytes) -> None:
        if self._state is State.OPEN:
            self._transport.write(text_frames(data, self._door.limits.max_frame_bytes))

    def close(self, code: int | None, reason: str) -> None:
        if self._state is State.CONNECTING:
            self.abort()
        if self._state is not State.OPEN:
            return
        self._state = State.CLOSING
        self._transport.write(close_frame(code, reason))
        self._hang_up_if_deaf()

    def abort(self) -> None:
        if self._state is not State.CLOSED:
            self._end()
            self._transport.abort()

    def buffered_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._is_held = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._is_held = False
        if not self._is_full:
            self._transport.resume_reading()

    # -- what the client does (asyncio.Protocol) -----------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._state is State.CONNECTING:
            self._hold_early(data)
            return
        for event in self.feed(data, self._door.limits):
            if self._state is State.OPEN:
                self._open_event(event)
            elif self._state is State.CLOSING:
                self._closing_event(event)

    def eof_received(self) -> None:
        """The client sends no more. Without a close frame nothing of ours can be of use to it."""
        if self._state is not State.CLOSED:
            self._lost()
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.leave(self)
        self._lost()

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read: its pings and requests would only pile up answers."""
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        if not self._is_held:
            self._transport.resume_reading()

    # -- what the door does (Shell) ------------------------------------------------------------------------------

    def overdue(self) -> None:
        self._transport.abort()

    def drop(self) -> None:
        self._transport.abort()

    # ------------------------------------------------------------------------------------------------------------

    def _hold_early(self, data: bytes) -> None:
        # No client may send before the 101. At most one read of such bytes is kept; the price is that its going away
        # is noticed only when reading starts.
        self.hold(data)
        self._transport.pause_reading()

    def _read_held(self) -> None:
        self._transport.resume_reading()
        self.data_received(b"")

    def _open_event(self, event: Event) -> None:
        conversations, conversation = self._door.conversations, self._conversation
        assert conversation is not None
        if isinstance(event, Text):
            conversations.message(conversation, event.text)
        elif isinstance(event, Ping):
            self._transport.write(pong_frame(event.payload))
        elif isinstance(event, Binary):
            conversations.binary(conversation, event.data)
        elif isinstance(event, Violation):
            conversations.violated(conversation, event.code, event.reason)
        elif isinstance(event, Close):
            self._transport.write(close_frame(event.code, event.reason))
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
        if self._transport.get_write_buffer_size():
            self._door.watch(self, self._door.limits.close_timeout_ms)
        self._transport.close()
        assert conversation is not None
        self._door.conversations.peer_closed(conversation, event.code, event.reason)

    def _hang_up_if_deaf(self) -> None:
        """After a violation the peer's close frame cannot be read any more: the end of its stream tells as much."""
        if self.ended and self._transport.can_write_eof():
            self._transport.write_eof()

    def _lost(self) -> None:
        conversation = self._conversation
        if self._state is not State.CLOSED and conversation is not None:
            self._end()
            self._door.conversations.peer_lost(conversation)

    def _end(self) -> None:
        self._state = State.CLOSED
        self._conversation = None
        self.release()
