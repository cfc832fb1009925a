"""The node with every port doubled: whole conversations, and each port failing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from gateway.access.origin import Origins
from gateway.admission import Admission
from gateway.calls import Outside
from gateway.counters import Counters, Limit
from gateway.model.api import Route
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import ConnectionId, NodeNumber, StageName
from gateway.model.invocation import FunctionError, Returned, TimedOut, Unavailable
from gateway.model.limits import MAX_MESSAGES_IN_FLIGHT, UNLIMITED, Limits
from gateway.model.peer import ConnectionInfo, DeleteIt, GetInfo, Outcome, PeerAnswer, PostTo
from gateway.model.plan import Throttle
from gateway.node import Node
from gateway.registry.memory import Faults, MemoryRegistry
from gateway.tenure import Tenure
from node_doubles import (
    OK,
    OWNER,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
    returning,
    until_idle,
)
from sample_definitions import authorized, directory, handshake, route

ALL = (route("$connect"), route("$disconnect"), route("$default", two_way=True), route("one-way"))
ALLOW = {
    "principalId": "u",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
    },
    "context": {"level": 3},
}


def at_once(answer: PeerAnswer | Coroutine[Any, Any, PeerAnswer]) -> PeerAnswer:
    assert not isinstance(answer, Coroutine)
    return answer


class Stage:
    """A node and everything around it."""

    def __init__(
        self,
        *routes: Route,
        limits: Limits | None = None,
        outside: Mapping[str, Any] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        self.functions = ScriptedFunctions(
            connect=OK, disconnect=OK, default=returning({"statusCode": 200, "body": "yo"})
        )
        self.functions.scripts["one-way"] = OK
        self.registry = MemoryRegistry()
        self.clock, self.reporter = ManualClock(), RecordingReporter()
        ports = Outside(backends(self.functions), self.registry, self.clock, CountingIds(), self.reporter, **outside)
        self.counters = ports.counters
        self.node = Node(
            alone(self.clock), directory(*(routes or ALL), **options), ports, limits or Limits(), lambda: None
        )
        self.endpoint = self.node.directory.deployments[0].endpoint

    async def opened(self, asked: Handshake | None = None) -> tuple[FakeSocket, Any]:
        socket = FakeSocket()
        conversation = self.node.handshake(socket, asked or handshake())
        await until_idle(lambda: socket.is_open)
        return socket, conversation

    async def refused(self, asked: Handshake | None = None) -> tuple[int, dict[str, str], bytes]:
        socket = FakeSocket()
        self.node.handshake(socket, asked or handshake())
        await until_idle(lambda: socket.refusal is not None)
        assert socket.refusal is not None
        return socket.refusal

    def post(self, connection_id: ConnectionId, data: bytes) -> PeerAnswer:
        return at_once(self.node.answer(OWNER, PostTo(self.endpoint.api.api_id, connection_id, data)))

    def info(self, connection_id: ConnectionId) -> PeerAnswer:
        return at_once(self.node.answer(OWNER, GetInfo(self.endpoint.api.api_id, connection_id)))

    def delete(self, connection_id: ConnectionId) -> PeerAnswer:
        return at_once(self.node.answer(OWNER, DeleteIt(self.endpoint.api.api_id, connection_id)))

    @property
    def connection_id(self) -> ConnectionId:
        (record,) = self.registry.records
        return record.connection_id

    async def gone(self) -> None:
        await until_idle(lambda: not self.registry.records)


class Stages:
    """Makes stages, and ends them with the test."""

    def __init__(self) -> None:
        self.made: list[Stage] = []

    def __call__(self, *routes: Route, **options: Any) -> Stage:
        self.made.append(Stage(*routes, **options))
        return self.made[-1]


@pytest.fixture
async def stages() -> AsyncIterator[Stages]:
    made = Stages()
    yield made
    for stage in made.made:
        await stage.node.stop(0.1)


async def test_where_binary_is_on_it_reaches_the_handler_and_can_be_posted(stages: Stages) -> None:
    stage = stages(limits=Limits(binary=True))
    socket, conversation = await stage.opened()
    stage.node.binary(conversation, b'{"action":"one-way"}')
    await until_idle(lambda: bool(socket.sent))
    (event,) = stage.functions.events("default")
    assert (event["body"], event["isBase64Encoded"]) == ("eyJhY3Rpb24iOiJvbmUtd2F5In0=", True)
    assert event["requestContext"]["routeKey"] == "$default", "bytes select no route, whatever they hold"
    post = PostTo(stage.endpoint.api.api_id, stage.connection_id, b"\xff\x00", binary=True)
    assert stage.node.answer(OWNER, post) is Outcome.DONE
    assert socket.sent_binary == [b"\xff\x00"]


async def test_in_order_handlers_replies_and_the_disconnect_come_one_after_the_other(stages: Stages) -> None:
    stage = stages(limits=Limits(ordered=True, max_messages_in_flight=4))
    gate = stage.functions.gates["default"] = asyncio.Event()
    stage.functions.scripts["default"] = lambda event: Returned(
        json.dumps({"statusCode": 200, "body": event["body"]}).encode()
    )
    socket, conversation = await stage.opened()
    for text in ("1", "2", "3"):
        stage.node.message(conversation, text)
    held = [socket.is_held]
    stage.node.message(conversation, "4")
    held.append(socket.is_held)
    assert held == [False, True], "as many wait as may: the client is not read"
    await until_idle(lambda: len(stage.functions.events("default")) == 1)
    assert [event["body"] for event in stage.functions.events("default")] == ["1"]
    gate.set()
    await until_idle(lambda: len(socket.sent) == 2)
    stage.node.peer_closed(conversation, 4000, "bye")
    await stage.gone()
    assert not socket.is_held
    assert socket.sent[:2] == [b"1", b"2"]
    assert [event["body"] for event in stage.functions.events("default")] == ["1", "2", "3", "4"]
    assert [name for name, _ in stage.functions.calls][-1] == "disconnect"
    assert conversation.in_flight == 0


async def test_in_order_a_handler_that_fails_holds_nobody_up_and_a_long_line_is_no_deep_one(stages: Stages) -> None:
    stage = stages(limits=Limits(ordered=True, max_messages_in_flight=5_000))
    stage.functions.scripts["default"] = lambda event: FunctionError(b"{}")
    socket, conversation = await stage.opened()
    for number in range(1_000):
        stage.node.message(conversation, str(number))
    for hundreds in range(1, 11):
        await until_idle(lambda wanted=hundreds * 100: len(socket.sent) >= wanted)  # type: ignore[misc]
    await until_idle(lambda: conversation.in_flight == 0)
    assert "failed" not in stage.reporter.kinds()


async def test_in_order_a_client_is_not_read_while_many_bytes_wait(stages: Stages) -> None:
    stage = stages(limits=Limits(ordered=True, max_in_line_bytes=10_000))
    gate = stage.functions.gates["one-way"] = asyncio.Event()
    socket, conversation = await stage.opened()
    text = json.dumps({"action": "one-way", "x": "x" * 4_000})
    held = []
    for _ in range(4):
        stage.node.message(conversation, text)
        held.append(socket.is_held)
    assert held == [False, False, False, True]
    assert stage.counters.exceeded[Limit.IN_LINE] == 1
    gate.set()
    await until_idle(lambda: not socket.is_held)
    assert 0 < conversation.in_line_bytes <= 5_000, "before the line is empty"
    await until_idle(lambda: conversation.in_flight == 0)
    assert len(stage.functions.events("one-way")) == 4


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_client_that_is_held_back_is_not_idle(stages: Stages, ordered: bool) -> None:
    stage = stages(limits=Limits(ordered=ordered, max_messages_in_flight=2, idle_timeout_ms=2_000))
    gate = stage.functions.gates["one-way"] = asyncio.Event()
    socket, conversation = await stage.opened()
    for _ in range(2):
        stage.node.message(conversation, '{"action":"one-way"}')

    def pass_time(ms: int) -> None:
        stage.clock.advance(ms)
        stage.node.tick(stage.clock.monotonic_ms)

    pass_time(60_000)
    held = [socket.is_held, socket.closed]
    assert held == [True, None]
    gate.set()
    await until_idle(lambda: conversation.in_flight == 0)
    pass_time(1_000)
    held = [socket.is_held, socket.closed]
    assert held == [False, None]
    pass_time(2_500)
    assert socket.closed == (1001, "Going away")


class Upgrading:
    """A client whose $connect runs until ``goes_on`` is set, on a node that holds early posts."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.socket = FakeSocket()
        self.goes_on = stage.functions.gates["connect"] = asyncio.Event()

    async def begin(self) -> ConnectionId:
        self.stage.node.handshake(self.socket, handshake())
        await until_idle(lambda: bool(self.stage.functions.events("connect") and self.stage.registry.records))
        return self.stage.connection_id

    def post(self, data: bytes) -> asyncio.Task[PeerAnswer]:
        request = PostTo(self.stage.endpoint.api.api_id, self.stage.connection_id, data)
        answer = self.stage.node.answer(OWNER, request)
        assert isinstance(answer, Coroutine), answer
        return asyncio.ensure_future(answer)


async def test_held_posts_leave_in_order_behind_the_upgrade(stages: Stages) -> None:
    client = Upgrading(stages(limits=Limits(early_post_ms=5_000)))
    await client.begin()
    posts = [client.post(data) for data in (b"a", b"\xff")]
    await asyncio.sleep(0)
    assert not any(post.done() for post in posts)
    client.goes_on.set()
    assert await asyncio.gather(*posts) == [Outcome.DONE] * 2
    assert client.socket.is_open
    assert client.socket.sent == [b"a", "\ufffd".encode()]


async def test_by_default_a_post_before_the_upgrade_is_gone(stages: Stages) -> None:
    client = Upgrading(stage := stages())
    assert stage.post(await client.begin(), b"x") is Outcome.GONE
    client.goes_on.set()


@pytest.mark.parametrize("status", [403, 500])
async def test_held_posts_to_a_connection_that_is_refused_are_gone(stages: Stages, status: int) -> None:
    client = Upgrading(stage := stages(limits=Limits(early_post_ms=5_000)))
    stage.functions.scripts["connect"] = returning({"statusCode": status})
    await client.begin()
    post = client.post(b"x")
    client.goes_on.set()
    assert await post is Outcome.GONE
    assert not client.socket.sent


async def test_a_post_is_held_no_longer_than_it_may_and_is_not_sent_afterwards(stages: Stages) -> None:
    client = Upgrading(stages(limits=Limits(early_post_ms=1)))
    await client.begin()
    assert await client.post(b"x") is Outcome.GONE
    client.goes_on.set()
    await until_idle(lambda: client.socket.is_open)
    assert not client.socket.sent


async def test_a_client_that_leaves_before_the_upgrade_takes_no_post(stages: Stages) -> None:
    stage = stages(limits=Limits(early_post_ms=5_000))
    client = Upgrading(stage)
    conversation = stage.node.handshake(client.socket, handshake())
    await until_idle(lambda: bool(stage.registry.records))
    post = client.post(b"x")
    assert conversation is not None
    stage.node.peer_lost(conversation)
    client.goes_on.set()
    assert await post is Outcome.GONE


async def test_more_early_posts_than_there_is_room_for_are_limited(stages: Stages) -> None:
    client = Upgrading(stage := stages(limits=Limits(early_post_ms=5_000)))
    connection_id = await client.begin()
    posts = [client.post(b"x") for _ in range(16)]
    assert stage.post(connection_id, b"x") is Outcome.LIMITED
    assert stage.info(connection_id) is Outcome.GONE
    client.goes_on.set()
    assert await asyncio.gather(*posts) == [Outcome.DONE] * 16
    assert stage.post(connection_id, b"x") is Outcome.DONE


@pytest.mark.parity("P-097", "P-220", "P-407")
async def test_a_whole_life(stages: Stages) -> None:
    stage = stages()
    socket, conversation = await stage.opened()
    connection_id = stage.connection_id
    stage.node.message(conversation, '{"action":"?"}')
    await until_idle(lambda: bool(socket.sent))
    stage.node.peer_closed(conversation, 4000, "bye")
    await stage.gone()
    assert socket.sent == [b"yo"]
    assert [name for name, _ in stage.functions.calls] == ["connect", "default", "disconnect"]
    (left,) = stage.functions.events("disconnect")
    assert left["requestContext"]["disconnectStatusCode"] == 4000
    assert left["requestContext"]["connectionId"] == connection_id
    assert stage.reporter.kinds() == ["opened", "closed"]


@pytest.mark.parity("P-034", "P-035")
async def test_the_upgrade_waits_for_connect_and_for_the_record(stages: Stages) -> None:
    stage = stages()
    stage.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    stage.node.handshake(socket, handshake())
    await until_idle(lambda: bool(stage.registry.records))
    assert not socket.is_open
    assert stage.post(stage.connection_id, b"early") is Outcome.GONE
    stage.functions.gates["connect"].set()
    await until_idle(lambda: socket.is_open)
    assert stage.post(stage.connection_id, b"now") is Outcome.DONE
    assert socket.sent == [b"now"]


@pytest.mark.parity("P-149", "P-170")
async def test_a_one_way_route_answers_nothing_and_an_unknown_route_is_forbidden(stages: Stages) -> None:
    stage = stages(route("$connect"), route("one-way"))
    socket, conversation = await stage.opened()
    stage.node.message(conversation, '{"action":"one-way"}')
    stage.node.message(conversation, '{"action":"nope"}')
    await until_idle(lambda: bool(socket.sent))
    assert len(socket.sent) == 1
    frame = json.loads(socket.sent[0])
    assert (frame["message"], frame["connectionId"]) == ("Forbidden", stage.connection_id)
    assert len(stage.functions.events("one-way")) == 1


@pytest.mark.parity("P-186", "P-188")
async def test_a_failing_handler_is_an_error_frame(stages: Stages) -> None:
    stage = stages()
    stage.functions.scripts["one-way"] = lambda event: FunctionError(b'{"errorType":"KeyError","errorMessage":"x"}')
    socket, conversation = await stage.opened()
    stage.node.message(conversation, '{"action":"one-way"}')
    await until_idle(lambda: bool(socket.sent))
    sent = json.loads(socket.sent[0])
    event = stage.functions.events("one-way")[0]
    assert (sent["message"], sent["requestId"]) == ("Internal server error", event["requestContext"]["requestId"])
    assert "invocation_failed" not in stage.reporter.kinds(), "whoever runs the function has told it"


async def test_an_answer_of_the_wrong_shape_is_an_error_frame_and_a_line(stages: Stages) -> None:
    stage = stages()
    stage.functions.scripts["one-way"] = returning({"message": "ok"})
    socket, conversation = await stage.opened()
    stage.node.message(conversation, '{"action":"one-way"}')
    await until_idle(lambda: bool(socket.sent))
    told = ("invocation_failed", "one-way", "one-way: its answer is not a proxy response")
    assert stage.reporter.told[-1] == told


@pytest.mark.parity("P-041", "P-050")
async def test_a_refusing_connect_leaves_no_record_and_no_disconnect(stages: Stages) -> None:
    stage = stages()
    stage.functions.scripts["connect"] = returning({"statusCode": 401, "body": "who?"})
    status, _, body = await stage.refused()
    assert (status, body) == (401, b"who?")
    await stage.gone()
    assert not stage.functions.events("disconnect")


@pytest.mark.parity("P-045", "P-047", "P-048")
@pytest.mark.parametrize(
    ("script", "status"),
    [(lambda event: TimedOut(), 504), (lambda event: FunctionError(b"{}"), 502), (returning(None), 500)],
)
async def test_a_failing_connect_refuses(stages: Stages, script: Any, status: int) -> None:
    stage = stages()
    stage.functions.scripts["connect"] = script
    assert (await stage.refused())[0] == status
    await stage.gone()


@pytest.mark.parity("P-005")
async def test_unknown_stage_is_forbidden(stages: Stages) -> None:
    stage = stages()
    status, headers, body = await stage.refused(handshake(path="/nope"))
    assert (status, body, headers["x-amzn-ErrorType"]) == (403, b'{"message":"Forbidden"}', "ForbiddenException")
    assert stage.functions.calls == []


@pytest.mark.parity("P-068")
async def test_without_the_registry_connections_are_refused_and_open_ones_stay(stages: Stages) -> None:
    stage = stages()
    socket, conversation = await stage.opened()
    stage.registry.faults = Faults(fail_from=stage.registry.calls + 1)
    status, _, body = await stage.refused()
    assert (status, json.loads(body)["message"]) == (503, "Service Unavailable")
    assert stage.reporter.kinds().count("failed") >= 1
    stage.node.message(conversation, "hello")
    await until_idle(lambda: bool(socket.sent))
    assert socket.sent == [b"yo"]
    # The handler had accepted the refused one: it is told that it is gone.
    await until_idle(lambda: bool(stage.functions.events("disconnect")))


@pytest.mark.parity("P-104", "P-314", "P-315")
async def test_an_authorizers_context_is_kept_for_life(stages: Stages) -> None:
    stage = stages(authorized(route("$connect")), *ALL[1:])
    stage.functions.scripts["authorizer"] = returning(ALLOW)
    socket, conversation = await stage.opened()
    stage.node.message(conversation, "x")
    await until_idle(lambda: bool(socket.sent))
    stage.node.peer_lost(conversation)
    await stage.gone()
    seen = {name: event["requestContext"].get("authorizer") for name, event in stage.functions.calls}
    assert seen["authorizer"] is None
    assert seen["connect"] == {"level": "3", "principalId": "u", "integrationLatency": 0}
    assert seen["default"] == seen["disconnect"] == {"level": "3", "principalId": "u"}
    events = dict(stage.functions.calls)
    assert events["authorizer"]["requestContext"]["requestId"] == events["connect"]["requestContext"]["requestId"]


@pytest.mark.parity("P-051")
async def test_a_missing_identity_source_is_401_without_a_call(stages: Stages) -> None:
    stage = stages(authorized(route("$connect"), ["route.request.querystring.token"]))
    assert (await stage.refused())[0] == 401
    assert stage.functions.calls == []
    assert not stage.registry.records


@pytest.mark.parity("P-052", "P-053")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (returning(ALLOW | {"policyDocument": {"Version": "2012-10-17", "Statement": []}}), 403),
        (lambda event: FunctionError(b'{"errorMessage":"Unauthorized"}'), 401),
        (lambda event: FunctionError(b'{"errorMessage":"other"}'), 500),
        (returning({"statusCode": 401}), 500),
    ],
)
async def test_a_refusing_authorizer(stages: Stages, answer: Any, status: int) -> None:
    stage = stages(authorized(route("$connect")), *ALL[1:])
    stage.functions.scripts["authorizer"] = answer
    assert (await stage.refused())[0] == status
    assert not stage.registry.records and not stage.functions.events("connect")


@pytest.mark.parity("P-197", "P-413", "P-420")
async def test_binary_and_violations_close_with_their_codes_and_disconnect_once(stages: Stages) -> None:
    stage = stages()
    socket, conversation = await stage.opened()
    stage.node.binary(conversation, b"\x00")
    stage.node.violated(conversation, 1009, "Message too big")
    stage.node.peer_closed(conversation, 1003, "")
    await stage.gone()
    assert socket.closed == (1003, "Binary is not supported")
    (left,) = stage.functions.events("disconnect")
    assert left["requestContext"]["disconnectReason"] == "Binary is not supported"


@pytest.mark.parity("P-352", "P-356", "P-362", "P-364")
async def test_post_get_and_delete(stages: Stages) -> None:
    stage = stages()
    socket, _ = await stage.opened()
    connection_id = stage.connection_id
    stage.clock.advance(250)
    assert stage.post(connection_id, b"\xff") is Outcome.DONE
    stage.clock.advance(1_000)
    info = stage.info(connection_id)
    assert isinstance(info, ConnectionInfo)
    assert info.last_active_at_ms - info.connected_at_ms == 250
    assert stage.delete(connection_id) is Outcome.DONE
    assert stage.delete(connection_id) is Outcome.GONE
    assert stage.info(connection_id) is Outcome.GONE
    assert stage.post(connection_id, b"late") is Outcome.GONE
    assert socket.sent == ["\ufffd".encode()]
    assert socket.closed == (1000, "Connection Closed Normally")
    await stage.gone()
    assert len(stage.functions.events("disconnect")) == 1


@pytest.mark.parity("P-376", "P-422")
async def test_a_slow_reader_limits_its_posters(stages: Stages) -> None:
    stage = stages(limits=Limits(max_out_buffer_bytes=10))
    socket, _ = await stage.opened()
    socket.buffered = 8
    assert stage.post(stage.connection_id, b"abc") is Outcome.LIMITED
    assert stage.post(stage.connection_id, b"ab") is Outcome.DONE


@pytest.mark.parity("P-392", "P-410", "P-419")
async def test_idle_connections_end_and_busy_ones_stay(stages: Stages) -> None:
    stage = stages()
    idle, _ = await stage.opened()
    busy, conversation = await stage.opened()
    stage.clock.advance(5 * 60_000)
    stage.node.message(conversation, "x")
    stage.clock.advance(5 * 60_000 + 2_000)
    stage.node.tick(stage.clock.monotonic_ms)
    assert idle.closed == (1001, "Going away")
    assert busy.closed is None
    stage.clock.advance(7_000)
    stage.node.tick(stage.clock.monotonic_ms)
    assert idle.aborted, "it never answered our close"


@pytest.mark.parity("P-150")
async def test_a_new_definition_reaches_open_connections(stages: Stages) -> None:
    stage = stages()
    socket, conversation = await stage.opened()
    stage.node.redeploy(directory(route("$connect")))
    stage.node.message(conversation, "x")
    await until_idle(lambda: bool(socket.sent))
    assert json.loads(socket.sent[0])["message"] == "Forbidden"


@pytest.mark.parity("P-069", "P-421")
async def test_stopping_gives_every_connection_its_disconnect(stages: Stages) -> None:
    stage = stages()
    socket, _ = await stage.opened()
    stage.functions.gates["connect"] = asyncio.Event()
    late = FakeSocket()
    stage.node.handshake(late, handshake())
    stopping = asyncio.ensure_future(stage.node.stop(5.0))
    await until_idle(lambda: len(stage.functions.events("connect")) == 2)
    stage.functions.gates["connect"].set()
    assert await stopping == 0
    assert socket.closed == late.closed == (1001, "Going away")
    assert len(stage.functions.events("disconnect")) == 2
    assert not stage.registry.records
    assert (await stage.refused())[0] == 503


async def test_stopping_gives_up_what_waits_in_line_and_tells_every_end(stages: Stages) -> None:
    """One whose call ends while there is time, one whose call never does, one that had gone before."""
    stage = stages(limits=Limits(ordered=True))
    gate, never = asyncio.Event(), asyncio.Event()
    stage.functions.gates |= {"default": gate, "one-way": never}
    clients = [await stage.opened() for _ in range(3)]
    texts = ("{}", '{"action":"one-way"}', '{"action":"one-way"}')
    for (_, conversation), text in zip(clients, texts, strict=True):
        for _ in range(5):
            stage.node.message(conversation, text)
    stage.node.peer_closed(clients[2][1], 4000, "bye")
    stopping = asyncio.ensure_future(stage.node.stop(0.2))
    await until_idle(lambda: stage.node._gives_up)
    gate.set()
    assert await stopping == 2, "calls that were cut off"
    assert [name for name, _ in stage.functions.calls if name != "connect"] == [
        "default", "one-way", "one-way", "disconnect", "disconnect", "disconnect",
    ]  # fmt: skip
    codes = {event["requestContext"]["disconnectStatusCode"] for event in stage.functions.events("disconnect")}
    assert codes == {1001, 4000}
    assert not stage.registry.records
    assert [line for line in stage.reporter.told if line[0] in ("warned", "failed")] == [
        ("warned", "12 messages that waited for their turn were given up: this node stops")
    ]
    assert all(conversation.in_flight == 0 for _, conversation in clients)


async def test_stopping_lets_a_line_go_on_while_there_is_time(stages: Stages) -> None:
    stage = stages(limits=Limits(ordered=True))
    gate = stage.functions.gates["default"] = asyncio.Event()
    _, conversation = await stage.opened()
    for _ in range(5):
        stage.node.message(conversation, "{}")
    stopping = asyncio.ensure_future(stage.node.stop(600.0))
    await until_idle(lambda: bool(stage.functions.events("default")))
    gate.set()
    assert await stopping == 0
    assert len(stage.functions.events("default")) == 5
    assert "warned" not in stage.reporter.kinds()
    assert [name for name, _ in stage.functions.calls][-1] == "disconnect"


async def test_whoever_is_accepted_while_a_node_stops_holds_up_nobodys_end(stages: Stages) -> None:
    stage = stages()
    socket, _ = await stage.opened()
    stage.functions.gates["connect"] = asyncio.Event()
    stage.node.handshake(FakeSocket(), handshake())
    await until_idle(lambda: len(stage.functions.events("connect")) == 2)
    stopping = asyncio.ensure_future(stage.node.stop(600.0))
    await until_idle(lambda: bool(stage.functions.events("disconnect")))
    assert socket.closed == (1001, "Going away")
    stage.functions.gates["connect"].set()
    assert await stopping == 0
    assert len(stage.functions.events("disconnect")) == 2


@pytest.mark.parametrize("failing", [1, 2, 3])
async def test_every_single_registry_failure_leaves_a_consistent_end(stages: Stages, failing: int) -> None:
    """Fail the n-th call: the connection is accepted or refused, and a handler that accepted it is told of its end."""
    stage = stages()
    stage.registry.faults = Faults(fail_calls=frozenset({failing}))
    socket = FakeSocket()
    conversation = stage.node.handshake(socket, handshake())
    assert conversation is not None
    await until_idle(lambda: socket.is_open or socket.refusal is not None)
    if socket.is_open:
        stage.node.peer_lost(conversation)
    await stage.node.stop(1.0)
    assert len(stage.functions.events("connect")) == len(stage.functions.events("disconnect")) == 1


async def test_what_waits_for_nobody_is_answered_at_once(stages: Stages) -> None:
    stage = stages()
    socket, conversation = await stage.opened()
    stage.node.message(conversation, "x")
    assert socket.sent == [b"yo"]


@pytest.mark.parity("P-441")
async def test_a_client_that_sends_faster_than_handlers_answer_is_held_back(stages: Stages) -> None:
    stage = stages()
    stage.functions.gates["default"] = asyncio.Event()
    socket, conversation = await stage.opened()
    for _ in range(MAX_MESSAGES_IN_FLIGHT):
        assert not socket.is_held
        stage.node.message(conversation, "x")
    assert socket.is_held
    stage.functions.gates["default"].set()
    await until_idle(lambda: len(socket.sent) == MAX_MESSAGES_IN_FLIGHT)
    assert not socket.is_held


async def test_a_client_that_does_not_read_its_replies_is_closed(stages: Stages) -> None:
    stage = stages(limits=Limits(max_out_buffer_bytes=10))
    socket, conversation = await stage.opened()
    socket.buffered = 11
    stage.node.message(conversation, "x")
    await until_idle(lambda: socket.closed is not None)
    assert socket.closed == (1008, "Client is not reading")
    assert socket.sent == []


class FleetStage(Stage):
    """The same with a lease that runs out, and somebody who takes over what is not delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.tenure = Tenure(self.clock)
        self.tenure.begin(OWNER, self.clock.monotonic_ms + 9_000)
        self.taken_over: list[tuple[str, int, str]] = []
        admission = Admission(UNLIMITED, Throttle(10, 10))
        outside = Outside(
            backends(self.functions), self.registry, self.clock, CountingIds(), self.reporter, None, admission, None,
            self._take_over,
        )  # fmt: skip
        self.node = Node(self.tenure, directory(*ALL), outside, Limits(), lambda: None)

    def _take_over(self, connection: Connection, code: int, reason: str, why: str) -> bool:
        self.taken_over.append((connection.connection_id, code, why))
        return True


@pytest.fixture
async def fleet_stage() -> AsyncIterator[FleetStage]:
    stage = FleetStage()
    yield stage
    await stage.node.stop(0.1)


@pytest.mark.parametrize("first", ["message", "post", "tick", "handshake", "close"])
async def test_whatever_comes_first_after_the_lease_fences_everything(fleet_stage: FleetStage, first: str) -> None:
    stage = fleet_stage
    socket, conversation = await stage.opened()
    other, _ = await stage.opened()
    connection_id = stage.registry.records[0].connection_id
    calls = len(stage.functions.calls)
    stage.clock.advance(9_000)
    late = FakeSocket()
    match first:
        case "message":
            stage.node.message(conversation, "x")
        case "post":
            assert stage.post(connection_id, b"x") is Outcome.FENCED
        case "tick":
            stage.node.tick(stage.clock.monotonic_ms)
        case "handshake":
            assert stage.node.handshake(late, handshake()) is None
            assert late.refusal is not None
            assert (late.refusal[0], late.refusal[1]["retry-after"]) == (503, "1")
        case "close":
            stage.node.peer_lost(conversation)
    assert other.closed == (1012, "Service restart")
    assert socket.closed == (1012, "Service restart")
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(stage.functions.calls) == calls and not socket.sent
    assert len(stage.registry.records) == 2, "others find them there"


async def test_answers_that_come_after_the_fence_go_nowhere(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    socket, conversation = await stage.opened()
    stage.functions.gates["default"] = asyncio.Event()
    stage.node.message(conversation, "x")
    await until_idle(lambda: bool(stage.functions.events("default")))
    stage.functions.gates["connect"] = asyncio.Event()
    held = FakeSocket()
    stage.node.handshake(held, handshake())
    await until_idle(lambda: len(stage.functions.events("connect")) == 2)
    stage.clock.advance(9_000)
    for gate in stage.functions.gates.values():
        gate.set()
    await until_idle(lambda: held.refusal is not None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert held.refusal is not None and held.refusal[0] == 503
    assert not socket.sent and not stage.functions.events("disconnect")
    assert len(stage.registry.records) == 2, "the $disconnect of both is owed"


async def test_another_incarnation_knows_nothing_of_the_one_before(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    await stage.opened()
    connection_id = stage.connection_id
    stage.clock.advance(9_000)
    stage.node.tick(stage.clock.monotonic_ms)
    stage.tenure.begin(NodeNumber(8), stage.clock.monotonic_ms + 9_000)
    assert stage.post(connection_id, b"x") is Outcome.GONE
    stranger = PostTo(stage.endpoint.api.api_id, connection_id, b"x")
    assert stage.node.answer(NodeNumber(99), stranger) is Outcome.UNREACHABLE, "somebody else may well be alive"
    again, _ = await stage.opened()
    assert again.is_open and again.closed is None
    assert {record.owner for record in stage.registry.records} == {7, 8}


async def test_a_disconnect_that_reaches_no_handler_is_handed_over_with_its_record(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    _, conversation = await stage.opened()
    connection_id = stage.connection_id
    stage.functions.scripts["disconnect"] = lambda event: Unavailable("no process")
    stage.node.peer_closed(conversation, 1000, "")
    await until_idle(lambda: bool(stage.taken_over))
    assert stage.taken_over == [(connection_id, 1000, "no process")]
    assert [record.connection_id for record in stage.registry.records] == [connection_id]


async def test_a_disconnect_that_its_handler_failed_is_over_as_on_aws(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    _, conversation = await stage.opened()
    stage.functions.scripts["disconnect"] = lambda event: FunctionError(b"{}")
    stage.node.peer_closed(conversation, 1000, "")
    await stage.gone()
    assert not stage.taken_over and len(stage.functions.events("disconnect")) == 1


async def test_whoever_sends_the_disconnect_its_request_id_is_the_same(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    _, conversation = await stage.opened()
    connection = stage.registry.records[0]
    assert await stage.node.speak_for(connection, 1006, "") is None
    stage.node.peer_closed(conversation, 1000, "")
    await stage.gone()
    first, second = stage.functions.events("disconnect")
    assert first["requestContext"]["requestId"] == second["requestContext"]["requestId"]
    assert first["requestContext"]["requestId"] != stage.functions.events("connect")[0]["requestContext"]["requestId"]


async def test_a_storm_is_told_to_come_back(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    sockets = [FakeSocket() for _ in range(15)]
    for socket in sockets:
        stage.node.handshake(socket, handshake())
    await until_idle(lambda: sum(socket.is_open for socket in sockets) == 10)
    refused = [socket.refusal for socket in sockets if socket.refusal is not None]
    assert [refusal[0] for refusal in refused] == [429] * 5
    document = json.loads(refused[0][2])
    assert document["message"] == "Too Many Requests" and document["connectionId"].endswith("==")
    assert 1 <= int(refused[0][1]["retry-after"]) <= 5
    assert len(stage.functions.events("connect")) == 10, "nothing is spent on the others"


async def test_a_fence_walks_the_sockets_once(fleet_stage: FleetStage) -> None:
    """Every echo of a close, every read and every handshake asks whether this node may act."""
    stage = fleet_stage
    conversations = [(await stage.opened())[1] for _ in range(8)]
    stage.clock.advance(9_000)
    walked = 0

    class Counting(dict[Any, Any]):
        def values(self) -> Any:
            nonlocal walked
            walked += 1
            return super().values()

    stage.node._live = Counting(stage.node._live)
    for conversation in conversations:
        stage.node.peer_closed(conversation, 1012, "")
        stage.node.may_act()
    assert walked == 1


async def test_nobody_speaks_for_an_api_or_stage_that_it_does_not_serve(fleet_stage: FleetStage) -> None:
    stage = fleet_stage
    await stage.opened()
    (record,) = stage.registry.records
    strange = replace(record, stage=StageName("elsewhere"))
    why = await stage.node.speak_for(strange, 1006, "")
    assert why is not None and "elsewhere" in why
    assert not stage.functions.events("disconnect")


@pytest.mark.parametrize(
    ("said", "may"),
    [
        ((), True),
        (("https://app.example.com",), True),
        (("https://evil.org",), False),
        (("https://app.example.com", "https://evil.org"), False),
    ],
)
async def test_only_pages_of_allowed_origins_come_in(stages: Stages, said: tuple[str, ...], may: bool) -> None:
    stage = stages(outside={"origins": Origins(("https://*.example.com",)), "counters": Counters()})
    others = [(name, value) for name, value in handshake().headers if name != "Origin"]
    asked = handshake(headers=(*others, *(("Origin", each) for each in said)))
    if may:
        await stage.opened(asked)
        return
    status, headers, body = await stage.refused(asked)
    assert (status, headers["content-type"].partition(";")[0]) == (403, "application/json")
    assert json.loads(body)["message"] == "Forbidden"
    assert stage.functions.calls == []
    assert stage.counters.exceeded[Limit.ORIGIN] == 1
    assert stage.counters.refused == {403: 1}


async def test_what_a_node_counts(stages: Stages) -> None:
    stage = stages(limits=Limits(max_out_buffer_bytes=10, max_messages_in_flight=1))
    socket, conversation = await stage.opened()
    stage.node.message(conversation, "x")
    await until_idle(lambda: bool(socket.sent))
    stage.post(stage.connection_id, b"y")
    socket.buffered = 10
    assert stage.post(stage.connection_id, b"y") is Outcome.LIMITED
    counters = stage.counters
    assert (counters.opened, counters.messages, counters.posts) == (1, 1, 2)
    assert counters.invocations == 2
    assert counters.exceeded[Limit.OUT_BUFFER] == counters.exceeded[Limit.IN_FLIGHT] == 1
    stage.node.binary(conversation, b"")
    assert counters.exceeded[Limit.PROTOCOL] == 1
