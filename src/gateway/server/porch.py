"""Where connections wait for their PROXY header: those of balancers that are believed, on a port that asks for it.

A header is looked at before it is taken from the kernel, so not one byte behind it is read here: TLS, or the first
request, begins for the entrance behind as it does without. Connections of anybody else go straight there, where a PROXY
header is no request, nor TLS.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Generic

from gateway.counters import Limit
from gateway.model.limits import MAX_PROXY_V2_BYTES
from gateway.ports import ConversationT, Reporter
from gateway.server.acceptor import Entrance
from gateway.server.census import Census
from gateway.server.door import Door
from gateway.wire.handshake import Peer
from gateway.wire.proxy_header import NoProxyHeader, ProxyHeader, read_proxy_header

_PEEK_BYTES: Final = MAX_PROXY_V2_BYTES


class Porch(Generic[ConversationT]):
    """Implements ``Entrance`` in front of ``inner``. To be made inside a running loop. ``census`` has counted whoever
    comes, and is told whose connection it is."""

    def __init__(
        self, door: Door[ConversationT], inner: Entrance, reporter: Reporter, census: Census | None = None
    ) -> None:
        self._census = Census(door.counters) if census is None else census
        self.door = door
        self._inner = inner
        self._reporter = reporter
        self._waiting: set[_Waiting[ConversationT]] = set()
        self._has_told = False

    def enter(self, accepted: socket.socket, peer: Peer) -> None:
        if peer.source_ip not in self.door.trusted:
            self._inner.enter(accepted, peer)
            return
        waiting = _Waiting(self, accepted, peer)
        self._waiting.add(waiting)
        waiting.begin()

    def close(self) -> None:
        for waiting in tuple(self._waiting):
            waiting.drop()
        self._inner.close()

    def leave(self, waiting: _Waiting[ConversationT]) -> None:
        """It waits no more."""
        self._waiting.discard(waiting)
        self.door.leave(waiting)

    def pass_on(self, accepted: socket.socket, peer: Peer, header: ProxyHeader) -> None:
        """The header is taken from the kernel; what comes behind it is the client's."""
        said = header.proxied
        if said is None:
            self._inner.enter(accepted, peer)
        elif self._census.place(accepted.fileno(), said.source_ip):
            self._inner.enter(accepted, Peer(said.source_ip, said.port, said.secure))
        else:
            self.turn_away(accepted)

    def turn_away(self, accepted: socket.socket) -> None:
        """Close a socket that comes no further."""
        self._census.leave(accepted.fileno())
        accepted.close()

    def tell(self, peer: Peer, refused: NoProxyHeader) -> None:
        """Once: a balancer that is set up wrongly does it with every connection."""
        if not self._has_told:
            self._has_told = True
            self._reporter.failed(
                f"{peer.source_ip} is one of trusted_proxies and sent no PROXY header to port {peer.port}"
                f" ({refused.why}): closed; have it send one, or set proxy_protocol to off"
            )


class _Waiting(Generic[ConversationT]):
    """One connection; implements ``door.Shell``. ``_raw`` is the part of the header that was taken already."""

    __slots__ = ("_loop", "_peer", "_porch", "_raw", "_socket")

    def __init__(self, porch: Porch[ConversationT], accepted: socket.socket, peer: Peer) -> None:
        self._porch = porch
        self._socket = accepted
        self._peer = peer
        self._raw = b""
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        door = self._porch.door
        door.enter(self)
        door.watch(self, door.limits.proxy_header_timeout_ms)
        self._loop.add_reader(self._socket.fileno(), self._look)

    def overdue(self) -> None:
        self._porch.door.counters.exceed(Limit.PROXY_HEADER)
        self.drop()

    def drop(self) -> None:
        self._leave()
        self._porch.turn_away(self._socket)

    def _look(self) -> None:
        if not self._porch.door.holds():
            self.drop()
            return
        try:
            seen = self._socket.recv(_PEEK_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        found = read_proxy_header(self._raw + seen) if seen else NoProxyHeader("it ended")
        if isinstance(found, NoProxyHeader):
            if seen:  # whoever only looks whether somebody listens says nothing, and is told nothing
                self._porch.tell(self._peer, found)
            self.drop()
        elif found is None:
            self._raw += self._socket.recv(len(seen))
        else:
            self._socket.recv(found.length - len(self._raw))
            self._leave()
            self._porch.pass_on(self._socket, self._peer, found)

    def _leave(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        self._porch.leave(self)
