from __future__ import annotations

import json

import pytest

from answers import answered
from gateway.health import Health
from gateway.model.http import HttpRequest, HttpResponse


class Behind:
    max_body_bytes = 7

    async def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(418)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


def asked(method: str, path: str, source_ip: str = "127.0.0.1") -> HttpRequest:
    return HttpRequest(method, path, "", (), b"", source_ip, "localhost")


async def test_live_is_always_ok_and_ready_says_why_not() -> None:
    why: list[str | None] = [None]
    health = Health(Behind(), lambda: why[0], lambda: {"node": 7})
    for expected, status in ((None, 200), ("draining", 503)):
        why[0] = expected
        live, ready = [await answered(health.handle(asked("GET", path))) for path in ("/live", "/ready")]
        assert (live.status, ready.status) == (200, status)
        assert json.loads(ready.body) == {"status": expected or "ok", "node": 7}
        assert ("Retry-After" in dict(ready.headers)) == (status == 503)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/ready"), ("GET", "/ready/"), ("GET", "/prod"), ("DELETE", "/live")]
)
async def test_everything_else_is_the_services(method: str, path: str) -> None:
    health = Health(Behind(), lambda: None, dict)
    assert (await answered(health.handle(asked(method, path)))).status == 418
    assert health.max_body_bytes == 7
    assert health.too_large(asked(method, path)).status == 413


@pytest.mark.parametrize("path", ["/live", "/ready"])
async def test_a_stranger_is_told_the_status_alone(path: str) -> None:
    health = Health(Behind(), lambda: None, lambda: {"node": 7})
    answer = await answered(health.handle(asked("GET", path, "203.0.113.9")))
    assert json.loads(answer.body) == {"status": "ok"}
