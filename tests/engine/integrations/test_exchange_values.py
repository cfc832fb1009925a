"""What mappings read of exchanges and answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import AnswerValues, RequestValues
from gateway.expressions.selection import RESPONSE_TEMPLATE, parse
from gateway.expressions.vtl import compile_template
from sample_definitions import (
    connect_exchange,
    connection,
    disconnect_exchange,
    document,
    endpoint,
    handshake,
    message_exchange,
)

CONNECT = document("connect")["requestContext"]


def shown(text: str, exchange: Exchange) -> str:
    return compile_template(text, "template").render(RequestValues(exchange))


@pytest.mark.parity("P-243", "P-267", "P-268", "P-269")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("connectionId", CONNECT["connectionId"]),
        ("connectedAt", str(CONNECT["connectedAt"])),
        ("domainName", CONNECT["domainName"]),
        ("eventType", "CONNECT"),
        ("messageId", ""),
        ("routeKey", "$connect"),
        ("requestId", CONNECT["requestId"]),
        ("extendedRequestId", CONNECT["requestId"]),
        ("apiId", CONNECT["apiId"]),
        ("stage", CONNECT["stage"]),
        ("requestTime", CONNECT["requestTime"]),
        ("requestTimeEpoch", str(CONNECT["requestTimeEpoch"])),
        ("identity.sourceIp", CONNECT["identity"]["sourceIp"]),
        ("identity.userAgent", CONNECT["identity"]["userAgent"]),
        ("identity.accountId", ""),
        ("authorizer.principalId", "user"),
        ("authorizer.count", "1"),
        ("error.message", ""),
        ("nope.at.all", ""),
    ],
)
def test_context_variables(variable: str, value: str) -> None:
    authorized = connection(authorizer={"principalId": "user", "count": "1"})
    assert shown(f"$context.{variable}", connect_exchange(connection=authorized)) == value


@pytest.mark.parity("P-267")
def test_message_and_disconnect_have_their_own() -> None:
    message = message_exchange()
    assert shown("$context.messageId $context.eventType", message) == f"{message.message_id} MESSAGE"
    text = "$context.disconnectStatusCode $context.disconnectReason"
    assert shown(text, disconnect_exchange()) == "1000 Connection Closed Normally"


def test_times_are_numbers() -> None:
    exchange = message_exchange()
    seconds = exchange.occasion.now_ms // 1000
    assert shown("#set($ttl = $context.requestTimeEpoch / 1000 + 60)$ttl", exchange) == str(seconds + 60)


@pytest.mark.parity("P-240", "P-264")
def test_parameters_are_those_of_the_handshake() -> None:
    exchange = connect_exchange(handshake=handshake(query="room=a&room=b%20c&x="))
    values = RequestValues(exchange)
    assert values.querystring("room") == ["a", "b c"]
    assert values.header("user-agent") == [CONNECT["identity"]["userAgent"]]
    assert values.header("X-Forwarded-For") == ["192.0.2.1"]
    assert values.header("upgrade") == []
    assert shown("$input.params('room')|$input.params('x')|$input.params().querystring.room", exchange) == "b c||b c"


@pytest.mark.parity("P-240", "P-264")
@pytest.mark.parametrize("exchange", [message_exchange(), disconnect_exchange()])
def test_later_events_have_no_parameters(exchange: Exchange) -> None:
    values = RequestValues(exchange)
    assert (values.header("Host"), values.querystring("x")) == ([], [])
    assert shown("$input.params()", exchange) == "{path={}, querystring={}, header={}}"


@pytest.mark.parity("P-265")
def test_stage_variables_are_the_stages() -> None:
    exchange = message_exchange(endpoint=endpoint(variables={"table": "t"}))
    assert shown("$stageVariables.table$stageVariables.nope", exchange) == "t"


def answer(text: str, **changes: str) -> AnswerValues:
    exchange = replace(message_exchange(), body='{"kind": "k"}')
    headers = (("X-Id", "1"), ("x-id", "2"))
    return AnswerValues(exchange, 404, headers, text, changes.get("error"))


def test_an_answer_has_the_backends_body_and_headers_and_the_clients_context() -> None:
    values = answer('{"a": 1}')
    template = compile_template("$input.path('$.a') $context.status $context.eventType$context.error.message", "t")
    assert template.render(values) == "1 404 MESSAGE"
    assert values.header("X-ID") == ["1", "2"]
    assert values.querystring("x") == []


@pytest.mark.parity("P-270")
def test_a_functions_error_is_in_the_context() -> None:
    template = compile_template("$context.error.message $context.error.messageString", "t")
    assert template.render(answer("", error='no "such" room')) == 'no "such" room "no \\"such\\" room"'


@pytest.mark.parity("P-157")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("${integration.response.statuscode}", "404"),
        ("${integration.response.header.X-Id}", "2"),
        ("${integration.response.header.nope}", ""),
        ("${integration.response.multivalueheader.X-Id}", "1, 2"),
        ("${request.body.kind}-${request.body.nope}", "k-"),
    ],
)
def test_what_a_response_template_is_chosen_by(expression: str, value: str) -> None:
    assert parse(expression, RESPONSE_TEMPLATE).evaluate(answer("{}").resolver()) == value
