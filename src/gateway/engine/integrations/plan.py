"""The kinds of integration, and the one place that knows them all."""

from __future__ import annotations

from typing import Protocol

from gateway.engine.endpoint import Endpoint
from gateway.engine.exchange import Exchange
from gateway.engine.integrations.lambda_proxy import LambdaProxyPlan
from gateway.engine.responses import Failure, ProxyResponse
from gateway.model.backend import BackendRequest
from gateway.model.integration import Integration, IntegrationType, LambdaTarget
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
    """Raises NotImplementedError for a kind that the template room must have refused."""
    match integration.integration_type, integration.target:
        case IntegrationType.AWS_PROXY, LambdaTarget() as target:
            return LambdaProxyPlan(target, integration.timeout_ms, integration.domain_name)
        case _:
            raise NotImplementedError(integration.integration_type.value)
