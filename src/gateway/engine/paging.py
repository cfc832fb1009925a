"""The query of a list of connections: read, or told what is wrong with it; and the token by which a list goes on.

A list goes through the nodes by their numbers, and through each by the time of connecting and then by ID. A token says
where: so whoever stays connected is told once, whoever else comes and goes meanwhile.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from struct import Struct
from typing import Final

from gateway.engine.endpoint import Endpoint
from gateway.engine.filters import FILTERS, GROUP, last, read_audience, read_query
from gateway.model.audience import Audience
from gateway.model.hot_value import hot_value
from gateway.model.ids import ID_BYTES, NodeNumber, packed, unpacked
from gateway.model.limits import LISTED, MAX_GROUP_NAME_CHARS, MAX_LISTED
from gateway.model.peer import Position

_NAMES: Final = ("limit", "next", *FILTERS)
_NODE: Final = Struct(">I")
_TIME: Final = Struct(">q")
_MAX_DIGITS: Final = 4


@hot_value
class Bookmark:
    """Where a list goes on: at ``node``, or the next one if that is no more, behind ``after`` (None: with its first
    connection)."""

    node: NodeNumber
    after: Position | None = None


@hot_value
class Page:
    """``limit``: at most so many connections, 0: their number alone; ``begins`` None: the list begins here."""

    audience: Audience
    limit: int
    begins: Bookmark | None = None


def read_page(
    endpoint: Endpoint, query: str, max_name_chars: int = MAX_GROUP_NAME_CHARS, group: str | None = None
) -> Page | str:
    """What is asked for, or what is wrong, as a sentence; ``group`` is the path's, None: the query may name one."""
    values = read_query(query, _NAMES if group is not None else (*_NAMES, GROUP))
    if isinstance(values, str):
        return values
    limit = _limit(last(values, "limit"))
    if limit is None:
        return f"limit is not a whole number from 0 to {MAX_LISTED}"
    token = last(values, "next")
    begins = None if token is None else read_token(token)
    if token is not None and begins is None:
        return "next is none that a list has given"
    audience = read_audience(endpoint, values, max_name_chars, group)
    return audience if isinstance(audience, str) else Page(audience, limit, begins)


def token_of(bookmark: Bookmark) -> str:
    """Opaque to callers."""
    raw = _NODE.pack(bookmark.node)
    if bookmark.after is not None:
        raw += _TIME.pack(bookmark.after.connected_at_ms) + packed((bookmark.after.connection_id,))
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def read_token(text: str) -> Bookmark | None:
    """None when ``token_of`` cannot have made it."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    if len(raw) == _NODE.size:
        return Bookmark(NodeNumber(*_NODE.unpack(raw)))
    if len(raw) != _NODE.size + _TIME.size + ID_BYTES:
        return None
    (node,), (at_ms,) = _NODE.unpack_from(raw), _TIME.unpack_from(raw, _NODE.size)
    (connection_id,) = unpacked(raw[-ID_BYTES:])
    return Bookmark(NodeNumber(node), Position(at_ms, connection_id))


def _limit(text: str | None) -> int | None:
    if text is None:
        return LISTED
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        return None
    return int(text) if int(text) <= MAX_LISTED else None
