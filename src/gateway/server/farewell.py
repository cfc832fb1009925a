"""The last bytes of a connection: sent, then the socket is closed without losing them on their way.

Closing a TCP socket that still has unread input resets it, and the reset may overtake the answer. So the sending side
is shut, what still comes is thrown away, and the socket goes when the client has gone or time is up.
"""

from __future__ import annotations

import asyncio

from gateway.ports import ConversationT
from gateway.server.door import Door


def say_farewell(door: Door[ConversationT], transport: asyncio.Transport, last_words: bytes) -> None:
    """Send ``last_words`` and end the connection; the transport has a new protocol afterwards."""
    transport.set_protocol(_Farewell(door, transport))
    transport.write(last_words)
    if transport.can_write_eof():
        transport.write_eof()
        transport.resume_reading()
    else:
        transport.close()  # TLS: says close-notify and waits for the client's


class _Farewell(asyncio.Protocol):
    __slots__ = ("_leave", "_transport")

    def __init__(self, door: Door[ConversationT], transport: asyncio.Transport) -> None:
        self._transport = transport
        self._leave = door.leave
        door.enter(self)
        door.watch(self, door.limits.close_timeout_ms)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(self)

    def overdue(self) -> None:
        self._transport.abort()

    def drop(self) -> None:
        self._transport.abort()
