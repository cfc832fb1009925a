"""``AWS`` to any service: what to ask of it, by parameters and template; how to ask is the adapter's matter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.http_custom import mapped_answer
from gateway.engine.integrations.request_mapping import RequestMapping
from gateway.engine.integrations.response_mapping import ResponseMapping
from gateway.engine.responses import Failure, ProxyResponse
from gateway.expressions.parameters import Place
from gateway.model.backend import ServiceRequest
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import InvocationResult


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """``target`` is one stage's; ``{name}`` in its path is a path parameter. Headers are those that are mapped."""

    target: ServiceTarget
    method: str
    timeout_ms: int
    request_mapping: RequestMapping
    responses: ResponseMapping
    credentials_arn: str | None = None

    def request(self, exchange: Exchange) -> ServiceRequest | Failure:
        values, mapping = RequestValues(exchange), self.request_mapping
        body = mapping.body(values)
        if isinstance(body, Failure):
            return body
        path = self.target.path
        return ServiceRequest(
            self.target if path is None else replace(self.target, path=mapping.with_path(path, values)),
            self.method,
            mapping.pairs(values, Place.HEADER),
            mapping.pairs(values, Place.QUERYSTRING),
            body,
            self.credentials_arn,
        )

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return mapped_answer(self.responses, exchange, result)
