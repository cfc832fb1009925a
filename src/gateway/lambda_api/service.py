"""The Lambda API as an HTTP service: Invoke in its three types; any other operation is refused by name.

It knows no server and no processes: requests come as values, functions are called through their port. The execution
log (``X-Amz-Log-Type: Tail``) is not part of that port, so no ``X-Amz-Log-Result`` is sent: optional in AWS's model.
"""

from __future__ import annotations

import json

from gateway.lambda_api import faults
from gateway.lambda_api.faults import Fault
from gateway.lambda_api.invoke_request import InvocationType, InvokeRequest, read_request
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.invocation import FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from gateway.model.limits import MAX_FUNCTION_MS, MAX_LAMBDA_REQUEST_BYTES
from gateway.ports import FunctionCall, FunctionEvents, Functions, Ids


class LambdaApi:
    """``region`` and ``account_id`` are those of the ARNs in error texts."""

    max_body_bytes = MAX_LAMBDA_REQUEST_BYTES

    def __init__(self, functions: Functions, events: FunctionEvents, ids: Ids, region: str, account_id: str) -> None:
        self._functions = functions
        self._events = events
        self._ids = ids
        self._region = region
        self._account_id = account_id

    async def handle(self, request: HttpRequest) -> HttpResponse:
        request_id = self._ids.uuid()
        invoke = read_request(request)
        answer = invoke if isinstance(invoke, Fault) else await self._answer(invoke, request_id)
        return answer.response(request_id) if isinstance(answer, Fault) else answer

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return faults.too_large(self.max_body_bytes).response(self._ids.uuid())

    async def _answer(self, invoke: InvokeRequest, request_id: str) -> HttpResponse | Fault:
        function = invoke.function
        if not self._functions.knows(function.name, function.qualifier):
            return faults.function_not_found(function.arn(self._region, self._account_id))
        headers = [("x-amzn-RequestId", request_id)]
        if invoke.invocation_type is InvocationType.DRY_RUN:
            return HttpResponse(204, tuple(headers))
        call = self._call(invoke, request_id)
        if invoke.invocation_type is InvocationType.EVENT:
            accepted = self._events.accept(call)
            return (
                HttpResponse(202, tuple(headers)) if accepted else faults.too_many("ConcurrentInvocationLimitExceeded")
            )
        headers.append(("x-amz-executed-version", function.executed_version))
        return _result(await self._functions.invoke(call), headers)

    def _call(self, invoke: InvokeRequest, request_id: str) -> FunctionCall:
        return FunctionCall(
            function_name=invoke.function.name,
            payload=invoke.payload,
            wait_ms=MAX_FUNCTION_MS,
            trace_id=invoke.trace_id or self._ids.trace_id(),
            qualifier=invoke.function.qualifier,
            client_context=invoke.client_context,
            request_tag=request_id,
        )


def _result(result: FunctionResult, headers: list[tuple[str, str]]) -> HttpResponse | Fault:
    match result:
        case Returned(payload):
            return _payload(headers, payload)
        case FunctionError(payload, kind):
            return _payload([*headers, ("x-amz-function-error", kind)], payload)
        case TimedOut():  # an error of the function's, not of the service's: SDKs repeat a request after those
            message = f"Task timed out after {MAX_FUNCTION_MS / 1000:.2f} seconds"
            document = {"errorType": "Sandbox.Timedout", "errorMessage": message}
            return _payload([*headers, ("x-amz-function-error", "Unhandled")], json.dumps(document).encode())
        case Throttled(reason):
            return faults.too_many(reason)
        case Unavailable(reason):
            return faults.service_failed(reason)


def _payload(headers: list[tuple[str, str]], payload: bytes) -> HttpResponse:
    return HttpResponse(200, (*headers, ("content-type", "application/json")), payload)
