"""Integrations made and compiled for the sample API, for tests of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.plan import IntegrationPlan, plan_integration
from gateway.engine.responses import Failure, ProxyResponse
from gateway.model.backend import BackendRequest
from gateway.model.ids import FunctionName
from gateway.model.integration import (
    HttpTarget,
    Integration,
    IntegrationResponse,
    IntegrationType,
    LambdaTarget,
    Target,
)
from gateway.model.invocation import Answered, InvocationResult
from sample_definitions import endpoint

FUNCTION = LambdaTarget(FunctionName("store"), "live")
SERVER = HttpTarget("https://upstream.example/hook")
VARIABLES = {"table": "connections", "host": "upstream.example", "empty": ""}


def responses(*made: IntegrationResponse) -> dict[str, IntegrationResponse]:
    return {response.key: response for response in made}


DONE = IntegrationResponse("Done", "$default")


def integration(
    kind: IntegrationType, target: Target, answers: Iterable[IntegrationResponse] = (DONE,), **changes: Any
) -> Integration:
    made = Integration("Post", kind, "uri", target, timeout_ms=1_500, responses=responses(*answers))
    return replace(made, **changes)


def planned(
    kind: IntegrationType, target: Target, answers: Iterable[IntegrationResponse] = (DONE,), **changes: Any
) -> IntegrationPlan:
    return plan_integration(integration(kind, target, answers, **changes), endpoint(variables=VARIABLES))


def asked(plan: IntegrationPlan, exchange: Exchange) -> BackendRequest:
    request = plan.request(exchange)
    assert not isinstance(request, Failure), request
    return request


def refused(plan: IntegrationPlan, exchange: Exchange) -> Failure:
    request = plan.request(exchange)
    assert isinstance(request, Failure), request
    return request


def answered(plan: IntegrationPlan, exchange: Exchange, result: InvocationResult) -> ProxyResponse:
    answer = plan.answer(exchange, result)
    assert isinstance(answer, ProxyResponse), answer
    return answer


def failed(plan: IntegrationPlan, exchange: Exchange, result: InvocationResult) -> Failure:
    answer = plan.answer(exchange, result)
    assert isinstance(answer, Failure), answer
    return answer


def ok(body: bytes = b"", status: int = 200, **headers: str) -> Answered:
    return Answered(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)
