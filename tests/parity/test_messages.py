"""Messages, replies and deployments as an open socket sees them (parity table, sections 3 to 5, 9 and 10)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.engine.directory import Directory
from gateway.engine.responses import ProxyResponse, message_reply
from gateway.model.ids import ConnectionId, RequestId
from gateway.model.limits import MAX_MESSAGE_BYTES
from node_doubles import returning, until_idle
from parity_world import world
from sample_definitions import api, definition, integration, route

BODY = returning({"statusCode": 200, "body": "unexpected"})


@pytest.mark.parity("P-180", "P-181")
async def test_a_route_response_of_connect_and_disconnect_sends_nothing() -> None:
    routes = (route("$connect", two_way=True), route("$disconnect", two_way=True))
    async with world(definition(api(*routes))) as here:
        here.functions.scripts |= {"connect": BODY, "disconnect": BODY}
        client = await here.open()
        client.leave()
        await here.gone()
        assert len(here.functions.calls) == 2
        assert client.socket.sent == []


@pytest.mark.parity("P-182", "P-430", "P-431")
async def test_messages_are_handled_at_once_and_replies_overtake_each_other() -> None:
    async with world(definition(api(route("slow", two_way=True), route("fast", two_way=True)))) as here:
        for name in ("slow", "fast"):
            here.functions.scripts[name] = returning({"statusCode": 200, "body": name})
        here.functions.gates["slow"] = asyncio.Event()
        client = await here.open()
        client.say('{"action":"slow"}')
        client.say('{"action":"fast"}')
        assert await client.heard() == [b"fast"]
        assert len(here.functions.calls) == 2
        here.functions.gates["slow"].set()
        assert await client.heard(2) == [b"fast", b"slow"]


@pytest.mark.parity("P-183")
def test_a_reply_over_the_message_limit_is_delivered_whole() -> None:
    body = b"x" * (MAX_MESSAGE_BYTES + 1)
    reply = message_reply(ProxyResponse(200, (), body), True, ConnectionId("c"), RequestId("r"))
    assert reply == body


@pytest.mark.parity("P-192")
async def test_a_route_without_an_integration_is_an_error_frame() -> None:
    async with world(definition(api(replace(route("$default"), integration=None)))) as here:
        client = await here.open()
        client.say("hello")
        assert json.loads((await client.heard())[0])["message"] == "Internal server error"


@pytest.mark.parity("P-152")
async def test_messages_to_a_stage_that_is_gone_are_forbidden() -> None:
    async with world(definition(api(route("$default")))) as here:
        client = await here.open()
        here.node.redeploy(Directory(definition(api(route("$default"), stages=("other",)))))
        client.say("hello")
        assert json.loads((await client.heard())[0])["message"] == "Forbidden"
        assert client.socket.closed is None


@pytest.mark.parity("P-455")
async def test_changed_stage_variables_reach_an_open_socket() -> None:
    async with world(definition(api(route("$default"), variables={"color": "red"}))) as here:
        client = await here.open()
        client.say("one")
        await until_idle(lambda: bool(here.functions.calls))
        here.node.redeploy(Directory(definition(api(route("$default"), variables={"color": "blue"}))))
        client.say("two")
        await until_idle(lambda: len(here.functions.calls) == 2)
        events = {event["body"]: event["stageVariables"] for event in here.functions.events("default")}
    assert events == {"one": {"color": "red"}, "two": {"color": "blue"}}


@pytest.mark.parity("P-190", "P-230", "P-397")
@pytest.mark.parametrize("timeout_ms", [50, 29_000])
async def test_the_integrations_timeout_is_how_long_the_gateway_waits(timeout_ms: int) -> None:
    waiting = replace(route("$default"), integration=integration("default", timeout_ms))
    async with world(definition(api(waiting))) as here:
        client = await here.open()
        client.say("hello")
        await until_idle(lambda: bool(here.functions.calls))
        assert here.functions.waits == {"default": timeout_ms}


@pytest.mark.parity("P-433")
async def test_disconnect_does_not_wait_for_messages_that_are_being_handled() -> None:
    async with world(definition(api(route("$disconnect"), route("$default")))) as here:
        here.functions.gates["default"] = asyncio.Event()
        client = await here.open()
        client.say("hello")
        await until_idle(lambda: bool(here.functions.calls))
        client.leave()
        await here.gone()
        assert [name for name, _ in here.functions.calls] == ["default", "disconnect"]
        here.functions.gates["default"].set()
