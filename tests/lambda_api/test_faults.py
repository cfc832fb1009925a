"""Lambda's error answers as its model spells them."""

from __future__ import annotations

import json

import pytest

from gateway.lambda_api import faults
from gateway.lambda_api.faults import Fault


@pytest.mark.parametrize(
    ("fault", "status", "error_type", "document"),
    [
        (
            faults.function_not_found("arn:x"),
            404,
            "ResourceNotFoundException",
            {"Type": "User", "Message": "Function not found: arn:x"},
        ),
        (faults.invalid_content("why"), 400, "InvalidRequestContentException", {"Type": "User", "message": "why"}),
        (faults.invalid_parameter("why"), 400, "InvalidParameterValueException", {"Type": "User", "message": "why"}),
        (
            faults.too_large(6291456),
            413,
            "RequestTooLargeException",
            {"Type": "User", "message": "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
        ),
        (
            faults.too_many("Limit"),
            429,
            "TooManyRequestsException",
            {"Type": "User", "message": "Rate Exceeded.", "Reason": "Limit"},
        ),
        (faults.service_failed("why"), 500, "ServiceException", {"Type": "Server", "Message": "why"}),
    ],
)
def test_the_answer(fault: Fault, status: int, error_type: str, document: dict[str, str]) -> None:
    response = fault.response("request")
    headers = dict(response.headers)
    assert response.status == status
    assert headers.pop("retry-after", None) == ("1" if status == 429 else None)
    assert headers == {
        "content-type": "application/json",
        "x-amzn-RequestId": "request",
        "x-amzn-ErrorType": error_type,
    }
    assert json.loads(response.body) == document
