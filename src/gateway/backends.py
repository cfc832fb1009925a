"""Every kind of backend behind one call: functions, web servers, AWS services, and none at all."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.backend import LambdaRequest, MockRequest, ServiceRequest, UpstreamRequest
from gateway.model.invocation import Answered, FunctionResult, Invocation, InvocationResult, Unavailable
from gateway.ports import FunctionCall, Functions


@dataclass(frozen=True, slots=True)
class Backends:
    """Never raises for anything a backend does."""

    functions: Functions

    async def call(self, invocation: Invocation) -> InvocationResult:
        """Ask the invocation's backend and wait, at most its timeout."""
        request = invocation.request
        match request:
            case LambdaRequest():
                return await self.call_function(invocation)
            case UpstreamRequest() | ServiceRequest():
                return Unavailable(f"nothing here calls {request}")
            case MockRequest(status):
                return Answered(status)

    async def call_function(self, invocation: Invocation) -> FunctionResult:
        """The same for an invocation that is known to be of a function."""
        request = invocation.request
        assert isinstance(request, LambdaRequest), "only a function is called as one"
        return await self.functions.invoke(
            FunctionCall(
                function_name=request.target.function_name,
                payload=request.payload,
                wait_ms=invocation.timeout_ms,
                trace_id=invocation.trace_id,
                qualifier=request.target.qualifier,
                request_tag=invocation.request_id,
            )
        )
