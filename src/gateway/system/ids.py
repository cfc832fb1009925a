"""``ports.Ids`` from the operating system's randomness."""

from __future__ import annotations

import os
import time

from gateway.model import ids
from gateway.model.ids import ConnectionId, MessageId, NodeNumber, RequestId


class RandomIds:
    """``key`` goes into every connection ID (see ``model.ids``)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def connection_id(self, owner: NodeNumber) -> ConnectionId:
        """Never one that begins with a dash: given on a command line it would be taken for an option."""
        while True:
            made = ids.connection_id(owner, os.urandom(ids.RANDOM_BYTES), self._key)
            if not made.startswith("-"):
                return made

    def message_id(self, connection: ConnectionId) -> MessageId:
        return ids.message_id(connection, os.urandom(ids.MESSAGE_HEAD_BYTES))

    def request_id(self) -> RequestId:
        return ids.request_id(os.urandom(ids.REQUEST_ID_BYTES))

    def uuid(self) -> str:
        """Of version 4, as ``uuid.uuid4`` makes them, at a third of the cost: one is drawn for each function call."""
        digits = os.urandom(16).hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def trace_id(self) -> str:
        """``Root=1-`` with Unix seconds in hexadecimal, then 12 random bytes (the X-Ray format)."""
        return f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}"
