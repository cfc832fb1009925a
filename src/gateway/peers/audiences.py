"""For whom a request for many is, as bytes, with what the request has beside.

length u16 · JSON of what is neither bytes nor IDs · how many u16 · connection IDs left out, 13 bytes each
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any, Final

from gateway.model.audience import Audience
from gateway.model.ids import ID_BYTES, ApiId, StageName, packed, unpacked
from gateway.model.limits import MAX_EXCEPTED
from gateway.peers.garbled import Garbled

_COUNT: Final = Struct(">H")
_OWN: Final = 4  # of the values in the JSON


def audience_data(audience: Audience, *more: Any) -> bytes:
    """``more`` are values of JSON. Raises ValueError when there is more of anything than the fleet allows, or an ID is
    none."""
    if len(audience.but) > MAX_EXCEPTED:
        raise ValueError("an audience is longer than any may be")
    text = json.dumps([audience.stage, audience.before_ms, audience.principal, audience.group, *more]).encode("ascii")
    head = _COUNT.pack(len(text)) + text + _COUNT.pack(len(audience.but))
    return head + packed(sorted(audience.but))


def audience_in(api_id: ApiId, data: bytes) -> tuple[Audience, list[Any], int]:
    """With what is beside, whose types are not known, and where it ends. Raises Garbled, or ``struct.error`` when a
    count is not there."""
    (length,) = _COUNT.unpack_from(data)
    end = _COUNT.size + length
    stage, before_ms, principal, group, *more = _values(data[_COUNT.size : end])
    (count,) = _COUNT.unpack_from(data, end)
    start = end + _COUNT.size
    end = start + count * ID_BYTES
    if count > MAX_EXCEPTED or end > len(data):
        raise Garbled("an audience is longer than any may be")
    typed = isinstance(stage, str) and isinstance(before_ms, int | None) and isinstance(principal, str | None)
    if not typed or not isinstance(group, str | None):
        raise Garbled("an audience cannot be read")
    but = frozenset(unpacked(data[start:end]))
    return Audience(api_id, StageName(stage), but, before_ms, principal, group), more, end


def _values(text: bytes) -> list[Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbled("an audience cannot be read") from error
    if not isinstance(values, list) or len(values) < _OWN:
        raise Garbled("an audience cannot be read")
    return values
