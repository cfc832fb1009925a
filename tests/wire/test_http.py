from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import HTTPResponse
from io import BytesIO
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.http import HttpResponse
from gateway.wire.http import RequestHead, http_date, is_doubtful, response, response_head, tokens

NOW_MS = 1_790_328_005_000


class _Wire:
    """As much of a socket as the standard library's HTTP reader needs."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        assert mode == "rb"
        return BytesIO(self._data)


def read(data: bytes) -> HTTPResponse:
    answer = HTTPResponse(cast("object", _Wire(data)))  # type: ignore[arg-type]
    answer.begin()
    return answer


def test_a_response_is_the_answer_and_three_headers_of_the_servers_own() -> None:
    answer = HttpResponse(403, (("content-type", "application/json"), ("x-amz-apigw-id", "EP5t5HsnoAMESJg=")), b"{}")
    assert response(answer, NOW_MS) == (
        b"HTTP/1.1 403 Forbidden\r\nDate: Fri, 25 Sep 2026 09:20:05 GMT\r\n"
        b"content-type: application/json\r\nx-amz-apigw-id: EP5t5HsnoAMESJg=\r\n"
        b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"
    )


def test_headers_about_the_connection_are_never_copied() -> None:
    copied = [(name, "1") for name in ("Connection", "CONTENT-LENGTH", "Date", "Keep-Alive", "Transfer-Encoding")]
    headers = read(response(HttpResponse(200, tuple(copied)), NOW_MS, keep_alive=False)).getheaders()
    assert headers == [("Date", "Fri, 25 Sep 2026 09:20:05 GMT"), ("Content-Length", "0"), ("Connection", "close")]


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_neither_body_nor_length(status: int) -> None:
    data = response(HttpResponse(status, (), b"dropped"), NOW_MS)
    assert data.endswith(b"\r\n\r\n")
    assert b"ength" not in data


def test_a_head_request_learns_the_length_alone() -> None:
    data = response(HttpResponse(200, (), b"12345"), NOW_MS, with_body=False)
    assert b"Content-Length: 5\r\n" in data
    assert data.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, b"200 OK"), (413, b"413 Request Entity Too Large"), (422, b"422 Unprocessable Entity")],
)
def test_a_status_has_the_same_reason_on_every_python(status: int, line: bytes) -> None:
    assert response_head(status, []) == b"HTTP/1.1 " + line + b"\r\n\r\n"


def test_an_unknown_status_has_an_empty_reason() -> None:
    assert response_head(299, []).startswith(b"HTTP/1.1 299 \r\n")


def test_a_header_that_is_not_latin_1_is_sent_as_utf_8() -> None:
    assert response_head(200, [("x", "🎈")]).endswith("x: 🎈\r\n\r\n".encode())
    assert response_head(200, [("x", "é")]).endswith(b"x: \xe9\r\n\r\n")
    assert response_head(200, [("x", "\ud800")]).endswith(b"x: ?\r\n\r\n")


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5), st.binary(max_size=20))
def test_no_header_of_a_handler_breaks_out_of_its_line(headers: list[tuple[str, str]], body: bytes) -> None:
    data = response(HttpResponse(200, tuple(headers), body), NOW_MS)
    head, _, sent = data.partition(b"\r\n\r\n")
    assert sent == body
    assert len(head.split(b"\r\n")) <= 4 + len(headers)
    assert b"\n" not in head.replace(b"\r\n", b"")


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_the_date_is_the_standard_librarys(at: datetime) -> None:
    whole = at.replace(microsecond=0)
    assert http_date(int(whole.timestamp()) * 1000 + 999) == format_datetime(whole, usegmt=True)


def test_lists_in_headers_are_split_and_joined_over_lines() -> None:
    head = RequestHead("GET", "/", "1.1", (("A", "x, y;q=1"), ("b", "z"), ("a", " ,w ")))
    assert tokens(head.values("a")) == ("x", "y;q=1", "w")
    assert head.values("a") == ["x, y;q=1", " ,w "]


@pytest.mark.parametrize(
    ("target", "version", "headers", "doubtful"),
    [
        ("/a", "1.1", {"Host": "h"}, False),
        ("/a", "1.0", {}, False),
        ("/a", "0.9", {}, True),
        ("/a", "2.0", {"Host": "h"}, True),
        ("/a", "1.1", {"Transfer-Encoding": "gzip, Chunked"}, False),
        ("/a", "1.1", {"Transfer-Encoding": ""}, True),
        ("/a", "1.1", {"Transfer-Encoding": "chunked, gzip"}, True),
        ("http://h:80/a", "1.1", {"Host": "H:80"}, False),
        ("http://h?x", "1.1", {"Host": "h"}, False),
        ("http://h/a", "1.1", {"Host": "i"}, True),
        ("http://h/a", "1.0", {}, True),
        ("*", "1.1", {"Host": "h"}, False),
    ],
)
def test_what_others_may_read_otherwise_is_doubtful(
    target: str, version: str, headers: dict[str, str], doubtful: bool
) -> None:
    assert is_doubtful(RequestHead("POST", target, version, tuple(headers.items()))) is doubtful
