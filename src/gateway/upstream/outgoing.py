"""What may leave as a request: a method, URL and headers that cannot be read as anything else.

Their values may come from a client's message, so whatever could end a line or start another request is refused, and
framing is left to the library that writes the bytes. Knows no network.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from yarl import URL

from gateway.model.backend import Pairs

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URL_TEXT: Final = "/%:@!$&'()*+,;=~?"  # what stands for itself in a path or query; RFC 3986 §3.3, §3.4
_FRAMING: Final = frozenset(
    {
        "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip


def checked_method(method: str) -> str:
    """Raises ValueError."""
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no HTTP method")
    return method


def checked_headers(headers: Pairs) -> list[tuple[str, str]]:
    """All but those of framing. Raises ValueError for one that cannot be sent."""
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        if _CONTROL_BUT_TAB.search(value):
            raise ValueError(f"the value of header {name} has a line break or control character in it")
    return [(name, _utf8(value)) for name, value in headers if name.lower() not in _FRAMING]


def checked_url(text: str) -> URL:
    """The URL as it is written; only what no URL may hold is percent-encoded. Raises ValueError."""
    if _CONTROL.search(text):
        raise ValueError("the URL has a line break or control character in it")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text.partition('?')[0]!r} is no http:// or https:// URL")
    origin = URL(f"{parts.scheme}://{parts.netloc}")
    return URL.build(
        scheme=parts.scheme,
        authority=origin.raw_authority,
        path=url_text(parts.path) or "/",
        query_string=url_text(parts.query),
        encoded=True,
    )


def url_text(text: str) -> str:
    """A path or query with what may not stand in it percent-encoded; escapes that are there stay."""
    return quote(_STRAY_PERCENT.sub("%25", _utf8(text)), safe=_URL_TEXT)


def _utf8(text: str) -> str:
    """JSON can hold half a surrogate pair, the wire cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
