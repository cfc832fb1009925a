"""How a parked socket comes to aiohttp."""

from __future__ import annotations

from socket import socket
from typing import Protocol

from gateway.server.lot import Lot, Parked
from gateway.server.transports import Transports
from gateway.wire.handshake import Peer


class Handover(Protocol):
    def __len__(self) -> int:
        """How many sockets of the lot have been taken."""

    def take(self, parked: Parked, peer: Peer, data: bytes) -> None:
        """Have aiohttp serve a parked socket, of which ``data`` has been read already, to its end."""

    def close(self) -> None:
        """End those that are on their way."""


class Descriptors:
    """Implements ``Handover``: the descriptor leaves the lot and gets a transport of asyncio's."""

    def __init__(self, lot: Lot, transports: Transports) -> None:
        self._lot = lot
        self._transports = transports

    def __len__(self) -> int:
        return 0

    def take(self, parked: Parked, peer: Peer, data: bytes) -> None:
        self._transports.replay(socket(fileno=self._lot.release(parked)), peer, data)

    def close(self) -> None:
        self._transports.close()
