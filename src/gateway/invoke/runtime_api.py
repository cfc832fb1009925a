"""The Lambda Runtime API (2018-06-01) for one function process, on a loopback port of its own.

The listener is the identity: whoever speaks on it is taken for that process. It is a port that all of this machine
can connect to, so who does is looked at first, and nobody else is heard. Status codes and bodies are those of the real
service; whose turn it is, is the dialogue's matter.
"""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64decode
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES, TOO_LARGE, Dialogue, Refusal, RuntimeEvent
from gateway.invoke.runtime_http import HttpConnection, Request, head
from gateway.invoke.runtime_values import ascii_json, one_line
from gateway.ports import Address

HOST: Final = "127.0.0.1"
PREFIX: Final = b"/2018-06-01/runtime/"
ERROR_TYPE: Final = b"lambda-runtime-function-error-type"
ERROR_BODY: Final = b"lambda-runtime-function-error-body"
RESPONSE_MODE: Final = b"lambda-runtime-function-response-mode"
_JSON: Final = b"application/json"
_BACKLOG: Final = 8


class Admits(Protocol):
    """Whether the far end of a connection is the function's process."""

    def __call__(self, far: Address, near: Address) -> bool: ...


class RuntimeEndpoint:
    """``await RuntimeEndpoint.open(dialogue)`` has a port, where connections wait until ``serve`` says whose they may
    be; ``close`` frees it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._admits: Admits | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    @classmethod
    async def open(cls, dialogue: Dialogue) -> RuntimeEndpoint:
        endpoint = cls(dialogue)
        listener = socket.create_server((HOST, 0), backlog=_BACKLOG)
        create = asyncio.get_running_loop().create_server
        try:
            endpoint._server = await create(endpoint._connect, sock=listener, start_serving=False)
        except BaseException:  # cancelled: the port must not stay open
            endpoint.close()
            listener.close()
            raise
        return endpoint

    async def serve(self, admits: Admits) -> None:
        """Take connections, those that wait already included."""
        assert self._server is not None
        self._admits = admits
        await self._server.start_serving()

    @property
    def address(self) -> str:
        """The value of ``AWS_LAMBDA_RUNTIME_API``."""
        assert self._server is not None
        return f"{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            client.connection.close()

    def _connect(self) -> HttpConnection:
        client = _Client(self._dialogue, self._clients, self._is_ours)
        return client.connection

    def _is_ours(self, transport: asyncio.Transport) -> bool:
        far, near = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if far is not None and self._admits is not None and self._admits(far, near):
            return True
        self._dialogue.intrude()
        return False


class _Client:
    """One connection to the Runtime API: a ``dialogue.Client``."""

    def __init__(
        self, dialogue: Dialogue, all_clients: set[_Client], admits: Callable[[asyncio.Transport], bool]
    ) -> None:
        self._dialogue = dialogue
        self._all = all_clients
        self.connection = HttpConnection(self._serve, self._lost, MAX_RESPONSE_BYTES, admits)
        all_clients.add(self)

    @property
    def is_open(self) -> bool:
        return self.connection.is_open

    def give(self, event: RuntimeEvent) -> None:
        self.connection.respond(_event_response(event))

    def _lost(self) -> None:
        self._all.discard(self)
        self._dialogue.lose(self)

    def _serve(self, request: Request) -> None:
        if self._dialogue.is_closed:
            self.connection.close()
            return
        match request.method, *request.path.removeprefix(PREFIX).split(b"/"):
            case b"GET", b"invocation", b"next":
                self._refuse(self._dialogue.next(self))
            case b"POST", b"invocation", request_id, b"response":
                self._response(request_id, request)
            case b"POST", b"invocation", request_id, b"error":
                self._error(request_id, request)
            case b"POST", b"init" | b"restore", b"error":
                self._init_error(request)
            case b"GET", b"restore", b"next":  # nothing is ever snapshot, so it is restored at once
                self.connection.respond(head(HTTPStatus.OK, _JSON, 0))
            case _:
                self._refuse(Refusal(HTTPStatus.NOT_FOUND, "NotFound", "404 page not found"))

    def _response(self, request_id: bytes, request: Request) -> None:
        dialogue = self._dialogue
        if self._refuse(dialogue.may_answer(request_id.decode("latin-1"), "InvocationResponse")):
            return
        if request.body_bytes > MAX_RESPONSE_BYTES:
            self._refuse(Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", TOO_LARGE))
            dialogue.respond_too_large(request.body_bytes)
        elif not request.headers:
            self.connection.respond(_ACCEPTED)
            dialogue.respond(request.body)
        elif request.headers.get(RESPONSE_MODE, b"streaming") != b"streaming":
            text = "Invalid function response mode"
            self._refuse(Refusal(HTTPStatus.BAD_REQUEST, "InvalidFunctionResponseMode", text))
            dialogue.fail("Runtime.InvalidResponseModeHeader", b"")
        elif ERROR_TYPE in request.headers:  # the trailers of a stream that broke off
            self.connection.respond(_ACCEPTED)
            dialogue.fail(_error_type(request), _error_body(request))
        else:
            self.connection.respond(_ACCEPTED)
            dialogue.respond(request.body)

    def _error(self, request_id: bytes, request: Request) -> None:
        if not self._refuse(self._dialogue.may_answer(request_id.decode("latin-1"), "InvocationErrorResponse")):
            self.connection.respond(_ACCEPTED)
            self._dialogue.fail(_error_type(request), request.body)

    def _init_error(self, request: Request) -> None:
        if not self._refuse(self._dialogue.may_fail_init()):
            self.connection.respond(_ACCEPTED)
            self._dialogue.fail_init(_error_type(request), request.body)

    def _refuse(self, refusal: Refusal | None) -> bool:
        """Whether it was refused, and so answered."""
        if refusal is None:
            return False
        document = {"errorMessage": refusal.text, "errorType": refusal.error_type}
        body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        self.connection.respond(head(refusal.status, _JSON, len(body)) + body)
        return True


def _error_type(request: Request) -> str:
    return request.headers.get(ERROR_TYPE, b"").decode("latin-1")


def _error_body(request: Request) -> bytes:
    encoded = request.headers.get(ERROR_BODY, b"")
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        return encoded


def _event_response(event: RuntimeEvent) -> bytes:
    context = event.client_context
    more = "" if context is None else f"Lambda-Runtime-Client-Context: {ascii_json(context)}\r\n"
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {event.request_id}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {event.deadline_ms}\r\n"
        f"Lambda-Runtime-Invoked-Function-Arn: {event.function_arn}\r\n"
        f"Lambda-Runtime-Trace-Id: {one_line(event.trace_id)}\r\n{more}"
        f"Content-Length: {len(event.payload)}\r\n\r\n"
    ).encode() + event.payload


_OK_BODY: Final = b'{"status":"OK"}\n'
_ACCEPTED: Final = head(HTTPStatus.ACCEPTED, _JSON, len(_OK_BODY)) + _OK_BODY
