"""The Runtime API by its own words, over real sockets. The reference runtimes judge it in test_python and test_node."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES, RuntimeEvent
from gateway.invoke.runtime_api import RuntimeEndpoint
from runtime_double import DEADLINE_S, RuntimeClient, connected
from runtime_owner import EVENT, Owner

RESPONSE = "invocation/id-1/response"
ERROR = "invocation/id-1/error"


class Room:
    """An endpoint, its owner, and as many clients as asked for."""

    def __init__(self, endpoint: RuntimeEndpoint, owner: Owner, stack: AsyncExitStack) -> None:
        self.endpoint = endpoint
        self.owner = owner
        self._stack = stack

    async def client(self) -> RuntimeClient:
        return await self._stack.enter_async_context(connected(self.endpoint.address))

    async def given(self, event: RuntimeEvent = EVENT) -> RuntimeClient:
        """A client that has been given ``event``."""
        self.owner.events.append(event)
        client = await self.client()
        answer = await client.next()
        assert answer.body == event.payload
        return client


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    owner = Owner()
    endpoint = await RuntimeEndpoint.open(owner.dialogue)
    await endpoint.serve(lambda far, near: True)
    async with asyncio.timeout(DEADLINE_S), AsyncExitStack() as stack:
        yield Room(endpoint, owner, stack)
    endpoint.close()


async def test_an_event_has_lambdas_headers(room: Room) -> None:
    room.owner.events.append(EVENT)
    answer = await (await room.client()).next()
    assert answer.status == 200
    assert answer.body == EVENT.payload
    assert answer.headers == {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": "id-1",
        "lambda-runtime-deadline-ms": "1790295784940",
        "lambda-runtime-invoked-function-arn": "arn:aws:lambda:r:1:function:f",
        "lambda-runtime-trace-id": "Root=1-2-3",
        "content-length": "7",
    }


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ('{"custom": {"a": "é"}}', '{"custom": {"a": "\\u00e9"}}'),
        ('{\n  "custom": 1\r\n}', '{"custom": 1}'),
        ("no\r\nInjected: json", "no  Injected: json"),
    ],
)
async def test_the_client_context_stays_one_header(room: Room, given: str, seen: str) -> None:
    room.owner.events.append(RuntimeEvent("id-1", b"", 1, "arn", "Root=1\r\nX: 1", given))
    answer = await (await room.client()).next()
    assert answer.headers["lambda-runtime-client-context"] == seen
    assert answer.headers["lambda-runtime-trace-id"] == "Root=1  X: 1"
    assert "injected" not in answer.headers and "x" not in answer.headers


async def test_an_event_may_come_after_the_poll(room: Room) -> None:
    client = await room.client()
    await client.send("GET", "invocation/next")
    await room.owner.until("polled")
    room.owner.dialogue.offer(EVENT)
    assert (await client.answer()).request_id == "id-1"


async def test_many_events_over_one_connection(room: Room) -> None:
    client = await room.given()
    for number in range(2, 5):
        answer = await client.post(f"invocation/id-{number - 1}/response", b"%d" % number)
        assert (answer.status, answer.body) == (202, b'{"status":"OK"}\n')
        room.owner.events.append(RuntimeEvent(f"id-{number}", b"{}", 1, "arn", "t"))
        assert (await client.next()).request_id == f"id-{number}"
    assert room.owner.heard == [
        ("polled",),
        *(what for number in (b"2", b"3", b"4") for what in (("responded", number), ("polled",))),
    ]


async def test_a_connection_for_each_request_is_as_good(room: Room) -> None:
    (await room.given()).close()
    async with connected(room.endpoint.address) as other:
        assert (await other.post(RESPONSE, b"1")).status == 202
    await room.given(RuntimeEvent("id-2", b"2", 1, "arn", "t"))
    assert room.owner.heard == [("polled",), ("responded", b"1"), ("polled",)]


@pytest.mark.parametrize(
    ("headers", "body", "heard"),
    [
        ({}, b"not json", ("responded", b"not json")),
        ({}, b"", ("responded", b"")),
        ({"Lambda-Runtime-Function-Response-Mode": "streaming"}, b"1", ("responded", b"1")),
    ],
)
async def test_responses(room: Room, headers: dict[str, str], body: bytes, heard: tuple[object, ...]) -> None:
    client = await room.given()
    assert (await client.post(RESPONSE, body, headers)).status == 202
    assert room.owner.heard[1:] == [heard]


async def test_an_error_is_accepted_with_its_type(room: Room) -> None:
    client = await room.given()
    answer = await client.post(ERROR, b'{"x":1}', {"Lambda-Runtime-Function-Error-Type": "Boom"})
    assert answer.status == 202
    assert room.owner.heard[1:] == [("failed", "Boom", b'{"x":1}')]


@pytest.mark.parametrize(
    ("body", "seen"), [(b64encode(b'{"e":1}'), b'{"e":1}'), (b"not base64!", b"not base64!"), (b"", b"")]
)
async def test_a_stream_that_breaks_off_is_an_error(room: Room, body: bytes, seen: bytes) -> None:
    client = await room.given()
    await client.send_raw(
        b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n3\r\nabc\r\n0\r\n"
        b"Lambda-Runtime-Function-Error-Type: Late\r\nLambda-Runtime-Function-Error-Body: " + body + b"\r\n\r\n"
    )
    assert (await client.answer()).status == 202
    assert room.owner.heard[1:] == [("failed", "Late", seen)]


@pytest.mark.parametrize("over", [0, 1])
async def test_the_size_of_a_response(room: Room, over: int) -> None:
    client = await room.given()
    answer = await client.post(RESPONSE, b"x" * (MAX_RESPONSE_BYTES + over))
    if over:
        assert answer.status == 413
        assert json.loads(answer.body) == {
            "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "RequestEntityTooLarge",
        }
        assert room.owner.heard[1:] == [("too_large", MAX_RESPONSE_BYTES + 1)]
    else:
        assert answer.status == 202
        assert room.owner.heard[1][0] == "responded"


async def refused(room: Room, client: RuntimeClient, route: str, headers: dict[str, str] | None = None) -> list[object]:
    answer = await client.post(route, b"{}", headers)
    document = json.loads(answer.body)
    return [answer.status, document["errorType"], document["errorMessage"]]


async def test_an_id_that_is_not_the_events(room: Room) -> None:
    client = await room.given()
    for route in ("invocation/id-2/response", "invocation//error"):
        assert await refused(room, client, route) == [400, "InvalidRequestID", "Invalid request ID"]
    assert (await client.post(RESPONSE, b"1")).status == 202


async def test_answers_out_of_turn(room: Room) -> None:
    text = "State transition from %s to %s failed for runtime. Error: State transition is not allowed"
    fresh = await room.client()
    expected = [403, "InvalidStateTransition", text % ("Started", "InvocationResponse")]
    assert await refused(room, fresh, RESPONSE) == expected
    client = await room.given()
    await client.post(RESPONSE, b"1")
    expected = [403, "InvalidStateTransition", text % ("RuntimeResponseSentState", "InvocationErrorResponse")]
    assert await refused(room, client, ERROR) == expected
    assert (await refused(room, client, "init/error"))[:2] == [403, "InvalidStateTransition"]
    assert room.owner.heard == [("polled",), ("responded", b"1")]


async def test_a_response_mode_that_does_not_exist(room: Room) -> None:
    client = await room.given()
    headers = {"Lambda-Runtime-Function-Response-Mode": "buffered"}
    assert (await refused(room, client, RESPONSE, headers))[:2] == [400, "InvalidFunctionResponseMode"]
    assert room.owner.heard[1:] == [("failed", "Runtime.InvalidResponseModeHeader", b"")]


@pytest.mark.parametrize("route", ["init/error", "restore/error"])
async def test_an_init_error(room: Room, route: str) -> None:
    client = await room.client()
    answer = await client.post(route, b'{"x":1}', {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"})
    assert answer.status == 202
    assert room.owner.heard == [("init_failed", "Runtime.ImportModuleError", b'{"x":1}')]
    assert (await refused(room, client, route))[0] == 403


async def test_restored_at_once(room: Room) -> None:
    client = await room.client()
    answer = await client.get("restore/next")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(("method", "route"), [("GET", "nothing"), ("POST", "invocation/next"), ("GET", RESPONSE)])
async def test_what_is_not_there(room: Room, method: str, route: str) -> None:
    client = await room.client()
    await client.send(method, route)
    assert (await client.answer()).status == 404


async def test_asking_again_without_an_answer_gives_the_same_event(room: Room) -> None:
    client = await room.given()
    assert (await client.next()).body == EVENT.payload
    client.close()
    async with connected(room.endpoint.address) as again:
        while (answer := await again.next()).status == 403:  # until the end of the first connection was noticed
            pass
        assert answer.body == EVENT.payload


@pytest.mark.parametrize("has_event", [True, False], ids=["while it works", "while it waits"])
async def test_a_second_client_is_refused_and_noticed(room: Room, has_event: bool) -> None:
    if has_event:
        first = await room.given()
    else:
        first = await room.client()
        await first.send("GET", "invocation/next")
        await room.owner.until("polled")
    second = await room.client()
    assert (await second.next()).status == 403
    assert room.owner.heard == [("polled",), ("intruded",)]
    if not has_event:
        room.owner.dialogue.offer(EVENT)
        assert (await first.answer()).body == EVENT.payload
    assert (await first.post(RESPONSE, b"1")).status == 202


async def test_the_owner_hears_when_the_poll_is_gone(room: Room) -> None:
    client = await room.client()
    await client.send("GET", "invocation/next")
    await room.owner.until("polled")
    client.close()
    await room.owner.until("poll_lost")
    await room.given()


async def test_close_ends_clients_and_the_owner_hears_nothing_more(room: Room) -> None:
    client = await room.client()
    await client.send("GET", "invocation/next")
    await room.owner.until("polled")
    address = room.endpoint.address
    room.owner.dialogue.close()
    room.endpoint.close()
    assert await client.at_end()
    assert room.owner.heard == [("polled",)]
    with pytest.raises(OSError):
        async with connected(address):
            pass


async def test_who_is_not_the_process_is_not_heard() -> None:
    owner = Owner()
    endpoint = await RuntimeEndpoint.open(owner.dialogue)
    asked: list[str] = []

    def admits(far: tuple[str, int], near: tuple[str, int]) -> bool:
        asked.append(f"{near[0]}:{near[1]}")
        return False

    await endpoint.serve(admits)
    async with asyncio.timeout(DEADLINE_S), connected(endpoint.address) as client:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.next()
    assert asked == [endpoint.address]
    assert owner.heard == [("intruded",)]
    endpoint.close()


async def test_a_connection_waits_until_it_is_known_whose_it_may_be() -> None:
    owner = Owner()
    owner.events.append(EVENT)
    endpoint = await RuntimeEndpoint.open(owner.dialogue)
    async with asyncio.timeout(DEADLINE_S), connected(endpoint.address) as client:
        asking = asyncio.ensure_future(client.next())
        await asyncio.sleep(0)
        assert owner.heard == []
        await endpoint.serve(lambda far, near: True)
        assert (await asking).body == EVENT.payload
    endpoint.close()
