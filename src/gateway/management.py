"""The ``@connections`` management API: PostToConnection, GetConnection, DeleteConnection (parity 7).

Framework-free: an HTTP request in, a response out, with AWS's statuses, headers and bodies. Order of checks as on
AWS: path, connection ID, authentication, then the connection itself.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from urllib.parse import unquote

from gateway.access.policy import Access
from gateway.access.principal import Principals
from gateway.access.request_context import request_context
from gateway.access.signature import Refusal
from gateway.access.sigv4 import Realm, authenticate
from gateway.engine.closing import read_close
from gateway.engine.connection_call import ConnectionCall
from gateway.engine.directory import ConnectionPath, Directory
from gateway.engine.endpoint import Endpoint
from gateway.engine.responses import RETRY_AFTER_S
from gateway.journal import StageJournal
from gateway.model import ids
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.limits import Limits
from gateway.model.peer import ANSWERS, ConnectionInfo, DeleteIt, GetInfo, OneRequest, Outcome, PeerAnswer, PostTo
from gateway.node import Node
from gateway.ports import Clock, HttpAnswer, Ids
from gateway.reach import Reaching

# Assumed (parity 1.3): one emulator answers 403, a test written for AWS expects 426, which says what is missing.
UPGRADE_REQUIRED: Final = HttpResponse(
    426,
    (("content-type", "application/json"), ("upgrade", "websocket"), ("sec-websocket-version", "13")),
    b'{"message":"Upgrade Required"}',
)
UNMATCHED_STATUS: Final = 404  # assumed; the text is captured (parity 7.4)
FRAME_HEADER: Final = "X-Fleet-Frame"  # an extension: AWS ignores it
MANAGE: Final = "execute-api:ManageConnections"
CONNECTION: Final = "@connections/{connectionId}"  # literally, as on AWS: a policy cannot name one connection
_METHODS: Final = frozenset({"POST", "GET", "DELETE"})


class Fault(Enum):
    """What the API can answer instead of a result: status, ``x-amzn-ErrorType``, message (None: an empty body)."""

    FORBIDDEN = (403, "ForbiddenException", "Forbidden")
    MISSING_TOKEN = (403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    GONE = (410, "GoneException", None)
    LIMIT_EXCEEDED = (429, "LimitExceededException", "Client side buffer is full")
    TOO_MANY_REQUESTS = (429, "LimitExceededException", "Too Many Requests")  # the message is assumed; parity 7.4
    # Of a fleet only; SDKs try again after either.
    UNREACHABLE = (500, "InternalServerErrorException", "Internal server error")
    FENCED = (503, "ServiceUnavailableException", "Service Unavailable")


_FAULTS: Final = {
    Outcome.GONE: Fault.GONE,
    Outcome.LIMITED: Fault.LIMIT_EXCEEDED,
    Outcome.UNREACHABLE: Fault.UNREACHABLE,
    Outcome.FENCED: Fault.FENCED,
    Outcome.IN_MANY: Fault.FORBIDDEN,  # nobody joins a group here
    Outcome.UNSUPPORTED: Fault.FENCED,  # in the middle of an update: worth another try too
}


@dataclass(frozen=True, slots=True)
class IdCheck:
    """Tells an invented connection ID from one that was issued with the fleet's ``key``."""

    key: bytes

    def owner(self, connection_id: str) -> NodeNumber | None:
        """The node that issued it, None when none did."""
        return ids.owner_of(connection_id, self.key)


@dataclass(frozen=True, slots=True)
class Guard:
    """Believes a signature only from one of ``principals`` and within their policies (parity 7.4, 7.5)."""

    principals: Principals
    clock: Clock

    def refusal(
        self, request: HttpRequest, endpoint: Endpoint, action: str = MANAGE, what: str = CONNECTION
    ) -> Refusal | None:
        """Why this caller may not do it, None when it may; ``what`` is the part of the resource behind the method."""
        now_ms = self.clock.now().wall_ms
        signed = authenticate(request, Realm(endpoint.region, endpoint.account_id), self.principals, now_ms)
        if isinstance(signed, Refusal):
            return signed
        if signed.principal.may_do_everything:
            return None
        resource = endpoint.method_arn(f"{request.method}/{what}")
        context = request_context(request.source_ip, request.secure, request.header("user-agent"), now_ms)
        return signed.refusal(Access(resource, action, context))


class ManagementApi:
    """The plain-HTTP side of the front door. ``max_body_bytes`` is PostToConnection's limit (parity 8); ``journal`` is
    None when no stage's logs are kept, ``guard`` when whoever signs is believed."""

    def __init__(
        self,
        node: Node,
        reach: Reaching,
        check: IdCheck,
        fresh: Ids,
        journal: StageJournal | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._node = node
        self._reach = reach
        self._guard = guard
        self._check = check
        self._ids = fresh
        self._journal = journal

    @property
    def max_body_bytes(self) -> int:
        return self._node.limits.max_message_bytes

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request, at once where the connection is here; neither way raises."""
        directory: Directory = self._node.directory
        found = directory.for_connections(request.raw_path, request.host)
        if found is None:
            return self._elsewhere(directory, request)
        owner = self._admitted(request, found)
        if isinstance(owner, HttpResponse):
            return self._told(request, found, owner)
        asked = self._request(request, found)
        if isinstance(asked, str):
            return self._told(request, found, self._bad_request(asked))
        answer = self._reach.ask(owner, asked)
        if isinstance(answer, ANSWERS):
            return self._told(request, found, self._response(request.method, answer))
        return self._handle_later(request, found, answer)

    async def _handle_later(
        self, request: HttpRequest, found: ConnectionPath, asked: Coroutine[Any, Any, PeerAnswer]
    ) -> HttpResponse:
        return self._told(request, found, self._response(request.method, await asked))

    def _request(self, request: HttpRequest, found: ConnectionPath) -> OneRequest | str:
        """What is asked for, or what is wrong with it."""
        api_id, connection_id = found.endpoint.api.api_id, ConnectionId(found.connection_id)
        if request.method == "GET":
            return GetInfo(api_id, connection_id)
        if request.method == "DELETE":
            close = read_close(request.query)
            return close if isinstance(close, str) else DeleteIt(api_id, connection_id, *close)
        binary = is_binary(request, self._node.limits)
        return binary if isinstance(binary, str) else PostTo(api_id, connection_id, request.body, binary)

    def _admitted(self, request: HttpRequest, found: ConnectionPath) -> NodeNumber | HttpResponse:
        """Whose connection it is, when this caller may do this now; else the refusal."""
        owner = self._check.owner(found.connection_id)
        if owner is None:
            return self._bad_request(f"Invalid connectionId: {found.connection_id}")
        if request.method not in _METHODS or (self._guard is None and not is_signed(request)):
            return self._fault(Fault.MISSING_TOKEN)
        refusal = None if self._guard is None else self._guard.refusal(request, found.endpoint)
        if refusal is not None:
            return self._error(403, refusal.error_type, _message(refusal.message, refusal.member))
        return owner if self._node.admits_call() else self._fault(Fault.TOO_MANY_REQUESTS)

    def _response(self, method: str, answer: PeerAnswer) -> HttpResponse:
        if isinstance(answer, ConnectionInfo):
            return self._success(200, info_document(answer))
        assert isinstance(answer, Outcome), "one connection was asked about"
        if answer is Outcome.DONE:
            return self._success(204 if method == "DELETE" else 200)
        return self._fault(_FAULTS[answer])

    def _told(self, request: HttpRequest, found: ConnectionPath, response: HttpResponse) -> HttpResponse:
        if self._journal is not None:
            self._log(self._journal, request, found, response)
        return response

    def _log(self, journal: StageJournal, request: HttpRequest, found: ConnectionPath, response: HttpResponse) -> None:
        """AWS does not always log a 413 (parity 10), so ``too_large`` does not come here."""
        endpoint = found.endpoint
        deployment = self._node.directory.get(endpoint.api.api_id, endpoint.stage.stage_name)
        if deployment is None or deployment.logging is None:
            return
        headers = dict(response.headers)
        call = ConnectionCall(
            endpoint=endpoint,
            method=request.method,
            connection_id=found.connection_id,
            request_id=headers.get("x-amzn-RequestId", ""),
            extended_request_id=headers.get("x-amz-apigw-id", ""),
            at_ms=journal.clock.now().wall_ms,
            source_ip=request.source_ip,
            user_agent=request.header("user-agent"),
            status=response.status,
            fault=headers.get("x-amzn-ErrorType"),
            request_body=request.body,
            response_body=response.body,
        )
        journal.call(deployment.logging, call)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        """413 with an empty body, no error type and no ``x-amzn-RequestId`` (parity 7.4)."""
        del request
        return HttpResponse(413, (("x-amz-apigw-id", self._ids.request_id()),))

    def _elsewhere(self, directory: Directory, request: HttpRequest) -> HttpResponse:
        """A path that is no connection's; on a custom domain AWS says so in other words (parity 1.1)."""
        if directory.for_handshake(request.raw_path, request.host) is not None:
            return UPGRADE_REQUIRED
        if not directory.is_custom_domain(request.host):
            return self._fault(Fault.FORBIDDEN)
        path = unquote(request.raw_path).lstrip("/")
        text = f"No method found matching route {path} for http method {request.method}."
        return self._error(UNMATCHED_STATUS, "NotFoundException", _message(text))

    def _success(self, status: int, body: bytes = b"") -> HttpResponse:
        headers = (
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", self._ids.uuid()),
            ("x-amz-apigw-id", self._ids.request_id()),
            ("X-Amzn-Trace-Id", self._ids.trace_id()),
        )
        return HttpResponse(status, headers, body)

    def _fault(self, fault: Fault) -> HttpResponse:
        status, error_type, message = fault.value
        response = self._error(status, error_type, b"" if message is None else _message(message))
        if status != 503:
            return response
        return replace(response, headers=(*response.headers, ("Retry-After", RETRY_AFTER_S)))

    def _bad_request(self, message: str) -> HttpResponse:
        return self._error(400, "BadRequestException", _message(message))

    def _error(self, status: int, error_type: str, body: bytes) -> HttpResponse:
        headers = (
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", self._ids.uuid()),
            ("x-amzn-ErrorType", error_type),
            ("x-amz-apigw-id", self._ids.request_id()),
        )
        return HttpResponse(status, headers, body)


def is_signed(request: HttpRequest) -> bool:
    """Whether a SigV4 signature is present, in the header or the query; it is not verified here."""
    authorization = request.header("authorization") or ""
    return authorization.startswith("AWS4-HMAC-SHA256 ") or "X-Amz-Signature=" in request.query


def is_binary(request: HttpRequest, limits: Limits) -> bool | str:
    """Whether a post is to be sent as a BINARY message; why it cannot be, where the setting forbids it."""
    if (request.header(FRAME_HEADER) or "").lower() != "binary":
        return False
    return limits.binary or f"{FRAME_HEADER}: binary needs the setting binary = on"


def info_document(info: ConnectionInfo) -> bytes:
    """GetConnection's body, to the byte as captured (parity 7.1); no ``userAgent`` when the client sent none."""
    identity = {"sourceIp": info.source_ip}
    if info.user_agent is not None:
        identity["userAgent"] = info.user_agent
    document = {
        "identity": identity,
        "connectedAt": iso_time(info.connected_at_ms),
        "lastActiveAt": iso_time(info.last_active_at_ms),
    }
    return json.dumps(document, ensure_ascii=False, indent=2, separators=(",", " : ")).encode("utf-8")


def iso_time(epoch_ms: int) -> str:
    """``2026-09-25T00:22:29.887Z``."""
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03}Z"


def _message(text: str, member: str = "message") -> bytes:
    return json.dumps({member: text}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
