"""``AWS`` to a Lambda function: a payload by template, the result by integration response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.request_mapping import RequestMapping
from gateway.engine.integrations.response_mapping import (
    FUNCTION_ERROR_STATUS,
    FUNCTION_RESULT_STATUS,
    Answer,
    ResponseMapping,
)
from gateway.engine.responses import INTERNAL_SERVER_ERROR, Failure, ProxyResponse, read_result
from gateway.expressions.parameters import Place
from gateway.model.backend import LambdaRequest
from gateway.model.integration import LambdaTarget
from gateway.model.invocation import FunctionError, InvocationResult, Returned
from gateway.model.json_text import Json, NotJson, read_bytes

EMPTY_PAYLOAD: Final = b"{}"  # assumed: what a function gets when nothing is mapped and the event has no body

INVOCATION_TYPE: Final = "x-amz-invocation-type"


@dataclass(frozen=True, slots=True)
class LambdaCustomPlan:
    """``$integration.response.body.errorMessage`` is what keys are matched with (parity 3.2)."""

    target: LambdaTarget
    timeout_ms: int
    request_mapping: RequestMapping
    responses: ResponseMapping

    def request(self, exchange: Exchange) -> LambdaRequest | Failure:
        payload = self.request_mapping.body(RequestValues(exchange))
        if isinstance(payload, Failure):
            return payload
        try:
            read_bytes(payload or EMPTY_PAYLOAD)
        except NotJson as error:
            return Failure(
                INTERNAL_SERVER_ERROR, 500, f"the payload for {self.target.function_name} is not JSON: {error}"
            )
        return LambdaRequest(self.target, payload or EMPTY_PAYLOAD, self._is_event(RequestValues(exchange)))

    def _is_event(self, values: RequestValues) -> bool:
        """Whether the mapped headers ask Lambda for an asynchronous call."""
        headers = self.request_mapping.pairs(values, Place.HEADER)
        return any(name.lower() == INVOCATION_TYPE and value == "Event" for name, value in headers)

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        match result:
            case Returned(payload):
                return self._result(exchange, payload)
            case FunctionError(payload):
                failure = read_result(result)
                message = _error_message(payload) or ""
                answer = Answer(FUNCTION_ERROR_STATUS, message, (), payload, message)
                return self.responses.map(exchange, answer, failure if isinstance(failure, Failure) else None)
        return read_result(result)

    def _result(self, exchange: Exchange, payload: bytes) -> ProxyResponse | Failure:
        """One that has an ``errorMessage`` is matched by it, any other is a success."""
        message = _error_message(payload) if self.responses.patterns else None
        default = self.responses.default
        if message is None and default is not None:
            return default.map(exchange, Answer(FUNCTION_RESULT_STATUS, "", (), payload), FUNCTION_RESULT_STATUS)
        subject = str(FUNCTION_RESULT_STATUS) if message is None else message
        return self.responses.map(exchange, Answer(FUNCTION_RESULT_STATUS, subject, (), payload, message))


def _error_message(payload: bytes) -> str | None:
    try:
        document: Json = read_bytes(payload)
    except NotJson:
        return None
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return message if isinstance(message, str) else None
