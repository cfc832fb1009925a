"""The opening handshake of RFC 6455 §4.2: a parsed request head in, a ``Handshake`` or a refusal out, and the bytes
of the 101.

It does not know stages, routes or what an API answers, nor what an extension is (``compression`` does).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

from gateway.model.handshake import Handshake
from gateway.model.http import HttpResponse
from gateway.model.limits import MAX_HEADER_BYTES
from gateway.wire.http import RequestHead, http_date, response_head, split_target, tokens

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_VERSION: Final = "13"
_KEY_BYTES: Final = 16
_SWITCHING: Final = (  # where no subprotocol is named: nearly always
    "HTTP/1.1 101 Switching Protocols\r\nDate: %s\r\nConnection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-accept: %s\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a request came from: the client's address, the port it reached, and whether over TLS."""

    source_ip: str
    port: int
    secure: bool

    def over_tls(self) -> Peer:
        """The same, whose bytes come inside TLS that ends here."""
        return Peer(self.source_ip, self.port, secure=True)


def refusal(status: int, message: str, *headers: tuple[str, str]) -> HttpResponse:
    """A refusal of the gateway's own, before any API is known; ``message`` is plain ASCII without quotes."""
    return HttpResponse(
        status, (("content-type", "application/json"), *headers), f'{{"message":"{message}"}}'.encode("ascii")
    )


# A GET without Upgrade on a stage's path (parity 1.3 [?]: 426 or 403; assumed).
UPGRADE_REQUIRED: Final = refusal(
    426, "Upgrade Required", ("upgrade", "websocket"), ("sec-websocket-version", _VERSION)
)
_WRONG_VERSION: Final = refusal(426, "Sec-WebSocket-Version must be 13", ("sec-websocket-version", _VERSION))
_TOO_LARGE: Final = refusal(431, "Request Header Fields Too Large")


def wants_upgrade(head: RequestHead) -> bool:
    """Whether this is an attempt at a WebSocket handshake, well-formed or not."""
    return head.method == "GET" and _has_token(head.values("upgrade"), "websocket")


def read_handshake(head: RequestHead, peer: Peer) -> Handshake | HttpResponse:
    """The client's handshake, or what to answer it with (RFC 6455 §4.2.1)."""
    fields = head.fields()
    wrong = _wrong(head, fields)
    if wrong is not None:
        return wrong
    path, query = split_target(head.target)
    return Handshake(
        path=path,
        query=query,
        headers=head.headers,
        key=fields["sec-websocket-key"][0].strip(" \t"),
        source_ip=peer.source_ip,
        port=peer.port,
        secure=peer.secure,
        subprotocols=tokens(fields.get("sec-websocket-protocol", ())),
        extensions=tokens(fields.get("sec-websocket-extensions", ())),
    )


def _wrong(head: RequestHead, fields: Mapping[str, Sequence[str]]) -> HttpResponse | None:
    for holds, message in (
        (head.method == "GET", "A WebSocket handshake must be a GET request"),
        (head.version == "1.1", "A WebSocket handshake needs HTTP/1.1"),
        (len([host for host in fields.get("host", ()) if host.strip()]) == 1, "Exactly one Host header is needed"),
        (_has_token(fields.get("upgrade", ()), "websocket"), "Upgrade must contain websocket"),
        (_has_token(fields.get("connection", ()), "upgrade"), "Connection must contain upgrade"),
        (not _has_body(fields), "A WebSocket handshake has no body"),
    ):
        if not holds:
            return refusal(400, message)
    if [version.strip() for version in fields.get("sec-websocket-version", ())] != [_VERSION]:
        return _WRONG_VERSION
    keys = fields.get("sec-websocket-key", ())
    if len(keys) != 1 or not _is_key(keys[0]):
        return refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return _TOO_LARGE if sum([len(value) for _, value in head.headers]) > MAX_HEADER_BYTES else None


def _has_token(values: Sequence[str], token: str) -> bool:
    """Whether a list header with these values has the token, in any case."""
    if len(values) == 1 and values[0].lower() == token:
        return True  # as nearly every client says it
    return any([found.lower() == token for found in tokens(values)])


def _has_body(fields: Mapping[str, Sequence[str]]) -> bool:
    return bool(fields.get("transfer-encoding")) or any(
        length.strip() != "0" for length in fields.get("content-length", ())
    )


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text.strip(" \t"), validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def accept_value(key: str) -> str:
    """Sec-WebSocket-Accept for a client's key (RFC 6455 §4.2.2)."""
    return b64encode(sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()).decode("ascii")


def switching_protocols(key: str, subprotocol: str | None, now_ms: int, extension: str | None = None) -> bytes:
    """The whole 101, with exactly the headers AWS sends (parity 1.2); ``now_ms`` is Unix time, ``extension`` what was
    agreed on, None for nothing."""
    if subprotocol is None and extension is None:
        return (_SWITCHING % (http_date(now_ms), accept_value(key))).encode("ascii")
    headers = [
        ("Date", http_date(now_ms)),
        ("Connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", accept_value(key)),
    ]
    if subprotocol is not None:
        headers.append(("sec-websocket-protocol", subprotocol))
    if extension is not None:
        headers.append(("sec-websocket-extensions", extension))
    return response_head(101, headers)
