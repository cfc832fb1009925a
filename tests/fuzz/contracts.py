"""What holds of any bytes that a stranger sends: they are accepted or refused by the one value for it, nothing is
raised, and they mean the same in one piece as in many.

Hypothesis and the corpus's replay (``test_contracts``) and the coverage-guided run (``run``) all call these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gateway.access.canonical import canonical_requests
from gateway.access.signature import Claim, Refusal, read_claim
from gateway.model.handshake import Handshake
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import AWS, KIB
from gateway.server.conduct import nowhere
from gateway.server.head import find_end, read_head
from gateway.server.plain_post import plain_post
from gateway.wire.compression import agreed_window_bits, deflate, inflate
from gateway.wire.handshake import Peer, read_handshake, wants_upgrade
from gateway.wire.http import RequestHead, is_doubtful, split_target
from gateway.wire.stream import Binary, Close, Event, MessageReader, Ping, Pong, Text, Violation

PEER: Final = Peer("192.0.2.1", 443, True)
VIOLATIONS: Final = frozenset((1002, 1007, 1009))
REFUSALS: Final = frozenset((400, 426, 431))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def head(data: bytes) -> None:
    """The first byte says how many bytes come at once."""
    size, data = 1 + data[0] % 64 if data else 1, data[1:]
    at_once = _read(data, find_end(data, 0))
    known, found, raw = 0, None, b""
    for piece in pieces(data, size):
        raw += piece
        found = _read(raw, find_end(raw, known))
        if found is not None:
            break
        known = len(raw)
    assert found == at_once
    end = find_end(raw, 0)
    post = plain_post(raw[:end], AWS.max_message_bytes, nowhere) if isinstance(end, int) and end else None
    if post is not None:  # the fast reader takes nothing that the other does not, and takes it alike
        assert isinstance(found, RequestHead)
        assert (found.method, found.headers, split_target(found.target)) == (
            "POST",
            post.headers,
            (post.path, post.query),
        )
        assert 0 <= post.length <= AWS.max_message_bytes
    if isinstance(found, HttpResponse):
        assert found.status in REFUSALS
    elif found is not None:
        _use(found)


def _read(raw: bytes, end: int | HttpResponse) -> RequestHead | HttpResponse | None:
    """None while more has to come."""
    if isinstance(end, HttpResponse) or not end:
        return end or None
    return read_head(raw[:end])


def _use(found: RequestHead) -> None:
    """What the shells do with a head that was read."""
    assert not is_doubtful(found)
    if wants_upgrade(found):
        handshake = read_handshake(found, PEER)
        if isinstance(handshake, Handshake):
            assert agreed_window_bits(handshake.extensions) in (0, *range(9, 16))
        else:
            assert handshake.status in REFUSALS


def frames(data: bytes) -> None:
    """The first byte says whether compression was agreed on, and how many bytes come at once."""
    first, data = data[0] if data else 0, data[1:]
    bits, size = 15 * (first & 1), 1 + (first >> 1)
    at_once = MessageReader(bits).feed(data, AWS)
    reader = MessageReader(bits)
    assert [event for piece in pieces(data, size) for event in reader.feed(piece, AWS)] == at_once
    for event in at_once:
        _check(event)
    ends = [event for event in at_once if isinstance(event, Close | Violation)]
    assert at_once[len(at_once) - len(ends) :] == ends
    assert len(ends) <= 2


def _check(event: Event) -> None:
    match event:
        case Text(text):
            assert len(text.encode()) <= AWS.max_message_bytes
        case Binary(data):
            assert len(data) <= AWS.max_message_bytes
        case Ping(payload) | Pong(payload):
            assert len(payload) <= 125
        case Violation(code, _):
            assert code in VIOLATIONS
        case Close():
            pass


def deflated(data: bytes) -> None:
    """The first byte says how much may come of the others."""
    limit, data = data[0] * 16 if data else 0, data[1:]
    found = inflate(data, limit)
    if isinstance(found, Violation):
        assert found.code in VIOLATIONS
    else:
        assert len(found) <= limit
    assert inflate(deflate(data, 9 + limit % 7), len(data)) == data


def signature(data: bytes) -> None:
    """Lines: the Authorization header, the query, then ``name:value`` headers; the rest is the path."""
    authorization, query, *lines = [*data.decode("latin-1").split("\n"), ""]
    headers = [("Authorization", authorization)]
    headers += [(name, value) for name, colon, value in (line.partition(":") for line in lines) if colon]
    path = "/" + "".join(line for line in lines if ":" not in line)
    request = HttpRequest("POST", path, query, tuple(headers), b"", "192.0.2.1", "localhost")
    found = read_claim(request)
    if isinstance(found, Claim):
        assert canonical_requests(request, found.signed_headers)
    else:
        assert isinstance(found, Refusal)


CONTRACTS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "head": head,
    "frames": frames,
    "deflated": deflated,
    "signature": signature,
}
MAX_BYTES: Final = 4 * KIB  # of one input
