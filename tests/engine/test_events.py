"""The builder gives the canonical documents, in their order; any other satisfies Powertools."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import events
from gateway.engine.events import encode
from gateway.engine.exchange import Exchange
from gateway.engine.integrations.lambda_proxy import LambdaProxyPlan
from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget
from sample_definitions import (
    connect_exchange,
    connection,
    disconnect_exchange,
    document,
    endpoint,
    handshake,
    message_exchange,
    occasion,
)


def text(built: dict[str, Any]) -> str:
    return json.dumps(built, indent=1)


@pytest.mark.parity("P-080", "P-084", "P-093", "P-094", "P-096", "P-098", "P-099", "P-100", "P-101", "P-107", "P-111")
@pytest.mark.parametrize(
    ("exchange", "name"),
    [(connect_exchange(), "connect"), (message_exchange(), "message"), (disconnect_exchange(), "disconnect")],
)
def test_events_are_the_canonical_documents(exchange: Exchange, name: str) -> None:
    assert text(events.event(exchange)) == text(document(name))


@pytest.mark.parity("P-290", "P-291")
def test_authorizer_is_the_canonical_document() -> None:
    expected = document("authorizer")
    added = {"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "content-length"}
    headers = tuple((name, value) for name, value in expected["headers"].items() if name not in added)
    exchange = connect_exchange(handshake=handshake(headers=headers), occasion=occasion("authorizer"))
    assert text(events.authorizer(exchange)) == text(expected)


@pytest.mark.parity("P-088", "P-092", "P-108")
def test_without_query_user_agent_or_variables_their_members_are_absent() -> None:
    built = events.event(connect_exchange(connection=connection(user_agent=None), handshake=handshake(query="")))
    assert not {"queryStringParameters", "multiValueQueryStringParameters", "stageVariables"} & built.keys()
    assert built["requestContext"]["identity"] == {"sourceIp": "192.0.2.1"}


@pytest.mark.parity("P-292")
def test_an_authorizer_gets_empty_maps_instead() -> None:
    built = events.authorizer(connect_exchange(handshake=handshake(query="")))
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables")
    assert [built[name] for name in maps] == [{}, {}, {}]


@pytest.mark.parity("P-092")
def test_stage_variables_are_in_every_event() -> None:
    here = endpoint(variables={"color": "red"})
    made = (connect_exchange(endpoint=here), message_exchange(endpoint=here), disconnect_exchange(endpoint=here))
    built = [*map(events.event, made), events.authorizer(made[0])]
    assert all(each["stageVariables"] == {"color": "red"} for each in built)


@pytest.mark.parity("P-110", "P-313", "P-314")
def test_the_authorizers_context_is_in_every_event_its_latency_only_in_connect() -> None:
    known = connection(authorizer={"role": "admin", "principalId": "u"})
    connect = events.event(connect_exchange(connection=known, authorizer_latency_ms=12))
    later = [events.event(message_exchange(connection=known)), events.event(disconnect_exchange(connection=known))]
    assert connect["requestContext"]["authorizer"] == {"role": "admin", "principalId": "u", "integrationLatency": 12}
    assert all(each["requestContext"]["authorizer"] == {"role": "admin", "principalId": "u"} for each in later)


@pytest.mark.parity("P-081", "P-082", "P-083")
def test_headers_are_sorted_spelled_as_sent_and_repeated_ones_keep_the_last() -> None:
    headers = (("token", "1"), ("Cookie", "a"), ("TOKEN", "2"), ("Host", "h"))
    built = events.event(connect_exchange(handshake=handshake(headers=headers)))
    own = [name for name in built["headers"] if not name.startswith("X-")]
    assert own == ["Cookie", "Host", "token"]
    assert built["headers"]["token"] == "2"
    assert built["multiValueHeaders"]["token"] == ["1", "2"]


@pytest.mark.parity("P-086", "P-087")
def test_forwarded_headers_of_the_client_are_replaced() -> None:
    forged = (("x-forwarded-for", "198.51.100.7"), ("X-Forwarded-Proto", "https"), ("X-FORWARDED-PORT", "443"))
    headers = (*forged, ("X-Forwarded-For", "198.51.100.8"), ("X-Amzn-Trace-Id", "forged"))
    exchange = connect_exchange(handshake=handshake(headers=headers, secure=False, port=8080))
    seen = events.event(exchange)["headers"]
    assert seen["X-Forwarded-For"] == "192.0.2.1"
    assert events.event(exchange)["multiValueHeaders"]["X-Forwarded-For"] == ["192.0.2.1"]
    assert not {"x-forwarded-for", "X-FORWARDED-PORT"} & set(seen)
    assert seen["X-Amzn-Trace-Id"] == exchange.occasion.trace_id
    assert (seen["X-Forwarded-Port"], seen["X-Forwarded-Proto"]) == ("8080", "http")


@pytest.mark.parity("P-089", "P-090")
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
    built = events.event(connect_exchange(handshake=handshake(query=query)))
    assert list(built["queryStringParameters"].items()) == list(single.items())
    assert multiple is None or built["multiValueQueryStringParameters"] == multiple


def test_a_handler_that_cannot_be_led_by_name_gets_the_integrations_domain() -> None:
    plan = LambdaProxyPlan(LambdaTarget(FunctionName("f")), 1000, "localhost:8443")
    assert json.loads(plan.request(connect_exchange()).payload)["requestContext"]["domainName"] == "localhost:8443"


def test_the_flat_context_agrees_with_the_document() -> None:
    exchange = message_exchange(connection=connection(authorizer={"principalId": "u"}))
    context, flat = events.event(exchange)["requestContext"], exchange.context()
    assert flat["authorizer.principalId"] == "u"
    assert flat["identity.userAgent"] == context["identity"]["userAgent"]
    assert {name: flat[name] for name in flat if "." not in name} == {
        name: str(value) for name, value in context.items() if not isinstance(value, dict)
    }


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
HEADERS = st.lists(st.tuples(st.from_regex(r"[A-Za-z-]{1,10}", fullmatch=True), HEADER_TEXT), max_size=6).map(tuple)


@pytest.mark.parity("P-115")
@given(headers=HEADERS, query=st.text(max_size=30), user_agent=st.none() | st.text(max_size=10))
def test_any_handshake_makes_a_document_that_powertools_takes(
    headers: tuple[tuple[str, str], ...], query: str, user_agent: str | None
) -> None:
    exchange = connect_exchange(
        connection=connection(user_agent=user_agent), handshake=handshake(headers=headers, query=query)
    )
    APIGatewayWebSocketConnectEventModel.model_validate_json(encode(events.event(exchange)))


@pytest.mark.parity("P-095", "P-115")
@given(body=st.text(), code=st.integers(1000, 4999), reason=st.text(max_size=40))
def test_any_message_and_close_make_documents_that_powertools_takes(body: str, code: int, reason: str) -> None:
    parsed = APIGatewayWebSocketMessageEventModel.model_validate_json(encode(events.event(message_exchange(body=body))))
    assert parsed.body == body
    disconnect = events.event(disconnect_exchange(close=(code, reason)))
    APIGatewayWebSocketDisconnectEventModel.model_validate_json(encode(disconnect))


words = st.text(st.characters(codec="utf-8"), max_size=12)
principals = st.dictionaries(words, words | st.integers() | st.booleans())


@given(words, words, st.none() | words, st.none() | principals, words)
def test_a_message_is_written_as_any_document_is(
    body: str, route_key: str, user_agent: str | None, principal: dict[str, Any] | None, variable: str
) -> None:
    known = connection(user_agent=user_agent, authorizer=principal, identity={"caller": body} if principal else None)
    here = endpoint(variables={"v": variable} if variable else {})
    exchange = replace(message_exchange(body=body, connection=known, endpoint=here), route_key=route_key)
    built = events.event(exchange)
    assert events.event_json(exchange, None) == encode(built)
    assert encode(built) == json.dumps(built, ensure_ascii=False, separators=(",", ":")).encode()
    built["requestContext"]["domainName"] = variable
    assert events.event_json(exchange, variable) == encode(built)


@pytest.mark.parametrize("exchange", [connect_exchange(), disconnect_exchange()])
def test_a_domain_name_replaces_the_connections_in_every_event(exchange: Exchange) -> None:
    written = json.loads(events.event_json(exchange, "chat.example"))
    assert written["requestContext"].pop("domainName") == "chat.example"
    built = json.loads(events.event_json(exchange, None))
    assert built["requestContext"].pop("domainName") == exchange.connection.domain_name
    assert written == built


def test_a_binary_message_says_that_its_body_is_base64() -> None:
    exchange = message_exchange(body="AAE=", is_base64=True)
    document = events.event(exchange)
    assert (document["body"], document["isBase64Encoded"]) == ("AAE=", True)
    assert events.event_json(exchange, None) == events.encode(document)
