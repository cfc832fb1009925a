"""The calls that a connection's life leads to, each awaited to the input that answers it.

A call never raises for what a handler does; what a person should hear of a failed one goes to the reporter. Which
call is due and what its answer means is the lifecycle's matter.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.access.origin import Origins
from gateway.access.principal import Principals
from gateway.admission import Admission
from gateway.backends import Backends
from gateway.conversation import Conversation, Opening
from gateway.counters import Counters, Limit
from gateway.engine import inputs as on
from gateway.engine import responses
from gateway.engine.commands import Register
from gateway.engine.directory import Deployment, Directory
from gateway.engine.exchange import EventType, Exchange, Occasion
from gateway.engine.integrations.plan import IntegrationPlan
from gateway.engine.responses import Failure, ProxyResponse
from gateway.engine.route_plan import RoutePlan
from gateway.engine.routing import choose
from gateway.gates import Gates
from gateway.journal import Entry, StageJournal
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import CONNECT, DISCONNECT, RequestId, RouteKey, disconnect_request_id
from gateway.model.invocation import Invocation
from gateway.model.now import Now
from gateway.ports import Clock, Ids, Registry, Reporter
from gateway.sharing import SharedMappings

NO_ROUTE: Final = RouteKey("")  # the route key of a message that no route takes
REGISTRY_AWAY: Final = "the connection table cannot be reached"

Undelivered = Callable[[Connection, int, str, str], bool]


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports that calls go through; ``journal`` is None when no stage's logs are kept, ``principals`` when whoever
    signs is believed. ``undelivered`` is offered a ``$disconnect`` (connection, code, reason, why) that did not
    reach its handler, and says whether it takes over; None where nobody does. ``origins`` None: pages from anywhere may
    connect."""

    backends: Backends
    registry: Registry
    clock: Clock
    ids: Ids
    reporter: Reporter
    journal: StageJournal | None = None
    admission: Admission = field(default_factory=Admission)
    principals: Principals | None = None
    undelivered: Undelivered | None = None
    counters: Counters = field(default_factory=Counters)
    origins: Origins | None = None


class Calls:
    """``directory`` may be replaced at any time; each call uses the newest."""

    def __init__(self, outside: Outside, directory: Directory) -> None:
        self._outside = outside
        self._shared = SharedMappings()
        self.gates = Gates(outside.backends, outside.clock, outside.admission, outside.principals, outside.counters)
        self.directory = directory

    async def authorize(self, conversation: Conversation) -> on.Authorized | on.HandshakeRefused:
        """Have the handshake pass the gates before ``$connect``."""
        opening = _opening(conversation)
        passed = await self.gates.pass_through(opening, connect_exchange(conversation, opening))
        return passed if isinstance(passed, on.Authorized) else on.HandshakeRefused(passed)

    async def connect(self, conversation: Conversation) -> on.ConnectAccepted | on.HandshakeRefused:
        """Call the ``$connect`` integration."""
        opening = _opening(conversation)
        integration = opening.deployment.plans[CONNECT].integration
        assert integration is not None, "the lifecycle asks for $connect only where there is an integration"
        exchange = connect_exchange(conversation, opening)
        answer = await self._integrate(integration, exchange, opening.entry)
        if opening.entry is not None:
            opening.entry.reads(answer)
        verdict = responses.connect_verdict(answer, conversation.connection.connection_id, opening.occasion.request_id)
        if isinstance(verdict, responses.Refuse):
            return on.HandshakeRefused(verdict)
        return on.ConnectAccepted(verdict.subprotocol, self._outside.clock.now().monotonic_ms)

    async def message(self, conversation: Conversation, content: str | bytes) -> on.Reply | None:
        """Route one message; None when the client gets nothing for it. A binary one is nothing that a route could be
        selected by, as text that is no JSON."""
        connection = conversation.connection
        now = self._outside.clock.now()
        occasion = self._occasion(now)
        deployment = self._deployment(conversation)
        if deployment is None:
            forbidden = responses.error_frame(responses.FORBIDDEN, connection.connection_id, occasion.request_id)
            return on.Reply(forbidden, now.monotonic_ms)
        is_binary = isinstance(content, bytes)
        body = b64encode(content).decode() if isinstance(content, bytes) else content
        plan = choose(deployment.selection, deployment.plans, "" if is_binary else body)
        route_key = NO_ROUTE if plan is None else plan.route.route_key
        message_id = self._outside.ids.message_id(connection.connection_id)
        exchange = Exchange(
            deployment.endpoint,
            connection,
            occasion,
            EventType.MESSAGE,
            route_key,
            body=body,
            message_id=message_id,
            is_base64=is_binary,
        )
        entry = self._entry(deployment)
        throttle = None if plan is None else plan.throttle
        answer: ProxyResponse | Failure = responses.THROTTLED
        if self._outside.admission.message(deployment.endpoint, route_key, throttle, now.monotonic_ms):
            answer = await self._answer(plan, exchange, entry)
        else:
            self._outside.counters.exceed(Limit.REQUEST_RATE)
        if entry is not None:
            entry.reads(answer)
            entry.ends(exchange)
        two_way = plan is not None and plan.route.two_way
        reply = responses.message_reply(answer, two_way, connection.connection_id, occasion.request_id, message_id)
        return None if reply is None else on.Reply(reply, self._outside.clock.now().monotonic_ms)

    async def _answer(self, plan: RoutePlan | None, exchange: Exchange, entry: Entry | None) -> ProxyResponse | Failure:
        """What a message comes to: the integration's answer, or why it was not asked."""
        if plan is None:
            return responses.NO_SUCH_ROUTE
        text = "" if exchange.is_base64 else exchange.body or ""  # bytes are no JSON, whatever they are in base64
        if plan.validation is not None and (why := plan.validation.violation(text)) is not None:
            invalid = Failure(responses.BAD_REQUEST_BODY, 400, why)
            self._report("the model", exchange, invalid)
            return invalid
        if plan.integration is None:
            return responses.NO_INTEGRATION
        return await self._integrate(plan.integration, exchange, entry)

    async def disconnect(self, connection: Connection, code: int, reason: str) -> Failure | None:
        """Call the ``$disconnect`` integration, if it exists; its result changes nothing for the client (parity 9).

        The event's request ID is derived from the connection's: should it be delivered twice, by two nodes, both carry
        the same one. Returns why it failed, None when it was delivered or there is nobody to deliver it to.
        """
        deployment = self.directory.get(connection.api_id, connection.stage)
        if deployment is None:
            return None
        plan, entry = deployment.plans.get(DISCONNECT), self._entry(deployment)
        integration = None if plan is None else plan.integration
        if integration is None and entry is None:
            return None
        exchange = Exchange(
            deployment.endpoint,
            connection,
            self._occasion(self._outside.clock.now(), disconnect_request_id(connection.connection_id)),
            EventType.DISCONNECT,
            DISCONNECT,
            close=(code, reason),
        )
        answer: ProxyResponse | Failure | None = None
        if integration is not None:
            answer = await self._integrate(integration, exchange, entry)
            if entry is not None:
                entry.reads(answer)
        if entry is not None:
            entry.ends(exchange)
        return answer if isinstance(answer, Failure) and not answer.is_malformed else None

    async def register(self, conversation: Conversation, register: Register) -> on.Registered | on.RegistrationFailed:
        """Make the record durable; what the gates found out is part of it from here on."""
        if register.authorizer is not None or register.identity is not None:
            conversation.connection = replace(
                conversation.connection,
                authorizer=self._shared.of(register.authorizer),
                identity=self._shared.of(register.identity),
            )
        connection, opening = conversation.connection, conversation.opening
        request_id = opening.occasion.request_id if opening is not None else self._outside.ids.request_id()
        try:
            await self._outside.registry.register(connection)
        except RegistryUnavailable as error:
            self._outside.reporter.failed(f"{connection.connection_id} refused: {REGISTRY_AWAY}: {error}")
            refusal = responses.registry_refusal(connection.connection_id, request_id, REGISTRY_AWAY)
            return on.RegistrationFailed(refusal)
        return on.Registered(self._outside.clock.now().monotonic_ms)

    async def unregister(self, conversation: Conversation) -> None:
        """Remove the record; one that cannot be removed now stays the registry's debt."""
        connection = conversation.connection
        try:
            await self._outside.registry.unregister(connection.owner, connection.connection_id)
        except RegistryUnavailable as error:
            self._outside.reporter.failed(f"record of {connection.connection_id} not removed yet: {error}")

    def _entry(self, deployment: Deployment) -> Entry | None:
        journal = self._outside.journal
        return None if journal is None else journal.begin(deployment.logging)

    async def _integrate(
        self, integration: IntegrationPlan, exchange: Exchange, entry: Entry | None
    ) -> ProxyResponse | Failure:
        """Ask the backend and read its answer; a failure is told to the reporter."""
        request = integration.request(exchange)
        if isinstance(request, Failure):
            self._report("mapping", exchange, request)
            return request
        invocation = Invocation(
            exchange.connection.connection_id,
            exchange.occasion.request_id,
            exchange.route_key,
            request,
            integration.timeout_ms,
            exchange.occasion.trace_id,
        )
        if entry is not None:
            entry.asks(request)
        self._outside.counters.invocations += 1
        result = await self._outside.backends.call(invocation)
        if entry is not None:
            entry.answered(result)
        answer = integration.answer(exchange, result)
        if isinstance(answer, Failure):
            self._report(str(request), exchange, answer)
        return answer

    def _report(self, backend: str, exchange: Exchange, failure: Failure) -> None:
        if failure.is_told or (failure.is_malformed and exchange.event_type is EventType.DISCONNECT):
            return  # nobody reads what $disconnect returns
        self._outside.reporter.invocation_failed(
            backend,
            exchange.connection.connection_id,
            exchange.occasion.request_id,
            f"{exchange.route_key}: {failure.why}",
        )

    def _deployment(self, conversation: Conversation) -> Deployment | None:
        return self.directory.get(conversation.connection.api_id, conversation.connection.stage)

    def _occasion(self, now: Now, request_id: RequestId | None = None) -> Occasion:
        ids = self._outside.ids
        return Occasion(request_id or ids.request_id(), ids.trace_id(), now.wall_ms)


def connect_exchange(conversation: Conversation, opening: Opening) -> Exchange:
    """The exchange of a handshake, with what is known of its connection by now."""
    return Exchange(
        opening.deployment.endpoint,
        conversation.connection,
        opening.occasion,
        EventType.CONNECT,
        CONNECT,
        handshake=opening.handshake,
        authorizer_latency_ms=opening.authorizer_latency_ms,
    )


def _opening(conversation: Conversation) -> Opening:
    if conversation.opening is None:
        raise AssertionError("the upgrade is decided already")
    return conversation.opening
