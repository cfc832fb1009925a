"""Upgrades that are accepted, held or refused (parity table, section 1)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.invocation import FunctionError, TimedOut, Unavailable
from node_doubles import FakeSocket, Script, returning, until_idle
from parity_world import world
from sample_definitions import api, authorized, definition, handshake, route

GUARDED = definition(api(authorized(route("$connect")), route("$default")))


def policy(effect: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": "u", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


@pytest.mark.parity("P-037", "P-039")
async def test_connect_and_disconnect_never_fall_back_to_default() -> None:
    async with world(definition(api(route("$default")))) as here:
        client = await here.open()
        client.leave()
        await here.gone()
        assert here.functions.calls == []


@pytest.mark.parity("P-038")
async def test_a_connect_route_without_an_integration_accepts() -> None:
    async with world(definition(api(replace(route("$connect"), integration=None)))) as here:
        assert (await here.open()).socket.is_open


@pytest.mark.parity("P-035")
async def test_a_connection_is_gone_to_management_until_its_connect_is_over() -> None:
    async with world(definition(api(route("$connect")))) as here:
        here.functions.gates["connect"] = asyncio.Event()
        socket = FakeSocket()
        here.node.handshake(socket, handshake())
        await until_idle(lambda: bool(here.functions.calls))
        path = f"/dev/@connections/{here.context('connect')['connectionId']}"
        assert [(await here.ask(method, path)).status for method in ("POST", "GET", "DELETE")] == [410] * 3
        here.functions.gates["connect"].set()
        await until_idle(lambda: socket.is_open)
        assert (await here.ask("POST", path)).status == 200


EXPLICIT = "User is not authorized to access this resource with an explicit deny in an identity-based policy"
IMPLICIT = (
    "User is not authorized to access this resource because no identity-based policy allows the "
    "execute-api:Invoke action"
)
ELSEWHERE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/*/*"


@pytest.mark.parity("P-049", "P-052", "P-053", "P-054", "P-055", "P-056", "P-312")
@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (lambda event: FunctionError(b'{"errorMessage":"Unauthorized"}'), 401, "Unauthorized"),
        (lambda event: FunctionError(b'{"errorMessage":"unauthorized"}'), 500, "Internal server error"),
        (lambda event: TimedOut(), 500, "Internal server error"),
        (lambda event: Unavailable("no such function"), 500, "Internal server error"),
        (returning({"statusCode": 401}), 500, None),
        (returning(None), 500, None),
        (returning(policy("Allow") | {"context": {"nested": {}}}), 500, None),
        (returning(policy("Deny")), 403, EXPLICIT),
        (returning(policy("Allow", ELSEWHERE)), 403, IMPLICIT),
    ],
)
async def test_a_refusing_authorizer_to_the_byte(answer: Script, status: int, message: str | None) -> None:
    async with world(GUARDED) as here:
        here.functions.scripts["authorizer"] = answer
        refused, headers, body = await here.refusal()
        context = here.context("authorizer")
    ids = f'"connectionId":"{context["connectionId"]}", "requestId":"{context["requestId"]}"'
    assert (refused, body.decode()) == (status, f'{{"message": {json.dumps(message)}, {ids}}}')
    assert headers == {
        "content-type": "application/json; charset=UTF-8",
        "x-amz-apigw-id": context["requestId"],
    }
