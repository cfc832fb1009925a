"""Canonical requests by table; botocore judges the rest in test_sigv4."""

from __future__ import annotations

import pytest

from gateway.access.canonical import canonical_requests
from gateway.model.http import HttpRequest

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def lines(path: str = "/", query: str = "", headers: tuple[tuple[str, str], ...] = (), names: str = "") -> list[str]:
    request = HttpRequest("get", path, query, headers, b"", "", "")
    return canonical_requests(request, names.split())[0].decode().split("\n")


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("", "/"),
        ("/", "/"),
        ("/dev", "/dev"),
        ("/dev/", "/dev/"),
        ("//dev//x", "/dev/x"),
        ("/a/./b/../c", "/a/c"),
        ("/../..", "/"),
        ("/dev/%40connections/a%3D", "/dev/%2540connections/a%253D"),
        ("/dev/@connections/a=", "/dev/%40connections/a%3D"),
        ("/\u00e9", "/%E9"),
    ],
)
def test_path(path: str, canonical: str) -> None:
    assert lines(path)[1] == canonical


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        ("a&b=", "a=&b="),
        ("a=%2f~+*", "a=%2F~%2B%2A"),
        ("&a=1&&", "a=1"),
        ("a=b=c", "a=b%3Dc"),
        ("X-Amz-Signature=0&a=1", "a=1"),
    ],
)
def test_query(query: str, canonical: str) -> None:
    assert lines("/", query)[2] == canonical


def test_headers() -> None:
    sent = (("Host", "h"), ("X-A", " one  two "), ("x-a", "three"), ("Unsigned", "u"))
    assert lines(headers=sent, names="host missing x-a") == [
        "GET", "/", "", "host:h", "missing:", "x-a:one two,three", "", "host;missing;x-a", EMPTY,
    ]  # fmt: skip
