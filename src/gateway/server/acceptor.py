"""Accepts connections from one listening socket and leads each to its entrance.

asyncio's own server would report every one of a full backlog when the process is out of file descriptors. This one
says so once, with what to do about it, and tries again a second later.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final, Protocol

from gateway.counters import Counters
from gateway.ports import Reporter
from gateway.server.census import Census

BACKLOG: Final = 4096  # connections that wait to be accepted
RETRY_S: Final = 1.0  # after the system had nothing left; asyncio waits as long
_BATCH: Final = 128  # accepted in one go before others get their turn
_TELL_EVERY_S: Final = 60.0  # that nobody is accepted: a full node takes one and is full again, all day long
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Entrance(Protocol):
    """What an accepted socket goes through."""

    def enter(self, accepted: socket.socket, source_ip: str, port: int) -> None:
        """Own a socket, which is non-blocking; ``port`` is the one that its client reached. Never raises."""

    def close(self) -> None:
        """Those who are still on their way in end; those who are in stay."""


class Acceptor:
    """To be made inside a running loop; owns ``listening`` from then on. While ``census`` is full the clients stay in
    the kernel's queue."""

    def __init__(
        self, listening: socket.socket, entrance: Entrance, reporter: Reporter, census: Census | None = None
    ) -> None:
        self._listening = listening
        self._entrance = entrance
        self._reporter = reporter
        self._census = Census(Counters()) if census is None else census
        self._told_at: float | None = None
        self._loop = asyncio.get_running_loop()
        self._port: int = listening.getsockname()[1]
        self._retry: asyncio.TimerHandle | None = None
        self._exhausted = False
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
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        census = self._census
        for _ in range(_BATCH):
            if census.is_full:
                self._pause()
                return
            try:
                accepted, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(error)
                    return
                continue  # this client went before it was accepted; the next may be fine (accept(2), NOTES)
            self._exhausted = False
            source_ip = plain_address(address[0])
            if not census.admit(accepted.fileno(), source_ip):
                accepted.close()
                continue
            accepted.setblocking(False)  # not inherited, other than TCP_NODELAY
            self._entrance.enter(accepted, source_ip, self._port)

    def _pause(self) -> None:
        """Leave the clients in the kernel's queue until somebody goes."""
        self._loop.remove_reader(self._listening.fileno())
        self._census.pause(self._unpause)
        now = self._loop.time()
        if self._told_at is None or now - self._told_at > _TELL_EVERY_S:
            self._told_at = now
            self._reporter.warned(
                f"no new connections on port {self._port} while {len(self._census)} are open (max_connections)"
            )

    def _unpause(self) -> None:
        if self._listening.fileno() >= 0:
            self._resume()

    def _rest(self, error: OSError) -> None:
        """Leave the clients in the kernel's queue for a while."""
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(RETRY_S, self._resume)
        if not self._exhausted:
            self._exhausted = True
            self._reporter.failed(
                f"no new connections on port {self._port}: {error.strerror}; raise the limit of open files (ulimit -n)"
            )


def plain_address(source_ip: str) -> str:
    """An IPv4 client of a dual-stack socket by its IPv4 address."""
    if source_ip.startswith("::ffff:") and "." in source_ip:
        return source_ip.removeprefix("::ffff:")
    return source_ip
