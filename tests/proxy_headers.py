"""PROXY headers as balancers write them, put together here from the specification alone."""

from __future__ import annotations

from ipaddress import ip_address

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"


def version_1(source: str = "198.51.100.7", port: int = 443) -> bytes:
    family, destination = ("TCP6", "2001:db8::2") if ":" in source else ("TCP4", "192.0.2.2")
    return f"PROXY {family} {source} {destination} 56324 {port}\r\n".encode()


def version_2(
    source: str = "198.51.100.7", port: int = 443, additions: bytes = b"", *, family: int | None = None
) -> bytes:
    address = ip_address(source)
    destination = ip_address("192.0.2.2" if address.version == 4 else "2001:db8::2")
    ports = (56324).to_bytes(2) + port.to_bytes(2)
    body = address.packed + destination.packed + ports + additions
    return v2(0x21, (0x11 if address.version == 4 else 0x21) if family is None else family, body)


def v2(command: int, family: int, body: bytes = b"") -> bytes:
    return SIGNATURE + bytes((command, family)) + len(body).to_bytes(2) + body


def addition(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2) + value
