from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.access_log import AccessLog, connection_call_values, exchange_values
from gateway.engine.connection_call import ConnectionCall
from gateway.engine.exchange import Exchange
from gateway.engine.outcome import Authorized, Error, Integrated, Outcome, ResponseType
from gateway.expressions.log_format import VARIABLES, parse
from gateway.model.backend import LambdaRequest, MockRequest
from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget
from gateway.model.invocation import Answered, FunctionError, Returned, TimedOut
from sample_definitions import connect_exchange, connection, disconnect_exchange, endpoint, message_exchange

# The formats that AWS's console offers for a WebSocket API.
CLF = (
    "$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] "
    '"$context.eventType $context.routeKey $context.connectionId" $context.status $context.requestId'
)
JSON = (
    '{ "requestId":"$context.requestId", "ip": "$context.identity.sourceIp", "caller":"$context.identity.caller", '
    '"user":"$context.identity.user","requestTime":"$context.requestTime", "eventType":"$context.eventType",'
    '"routeKey":"$context.routeKey", "status":"$context.status","connectionId":"$context.connectionId" }'
)
XML = (
    '<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> <caller>$context.identity.caller</caller> '
    "<user>$context.identity.user</user> <requestTime>$context.requestTime</requestTime> "
    "<eventType>$context.eventType</eventType> <routeKey>$context.routeKey</routeKey> "
    "<status>$context.status</status> <connectionId>$context.connectionId</connectionId> </request>"
)
CSV = (
    "$context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,"
    "$context.eventType,$context.routeKey,$context.connectionId,$context.status,$context.requestId"
)
LAMBDA = LambdaRequest(LambdaTarget(FunctionName("f")), b"{}")
CALLED = Integrated(LAMBDA, Returned(b"{}"), 12)
DENIED = Error("Forbidden", ResponseType.ACCESS_DENIED, "why")
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=40)


def line(text: str, exchange: Exchange, outcome: Outcome) -> str:
    return AccessLog(parse(text)).line(exchange_values(exchange, outcome))


@pytest.mark.parity("P-460", "P-461")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            CLF,
            '192.0.2.1 - - [25/Sep/2026:09:20:07 +0000] "MESSAGE send hK3nTc7vdQAYKEjVWA==" 200 K5t6kGhLIAMEpwA=',
        ),
        (
            JSON,
            '{ "requestId":"K5t6kGhLIAMEpwA=", "ip": "192.0.2.1", "caller":"-", "user":"-",'
            '"requestTime":"25/Sep/2026:09:20:07 +0000", "eventType":"MESSAGE","routeKey":"send", '
            '"status":"200","connectionId":"hK3nTc7vdQAYKEjVWA==" }',
        ),
        (
            XML,
            '<request id="K5t6kGhLIAMEpwA="> <ip>192.0.2.1</ip> <caller>-</caller> <user>-</user> '
            "<requestTime>25/Sep/2026:09:20:07 +0000</requestTime> <eventType>MESSAGE</eventType> "
            "<routeKey>send</routeKey> <status>200</status> <connectionId>hK3nTc7vdQAYKEjVWA==</connectionId> "
            "</request>",
        ),
        (CSV, "192.0.2.1,-,-,25/Sep/2026:09:20:07 +0000,MESSAGE,send,hK3nTc7vdQAYKEjVWA==,200,K5t6kGhLIAMEpwA="),
    ],
    ids=["clf", "json", "xml", "csv"],
)
def test_the_formats_of_the_console(text: str, expected: str) -> None:
    assert line(text, message_exchange(), Outcome(200, integrated=CALLED)) == expected


@pytest.mark.parity("P-462")
@pytest.mark.parametrize(
    ("exchange", "outcome", "expected"),
    [
        (
            message_exchange(),
            Outcome(200, integrated=CALLED),
            {
                "apiId": "a1b2c3d4e5",
                "stage": "dev",
                "eventType": "MESSAGE",
                "routeKey": "send",
                "messageDirection": "IN",
                "messageId": "hK3nTh2RhQAYKEjVWA==",
                "connectionId": "hK3nTc7vdQAYKEjVWA==",
                "requestId": "K5t6kGhLIAMEpwA=",
                "extendedRequestId": "K5t6kGhLIAMEpwA=",
                "identity.sourceIp": "192.0.2.1",
                "status": "200",
                "integrationLatency": "12",
            },
        ),
        (message_exchange(route_key=""), Outcome(403, DENIED), {"status": "403", "error.message": "Forbidden"}),
        (
            message_exchange(),
            Outcome(403, Error('say "no"', ResponseType.ACCESS_DENIED)),
            {
                "error.message": 'say "no"',
                "error.messageString": '"say \\"no\\""',
                "error.responseType": "ACCESS_DENIED",
            },
        ),
        (
            message_exchange(),
            Outcome(400, Error("Bad request body", ResponseType.BAD_REQUEST_BODY, "a is missing")),
            {"error.validationErrorString": "a is missing", "error.message": "Bad request body"},
        ),
        (
            disconnect_exchange(),
            Outcome(200),
            {
                "eventType": "DISCONNECT",
                "disconnectStatusCode": "1000",
                "disconnectReason": "Connection Closed Normally",
            },
        ),
        (
            connect_exchange(connection=connection(authorizer={"principalId": "u", "level": "3"})),
            Outcome(200, authorizer=Authorized(Returned(b"{}"), 7)),
            {
                "authorizer.principalId": "u",
                "authorizer.level": "3",
                "authorizer.latency": "7",
                "authorizer.integrationLatency": "7",
                "authorizer.integrationStatus": "200",
                "authorizer.status": "200",
                "authorize.status": "200",
                "authorize.latency": "7",
            },
        ),
        (
            connect_exchange(),
            Outcome(403, DENIED, authorizer=Authorized(Returned(b"{}"), 7, has_refused=True)),
            {"authorizer.status": "200", "authorize.status": "403", "authorize.error": "Forbidden"},
        ),
        (
            connect_exchange(),
            Outcome(
                500,
                Error(None, ResponseType.AUTHORIZER_CONFIGURATION_ERROR, "no policy"),
                authorizer=Authorized(FunctionError(b"{}"), 7, has_refused=True),
            ),
            {
                "error.responseType": "AUTHORIZER_CONFIGURATION_ERROR",
                "authorizer.status": "500",
                "authorizer.error": "no policy",
                "authorizer.integrationStatus": "200",
            },
        ),
    ],
    ids=["message", "no route", "error", "invalid", "disconnect", "authorized", "denied", "authorizer failed"],
)
def test_what_is_set(exchange: Exchange, outcome: Outcome, expected: dict[str, str]) -> None:
    values = exchange_values(exchange, outcome)
    assert {name: values.get(name) for name in expected} == expected


@pytest.mark.parity("P-462")
@pytest.mark.parametrize(
    ("exchange", "outcome", "names"),
    [
        (
            message_exchange(),
            Outcome(200, integrated=CALLED),
            "integration.status integration.latency integration.integrationStatus integration.requestId "
            "integration.error responseLength responseLatency error.message error.messageString error.responseType "
            "authorizer.status authorize.status authenticate.status waf.status identity.caller",
        ),
        (message_exchange(route_key=""), Outcome(403, DENIED), "routeKey integrationLatency"),
        (
            message_exchange(),
            Outcome(200, integrated=Integrated(MockRequest(200), Answered(200), 0)),
            "integrationLatency",
        ),
        (connect_exchange(), Outcome(None), "status messageId"),
        (
            connect_exchange(),
            Outcome(500, DENIED, authorizer=Authorized(TimedOut(), 7, has_refused=True)),
            "authorizer.integrationStatus authorize.status authorize.error",
        ),
        (
            connect_exchange(),
            Outcome(500, Error(None, ResponseType.DEFAULT_5XX)),
            "error.message error.messageString",
        ),
    ],
    ids=["message", "no route", "mock", "client left", "authorizer timed out", "no message"],
)
def test_what_is_not(exchange: Exchange, outcome: Outcome, names: str) -> None:
    shown = line(" ".join(f"$context.{name}" for name in names.split()), exchange, outcome)
    assert shown.split() == ["-"] * len(names.split())


def test_nothing_is_set_that_could_not_be_asked_for() -> None:
    exchanges = (connect_exchange(), message_exchange(), disconnect_exchange())
    outcome = Outcome(403, DENIED, CALLED, Authorized(Returned(b""), 1, has_refused=True))
    found = {name for exchange in exchanges for name in exchange_values(exchange, outcome)}
    assert {name for name in found - VARIABLES if not name.startswith("authorizer.")} == set()
    assert set(connection_call_values(call())) - VARIABLES == set()


def call(**changes: Any) -> ConnectionCall:
    made = ConnectionCall(
        endpoint=endpoint(),
        method="POST",
        connection_id="hK3nTc7vdQAYKEjVWA==",
        request_id="5a2d0c86-0000-4000-8000-000000000001",
        extended_request_id="K5t6kGhLIAMEpwA=",
        at_ms=1_790_328_006_000,
        source_ip="192.0.2.9",
        user_agent="Boto3/1.40",
        status=200,
    )
    return replace(made, **changes)


@pytest.mark.parity("P-463")
def test_a_management_call() -> None:
    shown = AccessLog(parse(CLF)).line(connection_call_values(call()))
    assert shown == (
        '192.0.2.9 - - [25/Sep/2026:09:20:06 +0000] "CONNECTION_API POST /@connections/{connectionId} '
        'hK3nTc7vdQAYKEjVWA==" 200 5a2d0c86-0000-4000-8000-000000000001'
    )


@pytest.mark.parity("P-463")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "200 - - Boto3/1.40"),
        ({"user_agent": None}, "200 - - -"),
        ({"status": 410, "fault": "GoneException"}, "410 - - Boto3/1.40"),
        (
            {
                "status": 403,
                "fault": "MissingAuthenticationTokenException",
                "response_body": b'{"message":"Missing Authentication Token"}',
            },
            "403 Missing Authentication Token MISSING_AUTHENTICATION_TOKEN Boto3/1.40",
        ),
        (
            {
                "status": 400,
                "fault": "BadRequestException",
                "response_body": b'{"message":"Invalid connectionId: x"}',
            },
            "400 Invalid connectionId: x BAD_REQUEST_BODY Boto3/1.40",
        ),
        (
            {
                "status": 429,
                "fault": "LimitExceededException",
                "response_body": b'{"message":"Client side buffer is full"}',
            },
            "429 Client side buffer is full THROTTLED Boto3/1.40",
        ),
    ],
)
def test_management_calls_that_fail(changes: dict[str, Any], expected: str) -> None:
    text = "$context.status $context.error.message $context.error.responseType $context.identity.userAgent"
    assert AccessLog(parse(text)).line(connection_call_values(call(**changes))) == expected


def hostile(value: str) -> Exchange:
    return message_exchange(
        route_key=value, connection=connection(user_agent=value, source_ip=value, authorizer={"name": value})
    )


@given(ANYTHING)
def test_any_text_stays_one_json_object(value: str) -> None:
    text = '{"a":"$context.identity.userAgent","b":"$context.authorizer.name","c":$context.error.messageString}'
    shown = line(text, hostile(value), Outcome(403, Error(value, ResponseType.ACCESS_DENIED)))
    assert len(shown.splitlines()) == 1
    read = json.loads(shown)
    assert read["a"].encode("utf-16", "surrogatepass") == (value or "-").encode("utf-16", "surrogatepass")
    assert (list(read), read["a"], read["b"]) == (["a", "b", "c"], read["b"], read["a"])


@given(ANYTHING)
def test_any_text_stays_one_xml_element(value: str) -> None:
    shown = line('<a b="$context.identity.userAgent">$context.authorizer.name</a>', hostile(value), Outcome(200))
    assert len(shown.splitlines()) == 1
    element = ElementTree.fromstring(shown)
    assert (len(element), list(element.attrib)) == (0, ["b"])


@given(ANYTHING)
def test_any_text_is_one_line_in_every_style(value: str) -> None:
    for text in (CLF, JSON, XML, CSV):
        shown = line(text, hostile(value), Outcome(200))
        assert len(shown.splitlines()) == 1
        assert shown.isprintable()


@pytest.mark.parametrize(
    "text",
    ['evil" 200 x\n192.0.2.66 - - [now] "CONNECT $connect', "a\r\nb", "a\u2028b", "\x1b[2J", '","admin":"yes'],
)
def test_a_client_cannot_forge(text: str) -> None:
    shown = line(f'"$context.identity.userAgent" {CSV}', hostile(text), Outcome(200))
    assert len(shown.splitlines()) == 1
    assert re.sub(r"\\.", "", shown).count('"') == 2, "only the format's own quotes end anything"
    assert list(json.loads(line('{"a":"$context.identity.userAgent"}', hostile(text), Outcome(200)))) == ["a"]


def test_an_already_quoted_value_is_quoted_once_more_between_quotes() -> None:
    text = '{"a":$context.error.messageString,"b":"$context.error.messageString"}'
    assert json.loads(line(text, message_exchange(), Outcome(403, DENIED))) == {"a": "Forbidden", "b": '"Forbidden"'}


def test_what_no_api_has_is_a_dash() -> None:
    assert (
        line("$context.httpMethod ${context.path} $context.authorizer.nope", message_exchange(), Outcome(200))
        == "- - -"
    )
