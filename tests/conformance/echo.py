"""The socket layer as an echo server, its limits lifted: what Autobahn's cases are run against.

    python tests/conformance/echo.py parked|transport

Prints its port and serves until its stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in ("src", "tests")]

from gateway.model.handshake import Handshake
from gateway.model.limits import AWS, KIB, Limits
from gateway.ports import Socket
from gateway.server.conduct import Conduct
from gateway.server.listener import FrontDoor
from gateway.server.websocket import WebSocketShell
from gateway.system.clock import SystemClock
from gateway.wire.compression import deflate, packed_frames
from gateway.wire.frames import BINARY, TEXT, frame
from server_fakes import Reports, Service

SHELLS: Final = ("parked", "transport")
# The longest case has 16 MiB, in one frame.
LIFTED: Final = Limits(max_frame_bytes=64 * KIB * KIB, max_message_bytes=64 * KIB * KIB, max_message_parts=KIB * KIB)


class Echo:
    """``ports.Conversations``: every message goes back. As it would not from the gateway, a binary one does too, and
    where compression was agreed on, whatever its size it is compressed: kosoku 0.1.0 fails to hash one that comes plain
    in those cases, which is legal. Tests of ``wire/compression.py`` have an independent client read plain ones."""

    def handshake(self, socket: Socket, handshake: Handshake) -> Socket:
        socket.accept(None)
        return socket

    def message(self, socket: Socket, text: str) -> None:
        if not _send_packed(socket, TEXT, text.encode()):
            socket.send_text(text.encode())

    def binary(self, socket: Socket, data: bytes) -> None:
        assert isinstance(socket, WebSocketShell)
        if not _send_packed(socket, BINARY, data):
            socket._write(frame(BINARY, data))

    def violated(self, socket: Socket, code: int, reason: str) -> None:
        socket.close(code, reason)

    def peer_closed(self, socket: Socket, code: int | None, reason: str) -> None: ...

    def peer_lost(self, socket: Socket) -> None: ...


def _send_packed(socket: Socket, opcode: int, data: bytes) -> bool:
    assert isinstance(socket, WebSocketShell)
    if socket._window_bits:
        socket._write(packed_frames(opcode, deflate(data, socket._window_bits), AWS.max_frame_bytes))
    return socket._window_bits > 0


@asynccontextmanager
async def echoing(shell: str) -> AsyncIterator[int]:
    """Serve on a free port of 127.0.0.1, which is given."""
    reports = Reports()
    door = FrontDoor(Echo(), Service(), SystemClock(), reports, LIFTED, Conduct(parks=shell == "parked"))
    try:
        yield await door.open("127.0.0.1", 0)
    finally:
        await door.close()
    assert reports.failures == []


async def main(shell: str) -> None:
    async with echoing(shell) as port:
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
