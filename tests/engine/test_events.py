"""The builder gives the canonical documents, in their order; any other satisfies Powertools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import events, invocations
from gateway.model.ids import MessageId
from sample_definitions import connection, document, endpoint, handshake, occasion, route

CONNECT = route("$connect")


def text(built: dict[str, Any]) -> str:
    return json.dumps(built, indent=1)


def test_connect_is_the_canonical_document() -> None:
    built = events.connect(endpoint(CONNECT), connection(), handshake(), occasion("connect"))
    assert text(built) == text(document("connect"))


def test_message_is_the_canonical_document() -> None:
    expected = document("message")
    built = events.message(
        endpoint(CONNECT),
        connection(),
        occasion("message"),
        route_key=expected["requestContext"]["routeKey"],
        body=expected["body"],
        message_id=MessageId(expected["requestContext"]["messageId"]),
    )
    assert text(built) == text(expected)


def test_disconnect_is_the_canonical_document() -> None:
    expected = document("disconnect")
    context = expected["requestContext"]
    built = events.disconnect(
        endpoint(CONNECT),
        connection(),
        occasion("disconnect"),
        code=context["disconnectStatusCode"],
        reason=context["disconnectReason"],
    )
    assert text(built) == text(expected)


def test_authorizer_is_the_canonical_document() -> None:
    expected = document("authorizer")
    added = {"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "content-length"}
    headers = tuple((name, value) for name, value in expected["headers"].items() if name not in added)
    built = events.authorizer(endpoint(CONNECT), connection(), handshake(headers=headers), occasion("authorizer"))
    assert text(built) == text(expected)


def test_without_query_user_agent_or_variables_their_members_are_absent() -> None:
    built = events.connect(endpoint(CONNECT), connection(user_agent=None), handshake(query=""), occasion("connect"))
    assert not {"queryStringParameters", "multiValueQueryStringParameters", "stageVariables"} & built.keys()
    assert built["requestContext"]["identity"] == {"sourceIp": "192.0.2.1"}


def test_an_authorizer_gets_empty_maps_instead() -> None:
    built = events.authorizer(endpoint(CONNECT), connection(), handshake(query=""), occasion("authorizer"))
    assert [built[name] for name in ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables")] == [
        {}
    ] * 3


def test_stage_variables_are_in_every_event() -> None:
    here = endpoint(CONNECT, variables={"color": "red"})
    at = occasion("connect")
    built = [
        events.connect(here, connection(), handshake(), at),
        events.message(here, connection(), at, route_key="a", body="", message_id=MessageId("m")),
        events.disconnect(here, connection(), at, code=1000, reason=""),
        events.authorizer(here, connection(), handshake(), at),
    ]
    assert all(each["stageVariables"] == {"color": "red"} for each in built)


def test_the_authorizers_context_is_in_every_event_its_latency_only_in_connect() -> None:
    known, at = connection(authorizer={"role": "admin", "principalId": "u"}), occasion("connect")
    connect = events.connect(endpoint(CONNECT), known, handshake(), at, 12)
    message = events.message(endpoint(CONNECT), known, at, route_key="a", body="", message_id=MessageId("m"))
    disconnect = events.disconnect(endpoint(CONNECT), known, at, code=1000, reason="")
    assert connect["requestContext"]["authorizer"] == {"role": "admin", "principalId": "u", "integrationLatency": 12}
    assert message["requestContext"]["authorizer"] == {"role": "admin", "principalId": "u"}
    assert disconnect["requestContext"]["authorizer"] == {"role": "admin", "principalId": "u"}


def test_headers_are_sorted_spelled_as_sent_and_repeated_ones_keep_the_last() -> None:
    headers = (("token", "1"), ("Cookie", "a"), ("TOKEN", "2"), ("Host", "h"))
    built = events.connect(endpoint(CONNECT), connection(), handshake(headers=headers), occasion("connect"))
    own = [name for name in built["headers"] if not name.startswith("X-")]
    assert own == ["Cookie", "Host", "token"]
    assert built["headers"]["token"] == "2"
    assert built["multiValueHeaders"]["token"] == ["1", "2"]


def test_forwarded_headers_of_the_client_are_appended_to_or_replaced() -> None:
    headers = (("x-forwarded-for", "198.51.100.7"), ("X-Amzn-Trace-Id", "forged"))
    built = events.connect(
        endpoint(CONNECT), connection(), handshake(headers=headers, secure=False, port=8080), occasion("connect")
    )
    assert built["headers"]["X-Forwarded-For"] == "198.51.100.7, 192.0.2.1"
    assert built["headers"]["X-Amzn-Trace-Id"] == occasion("connect").trace_id
    assert (built["headers"]["X-Forwarded-Port"], built["headers"]["X-Forwarded-Proto"]) == ("8080", "http")


@pytest.mark.parametrize(
    ("query", "single", "multiple"),
    [
        ("b=2&a=1", {"a": "1", "b": "2"}, {"a": ["1"], "b": ["2"]}),
        ("a=1&a=2", {"a": "2"}, {"a": ["1", "2"]}),
        ("context=query+value&x=%C3%A9", {"context": "query value", "x": "é"}, None),
        ("flag", {"flag": ""}, {"flag": [""]}),
    ],
)
def test_query(query: str, single: dict[str, str], multiple: dict[str, list[str]] | None) -> None:
    built = events.connect(endpoint(CONNECT), connection(), handshake(query=query), occasion("connect"))
    assert list(built["queryStringParameters"].items()) == list(single.items())
    assert multiple is None or built["multiValueQueryStringParameters"] == multiple


def test_a_handler_that_cannot_be_led_by_name_gets_the_integrations_domain() -> None:
    led = route("$connect")
    assert led.integration is not None
    local = type(led.integration)(
        **{name: getattr(led.integration, name) for name in led.integration.__slots__}
        | {"domain_name": "localhost:8443"}
    )
    call = invocations.connect(endpoint(led), connection(), handshake(), led, local, occasion("connect"), None)
    assert json.loads(call.payload)["requestContext"]["domainName"] == "localhost:8443"


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
HEADERS = st.lists(st.tuples(st.from_regex(r"[A-Za-z-]{1,10}", fullmatch=True), HEADER_TEXT), max_size=6).map(tuple)


@given(headers=HEADERS, query=st.text(max_size=30), user_agent=st.none() | st.text(max_size=10))
def test_any_handshake_makes_a_document_that_powertools_takes(
    headers: tuple[tuple[str, str], ...], query: str, user_agent: str | None
) -> None:
    built = events.connect(
        endpoint(CONNECT),
        connection(user_agent=user_agent),
        handshake(headers=headers, query=query),
        occasion("connect"),
    )
    APIGatewayWebSocketConnectEventModel.model_validate_json(invocations.encode(built))


@given(body=st.text(), code=st.integers(1000, 4999), reason=st.text(max_size=40))
def test_any_message_and_close_make_documents_that_powertools_takes(body: str, code: int, reason: str) -> None:
    at = occasion("message")
    message = events.message(endpoint(CONNECT), connection(), at, route_key="a", body=body, message_id=MessageId("m="))
    parsed = APIGatewayWebSocketMessageEventModel.model_validate_json(invocations.encode(message))
    assert parsed.body == body
    disconnect = events.disconnect(endpoint(CONNECT), connection(), at, code=code, reason=reason)
    APIGatewayWebSocketDisconnectEventModel.model_validate_json(invocations.encode(disconnect))
