"""``AWS`` to a function: payloads, results, errors, and what they mean for the upgrade."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.plan import IntegrationPlan
from gateway.engine.responses import Accept, ProxyResponse, Refuse, connect_verdict
from gateway.model.backend import LambdaRequest
from gateway.model.integration import IntegrationResponse, IntegrationType
from gateway.model.invocation import FunctionError, Returned, Throttled, TimedOut, Unavailable
from integration_plans import DONE, FUNCTION, answered, asked, failed, planned, refused
from sample_definitions import connect_exchange, disconnect_exchange, message_exchange


def plan(*answers: IntegrationResponse, **changes: Any) -> IntegrationPlan:
    return planned(IntegrationType.AWS, FUNCTION, answers, **changes)


def error(message: str) -> FunctionError:
    return FunctionError(json.dumps({"errorType": "Error", "errorMessage": message}).encode())


@pytest.mark.parity("P-221")
def test_the_payload_is_what_the_template_makes() -> None:
    template = '{"id": "$context.connectionId", "text": $input.json(\'$.message\')}'
    exchange = message_exchange(body='{"message": "hi \\"there\\""}')
    request = asked(plan(DONE, request_templates={"$default": template}), exchange)
    assert isinstance(request, LambdaRequest)
    assert request.target == FUNCTION
    expected = {"id": exchange.connection.connection_id, "text": 'hi "there"'}
    assert json.loads(request.payload) == expected


def test_without_a_template_the_message_is_the_payload() -> None:
    assert asked(plan(DONE), message_exchange(body='{"a": 1}')) == LambdaRequest(FUNCTION, b'{"a": 1}')


@pytest.mark.parametrize("exchange", [connect_exchange(), disconnect_exchange()])
def test_without_a_template_a_lifecycle_event_is_an_empty_object(exchange: Exchange) -> None:
    assert asked(plan(DONE), exchange) == LambdaRequest(FUNCTION, b"{}")


def test_a_payload_that_is_not_json_is_not_sent() -> None:
    failure = refused(plan(DONE), message_exchange(body="hello"))
    assert (failure.message, failure.status) == ("Internal server error", 500)
    assert failure.why.startswith("the payload for store is not JSON")


@pytest.mark.parity("P-221", "P-234")
def test_a_result_takes_the_default_response() -> None:
    shout = IntegrationResponse("Done", "$default", {"$default": "$input.path('$.text').toUpperCase()"})
    assert answered(plan(shout), message_exchange(), Returned(b'{"text": "hi"}')) == ProxyResponse(200, (), b"HI")
    assert answered(plan(DONE), message_exchange(), Returned(b'"hi"')) == ProxyResponse(200, (), b'"hi"')


def test_a_key_of_200_takes_a_result_too() -> None:
    assert answered(plan(IntegrationResponse("Done", "200")), message_exchange(), Returned(b"1")).status == 200


NOT_FOUND = IntegrationResponse("NotFound", "/.*not found.*/", {"$default": '{"error": $context.error.messageString}'})


@pytest.mark.parity("P-133", "P-156", "P-234")
def test_an_error_takes_the_response_whose_pattern_its_message_matches() -> None:
    answer = answered(plan(DONE, NOT_FOUND), message_exchange(), error("room not found"))
    assert answer == ProxyResponse(502, (), b'{"error": "room not found"}')


@pytest.mark.parity("P-234")
def test_an_error_that_no_pattern_takes_goes_to_the_default() -> None:
    answer = answered(plan(DONE, NOT_FOUND), message_exchange(), error("boom"))
    assert json.loads(answer.body or b"") == {"errorType": "Error", "errorMessage": "boom"}


def test_an_error_that_nothing_takes_fails_as_behind_a_proxy() -> None:
    failure = failed(plan(NOT_FOUND), message_exchange(), error("boom"))
    assert (failure.message, failure.status, failure.why) == ("Internal server error", 502, "Error: boom")


def test_a_result_with_an_error_message_is_matched_by_it() -> None:
    result = Returned(b'{"errorMessage": "room not found"}')
    assert answered(plan(DONE, NOT_FOUND), message_exchange(), result).body == b'{"error": "room not found"}'


FORBIDDEN = IntegrationResponse("Forbidden", "/403/", {"$default": "go away"})


@pytest.mark.parity("P-235", "P-276")
@pytest.mark.parametrize(
    ("result", "status"),
    [(Returned(b"{}"), 200), (error("403"), 403), (error("boom"), 502), (FunctionError(b"no JSON"), 502)],
)
def test_what_connect_makes_of_it(result: Returned | FunctionError, status: int) -> None:
    exchange = connect_exchange()
    answer = plan(DONE, FORBIDDEN).answer(exchange, result)
    verdict = connect_verdict(answer, exchange.connection.connection_id, exchange.occasion.request_id)
    if status == 200:
        assert verdict == Accept(None)
    else:
        assert isinstance(verdict, Refuse)
        assert verdict.status == status


@pytest.mark.parametrize(
    ("result", "status", "message"),
    [
        (TimedOut(), 504, "Endpoint request timed out"),
        (Throttled(), 500, "Internal server error"),
        (Unavailable("no such function"), 500, "Internal server error"),
    ],
)
def test_what_never_reached_a_function(result: TimedOut | Throttled | Unavailable, status: int, message: str) -> None:
    failure = failed(plan(DONE), message_exchange(), result)
    assert (failure.status, failure.message) == (status, message)


@pytest.mark.parametrize(("value", "is_event"), [("'Event'", True), ("'RequestResponse'", False)])
def test_a_mapped_invocation_type_says_whether_anybody_waits(value: str, is_event: bool) -> None:
    mapped = {"integration.request.header.X-Amz-Invocation-Type": value}
    request = asked(plan(DONE, request_parameters=mapped), message_exchange(body="{}"))
    assert request == LambdaRequest(FUNCTION, b"{}", is_event)
