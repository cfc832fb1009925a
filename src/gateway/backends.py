"""Every kind of backend behind one call: functions, web servers, AWS services, and none at all."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.backend import LambdaRequest, MockRequest, ServiceRequest, UpstreamRequest
from gateway.model.invocation import Answered, FunctionResult, Invocation, InvocationResult
from gateway.ports import AwsServices, FunctionCall, Functions, Upstreams


@dataclass(frozen=True, slots=True)
class Backends:
    """Never raises for anything a backend does."""

    functions: Functions
    upstreams: Upstreams
    services: AwsServices

    async def call(self, invocation: Invocation) -> InvocationResult:
        """Ask the invocation's backend once and wait, at most its timeout."""
        request = invocation.request
        match request:
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
