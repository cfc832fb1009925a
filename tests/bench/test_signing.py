"""What the load generator sends is what the product verifies."""

from __future__ import annotations

from bench.harness.signing import Keys, signed_post

from gateway.access.keyring import Keyring
from gateway.access.principal import Principal
from gateway.access.signature import Refusal
from gateway.access.sigv4 import Realm, Signed, authenticate
from gateway.model.http import HttpRequest

KEYS = Keys("AKIDBENCH", "secret", "us-east-1")
AT_S = 1_795_000_000.0


def verified(wire: bytes) -> Signed | Refusal:
    head, _, body = wire.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
    host = dict(headers)["Host"]
    request = HttpRequest(method, target, "", headers, body, "127.0.0.1", host)
    holder = Principal("123456789012", "arn:aws:iam::123456789012:user/fleet", KEYS.secret)
    principals = Keyring({KEYS.access_key: holder})
    return authenticate(request, Realm(KEYS.region, "123456789012"), principals, int(AT_S * 1000))


def test_a_signed_post_is_accepted() -> None:
    assert isinstance(
        verified(signed_post(KEYS, "127.0.0.1:8080", "/dev/@connections/L0SM9cOF%3D", b"x", AT_S)), Signed
    )


def test_another_body_is_not() -> None:
    wire = signed_post(KEYS, "127.0.0.1:8080", "/dev/@connections/L0SM9cOF%3D", b"x", AT_S)
    assert isinstance(verified(wire[:-1] + b"y"), Refusal)
