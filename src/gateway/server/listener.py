"""Listening sockets: the front door for WebSockets and HTTP, plain or TLS, and an HTTP door for this machine alone.

Binding and serving are two steps, so that every port can be had, or complained about, before anything is started.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Final, Generic

from gateway.model.errors import UserError
from gateway.model.limits import AWS, Limits
from gateway.ports import Clock, Conversations, ConversationT, HttpService, Reporter
from gateway.server.acceptor import BACKLOG, Acceptor, Entrance
from gateway.server.carrier import PLAIN
from gateway.server.census import Census
from gateway.server.conduct import PLAINLY, Conduct
from gateway.server.descriptors import RESERVED
from gateway.server.desk import Desk
from gateway.server.door import Door
from gateway.server.farewell import say_farewell
from gateway.server.handover import Descriptors, Handover
from gateway.server.head import Head, upgrade
from gateway.server.late_host import LateHttpHost
from gateway.server.lot import CAN_PARK, Lot
from gateway.server.parked_requests import Yard
from gateway.server.parked_transport import ParkedTransports
from gateway.server.porch import Porch
from gateway.server.secure_carrier import SecureCarrier
from gateway.server.tls_source import Contexts, contexts_of
from gateway.server.transports import Transports

LOCALHOST: Final = "localhost"
LOOPBACK: Final = "127.0.0.1"
_LOOPBACK: Final = ((int(socket.AF_INET), LOOPBACK), (int(socket.AF_INET6), "::1"))
_TRIES: Final = 16  # to find one free port for both families
_NO_IPV6: Final = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))

Address = tuple[int, str]


class FrontDoor(Generic[ConversationT]):
    """WebSockets go to ``conversations``, every other request to ``http``. To be made inside a running loop."""

    def __init__(
        self,
        conversations: Conversations[ConversationT],
        http: HttpService,
        clock: Clock,
        reporter: Reporter,
        limits: Limits = AWS,
        conduct: Conduct = PLAINLY,
    ) -> None:
        self._door = Door(conversations, clock, limits, conduct)
        self._desk = Desk(http, clock, reporter)
        goodbye = partial(say_farewell, self._door)
        self._host = LateHttpHost(self._desk, conduct, partial(upgrade, self._door), limits, goodbye)
        self._guests = Census(conduct.counters, conduct.most_sockets, conduct.most_per_address, conduct.trusted)
        self._house = Census(conduct.counters)
        self._conduct = conduct
        self._reporter = reporter
        self._acceptors: list[Acceptor] = []
        self._yards: list[Yard[ConversationT]] = []

    def __len__(self) -> int:
        """How many sockets there are that aiohttp does not have."""
        return len(self._door) + sum(map(len, self._yards))

    @property
    def accept_pauses(self) -> int:
        """How often nobody could be accepted because descriptors or memory were short; a metric, only grows."""
        return sum(acceptor.pauses for acceptor in self._acceptors)

    async def open(self, host: str, port: int, tls: SSLContext | Contexts | None = None) -> int:
        """Listen on one more address; 0 takes a free port. Returns the port. Raises UserError when it cannot be had."""
        bound = await bind(host, port)
        await self.serve(bound, tls)
        return bound.port

    async def serve(
        self,
        bound: Bound,
        tls: SSLContext | Contexts | None = None,
        *,
        strangers: bool = True,
        proxied: bool = False,
    ) -> None:
        """Accept from sockets that listen already; those accepted are parked, where the system can.

        Without ``strangers`` only this node's own come here: they are not limited in number, and may have the last
        descriptors. ``proxied``: connections of those that are trusted begin with a PROXY header, in front of TLS too.
        """
        census = self._guests if strangers else self._house
        entrance: Entrance
        contexts = contexts_of(tls)
        if self._conduct.parks and CAN_PARK:
            entrance = self._parking(contexts, census)
        else:
            head = partial(Head, self._door, self._host.protocol)
            entrance = Transports(head, contexts, self._door.limits, census.leave, self._door.counters)
        if proxied:
            entrance = Porch(self._door, entrance, self._reporter, census)
        reserved = RESERVED if strangers else 0
        self._acceptors += [Acceptor(sock, entrance, self._reporter, reserved, census) for sock in bound.sockets]

    def stop_accepting(self) -> None:
        """Close the listening sockets; those that are open stay."""
        for acceptor in self._acceptors:
            acceptor.close()

    async def close(self, timeout_s: float = 0.0) -> None:
        """Stop accepting, let HTTP requests end for at most ``timeout_s``, and close whatever is left."""
        self.stop_accepting()
        await asyncio.gather(self._host.close(timeout_s), self._desk.close(timeout_s))
        self._door.close()
        for yard in self._yards:
            yard.handover.close()
            yard.lot.shut_down()

    def _parking(self, tls: Contexts | None, census: Census) -> Yard[ConversationT]:
        """A yard of its own for each port."""
        door, protocol = self._door, self._host.protocol
        carrier = PLAIN if tls is None else SecureCarrier(tls)
        lot = Lot(door.holds, carrier, census.leave)
        handover: Handover
        if tls is None:
            handover = Descriptors(lot, Transports(protocol, None, door.limits, census.leave))
        else:
            handover = ParkedTransports(lot, protocol, tls())
        self._yards.append(Yard(door, self._desk, self._conduct, carrier, lot, handover, census.leave))
        return self._yards[-1]


class HttpDoor:
    """A service for this machine alone, on 127.0.0.1. To be made inside a running loop."""

    def __init__(self, service: HttpService, clock: Clock, reporter: Reporter) -> None:
        self._host = LateHttpHost(Desk(service, clock, reporter), PLAINLY)
        self._reporter = reporter
        self._acceptors: list[Acceptor] = []

    async def open(self, port: int = 0) -> int:
        """Listen; 0 takes a free port. Returns the port. Raises UserError when it cannot be had."""
        bound = await bind(LOOPBACK, port)
        await self.serve(bound)
        return bound.port

    async def serve(self, bound: Bound, tls: SSLContext | None = None) -> None:
        """Accept from sockets that listen already; that they do on loopback is up to who bound them."""
        entrance = Transports(self._host.protocol, contexts_of(tls), AWS)
        self._acceptors += [Acceptor(sock, entrance, self._reporter, 0) for sock in bound.sockets]

    async def close(self, timeout_s: float = 0.0) -> None:
        """Stop accepting, let requests end for at most ``timeout_s``, and close every connection."""
        for acceptor in self._acceptors:
            acceptor.close()
        await self._host.close(timeout_s)


@dataclass(frozen=True, slots=True)
class Bound:
    """Sockets that listen on one port. Until somebody serves them, clients wait in the kernel's queue."""

    sockets: tuple[socket.socket, ...]
    port: int

    def close(self) -> None:
        """For who will not serve them after all; harmless afterwards."""
        for sock in self.sockets:
            sock.close()


@dataclass(frozen=True, slots=True)
class _Manner:
    """``shared``: sockets of other processes of the same user may have the port too (SO_REUSEPORT), and the kernel
    gives each client to one of those that listen."""

    shared: bool = False
    listening: bool = True


async def bind(host: str, port: int, *, shared: bool = False) -> Bound:
    """Listen on ``host``; 0 takes a free port. ``shared``: beside others who say so too, on a port that was reserved.

    Raises UserError when it cannot be had.
    """
    if not 0 <= port <= 65_535:
        raise UserError(f"port {port} does not exist", "choose one from 1 to 65535, or 0 for any free one")
    return _bound(await _addresses(host), port, _Manner(shared))


async def reserve(host: str, port: int) -> Bound:
    """A port that nobody listens on, kept for those who will ``bind`` it ``shared``; these sockets do not listen.

    Raises UserError when it cannot be had.
    """
    found = await bind(host, port)  # alone: whoever has the port already is noticed
    found.close()
    return _bound(await _addresses(host), found.port, _Manner(shared=True, listening=False))


def _bound(addresses: Sequence[Address], port: int, manner: _Manner) -> Bound:
    sockets = _bind(addresses, port, manner)
    return Bound(tuple(sockets), sockets[0].getsockname()[1])


async def _addresses(host: str) -> Sequence[Address]:
    """The addresses to bind; ``localhost`` is both loopbacks whatever this machine's name service says."""
    if host == LOCALHOST:
        return _LOOPBACK
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(f"host {host} is unknown", "give an address of this machine, or localhost") from error
    return sorted({(int(family), str(address[0])) for family, _, _, _, address in found})  # IPv4 first


@dataclass(frozen=True, slots=True)
class _Refused:
    address: str
    port: int
    error: OSError

    def user_error(self) -> UserError:
        place = f"port {self.port} of {self.address}"
        match self.error.errno:
            case errno.EADDRINUSE:
                return UserError(f"{place} is in use", "end the program that listens there, or choose another port")
            case errno.EACCES | errno.EPERM:
                return UserError(f"{place} needs privileges", "choose a port above 1023")
            case errno.EADDRNOTAVAIL:
                return UserError(f"{self.address} is no address of this machine", "choose another host, or localhost")
        return UserError(f"{place} cannot be had: {self.error.strerror}", "choose another host or port")


def _bind(addresses: Sequence[Address], port: int, manner: _Manner) -> list[socket.socket]:
    """One socket per address, all on the same port; IPv6 may be missing where IPv4 was had."""
    bound = _bind_once(addresses, port, manner)
    tries = 1 if port else _TRIES  # a port that is free for IPv4 may be taken for IPv6
    while isinstance(bound, _Refused) and bound.error.errno == errno.EADDRINUSE and tries > 1:
        tries -= 1
        bound = _bind_once(addresses, port, manner)
    if isinstance(bound, _Refused):
        raise bound.user_error() from bound.error
    return bound


def _bind_once(addresses: Sequence[Address], port: int, manner: _Manner) -> list[socket.socket] | _Refused:
    bound: list[socket.socket] = []
    for family, address in addresses:
        try:
            bound.append(_socket((family, address, port), manner, alone=len(addresses) == 1))
        except OSError as error:
            if bound and family == socket.AF_INET6 and error.errno in _NO_IPV6:
                continue
            for sock in bound:
                sock.close()
            return _Refused(address, port, error)
        port = bound[0].getsockname()[1]
    return bound


def _socket(place: tuple[int, str, int], manner: _Manner, *, alone: bool) -> socket.socket:
    family, address, port = place
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, manner.shared)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by accepted sockets
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not alone)  # alone, :: takes IPv4 clients too
        sock.bind((address, port))
        if manner.listening:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
