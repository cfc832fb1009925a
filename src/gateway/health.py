"""What a load balancer asks of a node: ``GET /live``, whether to restart it, and ``GET /ready``, whether to send to it.

They stand before the service that answers everything else, for GET and HEAD alone. Who asks from elsewhere gets the
status, and nothing about the node: strangers can ask too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from gateway.engine.responses import RETRY_AFTER_S
from gateway.model.http import HttpRequest, HttpResponse
from gateway.ports import HttpAnswer, HttpService

LIVE: Final = "/live"
READY: Final = "/ready"
_METHODS: Final = ("GET", "HEAD")
_HERE: Final = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


class Health:
    """``unready`` says why nobody new should come here, None when all may. Implements ``ports.HttpService``."""

    def __init__(self, service: HttpService, unready: Callable[[], str | None], about: Callable[[], Any]) -> None:
        self._service = service
        self._unready = unready
        self._about = about

    @property
    def max_body_bytes(self) -> int:
        return self._service.max_body_bytes

    def handle(self, request: HttpRequest) -> HttpAnswer:
        if request.method in _METHODS:
            if request.raw_path == LIVE:
                return self._answer(None, request.source_ip)
            if request.raw_path == READY:
                return self._answer(self._unready(), request.source_ip)
        return self._service.handle(request)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return self._service.too_large(request)

    def _answer(self, why_not: str | None, asker: str) -> HttpResponse:
        about = self._about() if asker in _HERE else {}
        document = {"status": "ok" if why_not is None else why_not, **about}
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        if why_not is not None:
            headers.append(("Retry-After", RETRY_AFTER_S))
        return HttpResponse(200 if why_not is None else 503, tuple(headers), json.dumps(document).encode() + b"\n")
