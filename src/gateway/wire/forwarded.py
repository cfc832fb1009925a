"""``X-Forwarded-For``, ``-Proto`` and ``-Port``: whose request a proxy passes on, where it is one to be believed.

Every proxy writes the address that it was asked by behind those it was told, so the list is true from its end up to
the first address that is no proxy's own: the client. What stands before that the client wrote itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model.limits import MAX_FORWARDED_HOPS
from gateway.model.networks import Networks, plain_address
from gateway.wire.handshake import Peer
from gateway.wire.http import RequestHead, tokens

_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}


def client_of(head: RequestHead, peer: Peer, trusted: Networks) -> Peer:
    """Whose request it is that came from ``peer``: its own, unless it is ``trusted`` and says otherwise."""
    if peer.source_ip not in trusted:
        return peer
    fields = head.fields()
    source_ip, hops = _client(fields, peer.source_ip, trusted)
    port = _at(fields, "x-forwarded-port", hops)
    secure = _SECURE.get(_at(fields, "x-forwarded-proto", hops).lower(), peer.secure)
    return Peer(source_ip, _port(port) or peer.port, secure)


def _client(fields: Mapping[str, Sequence[str]], source_ip: str, trusted: Networks) -> tuple[str, int]:
    """The address, and how many of the list stand behind it; where somebody trusted wrote what is no address, the last
    that was one."""
    hops = tokens(fields.get("x-forwarded-for", ()))[-MAX_FORWARDED_HOPS:]
    behind = 0
    for index, hop in enumerate(reversed(hops)):
        address = _address(hop)
        if address is None:
            break
        source_ip, behind = address, index
        if address not in trusted:
            break
    return source_ip, behind


def _at(fields: Mapping[str, Sequence[str]], name: str, hops: int) -> str:
    """What the proxy said that the client asked: in a list as long as that of addresses its own element, and the only
    one where each proxy leaves alone what it was told. Empty when nothing was said."""
    said = tokens(fields.get(name, ()))
    return said[-1 - min(hops, len(said) - 1)] if said else ""


def _address(hop: str) -> str | None:
    """Some proxies write the port too, and IPv6 in brackets."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return plain_address(hop)


def _port(text: str) -> int | None:
    """None for what is no port."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) <= 0xFFFF else None
