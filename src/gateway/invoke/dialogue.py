"""Whose turn it is between this gateway and one runtime, whatever carries their words.

One client at a time gets events; the others are refused, and the owner hears of it. Request ids cannot be guessed, so
nobody else answers. Error types and texts of refusals are the real service's. Knows nothing of HTTP, frames, processes,
queues or timeouts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Final, Protocol

from gateway.model.limits import MAX_LAMBDA_RESPONSE_BYTES

MAX_RESPONSE_BYTES: Final = MAX_LAMBDA_RESPONSE_BYTES + 100  # what the service really takes, and says in its error
TOO_LARGE: Final = f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a runtime is not heard."""

    status: HTTPStatus
    error_type: str
    text: str


class Runtime(Protocol):
    """Who owns the dialogue, and hears what the runtime says. No method blocks or raises."""

    def polled(self) -> None:
        """The runtime waits for an event: ``offer`` may be called, once."""

    def poll_lost(self) -> None:
        """The runtime went away while it waited."""

    def responded(self, body: bytes) -> None: ...

    def response_too_large(self, size: int) -> None: ...

    def failed(self, error_type: str, body: bytes) -> None: ...

    def init_failed(self, error_type: str, body: bytes) -> None: ...

    def intruded(self) -> None:
        """Another program spoke as the runtime, or a second client asked for events: it was refused."""


class Client(Protocol):
    """Somebody who speaks as the runtime."""

    @property
    def is_open(self) -> bool: ...

    def give(self, event: RuntimeEvent) -> None:
        """The answer to its question for the next event; a no-op once it has gone."""


class Phase(Enum):
    """The service's words, as its refusals show them."""

    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    ANSWERED = "RuntimeResponseSentState"
    INIT_ERROR = "InitError"


class Dialogue:
    """A client asks (``next``, ``may_answer``) before it says what it says. After ``close`` the owner hears nothing."""

    __slots__ = ("_event", "_holder", "_phase", "_poll", "_runtime", "is_closed")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._poll: Client | None = None  # waits for an event
        self._holder: Client | None = None  # was given the event that is not answered yet
        self._event: RuntimeEvent | None = None
        self._phase = Phase.STARTED
        self.is_closed = False

    # The owner

    def offer(self, event: RuntimeEvent) -> None:
        """Hand ``event`` to the runtime that polls."""
        client, self._poll = self._poll, None
        assert client is not None and self._event is None
        self._event = event
        self._give(client, event)

    def close(self) -> None:
        self.is_closed = True

    # The clients

    def next(self, client: Client) -> Refusal | None:
        """``client`` waits for the next event, which it may be given before this returns."""
        if self._is_held_by_another(client):
            self._runtime.intruded()
            return self._not_allowed("Ready")
        if self._event is not None:
            self._give(client, self._event)  # asked again without an answer, as the service does
        else:
            self._phase = Phase.READY
            self._poll = client
            self._runtime.polled()
        return None

    def intrude(self) -> None:
        """Somebody connected who is not the runtime, and is not heard."""
        if not self.is_closed:
            self._runtime.intruded()

    def may_answer(self, request_id: str, wanted: str) -> Refusal | None:
        """None when the event of ``request_id`` waits for an answer; ``wanted`` is what it is called in a refusal."""
        if self._event is None:
            return self._not_allowed(wanted)
        if request_id != self._event.request_id:
            return Refusal(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
        return None

    def respond(self, body: bytes) -> None:
        self._end_turn()
        self._runtime.responded(body)

    def respond_too_large(self, size: int) -> None:
        self._end_turn()
        self._runtime.response_too_large(size)

    def fail(self, error_type: str, body: bytes) -> None:
        self._end_turn()
        self._runtime.failed(error_type, body)

    def may_fail_init(self) -> Refusal | None:
        return None if self._phase is Phase.STARTED else self._not_allowed("InitError")

    def fail_init(self, error_type: str, body: bytes) -> None:
        self._phase = Phase.INIT_ERROR
        self._runtime.init_failed(error_type, body)

    def lose(self, client: Client) -> None:
        """``client`` has gone."""
        if client is self._poll and not self.is_closed:
            self._poll = None
            self._runtime.poll_lost()

    def _is_held_by_another(self, client: Client) -> bool:
        poll, holder = self._poll, self._holder
        if poll is not None and poll is not client and poll.is_open:
            return True
        return holder is not None and holder is not client and holder.is_open

    def _give(self, client: Client, event: RuntimeEvent) -> None:
        self._phase = Phase.RUNNING
        self._holder = client
        client.give(event)

    def _end_turn(self) -> None:
        self._event = None
        self._holder = None
        self._phase = Phase.ANSWERED

    def _not_allowed(self, wanted: str) -> Refusal:
        return Refusal(HTTPStatus.FORBIDDEN, "InvalidStateTransition", _NOT_ALLOWED % (self._phase.value, wanted))
