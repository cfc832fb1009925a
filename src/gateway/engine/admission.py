"""What the gates before ``$connect`` answer when they do not open, and what they let through (parity 1.3)."""

from __future__ import annotations

from typing import Final

from gateway.access.api_keys import KeySource, Subscription
from gateway.engine import responses
from gateway.engine.directory import Deployment
from gateway.engine.exchange import Exchange
from gateway.engine.required_parameters import missing_parameters
from gateway.engine.route_plan import RoutePlan

API_KEY_HEADER: Final = "x-api-key"


def unfulfilled(plan: RoutePlan, exchange: Exchange) -> responses.Refuse | None:
    """The 400 of a handshake without a required parameter, in the words of REST APIs (assumed)."""
    if exchange.handshake is None or not plan.required:
        return None
    missing = missing_parameters(plan.required, exchange.handshake)
    if not missing:
        return None
    message = f"Missing required request parameters: [{', '.join(missing)}]"
    return refuse(exchange, 400, message, "a required request parameter is missing")


def too_many(exchange: Exchange, why: str) -> responses.Refuse:
    """429: a rate is exceeded."""
    return refuse(exchange, 429, responses.TOO_MANY_REQUESTS, why)


def limit_exceeded(exchange: Exchange) -> responses.Refuse:
    """429: a usage plan's quota is used up."""
    return refuse(exchange, 429, responses.LIMIT_EXCEEDED, "the usage plan's quota for the API key is used up")


def subscription_of(
    deployment: Deployment, exchange: Exchange, usage_identifier_key: str | None
) -> Subscription | responses.Refuse:
    """The usage plan that the client's API key belongs to; 403 without one for this stage (parity 6.2)."""
    if deployment.key_source is KeySource.AUTHORIZER:
        value = usage_identifier_key
    else:
        value = None if exchange.handshake is None else exchange.handshake.header(API_KEY_HEADER)
    subscription = deployment.subscriptions.get(value or "")
    if subscription is not None:
        return subscription
    why = "there is no API key" if not value else "the API key is in no usage plan of this stage, or disabled"
    return refuse(exchange, 403, responses.FORBIDDEN, why)


def refuse(exchange: Exchange, status: int, message: str | None, why: str) -> responses.Refuse:
    """The gateway's own refusal of this handshake."""
    return responses.gateway_refusal(
        status, message, exchange.connection.connection_id, exchange.occasion.request_id, why
    )
