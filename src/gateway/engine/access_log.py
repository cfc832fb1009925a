"""Access log lines (parity 5.3 and 10): a stage's compiled format filled with what is known of one exchange.

Whatever a client, a handler or an authorizer chose is escaped as the format needs it, so that it can neither
begin a line of its own nor end the JSON string or the XML element that it stands in. Where lines go is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from gateway.engine.connection_call import ConnectionCall
from gateway.engine.exchange import Exchange, clf_time
from gateway.engine.log_text import escaped, masked, one_line
from gateway.engine.outcome import Authorized, Error, Outcome, ResponseType
from gateway.expressions.log_format import LogFormat, Variable
from gateway.model.backend import MockRequest
from gateway.model.invocation import FunctionError, Returned

UNSET: Final = "-"  # parity 10
_OK: Final = "200"
_API_KEY: Final = "identity.apiKey"  # AWS writes it out; a log is no place for it
_XML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
# Already a JSON string, quotes and all: written as it is, unless the format puts it between quotes once more.
_QUOTED_BY_ITSELF: Final = "error.messageString"


class AccessLog:
    """One stage's format, ready to be filled."""

    __slots__ = ("_parts",)

    def __init__(self, log_format: LogFormat) -> None:
        self._parts = tuple(
            (part, None) if isinstance(part, str) else (part.name, _escape(log_format, part))
            for part in log_format.parts
        )

    def line(self, values: Mapping[str, str]) -> str:
        """One line without its end; what has no value, or an empty one, is ``-``."""
        return "".join(text if escape is None else escape(values.get(text) or UNSET) for text, escape in self._parts)


def exchange_values(exchange: Exchange, outcome: Outcome) -> dict[str, str]:
    """Every variable that is set, by its name after ``context.``.

    ``integration.*``, ``responseLength`` and ``responseLatency`` stay unset as in AWS's own rows, ``authenticate.*``
    and ``waf.*`` because nothing here is behind them.
    """
    values = exchange.context()
    if _API_KEY in values:
        values[_API_KEY] = masked(values[_API_KEY])
    if outcome.status is not None:
        values["status"] = str(outcome.status)
    if outcome.error is not None:
        values |= _error_values(outcome.error)
    if outcome.integrated is not None and not isinstance(outcome.integrated.request, MockRequest):
        values["integrationLatency"] = str(outcome.integrated.latency_ms)
    if outcome.authorizer is not None:
        values |= _authorizer_values(outcome.authorizer, outcome)
    return values


def connection_call_values(call: ConnectionCall) -> dict[str, str]:
    """The same for a call of the management API (parity 10: ``CONNECTION_API``)."""
    endpoint = call.endpoint
    known = {
        "apiId": endpoint.api.api_id,
        "connectionId": call.connection_id,
        "domainName": endpoint.domain_name,
        "eventType": "CONNECTION_API",
        "extendedRequestId": call.extended_request_id,
        "identity.sourceIp": call.source_ip,
        "identity.userAgent": call.user_agent or "",
        "requestId": call.request_id,
        "requestTime": clf_time(call.at_ms),
        "requestTimeEpoch": str(call.at_ms),
        "routeKey": call.route_key,
        "stage": endpoint.stage.stage_name,
        "status": str(call.status),
    }
    return known if call.error is None else known | _error_values(call.error)


def _error_values(error: Error) -> dict[str, str]:
    values = {"error.responseType": error.response_type.value}
    if error.message is not None:
        values["error.message"] = error.message
        values["error.messageString"] = json.dumps(error.message, ensure_ascii=False)
    if error.response_type is ResponseType.BAD_REQUEST_BODY and error.why:
        values["error.validationErrorString"] = error.why
    return values


def _authorizer_values(authorizer: Authorized, outcome: Outcome) -> dict[str, str]:
    """``authorizer.*`` is about the function, ``authorize.*`` about what its policy allows."""
    latency = str(authorizer.latency_ms)
    values = {"authorizer.latency": latency, "authorizer.integrationLatency": latency}
    if isinstance(authorizer.result, Returned | FunctionError):
        values["authorizer.integrationStatus"] = _OK  # Lambda's own answer, also when the handler threw
    if not authorizer.has_refused or outcome.error is None:
        return values | {"authorizer.status": _OK, "authorize.status": _OK, "authorize.latency": latency}
    status, message = str(outcome.status), outcome.error.message or outcome.error.why
    if outcome.status == 403:
        denied = {"authorize.status": status, "authorize.error": message, "authorize.latency": latency}
        return values | {"authorizer.status": _OK} | denied
    return values | {"authorizer.status": status, "authorizer.error": message}


def _escape(log_format: LogFormat, variable: Variable) -> Callable[[str], str]:
    if log_format.is_xml:
        return _escaped_for_xml
    if variable.name == _QUOTED_BY_ITSELF and not variable.is_quoted:
        return one_line
    return escaped


def _escaped_for_xml(value: str) -> str:
    return one_line(value).translate(_XML)
