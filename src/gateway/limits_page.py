"""``GET /{stage}/@fleet/limits``: the limits in force on this node, and which of them are not AWS's.

It stands before the management API, and whoever may not call that may not ask here: the right is
``execute-api:ManageConnections`` on ``GET/@fleet/limits`` of the stage.
"""

from __future__ import annotations

import json
from typing import Any, Final

from gateway.engine.directory import Addressed
from gateway.management import Guard, is_signed
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import Limits
from gateway.model.terms import Term, own_terms, profile_terms
from gateway.node import Node
from gateway.ports import HttpAnswer, HttpService, Ids

RESOURCE: Final = "GET/@fleet/limits"
_ENDS: Final = ("/@fleet/limits", "/%40fleet/limits")


class LimitsPage:
    """``guard`` None: whoever signs is believed. Implements ``ports.HttpService``."""

    def __init__(self, service: HttpService, node: Node, ids: Ids, guard: Guard | None = None) -> None:
        self._service = service
        self._node = node
        self._ids = ids
        self._guard = guard

    @property
    def max_body_bytes(self) -> int:
        return self._service.max_body_bytes

    def handle(self, request: HttpRequest) -> HttpAnswer:
        addressed = self._addressed(request) if request.method == "GET" else None
        if addressed is None:
            return self._service.handle(request)
        refusal = self._refusal(request, addressed)
        if refusal is None:
            return self._answer(200, document(self._node.limits))
        error_type, member, message = refusal
        return self._answer(403, {member: message}, ("x-amzn-ErrorType", error_type))

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return self._service.too_large(request)

    def _addressed(self, request: HttpRequest) -> Addressed | None:
        """The stage that is meant; None for any other path."""
        for end in _ENDS:
            if request.raw_path.endswith(end):
                before = request.raw_path[: -len(end)] or "/"
                return self._node.directory.for_handshake(before, request.host)
        return None

    def _refusal(self, request: HttpRequest, addressed: Addressed) -> tuple[str, str, str] | None:
        """Error type, and the member of the body that holds the message; None when this caller may ask."""
        if self._guard is None:
            if is_signed(request):
                return None
            return "MissingAuthenticationTokenException", "message", "Missing Authentication Token"
        refusal = self._guard.refusal_at(request, addressed.deployment.endpoint, RESOURCE)
        return None if refusal is None else (refusal.error_type, refusal.member, refusal.message)

    def _answer(self, status: int, answer: dict[str, Any], *more: tuple[str, str]) -> HttpResponse:
        headers = (("Content-Type", "application/json"), ("x-amzn-RequestId", self._ids.uuid()), *more)
        return HttpResponse(status, headers, json.dumps(answer, ensure_ascii=False).encode())


def document(limits: Limits) -> dict[str, Any]:
    """``profile`` is ``aws`` as long as nothing was lifted or switched on; a null is no limit."""
    is_aws = not any(term.differs for term in profile_terms(limits))
    terms = (*profile_terms(limits), *own_terms(limits))
    return {"profile": "aws" if is_aws else "own", "limits": [_written(term) for term in terms]}


def _written(term: Term) -> dict[str, Any]:
    return {"name": term.name, "unit": term.unit, "value": term.ours, "aws": term.aws, "differs": term.differs}
