"""The management API's finer points (parity table, section 7)."""

from __future__ import annotations

import json

import pytest

from gateway.engine import responses
from gateway.model import ids
from gateway.model.limits import AccountLimits
from node_doubles import OWNER, until_idle
from parity_world import world
from sample_definitions import api, definition, handshake, route

LIFE = definition(api(route("$connect"), route("$disconnect"), route("$default")))
OTHER = api(route("$default"), api_id="zzzzzzzzzz", stages=("other",))


@pytest.mark.parity("P-108", "P-350")
async def test_a_client_without_a_user_agent_has_none() -> None:
    nameless = tuple(pair for pair in handshake().headers if pair[0] != "User-Agent")
    async with world(LIFE) as here:
        client = await here.open(headers=nameless)
        answer = await here.ask("GET", f"/dev/@connections/{client.connection_id}")
    assert json.loads(answer.body)["identity"] == {"sourceIp": "192.0.2.1"}


@pytest.mark.parity("P-355", "P-360")
async def test_posts_that_are_awaited_arrive_in_their_order() -> None:
    sent = [f"{number}".encode() for number in range(20)]
    async with world(LIFE) as here:
        client = await here.open()
        for body in sent:
            assert (await here.ask("POST", f"/dev/@connections/{client.connection_id}", body)).status == 200
        assert client.socket.sent == sent


@pytest.mark.parity("P-362", "P-363")
async def test_nothing_chooses_the_close_code_of_a_delete() -> None:
    async with world(LIFE) as here:
        client = await here.open()
        path = f"/dev/@connections/{client.connection_id}"
        # ``code`` and ``reason`` of a query are an extension of ours (docs/extensions.md); nothing else counts.
        answer = await here.ask(
            "DELETE", path, b'{"code":4000,"reason":"enough"}', query="Code=4000&closeReason=enough"
        )
        await here.gone()
        context = here.context("disconnect")
    assert (answer.status, client.socket.closed) == (204, (1000, "Connection Closed Normally"))
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1000, "Connection Closed Normally")


@pytest.mark.parity("P-368", "P-379")
async def test_an_id_of_the_right_form_that_nobody_issued_is_invalid() -> None:
    foreign = ids.connection_id(OWNER, b"random", b"a key of another fleet")
    async with world(LIFE) as here:
        answer = await here.ask("POST", f"/dev/@connections/{foreign}", b"x")
    assert (answer.status, json.loads(answer.body)) == (400, {"message": f"Invalid connectionId: {foreign}"})
    assert [name for name, _ in answer.headers] == [
        "Content-Type",
        "x-amzn-RequestId",
        "x-amzn-ErrorType",
        "x-amz-apigw-id",
    ]


@pytest.mark.parity("P-381")
async def test_another_api_does_not_reach_the_connection() -> None:
    async with world(definition(*LIFE.apis, OTHER)) as here:
        client = await here.open()
        assert (await here.ask("POST", f"/other/@connections/{client.connection_id}", b"x")).status == 410
        assert (await here.ask("POST", f"/dev/@connections/{client.connection_id}", b"x")).status == 200
        assert client.socket.sent == [b"x"]


@pytest.mark.parity("P-365", "P-382")
async def test_a_connection_that_is_closing_is_gone() -> None:
    async with world(LIFE) as here:
        client = await here.open()
        here.node.binary(client.conversation, b"\x00")
        path = f"/dev/@connections/{client.connection_id}"
        assert [(await here.ask(method, path)).status for method in ("POST", "GET", "DELETE")] == [410] * 3
        assert client.socket.sent == []


@pytest.mark.parity("P-351", "P-353", "P-354")
async def test_messages_move_last_active_at_and_questions_do_not() -> None:
    async with world(LIFE) as here:
        client = await here.open()

        async def times() -> tuple[str, str]:
            document = json.loads((await here.ask("GET", f"/dev/@connections/{client.connection_id}")).body)
            return document["connectedAt"], document["lastActiveAt"]

        first = await times()
        here.clock.advance(5_000)
        assert await times() == first
        client.say("one-way")
        connected, active = await times()
    assert connected == first[0]
    assert active == "2026-09-25T09:20:10.217Z"


@pytest.mark.parity("P-356", "P-384")
@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"\xed\xa0\x80", "\ufffd"),
        (b"a\xed\xb0\x80\xed\xa0\x80b", "a\ufffd\ufffdb"),
        (b"\xed\xa0", "\ufffd"),
        (b"\xed\xa0a", "\ufffda"),
        (b"\xf0\x9f\xed\xa0\x80", "\ufffd\ufffd"),
        (b"\xed\x9f\xbf\xff", "\ud7ff\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
    ],
)
def test_an_encoded_surrogate_is_replaced_as_one(sent: bytes, text: str) -> None:
    assert responses.as_text(sent).decode() == text


@pytest.mark.parity("P-385", "P-396")
async def test_calls_share_the_accounts_rate_with_messages() -> None:
    async with world(LIFE, account=AccountLimits(requests_per_s=1, request_burst=2)) as here:
        client = await here.open()
        path = f"/dev/@connections/{client.connection_id}"
        client.say("hello")
        await until_idle(lambda: bool(here.functions.events("default")))
        assert (await here.ask("GET", path)).status == 200
        refused = await here.ask("POST", path, b"x")
        here.clock.advance(1_000)
        assert (await here.ask("POST", path, b"y")).status == 200
    assert (refused.status, dict(refused.headers)["x-amzn-ErrorType"]) == (429, "LimitExceededException")
    assert json.loads(refused.body) == {"message": "Too Many Requests"}
    assert client.socket.sent == [b"y"]
