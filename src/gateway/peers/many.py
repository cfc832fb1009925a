"""The data of a request for many connections as bytes.

    post        how many u16 · connection IDs, 13 bytes each · the message
    broadcast   of ``audiences``, with whether somebody waits and whether it is binary · the message
    reached     sent u32 · gone u32 · limited u32 · how many u16 u16 · connection IDs gone · limited

With as many IDs as there may be and the longest message that AWS has it fits into one batch (``sealing``); with a
longer one it has a batch to itself.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.model.ids import ID_BYTES, ApiId, ConnectionId, packed, unpacked
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_TARGETS
from gateway.model.peer import Broadcast, PostToMany, Reached
from gateway.peers.audiences import audience_data, audience_in
from gateway.peers.garbled import Garbled

_COUNT: Final = Struct(">H")
_REACHED: Final = Struct(">IIIHH")


def data_of(request: PostToMany) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    if len(request.connection_ids) > MAX_TARGETS or len(request.data) > LIFTED_MESSAGE_BYTES:
        raise ValueError("a post to many is longer than any may be")
    return _COUNT.pack(len(request.connection_ids)) + packed(request.connection_ids) + request.data


def request_of(api_id: ApiId, data: bytes, binary: bool = False) -> PostToMany:
    """Raises Garbled, or ``struct.error`` when not even the count is there."""
    (count,) = _COUNT.unpack_from(data)
    end = _COUNT.size + count * ID_BYTES
    if count > MAX_TARGETS or not 0 <= len(data) - end <= LIFTED_MESSAGE_BYTES:
        raise Garbled("a post to many is longer than any may be")
    return PostToMany(api_id, unpacked(data[_COUNT.size : end]), data[end:], binary)


def broadcast_data(request: Broadcast) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    if len(request.data) > LIFTED_MESSAGE_BYTES:
        raise ValueError("a broadcast is longer than any may be")
    return audience_data(request.audience, request.waits, request.binary) + request.data


def broadcast_of(api_id: ApiId, data: bytes) -> Broadcast | None:
    """None when it says more than is known here. Raises Garbled, or ``struct.error`` when a count is not there."""
    audience, more, end = audience_in(api_id, data)
    match more:
        case [_, _, _, *_]:
            return None
        case [bool(waits), bool(binary)] if len(data) - end <= LIFTED_MESSAGE_BYTES:
            return Broadcast(audience, data[end:], waits, binary)
        case _:
            raise Garbled("a broadcast cannot be read, or is longer than any may be")


def reached_data(reached: Reached) -> bytes:
    counts = len(reached.gone_ids), len(reached.limited_ids)
    head = _REACHED.pack(reached.sent, reached.gone, reached.limited, *counts)
    return head + packed(reached.gone_ids) + packed(reached.limited_ids)


def reached_in(batch: bytes, start: int) -> tuple[Reached, int]:
    """With where it ends. Raises Garbled, or ``struct.error``."""
    sent, gone, limited, gone_ids, limited_ids = _REACHED.unpack_from(batch, start)
    start += _REACHED.size
    middle = start + gone_ids * ID_BYTES
    end = middle + limited_ids * ID_BYTES
    if end > len(batch):
        raise Garbled("an answer is longer than its batch")
    named: tuple[tuple[ConnectionId, ...], ...] = unpacked(batch[start:middle]), unpacked(batch[middle:end])
    return Reached(sent, gone, limited, *named), end
