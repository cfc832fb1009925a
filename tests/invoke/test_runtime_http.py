from __future__ import annotations

import asyncio
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoke.runtime_http import HttpConnection, Request, head

LIMIT = 100
GET = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
OK = head(HTTPStatus.OK, b"text/plain", 2) + b"ok"


class RecordingTransport(asyncio.Transport):
    """Remembers every write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Server:
    """A connection, what it served, and what it wrote; answers at once unless told otherwise."""

    def __init__(self, answers: bool = True) -> None:
        self.requests: list[Request] = []
        self.lost = 0
        self.answers = answers
        self.transport = RecordingTransport()
        self.connection = HttpConnection(self._serve, self._lost, LIMIT)
        self.connection.connection_made(self.transport)

    def _serve(self, request: Request) -> None:
        self.requests.append(request)
        if self.answers:
            self.connection.respond(OK)

    def _lost(self) -> None:
        self.lost += 1

    def feed(self, *chunks: bytes) -> Server:
        for chunk in chunks:
            self.connection.data_received(chunk)
        return self


def test_head_is_one_block() -> None:
    expected = b"HTTP/1.1 202 Accepted\r\nContent-Type: a/b\r\nX: y\r\nContent-Length: 7\r\n\r\n"
    assert head(HTTPStatus.ACCEPTED, b"a/b", 7, b"X: y\r\n") == expected


POST = (
    b"POST /a/b?query HTTP/1.1\r\nHost: a\r\nLAMBDA-Runtime-X: Y\r\nAccept: c\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
    b"Lambda-Runtime-E: t\r\n\r\n"
)
REQUESTS = [
    Request(b"POST", b"/a/b", {b"lambda-runtime-x": b"Y"}, b"hello", 5),
    Request(b"POST", b"/c", {b"lambda-runtime-e": b"t"}, b"abcde", 5),
]


@given(st.lists(st.integers(0, len(POST)), max_size=6))
def test_requests_whatever_way_the_bytes_arrive(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(POST)]
    chunks = [POST[start:end] for start, end in pairwise(edges) if start < end]
    server = Server().feed(*chunks)
    assert server.requests == REQUESTS
    assert server.transport.written == [OK, OK]
    assert not server.transport.closed


GET = b"GET /next?a HTTP/1.1\r\nHost: a\r\nLambda-Runtime-X: y\r\n\r\n"


@given(st.lists(st.sampled_from([GET, GET[:9], GET[9:], POST, POST[:40] + GET, GET + GET[:5]]), max_size=8))
def test_a_question_asked_again_is_read_like_the_first(chunks: list[bytes]) -> None:
    """Whether or not it begins where a request does; one byte at a time, nothing looks like what was read before."""
    whole, single = Server().feed(*chunks), Server()
    for chunk in chunks:
        single.feed(*(chunk[at : at + 1] for at in range(len(chunk))))
    assert whole.requests == single.requests
    assert whole.transport.closed == single.transport.closed


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, 10 * LIMIT])
def test_a_body_over_the_limit_is_measured_not_kept(size: int) -> None:
    server = Server().feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size, *([b"x"] * size))
    (request,) = server.requests
    assert request.body_bytes == size
    assert len(request.body) == min(size, LIMIT + 1)


def test_expect_is_answered_before_the_body() -> None:
    server = Server().feed(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert server.transport.written == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert server.feed(b"x").requests[0].body == b"x"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(garbage: bytes) -> None:
    server = Server().feed(garbage)
    assert server.transport.written[0].startswith(b"HTTP/1.1 400 ")
    assert server.transport.closed


@given(st.binary(max_size=60))
def test_random_bytes_never_raise(data: bytes) -> None:
    Server().feed(data)


def test_a_second_request_before_the_answer_closes() -> None:
    server = Server(answers=False).feed(GET, GET)
    assert len(server.requests) == 1
    assert server.transport.closed and not server.connection.is_open


@pytest.mark.parametrize("request_head", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"])
def test_who_does_not_stay_is_closed_after_the_answer(request_head: bytes) -> None:
    server = Server().feed(request_head)
    assert server.transport.written == [OK]
    assert server.transport.closed


def test_an_answer_to_nobody_is_dropped() -> None:
    server = Server(answers=False).feed(GET)
    server.connection.connection_lost(None)
    server.connection.respond(OK)
    server.connection.close()
    assert server.lost == 1
    assert server.transport.written == []
    assert not server.connection.is_open
