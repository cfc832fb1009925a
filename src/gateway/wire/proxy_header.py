"""The header of the PROXY protocol, versions 1 and 2: the first bytes of a connection in, who is behind it out.

Sections are those of https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. A header says whose connection this
really is; whether its sender may say so is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from gateway.model.limits import MAX_PROXY_V1_BYTES, MAX_PROXY_V2_BYTES
from gateway.model.networks import address_text, plain_address

_V1: Final = b"PROXY "
_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_BYTES: Final = 16  # of version 2: signature, version and command, family and transport, length
_LOCAL, _PROXY = 0x20, 0x21
_UNSPECIFIED, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_ADDRESS_BYTES: Final = {_UNSPECIFIED: 0, _TCP4: 12, _TCP6: 36, _UNIX: 216}
_SSL: Final = 0x20  # PP2_TYPE_SSL: one byte of flags in front, of which this is the client's connection to the proxy
_CLIENT_SSL: Final = 0x01
_HTTPS: Final = 443
_V1_LINE: Final = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})")
_V1_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?")


@dataclass(frozen=True, slots=True)
class Proxied:
    """Whose connection it is: the client's address, the port it reached, and whether over TLS."""

    source_ip: str
    port: int
    secure: bool


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """``length`` bytes of the connection are the header. ``proxied`` is None where the sender speaks for itself, as
    balancers do to see whether somebody is there (LOCAL, UNKNOWN), and for what has no IP address."""

    length: int
    proxied: Proxied | None = None


@dataclass(frozen=True, slots=True)
class NoProxyHeader:
    """The connection does not begin with one, and never will; ``why`` is for people."""

    why: str


def read_proxy_header(raw: bytes | bytearray) -> ProxyHeader | NoProxyHeader | None:
    """The header that ``raw`` begins with, whatever comes behind it; None while more has to come.

    Once it is not None it stays what it is, however much more of the connection there is.
    """
    if raw.startswith(_V2):
        return _version_2(raw)
    if raw.startswith(_V1):
        return _version_1(raw)
    if _V1.startswith(raw) or _V2.startswith(raw):
        return None
    return NoProxyHeader("there is none")


def _version_1(raw: bytes | bytearray) -> ProxyHeader | NoProxyHeader | None:
    end = raw.find(b"\n", 0, MAX_PROXY_V1_BYTES)
    if end < 0:
        return NoProxyHeader("its line does not end") if len(raw) >= MAX_PROXY_V1_BYTES else None
    line = bytes(raw[: end - 1])
    if raw[end - 1 : end] != b"\r":
        return NoProxyHeader("its line ends without a carriage return")
    if _V1_UNKNOWN.fullmatch(line):
        return ProxyHeader(end + 1)
    found = _V1_LINE.fullmatch(line)
    if found is None:
        return NoProxyHeader("its line is malformed")
    version, source, destination, *ports = (part.decode("ascii") for part in found.groups())
    known = _of_version(source, version), _of_version(destination, version)
    if None in known or any(int(port) > 0xFFFF for port in ports):
        return NoProxyHeader("its addresses are none")
    return ProxyHeader(end + 1, _proxied(known[0] or "", int(ports[1])))


def _version_2(raw: bytes | bytearray) -> ProxyHeader | NoProxyHeader | None:
    if len(raw) < _FIXED_BYTES:
        return None
    command, family, rest = raw[12], raw[13], int.from_bytes(raw[14:16])
    length = _FIXED_BYTES + rest
    size = 0 if command == _LOCAL else _ADDRESS_BYTES.get(family)
    if command not in (_LOCAL, _PROXY):
        return NoProxyHeader("its version or command is unknown")
    if size is None:
        return NoProxyHeader("it is not about TCP")
    if not size <= rest or length > MAX_PROXY_V2_BYTES:
        return NoProxyHeader(f"its length is {length}")
    if len(raw) < length:
        return None
    if command == _LOCAL or family not in (_TCP4, _TCP6):
        return ProxyHeader(length)
    body = bytes(raw[_FIXED_BYTES:length])
    width = 4 if family == _TCP4 else 16
    port = int.from_bytes(body[2 * width + 2 : size])
    return ProxyHeader(length, _proxied(address_text(ip_address(body[:width])), port, _secure(body[size:])))


def _proxied(source_ip: str, port: int, secure: bool | None = None) -> Proxied:
    """Of TLS most senders say nothing; then the port that is registered for it tells."""
    return Proxied(source_ip, port, port == _HTTPS if secure is None else secure)


def _of_version(text: str, version: str) -> str | None:
    return plain_address(text) if (":" in text) == (version == "TCP6") else None


def _secure(additions: bytes) -> bool | None:
    """What the additions (§2.2) say of TLS between client and proxy; None when nothing. The others are skipped."""
    while len(additions) >= 3:
        kind, end = additions[0], 3 + int.from_bytes(additions[1:3])
        if kind == _SSL and 3 < end <= len(additions):
            return bool(additions[3] & _CLIENT_SSL)
        additions = additions[end:]
    return None
