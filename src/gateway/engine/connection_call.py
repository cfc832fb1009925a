"""One call of the management API as a stage's logs tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.engine.endpoint import Endpoint
from gateway.engine.outcome import Error, Phase, ResponseType, message_of, response_type

BAD_REQUEST: Final = 400  # a body, to AWS, although only the ID can be wrong
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class ConnectionCall:
    """``request_id`` is ``x-amzn-RequestId``, ``extended_request_id`` is ``x-amz-apigw-id``; ``at_ms`` is Unix time;
    ``fault`` is ``x-amzn-ErrorType``, None for a success."""

    endpoint: Endpoint
    method: str
    connection_id: str
    request_id: str
    extended_request_id: str
    at_ms: int
    source_ip: str
    user_agent: str | None
    status: int
    fault: str | None = None
    request_body: bytes = b""
    response_body: bytes = b""

    @property
    def route_key(self) -> str:
        return f"{self.method} /@connections/{{connectionId}}"

    @property
    def error(self) -> Error | None:
        """AWS's rows have a status and nothing else for a connection that is gone (parity 10)."""
        if self.fault is None or self.status == GONE:
            return None
        message = message_of(self.response_body)
        if self.status == BAD_REQUEST:
            return Error(message, ResponseType.BAD_REQUEST_BODY)
        return Error(message, response_type(self.status, message, Phase.ADMISSION))
