"""Responses of the extensions: JSON, with the headers by which AWS's SDKs read a result or an error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.engine.responses import RETRY_AFTER_S
from gateway.model.http import HttpResponse
from gateway.model.peer import Outcome
from gateway.ports import Ids

STATUS: Final = {
    "BadRequestException": 400,
    "NotFoundException": 404,
    "ConflictException": 409,
    "GoneException": 410,
    "MethodNotAllowedException": 405,
    "PayloadTooLargeException": 413,
    "LimitExceededException": 429,
    "InternalServerErrorException": 500,
    "ServiceUnavailableException": 503,
}


@dataclass(frozen=True, slots=True)
class Answers:
    """``ids`` gives each its ``x-amzn-RequestId``."""

    ids: Ids

    def result(self, document: Any, status: int = 200) -> HttpResponse:
        return self._made(status, document, {})

    def done(self) -> HttpResponse:
        """There is nothing to tell."""
        return HttpResponse(204, (("x-amzn-RequestId", self.ids.uuid()),))

    def error(self, error_type: str, message: str, member: str = "message") -> HttpResponse:
        """Of a type of ``STATUS``; any other is 403."""
        status = STATUS.get(error_type, 403)
        more = {"Retry-After": RETRY_AFTER_S} if status == 503 else {}
        return self._made(status, {member: message}, {"x-amzn-ErrorType": error_type, **more})

    def refused_by_all(self, refusal: Outcome) -> HttpResponse:
        """Every node says the same: LIMITED or FENCED."""
        if refusal is Outcome.LIMITED:
            return self.error("LimitExceededException", "no node takes one more now")
        return self.error("ServiceUnavailableException", "Service Unavailable")

    def wrong_method(self, allowed: Iterable[str]) -> HttpResponse:
        """RFC 9110 §15.5.6: 405 names those that there are."""
        names = ", ".join(allowed)
        error_type = "MethodNotAllowedException"
        more = {"x-amzn-ErrorType": error_type, "Allow": names}
        return self._made(STATUS[error_type], {"message": f"it takes {names}"}, more)

    def _made(self, status: int, document: Any, more: Mapping[str, str]) -> HttpResponse:
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": self.ids.uuid(), **more}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(status, tuple(headers.items()), body.encode("utf-8", "replace"))
