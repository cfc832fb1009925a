"""IP addresses and networks as text: one spelling for each address, and which networks hold it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_REMEMBERED: Final = 1024  # balancers and proxies are few, and what they say of clients is asked once each


@dataclass(frozen=True, slots=True)
class Networks:
    """False when there is none. An IPv4 address that is written as IPv6 (``::ffff:192.0.2.1``) counts as IPv4."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.networks)

    def __contains__(self, address: str) -> bool:
        """False for what is no address."""
        return bool(self.networks) and _holds(self, address)

    def __str__(self) -> str:
        """What ``read_networks`` reads."""
        return " ".join(map(str, self.networks))


NOBODY: Final = Networks()


def read_networks(words: list[str]) -> Networks:
    """Addresses and networks in CIDR form. Raises ValueError for anything else, also for one with bits of a host."""
    return Networks(tuple(dict.fromkeys(map(ip_network, words))))


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches it; False for what is no address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def plain_address(text: str) -> str | None:
    """An address in the one spelling that events and policies have; None for anything else, zones included."""
    try:
        return None if "%" in text else address_text(ip_address(text))
    except ValueError:
        return None


def address_text(address: IPv4Address | IPv6Address) -> str:
    """An IPv4 client of a dual-stack socket by its IPv4 address."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(address if mapped is None else mapped)


@lru_cache(maxsize=_REMEMBERED)
def _holds(networks: Networks, address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks.networks)
