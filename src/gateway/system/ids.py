"""``ports.Ids`` from the operating system's randomness."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from typing import Final

from gateway.model import ids
from gateway.model.ids import ConnectionId, MessageId, NodeNumber, RequestId

_BLOCK: Final = struct.Struct("16s")  # of random bytes: more than any identifier takes
_DRAWN: Final = _BLOCK.size * 64  # bytes at a time: the system is asked once for 64 identifiers


class RandomIds:
    """``key`` goes into every connection ID (see ``model.ids``). Not to be shared with a forked process, which would
    make the same ones."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._blocks: Iterator[tuple[bytes]] = iter(())

    def connection_id(self, owner: NodeNumber) -> ConnectionId:
        """Never one that begins with a dash: given on a command line it would be taken for an option."""
        while True:
            made = ids.connection_id(owner, self._random(ids.RANDOM_BYTES), self._key)
            if not made.startswith("-"):
                return made

    def message_id(self, connection: ConnectionId) -> MessageId:
        return ids.message_id(connection, self._random(ids.MESSAGE_HEAD_BYTES))

    def request_id(self) -> RequestId:
        return ids.request_id(self._random(ids.REQUEST_ID_BYTES))

    def uuid(self) -> str:
        """Of version 4, as ``uuid.uuid4`` makes them, at a fifth of the cost: one is drawn for each function call."""
        block = self._random(16)
        digits, variant = block.hex(), "89ab"[block[8] & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def trace_id(self) -> str:
        """``Root=1-`` with Unix seconds in hexadecimal, then 12 random bytes (the X-Ray format)."""
        return f"Root=1-{int(time.time()):08x}-{self._random(12).hex()}"

    def _random(self, size: int) -> bytes:
        """At most 16 bytes, never the same ones again: a block is taken by one thread only."""
        for (block,) in self._blocks:
            return block[:size]
        self._blocks = _BLOCK.iter_unpack(os.urandom(_DRAWN))
        return self._random(size)
