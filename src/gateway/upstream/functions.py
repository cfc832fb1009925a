"""``gateway.ports.Functions``: Lambda functions that run elsewhere, by the service's own Invoke operation.

A call is one request: nothing is repeated, for a function may have run. How the request is signed and sent is
``AwsServices``'; whether a function exists is known only by calling it.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote

from gateway.model.backend import Pairs, ServiceRequest
from gateway.model.ids import FunctionName
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import Answered, FunctionError, FunctionResult, Returned, Throttled, Unavailable
from gateway.ports import AwsServices, FunctionCall

API: Final = "2015-03-31/functions"
_ARN: Final = re.compile(r"arn:[^:]+:lambda:([^:]+):[^:]*:function:.+")


class RemoteFunctions:
    """A function is named as the Invoke operation takes it: by name, or by an ARN, which also says the region."""

    def __init__(self, services: AwsServices) -> None:
        self._services = services

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        result = await self._services.call(_request(call), call.wait_ms)
        return _result(call.function_name, result) if isinstance(result, Answered) else result

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        return True


def _request(call: FunctionCall) -> ServiceRequest:
    arn = _ARN.fullmatch(call.function_name)
    headers = [
        ("Content-Type", "application/json"),
        ("X-Amz-Invocation-Type", "RequestResponse"),
        ("X-Amzn-Trace-Id", call.trace_id),
    ]
    if call.client_context is not None:
        headers.append(("X-Amz-Client-Context", b64encode(call.client_context.encode("utf-8")).decode("ascii")))
    return ServiceRequest(
        ServiceTarget(
            region="" if arn is None else arn[1],
            service="lambda",
            path=f"{API}/{quote(call.function_name, safe='')}/invocations",
        ),
        "POST",
        tuple(headers),
        (("Qualifier", call.qualifier),) if call.qualifier else (),
        call.payload,
    )


def _result(name: FunctionName, answer: Answered) -> FunctionResult:
    if 200 <= answer.status < 300:
        kind = _header(answer.headers, "x-amz-function-error")
        return Returned(answer.body) if kind is None else FunctionError(answer.body, kind)
    document = _document(answer.body)
    if answer.status == 429:
        reason = document.get("Reason")
        return Throttled(reason) if isinstance(reason, str) else Throttled()
    error_type = (_header(answer.headers, "x-amzn-errortype") or f"HTTP status {answer.status}").partition(":")[0]
    message = document.get("Message") or document.get("message") or ""
    return Unavailable(f"{name} was not invoked: {error_type} {message}".rstrip())


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _header(headers: Pairs, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)
