"""``gateway.ports.AwsServices``: any AWS service, asked in its own protocol and signed.

    target + mapping's output -> description (a thread, once per service) -> draft -> keys -> SigV4 -> web server

An error of the service is an answer, with its status. Building and signing are CPU alone; sending is ``Upstreams``'.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

from gateway.model.aws import Credentials
from gateway.model.backend import ServiceRequest, UpstreamRequest
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import TimedOut, Unavailable, UpstreamResult
from gateway.ports import Clock, Upstreams
from gateway.upstream.actions import FORM, JSON, JSON_ANSWER, accept, action_draft
from gateway.upstream.credentials import NoCredentials
from gateway.upstream.descriptions import Descriptions, Service
from gateway.upstream.draft import Draft, content_type, encoded, path_text
from gateway.upstream.place import AwsPlace
from gateway.upstream.roles import Assumed, Roles
from gateway.upstream.signing import signed
from gateway.upstream.sts import assume_request, assumed
from gateway.upstream.web import STOPPING

THREADS: Final = 1  # that read descriptions
CALLERS_OWN: Final = "arn:aws:iam::*:user/*"  # CredentialsArn: no role, whoever calls
ASSUME_WITHIN_MS: Final = 10_000
_Place = tuple[str, str | None, str | None, str]


class SignedServices:
    """``upstreams`` stays its owner's to close."""

    def __init__(self, upstreams: Upstreams, place: AwsPlace, clock: Clock) -> None:
        self._upstreams = upstreams
        self._place = place
        self._roles = Roles(self._assume, clock)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="service descriptions")
        self._closed = False
        self._descriptions: Descriptions | None = None
        self._services: dict[_Place, Service] = {}

    async def call(self, request: ServiceRequest, wait_ms: int) -> UpstreamResult:
        if self._closed:
            return STOPPING
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_ms / 1000
        try:
            async with asyncio.timeout_at(deadline):
                ready = await self._ready(request)
        except TimeoutError:
            return TimedOut()
        except (ValueError, NoCredentials) as error:
            return Unavailable(str(error))
        return await self._upstreams.send(ready, max(1, round((deadline - loop.time()) * 1000)))

    def close(self) -> None:
        """End the thread; nothing is called any more."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ready(self, request: ServiceRequest) -> UpstreamRequest:
        """The request, signed. Raises ValueError when it cannot be made, NoCredentials without keys for it."""
        service = await self._service(request.target)
        draft = _path_draft(request) if service.operation is None else action_draft(request, service.operation)
        keys = await self._keys(request.credentials_arn)
        origin = self._place.origin(service.host)
        if service.bucket is not None and self._place.url is not None:
            origin += f"/{quote(service.bucket, safe='')}"
        return signed(draft, origin, keys, service.signing_name, service.region)

    async def _service(self, target: ServiceTarget) -> Service:
        region = target.region or self._place.region
        place = (target.service, target.subdomain, target.action, region)
        if (known := self._services.get(place)) is not None:
            return known
        loop = asyncio.get_running_loop()
        found = self._services[place] = await loop.run_in_executor(self._threads, self._find, target, region)
        return found

    def _find(self, target: ServiceTarget, region: str) -> Service:
        if self._descriptions is None:
            self._descriptions = Descriptions()
        return self._descriptions.find(target, region)

    async def _keys(self, credentials_arn: str | None) -> Credentials:
        if credentials_arn is None or credentials_arn == CALLERS_OWN or not self._place.assumes_roles:
            return await self._place.credentials.get()
        return await self._roles.keys(credentials_arn)

    async def _assume(self, arn: str) -> Assumed:
        request = assume_request(arn, self._place.region)
        operation = (await self._service(request.target)).operation
        assert operation is not None, "it is an action"
        return assumed(arn, await self.call(request, ASSUME_WITHIN_MS), operation)


def _path_draft(request: ServiceRequest) -> Draft:
    path, _, query = (request.target.path or "").partition("?")
    query = "&".join(filter(None, (query, encoded(request.query))))
    if accept(request.headers) is not None:
        return Draft(request.method, f"/{path_text(path)}", query, request.headers, request.body)
    headers, body = (*request.headers, ("Accept", JSON)), request.body
    if content_type(headers) == FORM and b"Action=" in body and b"ContentType=" not in body:
        body += f"&{encoded(JSON_ANSWER)}".encode("ascii")
    return Draft(request.method, f"/{path_text(path)}", query, headers, body)
