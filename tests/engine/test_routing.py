"""The choice of a route: by table, and against a naive model."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.routing import choose
from gateway.expressions.selection import ROUTE, parse
from gateway.model.api import Route
from gateway.model.ids import RouteKey

KEYS = (
    "$connect",
    "$disconnect",
    "$default",
    "join",
    "chat/join",
    "",
    "1",
    "true",
    "null",
    "[a, b]",
    '{"a":1}',
    "größe",
)


def routes(*keys: str) -> dict[RouteKey, Route]:
    return {RouteKey(key): Route(f"Route{number}", RouteKey(key)) for number, key in enumerate(keys)}


def chosen(expression: str, body: str, *keys: str) -> str | None:
    route = choose(parse(expression, ROUTE), routes(*keys), body)
    return None if route is None else route.route_key


@pytest.mark.parity("P-139", "P-140", "P-143", "P-144", "P-145", "P-146", "P-147")
@pytest.mark.parametrize(
    ("expression", "body", "key"),
    [
        ("$request.body.action", '{"action":"join"}', "join"),
        ("$request.body.action", '{"action":"Join"}', "$default"),
        ("$request.body.action", '{"action":" join"}', "$default"),
        ("$request.body.action", '{"action":"größe"}', "größe"),
        ("$request.body.action", r'{"action":"gr\u00f6\u00dfe"}', "größe"),
        ("$request.body.action", '{"action":1}', "1"),
        ("$request.body.action", '{"action":1.0}', "$default"),
        ("$request.body.action", '{"action":true}', "true"),
        ("$request.body.action", '{"action":null}', "null"),
        ("$request.body.action", '{"action":["a","b"]}', "[a, b]"),
        ("$request.body.action", '{"action":{"a":1}}', '{"a":1}'),
        ("$request.body.action", '{"action":"other"}', "$default"),
        ("$request.body.action", "{}", "$default"),
        ("$request.body.action", '{"action":""}', "$default"),
        ("$request.body.action", "hello", "$default"),
        ("$request.body.action", "", "$default"),
        # the three of the gateway's own are not for a client to name
        ("$request.body.action", '{"action":"$connect"}', "$default"),
        ("$request.body.action", '{"action":"$disconnect"}', "$default"),
        ("$request.body.action", '{"action":"$default"}', "$default"),
        ("${request.body.service}/${request.body.action}", '{"service":"chat","action":"join"}', "chat/join"),
        ("join", "{}", "join"),
        ("join", "not json", "$default"),
        (r"\$default", "{}", "$default"),
        (r"\$connect", "{}", "$default"),
    ],
)
def test_the_route_of_a_message(expression: str, body: str, key: str) -> None:
    assert chosen(expression, body, *KEYS) == key


@pytest.mark.parity("P-149")
@pytest.mark.parametrize(
    "body", ["hello", "{}", '{"action":"other"}', '{"action":"$connect"}', '{"action":"$default"}']
)
def test_without_default_nothing_is_chosen(body: str) -> None:
    assert chosen("$request.body.action", body, "$connect", "$disconnect", "join") is None


def test_no_route_at_all() -> None:
    assert chosen("$request.body.action", '{"action":"join"}') is None


ACTIONS = st.sampled_from(KEYS) | st.text(max_size=4) | st.integers() | st.booleans() | st.none()


@pytest.mark.parity("P-143", "P-144")
@given(action=ACTIONS, keys=st.sets(st.sampled_from(KEYS)))
def test_the_choice_is_the_exact_key_else_default_else_none(action: object, keys: set[str]) -> None:
    text = action if isinstance(action, str) else json.dumps(action)
    own = text in keys and text != "" and not text.startswith("$")
    expected = text if own else "$default" if "$default" in keys else None
    assert chosen("$request.body.action", json.dumps({"action": action}), *sorted(keys)) == expected


@pytest.mark.parity("P-142", "P-147")
@given(
    body=st.text() | st.lists(st.sampled_from(['"action"', ":", *'{}[],"\\', "1", '"join"', "NaN"])).map("".join),
    expression=st.sampled_from(["$request.body.action", "$request.body..action", "join", "${request.body[0]}x"]),
)
def test_no_body_can_reach_connect_or_disconnect_or_raise(body: str, expression: str) -> None:
    assert chosen(expression, body, *KEYS) not in ("$connect", "$disconnect", None, "")
