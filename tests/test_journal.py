"""The logs of a stage over whole conversations: one access line per exchange, whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from answers import answered
from gateway.calls import Outside
from gateway.crowds import Crowds
from gateway.engine.directory import Directory
from gateway.journal import StageJournal
from gateway.management import IdCheck, ManagementApi
from gateway.model.api import AccessLogSettings, LoggingLevel, Route, RouteSettings
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import RouteKey
from gateway.model.invocation import FunctionError, TimedOut
from gateway.model.limits import Limits
from gateway.node import Node
from gateway.reach import LocalReach
from gateway.registry.memory import Faults, MemoryRegistry
from node_doubles import (
    KEY,
    OK,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingLogs,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
    returning,
    until_idle,
)
from sample_definitions import api, authorized, definition, handshake, route

ALL = (route("$connect"), route("$disconnect"), route("$default", two_way=True), route("send"))
FORMAT = (
    "$context.eventType $context.routeKey $context.status $context.error.responseType $context.error.message "
    "$context.integrationLatency"
)
SIGNED = (("Authorization", "AWS4-HMAC-SHA256 Credential=x/…, SignedHeaders=host, Signature=00"),)
DENY = {
    "principalId": "u",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"}],
    },
}
ALLOW = json.loads(json.dumps(DENY).replace("Deny", "Allow"))
INFO = RouteSettings(logging_level=LoggingLevel.INFO)


def logged(
    *routes: Route, settings: RouteSettings | None = None, routes_own: dict[str, RouteSettings] | None = None
) -> Directory:
    """A directory whose stage writes an access log in ``FORMAT`` and an execution log as ``settings`` say."""
    served = api(*routes)
    stages = {
        name: replace(
            stage,
            access_log_settings=AccessLogSettings("arn:aws:logs:…", FORMAT),
            default_route_settings=settings or RouteSettings(),
            route_settings={RouteKey(key): own for key, own in (routes_own or {}).items()},
        )
        for name, stage in served.stages.items()
    }
    return Directory(definition(replace(served, stages=stages)))


class Stage:
    """A node that logs, and everything around it."""

    def __init__(self, served: Directory) -> None:
        self.functions = ScriptedFunctions(connect=OK, disconnect=OK, send=OK, default=OK, authorizer=returning(ALLOW))
        self.registry, self.clock, self.logs = MemoryRegistry(), ManualClock(), RecordingLogs()
        journal, fresh = StageJournal(self.logs, self.clock), CountingIds()
        self.reporter = RecordingReporter()
        outside = Outside(backends(self.functions), self.registry, self.clock, fresh, self.reporter, journal)
        self.node = Node(alone(self.clock), served, outside, Limits(), lambda: None)
        self.api = ManagementApi(self.node, LocalReach(Crowds(self.node)), IdCheck(KEY), fresh, journal)

    async def opened(self) -> tuple[FakeSocket, Any]:
        socket = FakeSocket()
        conversation = self.node.handshake(socket, handshake())
        await until_idle(lambda: socket.is_open)
        return socket, conversation

    async def refused(self) -> None:
        socket = FakeSocket()
        self.node.handshake(socket, handshake())
        await until_idle(lambda: socket.refusal is not None)

    async def message(self, conversation: Any, text: str) -> None:
        """Send one, and wait for its line."""
        count = len(self.logs.accesses)
        self.node.message(conversation, text)
        await until_idle(lambda: len(self.logs.accesses) > count)

    async def ask(self, method: str, connection_id: str, body: bytes = b"", signed: bool = True) -> HttpResponse:
        path = f"/dev/@connections/{connection_id.replace('=', '%3D')}"
        headers = SIGNED if signed else ()
        request = HttpRequest(method, path, "", headers, body, "127.0.0.1", "localhost")
        return await answered(self.api.handle(request))


class Stages:
    """Makes stages, and ends them with the test."""

    def __init__(self) -> None:
        self.made: list[Stage] = []

    def __call__(self, *routes: Route, **options: Any) -> Stage:
        self.made.append(Stage(logged(*(routes or ALL), **options)))
        return self.made[-1]


@pytest.fixture
async def stages() -> AsyncIterator[Stages]:
    made = Stages()
    yield made
    for stage in made.made:
        await stage.node.stop(0.1)


@pytest.mark.parity("P-460", "P-463")
async def test_every_exchange_of_a_whole_life_has_its_line(stages: Stages) -> None:
    stage = stages()
    _, conversation = await stage.opened()
    connection_id = stage.registry.records[0].connection_id
    await stage.message(conversation, '{"action":"send"}')
    await stage.message(conversation, "anything")
    await stage.ask("POST", connection_id, b"hello")
    await stage.ask("GET", connection_id)
    stage.node.peer_closed(conversation, 1000, "bye")
    await until_idle(lambda: not stage.registry.records)
    await stage.ask("POST", connection_id, b"hello")
    assert stage.logs.accesses == [
        "CONNECT $connect 200 - - 0",
        "MESSAGE send 200 - - 0",
        "MESSAGE $default 200 - - 0",
        "CONNECTION_API POST /@connections/{connectionId} 200 - - -",
        "CONNECTION_API GET /@connections/{connectionId} 200 - - -",
        "DISCONNECT $disconnect 200 - - 0",
        "CONNECTION_API POST /@connections/{connectionId} 410 - - -",
    ]
    assert stage.logs.places == {("a1b2c3d4e5", "dev")}
    assert stage.logs.executions == []


@pytest.mark.parity("P-464")
@pytest.mark.parametrize(
    ("script", "line"),
    [
        (returning({"statusCode": 404}), "404 - - 0"),
        (returning({"nothing": 1}), "500 INTEGRATION_FAILURE Internal server error 0"),
        (lambda event: FunctionError(b"{}"), "502 INTEGRATION_FAILURE Internal server error 0"),
        (lambda event: TimedOut(), "504 INTEGRATION_TIMEOUT Endpoint request timed out 0"),
    ],
)
async def test_what_becomes_of_a_call(stages: Stages, script: Any, line: str) -> None:
    stage = stages()
    _, conversation = await stage.opened()
    stage.functions.scripts["send"] = stage.functions.scripts["disconnect"] = script
    await stage.message(conversation, '{"action":"send"}')
    stage.functions.scripts["connect"] = script
    await stage.refused()
    stage.node.peer_lost(conversation)
    await until_idle(lambda: len(stage.logs.accesses) == 4)
    assert stage.logs.accesses[1:] == [
        f"MESSAGE send {line}",
        f"CONNECT $connect {line}",
        f"DISCONNECT $disconnect {line}",
    ]


@pytest.mark.parity("P-464")
async def test_messages_that_reach_no_integration(stages: Stages) -> None:
    stage = stages(replace(route("bare"), integration=None))
    _, conversation = await stage.opened()
    await stage.message(conversation, '{"action":"nope"}')
    await stage.message(conversation, '{"action":"bare"}')
    assert stage.logs.accesses == [
        "CONNECT $connect 200 - - -",
        "MESSAGE - 403 ACCESS_DENIED Forbidden -",
        "MESSAGE bare 500 API_CONFIGURATION_ERROR Internal server error -",
    ]


@pytest.mark.parity("P-464")
@pytest.mark.parametrize(
    ("script", "line"),
    [
        (returning(DENY), "403 ACCESS_DENIED User is not authorized to access this resource with an explicit deny"),
        (returning({"statusCode": 401}), "500 AUTHORIZER_CONFIGURATION_ERROR - -"),
        (lambda event: FunctionError(b'{"errorMessage":"Unauthorized"}'), "401 UNAUTHORIZED Unauthorized -"),
        (lambda event: FunctionError(b"{}"), "500 AUTHORIZER_FAILURE Internal server error -"),
        (lambda event: TimedOut(), "500 AUTHORIZER_FAILURE Internal server error -"),
    ],
)
async def test_what_an_authorizer_refuses(stages: Stages, script: Any, line: str) -> None:
    stage = stages(authorized(route("$connect")), route("$disconnect"))
    stage.functions.scripts["authorizer"] = script
    await stage.refused()
    (found,) = stage.logs.accesses
    assert found.startswith(f"CONNECT $connect {line}")


async def test_an_identity_source_is_missing(stages: Stages) -> None:
    stage = stages(authorized(route("$connect"), ["route.request.header.Auth"]))
    await stage.refused()
    assert stage.logs.accesses == ["CONNECT $connect 401 UNAUTHORIZED Unauthorized -"]


async def test_what_an_authorizer_lets_in_is_in_the_lines_of_the_connection(stages: Stages) -> None:
    stage = stages(authorized(route("$connect")), route("$disconnect"), settings=INFO)
    _, conversation = await stage.opened()
    stage.node.peer_lost(conversation)
    await until_idle(lambda: len(stage.logs.accesses) == 2)
    assert stage.logs.accesses == ["CONNECT $connect 200 - - 0", "DISCONNECT $disconnect 200 - - 0"]


async def test_without_the_registry_a_refusal_is_the_gateways_own(stages: Stages) -> None:
    stage = stages()
    stage.registry.faults = Faults(fail_from=0)
    await stage.refused()
    await until_idle(lambda: len(stage.logs.accesses) == 2)
    assert stage.logs.accesses[0].startswith("CONNECT $connect 503 DEFAULT_5XX Service Unavailable")
    assert stage.logs.accesses[1] == "DISCONNECT $disconnect 200 - - 0", "for the handler believed in it"


@pytest.mark.parametrize(
    ("guarded", "gate", "lines"),
    [
        (False, "connect", ["CONNECT $connect 200 - - 0", "DISCONNECT $disconnect 200 - - 0"]),
        (True, "authorizer", ["CONNECT $connect - - - -"]),
    ],
)
async def test_a_client_that_left_before_it_was_answered(
    stages: Stages, guarded: bool, gate: str, lines: list[str]
) -> None:
    connect = route("$connect")
    stage = stages(authorized(connect) if guarded else connect, route("$disconnect"))
    stage.functions.gates[gate] = asyncio.Event()
    conversation = stage.node.handshake(FakeSocket(), handshake())
    await until_idle(lambda: bool(stage.functions.calls))
    assert conversation is not None
    stage.node.peer_lost(conversation)
    stage.functions.gates[gate].set()
    await until_idle(lambda: len(stage.logs.accesses) == len(lines))
    await stage.node.stop(1)
    assert stage.logs.accesses == lines


async def test_a_refusing_handler_that_meets_a_client_that_left(stages: Stages) -> None:
    stage = stages()
    stage.functions.scripts["connect"] = returning({"statusCode": 401})
    stage.functions.gates["connect"] = asyncio.Event()
    conversation = stage.node.handshake(FakeSocket(), handshake())
    await until_idle(lambda: bool(stage.functions.calls))
    assert conversation is not None
    stage.node.peer_lost(conversation)
    stage.functions.gates["connect"].set()
    await until_idle(lambda: bool(stage.logs.accesses))
    await stage.node.stop(1)
    assert stage.logs.accesses == ["CONNECT $connect 401 - - 0"]


@pytest.mark.parity("P-463")
async def test_management_calls_that_are_refused(stages: Stages) -> None:
    stage = stages()
    await stage.opened()
    connection_id = stage.registry.records[0].connection_id
    await stage.ask("POST", "bm90LW91cnM=", b"x")
    await stage.ask("POST", connection_id, b"x", signed=False)
    await stage.ask("DELETE", connection_id)
    api_call = "CONNECTION_API {} /@connections/{{connectionId}}"
    assert stage.logs.accesses[1:] == [
        f"{api_call.format('POST')} 400 BAD_REQUEST_BODY Invalid connectionId: bm90LW91cnM= -",
        f"{api_call.format('POST')} 403 MISSING_AUTHENTICATION_TOKEN Missing Authentication Token -",
        f"{api_call.format('DELETE')} 204 - - -",
    ]


@pytest.mark.parity("P-466", "P-467")
async def test_execution_lines_of_a_life(stages: Stages) -> None:
    stage = stages(settings=INFO)
    _, conversation = await stage.opened()
    await stage.message(conversation, '{"action":"send"}')
    stage.node.peer_closed(conversation, 1000, "bye")
    await until_idle(lambda: not stage.registry.records)
    routes = [line.partition(") ")[2] for line in stage.logs.executions if "WebSocket Request Route" in line]
    assert routes == [f"WebSocket Request Route: [{key}]" for key in ("$connect", "send", "$disconnect")]
    assert all(line.startswith("(") and "=) " in line for line in stage.logs.executions)
    assert stage.logs.executions[-1].endswith("Close reason: [1000: bye]")


@pytest.mark.parity("P-468")
async def test_a_route_may_log_otherwise_than_its_stage(stages: Stages) -> None:
    stage = stages(routes_own={"send": RouteSettings(logging_level=LoggingLevel.ERROR)})
    _, conversation = await stage.opened()
    await stage.message(conversation, '{"action":"send"}')
    assert stage.logs.executions == []
    stage.functions.scripts["send"] = lambda event: FunctionError(b'{"errorMessage":"no"}')
    await stage.message(conversation, '{"action":"send"}')
    assert [line.partition(") ")[2] for line in stage.logs.executions] == [
        "Lambda execution failed due to customer function error: no",
        "Execution failed: Internal server error",
    ]


async def test_open_sockets_follow_a_changed_stage(stages: Stages) -> None:
    stage = stages()
    _, conversation = await stage.opened()
    stage.node.redeploy(Directory(definition(api(*ALL))))
    stage.node.message(conversation, '{"action":"send"}')
    await until_idle(lambda: len(stage.functions.events("send")) == 1)
    stage.node.redeploy(logged(*ALL))
    await stage.message(conversation, '{"action":"send"}')
    assert stage.logs.accesses == ["CONNECT $connect 200 - - 0", "MESSAGE send 200 - - 0"]


async def test_latency_is_the_integrations(stages: Stages) -> None:
    stage = stages()
    _, conversation = await stage.opened()
    stage.functions.gates["send"] = asyncio.Event()
    stage.node.message(conversation, '{"action":"send"}')
    await until_idle(lambda: bool(stage.functions.events("send")))
    stage.clock.advance(250)
    stage.functions.gates["send"].set()
    await until_idle(lambda: len(stage.logs.accesses) == 2)
    assert stage.logs.accesses[1] == "MESSAGE send 200 - - 250"
