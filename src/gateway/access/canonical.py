"""The canonical request of Signature Version 4: the one text that client and server hash alike.

For services other than S3: the path as sent is encoded once more, and the payload's hash is always the body's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from gateway.access.signature import SIGNATURE_PARAMETER
from gateway.model.http import HttpRequest

_SIGNATURE: Final = SIGNATURE_PARAMETER.encode("ascii")
_ENCODED: Final = re.compile(r"[A-Za-z0-9_.~/%-]+")


def canonical_requests(request: HttpRequest, signed_headers: Sequence[str]) -> tuple[bytes, ...]:
    """The canonical request, and when it differs the one of clients that leave the query's own encoding as it is."""
    values = _values(request, signed_headers)
    lines = "".join([f"{name}:{value}\n" for name, value in zip(signed_headers, values, strict=True)])
    after = f"{lines}\n{';'.join(signed_headers)}\n{sha256(request.body).hexdigest()}"
    before = f"{request.method.upper()}\n{_path(request.raw_path)}\n"
    return tuple([wire(f"{before}{query}\n{after}") for query in _queries(request.query)])


def _queries(query: str) -> tuple[str, ...]:
    if not query:
        return ("",)
    pairs = _pairs(wire(query))
    normal, verbatim = (
        _joined((_encoded(name), _encoded(value)) for name, value in pairs if name or value),
        _joined(pairs),
    )
    return (normal,) if normal == verbatim else (normal, verbatim)


def _path(raw: str) -> str:
    """Encoded once more, without empty and dot segments. What SDKs ask of ``@connections`` is known by its characters,
    and then costs a fifth."""
    if raw[:1] == "/" and "//" not in raw and "/." not in raw:
        encoded = raw.replace("%", "%25").replace("@", "%40").replace("=", "%3D")
        if _ENCODED.fullmatch(encoded):
            return encoded
    return quote(_plain_path(wire(raw)), safe="/~")


def wire(text: str) -> bytes:
    """The bytes that were read as ``text``: heads of requests are read as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _plain_path(path: bytes) -> bytes:
    """Without empty and dot segments (RFC 3986 §5.2.4)."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    joined = b"/".join(kept)
    return b"/%s/" % joined if path.endswith(b"/") and kept else b"/%s" % joined


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    """Still encoded, without the signature itself."""
    parts = (part.partition(b"=") for part in query.split(b"&")) if query else ()
    return [(name, value) for name, _, value in parts if name != _SIGNATURE]


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> str:
    return b"&".join(b"%s=%s" % pair for pair in sorted(pairs)).decode("latin-1")


def _encoded(text: bytes) -> bytes:
    return quote(unquote_to_bytes(text), safe="-_.~").encode("ascii")


def _values(request: HttpRequest, names: Sequence[str]) -> list[str]:
    """All values of each header, blanks trimmed and runs of them made one."""
    fields = request.fields
    if len(fields) == len(request.headers):  # no name is there twice
        return [_trimmed(fields.get(name, "")) for name in names]
    return [",".join([_trimmed(value) for key, value in request.headers if key.lower() == name]) for name in names]


def _trimmed(value: str) -> str:
    if value.isascii() and value.isprintable():
        return " ".join(value.split()) if " " in value else value
    return b" ".join(wire(value).split()).decode("latin-1")  # what is a blank to Unicode alone is none
