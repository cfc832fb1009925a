"""Who a handshake is from: by its signature, or by what an authorizer answers. And what either must bring along.

Parity 1.3 and 6.2. Signatures, policies and answers are read by ``access``; here each outcome gets its status and body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.access import authorizer as answers
from gateway.access.identity import IdentitySource, all_present
from gateway.access.policy import Access
from gateway.access.principal import Principals
from gateway.access.request_context import request_context
from gateway.access.signature import Refusal
from gateway.access.sigv4 import Realm, authenticate
from gateway.engine import responses
from gateway.engine.admission import refuse
from gateway.engine.exchange import Exchange
from gateway.model.handshake import Handshake
from gateway.model.http import HttpRequest
from gateway.model.ids import CONNECT
from gateway.model.invocation import FunctionResult

EXPLICIT_DENY: Final = (
    "User is not authorized to access this resource with an explicit deny in an identity-based policy"
)
IMPLICIT_DENY: Final = (
    "User is not authorized to access this resource because no identity-based policy allows the "
    "execute-api:Invoke action"
)
BAD_REQUEST_PAGE: Final = (
    b"<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n"
    b"<center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n"
)


def missing_identity(sources: Iterable[IdentitySource], exchange: Exchange) -> responses.Refuse | None:
    """The 401 of a handshake without the authorizer's identity sources; None when all are present."""
    if all_present(sources, _handshake(exchange), exchange.context(), exchange.endpoint.stage.stage_variables):
        return None
    return refuse(exchange, 401, responses.UNAUTHORIZED, "an identity source of the authorizer is missing")


def authorization_verdict(result: FunctionResult, exchange: Exchange) -> answers.Allowed | responses.Refuse:
    """What the authorizer lets in, or the refusal."""
    answer = answers.judge(result, _access(exchange))
    return answer if isinstance(answer, answers.Allowed) else refuse(exchange, *_refusal_of(answer))


def signed_identity(exchange: Exchange, principals: Principals | None) -> Mapping[str, str] | responses.Refuse:
    """What ``requestContext.identity`` gains by ``AWS_IAM``, or the refusal; ``principals`` None believes anybody."""
    handshake, endpoint = _handshake(exchange), exchange.endpoint
    request = HttpRequest(
        "GET", handshake.path, handshake.query, handshake.headers, b"", handshake.source_ip, endpoint.domain_name
    )
    realm = Realm(endpoint.region, endpoint.account_id)
    signed = authenticate(request, realm, principals, exchange.occasion.now_ms)
    refusal = signed if isinstance(signed, Refusal) else signed.refusal(_access(exchange))
    if refusal is not None:
        return responses.service_refusal(
            refusal.error_type, refusal.member, refusal.message, exchange.occasion.request_id
        )
    assert not isinstance(signed, Refusal)
    return signed.identity()


def doubled_authorization(exchange: Exchange) -> responses.Refuse | None:
    """The 400 of a handshake with two Authorization headers where an authorizer would read them (parity 1.3)."""
    given = [name for name, _ in _handshake(exchange).headers if name.lower() == "authorization"]
    if len(given) < 2:
        return None
    return responses.Refuse(400, (("Content-Type", "text/html"),), BAD_REQUEST_PAGE, "two Authorization headers")


def _access(exchange: Exchange) -> Access:
    """Invoking ``$connect``, with the condition keys that are known of a handshake."""
    connection, is_secure = exchange.connection, _handshake(exchange).secure
    context = request_context(connection.source_ip, is_secure, connection.user_agent, exchange.occasion.now_ms)
    return Access(exchange.endpoint.method_arn(CONNECT), context=context)


def _handshake(exchange: Exchange) -> Handshake:
    if exchange.handshake is None:
        raise AssertionError("only a handshake is authorized")
    return exchange.handshake


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
