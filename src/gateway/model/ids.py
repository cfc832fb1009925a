"""Identifiers, as AWS shapes them and as this fleet reads them.

A connection ID is 13 bytes in padded base64url (20 characters ending ``==``, parity 2.5): four bytes that hold
the owner's node number masked by the random part, six random bytes, three bytes of a keyed check. So any node
that has the fleet's key tells an invented ID from a genuine one, and a genuine one's owner, without a look-up.
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from typing import Final, NewType

ApiId = NewType("ApiId", str)
StageName = NewType("StageName", str)
RouteKey = NewType("RouteKey", str)
ConnectionId = NewType("ConnectionId", str)
MessageId = NewType("MessageId", str)
RequestId = NewType("RequestId", str)
FunctionName = NewType("FunctionName", str)
NodeNumber = NewType("NodeNumber", int)

CONNECT: Final = RouteKey("$connect")
DISCONNECT: Final = RouteKey("$disconnect")
DEFAULT: Final = RouteKey("$default")

ID_BYTES: Final = 13  # a connection ID without its text form
RANDOM_BYTES: Final = 6
REQUEST_ID_BYTES: Final = 11
MESSAGE_HEAD_BYTES: Final = 7
MAX_NODE_NUMBER: Final = 2**32 - 1
_CHECK_BYTES: Final = 3
# Of 13 bytes: 17 characters of 6 bits and one of 2, which leaves four characters to end with.
_ID_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{17}[AQgw]==")


def connection_id(owner: NodeNumber, random: bytes, key: bytes) -> ConnectionId:
    """The ID of a connection that ``owner`` accepts; ``random`` is 6 bytes, ``key`` 0-32 bytes.

    Raises ValueError when the owner is out of range or ``random`` has another length.
    """
    if not 0 <= owner <= MAX_NODE_NUMBER or len(random) != RANDOM_BYTES:
        raise ValueError("owner must fit 32 bits and random must be 6 bytes")
    masked = (owner ^ int.from_bytes(random[:4], "big")).to_bytes(4, "big")
    head = masked + random
    return ConnectionId(_text(head + _check(head, key)))


def owner_of(text: str, key: bytes) -> NodeNumber | None:
    """The node number inside a genuine connection ID, or None when the ID was never issued with ``key``."""
    raw = _raw(text)
    if raw is None or _check(raw[:-_CHECK_BYTES], key) != raw[-_CHECK_BYTES:]:
        return None
    return _owner(raw)


def claimed_owner(text: str) -> NodeNumber | None:
    """The node number inside a connection ID, genuine or invented; None when it is none by its shape alone."""
    raw = _raw(text)
    return None if raw is None else _owner(raw)


def packed(connection_ids: Iterable[ConnectionId]) -> bytes:
    """Many connection IDs, ``ID_BYTES`` each. Raises ValueError for one that is none by its shape."""
    return b"".join([_shaped(each) for each in connection_ids])


def unpacked(raw: bytes) -> tuple[ConnectionId, ...]:
    """The inverse of ``packed``. Raises ValueError when the bytes are not a whole number of IDs."""
    if len(raw) % ID_BYTES:
        raise ValueError("not a whole number of connection IDs")
    return tuple([ConnectionId(_text(raw[at : at + ID_BYTES])) for at in range(0, len(raw), ID_BYTES)])


def _shaped(text: str) -> bytes:
    raw = _raw(text)
    if raw is None:
        raise ValueError("not a connection ID")
    return raw


def _raw(text: str) -> bytes | None:
    """Decoded; None for what ``connection_id`` cannot have written."""
    return _bytes(text) if _ID_TEXT.fullmatch(text) else None


def _owner(raw: bytes) -> NodeNumber:
    return NodeNumber(int.from_bytes(raw[:4], "big") ^ int.from_bytes(raw[4:8], "big"))


def message_id(connection: ConnectionId, head: bytes) -> MessageId:
    """A message's ID: 7 bytes of its own, then the last 6 bytes of its connection's ID (parity 2.5)."""
    if len(head) != MESSAGE_HEAD_BYTES:
        raise ValueError("the head of a message ID is 7 bytes")
    return MessageId(_text(head + _bytes(connection)[-6:]))


def request_id(random: bytes) -> RequestId:
    """A request ID: 11 bytes, 16 characters ending ``=`` (parity 2.5)."""
    if len(random) != REQUEST_ID_BYTES:
        raise ValueError("a request ID is 11 bytes")
    return RequestId(_text(random))


def disconnect_request_id(connection: ConnectionId) -> RequestId:
    """The request ID of a connection's one ``$disconnect`` event, the same whoever sends it and however often."""
    digest = hashlib.blake2s(connection.encode("ascii"), digest_size=REQUEST_ID_BYTES, person=b"$disc")
    return request_id(digest.digest())


def _text(data: bytes) -> str:
    """Base64url, at two thirds of what the library's costs."""
    return b2a_base64(data, newline=False).decode("ascii").replace("+", "-").replace("/", "_")


def _bytes(text: str) -> bytes:
    return a2b_base64(text.replace("-", "+").replace("_", "/"))


def _check(head: bytes, key: bytes) -> bytes:
    return hashlib.blake2s(head, digest_size=_CHECK_BYTES, key=key).digest()
