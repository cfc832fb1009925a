"""``HTTP``: a request by template to any web server, its answer by integration response."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.http_proxy import upstream_request
from gateway.engine.integrations.request_mapping import RequestMapping
from gateway.engine.integrations.response_mapping import Answer, ResponseMapping
from gateway.engine.responses import Failure, ProxyResponse, read_result
from gateway.model.backend import UpstreamRequest
from gateway.model.integration import HttpTarget
from gateway.model.invocation import Answered, InvocationResult


@dataclass(frozen=True, slots=True)
class HttpCustomPlan:
    """Nothing of the handshake is sent unless it is mapped."""

    target: HttpTarget
    method: str
    timeout_ms: int
    request_mapping: RequestMapping
    responses: ResponseMapping

    def request(self, exchange: Exchange) -> UpstreamRequest | Failure:
        values = RequestValues(exchange)
        body = self.request_mapping.body(values)
        if isinstance(body, Failure):
            return body
        return upstream_request(self.target, self.method, self.request_mapping, values, body)

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return mapped_answer(self.responses, exchange, result)


def mapped_answer(responses: ResponseMapping, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
    """``$integration.response.statuscode`` is what keys are matched with (parity 3.2)."""
    if not isinstance(result, Answered):
        return read_result(result)
    answer = Answer(result.status, str(result.status), result.headers, result.body)
    return responses.map(exchange, answer)
