"""Execution log lines in AWS's own wording (parity 10), each with its time; a line is cut at 1,024 bytes.

Payloads appear only where the stage asks for a data trace, and without what they carry of credentials. AWS's lines
that name the request ID of a Lambda invocation are left out: whoever runs the function knows it, the gateway does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.engine.connection_call import GONE, ConnectionCall
from gateway.engine.exchange import EventType, Exchange
from gateway.engine.log_text import cut, masked, one_line
from gateway.engine.outcome import Error, Integrated, Outcome, ResponseType
from gateway.engine.redaction import redacted
from gateway.model.backend import LambdaRequest, MockRequest
from gateway.model.ids import RouteKey
from gateway.model.invocation import Answered, FunctionError, Returned, TimedOut
from gateway.model.limits import MAX_LOG_LINE_BYTES

_CONFIGURATION: Final = frozenset(
    {
        ResponseType.API_CONFIGURATION_ERROR,
        ResponseType.AUTHORIZER_CONFIGURATION_ERROR,
        ResponseType.AUTHORIZER_FAILURE,
        ResponseType.INTEGRATION_FAILURE,
        ResponseType.DEFAULT_5XX,
    }
)

_LONGEST_READ: Final = 1024 * 1024  # an event of the longest message that AWS takes, whose every byte is escaped

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Verbosity:
    """What a route's ``LoggingLevel`` and ``DataTraceEnabled`` come to; a data trace needs INFO."""

    errors: bool = False
    info: bool = False
    data: bool = False


SILENT: Final = Verbosity()


class _Lines:
    """Collects; ``at_ms`` is the Unix time of what is added next."""

    def __init__(self, request_id: str, verbosity: Verbosity, at_ms: int) -> None:
        self._prefix = f"({request_id}) "
        self._verbosity = verbosity
        self.at_ms = at_ms
        self.found: list[Line] = []

    def info(self, text: str) -> None:
        if self._verbosity.info:
            self._add(text)

    def error(self, text: str) -> None:
        if self._verbosity.errors:
            self._add(text)

    def trace(self, text: str, payload: bytes | None = None) -> None:
        if self._verbosity.data:
            self._add(text if payload is None else f"{text}: {_shown(payload)}")

    def _add(self, text: str) -> None:
        """Cut before it is escaped too: a long payload of control characters would take the loop half a second."""
        line = self._prefix + one_line(cut(text, MAX_LOG_LINE_BYTES))
        self.found.append((self.at_ms, cut(line, MAX_LOG_LINE_BYTES)))


def _shown(payload: bytes) -> str:
    """Without credentials; of one that is longer than any on AWS its length alone, for all of it would have to be
    read for them."""
    if len(payload) > _LONGEST_READ:
        return f"[{len(payload)} bytes]"
    return redacted(payload)[:MAX_LOG_LINE_BYTES].decode("utf-8", "replace")


def exchange_lines(exchange: Exchange, outcome: Outcome, verbosity: Verbosity, ended_ms: int) -> list[Line]:
    """What AWS would write of this exchange, in order. ``ended_ms`` is Unix time."""
    lines = _Lines(exchange.occasion.request_id, verbosity, exchange.occasion.now_ms)
    _begun(lines, exchange)
    if outcome.integrated is not None:
        _asked(lines, outcome.integrated)
    lines.at_ms = ended_ms
    if outcome.integrated is not None:
        _answered(lines, outcome.integrated)
    if outcome.error is not None:
        _failed(lines, outcome.error, outcome.integrated)
    elif outcome.status is not None and outcome.status >= 400:
        lines.error(f"Integration returned status: {outcome.status}")
    if (end := _end(exchange, outcome)) is not None:
        lines.info(end)
    return lines.found


def connection_call_lines(call: ConnectionCall, verbosity: Verbosity) -> list[Line]:
    """The same for a call of the management API."""
    lines = _Lines(call.request_id, verbosity, call.at_ms)
    lines.info(f"Extended Request Id: {call.extended_request_id}")
    lines.info(f"Starting execution for request: {call.request_id}")
    lines.info(f"WebSocket Request Route: [{call.route_key}]")
    if call.request_body:
        lines.trace("Connection API request body", call.request_body)
    if call.fault is None and call.response_body:
        lines.trace("Connection API response body", call.response_body)
    if call.status == GONE:
        lines.error(f"Connection API request failed: {call.fault}")
    elif call.error is not None:
        lines.error(f"Execution failed: {call.error.message or call.fault}")
    lines.info(f"Connection API request completed with status: {call.status}")
    return lines.found


def _begun(lines: _Lines, exchange: Exchange) -> None:
    request_id, connection = exchange.occasion.request_id, exchange.connection
    lines.info(f"Extended Request Id: {request_id}")
    _usage_plan(lines, exchange)
    lines.info(f"Starting execution for request: {request_id}")
    lines.info(f"WebSocket Request Route: [{exchange.route_key}]")
    if exchange.event_type is EventType.CONNECT:
        client = f"UserAgent: {connection.user_agent}, SourceIp: {connection.source_ip}"
        lines.info(f"Client [{client}] is connecting to WebSocket API [{connection.api_id}].")
    elif exchange.event_type is EventType.MESSAGE:
        received = f"received message from client [Connection Id: {connection.connection_id}]."
        lines.info(f"WebSocket API [{connection.api_id}] {received}")


def _usage_plan(lines: _Lines, exchange: Exchange) -> None:
    route = exchange.endpoint.api.route(RouteKey(exchange.route_key))
    needs_key = route is not None and route.api_key_required
    key = masked((exchange.connection.identity or {}).get("apiKey", "")) if needs_key else ""
    api_key = f"API Key {key}".rstrip()
    stage = f"{exchange.connection.api_id}/{exchange.connection.stage}"
    verifying = f"Verifying Usage Plan for request: {exchange.occasion.request_id}."
    lines.info(f"{verifying} {api_key.replace('Key', 'Key:')} API Stage: {stage}")
    if not needs_key:
        why = f"because route '{exchange.route_key}' does not require API Key."
        lines.info(f"{api_key} authorized {why} Request will not contribute to throttle or quota limits")
    if key or not needs_key:
        lines.info(f"Usage Plan check succeeded for {api_key} and API Stage {stage}")


def _asked(lines: _Lines, integrated: Integrated) -> None:
    request = integrated.request
    if not isinstance(request, MockRequest):
        body = request.payload if isinstance(request, LambdaRequest) else request.body
        lines.trace("Endpoint request body after transformations", body)


def _answered(lines: _Lines, integrated: Integrated) -> None:
    result = integrated.result
    if isinstance(result, Returned | FunctionError):
        status, payload = 200, result.payload  # Lambda's own answer, also when the handler threw
    elif isinstance(result, Answered) and not isinstance(integrated.request, MockRequest):
        status, payload = result.status, result.body
    else:
        return
    lines.trace(f"Received response. Status: {status}, Integration latency: {integrated.latency_ms} ms")
    lines.trace("Endpoint response body before transformations", payload)


def _failed(lines: _Lines, error: Error, integrated: Integrated | None) -> None:
    """Why, then what the client was told."""
    if (cause := _cause(error, integrated)) is not None:
        lines.error(cause)
    lines.error(f"Execution failed: {error.message or error.why}")


def _cause(error: Error, integrated: Integrated | None) -> str | None:
    """In AWS's words, None where it has none."""
    result = None if integrated is None else integrated.result
    if isinstance(result, TimedOut):
        return "Execution failed due to a timeout error"
    if isinstance(result, FunctionError):
        return f"Lambda execution failed due to customer function error: {error.why}"
    if error.why and error.response_type is ResponseType.BAD_REQUEST_BODY:
        return f"Request body does not match model schema for content type application/json: [{error.why}]"
    if error.why and error.message is not None and error.response_type in _CONFIGURATION:
        return f"Execution failed due to configuration error: {error.why}"
    return None


def _end(exchange: Exchange, outcome: Outcome) -> str | None:
    connection, status = exchange.connection, outcome.status
    client, api = f"[Connection Id: {connection.connection_id}]", f"API [{connection.api_id}]"
    match exchange.event_type:
        case EventType.CONNECT if status is not None and 200 <= status <= 299:
            return f"Client {client} connected to {api} successfully."
        case EventType.MESSAGE if outcome.integrated is not None:
            return f"Message from client {client} sent to {api} with response status code [{status}]."
        case EventType.DISCONNECT:
            code, reason = exchange.close or (None, "")
            answered = f" with integration response status code [{status}]" if outcome.integrated is not None else ""
            return f"Client {client} disconnected from {api}{answered}. Close reason: [{code}: {reason}]"
        case _:
            return None
