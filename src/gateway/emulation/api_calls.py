"""``apigateway:invoke`` tasks of state machines, led to the gateway's own door.

Moto's version of this task asks LocalStack's kind of URL and stops at a mistake of its own, so it is replaced here. The
API is told by the ``Host`` header, as its endpoint is a name that leads to AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS

TIMEOUT_S: Final = MAX_INTEGRATION_TIMEOUT_MS / 1000
_SIGNED: Final = "AWS4-HMAC-SHA256 Credential=states"  # the gateway wants to see a signature and does not verify it
_PARAMETERS: Final = frozenset(
    {"ApiEndpoint", "AuthType", "Headers", "Method", "Path", "QueryParameters", "RequestBody", "Stage"}
)


def lead_api_calls(management_url: str) -> None:
    """From now on these tasks in this process call ``management_url``, which has no stage."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_api_gateway as api_gateway,
    )

    def run(
        task: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        del resource_runtime_part, state_credentials
        try:
            output = _call(management_url, normalised_parameters)
        except (OSError, HTTPException) as error:
            raise _failure(task, env, "ApiGateway.ConnectException", str(error)) from error
        if output["StatusCode"] >= HTTPStatus.BAD_REQUEST:
            body = output["ResponseBody"]
            cause = body if isinstance(body, str) else json.dumps(body)
            raise _failure(task, env, f"ApiGateway.{output['StatusCode']}", cause)
        env.stack.append(output)

    service: Any = api_gateway.StateTaskServiceApiGateway
    service._SUPPORTED_API_PARAM_BINDINGS = {"invoke": _PARAMETERS}  # moto drops all others
    service._eval_service_task = run
    service._from_error = _told_as_it_is(service.__mro__[1])


def target(parameters: Mapping[str, Any]) -> str:
    """Path and query of a call with these parameters."""
    parts = (str(parameters.get(name) or "").strip("/") for name in ("Stage", "Path"))
    query = urlencode(parameters.get("QueryParameters") or {}, doseq=True)
    path = "/" + "/".join(part for part in parts if part)
    return f"{path}?{query}" if query else path


def _call(url: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    to = urlsplit(url)
    connection = HTTPConnection(to.hostname or "", to.port, timeout=TIMEOUT_S)
    body = parameters.get("RequestBody")
    payload = None if body is None else json.dumps(body).encode()
    try:
        connection.request(str(parameters["Method"]), target(parameters), payload, _headers(parameters))
        return _output(connection.getresponse())
    finally:
        connection.close()


def _headers(parameters: Mapping[str, Any]) -> dict[str, str]:
    given = parameters.get("Headers") or {}
    headers = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
    host = str(parameters["ApiEndpoint"]).rpartition("://")[2].partition("/")[0]
    headers |= {"Host": host, "Content-Type": "application/json"}
    if parameters.get("AuthType", "NO_AUTH") != "NO_AUTH":
        headers["Authorization"] = _SIGNED
    return headers


def _output(response: HTTPResponse) -> dict[str, Any]:
    text = response.read().decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    headers: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        headers.setdefault(name, []).append(value)
    return {"Headers": headers, "ResponseBody": body, "StatusCode": response.status, "StatusText": response.reason}


def _failure(task: Any, env: Any, error: str, cause: str) -> Exception:
    from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    details = TaskFailedEventDetails(
        error=error, cause=cause, resource=task._get_sfn_resource(), resourceType=task._get_sfn_resource_type()
    )
    event = FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails({"taskFailedEventDetails": details}),  # type: ignore[typeddict-item]
    )
    return FailureEventException(failure_event=event)


def _told_as_it_is(parent: Any) -> Callable[..., Any]:
    def from_error(task: Any, env: Any, ex: Exception) -> Any:
        return parent._from_error(task, env=env, ex=ex)

    return from_error
