"""``MOCK``: no backend; the request template says which status it would have answered with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.http_custom import mapped_answer
from gateway.engine.integrations.request_mapping import RequestMapping
from gateway.engine.integrations.response_mapping import ResponseMapping
from gateway.engine.responses import INTERNAL_SERVER_ERROR, Failure, ProxyResponse
from gateway.model.backend import MockRequest
from gateway.model.invocation import InvocationResult
from gateway.model.json_text import Json, NotJson, read

# AWS's reader takes {"statusCode": 200,} too.
_TRAILING_COMMA: Final = re.compile(r",(?=\s*[}\]])")


@dataclass(frozen=True, slots=True)
class MockPlan:
    timeout_ms: int
    request_mapping: RequestMapping
    responses: ResponseMapping

    def request(self, exchange: Exchange) -> MockRequest | Failure:
        text = self.request_mapping.text(RequestValues(exchange))
        if isinstance(text, Failure):
            return text
        status = _status(text)
        if status is None:
            return Failure(
                INTERNAL_SERVER_ERROR, 500, "the request template of a MOCK must render a statusCode, 200-599"
            )
        return MockRequest(status)

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return mapped_answer(self.responses, exchange, result)


@lru_cache(maxsize=64)  # most such templates render one and the same text
def _status(text: str) -> int | None:
    try:
        document: Json = read(_TRAILING_COMMA.sub("", text))
    except NotJson:
        return None
    code = document.get("statusCode") if isinstance(document, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 200 <= code <= 599 else None
