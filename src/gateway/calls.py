"""The calls that a connection's life leads to, each awaited to the input that answers it.

A call never raises for what a handler does; what a person should hear of a failed one goes to the reporter. Which
call is due and what its answer means is the lifecycle's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.conversation import Conversation, Opening
from gateway.engine import inputs as on
from gateway.engine import invocations, responses
from gateway.engine.authorization import authorization_verdict, missing_identity
from gateway.engine.endpoint import Directory, Endpoint
from gateway.engine.events import Occasion
from gateway.engine.routing import choose
from gateway.model.api import Route
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import CONNECT, DISCONNECT
from gateway.model.invocation import Invocation, InvocationResult, Returned
from gateway.ports import Clock, FunctionCall, Functions, Ids, Registry, Reporter

REGISTRY_AWAY: Final = "the connection table cannot be reached"


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports that calls go through."""

    functions: Functions
    registry: Registry
    clock: Clock
    ids: Ids
    reporter: Reporter


class Calls:
    """``directory`` may be replaced at any time; each call uses the newest."""

    def __init__(self, outside: Outside, directory: Directory) -> None:
        self._outside = outside
        self.directory = directory

    async def authorize(self, conversation: Conversation) -> on.Authorized | on.HandshakeRefused:
        """Identity sources first: without them the authorizer is not called (parity 6.2)."""
        opening = _opening(conversation)
        route = opening.endpoint.api.route(CONNECT)
        assert route is not None and route.authorizer is not None
        connection, occasion = conversation.connection, opening.occasion
        refusal = missing_identity(opening.endpoint, connection, opening.handshake, occasion)
        if refusal is not None:
            return on.HandshakeRefused(refusal)
        began = self._outside.clock.now().monotonic_ms
        result = await self._invoke(
            invocations.authorize(opening.endpoint, connection, opening.handshake, route, route.authorizer, occasion)
        )
        opening.authorizer_latency_ms = self._outside.clock.now().monotonic_ms - began
        verdict = authorization_verdict(result, opening.endpoint, connection, occasion)
        if isinstance(verdict, responses.Refuse):
            return on.HandshakeRefused(verdict)
        return on.Authorized(verdict)

    async def connect(self, conversation: Conversation) -> on.ConnectAccepted | on.HandshakeRefused:
        """Call the ``$connect`` integration."""
        opening = _opening(conversation)
        route = opening.endpoint.api.route(CONNECT)
        assert route is not None and route.integration is not None
        connection = conversation.connection
        invocation = invocations.connect(
            opening.endpoint,
            connection,
            opening.handshake,
            route,
            route.integration,
            opening.occasion,
            opening.authorizer_latency_ms,
        )
        answer = await self._proxy(invocation)
        verdict = responses.connect_verdict(answer, connection.connection_id, opening.occasion.request_id)
        if isinstance(verdict, responses.Refuse):
            return on.HandshakeRefused(verdict)
        return on.ConnectAccepted(verdict.subprotocol, self._outside.clock.now().monotonic_ms)

    async def message(self, conversation: Conversation, text: str) -> on.Reply | None:
        """Route one message; None when the client gets nothing for it."""
        connection = conversation.connection
        occasion = self._occasion()
        endpoint = self.directory.get(connection.api_id, connection.stage)
        route = None if endpoint is None else choose(endpoint.selection, endpoint.api.routes, text)
        if endpoint is None or route is None:
            return on.Reply(responses.error_frame(responses.FORBIDDEN, connection.connection_id, occasion.request_id))
        answer = await self._call_message(conversation, endpoint, route, occasion, text)
        reply = responses.message_reply(answer, route.two_way, connection.connection_id, occasion.request_id)
        return None if reply is None else on.Reply(reply)

    async def disconnect(self, conversation: Conversation, code: int, reason: str) -> on.Disconnected:
        """Call the ``$disconnect`` integration, if it exists; its result changes nothing (parity 9)."""
        connection = conversation.connection
        endpoint = self.directory.get(connection.api_id, connection.stage)
        route = None if endpoint is None else endpoint.api.route(DISCONNECT)
        if endpoint is not None and route is not None and route.integration is not None:
            invocation = invocations.disconnect(
                endpoint, connection, route, route.integration, self._occasion(), code=code, reason=reason
            )
            result = await self._invoke(invocation)
            if not isinstance(result, Returned):
                self._report(invocation, responses.read_result(result))
        return on.Disconnected()

    async def register(
        self, conversation: Conversation, authorizer: Mapping[str, str] | None
    ) -> on.Registered | on.RegistrationFailed:
        """Make the record durable; the authorizer's context is part of it from here on."""
        if authorizer is not None:
            conversation.connection = replace(conversation.connection, authorizer=authorizer)
        connection, opening = conversation.connection, conversation.opening
        request_id = opening.occasion.request_id if opening is not None else self._outside.ids.request_id()
        try:
            await self._outside.registry.register(connection)
        except RegistryUnavailable as error:
            self._outside.reporter.failed(f"{connection.connection_id} refused: {REGISTRY_AWAY}: {error}")
            refusal = responses.gateway_refusal(
                500, responses.INTERNAL_SERVER_ERROR, connection.connection_id, request_id, REGISTRY_AWAY
            )
            return on.RegistrationFailed(refusal)
        return on.Registered(self._outside.clock.now().monotonic_ms)

    async def unregister(self, conversation: Conversation) -> None:
        """Remove the record; one that cannot be removed now stays the registry's debt."""
        connection = conversation.connection
        try:
            await self._outside.registry.unregister(connection.owner, connection.connection_id)
        except RegistryUnavailable as error:
            self._outside.reporter.failed(f"record of {connection.connection_id} not removed yet: {error}")

    async def _call_message(
        self, conversation: Conversation, endpoint: Endpoint, route: Route, occasion: Occasion, text: str
    ) -> responses.ProxyResponse | responses.Failure:
        if route.integration is None:
            return responses.NO_INTEGRATION
        connection = conversation.connection
        message_id = self._outside.ids.message_id(connection.connection_id)
        return await self._proxy(
            invocations.message(
                endpoint, connection, route, route.integration, occasion, body=text, message_id=message_id
            )
        )

    async def _proxy(self, invocation: Invocation) -> responses.ProxyResponse | responses.Failure:
        answer = responses.read_result(await self._invoke(invocation))
        self._report(invocation, answer)
        return answer

    async def _invoke(self, invocation: Invocation) -> InvocationResult:
        target = invocation.target
        return await self._outside.functions.invoke(
            FunctionCall(
                function_name=target.function_name,
                payload=invocation.payload,
                wait_ms=invocation.timeout_ms,
                trace_id=invocation.trace_id,
                qualifier=target.qualifier,
                request_tag=invocation.request_id,
            )
        )

    def _report(self, invocation: Invocation, answer: responses.ProxyResponse | responses.Failure) -> None:
        if isinstance(answer, responses.Failure):
            why = f"{invocation.route.route_key}: {answer.why}"
            self._outside.reporter.invocation_failed(
                invocation.target.function_name, invocation.connection_id, invocation.request_id, why
            )

    def _occasion(self) -> Occasion:
        ids = self._outside.ids
        return Occasion(ids.request_id(), ids.trace_id(), self._outside.clock.now().wall_ms)


def _opening(conversation: Conversation) -> Opening:
    if conversation.opening is None:
        raise AssertionError("the upgrade is decided already")
    return conversation.opening
