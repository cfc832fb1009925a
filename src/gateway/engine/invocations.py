"""From something that happened to the call it asks for: route, event document and integration put together."""

from __future__ import annotations

import json
from typing import Any

from gateway.engine import events
from gateway.engine.endpoint import Endpoint
from gateway.engine.events import Occasion
from gateway.model.api import Authorizer, Integration, Route
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import MessageId
from gateway.model.invocation import Invocation, Purpose
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS


def authorize(
    endpoint: Endpoint,
    connection: Connection,
    handshake: Handshake,
    route: Route,
    authorizer: Authorizer,
    occasion: Occasion,
) -> Invocation:
    """The authorizer's call; it waits as long as an integration may (parity 8)."""
    document = events.authorizer(endpoint, connection, handshake, occasion)
    return Invocation(
        Purpose.AUTHORIZE,
        connection.connection_id,
        occasion.request_id,
        route,
        authorizer.target,
        encode(document),
        MAX_INTEGRATION_TIMEOUT_MS,
        occasion.trace_id,
    )


def connect(
    endpoint: Endpoint,
    connection: Connection,
    handshake: Handshake,
    route: Route,
    integration: Integration,
    occasion: Occasion,
    authorizer_latency_ms: int | None,
) -> Invocation:
    """The ``$connect`` call."""
    document = events.connect(
        endpoint,
        connection,
        handshake,
        occasion,
        authorizer_latency_ms,
    )
    return _call(Purpose.CONNECT, connection, route, integration, document, occasion)


def message(
    endpoint: Endpoint,
    connection: Connection,
    route: Route,
    integration: Integration,
    occasion: Occasion,
    *,
    body: str,
    message_id: MessageId,
) -> Invocation:
    """The call for one message."""
    document = events.message(
        endpoint,
        connection,
        occasion,
        route_key=route.route_key,
        body=body,
        message_id=message_id,
    )
    return _call(Purpose.MESSAGE, connection, route, integration, document, occasion)


def disconnect(
    endpoint: Endpoint,
    connection: Connection,
    route: Route,
    integration: Integration,
    occasion: Occasion,
    *,
    code: int,
    reason: str,
) -> Invocation:
    """The ``$disconnect`` call."""
    document = events.disconnect(endpoint, connection, occasion, code=code, reason=reason)
    return _call(Purpose.DISCONNECT, connection, route, integration, document, occasion)


def encode(document: dict[str, Any]) -> bytes:
    """An event as the JSON a handler reads; lone surrogates cannot occur, the wire admits none."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _call(
    purpose: Purpose,
    connection: Connection,
    route: Route,
    integration: Integration,
    document: dict[str, Any],
    occasion: Occasion,
) -> Invocation:
    if integration.domain_name is not None:
        document["requestContext"]["domainName"] = integration.domain_name
    return Invocation(
        purpose,
        connection.connection_id,
        occasion.request_id,
        route,
        integration.target,
        encode(document),
        integration.timeout_ms,
        occasion.trace_id,
    )
