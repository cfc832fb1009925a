"""``GET /metrics``: a node's counters in Prometheus' text format (version 0.0.4), for whoever has the token.

Where it listens is decided elsewhere: on loopback unless there is a token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hmac import compare_digest
from typing import Final

from gateway.counters import Counters
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import KIB

PATH: Final = "/metrics"
_TYPE: Final = (("Content-Type", "text/plain; version=0.0.4; charset=utf-8"), ("Cache-Control", "no-store"))
_NOT_FOUND: Final = HttpResponse(404)
_UNAUTHORIZED: Final = HttpResponse(401, (("WWW-Authenticate", "Bearer"),))
_TOO_LARGE: Final = HttpResponse(413)

# Name without prefix, meaning, kind.
_PLAIN: Final = (
    ("sockets", "TCP connections of clients and callers that are open.", "gauge"),
    ("paused", "Listeners that accept nobody at the moment, because max_connections are open.", "gauge"),
    ("accepts", "TCP connections accepted.", "counter"),
    ("accept_pauses", "Times that a listener stopped accepting.", "counter"),
    ("opened", "WebSocket connections opened.", "counter"),
    ("messages", "Messages of clients.", "counter"),
    ("posts", "Posts to connections of this node.", "counter"),
    ("invocations", "Calls of integrations and authorizers.", "counter"),
)


class Metrics:
    """``connections`` tells how many WebSockets are open; ``token`` None: whoever asks may know. Implements
    ``ports.HttpService``."""

    max_body_bytes = KIB  # nobody has a reason to send one

    def __init__(self, counters: Counters, connections: Callable[[], int], token: str | None = None) -> None:
        self._counters = counters
        self._connections = connections
        self._token = None if token is None else token.encode()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if request.raw_path != PATH or request.method not in ("GET", "HEAD"):
            return _NOT_FOUND
        if self._token is not None:
            scheme, _, given = (request.header("authorization") or "").partition(" ")
            is_right = compare_digest(given.strip().encode("utf-8", "replace"), self._token)
            if scheme.lower() != "bearer" or not is_right:  # RFC 9110 §11.1: schemes have no case
                return _UNAUTHORIZED
        return HttpResponse(200, _TYPE, "".join(self._lines()).encode())

    def too_large(self, request: HttpRequest) -> HttpResponse:
        del request
        return _TOO_LARGE

    def _lines(self) -> Iterator[str]:
        counters = self._counters
        yield from _family("connections", "WebSocket connections that are open.", "gauge", {"": self._connections()})
        for name, meaning, kind in _PLAIN:
            yield from _family(name, meaning, kind, {"": getattr(counters, name)})
        statuses = {f'{{status="{status}"}}': count for status, count in sorted(counters.refused.items())}
        yield from _family("refused_handshakes", "Handshakes refused, by status.", "counter", statuses)
        limits = {f'{{limit="{limit.label}"}}': count for limit, count in counters.exceeded.items()}
        yield from _family("limit_exceeded", "Times that a limit was exceeded.", "counter", limits)


def _family(name: str, meaning: str, kind: str, values: Mapping[str, int]) -> Iterator[str]:
    full = f"wsfleet_{name}_total" if kind == "counter" else f"wsfleet_{name}"
    yield f"# HELP {full} {meaning}\n# TYPE {full} {kind}\n"
    yield from (f"{full}{labels} {value}\n" for labels, value in values.items())
