"""What the query of a list may be, and tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.paging import Bookmark, Page, read_page, read_token, token_of
from gateway.model.audience import Audience
from gateway.model.ids import NodeNumber, StageName, connection_id
from gateway.model.peer import Position
from sample_definitions import endpoint, route

ENDPOINT = endpoint(route("$default"))
ONE = connection_id(NodeNumber(7), b"random", b"key")
HERE = Bookmark(NodeNumber(7), Position(1_700_000_000_123, ONE))


def page(limit: int = 100, begins: Bookmark | None = None, **narrowed: Any) -> Page:
    return Page(Audience(ENDPOINT.api.api_id, StageName("dev"), **narrowed), limit, begins)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", page()),
        ("limit=0", page(0)),
        ("limit=1000", page(1000)),
        ("limit=7&limit=8", page(8)),
        (f"next={token_of(HERE)}&limit=3", page(3, HERE)),
        ("group=a&connectedBefore=1970-01-01T00:00:01Z", page(group="a", before_ms=1_000)),
        (f"except={ONE}&principal=ada", page(but=frozenset({ONE}), principal="ada")),
    ],
)
def test_what_is_asked_for(query: str, found: Page) -> None:
    assert read_page(ENDPOINT, query) == found


@pytest.mark.parametrize(
    ("query", "why"),
    [
        *((f"limit={text}", "limit is not a whole number from 0 to 1000") for text in ("", "-1", "1001", "1e2", "٣")),
        *((f"next={text}", "next is none that a list has given") for text in ("", "?", "AAAA", "AAAAB", "x" * 33, "é")),
        ("wait=true", "wait is not known here: limit, next, except, connectedBefore, principal, group are"),
        ("group=.", "'.' cannot be a group's name: printable characters without / and , can, but . and .."),
    ],
)
def test_what_is_wrong(query: str, why: str) -> None:
    assert read_page(ENDPOINT, query) == why


def test_the_group_of_a_path_is_no_others() -> None:
    assert read_page(ENDPOINT, "limit=1", group="a") == page(1, group="a")
    told = read_page(ENDPOINT, "group=b", group="a")
    assert told == "group is not known here: limit, next, except, connectedBefore, principal are"


NUMBERS = st.integers(0, 2**32 - 1).map(NodeNumber)
IDS = st.builds(connection_id, NUMBERS, st.binary(min_size=6, max_size=6), st.just(b"key"))
POSITIONS = st.builds(Position, st.integers(-(2**63), 2**63 - 1), IDS)


@given(st.builds(Bookmark, NUMBERS, st.none() | POSITIONS))
def test_a_token_is_read_as_it_was_given(bookmark: Bookmark) -> None:
    token = token_of(bookmark)
    assert read_token(token) == bookmark
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum(), "it needs no encoding in a query"


@given(st.text(max_size=40))
def test_any_text_is_a_token_or_none(text: str) -> None:
    found = read_token(text)
    assert found is None or isinstance(found, Bookmark)
