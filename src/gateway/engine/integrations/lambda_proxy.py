"""``AWS_PROXY`` to a Lambda function: the event in, the proxy response out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

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
        document = events.event(exchange)
        if self.domain_name is not None:
            document["requestContext"]["domainName"] = self.domain_name
        return LambdaRequest(self.target, encode(document))

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return read_result(result)


def encode(document: dict[str, Any]) -> bytes:
    """An event as the JSON a handler reads; lone surrogates cannot occur, the wire admits none."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
