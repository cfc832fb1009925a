"""What a REQUEST authorizer's answer means for the upgrade (parity 1.3, 6.2).

``judge`` turns the end of the invocation into one value of a closed union; which status and body each becomes is the
engine's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.access.policy import Access, Decision, evaluate
from gateway.model.invocation import FunctionError, FunctionResult, Returned, TimedOut
from gateway.model.json_text import Json, NotJson, read_bytes, text_of
from gateway.model.limits import MAX_AUTHORIZER_RESULT_BYTES

UNAUTHORIZED: Final = "Unauthorized"  # the one error message that means 401, compared exactly


@dataclass(frozen=True, slots=True)
class Allowed:
    """``principal_id`` is None when the authorizer gave none, which events then omit; ``context`` has no nulls."""

    principal_id: str | None
    context: Mapping[str, str]
    usage_identifier_key: str | None = None

    def event_authorizer(self) -> dict[str, str]:
        """``requestContext.authorizer`` of every event: the context, then ``principalId`` if there is one."""
        principal = {} if self.principal_id is None else {"principalId": self.principal_id}
        return {**self.context, **principal}


@dataclass(frozen=True, slots=True)
class Denied:
    """403; ``explicit`` when a Deny statement applied, else nothing allowed."""

    explicit: bool


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401: the authorizer threw exactly ``Unauthorized``."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """500 with an empty message: the authorizer answered something that is no authorizer's answer."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """500 ``Internal server error``: the authorizer threw something else or could not be called."""

    why: str


Authorization = Allowed | Denied | Unauthorized | Malformed | Failed


def judge(result: FunctionResult, access: Access) -> Authorization:
    """The authorization that an authorizer's invocation ended in. Never raises."""
    if isinstance(result, Returned):
        return read_answer(result.payload, access)
    if isinstance(result, FunctionError):
        return _judge_error(result.payload)
    return Failed("the authorizer did not answer in time" if isinstance(result, TimedOut) else result.reason)


def read_answer(payload: bytes, access: Access) -> Allowed | Denied | Malformed:
    """The meaning of what an authorizer returned: JSON of at most 8 KB. Never raises."""
    if len(payload) > MAX_AUTHORIZER_RESULT_BYTES:
        return Malformed(f"the result is longer than {MAX_AUTHORIZER_RESULT_BYTES} bytes")
    try:
        answer = read_bytes(payload)
    except NotJson as error:
        return Malformed(f"the result is not JSON: {error}")
    if not isinstance(answer, dict):
        return Malformed("the result is not an object")
    try:
        return _read(answer, access)
    except _Misfit as misfit:
        return Malformed(str(misfit))


class _Misfit(ValueError):
    pass


def _read(answer: dict[str, Json], access: Access) -> Allowed | Denied | Malformed:
    allowed = Allowed(
        _scalar("principalId", answer.get("principalId")),
        _context(answer.get("context")),
        _scalar("usageIdentifierKey", answer.get("usageIdentifierKey")),
    )
    match evaluate(answer.get("policyDocument"), access):
        case Decision.ALLOWED:
            return allowed
        case Decision.EXPLICIT_DENY:
            return Denied(explicit=True)
        case Decision.IMPLICIT_DENY:
            return Denied(explicit=False)
        case Decision.MALFORMED:
            return Malformed("policyDocument is missing or not an IAM policy")


def _context(value: Json) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Misfit("context is not an object")
    texts = {name: _scalar(f"context.{name}", each) for name, each in value.items()}
    return {name: text for name, text in texts.items() if text is not None}


def _scalar(name: str, value: Json) -> str | None:
    if isinstance(value, dict | list):
        raise _Misfit(f"{name} is not a text, a number or a boolean")
    return None if value is None else text_of(value)


def _judge_error(payload: bytes) -> Unauthorized | Failed:
    try:
        error = read_bytes(payload)
    except NotJson:
        error = None
    if not isinstance(error, dict):
        return Failed("the authorizer failed")
    if error.get("errorMessage") == UNAUTHORIZED:
        return Unauthorized()
    said = (error.get("errorType"), error.get("errorMessage"))
    return Failed(": ".join(text for text in said if isinstance(text, str) and text) or "the authorizer failed")
