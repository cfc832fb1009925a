"""The WebSocket shell on a bare descriptor: what a dormant connection costs on Linux, but for OpenSSL's share."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.handshake import Handshake
from gateway.ports import ConversationT, Socket
from gateway.server.door import Door
from gateway.server.lot import HIGH_WATER_BYTES, LOW_WATER_BYTES, Lot, Parked
from gateway.server.parked_farewell import ParkedFarewell
from gateway.server.websocket import BY_CLIENT, State, WebSocketShell
from gateway.wire.prepared_message import PreparedMessage


class ParkedStream(WebSocketShell[ConversationT]):
    """Beside itself an idle connection costs its descriptor's number and a place in the lot."""

    __slots__ = ("_lot", "fd", "out", "wants")

    def __init__(self, door: Door[ConversationT], lot: Lot, key: str) -> None:
        super().__init__(door, key)
        self._lot = lot
        self.fd = -1
        self.wants = 0
        self.out: bytearray | None = None

    def begin(self, parked: Parked, handshake: Handshake, early: bytes) -> None:
        """Take the descriptor over and ask the node; ``early`` came behind the head, before any 101."""
        self._lot.replace(parked, self)
        self._ask(handshake, early)

    def buffered_bytes(self) -> int:
        return 0 if self.out is None else len(self.out)

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        """The fast ones among those that are like this one are written to in one loop: the less is done between two of
        them the better, for whenever the kernel has sent something Python's code has left the processor's caches."""
        lot, window_bits, is_open = self._lot, self._window_bits, State.OPEN
        fast = [
            each
            for each in sockets
            if isinstance(each, ParkedStream)
            and each._lot is lot
            and each._window_bits == window_bits
            and each.out is None
            and each._state is is_open
        ]
        if message.size > most:
            fast.clear()
        for one in lot.write_each(fast, message.frames(self._door.limits.max_frame_bytes, window_bits)):
            one._look_at_waiting()
        return [] if len(fast) == len(sockets) else self._send_to_others(sockets, fast, message, most)

    def _send_to_others(
        self,
        sockets: Sequence[Socket],
        done: Sequence[ParkedStream[ConversationT]],
        message: PreparedMessage,
        most: int,
    ) -> list[Socket]:
        """Those of this kind one by one, those of another kind among themselves."""
        over, lot, window_bits = set(map(id, done)), self._lot, self._window_bits
        slow: list[Socket] = []
        others: list[Socket] = []
        for each in sockets:
            if id(each) in over:
                continue
            if isinstance(each, ParkedStream) and each._lot is lot and each._window_bits == window_bits:
                slow.append(each)
            else:
                others.append(each)
        full = [each for each in slow if not each.send_prepared(message, most)]
        return full + others[0].send_to_each(others, message, most) if others else full

    # -- Parked ----------------------------------------------------------------------------------------------------

    def flushed(self) -> None:
        if self._held & BY_CLIENT and self.buffered_bytes() <= LOW_WATER_BYTES:
            self.drained()

    def gone(self) -> None:
        self._door.forget(self)
        self._lost()

    # -- WebSocketShell --------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        self._lot.write(self, data)
        self._look_at_waiting()

    def _look_at_waiting(self) -> None:
        if self.out is not None and not self._held & BY_CLIENT and len(self.out) > HIGH_WATER_BYTES:
            self.filled()

    def _read_on(self, on: bool) -> None:
        self._lot.read_on(self, on)

    def _shut_sending(self) -> None:
        self._lot.shut_sending(self)

    def _hang_up(self) -> None:
        self._lot.hang_up(self)

    def _cut(self) -> None:
        self._lot.close(self)

    def _say_farewell(self, last_words: bytes) -> None:
        ParkedFarewell(self._door, self._lot).say(self, last_words)
