from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.engine.redaction import REDACTED, redacted


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"\xff",
        b"[" * 100_000,
        b'["authorization"]',
        b'{"authorization":"of the application"}',
        b'{"headers":{"Host":"a"},"body":"{\\"headers\\":{\\"authorization\\":\\"x\\"}}"}',
        b'{"headers":["authorization"],"requestContext":{"identity":null}}',
        b'{"requestContext":{"identity":{"sourceIp":"1.2.3.4"}}, "spaced": 1}',
        b'{"headers":{"x-api-key":""},"multiValueHeaders":{"x-api-key":[""]}}',
    ],
)
def test_what_carries_no_credential_stays_to_the_byte(payload: bytes) -> None:
    assert redacted(payload) == payload


@pytest.mark.parity("P-474")
@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            {"headers": {"Authorization": "Bearer x", "Host": "a"}},
            {"headers": {"Authorization": REDACTED, "Host": "a"}},
        ),
        (
            {"multiValueHeaders": {"X-API-Key": ["k", "l"]}, "body": "é"},
            {"multiValueHeaders": {"X-API-Key": [REDACTED, REDACTED]}, "body": "é"},
        ),
        (
            {"queryStringParameters": {"X-Amz-Signature": "s", "X-Amz-Security-Token": "t", "name": "n"}},
            {"queryStringParameters": {"X-Amz-Signature": REDACTED, "X-Amz-Security-Token": REDACTED, "name": "n"}},
        ),
        (
            {"headers": {"Cookie": "session=1", "Sec-WebSocket-Protocol": "chat, " + "t" * 33}},
            {"headers": {"Cookie": REDACTED, "Sec-WebSocket-Protocol": f"chat, {REDACTED}"}},
        ),
        (
            {"multiValueHeaders": {"Sec-WebSocket-Protocol": ["chat, json", "t" * 40, None]}},
            {"multiValueHeaders": {"Sec-WebSocket-Protocol": ["chat, json", REDACTED, None]}},
        ),
        (
            {"multiValueQueryStringParameters": {"access_token": ["t"], "room": ["7"]}},
            {"multiValueQueryStringParameters": {"access_token": [REDACTED], "room": ["7"]}},
        ),
        (
            {"requestContext": {"identity": {"apiKey": "k", "apiKeyId": "i"}, "stage": "dev"}},
            {"requestContext": {"identity": {"apiKey": REDACTED, "apiKeyId": "i"}, "stage": "dev"}},
        ),
    ],
)
def test_credentials_are_left_out(event: dict[str, Any], shown: dict[str, Any]) -> None:
    assert json.loads(redacted(json.dumps(event).encode())) == shown
