from __future__ import annotations

import pytest

from gateway.model.aws import Credentials
from gateway.upstream.draft import Draft, path_text
from gateway.upstream.signing import signed

KEYS = Credentials("AKIA", "secret", "token")
ORIGIN = "https://service.eu-west-1.amazonaws.com"


def headers(draft: Draft, service: str = "sqs", keys: Credentials = KEYS) -> dict[str, str]:
    return dict(signed(draft, ORIGIN, keys, service, "eu-west-1").headers)


def test_a_signed_request() -> None:
    draft = Draft("PUT", "/a%2Fb", "x=1", (("X-Two", "a"), ("X-Two", "b")), b"body")
    request = signed(draft, ORIGIN, KEYS, "sqs", "eu-west-1")
    assert (request.method, request.url, request.body) == ("PUT", f"{ORIGIN}/a%2Fb?x=1", b"body")
    assert [name for name, _ in request.headers] == [
        "X-Two", "X-Two", "X-Amz-Date", "X-Amz-Security-Token", "Authorization"
    ]  # fmt: skip
    found = dict(request.headers)
    assert (
        "/eu-west-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token;x-two,"
        in found["Authorization"]
    )
    assert found["X-Amz-Security-Token"] == "token"


def test_keys_without_a_session() -> None:
    assert "X-Amz-Security-Token" not in headers(Draft("GET"), keys=Credentials("AKIA", "secret"))


def test_s3_signs_its_body_by_a_header() -> None:
    assert headers(Draft("GET"), "s3")["X-Amz-Content-SHA256"].startswith("e3b0c442")
    assert "X-Amz-Content-SHA256" not in headers(Draft("GET"))


@pytest.mark.parametrize(
    "name", ["authorization", "Host", "X-Amz-Date", "x-amz-security-token", "X-Amz-Content-SHA256", "Content-Length"]
)
def test_what_the_signer_sets_is_not_mapped(name: str) -> None:
    found = headers(Draft("GET", headers=((name, "mapped"),)))
    assert "mapped" not in found.values()


@pytest.mark.parametrize(
    ("path", "text"),
    [("a/b", "a/b"), ("a b:c+d", "a%20b%3Ac%2Bd"), ("a%2Fb%", "a%2Fb%25"), ("ü~_-.", "%C3%BC~_-.")],
)
def test_paths(path: str, text: str) -> None:
    assert path_text(path) == text == path_text(text)
