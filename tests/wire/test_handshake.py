from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from gateway.model.handshake import Handshake
from gateway.model.http import HttpResponse
from gateway.wire.handshake import (
    UPGRADE_REQUIRED,
    Peer,
    accept_value,
    read_handshake,
    switching_protocols,
    wants_upgrade,
)
from gateway.wire.http import RequestHead, response

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PEER = Peer("192.0.2.1", 8443, True)
NOW_MS = 1_790_328_005_000


def request(
    target: str = "/prod?room=1", method: str = "GET", version: str = "1.1", **changes: str | list[str] | None
) -> RequestHead:
    """A good handshake with some headers replaced (several for a list) or left out (None)."""
    headers: dict[str, str | list[str] | None] = {
        "Host": "example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    pairs = []
    for name, value in headers.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        pairs += [(name, each) for each in values]
    return RequestHead(method, target, version, tuple(pairs))


def test_a_good_handshake_keeps_everything_as_it_was_on_the_wire() -> None:
    head = request(
        "/prod/?a=%20b&c",
        x_CustoM="1",
        Sec_WebSocket_Protocol=["chat, v2", "v1"],
        Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits, x",
    )
    assert ("x-CustoM", "1") in head.headers
    assert read_handshake(head, PEER) == Handshake(
        path="/prod/",
        query="a=%20b&c",
        headers=head.headers,
        key=KEY,
        source_ip="192.0.2.1",
        port=8443,
        secure=True,
        subprotocols=("chat", "v2", "v1"),
        extensions=("permessage-deflate; client_max_window_bits", "x"),
    )


@pytest.mark.parametrize(
    "head",
    [
        request(Upgrade="WebSocket"),
        request(Upgrade="h2c, websocket"),
        request(Connection="keep-alive, Upgrade"),
        request(Connection=["keep-alive", "upgrade"]),
        request(Content_Length="0"),
        request(Sec_WebSocket_Key=f" {KEY} "),
        request("http://example.com/prod"),
    ],
)
def test_forms_that_are_accepted(head: RequestHead) -> None:
    assert isinstance(read_handshake(head, PEER), Handshake)


@pytest.mark.parity("P-065", "P-066", "P-403", "P-404")
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request(method="POST"), 400),
        (request(version="1.0"), 400),
        (request(Host=None), 400),
        (request(Host=""), 400),
        (request(Host=["a", "b"]), 400),
        (request(Upgrade="h2c"), 400),
        (request(Upgrade=None), 400),
        (request(Connection="keep-alive"), 400),
        (request(Connection=None), 400),
        (request(Content_Length="5"), 400),
        (request(Transfer_Encoding="chunked"), 400),
        (request(Sec_WebSocket_Key=None), 400),
        (request(Sec_WebSocket_Key=""), 400),
        (request(Sec_WebSocket_Key=[KEY, KEY]), 400),
        (request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25j"), 400),
        (request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZ!=="), 400),
        (request(Sec_WebSocket_Key="\xe9" * 24), 400),
        (request(Sec_WebSocket_Version=None), 426),
        (request(Sec_WebSocket_Version="8"), 426),
        (request(Sec_WebSocket_Version=["13", "13"]), 426),
        (request(Cookie="x" * 10_200), 431),
    ],
)
def test_forms_that_are_refused(head: RequestHead, status: int) -> None:
    refused = read_handshake(head, PEER)
    assert isinstance(refused, HttpResponse)
    assert refused.status == status
    assert (("sec-websocket-version", "13") in refused.headers) == (status == 426)
    assert refused.body.startswith(b'{"message":"')


@pytest.mark.parametrize(
    ("head", "wants"),
    [
        (request(), True),
        (request(Sec_WebSocket_Key=None), True),
        (request(Connection=None), True),
        (request(method="POST"), False),
        (request(Upgrade="h2c"), False),
        (request(Upgrade=None), False),
    ],
)
def test_what_counts_as_an_attempt_at_a_handshake(head: RequestHead, wants: bool) -> None:
    assert wants_upgrade(head) is wants


@pytest.mark.parity("P-003")
@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/prod", "/prod", ""),
        ("/prod?", "/prod", ""),
        ("/prod?a=b?c", "/prod", "a=b?c"),
        ("/prod?u=http://x/y", "/prod", "u=http://x/y"),
        ("/a://b", "/a://b", ""),
        ("ws://example.com/prod/?q", "/prod/", "q"),
        ("http://example.com", "/", ""),
        ("*", "*", ""),
    ],
)
def test_the_target_is_split_and_not_decoded(target: str, path: str, query: str) -> None:
    handshake = read_handshake(request(target), PEER)
    assert isinstance(handshake, Handshake)
    assert (handshake.path, handshake.query) == (path, query)


def test_the_accept_value_of_the_rfc() -> None:
    assert accept_value(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parity("P-027", "P-028")
def test_the_101_has_the_headers_aws_sends_and_no_other() -> None:
    assert switching_protocols(KEY, None, NOW_MS) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Date: Fri, 25 Sep 2026 09:20:05 GMT\r\n"
        b"Connection: upgrade\r\n"
        b"upgrade: websocket\r\n"
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


@pytest.mark.parity("P-029")
def test_the_101_names_the_extension_that_was_agreed_on() -> None:
    sent = switching_protocols(KEY, "chat", NOW_MS, "permessage-deflate;x")
    assert sent.endswith(b"\r\nsec-websocket-protocol: chat\r\nsec-websocket-extensions: permessage-deflate;x\r\n\r\n")


def test_a_subprotocol_is_one_header_whatever_a_handler_returned() -> None:
    assert b"\r\nsec-websocket-protocol: chat\r\n\r\n" in switching_protocols(KEY, "chat", NOW_MS)
    assert b"\r\nsec-websocket-protocol: a  b: c\r\n\r\n" in switching_protocols(KEY, "a\r\nb: c", NOW_MS)


@given(st.none() | st.sampled_from(["a", "b"]))
def test_an_independent_client_takes_the_101(chosen: str | None) -> None:
    client = ClientProtocol(parse_uri("ws://example.com/prod"), subprotocols=["a", "b"])  # type: ignore[list-item]
    asked = client.connect()
    client.send_request(asked)
    head = RequestHead("GET", asked.path, "1.1", tuple(asked.headers.raw_items()))
    handshake = read_handshake(head, PEER)
    assert isinstance(handshake, Handshake)
    client.receive_data(switching_protocols(handshake.key, chosen, NOW_MS))
    assert client.handshake_exc is None
    assert client.subprotocol == chosen


def test_a_plain_get_is_told_what_to_upgrade_to() -> None:
    assert response(UPGRADE_REQUIRED, NOW_MS) == (
        b"HTTP/1.1 426 Upgrade Required\r\nDate: Fri, 25 Sep 2026 09:20:05 GMT\r\n"
        b"content-type: application/json\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b'Content-Length: 30\r\nConnection: keep-alive, upgrade\r\n\r\n{"message":"Upgrade Required"}'
    )
