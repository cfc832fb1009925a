"""How an exchange ended, as the logs of a stage tell it: the status, and the gateway's own error where there is one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.engine.responses import Failure, ProxyResponse, Refuse
from gateway.model.backend import BackendRequest
from gateway.model.invocation import FunctionResult, InvocationResult


class ResponseType(Enum):
    """``$context.error.responseType`` (parity 10). THROTTLED and QUOTA_EXCEEDED are assumed: REST APIs have them."""

    ACCESS_DENIED = "ACCESS_DENIED"
    MISSING_AUTHENTICATION_TOKEN = "MISSING_AUTHENTICATION_TOKEN"  # noqa: S105 - no secret
    BAD_REQUEST_BODY = "BAD_REQUEST_BODY"
    BAD_REQUEST_PARAMETERS = "BAD_REQUEST_PARAMETERS"
    UNAUTHORIZED = "UNAUTHORIZED"
    AUTHORIZER_FAILURE = "AUTHORIZER_FAILURE"
    AUTHORIZER_CONFIGURATION_ERROR = "AUTHORIZER_CONFIGURATION_ERROR"
    API_CONFIGURATION_ERROR = "API_CONFIGURATION_ERROR"
    INTEGRATION_FAILURE = "INTEGRATION_FAILURE"
    INTEGRATION_TIMEOUT = "INTEGRATION_TIMEOUT"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    THROTTLED = "THROTTLED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    DEFAULT_5XX = "DEFAULT_5XX"


class Phase(Enum):
    """How far an exchange had come when the gateway gave it up."""

    ADMISSION = "ADMISSION"
    AUTHORIZER = "AUTHORIZER"
    MAPPING = "MAPPING"
    INTEGRATION = "INTEGRATION"


@dataclass(frozen=True, slots=True)
class Error:
    """The gateway's own error: ``message`` is what the client reads (None: ``null``), ``why`` what whoever reads the
    log should know beside it."""

    message: str | None
    response_type: ResponseType
    why: str = ""


@dataclass(frozen=True, slots=True)
class Integrated:
    """The backend was called: what it was asked, what it answered and after how long."""

    request: BackendRequest
    result: InvocationResult
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Authorized:
    """The authorizer was called; ``has_refused`` whether that was the end of the exchange."""

    result: FunctionResult
    latency_ms: int
    has_refused: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status`` is the integration's, else the gateway's own; None when the client left before there was one."""

    status: int | None
    error: Error | None = None
    integrated: Integrated | None = None
    authorizer: Authorized | None = None


MALFORMED: Final = "Malformed Lambda proxy response"  # AWS's words
_BY_MESSAGE: Final = {
    "Missing Authentication Token": ResponseType.MISSING_AUTHENTICATION_TOKEN,
    "Bad request body": ResponseType.BAD_REQUEST_BODY,
    "Limit Exceeded": ResponseType.QUOTA_EXCEEDED,
}
_BY_STATUS: Final = {
    400: ResponseType.BAD_REQUEST_PARAMETERS,
    401: ResponseType.UNAUTHORIZED,
    403: ResponseType.ACCESS_DENIED,
    413: ResponseType.REQUEST_TOO_LARGE,
    429: ResponseType.THROTTLED,
}


def response_type(status: int, message: str | None, phase: Phase) -> ResponseType:
    """The name that AWS's logs have for one of the gateway's own errors."""
    found = _BY_MESSAGE.get(message or "") or _BY_STATUS.get(status)
    if found is not None:
        return found
    match phase:
        case Phase.INTEGRATION:
            return ResponseType.INTEGRATION_TIMEOUT if status == 504 else ResponseType.INTEGRATION_FAILURE
        case Phase.MAPPING:
            return ResponseType.API_CONFIGURATION_ERROR
        case Phase.AUTHORIZER:
            no_message = ResponseType.AUTHORIZER_CONFIGURATION_ERROR
            return no_message if message is None else ResponseType.AUTHORIZER_FAILURE
        case Phase.ADMISSION:
            return ResponseType.DEFAULT_5XX


def refusal_error(refusal: Refuse, phase: Phase) -> Error:
    """The gateway's own refusal of a handshake; its message is in the body that the client gets."""
    message = message_of(refusal.body)
    return Error(message, response_type(refusal.status, message, phase), refusal.why)


def failure_error(failure: Failure, phase: Phase) -> Error:
    """A call without a usable answer."""
    why = MALFORMED if failure.is_malformed else failure.why
    return Error(failure.message, response_type(failure.status, failure.message, phase), why)


def message_of(body: bytes) -> str | None:
    """The message of one of the gateway's own documents, either spelling; None when it is null or there is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    message = document.get("message", document.get("Message"))
    return message if isinstance(message, str) else None


def is_handlers_own(answer: ProxyResponse | Failure | None) -> bool:
    """Whether a refusal that followed is the handler's, by the status it chose, rather than the gateway's."""
    return isinstance(answer, ProxyResponse) and not 200 <= answer.status <= 299
