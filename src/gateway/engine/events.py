"""The documents handlers get: members, order and types as captured on AWS (parity 2 and 6.1).

Nothing here decides anything: it only writes down. ``events/`` at the top of the project holds one document of each
kind, and a test holds this file against them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.engine.endpoint import Endpoint
from gateway.engine.exchange import EventType, Exchange, clf_time
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT

Document = dict[str, Any]
# What json.dumps would make anew for each document.
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

# Absent from CONNECT, present in the authorizer's event (parity 2.1, 6.1).
_CONNECT_LEAVES_OUT: Final = frozenset({"connection", "upgrade", "content-length"})


def event(exchange: Exchange) -> Document:
    """The CONNECT, MESSAGE or DISCONNECT event."""
    match exchange.event_type:
        case EventType.CONNECT:
            return _connect(exchange)
        case EventType.MESSAGE:
            return _message(exchange)
        case EventType.DISCONNECT:
            return _disconnect(exchange)


def event_json(exchange: Exchange, domain_name: str | None) -> bytes:
    """``event`` as the JSON a handler reads, ``domain_name`` in the place of the connection's unless it is None."""
    if exchange.event_type is EventType.MESSAGE and exchange.message_id is not None and exchange.body is not None:
        return _message_json(exchange, exchange.message_id, exchange.body, domain_name)
    document = event(exchange)
    if domain_name is not None:
        document["requestContext"]["domainName"] = domain_name
    return encode(document)


def encode(document: Document) -> bytes:
    """A document as JSON; lone surrogates cannot occur, the wire admits none."""
    return _JSON.encode(document).encode("utf-8")


def authorizer(exchange: Exchange) -> Document:
    """The REQUEST authorizer's event on a CONNECT: empty maps are ``{}``, never left out (parity 6.1)."""
    handshake = _handshake(exchange)
    headers = list(handshake.headers)
    if handshake.header("content-length") is None:
        headers.append(("content-length", "0"))
    query = _query(handshake.query) or {"queryStringParameters": {}, "multiValueQueryStringParameters": {}}
    return {
        "type": "REQUEST",
        "methodArn": exchange.endpoint.method_arn(CONNECT),
        **_headers(_forwarded(headers, exchange)),
        **query,
        "stageVariables": dict(exchange.endpoint.stage.stage_variables),
        "requestContext": _context(exchange),
    }


def forwarded_headers(exchange: Exchange) -> list[tuple[str, str]]:
    """The handshake's headers as a CONNECT shows them: without its hop's own, with the four the gateway adds."""
    kept = [pair for pair in _handshake(exchange).headers if pair[0].lower() not in _CONNECT_LEAVES_OUT]
    return _forwarded(kept, exchange)


def _connect(exchange: Exchange) -> Document:
    document = _headers(forwarded_headers(exchange))
    document |= _query(_handshake(exchange).query)
    document |= _stage_variables(exchange.endpoint)
    document["requestContext"] = _context(exchange)
    document["isBase64Encoded"] = False
    return document


def _message(exchange: Exchange) -> Document:
    document = _stage_variables(exchange.endpoint)
    document["requestContext"] = _context(exchange)
    document["body"] = exchange.body
    document["isBase64Encoded"] = exchange.is_base64
    return document


def _message_json(exchange: Exchange, message_id: str, body: str, domain_name: str | None) -> bytes:
    """What ``encode`` makes of ``_message``, byte for byte, at a fifth of the cost: most events by far are these."""
    connection, occasion, text = exchange.connection, exchange.occasion, encode_basestring
    variables = exchange.endpoint.stage.stage_variables
    before = f'"stageVariables":{_JSON.encode(dict(variables))},' if variables else ""
    known = connection.authorizer
    principal = "" if known is None else f'"authorizer":{_JSON.encode(dict(known))},'
    request_id = text(occasion.request_id)
    return (
        f'{{{before}"requestContext":{{"routeKey":{text(exchange.route_key)},{principal}'
        f'"messageId":{text(message_id)},"eventType":"MESSAGE","extendedRequestId":{request_id},'
        f'"requestTime":"{clf_time(occasion.now_ms)}","messageDirection":"IN","stage":{text(connection.stage)},'
        f'"connectedAt":{connection.connected_at_ms},"requestTimeEpoch":{occasion.now_ms},'
        f'"identity":{_identity_json(connection)},"requestId":{request_id},'
        f'"domainName":{text(connection.domain_name if domain_name is None else domain_name)},'
        f'"connectionId":{text(connection.connection_id)},"apiId":{text(connection.api_id)}}},'
        f'"body":{text(body)},"isBase64Encoded":{"true" if exchange.is_base64 else "false"}}}'
    ).encode()


def _disconnect(exchange: Exchange) -> Document:
    """With AWS's four odd headers (parity 2.3)."""
    host = exchange.connection.domain_name
    document = _headers([("Host", host), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")])
    document |= _stage_variables(exchange.endpoint)
    document["requestContext"] = _context(exchange)
    document["isBase64Encoded"] = False
    return document


def _handshake(exchange: Exchange) -> Handshake:
    if exchange.handshake is None:
        raise AssertionError("only a CONNECT has a handshake")
    return exchange.handshake


def _context(exchange: Exchange) -> Document:
    connection, occasion = exchange.connection, exchange.occasion
    context: Document = {"routeKey": exchange.route_key}
    if connection.authorizer is not None:
        context["authorizer"] = dict(connection.authorizer)
        if exchange.event_type is EventType.CONNECT:
            context["authorizer"]["integrationLatency"] = exchange.authorizer_latency_ms or 0
    if exchange.message_id is not None:
        context["messageId"] = exchange.message_id
    if exchange.close is not None:
        context["disconnectStatusCode"] = exchange.close[0]
    context["eventType"] = exchange.event_type.value
    context["extendedRequestId"] = occasion.request_id
    context["requestTime"] = clf_time(occasion.now_ms)
    context["messageDirection"] = "IN"
    if exchange.close is not None:
        context["disconnectReason"] = exchange.close[1]
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
    identity = dict(connection.identity or {})
    if connection.user_agent is not None:
        identity["userAgent"] = connection.user_agent
    identity["sourceIp"] = connection.source_ip
    return identity


def _identity_json(connection: Connection) -> str:
    if connection.identity:
        return _JSON.encode(_identity(connection))
    agent = "" if connection.user_agent is None else f'"userAgent":{encode_basestring(connection.user_agent)},'
    return f'{{{agent}"sourceIp":{encode_basestring(connection.source_ip)}}}'


def _forwarded(headers: Iterable[tuple[str, str]], exchange: Exchange) -> list[tuple[str, str]]:
    """The client's headers with the four that the gateway adds; its own ones of these names are left out, so that none
    can say what only the gateway knows. What trusted proxies said is in the handshake already."""
    added = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    handshake = _handshake(exchange)
    return [
        *((name, value) for name, value in headers if name.lower() not in added),
        ("X-Amzn-Trace-Id", exchange.occasion.trace_id),
        ("X-Forwarded-For", handshake.source_ip),
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
