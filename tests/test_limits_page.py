"""What a caller is told of the limits in force, and who is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import signing
from answers import answered
from gateway.access.keyring import Keyring
from gateway.calls import Outside
from gateway.limits_page import LimitsPage
from gateway.management import Guard
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import AWS, Limits
from gateway.node import Node
from gateway.registry.memory import MemoryRegistry
from node_doubles import CountingIds, ManualClock, RecordingReporter, ScriptedFunctions, alone, backends
from sample_definitions import directory, route

SIGNED = (("Authorization", "AWS4-HMAC-SHA256 Credential=x/…, SignedHeaders=host, Signature=00"),)
LIFTED = Limits(idle_timeout_ms=None, messages_per_s=1_000.0)


class Behind:
    max_body_bytes = 7

    def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(418)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


def page(limits: Limits = LIFTED, guard: Guard | None = None) -> LimitsPage:
    clock, ids = ManualClock(), CountingIds()
    outside = Outside(backends(ScriptedFunctions()), MemoryRegistry(), clock, ids, RecordingReporter())
    node = Node(alone(clock), directory(route("$connect"), stages=("dev",)), outside, limits, lambda: None)
    return LimitsPage(Behind(), node, ids, guard)


def asked(
    method: str = "GET", path: str = "/dev/@fleet/limits", headers: tuple[tuple[str, str], ...] = SIGNED
) -> HttpRequest:
    return HttpRequest(method, path, "", headers, b"", "127.0.0.1", "localhost:8080")


async def document(limits: Limits, path: str = "/dev/@fleet/limits") -> dict[str, Any]:
    answer = await answered(page(limits).handle(asked(path=path)))
    assert answer.status == 200
    return dict(json.loads(answer.body))


@pytest.mark.parametrize("path", ["/dev/@fleet/limits", "/dev/%40fleet/limits"])
async def test_the_limits_in_force_and_which_are_not_awss(path: str) -> None:
    told = await document(LIFTED, path)
    assert told["profile"] == "own"
    named = {each["name"]: each for each in told["limits"]}
    assert named["idle_timeout_seconds"] == {
        "name": "idle_timeout_seconds", "unit": "s", "value": None, "aws": 600, "differs": True,
    }  # fmt: skip
    assert named["max_message_bytes"]["value"] == named["max_message_bytes"]["aws"] == 131_072
    assert {name for name, each in named.items() if each["differs"]} == {
        "idle_timeout_seconds", "connection_message_rate", "connection_in_flight",
    }  # fmt: skip


async def test_nothing_lifted_is_awss_profile() -> None:
    assert (await document(AWS))["profile"] == "aws"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/dev/@fleet/limits"),
        ("GET", "/dev/@fleet/limits/"),
        ("GET", "/nope/@fleet/limits"),
        ("GET", "/@fleet/limits"),
        ("GET", "/dev"),
    ],
)
async def test_everything_else_is_the_services(method: str, path: str) -> None:
    behind = page()
    assert (await answered(behind.handle(asked(method, path)))).status == 418
    assert behind.max_body_bytes == 7
    assert behind.too_large(asked(method, path)).status == 413


async def test_without_a_signature_nothing_is_told() -> None:
    answer = await answered(page().handle(asked(headers=())))
    assert (answer.status, answer.body) == (403, b'{"message": "Missing Authentication Token"}')
    assert dict(answer.headers)["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ("arn:aws:execute-api:*:*:*/dev/GET/@fleet/limits", 200),
        ("arn:aws:execute-api:*:*:*/dev/*", 200),
        ("arn:aws:execute-api:*:*:*/dev/POST/@connections/*", 403),
    ],
)
async def test_where_principals_are_known_a_policy_decides(resource: str, status: int) -> None:
    clock = ManualClock()
    allows = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [allows]}
    guard = Guard(Keyring({signing.KEY: signing.principal(policies=(policy,))}), clock)
    request = signing.signed("/dev/@fleet/limits", method="GET", body=b"")
    clock.wall_ms = signing.signing_time_ms(request)
    answer = await answered(page(guard=guard).handle(replace(request, host="localhost")))
    assert answer.status == status, answer.body
