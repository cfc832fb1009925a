"""The backends that are not processes of this gateway, put together: web servers, AWS services, functions elsewhere.

Their adapters bring aiohttp and botocore, 25 MB and half a second, which most applications of functions alone never
need. So each is loaded and made when first asked, or before anything is served where it is known to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.backends import Backends
from gateway.functions_by_place import FunctionsByPlace
from gateway.lambda_api.event_queue import EventQueue
from gateway.model.aws import AwsEndpoint
from gateway.model.backend import ServiceRequest, UpstreamRequest
from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.model.integration import HttpTarget, ServiceTarget
from gateway.model.invocation import UpstreamResult
from gateway.ports import Clock, Functions, Reporter
from gateway.settings import AWS_ITSELF

if TYPE_CHECKING:
    from gateway.upstream.credentials import SdkCredentials
    from gateway.upstream.place import AwsPlace
    from gateway.upstream.services import SignedServices
    from gateway.upstream.web import WebServers

EVENTS_WITHIN_S: Final = 2.0  # for asynchronous invocations still running when the gateway stops


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``aws`` is where the template's services are, ``lambda_url`` where functions are that it does not define (None:
    nowhere); ``roots`` is a PEM file of the authorities to trust, ``environ`` what the SDK finds its keys by.
    ``at_once``: web servers or services will be asked, so that nobody shall wait for them to be loaded."""

    aws: AwsEndpoint
    lambda_url: str | None
    roots: Path
    environ: Mapping[str, str]
    clock: Clock
    reporter: Reporter
    at_once: bool = False


def leads_elsewhere(definition: Definition) -> bool:
    """Whether any route of it calls a web server or a service."""
    integrations = (route.integration for api in definition.apis for route in api.routes.values())
    return any(each is not None and isinstance(each.target, HttpTarget | ServiceTarget) for each in integrations)


async def open_backends(stack: AsyncExitStack, elsewhere: Elsewhere, local: Functions) -> Backends:
    """Every kind of backend, until ``stack`` unwinds. Raises UserError when there are no keys for functions at AWS."""
    web = _LateWeb(elsewhere)
    stack.push_async_callback(web.close)
    services = _LateServices(web, elsewhere)
    stack.callback(services.close)
    functions = local
    if elsewhere.lambda_url is not None:
        functions = FunctionsByPlace(local, await _remote(stack, elsewhere, elsewhere.lambda_url, web))
    if elsewhere.at_once:
        services.load()
    events = EventQueue(functions, elsewhere.reporter)
    stack.push_async_callback(events.close, EVENTS_WITHIN_S)
    return Backends(functions, web, services, events)


class _LateWeb:
    """``gateway.ports.Upstreams``."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        self._elsewhere = elsewhere
        self._made: WebServers | None = None

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        return await self.load().send(request, wait_ms)

    def load(self) -> WebServers:
        if self._made is None:
            from gateway.upstream.web import WebServers  # brings aiohttp

            self._made = WebServers(self._elsewhere.roots)
        return self._made

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


class _LateServices:
    """``gateway.ports.AwsServices``, where the template's are."""

    def __init__(self, web: _LateWeb, elsewhere: Elsewhere) -> None:
        self._web = web
        self._elsewhere = elsewhere
        self._made: SignedServices | None = None
        self._chain: SdkCredentials | None = None

    async def call(self, request: ServiceRequest, wait_ms: int) -> UpstreamResult:
        return await self.load().call(request, wait_ms)

    def load(self) -> SignedServices:
        if self._made is None:
            from gateway.upstream.services import SignedServices  # brings botocore

            self._made = SignedServices(self._web.load(), self._place(), self._elsewhere.clock)
        return self._made

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
        if self._chain is not None:
            self._chain.close()

    def _place(self) -> AwsPlace:
        """At AWS itself the SDK's chain is asked for keys whenever they are needed: those of a role are renewed."""
        from gateway.upstream.credentials import SdkCredentials
        from gateway.upstream.place import AwsPlace

        aws = self._elsewhere.aws
        if aws.url is not None:
            return AwsPlace.emulator(aws)
        self._chain = SdkCredentials(self._elsewhere.environ)
        return AwsPlace(aws.region, self._chain)


async def _remote(stack: AsyncExitStack, elsewhere: Elsewhere, url: str, web: _LateWeb) -> Functions:
    from gateway.upstream.functions import RemoteFunctions
    from gateway.upstream.services import SignedServices  # brings botocore

    place = await _lambda_place(stack, elsewhere, url)
    services = SignedServices(web.load(), place, elsewhere.clock)
    stack.callback(services.close)
    return RemoteFunctions(services)


async def _lambda_place(stack: AsyncExitStack, elsewhere: Elsewhere, url: str) -> AwsPlace:
    """Keys are looked for now, so that their absence is told before anything is served; an emulator needs none."""
    from gateway.upstream.credentials import NoCredentials, SdkCredentials
    from gateway.upstream.place import AwsPlace

    chain = SdkCredentials(elsewhere.environ)
    stack.callback(chain.close)
    try:
        await chain.get()
    except NoCredentials as error:
        if url != AWS_ITSELF:
            return AwsPlace.emulator(AwsEndpoint(url, elsewhere.aws.region))
        hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for the aws command"
        raise UserError(f"functions at AWS cannot be invoked: {error}", hint) from error
    return AwsPlace(elsewhere.aws.region, chain, None if url == AWS_ITSELF else url)
