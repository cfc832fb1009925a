"""The backends that are not processes of this gateway, put together: web servers, AWS services, functions elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.backends import Backends
from gateway.functions_by_place import FunctionsByPlace
from gateway.lambda_api.event_queue import EventQueue
from gateway.model.aws import AwsEndpoint
from gateway.model.errors import UserError
from gateway.ports import Clock, Functions, Reporter
from gateway.settings import AWS_ITSELF
from gateway.upstream.credentials import NoCredentials, SdkCredentials
from gateway.upstream.functions import RemoteFunctions
from gateway.upstream.place import AwsPlace
from gateway.upstream.services import SignedServices
from gateway.upstream.web import WebServers

EVENTS_WITHIN_S: Final = 2.0  # for asynchronous invocations still running when the gateway stops


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``aws`` is where the template's services are, ``lambda_url`` where functions are that it does not define (None:
    nowhere); ``roots`` is a PEM file of the authorities to trust, ``environ`` what the SDK finds its keys by."""

    aws: AwsEndpoint
    lambda_url: str | None
    roots: Path
    environ: Mapping[str, str]
    clock: Clock
    reporter: Reporter


async def open_backends(stack: AsyncExitStack, elsewhere: Elsewhere, local: Functions) -> Backends:
    """Every kind of backend, until ``stack`` unwinds. Raises UserError when there are no keys for functions at AWS."""
    web = WebServers(elsewhere.roots)
    stack.push_async_callback(web.close)

    def services(place: AwsPlace) -> SignedServices:
        made = SignedServices(web, place, elsewhere.clock)
        stack.callback(made.close)
        return made

    functions = local
    if elsewhere.lambda_url is not None:
        place = await _lambda_place(stack, elsewhere, elsewhere.lambda_url)
        functions = FunctionsByPlace(local, RemoteFunctions(services(place)))
    events = EventQueue(functions, elsewhere.reporter)
    stack.push_async_callback(events.close, EVENTS_WITHIN_S)
    return Backends(functions, web, services(AwsPlace.emulator(elsewhere.aws)), events)


async def _lambda_place(stack: AsyncExitStack, elsewhere: Elsewhere, url: str) -> AwsPlace:
    """Keys are looked for now, so that their absence is told before anything is served; an emulator needs none."""
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
