"""One call of a handler and the closed set of ways it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.api import LambdaTarget, Route
from gateway.model.ids import ConnectionId, RequestId


class Purpose(Enum):
    """Why a handler is called."""

    AUTHORIZE = "AUTHORIZE"
    CONNECT = "CONNECT"
    MESSAGE = "MESSAGE"
    DISCONNECT = "DISCONNECT"


@dataclass(frozen=True, slots=True)
class Invocation:
    """``payload`` is the event as JSON; ``timeout_ms`` how long the caller waits (the function may run on, as on AWS);
    ``request_id`` is the event's, and correlates the result with the frame or response it leads to."""

    purpose: Purpose
    connection_id: ConnectionId
    request_id: RequestId
    route: Route
    target: LambdaTarget
    payload: bytes
    timeout_ms: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler returned; ``payload`` is its JSON."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class FunctionError:
    """The handler failed (threw, exited, timed out by its own ``Timeout``, could not start); ``payload`` is Lambda's
    error JSON with ``errorType`` and ``errorMessage``, ``kind`` is ``Handled`` or ``Unhandled``."""

    payload: bytes
    kind: str = "Unhandled"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The integration timeout passed before the handler answered."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """No concurrency was left (Lambda's 429)."""

    reason: str = "ReservedFunctionConcurrentInvocationLimitExceeded"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The function does not exist, may not be invoked, or cannot be reached."""

    reason: str


InvocationResult = Returned | FunctionError | TimedOut | Throttled | Unavailable
