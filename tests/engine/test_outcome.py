from __future__ import annotations

import pytest

from gateway.engine.outcome import (
    MALFORMED,
    Error,
    Phase,
    ResponseType,
    failure_error,
    is_handlers_own,
    message_of,
    refusal_error,
    response_type,
)
from gateway.engine.responses import (
    NO_INTEGRATION,
    NO_SUCH_ROUTE,
    Failure,
    ProxyResponse,
    gateway_refusal,
    read_result,
)
from gateway.model.ids import ConnectionId, RequestId
from gateway.model.invocation import FunctionError, Returned, TimedOut, Unavailable

IDS = (ConnectionId("c"), RequestId("r"))


@pytest.mark.parity("P-464", "P-472")
@pytest.mark.parametrize(
    ("status", "message", "phase", "expected"),
    [
        (403, "Forbidden", Phase.ADMISSION, ResponseType.ACCESS_DENIED),
        (403, "Missing Authentication Token", Phase.ADMISSION, ResponseType.MISSING_AUTHENTICATION_TOKEN),
        (403, "User is not authorized…", Phase.AUTHORIZER, ResponseType.ACCESS_DENIED),
        (401, "Unauthorized", Phase.ADMISSION, ResponseType.UNAUTHORIZED),
        (401, "Unauthorized", Phase.AUTHORIZER, ResponseType.UNAUTHORIZED),
        (500, "Internal server error", Phase.AUTHORIZER, ResponseType.AUTHORIZER_FAILURE),
        (500, None, Phase.AUTHORIZER, ResponseType.AUTHORIZER_CONFIGURATION_ERROR),
        (400, "Bad request body", Phase.ADMISSION, ResponseType.BAD_REQUEST_BODY),
        (400, "Missing required request parameters", Phase.ADMISSION, ResponseType.BAD_REQUEST_PARAMETERS),
        (413, None, Phase.ADMISSION, ResponseType.REQUEST_TOO_LARGE),
        (429, "Too Many Requests", Phase.ADMISSION, ResponseType.THROTTLED),
        (429, "Limit Exceeded", Phase.ADMISSION, ResponseType.QUOTA_EXCEEDED),
        (504, "Endpoint request timed out", Phase.INTEGRATION, ResponseType.INTEGRATION_TIMEOUT),
        (502, "Internal server error", Phase.INTEGRATION, ResponseType.INTEGRATION_FAILURE),
        (500, "Internal server error", Phase.INTEGRATION, ResponseType.INTEGRATION_FAILURE),
        (500, "Internal server error", Phase.MAPPING, ResponseType.API_CONFIGURATION_ERROR),
        (500, "Internal server error", Phase.ADMISSION, ResponseType.DEFAULT_5XX),
        (503, "Service Unavailable", Phase.ADMISSION, ResponseType.DEFAULT_5XX),
    ],
)
def test_response_types(status: int, message: str | None, phase: Phase, expected: ResponseType) -> None:
    assert response_type(status, message, phase) is expected


def test_a_refusal_is_told_by_what_the_client_reads() -> None:
    refusal = gateway_refusal(500, None, *IDS, "the authorizer's answer is malformed: no policy")
    error = refusal_error(refusal, Phase.AUTHORIZER)
    assert error == Error(None, ResponseType.AUTHORIZER_CONFIGURATION_ERROR, refusal.why)
    denied = gateway_refusal(403, 'no "way"', *IDS, "")
    assert refusal_error(denied, Phase.AUTHORIZER).message == 'no "way"'


@pytest.mark.parametrize(
    ("failure", "phase", "expected"),
    [
        (NO_SUCH_ROUTE, Phase.MAPPING, ("Forbidden", ResponseType.ACCESS_DENIED, NO_SUCH_ROUTE.why)),
        (
            NO_INTEGRATION,
            Phase.MAPPING,
            ("Internal server error", ResponseType.API_CONFIGURATION_ERROR, NO_INTEGRATION.why),
        ),
        (
            read_result(Returned(b"[]")),
            Phase.INTEGRATION,
            ("Internal server error", ResponseType.INTEGRATION_FAILURE, MALFORMED),
        ),
        (
            read_result(FunctionError(b'{"errorType":"E","errorMessage":"m"}')),
            Phase.INTEGRATION,
            ("Internal server error", ResponseType.INTEGRATION_FAILURE, "E: m"),
        ),
        (
            read_result(TimedOut()),
            Phase.INTEGRATION,
            (
                "Endpoint request timed out",
                ResponseType.INTEGRATION_TIMEOUT,
                "it took longer than the integration timeout",
            ),
        ),
        (
            read_result(Unavailable("gone")),
            Phase.INTEGRATION,
            ("Internal server error", ResponseType.INTEGRATION_FAILURE, "gone"),
        ),
    ],
)
def test_failures(failure: Failure, phase: Phase, expected: tuple[str, ResponseType, str]) -> None:
    assert failure_error(failure, phase) == Error(*expected)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"Forbidden"}', "Forbidden"),
        (b'{"Message":"The security token is invalid"}', "The security token is invalid"),
        (b'{"message": null}', None),
        (b'{"message": 1}', None),
        (b'"message"', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_messages_of_documents(body: bytes, message: str | None) -> None:
    assert message_of(body) == message


@pytest.mark.parametrize(
    ("answer", "own"),
    [
        (None, False),
        (NO_INTEGRATION, False),
        (ProxyResponse(200, (), None), False),
        (ProxyResponse(299, (), None), False),
        (ProxyResponse(301, (), None), True),
        (ProxyResponse(500, (), None), True),
    ],
)
def test_whose_refusal_it_is(answer: ProxyResponse | Failure | None, own: bool) -> None:
    assert is_handlers_own(answer) is own
