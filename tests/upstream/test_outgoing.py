from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.outgoing import checked_headers, checked_method, checked_url, url_text

ON_THE_WIRE = re.compile(r"[!-~]*")


@given(st.text())
def test_a_path_is_always_one_word_of_the_wire(text: str) -> None:
    assert ON_THE_WIRE.fullmatch(url_text(text))
    assert url_text(url_text(text)) == url_text(text)


@given(st.text(max_size=30))
def test_no_url_can_end_a_line(text: str) -> None:
    try:
        url = checked_url(f"http://host/{text}")
    except ValueError:
        return
    assert ON_THE_WIRE.fullmatch(str(url)) and url.raw_host == "host"


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4).map(tuple))
def test_no_header_can_end_a_line(headers: tuple[tuple[str, str], ...]) -> None:
    try:
        passed = checked_headers(headers)
    except ValueError:
        return
    for name, value in passed:
        assert ON_THE_WIRE.fullmatch(name) and name
        assert not {"\r", "\n", "\0"} & set(value)
        value.encode("utf-8")


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "Connection", "UPGRADE", "Expect", "TE", "Trailer", "Keep-Alive"]
)
def test_framing_is_not_mapped(name: str) -> None:
    assert checked_headers(((name, "1"), ("X", "y"))) == [("X", "y")]


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert checked_headers((("X", "a\ud800"),)) == [("X", "a?")]


@pytest.mark.parametrize("method", ["GET /x", "", "GE\nT", "GÉT"])
def test_what_is_no_method(method: str) -> None:
    with pytest.raises(ValueError, match="is no HTTP method"):
        checked_method(method)


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("HTTP://Example.com:8080/A?b", "example.com", "/A?b"),
        ("http://münchen.example/ü", "xn--mnchen-3ya.example", "/%C3%BC"),
        ("http://[::1]:80/a", "::1", "/a"),
        ("http://h/a?b=c?d&e=%2F#f", "h", "/a?b=c?d&e=%2F"),
    ],
)
def test_urls(text: str, host: str, path: str) -> None:
    url = checked_url(text)
    assert (url.raw_host, url.raw_path_qs) == (host, path)
