"""What is between the bytes of a parked socket and its descriptor: nothing, or TLS (``secure_carrier``)."""

from __future__ import annotations

import os
from socket import socket
from typing import Final, Protocol

from gateway.model.limits import KIB

READ_BYTES: Final = 16 * KIB


class Stalled(OSError):
    """Nothing can be read before something has been written, for which there is no room yet."""


class Carrier(Protocol):
    """No method waits: descriptors are non-blocking."""

    @property
    def vain_read_bytes(self) -> int:
        """What a read that gave nothing is worth in the budget of a wake-up."""

    def admit(self, accepted: socket) -> int | None:
        """The descriptor of an accepted socket, which is owned from now on; None when its client has gone already."""

    def is_ready(self, fd: int) -> bool:
        """Whether both sides have agreed on how they speak, so that the next bytes are the client's own."""

    def receive(self, fd: int) -> bytes:
        """At most ``READ_BYTES``, empty at the end of the client's stream. Nothing is left that the kernel does not
        tell of. Raises BlockingIOError when nothing has come, Stalled, and OSError when the connection is broken."""

    def send(self, fd: int, data: bytes | bytearray) -> int:
        """How many bytes were taken. Raises BlockingIOError when that is none, OSError when the connection is broken.
        What was not taken must be what is sent next."""

    def part(self, fd: int) -> None:
        """Everything has been sent: say so, where that is said in the stream. May be called twice, never raises."""

    def discard(self, fd: int) -> None:
        """Close the descriptor. Never raises."""


class PlainCarrier:
    """Implements ``Carrier`` for plain TCP."""

    __slots__ = ()

    vain_read_bytes: Final = 0

    def admit(self, accepted: socket) -> int:
        return accepted.detach()

    def is_ready(self, fd: int) -> bool:
        return True

    def receive(self, fd: int) -> bytes:
        return os.read(fd, READ_BYTES)

    send = staticmethod(os.write)  # itself: what a frame of Python around it costs is a tenth of a broadcast's loop

    def part(self, fd: int) -> None: ...

    def discard(self, fd: int) -> None:
        os.close(fd)


PLAIN: Final = PlainCarrier()
