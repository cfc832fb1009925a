from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.connection_call import ConnectionCall
from gateway.engine.exchange import Exchange
from gateway.engine.execution_log import (
    SILENT,
    Verbosity,
    connection_call_lines,
    exchange_lines,
)
from gateway.engine.outcome import Error, Integrated, Outcome, ResponseType
from gateway.model.api import Route
from gateway.model.backend import LambdaRequest, MockRequest, UpstreamRequest
from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget
from gateway.model.invocation import Answered, FunctionError, InvocationResult, Returned, TimedOut, Unavailable
from gateway.model.limits import MAX_LOG_LINE_BYTES
from sample_definitions import connect_exchange, connection, disconnect_exchange, endpoint, message_exchange, route

ERROR = Verbosity(errors=True)
INFO = Verbosity(errors=True, info=True)
DATA = Verbosity(errors=True, info=True, data=True)
ID = "hK3nTc7vdQAYKEjVWA=="
AWAY = "Internal server error"


def called(result: InvocationResult, payload: bytes = b'{"asked":1}') -> Integrated:
    return Integrated(LambdaRequest(LambdaTarget(FunctionName("f")), payload), result, 12)


def failed(response_type: ResponseType, result: InvocationResult | None, why: str, status: int = 500) -> Outcome:
    return Outcome(status, Error(AWAY, response_type, why), None if result is None else called(result))


def texts(exchange: Exchange, outcome: Outcome, verbosity: Verbosity) -> list[str]:
    """Without the request ID in front, which every line must have."""
    prefix = f"({exchange.occasion.request_id}) "
    lines = [text for _, text in exchange_lines(exchange, outcome, verbosity, 0)]
    assert all(text.startswith(prefix) for text in lines)
    return [text.removeprefix(prefix) for text in lines]


def preamble(exchange: Exchange) -> list[str]:
    request_id, key = exchange.occasion.request_id, exchange.route_key
    return [
        f"Extended Request Id: {request_id}",
        f"Verifying Usage Plan for request: {request_id}. API Key: API Stage: a1b2c3d4e5/dev",
        f"API Key authorized because route '{key}' does not require API Key. "
        "Request will not contribute to throttle or quota limits",
        "Usage Plan check succeeded for API Key and API Stage a1b2c3d4e5/dev",
        f"Starting execution for request: {request_id}",
        f"WebSocket Request Route: [{key}]",
    ]


CONNECTING = (
    "Client [UserAgent: Python/3.13 websockets/17.4, SourceIp: 192.0.2.1] is connecting to WebSocket API [a1b2c3d4e5]."
)
RECEIVED = f"WebSocket API [a1b2c3d4e5] received message from client [Connection Id: {ID}]."


@pytest.mark.parity("P-465", "P-466", "P-467")
@pytest.mark.parametrize(
    ("exchange", "outcome", "expected"),
    [
        (
            connect_exchange(),
            Outcome(200, integrated=called(Returned(b"{}"))),
            [CONNECTING, f"Client [Connection Id: {ID}] connected to API [a1b2c3d4e5] successfully."],
        ),
        (
            connect_exchange(),
            Outcome(401, integrated=called(Returned(b"{}"))),
            [CONNECTING, "Integration returned status: 401"],
        ),
        (
            connect_exchange(),
            Outcome(403, Error("Forbidden", ResponseType.ACCESS_DENIED, "why")),
            [CONNECTING, "Execution failed: Forbidden"],
        ),
        (connect_exchange(), Outcome(None), [CONNECTING]),
        (
            message_exchange(),
            Outcome(200, integrated=called(Returned(b"{}"))),
            [
                RECEIVED,
                f"Message from client [Connection Id: {ID}] sent to API [a1b2c3d4e5] with response status code [200].",
            ],
        ),
        (
            message_exchange(route_key=""),
            Outcome(403, Error("Forbidden", ResponseType.ACCESS_DENIED, "no route")),
            [RECEIVED, "Execution failed: Forbidden"],
        ),
        (
            disconnect_exchange(),
            Outcome(200, integrated=called(Returned(b"{}"))),
            [
                f"Client [Connection Id: {ID}] disconnected from API [a1b2c3d4e5] with integration response status "
                "code [200]. Close reason: [1000: Connection Closed Normally]"
            ],
        ),
        (
            disconnect_exchange(),
            Outcome(200),
            [
                f"Client [Connection Id: {ID}] disconnected from API [a1b2c3d4e5]. "
                "Close reason: [1000: Connection Closed Normally]"
            ],
        ),
    ],
)
def test_the_lines_of_an_exchange(exchange: Exchange, outcome: Outcome, expected: list[str]) -> None:
    assert texts(exchange, outcome, INFO) == preamble(exchange) + expected


@pytest.mark.parity("P-467", "P-468")
@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (failed(ResponseType.INTEGRATION_TIMEOUT, TimedOut(), "late"), ["Execution failed due to a timeout error"]),
        (
            failed(ResponseType.INTEGRATION_FAILURE, FunctionError(b"{}"), "KeyError: x"),
            ["Lambda execution failed due to customer function error: KeyError: x"],
        ),
        (
            failed(ResponseType.INTEGRATION_FAILURE, Unavailable("gone"), "gone"),
            ["Execution failed due to configuration error: gone"],
        ),
        (
            failed(ResponseType.API_CONFIGURATION_ERROR, None, "template t, line 3: $x"),
            ["Execution failed due to configuration error: template t, line 3: $x"],
        ),
        (
            failed(ResponseType.BAD_REQUEST_BODY, None, "a is missing"),
            ["Request body does not match model schema for content type application/json: [a is missing]"],
        ),
        (failed(ResponseType.ACCESS_DENIED, None, "no route"), []),
    ],
)
def test_only_what_failed_at_level_error(outcome: Outcome, expected: list[str]) -> None:
    assert texts(message_exchange(), outcome, ERROR) == [*expected, f"Execution failed: {AWAY}"]


def test_without_a_message_the_cause_is_told() -> None:
    error = Error(None, ResponseType.AUTHORIZER_CONFIGURATION_ERROR, "no policy")
    assert texts(connect_exchange(), Outcome(500, error), ERROR) == ["Execution failed: no policy"]


@pytest.mark.parity("P-468")
@pytest.mark.parametrize(
    ("outcome", "verbosity", "count"),
    [
        (Outcome(200), ERROR, 0),
        (Outcome(404, integrated=called(Returned(b"{}"))), ERROR, 1),
        (failed(ResponseType.INTEGRATION_FAILURE, TimedOut(), ""), SILENT, 0),
        (Outcome(200), INFO, 7),
    ],
)
def test_levels(outcome: Outcome, verbosity: Verbosity, count: int) -> None:
    assert len(texts(message_exchange(), outcome, verbosity)) == count


@pytest.mark.parity("P-473")
@pytest.mark.parametrize(
    ("integrated", "expected"),
    [
        (
            called(Returned(b'{"statusCode":200}')),
            [
                'Endpoint request body after transformations: {"asked":1}',
                "Received response. Status: 200, Integration latency: 12 ms",
                'Endpoint response body before transformations: {"statusCode":200}',
            ],
        ),
        (
            Integrated(UpstreamRequest("POST", "http://x/", body=b"a\nb"), Answered(201, (), b"\xff"), 3),
            [
                r"Endpoint request body after transformations: a\nb",
                "Received response. Status: 201, Integration latency: 3 ms",
                "Endpoint response body before transformations: \ufffd",
            ],
        ),
        (called(TimedOut()), ['Endpoint request body after transformations: {"asked":1}']),
        (Integrated(MockRequest(200), Answered(200), 0), []),
    ],
)
def test_a_data_trace_adds_payloads(integrated: Integrated, expected: list[str]) -> None:
    outcome = Outcome(200, integrated=integrated)
    without = texts(message_exchange(), outcome, INFO)
    traced = texts(message_exchange(), outcome, DATA)
    assert [text for text in traced if text not in without] == expected
    assert [text for text in traced if text in without] == without


@pytest.mark.parity("P-474")
def test_a_data_trace_shows_no_credentials() -> None:
    event = json.dumps({"headers": {"Authorization": "Bearer s3cret"}}).encode()
    outcome = Outcome(200, integrated=called(Returned(b"{}"), event))
    assert not any("s3cret" in text for text in texts(connect_exchange(), outcome, DATA))


@pytest.mark.parametrize(
    ("payload", "shown"),
    [(b"\x01" * 2_000, r"\u0001"), (bytes(1_048_577), "[1048577 bytes]"), ("ä".encode() * 2_000, "ä")],
)
def test_a_long_payload_is_shown_by_its_beginning_or_by_its_length(payload: bytes, shown: str) -> None:
    outcome = Outcome(200, integrated=called(Returned(payload)))
    last = next(text for text in texts(message_exchange(), outcome, DATA) if "before transformations" in text)
    assert shown in last
    assert set(last.rpartition("transformations: ")[2]) <= set(shown)


def test_lines_carry_their_times() -> None:
    exchange = message_exchange()
    began, ended = exchange.occasion.now_ms, exchange.occasion.now_ms + 12
    outcome = Outcome(200, integrated=called(Returned(b"{}")))
    times = [at_ms for at_ms, _ in exchange_lines(exchange, outcome, DATA, ended)]
    assert times == [began] * 8 + [ended] * 3


def needing_a_key(**identity: str) -> Exchange:
    guarded: Route = replace(route("$connect"), api_key_required=True)
    return connect_exchange(endpoint=endpoint(guarded), connection=connection(identity=identity or None))


def test_an_api_key_is_shown_by_its_end() -> None:
    verifying, succeeded = texts(needing_a_key(apiKey="0123456789abcdef"), Outcome(200), INFO)[1:3]
    assert verifying.endswith("API Key: **********abcdef API Stage: a1b2c3d4e5/dev")
    assert succeeded == "Usage Plan check succeeded for API Key **********abcdef and API Stage a1b2c3d4e5/dev"


def test_without_the_key_that_is_needed_no_check_succeeded() -> None:
    lines = texts(needing_a_key(), Outcome(403, Error("Forbidden", ResponseType.ACCESS_DENIED)), INFO)
    assert lines[1].endswith("API Key: API Stage: a1b2c3d4e5/dev")
    assert lines[2].startswith("Starting execution")


@pytest.mark.parity("P-466")
def test_a_line_ends_at_its_limit() -> None:
    exchange = disconnect_exchange(close=(1000, "ä" * 2000))
    last = exchange_lines(exchange, Outcome(200), INFO, 0)[-1][1]
    assert len(last.encode()) in (MAX_LOG_LINE_BYTES - 1, MAX_LOG_LINE_BYTES)
    assert last.endswith("ä")


@given(st.text(st.characters(exclude_categories=()), max_size=1100))
def test_any_text_stays_one_line_within_the_limit(value: str) -> None:
    exchanges = (
        connect_exchange(connection=connection(user_agent=value)),
        disconnect_exchange(close=(1000, value)),
        message_exchange(route_key=value),
    )
    payload = value.encode("utf-8", "surrogatepass")
    outcome = Outcome(500, Error(value, ResponseType.DEFAULT_5XX, value), called(Returned(payload), payload))
    for exchange in exchanges:
        for _, text in exchange_lines(exchange, outcome, DATA, 0):
            assert len(text.splitlines()) == 1
            assert len(text.encode()) <= MAX_LOG_LINE_BYTES


def call(**changes: Any) -> ConnectionCall:
    made = ConnectionCall(
        endpoint=endpoint(),
        method="POST",
        connection_id=ID,
        request_id="uuid",
        extended_request_id="ext=",
        at_ms=17,
        source_ip="192.0.2.9",
        user_agent=None,
        status=200,
        request_body=b"hello",
    )
    return replace(made, **changes)


@pytest.mark.parity("P-463", "P-467")
@pytest.mark.parametrize(
    ("made", "verbosity", "expected"),
    [
        (
            call(),
            INFO,
            [
                "Extended Request Id: ext=",
                "Starting execution for request: uuid",
                "WebSocket Request Route: [POST /@connections/{connectionId}]",
                "Connection API request completed with status: 200",
            ],
        ),
        (call(), ERROR, []),
        (
            call(method="GET", request_body=b"", response_body=b"{\n}"),
            DATA,
            [
                "Extended Request Id: ext=",
                "Starting execution for request: uuid",
                "WebSocket Request Route: [GET /@connections/{connectionId}]",
                r"Connection API response body: {\n}",
                "Connection API request completed with status: 200",
            ],
        ),
        (call(status=410, fault="GoneException"), ERROR, ["Connection API request failed: GoneException"]),
        (
            call(status=403, fault="ForbiddenException", response_body=b'{"message":"Forbidden"}'),
            ERROR,
            ["Execution failed: Forbidden"],
        ),
        (call(status=403, fault="OddException"), ERROR, ["Execution failed: OddException"]),
    ],
)
def test_management_calls(made: ConnectionCall, verbosity: Verbosity, expected: list[str]) -> None:
    assert connection_call_lines(made, verbosity) == [(17, f"(uuid) {text}") for text in expected]


def test_what_is_posted_appears_in_a_data_trace_alone() -> None:
    assert "(uuid) Connection API request body: hello" in [text for _, text in connection_call_lines(call(), DATA)]
    assert not any("hello" in text for _, text in connection_call_lines(call(), INFO))
