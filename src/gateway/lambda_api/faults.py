"""Lambda's errors as its API writes them: status, ``x-amzn-ErrorType``, and JSON whose members differ by error."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.model.http import HttpResponse


@dataclass(frozen=True, slots=True)
class Fault:
    """One error answer. ``member`` is the name AWS's model gives its text; ``reason`` is a throttle's."""

    status: int
    error_type: str
    message: str
    member: str = "message"
    reason: str | None = None

    def response(self, request_id: str) -> HttpResponse:
        blame = "User" if self.status < 500 else "Server"
        document = {"Type": blame, self.member: self.message}
        if self.reason is not None:
            document["Reason"] = self.reason
        headers = [("content-type", "application/json"), ("x-amzn-RequestId", request_id)]
        headers.append(("x-amzn-ErrorType", self.error_type))
        if self.reason is not None:
            headers.append(("retry-after", "1"))
        return HttpResponse(self.status, tuple(headers), json.dumps(document).encode())


def function_not_found(arn: str) -> Fault:
    return Fault(404, "ResourceNotFoundException", f"Function not found: {arn}", "Message")


def invalid_content(message: str) -> Fault:
    return Fault(400, "InvalidRequestContentException", message)


def invalid_parameter(message: str) -> Fault:
    return Fault(400, "InvalidParameterValueException", message)


def too_large(limit_bytes: int) -> Fault:
    message = f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation"
    return Fault(413, "RequestTooLargeException", message)


def too_many(reason: str) -> Fault:
    return Fault(429, "TooManyRequestsException", "Rate Exceeded.", reason=reason)


def service_failed(message: str) -> Fault:
    return Fault(500, "ServiceException", message, "Message")


MISSING_TOKEN = Fault(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
UNSUPPORTED = Fault(
    501,
    "UnsupportedOperationException",
    "Of the Lambda API this gateway serves Invoke only: POST /2015-03-31/functions/{FunctionName}/invocations",
)
