from __future__ import annotations

import pytest

from gateway.server.plain_post import plain_post
from gateway.wire.http import RequestHead

TARGET = "/prod/@connections/L0SM9cOFvHcCIAg%3D"
HEADERS = (("Host", "h:1"), ("Content-Length", "10"))


def post(
    target: str = TARGET, headers: tuple[tuple[str, str], ...] = HEADERS, method: str = "POST", version: str = "1.1"
) -> RequestHead:
    return RequestHead(method, target, version, headers)


def test_a_plain_post_is_told_with_what_matters_of_it() -> None:
    found = plain_post(post(TARGET + "?a=b"), 10)
    assert found is not None
    assert (found.path, found.query, found.host, found.length, found.keep_alive) == (TARGET, "a=b", "h:1", 10, True)


@pytest.mark.parametrize("target", ["/prod/%40connections/x", "/@connections/x", "http://h/prod/@connections/x"])
def test_every_spelling_of_the_place_counts(target: str) -> None:
    found = plain_post(post(target), 10)
    assert found is not None
    assert found.path == target.removeprefix("http://h")


def test_no_length_is_no_body() -> None:
    found = plain_post(post(headers=HEADERS[:1]), 10)
    assert found is not None
    assert found.length == 0


@pytest.mark.parametrize(("said", "kept"), [("close", False), ("Close", False), ("keep-alive", True)])
def test_the_connection_is_as_the_client_wants(said: str, kept: bool) -> None:
    found = plain_post(post(headers=(*HEADERS, ("Connection", said))), 10)
    assert found is not None
    assert found.keep_alive is kept


@pytest.mark.parametrize(
    "head",
    [
        post(method="GET"),
        post(method="DELETE"),
        post(version="1.0"),
        post("/prod/connections/x"),
        post("/pr\xf6d/@connections/x"),
        post(headers=HEADERS[1:]),
        post(headers=(("Host", "h\xf6"), HEADERS[1])),
        post(headers=(*HEADERS, ("hOST", "h:1"))),
        post(headers=(*HEADERS, ("X", "1"), ("x", "2"))),
        post(headers=(HEADERS[0], ("Content-Length", "11"))),
        post(headers=(HEADERS[0], ("Content-Length", "+1"))),
        post(headers=(*HEADERS, ("Connection", "close, x"))),
        post(headers=(*HEADERS, ("Expect", "100-continue"))),
        post(headers=(HEADERS[0], ("Transfer-Encoding", "chunked"))),
        post(headers=(*HEADERS, ("Upgrade", "h2c"))),
    ],
)
def test_whatever_wants_more_care_is_not_plain(head: RequestHead) -> None:
    assert plain_post(head, 10) is None
