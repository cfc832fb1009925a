"""Definitions and values that the core's tests share; the canonical ones agree with the documents in events/."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.engine.directory import Directory
from gateway.engine.endpoint import Endpoint
from gateway.engine.exchange import EventType, Exchange, Occasion
from gateway.model.api import Api, AuthorizationType, Authorizer, Route, Stage
from gateway.model.connection import Connection
from gateway.model.definition import Definition
from gateway.model.handshake import Handshake
from gateway.model.ids import ApiId, ConnectionId, FunctionName, MessageId, NodeNumber, RequestId, RouteKey, StageName
from gateway.model.integration import Integration, IntegrationType, LambdaTarget

EVENTS = Path(__file__).parent.parent / "events"
HOST = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"


def document(name: str) -> dict[str, Any]:
    found = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def integration(function: str, timeout_ms: int = 29_000) -> Integration:
    target = LambdaTarget(FunctionName(function))
    return Integration(f"{function}Integration", IntegrationType.AWS_PROXY, function, target, timeout_ms=timeout_ms)


def route(key: str, *, two_way: bool = False, function: str | None = None) -> Route:
    name = function or key.strip("$")
    return Route(f"{name}Route", RouteKey(key), integration(name), two_way=two_way)


def authorized(connect: Route, identity_source: Iterable[str] = ()) -> Route:
    authorizer = Authorizer("Auth", "auth", LambdaTarget(FunctionName("authorizer")), tuple(identity_source))
    return replace(connect, authorization_type=AuthorizationType.CUSTOM, authorizer=authorizer)


def api(
    *routes: Route,
    api_id: str = "a1b2c3d4e5",
    stages: Iterable[str] = ("dev",),
    variables: Mapping[str, str] | None = None,
) -> Api:
    return Api(
        ApiId(api_id),
        f"Api{api_id}",
        "chat",
        "$request.body.action",
        {each.route_key: each for each in routes},
        {StageName(name): Stage(f"{name}Stage", StageName(name), variables or {}) for name in stages},
    )


def definition(*apis: Api) -> Definition:
    return Definition("template.yaml", "chat", "us-east-1", "123456789012", apis, {})


def directory(*routes: Route, **options: Any) -> Directory:
    return Directory(definition(api(*routes, **options)))


def endpoint(*routes: Route, **options: Any) -> Endpoint:
    return directory(*routes, **options).deployments[0].endpoint


def connection(**changes: Any) -> Connection:
    context = document("connect")["requestContext"]
    made = Connection(
        ConnectionId(context["connectionId"]),
        NodeNumber(7),
        ApiId(context["apiId"]),
        StageName(context["stage"]),
        context["connectedAt"],
        context["identity"]["sourceIp"],
        context["domainName"],
        context["identity"]["userAgent"],
    )
    return replace(made, **changes)


def occasion(name: str) -> Occasion:
    """The occasion of a canonical document."""
    found = document(name)
    context = found["requestContext"]
    trace = found.get("headers", {}).get("X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000000")
    return Occasion(RequestId(context["requestId"]), trace, context["requestTimeEpoch"])


def handshake(**changes: Any) -> Handshake:
    """What the client of events/connect.json sent."""
    sent = document("connect")
    added = {"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"}
    headers = [(name, value) for name, value in sent["headers"].items() if name not in added]
    headers += [("Connection", "upgrade"), ("Upgrade", "websocket")]
    made = Handshake(
        path="/dev",
        query="name=ada",
        headers=tuple(headers),
        key=sent["headers"]["Sec-WebSocket-Key"],
        source_ip="192.0.2.1",
        port=443,
        secure=True,
    )
    return replace(made, **changes)


def connect_exchange(**changes: Any) -> Exchange:
    """The exchange of events/connect.json."""
    made = Exchange(endpoint(), connection(), occasion("connect"), EventType.CONNECT, "$connect", handshake=handshake())
    return replace(made, **changes)


def message_exchange(**changes: Any) -> Exchange:
    """The exchange of events/message.json."""
    expected = document("message")
    context = expected["requestContext"]
    made = Exchange(
        endpoint(),
        connection(),
        occasion("message"),
        EventType.MESSAGE,
        context["routeKey"],
        body=expected["body"],
        message_id=MessageId(context["messageId"]),
    )
    return replace(made, **changes)


def disconnect_exchange(**changes: Any) -> Exchange:
    """The exchange of events/disconnect.json."""
    context = document("disconnect")["requestContext"]
    close = (context["disconnectStatusCode"], context["disconnectReason"])
    made = Exchange(endpoint(), connection(), occasion("disconnect"), EventType.DISCONNECT, "$disconnect", close=close)
    return replace(made, **changes)
