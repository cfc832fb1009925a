"""One call of a backend and the closed set of ways it can end."""

from __future__ import annotations

from gateway.model.backend import BackendRequest, Pairs
from gateway.model.hot_value import hot_value
from gateway.model.ids import ConnectionId, RequestId


@hot_value
class Invocation:
    """``timeout_ms`` is how long the caller waits (a function may run on, as on AWS); ``request_id`` is the event's,
    and correlates the result with the frame or response it leads to."""

    connection_id: ConnectionId
    request_id: RequestId
    route_key: str
    request: BackendRequest
    timeout_ms: int
    trace_id: str


@hot_value
class Returned:
    """The function returned; ``payload`` is its JSON."""

    payload: bytes


@hot_value
class Answered:
    """A web server, a service or a mock answered; ``headers`` in the order and case of the wire."""

    status: int
    headers: Pairs = ()
    body: bytes = b""


@hot_value
class FunctionError:
    """The handler failed (threw, exited, timed out by its own ``Timeout``, could not start); ``payload`` is Lambda's
    error JSON with ``errorType`` and ``errorMessage``, ``kind`` is ``Handled`` or ``Unhandled``; ``never_ran`` when no
    handler was there to see the event."""

    payload: bytes
    kind: str = "Unhandled"
    never_ran: bool = False


@hot_value
class TimedOut:
    """The integration timeout passed before the backend answered."""


@hot_value
class Throttled:
    """No concurrency was left (Lambda's 429)."""

    reason: str = "ReservedFunctionConcurrentInvocationLimitExceeded"


@hot_value
class Unavailable:
    """The backend does not exist, may not be called, or cannot be reached."""

    reason: str


FunctionResult = Returned | FunctionError | TimedOut | Throttled | Unavailable
UpstreamResult = Answered | TimedOut | Unavailable
InvocationResult = FunctionResult | UpstreamResult
