"""The Lambda Runtime API (2018-06-01) for one function process, on a loopback port of its own.

The listener is the identity: whoever speaks on it is taken for that process. One client at a time gets events; the
others are refused, and the owner of this endpoint hears of it. Request ids cannot be guessed, so nobody else answers.
Status codes, error types and texts are the real service's. Knows nothing of processes, queues or timeouts.
"""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64decode
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol

from gateway.invoke.runtime_http import HttpConnection, Request, head
from gateway.model.limits import MAX_LAMBDA_RESPONSE_BYTES

MAX_RESPONSE_BYTES: Final = MAX_LAMBDA_RESPONSE_BYTES + 100  # what the service really takes, and says in its error
HOST: Final = "127.0.0.1"
PREFIX: Final = b"/2018-06-01/runtime/"
ERROR_TYPE: Final = b"lambda-runtime-function-error-type"
ERROR_BODY: Final = b"lambda-runtime-function-error-body"
RESPONSE_MODE: Final = b"lambda-runtime-function-response-mode"
_JSON: Final = b"application/json"
_BACKLOG: Final = 8
_NOT_ALLOWED: Final = "State transition from %s to %s failed for runtime. Error: State transition is not allowed"


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """One event for the runtime; ``deadline_ms`` is Unix time in milliseconds."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str
    client_context: str | None = None


class Runtime(Protocol):
    """Who owns the endpoint, and hears what the runtime says. No method blocks or raises."""

    def polled(self) -> None:
        """The runtime waits for an event: ``offer`` may be called, once."""

    def poll_lost(self) -> None:
        """The runtime went away while it waited."""

    def responded(self, body: bytes) -> None: ...

    def response_too_large(self, size: int) -> None: ...

    def failed(self, error_type: str, body: bytes) -> None: ...

    def init_failed(self, error_type: str, body: bytes) -> None: ...

    def intruded(self) -> None:
        """A second client asked for events and was refused."""


class RuntimeEndpoint:
    """``await RuntimeEndpoint.open(runtime)``; ``close`` frees the port."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._server: asyncio.Server | None = None
        self._connections: set[HttpConnection] = set()
        self._poll: HttpConnection | None = None  # waits for an event
        self._holder: HttpConnection | None = None  # was given the event that is not answered yet
        self._event: RuntimeEvent | None = None
        self._state = "Started"
        self._closed = False

    @classmethod
    async def open(cls, runtime: Runtime) -> RuntimeEndpoint:
        endpoint = cls(runtime)
        listener = socket.create_server((HOST, 0), backlog=_BACKLOG)
        create = asyncio.get_running_loop().create_server
        try:
            endpoint._server = await create(endpoint._connect, sock=listener, start_serving=False)
            await endpoint._server.start_serving()
        except BaseException:  # cancelled: the port must not stay open
            endpoint.close()
            listener.close()
            raise
        return endpoint

    @property
    def address(self) -> str:
        """The value of ``AWS_LAMBDA_RUNTIME_API``."""
        assert self._server is not None
        return f"{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def offer(self, event: RuntimeEvent) -> None:
        """Hand ``event`` to the runtime that polls."""
        connection, self._poll = self._poll, None
        assert connection is not None and self._event is None
        self._event = event
        self._give(connection)

    def close(self) -> None:
        """No call of the owner follows."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.close()

    def _connect(self) -> HttpConnection:
        connection = HttpConnection(self._serve, self._lost, MAX_RESPONSE_BYTES)
        self._connections.add(connection)
        return connection

    def _lost(self, connection: HttpConnection) -> None:
        self._connections.discard(connection)
        if connection is self._poll and not self._closed:
            self._poll = None
            self._runtime.poll_lost()

    def _serve(self, connection: HttpConnection, request: Request) -> None:
        if self._closed:
            connection.close()
            return
        match request.method, *request.path.removeprefix(PREFIX).split(b"/"):
            case b"GET", b"invocation", b"next":
                self._next(connection)
            case b"POST", b"invocation", request_id, b"response":
                self._response(connection, request_id, request)
            case b"POST", b"invocation", request_id, b"error":
                self._error(connection, request_id, request)
            case b"POST", b"init" | b"restore", b"error":
                self._init_error(connection, request)
            case b"GET", b"restore", b"next":  # nothing is ever snapshot, so it is restored at once
                connection.respond(head(HTTPStatus.OK, _JSON, 0))
            case _:
                connection.respond(_refusal(HTTPStatus.NOT_FOUND, "NotFound", "404 page not found"))

    def _next(self, connection: HttpConnection) -> None:
        others = {self._poll, self._holder} - {None, connection}
        if any(other is not None and other.is_open for other in others):
            connection.respond(self._transition_refused("Ready"))
            self._runtime.intruded()
        elif self._event is not None:
            self._give(connection)  # asked again without an answer, as the service does
        else:
            self._state = "Ready"
            self._poll = connection
            self._runtime.polled()

    def _give(self, connection: HttpConnection) -> None:
        assert self._event is not None
        self._state = "Running"
        self._holder = connection
        connection.respond(_event_response(self._event))

    def _response(self, connection: HttpConnection, request_id: bytes, request: Request) -> None:
        if not self._may_answer(connection, request_id, "InvocationResponse"):
            return
        if request.headers.get(RESPONSE_MODE, b"streaming") != b"streaming":
            connection.respond(
                _refusal(HTTPStatus.BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode")
            )
            self._answered(partial(self._runtime.failed, "Runtime.InvalidResponseModeHeader", b""))
        elif request.body_bytes > MAX_RESPONSE_BYTES:
            text = f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            connection.respond(_refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", text))
            self._answered(partial(self._runtime.response_too_large, request.body_bytes))
        elif ERROR_TYPE in request.headers:  # the trailers of a stream that broke off
            connection.respond(_ACCEPTED)
            self._answered(partial(self._runtime.failed, _error_type(request), _error_body(request)))
        else:
            connection.respond(_ACCEPTED)
            self._answered(partial(self._runtime.responded, request.body))

    def _error(self, connection: HttpConnection, request_id: bytes, request: Request) -> None:
        if self._may_answer(connection, request_id, "InvocationErrorResponse"):
            connection.respond(_ACCEPTED)
            self._answered(partial(self._runtime.failed, _error_type(request), request.body))

    def _may_answer(self, connection: HttpConnection, request_id: bytes, wanted: str) -> bool:
        if self._event is None:
            connection.respond(self._transition_refused(wanted))
        elif request_id.decode("latin-1") != self._event.request_id:
            connection.respond(_refusal(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID"))
        else:
            return True
        return False

    def _answered(self, tell: partial[None]) -> None:
        self._event = None
        self._holder = None
        self._state = "RuntimeResponseSentState"
        tell()

    def _init_error(self, connection: HttpConnection, request: Request) -> None:
        if self._state != "Started":
            connection.respond(self._transition_refused("InitError"))
            return
        self._state = "InitError"
        connection.respond(_ACCEPTED)
        self._runtime.init_failed(_error_type(request), request.body)

    def _transition_refused(self, wanted: str) -> bytes:
        return _refusal(HTTPStatus.FORBIDDEN, "InvalidStateTransition", _NOT_ALLOWED % (self._state, wanted))


def _error_type(request: Request) -> str:
    return request.headers.get(ERROR_TYPE, b"").decode("latin-1")


def _error_body(request: Request) -> bytes:
    encoded = request.headers.get(ERROR_BODY, b"")
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        return encoded


def _refusal(status: HTTPStatus, error_type: str, text: str) -> bytes:
    body = json.dumps({"errorMessage": text, "errorType": error_type}, separators=(",", ":")).encode() + b"\n"
    return head(status, _JSON, len(body)) + body


def _event_response(event: RuntimeEvent) -> bytes:
    lines = [
        f"Lambda-Runtime-Aws-Request-Id: {event.request_id}",
        f"Lambda-Runtime-Deadline-Ms: {event.deadline_ms}",
        f"Lambda-Runtime-Invoked-Function-Arn: {event.function_arn}",
        f"Lambda-Runtime-Trace-Id: {_one_line(event.trace_id)}",
    ]
    if event.client_context is not None:
        lines.append(f"Lambda-Runtime-Client-Context: {_ascii_json(event.client_context)}")
    more = "\r\n".join([*lines, ""]).encode("utf-8")
    return head(HTTPStatus.OK, _JSON, len(event.payload), more) + event.payload


def _one_line(text: str) -> str:
    """A header value that came from outside must not start a header of its own."""
    return text.replace("\r", " ").replace("\n", " ")


def _ascii_json(text: str) -> str:
    """The same JSON without line breaks and non-ASCII characters, which runtimes decode in different ways."""
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return _one_line(text)


_OK_BODY: Final = b'{"status":"OK"}\n'
_ACCEPTED: Final = head(HTTPStatus.ACCEPTED, _JSON, len(_OK_BODY)) + _OK_BODY
