"""The WebSocket shell on an asyncio transport: for systems without epoll, and for handshakes that aiohttp read."""

from __future__ import annotations

import asyncio

from gateway.model.handshake import Handshake
from gateway.ports import ConversationT
from gateway.server.door import Door
from gateway.server.farewell import say_farewell
from gateway.server.websocket import State, WebSocketShell


class WebSocketStream(WebSocketShell[ConversationT], asyncio.Protocol):
    """Beside itself an idle connection costs its transport and a place in the door's set."""

    __slots__ = ("_transport",)

    def __init__(self, door: Door[ConversationT], transport: asyncio.Transport, key: str) -> None:
        super().__init__(door, key)
        self._transport = transport

    def begin(self, handshake: Handshake, early: bytes) -> None:
        """Take the transport over and ask the node; ``early`` came behind the head, before any 101."""
        self._transport.set_protocol(self)
        self._door.enter(self)
        self._ask(handshake, early)

    def buffered_bytes(self) -> int:
        return 0 if self._state is State.LOST else self._transport.get_write_buffer_size()

    # -- asyncio.Protocol ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._door.holds():
            self.received(data)

    def eof_received(self) -> None:
        if self._door.holds():
            self.stream_ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.leave(self)
        if self._door.holds():
            self._lost()
        else:
            self._end()

    def pause_writing(self) -> None:
        self.filled()

    def resume_writing(self) -> None:
        self.drained()

    # -- WebSocketShell --------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        self._transport.write(data)

    def _read_on(self, on: bool) -> None:
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _shut_sending(self) -> None:
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _hang_up(self) -> None:
        if not self._transport.is_closing():  # asyncio's TLS takes no other call after a second one
            self._transport.close()

    def _cut(self) -> None:
        self._transport.abort()

    def _say_farewell(self, last_words: bytes) -> None:
        self._door.leave(self)
        say_farewell(self._door, self._transport, last_words)
