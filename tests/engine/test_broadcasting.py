"""What a broadcast's query may be, and what is said of any other."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.broadcasting import Wanted, read_wanted
from gateway.model.audience import Audience
from gateway.model.ids import StageName
from gateway.model.limits import MAX_EXCEPTED
from sample_definitions import endpoint, route

ENDPOINT = endpoint(route("$default"))
ONE, OTHER = "hK3nTc7vdQAYKEjVWA==", "hK3nTf4gXwAYKEjVXQ=="


def wanted(*, waits: bool = True, **narrowed: Any) -> Wanted:
    return Wanted(Audience(ENDPOINT.api.api_id, StageName("dev"), **narrowed), waits)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", wanted()),
        ("wait=true", wanted()),
        ("wait=false", wanted(waits=False)),
        ("wait=true&wait=false", wanted(waits=False)),
        (f"except={ONE}", wanted(but=frozenset({ONE}))),
        (f"except={ONE},{OTHER},", wanted(but=frozenset({ONE, OTHER}))),
        (f"except={ONE}&except={OTHER.replace('=', '%3D')}", wanted(but=frozenset({ONE, OTHER}))),
        ("except=", wanted()),
        ("connectedBefore=1970-01-01T00:00:01.500Z", wanted(before_ms=1_500)),
        ("connectedBefore=1970-01-01T01:00:01%2B01:00", wanted(before_ms=1_000)),
        ("principal=ada%20l.", wanted(principal="ada l.")),
        ("principal=", wanted(principal="")),
        ("group=room%201", wanted(group="room 1")),
        (f"group=a&group=b&except={ONE}", wanted(group="b", but=frozenset({ONE}))),
        ("X-Amz-Signature=00&X-Amz-Date=x", wanted()),
    ],
)
def test_what_is_asked_for(query: str, found: Wanted) -> None:
    assert read_wanted(ENDPOINT, query) == found


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("groups=a", "groups is not known here: wait, except, connectedBefore, principal, group are"),
        ("group=", "a group's name is missing"),
        ("group=a%2Fb", "'a/b' cannot be a group's name: printable characters without / and , can, but . and .."),
        ("wait=no", "wait is neither true nor false"),
        ("except=invented", "except has invented, which is not a connection ID"),
        (f"except={','.join([ONE] * (MAX_EXCEPTED + 1))}", "except has 1001 connection IDs, at most 1000 are allowed"),
        ("connectedBefore=yesterday", "connectedBefore is not a time with a zone, such as 2026-09-25T00:22:29.887Z"),
        (
            "connectedBefore=2026-09-25T00:22:29",
            "connectedBefore is not a time with a zone, such as 2026-09-25T00:22:29.887Z",
        ),
        (f"principal={'x' * 1_025}", "principal is longer than 1024 characters"),
    ],
)
def test_what_is_wrong(query: str, why: str) -> None:
    assert read_wanted(ENDPOINT, query) == why


def test_the_group_of_a_path_is_no_others() -> None:
    assert read_wanted(ENDPOINT, "wait=false", group="a") == wanted(waits=False, group="a")
    told = read_wanted(ENDPOINT, "group=b", group="a")
    assert told == "group is not known here: wait, except, connectedBefore, principal are"


def test_a_name_may_be_as_long_as_is_settled() -> None:
    assert read_wanted(ENDPOINT, "group=ab", 2) == wanted(group="ab")
    assert read_wanted(ENDPOINT, "group=abc", 2) == "a group's name has 3 characters, at most 2 are allowed"
