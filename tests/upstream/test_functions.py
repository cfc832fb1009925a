"""Functions elsewhere: the Invoke operation as the SDK would send it, its answers as results, and AWS's own judge."""

from __future__ import annotations

import json
from pathlib import Path

import certifi
import pytest

from gateway.lambda_api.event_queue import EventQueue
from gateway.lambda_api.service import LambdaApi
from gateway.model.aws import AwsEndpoint
from gateway.model.ids import FunctionName
from gateway.model.invocation import (
    Answered,
    FunctionError,
    InvocationResult,
    Returned,
    Throttled,
    TimedOut,
    Unavailable,
    UpstreamResult,
)
from gateway.ports import FunctionCall
from gateway.server.listener import LOOPBACK, HttpDoor
from gateway.upstream.functions import RemoteFunctions
from gateway.upstream.place import AwsPlace
from gateway.upstream.services import SignedServices
from gateway.upstream.web import WebServers
from node_doubles import (
    CountingIds,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    ScriptedServices,
)

WAIT_MS = 10_000
TRACE = "Root=1-00000000-000000000000000000000001"


def call(name: str, **options: str | int) -> FunctionCall:
    return FunctionCall(FunctionName(name), b'{"a": 1}', **{"wait_ms": WAIT_MS, "trace_id": TRACE, **options})  # type: ignore[arg-type]


async def test_the_request() -> None:
    services = ScriptedServices()
    asked = call("hello", qualifier="live", client_context='{"custom": "ü"}', wait_ms=1_500)
    await RemoteFunctions(services).invoke(asked)
    (request,) = services.requests
    assert (request.method, request.target.service, request.target.region) == ("POST", "lambda", "")
    assert request.target.path == "2015-03-31/functions/hello/invocations"
    assert request.query == (("Qualifier", "live"),) and request.body == b'{"a": 1}'
    assert request.headers == (
        ("Content-Type", "application/json"),
        ("X-Amz-Invocation-Type", "RequestResponse"),
        ("X-Amzn-Trace-Id", TRACE),
        ("X-Amz-Client-Context", "eyJjdXN0b20iOiAiw7wifQ=="),
    )
    assert services.waits_ms == [1_500]


async def test_an_arn_names_its_region() -> None:
    services = ScriptedServices()
    await RemoteFunctions(services).invoke(call("arn:aws:lambda:eu-west-3:123456789012:function:hello"))
    target = services.requests[0].target
    assert target.region == "eu-west-3"
    assert target.path == (
        "2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-3%3A123456789012%3Afunction%3Ahello/invocations"
    )


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answered(200, (), b'"x"'), Returned(b'"x"')),
        (Answered(200, (("X-Amz-Function-Error", "Handled"),), b"{}"), FunctionError(b"{}", "Handled")),
        (Answered(200, (("x-amz-function-error", "Unhandled"),), b"{}"), FunctionError(b"{}")),
        (Answered(429, (), b'{"Reason": "CallerRateLimitExceeded"}'), Throttled("CallerRateLimitExceeded")),
        (Answered(429, (), b"slow down"), Throttled()),
        (
            Answered(404, (("x-amzn-ErrorType", "ResourceNotFoundException"),), b'{"Message": "Function not found"}'),
            Unavailable("f was not invoked: ResourceNotFoundException Function not found"),
        ),
        (
            Answered(403, (("x-amzn-ErrorType", "AccessDeniedException:http://x"),), b'{"message": "no"}'),
            Unavailable("f was not invoked: AccessDeniedException no"),
        ),
        (Answered(502, (), b"<html>"), Unavailable("f was not invoked: HTTP status 502")),
        (Answered(500, (), b"[]"), Unavailable("f was not invoked: HTTP status 500")),
        (TimedOut(), TimedOut()),
        (Unavailable("gone"), Unavailable("gone")),
    ],
)
async def test_answers(answer: UpstreamResult, result: InvocationResult) -> None:
    assert await RemoteFunctions(ScriptedServices(lambda _: answer)).invoke(call("f")) == result


def test_every_function_may_exist() -> None:
    assert RemoteFunctions(ScriptedServices()).knows(FunctionName("any"), "7")


async def test_an_invoke_api_understands_it() -> None:
    """The gateway's own, which the SDKs are judges of."""
    functions = ScriptedFunctions(
        echo=lambda event: Returned(json.dumps(event).encode()),
        error=lambda _: FunctionError(b'{"errorMessage":"no"}', "Handled"),
        busy=lambda _: Throttled("ConcurrentInvocationLimitExceeded"),
    )
    clock, reporter = ManualClock(), RecordingReporter()
    queue = EventQueue(functions, reporter)
    door = HttpDoor(LambdaApi(functions, queue, CountingIds(), "us-east-1", "123456789012"), clock, reporter)
    place = AwsPlace.emulator(AwsEndpoint(f"http://{LOOPBACK}:{await door.open()}", "us-east-1"))
    web = WebServers(Path(certifi.where()))
    services = SignedServices(web, place, clock)
    remote = RemoteFunctions(services)
    try:
        assert await remote.invoke(call("echo")) == Returned(b'{"a": 1}')
        assert await remote.invoke(call("error")) == FunctionError(b'{"errorMessage":"no"}', "Handled")
        assert await remote.invoke(call("busy")) == Throttled("ConcurrentInvocationLimitExceeded")
        arn = "arn:aws:lambda:us-east-1:123456789012:function:echo"
        assert await remote.invoke(call(arn)) == Returned(b'{"a": 1}')
        missing = await remote.invoke(call("none"))
        assert isinstance(missing, Unavailable) and "ResourceNotFoundException Function not found" in missing.reason
    finally:
        services.close()
        await web.close()
        await door.close()
        await queue.close(0)
    assert [name for name, _ in functions.calls] == ["echo", "error", "busy", "echo"], "nothing is repeated"
    assert reporter.told == []
