"""The data of a request for many connections as bytes.

    post        how many u16 · connection IDs, 13 bytes each · the message
    broadcast   length u16 · JSON of what is not bytes · how many u16 · connection IDs left out · the message
    reached     sent u32 · gone u32 · limited u32 · how many u16 u16 · connection IDs gone · limited

With as many IDs as there may be and the longest message that AWS has it fits into one batch (``sealing``); with a
longer one it has a batch to itself.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Final

from gateway.model.audience import Audience
from gateway.model.ids import ID_BYTES, ApiId, ConnectionId, StageName, packed, unpacked
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_EXCEPTED, MAX_TARGETS
from gateway.model.peer import Broadcast, PostToMany, Reached
from gateway.peers.garbled import Garbled

_COUNT: Final = Struct(">H")
_REACHED: Final = Struct(">IIIHH")


def data_of(request: PostToMany) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    if len(request.connection_ids) > MAX_TARGETS or len(request.data) > LIFTED_MESSAGE_BYTES:
        raise ValueError("a post to many is longer than any may be")
    return _COUNT.pack(len(request.connection_ids)) + packed(request.connection_ids) + request.data


def request_of(api_id: ApiId, data: bytes, binary: bool) -> PostToMany:
    """Raises Garbled, or ``struct.error`` when not even the count is there."""
    (count,) = _COUNT.unpack_from(data)
    end = _COUNT.size + count * ID_BYTES
    if count > MAX_TARGETS or not 0 <= len(data) - end <= LIFTED_MESSAGE_BYTES:
        raise Garbled("a post to many is longer than any may be")
    return PostToMany(api_id, unpacked(data[_COUNT.size : end]), data[end:], binary)


def broadcast_data(request: Broadcast) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    audience = request.audience
    if len(audience.but) > MAX_EXCEPTED or len(request.data) > LIFTED_MESSAGE_BYTES:
        raise ValueError("a broadcast is longer than any may be")
    more = json.dumps([audience.stage, audience.before_ms, audience.principal, request.waits, request.binary]).encode(
        "ascii"
    )
    head = _COUNT.pack(len(more)) + more + _COUNT.pack(len(audience.but))
    return head + packed(sorted(audience.but)) + request.data


def broadcast_of(api_id: ApiId, data: bytes) -> Broadcast:
    """Raises Garbled, or ``struct.error`` when a count is not there."""
    (length,) = _COUNT.unpack_from(data)
    end = _COUNT.size + length
    stage, before_ms, principal, waits, binary = _more(data[_COUNT.size : end])
    (count,) = _COUNT.unpack_from(data, end)
    start = end + _COUNT.size
    end = start + count * ID_BYTES
    if count > MAX_EXCEPTED or not 0 <= len(data) - end <= LIFTED_MESSAGE_BYTES:
        raise Garbled("a broadcast is longer than any may be")
    but = frozenset(unpacked(data[start:end]))
    return Broadcast(Audience(api_id, stage, but, before_ms, principal), data[end:], waits, binary)


def _more(text: bytes) -> tuple[StageName, int | None, str | None, bool, bool]:
    try:
        stage, before_ms, principal, waits, binary = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Garbled("a broadcast cannot be read") from error
    typed = isinstance(stage, str) and isinstance(before_ms, int | None) and isinstance(principal, str | None)
    if not typed or not isinstance(waits, bool) or not isinstance(binary, bool):
        raise Garbled("a broadcast cannot be read")
    return StageName(stage), before_ms, principal, waits, binary


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
