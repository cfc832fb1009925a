from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.template.apigatewayv2.http_uri import is_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", True),
        ("http://127.0.0.1:3000/a?b=c", True),
        ("HTTP://[::1]:8080/{path}", True),
        ("https://example.com/{a}/{b+}", True),
        ("", False),
        ("example.com", False),
        ("ftp://example.com", False),
        ("https://", False),
        ("https:///path", False),
        ("https://example.com:port", False),
        ("https://example.com:70000", False),
        ("https://example.com:0", False),
        ("https://[::1", False),
        ("https://example.com/a b", False),
        ("https://example.com/\r\nHost: other", False),
        (" https://example.com", False),
    ],
)
def test_what_is_a_url(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@given(st.text(max_size=30) | st.builds("https://{}".format, st.text(max_size=30)))
def test_any_text_is_one_or_none(text: str) -> None:
    assert is_url(text) in (True, False)
