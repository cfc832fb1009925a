"""The data of a request for many connections as bytes.

    post     how many u16 · connection IDs, 13 bytes each · the message

With as many IDs as there may be and the longest message it fits into one batch (``sealing``), and so into one hop.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.model.ids import ID_BYTES, ApiId, packed, unpacked
from gateway.model.limits import MAX_MESSAGE_BYTES, MAX_TARGETS
from gateway.model.peer import PostToMany
from gateway.peers.garbled import Garbled

_COUNT: Final = Struct(">H")


def data_of(request: PostToMany) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    if len(request.connection_ids) > MAX_TARGETS or len(request.data) > MAX_MESSAGE_BYTES:
        raise ValueError("a post to many is longer than any may be")
    return _COUNT.pack(len(request.connection_ids)) + packed(request.connection_ids) + request.data


def request_of(api_id: ApiId, data: bytes) -> PostToMany:
    """Raises Garbled, or ``struct.error`` when not even the count is there."""
    (count,) = _COUNT.unpack_from(data)
    end = _COUNT.size + count * ID_BYTES
    if count > MAX_TARGETS or not 0 <= len(data) - end <= MAX_MESSAGE_BYTES:
        raise Garbled("a post to many is longer than any may be")
    return PostToMany(api_id, unpacked(data[_COUNT.size : end]), data[end:])
