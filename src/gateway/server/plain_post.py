"""Tells the posts that are simple enough to be served without a framework, and says what of their heads matters.

It knows no service: ``@connections`` is where the many posts of an API's own handlers go.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.wire.http import RequestHead, split_target

_PLACE: Final = "/@connections/"
_ENCODED_PLACE: Final = "/%40connections/"
_NEVER: Final = ("transfer-encoding", "expect", "upgrade", "trailer", "proxy-connection")


class PlainPost(NamedTuple):
    """``length`` is the body's, in bytes."""

    head: RequestHead
    path: str
    query: str
    host: str
    length: int
    keep_alive: bool


def plain_post(head: RequestHead, max_body_bytes: int) -> PlainPost | None:
    """The post that ``head`` begins; None for anything that wants more care: another method, another path, a version
    before 1.1, a chunked or too large body, a client that waits to be told to continue, a header that is there twice,
    characters beyond ASCII where readers differ."""
    if head.method != "POST" or head.version != "1.1" or not head.target.isascii():
        return None
    if _PLACE not in head.target and _ENCODED_PLACE not in head.target:
        return None
    fields = {name.lower(): value for name, value in head.headers}
    if len(fields) != len(head.headers) or not fields.keys().isdisjoint(_NEVER):
        return None
    host, length = fields.get("host"), fields.get("content-length", "0")
    connection = fields.get("connection", "keep-alive").lower()
    if host is None or not host.isascii() or not length.isdecimal() or int(length) > max_body_bytes:
        return None
    if connection not in ("keep-alive", "close"):
        return None
    path, query = split_target(head.target)
    return PlainPost(head, path, query, host, int(length), connection == "keep-alive")
