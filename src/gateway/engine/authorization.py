"""The gate before ``$connect``: are the identity sources there, and what does the authorizer's answer mean.

Parity 1.3 and 6.2. Policies and answers are read by ``access``; here each outcome gets its status and body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from gateway.access import authorizer as answers
from gateway.access.identity import IdentitySource, all_present
from gateway.access.policy import Access
from gateway.engine import responses
from gateway.engine.exchange import Exchange
from gateway.model.ids import CONNECT
from gateway.model.invocation import FunctionResult

EXPLICIT_DENY: Final = (
    "User is not authorized to access this resource with an explicit deny in an identity-based policy"
)
IMPLICIT_DENY: Final = (
    "User is not authorized to access this resource because no identity-based policy allows the "
    "execute-api:Invoke action"
)


def missing_identity(sources: Iterable[IdentitySource], exchange: Exchange) -> responses.Refuse | None:
    """The 401 of a handshake without the authorizer's identity sources; None when all are present."""
    if exchange.handshake is None:
        raise AssertionError("only a handshake is authorized")
    if all_present(sources, exchange.handshake, exchange.context(), exchange.endpoint.stage.stage_variables):
        return None
    return _refuse(exchange, 401, responses.UNAUTHORIZED, "an identity source of the authorizer is missing")


def authorization_verdict(result: FunctionResult, exchange: Exchange) -> Mapping[str, str] | responses.Refuse:
    """The context that the connection's events carry from now on, or the refusal."""
    moment = datetime.fromtimestamp(exchange.occasion.now_ms // 1000, UTC)
    known = {"aws:SourceIp": exchange.connection.source_ip, "aws:CurrentTime": moment.isoformat()}
    answer = answers.judge(result, Access(exchange.endpoint.method_arn(CONNECT), context=known))
    if isinstance(answer, answers.Allowed):
        return answer.event_authorizer()
    return _refuse(exchange, *_refusal_of(answer))


def _refuse(exchange: Exchange, status: int, message: str | None, why: str) -> responses.Refuse:
    return responses.gateway_refusal(
        status, message, exchange.connection.connection_id, exchange.occasion.request_id, why
    )


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
