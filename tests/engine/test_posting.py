"""What a batch post's document may be, and what is said of any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.engine.posting import Post, longest_document, read_post
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_MESSAGE_BYTES, MAX_TARGETS

TEXT = {"data": "x"}
NOBODY: dict[str, Any] = {"connectionIds": []}


@pytest.mark.parametrize(
    ("document", "post"),
    [
        (NOBODY | TEXT, Post((), b"x")),
        ({"connectionIds": ["a", "b"], "data": "grüße"}, Post(("a", "b"), "grüße".encode())),
        ({"connectionIds": ["b", "a", "b"], "dataBase64": "/wA="}, Post(("b", "a"), b"\xff\x00")),
        (NOBODY | {"data": ""}, Post((), b"")),
        (NOBODY | {"data": "\ud800"}, Post((), b"?")),
        (NOBODY | {"data": "x" * MAX_MESSAGE_BYTES}, Post((), b"x" * MAX_MESSAGE_BYTES)),
        (
            {"connectionIds": [str(n) for n in range(MAX_TARGETS)]} | TEXT,
            Post(tuple(map(str, range(MAX_TARGETS))), b"x"),
        ),
    ],
)
def test_what_is_asked_for(document: Any, post: Post) -> None:
    assert read_post(json.dumps(document).encode()) == post


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b'{"ids":[]}', "ids is not known here: connectionIds, and data or dataBase64, are"),
        (b'{"data":"x"}', "connectionIds is missing, or not a list"),
        (b'{"connectionIds":"a","data":"x"}', "connectionIds is missing, or not a list"),
        (b'{"connectionIds":["a",7],"data":"x"}', "connectionIds[1] is not a string"),
        (b'{"connectionIds":[]}', "one of data and dataBase64 must be there"),
        (b'{"connectionIds":[],"data":"","dataBase64":""}', "one of data and dataBase64 must be there"),
        (b'{"connectionIds":[],"data":7}', "data is not a string"),
        (b'{"connectionIds":[],"dataBase64":"?"}', "dataBase64 is not base64"),
        (b'{"connectionIds":[],"dataBase64":"\xc3\xbc"}', "dataBase64 is not base64"),
    ],
)
def test_what_is_wrong(body: bytes, why: str) -> None:
    assert read_post(body) == why


def test_no_more_than_is_allowed() -> None:
    many = {"connectionIds": [""] * (MAX_TARGETS + 1)} | TEXT
    assert read_post(json.dumps(many).encode()) == "connectionIds has 10001 elements, at most 10000 are allowed"


def test_the_most_that_is_allowed_fits_into_a_body() -> None:
    worst = {"connectionIds": ["x" * 20] * MAX_TARGETS, "data": "\x01" * MAX_MESSAGE_BYTES}
    assert len(json.dumps(worst)) <= longest_document(MAX_MESSAGE_BYTES) == 1_048_576
    in_base64 = {"connectionIds": ["x" * 20] * MAX_TARGETS, "dataBase64": "A" * (LIFTED_MESSAGE_BYTES // 3 * 4 + 4)}
    assert len(json.dumps(in_base64)) <= longest_document(LIFTED_MESSAGE_BYTES)
