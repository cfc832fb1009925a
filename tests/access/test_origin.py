from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.origin import Origins, origin_pattern


def allowed(patterns: list[str], *said: str, needed: bool = False) -> bool:
    return Origins(tuple(map(origin_pattern, patterns)), needed).allow(said)


@pytest.mark.parametrize(
    ("pattern", "origin", "may"),
    [
        ("https://app.example.com", "https://app.example.com", True),
        ("https://app.example.com/", "https://APP.example.com", True),
        ("HTTPS://App.Example.com:443", "https://app.example.com", True),
        ("https://app.example.com", "https://app.example.com:443", True),
        ("https://app.example.com", "http://app.example.com", False),
        ("https://app.example.com", "https://app.example.com:8443", False),
        ("https://app.example.com", "https://app.example.com.evil.org", False),
        ("https://app.example.com", "https://evil.org/https://app.example.com", False),
        ("https://app.example.com", "https://evil.org#https://app.example.com", False),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("https://*.example.com", "https://evil.org:80.example.com", False),
        ("https://*.example.com", "https://u@x.example.com", False),
        ("*.example.com", "http://x.example.com", True),
        ("*.example.com", "http://x.example.com:8080", False),
        ("localhost:8080", "http://localhost:8080", True),
        ("http://localhost:*", "http://localhost", False),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("*", "https://anything.org:81", True),
        ("*", "null", False),
        ("null", "null", True),
        ("https://app.example.com", "null", False),
        ("https://app.example.com", "", False),
    ],
)
def test_one_origin(pattern: str, origin: str, may: bool) -> None:
    if pattern == "http://localhost:*":
        with pytest.raises(ValueError, match="is no origin"):
            origin_pattern(pattern)
        return
    assert allowed([pattern], origin) is may


def test_any_of_several_will_do() -> None:
    assert allowed(["https://a.org", "https://b.org"], "https://b.org")


def test_who_says_none_may_come_in_unless_one_is_needed() -> None:
    assert allowed(["https://a.org"])
    assert not allowed(["https://a.org"], needed=True)


def test_who_says_two_may_not() -> None:
    assert not allowed(["https://a.org"], "https://a.org", "https://a.org")


@pytest.mark.parametrize("text", ["", "https://", "https://a b.org", "https://a.org/path", "a?b.org", "https://é.org"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origin_pattern(text)


@given(st.text(max_size=60))
def test_any_header_is_judged(said: str) -> None:
    assert allowed(["https://*.example.com"], said) is False or said.strip(" \t").lower().endswith(
        (".example.com", ".example.com:443")
    )
