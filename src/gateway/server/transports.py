"""Accepted sockets as asyncio transports, each with a protocol of its own, inside TLS where there is a context."""

from __future__ import annotations

import asyncio
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Final

from gateway.counters import Counters, Limit
from gateway.model.limits import KIB, Limits
from gateway.server.tls_source import Contexts
from gateway.wire.handshake import Peer

# What asyncio reads of a TLS connection at once, and keeps allocated for each: 256 KiB by its own choice (273 KB of
# memory per idle connection measured), 25 KB with 4 KiB, at the price of 9 % more CPU for messages of 32 KiB.
TLS_BUFFER_BYTES: Final = 4 * KIB


class Transports:
    """Implements ``acceptor.Entrance``. To be made inside a running loop. ``left`` is told the number of each
    descriptor that is closed, before anything can be opened under it."""

    def __init__(
        self,
        factory: Callable[[Peer], asyncio.Protocol],
        tls: Contexts | None,
        limits: Limits,
        left: Callable[[int], None] | None = None,
        counters: Counters | None = None,
    ) -> None:
        self._counters = counters
        self._factory = factory
        self._left = left
        self._tls = tls
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        if tls is not None:
            SSLProtocol.max_size = TLS_BUFFER_BYTES  # the only place asyncio lets it be chosen: for the whole process

    def enter(self, accepted: socket.socket, peer: Peer) -> None:
        peer = peer if self._tls is None else peer.over_tls()
        self._start(accepted, lambda: self._factory(peer))

    def replay(self, accepted: socket.socket, peer: Peer, data: bytes) -> None:
        """A socket of which ``data`` has been read already."""
        self._start(accepted, lambda: _Replay(self._factory(peer), data))

    def close(self) -> None:
        """End those that have no protocol yet, as in a TLS handshake."""
        for task in self._entering:
            task.cancel()

    def _start(self, accepted: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        if self._left is not None:
            accepted = _Told(accepted.detach(), self._left)
        task = self._loop.create_task(self._enter(accepted, factory))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, accepted: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        tls, limits = self._tls, self._limits
        try:
            await self._loop.connect_accepted_socket(
                factory,
                accepted,
                ssl=None if tls is None else tls(),
                ssl_handshake_timeout=None if tls is None else limits.tls_handshake_timeout_ms / 1000,
                ssl_shutdown_timeout=None if tls is None else limits.close_timeout_ms / 1000,
            )
        except ConnectionAbortedError:  # as asyncio says that the handshake took too long
            if self._counters is not None:
                self._counters.exceed(Limit.TLS_HANDSHAKE)
            accepted.close()
        except OSError:
            accepted.close()  # no TLS, a broken handshake, or gone already: nobody to tell
        except asyncio.CancelledError:
            accepted.close()
            raise


class _Told(socket.socket):
    """A socket whose end is told: asyncio closes it last, whichever protocols its transport had."""

    def __init__(self, fd: int, left: Callable[[int], None]) -> None:
        super().__init__(fileno=fd)
        self._left = left

    def close(self) -> None:
        fd = self.fileno()
        super().close()
        if fd >= 0:
            self._left(fd)


class _Replay(asyncio.Protocol):
    """Gives a protocol what was read before it came, and steps aside before anything more is read."""

    def __init__(self, protocol: asyncio.Protocol, data: bytes) -> None:
        self._protocol = protocol
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        replay(transport, self._protocol, self._data)


def replay(transport: asyncio.BaseTransport, protocol: asyncio.Protocol, data: bytes) -> None:
    """Make ``protocol`` the transport's, beginning with ``data``."""
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    protocol.data_received(data)
