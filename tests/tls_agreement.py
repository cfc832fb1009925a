"""A TLS handshake in memory: what a client that trusts an authority sees of a server's context."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreed:
    """``names`` are those of the certificate that the client saw; ``client`` whether the server has seen one of it."""

    names: tuple[str, ...]
    version: str | None
    alpn: str | None
    client: bool


def agree(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> Agreed:
    """Both sides of a handshake in which the client asks for ``name``. Raises ssl.SSLError, whoever refuses."""
    client.set_alpn_protocols(["h2", "http/1.1"])
    one, two = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(one, two, server_side=True)
    there = client.wrap_bio(two, one, server_hostname=name)
    for _ in range(4):
        for side in (there, here):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    here.write(b"x")
    assert there.read(1) == b"x"  # of TLS 1.3 the server's last word on a client's certificate comes here
    seen = there.getpeercert() or {}
    names = tuple(str(alternative[1]) for alternative in seen.get("subjectAltName", ()))
    return Agreed(names, there.version(), there.selected_alpn_protocol(), bool(here.getpeercert(binary_form=True)))
