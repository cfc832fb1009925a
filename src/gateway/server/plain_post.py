"""Tells the posts that are simple enough to be served without a framework, and reads what matters of their heads.

It knows no service: ``@connections`` is where the many posts of an API's own handlers go, ``@fleet`` where one goes
that stands for many. What it reads, any other reader would read alike: whatever leaves room for a second opinion is
left to ``head`` and to aiohttp.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.model.limits import MAX_HEAD_COUNT

_BEFORE, _BEHIND = "POST ", " HTTP/1.1"
_PLACES: Final = re.compile(r"/(?:@|%40)(?:connections|fleet)/")
_NEVER: Final = ("transfer-encoding", "expect", "upgrade", "trailer", "proxy-connection")
_TARGET: Final = re.compile(r"/[\w.~/@%:;,!$'()*+?&=-]*", re.ASCII)
_NAME: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110 §5.6.2
_REMEMBERED: Final = 512  # header lines; of those of one client most are the same in every request
_MAX_REMEMBERED_CHARS: Final = 256  # of one, so that strangers cannot fill the memory with them
_MAX_LENGTH_DIGITS: Final = 9


class PlainPost(NamedTuple):
    """``headers`` are as on the wire, ``fields`` the same by their names in lower case, none of which is there twice;
    ``length`` is the body's, in bytes."""

    path: str
    query: str
    host: str
    headers: tuple[tuple[str, str], ...]
    fields: dict[str, str]
    length: int
    keep_alive: bool


def plain_post(head: bytes, max_body_bytes: int, longer_bodies: Callable[[str], int | None]) -> PlainPost | None:
    """The post that ``head`` is, its empty line included; of bodies as in ``conduct``.

    None for anything that wants more care: another method, another path, a version before 1.1, a chunked or too large
    body, a client that waits to be told to continue, a header that is there twice, any character or white space about
    which readers differ, what is malformed.
    """
    if not head.startswith(b"POST /") or not head.isascii():
        return None
    request_line, *lines = head[:-4].decode("ascii").split("\r\n")
    target = request_line[len(_BEFORE) : -len(_BEHIND)]
    if not request_line.endswith(_BEHIND) or _TARGET.fullmatch(target) is None or len(lines) > MAX_HEAD_COUNT:
        return None
    path, _, query = target.partition("?")
    if _PLACES.search(path) is None:
        return None
    found = [_known_field(line) if len(line) <= _MAX_REMEMBERED_CHARS else _field(line) for line in lines]
    headers = [pair for pair in found if pair is not None]
    fields = {name: header[1] for name, header in headers}
    if len(fields) != len(lines) or not fields.keys().isdisjoint(_NEVER):
        return None
    host, length = fields.get("host"), fields.get("content-length", "0")
    connection = fields.get("connection", "keep-alive").lower()
    if host is None or not length.isdecimal() or len(length) > _MAX_LENGTH_DIGITS:
        return None
    if int(length) > max_body_bytes and int(length) > (longer_bodies(path) or 0):
        return None
    if connection not in ("keep-alive", "close"):
        return None
    return PlainPost(
        path, query, host, tuple([header for _, header in headers]), fields, int(length), connection == "keep-alive"
    )


def _field(line: str) -> tuple[str, tuple[str, str]] | None:
    """A header line's name in lower case, and its name and value; None unless all of it is plain text."""
    name, colon, value = line.partition(":")
    value = value.strip(" \t")
    if not colon or not value.isprintable() or _NAME.fullmatch(name) is None:
        return None
    return name.lower(), (name, value)


_known_field: Final = lru_cache(maxsize=_REMEMBERED)(_field)
