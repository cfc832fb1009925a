"""The little of HTTP/1.1 (RFC 9112) that a gateway writes and reads itself: a request's head, a whole response, a date.

What is said about the connection is the server's own: such headers of a response are never copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway.model.hot_value import hot_value
from gateway.model.http import HttpResponse

_FRAMING: Final = frozenset(("connection", "content-length", "date", "keep-alive", "transfer-encoding"))
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 §5.5
# Renamed by RFC 9110 and so by Python 3.13; AWS has kept the old names, and answers do not depend on the interpreter.
_REASONS: Final = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@hot_value
class RequestHead:
    """``target`` and ``headers`` as on the wire (latin-1), ``version`` as ``1.1``."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Every value of a header, ``name`` in lower case."""
        size = len(name)  # compared first: most names differ in it
        return [value for key, value in self.headers if len(key) == size and key.lower() == name]

    def fields(self) -> dict[str, list[str]]:
        """Every header's values by its name in lower case: for who looks up more than one or two."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value)
        return found


def tokens(values: Iterable[str]) -> tuple[str, ...]:
    """The elements of a list header (RFC 9110 §5.6.1) with these values, in order, empty ones left out."""
    found = [token.strip(" \t") for value in values for token in value.split(",")]
    return tuple([token for token in found if token])


def split_target(target: str) -> tuple[str, str]:
    """Raw path and query of a request target; the absolute form (RFC 9112 §3.2.2) loses scheme and authority."""
    path, _, query = target.partition("?")
    if not path.startswith("/") and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query


def is_doubtful(head: RequestHead) -> bool:
    """Whether a head that could be read is refused all the same, since others may read it otherwise: a version that is
    neither 1.0 nor 1.1, a coding that does not end with ``chunked``, an absolute target of another host.

    RFC 9112 §3.2.2 has the target's host win, which chooses the API; whoever stands in front may go by either.
    """
    if head.version not in ("1.0", "1.1"):
        return True
    coding = head.values("transfer-encoding")
    if coding and [last.lower() for last in tokens(coding)[-1:]] != ["chunked"]:
        return True
    if head.target.startswith("/") or "://" not in head.target:
        return False
    authority = re.split("[/?#]", head.target.partition("://")[2], maxsplit=1)[0]
    return [host.lower() for host in head.values("host")] != [authority.lower()]


def response(answer: HttpResponse, now_ms: int, *, keep_alive: bool = True, with_body: bool = True) -> bytes:
    """A whole response: the answer's headers, ``Date``, ``Content-Length`` and ``Connection``, nothing else.

    ``now_ms`` is Unix time; without ``with_body`` the length is said but the body left out, as HEAD wants it.
    """
    lines = [_status_line(answer.status), f"Date: {http_date(now_ms)}\r\n"]
    connection = "keep-alive" if keep_alive else "close"
    for name, value in answer.headers:
        part = _part(name)
        if part is _Part.UPGRADE:
            connection += ", upgrade"  # RFC 9110 §7.8: whoever sends Upgrade names it here too
        if part is not _Part.NOTHING:
            lines.append(f"{name}: {_clean(value)}\r\n")
    has_body = answer.status >= 200 and answer.status not in (204, 304)
    if has_body:
        lines.append(f"Content-Length: {len(answer.body)}\r\n")
    lines.append(f"Connection: {connection}\r\n\r\n")
    head = _encoded("".join(lines))
    return head + answer.body if has_body and with_body else head


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers; what could break out of a line is left out (names) or blanked (values)."""
    lines = [f"{name}: {_clean(value)}\r\n" for name, value in headers if _is_name(name)]
    return _encoded(f"{_status_line(status)}{''.join(lines)}\r\n")


class _Part(Enum):
    """What a response header of a service is for the server, by its name."""

    HEADER = 0
    UPGRADE = 1
    NOTHING = 2


@lru_cache(maxsize=512)  # the same few names in every answer
def _part(name: str) -> _Part:
    lower = name.lower()
    if lower in _FRAMING or not _is_name(name):
        return _Part.NOTHING
    return _Part.UPGRADE if lower == "upgrade" else _Part.HEADER


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _clean(value: str) -> str:
    """Printable text holds no control character: nearly every value is done with here."""
    return value if value.isprintable() else _CONTROL.sub(" ", value)


def _encoded(head: str) -> bytes:
    try:
        return head.encode("latin-1")
    except UnicodeEncodeError:
        return head.encode("utf-8", "replace")


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {_reason(status)}\r\n"


def _reason(status: int) -> str:
    try:
        return _REASONS.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def http_date(now_ms: int) -> str:
    """IMF-fixdate (RFC 9110 §5.6.7) of a Unix time in milliseconds."""
    return _date_of_second(now_ms // 1000)


@lru_cache(maxsize=4)
def _date_of_second(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"
