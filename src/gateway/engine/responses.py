"""What a handler's answer means for the client: the upgrade's fate, a reply, an error frame, or nothing.

Parity 1.3 and 4. Pure reading of results; who sends what and when is the lifecycle's and the node's matter.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.engine import group_names
from gateway.model.hot_value import hot_value
from gateway.model.ids import ConnectionId, MessageId, RequestId
from gateway.model.invocation import (
    Answered,
    FunctionError,
    InvocationResult,
    Returned,
    Throttled,
    TimedOut,
    Unavailable,
)

INTERNAL_SERVER_ERROR: Final = "Internal server error"
ENDPOINT_TIMED_OUT: Final = "Endpoint request timed out"
FORBIDDEN: Final = "Forbidden"
UNAUTHORIZED: Final = "Unauthorized"
SERVICE_UNAVAILABLE: Final = "Service Unavailable"
RETRY_AFTER_S: Final = "1"  # seconds; what is away for longer answers so again
_STORM_SPREAD_S: Final = 5
TOO_MANY_REQUESTS: Final = "Too Many Requests"  # assumed: the words of REST APIs; parity 4.2
LIMIT_EXCEEDED: Final = "Limit Exceeded"  # the same, for a quota
BAD_REQUEST_BODY: Final = "Bad request body"

MALFORMED_CONNECT_STATUS: Final = 500  # assumed: an emulator gives 500, REST APIs 502; parity 1.3
_JSON: Final = "application/json; charset=UTF-8"
_PROXY_MEMBERS: Final = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_REPLACEMENT: Final = "\ufffd".encode()
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")  # Python's decoder would replace each of its bytes
# Headers of a handler's refusal that describe its own hop, not ours (parity 1.3), or are meant for this gateway.
_HOP_BY_HOP: Final = frozenset(
    {
        *("connection", "upgrade", "content-length", "transfer-encoding", "sec-websocket-accept", "keep-alive", "date"),
        group_names.HEADER.lower(),
    }
)


@hot_value
class ProxyResponse:
    """A well-formed Lambda proxy response; ``body`` is decoded from base64 where it says so, None when absent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all_of(self, name: str) -> tuple[str, ...]:
        """The values of a header that may be there more than once, in their order."""
        return tuple([value for key, value in self.headers if key.lower() == name.lower()])


@hot_value
class Accept:
    """Upgrade; ``subprotocol`` is the handler's ``Sec-WebSocket-Protocol``, None to name none; ``groups`` are the
    values of its ``X-Fleet-Groups``, unread."""

    subprotocol: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the handshake with this response instead; ``why`` is for whoever watches, not for the client."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A call without a usable answer: ``message`` is what the client reads, ``status`` what a refused upgrade gets,
    ``why`` what whoever watches should know; ``is_malformed`` when there was an answer of the wrong shape,
    ``is_told`` when whoever runs the function has already said so, ``never_arrived`` when no handler saw the event."""

    message: str
    status: int
    why: str
    is_malformed: bool = False
    is_told: bool = False
    never_arrived: bool = False


THROTTLED: Final = Failure(TOO_MANY_REQUESTS, 429, "the rate of messages is exceeded")
NO_SUCH_ROUTE: Final = Failure(FORBIDDEN, 403, "no route takes the message and there is no $default")
NO_INTEGRATION: Final = Failure(INTERNAL_SERVER_ERROR, 500, "the route has no integration")


def read_result(result: InvocationResult) -> ProxyResponse | Failure:
    """What a proxy integration's result means, whichever backend and route it was for (parity 1.3, 4.1, 4.2, 5.2)."""
    match result:
        case Returned(payload):
            return read_proxy_response(payload) or Failure(
                INTERNAL_SERVER_ERROR, MALFORMED_CONNECT_STATUS, "its answer is not a proxy response", is_malformed=True
            )
        case TimedOut():
            return Failure(ENDPOINT_TIMED_OUT, 504, "it took longer than the integration timeout")
        case FunctionError(payload, _, never_ran):
            return Failure(INTERNAL_SERVER_ERROR, 502, _error_message(payload), is_told=True, never_arrived=never_ran)
        case Throttled(reason) | Unavailable(reason):
            return Failure(INTERNAL_SERVER_ERROR, 500, reason, never_arrived=True)
        case Answered(status, headers, body):
            return ProxyResponse(status, headers, body)


def read_proxy_response(payload: bytes) -> ProxyResponse | None:
    """The proxy response in a function's result, or None when it is malformed (parity 4.1)."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not document.keys() <= _PROXY_MEMBERS:
        return None
    status = _status(document.get("statusCode"))
    headers = _header_pairs(document)
    body = document.get("body")
    if status is None or headers is None or not isinstance(body, str | None):
        return None
    if document.get("isBase64Encoded") is True and body is not None:
        decoded = _decode(body)
        return None if decoded is None else ProxyResponse(status, headers, decoded)
    return ProxyResponse(status, headers, None if body is None else body.encode("utf-8", "replace"))


def connect_verdict(
    answer: ProxyResponse | Failure, connection_id: ConnectionId, request_id: RequestId
) -> Accept | Refuse:
    """Whether the upgrade goes ahead (parity 1.3)."""
    if isinstance(answer, Failure):
        why = "$connect failed" if answer.is_told else answer.why
        return gateway_refusal(answer.status, answer.message, connection_id, request_id, why)
    if 200 <= answer.status <= 299:
        return Accept(answer.header("Sec-WebSocket-Protocol") or None, answer.all_of(group_names.HEADER))
    return _handler_refusal(answer, request_id)


def message_reply(
    answer: ProxyResponse | Failure,
    two_way: bool,
    connection_id: ConnectionId,
    request_id: RequestId,
    message_id: MessageId | None = None,
) -> bytes | None:
    """The one text message a client gets for its message, or None (parity 4.1, 4.2).

    Error frames are sent on one-way routes too; a handler's status code has no effect. Assumed: an absent body on a
    two-way route is delivered as an empty message, as an emulator of AWS does.
    """
    if isinstance(answer, Failure):
        if answer.message == BAD_REQUEST_BODY and message_id is not None:
            return _bad_request_frame(connection_id, message_id)
        return error_frame(answer.message, connection_id, request_id)
    return as_text(answer.body or b"") if two_way else None


def _bad_request_frame(connection_id: ConnectionId, message_id: MessageId) -> bytes:
    """As AWS's documentation prints it, with its own spacing and ``messageId`` (assumed: nobody captured one)."""
    text = f'{{"message" : "{BAD_REQUEST_BODY}", "connectionId": "{connection_id}", "messageId": "{message_id}"}}'
    return text.encode("ascii")


def error_frame(message: str | None, connection_id: ConnectionId, request_id: RequestId) -> bytes:
    """The gateway's own message, with AWS's spacing to the byte (parity fact 3); a None message is ``null``."""
    quoted = json.dumps(message, ensure_ascii=False)
    return f'{{"message": {quoted}, "connectionId":"{connection_id}", "requestId":"{request_id}"}}'.encode()


def gateway_refusal(
    status: int, message: str | None, connection_id: ConnectionId, request_id: RequestId, why: str
) -> Refuse:
    """A refusal by the gateway itself: the error frame's document with ``x-amz-apigw-id`` (parity 1.3)."""
    headers = (("content-type", _JSON), ("x-amz-apigw-id", request_id))
    return Refuse(status, headers, error_frame(message, connection_id, request_id), why)


def service_refusal(error_type: str, member: str, message: str, request_id: RequestId) -> Refuse:
    """A refusal of the signature's or its holder's: the document of an AWS service, 403 (parity 1.3, 7.4)."""
    headers = (("content-type", "application/json"), ("x-amzn-ErrorType", error_type), ("x-amz-apigw-id", request_id))
    body = json.dumps({member: message}, ensure_ascii=False, separators=(",", ":"))
    return Refuse(403, headers, body.encode("utf-8", "replace"), message.partition("\n")[0])


def unknown_endpoint_refusal() -> Refuse:
    """No such stage, or a path outside it (parity 1.3)."""
    headers = (("content-type", "application/json"), ("x-amzn-ErrorType", "ForbiddenException"))
    return Refuse(403, headers, b'{"message":"Forbidden"}', "no such stage")


def stopping_refusal() -> Refuse:
    """This node is leaving; whoever retries elsewhere or later is served."""
    return _unavailable("the gateway is stopping")


def fenced_refusal() -> Refuse:
    """This node has lost its lease; another one serves, and so will this one."""
    return _unavailable("this node has lost its lease")


def registry_refusal(connection_id: ConnectionId, request_id: RequestId, why: str) -> Refuse:
    """The record could not be made durable: 503, worth another try soon."""
    refusal = gateway_refusal(503, SERVICE_UNAVAILABLE, connection_id, request_id, why)
    return replace(refusal, headers=(*refusal.headers, ("retry-after", RETRY_AFTER_S)))


def origin_refusal(connection_id: ConnectionId, request_id: RequestId) -> Refuse:
    """403 for a page that is from none of the allowed origins: an extension."""
    return gateway_refusal(403, FORBIDDEN, connection_id, request_id, "the origin is not allowed")


def storm_refusal(connection_id: ConnectionId, request_id: RequestId, now_ms: int) -> Refuse:
    """429 for one of too many that arrive at once; who came in another second is told to wait another while, so that
    they do not all return together."""
    why = "too many new connections at once"
    refusal = gateway_refusal(429, TOO_MANY_REQUESTS, connection_id, request_id, why)
    return replace(refusal, headers=(*refusal.headers, ("retry-after", str(1 + now_ms // 1000 % _STORM_SPREAD_S))))


def _unavailable(why: str) -> Refuse:
    headers = (("content-type", "application/json"), ("retry-after", RETRY_AFTER_S))
    return Refuse(503, headers, b'{"message":"%s"}' % SERVICE_UNAVAILABLE.encode(), why)


def as_text(data: bytes) -> bytes:
    """Any bytes as the UTF-8 of a TEXT message: invalid ones become U+FFFD (parity fact 9), a surrogate just one."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _SURROGATE.sub(_REPLACEMENT, data).decode("utf-8", "replace").encode("utf-8")
    return data


def _handler_refusal(response: ProxyResponse, request_id: RequestId) -> Refuse:
    headers = [(name, value) for name, value in response.headers if name.lower() not in _HOP_BY_HOP]
    named = {name.lower() for name, _ in headers}
    headers = [
        (name, _JSON if name.lower() == "content-type" and value.lower() == "application/json" else value)
        for name, value in headers
    ]
    if "content-type" not in named:
        headers.append(("content-type", _JSON))
    headers.append(("x-amz-apigw-id", request_id))
    why = f"the handler answered {response.status}"
    return Refuse(response.status, tuple(headers), response.body or b"", why)


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        return None
    return value


def _header_pairs(document: dict[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """``headers`` then ``multiValueHeaders``; None when either has another shape, or could split the response."""
    pairs: list[tuple[str, object]] = []
    single, multiple = document.get("headers") or {}, document.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        return None
    pairs.extend(single.items())
    for name, values in multiple.items():
        if not isinstance(values, list):
            return None
        pairs.extend((name, value) for value in values)
    cleaned = tuple((name, _header_value(value)) for name, value in pairs)
    if any(not _is_token(name) or "\r" in value or "\n" in value or "\0" in value for name, value in cleaned):
        return None
    return cleaned


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _is_token(name: str) -> bool:
    return bool(name) and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)


def _decode(body: str) -> bytes | None:
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _error_message(payload: bytes) -> str:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return payload[:200].decode("utf-8", "replace")
    if not isinstance(document, dict):
        return str(document)[:200]
    kind, text = document.get("errorType"), document.get("errorMessage")
    return ": ".join(str(part) for part in (kind, text) if part)[:500] or "failed"
