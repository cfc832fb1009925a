"""The gates before ``$connect``, in AWS's order: required parameters, rates, who it is, the API key's usage plan.

Each either refuses the handshake or adds to what is known of the connection. Verdicts and texts are the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.access.authorizer import Allowed
from gateway.access.principal import Principals
from gateway.admission import Admission, KeyUse
from gateway.backends import Backends
from gateway.conversation import Opening
from gateway.counters import Counters, Limit
from gateway.engine import events
from gateway.engine import inputs as on
from gateway.engine.admission import limit_exceeded, subscription_of, too_many, unfulfilled
from gateway.engine.authorization import authorization_verdict, doubled_authorization, missing_identity, signed_identity
from gateway.engine.directory import Deployment
from gateway.engine.exchange import Exchange
from gateway.engine.responses import Refuse
from gateway.engine.route_plan import RoutePlan
from gateway.model.api import AuthorizationType
from gateway.model.backend import LambdaRequest
from gateway.model.ids import CONNECT
from gateway.model.integration import LambdaTarget
from gateway.model.invocation import Invocation
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS
from gateway.ports import Clock

CONNECT_RATE: Final = "the rate of new connections is exceeded"


@dataclass(slots=True)
class _Known:
    """What the gates that opened have found out."""

    identity: dict[str, str] = field(default_factory=dict)
    allowed: Allowed | None = None


class Gates:
    """``principals`` None: whoever signs is believed."""

    def __init__(
        self,
        backends: Backends,
        clock: Clock,
        admission: Admission,
        principals: Principals | None,
        counters: Counters | None = None,
    ) -> None:
        self._counters = counters or Counters()
        self._backends = backends
        self._clock = clock
        self._admission = admission
        self._principals = principals

    def stand_before(self, deployment: Deployment) -> bool:
        """Whether a handshake has anything to pass here."""
        plan = deployment.plans.get(CONNECT)
        return self._admission.bounds_connections or (plan is not None and plan.is_guarded)

    async def pass_through(self, opening: Opening, exchange: Exchange) -> on.Authorized | Refuse:
        """Everything the connection's record will say of who it is, or the first refusal."""
        plan = opening.deployment.plans.get(CONNECT)
        refusal = self._before(plan, exchange)
        if refusal is not None:
            return refusal
        known = _Known()
        if plan is not None:
            refusal = await self._identify(plan, opening, exchange, known)
            if refusal is None and plan.route.api_key_required:
                refusal = self._use_key(opening.deployment, exchange, known)
            if refusal is not None:
                return refusal
        authorizer = None if known.allowed is None else known.allowed.event_authorizer()
        return on.Authorized(authorizer, known.identity or None)

    def _before(self, plan: RoutePlan | None, exchange: Exchange) -> Refuse | None:
        """What needs no call: cheapest first for whoever floods."""
        refusal = None if plan is None else unfulfilled(plan, exchange)
        if refusal is not None:
            return refusal
        throttle = None if plan is None else plan.throttle
        now_ms = self._clock.now().monotonic_ms
        if self._admission.connection(exchange.endpoint, CONNECT, throttle, now_ms):
            return None
        self._counters.exceed(Limit.CONNECT_RATE)
        return too_many(exchange, CONNECT_RATE)

    async def _identify(self, plan: RoutePlan, opening: Opening, exchange: Exchange, known: _Known) -> Refuse | None:
        if plan.route.authorization_type is AuthorizationType.AWS_IAM:
            signed = signed_identity(exchange, self._principals)
            if isinstance(signed, Refuse):
                return signed
            known.identity |= signed
        elif plan.authorizer is not None:
            verdict = await self._ask(plan, plan.authorizer, opening, exchange)
            if isinstance(verdict, Refuse):
                return verdict
            known.allowed = verdict
        return None

    async def _ask(
        self, plan: RoutePlan, authorizer: LambdaTarget, opening: Opening, exchange: Exchange
    ) -> Allowed | Refuse:
        """Identity sources first: without them the authorizer is not called (parity 6.2)."""
        refusal = doubled_authorization(exchange) or missing_identity(plan.identity_sources, exchange)
        if refusal is not None:
            return refusal
        began = self._clock.now().monotonic_ms
        self._counters.invocations += 1
        result = await self._backends.call_function(_authorization(exchange, authorizer))
        opening.authorizer_latency_ms = self._clock.now().monotonic_ms - began
        verdict = authorization_verdict(result, exchange)
        if opening.entry is not None:
            opening.entry.authorized(result, opening.authorizer_latency_ms, isinstance(verdict, Refuse))
        return verdict

    def _use_key(self, deployment: Deployment, exchange: Exchange, known: _Known) -> Refuse | None:
        usage_identifier_key = None if known.allowed is None else known.allowed.usage_identifier_key
        subscription = subscription_of(deployment, exchange, usage_identifier_key)
        if isinstance(subscription, Refuse):
            return subscription
        match self._admission.key(subscription, self._clock.now()):
            case KeyUse.THROTTLED:
                return too_many(exchange, "the usage plan's rate for the API key is exceeded")
            case KeyUse.EXHAUSTED:
                return limit_exceeded(exchange)
            case KeyUse.ADMITTED:
                known.identity |= subscription.identity()
                return None


def _authorization(exchange: Exchange, authorizer: LambdaTarget) -> Invocation:
    return Invocation(
        exchange.connection.connection_id,
        exchange.occasion.request_id,
        CONNECT,
        LambdaRequest(authorizer, events.encode(events.authorizer(exchange))),
        MAX_INTEGRATION_TIMEOUT_MS,
        exchange.occasion.trace_id,
    )
