"""The documents handlers get: members, order and types as captured on AWS (parity 2 and 6.1).

Nothing here decides anything: it only writes down. ``events/`` at the top of the project holds one document of each
kind, and a test holds this file against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.engine.endpoint import Endpoint
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT, DISCONNECT, MessageId, RequestId

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Occasion:
    """The one event a document is about: its ID, its X-Ray trace, and Unix time in milliseconds."""

    request_id: RequestId
    trace_id: str
    now_ms: int


# Absent from CONNECT, present in the authorizer's event (parity 2.1, 6.1).
_CONNECT_LEAVES_OUT: Final = frozenset({"connection", "upgrade", "content-length"})
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def connect(
    endpoint: Endpoint,
    connection: Connection,
    handshake: Handshake,
    occasion: Occasion,
    authorizer_latency_ms: int | None = None,
) -> Document:
    """The CONNECT event. ``authorizer_latency_ms`` is None without an authorizer (parity 6.2, integrationLatency)."""
    kept = [(name, value) for name, value in handshake.headers if name.lower() not in _CONNECT_LEAVES_OUT]
    document = _headers(_forwarded(kept, handshake, occasion.trace_id))
    document |= _query(handshake.query)
    document |= _stage_variables(endpoint)
    context = _context(connection, CONNECT, "CONNECT", occasion)
    if connection.authorizer is not None:
        context["authorizer"] = {**connection.authorizer, "integrationLatency": authorizer_latency_ms or 0}
    document["requestContext"] = context
    document["isBase64Encoded"] = False
    return document


def message(
    endpoint: Endpoint,
    connection: Connection,
    occasion: Occasion,
    *,
    route_key: str,
    body: str,
    message_id: MessageId,
) -> Document:
    """The MESSAGE event; ``body`` is the text of the reassembled message, unchanged."""
    document = _stage_variables(endpoint)
    document["requestContext"] = _context(connection, route_key, "MESSAGE", occasion, before={"messageId": message_id})
    document["body"] = body
    document["isBase64Encoded"] = False
    return document


def disconnect(endpoint: Endpoint, connection: Connection, occasion: Occasion, *, code: int, reason: str) -> Document:
    """The DISCONNECT event with its four odd headers (parity 2.3)."""
    document = _headers(
        [("Host", connection.domain_name), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]
    )
    document |= _stage_variables(endpoint)
    document["requestContext"] = _context(
        connection,
        DISCONNECT,
        "DISCONNECT",
        occasion,
        before={"disconnectStatusCode": code},
        after={"disconnectReason": reason},
    )
    document["isBase64Encoded"] = False
    return document


def authorizer(
    endpoint: Endpoint,
    connection: Connection,
    handshake: Handshake,
    occasion: Occasion,
) -> Document:
    """The REQUEST authorizer's event: empty maps are ``{}``, never left out (parity 6.1)."""
    headers = list(handshake.headers)
    if handshake.header("content-length") is None:
        headers.append(("content-length", "0"))
    query = _query(handshake.query) or {"queryStringParameters": {}, "multiValueQueryStringParameters": {}}
    return {
        "type": "REQUEST",
        "methodArn": endpoint.method_arn(CONNECT),
        **_headers(_forwarded(headers, handshake, occasion.trace_id)),
        **query,
        "stageVariables": dict(endpoint.stage.stage_variables),
        "requestContext": _context(connection, CONNECT, "CONNECT", occasion),
    }


def clf_time(epoch_ms: int) -> str:
    """``25/Sep/2026:00:23:04 +0000``, independent of the locale."""
    t = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{t.day:02}/{_MONTHS[t.month - 1]}/{t.year}:{t.hour:02}:{t.minute:02}:{t.second:02} +0000"


def _context(
    connection: Connection,
    route_key: str,
    event_type: str,
    occasion: Occasion,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Document:
    context: Document = {"routeKey": route_key}
    if connection.authorizer is not None:
        context["authorizer"] = dict(connection.authorizer)
    if before is not None:
        context.update(before)
    context["eventType"] = event_type
    context["extendedRequestId"] = occasion.request_id
    context["requestTime"] = clf_time(occasion.now_ms)
    context["messageDirection"] = "IN"
    if after is not None:
        context.update(after)
    context["stage"] = connection.stage
    context["connectedAt"] = connection.connected_at_ms
    context["requestTimeEpoch"] = occasion.now_ms
    context["identity"] = _identity(connection)
    context["requestId"] = occasion.request_id
    context["domainName"] = connection.domain_name
    context["connectionId"] = connection.connection_id
    context["apiId"] = connection.api_id
    return context


def _identity(connection: Connection) -> dict[str, str]:
    if connection.user_agent is None:
        return {"sourceIp": connection.source_ip}
    return {"userAgent": connection.user_agent, "sourceIp": connection.source_ip}


def _forwarded(headers: Iterable[tuple[str, str]], handshake: Handshake, trace_id: str) -> list[tuple[str, str]]:
    """The client's headers with the four that the gateway adds; theirs are appended to or replaced, as AWS does."""
    added = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    before = handshake.header("X-Forwarded-For")
    return [
        *((name, value) for name, value in headers if name.lower() not in added),
        ("X-Amzn-Trace-Id", trace_id),
        ("X-Forwarded-For", f"{before}, {handshake.source_ip}" if before else handshake.source_ip),
        ("X-Forwarded-Port", str(handshake.port)),
        ("X-Forwarded-Proto", "https" if handshake.secure else "http"),
    ]


def _headers(headers: Iterable[tuple[str, str]]) -> Document:
    """``headers`` (last value wins) and ``multiValueHeaders``, sorted by name, in the client's case."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers:
        spelled = names.setdefault(name.lower(), name)
        values.setdefault(spelled, []).append(value)
    ordered = sorted(values, key=str.lower)
    return {
        "headers": {name: values[name][-1] for name in ordered},
        "multiValueHeaders": {name: values[name] for name in ordered},
    }


def _query(query: str) -> Document:
    """Both query maps, keys sorted, values decoded; nothing at all without a query (parity 2.1)."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "queryStringParameters": {name: values[name][-1] for name in ordered},
        "multiValueQueryStringParameters": {name: values[name] for name in ordered},
    }


def _stage_variables(endpoint: Endpoint) -> Document:
    variables = endpoint.stage.stage_variables
    return {"stageVariables": dict(variables)} if variables else {}
