"""One connection between two nodes, as both sides see it: the greeting under a deadline, then batches.

A protocol, not streams: one callback for all that arrived, one write for all that is said in a turn of the loop.
"""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from contextlib import suppress
from typing import Final, cast

from gateway.peers.bounds import SILENT_PEER_MS
from gateway.peers.garbled import Garbled
from gateway.peers.greeting import Greeting, SessionKeys
from gateway.peers.sealing import Opener, Sealer

# Names that Linux has and others may not: a connection whose other end has gone without a word is given up.
_SILENCE: Final = (
    ("SO_KEEPALIVE", 1),
    ("TCP_KEEPIDLE", SILENT_PEER_MS // 1000),
    ("TCP_KEEPINTVL", SILENT_PEER_MS // 1000),
    ("TCP_USER_TIMEOUT", SILENT_PEER_MS),
)


class PeerConnection(asyncio.Protocol):
    """``why`` tells what was wrong with the other side, None as long as nothing is."""

    def __init__(self, greeting: Greeting, greeting_timeout_s: float, max_unsent_bytes: int) -> None:
        self._greeting: Greeting | None = greeting
        self._greeting_timeout_s = greeting_timeout_s
        self._max_unsent_bytes = max_unsent_bytes
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._opener: Opener | None = None
        self._sealer: Sealer | None = None
        self.why: str | None = None

    def drop(self, why: str | None = None) -> None:
        """End it at once, unsent bytes included; nothing more is read, ``connection_lost`` follows."""
        self.why = self.why or why
        self._greeting = self._opener = self._sealer = None
        if self._transport is not None:
            self._transport.abort()

    def write(self, frames: list[bytes]) -> None:
        """Send frames as one batch, once the greeting is over."""
        if self._sealer is not None and self._transport is not None:
            self._transport.write(self._sealer.seal(frames, self.now_ms()))

    def now_ms(self) -> int:
        """This side's clock for stamps."""
        return int(self._loop.time() * 1000)

    @abstractmethod
    def keys(self, session: SessionKeys) -> tuple[bytes, bytes]:
        """The key for what this side says, and that for what it hears."""

    @abstractmethod
    def met(self) -> None:
        """The other side has proven that it has the fleet's key."""

    @abstractmethod
    def heard(self, stamp_ms: int, batch: bytes) -> None:
        """One batch. Raises Garbled when its frames are not what they should be."""

    @abstractmethod
    def heard_all(self) -> None:
        """All that arrived in this turn of the loop has been heard."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast(asyncio.Transport, transport)
        made.set_write_buffer_limits(high=self._max_unsent_bytes)
        _give_up_on_silence(made.get_extra_info("socket"))
        self._timer = self._loop.call_later(self._greeting_timeout_s, self._overdue)
        if self._greeting is not None and self._greeting.opening:
            made.write(self._greeting.opening)

    def data_received(self, data: bytes) -> None:
        try:
            if self._opener is None:
                data = self._greet(data)
            if self._opener is not None:
                for stamp_ms, batch in self._opener.feed(data):
                    self.heard(stamp_ms, batch)
                self.heard_all()
        except Garbled as error:
            self.drop(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _greet(self, data: bytes) -> bytes:
        """What is left of ``data`` for the opener."""
        if self._greeting is None or self._transport is None:
            return b""
        send, rest = self._greeting.feed(data)
        if send:
            self._transport.write(send)
        if self._greeting.session is not None:
            says, hears = self.keys(self._greeting.session)
            self._greeting = None
            self._sealer, self._opener = Sealer(says), Opener(hears)
            if self._timer is not None:
                self._timer.cancel()
            self.met()
        return rest

    def _overdue(self) -> None:
        self.drop("it did not show the fleet's key in time")


def _give_up_on_silence(sock: socket.socket) -> None:
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in _SILENCE:
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP, option, value)
