"""Accepts connections from one listening socket and gives each a protocol of its own.

asyncio's own server would report every one of a full backlog when the process is out of file descriptors. This one
says so once, with what to do about it, and tries again a second later.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final

from gateway.model.limits import KIB, Limits
from gateway.ports import Reporter

BACKLOG: Final = 4096  # connections that wait to be accepted
RETRY_S: Final = 1.0  # after the system had nothing left; asyncio waits as long
# What asyncio reads of a TLS connection at once, and keeps allocated for each: 256 KiB by its own choice (273 KB of
# memory per idle connection measured), 25 KB with 4 KiB, at the price of 9 % more CPU for messages of 32 KiB.
TLS_BUFFER_BYTES: Final = 4 * KIB
_BATCH: Final = 128  # accepted in one go before others get their turn
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


@dataclass(frozen=True, slots=True)
class Entrance:
    """What an accepted socket becomes: ``factory``'s protocol, inside TLS when there is a context."""

    factory: Callable[[], asyncio.Protocol]
    tls: SSLContext | None
    limits: Limits


class Acceptor:
    """To be made inside a running loop; owns ``listening`` from then on."""

    def __init__(self, listening: socket.socket, entrance: Entrance, reporter: Reporter) -> None:
        self._listening = listening
        self._entrance = entrance
        self._reporter = reporter
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._exhausted = False
        if entrance.tls is not None:
            SSLProtocol.max_size = TLS_BUFFER_BYTES  # the only place asyncio lets it be chosen: for the whole process
        self._resume()

    def close(self) -> None:
        """Accept no more. Connections that are still in their TLS handshake end too."""
        if self._retry is not None:
            self._retry.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening.fileno())
            self._listening.close()
        for task in self._entering:
            task.cancel()

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                accepted, _ = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(error)
                    return
                continue  # this client went before it was accepted; the next may be fine (accept(2), NOTES)
            self._exhausted = False
            accepted.setblocking(False)
            task = self._loop.create_task(self._enter(accepted))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    def _rest(self, error: OSError) -> None:
        """Leave the clients in the kernel's queue for a while."""
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(RETRY_S, self._resume)
        if not self._exhausted:
            self._exhausted = True
            port = self._listening.getsockname()[1]
            self._reporter.failed(
                f"no new connections on port {port}: {error.strerror}; raise the limit of open files (ulimit -n)"
            )

    async def _enter(self, accepted: socket.socket) -> None:
        tls, limits = self._entrance.tls, self._entrance.limits
        try:
            await self._loop.connect_accepted_socket(
                self._entrance.factory,
                accepted,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else limits.head_timeout_ms / 1000,
                ssl_shutdown_timeout=None if tls is None else limits.close_timeout_ms / 1000,
            )
        except OSError:
            accepted.close()  # no TLS, a broken handshake, or gone already: nobody to tell
        except asyncio.CancelledError:
            accepted.close()
            raise
