"""Handshakes and messages that have something to pass, through a whole node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.access.keyring import Keyring
from gateway.access.principal import Principals
from gateway.admission import Admission
from gateway.calls import Outside
from gateway.engine.directory import Directory
from gateway.model.api import Api, AuthorizationType, Model, Route, RouteSettings
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT, FunctionName, RouteKey
from gateway.model.integration import LambdaTarget
from gateway.model.limits import AWS_ACCOUNT, UNLIMITED, AccountLimits, Limits
from gateway.model.plan import ApiKey, Quota, QuotaPeriod, Throttle, UsagePlan
from gateway.node import Node
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
    OK,
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
from sample_definitions import api, authorized, definition, handshake, route
from signing import ARN, HOST, KEY, PRINCIPALS, SECRET, principal, signed, signing_time_ms

OTHERS = (route("$disconnect"), route("$default", two_way=True))
ALLOW = {
    "principalId": "u",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
    },
    "usageIdentifierKey": "ada-value",
}
IAM = replace(route("$connect"), authorization_type=AuthorizationType.AWS_IAM)
KEYED = replace(route("$connect"), api_key_required=True)
ADA = ApiKey("k1", "ada", "ada-value")


class Scene:
    """A node that serves one definition."""

    def __init__(
        self,
        *routes: Route,
        plans: tuple[UsagePlan, ...] = (),
        principals: Principals | None = None,
        account: AccountLimits = AWS_ACCOUNT,
        change: Callable[[Api], Api] = lambda served: served,
    ) -> None:
        self.functions = ScriptedFunctions(
            connect=OK, disconnect=OK, authorizer=returning(ALLOW), default=returning({"statusCode": 200, "body": "yo"})
        )
        self.registry, self.clock, self.reporter = MemoryRegistry(), ManualClock(), RecordingReporter()
        outside = Outside(
            backends(self.functions),
            self.registry,
            self.clock,
            CountingIds(),
            self.reporter,
            admission=Admission(account),
            principals=principals,
        )
        self.definition = replace(definition(change(api(*routes, *OTHERS))), usage_plans=plans)
        self.node = Node(alone(self.clock), Directory(self.definition), outside, Limits(), lambda: None)

    async def opened(self, asked: Handshake | None = None) -> tuple[FakeSocket, Any]:
        socket = FakeSocket()
        conversation = self.node.handshake(socket, asked or handshake())
        await until_idle(lambda: socket.is_open)
        return socket, conversation

    async def refused(self, asked: Handshake | None = None) -> tuple[int, dict[str, str], dict[str, Any]]:
        """And nothing was left behind, and nobody called."""
        before = len(self.functions.events("connect")), len(self.registry.records)
        socket = FakeSocket()
        self.node.handshake(socket, asked or handshake())
        await until_idle(lambda: socket.refusal is not None)
        assert socket.refusal is not None
        assert (len(self.functions.events("connect")), len(self.registry.records)) == before
        status, headers, body = socket.refusal
        return status, headers, json.loads(body)

    async def asked(self, socket: FakeSocket, conversation: Any, text: str) -> dict[str, Any] | str:
        before = len(socket.sent)
        self.node.message(conversation, text)
        await until_idle(lambda: len(socket.sent) > before)
        answer = socket.sent[-1].decode()
        return json.loads(answer) if answer.startswith("{") else answer

    def identities(self) -> dict[str, Mapping[str, str]]:
        """``requestContext.identity`` by function, without what every client has."""
        common = {"sourceIp", "userAgent"}
        return {
            name: {key: value for key, value in event["requestContext"]["identity"].items() if key not in common}
            for name, event in self.functions.calls
        }


Scenes = Callable[..., Scene]


@pytest.fixture
async def scenes() -> AsyncIterator[Scenes]:
    made: list[Scene] = []

    def make(*routes: Route, **options: Any) -> Scene:
        made.append(Scene(*routes, **options))
        return made[-1]

    yield make
    for scene in made:
        await scene.node.stop(0.1)


def by_header(**headers: str) -> Handshake:
    asked = handshake()
    return replace(asked, headers=(*asked.headers, *((name.replace("_", "-"), each) for name, each in headers.items())))


# -- required parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parity("P-061")
async def test_a_missing_parameter_is_400_before_anything_else(scenes: Scenes) -> None:
    required = {"route.request.header.Token": True, "route.request.querystring.room": True}
    scene = scenes(replace(authorized(route("$connect")), request_parameters=required))
    status, headers, body = await scene.refused()
    assert (status, body["message"]) == (400, "Missing required request parameters: [Token, room]")
    assert headers["x-amz-apigw-id"] == body["requestId"]
    assert scene.functions.calls == []
    await scene.opened(replace(by_header(Token="t"), query="room=1"))


# -- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-062")
async def test_too_many_connections_are_429_and_later_ones_are_not(scenes: Scenes) -> None:
    scene = scenes(account=AccountLimits(connections_per_s=1, connection_burst=2))
    await scene.opened()
    await scene.opened()
    status, _, body = await scene.refused()
    assert (status, body["message"]) == (429, "Too Many Requests")
    assert ("refused", 429, "the rate of new connections is exceeded") in scene.reporter.told
    scene.clock.advance(1_000)
    await scene.opened()


async def test_a_route_may_throttle_connect_too(scenes: Scenes) -> None:
    def slow(served: Api) -> Api:
        (stage,) = served.stages.values()
        settings = {CONNECT: RouteSettings(1, 1)}
        return replace(served, stages={stage.stage_name: replace(stage, route_settings=settings)})

    scene = scenes(route("$connect"), account=UNLIMITED, change=slow)
    await scene.opened()
    assert (await scene.refused())[0] == 429


@pytest.mark.parity("P-194")
async def test_a_throttled_message_is_answered_and_its_socket_stays(scenes: Scenes) -> None:
    def slow(served: Api) -> Api:
        (stage,) = served.stages.values()
        return replace(served, stages={stage.stage_name: replace(stage, default_route_settings=RouteSettings(1, 2))})

    scene = scenes(change=slow)
    socket, conversation = await scene.opened()
    assert [await scene.asked(socket, conversation, "x") for _ in range(2)] == ["yo", "yo"]
    frame = await scene.asked(socket, conversation, "x")
    assert isinstance(frame, dict) and list(frame) == ["message", "connectionId", "requestId"]
    assert frame["message"] == "Too Many Requests"
    assert len(scene.functions.events("default")) == 2
    scene.node.redeploy(Directory(scene.definition))
    assert await scene.asked(socket, conversation, "x") != "yo", "a redeploy fills no bucket"
    scene.clock.advance(1_000)
    assert await scene.asked(socket, conversation, "x") == "yo"


async def test_messages_without_a_route_count_for_the_account(scenes: Scenes) -> None:
    scene = scenes(account=AccountLimits(requests_per_s=0, request_burst=1, connections_per_s=None))
    scene.node.redeploy(Directory(definition(api(route("only")))))
    socket, conversation = await scene.opened()
    frames = [await scene.asked(socket, conversation, "x") for _ in range(2)]
    assert [frame["message"] for frame in frames if isinstance(frame, dict)] == ["Forbidden", "Too Many Requests"]


# -- AWS_IAM ---------------------------------------------------------------------------------------------------------


def signed_handshake(scene: Scene, *, headers: tuple[tuple[str, str], ...] = (), **options: Any) -> Handshake:
    """As botocore signs it now; the scene's clock follows."""
    request = signed("/dev", "name=ada", headers, **options)
    scene.clock.wall_ms = signing_time_ms(request)
    asked = handshake()
    own = {name.lower() for name, _ in request.headers}
    kept = tuple(pair for pair in asked.headers if pair[0].lower() not in own)
    return replace(asked, query=request.query, headers=(*kept, *request.headers))


@pytest.mark.parity("P-058")
@pytest.mark.parametrize("principals", [None, PRINCIPALS])
async def test_without_a_signature(scenes: Scenes, principals: Principals | None) -> None:
    status, headers, body = await scenes(IAM, principals=principals).refused()
    assert (status, body) == (403, {"message": "Missing Authentication Token"})
    assert headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


@pytest.mark.parity("P-113", "P-318", "P-319", "P-321")
@pytest.mark.parametrize("presigned", [False, True])
async def test_a_signed_handshake_has_its_identity_in_every_event(scenes: Scenes, presigned: bool) -> None:
    holder = principal(
        principal_id="AIDAEXAMPLE", policies=(policy("Allow", "*/$connect"), policy("Deny", "*/$default"))
    )
    scene = scenes(IAM, principals=Keyring({KEY: holder}))
    socket, conversation = await scene.opened(signed_handshake(scene, presigned=presigned))
    (record,) = scene.registry.records
    assert await scene.asked(socket, conversation, "x") == "yo", "policies hold for $connect alone"
    scene.node.peer_lost(conversation)
    await until_idle(lambda: not scene.registry.records)
    identity = {
        "accessKey": KEY,
        "accountId": "123456789012",
        "caller": "AIDAEXAMPLE",
        "user": "AIDAEXAMPLE",
        "userArn": ARN,
    }
    assert record.identity == identity
    assert scene.identities() == {"connect": identity, "default": identity, "disconnect": identity}
    assert record.authorizer is None


def policy(effect: str, resource: str) -> dict[str, object]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parity("P-059")
async def test_a_wrong_signature(scenes: Scenes) -> None:
    scene = scenes(IAM, principals=PRINCIPALS)
    status, headers, body = await scene.refused(signed_handshake(scene, secret="wrong"))
    assert (status, headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert body["message"].startswith("The request signature we calculated does not match the signature you provided.")
    assert SECRET not in body["message"]


@pytest.mark.parity("P-320")
async def test_a_holder_who_may_not(scenes: Scenes) -> None:
    scene = scenes(IAM, principals=Keyring({KEY: principal(policies=(policy("Allow", "*/$default"),))}))
    status, headers, body = await scene.refused(signed_handshake(scene))
    resource = f"arn:aws:execute-api:us-east-1:********9012:{HOST.partition('.')[0]}/dev/$connect"
    why = "because no identity-based policy allows the execute-api:Invoke action"
    expected = f"User: {ARN} is not authorized to perform: execute-api:Invoke on resource: {resource} {why}"
    assert (status, headers["x-amzn-ErrorType"], body) == (403, "AccessDeniedException", {"Message": expected})


async def test_a_policys_condition_sees_the_handshake(scenes: Scenes) -> None:
    document = policy("Allow", "*")
    document["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}  # type: ignore[index]
    scene = scenes(IAM, principals=Keyring({KEY: principal(policies=(document,))}))
    await scene.opened(signed_handshake(scene))
    asked = replace(signed_handshake(scene), source_ip="198.51.100.1")
    assert (await scene.refused(asked))[0] == 403


async def test_where_no_principals_are_configured_any_signature_does(scenes: Scenes) -> None:
    scene = scenes(IAM)
    await scene.opened(signed_handshake(scene, secret="invented", region="eu-west-9"))
    assert scene.identities()["connect"]["userArn"] == f"arn:aws:iam::123456789012:user/{KEY}"


# -- authorizers -----------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-057")
async def test_two_authorization_headers_before_an_authorizer(scenes: Scenes) -> None:
    scene = scenes(authorized(route("$connect")))
    asked = handshake()
    twice = replace(asked, headers=(*asked.headers, ("Authorization", "a"), ("authorization", "b")))
    socket = FakeSocket()
    scene.node.handshake(socket, twice)
    await until_idle(lambda: socket.refusal is not None)
    assert socket.refusal == (
        400,
        {"Content-Type": "text/html"},
        b"<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n"
        b"<center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n",
    )
    assert scene.functions.calls == []
    await scenes(route("$connect")).opened(twice)


async def test_an_authorizers_function_may_be_named_by_the_stage(scenes: Scenes) -> None:
    guarded = authorized(route("$connect"))
    assert guarded.authorizer is not None
    target = LambdaTarget(FunctionName("${stageVariables.who}"))
    guarded = replace(guarded, authorizer=replace(guarded.authorizer, target=target))

    def named(served: Api) -> Api:
        (stage,) = served.stages.values()
        return replace(served, stages={stage.stage_name: replace(stage, stage_variables={"who": "authorizer"})})

    scene = scenes(guarded, change=named)
    await scene.opened()
    assert len(scene.functions.events("authorizer")) == 1


# -- API keys --------------------------------------------------------------------------------------------------------


def plan(**changes: Any) -> UsagePlan:
    served = api()
    (stage,) = served.stages
    return replace(UsagePlan("p1", "free", frozenset({(served.api_id, stage)}), (ADA,)), **changes)


@pytest.mark.parity("P-060", "P-325")
@pytest.mark.parametrize(
    ("asked", "plans"),
    [
        (handshake(), (plan(),)),
        (by_header(x_api_key=""), (plan(),)),
        (by_header(x_api_key="other"), (plan(),)),
        (by_header(x_api_key="ada-value"), ()),
        (by_header(x_api_key="ada-value"), (plan(stages=frozenset()),)),
        (by_header(x_api_key="ada-value"), (plan(keys=(replace(ADA, enabled=False),)),)),
        (handshake(query="x-api-key=ada-value"), (plan(),)),
    ],
)
async def test_no_key_no_entrance(scenes: Scenes, asked: Handshake, plans: tuple[UsagePlan, ...]) -> None:
    status, _, body = await scenes(KEYED, plans=plans).refused(asked)
    assert (status, body["message"]) == (403, "Forbidden")


@pytest.mark.parity("P-114", "P-322", "P-323")
async def test_a_keys_identity_is_in_every_event(scenes: Scenes) -> None:
    scene = scenes(KEYED, plans=(plan(),))
    socket, conversation = await scene.opened(by_header(X_Api_Key="ada-value"))
    (record,) = scene.registry.records
    assert await scene.asked(socket, conversation, "x") == "yo"
    scene.node.peer_lost(conversation)
    await until_idle(lambda: not scene.registry.records)
    identity = {"apiKey": "ada-value", "apiKeyId": "k1"}
    assert record.identity == identity
    assert scene.identities() == {"connect": identity, "default": identity, "disconnect": identity}


async def test_a_key_that_nobody_asks_for_is_only_a_header(scenes: Scenes) -> None:
    scene = scenes(route("$connect"), plans=(plan(),))
    await scene.opened(by_header(x_api_key="ada-value"))
    assert scene.identities() == {"connect": {}}


def from_authorizer(served: Api) -> Api:
    return replace(served, api_key_selection_expression="$context.authorizer.usageIdentifierKey")


@pytest.mark.parity("P-324")
async def test_an_authorizer_may_name_the_key(scenes: Scenes) -> None:
    guarded = replace(authorized(route("$connect")), api_key_required=True)
    scene = scenes(guarded, plans=(plan(),), change=from_authorizer)
    await scene.opened()
    (connected,) = scene.functions.events("connect")
    assert connected["requestContext"]["identity"]["apiKeyId"] == "k1"
    assert connected["requestContext"]["authorizer"] == {"principalId": "u", "integrationLatency": 0}
    scene.functions.scripts["authorizer"] = returning(ALLOW | {"usageIdentifierKey": None})
    assert (await scene.refused(by_header(x_api_key="ada-value")))[0] == 403


async def test_a_refusing_authorizer_uses_up_no_quota(scenes: Scenes) -> None:
    guarded = replace(authorized(route("$connect")), api_key_required=True)
    scene = scenes(guarded, plans=(plan(quota=Quota(1, QuotaPeriod.DAY)),))
    scene.functions.scripts["authorizer"] = returning(ALLOW | {"policyDocument": policy("Deny", "*")})
    assert (await scene.refused(by_header(x_api_key="ada-value")))[0] == 403
    scene.functions.scripts["authorizer"] = returning(ALLOW)
    await scene.opened(by_header(x_api_key="ada-value"))


@pytest.mark.parity("P-063")
async def test_a_plans_quota_and_rate(scenes: Scenes) -> None:
    asked = by_header(x_api_key="ada-value")
    scene = scenes(KEYED, plans=(plan(throttle=Throttle(1, 1), quota=Quota(2, QuotaPeriod.DAY)),))
    await scene.opened(asked)
    status, _, body = await scene.refused(asked)
    assert (status, body["message"]) == (429, "Too Many Requests")
    scene.clock.advance(1_000)
    await scene.opened(asked)
    scene.clock.advance(1_000)
    status, _, body = await scene.refused(asked)
    assert (status, body["message"]) == (429, "Limit Exceeded")
    scene.node.redeploy(Directory(scene.definition))
    assert (await scene.refused(asked))[2]["message"] == "Limit Exceeded", "a redeploy gives nothing back"
    scene.clock.advance(24 * 60 * 60 * 1_000)
    await scene.opened(asked)


async def test_a_signature_and_a_key_add_up(scenes: Scenes) -> None:
    scene = scenes(replace(IAM, api_key_required=True), plans=(plan(),), principals=PRINCIPALS)
    await scene.opened(signed_handshake(scene, headers=(("x-api-key", "ada-value"),)))
    assert set(scene.identities()["connect"]) == {
        "accessKey", "accountId", "caller", "user", "userArn", "apiKey", "apiKeyId",
    }  # fmt: skip


# -- models ----------------------------------------------------------------------------------------------------------


JOIN = replace(
    route("join", two_way=True, function="default"),
    model_selection_expression="$request.body.action",
    request_models={"join": Model("Join", "Join", {"required": ["room"]})},
)


@pytest.mark.parity("P-193")
async def test_a_message_that_does_not_fit_reaches_no_handler(scenes: Scenes) -> None:
    scene = scenes(JOIN)
    socket, conversation = await scene.opened()
    assert await scene.asked(socket, conversation, '{"action":"join","room":1}') == "yo"
    await scene.asked(socket, conversation, '{"action":"join"}')
    (record,) = scene.registry.records
    frame = socket.sent[-1].decode()
    message_id = json.loads(frame)["messageId"]
    assert frame == (
        f'{{"message" : "Bad request body", "connectionId": "{record.connection_id}", "messageId": "{message_id}"}}'
    )
    assert len(scene.functions.events("default")) == 1
    assert scene.reporter.told[-1] == (
        "invocation_failed",
        "the model",
        'join: $ does not satisfy required: ["room"]',
    )
    assert await scene.asked(socket, conversation, '{"action":"join","room":1}') == "yo"


@pytest.mark.parity("P-506")
async def test_validation_may_be_turned_off(scenes: Scenes) -> None:
    scene = scenes(JOIN, change=lambda served: replace(served, disable_schema_validation=True))
    socket, conversation = await scene.opened()
    assert await scene.asked(socket, conversation, '{"action":"join"}') == "yo"


async def test_a_handshake_is_no_message(scenes: Scenes) -> None:
    await scenes(replace(JOIN, route_key=RouteKey("$connect"), integration=route("$connect").integration)).opened()


# -- the end   -------------------------------------------------------------------------------------------------------


async def test_a_client_that_leaves_while_the_authorizer_decides_leaves_no_record(scenes: Scenes) -> None:
    scene = scenes(authorized(route("$connect")))
    decides = scene.functions.gates["authorizer"] = asyncio.Event()
    conversation = scene.node.handshake(FakeSocket(), handshake())
    assert conversation is not None
    scene.node.peer_lost(conversation)
    decides.set()
    assert await scene.node.stop(1.0) == 0
    assert not scene.registry.records and not scene.functions.events("connect")
