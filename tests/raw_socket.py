"""A blocking client that is only bytes, for tests that wait for other processes: no event loop of theirs to stall."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.frames import Frame
from websockets.protocol import Protocol, Side

DEADLINE_S = 30.0
_UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class RawSocket:
    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._file = connected.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def upgrade(self, target: str) -> bytes:
        """A whole opening handshake; returns the response's head."""
        self.send(_UPGRADE.format(target=target).encode())
        head = self.head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return head

    def head(self) -> bytes:
        lines = iter(self._file.readline, b"\r\n")
        return b"".join(lines)

    def response(self) -> tuple[str, dict[str, str], bytes]:
        """Status line, headers by their names as sent, body."""
        first, *rest = self.head().decode("ascii").splitlines()
        headers = dict(line.split(": ", 1) for line in rest)
        length = int(next((value for name, value in headers.items() if name.lower() == "content-length"), 0))
        return first, headers, self._file.read(length)

    def frames(self) -> list[Frame]:
        """Every frame up to the end of the server's stream, judged by an independent reader."""
        judge = Protocol(Side.CLIENT, max_size=None)
        judge.receive_data(self._file.read())
        assert judge.parser_exc is None
        return [event for event in judge.events_received() if isinstance(event, Frame)]

    def end(self) -> None:
        """Send no more, go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def reset(self) -> None:
        """Go away with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


@contextmanager
def raw_socket(port: int) -> Iterator[RawSocket]:
    raw = RawSocket(socket.create_connection(("127.0.0.1", port), DEADLINE_S))
    try:
        yield raw
    finally:
        raw.close()
