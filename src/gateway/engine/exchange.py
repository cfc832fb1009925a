"""One event of one connection, with everything that documents, mappings, authorization and logs say about it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final

from gateway.engine.endpoint import Endpoint
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.hot_value import hot_value
from gateway.model.ids import MessageId, RequestId

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class EventType(Enum):
    """requestContext.eventType."""

    CONNECT = "CONNECT"
    MESSAGE = "MESSAGE"
    DISCONNECT = "DISCONNECT"


@hot_value
class Occasion:
    """The one event a document is about: its ID, its X-Ray trace, and Unix time in milliseconds."""

    request_id: RequestId
    trace_id: str
    now_ms: int


@hot_value
class Exchange:
    """``handshake`` is set on CONNECT only; ``body`` and ``message_id`` on MESSAGE only, ``is_base64`` where that body
    is bytes in base64; ``close`` (code, reason) on DISCONNECT only; ``authorizer_latency_ms`` on CONNECT after an
    authorizer."""

    endpoint: Endpoint
    connection: Connection
    occasion: Occasion
    event_type: EventType
    route_key: str
    handshake: Handshake | None = None
    body: str | None = None
    message_id: MessageId | None = None
    close: tuple[int, str] | None = None
    authorizer_latency_ms: int | None = None
    is_base64: bool = False

    def context(self) -> dict[str, str]:
        """``$context`` flattened, by the names of parity 5.3 (``connectionId``, ``identity.sourceIp``,
        ``authorizer.principalId``); what is unknown is absent."""
        connection, occasion = self.connection, self.occasion
        known: dict[str, object] = {
            "routeKey": self.route_key,
            "messageId": self.message_id,
            "eventType": self.event_type.value,
            "extendedRequestId": occasion.request_id,
            "requestTime": clf_time(occasion.now_ms),
            "messageDirection": "IN",
            "disconnectStatusCode": None if self.close is None else self.close[0],
            "disconnectReason": None if self.close is None else self.close[1],
            "stage": connection.stage,
            "connectedAt": connection.connected_at_ms,
            "requestTimeEpoch": occasion.now_ms,
            "requestId": occasion.request_id,
            "domainName": connection.domain_name,
            "connectionId": connection.connection_id,
            "apiId": connection.api_id,
            "identity.sourceIp": connection.source_ip,
            "identity.userAgent": connection.user_agent,
        }
        known |= {f"identity.{name}": value for name, value in (connection.identity or {}).items()}
        known |= {f"authorizer.{name}": value for name, value in (connection.authorizer or {}).items()}
        return {name: str(value) for name, value in known.items() if value is not None}


def clf_time(epoch_ms: int) -> str:
    """``25/Sep/2026:00:23:04 +0000``, independent of the locale."""
    return _clf_second(epoch_ms // 1000)


@lru_cache(maxsize=8)  # everything that happens now happens in the same second
def _clf_second(epoch_s: int) -> str:
    t = datetime.fromtimestamp(epoch_s, UTC)
    return f"{t.day:02}/{_MONTHS[t.month - 1]}/{t.year}:{t.hour:02}:{t.minute:02}:{t.second:02} +0000"
