"""The ways a function fails without having answered, in the words Lambda uses for them."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import Final

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES
from gateway.ports import Exit

_MAX_WHY: Final = 500  # characters of a function's own error shown in a log line


@dataclass(frozen=True, slots=True)
class Fault:
    """``why`` is one line for a person; ``message`` is what the caller reads, after ``RequestId: … Error: ``.

    ``reported`` is the error document of the runtime itself, handed on as it is; ``note`` is for the person only.
    """

    error_type: str
    message: str
    reported: bytes = b""
    note: str = ""

    @property
    def why(self) -> str:
        return _summary(self.reported) or self.message + self.note

    def payload(self, request_id: str) -> bytes:
        """The ``FunctionError`` document."""
        if self.reported:
            return self.reported
        text = f"RequestId: {request_id} Error: {self.message}"
        return json.dumps({"errorType": self.error_type, "errorMessage": text}).encode()


def timed_out(timeout_s: float) -> Fault:
    return Fault("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds")


def exited(end: Exit) -> Fault:
    if end.returncode == 0:
        return Fault("Runtime.ExitError", "Runtime exited without providing a reason")
    note = "" if end.held_bytes is None else f" (it held {end.held_bytes >> 20} MB, more than its MemorySize)"
    return Fault("Runtime.ExitError", f"Runtime exited with error: {_status(end)}", note=note)


def reported(error_type: str, body: bytes) -> Fault:
    """What the runtime said of an error in the handler or in its initialisation."""
    return Fault(
        error_type or "Runtime.Unknown", error_type or "the runtime reported an error without saying which", body
    )


def not_launched(message: str) -> Fault:
    return Fault("Runtime.InvalidEntrypoint", message)


@dataclass(frozen=True, slots=True)
class ResponseTooLarge:
    """A response over the limit; unlike every other error its text does not start with the request's id."""

    size: int

    @property
    def why(self) -> str:
        limit = f"maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)"
        return f"Response payload size ({self.size} bytes) exceeded {limit}."

    def payload(self, request_id: str) -> bytes:
        return json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": self.why}).encode()


def _status(end: Exit) -> str:
    if end.returncode is None:
        return end.error or "unknown"
    if end.returncode > 0:
        return f"exit status {end.returncode}"
    return f"signal: {str(signal.strsignal(-end.returncode)).lower()}"


def _summary(body: bytes) -> str:
    """``errorType: errorMessage`` of an error document, on one line."""
    try:
        document = json.loads(body)
    except ValueError:
        document = body.decode("utf-8", "replace")
    if isinstance(document, dict):
        parts = [str(document[key]) for key in ("errorType", "errorMessage") if document.get(key)]
        text = ": ".join(parts)
    else:
        text = str(document)
    return " ".join(text.split())[:_MAX_WHY]
