"""The gate before ``$connect``: are the identity sources there, and what does the authorizer's answer mean.

Parity 1.3 and 6.2. Policies and answers are read by ``access``; here each outcome gets its status and body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gateway.access import authorizer as answers
from gateway.access.identity import all_present
from gateway.access.policy import Access
from gateway.engine import events, responses
from gateway.engine.endpoint import Endpoint
from gateway.engine.events import Occasion
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT
from gateway.model.invocation import InvocationResult

EXPLICIT_DENY: Final = (
    "User is not authorized to access this resource with an explicit deny in an identity-based policy"
)
IMPLICIT_DENY: Final = (
    "User is not authorized to access this resource because no identity-based policy allows the "
    "execute-api:Invoke action"
)


def missing_identity(
    endpoint: Endpoint, connection: Connection, handshake: Handshake, occasion: Occasion
) -> responses.Refuse | None:
    """The 401 of a handshake without the authorizer's identity sources; None when all are present."""
    context = _flat_context(connection, occasion)
    if all_present(endpoint.identity_sources, handshake, context, endpoint.stage.stage_variables):
        return None
    return responses.gateway_refusal(
        401,
        responses.UNAUTHORIZED,
        connection.connection_id,
        occasion.request_id,
        "an identity source of the authorizer is missing",
    )


def authorization_verdict(
    result: InvocationResult, endpoint: Endpoint, connection: Connection, occasion: Occasion
) -> Mapping[str, str] | responses.Refuse:
    """The context that the connection's events carry from now on, or the refusal."""
    moment = datetime.fromtimestamp(occasion.now_ms // 1000, UTC)
    known = {"aws:SourceIp": connection.source_ip, "aws:CurrentTime": moment.isoformat()}
    answer = answers.judge(result, Access(endpoint.method_arn(CONNECT), context=known))
    if isinstance(answer, answers.Allowed):
        return answer.event_authorizer()
    status, message, why = _refusal_of(answer)
    return responses.gateway_refusal(status, message, connection.connection_id, occasion.request_id, why)


def _refusal_of(
    answer: answers.Denied | answers.Unauthorized | answers.Malformed | answers.Failed,
) -> tuple[int, str | None, str]:
    match answer:
        case answers.Denied(explicit=True):
            return 403, EXPLICIT_DENY, "the authorizer denies"
        case answers.Denied():
            return 403, IMPLICIT_DENY, "the authorizer's policy does not allow execute-api:Invoke on $connect"
        case answers.Unauthorized():
            return 401, responses.UNAUTHORIZED, "the authorizer threw Unauthorized"
        case answers.Malformed(why):
            return 500, None, f"the authorizer's answer is malformed: {why}"
        case answers.Failed(why):
            return 500, responses.INTERNAL_SERVER_ERROR, f"the authorizer failed: {why}"


def _flat_context(connection: Connection, occasion: Occasion) -> dict[str, str]:
    """Names as in parity 5.3."""
    context = {
        "routeKey": CONNECT,
        "apiId": connection.api_id,
        "stage": connection.stage,
        "connectionId": connection.connection_id,
        "connectedAt": str(connection.connected_at_ms),
        "domainName": connection.domain_name,
        "requestId": occasion.request_id,
        "extendedRequestId": occasion.request_id,
        "requestTime": events.clf_time(occasion.now_ms),
        "requestTimeEpoch": str(occasion.now_ms),
        "identity.sourceIp": connection.source_ip,
    }
    if connection.user_agent is not None:
        context["identity.userAgent"] = connection.user_agent
    return context
