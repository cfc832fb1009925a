"""What nodes ask each other about groups and lists of connections, as bytes.

join, leave   length u16 · stage · the group's name
get groups    length u16 · stage
list          of ``audiences``, with limit and position
in groups     length u32 · JSON of the names
listing       how many u32 · length u32 · JSON of the entries
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any, Final

from gateway.model.ids import ApiId, ConnectionId, StageName
from gateway.model.limits import LIFTED_GROUP_NAME_CHARS, MAX_LISTED
from gateway.model.peer import (
    Entry,
    GetGroups,
    GroupRequest,
    InGroups,
    JoinGroup,
    LeaveGroup,
    ListConnections,
    Listing,
    Position,
)
from gateway.peers.audiences import audience_data, audience_in
from gateway.peers.garbled import Garbled

_STAGE: Final = Struct(">H")
_LENGTH: Final = Struct(">I")
_LISTING: Final = Struct(">II")
_SURROGATES: Final = "surrogatepass"
_ENTRY: Final = (str, int, int, str, str | None, str | None, list)


def group_data(request: GroupRequest) -> bytes:
    """Raises ValueError when a name is longer than the fleet allows."""
    stage = request.stage.encode("utf-8", _SURROGATES)
    name = "" if isinstance(request, GetGroups) else request.group
    if len(stage) > 0xFFFF or len(name) > LIFTED_GROUP_NAME_CHARS:
        raise ValueError("a name is longer than any may be")
    return _STAGE.pack(len(stage)) + stage + name.encode("utf-8", _SURROGATES)


def group_request(kind: type[GroupRequest], api_id: ApiId, connection_id: ConnectionId, data: bytes) -> GroupRequest:
    """Raises Garbled, ``struct.error`` or UnicodeDecodeError."""
    (length,) = _STAGE.unpack_from(data)
    end = _STAGE.size + length
    if end > len(data):
        raise Garbled("a stage is longer than its request")
    stage = StageName(data[_STAGE.size : end].decode("utf-8", _SURROGATES))
    name = data[end:].decode("utf-8", _SURROGATES)
    if kind is JoinGroup:
        return JoinGroup(api_id, connection_id, stage, name)
    if kind is LeaveGroup:
        return LeaveGroup(api_id, connection_id, stage, name)
    if name:
        raise Garbled("a question has data")
    return GetGroups(api_id, connection_id, stage)


def list_data(request: ListConnections) -> bytes:
    """Raises ValueError when there is more of anything than the fleet allows, or an ID is none."""
    after = request.after
    place = None if after is None else [after.connected_at_ms, after.connection_id]
    return audience_data(request.audience, request.limit, place)


def list_request(api_id: ApiId, data: bytes) -> ListConnections | None:
    """None when it says more than is known here. Raises Garbled, or ``struct.error`` when a count is not there."""
    audience, more, end = audience_in(api_id, data)
    match more:
        case [_, _, _, *_]:
            return None
        case [int(limit), None] if 0 <= limit <= MAX_LISTED and end == len(data):
            return ListConnections(audience, limit)
        case [int(limit), [int(at_ms), str(connection_id)]] if 0 <= limit <= MAX_LISTED and end == len(data):
            return ListConnections(audience, limit, Position(at_ms, ConnectionId(connection_id)))
        case _:
            raise Garbled("a question for a list cannot be read")


def groups_data(told: InGroups) -> bytes:
    text = _text(told.names)
    return _LENGTH.pack(len(text)) + text


def groups_in(batch: bytes, start: int) -> tuple[InGroups, int]:
    """With where it ends. Raises Garbled, or ``struct.error``."""
    (length,) = _LENGTH.unpack_from(batch, start)
    names, end = _values(batch, start + _LENGTH.size, length)
    if not all(isinstance(name, str) for name in names):
        raise Garbled("groups cannot be read")
    return InGroups(tuple(names)), end


def listing_data(listing: Listing) -> bytes:
    text = _text([_values_of(entry) for entry in listing.entries])
    return _LISTING.pack(listing.count, len(text)) + text


def listing_in(batch: bytes, start: int) -> tuple[Listing, int]:
    """With where it ends. Raises Garbled, or ``struct.error``."""
    count, length = _LISTING.unpack_from(batch, start)
    listed, end = _values(batch, start + _LISTING.size, length)
    return Listing(count, tuple([_entry(each) for each in listed])), end


def _values_of(entry: Entry) -> list[Any]:
    return [
        entry.connection_id,
        entry.connected_at_ms,
        entry.last_active_at_ms,
        entry.source_ip,
        entry.user_agent,
        entry.principal,
        entry.groups,
    ]


def _entry(values: Any) -> Entry:
    if not isinstance(values, list) or len(values) < len(_ENTRY):
        raise Garbled("an entry of a list cannot be read")
    if not all(isinstance(value, kind) for value, kind in zip(values, _ENTRY, strict=False)):
        raise Garbled("an entry of a list cannot be read")
    connection_id, connected, active, address, agent, principal, groups, *_ = values  # a newer version may tell more
    if not all(isinstance(name, str) for name in groups):
        raise Garbled("an entry of a list cannot be read")
    return Entry(ConnectionId(connection_id), connected, active, address, agent, principal, tuple(groups))


def _text(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", _SURROGATES)


def _values(batch: bytes, start: int, length: int) -> tuple[list[Any], int]:
    end = start + length
    if end > len(batch):
        raise Garbled("an answer is longer than its batch")
    try:
        values = json.loads(batch[start:end])
    except (ValueError, RecursionError) as error:
        raise Garbled("an answer cannot be read") from error
    if not isinstance(values, list):
        raise Garbled("an answer cannot be read")
    return values, end
