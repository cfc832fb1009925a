"""A parked socket as an asyncio transport: for aiohttp, where a descriptor alone is not the connection, as with TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Any, cast

from gateway.server.lot import HIGH_WATER_BYTES, LOW_WATER_BYTES, Lot, Parked
from gateway.server.transports import replay
from gateway.wire.handshake import Peer


class ParkedTransports:
    """Implements ``handover.Handover``: sockets stay in the lot, with a protocol of ``factory`` behind a transport."""

    def __init__(self, lot: Lot, factory: Callable[[Peer], asyncio.Protocol], context: SSLContext) -> None:
        self._lot = lot
        self._factory = factory
        self._context = context
        self._open: set[ParkedTransport] = set()

    def __len__(self) -> int:
        return len(self._open)

    def take(self, parked: Parked, peer: Peer, data: bytes) -> None:
        # What aiohttp reads of a transport: of the client's address the host, of ours the port.
        extra = {"peername": (peer.source_ip, 0), "sockname": ("", peer.port), "sslcontext": self._context}
        protocol = self._factory(peer)
        transport = ParkedTransport(self._lot, self._open.discard, extra)
        self._open.add(transport)
        self._lot.replace(parked, transport)
        replay(transport, protocol, data)

    def close(self) -> None:
        """All are in the lot."""


class ParkedTransport(asyncio.Transport):
    """``left`` is called with it when its descriptor is closed."""

    __slots__ = ("_is_full", "_is_over", "_left", "_lot", "_protocol", "fd", "out", "wants")

    def __init__(self, lot: Lot, left: Callable[[ParkedTransport], None], extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self._lot = lot
        self._left = left
        self._protocol = asyncio.Protocol()
        self._is_over = False  # closing, or closed
        self._is_full = False
        self.fd = -1
        self.wants = 0
        self.out: bytearray | None = None

    # -- Parked ----------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def stream_ended(self) -> None:
        if not self._protocol.eof_received():
            self.close()

    def flushed(self) -> None:
        if self._is_full and self.get_write_buffer_size() <= LOW_WATER_BYTES:
            self._is_full = False
            self._protocol.resume_writing()

    def gone(self) -> None:
        self._is_over = True
        self._left(self)
        asyncio.get_running_loop().call_soon(self._lose)

    # -- asyncio.Transport -----------------------------------------------------------------------------------------

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def is_closing(self) -> bool:
        return self._is_over

    def is_reading(self) -> bool:
        return self._lot.is_read(self)

    def pause_reading(self) -> None:
        self._lot.read_on(self, False)

    def resume_reading(self) -> None:
        self._lot.read_on(self, True)

    def get_write_buffer_size(self) -> int:
        return 0 if self.out is None else len(self.out)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return LOW_WATER_BYTES, HIGH_WATER_BYTES

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._is_over:
            return
        self._lot.write(self, bytes(data))
        if not self._is_full and self.get_write_buffer_size() > HIGH_WATER_BYTES:
            self._is_full = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._lot.shut_sending(self)

    def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._lot.hang_up(self)

    def abort(self) -> None:
        self._is_over = True
        self._lot.close(self)

    def _lose(self) -> None:
        self._protocol.connection_lost(None)
