"""Every kind of backend behind one call: functions, web servers, AWS services, and none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.model.backend import LambdaRequest, MockRequest, ServiceRequest, UpstreamRequest
from gateway.model.invocation import Answered, FunctionResult, Invocation, InvocationResult, Returned, Throttled
from gateway.model.limits import MAX_FUNCTION_MS
from gateway.ports import AwsServices, FunctionCall, FunctionEvents, Functions, Upstreams

ACCEPTED: Final = Returned(b"{}")  # Lambda answers an asynchronous call with 202 and an empty body


@dataclass(frozen=True, slots=True)
class Backends:
    """Never raises for anything a backend does."""

    functions: Functions
    upstreams: Upstreams
    services: AwsServices
    events: FunctionEvents

    async def call(self, invocation: Invocation) -> InvocationResult:
        """Ask the invocation's backend once and wait, at most its timeout."""
        request = invocation.request
        match request:
            case LambdaRequest(is_event=True):
                return ACCEPTED if self.events.accept(_function_call(invocation)) else Throttled("EventQueueFull")
            case LambdaRequest():
                return await self.call_function(invocation)
            case UpstreamRequest():
                return await self.upstreams.send(request, invocation.timeout_ms)
            case ServiceRequest():
                return await self.services.call(request, invocation.timeout_ms)
            case MockRequest(status):
                return Answered(status)

    async def call_function(self, invocation: Invocation) -> FunctionResult:
        """The same for an invocation that is known to be of a function."""
        return await self.functions.invoke(_function_call(invocation))


def _function_call(invocation: Invocation) -> FunctionCall:
    request = invocation.request
    assert isinstance(request, LambdaRequest), "only a function is called as one"
    return FunctionCall(
        function_name=request.target.function_name,
        payload=request.payload,
        wait_ms=MAX_FUNCTION_MS if request.is_event else invocation.timeout_ms,
        trace_id=invocation.trace_id,
        qualifier=request.target.qualifier,
        request_tag=invocation.request_id,
    )
