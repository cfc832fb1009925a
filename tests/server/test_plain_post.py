"""What is a plain post, and that aiohttp and httptools would read it alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.limits import MAX_HEAD_COUNT
from gateway.server.conduct import nowhere
from gateway.server.head import read_head
from gateway.server.plain_post import PlainPost, plain_post
from gateway.wire.http import RequestHead, split_target

TARGET = b"/prod/@connections/L0SM9cOFvHcCIAg%3D"
LINES = (b"Host: h:1", b"Content-Length: 10")


def head(target: bytes = TARGET, lines: tuple[bytes, ...] = LINES, start: bytes = b"POST %s HTTP/1.1") -> bytes:
    return b"\r\n".join((start.replace(b"%s", target), *lines, b"", b""))


def found(data: bytes) -> PlainPost:
    post = plain_post(data, 10, nowhere)
    assert post is not None
    return post


def test_a_plain_post_is_told_with_what_matters_of_it() -> None:
    post = found(head(TARGET + b"?a=b", (*LINES, b"X-Amz-Date:\t 20260925T002250Z \t")))
    headers = (("Host", "h:1"), ("Content-Length", "10"), ("X-Amz-Date", "20260925T002250Z"))
    fields = {name.lower(): value for name, value in headers}
    assert post == PlainPost(TARGET.decode(), "a=b", "h:1", headers, fields, 10, True)


@pytest.mark.parametrize(
    "target", [b"/prod/%40connections/x", b"/@connections/x", b"/prod/@fleet/post", b"/prod/%40fleet/broadcast"]
)
def test_every_spelling_of_the_place_counts(target: bytes) -> None:
    assert found(head(target)).path == target.decode()


def test_a_body_may_be_longer_where_it_is_said_so() -> None:
    long = head(b"/prod/@fleet/post", (b"Host: h:1", b"Content-Length: 11"))
    post = plain_post(long, 10, {"/prod/@fleet/post": 11}.get)
    assert post is not None and post.length == 11
    assert plain_post(long, 10, {"/prod/@fleet/post": 9}.get) is None
    assert plain_post(long, 10, {"/prod/@fleet/broadcast": 11}.get) is None


def test_no_length_is_no_body() -> None:
    assert found(head(lines=LINES[:1])).length == 0


@pytest.mark.parametrize(("said", "kept"), [(b"close", False), (b"Close", False), (b"keep-alive", True)])
def test_the_connection_is_as_the_client_wants(said: bytes, kept: bool) -> None:
    assert found(head(lines=(*LINES, b"Connection: " + said))).keep_alive is kept


def test_as_many_lines_as_any_head_may_have() -> None:
    lines = tuple(b"x-%d: 1" % number for number in range(MAX_HEAD_COUNT))
    assert found(head(lines=(*LINES, *lines[2:])))
    assert plain_post(head(lines=(*LINES, *lines[1:])), 10, nowhere) is None


@pytest.mark.parametrize(
    "data",
    [
        head(start=b"GET %s HTTP/1.1"),
        head(start=b"DELETE %s HTTP/1.1"),
        head(start=b"post %s HTTP/1.1"),
        head(start=b"POST %s HTTP/1.0"),
        head(start=b"POST  %s HTTP/1.1"),
        head(start=b"POST %s HTTP/1.1 "),
        head(start=b"\r\nPOST %s HTTP/1.1"),
        head(b"/prod/connections/x"),
        head(b"/prod?/@connections/x"),
        head(b"http://h/prod/@connections/x"),
        head(b"/pr\xf6d/@connections/x"),
        head(b"/prod/@connections/x#y"),
        head(b"/prod/@connections/x y"),
        head(b'/prod/@connections/"'),
        head(lines=LINES[1:]),
        head(lines=(b"Host: h\xf6", LINES[1])),
        head(lines=(*LINES, b"hOST: h:1")),
        head(lines=(*LINES, b"X: 1", b"x: 2")),
        head(lines=(LINES[0], b"Content-Length: 11")),
        head(lines=(LINES[0], b"Content-Length: +1")),
        head(lines=(LINES[0], b"Content-Length: 1 1")),
        head(lines=(LINES[0], b"Content-Length:")),
        head(lines=(LINES[0], b"Content-Length: 0000000000000000000001")),
        head(lines=(*LINES, b"Connection: close, x")),
        head(lines=(*LINES, b"Expect: 100-continue")),
        head(lines=(LINES[0], b"Transfer-Encoding: chunked")),
        head(lines=(*LINES, b"Transfer-Encoding : chunked")),
        head(lines=(*LINES, b"Upgrade: h2c")),
        head(lines=(*LINES, b" folded: 1")),
        head(lines=(*LINES, b"X: a\nHost: h")),
        head(lines=(*LINES, b"X: a\rHost: h")),
        head(lines=(*LINES, b"X: a\x00")),
        head(lines=(*LINES, b"X: a\x7f")),
        head(lines=(*LINES, b"no colon")),
        head(lines=(*LINES, b": no name")),
        head(lines=(*LINES, b"")),
    ],
)
def test_whatever_wants_more_care_is_not_plain(data: bytes) -> None:
    assert plain_post(data, 10, nowhere) is None


_ODD = (
    b"Host: h",
    b"X-A: b c",
    b"A:",
    b"B:\t1\t",
    b"C: \xe9",
    b"D :1",
    b" e",
    b"Expect: x",
    b"Connection: close",
    b"\x0b",
)


@given(
    st.lists(st.one_of(st.sampled_from(_ODD), st.binary(max_size=12)), max_size=6),
    st.sampled_from([TARGET, b"/@connections/?x", b"*"]),
)
def test_whatever_is_plain_any_other_reader_reads_alike(lines: list[bytes], target: bytes) -> None:
    data = head(target, (*lines,))
    post = plain_post(data, 10, nowhere)
    if post is not None:
        path, query = split_target(target.decode())
        assert read_head(data) == RequestHead("POST", target.decode(), "1.1", post.headers)
        assert (post.path, post.query) == (path, query)
