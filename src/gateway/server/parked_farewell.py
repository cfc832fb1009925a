"""The last bytes of a parked connection, as ``farewell`` has it: sent, our stream ended, the client's thrown away until
it ends or time is up."""

from __future__ import annotations

from typing import Generic, Protocol

from gateway.ports import ConversationT
from gateway.server.door import Door, Shell
from gateway.server.lot import Lot, Parked


class ParkedShell(Parked, Shell, Protocol):
    """One parked socket's reader."""


class ParkedFarewell(Generic[ConversationT]):
    __slots__ = ("_door", "_lot", "fd", "out", "wants")

    def __init__(self, door: Door[ConversationT], lot: Lot) -> None:
        self._door = door
        self._lot = lot
        self.fd = -1
        self.wants = 0
        self.out: bytearray | None = None

    def say(self, parked: ParkedShell, last_words: bytes) -> None:
        """Take the descriptor over, send ``last_words`` and end the connection."""
        self._door.forget(parked)
        self._lot.replace(parked, self)
        self._door.watch(self, self._door.limits.close_timeout_ms)
        self._lot.write(self, last_words)
        self._lot.shut_sending(self)

    def received(self, data: bytes) -> None:
        """Nobody reads it."""

    def stream_ended(self) -> None:
        self._lot.hang_up(self)

    def flushed(self) -> None: ...

    def gone(self) -> None:
        self._door.forget(self)

    def overdue(self) -> None:
        self._lot.close(self)

    def drop(self) -> None:
        self._lot.close(self)
