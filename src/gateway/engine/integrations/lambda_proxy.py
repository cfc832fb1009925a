"""``AWS_PROXY`` to a Lambda function: the event in, the proxy response out."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine import events
from gateway.engine.exchange import Exchange
from gateway.engine.responses import Failure, ProxyResponse, read_result
from gateway.model.backend import LambdaRequest
from gateway.model.integration import LambdaTarget
from gateway.model.invocation import InvocationResult


@dataclass(frozen=True, slots=True)
class LambdaProxyPlan:
    """``domain_name`` replaces the connection's in events, None leaves it."""

    target: LambdaTarget
    timeout_ms: int
    domain_name: str | None = None

    def request(self, exchange: Exchange) -> LambdaRequest:
        return LambdaRequest(self.target, events.event_json(exchange, self.domain_name))

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return read_result(result)
