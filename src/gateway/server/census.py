"""How many sockets clients have open, altogether and from one address, and how many they may.

Descriptors name them: a number is one socket's until it is closed. Only where addresses are limited is anything kept
for each.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Final

from gateway.counters import Counters, Limit
from gateway.model.networks import NOBODY, Networks

_NETWORK_BYTES: Final = (
    8  # of an IPv6 address: a /64 is what one subscriber gets, and whoever has it has all its addresses
)


class Census:
    """``most`` altogether and ``most_per_address`` from one address; None is without bound. The many that come through
    one of the ``proxies`` are not counted by its address."""

    __slots__ = (
        "_address_of",
        "_counters",
        "_most",
        "_most_per_address",
        "_open",
        "_per_address",
        "_proxies",
        "_waiting",
    )

    def __init__(
        self,
        counters: Counters,
        most: int | None = None,
        most_per_address: int | None = None,
        proxies: Networks = NOBODY,
    ) -> None:
        self._counters = counters
        self._proxies = proxies
        self._most = most
        self._most_per_address = most_per_address
        self._open = 0
        self._address_of: dict[int, str | bytes] = {}
        self._per_address: dict[str | bytes, int] = {}
        self._waiting: list[Callable[[], None]] = []

    def __len__(self) -> int:
        """How many are open."""
        return self._open

    @property
    def is_full(self) -> bool:
        """Whether nobody else may come in."""
        return self._most is not None and self._open >= self._most

    def admit(self, fd: int, source_ip: str) -> bool:
        """Count an accepted socket; False, and not counted, when its address has enough already."""
        self._counters.accepts += 1
        if not self.place(fd, source_ip):
            return False
        self._open += 1
        self._counters.sockets += 1
        return True

    def place(self, fd: int, source_ip: str) -> bool:
        """Whose a socket is; asked again when a proxy has said it. False when that address has enough already."""
        if self._most_per_address is None or source_ip in self._proxies:
            return True
        address = address_key(source_ip)
        has = self._per_address.get(address, 0)
        if has >= self._most_per_address:
            self._counters.exceed(Limit.PER_ADDRESS)
            return False
        self._per_address[address] = has + 1
        self._address_of[fd] = address
        return True

    def leave(self, fd: int) -> None:
        """A socket that was admitted is closed; to be called before its number can be another's."""
        self._open -= 1
        self._counters.sockets -= 1
        address = self._address_of.pop(fd, None)
        if address is not None:
            left = self._per_address[address] - 1
            if left:
                self._per_address[address] = left
            else:
                del self._per_address[address]
        if self._waiting and not self.is_full:
            waiting, self._waiting = self._waiting, []
            self._counters.paused -= len(waiting)
            for resume in waiting:
                resume()

    def rest(self) -> None:
        """A listener accepts nobody for a while: the system has nothing left for one more."""
        self._counters.accept_pauses += 1

    def pause(self, resume: Callable[[], None]) -> None:
        """A listener accepts nobody any more; ``resume`` is called once there is room."""
        self._counters.accept_pauses += 1
        self._counters.paused += 1
        self._waiting.append(resume)


def address_key(source_ip: str) -> str | bytes:
    """What counts as one address: an IPv4 address, the /64 of an IPv6 one."""
    if ":" not in source_ip:
        return source_ip
    return IPv6Address(source_ip.partition("%")[0]).packed[:_NETWORK_BYTES]
