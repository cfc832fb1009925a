"""TLS for parked sockets: OpenSSL between the bytes and the descriptor.

Each socket keeps an ``ssl.SSLSocket`` and nothing else: no memory BIOs, no buffers, no transport. What that costs is
OpenSSL's own, 14 KB with 3.0: half of it the one structure, the rest ciphers, session and keys of the handshake.

The handshake is part of the first reads; what a client sends that speaks no TLS breaks its connection like a reset.

OpenSSL reads no further than the record it is in, and a read takes a whole record. So nothing ever waits inside it that
the epoll could not tell of.
"""

from __future__ import annotations

import os
from contextlib import suppress
from socket import socket
from ssl import SSLError, SSLSocket, SSLWantReadError, SSLWantWriteError, SSLZeroReturnError
from typing import Final

from gateway.model.limits import KIB
from gateway.server.carrier import READ_BYTES, Stalled
from gateway.server.tls_source import Contexts

RECORD_BYTES: Final = 16 * KIB  # of plain text in one record, at most (RFC 8446 §5.1)


class SecureCarrier:
    """Implements ``Carrier``."""

    __slots__ = ("_by_fd", "_contexts")

    # A read without a byte was a step of a handshake, of which the longer one signs: as long as reading this much of
    # plain TCP several times over. A wake-up has room for six, and then it is the turn of others.
    vain_read_bytes: Final = 16 * KIB

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._by_fd: dict[int, SSLSocket] = {}

    def admit(self, accepted: socket) -> int | None:
        try:
            secured = self._contexts().wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError):
            accepted.close()
            return None
        self._by_fd[secured.fileno()] = secured
        return secured.fileno()

    def is_ready(self, fd: int) -> bool:
        return self._by_fd[fd].version() is not None

    def receive(self, fd: int) -> bytes:
        try:
            return self._by_fd[fd].recv(READ_BYTES)
        except SSLWantReadError:
            raise BlockingIOError from None
        except SSLWantWriteError:
            raise Stalled from None
        except SSLZeroReturnError:  # in place of b"" once ``part`` has been called
            return b""
        except SSLError:
            with suppress(OSError):
                os.read(fd, READ_BYTES)  # unread, it would reset the connection, and that may overtake OpenSSL's alert
            raise

    def send(self, fd: int, data: bytes | bytearray) -> int:
        """One record after another. OpenSSL keeps a record that the kernel took in part and wants to be given its plain
        text again, with more behind it or not: it counts as not taken, so the next ``data`` begins with it."""
        secured, sent = self._by_fd[fd], 0
        with memoryview(data) as plain:
            try:
                while sent < len(plain):
                    sent += secured.send(plain[sent : sent + RECORD_BYTES])
            except (SSLWantReadError, SSLWantWriteError):
                if not sent:
                    raise BlockingIOError from None
        return sent

    def part(self, fd: int) -> None:
        with suppress(OSError, ValueError):
            # Says close-notify and looks for the client's, once; a record that it finds instead is lost, as everything
            # is that comes behind our end.
            self._by_fd[fd].unwrap()

    def discard(self, fd: int) -> None:
        with suppress(OSError):
            self._by_fd.pop(fd).close()
