from __future__ import annotations

import pytest

from gateway.model.backend import BackendRequest, LambdaRequest, MockRequest, ServiceRequest, UpstreamRequest
from gateway.model.ids import ConnectionId, FunctionName, RequestId
from gateway.model.integration import LambdaTarget, ServiceTarget
from gateway.model.invocation import Answered, Invocation, InvocationResult, Returned
from gateway.model.limits import MAX_FUNCTION_MS
from node_doubles import RecordingEvents, ScriptedFunctions, ScriptedServices, ScriptedUpstreams, backends, returning

WEB, SERVICE = UpstreamRequest("POST", "http://h/"), ServiceRequest(ServiceTarget("", "sqs", path="a/b"), "POST")


@pytest.mark.parametrize(
    ("request_", "result", "asked"),
    [
        (LambdaRequest(LambdaTarget(FunctionName("f")), b"{}"), Returned(b'"hi"'), [1, 0, 0]),
        (WEB, Answered(201), [0, 1, 0]),
        (SERVICE, Answered(202), [0, 0, 1]),
        (MockRequest(204), Answered(204), [0, 0, 0]),
    ],
)
async def test_each_kind_is_asked_exactly_once(
    request_: BackendRequest, result: InvocationResult, asked: list[int]
) -> None:
    functions = ScriptedFunctions(f=returning("hi"))
    upstreams, services = ScriptedUpstreams(lambda _: Answered(201)), ScriptedServices(lambda _: Answered(202))
    invocation = Invocation(ConnectionId("c"), RequestId("r"), "$default", request_, 1_234, "Root=1-0-0")
    assert await backends(functions, upstreams, services).call(invocation) == result
    assert [len(functions.calls), len(upstreams.requests), len(services.requests)] == asked
    assert {*upstreams.waits_ms, *services.waits_ms} <= {1_234}


async def test_an_asynchronous_call_is_taken_and_answered_at_once() -> None:
    functions, events = ScriptedFunctions(f=returning("hi")), RecordingEvents()
    request = LambdaRequest(LambdaTarget(FunctionName("f")), b"{}", is_event=True)
    invocation = Invocation(ConnectionId("c"), RequestId("r"), "a", request, 1_234, "Root=1-0-0")
    assert await backends(functions, events=events).call(invocation) == Returned(b"{}")
    assert functions.calls == []
    (call,) = events.calls
    assert (call.function_name, call.wait_ms) == ("f", MAX_FUNCTION_MS)
