"""The kinds of integration, and the one place that knows them all."""

from __future__ import annotations

from typing import Protocol

from gateway.engine.endpoint import Endpoint
from gateway.engine.exchange import Exchange
from gateway.engine.integrations.http_custom import HttpCustomPlan
from gateway.engine.integrations.http_proxy import HttpProxyPlan
from gateway.engine.integrations.lambda_custom import LambdaCustomPlan
from gateway.engine.integrations.lambda_proxy import LambdaProxyPlan
from gateway.engine.integrations.mock import MockPlan
from gateway.engine.integrations.request_mapping import compile_request
from gateway.engine.integrations.response_mapping import compile_responses
from gateway.engine.integrations.service import ServicePlan
from gateway.engine.integrations.targets import http_target, service_target
from gateway.engine.responses import Failure, ProxyResponse
from gateway.engine.stage_variables import lambda_target
from gateway.model.backend import BackendRequest
from gateway.model.integration import HttpTarget, Integration, IntegrationType, LambdaTarget, ServiceTarget
from gateway.model.invocation import InvocationResult


class IntegrationPlan(Protocol):
    """An integration compiled for one stage. Neither method raises."""

    @property
    def timeout_ms(self) -> int: ...

    def request(self, exchange: Exchange) -> BackendRequest | Failure:
        """What to ask of the backend, or why that cannot be said."""

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        """What the backend's result means for the client."""


def plan_integration(integration: Integration, endpoint: Endpoint) -> IntegrationPlan:
    """Raises ExpressionError for what a loaded definition cannot hold, and NotImplementedError for a kind of target
    that does not go with the type."""
    plan = _proxy(integration, endpoint) if integration.is_proxy else _custom(integration, endpoint)
    if plan is None:
        raise NotImplementedError(f"{integration.integration_type.value} with {integration.integration_uri}")
    return plan


def _proxy(integration: Integration, endpoint: Endpoint) -> IntegrationPlan | None:
    variables, timeout_ms = endpoint.stage.stage_variables, integration.timeout_ms
    match integration.integration_type, integration.target:
        case IntegrationType.AWS_PROXY, LambdaTarget() as target:
            return LambdaProxyPlan(lambda_target(target, variables), timeout_ms, integration.domain_name)
        case IntegrationType.HTTP_PROXY, HttpTarget() as target:
            server, mapping = http_target(target, variables), compile_request(integration)
            return HttpProxyPlan(server, integration.integration_method, timeout_ms, mapping)
    return None


def _custom(integration: Integration, endpoint: Endpoint) -> IntegrationPlan | None:
    variables, timeout_ms = endpoint.stage.stage_variables, integration.timeout_ms
    method = integration.integration_method
    request, responses = compile_request(integration), compile_responses(integration)
    match integration.integration_type, integration.target:
        case IntegrationType.AWS, LambdaTarget() as target:
            return LambdaCustomPlan(lambda_target(target, variables), timeout_ms, request, responses)
        case IntegrationType.AWS, ServiceTarget() as target:
            service = service_target(target, variables)
            return ServicePlan(service, method, timeout_ms, request, responses, integration.credentials_arn)
        case IntegrationType.HTTP, HttpTarget() as target:
            return HttpCustomPlan(http_target(target, variables), method, timeout_ms, request, responses)
        case IntegrationType.MOCK, _:
            return MockPlan(timeout_ms, request, responses)
    return None
