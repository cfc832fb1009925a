"""Accepts connections from one listening socket and leads each to its entrance.

asyncio's own server would report every one of a full backlog when the process is out of file descriptors. This one
says so once, with what to do about it, leaves the clients in the kernel's queue, and looks once a second whether there
is room again. It stops before the last descriptors are gone (``descriptors``).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from typing import Final, Protocol

from gateway.counters import Counters
from gateway.model.networks import plain_address
from gateway.ports import Reporter
from gateway.server.census import Census
from gateway.server.descriptors import RESERVED, for_clients, is_free
from gateway.wire.handshake import Peer

BACKLOG: Final = 4096  # connections that wait to be accepted
RETRY_S: Final = 1.0  # after the system had nothing left; asyncio waits as long
QUIET_S: Final = 60.0  # a pause that begins so soon behind another is not told again: room comes and goes by the socket
_BATCH: Final = 128  # accepted in one go before others get their turn
_REMEDIES: Final[Mapping[int, str]] = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.ENOBUFS: "the system has no memory for sockets",
    errno.ENOMEM: "the system has no memory for sockets",
}


class Entrance(Protocol):
    """What an accepted socket goes through."""

    def enter(self, accepted: socket.socket, peer: Peer) -> None:
        """Own a socket, which is non-blocking; ``peer`` knows nothing yet of TLS that ends here. Never raises."""

    def close(self) -> None:
        """Those who are still on their way in end; those who are in stay."""


class Acceptor:
    """To be made inside a running loop; owns ``listening`` from then on. While ``census`` is full the clients stay in
    the kernel's queue.

    ``reserved``: descriptors that are left to others (0 for clients that are this node's own handlers).
    """

    def __init__(
        self,
        listening: socket.socket,
        entrance: Entrance,
        reporter: Reporter,
        reserved: int = RESERVED,
        census: Census | None = None,
    ) -> None:
        self.pauses = 0
        self._listening = listening
        self._entrance = entrance
        self._reporter = reporter
        self._reserved = reserved
        self._census = Census(Counters()) if census is None else census
        self._full_until = 0.0
        self._loop = asyncio.get_running_loop()
        self._port: int = listening.getsockname()[1]
        self._retry: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._quiet_until = 0.0
        self._resume()

    def close(self) -> None:
        """Accept no more. Connections that are still on their way in end too."""
        if self._retry is not None:
            self._retry.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening.fileno())
            self._listening.close()
        self._entrance.close()

    def _resume(self) -> None:
        self._retry = None
        if is_free(for_clients(self._reserved), self._listening.fileno()):
            self._loop.add_reader(self._listening.fileno(), self._accept)
        else:
            self._rest(errno.EMFILE)

    def _accept(self) -> None:
        below, census = for_clients(self._reserved), self._census
        for _ in range(_BATCH):
            if census.is_full:
                self._pause()
                return
            try:
                accepted, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if (why := error.errno or 0) in _REMEDIES:
                    self._rest(why)
                    return
                continue  # this client went before it was accepted; the next may be fine (accept(2), NOTES)
            is_last = accepted.fileno() >= below - 1
            self._is_paused = False
            source_ip = address[0]
            if ":" in source_ip:
                source_ip = plain_address(source_ip) or source_ip  # a link-local one has its zone
            if census.admit(accepted.fileno(), source_ip):
                accepted.setblocking(False)  # not inherited, other than TCP_NODELAY
                self._entrance.enter(accepted, Peer(source_ip, self._port, secure=False))
            else:
                accepted.close()
            if is_last:
                self._rest(errno.EMFILE)
                return

    def _pause(self) -> None:
        """Leave the clients in the kernel's queue until somebody goes."""
        self._loop.remove_reader(self._listening.fileno())
        self._census.pause(self._unpause)
        now = self._loop.time()
        if now >= self._full_until:
            self._reporter.warned(
                f"no new connections on port {self._port} while {len(self._census)} are open (max_connections)"
            )
        self._full_until = now + QUIET_S

    def _unpause(self) -> None:
        if self._listening.fileno() >= 0:
            self._resume()

    def _rest(self, why: int) -> None:
        """Leave the clients in the kernel's queue for a while."""
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(RETRY_S, self._resume)
        if self._is_paused:
            return
        self._is_paused = True
        self.pauses += 1
        self._census.rest()
        now = self._loop.time()
        if now >= self._quiet_until:
            self._reporter.failed(
                f"no new connections on port {self._port} for now: {os.strerror(why)}; {_REMEDIES[why]} "
                f"(pause {self.pauses} on this port)"
            )
        self._quiet_until = now + QUIET_S
