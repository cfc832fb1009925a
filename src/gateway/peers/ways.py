"""How a node can be reached from this machine."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.member import Member


@dataclass(frozen=True, slots=True)
class UnixWay:
    """A socket file on this machine."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class TcpWay:
    """An address from anywhere."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Way = UnixWay | TcpWay


def ways_to(member: Member, machine: str) -> tuple[Way, ...]:
    """The ways from ``machine``, the cheapest first; the second is for when the first cannot be connected to: two
    containers may share host and network and yet not see each other's files."""
    ways: list[Way] = []
    if member.socket_path and member.machine == machine:
        ways.append(UnixWay(member.socket_path))
    if member.address and (tcp := _tcp(member.address)) is not None:
        ways.append(tcp)
    return tuple(ways)


def _tcp(address: str) -> TcpWay | None:
    """``host:port`` or ``[IPv6]:port``; None for anything else."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) <= 65_535:
        return None
    return TcpWay(host.removeprefix("[").removesuffix("]"), int(port))
