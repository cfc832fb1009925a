"""The signature is the one botocore computes for the same request."""

from __future__ import annotations

import pytest
from botocore import credentials as sdk
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from gateway.model.aws import Credentials
from gateway.registry.signed_head import SignedHead

KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION = Credentials("ASIAEXAMPLE", "secret", "FwoGZXIvYXdzEBYaD+/=")
AT_S = 1_700_000_000.9
BODY = b'{"RequestItems":{}}'


def read(head: bytes) -> tuple[str, dict[str, str]]:
    lines = head.decode().split("\r\n")
    assert lines[-2:] == ["", ""]
    return lines[0], dict(line.split(": ", 1) for line in lines[1:-2])


def botocores(url: str, headers: dict[str, str], body: bytes, keys: Credentials, region: str) -> str:
    """The Authorization header botocore gives the same headers at the same time."""
    auth = SigV4Auth(
        sdk.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token), "dynamodb", region
    )
    request = AWSRequest(method="POST", url=url, data=body)
    for name, value in headers.items():
        if name not in ("Authorization", "Content-Length", "Host"):
            request.headers[name] = value
    request.context["timestamp"] = headers["X-Amz-Date"]
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"


@pytest.mark.parametrize("keys", [KEYS, SESSION], ids=["keys", "session"])
@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://dynamodb.eu-central-1.amazonaws.com", "POST / HTTP/1.1"),
        ("http://127.0.0.1:8000", "POST / HTTP/1.1"),
        ("http://[::1]:8000/", "POST / HTTP/1.1"),
        ("https://proxy.example/dynamo/db", "POST /dynamo/db HTTP/1.1"),
        ("https://proxy.example/a%20b~c", "POST /a%20b~c HTTP/1.1"),
    ],
)
def test_it_is_botocores(url: str, line: str, keys: Credentials) -> None:
    first, headers = read(SignedHead(url, "eu-central-1", "BatchWriteItem").of(BODY, keys, AT_S))
    assert first == line
    assert headers["Authorization"] == botocores(url, headers, BODY, keys, "eu-central-1")
    assert headers["Content-Length"] == str(len(BODY))
    assert headers["X-Amz-Target"] == "DynamoDB_20120810.BatchWriteItem"
    assert headers["X-Amz-Date"] == "20231114T221320Z"
    assert headers.get("X-Amz-Security-Token") == keys.session_token


def test_a_key_is_good_for_a_day_and_for_whom_it_was_made() -> None:
    url, region = "https://dynamodb.eu-west-1.amazonaws.com", "eu-west-1"
    head = SignedHead(url, region, "BatchWriteItem")
    for keys, at_s in ((KEYS, AT_S), (KEYS, AT_S + 86_400), (SESSION, AT_S + 86_400), (KEYS, AT_S)):
        _, headers = read(head.of(BODY, keys, at_s))
        assert headers["Authorization"] == botocores(url, headers, BODY, keys, region)


def test_the_host_is_as_the_url_says_it() -> None:
    assert SignedHead("http://user@127.0.0.1:8000/", "r", "o").host == "127.0.0.1:8000"
